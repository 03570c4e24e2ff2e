/*
 * How long planning takes on a large fleet, and what a change costs beyond its bare request. Prints
 * goal and measured, and judges nothing. Usage: bench-actions [DIRECTORY for the journal]
 */
#include <arpa/inet.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actions/executor.h"
#include "actions/journal.h"
#include "core/assess/assess.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/fleet/snapshot.h"
#include "core/wire/http.h"

#define NOW_MS 1770000000000
#define CLUSTERS 1000 /* of the large fleet */
#define FEW 4         /* of the small one */
#define REPLICAS_EACH 10
#define ROUNDS 101
#define WEIGHT 100.0

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench-actions: %s\n", what);
	exit(1);
}

struct place {
	struct fleet *fleet;
	struct store *store;
	struct snapshot *snapshot;
	struct assessment assessment;
	uint32_t clusters[CLUSTERS];
	int count;
};

static void put(struct place *place, uint32_t entity, enum signal signal, double value)
{
	must(store_put(place->store, entity, signal, value, NOW_MS, 1000, 0, NULL), "store_put");
}

static void add_replica(struct place *place, uint32_t cluster, int number)
{
	char name[16];
	uint32_t id = 0;
	snprintf(name, sizeof(name), "r%d", number);
	must(fleet_intern(place->fleet, ENTITY_REPLICA, cluster, name, &id, NULL), "a replica");
	fleet_declare(place->fleet, id);
	put(place, id, SIGNAL_REPLICA_UP, 1);
	put(place, id, SIGNAL_POOL_MAX, 20);
	put(place, id, SIGNAL_POOL_USED, 10);
	put(place, id, SIGNAL_POOL_BUSY, 10);
	put(place, id, SIGNAL_POOL_WAITING, 0);
	put(place, id, SIGNAL_REPLICA_CONNECTIONS_MAX, 60);
}

static struct cluster_assessment row_of(uint32_t cluster)
{
	return (struct cluster_assessment){
		.cluster = cluster,
		.share = 1.0 / CLUSTERS,
		.replicas_up = REPLICAS_EACH,
		.replicas_expected = REPLICAS_EACH,
		.pool_used = 10 * REPLICAS_EACH,
		.demand = 10 * REPLICAS_EACH,
		.pool_max = 20 * REPLICAS_EACH,
		.pool_use = 0.5,
		.attempts = 1,
		.first_tries = 100,
		.knee = 0.8,
	};
}

static void open_place(struct place *place, int count)
{
	uint16_t source = 0;
	place->fleet = fleet_create();
	place->store = store_create(place->fleet);
	must(place->store && store_add_source(place->store, "b", "b", 1000, &source, NULL),
		"store");
	assessment_init(&place->assessment);
	place->assessment.clusters = calloc(CLUSTERS, sizeof(*place->assessment.clusters));
	place->assessment.cluster_count = (size_t)count;
	place->count = count;
	for (int i = 0; i < count; i++) {
		char name[16];
		snprintf(name, sizeof(name), "c%d", i);
		must(fleet_intern(place->fleet, ENTITY_CLUSTER, ENTITY_ROOT, name,
			     &place->clusters[i], NULL),
			"a cluster");
		fleet_declare(place->fleet, place->clusters[i]);
		fleet_set_connections_max(place->fleet, place->clusters[i], 60);
		put(place, place->clusters[i], SIGNAL_CLUSTER_WEIGHT, WEIGHT);
		for (int r = 0; r < REPLICAS_EACH; r++)
			add_replica(place, place->clusters[i], r);
		place->assessment.clusters[i] = row_of(place->clusters[i]);
	}
	place->snapshot = store_seal(place->store, NOW_MS);
	must(place->snapshot != NULL, "a snapshot");
	place->assessment.at_ms = NOW_MS;
	place->assessment.generation = place->snapshot->generation;
}

