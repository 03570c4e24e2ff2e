/*
 * chain.h - the six links of the chain, fleet-wide: where each is now, what is normal for it, and
 * when it left that.
 *
 * An onset is the first tick past a threshold that then persisted. The thresholds stand on the
 * baseline; where none is learned (a console opened in the middle of it) absolute ones hold, so
 * that bad is bad all the same. Baselines are learned in calm only.
 */
#ifndef CORE_ASSESS_CHAIN_H
#define CORE_ASSESS_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/assess/assess.h"
#include "core/assess/baseline.h"
#include "core/assess/trip.h"

struct cluster_view;
struct replica_memory;
struct services;
struct surfaces;

struct chain_memory {
	int64_t watched_ms; /* pools are watched since; 0: not yet */
	struct trip trips[STAGE_COUNT];
	struct baseline baselines[STAGE_COUNT]; /* replicas and load have theirs elsewhere */
	struct baseline
		surfaces[ASSESSMENT_SURFACES_MOST]; /* in the order of surfaces_of_fleet() */
};

struct chain_inputs {
	const struct cluster_view *clusters;
	size_t cluster_count;
	const struct replica_memory *replicas; /* by entity id */
	const struct services *services;       /* of the fleet */
	const struct surfaces *surfaces;
	int64_t now_ms;
};

/* Work out the stages, stepping their trips. */
void chain_assess(struct chain_memory *memory, const struct chain_inputs *inputs,
	struct stage_assessment stages[STAGE_COUNT]);

/* Whether no stage is past its threshold nor on the way there. */
bool chain_is_calm(const struct chain_memory *memory);

/* Learn what is normal from stages just assessed. Only in calm. */
void chain_learn(struct chain_memory *memory, const struct stage_assessment stages[STAGE_COUNT],
	const struct surfaces *surfaces, int64_t now_ms);

/* The stage with the earliest onset, the first of the chain among equals; STAGE_COUNT when none has
 * one. */
enum stage chain_first(const struct stage_assessment stages[STAGE_COUNT]);

/* How far above its baseline a pool must be to be no longer there by chance. NAN: not learned. */
double chain_pool_margin(const struct baseline *baseline);

/* How bad a ratio of errors is, given its baseline (NAN: not learned) and how many requests were
 * counted (NAN: many). */
enum severity chain_error_severity(double ratio, double baseline, double events);

#endif
