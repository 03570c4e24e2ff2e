/*
 * observation.h - what one answer said, before it becomes readings.
 *
 * A decoder adds one observation per series it recognised. Then, in this order: buckets of
 * histograms become quantiles (buckets.h), series that are counters become rates (rates.h), series
 * of one entity become one value (by the signal's own rule: counts and rates are summed, of flags
 * and waits the worst is kept), and only then is anything stored.
 *
 *   group   observations of one row of `signals:` belong together; only within a group is merged.
 *           Where several groups give the same signal of the same entity in one answer the first
 *           one wins: rows of one signal are alternatives, in the order of the file.
 *
 *   term    a row may be a difference, term 0 less the others. It has a value only where every one
 *           of its terms has: what is not said is not zero.
 *
 *   series  tells the lines of one group and entity apart. The same series twice in one answer is
 *           against the format: the first is kept and a warning noted, because a sum would count
 *           it double.
 *
 * Limit: OBSERVATIONS_MOST per answer.
 */
#ifndef BACKENDS_OBSERVATION_H
#define BACKENDS_OBSERVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fleet/signal.h"

struct error;
struct fleet;

#define OBSERVATIONS_MOST 131072
#define OBSERVATION_ALONE UINT32_MAX /* a group of its own: never merged with anything */
#define OBSERVATION_WARNING_BYTES 200
#define OBSERVATION_DETAIL_BYTES 120
#define OBSERVATION_ARRIVAL INT64_MIN /* a time that answer_settle() is to fill in */

struct observation {
	uint32_t entity;
	uint32_t group;
	uint64_t series;
	enum signal signal;
	bool rate;           /* a counter still: `value` is to become a rate */
	uint8_t term, terms; /* of a difference; terms below 2: the value stands for itself */
	uint8_t percent;     /* a bucket of a histogram still: of which this quantile is wanted */
	float bound;         /* of that bucket, scaled: `value` counts observations up to it */
	int32_t interval_ms; /* how often one is expected; 0: as often as the source is asked */
	int64_t at_ms;       /* when it was sampled, steady time; see OBSERVATION_ARRIVAL */
	double value;        /* already scaled; never NaN or infinite */
};

struct observations {
	struct fleet *fleet; /* entities are learned into it; the caller's */
	struct observation *rows;
	size_t count, capacity;
	bool past; /* samples of different times are kept apart when merging */
	size_t warnings;
	char warning[OBSERVATION_WARNING_BYTES]; /* the first, sanitised; "" when none */
	char detail[OBSERVATION_DETAIL_BYTES];   /* what the peer is and counts; sanitised */
	int64_t peer_ms; /* what the peer's clock said when it answered; 0: it did not say */
};

void observations_init(struct observations *sink, struct fleet *fleet);
void observations_finish(struct observations *sink);
void observations_clear(struct observations *sink); /* keeps the memory and the fleet */

/*
 * Keep a copy. A value that is NaN or infinite is not kept, and that is no error: such a value says
 * "unknown", which is what absence says. Errors: ERROR_NO_MEMORY, ERROR_LIMIT.
 */
bool observations_add(
	struct observations *sink, const struct observation *row, struct error *error);

/* Note that the answer is not whole; the first text is kept, further ones are counted. */
void observations_warn(struct observations *sink, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What the peer says of itself, for the list of sources: product, version, what it counts. */
void observations_describe(struct observations *sink, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Sort by group, entity, signal and series, and drop repeated series (with a warning).
 * ERROR_NO_MEMORY. */
bool observations_sort(struct observations *sink, struct error *error);

/*
 * Merge what observations_sort() brought together into one observation per entity and signal (with
 * `past`: per time too). The time of a merged one is that of its oldest part. ERROR_NO_MEMORY.
 */
bool observations_merge(struct observations *sink, struct error *error);

/*
 * The same two in parts, for an answer that is too big to be worked on in one go: the rows are put
 * into an order (order.h), then gone over once.
 *
 *   sort    by_series, then drop_repeats()
 *   merge   merge_series(), by_fact, then drop_alternatives()
 */
int observations_by_series(const struct observation *a, const struct observation *b);
int observations_by_fact(const struct observation *a, const struct observation *b);
void observations_drop_repeats(struct observations *sink);
void observations_merge_series(struct observations *sink);
void observations_drop_alternatives(struct observations *sink);

/* FNV-1a over the bytes, for series and schedules; start with HASH_START. */
#define HASH_START 0xcbf29ce484222325ull
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length);
uint64_t hash_string(uint64_t hash, const char *string); /* its NUL included */
uint64_t hash_mix(uint64_t hash); /* spread over all bits: before taking some of them */

#endif
