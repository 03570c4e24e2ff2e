/*
 * expression.h - conditions in runbooks and fleet files, with three answers.
 *
 *   pool.waiting == 0 and surface.error_ratio < 1%
 *   max(pool.use, 0.5) > 0.85 or phase == "metastable"
 *
 * Grammar: or, and, not; == != < <= > >=; + - * /; numbers (with %, ms, s, m, h, k, x suffixes: 5%
 * is 0.05, 2s is 2000 ms), strings in double quotes, names (letters, digits, '_', '.', '-' after
 * the first, and one optional [argument]), min(), max(), abs(). A name that cannot be known makes
 * every result that depends on it UNKNOWN: never true, never false. `false and unknown` is false;
 * `true or unknown` is true. Division by zero is unknown. Limits: EXPRESSION_BYTES,
 * EXPRESSION_DEPTH.
 */
#ifndef CORE_BASE_EXPRESSION_H
#define CORE_BASE_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct error;
struct expression;
struct text;

#define EXPRESSION_BYTES 1024
#define EXPRESSION_DEPTH 32

enum truth { TRUTH_FALSE, TRUTH_TRUE, TRUTH_UNKNOWN };

/* A value that a name stands for. */
struct expression_value {
	enum { EXPRESSION_UNKNOWN, EXPRESSION_NUMBER, EXPRESSION_STRING, EXPRESSION_BOOL } kind;
	double number;      /* also 0 or 1 for a bool */
	const char *string; /* borrowed until the evaluation ends */
};

/* Resolve `name` (argument NULL when none was written). False: no such name, an error at check
 * time. */
typedef bool expression_lookup_fn(
	void *context, const char *name, const char *argument, struct expression_value *out);

/* Parse; the tree lives in `arena`. Errors: ERROR_SYNTAX with the column, ERROR_LIMIT. */
const struct expression *expression_parse(
	struct arena *arena, const char *source, struct error *error);

/* Every name resolves (whether or not its value is known now)? ERROR_SCHEMA names the first that
 * does not. */
bool expression_check(const struct expression *expression, expression_lookup_fn *lookup,
	void *context, struct error *error);

/* A condition's answer. A number or string on its own is UNKNOWN: conditions must compare. */
enum truth expression_test(
	const struct expression *expression, expression_lookup_fn *lookup, void *context);

/* A number's value; false when unknown or not a number. */
bool expression_number(const struct expression *expression, expression_lookup_fn *lookup,
	void *context, double *out);

/* The source with each name's present value in brackets, for showing why: "pool.waiting {412} ==
 * 0". */
void expression_explain(const struct expression *expression, expression_lookup_fn *lookup,
	void *context, struct text *out);

#endif
