#include "actions/executor.h"
#include "actions/expiry.h"

#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/actions/rig.h"

static const struct {
	const char *what;
	enum script script;
	double seen[8]; /* weights read second by second; 0 ends */
	enum outcome_code code;
	const char *events;
} runs[] = {
	{"done and verified", SCRIPT_OK, {100, 80, 80}, OUTCOME_DONE, "isrvd"},
	{"accepted, never shown", SCRIPT_OK, {100}, OUTCOME_FAILED_UNCHANGED, "isrvd"},
	{"something else", SCRIPT_OK, {55}, OUTCOME_INCONCLUSIVE, "isrvd"},
	{"refused", SCRIPT_NO, {100}, OUTCOME_FAILED_UNCHANGED, "isfvd"},
	{"refused but changed", SCRIPT_NO, {80}, OUTCOME_UNKNOWN, "isfvd"},
	{"dropped, applied", SCRIPT_DROP, {100, 80, 80}, OUTCOME_DONE, "islvd"},
	{"dropped, not applied", SCRIPT_DROP, {100, 100, 100, 100, 100, 100}, OUTCOME_UNKNOWN,
		"islvd"},
	{"refused to connect", SCRIPT_REFUSE, {0}, OUTCOME_UNREACHABLE, "isd"},
};

START_TEST(test_run_to_its_end)
{
	struct rig rig;
	char told[32];
	open_rig(&rig, runs[_i].script);
	make_plan(&rig, 80);
	must_start(&rig);
	turn_until(&rig, RUN_VERIFYING);
	for (size_t i = 0; runs[_i].seen[i] > 0; i++)
		second(&rig, runs[_i].seen[i]);
	if (executor_is_busy(rig.executor)) {
		clock_advance(&rig.clock, rig.configs.guards.verify_within_ms);
		ck_assert(loop_turn(rig.loop, 0, NULL));
	}
	const struct run_view *view = executor_run(rig.executor);
	ck_assert_msg(!executor_is_busy(rig.executor), "%s: still busy", runs[_i].what);
	ck_assert_msg(view->code == runs[_i].code, "%s: %d: %s", runs[_i].what, (int)view->code,
		view->text);
	ck_assert_int_eq(view->state, view->code == OUTCOME_DONE ? RUN_DONE : RUN_FAILED);
	ck_assert_str_eq(view->id, "a-0001");
	ck_assert_str_eq(view->by, "kim");
	events(&rig, told);
	ck_assert_msg(strcmp(told, runs[_i].events) == 0, "%s: %s", runs[_i].what, told);
	ck_assert_uint_eq(rig.peer.requests, runs[_i].script == SCRIPT_REFUSE ? 0 : 1);
	verify_journal(&rig);
	close_rig(&rig);
}
END_TEST

START_TEST(test_what_is_sent_is_what_was_shown_and_no_secret_stays)
{
	struct rig rig;
	char bytes[8192] = "";
	open_rig(&rig, SCRIPT_OK);
	make_plan(&rig, 80);
	ck_assert_ptr_nonnull(strstr(rig.plan.requests[0].line, "{\"weight\":80}"));
	must_start(&rig);
	turn_until(&rig, RUN_VERIFYING);
	ck_assert_ptr_nonnull(strstr(rig.peer.request, "POST /v1/clusters/east-a/weight "));
	ck_assert_ptr_nonnull(strstr(rig.peer.request, "Bearer " TOKEN));
	ck_assert_ptr_nonnull(strstr(rig.peer.request, "{\"weight\":80}"));
	FILE *file = fopen(rig.journal_file, "r");
	ck_assert_uint_gt(fread(bytes, 1, sizeof(bytes) - 1, file), 0);
	fclose(file);
	ck_assert_ptr_null(strstr(bytes, TOKEN));
	ck_assert_ptr_nonnull(strstr(bytes, "set by ****"));
	ck_assert_ptr_null(strstr(executor_run(rig.executor)->text, TOKEN));
	close_rig(&rig);
}
END_TEST

