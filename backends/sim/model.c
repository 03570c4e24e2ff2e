#include "backends/sim/model.h"

#include <math.h>
#include <stdlib.h>

#include "backends/sim/model_internal.h"
#include "core/base/error.h"

/* ---- demand ---- */

/* Arrivals are memoryless, so a change of rate stretches or shrinks what is left until the next
 * one. */
static void demand_settle(struct model *model)
{
	const struct scenario *scenario = &model->scenario;
	double before = model->check_rate;
	double per_second = scenario->web_per_second * (1.0 - scenario->auth_cached);
	model->check_rate = per_second * model->demand * (1.0 + model->noise) / 1e6;
	if (model->check_rate <= 0.0) {
		model->check_rate = 0.0;
		model->next_arrival_us = INT64_MAX;
		return;
	}
	double left_us = 0.0;
	if (before <= 0.0)
		left_us = random_exponential(&model->arrivals, 1.0 / model->check_rate);
	else
		left_us = (double)(model->next_arrival_us - model->now_us) * before /
			  model->check_rate;
	model->next_arrival_us = model->now_us + (int64_t)left_us;
}

static void demand_tick(struct model *model)
{
	if (model->now_us >= model->ramp_until_us) {
		model->demand = model->demand_to;
	} else {
		double part = (double)(model->now_us - model->ramp_from_us) /
			      (double)(model->ramp_until_us - model->ramp_from_us);
		model->demand = model->demand_from + (model->demand_to - model->demand_from) * part;
	}
}

/* An Ornstein-Uhlenbeck walk, stepped once a second, kept within three deviations. */
static void noise_second(struct model *model)
{
	double sd = model->scenario.noise;
	if (sd <= 0.0)
		return;
	double keep = exp(-1000.0 / (double)model->scenario.noise_period_ms);
	double kick = sd * sqrt(1.0 - keep * keep) * random_normal(&model->noises);
	model->noise = fmin(fmax(model->noise * keep + kick, -3.0 * sd), 3.0 * sd);
}

static uint16_t divide(struct model *model)
{
	double at = random_unit(&model->arrivals) * model->weight_sum;
	size_t last = 0;
	for (size_t i = 0; i < model->scenario.cluster_count; i++) {
		if (model->clusters[i].weight <= 0.0)
			continue;
		last = i;
		at -= model->clusters[i].weight;
		if (at <= 0.0)
			break;
	}
	return (uint16_t)last;
}

/* ---- the timeline ---- */

static void cluster_resize(struct model *model, size_t index, int64_t size)
{
	struct cluster *cluster = &model->clusters[index];
	for (size_t i = 0; i < cluster->pool_count; i++)
		pool_resize(model, &model->pools[cluster->first_pool + i], size);
}

static void cluster_set_weight(struct model *model, size_t index, double weight)
{
	model->clusters[index].weight = weight;
	model->weight_sum = 0.0;
	for (size_t i = 0; i < model->scenario.cluster_count; i++)
		model->weight_sum += model->clusters[i].weight;
}

static void timeline_apply(struct model *model, const struct scenario_event *event)
{
	struct pool *pool =
		&model->pools[model->clusters[event->cluster].first_pool + event->replica];
	switch (event->kind) {
	case SCENARIO_REPLICA_STATE:
		pool_set_state(model, pool, event->state);
		break;
	case SCENARIO_POOL_SIZE:
		cluster_resize(model, event->cluster, (int64_t)event->value);
		break;
	case SCENARIO_WEIGHT:
		cluster_set_weight(model, event->cluster, event->value);
		break;
	case SCENARIO_DEMAND:
		model->demand_from = model->demand;
		model->demand_to = event->value;
		model->ramp_from_us = model->now_us;
		model->ramp_until_us = model->now_us + event->over_ms * 1000;
		break;
	case SCENARIO_RETRY_LIMIT:
		model->retry_limit = event->value;
		break;
	case SCENARIO_SLOW:
		pool_slow(pool, event->value);
		break;
	case SCENARIO_LAG:
		pool_lag(model, pool, event->value, event->over_ms);
		break;
	case SCENARIO_LEAK:
		for (size_t i = 0; i < model->clusters[event->cluster].pool_count; i++)
			pool_leak(model,
				&model->pools[model->clusters[event->cluster].first_pool + i],
				event->value, event->over_ms);
		break;
	case SCENARIO_STORM:
		model->storm = event->value;
		break;
	case SCENARIO_SCRAPER:
		break; /* about those who look, not about what they see */
	}
}

