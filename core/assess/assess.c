#include "core/assess/assess.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/assess/burn.h"
#include "core/assess/cause.h"
#include "core/assess/chain.h"
#include "core/assess/cluster.h"
#include "core/assess/contingency.h"
#include "core/assess/exhaustion.h"
#include "core/assess/finding.h"
#include "core/assess/headline.h"
#include "core/assess/limits.h"
#include "core/assess/page.h"
#include "core/assess/recommend.h"
#include "core/assess/window.h"
#include "core/fleet/snapshot.h"

/* What must be remembered between ticks. Clusters are in the order of their creation, which never
 * changes. */
struct assessor {
	struct replica_memory *replicas; /* by entity id */
	size_t replica_room;
	struct cluster_memory *clusters;
	struct cluster_view *views;
	size_t cluster_room;
	struct windows windows;
	struct chain_memory chain;
	struct phase_machine wide; /* for services and surfaces that are measured only fleet-wide */
	struct page_memory page;
	struct recommend_memory recommend;
	enum phase phase;
	int64_t since_ms;
	int64_t incident_start_ms;
	double failed_requests, peak_error_ratio;
	struct burn_memory burns[ASSESSMENT_SURFACES_MOST]; /* in the order of surfaces */
	int64_t last_ms;
};

/* One call of assess(). */
struct tick {
	struct assessor *assessor;
	const struct snapshot *snapshot;
	struct scene scene;
	struct assessment *out;
	int64_t now_ms;
	size_t cluster_count;
	struct services services;
	struct surfaces surfaces;
};

struct assessor *assessor_create(void)
{
	return calloc(1, sizeof(struct assessor));
}

void assessor_destroy(struct assessor *assessor)
{
	if (!assessor)
		return;
	free(assessor->replicas);
	free(assessor->clusters);
	free(assessor->views);
	windows_finish(&assessor->windows);
	free(assessor);
}

void assessment_init(struct assessment *assessment)
{
	memset(assessment, 0, sizeof(*assessment));
	assessment->phase = PHASE_BLIND;
	assessment->severity = SEVERITY_UNKNOWN;
	assessment->first_stage = STAGE_COUNT;
	contingency_init(&assessment->contingency);
	for (unsigned i = 0; i < STAGE_COUNT; i++)
		assessment->stages[i] = (struct stage_assessment){
			.now = NAN,
			.baseline = NAN,
			.count = NAN,
			.of = NAN,
			.severity = SEVERITY_UNKNOWN,
			.worst = ENTITY_NONE,
			.age_ms = -1,
		};
	assessment->goodput = NAN;
	assessment->offered = NAN;
	assessment->first_tries = NAN;
	assessment->retries = NAN;
	assessment->age_ms = -1;
}

void assessment_finish(struct assessment *assessment)
{
	free(assessment->clusters);
	assessment_init(assessment);
}

/* ---- room ---- */

/* `*list` with room for `count` objects of `size`, new ones zeroed. */
static bool reserve(void **list, size_t *room, size_t count, size_t size)
{
	if (count <= *room)
		return true;
	void *bigger = reallocarray(*list, count, size);
	if (!bigger)
		return false;
	memset((char *)bigger + *room * size, 0, (count - *room) * size);
	*list = bigger;
	*room = count;
	return true;
}

static size_t listed_clusters(const struct tick *tick)
{
	return tick->cluster_count < ASSESSMENT_CLUSTERS_MOST ? tick->cluster_count
							      : ASSESSMENT_CLUSTERS_MOST;
}

