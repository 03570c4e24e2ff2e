#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/fleet/snapshot.h"
#include "ui/console/screen.h"

#define RESORT_MS 10000 /* rows that jump under the eye are read wrongly */
#define NAME_LEAST 16
#define NAME_MOST 28

/* One cell: text and role. */
struct cell_text {
	char text[ENTITY_PATH_BYTES];
	enum role role;
};

typedef void cell_fn(
	const struct view *view, const struct cluster_assessment *cluster, struct cell_text *out);

struct column_row {
	const char *title;
	int width;
	int least; /* canvas columns from which it is shown */
	bool left; /* left-aligned */
	cell_fn *cell;
};

static cell_fn region_cell, phase_cell, share_cell, replicas_cell, pool_cell, used_cell,
	waiting_cell, wait_cell, auth_cell, attempts_cell, first_cell, errors_cell, headroom_cell,
	age_cell, run_cell;

static const struct column_row column_rows[] = {
	{" REGION", 12, 130, true, region_cell},
	{" PHASE", 14, 110, true, phase_cell},
	{"SHARE", 6, 70, false, share_cell},
	{"REPL", 5, 0, false, replicas_cell},
	{"POOL", 6, 0, false, pool_cell},
	{"USED/MAX", 10, 100, false, used_cell},
	{"WAITING", 8, 0, false, waiting_cell},
	{"LONGEST", 8, 118, false, wait_cell},
	{"AUTH%", 7, 66, false, auth_cell},
	{"A/R", 6, 76, false, attempts_cell},
	{"FIRST/S", 8, 126, false, first_cell},
	{"ERR%", 7, 0, false, errors_cell},
	{"N-1", 7, 60, false, headroom_cell},
	{"AGE", 5, 0, false, age_cell},
	{" CHANGE", 12, 92, true, run_cell},
};
#define COLUMN_COUNT (sizeof column_rows / sizeof *column_rows)

static const struct entity *cluster_entity(const struct view *view, uint32_t id)
{
	const struct snapshot *snapshot = view->model->snapshot;
	if (!snapshot || id >= fleet_count(snapshot->fleet))
		return NULL;
	return fleet_entity(snapshot->fleet, id);
}

static void region_cell(
	const struct view *view, const struct cluster_assessment *cluster, struct cell_text *out)
{
	const struct entity *entity = cluster_entity(view, cluster->cluster);
	const struct entity *parent = entity ? cluster_entity(view, entity->parent) : NULL;
	snprintf(out->text, sizeof out->text, " %s",
		parent && parent->kind == ENTITY_REGION ? parent->name : "-");
	out->role = ROLE_TEXT;
}

static void phase_cell(
	const struct view *view, const struct cluster_assessment *cluster, struct cell_text *out)
{
	(void)view;
	snprintf(out->text, sizeof out->text, " %s", phase_name(cluster->phase));
	out->role = ROLE_TEXT;
}

static void share_cell(
	const struct view *view, const struct cluster_assessment *cluster, struct cell_text *out)
{
	(void)view;
	figure_percent(cluster->share, out->text);
}

static void replicas_cell(
	const struct view *view, const struct cluster_assessment *cluster, struct cell_text *out)
{
	(void)view;
	if (isnan(cluster->replicas_up) || isnan(cluster->replicas_expected))
		snprintf(out->text, sizeof out->text, "?");
	else
		snprintf(out->text, sizeof out->text, "%.0f/%.0f", cluster->replicas_up,
			cluster->replicas_expected);
}

static void pool_cell(
	const struct view *view, const struct cluster_assessment *cluster, struct cell_text *out)
{
	(void)view;
	figure_percent(cluster->pool_use, out->text);
}

static void used_cell(
	const struct view *view, const struct cluster_assessment *cluster, struct cell_text *out)
{
	(void)view;
	char used[FIGURE_BYTES], most[FIGURE_BYTES];
	figure_count(isnan(cluster->pool_used) ? NAN : round(cluster->pool_used), used);
	figure_count(cluster->pool_max, most);
	snprintf(out->text, sizeof out->text, "%s/%s", used, most);
}

static void waiting_cell(
	const struct view *view, const struct cluster_assessment *cluster, struct cell_text *out)
{
	(void)view;
	figure_count(isnan(cluster->waiting) ? NAN : round(cluster->waiting), out->text);
}

