#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/simulation.h"
#include "backends/sim/model.h"
#include "core/assess/limits.h"
#include "core/assess/projection.h"
#include "core/base/error.h"
#include "core/fleet/snapshot.h"

/*
 * Do projections come true? Random moves are made on random simulated fleets, in calm and during an
 * incident: each is projected from what the assessment sees, made in the model, left to settle, and
 * held against what the model then does.
 *
 * Utilisation is connections busy, averaged over a minute, over the connections the replicas that
 * serve may open: what is asked for beyond that shows as full. The projected band may be missed by
 * POINTS at most; and where it promises that a cluster stays below the ceiling, neither the
 * cluster's utilisation nor its wait may then be past it.
 *
 * SPILLWAY_MOVES=N makes more of them than the short form does, SPILLWAY_SEED=N others.
 */

#define MOVES_SHORT 60
#define MOVES_PER_WORLD 2
#define CEILING 0.85
#define WAIT_CEILING WAIT_TRIP
#define POINTS 0.05
#define CALM_MS 120000 /* before anything happens */
#define INCIDENT_AFTER_MS (CALM_MS + 1000)
#define SETTLE_MS 60000
#define MEASURE_MS 60000
#define LINES_MOST 4096

enum incident {
	INCIDENT_NONE,
	INCIDENT_LOSS,
	INCIDENT_SURGE,
	INCIDENT_STORM,
	INCIDENT_CUT,
	INCIDENTS
};
static const char *const incident_names[] = {"calm", "loss", "surge", "storm", "cut"};

