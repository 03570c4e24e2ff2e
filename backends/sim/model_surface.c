#include "backends/sim/model_internal.h"

#include <math.h>
#include <string.h>

const double model_latency_bounds[MODEL_LATENCY_BUCKETS] = {
	0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.6, 1.0, 1.5, 2.5, 5.0, INFINITY};

/* What a page costs beside its session check: a fixed part and an exponential one, in seconds. */
static const struct page_cost {
	double fixed_s, mean_s;
} page_costs[SURFACE_COUNT] = {
	[SURFACE_WEB] = {0.030, 0.040},
	[SURFACE_API] = {0.015, 0.020},
};

/* A bare refusal is quick to write. */
static const double denial_s = 0.005;

const char *surface_name(enum surface surface)
{
	return surface == SURFACE_WEB ? "web" : "api";
}

static void surface_count(
	struct model *model, uint16_t index, enum surface surface, bool ok, double latency_s)
{
	struct cluster *cluster = &model->clusters[index];
	struct surface_view *view = &cluster->surfaces[surface];
	struct bin *bin = &cluster->bins[model->bin];
	size_t bucket = 0;
	while (latency_s > model_latency_bounds[bucket])
		bucket++;
	view->latency_buckets[bucket]++;
	view->latency_seconds_total += latency_s;
	bin->latency[surface][bucket]++;
	if (ok) {
		view->ok_total++;
		bin->ok[surface]++;
		return;
	}
	view->error_total++;
	bin->errors[surface]++;
	if (model->first_error_us < 0)
		model->first_error_us = model->now_us;
}

static double page_s(struct model *model, enum surface surface)
{
	const struct page_cost *cost = &page_costs[surface];
	return cost->fixed_s + random_exponential(&model->pages, cost->mean_s);
}

/* A user whose session is good meets what stands behind, which may have shrunk meanwhile. */
static void surface_serve(
	struct model *model, uint16_t index, enum surface surface, double so_far_s)
{
	struct cluster *cluster = &model->clusters[index];
	bool ok = true;
	if (surface == SURFACE_WEB && model->scenario.downstream) {
		cluster->downstream_offered += 1.0;
		ok = cluster->downstream_admit >= 1.0 ||
		     random_unit(&model->pages) <= cluster->downstream_admit;
	}
	double latency_s = so_far_s + (ok ? page_s(model, surface) : denial_s);
	surface_count(model, index, surface, ok, latency_s);
}

void surface_passed(struct model *model, uint16_t cluster, double auth_s)
{
	surface_serve(model, cluster, SURFACE_WEB, auth_s);
}

void surface_denied(struct model *model, uint16_t cluster, double auth_s)
{
	surface_count(model, cluster, SURFACE_WEB, false, auth_s + denial_s);
}

void surfaces_tick(struct model *model)
{
	double tick_s = TICK_US / 1e6;
	double factor = model->demand * (1.0 + model->noise) * tick_s / model->weight_sum;
	double web = model->scenario.web_per_second * model->scenario.auth_cached * factor;
	double api = model->scenario.api_per_second * factor;
	for (size_t c = 0; c < model->scenario.cluster_count; c++) {
		double weight = model->clusters[c].weight;
		uint32_t count = random_poisson(&model->pages, web * weight);
		for (uint32_t i = 0; i < count; i++)
			surface_serve(model, (uint16_t)c, SURFACE_WEB, 0.0);
		count = random_poisson(&model->pages, api * weight);
		for (uint32_t i = 0; i < count; i++)
			surface_serve(model, (uint16_t)c, SURFACE_API, 0.0);
	}
}

/* What stands behind follows what it is offered: down when idle, up again as slowly as things
 * start. */
static void downstream_second(const struct scenario *scenario, struct cluster *cluster)
{
	double wanted = cluster->downstream_offered * (1.0 + scenario->downstream_headroom);
	double tau_ms =
		(double)(wanted > cluster->downstream_capacity ? scenario->downstream_grow_ms
							       : scenario->downstream_shrink_ms);
	cluster->downstream_capacity +=
		(wanted - cluster->downstream_capacity) * (1.0 - exp(-1000.0 / tau_ms));
	cluster->downstream_admit =
		cluster->downstream_offered > cluster->downstream_capacity
			? cluster->downstream_capacity / cluster->downstream_offered
			: 1.0;
	cluster->downstream_offered = 0.0;
}

/* ---- sums over the last ten seconds ---- */

static struct bin cluster_window(const struct cluster *cluster)
{
	struct bin sum = {0};
	for (size_t i = 0; i < WINDOW_BINS; i++) {
		const struct bin *bin = &cluster->bins[i];
		sum.first_tries += bin->first_tries;
		sum.attempts += bin->attempts;
		sum.failures += bin->failures;
		for (size_t s = 0; s < SURFACE_COUNT; s++) {
			sum.ok[s] += bin->ok[s];
			sum.errors[s] += bin->errors[s];
			for (size_t b = 0; b < MODEL_LATENCY_BUCKETS; b++)
				sum.latency[s][b] += bin->latency[s][b];
		}
	}
	return sum;
}

static void window_ratios(const struct model *model, double *web, double *all)
{
	double errors[SURFACE_COUNT] = {0}, requests[SURFACE_COUNT] = {0};
	for (size_t c = 0; c < model->scenario.cluster_count; c++) {
		for (size_t i = 0; i < WINDOW_BINS; i++) {
			const struct bin *bin = &model->clusters[c].bins[i];
			for (size_t s = 0; s < SURFACE_COUNT; s++) {
				errors[s] += bin->errors[s];
				requests[s] += bin->ok[s] + bin->errors[s];
			}
		}
	}
	double sum = requests[SURFACE_WEB] + requests[SURFACE_API];
	*web = requests[SURFACE_WEB] > 0.0 ? errors[SURFACE_WEB] / requests[SURFACE_WEB] : NAN;
	*all = sum > 0.0 ? (errors[SURFACE_WEB] + errors[SURFACE_API]) / sum : NAN;
}

