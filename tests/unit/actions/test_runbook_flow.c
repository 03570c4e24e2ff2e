/* What a runbook does when a step fails, and how changes are proved, ramped and taken back. */
#include "actions/runbook.h"

#include "tests/unit/actions/runbook_bench.h"

#define GROW "do: {action: scale-pool, target: east-a, to: \"x1.5\"}"
#define DIVERT "do: {action: divert, target: east-a, to: \"-10%\"}"

/* Another look, with newer readings. */
static enum runbook_order_kind look(struct bench *bench)
{
	later(bench, 1000);
	return ask(bench, NULL);
}

static void expect_end(struct bench *bench, enum outcome_code code, const char *words)
{
	ck_assert_msg(bench->order.kind == RUNBOOK_FINISHED, "kind %d: %s", (int)bench->order.kind,
		bench->order.text);
	ck_assert_msg(bench->order.code == code, "code %d: %s", (int)bench->order.code,
		bench->order.text);
	ck_assert_msg(strstr(bench->order.text, words) != NULL, "'%s' not in '%s'", words,
		bench->order.text);
	ck_assert_int_eq(ask(bench, NULL), RUNBOOK_FINISHED);
	ck_assert_int_eq(bench->order.code, code);
}

static void expect_undo(struct bench *bench, const char *run)
{
	ck_assert_int_eq(look(bench), RUNBOOK_UNDO);
	ck_assert_str_eq(bench->order.undo, run);
}

static void expect_turn(struct bench *bench, enum runbook_turn turn)
{
	ck_assert_msg(bench->order.turn == turn, "turn %d: %s", (int)bench->order.turn,
		bench->order.text);
	ck_assert_int_eq(bench->order.kind, RUNBOOK_WAIT);
}

/* One step that ends with `code`, after one that was done; what the run then came to without a
 * rollback. */
static const struct {
	const char *flow;
	enum outcome_code code, end;
	const char *words;
} stops[] = {
	{"", OUTCOME_FAILED_UNCHANGED, OUTCOME_PARTIAL, "1 change of this run is in force"},
	{"", OUTCOME_REFUSED, OUTCOME_PARTIAL, "second failed"},
	{"", OUTCOME_UNREACHABLE, OUTCOME_PARTIAL, "in force"},
	{"", OUTCOME_STALE_PLAN, OUTCOME_PARTIAL, "in force"},
	{"", OUTCOME_NEEDS_CONFIRMATION, OUTCOME_PARTIAL, "in force"},
	{"", OUTCOME_PARTIAL, OUTCOME_PARTIAL, "2 changes of this run are in force"},
	{"", OUTCOME_INCONCLUSIVE, OUTCOME_INCONCLUSIVE, "in force"},
	{"", OUTCOME_UNKNOWN, OUTCOME_UNKNOWN, "in force"},
	{"    on_inconclusive: hold\n", OUTCOME_INCONCLUSIVE, OUTCOME_INCONCLUSIVE, "in force"},
	{"    on_failure: stop\n", OUTCOME_FAILED_UNCHANGED, OUTCOME_PARTIAL, "in force"},
	/* The lock was lost, or nothing can be written: whatever the file says, it ends there. */
	{"    on_failure: continue\n", OUTCOME_LOCKED, OUTCOME_PARTIAL, "in force"},
	{"    on_failure: continue\n", OUTCOME_LOCAL_ERROR, OUTCOME_PARTIAL, "in force"},
	{"    on_failure: rollback\n", OUTCOME_UNKNOWN, OUTCOME_UNKNOWN, "in force"},
	{"    on_failure: {goto: first}\n", OUTCOME_UNKNOWN, OUTCOME_UNKNOWN, "in force"},
	/* There is nothing of the step's own to take back. */
	{"    on_failure: rollback\n", OUTCOME_FAILED_UNCHANGED, OUTCOME_PARTIAL, "in force"},
};

START_TEST(test_stop)
{
	struct bench bench;
	char body[1024];
	snprintf(body, sizeof(body), "%s%s",
		"steps:\n  - id: first\n    " GROW "\n  - id: second\n    " DIVERT "\n",
		stops[_i].flow);
	open_bench(&bench, body);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-0001"), RUNBOOK_ACT);
	ended(&bench, stops[_i].code, "a-0002");
	expect_end(&bench, stops[_i].end, stops[_i].words);
	close_bench(&bench);
}
END_TEST

/* Alone, a step's code is the run's. */
START_TEST(test_nothing_else_changed)
{
	struct bench bench;
	open_bench(
		&bench, "on_failure: {rollback: reverse}\nsteps:\n  - id: only\n    " DIVERT "\n");
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ended(&bench, OUTCOME_FAILED_UNCHANGED, "a-0001");
	expect_end(&bench, OUTCOME_FAILED_UNCHANGED, "only failed");
	close_bench(&bench);
}
END_TEST