/* All the memory this tick needs, taken before anything is changed. */
static bool make_room(struct tick *tick)
{
	struct assessor *assessor = tick->assessor;
	size_t views = assessor->cluster_room;
	void *lists[] = {assessor->replicas, assessor->views, assessor->clusters};
	bool ok = reserve(&lists[0], &assessor->replica_room, tick->snapshot->entity_count,
			  sizeof(struct replica_memory)) &&
		  reserve(&lists[1], &views, tick->cluster_count, sizeof(struct cluster_view)) &&
		  reserve(&lists[2], &assessor->cluster_room, tick->cluster_count,
			  sizeof(struct cluster_memory)) &&
		  windows_reserve(&assessor->windows, tick->snapshot->entity_count);
	assessor->replicas = lists[0];
	assessor->views = lists[1];
	assessor->clusters = lists[2];
	size_t listed = listed_clusters(tick);
	if (!ok || listed <= tick->out->cluster_count)
		return ok;
	struct cluster_assessment *rows = reallocarray(tick->out->clusters, listed, sizeof(*rows));
	if (rows)
		tick->out->clusters = rows;
	return rows != NULL;
}

/* ---- looking ---- */

static uint32_t next_cluster(const struct snapshot *snapshot, uint32_t after)
{
	uint32_t id = fleet_next(snapshot->fleet, ENTITY_CLUSTER, ENTITY_NONE, after);
	return id < snapshot->entity_count ? id : ENTITY_NONE;
}

/* Over all clusters; NAN where one that has a weight is stale, since the sum is unknown then. */
static double weight_sum(const struct tick *tick)
{
	double sum = 0;
	for (uint32_t id = next_cluster(tick->snapshot, ENTITY_NONE); id != ENTITY_NONE;
		id = next_cluster(tick->snapshot, id)) {
		double weight;
		if (snapshot_value(tick->snapshot, id, SIGNAL_CLUSTER_WEIGHT, &weight))
			sum += weight;
		else if (snapshot_reading(tick->snapshot, id, SIGNAL_CLUSTER_WEIGHT)->at_ms != 0)
			return NAN;
	}
	return sum;
}

/* The rates a cluster's demand is judged by: its own, or its share of those measured fleet-wide. */
static struct services rates_of(const struct tick *tick, const struct cluster_view *view)
{
	const struct fleet *fleet = tick->snapshot->fleet;
	if (fleet_next(fleet, ENTITY_SERVICE, view->id, ENTITY_NONE) != ENTITY_NONE)
		return view->services;
	double share = tick->cluster_count == 1 ? 1 : view->share;
	struct services rates = tick->services;
	rates.first_tries *= share;
	rates.attempts *= share;
	rates.failures *= share;
	rates.first_events *= share;
	return rates;
}

static double timeout_of(const struct tick *tick, const struct cluster_view *view)
{
	if (!isnan(view->services.timeout_ms))
		return view->services.timeout_ms;
	return isnan(tick->services.timeout_ms) ? DEFAULT_TIMEOUT_MS : tick->services.timeout_ms;
}

static void look(struct tick *tick)
{
	struct assessor *assessor = tick->assessor;
	services_of_fleet(&tick->scene, &tick->services);
	surfaces_of_fleet(&tick->scene, &tick->surfaces);
	double sum = weight_sum(tick);
	uint32_t id = next_cluster(tick->snapshot, ENTITY_NONE);
	for (size_t i = 0; i < tick->cluster_count; i++) {
		cluster_look(&assessor->views[i], &assessor->clusters[i], assessor->replicas,
			&tick->scene, id, sum);
		id = next_cluster(tick->snapshot, id);
	}
	for (size_t i = 0; i < tick->cluster_count; i++) {
		struct services rates = rates_of(tick, &assessor->views[i]);
		cluster_weigh(&assessor->views[i], &assessor->clusters[i], &rates);
		cause_observe(&assessor->clusters[i].causes, &assessor->views[i],
			assessor->replicas, phase_is_incident(assessor->clusters[i].machine.phase),
			tick->now_ms);
	}
}

/* ---- phases ---- */

/*
 * A replica that fell silent is unknown, not down. But load does not vanish: where the others carry
 * more by what it carried, it is gone.
 */
static unsigned replicas_out(const struct cluster_view *view, double load_trip)
{
	bool load_landed = view->unknown > 0 && view->load_factor >= load_trip;
	unsigned silent = load_landed ? view->unknown : 0;
	return view->out + silent + view->symptoms.starved;
}