static void wait_cell(
	const struct view *view, const struct cluster_assessment *cluster, struct cell_text *out)
{
	(void)view;
	figure_wait(cluster->wait_ms, out->text);
}

static void auth_cell(
	const struct view *view, const struct cluster_assessment *cluster, struct cell_text *out)
{
	(void)view;
	figure_percent_fine(cluster->auth_failures, out->text);
}

static void attempts_cell(
	const struct view *view, const struct cluster_assessment *cluster, struct cell_text *out)
{
	(void)view;
	if (isnan(cluster->attempts))
		snprintf(out->text, sizeof out->text, "?");
	else
		snprintf(out->text, sizeof out->text, "%.2f", cluster->attempts);
}

static void first_cell(
	const struct view *view, const struct cluster_assessment *cluster, struct cell_text *out)
{
	(void)view;
	figure_count(cluster->first_tries, out->text);
}

static void errors_cell(
	const struct view *view, const struct cluster_assessment *cluster, struct cell_text *out)
{
	(void)view;
	figure_percent_fine(cluster->errors, out->text);
}

static void headroom_cell(
	const struct view *view, const struct cluster_assessment *cluster, struct cell_text *out)
{
	(void)view;
	double headroom = cluster->contingency.known ? cluster->contingency.headroom : NAN;
	figure_percent_signed(headroom, out->text);
	if (headroom < 0.0)
		out->role = ROLE_WARNING;
}

static void age_cell(
	const struct view *view, const struct cluster_assessment *cluster, struct cell_text *out)
{
	bool late = age_is_late(view->model->snapshot, cluster->age_ms);
	char age[FIGURE_BYTES];
	figure_age(cluster->age_ms, age);
	snprintf(out->text, sizeof out->text, "%s%.16s", late && age[0] != '?' ? "?" : "", age);
	out->role = late ? ROLE_STALE : ROLE_DIM;
}

/* The newest change of this cluster. */
static void run_cell(
	const struct view *view, const struct cluster_assessment *cluster, struct cell_text *out)
{
	const struct entity *entity = cluster_entity(view, cluster->cluster);
	snprintf(out->text, sizeof out->text, " -");
	out->role = ROLE_DIM;
	for (size_t i = 0; entity && i < view->model->run_count; i++) {
		const struct run_view *run = &view->model->runs[i];
		if (strcmp(run->target_path, entity->path) == 0) {
			snprintf(out->text, sizeof out->text, " %s %.8s", run->id,
				run_is_under_way(run) ? "..." : "");
			out->role = run_role(run);
			return;
		}
	}
}

/* ---- order, filter, selection ---- */

static bool contains(const char *text, const char *part)
{
	size_t length = strlen(part);
	for (; *text; text++) {
		if (strncasecmp(text, part, length) == 0)
			return true;
	}
	return length == 0;
}

static bool passes(const struct console *console, const struct console_model *model, uint32_t id)
{
	const char *filter =
		console->overlay == OVERLAY_FILTER ? console->line.text : console->filter.text;
	if (!filter[0] || !model->snapshot || id >= fleet_count(model->snapshot->fleet))
		return true;
	const struct entity *entity = fleet_entity(model->snapshot->fleet, id);
	const struct entity *parent = entity->parent < fleet_count(model->snapshot->fleet)
					      ? fleet_entity(model->snapshot->fleet, entity->parent)
					      : NULL;
	bool inverse = filter[0] == '!' && filter[1];
	const char *part = inverse ? filter + 1 : filter;
	bool found = contains(entity->path, part) || (parent && contains(parent->name, part));
	return found != inverse;
}

/* Whether the rows that stand there are still the clusters there are. */
static bool is_complete(const struct cluster_order *order, const struct assessment *assessment)
{
	if (order->count != assessment->cluster_count)
		return false;
	for (size_t i = 0; i < order->count; i++) {
		if (!assessment_cluster(assessment, order->ids[i]))
			return false;
	}
	return true;
}

