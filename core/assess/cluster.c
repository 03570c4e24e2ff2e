#include "core/assess/cluster.h"

#include <math.h>

#include "core/assess/knee.h"
#include "core/assess/limits.h"
#include "core/assess/noise.h"
#include "core/assess/window.h"
#include "core/fleet/snapshot.h"

/* One pass over a cluster, for the functions below. */
struct look {
	struct cluster_view *view;
	struct cluster_memory *memory;
	struct replica_memory *replicas;
	const struct scene *scene;
	const struct snapshot *snapshot;
	double weight_sum;
	uint64_t serving_mark;
	double smallest_pool;
	bool pools_known; /* every serving pool told its size and its use */
};

static uint32_t next_replica(const struct look *look, uint32_t after)
{
	uint32_t id = fleet_next(look->snapshot->fleet, ENTITY_REPLICA, look->view->id, after);
	return id < look->snapshot->entity_count ? id : ENTITY_NONE;
}

/* ---- replicas ---- */

static void look_at_replicas(struct look *look)
{
	struct cluster_view *view = look->view;
	int64_t longest_ms = INT64_MAX;
	for (uint32_t id = next_replica(look, ENTITY_NONE); id != ENTITY_NONE;
		id = next_replica(look, id)) {
		enum replica_state state = replica_judge(&view->evidence, look->snapshot, id);
		state = replica_settle(&look->replicas[id], state, look->snapshot->at_ms);
		replica_remember(&look->replicas[id], state, look->snapshot->at_ms);
		view->expected += replica_is_expected(state);
		view->unknown += state == REPLICA_UNKNOWN;
		if (state == REPLICA_SERVING) {
			view->serving++;
			look->serving_mark = (look->serving_mark ^ id) * 1099511628211u;
		}
		if (!replica_is_out(state))
			continue;
		view->out++;
		if (look->replicas[id].since_ms < longest_ms) {
			longest_ms = look->replicas[id].since_ms;
			view->first_out = id;
		}
	}
}

/* ---- pools ---- */

static bool pool_is_shared(const struct look *look)
{
	return snapshot_reading(look->snapshot, look->view->id, SIGNAL_POOL_MAX)->at_ms != 0;
}

/* Most connections the pool of `owner` may open. */
static bool pool_capacity(struct look *look, uint32_t owner, double *out)
{
	if (evidence_take(&look->view->evidence, look->snapshot, owner, SIGNAL_POOL_MAX, out))
		return *out > 0;
	bool was_said = snapshot_reading(look->snapshot, owner, SIGNAL_POOL_MAX)->at_ms != 0;
	double declared = fleet_entity(look->snapshot->fleet, look->view->id)->capacity;
	if (was_said || isnan(declared) || look->view->expected == 0)
		return false;
	*out = owner == look->view->id ? declared : declared / look->view->expected;
	return *out > 0;
}

/* The signal that tells how many connections are busy: the time-averaged one where there is one. */
static enum signal busy_signal(const struct look *look, uint32_t owner)
{
	double value;
	return snapshot_value(look->snapshot, owner, SIGNAL_POOL_BUSY, &value) ? SIGNAL_POOL_BUSY
									       : SIGNAL_POOL_USED;
}

/* A mean of what was said since the cluster's shape last changed. */
static bool take_mean(struct look *look, uint32_t owner, enum signal signal, int64_t span_ms,
	struct window_mean *out)
{
	int64_t since_ms = look->memory->step_ms;
	if (since_ms > look->snapshot->at_ms - LEAST_WINDOW_MS)
		since_ms = look->snapshot->at_ms - LEAST_WINDOW_MS;
	return evidence_take_mean(
		&look->view->evidence, look->scene, owner, signal, span_ms, since_ms, out);
}

