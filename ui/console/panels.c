#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/fleet/snapshot.h"
#include "ui/console/screen.h"
#include "ui/wrap.h"

#define NAME_WIDTH 16
#define STATE_WIDTH 14

/* A column of the replica table: one signal, or two as "used/max". */
struct replica_column {
	const char *title;
	int width;
	enum signal signal, over; /* over: SIGNAL_COUNT none */
};

static const struct replica_column replica_columns[] = {
	{"POOL", 10, SIGNAL_POOL_USED, SIGNAL_POOL_MAX},
	{"WAITING", 9, SIGNAL_POOL_WAITING, SIGNAL_COUNT},
	{"LONGEST", 9, SIGNAL_POOL_WAIT, SIGNAL_COUNT},
	{"READS/S", 9, SIGNAL_REPLICA_QUERIES, SIGNAL_COUNT},
	{"DB SLOTS", 10, SIGNAL_REPLICA_CONNECTIONS_USED, SIGNAL_REPLICA_CONNECTIONS_MAX},
	{"LAG S", 7, SIGNAL_REPLICA_LAG, SIGNAL_COUNT},
};
#define REPLICA_COLUMNS (sizeof replica_columns / sizeof *replica_columns)

static bool is_measured(const struct view *view, uint32_t cluster, enum signal signal)
{
	const struct snapshot *snapshot = view->model->snapshot;
	uint32_t id = ENTITY_NONE;
	while ((id = fleet_next(snapshot->fleet, ENTITY_REPLICA, cluster, id)) != ENTITY_NONE) {
		if (snapshot_reading(snapshot, id, signal)->at_ms != 0)
			return true;
	}
	return false;
}

/* "58", or "?48s" when it is too old to be shown; the oldest age seen is kept. */
static enum freshness reading_text(const struct view *view, uint32_t id, enum signal signal,
	char out[FIGURE_BYTES], int64_t *oldest_ms)
{
	const struct reading *reading = snapshot_reading(view->model->snapshot, id, signal);
	enum freshness freshness = reading_freshness(reading, view->model->now_ms);
	int64_t age_ms = view->model->now_ms - reading->at_ms;
	if (freshness == FRESHNESS_ABSENT) {
		snprintf(out, FIGURE_BYTES, "?");
		return freshness;
	}
	if (age_ms > *oldest_ms)
		*oldest_ms = age_ms;
	char text[FIGURE_BYTES];
	figure_age(age_ms, text);
	if (freshness == FRESHNESS_STALE)
		snprintf(out, FIGURE_BYTES, "?%.12s", text);
	else if (signal == SIGNAL_POOL_WAIT)
		figure_wait(reading->value, out);
	else
		figure_count(
			signal == SIGNAL_REPLICA_LAG ? reading->value : round(reading->value), out);
	return freshness;
}

static enum role freshness_role(enum freshness freshness)
{
	return freshness == FRESHNESS_FRESH  ? ROLE_TEXT
	       : freshness == FRESHNESS_LATE ? ROLE_STALE
					     : ROLE_UNKNOWN;
}

/* Draws the state; false when the replica is known not to serve. */
static bool state_draw(const struct view *view, uint32_t id, int row, int column)
{
	const struct snapshot *snapshot = view->model->snapshot;
	double up = NAN, maintenance = 0.0;
	snapshot_value(snapshot, id, SIGNAL_REPLICA_UP, &up);
	snapshot_value(snapshot, id, SIGNAL_REPLICA_MAINTENANCE, &maintenance);
	const char *word = isnan(up)           ? "?UNK"
			   : maintenance > 0.5 ? "~maintenance"
			   : up < 0.5          ? "!DOWN"
					       : " serving";
	enum severity severity = isnan(up)           ? SEVERITY_UNKNOWN
				 : maintenance > 0.5 ? SEVERITY_WARNING
				 : up < 0.5          ? SEVERITY_CRITICAL
						     : SEVERITY_OK;
	canvas_text(view->canvas, row, column, STATE_WIDTH, state_role(severity), word);
	return isnan(up) || (maintenance <= 0.5 && up >= 0.5);
}