START_TEST(test_continue)
{
	struct bench bench;
	open_bench(&bench, "steps:\n  - id: first\n    on_failure: continue\n    " GROW
			   "\n  - id: second\n    " DIVERT "\n");
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ended(&bench, OUTCOME_FAILED_UNCHANGED, "a-0001");
	expect_turn(&bench, RUNBOOK_TURN_CONTINUE);
	ck_assert_str_eq(bench.order.step, "first");
	ck_assert_int_eq(look(&bench), RUNBOOK_ACT);
	ck_assert_str_eq(bench.order.action, "divert");
	/* What was passed over is not forgotten: the run is not green. */
	ended(&bench, OUTCOME_DONE, "a-0002");
	expect_end(&bench, OUTCOME_PARTIAL, "first failed");
	close_bench(&bench);
}
END_TEST

START_TEST(test_keep_going)
{
	struct bench bench;
	open_bench(&bench, "keep_going: true\nsteps:\n  - id: first\n    " GROW
			   "\n  - id: second\n    " DIVERT "\n  - id: third\n    on_failure: stop\n"
			   "    " GROW "\n  - id: fourth\n    " GROW "\n");
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ended(&bench, OUTCOME_UNREACHABLE, "a-0001");
	expect_turn(&bench, RUNBOOK_TURN_CONTINUE);
	ck_assert_int_eq(look(&bench), RUNBOOK_ACT);
	ended(&bench, OUTCOME_FAILED_UNCHANGED, "a-0002");
	expect_turn(&bench, RUNBOOK_TURN_CONTINUE);
	ck_assert_int_eq(look(&bench), RUNBOOK_ACT);
	ended(&bench, OUTCOME_FAILED_UNCHANGED, "a-0003");
	/* Nothing was changed: the first failure's code is the run's. */
	expect_end(&bench, OUTCOME_UNREACHABLE, "first failed");
	close_bench(&bench);
}
END_TEST

START_TEST(test_goto)
{
	struct bench bench;
	open_bench(&bench, "steps:\n  - id: first\n    " GROW "\n  - id: second\n    " DIVERT
			   "\n    on_failure: {goto: first, max: 2}\n");
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	for (int i = 0; i < 2; i++) {
		char id[2][PLAN_ID_BYTES];
		snprintf(id[0], sizeof(id[0]), "a-%d", 2 * i);
		snprintf(id[1], sizeof(id[1]), "a-%d", 2 * i + 1);
		ck_assert_int_eq(ended(&bench, OUTCOME_DONE, id[0]), RUNBOOK_ACT);
		ended(&bench, OUTCOME_FAILED_UNCHANGED, id[1]);
		expect_turn(&bench, RUNBOOK_TURN_GOTO);
		ck_assert_str_eq(bench.order.turn_to, "first");
		ck_assert_int_eq(look(&bench), RUNBOOK_ACT);
		ck_assert_str_eq(bench.order.action, "scale-pool");
	}
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-4"), RUNBOOK_ACT);
	ended(&bench, OUTCOME_FAILED_UNCHANGED, "a-5");
	expect_end(&bench, OUTCOME_PARTIAL, "second failed");
	close_bench(&bench);
	open_bench(&bench, "steps:\n  - id: first\n    " GROW "\n    on_failure: {goto: first}\n");
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ended(&bench, OUTCOME_FAILED_UNCHANGED, "a-1");
	expect_turn(&bench, RUNBOOK_TURN_GOTO);
	ck_assert_int_eq(look(&bench), RUNBOOK_ACT);
	ended(&bench, OUTCOME_DONE, "a-2");
	expect_end(&bench, OUTCOME_DONE, "all steps");
	close_bench(&bench);
}
END_TEST

/* Only what the step did, the newest first; what others did stays, and the code says so. */
START_TEST(test_step_rollback)
{
	struct bench bench;
	open_bench(&bench, "steps:\n  - id: first\n    " GROW
			   "\n  - id: second\n    when: \"surface.errors > 1%\"\n    repeat: 3\n"
			   "    on_failure: rollback\n    " DIVERT "\n");
	errors(&bench, 0.1);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-0001"), RUNBOOK_ACT);
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-0002"), RUNBOOK_ACT);
	ended(&bench, OUTCOME_PARTIAL, "a-0003");
	expect_turn(&bench, RUNBOOK_TURN_STEP_BACK);
	expect_undo(&bench, "a-0003");
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_WAIT);
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-0004"), RUNBOOK_UNDO);
	ck_assert_str_eq(bench.order.undo, "a-0002");
	ended(&bench, OUTCOME_DONE, "");
	expect_end(&bench, OUTCOME_PARTIAL, "1 change of this run is in force");
	close_bench(&bench);
}
END_TEST

