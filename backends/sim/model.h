/*
 * model.h - a fleet in virtual time.
 *
 * Discrete events: users of two surfaces arrive (Poisson, the rate wandering a little), clusters
 * divide them by weight. A `web` request needs its session checked: the cluster's auth service
 * sends a read to one of its live replicas, through that replica's pool (FIFO, bounded as PgBouncer
 * bounds its clients), gives up on an attempt after a timeout and tries again with backoff. The
 * pool still executes what nobody waits for any more: that is what keeps an overload alive after
 * its cause is gone. `api` requests carry cached keys and never touch a pool.
 *
 *     surface web --(not cached)--> auth: first try --+--> attempt --> replica's pool --> database
 *                                        ^            |       | refused or timed out
 *                                        +-- backoff <--------+  (until tries or the budget run
 * out: 403)
 *
 * The model does no I/O, reads no clock, starts no thread and keeps no global: (scenario, seed, the
 * times and order of calls) decide everything. It holds requests in flight in rooms of fixed size
 * (MODEL_REQUESTS_MOST); a request that finds no room fails at once and is counted like any other
 * failure.
 *
 * Invariants, checked by model_check(): first tries = successes + failures + in flight;
 * attempts = answered + timed out + refused + outstanding.
 */
#ifndef BACKENDS_SIM_MODEL_H
#define BACKENDS_SIM_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/sim/scenario.h"

struct error;
struct model;

#define MODEL_REQUESTS_MOST 65536
#define MODEL_WEIGHT_MOST 1000.0
#define MODEL_POOL_SIZE_MOST 10000
#define MODEL_LATENCY_BUCKETS 12 /* the last one is +Inf */

enum surface { SURFACE_WEB, SURFACE_API, SURFACE_COUNT };

/* Upper bounds of the latency buckets in seconds; the last is INFINITY. */
extern const double model_latency_bounds[MODEL_LATENCY_BUCKETS];

/*
 * A fleet at time 0, empty, with the scenario copied. Destroy with model_destroy().
 * Errors: ERROR_NO_MEMORY; ERROR_SCHEMA when the scenario has no cluster, a cluster without
 * replicas, or a number out of range.
 */
struct model *model_create(const struct scenario *scenario, uint64_t seed, struct error *error);
void model_destroy(struct model *model); /* NULL is allowed */

/* Let everything happen that is due by `until_ms`, which must not be earlier than model_now_ms().
 */
void model_advance(struct model *model, int64_t until_ms);

int64_t model_now_ms(const struct model *model);
uint64_t model_events(const struct model *model); /* handled since the start */
const struct scenario *model_scenario(const struct model *model);

/* ---- what can be done to it; indices must be valid, values are checked ---- */

/* Errors of all four: ERROR_REJECTED, with the reason. */
bool model_set_weight(struct model *model, size_t cluster, double weight, struct error *error);
bool model_set_pool_size(struct model *model, size_t cluster, int64_t size, struct error *error);
bool model_set_replica_state(struct model *model, size_t cluster, size_t replica,
	enum replica_state state, struct error *error);
bool model_set_retry_limit(struct model *model, double share, struct error *error); /* NAN: none */

/* ---- what can be seen ---- */

enum health {
	HEALTH_UP,
	HEALTH_UP_FAILING_1, /* one check failed: "UP 2/3" */
	HEALTH_UP_FAILING_2, /* two did: "UP 1/3" */
	HEALTH_DOWN,
	HEALTH_DOWN_RISING, /* "DOWN 1/2" */
	HEALTH_MAINT,
};

struct replica_view {
	enum replica_state state; /* the truth */
	int64_t state_since_ms;
	enum health health;      /* what the health check says by now */
	int64_t health_since_ms; /* of the verdict (up, down, maintenance) */
	bool in_rotation;        /* new reads are sent to it */
	int64_t pool_size;
	int64_t open;      /* connections it has opened by now */
	uint32_t busy;     /* connections executing */
	uint32_t waiting;  /* clients waiting for one */
	double max_wait_s; /* of the client that waits longest now */
	int64_t connections_max;
	uint32_t leaked; /* connections among `busy` that nobody uses and nobody gives back */
	double lag_s;    /* behind its primary */
	uint64_t queries_total;        /* finished */
	uint64_t dispatched_total;     /* sent to it by the balancer */
	uint64_t refused_total;        /* turned away by the full pool */
	double busy_seconds_total;     /* integral of `busy` */
	double duration_seconds_total; /* of finished reads, their wait included */
	double wait_seconds_total;     /* of reads that got a connection */
	uint64_t failed_checks_total;
};

struct auth_view {
	uint64_t first_tries_total;
	uint64_t attempts_total;
	uint64_t successes_total;
	uint64_t failures_total; /* answered 403 */
	uint64_t answered_total; /* attempts by how they ended */
	uint64_t timed_out_total;
	uint64_t refused_total;
	uint64_t denied_total; /* retries that the limit did not allow */
	uint32_t in_flight;    /* requests */
	uint32_t outstanding;  /* attempts somebody still waits for */
};

struct surface_view {
	uint64_t ok_total;
	uint64_t error_total;
	uint64_t latency_buckets[MODEL_LATENCY_BUCKETS]; /* not cumulative */
	double latency_seconds_total;
	double p99_s; /* over the last 10 s; NAN without requests */
};

struct replica_view model_replica(const struct model *model, size_t cluster, size_t replica);
struct auth_view model_auth(const struct model *model, size_t cluster);
struct surface_view model_surface(const struct model *model, size_t cluster, enum surface surface);
double model_weight(const struct model *model, size_t cluster);
int64_t model_pool_size(const struct model *model, size_t cluster);
double model_retry_limit(const struct model *model); /* NAN: none */
double model_demand_factor(const struct model *model);
const char *surface_name(enum surface surface);

/* ---- the truth, for judging those who must guess it ---- */

enum truth_state {
	TRUTH_NORMAL,
	TRUTH_REDUCED,   /* not all replicas serve, and it copes */
	TRUTH_SATURATED, /* reads wait more than a twentieth of the timeout */
	TRUTH_FAILING,   /* at least 1 % of checks fail, and first tries alone are more than fits */
	TRUTH_METASTABLE, /* likewise, but first tries alone would fit the replicas that serve */
};

struct cluster_truth {
	enum truth_state state;
	double share;       /* of traffic, by weight */
	double first_tries; /* per second, mean of the last 10 s */
	double attempts;
	double failures;
	double web_errors, web_requests;
	double capacity;     /* reads per second that the replicas in rotation can finish */
	double mean_wait_ms; /* queue over speed, now */
	size_t replicas_serving;
};

struct model_truth {
	int64_t trigger_ms;     /* a replica first left; -1: none has */
	int64_t first_error_ms; /* the first user error; -1: none */
	double web_error_ratio; /* last 10 s; NAN without requests */
	double error_ratio;     /* all surfaces together */
	double peak_web_error_ratio, peak_error_ratio;
};

struct cluster_truth model_cluster_truth(const struct model *model, size_t cluster);
struct model_truth model_truth(const struct model *model);
const char *truth_state_name(enum truth_state state);

/* Whether all invariants hold; for tests. */
bool model_check(const struct model *model, struct error *error);

#endif
