/*
 * bench-assess: what one assessment costs, for fleets of 100 to 1,000 clusters of ten replicas
 * each: the largest is assessed in full, 10,000 replicas in 1,000 clusters. `first` is the median
 * of the first minute, when means still begin at the first sample.
 *
 * Every replica, service and surface says something new before every tick, which is the worst a
 * poll of everything at once can do. Allocations are counted where they are made, by wrapping the
 * allocator; memory is what the assessor and its result hold.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/assess/assess.h"
#include "core/base/error.h"
#include "core/fleet/history.h"
#include "core/fleet/snapshot.h"

#define REPLICAS 10
#define FIRST_TICKS 60
#define WARM_UP_TICKS 130
#define TICKS 40
#define GOAL_MS 10.0

static size_t allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);

void *__wrap_malloc(size_t size)
{
	allocations++;
	return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	allocations++;
	return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	allocations++;
	return __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
	allocations++;
	return __real_reallocarray(old, count, size);
}

struct bench {
	struct fleet *fleet;
	struct store *store;
	struct history *history;
	struct assessor *assessor;
	struct assessment seen;
	uint16_t source;
	int64_t now_ms;
	uint64_t state;
};

static void *must(void *memory)
{
	if (!memory) {
		fputs("bench-assess: no memory\n", stderr);
		exit(1);
	}
	return memory;
}

static uint32_t intern(
	struct bench *bench, enum entity_kind kind, uint32_t parent, const char *name)
{
	struct error error = {0};
	uint32_t id;
	if (!fleet_intern(bench->fleet, kind, parent, name, &id, &error)) {
		fprintf(stderr, "bench-assess: %s\n", error.text);
		exit(1);
	}
	return id;
}

static void build(struct bench *bench, unsigned clusters)
{
	struct error error = {0};
	char name[32];
	*bench = (struct bench){.now_ms = 1770000000000, .state = 88172645463325252u};
	bench->fleet = must(fleet_create());
	bench->store = must(store_create(bench->fleet));
	bench->history = must(history_create(64, (size_t)2 << 30));
	bench->assessor = must(assessor_create());
	assessment_init(&bench->seen);
	for (unsigned i = 0; i < clusters; i++) {
		snprintf(name, sizeof(name), "cluster-%u", i);
		uint32_t cluster = intern(bench, ENTITY_CLUSTER, ENTITY_ROOT, name);
		for (unsigned j = 0; j < REPLICAS; j++) {
			snprintf(name, sizeof(name), "r%u", j);
			fleet_declare(bench->fleet, intern(bench, ENTITY_REPLICA, cluster, name));
		}
		intern(bench, ENTITY_SERVICE, cluster, "auth");
		intern(bench, ENTITY_SURFACE, cluster, "web");
	}
	store_add_source(bench->store, "all", "bench", 1000, &bench->source, &error);
}

static void destroy(struct bench *bench)
{
	assessment_finish(&bench->seen);
	assessor_destroy(bench->assessor);
	history_destroy(bench->history);
	store_destroy(bench->store);
	fleet_destroy(bench->fleet);
}

/* About `mean`, up to a twentieth more or less. */
static double near(struct bench *bench, double mean)
{
	bench->state ^= bench->state << 13;
	bench->state ^= bench->state >> 7;
	bench->state ^= bench->state << 17;
	return mean * (0.95 + 0.1 * (double)(bench->state % 1000) / 1000);
}

static void put(struct bench *bench, uint32_t id, enum signal signal, double value)
{
	struct error error;
	store_put(bench->store, id, signal, value, bench->now_ms, 1000, bench->source, &error);
	history_append(bench->history, id, signal, bench->now_ms, value);
}

