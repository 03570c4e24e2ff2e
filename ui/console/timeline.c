#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/utf8.h"
#include "core/fleet/history.h"
#include "core/fleet/snapshot.h"
#include "ui/console/screen.h"

#define EVENTS_MOST 64
#define STRIP_MOST 240
#define REPORTED_MOST 8
#define EDGE_SAMPLES 3600

/* A thing that happened and is worth a line: a change or a maintenance. */
struct event {
	int64_t at_ms;
	const struct run_view *run;            /* NULL: maintenance */
	const struct maintenance *maintenance; /* planned; NULL: only reported */
	uint32_t replica;                      /* that reports it */
};

/* When the replica's report of maintenance began, as far back as is known. */
static int64_t maintenance_since(const struct console_model *model, uint32_t replica)
{
	static const int64_t back_ms = 3600000;
	struct sample samples[EDGE_SAMPLES];
	int64_t since_ms =
		snapshot_reading(model->snapshot, replica, SIGNAL_REPLICA_MAINTENANCE)->at_ms;
	size_t count = model->history ? history_window(model->history, replica,
						SIGNAL_REPLICA_MAINTENANCE, model->now_ms - back_ms,
						model->now_ms, samples, EDGE_SAMPLES)
				      : 0;
	while (count > 0 && samples[count - 1].value > 0.5)
		since_ms = samples[--count].at_ms;
	return since_ms;
}

static bool is_planned(const struct console_model *model, uint32_t replica)
{
	size_t count = 0;
	const struct maintenance *planned = fleet_maintenance(model->snapshot->fleet, &count);
	for (size_t i = 0; i < count; i++) {
		if (planned[i].replica == replica && planned[i].from_ms <= model->now_ms)
			return true;
	}
	return false;
}

/* Replicas that say they are in maintenance without a plan that says so too; returns how many. */
static size_t reported(const struct console_model *model, struct event *events, size_t most)
{
	size_t count = 0;
	uint32_t id = ENTITY_NONE;
	if (!model->snapshot)
		return 0;
	while (count < most && (id = fleet_next(model->snapshot->fleet, ENTITY_REPLICA, ENTITY_NONE,
					id)) != ENTITY_NONE) {
		double away = 0.0;
		if (snapshot_value(model->snapshot, id, SIGNAL_REPLICA_MAINTENANCE, &away) &&
			away > 0.5 && !is_planned(model, id))
			events[count++] = (struct event){
				.at_ms = maintenance_since(model, id), .replica = id};
	}
	return count;
}

struct strip {
	char marks[STRIP_MOST + 1];
	int width;
};

static void mark(struct strip *strip, const struct window *window, int64_t at_ms, char glyph)
{
	if (at_ms <= window->from_ms || at_ms > window->until_ms)
		return;
	int64_t span_ms = window->until_ms - window->from_ms;
	int at = (int)((at_ms - window->from_ms) * strip->width / span_ms);
	/* Two marks in one place: the later of them moves on by up to two cells. */
	for (int i = at; i < strip->width && i <= at + 2; i++) {
		if (strip->marks[i] == '-') {
			strip->marks[i] = glyph;
			return;
		}
	}
}

static void fill_strip(const struct view *view, struct strip *strip)
{
	const struct console_model *model = view->model;
	memset(strip->marks, '-', (size_t)strip->width);
	strip->marks[strip->width] = '\0';
	for (size_t i = 0; i < model->run_count; i++)
		mark(strip, &view->window, model->runs[i].started_ms, 'A');
	size_t count = 0;
	const struct maintenance *maintenance =
		model->snapshot ? fleet_maintenance(model->snapshot->fleet, &count) : NULL;
	for (size_t i = 0; i < count; i++)
		mark(strip, &view->window, maintenance[i].from_ms, 'm');
	struct event away[REPORTED_MOST];
	size_t away_count = reported(model, away, REPORTED_MOST);
	for (size_t i = 0; i < away_count; i++)
		mark(strip, &view->window, away[i].at_ms, 'm');
	for (int stage = 0; model->assessment && stage < STAGE_COUNT; stage++)
		mark(strip, &view->window, model->assessment->stages[stage].onset_ms, '!');
}

