#include "backends/sim/model_internal.h"

#include <math.h>
#include <stdlib.h>

static uint16_t pool_index(const struct model *model, const struct pool *pool)
{
	return (uint16_t)(pool - model->pools);
}

static bool replica_serves(enum replica_state state)
{
	return state == REPLICA_READY || state == REPLICA_HUNG;
}

static enum health health_of(enum replica_state state)
{
	if (state == REPLICA_MAINT)
		return HEALTH_MAINT;
	return state == REPLICA_DOWN ? HEALTH_DOWN : HEALTH_UP;
}

/* A pool may be allowed more connections than the database has slots: those logins fail. */
static int64_t pool_connections_most(const struct pool *pool)
{
	int64_t most = pool->size;
	if (most > pool->shape->connections_max)
		most = pool->shape->connections_max;
	return most > pool->shape->clients_max ? pool->shape->clients_max : most;
}

/* Open connections that are not held for nothing. */
static int64_t pool_usable(const struct pool *pool)
{
	return pool->open > pool->leaked ? pool->open - pool->leaked : 0;
}

static double ramp_value(const struct ramp *ramp, int64_t now_us)
{
	if (now_us >= ramp->until_us)
		return ramp->to;
	double part = (double)(now_us - ramp->from_us) / (double)(ramp->until_us - ramp->from_us);
	return ramp->from + (ramp->to - ramp->from) * part;
}

static void ramp_begin(struct ramp *ramp, double to, int64_t over_ms, int64_t now_us)
{
	*ramp = (struct ramp){ramp_value(ramp, now_us), to, now_us, now_us + over_ms * 1000};
}

double pool_speed(const struct pool *pool)
{
	double busy = fmin((double)pool_usable(pool), (double)pool->shape->knee);
	return busy / ((double)pool->shape->service_time_ms * 1000.0 * pool->slow);
}

static void pool_settle_busy(struct model *model, struct pool *pool)
{
	double taken = (double)pool->busy + (double)pool->leaked;
	pool->busy_us += taken * (double)(model->now_us - pool->busy_since_us);
	pool->busy_since_us = model->now_us;
}

/* ---- executing ---- */

static void pool_schedule(struct model *model, const struct pool *pool, uint32_t slot)
{
	if (pool->state == REPLICA_HUNG)
		return;
	double mean_us = (double)pool->shape->service_time_ms * 1000.0 * pool->slow;
	if (pool->busy > pool->shape->knee)
		mean_us *= (double)pool->busy / (double)pool->shape->knee;
	struct event event = {
		.at_us = model->now_us + (int64_t)random_exponential(&model->services, mean_us),
		.subject = slot,
		.group = pool_index(model, pool),
		.kind = EVENT_SERVED};
	/* The agenda has room for every client of every pool beside every request. */
	agenda_add(&model->agenda, event);
}

static void pool_start(struct model *model, struct pool *pool, uint32_t slot)
{
	struct attempt *attempt = &model->attempts[slot];
	pool_settle_busy(model, pool);
	attempt->started_us = model->now_us;
	attempt->running_at = pool->busy;
	pool->running[pool->busy++] = slot;
	pool->wait_us += (double)(model->now_us - attempt->queued_us);
	pool_schedule(model, pool, slot);
}

static uint32_t queue_take(struct pool *pool)
{
	uint32_t slot = pool->queue[pool->head];
	pool->head = pool->head + 1 == (uint32_t)pool->shape->clients_max ? 0 : pool->head + 1;
	pool->waiting--;
	return slot;
}

static void queue_put(struct pool *pool, uint32_t slot)
{
	uint32_t room = (uint32_t)pool->shape->clients_max;
	uint32_t tail = pool->head + pool->waiting;
	pool->queue[tail >= room ? tail - room : tail] = slot;
	pool->waiting++;
}

static void pool_pull(struct model *model, struct pool *pool)
{
	while (pool->waiting > 0 && (int64_t)pool->busy < pool_usable(pool))
		pool_start(model, pool, queue_take(pool));
}

static void pool_unlink_running(struct model *model, struct pool *pool, uint32_t slot)
{
	uint32_t at = model->attempts[slot].running_at;
	pool_settle_busy(model, pool);
	uint32_t moved = pool->running[--pool->busy];
	pool->running[at] = moved;
	model->attempts[moved].running_at = at;
	model->attempts[slot].running_at = NOBODY;
}

