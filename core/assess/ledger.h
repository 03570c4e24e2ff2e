/*
 * ledger.h - the fleet as arithmetic: what each cluster is asked for and what it can carry, and
 * what a move does to that.
 *
 * Demand has two bounds (see projection.h): `high` as it is asked for now, retries included, and
 * `low` as if retries stopped. A move changes demand, capacity or shares of clusters; load is never
 * lost on the way: what leaves one arrives at the others. There it asks for as many connections as
 * its attempts hold there: where reads take twice as long, twice as many. Where that is not known
 * of all clusters that take traffic, they are taken to be alike.
 *
 * What it can't see: connections that leak in a pool that is full already look like busy ones, and
 * one replica that is slower than the others hides in the sum over its cluster (symptom.h looks for
 * such).
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
	double doubt;     /* by which either may be off by chance */
	double attempts;  /* per first try; NAN unknown */
	double hold_s;    /* seconds an attempt usually (or before that is learned: now) holds a
			     connection here; NAN unknown */
	double held_may;  /* times as long now, as it looks, from 1 on: connections that leak or are
			     held up stay where they are when traffic leaves */
	double held_surely; /* likewise where that can't be chance, else 1 */
	double brink;       /* use from which on it may fill by retries alone; INFINITY unknown */
	double serving;     /* replicas, as assessed; NAN unknown */
	double capacity;    /* connections of the pools that serve, as far as databases have them */
	double pool_usual;  /* connections per replica, in calm; NAN unknown */
	double weight;      /* NAN unknown */
	bool divides;       /* it has, or had, a weight: it takes part in the division of traffic */
	double share;
};

/* What a move makes of a cluster. */
struct effect {
	double low, high, capacity, share;
	double doubt;       /* as above */
	double arriving;    /* connections of demand that come from elsewhere, high */
	double proven;      /* connections that its databases are known to serve at full speed */
	double connections; /* what pools may open on one database; NAN: the move does not touch
			       that */
	double connections_max; /* what it allows; NAN unknown */
	bool changed;
	bool over_ceiling, over_database;
};

struct ledger {
	double margin; /* by which what is applied must stay below its limits; 0 */
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

/*
 * The use of a cluster, at most: what is asked for with what chance may add, over its connections.
 * Full where the databases may not keep up with that (more is asked for than they are known to
 * serve), and where it is past the brink: half way from the knee to full clients begin to wait
 * longer than they are ready to, ask again, and a small pool fills by that alone.
 */
double ledger_use_most(const struct ledger_cluster *cluster, const struct effect *effect);

/* Demand over capacity; INFINITY where there is no capacity. */
double ledger_use(double demand, double capacity);

/* Work out the effects of a move whose inputs are known. Returns whether any cluster ends over a
 * limit because of it. */
bool ledger_apply(struct ledger *ledger, const struct move *move, double ceiling);

#endif