START_TEST(test_run_rollback)
{
	struct bench bench;
	open_bench(&bench, "on_failure: {rollback: reverse}\nsteps:\n  - id: first\n    " GROW
			   "\n  - id: second\n    " DIVERT "\n  - id: third\n    " DIVERT "\n");
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-0001"), RUNBOOK_ACT);
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-0002"), RUNBOOK_ACT);
	ended(&bench, OUTCOME_REFUSED, "");
	expect_turn(&bench, RUNBOOK_TURN_ALL_BACK);
	expect_undo(&bench, "a-0002");
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-0003"), RUNBOOK_UNDO);
	ck_assert_str_eq(bench.order.undo, "a-0001");
	ck_assert_str_eq(bench.order.step, "first");
	/* Taken back as a whole, and still no success. */
	ended(&bench, OUTCOME_DONE, "a-0004");
	expect_end(&bench, OUTCOME_ROLLED_BACK, "third failed");
	close_bench(&bench);
}
END_TEST

START_TEST(test_except)
{
	struct bench bench;
	open_bench(&bench, "on_failure: {rollback: reverse, except: [first]}\nsteps:\n"
			   "  - id: first\n    " GROW "\n  - id: second\n    " DIVERT
			   "\n  - id: third\n    on_failure: rollback\n    " DIVERT "\n");
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-0001"), RUNBOOK_ACT);
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-0002"), RUNBOOK_ACT);
	ended(&bench, OUTCOME_PARTIAL, "a-0003");
	expect_turn(&bench, RUNBOOK_TURN_ALL_BACK);
	expect_undo(&bench, "a-0003");
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-0004"), RUNBOOK_UNDO);
	ck_assert_str_eq(bench.order.undo, "a-0002");
	ended(&bench, OUTCOME_DONE, "a-0005");
	expect_end(&bench, OUTCOME_PARTIAL, "1 change of this run is in force");
	close_bench(&bench);
}
END_TEST

/* Hindered, it is tried again for a while; failed, it stops there. */
static const struct {
	enum outcome_code code;
	bool again;
} hindrances[] = {
	{OUTCOME_RETRY_LATER, true},
	{OUTCOME_LOCKED, true},
	{OUTCOME_UNREACHABLE, true},
	{OUTCOME_REFUSED, true},
	{OUTCOME_STALE_PLAN, false},
	{OUTCOME_UNKNOWN, false},
	{OUTCOME_FAILED_UNCHANGED, false},
	{OUTCOME_INCONCLUSIVE, false},
};

START_TEST(test_rollback_fails)
{
	struct bench bench;
	open_bench(&bench, "on_failure: {rollback: reverse}\nsteps:\n  - id: first\n    " GROW
			   "\n  - id: second\n    " DIVERT "\n");
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-0001"), RUNBOOK_ACT);
	ended(&bench, OUTCOME_PARTIAL, "a-0002");
	expect_undo(&bench, "a-0002");
	enum runbook_order_kind kind = ended(&bench, hindrances[_i].code, "");
	if (hindrances[_i].again) {
		ck_assert_int_eq(kind, RUNBOOK_WAIT);
		expect_undo(&bench, "a-0002");
		later(&bench, RUNBOOK_UNDO_MS);
		ended(&bench, hindrances[_i].code, "");
	}
	expect_end(&bench, OUTCOME_ROLLBACK_FAILED, "a-0002 could not be taken back");
	ck_assert_ptr_nonnull(strstr(bench.order.text, "2 changes of this run are in force"));
	close_bench(&bench);
}
END_TEST

/* What took and harms is a failure where the step says what to do then, else it is in doubt. */
START_TEST(test_harm)
{
	struct bench bench;
	const struct run_view harm = {
		.id = "a-0001", .code = OUTCOME_INCONCLUSIVE, .harms = true, .text = "worse"};
	open_bench(&bench, "steps:\n  - id: only\n    on_failure: rollback\n"
			   "    on_inconclusive: continue\n    " GROW "\n");
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ask(&bench, &harm);
	expect_turn(&bench, RUNBOOK_TURN_STEP_BACK);
	expect_undo(&bench, "a-0001");
	ended(&bench, OUTCOME_DONE, "a-0002");
	expect_end(&bench, OUTCOME_ROLLED_BACK, "only failed");
	close_bench(&bench);
	open_bench(&bench, "steps:\n  - id: only\n    on_inconclusive: continue\n    " GROW "\n");
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ask(&bench, &harm);
	expect_end(&bench, OUTCOME_DONE, "all steps");
	close_bench(&bench);
}
END_TEST