void pool_served(struct model *model, uint32_t slot)
{
	struct attempt *attempt = &model->attempts[slot];
	struct pool *pool = &model->pools[attempt->pool];
	pool_unlink_running(model, pool, slot);
	pool->queries++;
	pool->duration_us += (double)(model->now_us - attempt->queued_us);
	auth_answered(model, slot);
	auth_release(model, slot);
	pool_pull(model, pool);
}

/* ---- balancing ---- */

/* The part of its share that a replica takes, from a twentieth on its return to all of it. */
static double pool_warmth(const struct model *model, const struct pool *pool)
{
	double warm_up_us = (double)model->scenario.warm_up_ms * 1000.0;
	double since_us = (double)(model->now_us - pool->rotation_since_us);
	return since_us >= warm_up_us ? 1.0 : fmax(since_us / warm_up_us, 0.05);
}

static struct pool *cluster_choose(struct model *model, struct cluster *cluster)
{
	if (cluster->rotation_count == 0)
		return NULL;
	uint32_t count = (uint32_t)cluster->rotation_count;
	for (;;) {
		uint32_t pick = random_below(&model->choices, count);
		struct pool *pool = &model->pools[cluster->rotation[pick]];
		if (!cluster->warming)
			return pool;
		if (random_unit(&model->choices) <= pool_warmth(model, pool))
			return pool;
	}
}

void pool_dispatch(struct model *model, uint16_t index, uint32_t slot)
{
	struct pool *pool = cluster_choose(model, &model->clusters[index]);
	if (!pool) {
		auth_refused(model, slot);
		return;
	}
	pool->dispatched++;
	if (pool->busy + pool->waiting >= (uint32_t)pool->shape->clients_max) {
		pool->refused++;
		auth_refused(model, slot);
		return;
	}
	struct attempt *attempt = &model->attempts[slot];
	attempt->pool = pool_index(model, pool);
	attempt->queued_us = model->now_us;
	if (pool->waiting == 0 && (int64_t)pool->busy < pool_usable(pool))
		pool_start(model, pool, slot);
	else
		queue_put(pool, slot);
}

static void rotation_rebuild(struct model *model, struct cluster *cluster)
{
	cluster->rotation_count = 0;
	cluster->warming = false;
	for (size_t i = 0; i < cluster->pool_count; i++) {
		const struct pool *pool = &model->pools[cluster->first_pool + i];
		if (!pool->in_rotation)
			continue;
		cluster->rotation[cluster->rotation_count++] = pool_index(model, pool);
		if (pool_warmth(model, pool) < 1.0)
			cluster->warming = true;
	}
}

/* ---- changes of state ---- */

/* The replica is gone: reads somebody waits for go to the others, the rest dies with its
 * connections. */
static void pool_evacuate(struct model *model, struct pool *pool)
{
	size_t count = 0;
	agenda_drop_group(&model->agenda, EVENT_SERVED, pool_index(model, pool));
	pool_settle_busy(model, pool);
	for (uint32_t i = 0; i < pool->busy; i++)
		model->evacuees[count++] = pool->running[i];
	pool->busy = 0;
	pool->leaked = 0;
	pool->leak = (struct ramp){0};
	while (pool->waiting > 0)
		model->evacuees[count++] = queue_take(pool);
	for (size_t i = 0; i < count; i++) {
		struct attempt *attempt = &model->attempts[model->evacuees[i]];
		attempt->running_at = NOBODY;
		if (attempt->request == NOBODY)
			auth_release(model, model->evacuees[i]);
		else
			pool_dispatch(model, pool->cluster, model->evacuees[i]);
	}
}

static void pool_leave(struct model *model, struct pool *pool)
{
	if (model->trigger_us < 0)
		model->trigger_us = model->now_us;
	if (!pool->in_rotation && pool->busy + pool->waiting == 0)
		return;
	pool->in_rotation = false;
	rotation_rebuild(model, &model->clusters[pool->cluster]);
	pool_evacuate(model, pool);
}

