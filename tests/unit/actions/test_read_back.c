#include "actions/read_back.h"

#include "tests/unit/actions/scene.h"

/* A divert of east-a from 100 to 80, or pools from 20 to 30, seen a second after the reply. */
static const struct {
	const char *what;
	const char *verb;
	double weight, size; /* as read afterwards */
	double waiting;      /* at the target, 4 before */
	double used_b;       /* at the survivor, 30 of 60 before */
	bool is_old, is_stale, is_part;
	enum read_back_kind kind;
	enum effect effect;
} cases[] = {
	{"applied", "cluster.divert", 80, 20, 4, 30, false, false, false, READ_BACK_TO,
		EFFECT_GOOD},
	{"not applied", "cluster.divert", 100, 20, 4, 30, false, false, false, READ_BACK_FROM,
		EFFECT_GOOD},
	{"other", "cluster.divert", 90, 20, 4, 30, false, false, false, READ_BACK_OTHER,
		EFFECT_GOOD},
	{"read before the reply", "cluster.divert", 80, 20, 4, 30, true, false, false,
		READ_BACK_NONE, EFFECT_UNKNOWN},
	{"queue within its slack", "cluster.divert", 80, 20, 16, 30, false, false, false,
		READ_BACK_TO, EFFECT_GOOD},
	{"queue grew", "cluster.divert", 80, 20, 17, 30, false, false, false, READ_BACK_TO,
		EFFECT_WORSE},
	{"survivor past the ceiling", "cluster.divert", 80, 20, 4, 52, false, false, false,
		READ_BACK_TO, EFFECT_WORSE},
	{"load cannot be seen", "cluster.divert", 80, 20, 4, 30, false, true, false, READ_BACK_TO,
		EFFECT_UNKNOWN},
	{"pools grown", "pool.resize", 100, 30, 4, 30, false, false, false, READ_BACK_TO,
		EFFECT_GOOD},
	{"one pool lags", "pool.resize", 100, 30, 4, 30, false, false, true, READ_BACK_PARTLY,
		EFFECT_GOOD},
	{"no pool changed", "pool.resize", 100, 20, 4, 30, false, false, false, READ_BACK_FROM,
		EFFECT_GOOD},
};

START_TEST(test_read_back)
{
	struct scene scene;
	struct read_back seen;
	struct plan plan;
	const struct guard_config limits = scene_limits();
	bool is_divert = strcmp(cases[_i].verb, "cluster.divert") == 0;
	scene_open(&scene);
	plan_init(&plan);
	plan.verb = verb_find(cases[_i].verb);
	plan.target = scene.a;
	plan.from = is_divert ? 100 : 20;
	plan.to = is_divert ? 80 : 30;
	plan.waiting_before = 4;
	plan.effect_count = 2;
	plan.effects[0] = (struct plan_effect){
		.cluster = "east-a", .share_before = 0.5, .share_after = 0.44, .changed = true};
	plan.effects[1] = (struct plan_effect){.cluster = "east-b",
		.share_before = 0.5,
		.share_after = is_divert ? 0.56 : 0.5,
		.use_before = 0.5,
		.changed = is_divert};
	int64_t replied_ms = scene.now_ms + 500;
	uint64_t generation = scene.snapshot->generation;
	scene_advance(&scene, cases[_i].is_old ? 500 : 1000);
	scene_read(&scene, cases[_i].weight, 100, cases[_i].size);
	if (cases[_i].is_part) {
		scene_advance(&scene, 1);
		scene_put(&scene, scene.replicas[0][2], SIGNAL_POOL_MAX, 20);
		scene_seal(&scene);
	}
	scene.assessment.clusters[0].waiting = cases[_i].waiting;
	scene.assessment.clusters[0].stale = cases[_i].is_stale;
	scene.assessment.clusters[1].pool_used = cases[_i].used_b;
	read_back_see(
		&plan, &limits, scene.snapshot, &scene.assessment, replied_ms, generation, &seen);
	ck_assert_msg(seen.kind == cases[_i].kind, "%s: %d %s", cases[_i].what, (int)seen.kind,
		seen.text);
	ck_assert_msg(seen.effect == cases[_i].effect, "%s: %d %s", cases[_i].what,
		(int)seen.effect, seen.text);
	ck_assert(seen.text[0] != '\0');
	plan_finish(&plan);
	scene_close(&scene);
}
END_TEST

