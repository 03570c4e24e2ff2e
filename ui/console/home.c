#include "core/fleet/snapshot.h"
#include "ui/console/screen.h"

#define WIDE_COLUMNS 160
#define SIDE_COLUMNS 76
#define CHAIN_ROWS 7
#define CLUSTERS_LEAST 4 /* heading, two rows, fold line */

/* How the rows of the main column are divided; 0: not shown. */
struct home_layout {
	int headline, goodput, surfaces, clusters, timeline, events, contingency;
	int replicas, findings, moves, journal; /* panels below, where there is no side column */
};

static int take(int *left, int wanted)
{
	int taken = wanted < *left ? wanted : *left;
	*left -= taken > 0 ? taken : 0;
	return taken > 0 ? taken : 0;
}

static int wanted_panel(int rows, int most)
{
	return rows < most ? rows : most;
}

/* The least of everything first, then what makes the most of the rest. */
static struct home_layout divide(const struct view *view, bool has_side)
{
	struct home_layout layout = {0};
	int clusters = (int)view->console->order.count;
	int left = canvas_rows(view->canvas) - CHAIN_ROWS - 3; /* banner, hints, message */
	layout.headline = take(&left, 1);
	layout.clusters = take(&left, CLUSTERS_LEAST);
	if (left > 0)
		layout.contingency = take(&left, 1);
	if (left > 0)
		layout.goodput = take(&left, 1);
	if (left >= 2) {
		layout.timeline = take(&left, 1);
		layout.events = take(&left, 1);
	}
	if (left > 0)
		layout.surfaces = take(&left, 1);
	if (left > 0)
		layout.headline += take(&left, headline_rows(view, 3) - 1);
	layout.clusters += take(&left, clusters > 2 ? wanted_panel(clusters - 2, 3) : 0);
	int events = events_rows(view);
	if (left > 0 && events > 1)
		layout.events += take(&left, 1);
	int replicas =
		has_side ? 0 : replicas_rows(view, clusters_selected(view->console, view->model));
	if (left >= 3 && replicas > 0)
		layout.replicas = take(&left, wanted_panel(replicas, 9));
	if (clusters + 2 > layout.clusters)
		layout.clusters += take(&left, clusters + 2 - layout.clusters);
	if (left >= 3 && !has_side)
		layout.findings = take(
			&left, wanted_panel(findings_rows(view, canvas_columns(view->canvas)), 8));
	if (left >= 3 && !has_side)
		layout.moves = take(
			&left, wanted_panel(moves_rows(view, canvas_columns(view->canvas)), 8));
	if (left >= 3 && events > layout.events)
		layout.events += take(&left, wanted_panel(events - layout.events, 4));
	if (left >= 8 && !has_side)
		layout.journal = take(&left, 6);
	if (left >= 3 && !has_side && layout.replicas > 0)
		layout.replicas += take(&left, left);
	layout.clusters += has_side ? 0 : left;
	return layout;
}

static void side_draw(const struct view *view, struct area area)
{
	int left = area.rows;
	int findings = take(&left, wanted_panel(findings_rows(view, area.columns), 14));
	int moves = take(&left, wanted_panel(moves_rows(view, area.columns), 10));
	int runs = take(&left, wanted_panel(events_rows(view) + 1, left / 2));
	struct area part = {area.row, area.column, findings, area.columns};
	if (findings > 0)
		findings_draw(view, part);
	part.row += findings;
	part.rows = moves;
	if (moves > 0)
		moves_draw(view, part);
	part.row += moves;
	part.rows = runs;
	if (runs > 1)
		runs_panel_draw(view, part);
	part.row += runs;
	part.rows = left;
	if (left > 1)
		journal_panel_draw(view, part);
}

static const struct contingency *contingency_now(const struct view *view)
{
	return view->model->assessment ? &view->model->assessment->contingency : NULL;
}

static void panels_draw(const struct view *view, const struct home_layout *layout, int row)
{
	int columns = canvas_columns(view->canvas);
	if (layout->replicas > 0)
		replicas_stack_draw(view, (struct area){row, 0, layout->replicas, columns});
	row += layout->replicas;
	if (layout->findings > 0)
		findings_draw(view, (struct area){row, 0, layout->findings, columns});
	row += layout->findings;
	if (layout->moves > 0)
		moves_draw(view, (struct area){row, 0, layout->moves, columns});
	row += layout->moves;
	if (layout->journal > 0)
		journal_panel_draw(view, (struct area){row, 0, layout->journal, columns});
}

void home_draw(const struct view *view)
{
	int columns = canvas_columns(view->canvas);
	int rows = canvas_rows(view->canvas);
	bool has_side = columns >= WIDE_COLUMNS;
	int main_columns = has_side ? columns - SIDE_COLUMNS - 2 : columns;
	struct home_layout layout = divide(view, has_side);
	int row = 1;
	banner_draw(view, 0);
	headline_draw(view, row, layout.headline);
	row += layout.headline;
	int body = row;
	chain_draw(view, (struct area){row, 0, CHAIN_ROWS, main_columns});
	row += CHAIN_ROWS;
	if (layout.goodput)
		goodput_draw(view, row, main_columns);
	row += layout.goodput;
	if (layout.surfaces)
		surfaces_draw(view, row, main_columns);
	row += layout.surfaces;
	int bottom = rows - 2;
	int room = bottom - row - layout.timeline - layout.events - layout.contingency;
	int wanted = (int)view->console->order.count + 2;
	int cluster_rows = !has_side ? layout.clusters : wanted < room ? wanted : room;
	clusters_draw(view, (struct area){row, 0, cluster_rows, main_columns});
	row += cluster_rows;
	if (has_side)
		replicas_stack_draw(view, (struct area){row, 0, room - cluster_rows, main_columns});
	else
		panels_draw(view, &layout, row);
	row = bottom - layout.timeline - layout.events - layout.contingency;
	if (layout.timeline) {
		timeline_draw(view, row, main_columns);
		events_draw(view, (struct area){row + 1, 0, layout.events, main_columns});
	}
	if (layout.contingency)
		contingency_draw(view, bottom - 1, main_columns, contingency_now(view));
	if (has_side)
		side_draw(view, (struct area){body, main_columns + 2, bottom - body, SIDE_COLUMNS});
	hints_draw(view, rows - 2);
	message_draw(view, rows - 1);
}