static void replica_draw(
	const struct view *view, uint32_t cluster, uint32_t id, struct area area, int row)
{
	const struct entity *entity = fleet_entity(view->model->snapshot->fleet, id);
	int at = area.column + 1;
	int end = area.column + area.columns;
	int64_t oldest_ms = -1;
	char unused[FIGURE_BYTES];
	reading_text(view, id, SIGNAL_REPLICA_UP, unused, &oldest_ms);
	canvas_text(view->canvas, row, at, NAME_WIDTH, ROLE_TEXT, entity->path);
	bool serves = state_draw(view, id, row, at + NAME_WIDTH + 1);
	at += NAME_WIDTH + 1 + STATE_WIDTH;
	for (size_t i = 0; i < REPLICA_COLUMNS; i++) {
		const struct replica_column *column = &replica_columns[i];
		char text[2 * FIGURE_BYTES], over[FIGURE_BYTES];
		if (!is_measured(view, cluster, column->signal) || at + column->width > end - 6)
			continue;
		enum freshness freshness = reading_text(view, id, column->signal, text, &oldest_ms);
		if (column->over != SIGNAL_COUNT) {
			reading_text(view, id, column->over, over, &oldest_ms);
			size_t used = strlen(text);
			snprintf(text + used, sizeof text - used, "/%s", over);
		}
		bool idle = !serves && freshness > FRESHNESS_LATE;
		canvas_text_right(view->canvas, row, at, column->width - 1,
			idle ? ROLE_DIM : freshness_role(freshness), idle ? "-" : text);
		at += column->width;
	}
	char age[FIGURE_BYTES];
	figure_age(oldest_ms, age);
	canvas_text_right(view->canvas, row, at, 5, ROLE_DIM, age);
}

int replicas_rows(const struct view *view, uint32_t cluster)
{
	int count = 0;
	uint32_t id = ENTITY_NONE;
	if (!view->model->snapshot || cluster == ENTITY_NONE)
		return 0;
	const struct fleet *fleet = view->model->snapshot->fleet;
	while ((id = fleet_next(fleet, ENTITY_REPLICA, cluster, id)) != ENTITY_NONE)
		count++;
	return count > 0 ? count + 1 : 0;
}

void replicas_draw(const struct view *view, uint32_t cluster, struct area area)
{
	if (!view->model->snapshot || cluster == ENTITY_NONE || area.rows < 1)
		return;
	const struct fleet *fleet = view->model->snapshot->fleet;
	char title[ENTITY_PATH_BYTES + 16];
	snprintf(title, sizeof title, "REPLICAS OF %s", fleet_entity(fleet, cluster)->path);
	canvas_rule(view->canvas, area.row, area.column, area.columns, title);
	int at = area.column + 1 + NAME_WIDTH + 1 + STATE_WIDTH;
	int end = area.column + area.columns;
	for (size_t i = 0; i < REPLICA_COLUMNS; i++) {
		const struct replica_column *column = &replica_columns[i];
		if (!is_measured(view, cluster, column->signal) || at + column->width > end - 6)
			continue;
		canvas_text_right(
			view->canvas, area.row, at, column->width - 1, ROLE_TITLE, column->title);
		at += column->width;
	}
	canvas_text_right(view->canvas, area.row, at, 5, ROLE_TITLE, "AGE");
	uint32_t id = ENTITY_NONE;
	for (int i = 1; i < area.rows; i++) {
		id = fleet_next(fleet, ENTITY_REPLICA, cluster, id);
		if (id == ENTITY_NONE)
			return;
		replica_draw(view, cluster, id, area, area.row + i);
	}
}

#define FINDING_INDENT 13
#define MOVE_INDENT 3

void replicas_stack_draw(const struct view *view, struct area area)
{
	const struct cluster_order *order = &view->console->order;
	uint32_t selected = clusters_selected(view->console, view->model);
	for (size_t i = 0; i <= order->count; i++) {
		/* The selected one first, then the others as they stand. */
		uint32_t cluster = i == 0 ? selected : order->ids[i - 1];
		int rows = replicas_rows(view, cluster);
		if (rows == 0 || (i > 0 && cluster == selected))
			continue;
		if (area.rows < 3)
			return;
		struct area part = area;
		part.rows = rows < area.rows ? rows : area.rows;
		replicas_draw(view, cluster, part);
		area.row += part.rows;
		area.rows -= part.rows;
	}
}

