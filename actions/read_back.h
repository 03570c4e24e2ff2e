/*
 * read_back.h - what a newer snapshot shows of a change that was sent: did it take, and did it
 * harm.
 *
 * Pure. Only readings sampled after the reply count, in a snapshot sealed after it: the old value
 * still on its way must prove nothing.
 */
#ifndef ACTIONS_READ_BACK_H
#define ACTIONS_READ_BACK_H

#include "actions/plan.h"

enum read_back_kind {
	READ_BACK_NONE,   /* no reading is new enough */
	READ_BACK_TO,     /* every reading shows what was asked for */
	READ_BACK_FROM,   /* every reading shows the value before */
	READ_BACK_PARTLY, /* some show what was asked for */
	READ_BACK_OTHER,  /* none does, nor the value before */
};

enum effect {
	EFFECT_UNKNOWN, /* the cluster's load cannot be seen */
	EFFECT_GOOD,    /* nothing that the change touches got worse */
	EFFECT_WORSE,
};

struct read_back {
	enum read_back_kind kind;
	double value; /* one that was read; NAN none */
	enum effect effect;
	char text[ACTION_TEXT_BYTES]; /* what was seen, in words */
};

/* Clients that wait where the change is felt: at the target's cluster, or of a fleet-wide target in
 * all; NAN unknown. */
double read_back_waiting(const struct plan *plan, const struct snapshot *snapshot,
	const struct assessment *assessment);

/* Readings must be later than `after_ms` and the snapshot newer than `after_generation`. */
void read_back_see(const struct plan *plan, const struct guard_config *limits,
	const struct snapshot *snapshot, const struct assessment *assessment, int64_t after_ms,
	uint64_t after_generation, struct read_back *out);

#endif
