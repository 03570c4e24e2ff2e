/*
 * fields.h - a mapping read into a struct by a table.
 *
 * One row per key drives the reader, the error texts, the JSON Schema and the manual page, so they
 * cannot disagree. Unknown keys are complaints with the nearest known key suggested; wrong types
 * say what was expected, with an example.
 */
#ifndef CORE_BASE_FIELDS_H
#define CORE_BASE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct complaints;
struct error;
struct json_writer;
struct text;
struct yaml_node;

/* What a key holds, and the C type at `offset`. */
enum field_type {
	FIELD_STRING,   /* const char *: in the arena; NULL when absent */
	FIELD_BOOL,     /* bool: exactly true or false */
	FIELD_INTEGER,  /* int64_t */
	FIELD_NUMBER,   /* double */
	FIELD_DURATION, /* int64_t milliseconds: "250ms", "2s", "5m", "1h", "7d"; a bare number is
			   an error */
	FIELD_PERCENT,  /* double share: "15%" is 0.15; a bare number is an error */
	FIELD_FACTOR,   /* double: "2x" is 2.0 */
	FIELD_TIME,     /* int64_t ms since the epoch: RFC 3339 */
	FIELD_CHOICE,   /* int: index into `choices` */
	FIELD_NODE,     /* const struct yaml_node *: the reader of that room takes it from there */
};

/* The order is that of a row as people write it, which is worth its eight bytes of padding. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct field {
	const char *key;
	enum field_type type;
	size_t offset;
	bool required;
	double min, max;            /* for numbers in the C unit; both 0: unbounded */
	const char *const *choices; /* FIELD_CHOICE: NULL-terminated */
	const char *fallback; /* written as in the file; NULL: the zero value (NAN for doubles, -1
				 for choices) */
	const char *help;     /* one sentence for schema and manual page */
};

/*
 * Fill the struct at `out` from `mapping` (every field gets its value or fallback, also on
 * failure). `path` is the dotted path of the mapping for complaints, "" at the root. Returns false
 * when it complained. A NULL mapping, one that is not in the file, gives fallbacks only. Booleans
 * and plain numbers must not be quoted; everything else may be, so that JSON works.
 */
bool fields_read(const struct field *rows, size_t count, const struct yaml_node *mapping,
	const char *path, void *out, struct arena *arena, struct complaints *complaints);

#define FIELD_WHY_BYTES 256 /* room enough for every reason */

/*
 * Parse one scalar by type into *out (used by fields_read, the command line and templates alike).
 * `why` then says what was expected and what was found; *out is untouched on failure. A FIELD_NODE
 * cannot be written as one scalar.
 */
bool field_parse(const struct field *row, const char *scalar, void *out, struct arena *arena,
	char *why, size_t why_size);

/* Is the table itself sound (no key twice, fallbacks parse)? For the tests of those who have one.
 */
bool fields_check(const struct field *rows, size_t count, struct error *error);

/* A JSON Schema object {"type":"object",...} for the table, closed for unknown keys. */
void fields_schema(const struct field *rows, size_t count, struct text *out);

/* Writes exactly one value: the schema of a FIELD_NODE row. */
typedef void fields_nested_fn(void *context, const struct field *row, struct json_writer *writer);

/* One of those: a list of words, with the row's help. */
void fields_schema_words(void *context, const struct field *row, struct json_writer *writer);

/* The same into a document that is being written; `nested` may be NULL: such rows take anything. */
void fields_schema_write(const struct field *rows, size_t count, fields_nested_fn *nested,
	void *context, struct json_writer *writer);

#endif