static bool pool_means(struct look *look, uint32_t owner, double *busy, double *busy_minute)
{
	enum signal signal = busy_signal(look, owner);
	struct window_mean brief, minute;
	if (!take_mean(look, owner, signal, SHORT_WINDOW_MS, &brief) ||
		!take_mean(look, owner, signal, LONG_WINDOW_MS, &minute))
		return false;
	*busy = brief.value;
	*busy_minute = minute.value;
	look->view->minute_s = fmin(look->view->minute_s, minute.seconds);
	return true;
}

/*
 * The part of a queue that the pool will not get to: none of it in a pool with room, for there a
 * queue comes and goes by chance, and all of it in a full one. `busy` is a mean over seconds.
 */
static double stuck_part(double busy, double capacity)
{
	double part = (busy / capacity - QUEUE_PASSES) / (QUEUE_STAYS - QUEUE_PASSES);
	return part > 0 ? fmin(part, 1) : 0;
}

/* Those who wait, now and on average: one sample of a queue says little. `stuck`: see above. */
static void add_queue(struct look *look, uint32_t owner, double stuck)
{
	struct cluster_view *view = look->view;
	struct window_mean mean = {.value = NAN};
	double now = NAN;
	if (take_mean(look, owner, SIGNAL_POOL_WAITING, SHORT_WINDOW_MS, &mean))
		now = snapshot_reading(look->snapshot, owner, SIGNAL_POOL_WAITING)->value;
	view->waiting += now;
	view->waiting_mean += mean.value;
	view->stuck_mean += stuck * mean.value;
	if (take_mean(look, owner, SIGNAL_POOL_WAIT, SHORT_WINDOW_MS, &mean)) {
		now = snapshot_reading(look->snapshot, owner, SIGNAL_POOL_WAIT)->value;
		view->wait_ms = fmax(view->wait_ms, now);
		view->wait_mean_ms = fmax(view->wait_mean_ms, mean.value);
	}
}

static void add_pool(struct look *look, uint32_t owner)
{
	struct cluster_view *view = look->view;
	double capacity, busy, busy_minute, now, stuck = 1;
	view->pools++;
	bool known = pool_capacity(look, owner, &capacity) &&
		     pool_means(look, owner, &busy, &busy_minute);
	if (!known) {
		look->pools_known = false;
	} else {
		view->capacity += capacity;
		view->busy += busy;
		view->busy_minute += busy_minute;
		if (snapshot_value(look->snapshot, owner, busy_signal(look, owner), &now))
			view->busy_now += now;
		if (capacity < look->smallest_pool)
			look->smallest_pool = capacity;
		if (capacity > view->largest_capacity) {
			view->largest_capacity = capacity;
			view->largest = owner;
		}
		if (!(view->use >= busy / capacity)) {
			view->use = fmin(busy / capacity, 1);
			view->fullest = owner;
		}
		stuck = stuck_part(busy, capacity);
	}
	add_queue(look, owner, stuck);
}

static double knee_of(struct cluster_memory *memory, double connections)
{
	unsigned size = connections < 1 ? 1 : (unsigned)fmin(connections, 1e6);
	if (memory->knee_connections != size) {
		memory->knee_connections = size;
		memory->knee = knee_utilisation(size);
	}
	return memory->knee;
}

static void look_at_pools(struct look *look)
{
	struct cluster_view *view = look->view;
	look->smallest_pool = INFINITY;
	look->pools_known = true;
	if (pool_is_shared(look)) {
		add_pool(look, view->id);
		/* Losing a replica takes its part of what a shared pool can use. */
		view->largest = view->first_out;
		for (uint32_t id = next_replica(look, ENTITY_NONE); id != ENTITY_NONE;
			id = next_replica(look, id)) {
			if (look->replicas[id].state == REPLICA_SERVING)
				view->largest = id;
		}
		if (view->serving > 0)
			view->largest_capacity = view->capacity / view->serving;
	} else {
		for (uint32_t id = next_replica(look, ENTITY_NONE); id != ENTITY_NONE;
			id = next_replica(look, id)) {
			if (look->replicas[id].state == REPLICA_SERVING)
				add_pool(look, id);
		}
	}
	if (isfinite(look->smallest_pool))
		view->knee = knee_of(look->memory, look->smallest_pool);
	if (!look->pools_known || view->pools == 0) {
		view->capacity = NAN;
		view->busy = NAN;
		view->busy_minute = NAN;
		view->busy_now = NAN;
		view->largest_capacity = NAN;
	}
	if (view->pools == 0) {
		view->waiting = NAN;
		view->waiting_mean = NAN;
	}
}

