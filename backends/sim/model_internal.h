/*
 * model_internal.h - the inside of the model, shared by its files and nobody else.
 *
 * model.c owns time: which event is next, demand, the timeline. model_auth.c owns requests and
 * attempts; model_pool.c owns replicas, their pools and the balancer; model_surface.c owns what
 * users see. Times are microseconds since the start.
 */
#ifndef BACKENDS_SIM_MODEL_INTERNAL_H
#define BACKENDS_SIM_MODEL_INTERNAL_H

#include "backends/sim/model.h"
#include "backends/sim/model_agenda.h"
#include "backends/sim/model_random.h"

#define NOBODY UINT32_MAX
#define WINDOW_BINS 10 /* one-second bins behind every "last 10 s" */
#define TICK_US 100000

/* A value on its way from one to another. */
struct ramp {
	double from, to;
	int64_t from_us, until_us;
};

/* Somebody's session check. Free slots are chained by `next_free`. */
struct request {
	int64_t born_us;
	uint32_t next_free;
	uint16_t cluster;
	uint16_t tries;
};

/*
 * One read sent on a request's behalf. When its client gave up, `request` is NOBODY: it is still in
 * the queue or running, and no longer in the list of deadlines.
 */
struct attempt {
	uint32_t request;
	uint32_t previous, next; /* in the list of deadlines; `next` also chains free slots */
	uint32_t running_at;     /* place in its pool's `running`, NOBODY while it waits */
	uint16_t pool;
	int64_t sent_us; /* the deadline counts from here */
	int64_t queued_us;
	int64_t started_us;
};

struct pool {
	uint16_t cluster;
	enum replica_state state;
	int64_t state_since_us;
	int64_t verdict_us;  /* when the health check will have noticed the state */
	enum health verdict; /* HEALTH_UP, HEALTH_DOWN or HEALTH_MAINT: before that moment */
	int64_t verdict_since_us;
	bool in_rotation;
	int64_t rotation_since_us;
	int64_t size;             /* connections it may open */
	int64_t open;             /* connections it has opened, busy or idle */
	int64_t opening_since_us; /* the one being opened now; -1: none is */
	const struct scenario_pool *shape;
	double slow; /* factor on its service time */
	struct ramp leak, lag;
	int64_t leaked;    /* connections taken and never given back, as of now */
	uint32_t *running; /* attempts on a connection */
	uint32_t busy;
	uint32_t *queue; /* ring of attempts, room for clients_max */
	uint32_t head, waiting;
	int64_t busy_since_us; /* busy_us is settled up to here */
	double busy_us, duration_us, wait_us;
	uint64_t queries, dispatched, refused, failed_checks;
};

/* Counts of one second. */
struct bin {
	uint32_t first_tries, attempts, failures;
	uint32_t ok[SURFACE_COUNT], errors[SURFACE_COUNT];
	uint32_t latency[SURFACE_COUNT][MODEL_LATENCY_BUCKETS];
};

struct cluster {
	double weight;
	size_t first_pool, pool_count;             /* its replicas in model.pools */
	uint16_t rotation[SCENARIO_REPLICAS_MOST]; /* pools that get new reads */
	size_t rotation_count;
	bool warming; /* one of them does not take its full share yet */
	double retry_tokens;
	double storm_debt; /* needless attempts that are due */
	struct auth_view auth;
	struct surface_view surfaces[SURFACE_COUNT];
	struct bin bins[WINDOW_BINS];
	double downstream_capacity; /* requests per second */
	double downstream_offered;  /* in the current second */
	double downstream_admit;    /* share let through in the current second */
};

struct model {
	struct scenario scenario;
	int64_t now_us;
	uint64_t events_handled;
	struct agenda agenda;
	size_t next_timeline;
	int64_t next_arrival_us, next_tick_us;
	double check_rate; /* session checks per microsecond that need a read, all clusters */
	double demand, demand_from, demand_to; /* factor, and the ramp it is on */
	int64_t ramp_from_us, ramp_until_us;
	double noise;
	double retry_limit;
	double storm; /* needless attempts as a share of first tries */
	double weight_sum;
	size_t bin; /* the bin of the current second */
	struct cluster clusters[SCENARIO_CLUSTERS_MOST];
	struct pool *pools;
	size_t pool_count;
	struct attempt *attempts;
	uint32_t free_attempt;
	uint32_t first_deadline, last_deadline;
	struct request *requests;
	uint32_t free_request;
	uint32_t *evacuees; /* room for one pool's clients */
	struct random_stream arrivals, services, backoffs, pages, noises, choices;
	int64_t trigger_us, first_error_us;
	double peak_web_error_ratio, peak_error_ratio;
};

/* model_auth.c */
void auth_arrive(struct model *model, uint16_t cluster); /* a check that needs a read */
void auth_retry(struct model *model, uint32_t request);
void auth_answered(struct model *model, uint32_t attempt); /* its read is done */
void auth_refused(struct model *model, uint32_t attempt);  /* no pool took it; frees the slot */
void auth_timeouts(struct model *model);                   /* the first deadline has come */
int64_t auth_next_deadline_us(const struct model *model);
void auth_release(struct model *model, uint32_t attempt); /* give the slot back */

/* model_pool.c */
bool pools_init(struct model *model);
void pools_finish(struct model *model);
void pool_dispatch(struct model *model, uint16_t cluster, uint32_t attempt);
void pool_served(struct model *model, uint32_t attempt);
void pool_resize(struct model *model, struct pool *pool, int64_t size);
void pool_set_state(struct model *model, struct pool *pool, enum replica_state state);
void pool_slow(struct pool *pool, double factor);
void pool_leak(struct model *model, struct pool *pool, double connections, int64_t over_ms);
void pool_lag(struct model *model, struct pool *pool, double seconds, int64_t over_ms);
void pools_tick(struct model *model);       /* verdicts that are due */
double pool_speed(const struct pool *pool); /* reads per microsecond with all connections busy */

/* model_surface.c */
void surface_passed(struct model *model, uint16_t cluster, double auth_s);
void surface_denied(struct model *model, uint16_t cluster, double auth_s);
void surfaces_tick(struct model *model);   /* traffic that needs no read, for one tick */
void surfaces_second(struct model *model); /* a second is over: turn the bins */

#endif
