/* plan_text.h - a plan in lines, wrapped to a width: what the dialog shows and the operator
 * confirms. */
#ifndef UI_CONSOLE_PLAN_TEXT_H
#define UI_CONSOLE_PLAN_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/role.h"

struct console_model;
struct plan;

#define PLAN_LINES_MOST 400
#define PLAN_LINE_TEXT_BYTES 400

struct plan_line {
	const char *label; /* "will run"; "" for a line that goes on */
	const char *badge; /* glyph and word before the text, "" where it goes on; NULL none */
	enum role role;    /* of the badge where there is one, else of the text */
	char text[PLAN_LINE_TEXT_BYTES];
};

struct plan_text {
	struct plan_line lines[PLAN_LINES_MOST];
	size_t count;
};

#define PLAN_BADGE_COLUMNS 6

/*
 * Append one entry, wrapped to `columns`; badge may be NULL. Past PLAN_LINES_MOST the last line
 * says that lines are missing.
 */
void plan_text_add(struct plan_text *text, int columns, enum role role, const char *label,
	const char *badge, const char *words);

/*
 * All of a plan; `changed`: it is another one than the operator looked at; `folded`: guards that
 * pass are named in one entry, without their sums, so that what needs reading fits. `out` is empty.
 */
void plan_text_make(const struct plan *plan, const struct console_model *model, bool changed,
	bool folded, int columns, struct plan_text *out);

#endif
