#include "core/assess/chain.h"

#include <math.h>

#include "core/assess/cluster.h"
#include "core/assess/limits.h"
#include "core/assess/noise.h"

static const char *const stage_names[STAGE_COUNT] = {
	[STAGE_REPLICAS] = "replicas serving",
	[STAGE_LOAD] = "load per replica",
	[STAGE_POOL] = "pool in use",
	[STAGE_AUTH] = "auth failures",
	[STAGE_ATTEMPTS] = "attempts per request",
	[STAGE_ERRORS] = "user errors",
};

const char *stage_name(enum stage stage)
{
	return (unsigned)stage < STAGE_COUNT ? stage_names[stage] : "none";
}

/* One stage on its way from readings to a verdict. */
struct link {
	struct stage_assessment *out;
	struct evidence evidence;
	double trip, clear;       /* of the onset */
	double warning, critical; /* of the severity */
};

static void link_begin(struct link *link, struct stage_assessment *out)
{
	*out = (struct stage_assessment){
		.now = NAN,
		.baseline = NAN,
		.count = NAN,
		.of = NAN,
		.severity = SEVERITY_UNKNOWN,
		.worst = ENTITY_NONE,
		.age_ms = -1,
	};
	*link = (struct link){
		.out = out, .trip = NAN, .clear = NAN, .warning = NAN, .critical = NAN};
}

static void link_end(
	struct link *link, struct trip *trip, const struct trip_rule *rule, int64_t now_ms)
{
	struct stage_assessment *out = link->out;
	out->known = !isnan(out->now);
	out->age_ms = evidence_age_ms(&link->evidence, now_ms);
	trip_step(trip, rule, trip_level(out->now, link->trip, link->clear),
		link->evidence.newest_ms, now_ms);
	out->onset_ms = trip->on ? trip->onset_ms : 0;
	if (!out->known)
		return;
	out->severity = SEVERITY_OK;
	if (trip->on || out->now >= link->warning)
		out->severity = SEVERITY_WARNING;
	if (trip->on && out->now >= link->critical)
		out->severity = SEVERITY_CRITICAL;
}

/* ---- the links ---- */

/* The first link is counted, not measured: a replica is out, or it is not, or nobody knows. */
struct roll_call {
	unsigned expected, serving, unknown, out;
	bool overwhelmed; /* a cluster has lost half of its replicas, or more than it can spare */
};

static void call_cluster(struct roll_call *roll, const struct cluster_view *view)
{
	roll->expected += view->expected;
	roll->serving += view->serving;
	roll->unknown += view->unknown;
	roll->out += view->out;
	if (view->out > 0 && (2 * view->serving <= view->expected || view->demand > view->capacity))
		roll->overwhelmed = true;
}

static void replicas_link(struct link *link, const struct chain_inputs *in, struct trip *trip)
{
	static const struct trip_rule rule = {1, REPLICA_BACK_DWELL_MS};
	struct stage_assessment *out = link->out;
	struct roll_call roll = {0};
	int64_t longest_ms = INT64_MAX;
	for (size_t i = 0; i < in->cluster_count; i++) {
		const struct cluster_view *view = &in->clusters[i];
		call_cluster(&roll, view);
		evidence_join(&link->evidence, &view->evidence);
		if (view->out > 0 && in->replicas[view->first_out].since_ms < longest_ms) {
			longest_ms = in->replicas[view->first_out].since_ms;
			out->worst = view->first_out;
		}
	}
	enum trip_level level = TRIP_UNKNOWN;
	if (roll.out > 0)
		level = TRIP_ABOVE;
	else if (roll.unknown == 0 && roll.expected > 0)
		level = TRIP_BELOW;
	trip_step(trip, &rule, level, link->evidence.newest_ms, in->now_ms);
	out->onset_ms = trip->on ? trip->onset_ms : 0;
	out->age_ms = evidence_age_ms(&link->evidence, in->now_ms);
	out->known = roll.expected > 0 && 2 * roll.unknown <= roll.expected;
	if (roll.expected == 0)
		return;
	out->count = roll.serving;
	out->of = roll.expected;
	out->baseline = 1;
	if (out->known)
		out->now = (double)roll.serving / roll.expected;
	if (level == TRIP_ABOVE)
		out->severity = roll.overwhelmed ? SEVERITY_CRITICAL : SEVERITY_WARNING;
	else if (level == TRIP_BELOW)
		out->severity = trip->on ? SEVERITY_WARNING : SEVERITY_OK;
}

