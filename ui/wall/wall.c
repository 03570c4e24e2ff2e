#include "ui/wall/wall.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/assess/assess.h"
#include "core/base/clock.h"
#include "core/fleet/snapshot.h"
#include "ui/canvas.h"
#include "ui/figure.h"
#include "ui/stage_view.h"
#include "ui/wall/digits.h"
#include "ui/wrap.h"

#define TEXT_BYTES 400
#define SIDE_LEAST 140
#define SIDE_COLUMNS 78

/* What every part of the face is given. */
struct face {
	const struct wall_model *model;
	struct canvas *canvas;
	struct window window;
	int columns, rows;
};

bool wall_is_stale(const struct wall_model *model)
{
	if (!model->assessment)
		return true;
	int64_t age_ms = assessment_age_ms(model->assessment, model->now_ms);
	return age_ms < 0 || age_is_stale(model->snapshot, age_ms);
}

static void upper(char *text)
{
	for (; *text; text++)
		*text = (char)(*text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text);
}

static bool is_prod(const char *environment)
{
	return environment && strncasecmp(environment, "prod", 4) == 0;
}

/* The clock blinks: a picture that stands still is seen to stand still. */
static void clock_text(const struct face *face, char *out, size_t size)
{
	char clock[CLOCK_TEXT_BYTES];
	clock_format_time(face->model->now_ms, clock);
	snprintf(out, size, "%sZ %s", clock, face->model->now_ms / 1000 % 2 == 0 ? "*" : " ");
}

static void top_draw(const struct face *face)
{
	const struct assessment *assessment = face->model->assessment;
	char right[TEXT_BYTES], clock[64], environment[96], elapsed[FIGURE_BYTES] = "";
	enum severity severity = assessment->severity;
	clock_text(face, clock, sizeof clock);
	snprintf(environment, sizeof environment, "%.60s",
		face->model->environment ? face->model->environment : "");
	upper(environment);
	if (assessment->incident_start_ms > 0)
		figure_elapsed(face->model->now_ms - assessment->incident_start_ms, elapsed);
	if (face->columns >= 60)
		snprintf(right, sizeof right, "%s  %s%s%s%s ", environment,
			elapsed[0] ? "INCIDENT T" : "", elapsed, elapsed[0] ? "  " : "", clock);
	else
		snprintf(right, sizeof right, "%s ", clock);
	int width = (int)strlen(right);
	canvas_fill(face->canvas, 0, 0, 1, face->columns, state_role(severity));
	int at = 1 + canvas_text(face->canvas, 0, 1, 8, state_role(severity), state_word(severity));
	char phase[64];
	snprintf(phase, sizeof phase, "  %s", phase_name(assessment->phase));
	upper(phase);
	canvas_text(face->canvas, 0, at, face->columns - at, state_role(severity), phase);
	canvas_text_right(face->canvas, 0, face->columns - width, width,
		is_prod(face->model->environment) ? ROLE_BANNER_PROD : ROLE_BANNER, right);
}

static int headline_draw(const struct face *face, int row, int most)
{
	const char *rest = face->model->assessment->headline;
	char line[TEXT_BYTES];
	int used = 0;
	while (used < most && wrap_next(&rest, face->columns - 4, line, sizeof line))
		canvas_text(face->canvas, row + used++, 2, face->columns - 4, ROLE_STRONG, line);
	return used;
}

static const char *const short_labels[STAGE_COUNT] = {
	[STAGE_REPLICAS] = "1 REPLICAS",
	[STAGE_LOAD] = "2 LOAD/REPLICA",
	[STAGE_POOL] = "3 POOL IN USE",
	[STAGE_AUTH] = "4 AUTH FAILS",
	[STAGE_ATTEMPTS] = "5 ATTEMPTS/REQ",
	[STAGE_ERRORS] = "6 USER ERRORS",
};

/* How the six figures stand. */
struct panels {
	int across, lines; /* panels */
	int scale;         /* of the digits */
	bool has_chart;
	int height; /* of a panel, with the blank line under it */
};