/* ---- time ---- */

static void tick(struct model *model)
{
	surfaces_tick(model);
	pools_tick(model);
	demand_tick(model);
	if (model->now_us % 1000000 == 0) {
		noise_second(model);
		surfaces_second(model);
	}
	demand_settle(model);
	model->next_tick_us += TICK_US;
}

static int64_t timeline_next_us(const struct model *model)
{
	if (model->next_timeline == model->scenario.event_count)
		return INT64_MAX;
	return model->scenario.events[model->next_timeline].at_ms * 1000;
}

static void arrive(struct model *model)
{
	auth_arrive(model, divide(model));
	model->next_arrival_us +=
		(int64_t)random_exponential(&model->arrivals, 1.0 / model->check_rate);
}

static void agenda_handle(struct model *model)
{
	struct event event = agenda_take(&model->agenda);
	if (event.kind == EVENT_SERVED)
		pool_served(model, event.subject);
	else
		auth_retry(model, event.subject);
}

/* One step: whatever is due first; at the same moment the order below. False when nothing is due.
 */
static bool step(struct model *model, int64_t until_us)
{
	int64_t agenda_us = agenda_next_us(&model->agenda);
	int64_t deadline_us = auth_next_deadline_us(model);
	int64_t timeline_us = timeline_next_us(model);
	int64_t next_us = agenda_us;
	if (model->next_arrival_us < next_us)
		next_us = model->next_arrival_us;
	if (deadline_us < next_us)
		next_us = deadline_us;
	if (model->next_tick_us < next_us)
		next_us = model->next_tick_us;
	if (timeline_us < next_us)
		next_us = timeline_us;
	if (next_us > until_us)
		return false;
	model->now_us = next_us;
	model->events_handled++;
	if (next_us == timeline_us)
		timeline_apply(model, &model->scenario.events[model->next_timeline++]);
	else if (next_us == agenda_us)
		agenda_handle(model);
	else if (next_us == deadline_us)
		auth_timeouts(model);
	else if (next_us == model->next_arrival_us)
		arrive(model);
	else
		tick(model);
	return true;
}

void model_advance(struct model *model, int64_t until_ms)
{
	int64_t until_us = until_ms * 1000;
	while (step(model, until_us))
		;
	if (until_us > model->now_us)
		model->now_us = until_us;
}

/* ---- birth and death ---- */

static bool pool_shape_fits(const struct scenario_pool *pool)
{
	return pool->size >= 1 && pool->size <= MODEL_POOL_SIZE_MOST && pool->clients_max >= 1 &&
	       pool->clients_max <= SCENARIO_CLIENTS_MOST && pool->connections_max >= 1 &&
	       pool->knee >= 1 && pool->service_time_ms >= 1;
}