/* ---- load ---- */

/* `seconds`: of time that the shortest of the means stands for. */
static bool sum_over_serving(struct look *look, enum signal signal, double *out, double *seconds)
{
	double sum = 0;
	*seconds = INFINITY;
	for (uint32_t id = next_replica(look, ENTITY_NONE); id != ENTITY_NONE;
		id = next_replica(look, id)) {
		struct window_mean mean;
		if (look->replicas[id].state != REPLICA_SERVING)
			continue;
		if (!take_mean(look, id, signal, SHORT_WINDOW_MS, &mean))
			return false;
		sum += mean.value;
		*seconds = fmin(*seconds, mean.seconds);
	}
	*out = sum;
	return look->view->serving > 0;
}

/*
 * How far a figure must be above its baseline before it says anything: `least`, or what its usual
 * swings over a window of `usual_s` make of one of `seconds`, or what counting `events` does.
 */
static double unusual_factor(const struct baseline *baseline, double least, double usual_s,
	double seconds, double events)
{
	double swing = baseline_spread(baseline) / baseline_value(baseline);
	if (seconds < usual_s)
		swing *= sqrt(usual_s / seconds);
	return fmax(fmax(least, 1 + SPREADS_OVER_BASELINE * swing), noise_factor(events));
}

static void look_at_load(struct look *look)
{
	struct cluster_view *view = look->view;
	struct cluster_memory *memory = look->memory;
	double sum, seconds;
	enum signal by = SIGNAL_REPLICA_QUERIES;
	if (!sum_over_serving(look, by, &sum, &seconds)) {
		by = SIGNAL_POOL_BUSY;
		if (isnan(view->busy) || view->serving == 0)
			return;
		sum = view->busy;
	}
	view->load = sum / view->serving;
	if (memory->load_signal != by) {
		memory->load_signal = by;
		baseline_reset(&memory->load);
	}
	double baseline = baseline_value(&memory->load);
	if (!(baseline > 0))
		return;
	bool counted = by == SIGNAL_REPLICA_QUERIES;
	view->load_factor = view->load / baseline;
	view->load_trip = unusual_factor(&memory->load, LOAD_TRIP, SHORT_WINDOW_MS / 1000.0,
		counted ? seconds : SHORT_WINDOW_MS / 1000.0,
		counted ? baseline * view->serving * seconds : NAN);
}

/* ---- shape and staleness ---- */

static bool moved(double seen, double now)
{
	return fabs(now - seen) > 0.05 * fabs(seen); /* false where either is unknown */
}

/* Whether a queue has just drained. While it stood the pools were full, whatever was asked for. */
static bool has_drained(struct look *look, double capacity)
{
	double waiting = 0, one;
	for (uint32_t id = next_replica(look, ENTITY_NONE); id != ENTITY_NONE;
		id = next_replica(look, id)) {
		if (look->replicas[id].state == REPLICA_SERVING &&
			snapshot_value(look->snapshot, id, SIGNAL_POOL_WAITING, &one))
			waiting += one;
	}
	if (snapshot_value(look->snapshot, look->view->id, SIGNAL_POOL_WAITING, &one))
		waiting += one;
	if (waiting >= QUEUE_STOOD * capacity)
		look->memory->queued = capacity > 0;
	bool drained = look->memory->queued && waiting < QUEUE_GONE * capacity;
	if (drained)
		look->memory->queued = false;
	return drained;
}

/*
 * A mean must not mix before and after a step: replicas left or came, pools were resized, traffic
 * was moved, a queue has drained. Capacity is compared before the pools are averaged, by the sizes
 * alone.
 */
