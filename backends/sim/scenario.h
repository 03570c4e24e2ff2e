/*
 * scenario.h - a fleet, its demand and what happens to it, as a file says.
 *
 * A scenario is plain data of a fixed size: copy it, change a field, hand it to model_create(). The
 * files are in share/scenarios/; their replica counts, pool sizes and rates are inventions of this
 * project, whatever real incident a file is shaped after.
 *
 *     version: 1
 *     name: replica-loss
 *     about: One sentence.
 *     lasts: 13m
 *     demand: {web: 3400, api: 1500, noise: 2%, noise_period: 20s}
 *     auth: {timeout: 1s, attempts: 3, backoff: 100ms, cached: 30%}
 *     health: {verdict_min: 2s, verdict_max: 4s, warm_up: 30s}
 *     pool: {size: 20, clients_max: 290, connections_max: 60, knee: 28, service_time: 100ms,
 * connect_time: 2s} clusters: east-a: {region: us-east, weight: 26, replicas: [r1, r2, r3, r4]}
 *     timeline:
 *       - {at: 20s, replica: east-a/r2, state: maint, by: provider}
 *
 * A timeline's line is one of: replica with state, slow (factor on its service time) or lag
 * (seconds behind); cluster with pool_size, weight or leak (connections per pool that are taken and
 * never given back); demand; retry_limit; storm (attempts sent needlessly, as a share of first
 * tries, as far as a limit on retries allows); scraper with lost (share of its polls that come to
 * nothing: only a judge in virtual time loses them, the box's pages stay up). `cause` names what
 * truly is the matter, for judges.
 */
#ifndef BACKENDS_SIM_SCENARIO_H
#define BACKENDS_SIM_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct complaints;
struct yaml_node;

#define SCENARIO_NAME_BYTES 32
#define SCENARIO_ABOUT_BYTES 256
#define SCENARIO_CLUSTERS_MOST 16
#define SCENARIO_REPLICAS_MOST 16 /* per cluster */
#define SCENARIO_EVENTS_MOST 128
#define SCENARIO_CLIENTS_MOST 4096 /* per pool */

/* A pool and the database server behind it. */
struct scenario_pool {
	int64_t size;        /* connections the pool may open; at least 1 */
	int64_t clients_max; /* clients it accepts, waiting and served; one more is refused at once
			      */
	int64_t connections_max; /* slots of the database: a pool larger than this gains nothing */
	int64_t knee;            /* busy connections up to which the database keeps its speed */
	int64_t service_time_ms; /* mean of a read, exponentially distributed, below the knee */
	int64_t connect_time_ms; /* to open one more connection; a pool opens one at a time, when
				    clients wait */
};

struct scenario_cluster {
	char name[SCENARIO_NAME_BYTES];
	char region[SCENARIO_NAME_BYTES];
	double weight; /* share of traffic: weight over the sum */
	size_t replica_count;
	char replicas[SCENARIO_REPLICAS_MOST][SCENARIO_NAME_BYTES];
	struct scenario_pool pool;
};

enum replica_state {
	REPLICA_READY,
	REPLICA_MAINT, /* taken out on purpose */
	REPLICA_DOWN,  /* gone */
	REPLICA_HUNG,  /* accepts, never answers; health checks see nothing */
	REPLICA_STATE_COUNT
};

enum scenario_event_kind {
	SCENARIO_REPLICA_STATE, /* cluster, replica, state */
	SCENARIO_POOL_SIZE,     /* cluster; value: connections */
	SCENARIO_WEIGHT,        /* cluster; value: weight */
	SCENARIO_DEMAND,        /* value: factor on all demand, reached linearly after over_ms */
	SCENARIO_RETRY_LIMIT,   /* value: retries as a share of first tries */
	SCENARIO_SLOW,          /* cluster, replica; value: factor on its service time */
	SCENARIO_LAG,           /* cluster, replica; value: seconds behind, reached after over_ms */
	SCENARIO_LEAK,          /* cluster; value: connections per pool, reached after over_ms */
	SCENARIO_STORM,         /* value: needless attempts as a share of first tries */
	SCENARIO_SCRAPER,       /* scraper; value: share of its polls that are lost */
};