static void set_traffic_inputs(const struct tick *tick, size_t index, struct phase_inputs *in)
{
	const struct cluster_view *view = &tick->assessor->views[index];
	const struct cluster_memory *memory = &tick->assessor->clusters[index];
	const struct chain_memory *chain = &tick->assessor->chain;
	const struct fleet *fleet = tick->snapshot->fleet;
	/* What is measured only fleet-wide is laid at the door of clusters that show a reason for
	 * it. */
	bool suspect = view->use >= view->knee || in->out > 0 || memory->machine.hurt;
	if (fleet_next(fleet, ENTITY_SERVICE, view->id, ENTITY_NONE) != ENTITY_NONE) {
		in->failures = view->services.failure_ratio;
		in->failures_baseline = baseline_value(&memory->failures);
		in->attempts = view->services.attempt_factor;
		in->failures_events = view->services.failure_events;
		in->attempts_events = view->services.attempt_events;
	} else if (suspect) {
		in->failures = tick->services.failure_ratio;
		in->failures_baseline = baseline_value(&chain->baselines[STAGE_AUTH]);
		in->attempts = tick->services.attempt_factor;
		in->failures_events = tick->services.failure_events;
		in->attempts_events = tick->services.attempt_events;
	}
	const struct surfaces *surfaces = NULL;
	if (fleet_next(fleet, ENTITY_SURFACE, view->id, ENTITY_NONE) != ENTITY_NONE) {
		surfaces = &view->surfaces;
		in->errors_baseline = baseline_value(&memory->errors);
	} else if (suspect) {
		surfaces = &tick->surfaces;
		in->errors_baseline = baseline_value(&chain->baselines[STAGE_ERRORS]);
	}
	if (surfaces && surfaces->worst < surfaces->count) {
		in->errors = surfaces->rows[surfaces->worst].ratio;
		in->errors_events = surfaces->rows[surfaces->worst].events;
	}
}

/* Wait over timeout; where the wait is not measured, from how many wait and how fast they are
 * served (Little's law). */
static double wait_of(const struct tick *tick, size_t index)
{
	const struct cluster_view *view = &tick->assessor->views[index];
	double wait_ms = view->wait_mean_ms;
	if (isnan(wait_ms) &&
		tick->assessor->clusters[index].load_signal == SIGNAL_REPLICA_QUERIES &&
		view->load > 0)
		wait_ms = 1000 * view->waiting_mean / (view->load * view->serving);
	return wait_ms / timeout_of(tick, view);
}

static enum phase step_cluster(
	const struct tick *tick, size_t index, const struct contingency *loss)
{
	struct cluster_memory *memory = &tick->assessor->clusters[index];
	const struct cluster_view *view = &tick->assessor->views[index];
	if (view->blind)
		return PHASE_BLIND;
	struct phase_inputs in;
	phase_inputs_init(&in);
	in.sample_ms = view->evidence.newest_ms;
	in.load = view->load_factor;
	in.load_trip = view->load_trip;
	if (view->serving > 0 && view->serving < view->expected) {
		double rise = (double)view->expected / view->serving - 1;
		in.load_trip = 1 + LOAD_SHIFT_SHARE * rise;
	}
	in.out = replicas_out(view, in.load_trip);
	in.all_serve = view->expected > 0 && view->serving == view->expected &&
		       view->symptoms.starved == 0;
	in.cut = view->cut;
	in.degraded = memory->causes.trips[HYPOTHESIS_CONNECTION_LEAK].on ||
		      view->symptoms.slow_one != ENTITY_NONE;
	in.after_loss = loss->utilisation_after;
	in.after_loss_doubt = view->minute_s < SETTLED_WINDOW_MS / 1000.0 ? VULNERABLE_DOUBT : 0;
	in.use = view->use;
	in.whole_use = view->busy / view->capacity;
	in.knee = view->knee;
	in.use_baseline = baseline_value(&memory->use);
	in.use_margin = chain_pool_margin(&memory->use);
	in.wait = wait_of(tick, index);
	in.wait_baseline = baseline_value(&memory->wait) / timeout_of(tick, view);
	in.waiting = view->waiting_mean / view->capacity;
	in.fits = view->fits;
	in.yield = view->yield;
	set_traffic_inputs(tick, index, &in);
	return phase_step(&memory->machine, &in, tick->now_ms);
}

