#include "backends/sim/scenario.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/fields.h"
#include "core/base/sanitise.h"
#include "core/base/yaml.h"

#define SCENARIO_ARENA_BYTES (16 * 1024 * 1024)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* What is needed while reading; the fields below point into the arena. */
struct reader {
	struct arena *arena;
	struct complaints *complaints;
	struct scenario *scenario;
};

static const char *const state_names[] = {
	[REPLICA_READY] = "ready",
	[REPLICA_MAINT] = "maint",
	[REPLICA_DOWN] = "down",
	[REPLICA_HUNG] = "hung",
	[REPLICA_STATE_COUNT] = NULL,
};

static const char *const scraper_names[] = {
	[SCRAPER_REPLICAS] = "replicas",
	[SCRAPER_AUTH] = "auth",
	[SCRAPER_SURFACES] = "surfaces",
	[SCRAPER_EDGE] = "edge",
	[SCRAPER_CONTROL] = "control",
	[SCRAPER_COUNT] = NULL,
};

static const char *const cause_names[] = {
	[SCENARIO_CAUSE_NONE] = "none",
	[SCENARIO_CAUSE_REPLICA_LOSS] = "replica-loss",
	[SCENARIO_CAUSE_SLOW_REPLICA] = "slow-replica",
	[SCENARIO_CAUSE_DEMAND_SURGE] = "demand-surge",
	[SCENARIO_CAUSE_RETRY_STORM] = "retry-storm",
	[SCENARIO_CAUSE_CONNECTION_LEAK] = "connection-leak",
	[SCENARIO_CAUSE_CAPACITY_CUT] = "capacity-cut",
	[SCENARIO_CAUSE_LAG_EVICTION] = "lag-eviction",
	[SCENARIO_CAUSE_TELEMETRY_FAULT] = "telemetry-fault",
	[SCENARIO_CAUSE_COUNT] = NULL,
};

const char *scenario_cause_name(enum scenario_cause cause)
{
	return cause_names[cause];
}

const char *replica_state_name(enum replica_state state)
{
	return state_names[state];
}

bool replica_state_find(const char *name, enum replica_state *out)
{
	for (int i = 0; i < REPLICA_STATE_COUNT; i++) {
		if (strcmp(state_names[i], name) == 0) {
			*out = (enum replica_state)i;
			return true;
		}
	}
	return false;
}

static void copy_name(char *out, size_t size, const char *from)
{
	out[0] = '\0';
	if (from)
		sanitise(from, strlen(from), out, size);
}

/* Names end up in labels, paths and commands: letters, digits and a few marks, and not too long. */
static void read_name(struct complaints *complaints, const struct yaml_node *node, const char *key,
	const char *from, char out[SCENARIO_NAME_BYTES])
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";
	if (!from)
		return;
	size_t length = strlen(from);
	if (length == 0 || length >= SCENARIO_NAME_BYTES || strspn(from, allowed) != length)
		complaints_add(complaints, node->file, node->line, key,
			"expected a name of 1 to %d letters, digits, '.', '_' or '-'",
			SCENARIO_NAME_BYTES - 1);
	else
		memcpy(out, from, length + 1);
}

/* ---- the parts that are tables of their own ---- */

struct demand_fields {
	double web, api, noise;
	int64_t noise_period_ms;
};

static const struct field demand_fields[] = {
	{.key = "web",
		.type = FIELD_NUMBER,
		.offset = offsetof(struct demand_fields, web),
		.required = true,
		.min = 0,
		.max = 1e6,
		.help = "Web requests per second in all."},
	{.key = "api",
		.type = FIELD_NUMBER,
		.offset = offsetof(struct demand_fields, api),
		.max = 1e6,
		.fallback = "0",
		.help = "API requests per second in all."},
	{.key = "noise",
		.type = FIELD_PERCENT,
		.offset = offsetof(struct demand_fields, noise),
		.max = 0.25,
		.fallback = "0%",
		.help = "Standard deviation of the demand."},
	{.key = "noise_period",
		.type = FIELD_DURATION,
		.offset = offsetof(struct demand_fields, noise_period_ms),
		.min = 100,
		.max = 3600e3,
		.fallback = "20s",
		.help = "How fast the noise forgets."},
};

