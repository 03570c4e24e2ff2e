#include <stdio.h>

#include "core/base/clock.h"
#include "ui/console/list_screen.h"

void journal_line_text(const struct journal_line *line, char *out, size_t size)
{
	char clock[CLOCK_TEXT_BYTES];
	clock_format_time(line->at_ms, clock);
	snprintf(out, size, "%s %-8s %-8s %s", clock, line->run, line->event, line->text);
}

static void row_draw(const struct view *view, size_t index, struct area area, bool selected)
{
	char text[ACTION_TEXT_BYTES + 64];
	journal_line_text(&view->model->journal[index], text, sizeof text);
	canvas_text(view->canvas, area.row, area.column + 1, area.columns - 2,
		selected ? ROLE_SELECTED : ROLE_TEXT, text);
}

static void detail(const struct view *view, size_t index, char *out, size_t size)
{
	journal_line_text(&view->model->journal[index], out, size);
}

void journal_draw(const struct view *view)
{
	list_screen_draw(view, SCREEN_JOURNAL, "JOURNAL  TIME (UTC), RUN, EVENT, newest last",
		view->model->journal_count, row_draw, detail,
		"empty: nothing has been intended or done");
}
