/*
 * recommend.h - what could be done about the worst cluster, each move with what would come of it.
 *
 * Drawn from the projection that guards use, never executed by itself. What is asked of a move
 * depends on where the cluster is: to mend it (clients wait), to prevent that (a replica is gone
 * and the rest can't carry it), or to prepare (it could not spare one). Only moves that keep every
 * receiver below RECOMMEND_CEILING are offered; the return of a lost replica is always told of, for
 * it is what everybody waits for and often not enough.
 */
#ifndef CORE_ASSESS_RECOMMEND_H
#define CORE_ASSESS_RECOMMEND_H

#include <stdint.h>

#include "core/assess/assess.h"

struct replica_memory;
struct snapshot;

/* The last list, made anew every RECOMMEND_EVERY_MS and when the phase or the cluster changes. */
struct recommend_memory {
	struct recommendation list[ASSESSMENT_RECOMMENDATIONS_MOST];
	size_t count;
	int64_t made_ms;
	enum phase phase;
	uint32_t cluster;
};

/* Fill assessment->recommendations of an assessment that is complete otherwise. Where memory runs
 * out moves are left out. `replicas` is indexed by entity id. */
void recommend(struct recommend_memory *memory, const struct snapshot *snapshot,
	const struct replica_memory *replicas, struct assessment *assessment);

#endif
