/*
 * exhaustion.h - when a cluster's pools will be full, if it goes on like this.
 *
 * A straight line through the connections busy of the last minutes (least squares), means of five
 * seconds each, none from before the cluster's shape last changed: of a step a line says nothing.
 * The last minute is asked first, then all that is remembered. A time is given only where the line
 * deserves it (detection of a trend, not of noise): it rises, its slope is at least three times its
 * own standard error, at least half of the connections are busy, and there are six samples or more.
 * It is a range: from the slope two standard errors steeper to two flatter.
 */
#ifndef CORE_ASSESS_EXHAUSTION_H
#define CORE_ASSESS_EXHAUSTION_H

#include <stdint.h>

#include "core/assess/assess.h"
#include "core/fleet/history.h"

#define EXHAUSTION_SAMPLES 60

/* What must be remembered of a cluster between ticks. Zeroed at first. */
struct exhaustion_memory {
	struct sample means[EXHAUSTION_SAMPLES]; /* oldest first */
	unsigned count;
	double sum; /* of the mean in progress */
	unsigned summed;
	int64_t begun_ms, seen_ms;
};

/* `busy` as of a reading of `sample_ms`; one seen before is not counted again. Samples of
 * `since_ms` and before are forgotten. NAN counts nothing. */
void exhaustion_feed(
	struct exhaustion_memory *memory, double busy, int64_t sample_ms, int64_t since_ms);

/* Of `capacity` connections; NAN: not known. */
void exhaustion_judge(
	const struct exhaustion_memory *memory, double capacity, struct exhaustion *out);

#endif
