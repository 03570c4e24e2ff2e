/* world.c - the true state of a made-up fleet, and what its sources say of it. */
#include "tests/sim/sim.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/config.h"
#include "core/base/error.h"
#include "core/base/loop.h"

uint64_t sim_random(struct sim *sim)
{
	/* splitmix64: every seed gives a good sequence, also 1, 2, 3. */
	uint64_t z = (sim->random += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

unsigned sim_below(struct sim *sim, unsigned limit)
{
	return (unsigned)(sim_random(sim) % limit);
}

bool sim_chance(struct sim *sim, unsigned one_in)
{
	return sim_below(sim, one_in) == 0;
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "sim: cannot set up: %s\n", what);
	exit(2);
}

static void make_fleet(struct sim *sim)
{
	uint16_t source = 0;
	uint32_t region = 0;
	sim->fleet = fleet_create();
	must(sim->fleet != NULL, "a fleet");
	sim->store = store_create(sim->fleet);
	must(sim->store && store_add_source(sim->store, "weights", "sim", 1000, &source, NULL) &&
			store_add_source(sim->store, "pools", "sim", 1000, &source, NULL) &&
			fleet_intern(sim->fleet, ENTITY_REGION, ENTITY_ROOT, "here", &region, NULL),
		"a store");
	for (int c = 0; c < SIM_CLUSTERS; c++) {
		char name[16];
		snprintf(name, sizeof(name), "c%d", c);
		must(fleet_intern(
			     sim->fleet, ENTITY_CLUSTER, region, name, &sim->clusters[c], NULL),
			name);
		fleet_declare(sim->fleet, sim->clusters[c]);
		fleet_set_connections_max(sim->fleet, sim->clusters[c], 60);
		for (int r = 0; r < SIM_REPLICAS; r++) {
			snprintf(name, sizeof(name), "r%d", r);
			must(fleet_intern(sim->fleet, ENTITY_REPLICA, sim->clusters[c], name,
				     &sim->replicas[c][r], NULL),
				name);
			fleet_declare(sim->fleet, sim->replicas[c][r]);
			sim->sizes[c][r] = (struct setting){.value = 20, .before = 20};
		}
		sim->weights[c] = (struct setting){.value = 60, .before = 60};
	}
}

static void make_actions(struct sim *sim)
{
	sim->actions[KNOB_WEIGHT] = (struct action_config){
		.info = {.name = "divert",
			.verb = verb_find("cluster.divert"),
			.transport = "http"},
		.road = ACTION_BY_HTTP,
		.http = {.method = "POST",
			.url = "http://lb/{cluster}",
			.json = "{\"weight\":{weight}}",
			.timeout_ms = 3000},
	};
	sim->actions[KNOB_SIZE] = (struct action_config){
		.info = {.name = "resize", .verb = verb_find("pool.resize"), .transport = "ssh"},
		.ssh = {.host = "{cluster}-{replica}",
			.user = "ops",
			.port = 22,
			.command = "set {size}",
			.timeout_ms = 3000},
	};
	sim->configs.rows = sim->actions;
	sim->configs.count = 2;
	sim->configs.journal_file = sim->journals[0].path;
	sim->configs.coordination = (struct coordination_config){
		.is_etcd = sim->manner == MANNER_ETCD,
		.fleet = "sim",
		.directory = sim->directory,
		.endpoints = {"http://store"},
		.endpoint_count = 1,
		.ttl_ms = 3000 + (int64_t)sim_below(sim, 12000),
	};
}

void world_open(struct sim *sim)
{
	struct error error = {0};
	clock_init_manual(&sim->clock, SIM_START);
	sim->loop = loop_create(&sim->clock, &error);
	must(sim->loop != NULL, error.text);
	make_fleet(sim);
	make_actions(sim);
	assessment_init(&sim->assessment);
	sim->assessment.clusters = calloc(SIM_CLUSTERS, sizeof(*sim->assessment.clusters));
	must(sim->assessment.clusters != NULL, "an assessment");
	sim->assessment.cluster_count = SIM_CLUSTERS;
	sim->demand = 40 + sim_below(sim, 60);
	world_sample(sim);
}

void world_close(struct sim *sim)
{
	assessment_finish(&sim->assessment);
	snapshot_destroy(sim->snapshot);
	store_destroy(sim->store);
	fleet_destroy(sim->fleet);
	loop_destroy(sim->loop);
}

void world_set(struct sim *sim, struct setting *setting, double value, bool by_stranger)
{
	if (setting->value == value)
		return;
	setting->before = setting->value;
	setting->value = value;
	setting->changed_ms = clock_now_ms(&sim->clock);
	setting->by_stranger = by_stranger;
}

static void meddle(struct sim *sim)
{
	unsigned c = sim_below(sim, SIM_CLUSTERS);
	sim->tally->meddled++;
	if (sim_chance(sim, 2))
		world_set(sim, &sim->weights[c], 30 + sim_below(sim, 40), true);
	else
		world_set(sim, &sim->sizes[c][sim_below(sim, SIM_REPLICAS)],
			15 + sim_below(sim, 20), true);
}

void world_change(struct sim *sim)
{
	int64_t now_ms = clock_now_ms(&sim->clock);
	for (size_t i = 0; i < sizeof(sim->late) / sizeof(sim->late[0]); i++) {
		struct pending *late = &sim->late[i];
		if (late->used && late->at_ms <= now_ms) {
			late->used = false;
			judge_landing(sim, late);
			world_set(sim, late->setting, late->value, false);
		}
	}
	if (sim_chance(sim, 300))
		meddle(sim);
	if (sim_chance(sim, 200))
		sim->stale_until_ms[sim_below(sim, 2)] = now_ms + 2000 + sim_below(sim, 15000);
	if (sim_chance(sim, 400)) {
		unsigned c = sim_below(sim, SIM_CLUSTERS);
		sim->replica_down[c][0] = !sim->replica_down[c][0];
	}
	if (sim_chance(sim, 500)) {
		sim->key_changed_until_ms[sim_below(sim, SIM_CLUSTERS)] =
			now_ms + 3000 + sim_below(sim, 20000);
		sim->tally->keys_changed++;
	}
	if (sim->manner == MANNER_ETCD && sim_chance(sim, 150)) {
		sim->operators[sim_below(sim, SIM_OPERATORS)].cut_off_until_ms =
			now_ms + 500 + (int64_t)sim_below(sim, 25000);
		sim->tally->cut_offs++;
	}
	if (sim->manner == MANNER_ETCD && sim_chance(sim, 200)) {
		struct operator* who = & sim->operators[sim_below(sim, SIM_OPERATORS)];
		who->frozen_until_ms = now_ms + 1000 + (int64_t)sim_below(sim, 30000);
		who->cut_off_until_ms = who->frozen_until_ms;
		sim->tally->frozen++;
	}
	if (sim_chance(sim, 700)) {
		sim->wall_ahead_ms =
			sim_chance(sim, 3) ? 0 : (int64_t)sim_below(sim, 7200000) - 3600000;
		sim->tally->clock_jumps++;
	}
	if (sim_chance(sim, 40))
		sim->demand = fmax(20, fmin(160, sim->demand + sim_below(sim, 21) - 10.0));
	if (sim_chance(sim, 800)) {
		sim->disk_full_until_ms = now_ms + 1000 + sim_below(sim, 10000);
		sim->disk_promises = sim_chance(sim, 2);
	}
}

static double weight_sum(const struct sim *sim)
{
	double sum = 0;
	for (int c = 0; c < SIM_CLUSTERS; c++)
		sum += sim->weights[c].value;
	return sum;
}

static void put(struct sim *sim, uint32_t entity, enum signal signal, double value, uint16_t source)
{
	int64_t now_ms = clock_now_ms(&sim->clock);
	if (now_ms >= sim->stale_until_ms[source])
		must(store_put(sim->store, entity, signal, value, now_ms, 1000, source, NULL),
			signal_row(signal)->name);
}

static void sample_cluster(struct sim *sim, int c)
{
	double sum = weight_sum(sim);
	double asked = sum > 0 ? sim->demand * sim->weights[c].value / sum : 0;
	int serving = 0;
	for (int r = 0; r < SIM_REPLICAS; r++)
		serving += !sim->replica_down[c][r];
	put(sim, sim->clusters[c], SIGNAL_CLUSTER_WEIGHT, sim->weights[c].value, 0);
	for (int r = 0; r < SIM_REPLICAS; r++) {
		uint32_t replica = sim->replicas[c][r];
		bool up = !sim->replica_down[c][r];
		double own = up && serving ? asked / serving : 0;
		double size = sim->sizes[c][r].value;
		put(sim, replica, SIGNAL_REPLICA_UP, up, 1);
		put(sim, replica, SIGNAL_POOL_MAX, size, 1);
		put(sim, replica, SIGNAL_POOL_USED, fmin(own, size), 1);
		put(sim, replica, SIGNAL_POOL_WAITING, fmax(0, own - size), 1);
		put(sim, replica, SIGNAL_REPLICA_CONNECTIONS_MAX, 60, 1);
	}
}

/* The row from what was read, as an assessment would: readings, never the truth. */
static void assess_cluster(struct sim *sim, int c)
{
	struct cluster_assessment row = {
		.cluster = sim->clusters[c], .attempts = 1, .knee = 0.8, .first_tries = 100};
	double weights = 0;
	int64_t now_ms = sim->snapshot->at_ms;
	for (int i = 0; i < SIM_CLUSTERS; i++)
		weights += snapshot_reading(sim->snapshot, sim->clusters[i], SIGNAL_CLUSTER_WEIGHT)
				   ->value;
	row.share = weights > 0 ? snapshot_reading(
					  sim->snapshot, sim->clusters[c], SIGNAL_CLUSTER_WEIGHT)
						  ->value /
					  weights
				: 0;
	for (int r = 0; r < SIM_REPLICAS; r++) {
		uint32_t id = sim->replicas[c][r];
		double up = snapshot_reading(sim->snapshot, id, SIGNAL_REPLICA_UP)->value;
		int64_t at_ms = snapshot_reading(sim->snapshot, id, SIGNAL_POOL_MAX)->at_ms;
		row.replicas_expected++;
		row.age_ms = now_ms - at_ms;
		row.stale = row.stale || row.age_ms > 3000;
		if (up <= 0)
			continue;
		row.replicas_up++;
		row.pool_max += snapshot_reading(sim->snapshot, id, SIGNAL_POOL_MAX)->value;
		row.pool_used += snapshot_reading(sim->snapshot, id, SIGNAL_POOL_USED)->value;
		row.waiting += snapshot_reading(sim->snapshot, id, SIGNAL_POOL_WAITING)->value;
	}
	row.demand = row.pool_used + row.waiting;
	row.pool_use = row.pool_max > 0 ? row.pool_used / row.pool_max : NAN;
	sim->assessment.clusters[c] = row;
}

void world_sample(struct sim *sim)
{
	for (int c = 0; c < SIM_CLUSTERS; c++)
		sample_cluster(sim, c);
	struct snapshot *next = store_seal(sim->store, clock_now_ms(&sim->clock));
	must(next != NULL, "a snapshot");
	snapshot_destroy(sim->snapshot);
	sim->snapshot = next;
	for (int c = 0; c < SIM_CLUSTERS; c++)
		assess_cluster(sim, c);
	sim->assessment.at_ms = next->at_ms;
	sim->assessment.generation = next->generation;
}