#define PROOF                                                                          \
	"steps:\n  - id: only\n    on_failure: rollback\n    verify: {pass_if: "       \
	"\"surface.errors < 1%\", "                                                    \
	"fail_if: \"surface.errors > before.surface.errors\", for: 2s, within: 20s}\n" \
	"    " GROW "\n"

START_TEST(test_proof)
{
	struct bench bench;
	open_bench(&bench, PROOF);
	errors(&bench, 0.1);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-0001"), RUNBOOK_WAIT);
	/* Three good looks in a row, each of newer readings. */
	errors(&bench, 0);
	ck_assert_int_eq(look(&bench), RUNBOOK_WAIT);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_WAIT);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_WAIT);
	ck_assert_int_eq(look(&bench), RUNBOOK_WAIT);
	bench.scene.assessment.stages[STAGE_ERRORS].known = false;
	ck_assert_int_eq(look(&bench), RUNBOOK_WAIT);
	bench.scene.assessment.stages[STAGE_ERRORS].known = true;
	ck_assert_int_eq(look(&bench), RUNBOOK_WAIT);
	ck_assert_int_eq(look(&bench), RUNBOOK_WAIT);
	look(&bench);
	expect_end(&bench, OUTCOME_DONE, "all steps");
	close_bench(&bench);
	/* One bad look is none; two are harm. */
	open_bench(&bench, PROOF);
	errors(&bench, 0.1);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ended(&bench, OUTCOME_DONE, "a-0001");
	errors(&bench, 0.11);
	ck_assert_int_eq(look(&bench), RUNBOOK_WAIT);
	errors(&bench, 0.1);
	ck_assert_int_eq(look(&bench), RUNBOOK_WAIT);
	errors(&bench, 0.2);
	ck_assert_int_eq(look(&bench), RUNBOOK_WAIT);
	ck_assert_int_eq(bench.order.turn, RUNBOOK_TURN_NONE);
	look(&bench);
	expect_turn(&bench, RUNBOOK_TURN_STEP_BACK);
	ck_assert_ptr_nonnull(strstr(bench.order.text, "it did harm"));
	close_bench(&bench);
	/* Neither: in doubt, and held. */
	open_bench(&bench, PROOF);
	errors(&bench, 0.1);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ended(&bench, OUTCOME_DONE, "a-0001");
	later(&bench, 20000);
	ask(&bench, NULL);
	expect_end(&bench, OUTCOME_INCONCLUSIVE, "neither good nor harm");
	close_bench(&bench);
	/* Unknown before: harm cannot be told from good. */
	open_bench(&bench, PROOF);
	bench.scene.assessment.stages[STAGE_ERRORS].known = false;
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ended(&bench, OUTCOME_DONE, "a-0001");
	bench.scene.assessment.stages[STAGE_ERRORS].known = true;
	errors(&bench, 0);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(look(&bench), RUNBOOK_WAIT);
	later(&bench, 20000);
	ask(&bench, NULL);
	expect_end(&bench, OUTCOME_INCONCLUSIVE, "neither good nor harm");
	close_bench(&bench);
}
END_TEST

