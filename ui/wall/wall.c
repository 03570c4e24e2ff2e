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
	snprintf(right, sizeof right, "%s  %s%s%s%s ", environment, elapsed[0] ? "INCIDENT T" : "",
		elapsed, elapsed[0] ? "  " : "", clock);
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

static void panel_draw(
	const struct face *face, enum stage stage, int row, int column, int columns, bool has_chart)
{
	const struct assessment *assessment = face->model->assessment;
	const struct stage_assessment *now = &assessment->stages[stage];
	char title[64], state[64], figure[FIGURE_BYTES], span[FIGURE_BYTES] = "";
	snprintf(title, sizeof title, "%d %s", (int)stage + 1, stage_label(stage));
	upper(title);
	if (now->onset_ms > 0)
		figure_age((face->model->now_ms - now->onset_ms) / 60000 * 60000, span);
	snprintf(state, sizeof state, "%s %.8s", state_word(now->severity), span);
	canvas_text(face->canvas, row, column + 1, columns - 2,
		now->severity == SEVERITY_OK ? ROLE_TITLE : ROLE_STRONG, title);
	int width = (int)strlen(state);
	canvas_text_right(face->canvas, row, column + columns - width - 2, width,
		state_role(now->severity), state);
	stage_now(assessment, stage, figure);
	enum role role = now->severity == SEVERITY_CRITICAL ? ROLE_WARNING
			 : now->known                       ? state_role(now->severity)
							    : ROLE_UNKNOWN;
	digits_draw(face->canvas, row + 1, column + 2, columns - 3, role, figure);
	if (has_chart) {
		canvas_text(face->canvas, row + 2 + DIGITS_ROWS, column + 1, 5, ROLE_DIM,
			face->window.label);
		stage_chart(face->model->history, assessment, stage, &face->window, face->canvas,
			row + 2 + DIGITS_ROWS, column + 6, columns - 8);
	}
}

/* All six in a row, or in two rows of three; returns the rows used, 0 when there is no room for
 * figures. */
static int panels_draw(const struct face *face, int row)
{
	bool wide = face->columns >= SIDE_LEAST;
	bool has_chart = face->rows - row >= (wide ? 16 : 24);
	int height = DIGITS_ROWS + (has_chart ? 3 : 1);
	int across = wide ? STAGE_COUNT : 3;
	int lines = STAGE_COUNT / across;
	if (face->columns < 72 || face->rows - row < lines * height + 4)
		return 0;
	int columns = face->columns / across;
	for (int i = 0; i < STAGE_COUNT; i++)
		panel_draw(face, (enum stage)i, row + i / across * (height + 1),
			i % across * columns, columns, has_chart);
	return lines * (height + 1);
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
	int at = 1 + canvas_text(face->canvas, row, 1, 6, ROLE_TITLE, "DATA ");
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
			face->columns, role, age);
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
		canvas_printf(face->canvas, row + 5 + (int)i, 2, face->columns - 4, role, "%s: %s",
			snapshot->sources[i].name,
			snapshot->sources[i].trouble[0] ? snapshot->sources[i].trouble
							: "no trouble reported");
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