static void close_place(struct place *place)
{
	assessment_finish(&place->assessment);
	snapshot_destroy(place->snapshot);
	store_destroy(place->store);
	fleet_destroy(place->fleet);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static void print(const char *what, double goal_ms, double took_ms[ROUNDS])
{
	qsort(took_ms, ROUNDS, sizeof(took_ms[0]), by_size);
	printf("%-52s goal < %4.1f ms   measured p50 %7.3f ms  p99 %7.3f ms\n", what, goal_ms,
		took_ms[ROUNDS / 2], took_ms[ROUNDS * 99 / 100]);
}

static struct guard_config limits(void)
{
	return (struct guard_config){.ceiling = 0.85,
		.max_step = 2,
		.max_divert = 0.25,
		.max_return = 0.10,
		.blast_radius = 0.30,
		.max_held = 1,
		.cooldown_ms = 0,
		.max_age_ms = 5000,
		.plan_expires_ms = 60000,
		.verify_within_ms = 90000,
		.expire_ms = 60000,
		.brake = 100000,
		.brake_window_ms = 600000,
		.min_serving = 2,
		.approve_within_ms = 600000};
}

static struct action_config divert(const char *url)
{
	return (struct action_config){
		.info = {.name = "divert",
			.verb = verb_find("cluster.divert"),
			.transport = "http"},
		.road = ACTION_BY_HTTP,
		.http = {.method = "POST",
			.url = url,
			.json = "{\"weight\":{weight}}",
			.timeout_ms = 5000},
	};
}

static void plan_often(
	struct place *place, const struct action_config *action, double to, const char *what)
{
	double took[ROUNDS];
	struct plan *plan = malloc(sizeof(*plan));
	struct error error = {0};
	const struct guard_config guards = limits();
	const struct plan_facts facts = {.environment = "b", .armed = true, .journal_trouble = ""};
	must(plan != NULL, "memory");
	plan_init(plan);
	for (int i = 0; i < ROUNDS; i++) {
		int64_t began_us = clock_stopwatch_us();
		must(plan_make(action, &guards, &facts, place->snapshot, &place->assessment,
			     place->clusters[i * 7 % place->count], to, NOW_MS, plan, &error),
			error.text);
		took[i] = (double)(clock_stopwatch_us() - began_us) / 1000.0;
	}
	print(what, 20, took);
	plan_finish(plan);
	free(plan);
}

/* ---- a far end that says yes ---- */

static void serve(int listener)
{
	static const char yes[] =
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
	char bytes[4096];
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		if (fd < 0)
			_exit(0);
		size_t used = 0;
		ssize_t got = 0;
		do {
			got = read(fd, bytes + used, sizeof(bytes) - 1 - used);
			used += got > 0 ? (size_t)got : 0;
			bytes[used] = '\0';
		} while (got > 0 && !strchr(bytes, '}'));
		if (write(fd, yes, sizeof(yes) - 1) < 0)
			_exit(1);
		close(fd);
	}
}

static pid_t start_server(int *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	must(listener >= 0 && bind(listener, (struct sockaddr *)&address, size) == 0 &&
			listen(listener, 64) == 0 &&
			getsockname(listener, (struct sockaddr *)&address, &size) == 0,
		"no server");
	*port = ntohs(address.sin_port);
	pid_t pid = fork();
	if (pid == 0)
		serve(listener);
	close(listener);
	return pid;
}

static void answered(void *context, const struct http_reply *reply, const struct error *error)
{
	bool *done = context;
	must(reply && !error, "the bare request failed");
	*done = true;
}

static void bare_often(struct loop *loop, struct http *http, const char *url, double took[ROUNDS])
{
	const struct http_request request = {.method = "POST",
		.url = url,
		.body = "{\"weight\":90}",
		.body_length = 13,
		.timeout_ms = 5000,
		.mutation = true};
	for (int i = 0; i < ROUNDS; i++) {
		bool done = false;
		int64_t began_us = clock_stopwatch_us();
		must(http_send(http, &request, answered, &done, NULL) != 0, "http_send");
		while (!done)
			must(loop_turn(loop, 1000, NULL), "loop");
		took[i] = (double)(clock_stopwatch_us() - began_us) / 1000.0;
	}
}

