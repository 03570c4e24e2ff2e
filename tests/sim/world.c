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

static void add_setting(struct sim *sim, enum signal signal, uint32_t entity, double value)
{
	must(sim->setting_count < SIM_SETTINGS_MOST, "another setting");
	sim->settings[sim->setting_count++] = (struct setting){
		.entity = entity, .signal = signal, .value = value, .before = value};
}

struct setting *world_setting(struct sim *sim, enum signal signal, uint32_t entity)
{
	for (size_t i = 0; i < sim->setting_count; i++) {
		if (sim->settings[i].signal == signal && sim->settings[i].entity == entity)
			return &sim->settings[i];
	}
	return NULL;
}

size_t world_settings_of(
	struct sim *sim, const char *action, uint32_t target, struct setting *out[SIM_REPLICAS])
{
	size_t count = 0;
	enum signal signal = SIGNAL_COUNT;
	for (size_t i = 0; i < sim->configs.count; i++) {
		if (strcmp(sim->actions[i].info.name, action) == 0)
			signal = sim->actions[i].info.verb->reads;
	}
	for (size_t i = 0; i < sim->setting_count && count < SIM_REPLICAS; i++) {
		struct setting *setting = &sim->settings[i];
		const struct entity *entity = fleet_entity(sim->fleet, setting->entity);
		bool is_part = entity->kind == ENTITY_REPLICA && entity->parent == target;
		if (setting->signal == signal && (setting->entity == target || is_part))
			out[count++] = setting;
	}
	return count;
}

bool world_is_out(struct sim *sim, uint32_t replica)
{
	const struct setting *out = world_setting(sim, SIGNAL_REPLICA_MAINTENANCE, replica);
	for (int c = 0; c < SIM_CLUSTERS; c++) {
		for (int r = 0; r < SIM_REPLICAS; r++) {
			if (sim->replicas[c][r] == replica && sim->replica_down[c][r])
				return true;
		}
	}
	return out && out->value > 0;
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
			add_setting(sim, SIGNAL_POOL_MAX, sim->replicas[c][r], 20);
			add_setting(sim, SIGNAL_POOL_PAUSED, sim->replicas[c][r], 0);
			add_setting(sim, SIGNAL_REPLICA_MAINTENANCE, sim->replicas[c][r], 0);
			add_setting(sim, SIGNAL_REPLICA_MAXCONN, sim->replicas[c][r], 20);
		}
		add_setting(sim, SIGNAL_CLUSTER_WEIGHT, sim->clusters[c], 60);
		add_setting(sim, SIGNAL_CLUSTER_SILENCED, sim->clusters[c], 0);
		add_setting(sim, SIM_TUNED, sim->clusters[c], 100);
	}
	for (int i = 0; i < SIM_SERVICES; i++) {
		char name[16];
		snprintf(name, sizeof(name), "s%d", i);
		must(fleet_intern(sim->fleet, ENTITY_SERVICE, ENTITY_ROOT, name, &sim->services[i],
			     NULL),
			name);
		fleet_declare(sim->fleet, sim->services[i]);
		add_setting(sim, SIGNAL_SERVICE_ROLE_LIMIT, sim->services[i], 20);
		add_setting(sim, SIGNAL_SERVICE_RETRY_LIMIT, sim->services[i], 0.4);
		add_setting(sim, SIGNAL_SERVICE_INSTANCES, sim->services[i], 4);
	}
}

/* One row per action: every verb of the table has one. */
static const struct {
	const char *name, *verb, *undo; /* undo NULL: itself, with the value before */
	bool is_ssh;                    /* to each replica by itself; else one HTTP request */
} action_rows[] = {
	{"divert", "cluster.divert", NULL, false},
	{"give-back", "cluster.restore", NULL, false},
	{"drain", "replica.drain", "return", true},
	{"return", "replica.return", "drain", true},
	{"resize", "pool.resize", NULL, true},
	{"pause", "pool.pause", "resume", true},
	{"resume", "pool.resume", "pause", true},
	{"maxconn", "maxconn.set", NULL, true},
	{"role", "role.limit", NULL, false},
	{"retries", "retry.limit", NULL, false},
	{"scale", "service.scale", NULL, false},
	{"silence", "silence", "unsilence", false},
	{"unsilence", "silence.end", "silence", false},
	{"tune", VERB_CUSTOM, NULL, false},
};
#define ACTION_ROWS (sizeof(action_rows) / sizeof(action_rows[0]))
_Static_assert(ACTION_ROWS <= SIM_ACTIONS_MOST, "room for every action");

/* What of a request says which setting is meant, and its new value; templates live as long. */
static const char *const url_of[ENTITY_KIND_COUNT] = {
	[ENTITY_CLUSTER] = "{cluster}", [ENTITY_SERVICE] = "{service}"};
static char urls[ACTION_ROWS][96];
static char bodies[ACTION_ROWS][96];

static struct action_config make_action(struct sim *sim, size_t i)
{
	const struct verb_row *verb = verb_find(action_rows[i].verb);
	if (!verb_is_complete(verb))
		verb = &sim->custom;
	struct action_config action = {.info = {.verb = verb}, .undo = action_rows[i].undo};
	const char *signal = signal_row(verb->reads)->name;
	snprintf(action.info.name, sizeof(action.info.name), "%s", action_rows[i].name);
	action.info.transport = action_rows[i].is_ssh ? "ssh" : "http";
	if (action_rows[i].is_ssh) {
		snprintf(bodies[i], sizeof(bodies[i]), "%s {%s}", signal, verb->parameter);
		action.ssh = (struct ssh_binding){.host = "{cluster}-{replica}",
			.user = "ops",
			.port = 22,
			.command = bodies[i],
			.timeout_ms = 3000};
		return action;
	}
	snprintf(urls[i], sizeof(urls[i]), "http://far/%s/%s", signal, url_of[verb->target]);
	snprintf(bodies[i], sizeof(bodies[i]), "{\"value\":{%s}}", verb->parameter);
	action.road = ACTION_BY_HTTP;
	action.http = (struct http_binding){
		.method = "POST", .url = urls[i], .json = bodies[i], .timeout_ms = 3000};
	return action;
}