/* The phase of what is measured fleet-wide and of no cluster. */
static enum phase step_wide(const struct tick *tick)
{
	const struct fleet *fleet = tick->snapshot->fleet;
	const struct chain_memory *chain = &tick->assessor->chain;
	struct phase_inputs in;
	phase_inputs_init(&in);
	in.sample_ms = tick->surfaces.evidence.newest_ms;
	if (tick->services.evidence.newest_ms > in.sample_ms)
		in.sample_ms = tick->services.evidence.newest_ms;
	if (fleet_next(fleet, ENTITY_SERVICE, ENTITY_ROOT, ENTITY_NONE) != ENTITY_NONE) {
		in.failures = tick->services.failure_ratio;
		in.failures_baseline = baseline_value(&chain->baselines[STAGE_AUTH]);
		in.attempts = tick->services.attempt_factor;
		in.failures_events = tick->services.failure_events;
		in.attempts_events = tick->services.attempt_events;
	}
	bool has_surfaces =
		fleet_next(fleet, ENTITY_SURFACE, ENTITY_ROOT, ENTITY_NONE) != ENTITY_NONE;
	if (has_surfaces && tick->surfaces.worst < tick->surfaces.count) {
		in.errors = tick->surfaces.rows[tick->surfaces.worst].ratio;
		in.errors_events = tick->surfaces.rows[tick->surfaces.worst].events;
		in.errors_baseline = baseline_value(&chain->baselines[STAGE_ERRORS]);
	}
	/* Here nobody waits for a connection: that belongs to clusters. */
	in.waiting = 0;
	return phase_step(&tick->assessor->wide, &in, tick->now_ms);
}

/* ---- the rows ---- */

static void fill_row(const struct tick *tick, size_t index, struct cluster_assessment *row)
{
	const struct cluster_view *view = &tick->assessor->views[index];
	struct contingency loss;
	contingency_of(view, timeout_of(tick, view), &loss);
	*row = (struct cluster_assessment){
		.cluster = view->id,
		.phase = step_cluster(tick, index, &loss),
		.share = view->share,
		.replicas_up = view->expected > 0 ? (double)view->serving : NAN,
		.replicas_expected = view->expected > 0 ? (double)view->expected : NAN,
		.pool_used = view->busy,
		.pool_max = view->capacity,
		.pool_use = view->use,
		.waiting = view->waiting,
		.wait_ms = view->wait_ms,
		.wait = wait_of(tick, index),
		.auth_failures = view->services.failure_ratio,
		.attempts = view->services.attempt_factor,
		.auth_events = view->services.failure_events,
		.attempts_events = view->services.attempt_events,
		.first_tries = view->services.first_tries,
		.errors = NAN,
		.knee = view->knee,
		.load = view->load_factor,
		.demand = view->demand,
		.first_demand = view->first_demand,
		.demand_sd = view->demand_sd,
		.demand_late = view->demand_late,
		.timeout_ms = timeout_of(tick, view),
		.hold_s = view->hold_s,
		.hold_factor = view->per_attempt,
		.holds_more = view->per_attempt >= view->leak_trip,
		.pool_usual = baseline_value(&tick->assessor->clusters[index].capacity),
		.foreseen = view->foreseen,
		.starved = view->symptoms.starved_one,
		.starved_count = view->symptoms.starved,
		.contingency = loss,
		.age_ms = evidence_age_ms(&view->evidence, tick->now_ms),
		.stale = view->blind || (view->pools > 0 && isnan(view->capacity)),
	};
	exhaustion_judge(
		&tick->assessor->clusters[index].exhaustion, view->capacity, &row->exhaustion);
	row->severity = phase_severity(row->phase);
	if (view->surfaces.worst < view->surfaces.count)
		row->errors = view->surfaces.rows[view->surfaces.worst].ratio;
	if (row->age_ms < 0 && view->newest_ms != 0)
		row->age_ms = tick->now_ms - view->newest_ms;
}

