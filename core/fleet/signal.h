/*
 * signal.h - the vocabulary: every measurement Spillway understands, one row each.
 *
 * The row drives the reader of the fleet file, help, units on screens, and the checks on incoming
 * values. Sources map what real exporters call things onto these names; nothing past backends/
 * knows an exporter's name for anything.
 *
 * All signals are levels at a moment: what exporters give as counters becomes a per-second rate at
 * the source (counter.h).
 */
#ifndef CORE_FLEET_SIGNAL_H
#define CORE_FLEET_SIGNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/fleet/entity.h"

enum signal {
	/* replica: one database server that serves reads */
	SIGNAL_REPLICA_UP,               /* 1 serving, 0 down */
	SIGNAL_REPLICA_MAINTENANCE,      /* 1 taken out on purpose (maintenance, drain), else 0 */
	SIGNAL_REPLICA_LAG,              /* seconds behind its primary */
	SIGNAL_REPLICA_QUERIES,          /* reads finished per second: the replica's load */
	SIGNAL_REPLICA_CONNECTIONS_USED, /* database connection slots in use */
	SIGNAL_REPLICA_CONNECTIONS_MAX,  /* slots usable by applications */
	SIGNAL_REPLICA_DROPS,   /* connections per second that its machine turned away unseen */
	SIGNAL_REPLICA_MAXCONN, /* most connections the load balancer opens to it at once */
	SIGNAL_REPLICA_STALLED, /* share of time in which work on its machine waits for a processor
				 */
	/* pool: of a replica, or of a whole cluster when the pooler is shared */
	SIGNAL_POOL_USED, /* connections busy now */
	SIGNAL_POOL_BUSY, /* connections busy, averaged over the last interval (from a time counter)
			   */
	SIGNAL_POOL_MAX,  /* most connections the pool may open */
	SIGNAL_POOL_WAITING, /* clients waiting for a connection */
	SIGNAL_POOL_WAIT,    /* milliseconds a client waits now, for a connection */
	SIGNAL_POOL_PAUSED,  /* 1 while it hands out no connection on purpose, else 0 */
	/* cluster: what traffic is divided between */
	SIGNAL_CLUSTER_WEIGHT,   /* weight at the divider; the share is weight over the sum */
	SIGNAL_CLUSTER_SILENCED, /* 1 while its alerts are silenced on purpose, else 0 */
	/* service: something upstream that depends on the fleet; in one cluster, or fleet-wide */
	SIGNAL_SERVICE_FIRST_TRIES, /* first attempts per second */
	SIGNAL_SERVICE_ATTEMPTS,    /* all attempts per second, retries included */
	SIGNAL_SERVICE_FAILURES,    /* requests per second that failed for good (auth: 401, 403 and
				       timeouts) */
	SIGNAL_SERVICE_RETRY_LIMIT, /* most retries allowed per first try: 0.2 is one in five */
	SIGNAL_SERVICE_ROLE_LIMIT,  /* connections its database role may have; -1 no limit */
	SIGNAL_SERVICE_INSTANCES,   /* processes of it that run */
	/* surface: what users touch; in one cluster, or fleet-wide */
	SIGNAL_SURFACE_REQUESTS, /* per second */
	SIGNAL_SURFACE_ERRORS,   /* per second, as the user sees them */
	SIGNAL_SURFACE_LATENCY,  /* milliseconds, 99th percentile where the source has one */
	/* derived by the assessment, kept in history for charts; never read from a source */
	SIGNAL_STAGE_REPLICAS, /* share of expected replicas that serve */
	SIGNAL_STAGE_LOAD,     /* load on the busiest survivor over its baseline */
	SIGNAL_STAGE_POOL,     /* use of the fullest pool, 0 to 1 */
	SIGNAL_STAGE_AUTH,     /* failures over first tries */
	SIGNAL_STAGE_ATTEMPTS, /* attempts over first tries */
	SIGNAL_STAGE_ERRORS,   /* errors over requests, worst surface */
	SIGNAL_GOODPUT,        /* user requests per second that succeeded */
	SIGNAL_PRESSURE, /* cluster: the worst of pool, auth and error severity, 0 to 1, for heat
			    strips */
	SIGNAL_COUNT
};

enum signal_unit {
	UNIT_FLAG,  /* 0 or 1 */
	UNIT_COUNT, /* a whole number of things */
	UNIT_PER_SECOND,
	UNIT_SECONDS,
	UNIT_MILLISECONDS,
	UNIT_RATIO,  /* 0 to 1 */
	UNIT_FACTOR, /* 1.0 is normal */
	UNIT_WEIGHT,
};

/* How readings of parts make one of the whole. */
enum signal_merge { MERGE_SUM, MERGE_WORST_HIGH, MERGE_WORST_LOW, MERGE_NONE };

struct signal_row {
	const char *name;  /* "pool.used", as written in the fleet file */
	unsigned entities; /* bit set of 1 << enum entity_kind: where it may be measured */
	enum signal_unit unit;
	enum signal_merge merge;
	double min, max;  /* values outside are refused at the door; max may be INFINITY */
	bool derived;     /* made by the assessment: may not be mapped in a fleet file */
	const char *help; /* one sentence */
};

/* The row of a signal; `signal` must be below SIGNAL_COUNT. */
const struct signal_row *signal_row(enum signal signal);

/*
 * Where the reading of a signal is among those of its entity. Signals that no kind of entity has
 * together share a place, so that an entity takes SIGNAL_PLACES readings and not SIGNAL_COUNT: a
 * snapshot of ten thousand replicas is copied many times a second. SIGNAL_PLACES itself for derived
 * ones, of which there are no readings.
 */
#define SIGNAL_PLACES \
	((size_t)SIGNAL_CLUSTER_WEIGHT) /* a replica has the most: its own, and a pool's */
size_t signal_place(enum signal signal);

/* By name; false when there is none. */
bool signal_find(const char *name, enum signal *out);

/* "connections", "/s", "ms", ...; "" for ratios and factors. Never NULL. */
const char *signal_unit_text(enum signal_unit unit);

/* The nearest known name for a misspelt one, or NULL. */
const char *signal_nearest(const char *name);

#endif
