#include "app/simulation.h"

#include <math.h>
#include <stdlib.h>

#include "backends/sim/model.h"
#include "core/base/error.h"
#include "core/fleet/counter.h"
#include "core/fleet/history.h"
#include "core/fleet/snapshot.h"

#define RING_SAMPLES 256 /* of history: the assessment looks back a minute */
#define HISTORY_BYTES (64u * 1024 * 1024)
#define TARGET_COUNTERS 3
#define FAULT_LOST 0.05
#define FAULT_SILENT_EVERY_MS 300000
#define FAULT_SILENT_MS 20000
#define FAULT_BEHIND_EVERY_MS 600000
#define FAULT_BEHIND_MS 60000
#define FAULT_BEHIND_BY_MS 5000

/* One page that is read once a second. */
struct simulation_target {
	enum scenario_scraper scraper;
	size_t cluster, part; /* replica or surface */
	uint32_t entity;
	uint16_t source;
	int64_t due_ms;
	struct counter counters[TARGET_COUNTERS];
};

/* ---- chance, apart from the model's own ---- */

static double chance(struct simulation *simulation)
{
	/* splitmix64 */
	uint64_t z = simulation->random += 0x9E3779B97F4A7C15u;
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	z ^= z >> 31;
	return (double)(z >> 11) / 9007199254740992.0;
}

/* ---- reading the world ---- */

static bool put(struct simulation *simulation, const struct simulation_target *target,
	uint32_t entity, enum signal signal, double value)
{
	int64_t at_ms = simulation_now_ms(simulation);
	struct error error;
	if (simulation->behind == target->scraper)
		at_ms -= FAULT_BEHIND_BY_MS;
	if (!isfinite(value))
		return true;
	if (!store_put(simulation->store, entity, signal, value, at_ms, SIMULATION_POLL_MS,
		    target->source, &error))
		return error.kind != ERROR_NO_MEMORY;
	history_append(simulation->history, entity, signal, at_ms, value);
	return true;
}

static bool put_rate(struct simulation *simulation, struct counter *counter,
	const struct simulation_target *target, uint32_t entity, enum signal signal, double total)
{
	double rate;
	return !counter_feed(counter, total, simulation_now_ms(simulation), &rate) ||
	       put(simulation, target, entity, signal, rate);
}

static bool read_replica(struct simulation *simulation, struct simulation_target *target)
{
	struct replica_view view = model_replica(simulation->model, target->cluster, target->part);
	bool away = view.state == REPLICA_MAINT || view.state == REPLICA_DOWN;
	uint32_t id = target->entity;
	bool ok = put(simulation, target, id, SIGNAL_REPLICA_UP, away ? 0 : 1);
	if (away) {
		/* Its pooler is gone: what it counted begins anew when it returns. */
		target->counters[0] = (struct counter){0};
		return ok;
	}
	const struct {
		enum signal signal;
		double value;
	} gauges[] = {
		{SIGNAL_POOL_USED, view.busy},
		{SIGNAL_POOL_MAX, (double)view.pool_size},
		{SIGNAL_POOL_WAITING, view.waiting},
		{SIGNAL_POOL_WAIT, 1000 * view.max_wait_s},
		{SIGNAL_REPLICA_CONNECTIONS_USED, (double)view.open},
		{SIGNAL_REPLICA_CONNECTIONS_MAX, (double)view.connections_max},
		{SIGNAL_REPLICA_LAG, view.lag_s},
	};
	for (size_t i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++)
		ok = ok && put(simulation, target, id, gauges[i].signal, gauges[i].value);
	return ok && put_rate(simulation, &target->counters[0], target, id, SIGNAL_POOL_BUSY,
			     view.busy_seconds_total);
}

static bool read_auth(struct simulation *simulation, struct simulation_target *target)
{
	struct auth_view view = model_auth(simulation->model, target->cluster);
	const struct {
		enum signal signal;
		uint64_t total;
	} rates[TARGET_COUNTERS] = {
		{SIGNAL_SERVICE_FIRST_TRIES, view.first_tries_total},
		{SIGNAL_SERVICE_ATTEMPTS, view.attempts_total},
		{SIGNAL_SERVICE_FAILURES, view.failures_total},
	};
	bool ok = true;
	for (size_t i = 0; i < TARGET_COUNTERS; i++)
		ok = ok && put_rate(simulation, &target->counters[i], target, target->entity,
				   rates[i].signal, (double)rates[i].total);
	return ok;
}

