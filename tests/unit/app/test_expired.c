#include "app/expired.h"

#include "actions/expiry.h"
#include "actions/reaper.h"
#include "app/control.h"
#include "app/engine.h"
#include "tests/unit/actions/rig.h"

/* A console in small: nobody arms it but to make the hold. */
struct desk {
	struct rig rig;
	struct control control;
	struct engine engine;
	struct expired expired;
	struct expired_news news;
};

static void look(struct desk *desk)
{
	desk->engine.snapshot = desk->rig.scene.snapshot;
	desk->engine.assessment = desk->rig.scene.assessment;
}

/* A second later, with that weight everywhere; then the tick. */
static void tick(struct desk *desk, double weight, bool waits)
{
	second(&desk->rig, weight);
	look(desk);
	expired_tick(&desk->expired, &desk->control, &desk->engine, "demo", waits, &desk->news);
}

static void open_desk(struct desk *desk, enum expiry_policy policy)
{
	*desk = (struct desk){.news = {.end = EXPIRED_NOTHING}};
	struct rig *rig = &desk->rig;
	open_rig(rig, SCRIPT_OK);
	rig->action.on_expiry = policy;
	desk->control = (struct control){.configs = rig->configs,
		.journal = rig->journal,
		.executor = rig->executor,
		.may_write = true};
	desk->engine = (struct engine){.loop = rig->loop};
	look(desk);
	expired_init(&desk->expired);
	make_plan(rig, 80);
	must_start(rig);
	turn_until(rig, RUN_VERIFYING);
	for (int i = 0; i < 3; i++)
		second(rig, 80);
	ck_assert_int_eq(executor_run(rig->executor)->code, OUTCOME_DONE);
	executor_disarm(rig->executor);
	rig->peer.requests = 0;
}

static void close_desk(struct desk *desk)
{
	expired_leave(&desk->expired, &desk->control);
	expired_finish(&desk->expired);
	verify_journal(&desk->rig);
	close_rig(&desk->rig);
}

static void pass(struct desk *desk, int64_t by_ms)
{
	scene_advance(&desk->rig.scene, by_ms);
}

/* Ticks until there is that to tell, and nothing else before. Returns how many. */
static int tick_until(struct desk *desk, double weight, enum expired_end end)
{
	int ticks = 0;
	do {
		tick(desk, weight, false);
		ck_assert(loop_turn(desk->rig.loop, 0, NULL));
		ck_assert_int_lt(ticks++, 120);
	} while (desk->news.end == EXPIRED_NOTHING);
	ck_assert_msg(desk->news.end == end, "%d %s", (int)desk->news.end, desk->news.text);
	return ticks;
}

static size_t holds_of(struct desk *desk, struct hold *out)
{
	return executor_holds(desk->rig.executor, loop_now_ms(desk->rig.loop), out, HOLDS_MOST);
}

START_TEST(taken_back_though_nobody_armed)
{
	struct desk desk;
	struct hold holds[HOLDS_MOST];
	open_desk(&desk, EXPIRY_REVERT_IF_HEALTHY);
	tick(&desk, 80, false);
	ck_assert_int_eq(desk.news.end, EXPIRED_NOTHING);
	ck_assert_uint_eq(holds_of(&desk, holds), 1);
	ck_assert_int_eq(holds[0].protection, HOLD_BY_CONSOLE);
	pass(&desk, desk.rig.configs.guards.expire_ms);
	tick(&desk, 80, false);
	ck_assert_msg(desk.news.end == EXPIRED_BEGUN, "%d %s", (int)desk.news.end, desk.news.text);
	ck_assert_ptr_nonnull(strstr(desk.news.text, ": its time is over, taking it back"));
	ck_assert(!executor_is_armed(desk.rig.executor, loop_now_ms(desk.rig.loop)));
	turn_until(&desk.rig, RUN_VERIFYING);
	ck_assert_uint_eq(desk.rig.peer.requests, 1);
	ck_assert_ptr_nonnull(strstr(desk.rig.peer.request, "\"weight\":100"));
	for (int i = 0; i < 3 && executor_is_busy(desk.rig.executor); i++)
		tick(&desk, 100, false);
	ck_assert_msg(
		desk.news.end == EXPIRED_TAKEN_BACK, "%d %s", (int)desk.news.end, desk.news.text);
	ck_assert_ptr_nonnull(strstr(desk.news.text, "taken back by a-0002"));
	ck_assert_uint_eq(holds_of(&desk, holds), 0);
	/* That permission was for that one run. */
	make_plan(&desk.rig, 80);
	ck_assert_int_eq(plan_outcome(&desk.rig.plan), OUTCOME_NOT_PERMITTED);
	tick(&desk, 100, false);
	ck_assert_int_eq(desk.news.end, EXPIRED_NOTHING);
	ck_assert_uint_eq(desk.rig.peer.requests, 1);
	close_desk(&desk);
}
END_TEST