START_TEST(test_refusals_before_anything_is_recorded)
{
	struct rig rig;
	enum outcome_code code = OUTCOME_DONE;
	struct error error = {0};
	char told[32];
	open_rig(&rig, SCRIPT_OK);
	make_plan(&rig, 80);
	executor_disarm(rig.executor);
	ck_assert(!start(&rig, &code, &error));
	ck_assert_int_eq(code, OUTCOME_NOT_PERMITTED);
	executor_arm(rig.executor, SCENE_NOW + 3600000);
	ck_assert(!executor_start(rig.executor, &rig.plan, "another hash", "", rig.scene.snapshot,
		&rig.scene.assessment, rig.scene.now_ms, &code, &error));
	ck_assert_int_eq(code, OUTCOME_STALE_PLAN);
	second(&rig, 90);
	ck_assert(!start(&rig, &code, &error));
	ck_assert_int_eq(code, OUTCOME_STALE_PLAN);
	ck_assert_ptr_nonnull(strstr(error.text, "it was 100, now 90"));
	make_plan(&rig, 30);
	ck_assert(rig.plan.blocked);
	ck_assert(!start(&rig, &code, &error));
	ck_assert_int_eq(code, OUTCOME_REFUSED);
	ck_assert_ptr_nonnull(strstr(error.text, "step: "));
	make_plan(&rig, 80);
	scene_advance(&rig.scene, 61000);
	scene_read(&rig.scene, 90, 100, 20);
	ck_assert(!start(&rig, &code, &error));
	ck_assert_int_eq(code, OUTCOME_STALE_PLAN);
	ck_assert(executor_run(rig.executor) == NULL);
	make_plan(&rig, 90);
	ck_assert_int_eq(plan_outcome(&rig.plan), OUTCOME_DONE);
	must_start(&rig);
	ck_assert_int_eq(executor_run(rig.executor)->state, RUN_DONE);
	events(&rig, told);
	ck_assert_str_eq(told, "");
	ck_assert_uint_eq(rig.peer.requests, 0);
	close_rig(&rig);
}
END_TEST

START_TEST(test_override_needs_its_name_and_a_reason)
{
	struct rig rig;
	enum outcome_code code = OUTCOME_DONE;
	struct error error = {0};
	const char *const step[] = {"step"};
	const char *const journal[] = {"journal"};
	open_rig(&rig, SCRIPT_OK);
	ck_assert(!executor_plan(rig.executor, "divert", rig.scene.a, 70, "demo", journal, 1,
		rig.scene.snapshot, &rig.scene.assessment, rig.scene.now_ms, &rig.plan, &error));
	ck_assert_int_eq(error.kind, ERROR_USAGE);
	ck_assert(executor_plan(rig.executor, "divert", rig.scene.a, 70, "demo", step, 1,
		rig.scene.snapshot, &rig.scene.assessment, rig.scene.now_ms, &rig.plan, &error));
	ck_assert(!rig.plan.blocked);
	ck_assert(!executor_start(rig.executor, &rig.plan, rig.plan.hash, "", rig.scene.snapshot,
		&rig.scene.assessment, rig.scene.now_ms, &code, &error));
	ck_assert_int_eq(code, OUTCOME_NEEDS_CONFIRMATION);
	must_start(&rig);
	ck_assert(!executor_plan(rig.executor, "dvert", rig.scene.a, 70, "demo", NULL, 0,
		rig.scene.snapshot, &rig.scene.assessment, rig.scene.now_ms, &rig.plan, &error));
	ck_assert_ptr_nonnull(strstr(error.text, "did you mean 'divert'"));
	close_rig(&rig);
}
END_TEST