void clusters_arrange(struct console *console, const struct console_model *model)
{
	struct cluster_order *order = &console->order;
	const struct assessment *assessment = model->assessment;
	if (!assessment)
		return;
	bool due = order->sorted_ms == 0 || model->now_ms - order->sorted_ms >= RESORT_MS ||
		   model->now_ms < order->sorted_ms;
	bool settled = console->overlay != OVERLAY_NONE || !due;
	/* Looking every cluster up is only worth it when there may be other ones. */
	bool complete = (order->generation == assessment->generation && order->count > 0) ||
			is_complete(order, assessment);
	order->generation = assessment->generation;
	if (complete && settled)
		return;
	order->count = 0;
	order->sorted_ms = model->now_ms;
	for (size_t i = 0; i < assessment->cluster_count && i < ASSESSMENT_CLUSTERS_MOST; i++)
		order->ids[order->count++] = assessment->clusters[i].cluster;
}

/* The rows that pass the filter, in order; returns how many. */
static size_t visible(
	const struct console *console, const struct console_model *model, uint32_t *ids)
{
	size_t count = 0;
	for (size_t i = 0; model->assessment && i < console->order.count; i++) {
		uint32_t id = console->order.ids[i];
		if (passes(console, model, id))
			ids[count++] = id;
	}
	return count;
}

static size_t position(const uint32_t *ids, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++) {
		if (ids[i] == id)
			return i;
	}
	return 0;
}

size_t clusters_shown(const struct console *console, const struct console_model *model)
{
	uint32_t ids[ASSESSMENT_CLUSTERS_MOST];
	return visible(console, model, ids);
}

uint32_t clusters_selected(const struct console *console, const struct console_model *model)
{
	uint32_t ids[ASSESSMENT_CLUSTERS_MOST];
	size_t count = visible(console, model, ids);
	return count > 0 ? ids[position(ids, count, console->selected)] : ENTITY_NONE;
}

void clusters_move(struct console *console, const struct console_model *model, enum command command)
{
	uint32_t ids[ASSESSMENT_CLUSTERS_MOST];
	clusters_arrange(console, model);
	size_t count = visible(console, model, ids);
	if (count == 0)
		return;
	struct list list = {
		.selected = position(ids, count, console->selected), .page = console->page};
	list_move(&list, command, count);
	console->selected = ids[list.selected];
}

/* ---- drawing ---- */

static int fixed_width(int columns)
{
	int width = 0;
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		width += columns >= column_rows[i].least ? column_rows[i].width : 0;
	return width;
}

static int name_width(int columns)
{
	int width = columns - 3 - fixed_width(columns);
	return width < NAME_LEAST ? NAME_LEAST : width > NAME_MOST ? NAME_MOST : width;
}

static void heading(const struct view *view, struct area area)
{
	int at = area.column + 3 + name_width(area.columns);
	canvas_rule(view->canvas, area.row, area.column, area.columns, "CLUSTERS");
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		const struct column_row *column = &column_rows[i];
		if (area.columns < column->least)
			continue;
		if (column->left)
			canvas_text(view->canvas, area.row, at + 1, column->width, ROLE_TITLE,
				column->title + 1);
		else
			canvas_text_right(view->canvas, area.row, at, column->width, ROLE_TITLE,
				column->title);
		at += column->width;
	}
	if (area.column + area.columns - at > 14) {
		canvas_printf(
			view->canvas, area.row, at + 2, 8, ROLE_TITLE, "%s", view->window.label);
		canvas_text_right(view->canvas, area.row, area.column + area.columns - 4, 3,
			ROLE_TITLE, "now");
	}
}

