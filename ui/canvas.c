#include "ui/canvas.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/base/utf8.h"
#include "ui/cell.h"

#define PRINTF_BYTES 2048

static const uint32_t eighths[] = {0x2581, 0x2582, 0x2583, 0x2584, 0x2585, 0x2586, 0x2587, 0x2588};
/* The lowest value is a dot, not a blank: a blank is a gap in what is known. */
static const char ramp[] = ".:-=+*#%@";

static int clamp(int value, int low, int high)
{
	return value < low ? low : value > high ? high : value;
}

struct canvas *canvas_create(int columns, int rows, bool ascii)
{
	struct canvas *canvas = calloc(1, sizeof *canvas);
	if (!canvas)
		return NULL;
	canvas->ascii = ascii;
	if (!canvas_resize(canvas, columns, rows)) {
		free(canvas);
		return NULL;
	}
	return canvas;
}

void canvas_destroy(struct canvas *canvas)
{
	if (!canvas)
		return;
	free(canvas->cells);
	free(canvas);
}

bool canvas_resize(struct canvas *canvas, int columns, int rows)
{
	columns = clamp(columns, 1, CANVAS_COLUMNS_MOST);
	rows = clamp(rows, 1, CANVAS_ROWS_MOST);
	struct cell *cells = calloc((size_t)columns * (size_t)rows, sizeof *cells);
	if (!cells)
		return false;
	free(canvas->cells);
	canvas->cells = cells;
	canvas->columns = columns;
	canvas->rows = rows;
	canvas_clear(canvas);
	return true;
}

int canvas_columns(const struct canvas *canvas)
{
	return canvas->columns;
}

int canvas_rows(const struct canvas *canvas)
{
	return canvas->rows;
}

bool canvas_is_ascii(const struct canvas *canvas)
{
	return canvas->ascii;
}

static struct cell *cell_at(const struct canvas *canvas, int row, int column)
{
	if (row < 0 || row >= canvas->rows || column < 0 || column >= canvas->columns)
		return NULL;
	return &canvas->cells[row * canvas->columns + column];
}

static void blank(struct cell *cell, enum role role)
{
	*cell = (struct cell){.base = ' ', .width = 1, .role = (uint8_t)role};
}

/* Whatever wide character lies on this cell loses its other half too. */
static void release(struct canvas *canvas, int row, int column)
{
	struct cell *cell = cell_at(canvas, row, column);
	struct cell *partner = cell->width == 2   ? cell_at(canvas, row, column + 1)
			       : cell->width == 0 ? cell_at(canvas, row, column - 1)
						  : NULL;
	if (partner)
		blank(partner, (enum role)partner->role);
	blank(cell, (enum role)cell->role);
}

static void put(
	struct canvas *canvas, int row, int column, enum role role, uint32_t codepoint, int width)
{
	struct cell *first = cell_at(canvas, row, column);
	struct cell *second = width == 2 ? cell_at(canvas, row, column + 1) : NULL;
	if (!first && !second)
		return;
	if (width == 2 && (!first || !second)) {
		/* Half of it would lie outside: what shows is a blank, never a wrapped row. */
		release(canvas, row, first ? column : column + 1);
		blank(first ? first : second, role);
		return;
	}
	release(canvas, row, column);
	if (second)
		release(canvas, row, column + 1);
	*first = (struct cell){.base = codepoint, .width = (uint8_t)width, .role = (uint8_t)role};
	if (second)
		*second = (struct cell){.base = ' ', .width = 0, .role = (uint8_t)role};
}

static void add_mark(struct canvas *canvas, int row, int column, uint32_t mark)
{
	struct cell *cell = cell_at(canvas, row, column);
	if (!cell)
		return;
	for (int i = 0; i < CELL_MARKS; i++) {
		if (!cell->marks[i]) {
			cell->marks[i] = mark;
			return;
		}
	}
}

void canvas_clear(struct canvas *canvas)
{
	size_t count = (size_t)canvas->columns * (size_t)canvas->rows;
	for (size_t i = 0; i < count; i++)
		blank(&canvas->cells[i], ROLE_TEXT);
}

/* One character as it will be drawn. */
struct glyph {
	size_t bytes;
	uint32_t codepoint;
	int width; /* 0: a mark on the glyph before */
};

static struct glyph next_glyph(const struct canvas *canvas, const char *string, size_t length)
{
	struct glyph glyph = {0};
	glyph.bytes = utf8_decode(string, length, &glyph.codepoint);
	if (glyph.bytes == 0)
		return (struct glyph){.bytes = 1, .codepoint = '?', .width = 1};
	if (utf8_is_control(glyph.codepoint) || utf8_is_format(glyph.codepoint)) {
		glyph.codepoint = '?';
		glyph.width = 1;
		return glyph;
	}
	glyph.width = utf8_width(glyph.codepoint);
	if (glyph.width > 0 && canvas->ascii && glyph.codepoint > 126)
		glyph.codepoint = '?';
	return glyph;
}

static int width_of(const struct canvas *canvas, const char *string)
{
	int columns = 0;
	size_t length = strlen(string);
	for (size_t at = 0; at < length;) {
		struct glyph glyph = next_glyph(canvas, string + at, length - at);
		columns += glyph.width;
		at += glyph.bytes;
	}
	return columns;
}

/* '?' for a wide character in ASCII takes both of its columns, so that tables keep their shape. */
static void put_glyph(
	struct canvas *canvas, int row, int column, enum role role, const struct glyph *glyph)
{
	if (glyph->codepoint == '?' && glyph->width == 2) {
		put(canvas, row, column, role, '?', 1);
		put(canvas, row, column + 1, role, '?', 1);
		return;
	}
	put(canvas, row, column, role, glyph->codepoint, glyph->width);
}