/* It took, and clients pile up where they did not before: that is said, and it is no success. */
START_TEST(test_harm_is_told)
{
	struct rig rig;
	open_rig(&rig, SCRIPT_OK);
	make_plan(&rig, 90);
	must_start(&rig);
	turn_until(&rig, RUN_VERIFYING);
	for (int i = 0; i < 100 && executor_is_busy(rig.executor); i++) {
		rig.scene.assessment.clusters[0].waiting = 500;
		second(&rig, 90);
		ck_assert(loop_turn(rig.loop, 0, NULL));
	}
	const struct run_view *run = executor_run(rig.executor);
	ck_assert_int_eq(run->code, OUTCOME_INCONCLUSIVE);
	ck_assert(run->harms);
	ck_assert(run->can_undo);
	close_rig(&rig);
}
END_TEST

START_TEST(test_undo_and_drift)
{
	struct rig rig;
	struct error error = {0};
	open_rig(&rig, SCRIPT_OK);
	make_plan(&rig, 80);
	must_start(&rig);
	turn_until(&rig, RUN_VERIFYING);
	second(&rig, 80);
	second(&rig, 80);
	ck_assert_int_eq(executor_run(rig.executor)->code, OUTCOME_DONE);
	make_plan(&rig, 70);
	ck_assert_int_eq(plan_outcome(&rig.plan), OUTCOME_RETRY_LATER);
	/* Another process goes on where this one was. */
	close_executor(&rig);
	open_executor(&rig);
	make_plan(&rig, 70);
	ck_assert_int_eq(plan_outcome(&rig.plan), OUTCOME_RETRY_LATER);
	ck_assert(!executor_plan_undo(rig.executor, "a-0007", "demo", rig.scene.snapshot,
		&rig.scene.assessment, rig.scene.now_ms, &rig.plan, &error));
	ck_assert_int_eq(error.kind, ERROR_USAGE);
	second(&rig, 60);
	ck_assert(!executor_plan_undo(rig.executor, "a-0001", "demo", rig.scene.snapshot,
		&rig.scene.assessment, rig.scene.now_ms, &rig.plan, &error));
	ck_assert_int_eq(error.kind, ERROR_REJECTED);
	second(&rig, 80);
	ck_assert_msg(executor_plan_undo(rig.executor, "a-0001", "demo", rig.scene.snapshot,
			      &rig.scene.assessment, rig.scene.now_ms, &rig.plan, &error),
		"%s", error.text);
	ck_assert_double_eq(rig.plan.to, 100);
	ck_assert(rig.plan.is_undo);
	must_start(&rig);
	turn_until(&rig, RUN_VERIFYING);
	second(&rig, 100);
	second(&rig, 100);
	ck_assert_int_eq(executor_run(rig.executor)->code, OUTCOME_DONE);
	ck_assert(!executor_plan_undo(rig.executor, "a-0001", "demo", rig.scene.snapshot,
		&rig.scene.assessment, rig.scene.now_ms, &rig.plan, &error));
	ck_assert_ptr_nonnull(strstr(error.text, "undone already"));
	verify_journal(&rig);
	close_rig(&rig);
}
END_TEST

START_TEST(test_interrupted_and_busy)
{
	struct rig rig;
	enum outcome_code code = OUTCOME_DONE;
	struct error error = {0};
	char told[32];
	open_rig(&rig, SCRIPT_HANG);
	make_plan(&rig, 80);
	must_start(&rig);
	for (int i = 0; i < 2000 && rig.peer.requests == 0; i++)
		ck_assert(loop_turn(rig.loop, 10, NULL));
	ck_assert(!start(&rig, &code, &error));
	ck_assert_int_eq(code, OUTCOME_LOCKED);
	executor_interrupt(rig.executor, rig.scene.now_ms);
	ck_assert(!executor_is_busy(rig.executor));
	ck_assert_int_eq(executor_run(rig.executor)->code, OUTCOME_UNKNOWN);
	events(&rig, told);
	ck_assert_str_eq(told, "isd");
	close_rig(&rig);
}
END_TEST