static void row_draw(const struct view *view, struct area area, int row,
	const struct cluster_assessment *cluster, bool selected)
{
	struct canvas *canvas = view->canvas;
	const struct entity *entity = cluster_entity(view, cluster->cluster);
	bool late = age_is_late(view->model->snapshot, cluster->age_ms);
	enum severity severity = cluster->stale ? SEVERITY_UNKNOWN : cluster->severity;
	enum role base = selected ? ROLE_SELECTED : late ? ROLE_STALE : ROLE_TEXT;
	int at = area.column + 3 + name_width(area.columns);
	if (selected)
		canvas_fill(canvas, row, area.column, 1, area.columns, base);
	canvas_text(canvas, row, area.column, 1, base, selected ? ">" : " ");
	canvas_printf(
		canvas, row, area.column + 1, 1, state_role(severity), "%c", state_glyph(severity));
	canvas_text(canvas, row, area.column + 2, name_width(area.columns),
		selected                        ? base
		: severity == SEVERITY_CRITICAL ? ROLE_STRONG
						: ROLE_TEXT,
		entity ? entity->path : "?");
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		const struct column_row *column = &column_rows[i];
		if (area.columns < column->least)
			continue;
		struct cell_text cell = {.role = base};
		column->cell(view, cluster, &cell);
		bool is_reading = column->cell != age_cell && column->cell != run_cell &&
				  column->cell != region_cell;
		if (cluster->stale && is_reading)
			snprintf(cell.text, sizeof cell.text, "%s?", column->left ? " " : "");
		enum role role = selected ? base : cell.role;
		if (column->left)
			canvas_text(canvas, row, at, column->width, role, cell.text);
		else
			canvas_text_right(canvas, row, at + 1, column->width - 1, role, cell.text);
		at += column->width;
	}
	if (area.column + area.columns - at > 14)
		pressure_chart(view->model->history, cluster->cluster, &view->window, canvas, row,
			at + 2, area.column + area.columns - at - 3);
}

/* What is not in sight, by state, worst first: "+ 1 ~WARN, 6 OK". */
static void folded_text(const struct view *view, const uint32_t *ids, size_t count, size_t page,
	char *out, size_t size)
{
	size_t top = view->console->top;
	size_t by[4] = {0};
	for (size_t i = 0; i < count; i++) {
		if (i >= top && i < top + page)
			continue;
		const struct cluster_assessment *cluster =
			assessment_cluster(view->model->assessment, ids[i]);
		by[!cluster || cluster->stale ? SEVERITY_UNKNOWN : cluster->severity]++;
	}
	static const enum severity order[] = {
		SEVERITY_CRITICAL, SEVERITY_UNKNOWN, SEVERITY_WARNING, SEVERITY_OK};
	size_t used = 0;
	out[0] = '\0';
	for (size_t i = 0; i < 4 && used < size; i++) {
		const char *word = state_word(order[i]);
		if (by[order[i]] > 0)
			used += (size_t)snprintf(out + used, size - used, "%s%zu %s",
				used > 0 ? ", " : "+ ", by[order[i]], word + (word[0] == ' '));
	}
	if (used > 0 && used < size)
		snprintf(out + used, size - used, " folded");
}

static void fold_draw(const struct view *view, struct area area, int row, const uint32_t *ids,
	size_t count, size_t page)
{
	char text[96];
	const char *filter = view->console->filter.text;
	size_t total = view->console->order.count;
	folded_text(view, ids, count, page, text, sizeof text);
	int used =
		canvas_text(view->canvas, row, area.column + 2, area.columns / 2, ROLE_DIM, text);
	char right[128];
	snprintf(right, sizeof right, "filter %.40s | sorted by impact | %zu of %zu shown",
		filter[0] ? filter : "none", count, total);
	canvas_text_right(view->canvas, row, area.column + used + 4, area.columns - used - 5,
		count < total ? ROLE_STRONG : ROLE_DIM, right);
}

void clusters_draw(const struct view *view, struct area area)
{
	struct console *console = view->console;
	uint32_t ids[ASSESSMENT_CLUSTERS_MOST];
	heading(view, area);
	size_t count = visible(console, view->model, ids);
	if (area.rows < 3)
		return;
	size_t page = (size_t)area.rows - 2;
	struct list list = {
		.selected = position(ids, count, console->selected), .top = console->top};
	list_fit(&list, count, page);
	console->top = list.top;
	console->page = page;
	for (size_t i = 0; i < page && list.top + i < count; i++) {
		uint32_t id = ids[list.top + i];
		const struct cluster_assessment *cluster =
			assessment_cluster(view->model->assessment, id);
		if (cluster)
			row_draw(view, area, area.row + 1 + (int)i, cluster,
				list.top + i == list.selected);
	}
	if (count == 0)
		canvas_text(view->canvas, area.row + 1, area.column + 2, area.columns - 4,
			ROLE_UNKNOWN,
			console->order.count > 0 ? "no cluster passes the filter (Esc clears it)"
						 : "no cluster is known yet");
	size_t drawn = count < page ? count > 0 ? count : 1 : page;
	fold_draw(view, area, area.row + 1 + (int)drawn, ids, count, page);
}
