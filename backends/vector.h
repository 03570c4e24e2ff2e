/*
 * vector.h - an instant vector of Prometheus' query API, read piece by piece.
 *
 *   {"status":"success","data":{"resultType":"vector","result":[
 *     {"metric":{"cluster":"east-a"},"value":[1795360066.051,"12.5"]}, ...]},"warnings":[...]}
 *
 * A reply may hold ten megabytes of series: they are handed over one by one as their bytes come and
 * nothing is kept of them. What stands around them (status, type, warnings) is kept as a small
 * document without series, for json.h to read. A reply that is not of this form (an error, a
 * matrix, HTML) is told apart in its first bytes.
 *
 * Limits: VECTOR_ITEM_BYTES per series, VECTOR_FRAME_BYTES around them, those of series.h.
 */
#ifndef BACKENDS_VECTOR_H
#define BACKENDS_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/memo.h"
#include "backends/series.h"
#include "core/base/text.h"

struct error;

#define VECTOR_ITEM_BYTES (256 * 1024)
#define VECTOR_FRAME_BYTES (256 * 1024)
#define VECTOR_HEAD_BYTES 4096 /* the series begin within these */

struct vector_item {
	/* Labels only; valid in the callback, not sanitised. Without any where `tag` is known. */
	const struct series *series;
	uint64_t identity;     /* of the labels as written: the same series, the same number */
	bool has_value;        /* false: it is a histogram */
	bool crowded;          /* more labels than SERIES_LABELS_MOST; those beyond are left out */
	double seconds, value; /* value may be NaN or infinite */
	uint32_t tag;          /* what on_item left for the same labels last time; MEMO_UNKNOWN */
};

/* Called per series; false with `error` filled ends the reading. What it leaves in item->tag comes
 * again with the same labels, where the reader has a memo. */
typedef bool vector_item_fn(void *context, struct vector_item *item, struct error *error);

struct vector_reader {
	vector_item_fn *on_item;
	void *context;
	struct memo *memo; /* NULL: none; memo_begin() and memo_keep() are the caller's */
	struct text frame; /* what stands around the series */
	struct text rest;  /* an unfinished series */
	char *room;        /* for the strings of one */
	size_t room_bytes;
	struct series series;
	bool in_items, in_tail, after_item;
};

/* Whether a reply that begins so is a vector: to be asked before anything is read. */
bool vector_is_one(const char *bytes, size_t length);

/* `memo` may be NULL and must outlive the reader. */
bool vector_init(struct vector_reader *reader, vector_item_fn *on_item, void *context,
	struct memo *memo, struct error *error);
void vector_finish(struct vector_reader *reader);

/* The next piece. ERROR_SYNTAX, ERROR_SCHEMA, ERROR_LIMIT, ERROR_NO_MEMORY. */
bool vector_feed(
	struct vector_reader *reader, const char *bytes, size_t length, struct error *error);

/* After the last piece: the document around the series, its result empty; NULL with ERROR_SYNTAX
 * where the reply ended before they did. Valid until vector_finish(). */
const char *vector_end(struct vector_reader *reader, struct error *error);

#endif
