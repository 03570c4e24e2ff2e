/*
 * exposition.h - the Prometheus text format 0.0.4, read piece by piece.
 *
 *   # HELP, # TYPE and other comments are skipped
 *   name{label="value"} 12.5 1795360066051
 *
 * Bytes may come in any pieces; nothing is kept but an unfinished line. As Prometheus does, one bad
 * line refuses the page: after it nothing on the page can be believed. So does a last line without
 * its newline: a page cut in the middle of a number would still look like a page. Lines that
 * nobody wants are held to the format too, but for labels given twice, and cost next to nothing.
 * Repeated series are handed over as they come; observation.h says what becomes of them.
 *
 * Limits: EXPOSITION_LINE_BYTES, EXPOSITION_LINES_MOST, and those of series.h.
 */
#ifndef BACKENDS_EXPOSITION_H
#define BACKENDS_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/series.h"
#include "core/base/text.h"

struct error;

#define EXPOSITION_LINE_BYTES (64 * 1024)
#define EXPOSITION_LINES_MOST 1000000

struct exposition_sample {
	const struct series *series; /* valid in the callback only; not sanitised */
	double value;                /* may be NaN or infinite */
	bool has_time;
	int64_t time_ms; /* the exporter's clock */
};

/* Whether samples of a metric of that name are to be handed over. */
typedef bool exposition_wants_fn(const void *context, const char *name, size_t length);

/* Called per sample; false with `error` filled ends the reading. */
typedef bool exposition_sample_fn(
	void *context, const struct exposition_sample *sample, struct error *error);

struct exposition_reader {
	exposition_sample_fn *on_sample;
	exposition_wants_fn *wants; /* NULL: all are; may be set before the first piece */
	void *context;
	struct text rest; /* an unfinished line */
	char *room;       /* for the strings of one series */
	size_t room_bytes;
	struct series series;
	size_t lines;
};

bool exposition_init(struct exposition_reader *reader, exposition_sample_fn *on_sample,
	void *context, struct error *error);
void exposition_finish(struct exposition_reader *reader);

/* The next piece. Errors name the line: ERROR_SYNTAX, ERROR_LIMIT, ERROR_NO_MEMORY. */
bool exposition_feed(
	struct exposition_reader *reader, const char *bytes, size_t length, struct error *error);

/* After the last piece. ERROR_SYNTAX when it ended in the middle of a line. */
bool exposition_end(struct exposition_reader *reader, struct error *error);

#endif