static const struct field auth_fields[] = {
	{.key = "timeout",
		.type = FIELD_DURATION,
		.offset = offsetof(struct scenario, auth_timeout_ms),
		.min = 1,
		.max = 600e3,
		.fallback = "1s",
		.help = "When the client gives up an attempt."},
	{.key = "attempts",
		.type = FIELD_INTEGER,
		.offset = offsetof(struct scenario, auth_attempts),
		.min = 1,
		.max = 16,
		.fallback = "3",
		.help = "Tries in all."},
	{.key = "backoff",
		.type = FIELD_DURATION,
		.offset = offsetof(struct scenario, auth_backoff_ms),
		.min = 1,
		.max = 60e3,
		.fallback = "100ms",
		.help = "Before the second try; doubles with each."},
	{.key = "cached",
		.type = FIELD_PERCENT,
		.offset = offsetof(struct scenario, auth_cached),
		.max = 1.0,
		.fallback = "0%",
		.help = "Web requests that need no read."},
	{.key = "retry_limit",
		.type = FIELD_PERCENT,
		.offset = offsetof(struct scenario, retry_limit),
		.max = 10.0,
		.help = "Retries as a share of first tries; absent: no limit."},
};

static const struct field health_fields[] = {
	{.key = "verdict_min",
		.type = FIELD_DURATION,
		.offset = offsetof(struct scenario, verdict_min_ms),
		.min = 1,
		.max = 600e3,
		.fallback = "2s",
		.help = "Soonest the health check notices a change."},
	{.key = "verdict_max",
		.type = FIELD_DURATION,
		.offset = offsetof(struct scenario, verdict_max_ms),
		.min = 1,
		.max = 600e3,
		.fallback = "4s",
		.help = "Latest it does."},
	{.key = "warm_up",
		.type = FIELD_DURATION,
		.offset = offsetof(struct scenario, warm_up_ms),
		.min = 1,
		.max = 3600e3,
		.fallback = "30s",
		.help = "A returning replica takes its full share after this."},
};

static const struct field downstream_fields[] = {
	{.key = "headroom",
		.type = FIELD_PERCENT,
		.offset = offsetof(struct scenario, downstream_headroom),
		.max = 10.0,
		.fallback = "30%",
		.help = "Capacity kept above what is served."},
	{.key = "shrink",
		.type = FIELD_DURATION,
		.offset = offsetof(struct scenario, downstream_shrink_ms),
		.min = 1000,
		.max = 86400e3,
		.fallback = "5m",
		.help = "Time constant of scaling down."},
	{.key = "grow",
		.type = FIELD_DURATION,
		.offset = offsetof(struct scenario, downstream_grow_ms),
		.min = 1000,
		.max = 86400e3,
		.fallback = "3m",
		.help = "Time constant of scaling up."},
};

/* Read at the root for all clusters, then per cluster for what differs. -1: not given. */
static const struct field pool_fields[] = {
	{.key = "size",
		.type = FIELD_INTEGER,
		.offset = offsetof(struct scenario_pool, size),
		.min = -1,
		.max = 10000,
		.fallback = "-1",
		.help = "Connections the pool may open."},
	{.key = "clients_max",
		.type = FIELD_INTEGER,
		.offset = offsetof(struct scenario_pool, clients_max),
		.min = -1,
		.max = SCENARIO_CLIENTS_MOST,
		.fallback = "-1",
		.help = "Clients the pool accepts, waiting and served."},
	{.key = "connections_max",
		.type = FIELD_INTEGER,
		.offset = offsetof(struct scenario_pool, connections_max),
		.min = -1,
		.max = 100000,
		.fallback = "-1",
		.help = "Slots of the database behind the pool."},
	{.key = "knee",
		.type = FIELD_INTEGER,
		.offset = offsetof(struct scenario_pool, knee),
		.min = -1,
		.max = 100000,
		.fallback = "-1",
		.help = "Busy connections up to which the database keeps its speed."},
	{.key = "service_time",
		.type = FIELD_DURATION,
		.offset = offsetof(struct scenario_pool, service_time_ms),
		.min = 0,
		.max = 60e3,
		.fallback = "0ms",
		.help = "Mean time of a read."},
	{.key = "connect_time",
		.type = FIELD_DURATION,
		.offset = offsetof(struct scenario_pool, connect_time_ms),
		.min = 0,
		.max = 600e3,
		.fallback = "0ms",
		.help = "Time to open one more connection."},
};

