/*
 * series.h - a series as the text exposition format writes it: name{label="value",...}.
 *
 * Used for the lines of a page and for the selectors of a fleet file alike. Blanks are allowed
 * around every token, also between the name and '{'. Escapes in values are \\, \" and \n. An empty
 * value is kept here; that it means "absent" is for label.h.
 */
#ifndef BACKENDS_SERIES_H
#define BACKENDS_SERIES_H

#include <stddef.h>

#include "backends/source.h"

struct error;

#define SERIES_LABELS_MOST 64
#define SERIES_VALUE_BYTES 4096

struct series {
	const char *name;
	struct source_label labels[SERIES_LABELS_MOST];
	size_t label_count;
};

/* How many of the bytes make a metric's or a label's name, from the first on. */
size_t series_metric_name_length(const char *bytes, size_t length);
size_t series_label_name_length(const char *bytes, size_t length);

/*
 * Parse one at `bytes`; its strings go into `room`, for which `length` + 1 bytes are enough.
 * Returns the bytes taken, 0 with `error`: ERROR_SYNTAX, or ERROR_LIMIT past SERIES_LABELS_MOST or
 * SERIES_VALUE_BYTES or the room. Outputs are untouched then, but for `room`.
 */
size_t series_parse(const char *bytes, size_t length, char *room, size_t room_size,
	struct series *out, struct error *error);

/* The value of a label; "" when there is none, because an empty label is an absent one. */
const char *series_label(const struct series *series, const char *name);

#endif
