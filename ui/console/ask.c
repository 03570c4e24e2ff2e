#include <stdio.h>
#include <string.h>

#include "ui/console/screen.h"
#include "ui/wrap.h"

#define BOX_COLUMNS 64

static void question_text(const struct view *view, char *out, size_t size)
{
	const struct console_model *model = view->model;
	if (view->console->overlay == OVERLAY_ARM) {
		snprintf(out, size,
			"Arm this console for changes in %s? Every change still shows its plan and "
			"asks. It disarms itself after a while.",
			model->environment ? model->environment : "this environment");
		return;
	}
	snprintf(out, size,
		"Run %s is under way (%s). Quitting stops watching it, not the change itself; the "
		"journal will say that its outcome was not seen. Quit?",
		model->run ? model->run->id : "?", model->run ? run_state_words(model->run) : "?");
}

void ask_draw(const struct view *view)
{
	bool arming = view->console->overlay == OVERLAY_ARM;
	struct area box = console_box(view->canvas, 8, BOX_COLUMNS);
	char text[ACTION_TEXT_BYTES], line[ACTION_TEXT_BYTES];
	question_text(view, text, sizeof text);
	canvas_box(view->canvas, box.row, box.column, box.rows, box.columns, ROLE_DIALOG,
		arming ? "ARM" : "QUIT");
	const char *rest = text;
	for (int row = box.row + 1; row < box.row + box.rows - 2; row++) {
		if (!wrap_next(&rest, box.columns - 6, line, sizeof line))
			break;
		canvas_text(view->canvas, row, box.column + 3, box.columns - 5, ROLE_DIALOG, line);
	}
	canvas_text(view->canvas, box.row + box.rows - 2, box.column + 3, box.columns - 5, ROLE_KEY,
		arming ? "y arm   N stay read-only (default)" : "y quit   N stay (default)");
}

/* The palette shows what the typed start may still become. */
static void candidates_text(const char *typed, char *out, size_t size)
{
	size_t used = 0;
	out[0] = '\0';
	for (size_t i = 0; i < key_row_count && used < size; i++) {
		const char *palette = key_rows[i].palette;
		if (palette && strncmp(palette, typed, strlen(typed)) == 0)
			used += (size_t)snprintf(
				out + used, size - used, "%s%s", used > 0 ? " " : "", palette);
	}
	if (used == 0)
		snprintf(out, size, "no such command (Esc leaves)");
}

void line_draw(const struct view *view, int row)
{
	struct console *console = view->console;
	bool filter = console->overlay == OVERLAY_FILTER;
	int columns = canvas_columns(view->canvas);
	char text[NOTICE_BYTES];
	canvas_fill(view->canvas, row, 0, 1, columns, ROLE_TEXT);
	canvas_text(view->canvas, row, 1, 1, ROLE_KEY, filter ? "/" : ":");
	prompt_draw(&console->line, view->canvas, row, 2, 24, true);
	if (filter)
		snprintf(text, sizeof text, "%zu of %zu clusters pass   Enter keep   Esc clear",
			clusters_shown(console, view->model), console->order.count);
	else if (console->line_trouble[0])
		snprintf(text, sizeof text, "%s", console->line_trouble);
	else
		candidates_text(console->line.text, text, sizeof text);
	canvas_text(view->canvas, row, 28, columns - 29, ROLE_DIM, text);
}
