#include "app/brief.h"

#include "app/control.h"
#include "app/engine.h"
#include "tests/unit/actions/rig.h"

/* A pause, and what ends it. */
struct desk {
	struct rig rig;
	struct action_config actions[2];
	struct control control;
	struct engine engine;
	struct brief brief;
};

static void second_of_pause(struct desk *desk, double paused)
{
	struct scene *scene = &desk->rig.scene;
	scene_advance(scene, 1000);
	clock_set(&desk->rig.clock, scene->now_ms);
	for (int i = 0; i < SCENE_REPLICAS; i++)
		scene_put(scene, scene->replicas[0][i], SIGNAL_POOL_PAUSED, paused);
	scene_read(scene, 100, 100, 20);
	desk->engine.snapshot = scene->snapshot;
	desk->engine.assessment = scene->assessment;
	executor_tick(desk->rig.executor, scene->snapshot, &scene->assessment, scene->now_ms);
}

static bool tick(struct desk *desk, double paused)
{
	second_of_pause(desk, paused);
	return brief_tick(&desk->brief, &desk->control, &desk->engine, "demo");
}

static void open_desk(struct desk *desk)
{
	struct rig *rig = &desk->rig;
	struct error error = {0};
	*desk = (struct desk){.brief = {.tries = 0}};
	open_rig(rig, SCRIPT_OK);
	desk->actions[0] = desk->actions[1] = rig->action;
	desk->actions[0].info = (struct action_info){
		.name = "pause", .verb = verb_find("pool.pause"), .transport = "http"};
	desk->actions[0].http.json = "{\"paused\":true}";
	desk->actions[0].undo_action = &desk->actions[1];
	desk->actions[1].info = (struct action_info){
		.name = "resume", .verb = verb_find("pool.resume"), .transport = "http"};
	desk->actions[1].http.json = "{\"paused\":false}";
	rig->configs.rows = desk->actions;
	rig->configs.count = 2;
	desk->control = (struct control){.configs = rig->configs,
		.journal = rig->journal,
		.executor = rig->executor,
		.may_write = true};
	desk->engine = (struct engine){.loop = rig->loop};
	brief_init(&desk->brief, &desk->engine);
	second_of_pause(desk, 0);
	const char *const overrides[] = {"capacity", "blast-radius"};
	ck_assert_msg(executor_plan(rig->executor, "pause", rig->scene.a, 1, "demo", overrides, 2,
			      rig->scene.snapshot, &rig->scene.assessment, rig->scene.now_ms,
			      &rig->plan, &error),
		"%s", error.text);
	must_start(rig);
	turn_until(rig, RUN_VERIFYING);
	rig->peer.requests = 0;
	executor_disarm(rig->executor);
}

static void close_desk(struct desk *desk)
{
	brief_finish(&desk->brief);
	verify_journal(&desk->rig);
	close_rig(&desk->rig);
}

/* A pause always ends, also where the operator has disarmed meanwhile. */
START_TEST(ended_though_disarmed)
{
	struct desk desk;
	open_desk(&desk);
	int seconds = 0;
	while (tick(&desk, 1) && !desk.brief.plan.is_end) {
		ck_assert_uint_eq(desk.rig.peer.requests, 0);
		ck_assert_int_lt(seconds++, 20);
	}
	ck_assert_int_ge(seconds, 10);
	ck_assert(executor_is_busy(desk.rig.executor));
	turn_until(&desk.rig, RUN_VERIFYING);
	ck_assert_uint_eq(desk.rig.peer.requests, 1);
	ck_assert_ptr_nonnull(strstr(desk.rig.peer.request, "\"paused\":false"));
	for (int i = 0; tick(&desk, 0); i++)
		ck_assert_int_lt(i, 5);
	ck_assert_int_eq(executor_run(desk.rig.executor)->code, OUTCOME_DONE);
	close_desk(&desk);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("brief");
	TCase *cases = tcase_create("holds that are brief by nature");
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, ended_though_disarmed);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
