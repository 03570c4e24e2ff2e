#include "backends/grid.h"

#include <string.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/number.h"

/* One line of the text, without its end. False when there is no end: it was cut short. */
static bool next_line(struct grid_text *text, const char **line, size_t *length)
{
	size_t left = (size_t)(text->end - text->at);
	const char *end = left > 0 ? memchr(text->at, '\n', left) : NULL;
	if (!end)
		return false;
	*line = text->at;
	*length = (size_t)(end - text->at);
	text->at = end + 1;
	return true;
}

static const char *unescape(struct arena *arena, const char *bytes, size_t length)
{
	char *copy = arena_strndup(arena, bytes, length);
	if (!copy)
		return NULL;
	size_t used = 0;
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] != '\\' || i + 1 == length) {
			copy[used++] = bytes[i];
			continue;
		}
		char c = bytes[++i];
		copy[used++] = (char)(c == 't' ? '\t' : c == 'n' ? '\n' : c);
	}
	copy[used] = '\0';
	return copy;
}

static size_t count_fields(const char *line, size_t length)
{
	size_t count = 1;
	for (size_t i = 0; i < length; i++)
		count += line[i] == '\t' ? 1 : 0;
	return count;
}

/* Exactly `count` fields into `out`. */
static bool read_fields(struct arena *arena, const char *line, size_t length, size_t count,
	const char **out, struct error *error)
{
	const char *end = line + length;
	if (count_fields(line, length) != count)
		return error_set(error, ERROR_SYNTAX, "a row of the table has another width");
	for (size_t i = 0; i < count; i++) {
		const char *tab = memchr(line, '\t', (size_t)(end - line));
		size_t size = (size_t)((tab ? tab : end) - line);
		bool absent = size == 2 && memcmp(line, "\\N", 2) == 0;
		out[i] = absent ? NULL : unescape(arena, line, size);
		if (!absent && !out[i])
			return error_set(error, ERROR_LIMIT, "the tables are too large");
		line += size + (tab ? 1 : 0);
	}
	return true;
}

static size_t count_rows(struct grid_text text)
{
	const char *line = NULL;
	size_t length = 0, rows = 0;
	while (next_line(&text, &line, &length) && length > 0 && line[0] != '!')
		rows++;
	return rows;
}

static bool read_refusal(struct grid *grid, struct arena *arena, const char *line, size_t length,
	struct error *error)
{
	const char *fields[2] = {NULL, NULL};
	if (!read_fields(arena, line + 1, length - 1, 2, fields, error))
		return false;
	grid->code = fields[0] ? fields[0] : "";
	grid->said = fields[1] ? fields[1] : "";
	return true;
}

static bool cut_short(struct error *error)
{
	return error_set(error, ERROR_SYNTAX, "the tables end in the middle: they were cut short");
}

static bool read_rows(
	struct grid_text *text, struct grid *grid, struct arena *arena, struct error *error)
{
	const char *line = NULL;
	size_t length = 0;
	size_t rows = count_rows(*text);
	if (rows > GRID_ROWS_MOST)
		return error_set(
			error, ERROR_LIMIT, "a table of more than %d rows", GRID_ROWS_MOST);
	const char **cells = arena_array(arena, rows * grid->columns + 1, sizeof(*cells));
	if (!cells)
		return error_set(error, ERROR_LIMIT, "the tables are too large");
	grid->cells = cells;
	for (;;) {
		if (!next_line(text, &line, &length))
			return cut_short(error);
		if (length == 0)
			return true;
		bool good = line[0] == '!' ? read_refusal(grid, arena, line, length, error)
					   : read_fields(arena, line, length, grid->columns,
						     cells + grid->rows * grid->columns, error);
		if (!good)
			return false;
		if (grid->code)
			return next_line(text, &line, &length) && length == 0 ? true
									      : cut_short(error);
		grid->rows++;
	}
}

bool grid_next(struct grid_text *text, struct arena *arena, struct grid *out, struct error *error)
{
	const char *line = NULL;
	size_t length = 0;
	struct grid grid = {0};
	if (text->at == text->end)
		return false;
	if (!next_line(text, &line, &length))
		return cut_short(error);
	if (length > 0 && line[0] == '!') {
		if (!read_refusal(&grid, arena, line, length, error))
			return false;
		if (!next_line(text, &line, &length) || length != 0)
			return cut_short(error);
		*out = grid;
		return true;
	}
	grid.columns = length > 0 ? count_fields(line, length) : 0;
	if (grid.columns > GRID_COLUMNS_MOST)
		return error_set(
			error, ERROR_LIMIT, "a table of more than %d columns", GRID_COLUMNS_MOST);
	if (grid.columns == 0) { /* a command that has no rows */
		*out = grid;
		return true;
	}
	const char **names = arena_array(arena, grid.columns, sizeof(*names));
	if (!names)
		return error_set(error, ERROR_LIMIT, "the tables are too large");
	grid.names = names;
	if (!read_fields(arena, line, length, grid.columns, names, error) ||
		!read_rows(text, &grid, arena, error))
		return false;
	*out = grid;
	return true;
}

static size_t place_of(const struct grid *grid, const char *column)
{
	size_t place = 0;
	while (place < grid->columns &&
		(!grid->names[place] || strcmp(grid->names[place], column) != 0))
		place++;
	return place;
}

bool grid_has(const struct grid *grid, const char *column)
{
	return place_of(grid, column) < grid->columns;
}

const char *grid_cell(const struct grid *grid, size_t row, const char *column)
{
	size_t place = place_of(grid, column);
	if (place == grid->columns || row >= grid->rows)
		return NULL;
	return grid->cells[row * grid->columns + place];
}

bool grid_number(const struct grid *grid, size_t row, const char *column, double *out)
{
	const char *cell = grid_cell(grid, row, column);
	return cell && number_parse(cell, strlen(cell), out);
}