START_TEST(test_missing_secret_sends_nothing)
{
	struct rig rig;
	open_rig(&rig, SCRIPT_OK);
	ck_assert_int_eq(unlink(rig.token_file), 0);
	make_plan(&rig, 80);
	must_start(&rig);
	ck_assert_int_eq(executor_run(rig.executor)->code, OUTCOME_LOCAL_ERROR);
	ck_assert(!executor_run(rig.executor)->can_undo);
	ck_assert_uint_eq(rig.peer.requests, 0);
	close_rig(&rig);
}
END_TEST

/* The states in which kill -9 may find a run, and what must be said of it afterwards. */
static const struct {
	const char *what;
	enum script script;
	bool until_answered;
	int64_t after_ms; /* looked at so long after */
	double weight_after;
	enum outcome_code code;
	const char *words;
} kills[] = {
	{"while the request is out, applied", SCRIPT_HANG, false, 1000, 80, OUTCOME_UNKNOWN,
		"cluster.weight of east-a is now 80: the change was applied"},
	{"while the request is out, not applied yet", SCRIPT_HANG, false, 1000, 100,
		OUTCOME_UNKNOWN, "is now 100: not applied so far, and its request may still land"},
	{"while the request is out, not applied", SCRIPT_HANG, false, 30000, 100, OUTCOME_UNKNOWN,
		"is now 100: the change was not applied"},
	{"while the request is out, other", SCRIPT_HANG, false, 1000, 55, OUTCOME_UNKNOWN,
		"neither the value before"},
	{"after the answer", SCRIPT_OK, true, 1000, 80, OUTCOME_UNKNOWN, "the change was applied"},
};

START_TEST(test_kill_in_flight)
{
	struct rig rig;
	struct run_view views[4];
	open_rig(&rig, kills[_i].script);
	close_executor(&rig);
	pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		open_executor(&rig);
		/* Sockets of the loop are shared with the parent, so make new ones. */
		peer_close(&rig.peer);
		rig.loop = loop_create(&rig.clock, NULL);
		rig.http = http_create(rig.loop, NULL);
		peer_open(&rig.peer, rig.loop, kills[_i].script);
		snprintf(rig.url, sizeof(rig.url), "http://127.0.0.1:%d/{cluster}", rig.peer.port);
		rig.executor = executor_create(
			rig.loop, rig.http, NULL, rig.journal, &rig.configs, "kim", NULL);
		executor_arm(rig.executor, SCENE_NOW + 3600000);
		make_plan(&rig, 80);
		must_start(&rig);
		if (kills[_i].until_answered)
			turn_until(&rig, RUN_VERIFYING);
		kill(getpid(), SIGKILL);
	}
	int status = 0;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status));
	verify_journal(&rig);
	open_executor(&rig);
	ck_assert_uint_eq(executor_runs(rig.executor, views, 4), 1);
	ck_assert_int_eq(views[0].code, kills[_i].code);
	ck_assert_int_eq(views[0].state, RUN_FAILED);
	ck_assert_ptr_nonnull(strstr(views[0].text, "read back cluster.weight of east-a"));
	scene_advance(&rig.scene, kills[_i].after_ms - 1000);
	second(&rig, kills[_i].weight_after);
	executor_runs(rig.executor, views, 4);
	ck_assert_msg(strstr(views[0].text, kills[_i].words) != NULL, "%s: %s", kills[_i].what,
		views[0].text);
	close_rig(&rig);
}
END_TEST

/* Cut the journal after each record in turn, as a crash would: something true must be said of each.
 */
