#include <stdio.h>

#include "core/base/clock.h"
#include "ui/console/list_screen.h"

static void row_draw(const struct view *view, size_t index, struct area area, bool selected)
{
	const struct run_view *run = &view->model->runs[index];
	char clock[CLOCK_TEXT_BYTES], text[ACTION_TEXT_BYTES];
	clock_format_time(run->started_ms, clock);
	run_line(view, run, text, sizeof text);
	enum role role = selected ? ROLE_SELECTED : run_role(run);
	canvas_text(view->canvas, area.row, area.column + 1, 8, selected ? ROLE_SELECTED : ROLE_DIM,
		clock);
	int at = area.column + 10;
	at += canvas_text(view->canvas, area.row, at, area.columns - 11, role, text);
	if (run->can_undo)
		at += canvas_text(view->canvas, area.row, at, area.columns - at - 1,
			selected ? ROLE_SELECTED : ROLE_KEY, "  u=undo");
	if (run->text[0] && at < area.columns - 10)
		canvas_printf(view->canvas, area.row, at, area.columns - at - 1,
			selected ? ROLE_SELECTED : ROLE_TEXT, "  %s", run->text);
}

static void detail(const struct view *view, size_t index, char *out, size_t size)
{
	const struct run_view *run = &view->model->runs[index];
	char text[ACTION_TEXT_BYTES];
	run_line(view, run, text, sizeof text);
	snprintf(out, size, "%s: %s%s", text, run->text,
		run->can_undo ? " (spillway undo takes it back, or u)" : "");
}

void runs_draw(const struct view *view)
{
	list_screen_draw(view, SCREEN_RUNS, "RUNS  STARTED (UTC), RUN, BY, ACTION, newest first",
		view->model->run_count, row_draw, detail, "no change has been made");
}