void surfaces_second(struct model *model)
{
	double web = NAN, all = NAN;
	window_ratios(model, &web, &all);
	model->peak_web_error_ratio = fmax(model->peak_web_error_ratio, web);
	model->peak_error_ratio = fmax(model->peak_error_ratio, all);
	model->bin = (model->bin + 1) % WINDOW_BINS;
	for (size_t c = 0; c < model->scenario.cluster_count; c++) {
		struct cluster *cluster = &model->clusters[c];
		memset(&cluster->bins[model->bin], 0, sizeof cluster->bins[0]);
		if (model->scenario.downstream)
			downstream_second(&model->scenario, cluster);
	}
}

/* Linear inside the bucket; a value past the last bound is reported as that bound. */
static double window_p99_s(const uint32_t *buckets)
{
	double total = 0.0, below = 0.0, lower = 0.0;
	for (size_t b = 0; b < MODEL_LATENCY_BUCKETS; b++)
		total += buckets[b];
	if (total <= 0.0)
		return NAN;
	for (size_t b = 0; b + 1 < MODEL_LATENCY_BUCKETS; b++) {
		double upper = model_latency_bounds[b];
		if (below + buckets[b] >= 0.99 * total)
			return lower + (upper - lower) * (0.99 * total - below) / buckets[b];
		below += buckets[b];
		lower = upper;
	}
	return lower;
}

struct surface_view model_surface(const struct model *model, size_t cluster, enum surface surface)
{
	struct surface_view view = model->clusters[cluster].surfaces[surface];
	struct bin window = cluster_window(&model->clusters[cluster]);
	view.p99_s = window_p99_s(window.latency[surface]);
	return view;
}

/* ---- the truth ---- */

static double window_s(const struct model *model)
{
	double whole_s = (double)(model->now_us % 1000000) / 1e6 + (WINDOW_BINS - 1);
	return fmin(whole_s, fmax((double)model->now_us / 1e6, 1e-3));
}

/*
 * Traffic is divided evenly, so first tries fit only when each replica in rotation can finish its
 * part: where one hangs or crawls, what is sent to it fails for that, and not for what was before.
 */
static double even_capacity(const struct model *model, const struct cluster *cluster)
{
	double least = INFINITY;
	for (size_t i = 0; i < cluster->rotation_count; i++) {
		const struct pool *pool = &model->pools[cluster->rotation[i]];
		least = fmin(least, pool->state == REPLICA_READY ? pool_speed(pool) * 1e6 : 0.0);
	}
	return cluster->rotation_count > 0 ? least * (double)cluster->rotation_count : 0.0;
}

static enum truth_state truth_judge(
	const struct model *model, const struct cluster_truth *truth, const struct cluster *cluster)
{
	if (truth->failures >= 0.01 * truth->first_tries && truth->failures > 0.0)
		return truth->first_tries < even_capacity(model, cluster) ? TRUTH_METASTABLE
									  : TRUTH_FAILING;
	if (truth->mean_wait_ms > 0.05 * (double)model->scenario.auth_timeout_ms)
		return TRUTH_SATURATED;
	return truth->replicas_serving < cluster->pool_count ? TRUTH_REDUCED : TRUTH_NORMAL;
}

struct cluster_truth model_cluster_truth(const struct model *model, size_t index)
{
	const struct cluster *cluster = &model->clusters[index];
	struct bin window = cluster_window(cluster);
	double seconds = window_s(model);
	struct cluster_truth truth = {
		.share = model->weight_sum > 0.0 ? cluster->weight / model->weight_sum : 0.0,
		.first_tries = window.first_tries / seconds,
		.attempts = window.attempts / seconds,
		.failures = window.failures / seconds,
		.web_errors = window.errors[SURFACE_WEB] / seconds,
		.web_requests = (window.errors[SURFACE_WEB] + window.ok[SURFACE_WEB]) / seconds,
	};
	double waiting = 0.0;
	for (size_t i = 0; i < cluster->pool_count; i++) {
		const struct pool *pool = &model->pools[cluster->first_pool + i];
		if (!pool->in_rotation || pool->state != REPLICA_READY)
			continue;
		truth.replicas_serving++;
		truth.capacity += pool_speed(pool) * 1e6;
		waiting += pool->waiting;
	}
	if (truth.capacity > 0.0)
		truth.mean_wait_ms = 1000.0 * waiting / truth.capacity;
	truth.state = truth_judge(model, &truth, cluster);
	return truth;
}

struct model_truth model_truth(const struct model *model)
{
	struct model_truth truth = {
		.trigger_ms = model->trigger_us < 0 ? -1 : model->trigger_us / 1000,
		.first_error_ms = model->first_error_us < 0 ? -1 : model->first_error_us / 1000,
		.peak_web_error_ratio = model->peak_web_error_ratio,
		.peak_error_ratio = model->peak_error_ratio,
	};
	window_ratios(model, &truth.web_error_ratio, &truth.error_ratio);
	return truth;
}

const char *truth_state_name(enum truth_state state)
{
	static const char *const names[] = {
		[TRUTH_NORMAL] = "normal",
		[TRUTH_REDUCED] = "reduced",
		[TRUTH_SATURATED] = "saturated",
		[TRUTH_FAILING] = "failing",
		[TRUTH_METASTABLE] = "metastable",
	};
	return names[state];
}
