/*
 * cluster.h - one cluster as of one snapshot: its replicas, its pools, its traffic.
 *
 * Demand is what the cluster's traffic asks for, in connections. While a pool has room that is what
 * is busy, averaged over a minute. In a full pool it is censored: the busy connections say only how
 * large the pool is, and the clients waiting say how patient they are (rate x timeout of them,
 * thousands). What traffic really needs is rate x time on a connection, so with the time per
 * attempt learned in calm:
 *
 *     demand = busy + min(waiting, max(0, attempts/s x connection-seconds per attempt - busy))
 *
 * where only those count who wait at a pool that is full: in one with room a queue comes and goes
 * by chance, and whoever is in it is served and counted as busy within the same minute. And
 * before that time is learned, waiting counts at most busy x (attempts per first try - 1), or
 * busy where that is not known either.
 */
#ifndef CORE_ASSESS_CLUSTER_H
#define CORE_ASSESS_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/assess/baseline.h"
#include "core/assess/cause.h"
#include "core/assess/evidence.h"
#include "core/assess/exhaustion.h"
#include "core/assess/phase.h"
#include "core/assess/replica.h"
#include "core/assess/symptom.h"
#include "core/assess/upstream.h"

struct scene;
struct snapshot;

/* What must be remembered of a cluster between ticks. Zeroed at first. */
struct cluster_memory {
	struct phase_machine machine;
	struct cause_memory causes;
	uint64_t serving_mark; /* changes with the set of serving replicas */
	double capacity_seen, share_seen;
	bool queued;     /* a queue as long as its pools are large stood, and has not drained yet */
	int64_t step_ms; /* when its shape last changed: means do not reach back past that */
	int64_t begun_ms;          /* when it was first looked at */
	enum signal load_signal;   /* what its load is measured by */
	unsigned knee_connections; /* pool size the knee below is for */
	double knee;
	struct baseline load, use, wait, failures, errors, capacity;
	struct baseline per_attempt; /* connection-seconds an attempt takes: busy over attempts per
					second */
	struct baseline yield;       /* successes per busy connection-second */
	struct baseline first;       /* first tries per second */
	double settled_demand;       /* as last seen out of an incident; 0: not yet */
	double settled_share;        /* the cluster's share then */
	struct exhaustion_memory exhaustion;
};

struct cluster_view {
	uint32_t id;
	/* replicas */
	unsigned expected, serving, out, unknown;
	uint32_t first_out; /* the one that has been out longest; ENTITY_NONE */
	/* pools of those that serve; NAN when one of them is not known */
	unsigned pools;
	double capacity;          /* connections, all pools */
	double busy, busy_minute; /* connections, means over the short and the long window */
	double busy_now;          /* connections, as last said */
	double minute_s;          /* of time that the shortest of the latter stands for */
	double waiting;           /* clients, now */
	double waiting_mean;      /* over the short window */
	double stuck_mean;        /* of them, those at full pools */
	double wait_ms;           /* the worst, now */
	double wait_mean_ms;      /* the worst, over the short window */
	double use;               /* the fullest pool, short window; of those that are known */
	uint32_t fullest;         /* the replica (or cluster) it belongs to */
	double knee;              /* of the smallest pool */
	double largest_capacity;  /* of one replica's pool */
	uint32_t largest;         /* that replica */
	/* load */
	double load;        /* per serving replica: queries per second, or connections busy */
	double load_factor; /* over its baseline */
	double load_trip;   /* from here on that is neither usual nor chance */
	/* traffic */
	double share; /* of all traffic; NAN unknown */
	struct services services;
	struct surfaces surfaces;
	double demand;       /* connections, retries included */
	double first_demand; /* likewise, of first tries alone */
	double demand_sd;    /* standard deviation of the former by chance; NAN unknown */
	double demand_late; /* demand by the short window: what a minute's mean does not know yet */
	double fits;        /* first tries alone, over capacity */
	double yield;       /* successes per busy connection, over the baseline */
	double foreseen;    /* see cluster_assessment */
	double hold_s;      /* seconds an attempt usually holds a connection */
	double per_attempt; /* likewise now, over that baseline */
	double leak_trip;   /* from here on that is neither usual nor chance */
	double first_factor; /* first tries over their baseline */
	double surge_trip;   /* likewise */
	struct symptoms symptoms;
	bool cut; /* capacity per replica fell below its baseline */
	/* what it all stands on */
	struct evidence evidence;
	size_t readings, stale_readings;
	int64_t newest_ms; /* of all its readings, however old; 0: none */
	bool blind; /* more than half of what it used to say is stale, or it never said anything */
};

/*
 * Look at one cluster. `weight_sum` is over all clusters, NAN where unknown. `replicas` is indexed
 * by entity id and is updated; `memory` is updated where its shape changed.
 */
void cluster_look(struct cluster_view *out, struct cluster_memory *memory,
	struct replica_memory *replicas, const struct scene *scene, uint32_t cluster,
	double weight_sum);

/*
 * Work out demand, fits and yield from the rates that concern this cluster: of its own services, or
 * its part of those that are measured fleet-wide.
 */
void cluster_weigh(struct cluster_view *view, const struct cluster_memory *memory,
	const struct services *rates);

/* Learn what is normal. Only in calm. */
void cluster_learn(struct cluster_memory *memory, const struct cluster_view *view,
	const struct services *rates, int64_t now_ms);

/*
 * Note what it carries, for when part of it is lost. While there is no incident, calm or not: a
 * burst that makes a stage trip is no reason to forget what is carried.
 */
void cluster_settle(struct cluster_memory *memory, const struct cluster_view *view, int64_t now_ms);

#endif