static void panel_draw(const struct face *face, enum stage stage, const struct panels *panels,
	int row, int column, int columns)
{
	const struct assessment *assessment = face->model->assessment;
	const struct stage_assessment *now = &assessment->stages[stage];
	char state[64], figure[FIGURE_BYTES], span[FIGURE_BYTES] = "";
	if (now->onset_ms > 0)
		figure_short_span(face->model->now_ms - now->onset_ms, span);
	snprintf(state, sizeof state, "%s %.8s", state_word(now->severity), span);
	int width = (int)strlen(state);
	canvas_text(face->canvas, row, column + 1, columns - width - 3,
		now->severity == SEVERITY_OK ? ROLE_TITLE : ROLE_STRONG, short_labels[stage]);
	canvas_text_right(face->canvas, row, column + columns - width - 2, width,
		state_role(now->severity), state);
	stage_now(assessment, stage, figure);
	enum role role = now->severity == SEVERITY_CRITICAL ? ROLE_WARNING
			 : now->known                       ? state_role(now->severity)
							    : ROLE_UNKNOWN;
	digits_draw(face->canvas, row + 1 + panels->scale / 2, column + 2, columns - 3, role,
		panels->scale, figure);
	if (panels->has_chart) {
		int at = row + panels->height - 2;
		canvas_text(face->canvas, at, column + 1, 5, ROLE_DIM, face->window.label);
		stage_chart(face->model->history, assessment, stage, &face->window, face->canvas,
			at, column + 6, columns - 8);
	}
}

/* The largest arrangement that leaves room for the clusters; across 0: none fits. */
static struct panels arrange(const struct face *face, int row)
{
	static const struct {
		int columns, across, scale;
		bool has_chart;
	} choices[] = {
		{180, 3, 2, true},
		{180, 6, 1, true},
		{140, 3, 1, true},
		{140, 6, 1, true},
		{72, 3, 1, true},
		{72, 3, 1, false},
	};
	size_t count = face->model->assessment->cluster_count;
	int clusters = (count < 14 ? (int)count : 14) + 2;
	for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
		struct panels panels = {.across = choices[i].across,
			.lines = STAGE_COUNT / choices[i].across,
			.scale = choices[i].scale,
			.has_chart = choices[i].has_chart};
		panels.height = 2 + DIGITS_ROWS * panels.scale + panels.scale / 2 +
				(panels.has_chart ? 2 : 0);
		bool last = i + 1 == sizeof choices / sizeof *choices;
		int needed = panels.lines * panels.height + (last ? 4 : clusters);
		if (face->columns >= choices[i].columns && face->rows - row - 1 >= needed)
			return panels;
	}
	return (struct panels){0};
}

/* Returns the rows used, 0 when there is no room for figures. */
static int panels_draw(const struct face *face, int row)
{
	struct panels panels = arrange(face, row);
	if (panels.across == 0)
		return 0;
	int columns = face->columns / panels.across;
	for (int i = 0; i < STAGE_COUNT; i++)
		panel_draw(face, (enum stage)i, &panels, row + i / panels.across * panels.height,
			i % panels.across * columns, columns);
	return panels.lines * panels.height;
}

/* Without room for figures: a line each. */
static int lines_draw(const struct face *face, int row)
{
	const struct assessment *assessment = face->model->assessment;
	int i = 0;
	for (; i < STAGE_COUNT && row + i < face->rows - 1; i++) {
		const struct stage_assessment *now = &assessment->stages[i];
		char figure[FIGURE_BYTES];
		stage_now(assessment, (enum stage)i, figure);
		canvas_text(face->canvas, row + i, 0, 5, state_role(now->severity),
			state_word(now->severity));
		canvas_text(face->canvas, row + i, 6, face->columns - 14, ROLE_TEXT,
			stage_label((enum stage)i));
		canvas_text_right(face->canvas, row + i, face->columns - 8, 7, ROLE_STRONG, figure);
	}
	return i;
}

static void cluster_row_draw(
	const struct face *face, const struct cluster_assessment *cluster, int row, int columns)
{
	const struct fleet *fleet = face->model->snapshot->fleet;
	enum severity severity = cluster->stale ? SEVERITY_UNKNOWN : cluster->severity;
	char pool[FIGURE_BYTES] = "?", errors[FIGURE_BYTES] = "?", headroom[FIGURE_BYTES] = "?";
	if (!cluster->stale) {
		figure_percent(cluster->pool_use, pool);
		figure_percent_fine(cluster->errors, errors);
		figure_percent_signed(
			cluster->contingency.known ? cluster->contingency.headroom : NAN, headroom);
	}
	canvas_text(face->canvas, row, 1, 5, state_role(severity), state_word(severity));
	canvas_text(face->canvas, row, 7, 18, severity == SEVERITY_OK ? ROLE_TEXT : ROLE_STRONG,
		cluster->cluster < fleet_count(fleet) ? fleet_entity(fleet, cluster->cluster)->path
						      : "?");
	int chart = columns - 26 - 24;
	if (chart >= 10)
		pressure_chart(face->model->history, cluster->cluster, &face->window, face->canvas,
			row, 26, chart);
	canvas_text_right(face->canvas, row, columns - 23, 6, ROLE_STRONG, pool);
	canvas_text_right(face->canvas, row, columns - 16, 7, ROLE_STRONG, errors);
	canvas_text_right(face->canvas, row, columns - 8, 6, ROLE_STRONG, headroom);
}