static bool scenario_fits(const struct scenario *scenario, struct error *error)
{
	double weights = 0.0;
	if (scenario->cluster_count < 1 || scenario->cluster_count > SCENARIO_CLUSTERS_MOST)
		return error_set(error, ERROR_SCHEMA, "a scenario has 1 to %d clusters, not %zu",
			SCENARIO_CLUSTERS_MOST, scenario->cluster_count);
	for (size_t i = 0; i < scenario->cluster_count; i++) {
		const struct scenario_cluster *cluster = &scenario->clusters[i];
		if (cluster->replica_count < 1 || cluster->replica_count > SCENARIO_REPLICAS_MOST)
			return error_set(error, ERROR_SCHEMA,
				"cluster '%s' has %zu replicas, not 1 to %d", cluster->name,
				cluster->replica_count, SCENARIO_REPLICAS_MOST);
		if (!pool_shape_fits(&cluster->pool))
			return error_set(error, ERROR_SCHEMA,
				"a figure in the pool of cluster '%s' is out of range",
				cluster->name);
		if (!(cluster->weight >= 0.0 && cluster->weight <= MODEL_WEIGHT_MOST))
			return error_set(error, ERROR_SCHEMA,
				"the weight of cluster '%s' is not within 0 and %g", cluster->name,
				MODEL_WEIGHT_MOST);
		weights += cluster->weight;
	}
	if (weights <= 0.0)
		return error_set(error, ERROR_SCHEMA, "all clusters have weight 0");
	bool sane = scenario->web_per_second >= 0.0 && scenario->web_per_second <= 1e6 &&
		    scenario->api_per_second >= 0.0 && scenario->api_per_second <= 1e6 &&
		    scenario->auth_timeout_ms >= 1 && scenario->auth_attempts >= 1 &&
		    scenario->auth_attempts <= 16 && scenario->auth_backoff_ms >= 0 &&
		    scenario->auth_cached >= 0.0 && scenario->auth_cached <= 1.0 &&
		    scenario->noise >= 0.0 && scenario->noise < 0.3 &&
		    scenario->noise_period_ms >= 1 && scenario->verdict_min_ms >= 0 &&
		    scenario->verdict_max_ms >= scenario->verdict_min_ms &&
		    scenario->warm_up_ms >= 0;
	if (!sane)
		return error_set(error, ERROR_SCHEMA,
			"a rate, time or share of the scenario is out of range");
	return true;
}

static bool rooms_init(struct model *model)
{
	size_t clients = 0;
	for (size_t i = 0; i < model->scenario.cluster_count; i++)
		clients += (size_t)model->scenario.clusters[i].pool.clients_max *
			   model->scenario.clusters[i].replica_count;
	/* One more attempt than the pools hold: the one that finds them full. */
	size_t attempts = clients + 1;
	model->attempts = calloc(attempts, sizeof *model->attempts);
	model->requests = calloc(MODEL_REQUESTS_MOST, sizeof *model->requests);
	if (!model->attempts || !model->requests ||
		!agenda_init(&model->agenda, clients + MODEL_REQUESTS_MOST))
		return false;
	for (size_t i = 0; i < attempts; i++)
		model->attempts[i].next = i + 1 < attempts ? (uint32_t)(i + 1) : NOBODY;
	for (size_t i = 0; i < MODEL_REQUESTS_MOST; i++)
		model->requests[i].next_free =
			i + 1 < MODEL_REQUESTS_MOST ? (uint32_t)(i + 1) : NOBODY;
	return true;
}

static void streams_seed(struct model *model, uint64_t seed)
{
	struct random_stream *const streams[] = {&model->arrivals, &model->services,
		&model->backoffs, &model->pages, &model->noises, &model->choices};
	for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++)
		random_seed(streams[i], seed, i + 1);
}

struct model *model_create(const struct scenario *scenario, uint64_t seed, struct error *error)
{
	if (!scenario_fits(scenario, error))
		return NULL;
	struct model *model = calloc(1, sizeof *model);
	if (!model) {
		error_no_memory(error, "a model");
		return NULL;
	}
	model->scenario = *scenario;
	model->retry_limit = scenario->retry_limit;
	model->demand = model->demand_from = model->demand_to = 1.0;
	model->trigger_us = model->first_error_us = -1;
	model->first_deadline = model->last_deadline = NOBODY;
	model->next_tick_us = TICK_US;
	for (size_t i = 0; i < scenario->cluster_count; i++)
		cluster_set_weight(model, i, scenario->clusters[i].weight);
	for (size_t i = 0; i < scenario->cluster_count; i++) {
		double share = scenario->clusters[i].weight / model->weight_sum;
		model->clusters[i].downstream_admit = 1.0;
		model->clusters[i].downstream_capacity =
			scenario->web_per_second * share * (1.0 + scenario->downstream_headroom);
	}
	if (!pools_init(model) || !rooms_init(model)) {
		model_destroy(model);
		error_no_memory(error, "a model");
		return NULL;
	}
	streams_seed(model, seed);
	demand_settle(model);
	return model;
}