int canvas_text(
	struct canvas *canvas, int row, int column, int columns, enum role role, const char *string)
{
	if (columns <= 0 || !string)
		return 0;
	bool cut = width_of(canvas, string) > columns;
	int room = cut ? columns - 1 : columns;
	int used = 0;
	int last = -1;
	size_t length = strlen(string);
	for (size_t at = 0; at < length;) {
		struct glyph glyph = next_glyph(canvas, string + at, length - at);
		at += glyph.bytes;
		if (glyph.width == 0) {
			if (last >= 0 && !canvas->ascii)
				add_mark(canvas, row, column + last, glyph.codepoint);
			continue;
		}
		if (used + glyph.width > room)
			break;
		put_glyph(canvas, row, column + used, role, &glyph);
		last = used;
		used += glyph.width;
	}
	if (!cut)
		return used;
	put(canvas, row, column + used, role, '~', 1);
	return used + 1;
}

void canvas_text_right(
	struct canvas *canvas, int row, int column, int columns, enum role role, const char *string)
{
	if (!string)
		return;
	int width = width_of(canvas, string);
	int shift = width < columns ? columns - width : 0;
	canvas_text(canvas, row, column + shift, columns - shift, role, string);
}

int canvas_printf(struct canvas *canvas, int row, int column, int columns, enum role role,
	const char *format, ...)
{
	char buffer[PRINTF_BYTES];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(buffer, sizeof buffer, format, arguments);
	va_end(arguments);
	return canvas_text(canvas, row, column, columns, role, buffer);
}

void canvas_fill(struct canvas *canvas, int row, int column, int rows, int columns, enum role role)
{
	int row_end = clamp(row + rows, 0, canvas->rows);
	int column_end = clamp(column + columns, 0, canvas->columns);
	for (int r = clamp(row, 0, canvas->rows); r < row_end; r++) {
		for (int c = clamp(column, 0, canvas->columns); c < column_end; c++)
			put(canvas, r, c, role, ' ', 1);
	}
}

void canvas_rule(struct canvas *canvas, int row, int column, int columns, const char *title)
{
	uint32_t line = canvas->ascii ? '-' : 0x2500;
	int end = clamp(column + columns, 0, canvas->columns);
	for (int c = clamp(column, 0, canvas->columns); c < end; c++)
		put(canvas, row, c, ROLE_TITLE, line, 1);
	if (title && title[0])
		canvas_text(canvas, row, column + 1, columns - 2, ROLE_TITLE, title);
}

void canvas_box(struct canvas *canvas, int row, int column, int rows, int columns, enum role role,
	const char *title)
{
	static const uint32_t plain[] = {'-', '|', '+', '+', '+', '+'};
	static const uint32_t lines[] = {0x2500, 0x2502, 0x250C, 0x2510, 0x2514, 0x2518};
	const uint32_t *set = canvas->ascii ? plain : lines;
	if (rows < 1 || columns < 1)
		return;
	canvas_fill(canvas, row, column, rows, columns, role);
	for (int c = 1; c < columns - 1; c++) {
		put(canvas, row, column + c, role, set[0], 1);
		put(canvas, row + rows - 1, column + c, role, set[0], 1);
	}
	for (int r = 1; r < rows - 1; r++) {
		put(canvas, row + r, column, role, set[1], 1);
		put(canvas, row + r, column + columns - 1, role, set[1], 1);
	}
	put(canvas, row, column, role, set[2], 1);
	put(canvas, row, column + columns - 1, role, set[3], 1);
	put(canvas, row + rows - 1, column, role, set[4], 1);
	put(canvas, row + rows - 1, column + columns - 1, role, set[5], 1);
	if (title && title[0])
		canvas_printf(canvas, row, column + 2, columns - 4, role, " %s ", title);
}

void canvas_spark(struct canvas *canvas, int row, int column, enum role role, const double *values,
	size_t count, double low, double high)
{
	bool ascii = canvas->ascii;
	int steps = ascii ? (int)sizeof ramp - 1 : (int)(sizeof eighths / sizeof *eighths);
	for (size_t i = 0; i < count && i < CANVAS_COLUMNS_MOST; i++) {
		uint32_t glyph = ' ';
		if (!isnan(values[i])) {
			double share = high > low ? (values[i] - low) / (high - low) : 0.0;
			share = share < 0.0 ? 0.0 : share > 1.0 ? 1.0 : share;
			int step = clamp((int)lround(share * (steps - 1)), 0, steps - 1);
			glyph = ascii ? (uint32_t)ramp[step] : eighths[step];
		}
		put(canvas, row, column + (int)i, role, glyph, 1);
	}
}

static void add_codepoint(struct text *out, uint32_t codepoint)
{
	char bytes[4];
	text_append(out, bytes, utf8_encode(codepoint, bytes));
}

void canvas_capture(const struct canvas *canvas, struct text *out)
{
	for (int row = 0; row < canvas->rows; row++) {
		int end = canvas->columns;
		while (end > 0 && cell_at(canvas, row, end - 1)->width == 1 &&
			cell_at(canvas, row, end - 1)->base == ' ')
			end--;
		for (int column = 0; column < end; column++) {
			const struct cell *cell = cell_at(canvas, row, column);
			if (cell->width == 0)
				continue;
			add_codepoint(out, cell->base);
			for (int i = 0; i < CELL_MARKS && cell->marks[i]; i++)
				add_codepoint(out, cell->marks[i]);
		}
		text_add_char(out, '\n');
	}
}

enum role canvas_role_at(const struct canvas *canvas, int row, int column)
{
	const struct cell *cell = cell_at(canvas, row, column);
	return cell ? (enum role)cell->role : ROLE_TEXT;
}