static void look_at_shape(struct look *look)
{
	struct cluster_memory *memory = look->memory;
	struct cluster_view *view = look->view;
	double capacity = 0, one;
	for (uint32_t id = next_replica(look, ENTITY_NONE); id != ENTITY_NONE;
		id = next_replica(look, id)) {
		if (look->replicas[id].state == REPLICA_SERVING &&
			snapshot_value(look->snapshot, id, SIGNAL_POOL_MAX, &one))
			capacity += one;
	}
	if (snapshot_value(look->snapshot, view->id, SIGNAL_POOL_MAX, &one))
		capacity += one;
	if (evidence_take(&view->evidence, look->snapshot, view->id, SIGNAL_CLUSTER_WEIGHT, &one) &&
		look->weight_sum > 0)
		view->share = one / look->weight_sum;
	bool drained = has_drained(look, capacity);
	if (memory->step_ms == 0 || memory->serving_mark != look->serving_mark ||
		moved(memory->capacity_seen, capacity) || moved(memory->share_seen, view->share) ||
		drained)
		memory->step_ms = look->snapshot->at_ms;
	if (memory->begun_ms == 0)
		memory->begun_ms = memory->step_ms;
	memory->serving_mark = look->serving_mark;
	memory->capacity_seen = capacity;
	if (!isnan(view->share))
		memory->share_seen = view->share;
}

/* The signals that may be measured on a kind of entity. */
struct vocabulary {
	enum signal signals[SIGNAL_COUNT];
	size_t count;
};

static void vocabulary_of(enum entity_kind kind, struct vocabulary *out)
{
	out->count = 0;
	for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
		if (signal_row((enum signal)i)->entities & (1u << kind))
			out->signals[out->count++] = (enum signal)i;
	}
}

static void count_readings(struct look *look, uint32_t entity, const struct vocabulary *vocabulary)
{
	for (size_t i = 0; i < vocabulary->count; i++) {
		const struct reading *reading =
			snapshot_reading(look->snapshot, entity, vocabulary->signals[i]);
		if (reading->at_ms == 0)
			continue;
		look->view->readings++;
		if (reading->at_ms > look->view->newest_ms)
			look->view->newest_ms = reading->at_ms;
		look->view->stale_readings +=
			reading_freshness(reading, look->snapshot->at_ms) == FRESHNESS_STALE;
	}
}

/* A replica that is out is expected to fall silent: that is not blindness. */
static void look_for_blindness(struct look *look)
{
	static const enum entity_kind kinds[] = {ENTITY_REPLICA, ENTITY_SERVICE, ENTITY_SURFACE};
	const struct fleet *fleet = look->snapshot->fleet;
	struct cluster_view *view = look->view;
	struct vocabulary vocabulary;
	vocabulary_of(ENTITY_CLUSTER, &vocabulary);
	count_readings(look, view->id, &vocabulary);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		uint32_t id = fleet_next(fleet, kinds[i], view->id, ENTITY_NONE);
		vocabulary_of(kinds[i], &vocabulary);
		for (; id < look->snapshot->entity_count;
			id = fleet_next(fleet, kinds[i], view->id, id)) {
			enum replica_state state = look->replicas[id].state;
			bool silent = kinds[i] == ENTITY_REPLICA &&
				      (replica_is_out(state) || state == REPLICA_FORGOTTEN);
			if (!silent)
				count_readings(look, id, &vocabulary);
		}
	}
	bool only_out = view->expected > 0 && view->out == view->expected;
	view->blind = view->readings == 0 ? !only_out : 2 * view->stale_readings > view->readings;
}

