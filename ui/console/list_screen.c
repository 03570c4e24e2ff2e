#include "ui/console/list_screen.h"

#include <stdio.h>

void list_screen_draw(const struct view *view, enum screen_id screen, const char *title,
	size_t count, list_row_fn *row, const char *empty)
{
	int columns = canvas_columns(view->canvas);
	int rows = canvas_rows(view->canvas);
	struct list *list = &view->console->lists[screen];
	char position[64];
	banner_draw(view, 0);
	canvas_rule(view->canvas, 1, 0, columns, title);
	size_t page = rows > 4 ? (size_t)rows - 4 : 0;
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
	hints_draw(view, rows - 2);
	message_draw(view, rows - 1);
}
