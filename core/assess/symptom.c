#include "core/assess/symptom.h"

#include <math.h>

#include "core/assess/evidence.h"
#include "core/assess/limits.h"
#include "core/assess/noise.h"
#include "core/assess/replica.h"
#include "core/assess/window.h"
#include "core/fleet/snapshot.h"

struct examination {
	struct symptoms *out;
	struct replica_memory *replicas;
	const struct scene *scene;
	const struct snapshot *snapshot;
	uint32_t cluster;
	struct evidence evidence;
	unsigned serving;
	double queries, busy, waiting; /* of all that serve; NAN where one does not say */
};

static uint32_t next_replica(const struct examination *look, uint32_t after)
{
	uint32_t id = fleet_next(look->snapshot->fleet, ENTITY_REPLICA, look->cluster, after);
	return id < look->snapshot->entity_count ? id : ENTITY_NONE;
}

static bool mean_of(struct examination *look, uint32_t replica, enum signal signal,
	int64_t window_ms, double *out)
{
	struct window_mean mean;
	if (!evidence_take_mean(&look->evidence, look->scene, replica, signal, window_ms, 0, &mean))
		return false;
	*out = mean.value;
	return true;
}

static bool take(struct examination *look, uint32_t replica, enum signal signal, double *out)
{
	return evidence_take(&look->evidence, look->snapshot, replica, signal, out);
}

static void add_up(struct examination *look)
{
	for (uint32_t id = next_replica(look, ENTITY_NONE); id != ENTITY_NONE;
		id = next_replica(look, id)) {
		struct replica_memory *memory = &look->replicas[id];
		double waiting;
		if (memory->state != REPLICA_SERVING)
			continue;
		look->serving++;
		look->waiting += take(look, id, SIGNAL_POOL_WAITING, &waiting) ? waiting : NAN;
		if (!mean_of(look, id, SIGNAL_REPLICA_QUERIES, SHORT_WINDOW_MS, &memory->queries))
			memory->queries = NAN;
		if (!mean_of(look, id, SIGNAL_POOL_BUSY, SHORT_WINDOW_MS, &memory->busy))
			memory->busy = NAN;
		look->queries += memory->queries;
		look->busy += memory->busy;
	}
}

/* It has not just come back: those are warmed up with little. */
static bool is_settled(const struct examination *look, uint32_t replica)
{
	int64_t returned_ms = look->replicas[replica].returned_ms;
	return returned_ms == 0 || look->snapshot->at_ms - returned_ms >= WARM_UP_MS;
}

static bool is_starved(struct examination *look, uint32_t id)
{
	static const int64_t spans_ms[] = SHARE_SPANS_MS;
	double expected = look->queries / look->serving;
	for (size_t i = 0; i < sizeof(spans_ms) / sizeof(spans_ms[0]); i++) {
		double seconds = (double)spans_ms[i] / 1000, queries;
		bool enough = expected * seconds >= SHARE_READS;
		if (i == 0 && !enough)
			continue;
		if (!mean_of(look, id, SIGNAL_REPLICA_QUERIES, spans_ms[i], &queries))
			return false;
		if (queries < STARVED_SHARE * expected &&
			(enough || noise_is_dearth(queries * seconds, expected * seconds)))
			return true;
		if (enough)
			return false;
	}
	return false;
}

/* Its connection slots are taken, and not by its pool. */
static bool is_full(struct examination *look, uint32_t id)
{
	double used, most, pool;
	return take(look, id, SIGNAL_REPLICA_CONNECTIONS_USED, &used) &&
	       take(look, id, SIGNAL_REPLICA_CONNECTIONS_MAX, &most) &&
	       take(look, id, SIGNAL_POOL_MAX, &pool) && used >= most && pool < OWN_SLOTS * used;
}

static void look_for_starved(struct examination *look, uint32_t id)
{
	bool full = is_full(look, id);
	if (!full && (look->serving < 2 || !is_settled(look, id) || !is_starved(look, id)))
		return;
	if (look->out->starved++ == 0)
		look->out->starved_one = id;
	if (full)
		look->out->full_one = id;
}

static void look_for_crowd(struct examination *look, uint32_t id)
{
	double waiting, pool;
	if (look->serving < 2 || !is_settled(look, id) ||
		!take(look, id, SIGNAL_POOL_WAITING, &waiting) ||
		!take(look, id, SIGNAL_POOL_MAX, &pool) || waiting < CROWD_TRIP * pool ||
		!(look->waiting - waiting <= CROWD_OTHERS * waiting))
		return;
	look->out->slow_one = id;
	look->out->queue = waiting;
}

static void look_for_slow(struct examination *look, uint32_t id)
{
	double queries = look->replicas[id].queries, busy = look->replicas[id].busy;
	if (look->serving < 2 || !is_settled(look, id))
		return;
	double others = (look->busy - busy) / (look->queries - queries);
	double own = busy / fmax(queries, ENOUGH_PER_SECOND);
	double factor = own / others;
	if (isfinite(factor) && !(look->out->slow_factor >= factor)) {
		look->out->slow_factor = factor;
		look->out->slow_one = factor >= SLOW_TRIP ? id : ENTITY_NONE;
	}
}

static void look_for_lag(struct examination *look, uint32_t id)
{
	struct replica_memory *memory = &look->replicas[id];
	double lag_s;
	if (evidence_take(&look->evidence, look->snapshot, id, SIGNAL_REPLICA_LAG, &lag_s)) {
		if (lag_s < LAG_TRIP_S)
			memory->lagging_ms = 0;
		else if (memory->lagging_ms == 0)
			memory->lagging_ms = look->snapshot->at_ms;
		if (lag_s >= LAG_TRIP_S && !(look->out->lag_s >= lag_s)) {
			look->out->lag_s = lag_s;
			look->out->lagging_one = id;
		}
	}
	/* It may have fallen silent since; what matters is that it lagged before it went. */
	bool before = memory->lagging_ms != 0 && memory->lagging_ms < memory->since_ms;
	if (!replica_is_out(memory->state) || !before)
		return;
	if (look->out->lagged_ms == 0 || memory->lagging_ms < look->out->lagged_ms) {
		look->out->lagged_ms = memory->lagging_ms;
		look->out->lagged_one = id;
	}
}

void symptoms_look(struct symptoms *out, struct replica_memory *replicas, const struct scene *scene,
	uint32_t cluster)
{
	*out = (struct symptoms){
		.starved_one = ENTITY_NONE,
		.full_one = ENTITY_NONE,
		.slow_one = ENTITY_NONE,
		.slow_factor = NAN,
		.queue = NAN,
		.lagging_one = ENTITY_NONE,
		.lag_s = NAN,
		.lagged_one = ENTITY_NONE,
	};
	struct examination look = {
		.out = out,
		.replicas = replicas,
		.scene = scene,
		.snapshot = scene->snapshot,
		.cluster = cluster,
	};
	add_up(&look);
	for (uint32_t id = next_replica(&look, ENTITY_NONE); id != ENTITY_NONE;
		id = next_replica(&look, id)) {
		look_for_lag(&look, id);
		if (replicas[id].state != REPLICA_SERVING)
			continue;
		look_for_starved(&look, id);
		look_for_slow(&look, id);
	}
	for (uint32_t id = next_replica(&look, ENTITY_NONE);
		id != ENTITY_NONE && out->slow_one == ENTITY_NONE; id = next_replica(&look, id)) {
		if (replicas[id].state == REPLICA_SERVING)
			look_for_crowd(&look, id);
	}
}