START_TEST(test_ramp)
{
	struct bench bench;
	static const double out[] = {90, 80, 70, 65};
	open_bench(&bench,
		"steps:\n  - id: away\n    do: {action: divert, target: east-a, to: \"-35%\"}\n"
		"    ramp: {by: 10%, hold: 5s}\n");
	ck_assert(isnan(runbook_goal(bench.state)));
	enum runbook_order_kind kind = ask(&bench, NULL);
	for (int i = 0; i < COUNT(out); i++) {
		char id[PLAN_ID_BYTES];
		snprintf(id, sizeof(id), "a-%d", i);
		ck_assert_int_eq(kind, RUNBOOK_ACT);
		ck_assert_double_eq_tol(bench.order.to, out[i], 1e-9);
		ck_assert_double_eq_tol(runbook_goal(bench.state), 65, 1e-9);
		bench.weight = out[i];
		later(&bench, 1000);
		kind = ended(&bench, OUTCOME_DONE, id);
		if (i + 1 == COUNT(out))
			break;
		ck_assert_int_eq(kind, RUNBOOK_WAIT);
		/* It rests, and looks at two newer pictures, whichever lasts longer. */
		scene_advance(&bench.scene, 5000);
		ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_WAIT);
		ck_assert_int_eq(look(&bench), RUNBOOK_WAIT);
		kind = look(&bench);
	}
	expect_end(&bench, OUTCOME_DONE, "all steps");
	close_bench(&bench);
	/* Back in smaller steps, from nothing. */
	open_bench(&bench,
		"steps:\n  - id: back\n    do: {action: restore, target: east-a, to: 100}\n"
		"    ramp: {by: 5%, hold: 0s}\n");
	bench.weight = 0;
	later(&bench, 1000);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ck_assert_double_eq_tol(bench.order.to, 5, 1e-9);
	bench.weight = 5;
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-1"), RUNBOOK_WAIT);
	ck_assert_int_eq(look(&bench), RUNBOOK_WAIT);
	ck_assert_int_eq(look(&bench), RUNBOOK_ACT);
	ck_assert_double_eq_tol(bench.order.to, 10, 1e-9);
	/* A quantum that cannot be proved is the last one. */
	ended(&bench, OUTCOME_INCONCLUSIVE, "a-2");
	expect_end(&bench, OUTCOME_INCONCLUSIVE, "in force");
	close_bench(&bench);
	/* Harm between two quanta ends it, and takes back all of them. */
	open_bench(&bench,
		"steps:\n  - id: away\n    do: {action: divert, target: east-a, to: 50}\n"
		"    ramp: {by: 25%, hold: 60s}\n    on_failure: rollback\n"
		"    verify: {pass_if: \"surface.errors < 50%\", fail_if: \"surface.errors > "
		"60%\", within: 9s}\n");
	errors(&bench, 0);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	bench.weight = 75;
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-1"), RUNBOOK_WAIT);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(look(&bench), RUNBOOK_WAIT);
	ck_assert_ptr_nonnull(strstr(bench.order.text, "at 75 on the way to 50"));
	errors(&bench, 0.9);
	ck_assert_int_eq(look(&bench), RUNBOOK_WAIT);
	look(&bench);
	expect_turn(&bench, RUNBOOK_TURN_STEP_BACK);
	expect_undo(&bench, "a-1");
	close_bench(&bench);
}
END_TEST

START_TEST(test_preflight)
{
	struct bench bench;
	static const char body[] =
		"preflight:\n  - {id: errs, assert: \"surface.errors > 1%\"}\n"
		"  - {id: lost, assert: \"pool.max[east-a] < 60\"}\nsteps:\n  - id: only\n    " GROW
		"\n";
	/* All that does not hold is told at once. */
	open_bench(&bench, body);
	errors(&bench, 0);
	ask(&bench, NULL);
	expect_end(&bench, OUTCOME_REFUSED, "errs does not hold");
	ck_assert_ptr_nonnull(strstr(bench.order.text, "lost does not hold"));
	close_bench(&bench);
	/* Unknown waits a moment, then refuses as well. */
	open_bench(&bench, "preflight:\n  - {id: errs, assert: \"surface.errors > 1%\"}\nsteps:\n"
			   "  - id: only\n    " GROW "\n");
	bench.scene.assessment.stages[STAGE_ERRORS].known = false;
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_WAIT);
	later(&bench, RUNBOOK_UNKNOWN_MS);
	ask(&bench, NULL);
	expect_end(&bench, OUTCOME_REFUSED, "errs cannot be told");
	close_bench(&bench);
	open_bench(&bench, body);
	errors(&bench, 0.5);
	bench.size = 10;
	later(&bench, 1000);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	close_bench(&bench);
}
END_TEST

START_TEST(test_timeouts)
{
	struct bench bench;
	/* Of a wait, where that is a failure. */
	open_bench(&bench, "on_failure: {rollback: reverse}\nsteps:\n  - id: grow\n    " GROW
			   "\n  - id: well\n    wait: {until: \"surface.errors < 1%\", within: 5s, "
			   "on_timeout: fail}\n");
	errors(&bench, 0.5);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-1"), RUNBOOK_WAIT);
	later(&bench, 5000);
	ask(&bench, NULL);
	expect_turn(&bench, RUNBOOK_TURN_ALL_BACK);
	expect_undo(&bench, "a-1");
	ended(&bench, OUTCOME_DONE, "a-2");
	expect_end(&bench, OUTCOME_ROLLED_BACK, "well failed");
	close_bench(&bench);
	/* Of a step: a cool-down is waited for no longer than that. */
	open_bench(&bench,
		"steps:\n  - id: grow\n    timeout: 5s\n    on_failure: continue\n    " GROW
		"\n  - id: more\n    " GROW "\n");
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ck_assert_int_eq(ended(&bench, OUTCOME_RETRY_LATER, ""), RUNBOOK_WAIT);
	later(&bench, 4000);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	later(&bench, 60000);
	/* Never in the middle of a change. */
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_WAIT);
	ck_assert_int_eq(bench.order.turn, RUNBOOK_TURN_NONE);
	ended(&bench, OUTCOME_RETRY_LATER, "");
	look(&bench);
	expect_turn(&bench, RUNBOOK_TURN_CONTINUE);
	ck_assert_int_eq(look(&bench), RUNBOOK_ACT);
	close_bench(&bench);
	/* Of the run: whatever its step would do. */
	open_bench(&bench, "timeout: 30s\nsteps:\n  - id: well\n    on_failure: continue\n"
			   "    wait: {until: \"surface.errors < 1%\", within: 5m}\n");
	errors(&bench, 0.5);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_WAIT);
	later(&bench, 30000);
	ask(&bench, NULL);
	expect_end(&bench, OUTCOME_INCONCLUSIVE, "timeout");
	close_bench(&bench);
}
END_TEST