static void pool_thaw(struct model *model, struct pool *pool)
{
	for (uint32_t i = 0; i < pool->busy; i++)
		pool_schedule(model, pool, pool->running[i]);
	pool_pull(model, pool);
}

void pool_set_state(struct model *model, struct pool *pool, enum replica_state state)
{
	enum replica_state before = pool->state;
	if (state == before)
		return;
	pool->state = state;
	pool->state_since_us = model->now_us;
	double span_ms = (double)(model->scenario.verdict_max_ms - model->scenario.verdict_min_ms);
	double delay_ms =
		(double)model->scenario.verdict_min_ms + span_ms * random_unit(&model->choices);
	pool->verdict_us = model->now_us + (int64_t)(delay_ms * 1000.0);
	if (!replica_serves(state)) {
		pool_leave(model, pool);
	} else if (state == REPLICA_HUNG) {
		if (model->trigger_us < 0)
			model->trigger_us = model->now_us;
		agenda_drop_group(&model->agenda, EVENT_SERVED, pool_index(model, pool));
	} else if (before == REPLICA_HUNG) {
		pool_thaw(model, pool);
	}
}

/* Connections are opened one at a time, and only when somebody waits for one. */
static void pool_grow(struct model *model, struct pool *pool)
{
	int64_t most = pool_connections_most(pool);
	int64_t connect_us = pool->shape->connect_time_ms * 1000;
	if (connect_us == 0)
		pool->open = most;
	if (pool->open < most && pool->waiting > 0 && pool->opening_since_us < 0)
		pool->opening_since_us = model->now_us;
	if (pool->opening_since_us >= 0 && model->now_us - pool->opening_since_us >= connect_us) {
		pool->open++;
		pool->opening_since_us = -1;
	}
	pool_pull(model, pool);
}

void pool_resize(struct model *model, struct pool *pool, int64_t size)
{
	pool->size = size;
	pool->opening_since_us = -1;
	if (pool->open > pool_connections_most(pool))
		pool->open = pool_connections_most(pool);
	pool_grow(model, pool);
}

void pool_slow(struct pool *pool, double factor)
{
	pool->slow = factor;
}

void pool_leak(struct model *model, struct pool *pool, double connections, int64_t over_ms)
{
	ramp_begin(&pool->leak, connections, over_ms, model->now_us);
}

void pool_lag(struct model *model, struct pool *pool, double seconds, int64_t over_ms)
{
	ramp_begin(&pool->lag, seconds, over_ms, model->now_us);
}

/* A connection can be kept only by who has it: never more than are open. */
static void pool_tick_leak(struct model *model, struct pool *pool)
{
	int64_t leaked = (int64_t)ramp_value(&pool->leak, model->now_us);
	if (leaked > pool->open)
		leaked = pool->open;
	if (leaked == pool->leaked || pool->state == REPLICA_MAINT || pool->state == REPLICA_DOWN)
		return;
	pool_settle_busy(model, pool);
	pool->leaked = leaked;
}

static void pool_tick_health(struct model *model, struct pool *pool)
{
	if (model->now_us < pool->verdict_us)
		return;
	enum health due = health_of(pool->state);
	if (pool->verdict != due) {
		if (due != HEALTH_UP)
			pool->failed_checks += 3;
		pool->verdict = due;
		pool->verdict_since_us = model->now_us;
	}
	if (due == HEALTH_UP && !pool->in_rotation) {
		pool->in_rotation = true;
		pool->rotation_since_us = model->now_us;
		rotation_rebuild(model, &model->clusters[pool->cluster]);
	}
}

void pools_tick(struct model *model)
{
	for (size_t i = 0; i < model->pool_count; i++) {
		pool_tick_health(model, &model->pools[i]);
		pool_tick_leak(model, &model->pools[i]);
		pool_grow(model, &model->pools[i]);
	}
	for (size_t i = 0; i < model->scenario.cluster_count; i++)
		if (model->clusters[i].warming)
			rotation_rebuild(model, &model->clusters[i]);
}

/* ---- birth and death ---- */