START_TEST(test_every_prefix_of_the_journal_is_understood)
{
	static const struct {
		enum outcome_code code;
		const char *words;
	} told[] = {
		{OUTCOME_INTERRUPTED, "before anything was sent"},
		{OUTCOME_UNKNOWN, "no answer recorded"},
		{OUTCOME_UNKNOWN, "accepted"},
		{OUTCOME_UNKNOWN, "accepted"},
		{OUTCOME_DONE, "done and verified"},
	};
	struct rig rig;
	struct run_view views[4];
	char *line = NULL;
	char head[128];
	size_t capacity = 0;
	open_rig(&rig, SCRIPT_OK);
	make_plan(&rig, 80);
	must_start(&rig);
	turn_until(&rig, RUN_VERIFYING);
	second(&rig, 80);
	second(&rig, 80);
	close_executor(&rig);
	snprintf(head, sizeof(head), "%s/whole", rig.directory);
	ck_assert_int_eq(rename(rig.journal_file, head), 0);
	FILE *whole = fopen(head, "r");
	snprintf(head, sizeof(head), "%s.head", rig.journal_file);
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		ck_assert_int_gt(getline(&line, &capacity, whole), 0);
		FILE *part = fopen(rig.journal_file, "a");
		fputs(line, part);
		fputs("{\"seq\":9,\"at", part); /* and a torn one */
		fclose(part);
		unlink(head);
		open_executor(&rig);
		ck_assert_uint_eq(executor_runs(rig.executor, views, 4), 1);
		ck_assert_int_eq(views[0].code, told[i].code);
		ck_assert_msg(
			strstr(views[0].text, told[i].words) != NULL, "%zu: %s", i, views[0].text);
		close_executor(&rig);
	}
	free(line);
	fclose(whole);
	open_executor(&rig);
	close_rig(&rig);
}
END_TEST

static const struct verdict *verdict_of(const struct plan *plan, const char *guard)
{
	for (size_t i = 0; i < plan->verdict_count; i++) {
		if (strcmp(plan->verdicts[i].guard, guard) == 0)
			return &plan->verdicts[i];
	}
	return NULL;
}

/* The answer to a failure waits for no metrics; an undo that somebody asks for does. */
START_TEST(test_rollback_is_relief)
{
	struct rig rig;
	struct error error = {0};
	open_rig(&rig, SCRIPT_OK);
	make_plan(&rig, 80);
	must_start(&rig);
	turn_until(&rig, RUN_VERIFYING);
	ck_assert_int_eq(
		executor_back(rig.executor, "a-0001", rig.scene.snapshot), EXECUTOR_BACK_UNKNOWN);
	second(&rig, 80);
	second(&rig, 80);
	ck_assert_int_eq(executor_run(rig.executor)->code, OUTCOME_DONE);
	/* Only what is read after its end tells. */
	second(&rig, 80);
	ck_assert_int_eq(
		executor_back(rig.executor, "a-0001", rig.scene.snapshot), EXECUTOR_NOT_BACK);
	ck_assert(!executor_was_undone(rig.executor, "a-0001"));
	rig.scene.assessment.clusters[0].stale = true;
	rig.scene.assessment.clusters[1].stale = true;
	ck_assert(executor_plan_undo(rig.executor, "a-0001", "demo", rig.scene.snapshot,
		&rig.scene.assessment, rig.scene.now_ms, &rig.plan, &error));
	ck_assert(rig.plan.blocked);
	ck_assert(executor_plan_rollback(rig.executor, "a-0001", "demo", rig.scene.snapshot,
		&rig.scene.assessment, rig.scene.now_ms, &rig.plan, &error));
	ck_assert(rig.plan.is_rollback && rig.plan.is_undo && !rig.plan.blocked);
	ck_assert_ptr_null(verdict_of(&rig.plan, "capacity"));
	ck_assert_ptr_nonnull(verdict_of(&rig.plan, "preflight"));
	must_start(&rig);
	turn_until(&rig, RUN_VERIFYING);
	rig.scene.assessment.clusters[0].stale = rig.scene.assessment.clusters[1].stale = false;
	second(&rig, 100);
	second(&rig, 100);
	ck_assert_int_eq(executor_run(rig.executor)->code, OUTCOME_DONE);
	ck_assert(executor_was_undone(rig.executor, "a-0001"));
	ck_assert_int_eq(executor_back(rig.executor, "a-0001", rig.scene.snapshot), EXECUTOR_BACK);
	/* A plan that only says so is no undo, and has none of its exemptions. */
	make_plan(&rig, 10);
	ck_assert(rig.plan.blocked);
	rig.plan.is_rollback = rig.plan.is_undo = true;
	enum outcome_code code = OUTCOME_DONE;
	ck_assert(!start(&rig, &code, &error));
	ck_assert_int_eq(rig.peer.requests, 2);
	close_rig(&rig);
}
END_TEST