/* From the confirmed plan to the answer taken down: planned anew, guarded, journalled, sent. */
static void act_often(
	struct place *place, struct executor *executor, struct loop *loop, double took[ROUNDS])
{
	struct plan *plan = malloc(sizeof(*plan));
	must(plan != NULL, "memory");
	plan_init(plan);
	for (int i = 0; i < ROUNDS; i++) {
		struct error error = {0};
		enum outcome_code code = OUTCOME_DONE;
		must(executor_plan(executor, "divert", place->clusters[i % place->count], 90, "b",
			     NULL, 0, place->snapshot, &place->assessment, NOW_MS, plan, &error),
			error.text);
		int64_t began_us = clock_stopwatch_us();
		must(executor_start(executor, plan, plan->hash, "", place->snapshot,
			     &place->assessment, NOW_MS, &code, &error),
			error.text);
		while (executor_run(executor)->state < RUN_VERIFYING)
			must(loop_turn(loop, 1000, NULL), "loop");
		took[i] = (double)(clock_stopwatch_us() - began_us) / 1000.0;
		executor_interrupt(executor, NOW_MS);
	}
	plan_finish(plan);
	free(plan);
}

static void measure_overhead(
	struct place *place, const char *directory, const char *what, double goal_ms)
{
	char path[512];
	char url[96];
	char bare_url[64];
	int port = 0;
	struct clock clock;
	struct error error = {0};
	double bare[ROUNDS];
	double whole[ROUNDS];
	pid_t server = start_server(&port);
	snprintf(path, sizeof(path), "%s/bench-journal-%d.jsonl", directory, (int)getpid());
	snprintf(bare_url, sizeof(bare_url), "http://127.0.0.1:%d/c0", port);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/{cluster}", port);
	clock_init_manual(&clock, NOW_MS);
	struct loop *loop = loop_create(&clock, &error);
	struct http *http = loop ? http_create(loop, &error) : NULL;
	struct action_config action = divert(url);
	struct action_configs configs = {
		.rows = &action, .count = 1, .guards = limits(), .journal_file = path};
	struct journal *journal = journal_open(path, &error);
	must(http && journal, error.text);
	struct executor *executor =
		executor_create(loop, http, NULL, journal, &configs, "bench", &error);
	must(executor != NULL, error.text);
	executor_arm(executor, NOW_MS + 3600000);
	bare_often(loop, http, bare_url, bare);
	act_often(place, executor, loop, whole);
	qsort(bare, ROUNDS, sizeof(bare[0]), by_size);
	qsort(whole, ROUNDS, sizeof(whole[0]), by_size);
	printf("%-52s goal < %4.1f ms   measured p50 %7.3f ms  (bare %.3f ms)\n", what, goal_ms,
		whole[ROUNDS / 2] - bare[ROUNDS / 2], bare[ROUNDS / 2]);
	executor_destroy(executor);
	journal_close(journal);
	http_destroy(http);
	loop_destroy(loop);
	unlink(path);
	snprintf(path, sizeof(path), "%s/bench-journal-%d.jsonl.head", directory, (int)getpid());
	unlink(path);
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
}

int main(int argc, char **argv)
{
	static struct place place;
	static struct place small;
	const char *directory = argc > 1 ? argv[1] : "/tmp";
	signal(SIGPIPE, SIG_IGN);
	open_place(&place, CLUSTERS);
	open_place(&small, FEW);
	struct action_config action = divert("http://lb/{cluster}");
	plan_often(&place, &action, 90, "plan a divert, 10,000 replicas in 1,000 clusters");
	plan_often(&place, &action, 5, "the same, refused, with the largest safe step");
	struct action_config resize = {
		.info = {.name = "resize", .verb = verb_find("pool.resize"), .transport = "sql"},
		.road = ACTION_BY_SQL,
		.sql = {.url = "postgresql://ops@{replica}/pgbouncer",
			.statement = "SET x = {size}"},
	};
	plan_often(&place, &resize, 30, "plan a resize of a cluster's pools");
	measure_overhead(&small, "/dev/shm", "an action adds, journal in memory, 40 replicas", 5);
	measure_overhead(&small, directory, "the same with the journal on disk, 3 fsyncs", 0);
	measure_overhead(&place, directory, "the same planned anew on 10,000 replicas", 0);
	close_place(&place);
	close_place(&small);
	return 0;
}
