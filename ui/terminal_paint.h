/*
 * terminal_paint.h - cells into bytes: the part of the terminal that speaks to ncurses.
 *
 * ncurses is started on a file in memory, so that nothing it does can block; what it writes there
 * is handed on as bytes. One painter exists at a time (ncurses has one current screen).
 */
#ifndef UI_TERMINAL_PAINT_H
#define UI_TERMINAL_PAINT_H

#include <stdbool.h>

struct canvas;
struct error;
struct painter;
struct text;
struct theme;

/* Errors: ERROR_USAGE for a TERM that cannot carry a screen, ERROR_IO, ERROR_NO_MEMORY. */
struct painter *painter_create(const char *term, const struct theme *theme, bool no_color,
	int columns, int rows, struct error *error);
void painter_destroy(struct painter *painter); /* writes nothing; NULL is allowed */

void painter_resize(struct painter *painter, int columns, int rows);

/* Append the bytes that turn what is on the terminal into the canvas; all of it when `anew`. */
void painter_draw(
	struct painter *painter, const struct canvas *canvas, bool anew, struct text *out);

/* Append the bytes that leave our screen; the next painter_draw() enters it again. */
void painter_leave(struct painter *painter, struct text *out);

/* What leaves the screen, colours and hidden cursor in an emergency; valid as long as the painter.
 */
const char *painter_reset_string(const struct painter *painter);

#endif