/* Descending, what is unknown last. */
static int compare_descending(double a, double b)
{
	double left = isnan(a) ? -1 : a, right = isnan(b) ? -1 : b;
	return (left < right) - (left > right);
}

/* A cluster that can't be seen stands before those that are well: it must not be overlooked. */
static int row_rank(const struct cluster_assessment *row)
{
	if (row->phase == PHASE_BLIND)
		return 2 * phase_badness(PHASE_VULNERABLE) + 1;
	return 2 * phase_badness(row->phase);
}

static int compare_rows(const void *a, const void *b)
{
	const struct cluster_assessment *left = a, *right = b;
	int order = row_rank(right) - row_rank(left);
	if (order == 0)
		order = compare_descending(left->errors, right->errors);
	if (order == 0)
		order = compare_descending(
			left->contingency.utilisation_after, right->contingency.utilisation_after);
	if (order == 0)
		order = (left->cluster > right->cluster) - (left->cluster < right->cluster);
	return order;
}

static void fill_rows(struct tick *tick)
{
	struct assessment *out = tick->out;
	size_t listed = listed_clusters(tick);
	contingency_init(&out->contingency);
	out->cluster_count = 0;
	for (size_t i = 0; i < tick->cluster_count; i++) {
		struct cluster_assessment row;
		fill_row(tick, i, &row);
		if (row.contingency.known &&
			!(out->contingency.utilisation_after >= row.contingency.utilisation_after))
			out->contingency = row.contingency;
		if (out->cluster_count < listed) {
			out->clusters[out->cluster_count++] = row;
			continue;
		}
		size_t mildest = 0;
		for (size_t j = 1; j < listed; j++) {
			if (compare_rows(&out->clusters[j], &out->clusters[mildest]) > 0)
				mildest = j;
		}
		if (compare_rows(&row, &out->clusters[mildest]) < 0)
			out->clusters[mildest] = row;
	}
	if (out->cluster_count > 1)
		qsort(out->clusters, out->cluster_count, sizeof(out->clusters[0]), compare_rows);
}

/* ---- the whole ---- */

static void count_sources(struct tick *tick)
{
	struct assessment *out = tick->out;
	out->sources_total = tick->snapshot->source_count;
	out->sources_ok = 0;
	out->age_ms = -1;
	for (size_t i = 0; i < out->sources_total; i++) {
		const struct source_status *source = &tick->snapshot->sources[i];
		if (source->last_ok_ms == 0 || source_is_stale(source, tick->now_ms))
			continue;
		out->sources_ok++;
		int64_t age_ms = tick->now_ms - source->last_ok_ms;
		if (age_ms > out->age_ms)
			out->age_ms = age_ms;
	}
}

static bool mostly_stale(const struct tick *tick)
{
	size_t stale = 0;
	for (size_t i = 0; i < tick->snapshot->source_count; i++)
		stale += source_is_stale(&tick->snapshot->sources[i], tick->now_ms);
	return 2 * stale > tick->snapshot->source_count;
}

/* A cluster whose pools nobody tells of while sources are silent is not known to be well. */
static bool leave_unseen_pools(const struct assessment *assessment, struct cluster_assessment *row)
{
	if (row->severity != SEVERITY_OK || isfinite(row->pool_use) ||
		assessment->sources_ok == assessment->sources_total)
		return false;
	row->severity = SEVERITY_UNKNOWN;
	return true;
}

static void judge(struct tick *tick)
{
	struct assessor *assessor = tick->assessor;
	struct assessment *out = tick->out;
	enum phase worst = step_wide(tick);
	size_t blind = 0;
	size_t unseen = 0;
	for (size_t i = 0; i < out->cluster_count; i++) {
		blind += out->clusters[i].phase == PHASE_BLIND;
		unseen += leave_unseen_pools(out, &out->clusters[i]);
		if (phase_badness(out->clusters[i].phase) > phase_badness(worst))
			worst = out->clusters[i].phase;
	}
	bool nothing_known = blind == out->cluster_count &&
			     tick->surfaces.evidence.newest_ms == 0 &&
			     tick->services.evidence.newest_ms == 0;
	if (mostly_stale(tick) || nothing_known)
		worst = PHASE_BLIND;
	if (worst != assessor->phase || assessor->since_ms == 0) {
		assessor->phase = worst;
		assessor->since_ms = tick->now_ms;
	}
	out->phase = worst;
	out->phase_since_ms = assessor->since_ms;
	out->severity = phase_severity(worst);
	/* What can't be seen is never shown green. */
	if (out->severity == SEVERITY_OK && blind + unseen > 0)
		out->severity = SEVERITY_UNKNOWN;
}