static void clusters_draw(const struct face *face, int row, int rows, int columns)
{
	const struct assessment *assessment = face->model->assessment;
	char title[96];
	snprintf(title, sizeof title, "CLUSTERS, WORST FIRST");
	canvas_rule(face->canvas, row, 0, columns, title);
	if (columns - 50 >= 10)
		canvas_printf(
			face->canvas, row, 26, 20, ROLE_TITLE, "STRESS %s", face->window.label);
	canvas_text_right(face->canvas, row, columns - 23, 6, ROLE_TITLE, "POOL");
	canvas_text_right(face->canvas, row, columns - 16, 7, ROLE_TITLE, "ERRORS");
	canvas_text_right(face->canvas, row, columns - 8, 6, ROLE_TITLE, "N-1");
	size_t room = rows > 1 ? (size_t)rows - 1 : 0;
	size_t count = assessment->cluster_count;
	size_t shown = count <= room ? count : room > 0 ? room - 1 : 0;
	for (size_t i = 0; i < shown; i++)
		cluster_row_draw(face, &assessment->clusters[i], row + 1 + (int)i, columns);
	if (shown < count && room > 0)
		canvas_printf(face->canvas, row + rows - 1, 7, columns - 8, ROLE_DIM,
			"and %zu more, none of them worse", count - shown);
}

static int side_surfaces(const struct face *face, int row, int column, int columns)
{
	const struct assessment *assessment = face->model->assessment;
	canvas_rule(face->canvas, row++, column, columns, "USERS");
	for (size_t i = 0; i < assessment->surface_count && row < face->rows - 2; i++) {
		const struct surface_assessment *surface = &assessment->surfaces[i];
		char ratio[FIGURE_BYTES], rate[FIGURE_BYTES];
		figure_percent_fine(surface->known ? surface->ratio : NAN, ratio);
		figure_rate(surface->known ? surface->requests : NAN, rate);
		canvas_text(face->canvas, row, column + 1, 5, state_role(surface->severity),
			state_word(surface->severity));
		canvas_printf(face->canvas, row++, column + 7, columns - 8, ROLE_STRONG,
			"%s: %s errors of %s", surface->name, ratio, rate);
	}
	char good[FIGURE_BYTES], lost[FIGURE_BYTES], peak[FIGURE_BYTES];
	figure_rate(assessment->goodput, good);
	canvas_printf(face->canvas, row++, column + 7, columns - 8, ROLE_TEXT, "goodput %s", good);
	if (assessment->incident_start_ms > 0) {
		figure_count(assessment->failed_requests, lost);
		figure_percent_fine(assessment->peak_error_ratio, peak);
		canvas_printf(face->canvas, row++, column + 7, columns - 8, ROLE_STRONG,
			"impact so far: %s failed requests, peak %s", lost, peak);
	}
	return row;
}

static void side_draw(const struct face *face, int row, int column, int columns)
{
	const struct assessment *assessment = face->model->assessment;
	row = side_surfaces(face, row, column, columns);
	canvas_rule(face->canvas, row++, column, columns, "WHAT IS KNOWN");
	for (size_t i = 0; i < assessment->finding_count; i++) {
		const struct finding *finding = &assessment->findings[i];
		const char *rest = finding->text;
		char line[TEXT_BYTES];
		if (row < face->rows - 2)
			canvas_text(face->canvas, row, column + 1, 5, state_role(finding->severity),
				state_word(finding->severity));
		while (row < face->rows - 2 && wrap_next(&rest, columns - 8, line, sizeof line))
			canvas_text(face->canvas, row++, column + 7, columns - 8, ROLE_TEXT, line);
	}
}

