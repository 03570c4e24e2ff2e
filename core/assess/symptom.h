/*
 * symptom.h - what is odd about single replicas of a cluster that all serve, as far as is said.
 *
 * A replica that finishes less than half of its share of the reads does not serve, whatever its
 * health check says: it hangs, or nothing is sent to it any more. Shares are taken over as long a
 * window as it takes for SHARE_READS reads to be expected of each replica, since fewer are chance;
 * where reads are few, over SHARE_SPANS_MS in turn, and only what chance can't explain counts.
 *
 * Nor does one serve whose connection slots are all taken while its own pool may have but a part of
 * them: new connections are refused, and what the pool still has is lost one by one. And a replica
 * that clients wait for while nobody waits for the others is slow, whatever its reads say: where
 * waiting clients are dropped, the dropped ones count among them.
 */
#ifndef CORE_ASSESS_SYMPTOM_H
#define CORE_ASSESS_SYMPTOM_H

#include <stdbool.h>
#include <stdint.h>

struct replica_memory;
struct scene;

struct symptoms {
	unsigned starved;     /* replicas that finish less than half of their share */
	uint32_t starved_one; /* the first of them; ENTITY_NONE */
	uint32_t full_one;    /* of those, one whose slots others hold; ENTITY_NONE */
	uint32_t slow_one;    /* takes far longer per read than the others; ENTITY_NONE */
	double slow_factor;   /* how many times as long; NAN unknown */
	double queue;         /* clients waiting for slow_one alone; NAN: it is slow by its reads */
	uint32_t lagging_one; /* furthest behind its primary, beyond LAG_TRIP_S; ENTITY_NONE */
	double lag_s;         /* how far; NAN unknown */
	int64_t lagged_ms;    /* when a replica that is out now began to lag; 0: it did not */
	uint32_t lagged_one;  /* that replica; ENTITY_NONE */
};

/* Look. `replicas` is indexed by entity id and remembers who lags. */
void symptoms_look(struct symptoms *out, struct replica_memory *replicas, const struct scene *scene,
	uint32_t cluster);

#endif