START_TEST(test_approve)
{
	struct bench bench;
	open_bench(&bench, "steps:\n  - id: only\n    approve: true\n    " GROW "\n");
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ck_assert(bench.order.approve);
	ended(&bench, OUTCOME_NEEDS_CONFIRMATION, "");
	expect_end(&bench, OUTCOME_NEEDS_CONFIRMATION, "only failed");
	close_bench(&bench);
}
END_TEST

#define THREE                                                               \
	"on_failure: {rollback: reverse}\nsteps:\n  - id: first\n    " GROW \
	"\n  - id: second\n    " DIVERT "\n  - id: third\n    " DIVERT      \
	"\n    on_failure: {goto: second, max: 1}\n"

/* Another process goes on in the middle of it all. */
START_TEST(test_gone_on_with)
{
	struct bench bench;
	struct error error = {0};
	open_bench(&bench, THREE);
	ck_assert(!runbook_remember_change(bench.state, "nosuch", "a-1", false, &error));
	ck_assert_int_eq(error.kind, ERROR_USAGE);
	ck_assert(runbook_remember_change(bench.state, "first", "a-1", false, &error));
	ck_assert(runbook_remember_change(bench.state, "second", "a-2", false, &error));
	ck_assert(runbook_remember_change(bench.state, "third", "a-3", true, &error));
	ck_assert(runbook_remember_turn(
		bench.state, "third", RUNBOOK_TURN_ALL_BACK, OUTCOME_PARTIAL, &error));
	ck_assert(runbook_resume(bench.state, "third", ENTITY_NONE, 1, true, &error));
	expect_undo(&bench, "a-2");
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-4"), RUNBOOK_UNDO);
	ck_assert_str_eq(bench.order.undo, "a-1");
	ended(&bench, OUTCOME_DONE, "a-5");
	expect_end(&bench, OUTCOME_ROLLED_BACK, "third");
	close_bench(&bench);
	/* A jump that was made counts. */
	open_bench(&bench, THREE);
	ck_assert(runbook_remember_turn(
		bench.state, "third", RUNBOOK_TURN_GOTO, OUTCOME_PARTIAL, &error));
	ck_assert(runbook_resume(bench.state, "third", ENTITY_NONE, 0, false, &error));
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ended(&bench, OUTCOME_FAILED_UNCHANGED, "a-1");
	expect_end(&bench, OUTCOME_FAILED_UNCHANGED, "third failed");
	close_bench(&bench);
	/* So does a failure that was passed over. */
	open_bench(&bench, THREE);
	ck_assert(runbook_remember_turn(
		bench.state, "first", RUNBOOK_TURN_CONTINUE, OUTCOME_UNREACHABLE, &error));
	ck_assert(runbook_resume(bench.state, "third", ENTITY_NONE, 0, false, &error));
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ended(&bench, OUTCOME_DONE, "a-1");
	expect_end(&bench, OUTCOME_PARTIAL, "first");
	close_bench(&bench);
	/* A ramp keeps its end, and does not take a share of what is left. */
	open_bench(&bench,
		"steps:\n  - id: away\n    do: {action: divert, target: east-a, to: \"-50%\"}\n"
		"    ramp: {by: 20%, hold: 0s}\n");
	bench.weight = 70;
	later(&bench, 1000);
	runbook_remember_goal(bench.state, 50);
	ck_assert(runbook_resume(bench.state, "away", ENTITY_NONE, 1, false, &error));
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ck_assert_double_eq_tol(bench.order.to, 56, 1e-9);
	close_bench(&bench);
}
END_TEST