static void report(struct bench *bench)
{
	for (uint32_t id = 0; id < fleet_count(bench->fleet); id++) {
		enum entity_kind kind = fleet_entity(bench->fleet, id)->kind;
		if (kind == ENTITY_CLUSTER)
			put(bench, id, SIGNAL_CLUSTER_WEIGHT, 1);
		if (kind == ENTITY_REPLICA) {
			put(bench, id, SIGNAL_REPLICA_UP, 1);
			put(bench, id, SIGNAL_REPLICA_MAINTENANCE, 0);
			put(bench, id, SIGNAL_REPLICA_LAG, 0.1);
			put(bench, id, SIGNAL_REPLICA_QUERIES, near(bench, 500));
			put(bench, id, SIGNAL_POOL_MAX, 20);
			put(bench, id, SIGNAL_POOL_USED, near(bench, 10));
			put(bench, id, SIGNAL_POOL_BUSY, near(bench, 10));
			put(bench, id, SIGNAL_POOL_WAITING, 0);
			put(bench, id, SIGNAL_POOL_WAIT, near(bench, 1));
		}
		if (kind == ENTITY_SERVICE) {
			put(bench, id, SIGNAL_SERVICE_FIRST_TRIES, near(bench, 5000));
			put(bench, id, SIGNAL_SERVICE_ATTEMPTS, near(bench, 5050));
			put(bench, id, SIGNAL_SERVICE_FAILURES, near(bench, 1));
		}
		if (kind == ENTITY_SURFACE) {
			put(bench, id, SIGNAL_SURFACE_REQUESTS, near(bench, 3000));
			put(bench, id, SIGNAL_SURFACE_ERRORS, near(bench, 1));
		}
	}
	store_source(bench->store, bench->source)->state = SOURCE_OK;
	store_source(bench->store, bench->source)->last_ok_ms = bench->now_ms;
}

static double now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* One tick; what assessing took, in ms of processor time. */
static double tick(struct bench *bench)
{
	bench->now_ms += 1000;
	report(bench);
	struct snapshot *snapshot = must(store_seal(bench->store, bench->now_ms));
	size_t before = allocations;
	double began_ms = now_ms();
	if (!assess(bench->assessor, snapshot, bench->history, bench->now_ms, &bench->seen))
		exit(1);
	double took_ms = now_ms() - began_ms;
	allocations -= before;
	snapshot_destroy(snapshot);
	return took_ms;
}

static int compare(const void *a, const void *b)
{
	const double *left = a, *right = b;
	return (*left > *right) - (*left < *right);
}

/* Bytes that are freed with the assessor and its result. */
static size_t held_bytes(struct bench *bench)
{
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	assessment_finish(&bench->seen);
	assessor_destroy(bench->assessor);
	bench->assessor = NULL;
	return before - mallinfo2().uordblks - mallinfo2().hblkhd;
}

int main(void)
{
	static const unsigned sizes[] = {100, 250, 500, 1000};
	double took_ms[TICKS], first_ms[FIRST_TICKS];
	printf("%10s %10s %12s %12s %12s %16s %14s\n", "clusters", "replicas", "first ms", "p50 ms",
		"worst ms", "allocations", "bytes/replica");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct bench bench;
		size_t made = 0;
		build(&bench, sizes[i]);
		for (int j = 0; j < FIRST_TICKS; j++)
			first_ms[j] = tick(&bench);
		for (int j = FIRST_TICKS; j < WARM_UP_TICKS; j++)
			tick(&bench);
		for (int j = 0; j < TICKS; j++) {
			allocations = 0;
			took_ms[j] = tick(&bench);
			made += allocations;
		}
		qsort(took_ms, TICKS, sizeof(took_ms[0]), compare);
		qsort(first_ms, FIRST_TICKS, sizeof(first_ms[0]), compare);
		unsigned replicas = sizes[i] * REPLICAS;
		const char *phase = phase_name(bench.seen.phase);
		printf("%10u %10u %12.2f %12.2f %12.2f %16zu %14zu  %s%s\n", sizes[i], replicas,
			first_ms[FIRST_TICKS / 2], took_ms[TICKS / 2], took_ms[TICKS - 1], made,
			held_bytes(&bench) / replicas, phase,
			replicas < 10000               ? ""
			: took_ms[TICKS / 2] < GOAL_MS ? ", goal < 10 ms: met"
						       : ", goal < 10 ms: MISSED");
		destroy(&bench);
	}
	return 0;
}
