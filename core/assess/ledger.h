/*
 * ledger.h - the fleet as arithmetic: what each cluster is asked for and what it can carry, and
 * what a move does to that.
 *
 * Demand has two bounds (see projection.h): `high` as it is asked for now, retries included, and
 * `low` as if retries stopped. A move changes demand, capacity or shares of clusters; load is never
 * lost on the way: what leaves one arrives at the others.
 */
#ifndef CORE_ASSESS_LEDGER_H
#define CORE_ASSESS_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/assess/projection.h"

struct snapshot;

struct ledger_cluster {
	uint32_t id;
	bool known;       /* demand and capacity are */
	double low, high; /* demand, connections */
	double attempts;  /* per first try; NAN unknown */
	double serving;   /* replicas, as assessed; NAN unknown */
	double capacity;  /* connections of the pools that serve */
	double weight;    /* NAN unknown */
	bool divides;     /* it has, or had, a weight: it takes part in the division of traffic */
	double share;
};

/* What a move makes of a cluster. */
struct effect {
	double low, high, capacity, share;
	double arriving;        /* connections of demand that come from elsewhere, high */
	double connections;     /* what pools may open on one database; NAN: the move does not touch
				   that */
	double connections_max; /* what it allows; NAN unknown */
	bool changed;
	bool over_ceiling, over_database;
};

struct ledger {
	const struct snapshot *snapshot;
	struct ledger_cluster *clusters;
	struct effect *effects; /* of the move applied last */
	size_t count;
	double moved_share;
	double shared_share; /* see projection.h */
};

/* False without memory. */
bool ledger_init(struct ledger *ledger, const struct snapshot *snapshot,
	const struct assessment *assessment);
void ledger_finish(struct ledger *ledger);

/* The row of a cluster; NULL when it is not there. */
const struct ledger_cluster *ledger_find(const struct ledger *ledger, uint32_t cluster);

/*
 * Whether all is known that the move depends on; if not, `why` (PROJECTION_TEXT_BYTES) names the
 * reading that is missing or how old it is, or what is wrong with the move itself.
 */
bool ledger_knows(const struct ledger *ledger, const struct move *move, char *why);

/* The value now of what the move would change; NAN where the move has no such value. */
double ledger_current(const struct ledger *ledger, const struct move *move);

/* Demand over capacity; INFINITY where there is no capacity. */
double ledger_use(double demand, double capacity);

/* Work out the effects of a move whose inputs are known. Returns whether any cluster ends over a
 * limit because of it. */
bool ledger_apply(struct ledger *ledger, const struct move *move, double ceiling);

#endif