/* What an earlier process had spent counts, for the step it went on at and for the run. */
START_TEST(test_time_that_was_spent)
{
	static const struct {
		const char *yaml;
		int64_t run_ms, step_ms;
	} rows[] = {
		{"timeout: 60s\nsteps:\n  - id: only\n    wait: {until: \"phase > 7\", within: "
		 "1h}\n",
			50000, 0},
		{"steps:\n  - id: only\n    timeout: 60s\n    wait: {until: \"phase > 7\", within: "
		 "1h}\n",
			0, 50000},
		{"steps:\n  - id: only\n    wait: {until: \"phase > 7\", within: 60s, on_timeout: "
		 "fail}\n",
			0, 50000},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int gone_on = 0; gone_on < 2; gone_on++) {
			struct bench bench;
			struct error error = {0};
			open_bench(&bench, rows[i].yaml);
			if (gone_on) {
				runbook_remember_time(bench.state, rows[i].run_ms, rows[i].step_ms);
				ck_assert(runbook_resume(
					bench.state, "only", ENTITY_NONE, 0, false, &error));
			}
			ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_WAIT);
			later(&bench, 9000);
			ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_WAIT);
			later(&bench, 2000);
			ck_assert_msg((ask(&bench, NULL) == RUNBOOK_FINISHED) == (gone_on == 1),
				"row %zu, %d: %s", i, gone_on, bench.order.text);
			close_bench(&bench);
		}
	}
}
END_TEST

START_TEST(test_limit)
{
	struct bench bench;
	struct error error = {0};
	open_bench(&bench, "steps:\n  - id: only\n    " GROW "\n");
	for (int i = 0; i < RUNBOOK_CHANGES_MOST; i++)
		runbook_remember_change(bench.state, "only", "a-1", true, NULL);
	ck_assert(!runbook_remember_change(bench.state, "only", "a-1", true, &error));
	ck_assert_int_eq(error.kind, ERROR_LIMIT);
	ask(&bench, NULL);
	expect_end(&bench, OUTCOME_PARTIAL, "begin another");
	close_bench(&bench);
}
END_TEST

#define HEAD "version: 1\nname: x\nsteps:\n  - {id: a, "
#define DO "do: {action: divert, target: east-a, to: \"-5%\"}"

static const struct {
	const char *yaml, *words;
} bad[] = {
	{HEAD DO ", on_failure: sometimes}\n", "steps[1].on_failure"},
	{HEAD DO ", on_failure: [stop]}\n", "expected stop, continue, rollback"},
	{HEAD DO ", on_failure: {goto: nowhere}}\n", "no step of this id"},
	{HEAD DO ", on_failure: {goto: a, max: 21}}\n", "max"},
	{HEAD DO ", on_failure: {got: a}}\n", "goto"},
	{HEAD DO ", on_inconclusive: stop}\n", "hold"},
	{HEAD DO ", timeout: 5}\n", "timeout"},
	{HEAD DO ", approve: yes}\n", "approve"},
	{HEAD DO ", verify: {pass_if: \"phase >\", within: 5s}}\n", "steps[1].verify.pass_if"},
	{HEAD DO ", verify: {pass_if: \"phase > 1\"}}\n", "within"},
	{HEAD DO ", verify: {fail_if: \"phase > 1\", within: 5s}}\n", "pass_if"},
	{HEAD DO ", ramp: {by: 10}}\n", "by"},
	{HEAD DO ", ramp: {by: 10%}, when: \"phase > 1\", repeat: 2}\n", "no repeat"},
	{HEAD "do: {action: divert, target: east-a, to: largest-safe}, ramp: {by: 10%}}\n",
		"needs an end"},
	{HEAD "wait: {until: \"phase > 1\", within: 5s}, approve: true}\n", "step with do"},
	{HEAD DO "}\non_failure: rollback\n", "on_failure"},
	{HEAD DO "}\non_failure: {rollback: forward}\n", "reverse"},
	{HEAD DO "}\non_failure: {rollback: reverse, except: b}\n", "list of steps"},
	{HEAD DO "}\non_failure: {rollback: reverse, except: [b]}\n", "no step of this id"},
	{HEAD DO "}\npreflight: {id: a}\n", "list"},
	{HEAD DO "}\npreflight: [{id: a, assert: \"phase >\"}]\n", "preflight[1].assert"},
	{HEAD DO "}\nkeep_going: 1\n", "keep_going"},
};

START_TEST(test_bad_file)
{
	struct complaints complaints;
	struct text text;
	struct arena *arena = arena_create(1024 * 1024);
	complaints_init(&complaints);
	ck_assert_msg(runbook_parse(arena, "x.yaml", bad[_i].yaml, strlen(bad[_i].yaml),
			      &complaints) == NULL,
		"%s passed", bad[_i].yaml);
	text_init(&text, 65536);
	complaints_print(&complaints, &text);
	ck_assert_msg(strstr(text_string(&text), bad[_i].words) != NULL, "'%s' not in %s",
		bad[_i].words, text_string(&text));
	ck_assert_ptr_nonnull(strstr(text_string(&text), "x.yaml:"));
	text_finish(&text);
	complaints_finish(&complaints);
	arena_destroy(arena);
}
END_TEST

