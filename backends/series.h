/*
 * series.h - a series as the text exposition format writes it: name{label="value",...}.
 *
 * Used for the lines of a page. Blanks are allowed around every token, also between the name and
 * '{'. Escapes in values are \\, \" and \n. An empty value is kept here; that it means "absent" is
 * for label.h.
 *
 * A selector of a fleet file is written alike and may say more:
 *
 *   requests_total{code=~"5..|429",zone!="test"}   which series
 *   max_connections - reserved_connections         the first less the others, under one selector
 *
 * A pattern matches the whole value and knows '.' (any byte), '.*' (any run) and '|' (or). What is
 * more than '=' is kept as a label whose name begins with the operator ("~code", "!zone") or is
 * SERIES_LESS, which no label of a page can.
 */
#ifndef BACKENDS_SERIES_H
#define BACKENDS_SERIES_H

#include <stdbool.h>
#include <stddef.h>

#include "backends/source.h"

struct error;

#define SERIES_LABELS_MOST 64
#define SERIES_VALUE_BYTES 4096
#define SERIES_TERMS_MOST 4 /* of a difference */

#define SERIES_LESS "-" /* its value names a metric to be taken off */
#define SERIES_NOT '!'
#define SERIES_LIKE '~'

struct series {
	const char *name;
	struct source_label labels[SERIES_LABELS_MOST];
	size_t label_count;
};

/* How many of the bytes make a metric's or a label's name, from the first on. */
size_t series_metric_name_length(const char *bytes, size_t length);
size_t series_label_name_length(const char *bytes, size_t length);

/*
 * Parse a line's series at `bytes`; its strings go into `room`, for which `length` + 1 bytes are
 * enough. Returns the bytes taken, 0 with `error`: ERROR_SYNTAX, or ERROR_LIMIT past
 * SERIES_LABELS_MOST or SERIES_VALUE_BYTES or the room. Outputs are untouched then, but for `room`.
 */
size_t series_parse_line(const char *bytes, size_t length, char *room, size_t room_size,
	struct series *out, struct error *error);

/* The same for a selector. */
size_t series_parse(const char *bytes, size_t length, char *room, size_t room_size,
	struct series *out, struct error *error);

/* Whether a series has what the selector's labels ask for; its name is the caller's to compare. */
bool series_is_selected(
	const struct series *series, const struct source_label *where, size_t count);

/* Whether the whole value is one that the pattern describes. */
bool series_pattern_matches(const char *pattern, const char *value);

/* The value of a label; "" when there is none, because an empty label is an absent one. */
const char *series_label(const struct series *series, const char *name);

#endif
