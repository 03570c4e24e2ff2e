/*
 * cell.h - what a canvas is made of, for the canvas and the terminal that shows it; nobody else.
 *
 * A wide character takes two cells: the first holds it with width 2, the second has width 0.
 * Writing on either half blanks the other, so that a row's widths always add up to its columns.
 */
#ifndef UI_CELL_H
#define UI_CELL_H

#include <stdbool.h>
#include <stdint.h>

#define CELL_MARKS 2
#define CANVAS_COLUMNS_MOST 1000
#define CANVAS_ROWS_MOST 500

struct cell {
	uint32_t base;              /* code point; a blank is ' ' */
	uint32_t marks[CELL_MARKS]; /* combining marks on it, 0 none */
	uint8_t width;              /* 1, 2, or 0 for the second half of a wide one */
	uint8_t role;               /* enum role */
};

struct canvas {
	int columns, rows;
	bool ascii;
	struct cell *cells; /* rows x columns */
};

/* A blank canvas; sizes are held within 1 and the limits above. NULL without memory. */
struct canvas *canvas_create(int columns, int rows, bool ascii);
void canvas_destroy(struct canvas *canvas);

/* Take a new size, blank. False without memory, with the canvas as before. */
bool canvas_resize(struct canvas *canvas, int columns, int rows);

#endif