/* What was before is known in verify only. */
START_TEST(test_before_elsewhere)
{
	static const char *const steps[] = {
		"  - {id: a, when: \"phase > before.phase\", " DO "}\n",
		"  - {id: a, wait: {until: \"phase > before.phase\", within: 5s}}\n",
		"  - {id: a, " DO ", verify: {pass_if: \"phase > before.nothing\", within: 5s}}\n",
	};
	struct scene scene;
	struct complaints complaints;
	struct error error = {0};
	char yaml[512];
	const struct action_info info = {.name = "divert", .verb = verb_find("cluster.divert")};
	scene_open(&scene);
	for (int i = 0; i < COUNT(steps); i++) {
		struct arena *arena = arena_create(1024 * 1024);
		complaints_init(&complaints);
		snprintf(yaml, sizeof(yaml), "version: 1\nname: x\nsteps:\n%s", steps[i]);
		const struct runbook *runbook =
			runbook_parse(arena, "x.yaml", yaml, strlen(yaml), &complaints);
		ck_assert_ptr_nonnull(runbook);
		ck_assert_ptr_null(
			runbook_begin(runbook, NULL, 0, scene.snapshot, &info, 1, &error));
		ck_assert_int_eq(error.kind, ERROR_USAGE);
		ck_assert_ptr_nonnull(strstr(error.text, "before."));
		complaints_finish(&complaints);
		arena_destroy(arena);
	}
	scene_close(&scene);
}
END_TEST

START_TEST(test_print)
{
	static const char *const words[] = {"first errs: surface.errors > 1%, or nothing is done",
		"by 10% at a time, resting 1m", "once another person has approved",
		"proved when phase < 4 within 1m", "failed when phase > 7",
		"on failure: go to grow, at most 2 times; then stop, and the run is taken back",
		"neither proved nor failed: go on", "takes at most 2h00m", "takes at most 5m00s",
		"the newest first, but not what was done by grow",
		"for 10s, at most 1m00s, then fail"};
	struct bench bench;
	struct text text;
	open_bench(&bench,
		"timeout: 2h\npreflight: [{id: errs, assert: \"surface.errors > 1%\"}]\n"
		"on_failure: {rollback: reverse, except: [grow]}\nsteps:\n  - id: grow\n"
		"    timeout: 5m\n    on_inconclusive: continue\n    " GROW
		"\n  - id: away\n    approve: true\n    ramp: {by: 10%, hold: 60s}\n"
		"    verify: {pass_if: \"phase < 4\", fail_if: \"phase > 7\", within: 1m}\n"
		"    on_failure: {goto: grow, max: 2}\n    " DIVERT
		"\n  - id: well\n    wait: {until: \"phase < 2\", for: 10s, within: 1m, "
		"on_timeout: fail}\n");
	text_init(&text, 65536);
	runbook_print(bench.runbook, &text);
	for (int i = 0; i < COUNT(words); i++)
		ck_assert_msg(strstr(text_string(&text), words[i]) != NULL, "no '%s' in %s",
			words[i], text_string(&text));
	text_finish(&text);
	close_bench(&bench);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runbook_flow");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, test_stop, 0, COUNT(stops));
	tcase_add_test(tcase, test_nothing_else_changed);
	tcase_add_test(tcase, test_continue);
	tcase_add_test(tcase, test_keep_going);
	tcase_add_test(tcase, test_goto);
	tcase_add_test(tcase, test_step_rollback);
	tcase_add_test(tcase, test_run_rollback);
	tcase_add_test(tcase, test_except);
	tcase_add_loop_test(tcase, test_rollback_fails, 0, COUNT(hindrances));
	tcase_add_test(tcase, test_harm);
	tcase_add_test(tcase, test_proof);
	tcase_add_test(tcase, test_ramp);
	tcase_add_test(tcase, test_preflight);
	tcase_add_test(tcase, test_timeouts);
	tcase_add_test(tcase, test_approve);
	tcase_add_test(tcase, test_gone_on_with);
	tcase_add_test(tcase, test_time_that_was_spent);
	tcase_add_test(tcase, test_limit);
	tcase_add_loop_test(tcase, test_bad_file, 0, COUNT(bad));
	tcase_add_test(tcase, test_before_elsewhere);
	tcase_add_test(tcase, test_print);
	suite_add_tcase(suite, tcase);
	return scene_main(suite);
}
