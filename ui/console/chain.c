#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/fleet/snapshot.h"
#include "ui/console/screen.h"

#define LABEL_COLUMN 3
#define LABEL_WIDTH 17
#define TIMES_LEAST 72 /* columns at which the factor over the baseline finds room */
#define WORST_LEAST 120
#define WORST_WIDTH 20
#define LINE_BYTES 256

/* Where the columns of the chain stand for a width. */
struct chain_layout {
	int now, base, times; /* right ends; times 0: not shown */
	int worst;            /* left, 0: not shown */
	int chart, chart_width;
	int since, since_width, state;
};

static struct chain_layout lay_out(int columns)
{
	struct chain_layout layout = {.now = 27, .base = 35};
	int at = 37;
	if (columns >= TIMES_LEAST) {
		layout.times = 41;
		at = 43;
	}
	if (columns >= WORST_LEAST) {
		layout.worst = at;
		at += WORST_WIDTH + 1;
	}
	layout.state = columns - 6;
	/* Onsets of one incident lie seconds apart: to the second where there is room. */
	layout.since_width = columns >= TIMES_LEAST ? 8 : 5;
	layout.since = layout.state - 1 - layout.since_width;
	layout.chart = at;
	layout.chart_width = layout.since - 1 - at;
	return layout;
}

static void heading(const struct view *view, struct area area, const struct chain_layout *layout)
{
	struct canvas *canvas = view->canvas;
	canvas_rule(canvas, area.row, area.column, area.columns, "CHAIN");
	int left = area.column;
	canvas_text_right(canvas, area.row, left + layout->now - 4, 4, ROLE_TITLE, "NOW");
	canvas_text_right(canvas, area.row, left + layout->base - 5, 5, ROLE_TITLE, "BASE");
	if (layout->times)
		canvas_text_right(
			canvas, area.row, left + layout->times - 5, 5, ROLE_TITLE, "xBASE");
	if (layout->worst)
		canvas_text(
			canvas, area.row, left + layout->worst, WORST_WIDTH, ROLE_TITLE, "SET BY");
	if (layout->chart_width >= 10) {
		canvas_printf(canvas, area.row, left + layout->chart - 1, 7, ROLE_TITLE, " %s ",
			view->window.label);
		canvas_text_right(canvas, area.row, left + layout->chart + layout->chart_width - 5,
			5, ROLE_TITLE, " now ");
	}
	canvas_text(canvas, area.row, left + layout->since, 5, ROLE_TITLE, "SINCE");
	canvas_text(canvas, area.row, left + layout->state, 5, ROLE_TITLE, "STATE");
}

static const char *entity_path(const struct view *view, uint32_t id)
{
	const struct snapshot *snapshot = view->model->snapshot;
	if (!snapshot || id == ENTITY_NONE || id >= fleet_count(snapshot->fleet))
		return "-";
	return id == ENTITY_ROOT ? "fleet" : fleet_entity(snapshot->fleet, id)->path;
}

/* A figure by its age: late ones are dimmed and say how old they are, stale ones are not shown at
 * all. */
static enum role by_age(
	const struct view *view, int64_t age_ms, char now[FIGURE_BYTES], enum role fresh)
{
	char age[FIGURE_BYTES];
	if (!age_is_late(view->model->snapshot, age_ms))
		return fresh;
	figure_age(age_ms, age);
	if (age_is_stale(view->model->snapshot, age_ms)) {
		snprintf(now, FIGURE_BYTES, "?%.12s", age);
		return ROLE_UNKNOWN;
	}
	char value[FIGURE_BYTES];
	snprintf(value, sizeof value, "%s", now);
	snprintf(now, FIGURE_BYTES, "%.12s?%.12s", value, age);
	return ROLE_STALE;
}

