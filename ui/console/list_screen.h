/* list_screen.h - the frame that the list screens share: banner, title, rows, hints. */
#ifndef UI_CONSOLE_LIST_SCREEN_H
#define UI_CONSOLE_LIST_SCREEN_H

#include <stddef.h>

#include "ui/console/screen.h"

/* Draws row `index` into one line; `selected` is its role when it is. */
typedef void list_row_fn(const struct view *view, size_t index, struct area area, bool selected);

/* All there is to say of row `index`, for the lines under the list. */
typedef void list_detail_fn(const struct view *view, size_t index, char *out, size_t size);

/* Draw a whole list screen; `empty` is said when there are no rows. */
void list_screen_draw(const struct view *view, enum screen_id screen, const char *title,
	size_t count, list_row_fn *row, list_detail_fn *detail, const char *empty);

#endif
