/*
 * window.h - the last minute of what signals said, for means that cost little.
 *
 * A mean over a minute is asked for at every tick and of every replica, so nothing may be decoded
 * or searched for it: each (entity, signal) that means are asked of keeps its samples of the last
 * WINDOW_SECONDS in buckets of one second, fed from snapshots as they come, and the sums of the
 * spans that limits.h names. What was said between
 * two snapshots, and before the first, is fetched from history once. Time is that of the samples: a
 * window ends at the newest.
 */
#ifndef CORE_ASSESS_WINDOW_H
#define CORE_ASSESS_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fleet/signal.h"

struct history;
struct snapshot;
struct window;

#define WINDOW_SECONDS 64 /* the longest span a mean may have */

/* All windows of an assessor. Zeroed at first. */
struct windows {
	struct window *list; /* by entity and signal */
	double *sums;        /* of buckets, by second, entity and signal: those of one second lie
				together, for most windows turn in the same tick */
	uint16_t *counts;    /* likewise, of samples */
	size_t entity_count; /* there is room for */
};

/* What one tick looks at: passed on, never kept. */
struct scene {
	const struct snapshot *snapshot;
	const struct history *history; /* may be NULL */
	struct windows *windows;
};

struct window_mean {
	double value;
	double seconds; /* of time that the samples in it stand for */
};

/* Room for entities below `count`. False without memory, with `windows` as before. */
bool windows_reserve(struct windows *windows, size_t count);
void windows_finish(struct windows *windows);

/*
 * The mean of a signal of SIGNAL_REPLICA_QUERIES, SIGNAL_POOL_*, SIGNAL_SERVICE_* and
 * SIGNAL_SURFACE_* over the last `span_ms` (1 s to WINDOW_SECONDS) of its samples, leaving out
 * those of `since_ms` and before. There must be a reading. Where no sample is in there, and for
 * entities there is no room for, the latest reading stands for the mean.
 */
void windows_mean(const struct scene *scene, uint32_t entity, enum signal signal, int64_t span_ms,
	int64_t since_ms, struct window_mean *out);

#endif
