/*
 * history.h - the last hour of every reading, for baselines, slopes and charts.
 *
 * One ring per (entity, signal), made when the first sample comes. A ring has a fixed number of
 * samples; the oldest falls out. Samples are packed (packed.h): times and counts exactly, other
 * values to 12 significant bits, in about a byte each. Times grow strictly within a ring (an equal
 * or earlier sample is ignored).
 */
#ifndef CORE_FLEET_HISTORY_H
#define CORE_FLEET_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fleet/signal.h"

struct history;

#define HISTORY_SAMPLES 3600 /* one hour at one second */

struct sample {
	int64_t at_ms;
	double value;
};

/* `limit_bytes` bounds all rings together; past it new series are not kept (history_dropped()
 * counts them). */
struct history *history_create(size_t samples_per_ring, size_t limit_bytes);
void history_destroy(struct history *history);

/* Keep a sample. False when it was not kept: no memory, over the limit, or not newer than the last.
 */
bool history_append(
	struct history *history, uint32_t entity, enum signal signal, int64_t at_ms, double value);

uint64_t history_dropped(const struct history *history);
size_t history_bytes(const struct history *history);

/* Samples with from_ms < at_ms <= until_ms, oldest first, at most `most` (the newest ones). Returns
 * how many. */
size_t history_window(const struct history *history, uint32_t entity, enum signal signal,
	int64_t from_ms, int64_t until_ms, struct sample *out, size_t most);

/* Mean of those samples; false when there are none. */
bool history_mean(const struct history *history, uint32_t entity, enum signal signal,
	int64_t from_ms, int64_t until_ms, double *out);

/* Median, by which a baseline is robust against a spike; false when there are fewer than `least`.
 */
bool history_median(const struct history *history, uint32_t entity, enum signal signal,
	int64_t from_ms, int64_t until_ms, size_t least, double *out);

/* The last value at or before `at_ms`, no older than `max_age_ms`; false when none. */
bool history_at(const struct history *history, uint32_t entity, enum signal signal, int64_t at_ms,
	int64_t max_age_ms, double *out);

/*
 * `buckets` equal spans of (from_ms, until_ms], the mean of each into out[]; NAN where there was no
 * sample: a gap stays a gap.
 */
void history_buckets(const struct history *history, uint32_t entity, enum signal signal,
	int64_t from_ms, int64_t until_ms, double *out, size_t buckets);

#endif
