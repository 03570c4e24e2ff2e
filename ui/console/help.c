#include <stdio.h>
#include <string.h>

#include "ui/console/list_screen.h"

/* What the words and signs of the screens mean. */
/* NOLINTBEGIN(bugprone-suspicious-missing-comma): the longer ones go on on the next line */
static const char *const words[] = {
	"!CRIT ~WARN  OK ?UNK    states: glyph, word and colour; ? is not known, never zero, never "
	"green",
	"*                       the stage that left its baseline first: the likely cause",
	"BASE, xBASE             the baseline of a stage, and how many times that it is now",
	"?48s                    too old to be shown: this old; a dim figure is late",
	"SHARE                   of all traffic, by weight at the divider",
	"REPL                    replicas serving / expected",
	"POOL                    the fullest pool of the cluster, of its size",
	"WAITING, LONGEST        clients waiting for a connection, and the longest wait",
	"AUTH%, ERR%             auth requests and user requests that failed, of all",
	"A/R                     attempts per request: 1.00 means nobody retries",
	"N-1                     headroom left after the worst loss of one replica; below 0 is too "
	"little",
	"m ! A                   on the time line: maintenance begins, a stage's onset, a change",
	"goodput                 user requests per second that succeeded",
	"",
};
/* NOLINTEND(bugprone-suspicious-missing-comma) */
#define WORD_COUNT (sizeof words / sizeof *words)

size_t help_count(void)
{
	return WORD_COUNT + key_row_count;
}

static void row_draw(const struct view *view, size_t index, struct area area, bool selected)
{
	enum role role = selected ? ROLE_SELECTED : ROLE_TEXT;
	if (index >= key_row_count) {
		canvas_text(view->canvas, area.row, 1, area.columns - 2, role,
			words[index - key_row_count]);
		return;
	}
	const struct key_row *key = &key_rows[index];
	char where[128], palette[40];
	key_context_words(key->contexts, where, sizeof where);
	snprintf(palette, sizeof palette, "%s%s", key->palette ? ":" : "",
		key->palette ? key->palette : "");
	canvas_text(view->canvas, area.row, 1, 7, selected ? ROLE_SELECTED : ROLE_KEY, key->label);
	canvas_text(view->canvas, area.row, 9, 18, selected ? ROLE_SELECTED : ROLE_DIM, where);
	canvas_text(view->canvas, area.row, 28, 9, selected ? ROLE_SELECTED : ROLE_DIM, palette);
	canvas_text(view->canvas, area.row, 38, area.columns - 39, role, key->what);
}

static void detail(const struct view *view, size_t index, char *out, size_t size)
{
	(void)view;
	snprintf(out, size, "%s",
		index < key_row_count ? key_rows[index].what : words[index - key_row_count]);
}

void help_draw(const struct view *view)
{
	list_screen_draw(view, SCREEN_HELP, "HELP     WHERE              COMMAND   WHAT",
		help_count(), row_draw, detail, "");
}
