/*
 * grid.h - tables of text with named columns, as core/wire/postgres.h writes them.
 *
 * Columns are asked for by name, because they come and go from version to version. What a server
 * did not say (no such column, NULL, a query that it refused) is absent, and never zero.
 */
#ifndef BACKENDS_GRID_H
#define BACKENDS_GRID_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct error;

#define GRID_COLUMNS_MOST 128
#define GRID_ROWS_MOST 65536

struct grid {
	const char *const *names;
	const char *const *cells; /* row after row; NULL is NULL */
	size_t columns, rows;
	const char *code; /* the query was refused: its SQLSTATE; else NULL */
	const char *said; /* and the server's reason, NOT sanitised */
};

/* Bytes still to be read; `at` moves on. */
struct grid_text {
	const char *at, *end;
};

/*
 * The next table. Everything lives in `arena`. False at the end of the text (the error is left
 * alone) and with an error: ERROR_SYNTAX (cut short, a row of another width), ERROR_LIMIT,
 * ERROR_NO_MEMORY.
 */
bool grid_next(struct grid_text *text, struct arena *arena, struct grid *out, struct error *error);

/* A cell by the name of its column; NULL where there is none. */
const char *grid_cell(const struct grid *grid, size_t row, const char *column);

/* The same as a number; false where it is absent or none. */
bool grid_number(const struct grid *grid, size_t row, const char *column, double *out);

bool grid_has(const struct grid *grid, const char *column);

#endif
