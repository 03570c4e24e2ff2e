/* digits.h - figures large enough to be read from across a room, in seven segments. */
#ifndef UI_WALL_DIGITS_H
#define UI_WALL_DIGITS_H

#include "ui/role.h"

struct canvas;

#define DIGITS_ROWS 5

/* Columns that the figure takes: digits, '.', '%', '/', 'x', 's', 'm', 'h', '-', '?'; others are
 * blank. */
int digits_width(const char *figure);

/* Draw it `scale` times as large; cut at `columns` between characters. */
void digits_draw(struct canvas *canvas, int row, int column, int columns, enum role role, int scale,
	const char *figure);

#endif