void cluster_look(struct cluster_view *out, struct cluster_memory *memory,
	struct replica_memory *replicas, const struct scene *scene, uint32_t cluster,
	double weight_sum)
{
	*out = (struct cluster_view){
		.id = cluster,
		.first_out = ENTITY_NONE,
		.fullest = ENTITY_NONE,
		.largest = ENTITY_NONE,
		.minute_s = INFINITY,
		.wait_ms = NAN,
		.wait_mean_ms = NAN,
		.use = NAN,
		.knee = NAN,
		.load = NAN,
		.load_factor = NAN,
		.load_trip = LOAD_TRIP,
		.leak_trip = LEAK_TRIP,
		.surge_trip = SURGE_TRIP,
		.share = NAN,
		.demand = NAN,
		.first_demand = NAN,
		.demand_sd = NAN,
		.demand_late = NAN,
		.fits = NAN,
		.yield = NAN,
		.foreseen = NAN,
		.hold_s = NAN,
		.per_attempt = NAN,
		.first_factor = NAN,
	};
	struct look look = {
		.view = out,
		.memory = memory,
		.replicas = replicas,
		.scene = scene,
		.snapshot = scene->snapshot,
		.weight_sum = weight_sum,
		.serving_mark = 14695981039346656037u,
	};
	look_at_replicas(&look);
	look_at_shape(&look);
	look_at_pools(&look);
	exhaustion_feed(
		&memory->exhaustion, out->busy_now, out->evidence.newest_ms, memory->step_ms);
	look_at_load(&look);
	symptoms_look(&out->symptoms, replicas, scene, cluster);
	look_for_blindness(&look);
	services_of_cluster(scene, cluster, &out->services);
	surfaces_of_cluster(scene, cluster, &out->surfaces);
	evidence_join(&out->evidence, &out->services.evidence);
	evidence_join(&out->evidence, &out->surfaces.evidence);
	double normal = baseline_value(&memory->capacity);
	out->cut = out->serving > 0 && out->capacity / out->serving < CUT_SHARE * normal;
}

/* ---- demand ---- */

static double successes(const struct services *rates)
{
	double succeeded = rates->first_tries - rates->failures;
	return succeeded < 0 ? 0 : succeeded; /* NAN stays NAN */
}

/* Demand as it would be known if nobody had to wait; see the head of cluster.h. */
static double demand_of(const struct cluster_view *view, double offered, double attempt_factor)
{
	double censored = view->busy_minute;
	if (!isnan(offered))
		censored = fmax(offered - view->busy_minute, 0);
	else if (!isnan(attempt_factor))
		censored = view->busy_minute * (attempt_factor - 1);
	if (!isnan(view->waiting_mean))
		return view->busy_minute + fmin(view->stuck_mean, censored);
	/* Without a count of those who wait a pool with room says all; a full one too little. */
	if (view->use < view->knee)
		return view->busy_minute;
	return isnan(offered) ? NAN : fmax(offered, view->busy_minute);
}

/*
 * How far a mean of connections busy may be off by chance: each is held for a random time
 * (exponential: the square of their number's deviation is twice the number).
 */
static double busy_sd(double busy, double hold_s, double seconds)
{
	return sqrt(2 * busy * hold_s / seconds);
}

/* What the demand is by the last seconds, and how far either may be off. */
static void doubt_demand(struct cluster_view *view, const struct cluster_memory *memory,
	const struct services *rates)
{
	/* Before it is learned how long a connection is usually held: as long as now. */
	double hold_s = isnan(view->hold_s) ? view->busy / rates->attempts : view->hold_s;
	double brief_s = fmin(view->minute_s, SHORT_WINDOW_MS / 1000.0);
	double late = busy_sd(view->busy, hold_s, brief_s);
	double drift = view->busy - view->busy_minute;
	bool drifts = fabs(drift) > DRIFT_SIGMAS * late;
	double held = drifts ? late : busy_sd(view->busy_minute, hold_s, view->minute_s);
	/* A program that began a moment ago has seen little, and would doubt everything. */
	if (view->newest_ms - memory->begun_ms < LONG_WINDOW_MS)
		held = fmin(held, DEMAND_SD_YOUNG * view->capacity);
	view->demand_late = view->demand + drift;
	double counted = 0;
	/* Where a part of it is reckoned from attempts, their count is chance too. */
	if (view->demand > view->busy_minute && rates->first_events > 0)
		counted = view->demand / sqrt(rates->first_events);
	view->demand_sd = hypot(held, counted);
}