static void bottom_draw(const struct face *face, int row)
{
	const struct snapshot *snapshot = face->model->snapshot;
	static const char ending[] = " | read-only wall";
	canvas_fill(face->canvas, row, 0, 1, face->columns, ROLE_TEXT);
	int end = face->columns - (int)sizeof ending;
	int at = 1;
	if (face->model->config_trouble && face->model->config_trouble[0])
		at += canvas_printf(face->canvas, row, at, end - at, ROLE_WARNING,
			"FLEET FILE REFUSED, OLD ONE IN FORCE: %.120s  ",
			face->model->config_trouble);
	at += canvas_text(face->canvas, row, at, end - at, ROLE_TITLE, "DATA ");
	for (size_t i = 0; snapshot && i < snapshot->source_count && at < end - 14; i++) {
		const struct source_status *source = &snapshot->sources[i];
		char age[FIGURE_BYTES];
		int64_t age_ms =
			source->last_ok_ms > 0 ? face->model->now_ms - source->last_ok_ms : -1;
		bool late = age_ms < 0 || age_ms > 3 * (int64_t)source->interval_ms;
		figure_age(age_ms, age);
		at += canvas_printf(face->canvas, row, at, end - at,
			late ? ROLE_CRITICAL : ROLE_TEXT, "%.20s %s%s", source->name, age,
			late ? " STALE" : "");
		at += 2;
	}
	canvas_text(face->canvas, row, end, (int)sizeof ending, ROLE_DIM, ending);
}

/* Nothing on the face may look alive when its data is not. */
static void stale_draw(const struct face *face)
{
	const struct assessment *assessment = face->model->assessment;
	enum role role = ROLE_CRITICAL;
	char age[FIGURE_BYTES] = "", text[TEXT_BYTES], clock[64];
	int64_t age_ms = assessment ? assessment_age_ms(assessment, face->model->now_ms) : -1;
	canvas_fill(face->canvas, 0, 0, face->rows, face->columns, role);
	if (age_ms >= 0) {
		figure_age(age_ms, age);
		snprintf(text, sizeof text, "DATA %s OLD", age);
	} else {
		snprintf(text, sizeof text, "NO DATA");
	}
	int row = face->rows / 2 - (face->rows >= 16 ? 5 : 0);
	canvas_text(face->canvas, row, (face->columns - (int)strlen(text)) / 2, face->columns, role,
		text);
	if (face->rows >= 16 && face->columns >= digits_width(age) + 4) {
		digits_draw(face->canvas, row + 2, (face->columns - digits_width(age)) / 2,
			face->columns, role, 1, age);
		row += DIGITS_ROWS + 2;
	}
	if (assessment && face->rows >= 8) {
		snprintf(text, sizeof text, "the last thing known was: %s",
			phase_name(assessment->phase));
		canvas_text(face->canvas, row + 2, 2, face->columns - 4, role, text);
		canvas_text(face->canvas, row + 3, 2, face->columns - 4, role,
			"what is happening now is NOT known");
	}
	const struct snapshot *snapshot = face->model->snapshot;
	for (size_t i = 0; snapshot && i < snapshot->source_count; i++) {
		if (row + 5 + (int)i >= face->rows - 1)
			break;
		const struct source_status *source = &snapshot->sources[i];
		figure_age(source->last_ok_ms > 0 ? face->model->now_ms - source->last_ok_ms : -1,
			age);
		canvas_printf(face->canvas, row + 5 + (int)i, 2, face->columns - 4, role,
			"%s: last answer %s ago%s%s", source->name, age,
			source->trouble[0] ? ", " : "", source->trouble);
	}
	clock_text(face, clock, sizeof clock);
	if (face->rows > 2)
		canvas_printf(face->canvas, face->rows - 1, 1, face->columns - 2, role,
			"screen alive %s", clock);
}

void wall_draw(const struct wall_model *model, struct canvas *canvas)
{
	struct face face = {
		.model = model,
		.canvas = canvas,
		.window = window_choose(model->history, model->assessment, model->now_ms, 0),
		.columns = canvas_columns(canvas),
		.rows = canvas_rows(canvas),
	};
	canvas_clear(canvas);
	if (wall_is_stale(model)) {
		stale_draw(&face);
		return;
	}
	top_draw(&face);
	int row = 1;
	if (face.rows >= 8)
		row += headline_draw(&face, row, face.rows >= 24 ? 2 : 1);
	if (face.rows >= 30)
		row++;
	int used = panels_draw(&face, row);
	row += used > 0 ? used : lines_draw(&face, row);
	bool has_side = face.columns >= SIDE_LEAST;
	int left = has_side ? face.columns - SIDE_COLUMNS - 2 : face.columns;
	int rows = face.rows - 1 - row;
	if (rows >= 2 && face.columns >= 60 && model->snapshot)
		clusters_draw(&face, row, rows, left);
	if (rows >= 4 && has_side)
		side_draw(&face, row, left + 2, SIDE_COLUMNS);
	if (face.rows >= 4)
		bottom_draw(&face, face.rows - 1);
}