static void pool_merge(struct scenario_pool *pool, const struct scenario_pool *given)
{
	if (given->size >= 1)
		pool->size = given->size;
	if (given->clients_max >= 1)
		pool->clients_max = given->clients_max;
	if (given->connections_max >= 1)
		pool->connections_max = given->connections_max;
	if (given->knee >= 1)
		pool->knee = given->knee;
	if (given->service_time_ms >= 1)
		pool->service_time_ms = given->service_time_ms;
	if (given->connect_time_ms >= 1)
		pool->connect_time_ms = given->connect_time_ms;
}

static void read_pool(struct reader *reader, const struct yaml_node *node, const char *path,
	struct scenario_pool *pool)
{
	struct scenario_pool given = {.size = -1};
	if (!node)
		return;
	fields_read(pool_fields, COUNT_OF(pool_fields), node, path, &given, reader->arena,
		reader->complaints);
	pool_merge(pool, &given);
}

/* ---- clusters ---- */

struct cluster_fields {
	const char *region;
	double weight;
	const struct yaml_node *replicas, *pool;
};

static const struct field cluster_fields[] = {
	{.key = "region",
		.type = FIELD_STRING,
		.offset = offsetof(struct cluster_fields, region),
		.required = true,
		.help = "The region it is in."},
	{.key = "weight",
		.type = FIELD_NUMBER,
		.offset = offsetof(struct cluster_fields, weight),
		.required = true,
		.min = 0,
		.max = 1000,
		.help = "Its part of the traffic."},
	{.key = "replicas",
		.type = FIELD_NODE,
		.offset = offsetof(struct cluster_fields, replicas),
		.required = true,
		.help = "Names of its replicas."},
	{.key = "pool",
		.type = FIELD_NODE,
		.offset = offsetof(struct cluster_fields, pool),
		.help = "What differs from the pool of all."},
};

static void read_replicas(struct reader *reader, const struct yaml_node *node, const char *path,
	struct scenario_cluster *cluster)
{
	if (!node)
		return;
	if (node->kind != YAML_SEQUENCE || node->count == 0 ||
		node->count > SCENARIO_REPLICAS_MOST) {
		complaints_add(reader->complaints, node->file, node->line, path,
			"expected a list of 1 to %d replica names", SCENARIO_REPLICAS_MOST);
		return;
	}
	for (const struct yaml_node *item = node->first; item; item = item->next) {
		if (item->kind != YAML_SCALAR || item->scalar[0] == '\0') {
			complaints_add(reader->complaints, item->file, item->line, path,
				"expected the name of a replica");
			continue;
		}
		read_name(reader->complaints, item, path, item->scalar,
			cluster->replicas[cluster->replica_count++]);
	}
}

static void read_cluster(
	struct reader *reader, const struct yaml_node *node, const struct scenario_pool *pool)
{
	struct scenario *scenario = reader->scenario;
	struct cluster_fields given = {0};
	const char *path = arena_printf(reader->arena, "clusters.%s", node->key);
	struct scenario_cluster *cluster = &scenario->clusters[scenario->cluster_count++];
	read_name(reader->complaints, node, path, node->key, cluster->name);
	cluster->pool = *pool;
	if (!fields_read(cluster_fields, COUNT_OF(cluster_fields), node, path ? path : "clusters",
		    &given, reader->arena, reader->complaints))
		return;
	read_name(reader->complaints, node, path, given.region, cluster->region);
	cluster->weight = given.weight;
	read_replicas(reader, given.replicas, path, cluster);
	read_pool(reader, given.pool, path, &cluster->pool);
}