/* What may be the matter, once something is: in the worst cluster. */
static void find_causes(struct tick *tick)
{
	struct assessor *assessor = tick->assessor;
	struct assessment *out = tick->out;
	struct cause_inputs inputs = {
		.snapshot = tick->snapshot,
		.replicas = assessor->replicas,
	};
	out->cause_count = 0;
	bool blind = out->severity == SEVERITY_UNKNOWN;
	if (!phase_is_incident(out->phase) && !out->page && !blind)
		return;
	for (size_t i = 0; i < tick->cluster_count && out->cluster_count > 0; i++) {
		if (assessor->views[i].id != out->clusters[0].cluster)
			continue;
		inputs.view = &assessor->views[i];
		inputs.memory = &assessor->clusters[i].causes;
		const struct trip *full = &assessor->clusters[i].machine.saturated;
		inputs.pool_onset_ms = full->on ? full->onset_ms : 0;
	}
	causes_rank(&inputs, out);
}

static void fill_surfaces(struct tick *tick)
{
	struct assessment *out = tick->out;
	const struct surfaces *surfaces = &tick->surfaces;
	out->surface_count = surfaces->count;
	for (size_t i = 0; i < surfaces->count; i++) {
		const struct surface *from = &surfaces->rows[i];
		struct surface_assessment *to = &out->surfaces[i];
		*to = (struct surface_assessment){
			.requests = from->requests,
			.errors = from->errors,
			.ratio = from->ratio,
			.baseline = baseline_value(&tick->assessor->chain.surfaces[i]),
			.known = !isnan(from->requests),
		};
		const struct entity *entity = fleet_entity(tick->snapshot->fleet, from->entity);
		memcpy(to->name, entity->name, sizeof(to->name));
		to->severity = chain_error_severity(from->ratio, to->baseline, from->events);
		/* No traffic is no error; that is known. */
		if (to->known && isnan(to->ratio))
			to->severity = SEVERITY_OK;
	}
	out->goodput = surfaces->requests - surfaces->errors;
	if (out->goodput < 0)
		out->goodput = 0;
	out->offered = tick->services.attempts;
	out->first_tries = tick->services.first_tries;
	out->retries = tick->services.attempts - tick->services.first_tries;
	if (out->retries < 0)
		out->retries = 0;
}

/* The first onset of this incident, not of one that was over long ago. */
static int64_t first_onset_ms(const struct tick *tick)
{
	int64_t first_ms = tick->now_ms;
	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		int64_t onset_ms = tick->out->stages[i].onset_ms;
		if (onset_ms != 0 && onset_ms < first_ms &&
			onset_ms >= tick->now_ms - ONSET_LOOKBACK_MS)
			first_ms = onset_ms;
	}
	return first_ms;
}

/* What a surface must do: as declared fleet-wide, or what is usual. */
static double objective_of(const struct fleet *fleet, const char *surface)
{
	uint32_t id = fleet_find(fleet, ENTITY_SURFACE, ENTITY_ROOT, surface);
	double declared = id == ENTITY_NONE ? NAN : fleet_entity(fleet, id)->objective;
	return isnan(declared) ? BURN_OBJECTIVE : declared;
}

static void count_burn(struct tick *tick)
{
	bool incident = tick->assessor->incident_start_ms != 0;
	for (size_t i = 0; i < tick->out->surface_count; i++) {
		struct surface_assessment *row = &tick->out->surfaces[i];
		struct burn_memory *memory = &tick->assessor->burns[i];
		burn_feed(memory, row->requests, row->errors, incident, tick->now_ms);
		burn_judge(memory, objective_of(tick->snapshot->fleet, row->name), &row->burn);
	}
}