/* Before its time it is an undo like any, which somebody has to be armed for. */
START_TEST(not_before_its_time)
{
	struct desk desk;
	struct error error = {0};
	enum outcome_code code = OUTCOME_DONE;
	open_desk(&desk, EXPIRY_REVERT);
	struct rig *rig = &desk.rig;
	ck_assert(executor_plan_end(rig->executor, "a-0001", "demo", rig->scene.snapshot,
		&rig->scene.assessment, rig->scene.now_ms, &rig->plan, &error));
	ck_assert_int_eq(plan_outcome(&rig->plan), OUTCOME_NOT_PERMITTED);
	/* What claims to be an end and is not, does not begin either. */
	rig->plan.is_end = true;
	ck_assert(!start(rig, &code, &error));
	ck_assert_int_eq(code, OUTCOME_NOT_PERMITTED);
	pass(&desk, rig->configs.guards.expire_ms);
	second(rig, 80);
	make_plan(rig, 70);
	rig->plan.is_end = true;
	snprintf(rig->plan.undo_of, sizeof rig->plan.undo_of, "a-0001");
	ck_assert(!start(rig, &code, &error));
	ck_assert_int_eq(code, OUTCOME_NOT_PERMITTED);
	ck_assert_uint_eq(rig->peer.requests, 0);
	close_desk(&desk);
}
END_TEST

/* What it would go back to is not healthy: a page, at most so often, and then a person's. */
START_TEST(put_off_and_handed_over)
{
	struct desk desk;
	struct hold holds[HOLDS_MOST];
	open_desk(&desk, EXPIRY_REVERT_IF_HEALTHY);
	desk.rig.scene.assessment.clusters[0].severity = SEVERITY_CRITICAL;
	pass(&desk, desk.rig.configs.guards.expire_ms);
	for (int i = 0; i < EXPIRY_PUT_OFFS_MOST; i++) {
		char of[32];
		tick(&desk, 80, false);
		ck_assert_int_eq(desk.news.end, EXPIRED_PUT_OFF);
		snprintf(of, sizeof of, "%d of 3", i + 1);
		ck_assert_ptr_nonnull(strstr(desk.news.text, "PAGE: put off by 10 min"));
		ck_assert_ptr_nonnull(strstr(desk.news.text, of));
		tick(&desk, 80, false);
		ck_assert_int_eq(desk.news.end, EXPIRED_NOTHING);
		pass(&desk, EXPIRY_PUT_OFF_MS);
	}
	tick(&desk, 80, false);
	ck_assert_int_eq(desk.news.end, EXPIRED_HANDED);
	ck_assert_ptr_nonnull(strstr(desk.news.text, "spillway undo a-0001"));
	for (int i = 0; i < 30; i++) {
		tick(&desk, 80, false);
		ck_assert_int_eq(desk.news.end, EXPIRED_NOTHING);
	}
	ck_assert_uint_eq(holds_of(&desk, holds), 1);
	ck_assert(expiry_is_a_persons(&holds[0]));
	ck_assert_uint_eq(desk.rig.peer.requests, 0);
	close_desk(&desk);
}
END_TEST

/* The operator's own change goes first, and nothing is begun beside another run. */
START_TEST(nothing_under_a_confirmation_or_a_run)
{
	struct desk desk;
	open_desk(&desk, EXPIRY_REVERT);
	pass(&desk, desk.rig.configs.guards.expire_ms);
	for (int i = 0; i < 15; i++) {
		tick(&desk, 80, true);
		ck_assert_int_eq(desk.news.end, EXPIRED_NOTHING);
	}
	ck_assert(!executor_is_busy(desk.rig.executor));
	executor_arm(desk.rig.executor, SCENE_NOW + 3600000);
	make_plan(&desk.rig, 70);
	must_start(&desk.rig);
	tick(&desk, 80, false);
	ck_assert_int_eq(desk.news.end, EXPIRED_NOTHING);
	ck_assert_str_eq(executor_run(desk.rig.executor)->id, "a-0002");
	ck_assert_double_eq(executor_run(desk.rig.executor)->to, 70);
	close_desk(&desk);
}
END_TEST