static void load_link(struct link *link, const struct chain_inputs *in)
{
	/* The cluster whose load is furthest out of what is usual for it. */
	double furthest = -1;
	for (size_t i = 0; i < in->cluster_count; i++) {
		const struct cluster_view *view = &in->clusters[i];
		if (isnan(view->load_factor))
			continue;
		evidence_join(&link->evidence, &view->evidence);
		link->out->baseline = 1;
		if (view->load_factor / view->load_trip > furthest) {
			furthest = view->load_factor / view->load_trip;
			link->out->now = view->load_factor;
			link->out->worst = view->id;
			link->trip = view->load_trip;
		}
	}
	link->clear = 1 + (link->trip - 1) * ((LOAD_CLEAR - 1) / (LOAD_TRIP - 1));
	link->warning = link->trip;
	link->critical = fmax(LOAD_CRITICAL, link->trip);
}

static void pool_link(struct link *link, const struct chain_inputs *in,
	const struct baseline *normal, bool watched)
{
	double knee = NAN;
	for (size_t i = 0; i < in->cluster_count; i++) {
		const struct cluster_view *view = &in->clusters[i];
		if (isnan(view->use))
			continue;
		evidence_join(&link->evidence, &view->evidence);
		if (!(link->out->now >= view->use)) {
			link->out->now = view->use;
			link->out->worst = view->fullest;
			knee = view->knee;
		}
	}
	double halfway_full = knee + (1 - knee) / 2;
	double baseline = baseline_value(normal);
	link->out->baseline = baseline;
	link->trip = fmin(halfway_full, POOL_TRIP_MOST);
	if (!isnan(baseline))
		link->trip = fmin(fmax(knee, baseline + chain_pool_margin(normal)), POOL_TRIP_MOST);
	/* The first few samples make no mean: what they show has no onset yet. */
	if (isnan(knee) || !watched)
		link->trip = NAN;
	link->clear = link->trip - POOL_HYSTERESIS;
	link->warning = knee;
	link->critical = fmax(halfway_full, link->trip);
}

static void errors_link(struct link *link, double baseline, double events)
{
	double trip = isnan(baseline) ? ERRORS_TRIP : baseline + ERRORS_WARNING;
	double clear = isnan(baseline) ? ERRORS_WARNING : baseline + ERRORS_WARNING / 2;
	link->out->baseline = baseline;
	link->trip = fmax(trip, noise_share(events, fmax(baseline, USUAL_FAILURES)));
	link->clear = clear * (link->trip / trip);
	link->warning = link->trip;
	link->critical = phase_errors_trip(baseline, events);
}

static void attempts_link(struct link *link, double baseline, double events)
{
	double trip = ATTEMPTS_TRIP;
	if (!isnan(baseline))
		trip = fmax(ATTEMPTS_WARNING, baseline + (ATTEMPTS_WARNING - 1));
	link->out->baseline = baseline;
	link->trip = phase_attempts_trip(trip, events);
	link->clear = link->trip - (ATTEMPTS_WARNING - 1) / 2;
	link->warning =
		isnan(baseline) ? phase_attempts_trip(ATTEMPTS_WARNING, events) : link->trip;
	link->critical = fmax(ATTEMPTS_TRIP, link->trip);
}

/* The cluster that has the worst figure, where clusters have their own. */
static uint32_t worst_cluster(const struct chain_inputs *in, enum stage stage)
{
	uint32_t worst = ENTITY_NONE;
	double highest = -1;
	for (size_t i = 0; i < in->cluster_count; i++) {
		const struct cluster_view *view = &in->clusters[i];
		double value = NAN;
		if (stage == STAGE_AUTH)
			value = view->services.failure_ratio;
		else if (stage == STAGE_ATTEMPTS)
			value = view->services.attempt_factor;
		else if (view->surfaces.worst < view->surfaces.count)
			value = view->surfaces.rows[view->surfaces.worst].ratio;
		if (value > highest) {
			highest = value;
			worst = view->id;
		}
	}
	return worst;
}