START_TEST(test_plan_for_two)
{
	struct rig rig;
	struct error error = {0};
	enum outcome_code code = OUTCOME_DONE;
	open_rig(&rig, SCRIPT_OK);
	make_plan(&rig, 80);
	ck_assert(!rig.plan.blocked);
	char hash[PLAN_HASH_BYTES];
	snprintf(hash, sizeof(hash), "%s", rig.plan.hash);
	ck_assert(executor_plan_for_two(rig.executor, "divert", rig.scene.a, 80, "demo",
		rig.scene.snapshot, &rig.scene.assessment, rig.scene.now_ms, &rig.plan, &error));
	ck_assert_int_eq(plan_outcome(&rig.plan), OUTCOME_NEEDS_CONFIRMATION);
	ck_assert_str_eq(rig.plan.hash, hash);
	ck_assert(!start(&rig, &code, &error));
	ck_assert_int_eq(code, OUTCOME_NEEDS_CONFIRMATION);
	ck_assert(executor_ask_approval(rig.executor, &rig.plan, "why", &error));
	/* Nobody answers in time: that is told apart from waiting. */
	ck_assert(!rig.plan.is_turned_down);
	rig.configs.guards.plan_expires_ms = 3600000;
	scene_advance(&rig.scene, rig.configs.guards.approve_within_ms + 1000);
	clock_set(&rig.clock, rig.scene.now_ms);
	scene_read(&rig.scene, 100, 100, 20);
	ck_assert(executor_plan_for_two(rig.executor, "divert", rig.scene.a, 80, "demo",
		rig.scene.snapshot, &rig.scene.assessment, rig.scene.now_ms, &rig.plan, &error));
	ck_assert(rig.plan.is_turned_down);
	close_rig(&rig);
}
END_TEST

/* Put off three times and then handed over: on record, and so for whoever comes next. */
START_TEST(test_put_off)
{
	struct rig rig;
	struct hold holds[HOLDS_MOST];
	struct error error = {0};
	open_rig(&rig, SCRIPT_OK);
	rig.action.on_expiry = EXPIRY_REVERT_IF_HEALTHY;
	make_plan(&rig, 80);
	must_start(&rig);
	turn_until(&rig, RUN_VERIFYING);
	for (int i = 0; i < 3; i++)
		second(&rig, 80);
	for (int i = 0; i <= EXPIRY_PUT_OFFS_MOST; i++) {
		int64_t now_ms = clock_wall_ms(&rig.clock);
		bool pages = i == EXPIRY_PUT_OFFS_MOST;
		ck_assert_uint_eq(executor_holds(rig.executor, now_ms, holds, HOLDS_MOST), 1);
		ck_assert_int_eq(holds[0].put_offs, i);
		int64_t end_ms = pages ? holds[0].expires_ms : now_ms + EXPIRY_PUT_OFF_MS;
		ck_assert_msg(executor_put_off(rig.executor, &holds[0], pages, "why", &error), "%s",
			error.text);
		close_executor(&rig);
		open_executor(&rig);
		ck_assert_uint_eq(executor_holds(rig.executor, now_ms, holds, HOLDS_MOST), 1);
		ck_assert_int_eq(holds[0].expires_ms, end_ms);
	}
	ck_assert(expiry_is_a_persons(&holds[0]));
	struct journal_line lines[1];
	ck_assert_uint_eq(journal_tail(rig.journal_file, lines, 1, NULL), 1);
	ck_assert_str_eq(lines[0].event, "page");
	/* Who lets it last has looked: from then on it goes by itself again. */
	ck_assert(executor_change_hold(rig.executor, "a-0001", SCENE_NOW + 600000, "seen", &error));
	ck_assert_uint_eq(executor_holds(rig.executor, SCENE_NOW, holds, HOLDS_MOST), 1);
	ck_assert(!expiry_is_a_persons(&holds[0]));
	snprintf(holds[0].run, sizeof(holds[0].run), "a-0009");
	ck_assert(!executor_put_off(rig.executor, &holds[0], false, "why", &error));
	verify_journal(&rig);
	close_rig(&rig);
}
END_TEST