/*
 * What is left carries what all carried before: known at once, while means over the survivors still
 * mix before and after. Where more is asked for by now, that counts.
 */
static double foreseen_of(const struct cluster_view *view, const struct cluster_memory *memory)
{
	bool less = view->out > 0 || view->symptoms.starved > 0 || view->cut;
	double capacity = view->capacity;
	/* One that is going falls silent before it is said to be out: its part is what it was. */
	if (isnan(capacity))
		capacity = baseline_value(&memory->capacity) * view->serving;
	if (!less || memory->settled_demand <= 0)
		return NAN;
	if (view->serving == 0)
		return view->unknown > 0 ? NAN : INFINITY;
	if (isnan(capacity))
		return NAN;
	double demand = memory->settled_demand;
	if (memory->settled_share > 0 && view->share >= 0)
		demand *= view->share / memory->settled_share;
	double left = capacity - capacity / view->serving * view->symptoms.starved;
	/* What is asked for by now counts once its mean is of a whole minute: less is noise. */
	if (view->newest_ms - memory->step_ms >= LONG_WINDOW_MS)
		demand = fmax(demand, view->busy_minute);
	return left > 0 ? demand / left : INFINITY;
}

void cluster_weigh(struct cluster_view *view, const struct cluster_memory *memory,
	const struct services *rates)
{
	double per_attempt = baseline_value(&memory->per_attempt);
	double first = rates->first_tries * per_attempt;
	view->hold_s = per_attempt;
	view->demand = demand_of(view, rates->attempts * per_attempt, rates->attempt_factor);
	view->first_demand = fmin(view->demand, demand_of(view, first, 1));
	doubt_demand(view, memory, rates);
	view->fits = first / view->capacity;
	double normal = baseline_value(&memory->yield);
	if (view->busy >= 1 && normal > 0)
		view->yield = successes(rates) / view->busy / normal;
	view->per_attempt = view->busy / rates->attempts / per_attempt;
	view->leak_trip = unusual_factor(&memory->per_attempt, LEAK_TRIP, 1, 1, NAN);
	view->first_factor = rates->first_tries / baseline_value(&memory->first);
	view->surge_trip = unusual_factor(&memory->first, SURGE_TRIP, 1, 1, rates->first_events);
	view->foreseen = foreseen_of(view, memory);
}

void cluster_learn(struct cluster_memory *memory, const struct cluster_view *view,
	const struct services *rates, int64_t now_ms)
{
	baseline_feed(&memory->load, view->load, now_ms);
	baseline_feed(&memory->use, view->use, now_ms);
	baseline_feed(&memory->wait, view->wait_mean_ms, now_ms);
	baseline_feed(&memory->failures, view->services.failure_ratio, now_ms);
	if (view->surfaces.worst < view->surfaces.count)
		baseline_feed(
			&memory->errors, view->surfaces.rows[view->surfaces.worst].ratio, now_ms);
	if (view->serving > 0)
		baseline_feed(&memory->capacity, view->capacity / view->serving, now_ms);
	if (rates->attempts >= ENOUGH_PER_SECOND)
		baseline_feed(&memory->per_attempt, view->busy / rates->attempts, now_ms);
	if (view->busy >= 1)
		baseline_feed(&memory->yield, successes(rates) / view->busy, now_ms);
	baseline_feed(&memory->first, rates->first_tries, now_ms);
}

void cluster_settle(struct cluster_memory *memory, const struct cluster_view *view, int64_t now_ms)
{
	if (now_ms - memory->step_ms >= SETTLED_WINDOW_MS && view->busy_minute > 0) {
		memory->settled_demand = view->busy_minute;
		memory->settled_share = view->share;
	}
}
