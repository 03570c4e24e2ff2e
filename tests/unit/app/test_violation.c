#include "app/violation.h"

#include "actions/config.h"
#include "tests/unit/actions/scene.h"

/* A sound change of the little fleet, and one thing wrong with it at a time. */
enum wrong {
	WRONG_NOTHING,
	WRONG_BLOCKED,
	WRONG_OLD,
	WRONG_ONE_POOL_OLD,
	WRONG_UNKNOWN,
	WRONG_CEILING,
	WRONG_LINE_UNKNOWN,
	WRONG_HIGH_BUT_BETTER,
	WRONG_BLAST,
	WRONG_STEP,
};

static const struct {
	const char *verb;
	double from, to;
	enum wrong wrong;
	unsigned counts[VIOLATION_COUNT]; /* blind, blocked, stale, ceiling, blast, step */
} cases[] = {
	{"cluster.divert", 100, 80, WRONG_NOTHING, {0, 0, 0, 0, 0, 0}},
	{"pool.resize", 20, 40, WRONG_NOTHING, {0, 0, 0, 0, 0, 0}},
	{"cluster.divert", 100, 80, WRONG_BLOCKED, {0, 1, 0, 0, 0, 0}},
	{"cluster.divert", 100, 80, WRONG_OLD, {0, 0, 1, 0, 0, 0}},
	{"cluster.divert", 100, 80, WRONG_ONE_POOL_OLD, {0, 0, 1, 0, 0, 0}},
	{"cluster.divert", 100, 80, WRONG_UNKNOWN, {0, 0, 0, 1, 0, 0}},
	{"cluster.divert", 100, 80, WRONG_CEILING, {0, 0, 0, 1, 0, 0}},
	{"cluster.divert", 100, 80, WRONG_LINE_UNKNOWN, {0, 0, 0, 1, 0, 0}},
	{"cluster.divert", 100, 80, WRONG_HIGH_BUT_BETTER, {0, 0, 0, 0, 0, 0}},
	{"cluster.divert", 100, 80, WRONG_BLAST, {0, 0, 0, 0, 1, 0}},
	{"cluster.divert", 100, 74, WRONG_STEP, {0, 0, 0, 0, 0, 1}},
	{"cluster.divert", 74, 100, WRONG_NOTHING, {0, 0, 0, 0, 0, 0}},
	{"pool.resize", 20, 41, WRONG_STEP, {0, 0, 0, 0, 0, 1}},
	{"pool.resize", NAN, 30, WRONG_STEP, {0, 0, 0, 0, 0, 1}},
};

static void spoil(struct scene *scene, struct plan *plan, enum wrong wrong)
{
	struct projection_line *line = &plan->projection.lines[1];
	plan->blocked = wrong == WRONG_BLOCKED;
	if (wrong == WRONG_OLD)
		scene_advance(scene, 6000);
	if (wrong == WRONG_ONE_POOL_OLD) {
		scene_advance(scene, 6000);
		scene_put(scene, scene->a, SIGNAL_CLUSTER_WEIGHT, 100);
		for (int i = 0; i < 2 * SCENE_REPLICAS; i++) {
			uint32_t replica = scene->replicas[i / SCENE_REPLICAS][i % SCENE_REPLICAS];
			scene_put(scene, replica, SIGNAL_REPLICA_UP, 1);
			if (i > 0)
				scene_put(scene, replica, SIGNAL_POOL_USED, 10);
		}
		scene_seal(scene);
	}
	plan->projection.known = wrong != WRONG_UNKNOWN;
	line->known = wrong != WRONG_LINE_UNKNOWN;
	if (wrong == WRONG_CEILING || wrong == WRONG_HIGH_BUT_BETTER)
		line->use_high = 0.97;
	if (wrong == WRONG_HIGH_BUT_BETTER)
		line->use_most_before = 1.2;
	if (wrong == WRONG_BLAST)
		plan->projection.moved_share = 0.31;
}

START_TEST(test_judged)
{
	struct scene scene;
	struct plan plan;
	struct violations violations = {.counts = {0}};
	const struct guard_config limits = scene_limits();
	scene_open(&scene);
	plan_init(&plan);
	plan.verb = verb_find(cases[_i].verb);
	plan.target = scene.a;
	plan.from = cases[_i].from;
	plan.to = cases[_i].to;
	plan.projection.moved_share = 0.05;
	plan.projection.line_count = 2;
	plan.projection.lines = calloc(2, sizeof(*plan.projection.lines));
	ck_assert_ptr_nonnull(plan.projection.lines);
	for (int i = 0; i < 2; i++)
		plan.projection.lines[i] = (struct projection_line){
			.cluster = i == 0 ? scene.a : scene.b,
			.use_most_before = 0.7,
			.use_high = 0.8,
			.changed = true,
			.known = true,
		};
	spoil(&scene, &plan, cases[_i].wrong);
	violations_judge(&violations, &plan, &limits, scene.snapshot, scene.now_ms);
	unsigned total = 0;
	for (unsigned v = 0; v < VIOLATION_COUNT; v++) {
		ck_assert_msg(violations.counts[v] == cases[_i].counts[v], "case %d: %u %s", _i,
			violations.counts[v], violation_name((enum violation)v));
		total += cases[_i].counts[v];
	}
	ck_assert_uint_eq(violations_total(&violations), total);
	plan_finish(&plan);
	scene_close(&scene);
}
END_TEST

static Suite *violation_suite(void)
{
	Suite *suite = suite_create("violation");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, test_judged, 0, sizeof(cases) / sizeof(cases[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return scene_main(violation_suite());
}