void timeline_draw(const struct view *view, int row, int columns)
{
	static const char legend[] = " m maintenance ! onset A change ";
	struct strip strip = {.width = columns - 22};
	bool explained = columns >= 100;
	if (explained)
		strip.width -= (int)sizeof legend;
	if (strip.width > STRIP_MOST)
		strip.width = STRIP_MOST;
	canvas_rule(view->canvas, row, 0, columns, "TIME");
	if (strip.width < 8)
		return;
	fill_strip(view, &strip);
	int at = 5 + canvas_printf(view->canvas, row, 5, 7, ROLE_TITLE, " %s", view->window.label);
	at += canvas_text(view->canvas, row, at, 2, ROLE_TITLE, " [");
	for (int i = 0; i < strip.width; i++) {
		char glyph[2] = {strip.marks[i], '\0'};
		canvas_text(view->canvas, row, at + i, 1, glyph[0] == '-' ? ROLE_DIM : ROLE_ONSET,
			glyph);
	}
	at += strip.width;
	at += canvas_text(view->canvas, row, at, 8, ROLE_TITLE,
		view->model->replaying ? "] replay " : "] now ");
	if (explained)
		canvas_text(view->canvas, row, at, columns - at - 1, ROLE_TITLE, legend);
}

const struct verb_row *verb_of(const struct console_model *model, const char *action)
{
	for (size_t i = 0; i < model->action_count; i++) {
		if (strcmp(model->actions[i].name, action) == 0)
			return model->actions[i].verb;
	}
	return NULL;
}

void hold_end_words(int64_t now_ms, int64_t expires_ms, char out[2 * FIGURE_BYTES])
{
	char span[FIGURE_BYTES];
	int64_t left_ms = expires_ms - now_ms;
	figure_short_span(left_ms < 0 ? -left_ms : left_ms, span);
	snprintf(
		out, (size_t)2 * FIGURE_BYTES, left_ms > 0 ? "ends in %s" : "EXPIRED %s ago", span);
}

/* What is held ends by itself, and who looks must know when: " (ends in 24m)", or that it is over
 * and was not taken back. "" where nothing is held (any more). */
static void hold_words(const struct view *view, const struct run_view *run, char *out, size_t size)
{
	char end[2 * FIGURE_BYTES];
	out[0] = '\0';
	if (run->expires_ms <= 0 || !run->can_undo)
		return;
	hold_end_words(view->model->now_ms, run->expires_ms, end);
	snprintf(out, size, " (%s%s)", end,
		view->model->now_ms < run->expires_ms ? "" : ", not taken back");
}

void run_line(const struct view *view, const struct run_view *run, char *out, size_t size)
{
	const struct verb_row *verb = verb_of(view->model, run->action);
	char from[FIGURE_BYTES], to[FIGURE_BYTES], span[FIGURE_BYTES], held[3 * FIGURE_BYTES];
	verb_figure(verb, run->from, from);
	verb_figure(verb, run->to, to);
	bool under_way = run_is_under_way(run);
	int64_t end_ms = under_way ? view->model->now_ms : run->ended_ms;
	figure_age(end_ms > run->started_ms ? end_ms - run->started_ms : 0, span);
	hold_words(view, run, held, sizeof held);
	snprintf(out, size, "%s %s %s %s %s -> %s%s  %s %s %s", run->id, run->by, run->action,
		run->target_path, from, to, held, run_state_words(run), under_way ? "for" : "after",
		span);
}