/* The pools of east-a from 20 to 30, the first `count` of them asked. */
static void resize(struct plan *plan, const struct scene *scene, size_t count)
{
	plan_init(plan);
	plan->verb = verb_find("pool.resize");
	plan->target = scene->a;
	plan->from = 20;
	plan->to = 30;
	plan->request_count = count;
	for (size_t i = 0; i < count; i++)
		plan->requests[i].replica = scene->replicas[0][i];
}

/* One that came back meanwhile was not asked, and stands for none that was. */
START_TEST(test_others_stand_for_none_that_was_asked)
{
	struct scene scene;
	struct read_back seen;
	struct plan plan;
	const struct guard_config limits = scene_limits();
	scene_open(&scene);
	resize(&plan, &scene, SCENE_REPLICAS - 1);
	scene_advance(&scene, 2000);
	scene_read(&scene, 100, 100, 20);
	scene_advance(&scene, 1);
	scene_put(&scene, scene.replicas[0][0], SIGNAL_REPLICA_UP, 0);
	scene_seal(&scene);
	read_back_see(&plan, &limits, scene.snapshot, &scene.assessment, SCENE_NOW, 1, &seen);
	ck_assert_int_eq(seen.kind, READ_BACK_NONE);
	ck_assert_ptr_nonnull(strstr(seen.text, "1 of the 2"));
	plan_finish(&plan);
	scene_close(&scene);
}
END_TEST

/* A pool that was asked and went out of sight may have what it was asked for, or not. */
START_TEST(test_unseen_pools_prove_nothing)
{
	struct scene scene;
	struct read_back seen;
	struct plan plan;
	const struct guard_config limits = scene_limits();
	static const double sizes[] = {20, 30};
	scene_open(&scene);
	resize(&plan, &scene, SCENE_REPLICAS);
	scene_advance(&scene, 1000);
	for (size_t i = 0; i < 2; i++) {
		scene_advance(&scene, 1000);
		scene_read(&scene, 100, 100, sizes[i]);
		scene_advance(&scene, 1);
		scene_put(&scene, scene.replicas[0][1], SIGNAL_REPLICA_UP, 0);
		scene_seal(&scene);
		read_back_see(
			&plan, &limits, scene.snapshot, &scene.assessment, SCENE_NOW, 1, &seen);
		ck_assert_int_eq(seen.kind, READ_BACK_NONE);
		ck_assert_ptr_nonnull(strstr(seen.text, "2 of the 3"));
	}
	plan_finish(&plan);
	scene_close(&scene);
}
END_TEST

START_TEST(test_same_generation_proves_nothing)
{
	struct scene scene;
	struct read_back seen;
	struct plan plan;
	const struct guard_config limits = scene_limits();
	scene_open(&scene);
	plan_init(&plan);
	plan.verb = verb_find("cluster.divert");
	plan.target = scene.a;
	plan.from = 80;
	plan.to = 100;
	read_back_see(&plan, &limits, scene.snapshot, &scene.assessment, scene.now_ms - 1,
		scene.snapshot->generation, &seen);
	ck_assert_int_eq(seen.kind, READ_BACK_NONE);
	read_back_see(&plan, &limits, scene.snapshot, &scene.assessment, scene.now_ms - 1,
		scene.snapshot->generation - 1, &seen);
	ck_assert_int_eq(seen.kind, READ_BACK_TO);
	plan_finish(&plan);
	scene_close(&scene);
}
END_TEST

static Suite *read_back_suite(void)
{
	Suite *suite = suite_create("read_back");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, test_read_back, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, test_same_generation_proves_nothing);
	tcase_add_test(tcase, test_unseen_pools_prove_nothing);
	tcase_add_test(tcase, test_others_stand_for_none_that_was_asked);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return scene_main(read_back_suite());
}