static bool read_surface(struct simulation *simulation, struct simulation_target *target)
{
	struct surface_view view =
		model_surface(simulation->model, target->cluster, (enum surface)target->part);
	return put_rate(simulation, &target->counters[0], target, target->entity,
		       SIGNAL_SURFACE_REQUESTS, (double)(view.ok_total + view.error_total)) &&
	       put_rate(simulation, &target->counters[1], target, target->entity,
		       SIGNAL_SURFACE_ERRORS, (double)view.error_total) &&
	       put(simulation, target, target->entity, SIGNAL_SURFACE_LATENCY, 1000 * view.p99_s);
}

/* One server's line of the health check's page. */
static bool read_edge(struct simulation *simulation, struct simulation_target *target)
{
	struct replica_view view = model_replica(simulation->model, target->cluster, target->part);
	bool up = view.health <= HEALTH_UP_FAILING_2;
	bool away = view.health == HEALTH_MAINT;
	uint32_t id = target->entity;
	return (away || put(simulation, target, id, SIGNAL_REPLICA_UP, up ? 1 : 0)) &&
	       put(simulation, target, id, SIGNAL_REPLICA_MAINTENANCE, away ? 1 : 0) &&
	       put_rate(simulation, &target->counters[0], target, id, SIGNAL_REPLICA_QUERIES,
		       (double)view.queries_total);
}

static bool read_control(struct simulation *simulation, struct simulation_target *target)
{
	return put(simulation, target, simulation->auth, SIGNAL_SERVICE_RETRY_LIMIT,
		       model_retry_limit(simulation->model)) &&
	       put(simulation, target, target->entity, SIGNAL_CLUSTER_WEIGHT,
		       model_weight(simulation->model, target->cluster));
}

/* Whether this poll comes to nothing. */
static bool is_lost(struct simulation *simulation, const struct simulation_target *target)
{
	double share = simulation->lost[target->scraper];
	if (simulation->faults.lost)
		share = fmax(share, FAULT_LOST);
	return chance(simulation) < share || simulation->silent == target->scraper;
}

static bool read_target(struct simulation *simulation, struct simulation_target *target)
{
	static bool (*const readers[])(struct simulation *, struct simulation_target *) = {
		[SCRAPER_REPLICAS] = read_replica,
		[SCRAPER_AUTH] = read_auth,
		[SCRAPER_SURFACES] = read_surface,
		[SCRAPER_EDGE] = read_edge,
		[SCRAPER_CONTROL] = read_control,
	};
	struct source_status *source = store_source(simulation->store, target->source);
	source->last_try_ms = simulation_now_ms(simulation);
	target->due_ms += SIMULATION_POLL_MS;
	source->next_try_ms = SIMULATION_EPOCH_MS + target->due_ms;
	if (is_lost(simulation, target)) {
		source->state = SOURCE_FAILING;
		source->failures++;
		return true;
	}
	source->state = SOURCE_OK;
	source->failures = 0;
	source->requests++;
	source->last_ok_ms = source->last_try_ms;
	return readers[target->scraper](simulation, target);
}

/* ---- time ---- */

static void follow_timeline(struct simulation *simulation)
{
	const struct scenario *scenario = simulation->scenario;
	while (simulation->next_event < scenario->event_count &&
		scenario->events[simulation->next_event].at_ms <= simulation->now_ms) {
		const struct scenario_event *event = &scenario->events[simulation->next_event++];
		if (event->kind == SCENARIO_SCRAPER)
			simulation->lost[event->scraper] = event->value;
	}
}

/* One scraper, chosen anew each time, in the first part of every period but the first. */
static void strike(struct simulation *simulation, bool wanted, int64_t every_ms, int64_t for_ms,
	size_t *struck)
{
	bool now =
		wanted && simulation->now_ms >= every_ms && simulation->now_ms % every_ms < for_ms;
	if (!now)
		*struck = SCRAPER_COUNT;
	else if (*struck == SCRAPER_COUNT)
		*struck = (size_t)(chance(simulation) * SCRAPER_COUNT);
}