static void stage_draw(const struct view *view, struct area area, enum stage stage,
	const struct chain_layout *layout)
{
	struct canvas *canvas = view->canvas;
	const struct assessment *assessment = view->model->assessment;
	const struct stage_assessment *now = &assessment->stages[stage];
	char text[FIGURE_BYTES];
	int row = area.row + 1 + (int)stage;
	int left = area.column;
	bool first = assessment->first_stage == stage && now->onset_ms > 0;
	canvas_printf(canvas, row, left, 3, first ? ROLE_ONSET : ROLE_DIM, "%s%d",
		first ? "*" : " ", (int)stage + 1);
	canvas_text(canvas, row, left + LABEL_COLUMN, LABEL_WIDTH,
		now->severity == SEVERITY_OK ? ROLE_TEXT : ROLE_STRONG, stage_label(stage));
	stage_now(assessment, stage, text);
	enum role role = by_age(view, now->age_ms, text, ROLE_STRONG);
	canvas_text_right(canvas, row, left + layout->now - 8, 8, role, text);
	stage_baseline(assessment, stage, text);
	canvas_text_right(canvas, row, left + layout->base - 7, 7, ROLE_DIM, text);
	if (layout->times) {
		stage_times(assessment, stage, text);
		canvas_text_right(canvas, row, left + layout->times - 5, 5, ROLE_TEXT, text);
	}
	if (layout->worst)
		canvas_text(canvas, row, left + layout->worst, WORST_WIDTH, ROLE_TEXT,
			entity_path(view, now->worst));
	if (layout->chart_width > 0)
		stage_chart(view->model->history, assessment, stage, &view->window, canvas, row,
			left + layout->chart, layout->chart_width);
	figure_clock(now->onset_ms, text);
	/* Without room for seconds only the minute stays. */
	text[layout->since_width] = '\0';
	canvas_text(canvas, row, left + layout->since, layout->since_width,
		first ? ROLE_ONSET : ROLE_TEXT, text);
	canvas_text(canvas, row, left + layout->state, 5, state_role(now->severity),
		state_word(now->severity));
}

void chain_draw(const struct view *view, struct area area)
{
	struct chain_layout layout = lay_out(area.columns);
	heading(view, area, &layout);
	if (!view->model->assessment) {
		canvas_text(view->canvas, area.row + 1, area.column + 1, area.columns - 2,
			ROLE_UNKNOWN, "?UNK nothing is known yet");
		return;
	}
	for (int stage = 0; stage < STAGE_COUNT; stage++)
		stage_draw(view, area, (enum stage)stage, &layout);
}

/* How fast the surface that burns fastest spends its error budget, and how much of it; "" while
 * none does. What was spent stays so when nothing can be seen, how fast is then not known. */
static void burn_text(const struct assessment *assessment, char *out, size_t size)
{
	const struct surface_assessment *worst = NULL;
	for (size_t i = 0; i < assessment->surface_count; i++) {
		const struct surface_assessment *surface = &assessment->surfaces[i];
		if (surface->burn.now > 0 && (!worst || surface->burn.now > worst->burn.now))
			worst = surface;
	}
	char spent[FIGURE_BYTES], rate[FIGURE_BYTES] = "?";
	out[0] = '\0';
	if (!worst)
		return;
	figure_percent_fine(worst->burn.spent, spent);
	if (worst->known)
		snprintf(rate, sizeof rate, "%.0fx", worst->burn.now);
	snprintf(out, size, " | burn %.12s, %.12s of budget", rate, spent);
}

