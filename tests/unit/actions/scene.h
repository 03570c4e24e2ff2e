/*
 * scene.h - a tiny fleet for the tests of this room: two clusters with three replicas each, and an
 * assessment filled in by hand.
 */
#ifndef TESTS_UNIT_ACTIONS_SCENE_H
#define TESTS_UNIT_ACTIONS_SCENE_H

#include <check.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/plan.h"
#include "core/assess/assess.h"
#include "core/base/error.h"
#include "core/fleet/snapshot.h"

#define SCENE_NOW 1770000000000
#define SCENE_REPLICAS 3

struct scene {
	struct fleet *fleet;
	struct store *store;
	struct snapshot *snapshot;
	struct assessment assessment;
	uint32_t region, a, b;
	uint32_t replicas[2][SCENE_REPLICAS];
	int64_t now_ms;
};

static inline void scene_put(struct scene *scene, uint32_t entity, enum signal signal, double value)
{
	ck_assert(store_put(scene->store, entity, signal, value, scene->now_ms, 1000, 0, NULL));
}

/* Seal what was put, and assess it by hand. */
static inline void scene_seal(struct scene *scene)
{
	snapshot_destroy(scene->snapshot);
	scene->snapshot = store_seal(scene->store, scene->now_ms);
	ck_assert_ptr_nonnull(scene->snapshot);
	scene->assessment.at_ms = scene->now_ms;
	scene->assessment.generation = scene->snapshot->generation;
	scene->assessment.age_ms = 0;
}

/* Every reading once more, now, with these settings. */
static inline void scene_read(struct scene *scene, double weight_a, double weight_b, double size_a)
{
	scene_put(scene, scene->a, SIGNAL_CLUSTER_WEIGHT, weight_a);
	scene_put(scene, scene->b, SIGNAL_CLUSTER_WEIGHT, weight_b);
	for (int i = 0; i < SCENE_REPLICAS; i++) {
		for (int c = 0; c < 2; c++) {
			uint32_t replica = scene->replicas[c][i];
			scene_put(scene, replica, SIGNAL_REPLICA_UP, 1);
			scene_put(scene, replica, SIGNAL_POOL_MAX, c == 0 ? size_a : 20);
			scene_put(scene, replica, SIGNAL_POOL_USED, 10);
			scene_put(scene, replica, SIGNAL_POOL_BUSY, 10);
			scene_put(scene, replica, SIGNAL_POOL_WAITING, 0);
			scene_put(scene, replica, SIGNAL_REPLICA_CONNECTIONS_MAX, 60);
			scene_put(scene, replica, SIGNAL_REPLICA_CONNECTIONS_USED, 12);
		}
	}
	scene_seal(scene);
}

static inline void scene_advance(struct scene *scene, int64_t by_ms)
{
	scene->now_ms += by_ms;
}

static inline struct cluster_assessment scene_row(uint32_t cluster)
{
	return (struct cluster_assessment){
		.cluster = cluster,
		.share = 0.5,
		.replicas_up = SCENE_REPLICAS,
		.replicas_expected = SCENE_REPLICAS,
		.pool_used = 30,
		.pool_max = 60,
		.pool_use = 0.5,
		.waiting = 0,
		.wait_ms = 0,
		.auth_failures = 0,
		.attempts = 1,
		.first_tries = 100,
		.errors = 0,
		.knee = 0.8,
		.age_ms = 0,
	};
}

static inline void scene_open(struct scene *scene)
{
	*scene = (struct scene){.now_ms = SCENE_NOW};
	scene->fleet = fleet_create();
	scene->store = store_create(scene->fleet);
	uint16_t source = 0;
	ck_assert(store_add_source(scene->store, "test", "test", 1000, &source, NULL));
	fleet_intern(scene->fleet, ENTITY_REGION, ENTITY_ROOT, "us-east", &scene->region, NULL);
	fleet_intern(scene->fleet, ENTITY_CLUSTER, scene->region, "east-a", &scene->a, NULL);
	fleet_intern(scene->fleet, ENTITY_CLUSTER, scene->region, "east-b", &scene->b, NULL);
	for (int c = 0; c < 2; c++) {
		uint32_t cluster = c == 0 ? scene->a : scene->b;
		fleet_declare(scene->fleet, cluster);
		fleet_set_connections_max(scene->fleet, cluster, 60);
		for (int i = 0; i < SCENE_REPLICAS; i++) {
			const char name[] = {'r', (char)('1' + i), '\0'};
			fleet_intern(scene->fleet, ENTITY_REPLICA, cluster, name,
				&scene->replicas[c][i], NULL);
			fleet_declare(scene->fleet, scene->replicas[c][i]);
		}
	}
	ck_assert(fleet_set_attribute(scene->fleet, scene->a, "pooler", "127.0.0.1", NULL));
	ck_assert(fleet_set_attribute(scene->fleet, scene->b, "pooler", "x; rm -rf", NULL));
	assessment_init(&scene->assessment);
	scene->assessment.phase = PHASE_NORMAL;
	scene->assessment.severity = SEVERITY_OK;
	scene->assessment.clusters = calloc(2, sizeof(struct cluster_assessment));
	scene->assessment.cluster_count = 2;
	scene->assessment.clusters[0] = scene_row(scene->a);
	scene->assessment.clusters[1] = scene_row(scene->b);
	scene_read(scene, 100, 100, 20);
}

static inline void scene_close(struct scene *scene)
{
	assessment_finish(&scene->assessment);
	snapshot_destroy(scene->snapshot);
	store_destroy(scene->store);
	fleet_destroy(scene->fleet);
}

static inline struct guard_config scene_limits(void)
{
	return (struct guard_config){
		.ceiling = 0.85,
		.max_step = 2,
		.max_divert = 0.25,
		.max_return = 0.10,
		.blast_radius = 0.30,
		.max_age_ms = 5000,
		.cooldown_ms = 10000,
		.plan_expires_ms = 60000,
		.verify_within_ms = 90000,
		.expire_ms = 60000,
		.brake = 100,
		.brake_window_ms = 600000,
		.min_serving = 2,
		.max_held = 1,
		.approve_within_ms = 600000,
	};
}

/* A directory of its own for a test; scene_remove() takes it away. */
static inline void scene_directory(char out[64])
{
	snprintf(out, 64, "/tmp/spillway-actions-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(out));
}

static inline int scene_remove_one(
	const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

static inline void scene_remove(const char *directory)
{
	nftw(directory, scene_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline int scene_main(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