static void read_clusters(
	struct reader *reader, const struct yaml_node *node, const struct scenario_pool *pool)
{
	if (!node)
		return;
	if (node->kind != YAML_MAPPING || node->count == 0 ||
		node->count > SCENARIO_CLUSTERS_MOST) {
		complaints_add(reader->complaints, node->file, node->line, "clusters",
			"expected a mapping of 1 to %d clusters", SCENARIO_CLUSTERS_MOST);
		return;
	}
	for (const struct yaml_node *item = node->first; item; item = item->next)
		read_cluster(reader, item, pool);
}

bool scenario_find_cluster(const struct scenario *scenario, const char *name, size_t *cluster)
{
	for (size_t i = 0; i < scenario->cluster_count; i++) {
		if (strcmp(scenario->clusters[i].name, name) == 0) {
			*cluster = i;
			return true;
		}
	}
	return false;
}

bool scenario_find_replica(
	const struct scenario *scenario, const char *path, size_t *cluster, size_t *replica)
{
	char name[SCENARIO_NAME_BYTES];
	size_t at = 0;
	const char *slash = strchr(path, '/');
	if (!slash || (size_t)(slash - path) >= sizeof name)
		return false;
	memcpy(name, path, (size_t)(slash - path));
	name[slash - path] = '\0';
	if (!scenario_find_cluster(scenario, name, &at))
		return false;
	for (size_t i = 0; i < scenario->clusters[at].replica_count; i++) {
		if (strcmp(scenario->clusters[at].replicas[i], slash + 1) == 0) {
			*cluster = at;
			*replica = i;
			return true;
		}
	}
	return false;
}

/* ---- the timeline ---- */

struct event_fields {
	int64_t at_ms, over_ms, pool_size;
	const char *replica, *cluster, *by;
	int state, scraper;
	double weight, demand, retry_limit, slow, lag, leak, storm, lost;
};

static const struct field event_fields[] = {
	{.key = "at",
		.type = FIELD_DURATION,
		.offset = offsetof(struct event_fields, at_ms),
		.required = true,
		.min = 0,
		.max = 7 * 86400e3,
		.help = "When, since the start."},
	{.key = "replica",
		.type = FIELD_STRING,
		.offset = offsetof(struct event_fields, replica),
		.help = "As east-a/r2, with state."},
	{.key = "state",
		.type = FIELD_CHOICE,
		.offset = offsetof(struct event_fields, state),
		.choices = state_names,
		.help = "What becomes of the replica."},
	{.key = "cluster",
		.type = FIELD_STRING,
		.offset = offsetof(struct event_fields, cluster),
		.help = "With pool_size or weight."},
	{.key = "pool_size",
		.type = FIELD_INTEGER,
		.offset = offsetof(struct event_fields, pool_size),
		.min = -1,
		.max = 10000,
		.fallback = "-1",
		.help = "Connections per pool of the cluster."},
	{.key = "weight",
		.type = FIELD_NUMBER,
		.offset = offsetof(struct event_fields, weight),
		.min = 0,
		.max = 1000,
		.help = "New weight of the cluster."},
	{.key = "demand",
		.type = FIELD_FACTOR,
		.offset = offsetof(struct event_fields, demand),
		.min = 0,
		.max = 100,
		.help = "Factor on all demand."},
	{.key = "over",
		.type = FIELD_DURATION,
		.offset = offsetof(struct event_fields, over_ms),
		.min = 0,
		.max = 86400e3,
		.fallback = "0s",
		.help = "How long the change takes."},
	{.key = "retry_limit",
		.type = FIELD_PERCENT,
		.offset = offsetof(struct event_fields, retry_limit),
		.min = 0,
		.max = 10,
		.help = "Retries as a share of first tries."},
	{.key = "slow",
		.type = FIELD_FACTOR,
		.offset = offsetof(struct event_fields, slow),
		.min = 0.1,
		.max = 1000,
		.help = "Factor on the replica's service time."},
	{.key = "lag",
		.type = FIELD_NUMBER,
		.offset = offsetof(struct event_fields, lag),
		.min = 0,
		.max = 86400,
		.help = "Seconds the replica is behind."},
	{.key = "leak",
		.type = FIELD_NUMBER,
		.offset = offsetof(struct event_fields, leak),
		.min = 0,
		.max = 10000,
		.help = "Connections per pool that are never given back."},
	{.key = "storm",
		.type = FIELD_PERCENT,
		.offset = offsetof(struct event_fields, storm),
		.min = 0,
		.max = 10,
		.help = "Needless attempts as a share of first tries."},
	{.key = "scraper",
		.type = FIELD_CHOICE,
		.offset = offsetof(struct event_fields, scraper),
		.choices = scraper_names,
		.help = "Whose polls are lost."},
	{.key = "lost",
		.type = FIELD_PERCENT,
		.offset = offsetof(struct event_fields, lost),
		.min = 0,
		.max = 1,
		.help = "Share of its polls that come to nothing."},
	{.key = "by",
		.type = FIELD_STRING,
		.offset = offsetof(struct event_fields, by),
		.help = "Who does it."},
};