void chain_assess(struct chain_memory *memory, const struct chain_inputs *inputs,
	struct stage_assessment stages[STAGE_COUNT])
{
	static const struct trip_rule rules[STAGE_COUNT] = {
		[STAGE_LOAD] = {TRIP_SAMPLES, CLEAR_DWELL_MS},
		[STAGE_POOL] = {POOL_SAMPLES, CLEAR_DWELL_MS},
		[STAGE_AUTH] = {TRIP_SAMPLES, CLEAR_DWELL_MS},
		[STAGE_ATTEMPTS] = {TRIP_SAMPLES, CLEAR_DWELL_MS},
		[STAGE_ERRORS] = {TRIP_SAMPLES, CLEAR_DWELL_MS},
	};
	struct link links[STAGE_COUNT];
	double baselines[STAGE_COUNT];
	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		link_begin(&links[i], &stages[i]);
		baselines[i] = baseline_value(&memory->baselines[i]);
	}
	replicas_link(&links[STAGE_REPLICAS], inputs, &memory->trips[STAGE_REPLICAS]);
	load_link(&links[STAGE_LOAD], inputs);
	if (memory->watched_ms == 0)
		memory->watched_ms = inputs->now_ms;
	pool_link(&links[STAGE_POOL], inputs, &memory->baselines[STAGE_POOL],
		inputs->now_ms - memory->watched_ms >= SHORT_WINDOW_MS);

	stages[STAGE_AUTH].now = inputs->services->failure_ratio;
	stages[STAGE_AUTH].worst = worst_cluster(inputs, STAGE_AUTH);
	links[STAGE_AUTH].evidence = inputs->services->evidence;
	errors_link(&links[STAGE_AUTH], baselines[STAGE_AUTH], inputs->services->failure_events);

	stages[STAGE_ATTEMPTS].now = inputs->services->attempt_factor;
	stages[STAGE_ATTEMPTS].worst = worst_cluster(inputs, STAGE_ATTEMPTS);
	links[STAGE_ATTEMPTS].evidence = inputs->services->evidence;
	attempts_link(&links[STAGE_ATTEMPTS], baselines[STAGE_ATTEMPTS],
		inputs->services->attempt_events);

	const struct surfaces *surfaces = inputs->surfaces;
	double events = NAN;
	if (surfaces->worst < surfaces->count) {
		stages[STAGE_ERRORS].now = surfaces->rows[surfaces->worst].ratio;
		events = surfaces->rows[surfaces->worst].events;
		stages[STAGE_ERRORS].worst = worst_cluster(inputs, STAGE_ERRORS);
		if (stages[STAGE_ERRORS].worst == ENTITY_NONE)
			stages[STAGE_ERRORS].worst = surfaces->rows[surfaces->worst].entity;
	}
	links[STAGE_ERRORS].evidence = surfaces->evidence;
	errors_link(&links[STAGE_ERRORS], baselines[STAGE_ERRORS], events);

	for (unsigned i = STAGE_LOAD; i < STAGE_COUNT; i++)
		link_end(&links[i], &memory->trips[i], &rules[i], inputs->now_ms);
}

bool chain_is_calm(const struct chain_memory *memory)
{
	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		if (memory->trips[i].on || memory->trips[i].count > 0)
			return false;
	}
	return true;
}

void chain_learn(struct chain_memory *memory, const struct stage_assessment stages[STAGE_COUNT],
	const struct surfaces *surfaces, int64_t now_ms)
{
	for (unsigned i = STAGE_POOL; i < STAGE_COUNT; i++)
		baseline_feed(&memory->baselines[i], stages[i].now, now_ms);
	for (size_t i = 0; i < surfaces->count; i++)
		baseline_feed(&memory->surfaces[i], surfaces->rows[i].ratio, now_ms);
}

enum stage chain_first(const struct stage_assessment stages[STAGE_COUNT])
{
	enum stage first = STAGE_COUNT;
	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		if (stages[i].onset_ms == 0)
			continue;
		if (first == STAGE_COUNT || stages[i].onset_ms < stages[first].onset_ms)
			first = (enum stage)i;
	}
	int64_t lost_ms = stages[STAGE_REPLICAS].onset_ms;
	if (first != STAGE_COUNT && lost_ms > 0 &&
		lost_ms - stages[first].onset_ms <= VERDICT_LATE_MS)
		first = STAGE_REPLICAS;
	return first;
}

double chain_pool_margin(const struct baseline *baseline)
{
	double chance = SPREADS_OVER_BASELINE * baseline_spread(baseline);
	return chance < POOL_OVER_BASELINE ? POOL_OVER_BASELINE : chance;
}

enum severity chain_error_severity(double ratio, double baseline, double events)
{
	if (isnan(ratio))
		return SEVERITY_UNKNOWN;
	if (ratio >= phase_errors_trip(baseline, events))
		return SEVERITY_CRITICAL;
	double warning = isnan(baseline) ? ERRORS_WARNING : baseline + ERRORS_WARNING;
	warning = fmax(warning, noise_share(events, fmax(baseline, USUAL_FAILURES)));
	return ratio >= warning ? SEVERITY_WARNING : SEVERITY_OK;
}
