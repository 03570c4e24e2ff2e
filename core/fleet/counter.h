/*
 * counter.h - a per-second rate out of an ever-growing counter, without lies.
 *
 * The rate is the difference over the time between the two ARRIVALS (steady time). A counter that
 * went backwards was reset: that interval gives no rate at all (a gap), because what was lost
 * cannot be known. The first sample gives none either.
 */
#ifndef CORE_FLEET_COUNTER_H
#define CORE_FLEET_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

struct counter {
	double last;
	int64_t last_ms;
	bool primed;
	uint32_t resets;
};

/* Feed one sample. True with *per_second set when a rate exists; `at_ms` must be later than the one
 * before. */
bool counter_feed(struct counter *counter, double value, int64_t at_ms, double *per_second);

#endif