/* In a freeze that lets it pass: planned, begun, and told with its ticket. */
START_TEST(test_ticket_in_a_freeze)
{
	struct rig rig;
	struct journal_line lines[8];
	enum outcome_code code = OUTCOME_DONE;
	struct error error = {0};
	const struct freeze freeze = {SCENE_NOW - 1000, SCENE_NOW + 3600000, "sale", "INC-*"};
	open_rig(&rig, SCRIPT_OK);
	rig.configs.guards.freezes = &freeze;
	rig.configs.guards.freeze_count = 1;
	make_plan(&rig, 80);
	ck_assert(rig.plan.blocked && !start(&rig, &code, &error));
	ck_assert_int_eq(code, OUTCOME_REFUSED);
	executor_set_ticket(rig.executor, "CHG-1");
	make_plan(&rig, 80);
	ck_assert(rig.plan.blocked);
	executor_set_ticket(rig.executor, "INC-7");
	make_plan(&rig, 80);
	ck_assert(!rig.plan.blocked);
	/* What was shown with one ticket is not begun with another. */
	executor_set_ticket(rig.executor, "INC-8");
	ck_assert(!start(&rig, &code, &error));
	ck_assert_int_eq(code, OUTCOME_STALE_PLAN);
	executor_set_ticket(rig.executor, "INC-7");
	must_start(&rig);
	turn_until(&rig, RUN_VERIFYING);
	ck_assert_uint_ge(journal_tail(rig.journal_file, lines, 8, NULL), 1);
	ck_assert_str_eq(lines[0].event, "intent");
	ck_assert_ptr_nonnull(strstr(lines[0].text, "by kim, ticket INC-7: a test"));
	for (int i = 0; i < 3; i++)
		second(&rig, 80);
	ck_assert_int_eq(executor_run(rig.executor)->code, OUTCOME_DONE);
	/* Taking it back needs none. */
	executor_set_ticket(rig.executor, "");
	ck_assert_msg(executor_plan_undo(rig.executor, "a-0001", "demo", rig.scene.snapshot,
			      &rig.scene.assessment, rig.scene.now_ms, &rig.plan, &error),
		"%s", error.text);
	ck_assert(!rig.plan.blocked);
	close_rig(&rig);
}
END_TEST

static Suite *executor_suite(void)
{
	Suite *suite = suite_create("executor");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, test_run_to_its_end, 0, sizeof(runs) / sizeof(runs[0]));
	tcase_add_test(tcase, test_what_is_sent_is_what_was_shown_and_no_secret_stays);
	tcase_add_test(tcase, test_refusals_before_anything_is_recorded);
	tcase_add_test(tcase, test_override_needs_its_name_and_a_reason);
	tcase_add_test(tcase, test_ticket_in_a_freeze);
	tcase_add_test(tcase, test_put_off);
	tcase_add_test(tcase, test_harm_is_told);
	tcase_add_test(tcase, test_undo_and_drift);
	tcase_add_test(tcase, test_interrupted_and_busy);
	tcase_add_test(tcase, test_missing_secret_sends_nothing);
	tcase_add_loop_test(tcase, test_kill_in_flight, 0, sizeof(kills) / sizeof(kills[0]));
	tcase_add_test(tcase, test_every_prefix_of_the_journal_is_understood);
	tcase_add_test(tcase, test_rollback_is_relief);
	tcase_add_test(tcase, test_plan_for_two);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return scene_main(executor_suite());
}