void goodput_draw(const struct view *view, int row, int columns)
{
	const struct assessment *assessment = view->model->assessment;
	if (!assessment)
		return;
	char good[FIGURE_BYTES], offered[FIGURE_BYTES], first[FIGURE_BYTES], retries[FIGURE_BYTES];
	figure_rate(assessment->goodput, good);
	figure_rate(assessment->offered, offered);
	figure_count(assessment->first_tries, first);
	figure_count(assessment->retries, retries);
	if (assessment->incident_start_ms <= 0) {
		canvas_printf(view->canvas, row, LABEL_COLUMN, columns - 4, ROLE_TEXT,
			"goodput %s | attempts %s = %s first + %s retries", good, offered, first,
			retries);
		return;
	}
	/* In an incident its cost comes before how the load is made up. */
	char lost[FIGURE_BYTES], peak[FIGURE_BYTES], burn[64];
	burn_text(assessment, burn, sizeof burn);
	figure_count(assessment->failed_requests, lost);
	figure_percent_fine(assessment->peak_error_ratio, peak);
	int at = LABEL_COLUMN;
	at += canvas_printf(view->canvas, row, at, columns - at - 1, ROLE_TEXT,
		"goodput %s | failed so far %s, peak %s%s", good, lost, peak, burn);
	if (columns - at > 38)
		canvas_printf(view->canvas, row, at, columns - at - 1, ROLE_TEXT,
			" | %s/s first tries + %s retries", first, retries);
}

void surfaces_draw(const struct view *view, int row, int columns)
{
	const struct assessment *assessment = view->model->assessment;
	if (!assessment)
		return;
	int at = LABEL_COLUMN;
	at += canvas_text(view->canvas, row, at, columns - at, ROLE_TEXT, "users  ");
	for (size_t i = 0; i < assessment->surface_count && at < columns - 12; i++) {
		const struct surface_assessment *surface = &assessment->surfaces[i];
		char ratio[FIGURE_BYTES], rate[FIGURE_BYTES];
		figure_percent_fine(surface->known ? surface->ratio : NAN, ratio);
		figure_rate(surface->known ? surface->requests : NAN, rate);
		at += canvas_printf(view->canvas, row, at, columns - at, ROLE_TEXT,
			"%s%.16s %s errors of %s ", i > 0 ? "| " : "", surface->name, ratio, rate);
		at += canvas_text(view->canvas, row, at, columns - at,
			state_role(surface->severity),
			state_word(surface->severity) + (surface->severity == SEVERITY_OK ? 1 : 0));
		at++;
	}
}

static void timeout_text(const struct contingency *contingency, char *out, size_t size)
{
	char span[CLOCK_TEXT_BYTES];
	out[0] = '\0';
	if (!isfinite(contingency->seconds_to_timeout) || contingency->seconds_to_timeout > 86400)
		return;
	clock_format_span((int64_t)(contingency->seconds_to_timeout * 1000.0), span);
	snprintf(out, size, ", timeouts in about %s", span);
}

void contingency_draw(
	const struct view *view, int row, int columns, const struct contingency *contingency)
{
	struct canvas *canvas = view->canvas;
	if (!contingency || !contingency->known) {
		canvas_text(canvas, row, 1, columns - 2, ROLE_UNKNOWN,
			"?N-1 not known: what losing a replica would do cannot be computed now");
		return;
	}
	char before[FIGURE_BYTES], after[FIGURE_BYTES], headroom[FIGURE_BYTES], timeout[64];
	figure_percent(contingency->utilisation_now, before);
	figure_percent(contingency->utilisation_after, after);
	figure_percent_signed(contingency->headroom, headroom);
	timeout_text(contingency, timeout, sizeof timeout);
	bool fits = contingency->headroom >= 0.0;
	const char *path = entity_path(view, contingency->replica);
	canvas_text(canvas, row, 1, 4, fits ? ROLE_OK : ROLE_WARNING, fits ? " N-1" : "~N-1");
	if (!isfinite(contingency->utilisation_after))
		canvas_printf(canvas, row, 6, columns - 7, ROLE_TEXT,
			"losing %s leaves no replica in its cluster", path);
	else
		canvas_printf(canvas, row, 6, columns - 7, ROLE_TEXT,
			"losing %s: pools of the rest %s -> %s%s%s", path, before, after,
			fits ? ", carried, headroom " : timeout, fits ? headroom : "");
}