/* Which of the things an event can be it is; -1 unless it is exactly one. */
static int event_kind_of(const struct event_fields *given)
{
	const bool is[] = {
		[SCENARIO_REPLICA_STATE] = given->state >= 0,
		[SCENARIO_POOL_SIZE] = given->pool_size >= 0,
		[SCENARIO_WEIGHT] = !isnan(given->weight),
		[SCENARIO_DEMAND] = !isnan(given->demand),
		[SCENARIO_RETRY_LIMIT] = !isnan(given->retry_limit),
		[SCENARIO_SLOW] = !isnan(given->slow),
		[SCENARIO_LAG] = !isnan(given->lag),
		[SCENARIO_LEAK] = !isnan(given->leak),
		[SCENARIO_STORM] = !isnan(given->storm),
		[SCENARIO_SCRAPER] = given->scraper >= 0 || !isnan(given->lost),
	};
	int kind = -1, found = 0;
	for (size_t i = 0; i < COUNT_OF(is); i++) {
		if (is[i]) {
			kind = (int)i;
			found++;
		}
	}
	return found == 1 ? kind : -1;
}

static double event_value(const struct event_fields *given)
{
	if (given->pool_size >= 0)
		return (double)given->pool_size;
	const double values[] = {given->weight, given->demand, given->retry_limit, given->slow,
		given->lag, given->leak, given->storm, given->lost};
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		if (!isnan(values[i]))
			return values[i];
	}
	return NAN;
}

/* What an event of that kind is about, beside its value. */
static bool is_about_replica(enum scenario_event_kind kind)
{
	return kind == SCENARIO_REPLICA_STATE || kind == SCENARIO_SLOW || kind == SCENARIO_LAG;
}

static bool is_about_cluster(enum scenario_event_kind kind)
{
	return kind == SCENARIO_POOL_SIZE || kind == SCENARIO_WEIGHT || kind == SCENARIO_LEAK;
}

/* Fill in what the event is about; a reason when that is not in the fleet. */
static const char *event_resolve(const struct scenario *scenario, const struct event_fields *given,
	struct scenario_event *event)
{
	int kind = event_kind_of(given);
	if (kind < 0)
		return given->replica ? "a replica and its state, slow or lag go together"
				      : "expected one of replica with state, slow or lag, cluster "
					"with pool_size, weight or leak, demand, retry_limit, "
					"storm, scraper with lost";
	event->kind = (enum scenario_event_kind)kind;
	event->value = event_value(given);
	if (given->replica && !is_about_replica(event->kind))
		return "this is not about a replica";
	if (event->kind == SCENARIO_REPLICA_STATE)
		event->state = (enum replica_state)given->state;
	if (is_about_replica(event->kind)) {
		if (!given->replica)
			return "a replica and its state, slow or lag go together";
		if (!scenario_find_replica(
			    scenario, given->replica, &event->cluster, &event->replica))
			return "there is no such replica, written as east-a/r2";
	}
	if (event->kind == SCENARIO_SCRAPER) {
		if (given->scraper < 0 || isnan(given->lost))
			return "a scraper and its lost share go together";
		event->scraper = (enum scenario_scraper)given->scraper;
	}
	if (is_about_cluster(event->kind)) {
		if (!given->cluster ||
			!scenario_find_cluster(scenario, given->cluster, &event->cluster))
			return "there is no such cluster";
		if (event->kind == SCENARIO_POOL_SIZE && event->value < 1.0)
			return "a pool has at least 1 connection";
	}
	return NULL;
}

