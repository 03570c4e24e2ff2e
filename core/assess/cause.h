/*
 * cause.h - what may be the matter: eight hypotheses, each with its sign, when the sign was first
 * seen, what speaks for it and what against.
 *
 *   score = 3 precedence + 2 depth + 2 explains + specificity + change - 3 contradiction
 *
 * precedence   1 for the earliest sign (within one interval), falling to 0 over CAUSE_REACH_MS
 * depth        how near to the bottom: host or database 1, pool 0.75, service 0.5, traffic 0.4
 * explains     1 when the effect it must have is there in the size it must have, 0.5 unknown
 * specificity  1 for one entity of many
 * change       1 when somebody said so: maintenance flag, a limit that was lowered
 * contradiction an effect it must have is absent, something else was there before, data is stale
 *
 * A hypothesis without its sign is not listed at all.
 */
#ifndef CORE_ASSESS_CAUSE_H
#define CORE_ASSESS_CAUSE_H

#include <stdint.h>

#include "core/assess/assess.h"
#include "core/assess/trip.h"

struct cluster_view;
struct replica_memory;
struct snapshot;

struct cause_memory {
	struct trip trips[HYPOTHESIS_COUNT]; /* telemetry is not a cluster's */
};

struct cause_inputs {
	const struct snapshot *snapshot;
	const struct replica_memory *replicas;
	const struct cluster_view *view; /* the cluster in trouble; NULL: none */
	const struct cause_memory *memory;
	int64_t pool_onset_ms; /* when its pools filled; 0: they have not */
};

/*
 * Once a tick for every cluster: step its signs. A sign is remembered through an incident; one that
 * came and went while there was none did no harm and is forgotten.
 */
void cause_observe(struct cause_memory *memory, const struct cluster_view *view,
	const struct replica_memory *replicas, bool incident, int64_t now_ms);

/* Fill assessment->causes. */
void causes_rank(const struct cause_inputs *inputs, struct assessment *assessment);

/* Whether most polls of one scraper come to nothing while others answer: then nothing else may be
 * concluded from what it is silent about. */
bool telemetry_is_faulty(const struct snapshot *snapshot);

#endif
