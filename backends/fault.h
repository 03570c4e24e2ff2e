/*
 * fault.h - a kind that wraps another one and makes it fail, for tests and simulations.
 *
 * Put a plan into a source's `fault` and &fault_ops into its `ops`. Every ask draws its own luck
 * from the seed, the target, the step and the time of the ask: the same run fails in the same way.
 * It is no kind of the fleet file.
 */
#ifndef BACKENDS_FAULT_H
#define BACKENDS_FAULT_H

#include <stdint.h>

struct backend_ops;

/* Shares are 0 (never) to 1 (always). */
struct fault_plan {
	const struct backend_ops *inner; /* the kind that is wrapped */
	uint64_t seed;
	double drop;     /* the answer never comes */
	double truncate; /* it ends somewhere in the middle */
	double garble;   /* some of its bytes are others */
	double stale;    /* its samples are stale_ms older than they should be */
	double delay;    /* it comes delay_ms later */
	int64_t stale_ms, delay_ms;
};

extern const struct backend_ops fault_ops;

#endif