static void read_event(struct reader *reader, const struct yaml_node *node)
{
	struct scenario *scenario = reader->scenario;
	struct event_fields given = {0};
	struct scenario_event event = {0};
	if (!fields_read(event_fields, COUNT_OF(event_fields), node, "timeline", &given,
		    reader->arena, reader->complaints))
		return;
	const char *why = event_resolve(scenario, &given, &event);
	event.at_ms = given.at_ms;
	event.over_ms = given.over_ms;
	copy_name(event.by, sizeof event.by, given.by);
	if (!why && scenario->event_count > 0 &&
		event.at_ms < scenario->events[scenario->event_count - 1].at_ms)
		why = "the timeline goes forward: this is earlier than the line before";
	if (!why && scenario->event_count == SCENARIO_EVENTS_MOST)
		why = "too many events";
	if (why)
		complaints_add(reader->complaints, node->file, node->line, "timeline", "%s", why);
	else
		scenario->events[scenario->event_count++] = event;
}

static void read_timeline(struct reader *reader, const struct yaml_node *node)
{
	if (!node)
		return;
	if (node->kind != YAML_SEQUENCE) {
		complaints_add(reader->complaints, node->file, node->line, "timeline",
			"expected a list of events");
		return;
	}
	for (const struct yaml_node *item = node->first; item; item = item->next)
		read_event(reader, item);
}

/* ---- the whole ---- */

struct root_fields {
	int64_t version, lasts_ms;
	int cause;
	const char *name, *about;
	const struct yaml_node *demand, *auth, *health, *pool, *downstream, *clusters, *timeline;
};

static const struct field root_fields[] = {
	{.key = "version",
		.type = FIELD_INTEGER,
		.offset = offsetof(struct root_fields, version),
		.required = true,
		.min = 1,
		.max = 1,
		.help = "Of this format: 1."},
	{.key = "name",
		.type = FIELD_STRING,
		.offset = offsetof(struct root_fields, name),
		.required = true,
		.help = "What it is called."},
	{.key = "about",
		.type = FIELD_STRING,
		.offset = offsetof(struct root_fields, about),
		.help = "What happens, in a sentence."},
	{.key = "cause",
		.type = FIELD_CHOICE,
		.offset = offsetof(struct root_fields, cause),
		.choices = cause_names,
		.help = "What truly is the matter, for judges."},
	{.key = "lasts",
		.type = FIELD_DURATION,
		.offset = offsetof(struct root_fields, lasts_ms),
		.fallback = "15m",
		.min = 1000,
		.max = 7 * 86400e3,
		.help = "How long it is worth watching."},
	{.key = "demand",
		.type = FIELD_NODE,
		.offset = offsetof(struct root_fields, demand),
		.required = true,
		.help = "Requests per second."},
	{.key = "auth",
		.type = FIELD_NODE,
		.offset = offsetof(struct root_fields, auth),
		.help = "Timeout and retries of the session check."},
	{.key = "health",
		.type = FIELD_NODE,
		.offset = offsetof(struct root_fields, health),
		.help = "How replicas leave and return."},
	{.key = "pool",
		.type = FIELD_NODE,
		.offset = offsetof(struct root_fields, pool),
		.help = "The pool of every replica."},
	{.key = "downstream",
		.type = FIELD_NODE,
		.offset = offsetof(struct root_fields, downstream),
		.help = "What scales down while little gets through."},
	{.key = "clusters",
		.type = FIELD_NODE,
		.offset = offsetof(struct root_fields, clusters),
		.required = true,
		.help = "The clusters by name."},
	{.key = "timeline",
		.type = FIELD_NODE,
		.offset = offsetof(struct root_fields, timeline),
		.help = "What happens, in order of time."},
};