void model_destroy(struct model *model)
{
	if (!model)
		return;
	pools_finish(model);
	agenda_finish(&model->agenda);
	free(model->attempts);
	free(model->requests);
	free(model);
}

/* ---- doing ---- */

bool model_set_weight(struct model *model, size_t cluster, double weight, struct error *error)
{
	if (!(weight >= 0.0 && weight <= MODEL_WEIGHT_MOST))
		return error_set(error, ERROR_REJECTED, "a weight is a number from 0 to %g",
			MODEL_WEIGHT_MOST);
	double others = model->weight_sum - model->clusters[cluster].weight;
	if (weight <= 0.0 && others <= 0.0)
		return error_set(error, ERROR_REJECTED,
			"'%s' is the last cluster with a weight above 0",
			model->scenario.clusters[cluster].name);
	cluster_set_weight(model, cluster, weight);
	return true;
}

bool model_set_pool_size(struct model *model, size_t cluster, int64_t size, struct error *error)
{
	if (size < 1 || size > MODEL_POOL_SIZE_MOST)
		return error_set(error, ERROR_REJECTED,
			"a pool size is a whole number from 1 to %d", MODEL_POOL_SIZE_MOST);
	cluster_resize(model, cluster, size);
	return true;
}

bool model_set_replica_state(struct model *model, size_t cluster, size_t replica,
	enum replica_state state, struct error *error)
{
	if ((unsigned)state >= REPLICA_STATE_COUNT)
		return error_set(error, ERROR_REJECTED, "there is no such state");
	pool_set_state(model, &model->pools[model->clusters[cluster].first_pool + replica], state);
	return true;
}

bool model_set_retry_limit(struct model *model, double share, struct error *error)
{
	if (!isnan(share) && !(share >= 0.0 && share <= 10.0))
		return error_set(error, ERROR_REJECTED,
			"a retry limit is a share of first tries from 0 to 10, or none");
	model->retry_limit = share;
	for (size_t i = 0; i < model->scenario.cluster_count; i++)
		model->clusters[i].retry_tokens = 0.0;
	return true;
}

/* ---- seeing ---- */

int64_t model_now_ms(const struct model *model)
{
	return model->now_us / 1000;
}

uint64_t model_events(const struct model *model)
{
	return model->events_handled;
}

const struct scenario *model_scenario(const struct model *model)
{
	return &model->scenario;
}

struct auth_view model_auth(const struct model *model, size_t cluster)
{
	return model->clusters[cluster].auth;
}

double model_weight(const struct model *model, size_t cluster)
{
	return model->clusters[cluster].weight;
}

int64_t model_pool_size(const struct model *model, size_t cluster)
{
	return model->pools[model->clusters[cluster].first_pool].size;
}

double model_retry_limit(const struct model *model)
{
	return model->retry_limit;
}

double model_demand_factor(const struct model *model)
{
	return model->demand * (1.0 + model->noise);
}

bool model_check(const struct model *model, struct error *error)
{
	for (size_t c = 0; c < model->scenario.cluster_count; c++) {
		const char *name = model->scenario.clusters[c].name;
		const struct auth_view *auth = &model->clusters[c].auth;
		if (auth->first_tries_total !=
			auth->successes_total + auth->failures_total + auth->in_flight)
			return error_set(error, ERROR_SCHEMA, "'%s' has lost a first try", name);
		if (auth->attempts_total != auth->answered_total + auth->timed_out_total +
						    auth->refused_total + auth->outstanding)
			return error_set(error, ERROR_SCHEMA, "'%s' has lost an attempt", name);
		for (size_t r = 0; r < model->clusters[c].pool_count; r++) {
			struct replica_view view = model_replica(model, c, r);
			if (view.state == REPLICA_MAINT && view.busy + view.waiting > 0)
				return error_set(error, ERROR_SCHEMA,
					"'%s' has work on an absent replica", name);
		}
	}
	return true;
}