static bool pool_init(struct model *model, struct pool *pool, size_t cluster)
{
	const struct scenario_pool *shape = &model->scenario.clusters[cluster].pool;
	size_t clients = (size_t)shape->clients_max;
	*pool = (struct pool){
		.cluster = (uint16_t)cluster,
		.verdict = HEALTH_UP,
		.in_rotation = true,
		.rotation_since_us = -model->scenario.warm_up_ms * 1000,
		.size = shape->size,
		.shape = shape,
		.slow = 1.0,
		.running = calloc(clients, sizeof(uint32_t)),
		.queue = calloc(clients, sizeof(uint32_t)),
	};
	pool->open = pool_connections_most(pool);
	pool->opening_since_us = -1;
	return pool->running && pool->queue;
}

bool pools_init(struct model *model)
{
	size_t most_clients = 0;
	for (size_t c = 0; c < model->scenario.cluster_count; c++) {
		model->clusters[c].first_pool = model->pool_count;
		model->clusters[c].pool_count = model->scenario.clusters[c].replica_count;
		model->pool_count += model->clusters[c].pool_count;
		size_t clients = (size_t)model->scenario.clusters[c].pool.clients_max;
		most_clients = clients > most_clients ? clients : most_clients;
	}
	model->pools = calloc(model->pool_count, sizeof *model->pools);
	model->evacuees = calloc(most_clients, sizeof *model->evacuees);
	if (!model->pools || !model->evacuees)
		return false;
	for (size_t c = 0; c < model->scenario.cluster_count; c++) {
		struct cluster *cluster = &model->clusters[c];
		for (size_t i = 0; i < cluster->pool_count; i++)
			if (!pool_init(model, &model->pools[cluster->first_pool + i], c))
				return false;
		rotation_rebuild(model, cluster);
	}
	return true;
}

void pools_finish(struct model *model)
{
	for (size_t i = 0; model->pools && i < model->pool_count; i++) {
		free(model->pools[i].running);
		free(model->pools[i].queue);
	}
	free(model->pools);
	free(model->evacuees);
}

/* ---- looking at a replica ---- */

static enum health pool_health(const struct model *model, const struct pool *pool)
{
	enum health due = health_of(pool->state);
	if (due == pool->verdict || model->now_us >= pool->verdict_us)
		return due;
	double part = (double)(model->now_us - pool->state_since_us) /
		      (double)(pool->verdict_us - pool->state_since_us);
	if (pool->verdict == HEALTH_UP) {
		if (part < 1.0 / 3.0)
			return HEALTH_UP;
		return part < 2.0 / 3.0 ? HEALTH_UP_FAILING_1 : HEALTH_UP_FAILING_2;
	}
	return due == HEALTH_UP && part >= 0.5 ? HEALTH_DOWN_RISING : pool->verdict;
}

static double pool_max_wait_s(const struct model *model, const struct pool *pool)
{
	if (pool->waiting == 0)
		return 0.0;
	const struct attempt *oldest = &model->attempts[pool->queue[pool->head]];
	return (double)(model->now_us - oldest->queued_us) / 1e6;
}

struct replica_view model_replica(const struct model *model, size_t cluster, size_t replica)
{
	const struct pool *pool = &model->pools[model->clusters[cluster].first_pool + replica];
	double taken = (double)pool->busy + (double)pool->leaked;
	double open_us = taken * (double)(model->now_us - pool->busy_since_us);
	return (struct replica_view){
		.state = pool->state,
		.state_since_ms = pool->state_since_us / 1000,
		.health = pool_health(model, pool),
		.health_since_ms = pool->verdict_since_us / 1000,
		.in_rotation = pool->in_rotation,
		.pool_size = pool->size,
		.open = pool->open,
		.busy = pool->busy + (uint32_t)pool->leaked,
		.leaked = (uint32_t)pool->leaked,
		.lag_s = ramp_value(&pool->lag, model->now_us),
		.waiting = pool->waiting,
		.max_wait_s = pool_max_wait_s(model, pool),
		.connections_max = pool->shape->connections_max,
		.queries_total = pool->queries,
		.dispatched_total = pool->dispatched,
		.refused_total = pool->refused,
		.busy_seconds_total = (pool->busy_us + open_us) / 1e6,
		.duration_seconds_total = pool->duration_us / 1e6,
		.wait_seconds_total = pool->wait_us / 1e6,
		.failed_checks_total = pool->failed_checks,
	};
}