int findings_rows(const struct view *view, int columns)
{
	const struct assessment *assessment = view->model->assessment;
	int rows = 0;
	for (size_t i = 0; assessment && i < assessment->finding_count; i++)
		rows += wrap_count(assessment->findings[i].text, columns - FINDING_INDENT - 1);
	return rows > 0 ? rows + 1 : 0;
}

void findings_draw(const struct view *view, struct area area)
{
	const struct assessment *assessment = view->model->assessment;
	int row = area.row + 1;
	int end = area.row + area.rows;
	canvas_rule(view->canvas, area.row, area.column, area.columns, "FINDINGS");
	for (size_t i = 0; assessment && i < assessment->finding_count && row < end; i++) {
		const struct finding *finding = &assessment->findings[i];
		const char *rest = finding->text;
		char since[FIGURE_BYTES], line[ASSESSMENT_TEXT_BYTES];
		figure_time(finding->since_ms, since);
		canvas_text(view->canvas, row, area.column + 1, 5, state_role(finding->severity),
			state_word(finding->severity));
		canvas_text(view->canvas, row, area.column + 7, 5, ROLE_DIM, since);
		while (row < end &&
			wrap_next(&rest, area.columns - FINDING_INDENT - 1, line, sizeof line))
			canvas_text(view->canvas, row++, area.column + FINDING_INDENT,
				area.columns - FINDING_INDENT - 1, ROLE_TEXT, line);
	}
}

int moves_rows(const struct view *view, int columns)
{
	const struct assessment *assessment = view->model->assessment;
	int rows = 0;
	for (size_t i = 0; assessment && i < assessment->recommendation_count; i++)
		rows += wrap_count(assessment->recommendations[i].text, columns - MOVE_INDENT - 1);
	return rows > 0 ? rows + 1 : 0;
}

void moves_draw(const struct view *view, struct area area)
{
	const struct assessment *assessment = view->model->assessment;
	int row = area.row + 1;
	int end = area.row + area.rows;
	canvas_rule(view->canvas, area.row, area.column, area.columns,
		"WHAT EACH MOVE WOULD DO (+ enough alone)");
	for (size_t i = 0; assessment && i < assessment->recommendation_count; i++) {
		const struct recommendation *move = &assessment->recommendations[i];
		const char *rest = move->text;
		char line[ASSESSMENT_TEXT_BYTES];
		if (move->enough && row < end)
			canvas_text(view->canvas, row, area.column + 1, 1, ROLE_STRONG, "+");
		while (row < end &&
			wrap_next(&rest, area.columns - MOVE_INDENT - 1, line, sizeof line))
			canvas_text(view->canvas, row++, area.column + MOVE_INDENT,
				area.columns - MOVE_INDENT - 1,
				move->enough ? ROLE_STRONG : ROLE_TEXT, line);
	}
}

void runs_panel_draw(const struct view *view, struct area area)
{
	canvas_rule(view->canvas, area.row, area.column, area.columns,
		"CHANGES AND MAINTENANCE (newest last)");
	struct area rest = {area.row + 1, area.column, area.rows - 1, area.columns};
	if (rest.rows > 0)
		events_draw(view, rest);
}

void journal_panel_draw(const struct view *view, struct area area)
{
	const struct console_model *model = view->model;
	canvas_rule(view->canvas, area.row, area.column, area.columns, "JOURNAL (newest last)");
	size_t room = area.rows > 1 ? (size_t)area.rows - 1 : 0;
	size_t shown = model->journal_count < room ? model->journal_count : room;
	for (size_t i = 0; i < shown; i++) {
		char text[ACTION_TEXT_BYTES + 64];
		journal_line_text(
			&model->journal[model->journal_count - shown + i], text, sizeof text);
		canvas_text(view->canvas, area.row + 1 + (int)i, area.column + 1, area.columns - 2,
			ROLE_TEXT, text);
	}
	if (shown == 0 && room > 0)
		canvas_text(view->canvas, area.row + 1, area.column + 1, area.columns - 2, ROLE_DIM,
			"empty: nothing has been intended or done");
}