/* Who asks the pages: one source of the fleet file each. */
enum scenario_scraper {
	SCRAPER_REPLICAS,
	SCRAPER_AUTH,
	SCRAPER_SURFACES,
	SCRAPER_EDGE,
	SCRAPER_CONTROL,
	SCRAPER_COUNT
};

/* What truly is the matter. */
enum scenario_cause {
	SCENARIO_CAUSE_NONE,
	SCENARIO_CAUSE_REPLICA_LOSS,
	SCENARIO_CAUSE_SLOW_REPLICA,
	SCENARIO_CAUSE_DEMAND_SURGE,
	SCENARIO_CAUSE_RETRY_STORM,
	SCENARIO_CAUSE_CONNECTION_LEAK,
	SCENARIO_CAUSE_CAPACITY_CUT,
	SCENARIO_CAUSE_LAG_EVICTION,
	SCENARIO_CAUSE_TELEMETRY_FAULT,
	SCENARIO_CAUSE_COUNT
};

struct scenario_event {
	int64_t at_ms; /* since the start; the list is in order of time */
	enum scenario_event_kind kind;
	size_t cluster, replica;
	enum replica_state state;
	enum scenario_scraper scraper;
	double value;
	int64_t over_ms;
	char by[SCENARIO_NAME_BYTES]; /* who did it; "" when nobody is named */
};

struct scenario {
	char name[SCENARIO_NAME_BYTES];
	char about[SCENARIO_ABOUT_BYTES];
	enum scenario_cause cause;
	int64_t lasts_ms;      /* how long it is worth watching */
	double web_per_second; /* requests, all clusters */
	double api_per_second;
	double noise;            /* standard deviation of the demand factor; 0: none */
	int64_t noise_period_ms; /* how fast the noise forgets */
	int64_t auth_timeout_ms;
	int64_t auth_attempts;   /* tries in all, at least 1 */
	int64_t auth_backoff_ms; /* before try n+1: backoff * 2^(n-1) * U(0.5, 1) */
	double auth_cached; /* share of web requests whose session was checked a moment ago: no read
			     */
	double retry_limit; /* retries as a share of first tries; NAN: no limit */
	int64_t verdict_min_ms,
		verdict_max_ms; /* from a change of state to the health check saying so */
	int64_t warm_up_ms;     /* a returning replica takes its full share after this */
	/* What stands behind the clusters shrinks when little gets through and grows back slowly.
	 */
	bool downstream;
	double downstream_headroom;   /* capacity kept above what it serves */
	int64_t downstream_shrink_ms; /* time constants */
	int64_t downstream_grow_ms;
	size_t cluster_count;
	struct scenario_cluster clusters[SCENARIO_CLUSTERS_MOST];
	size_t event_count;
	struct scenario_event events[SCENARIO_EVENTS_MOST];
};

/* Defaults for everything but clusters, demand and events. */
void scenario_init(struct scenario *scenario);

/* Read a parsed file. False with complaints, `out` untouched. */
bool scenario_read(
	const struct yaml_node *root, struct scenario *out, struct complaints *complaints);

/* Read the file at `path`. False with complaints, `out` untouched. */
bool scenario_load(const char *path, struct scenario *out, struct complaints *complaints);

/* Indices of a cluster, and of "east-a/r2". False when there is none. */
bool scenario_find_cluster(const struct scenario *scenario, const char *name, size_t *cluster);
bool scenario_find_replica(
	const struct scenario *scenario, const char *path, size_t *cluster, size_t *replica);

/* "none", "replica-loss", ...: as in a file. */
const char *scenario_cause_name(enum scenario_cause cause);

/* "ready", "maint", "down", "hung". */
const char *replica_state_name(enum replica_state state);
bool replica_state_find(const char *name, enum replica_state *out);

#endif