static void count_impact(struct tick *tick)
{
	struct assessor *assessor = tick->assessor;
	struct assessment *out = tick->out;
	int64_t passed_ms = tick->now_ms - assessor->last_ms;
	if (out->phase != PHASE_BLIND) {
		if (!phase_is_incident(out->phase)) {
			assessor->incident_start_ms = 0;
			assessor->failed_requests = 0;
			assessor->peak_error_ratio = 0;
		} else if (assessor->incident_start_ms == 0) {
			assessor->incident_start_ms = first_onset_ms(tick);
		}
	}
	if (assessor->incident_start_ms != 0) {
		if (assessor->last_ms != 0 && passed_ms > 0 && passed_ms <= IMPACT_GAP_MS &&
			!isnan(tick->surfaces.errors))
			assessor->failed_requests +=
				tick->surfaces.errors * (double)passed_ms / 1000;
		double ratio = out->stages[STAGE_ERRORS].now;
		if (ratio > assessor->peak_error_ratio)
			assessor->peak_error_ratio = ratio;
	}
	assessor->last_ms = tick->now_ms;
	out->incident_start_ms = assessor->incident_start_ms;
	out->failed_requests = assessor->failed_requests;
	out->peak_error_ratio = assessor->peak_error_ratio;
}

static void learn(struct tick *tick)
{
	struct assessor *assessor = tick->assessor;
	if (phase_is_incident(assessor->phase) || assessor->phase == PHASE_BLIND)
		return;
	bool calm = chain_is_calm(&assessor->chain);
	if (calm)
		chain_learn(&assessor->chain, tick->out->stages, &tick->surfaces, tick->now_ms);
	for (size_t i = 0; i < tick->cluster_count; i++) {
		const struct services rates = rates_of(tick, &assessor->views[i]);
		if (assessor->views[i].blind)
			continue;
		cluster_settle(&assessor->clusters[i], &assessor->views[i], tick->now_ms);
		if (calm)
			cluster_learn(
				&assessor->clusters[i], &assessor->views[i], &rates, tick->now_ms);
	}
}

bool assess(struct assessor *assessor, const struct snapshot *snapshot,
	const struct history *history, int64_t now_ms, struct assessment *out)
{
	struct tick tick = {
		.assessor = assessor,
		.snapshot = snapshot,
		.scene = {snapshot, history, &assessor->windows},
		.out = out,
		.now_ms = now_ms,
	};
	for (uint32_t id = next_cluster(snapshot, ENTITY_NONE); id != ENTITY_NONE;
		id = next_cluster(snapshot, id))
		tick.cluster_count++;
	if (!make_room(&tick))
		return false;
	look(&tick);
	const struct chain_inputs chain = {
		.clusters = assessor->views,
		.cluster_count = tick.cluster_count,
		.replicas = assessor->replicas,
		.services = &tick.services,
		.surfaces = &tick.surfaces,
		.now_ms = now_ms,
	};
	out->at_ms = now_ms;
	out->generation = snapshot->generation;
	chain_assess(&assessor->chain, &chain, out->stages);
	out->first_stage = chain_first(out->stages);
	fill_rows(&tick);
	count_sources(&tick);
	judge(&tick);
	learn(&tick);
	fill_surfaces(&tick);
	count_impact(&tick);
	count_burn(&tick);
	page_judge(&assessor->page, snapshot, out);
	find_causes(&tick);
	const struct finding_inputs findings = {
		snapshot, assessor->views, tick.cluster_count, assessor->replicas, out};
	findings_make(&findings);
	headline_make(snapshot, assessor->replicas, out);
	recommend(&assessor->recommend, snapshot, assessor->replicas, out);
	return true;
}

const struct cluster_assessment *assessment_cluster(
	const struct assessment *assessment, uint32_t cluster)
{
	for (size_t i = 0; i < assessment->cluster_count; i++) {
		if (assessment->clusters[i].cluster == cluster)
			return &assessment->clusters[i];
	}
	return NULL;
}