START_TEST(nothing_when_read_only)
{
	struct desk desk;
	struct hold holds[HOLDS_MOST];
	open_desk(&desk, EXPIRY_REVERT);
	pass(&desk, desk.rig.configs.guards.expire_ms);
	desk.control.may_write = false;
	tick(&desk, 80, false);
	desk.control.may_write = true;
	desk.control.journal = NULL;
	tick(&desk, 80, false);
	ck_assert_int_eq(desk.news.end, EXPIRED_NOTHING);
	ck_assert(!executor_is_busy(desk.rig.executor));
	ck_assert_uint_eq(holds_of(&desk, holds), 1);
	ck_assert_int_eq(holds[0].protection, HOLD_BY_NOTHING);
	ck_assert_int_eq(reaper_last_ms(desk.rig.journal_file), 0);
	close_desk(&desk);
}
END_TEST

/* What somebody else has changed is theirs: told once, looked at again not more than every ten
 * seconds, closed when it is as it was. */
START_TEST(kept_and_told_once)
{
	struct desk desk;
	struct hold holds[HOLDS_MOST];
	open_desk(&desk, EXPIRY_REVERT);
	pass(&desk, desk.rig.configs.guards.expire_ms);
	tick(&desk, 55, false);
	ck_assert_int_eq(desk.news.end, EXPIRED_KEPT);
	ck_assert_int_eq(desk.news.code, OUTCOME_STALE_PLAN);
	ck_assert_ptr_nonnull(strstr(desk.news.text, "somebody changed it"));
	for (int i = 0; i < 25; i++) {
		tick(&desk, 55, false);
		ck_assert_int_eq(desk.news.end, EXPIRED_NOTHING);
	}
	ck_assert_int_gt(tick_until(&desk, 100, EXPIRED_OVER), 1);
	ck_assert_uint_eq(holds_of(&desk, holds), 0);
	ck_assert_uint_eq(desk.rig.peer.requests, 0);
	close_desk(&desk);
}
END_TEST

/* A run that fails is tried again, each time later. */
START_TEST(tried_again_ever_later)
{
	struct desk desk;
	open_desk(&desk, EXPIRY_REVERT);
	desk.rig.peer.script = SCRIPT_NO;
	pass(&desk, desk.rig.configs.guards.expire_ms);
	int64_t waited_ms[3] = {0};
	for (int i = 0; i < 3; i++) {
		int64_t since_ms = loop_now_ms(desk.rig.loop);
		tick_until(&desk, 80, EXPIRED_BEGUN);
		waited_ms[i] = loop_now_ms(desk.rig.loop) - since_ms;
		turn_until(&desk.rig, RUN_VERIFYING);
		tick_until(&desk, 80, EXPIRED_KEPT);
		ck_assert_ptr_nonnull(strstr(desk.news.text, "NOT taken back"));
	}
	ck_assert_int_ge(waited_ms[1], EXPIRED_RETRY_MS);
	ck_assert_int_ge(waited_ms[2], 2 * EXPIRED_RETRY_MS);
	ck_assert_int_lt(waited_ms[2], 3 * EXPIRED_RETRY_MS);
	close_desk(&desk);
}
END_TEST

/* Others see that somebody looks, as long as that is so. */
START_TEST(noted_and_forgotten)
{
	struct desk desk;
	open_desk(&desk, EXPIRY_REVERT);
	int64_t before_ms = _i * (SCENE_NOW - 3600000);
	if (before_ms > 0)
		reaper_note(desk.rig.journal_file, before_ms);
	tick(&desk, 80, false);
	int64_t noted_ms = loop_now_ms(desk.rig.loop);
	ck_assert_int_eq(reaper_last_ms(desk.rig.journal_file), noted_ms);
	tick(&desk, 80, false);
	ck_assert_int_eq(reaper_last_ms(desk.rig.journal_file), noted_ms);
	pass(&desk, EXPIRED_NOTE_MS - 3000);
	tick(&desk, 80, true);
	ck_assert_int_eq(reaper_last_ms(desk.rig.journal_file), noted_ms);
	tick(&desk, 80, false);
	ck_assert_int_eq(reaper_last_ms(desk.rig.journal_file), loop_now_ms(desk.rig.loop));
	expired_leave(&desk.expired, &desk.control);
	ck_assert_int_eq(reaper_last_ms(desk.rig.journal_file), before_ms);
	close_desk(&desk);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("expired");
	TCase *cases = tcase_create("holds whose time is over");
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, taken_back_though_nobody_armed);
	tcase_add_test(cases, not_before_its_time);
	tcase_add_test(cases, put_off_and_handed_over);
	tcase_add_test(cases, nothing_under_a_confirmation_or_a_run);
	tcase_add_test(cases, nothing_when_read_only);
	tcase_add_test(cases, kept_and_told_once);
	tcase_add_test(cases, tried_again_ever_later);
	tcase_add_loop_test(cases, noted_and_forgotten, 0, 2);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