void world_act(struct sim *sim)
{
	sim->custom = *verb_find(VERB_CUSTOM);
	sim->custom.reads = SIM_TUNED;
	for (size_t i = 0; i < ACTION_ROWS; i++)
		sim->actions[i] = make_action(sim, i);
	for (size_t i = 0; i < ACTION_ROWS; i++) {
		for (size_t j = 0; action_rows[i].undo && j < ACTION_ROWS; j++) {
			if (strcmp(action_rows[j].name, action_rows[i].undo) == 0)
				sim->actions[i].undo_action = &sim->actions[j];
		}
	}
	sim->configs.rows = sim->actions;
	sim->configs.count = ACTION_ROWS;
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
	world_act(sim);
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

/* A stranger sets something: a value that may well be there. */
static void meddle(struct sim *sim)
{
	struct setting *setting = &sim->settings[sim_below(sim, (unsigned)sim->setting_count)];
	const struct signal_row *row = signal_row(setting->signal);
	double value = round(setting->value * (0.5 + sim_below(sim, 100) / 100.0));
	sim->tally->meddled++;
	if (row->unit == UNIT_FLAG)
		value = setting->value > 0 ? 0 : 1;
	else if (setting->value < 1)
		value = 0.1 + sim_below(sim, 8) / 10.0;
	world_set(sim, setting, fmax(value, row->unit == UNIT_FLAG ? 0 : 0.1), true);
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
			late->setting->by = late->by;
			late->setting->run = late->run;
		}
	}
	if (sim_chance(sim, 300))
		meddle(sim);
	if (sim_chance(sim, 200)) {
		sim->stale_until_ms[sim_below(sim, 2)] = now_ms + 2000 + sim_below(sim, 15000);
		sim->tally->stale_spells++;
	}
	if (sim_chance(sim, 400)) {
		unsigned c = sim_below(sim, SIM_CLUSTERS);
		sim->replica_down[c][0] = !sim->replica_down[c][0];
		sim->tally->replicas_lost += sim->replica_down[c][0];
	}
	/* Work on one ends as that on the other begins. */
	if (sim_chance(sim, 400)) {
		unsigned c = sim_below(sim, SIM_CLUSTERS);
		struct setting *out =
			world_setting(sim, SIGNAL_REPLICA_MAINTENANCE, sim->replicas[c][1]);
		world_set(sim, out, sim->replica_down[c][0] ? 1 : 0, true);
		sim->replica_down[c][0] = !sim->replica_down[c][0];
		sim->tally->replicas_lost += sim->replica_down[c][0];
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
		sim->tally->disks_full++;
	}
}

static double weight_sum(struct sim *sim)
{
	double sum = 0;
	for (int c = 0; c < SIM_CLUSTERS; c++)
		sum += world_setting(sim, SIGNAL_CLUSTER_WEIGHT, sim->clusters[c])->value;
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
	double weight = world_setting(sim, SIGNAL_CLUSTER_WEIGHT, sim->clusters[c])->value;
	double asked = sum > 0 ? sim->demand * weight / sum : 0;
	int serving = 0;
	for (int r = 0; r < SIM_REPLICAS; r++)
		serving += !world_is_out(sim, sim->replicas[c][r]);
	for (int r = 0; r < SIM_REPLICAS; r++) {
		uint32_t replica = sim->replicas[c][r];
		double own = world_is_out(sim, replica) || !serving ? 0 : asked / serving;
		double size = world_setting(sim, SIGNAL_POOL_MAX, replica)->value;
		put(sim, replica, SIGNAL_REPLICA_UP, !sim->replica_down[c][r], 1);
		put(sim, replica, SIGNAL_POOL_USED, fmin(own, size), 1);
		put(sim, replica, SIGNAL_POOL_WAITING, fmax(0, own - size), 1);
		put(sim, replica, SIGNAL_REPLICA_CONNECTIONS_MAX, 60, 1);
	}
}

/* The settings themselves: of clusters and services by the one source, of replicas by the other. */
static void sample_settings(struct sim *sim)
{
	for (size_t i = 0; i < sim->setting_count; i++) {
		const struct setting *setting = &sim->settings[i];
		bool of_replica = fleet_entity(sim->fleet, setting->entity)->kind == ENTITY_REPLICA;
		put(sim, setting->entity, setting->signal, setting->value, of_replica ? 1 : 0);
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
		if (up <= 0 ||
			snapshot_reading(sim->snapshot, id, SIGNAL_REPLICA_MAINTENANCE)->value > 0)
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
	sample_settings(sim);
	struct snapshot *next = store_seal(sim->store, clock_now_ms(&sim->clock));
	must(next != NULL, "a snapshot");
	snapshot_destroy(sim->snapshot);
	sim->snapshot = next;
	for (int c = 0; c < SIM_CLUSTERS; c++)
		assess_cluster(sim, c);
	sim->assessment.at_ms = next->at_ms;
	sim->assessment.generation = next->generation;
}