static struct simulation_target *next_target(const struct simulation *simulation)
{
	struct simulation_target *next = &simulation->targets[0];
	for (size_t i = 1; i < simulation->target_count; i++) {
		if (simulation->targets[i].due_ms < next->due_ms)
			next = &simulation->targets[i];
	}
	return next;
}

bool simulation_step(struct simulation *simulation, struct error *error)
{
	int64_t until_ms =
		simulation->now_ms - simulation->now_ms % SIMULATION_TICK_MS + SIMULATION_TICK_MS;
	strike(simulation, simulation->faults.stale, FAULT_SILENT_EVERY_MS, FAULT_SILENT_MS,
		&simulation->silent);
	strike(simulation, simulation->faults.step, FAULT_BEHIND_EVERY_MS, FAULT_BEHIND_MS,
		&simulation->behind);
	for (struct simulation_target *target = next_target(simulation); target->due_ms <= until_ms;
		target = next_target(simulation)) {
		simulation->now_ms = target->due_ms;
		model_advance(simulation->model, simulation->now_ms);
		follow_timeline(simulation);
		if (!read_target(simulation, target))
			return error_no_memory(error, "a reading");
	}
	simulation->now_ms = until_ms;
	model_advance(simulation->model, until_ms);
	int64_t now_ms = simulation_now_ms(simulation);
	struct snapshot *next = store_seal(simulation->store, now_ms);
	if (!next || !assess(simulation->assessor, next, simulation->history, now_ms,
			     &simulation->assessment)) {
		snapshot_destroy(next);
		return error_no_memory(error, "an assessment");
	}
	assessment_record(&simulation->assessment, simulation->history);
	snapshot_destroy(simulation->snapshot);
	simulation->snapshot = next;
	return true;
}

int64_t simulation_now_ms(const struct simulation *simulation)
{
	return SIMULATION_EPOCH_MS + simulation->now_ms;
}

bool simulation_cluster(const struct simulation *simulation, uint32_t entity, size_t *out)
{
	if (entity >= fleet_count(simulation->fleet) ||
		fleet_entity(simulation->fleet, entity)->kind != ENTITY_CLUSTER)
		return false;
	return scenario_find_cluster(
		simulation->scenario, fleet_entity(simulation->fleet, entity)->name, out);
}

/* ---- the fleet, as its file declares it ---- */

static void add_target(struct simulation *simulation, enum scenario_scraper scraper, size_t cluster,
	size_t part, uint32_t entity, uint16_t source)
{
	struct simulation_target *target = &simulation->targets[simulation->target_count++];
	*target = (struct simulation_target){
		.scraper = scraper,
		.cluster = cluster,
		.part = part,
		.entity = entity,
		.source = source,
		/* Never exactly at zero: the model has to have begun. */
		.due_ms = 1 + (int64_t)(chance(simulation) * (SIMULATION_POLL_MS - 1)),
	};
}

static bool add_source(
	struct simulation *simulation, const char *name, uint16_t *out, struct error *error)
{
	return store_add_source(
		simulation->store, name, "simulation", SIMULATION_POLL_MS, out, error);
}

static bool add_replicas(struct simulation *simulation, size_t index, uint32_t cluster,
	const uint16_t *edge, struct error *error)
{
	const struct scenario_cluster *shape = &simulation->scenario->clusters[index];
	for (size_t r = 0; r < shape->replica_count; r++) {
		uint32_t id;
		uint16_t source;
		if (!fleet_intern(simulation->fleet, ENTITY_REPLICA, cluster, shape->replicas[r],
			    &id, error) ||
			!add_source(simulation, "replicas", &source, error))
			return false;
		fleet_declare(simulation->fleet, id);
		add_target(simulation, SCRAPER_REPLICAS, index, r, id, source);
		add_target(simulation, SCRAPER_EDGE, index, r, id, *edge);
	}
	return true;
}

