#include "ui/console/list_screen.h"

#include <stdio.h>

#include "ui/wrap.h"

#define DETAIL_ROWS 4 /* a rule and three lines */
#define DETAIL_BYTES 1024

static void detail_draw(const struct view *view, size_t index, list_detail_fn *detail, int row)
{
	char text[DETAIL_BYTES], line[DETAIL_BYTES];
	int columns = canvas_columns(view->canvas);
	detail(view, index, text, sizeof text);
	const char *rest = text;
	canvas_rule(view->canvas, row, 0, columns, "SELECTED");
	for (int i = 1; i < DETAIL_ROWS && wrap_next(&rest, columns - 3, line, sizeof line); i++)
		canvas_text(view->canvas, row + i, 1, columns - 2, ROLE_TEXT, line);
}

void list_screen_draw(const struct view *view, enum screen_id screen, const char *title,
	size_t count, list_row_fn *row, list_detail_fn *detail, const char *empty)
{
	int columns = canvas_columns(view->canvas);
	int rows = canvas_rows(view->canvas);
	struct list *list = &view->console->lists[screen];
	char position[64];
	banner_draw(view, 0);
	canvas_rule(view->canvas, 1, 0, columns, title);
	size_t page = rows > 4 + DETAIL_ROWS ? (size_t)(rows - 4 - DETAIL_ROWS) : 0;
	list_fit(list, count, page);
	if (count > 0) {
		size_t last = list->top + page < count ? list->top + page : count;
		snprintf(position, sizeof position, " %zu-%zu of %zu ", list->top + 1, last, count);
		canvas_text_right(view->canvas, 1, columns - 24, 22, ROLE_TITLE, position);
	}
	for (size_t i = 0; i < page && list->top + i < count; i++) {
		size_t index = list->top + i;
		bool selected = index == list->selected;
		struct area line = {2 + (int)i, 0, 1, columns};
		if (selected)
			canvas_fill(view->canvas, line.row, 0, 1, columns, ROLE_SELECTED);
		row(view, index, line, selected);
	}
	if (count == 0)
		canvas_text(view->canvas, 2, 1, columns - 2, ROLE_DIM, empty);
	else
		detail_draw(view, list->selected, detail, rows - 2 - DETAIL_ROWS);
	hints_draw(view, rows - 2);
	message_draw(view, rows - 1);
}
