/*
 * pointer.h - rows of `signals:` that say where in an answer their number is: what the kinds json
 * and ssh have in common.
 *
 * A row's entity is what the labels of its target say. A value may be a number, a text that is one,
 * or true and false for 1 and 0. A pointer that leads nowhere is a warning: absent stays absent.
 */
#ifndef BACKENDS_POINTER_H
#define BACKENDS_POINTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backend_ask;
struct backend_answer;
struct backend_setup;
struct error;
struct json_node;
struct observations;
struct source_config;
struct sources;

struct pointer_rows {
	const struct source_config *source;
	const struct sources *sources;
	size_t count;
	size_t rows[]; /* indices into sources->maps */
};

/* The rows that take from a source; free() it. NULL with an error: ERROR_NO_MEMORY. */
struct pointer_rows *pointer_rows_create(const struct backend_setup *setup, struct error *error);

/* The pointer of the nth row. */
const char *pointer_row(const struct pointer_rows *rows, size_t n);

/* The number at a node; false when it is none. */
bool pointer_number(const struct json_node *node, double *out);

/* The nth row has a value. Errors: ERROR_NO_MEMORY, ERROR_LIMIT. */
bool pointer_note(const struct pointer_rows *rows, size_t n, const struct backend_ask *ask,
	const struct backend_answer *answer, double value, struct observations *sink,
	struct error *error);

/* The nth row has none: a warning. */
void pointer_miss(const struct pointer_rows *rows, size_t n, struct observations *sink);

#endif