static bool add_cluster(
	struct simulation *simulation, size_t index, const uint16_t *shared, struct error *error)
{
	const struct scenario_cluster *shape = &simulation->scenario->clusters[index];
	struct fleet *fleet = simulation->fleet;
	uint32_t region, cluster, id;
	uint16_t source;
	if (!fleet_intern(fleet, ENTITY_REGION, ENTITY_ROOT, shape->region, &region, error) ||
		!fleet_intern(fleet, ENTITY_CLUSTER, region, shape->name, &cluster, error) ||
		!add_replicas(simulation, index, cluster, &shared[0], error) ||
		!fleet_intern(fleet, ENTITY_SERVICE, cluster, "auth", &id, error) ||
		!add_source(simulation, "auth", &source, error))
		return false;
	fleet_declare(fleet, cluster);
	fleet_set_connections_max(fleet, cluster, (double)shape->pool.connections_max);
	add_target(simulation, SCRAPER_AUTH, index, 0, id, source);
	add_target(simulation, SCRAPER_CONTROL, index, 0, cluster, shared[1]);
	for (size_t s = 0; s < SURFACE_COUNT; s++) {
		if (!fleet_intern(fleet, ENTITY_SURFACE, cluster, surface_name((enum surface)s),
			    &id, error) ||
			!add_source(simulation, "surfaces", &source, error))
			return false;
		add_target(simulation, SCRAPER_SURFACES, index, s, id, source);
	}
	return true;
}

/* All lines of one page are read at the same moment. */
static void align_page(struct simulation *simulation, enum scenario_scraper scraper)
{
	int64_t due_ms = 0;
	for (size_t i = 0; i < simulation->target_count; i++) {
		struct simulation_target *target = &simulation->targets[i];
		if (target->scraper != scraper)
			continue;
		if (due_ms == 0)
			due_ms = target->due_ms;
		target->due_ms = due_ms;
	}
}

static bool declare(struct simulation *simulation, struct error *error)
{
	const struct scenario *scenario = simulation->scenario;
	size_t most = 0;
	for (size_t c = 0; c < scenario->cluster_count; c++)
		most += 2 * scenario->clusters[c].replica_count + 2 + SURFACE_COUNT;
	/* No scenario is without clusters. */
	/* NOLINTNEXTLINE(clang-analyzer-optin.portability.UnixAPI) */
	simulation->targets = calloc(most, sizeof(*simulation->targets));
	if (!simulation->targets)
		return error_no_memory(error, "the pages");
	uint16_t shared[2];
	if (!fleet_intern(simulation->fleet, ENTITY_SERVICE, ENTITY_ROOT, "auth", &simulation->auth,
		    error) ||
		!add_source(simulation, "edge", &shared[0], error) ||
		!add_source(simulation, "control", &shared[1], error))
		return false;
	fleet_set_timeout(simulation->fleet, simulation->auth, (double)scenario->auth_timeout_ms);
	for (size_t c = 0; c < scenario->cluster_count; c++) {
		if (!add_cluster(simulation, c, shared, error))
			return false;
	}
	align_page(simulation, SCRAPER_EDGE);
	align_page(simulation, SCRAPER_CONTROL);
	return true;
}

static bool wire(struct simulation *simulation, uint64_t seed, struct error *error)
{
	simulation->model = model_create(simulation->scenario, seed, error);
	if (!simulation->model)
		return false;
	simulation->fleet = fleet_create();
	simulation->history = history_create(RING_SAMPLES, HISTORY_BYTES);
	simulation->assessor = assessor_create();
	if (simulation->fleet)
		simulation->store = store_create(simulation->fleet);
	if (!simulation->store || !simulation->history || !simulation->assessor)
		return error_no_memory(error, "a simulation");
	return declare(simulation, error);
}

bool simulation_init(struct simulation *simulation, const struct scenario *scenario, uint64_t seed,
	const struct simulation_faults *faults, struct error *error)
{
	*simulation = (struct simulation){
		.scenario = scenario,
		.random = seed,
		.faults = *faults,
		.silent = SCRAPER_COUNT,
		.behind = SCRAPER_COUNT,
	};
	assessment_init(&simulation->assessment);
	if (wire(simulation, seed, error))
		return true;
	simulation_finish(simulation);
	return false;
}

void simulation_finish(struct simulation *simulation)
{
	snapshot_destroy(simulation->snapshot);
	assessment_finish(&simulation->assessment);
	assessor_destroy(simulation->assessor);
	history_destroy(simulation->history);
	store_destroy(simulation->store);
	fleet_destroy(simulation->fleet);
	model_destroy(simulation->model);
	free(simulation->targets);
	*simulation = (struct simulation){0};
}