/* The kinds of moves that are tried. */
static const struct {
	enum move_kind kind;
	const char *name;
} kinds[] = {
	{MOVE_DIVERT, "divert"},
	{MOVE_RESIZE_POOL, "resize"},
	{MOVE_LOSE_REPLICA, "lose"},
	{MOVE_RETURN_REPLICA, "return"},
	{MOVE_LIMIT_RETRIES, "limit"},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct tally {
	size_t moves, unknown, blocked, lines, crossings;
	double misses[LINES_MOST], widths[LINES_MOST];
};

struct trial {
	uint64_t state;
	struct scenario scenario;
	struct simulation simulation;
	enum incident incident;
	struct tally tallies[KINDS];
};

/* What a cluster's counters say at a moment. */
struct meter {
	double busy_s, wait_s, queries, capacity;
};

static uint64_t next_random(struct trial *trial)
{
	trial->state ^= trial->state << 13;
	trial->state ^= trial->state >> 7;
	trial->state ^= trial->state << 17;
	return trial->state;
}

static double uniform(struct trial *trial, double low, double high)
{
	return low + (high - low) * (double)(next_random(trial) % 1000001) / 1000000;
}

static size_t below(struct trial *trial, size_t count)
{
	return (size_t)(next_random(trial) % count);
}

/* ---- a fleet ---- */

static void make_cluster(struct trial *trial, size_t index)
{
	struct scenario_cluster *cluster = &trial->scenario.clusters[index];
	double size = round(uniform(trial, 8, 24));
	snprintf(cluster->name, sizeof(cluster->name), "c%zu", index);
	snprintf(cluster->region, sizeof(cluster->region), "here");
	cluster->replica_count = 3 + below(trial, 3);
	for (size_t r = 0; r < cluster->replica_count; r++)
		snprintf(cluster->replicas[r], sizeof(cluster->replicas[r]), "r%zu", r);
	cluster->pool = (struct scenario_pool){
		.size = (int64_t)size,
		.clients_max = (int64_t)(size * uniform(trial, 6, 14)),
		.connections_max = (int64_t)(size * uniform(trial, 1.5, 4)),
		.knee = (int64_t)(size * uniform(trial, 1.2, 3)),
		.service_time_ms = (int64_t)uniform(trial, 60, 200),
		.connect_time_ms = (int64_t)uniform(trial, 0, 1500),
	};
}

/* Reads per second that a cluster could finish. */
static double speed_of(const struct scenario_cluster *cluster)
{
	return (double)cluster->pool.size * (double)cluster->replica_count * 1000 /
	       (double)cluster->pool.service_time_ms;
}

static void make_incident(struct trial *trial)
{
	struct scenario *scenario = &trial->scenario;
	size_t cluster = below(trial, scenario->cluster_count);
	struct scenario_event event = {.at_ms = INCIDENT_AFTER_MS, .cluster = cluster};
	/* Losses twice as often: what is lost can return. */
	size_t pick = below(trial, INCIDENTS + 1);
	trial->incident = pick == INCIDENTS ? INCIDENT_LOSS : (enum incident)pick;
	switch (trial->incident) {
	case INCIDENT_NONE:
	case INCIDENTS:
		return;
	case INCIDENT_LOSS:
		event.kind = SCENARIO_REPLICA_STATE;
		event.replica = below(trial, scenario->clusters[cluster].replica_count);
		event.state = below(trial, 2) ? REPLICA_DOWN : REPLICA_MAINT;
		break;
	case INCIDENT_SURGE:
		event.kind = SCENARIO_DEMAND;
		event.value = uniform(trial, 1.1, 1.6);
		event.over_ms = 5000;
		break;
	case INCIDENT_STORM:
		event.kind = SCENARIO_STORM;
		event.value = uniform(trial, 0.2, 0.8);
		break;
	case INCIDENT_CUT:
		event.kind = SCENARIO_POOL_SIZE;
		event.value = round(
			(double)scenario->clusters[cluster].pool.size * uniform(trial, 0.5, 0.85));
		break;
	}
	scenario->events[scenario->event_count++] = event;
}

static void make_world(struct trial *trial)
{
	struct scenario *scenario = &trial->scenario;
	double speed = 0;
	scenario_init(scenario);
	snprintf(scenario->name, sizeof(scenario->name), "random");
	scenario->cluster_count = 2 + below(trial, 3);
	scenario->noise = uniform(trial, 0, 0.01);
	scenario->api_per_second = 20;
	for (size_t c = 0; c < scenario->cluster_count; c++) {
		make_cluster(trial, c);
		speed += speed_of(&scenario->clusters[c]);
	}
	scenario->web_per_second = speed * uniform(trial, 0.35, 0.85);
	for (size_t c = 0; c < scenario->cluster_count; c++)
		scenario->clusters[c].weight = round(
			500 * speed_of(&scenario->clusters[c]) / speed * uniform(trial, 0.8, 1.1));
	make_incident(trial);
}

static void run_until(struct trial *trial, int64_t until_ms)
{
	struct error error = {0};
	while (trial->simulation.now_ms < until_ms)
		ck_assert_msg(simulation_step(&trial->simulation, &error), "%s", error.text);
}

/* ---- a move ---- */

static uint32_t find(const struct trial *trial, enum entity_kind kind, size_t cluster, size_t part)
{
	const struct fleet *fleet = trial->simulation.fleet;
	const struct scenario_cluster *shape = &trial->scenario.clusters[cluster];
	uint32_t id = fleet_next(fleet, ENTITY_CLUSTER, ENTITY_NONE, ENTITY_NONE);
	while (strcmp(fleet_entity(fleet, id)->name, shape->name) != 0)
		id = fleet_next(fleet, ENTITY_CLUSTER, ENTITY_NONE, id);
	if (kind == ENTITY_CLUSTER)
		return id;
	uint32_t replica = fleet_next(fleet, ENTITY_REPLICA, id, ENTITY_NONE);
	while (strcmp(fleet_entity(fleet, replica)->name, shape->replicas[part]) != 0)
		replica = fleet_next(fleet, ENTITY_REPLICA, id, replica);
	return replica;
}

/* A replica of some cluster that is (or is not) ready; false when there is none. */
static bool pick_replica(struct trial *trial, bool ready, size_t *cluster, size_t *replica)
{
	for (int i = 0; i < 100; i++) {
		*cluster = below(trial, trial->scenario.cluster_count);
		*replica = below(trial, trial->scenario.clusters[*cluster].replica_count);
		struct replica_view view =
			model_replica(trial->simulation.model, *cluster, *replica);
		if (view.in_rotation == ready && (view.state == REPLICA_READY) == ready)
			return true;
	}
	return false;
}

/* Choose one of a kind; false when this world has none. */
static bool choose(struct trial *trial, enum move_kind kind, struct move *move, size_t *cluster,
	size_t *replica)
{
	const struct model *model = trial->simulation.model;
	*cluster = below(trial, trial->scenario.cluster_count);
	*move = (struct move){.kind = kind, .to = NAN};
	if (kind == MOVE_LOSE_REPLICA || kind == MOVE_RETURN_REPLICA) {
		if (!pick_replica(trial, kind == MOVE_LOSE_REPLICA, cluster, replica))
			return false;
		move->entity = find(trial, ENTITY_REPLICA, *cluster, *replica);
		return true;
	}
	move->entity = find(trial, ENTITY_CLUSTER, *cluster, 0);
	if (kind == MOVE_DIVERT)
		move->to = round(model_weight(model, *cluster) * uniform(trial, 0, 1.5));
	if (kind == MOVE_RESIZE_POOL)
		move->to =
			round((double)model_pool_size(model, *cluster) * uniform(trial, 0.6, 1.8));
	if (kind == MOVE_LIMIT_RETRIES) {
		move->entity = fleet_next(
			trial->simulation.fleet, ENTITY_SERVICE, ENTITY_ROOT, ENTITY_NONE);
		move->to = uniform(trial, 0, 0.5);
	}
	return kind != MOVE_DIVERT || model_weight(model, *cluster) > 0;
}

static void make_move(struct trial *trial, const struct move *move, size_t cluster, size_t replica)
{
	struct model *model = trial->simulation.model;
	struct error error = {0};
	bool ok = false;
	if (move->kind == MOVE_DIVERT)
		ok = model_set_weight(model, cluster, move->to, &error);
	if (move->kind == MOVE_RESIZE_POOL)
		ok = model_set_pool_size(model, cluster, (int64_t)move->to, &error);
	if (move->kind == MOVE_LOSE_REPLICA)
		ok = model_set_replica_state(model, cluster, replica, REPLICA_MAINT, &error);
	if (move->kind == MOVE_RETURN_REPLICA)
		ok = model_set_replica_state(model, cluster, replica, REPLICA_READY, &error);
	if (move->kind == MOVE_LIMIT_RETRIES)
		ok = model_set_retry_limit(model, move->to, &error);
	ck_assert_msg(ok, "%s", error.text);
}

/* ---- what then is ---- */

static struct meter read_meter(const struct trial *trial, size_t cluster)
{
	const struct scenario_cluster *shape = &trial->scenario.clusters[cluster];
	struct meter meter = {0};
	for (size_t r = 0; r < shape->replica_count; r++) {
		struct replica_view view = model_replica(trial->simulation.model, cluster, r);
		meter.busy_s += view.busy_seconds_total;
		meter.wait_s += view.wait_seconds_total;
		meter.queries += (double)view.queries_total;
		if (view.in_rotation)
			meter.capacity +=
				fmin((double)view.pool_size, (double)view.connections_max);
	}
	return meter;
}

static double within_one(double use)
{
	return fmin(use, 1);
}

static void judge_line(struct trial *trial, const struct projection_line *line,
	const struct meter *from, const struct meter *until, size_t kind, double to)
{
	struct tally *tally = &trial->tallies[kind];
	double use = (until->busy_s - from->busy_s) / (MEASURE_MS / 1000.0) / until->capacity;
	double wait = (until->wait_s - from->wait_s) / (until->queries - from->queries) * 1000 /
		      (double)trial->scenario.auth_timeout_ms;
	if (!(until->capacity > 0))
		use = 1;
	double low = within_one(line->use_low), high = within_one(line->use_high);
	double miss = fmax(fmax(low - use, use - high), 0);
	bool crossed = line->use_high <= CEILING && (use > CEILING || wait > WAIT_CEILING);
	ck_assert_uint_lt(tally->lines, LINES_MOST);
	tally->misses[tally->lines] = miss;
	tally->widths[tally->lines++] = high - low;
	tally->crossings += crossed;
	if (miss > POINTS || crossed)
		printf("  %s%s: %s to %g in %s: %.1f %% then, wait %.1f %% of the timeout; "
		       "projected "
		       "%.1f %% to %.1f %%, before %.1f %%\n",
			crossed ? "crossed" : "missed", line->changed ? "" : " (untouched)",
			kinds[kind].name, to, incident_names[trial->incident], 100 * use,
			100 * wait, 100 * line->use_low, 100 * line->use_high,
			100 * line->use_before);
}

/* False when this world has no such move. */
static bool judge_move(struct trial *trial, size_t kind)
{
	struct simulation *simulation = &trial->simulation;
	struct tally *tally = &trial->tallies[kind];
	struct meter from[SCENARIO_CLUSTERS_MOST];
	struct projection projection;
	struct move move;
	size_t cluster, replica = 0;
	if (!choose(trial, kinds[kind].kind, &move, &cluster, &replica))
		return false;
	projection_init(&projection);
	ck_assert(project(
		simulation->snapshot, &simulation->assessment, &move, CEILING, &projection));
	tally->moves++;
	tally->unknown += !projection.known;
	tally->blocked += projection.known && projection.blocked;
	make_move(trial, &move, cluster, replica);
	run_until(trial, simulation->now_ms + SETTLE_MS);
	for (size_t c = 0; c < trial->scenario.cluster_count; c++)
		from[c] = read_meter(trial, c);
	run_until(trial, simulation->now_ms + MEASURE_MS);
	for (size_t i = 0; projection.known && i < projection.line_count; i++) {
		size_t c;
		ck_assert(simulation_cluster(simulation, projection.lines[i].cluster, &c));
		struct meter until = read_meter(trial, c);
		if (projection.lines[i].known)
			judge_line(trial, &projection.lines[i], &from[c], &until, kind, move.to);
	}
	projection_finish(&projection);
	return true;
}

static void run_world(struct trial *trial)
{
	static const struct simulation_faults none = {0};
	struct error error = {0};
	make_world(trial);
	ck_assert_msg(simulation_init(&trial->simulation, &trial->scenario, next_random(trial),
			      &none, &error),
		"%s", error.text);
	run_until(trial, INCIDENT_AFTER_MS + (int64_t)uniform(trial, 15000, 90000));
	for (int i = 0; i < MOVES_PER_WORLD;)
		i += judge_move(trial, below(trial, KINDS));
	simulation_finish(&trial->simulation);
}

/* ---- the whole ---- */

static int by_size(const void *a, const void *b)
{
	const double *left = a, *right = b;
	return (*left > *right) - (*left < *right);
}

static double part(double *values, size_t count, double share)
{
	qsort(values, count, sizeof(*values), by_size);
	return count > 0 ? values[(size_t)(share * (double)(count - 1))] : NAN;
}

static void print(struct trial *trial)
{
	printf("%-8s %6s %8s %8s %6s %10s %10s %12s %10s\n", "move", "moves", "unknown", "blocked",
		"lines", "worst pts", "p95 pts", "median band", "crossings");
	for (size_t k = 0; k < KINDS; k++) {
		struct tally *tally = &trial->tallies[k];
		printf("%-8s %6zu %8zu %8zu %6zu %10.1f %10.1f %12.1f %10zu\n", kinds[k].name,
			tally->moves, tally->unknown, tally->blocked, tally->lines,
			100 * part(tally->misses, tally->lines, 1),
			100 * part(tally->misses, tally->lines, 0.95),
			100 * part(tally->widths, tally->lines, 0.5), tally->crossings);
	}
}

START_TEST(projections_come_true)
{
	const char *given = getenv("SPILLWAY_MOVES"), *seed = getenv("SPILLWAY_SEED");
	size_t wanted = given ? strtoul(given, NULL, 10) : MOVES_SHORT, moves = 0;
	struct trial *trial = calloc(1, sizeof(*trial));
	ck_assert_ptr_nonnull(trial);
	trial->state = 88172645463325252u + (seed ? strtoull(seed, NULL, 10) : 0) * 7919;
	while (moves < wanted) {
		run_world(trial);
		moves = 0;
		for (size_t k = 0; k < KINDS; k++)
			moves += trial->tallies[k].moves;
	}
	print(trial);
	for (size_t k = 0; k < KINDS; k++) {
		struct tally *tally = &trial->tallies[k];
		ck_assert_msg(
			tally->moves - tally->unknown >= wanted / 20, "too few: %s", kinds[k].name);
		ck_assert_msg(!(part(tally->misses, tally->lines, 1) > POINTS), "%s missed",
			kinds[k].name);
		ck_assert_msg(tally->crossings == 0, "%s crossed the ceiling", kinds[k].name);
	}
	free(trial);
}
END_TEST

static Suite *projection_truth_suite(void)
{
	Suite *suite = suite_create("projection_truth");
	TCase *cases = tcase_create("projection_truth");
	tcase_set_timeout(cases, 1200);
	tcase_add_test(cases, projections_come_true);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(projection_truth_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
