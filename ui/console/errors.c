#include <stdio.h>

#include "core/base/clock.h"
#include "ui/console/list_screen.h"

/* Newest first. */
static void row_draw(const struct view *view, size_t index, struct area area, bool selected)
{
	const struct console_message *message =
		&view->model->messages[view->model->message_count - 1 - index];
	char clock[CLOCK_TEXT_BYTES];
	clock_format_time(message->at_ms, clock);
	canvas_text(view->canvas, area.row, area.column + 1, 8, selected ? ROLE_SELECTED : ROLE_DIM,
		clock);
	canvas_text(view->canvas, area.row, area.column + 10, 5, state_role(message->severity),
		state_word(message->severity));
	canvas_text(view->canvas, area.row, area.column + 16, area.columns - 17,
		selected ? ROLE_SELECTED : ROLE_TEXT, message->text);
}

static void detail(const struct view *view, size_t index, char *out, size_t size)
{
	size_t newest = view->model->message_count - 1;
	snprintf(out, size, "%s", view->model->messages[newest - index].text);
}

void errors_draw(const struct view *view)
{
	list_screen_draw(view, SCREEN_ERRORS, "MESSAGES  TIME (UTC), newest first",
		view->model->message_count, row_draw, detail, "nothing has gone wrong so far");
}
