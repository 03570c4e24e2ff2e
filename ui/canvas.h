/*
 * canvas.h - drawing in cells by role, and reading back what was drawn.
 *
 * Everything is clipped: no call outside the canvas does harm. Strings must have passed sanitise()
 * when they came from outside; the canvas still draws nothing but printable characters. Rows and
 * columns count from 0.
 */
#ifndef UI_CANVAS_H
#define UI_CANVAS_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/role.h"

struct canvas;
struct text;

int canvas_columns(const struct canvas *canvas);
int canvas_rows(const struct canvas *canvas);
bool canvas_is_ascii(const struct canvas *canvas); /* only ASCII glyphs may be used */

void canvas_clear(struct canvas *canvas);

/* Draw at most `columns` columns of the string (cut with '~'); returns the columns used. */
int canvas_text(struct canvas *canvas, int row, int column, int columns, enum role role,
	const char *string);

/* The same, right-aligned in `columns`. */
void canvas_text_right(struct canvas *canvas, int row, int column, int columns, enum role role,
	const char *string);

int canvas_printf(struct canvas *canvas, int row, int column, int columns, enum role role,
	const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Fill a rectangle with blanks of a role. */
void canvas_fill(struct canvas *canvas, int row, int column, int rows, int columns, enum role role);

/* A horizontal rule with an optional title in it. */
void canvas_rule(struct canvas *canvas, int row, int column, int columns, const char *title);

/* A box with an optional title. */
void canvas_box(struct canvas *canvas, int row, int column, int rows, int columns, enum role role,
	const char *title);

/*
 * A chart of `count` values, one column each, scaled from `low` to `high`; NAN leaves a gap. Eighth
 * blocks, or " .:-=+*#%@" in ASCII.
 */
void canvas_spark(struct canvas *canvas, int row, int column, enum role role, const double *values,
	size_t count, double low, double high);

/* ---- reading back, for tests and captures ---- */

/* The screen as UTF-8 lines with trailing blanks removed. */
void canvas_capture(const struct canvas *canvas, struct text *out);
enum role canvas_role_at(const struct canvas *canvas, int row, int column);

#endif