void scenario_init(struct scenario *scenario)
{
	*scenario = (struct scenario){
		.lasts_ms = 900000,
		.noise_period_ms = 20000,
		.auth_timeout_ms = 1000,
		.auth_attempts = 3,
		.auth_backoff_ms = 100,
		.retry_limit = NAN,
		.verdict_min_ms = 2000,
		.verdict_max_ms = 4000,
		.warm_up_ms = 30000,
		.downstream_headroom = 0.3,
		.downstream_shrink_ms = 300000,
		.downstream_grow_ms = 180000,
	};
}

static void read_table(struct reader *reader, const struct field *rows, size_t count,
	const struct yaml_node *node, const char *path, void *out)
{
	if (node)
		fields_read(rows, count, node, path, out, reader->arena, reader->complaints);
}

static void read_root(struct reader *reader, const struct root_fields *root)
{
	struct scenario *scenario = reader->scenario;
	struct demand_fields demand = {.noise_period_ms = 20000};
	struct scenario_pool pool = {.size = 20,
		.clients_max = 300,
		.connections_max = 100,
		.knee = 100,
		.service_time_ms = 20};
	copy_name(scenario->name, sizeof scenario->name, root->name);
	copy_name(scenario->about, sizeof scenario->about, root->about);
	scenario->lasts_ms = root->lasts_ms;
	scenario->cause = root->cause < 0 ? SCENARIO_CAUSE_NONE : (enum scenario_cause)root->cause;
	read_table(reader, demand_fields, COUNT_OF(demand_fields), root->demand, "demand", &demand);
	scenario->web_per_second = demand.web;
	scenario->api_per_second = demand.api;
	scenario->noise = demand.noise;
	scenario->noise_period_ms = demand.noise_period_ms;
	read_table(reader, auth_fields, COUNT_OF(auth_fields), root->auth, "auth", scenario);
	read_table(
		reader, health_fields, COUNT_OF(health_fields), root->health, "health", scenario);
	read_table(reader, downstream_fields, COUNT_OF(downstream_fields), root->downstream,
		"downstream", scenario);
	scenario->downstream = root->downstream != NULL;
	read_pool(reader, root->pool, "pool", &pool);
	read_clusters(reader, root->clusters, &pool);
	read_timeline(reader, root->timeline);
	if (scenario->verdict_max_ms < scenario->verdict_min_ms)
		complaints_add(reader->complaints, root->health->file, root->health->line,
			"health.verdict_max", "expected at least verdict_min");
}

bool scenario_read(
	const struct yaml_node *root, struct scenario *out, struct complaints *complaints)
{
	size_t before = complaints->total;
	struct root_fields given = {0};
	struct scenario *scenario = malloc(sizeof *scenario);
	struct reader reader = {.arena = arena_create(SCENARIO_ARENA_BYTES),
		.complaints = complaints,
		.scenario = scenario};
	if (!scenario || !reader.arena) {
		complaints_add(complaints, root->file, 0, NULL, "no memory for a scenario");
	} else {
		scenario_init(scenario);
		fields_read(root_fields, COUNT_OF(root_fields), root, "", &given, reader.arena,
			complaints);
		read_root(&reader, &given);
	}
	bool ok = complaints->total == before;
	if (ok)
		*out = *scenario;
	free(scenario);
	arena_destroy(reader.arena);
	return ok;
}

bool scenario_load(const char *path, struct scenario *out, struct complaints *complaints)
{
	struct arena *arena = arena_create(SCENARIO_ARENA_BYTES);
	if (!arena) {
		complaints_add(complaints, path, 0, NULL, "no memory for a scenario");
		return false;
	}
	const struct yaml_node *root = yaml_read(arena, path, complaints);
	bool ok = root && scenario_read(root, out, complaints);
	arena_destroy(arena);
	return ok;
}