static void maintenance_line(
	const struct view *view, const struct maintenance *maintenance, char *out, size_t size)
{
	const struct fleet *fleet = view->model->snapshot->fleet;
	char until[FIGURE_BYTES];
	if (maintenance->until_ms == INT64_MAX)
		snprintf(until, sizeof until, "further notice");
	else
		figure_time(maintenance->until_ms, until);
	snprintf(out, size, "%s in maintenance by %s until %s%s",
		maintenance->replica < fleet_count(fleet)
			? fleet_entity(fleet, maintenance->replica)->path
			: "?",
		maintenance->by[0] ? maintenance->by : "somebody", until,
		maintenance->until_ms == INT64_MAX ? "" : "Z");
}

static size_t collect(const struct view *view, struct event *events)
{
	const struct console_model *model = view->model;
	size_t count = 0;
	for (size_t i = 0; i < model->run_count && count < EVENTS_MOST; i++)
		events[count++] =
			(struct event){.at_ms = model->runs[i].started_ms, .run = &model->runs[i]};
	size_t planned = 0;
	const struct maintenance *maintenance =
		model->snapshot ? fleet_maintenance(model->snapshot->fleet, &planned) : NULL;
	for (size_t i = 0; i < planned && count < EVENTS_MOST; i++) {
		if (maintenance[i].from_ms <= model->now_ms)
			events[count++] = (struct event){
				.at_ms = maintenance[i].from_ms, .maintenance = &maintenance[i]};
	}
	count += reported(model, events + count,
		EVENTS_MOST - count < REPORTED_MOST ? EVENTS_MOST - count : REPORTED_MOST);
	/* Few rows: insertion keeps equal times in the order they came. */
	for (size_t i = 1; i < count; i++) {
		struct event event = events[i];
		size_t at = i;
		for (; at > 0 && events[at - 1].at_ms < event.at_ms; at--)
			events[at] = events[at - 1];
		events[at] = event;
	}
	return count;
}

static void event_draw(
	const struct view *view, struct area area, int row, const struct event *event)
{
	char text[ACTION_TEXT_BYTES], clock[CLOCK_TEXT_BYTES];
	clock_format_time(event->at_ms, clock);
	if (event->run)
		run_line(view, event->run, text, sizeof text);
	else if (!event->maintenance)
		snprintf(text, sizeof text, "%s in maintenance, as it reports itself",
			fleet_entity(view->model->snapshot->fleet, event->replica)->path);
	else
		maintenance_line(view, event->maintenance, text, sizeof text);
	canvas_text(view->canvas, row, area.column + 1, 8, ROLE_DIM, clock);
	canvas_text(view->canvas, row, area.column + 10, 1, ROLE_ONSET, event->run ? "A" : "m");
	bool undo = event->run && event->run->can_undo;
	int room = area.columns - 13 - (undo ? 8 : 0);
	canvas_text(view->canvas, row, area.column + 12, room,
		event->run ? run_role(event->run) : ROLE_TEXT, text);
	if (undo)
		canvas_text(
			view->canvas, row, area.column + area.columns - 7, 6, ROLE_KEY, "u=undo");
}

int events_rows(const struct view *view)
{
	struct event events[EVENTS_MOST];
	size_t count = collect(view, events);
	return count > 0 ? (int)count : 1;
}

void events_draw(const struct view *view, struct area area)
{
	struct event events[EVENTS_MOST];
	size_t count = collect(view, events);
	size_t shown = count < (size_t)area.rows ? count : (size_t)area.rows;
	/* The newest ones, and the newest last, next to the present. */
	for (size_t i = 0; i < shown; i++)
		event_draw(view, area, area.row + (int)i, &events[shown - 1 - i]);
	if (count > 0)
		return;
	/* What cannot be seen may be there. */
	const struct assessment *assessment = view->model->assessment;
	bool is_blind = assessment && assessment->phase == PHASE_BLIND;
	canvas_text(view->canvas, area.row, area.column + 1, area.columns - 2, ROLE_DIM,
		is_blind ? "no change made; whether there is maintenance cannot be seen now"
			 : "no change made, no maintenance known   a: act on the selected cluster");
}
