/* Where a runbook's run stands is told by the journal to whoever goes on with it. */
#include "actions/runbook_log.h"

#include "actions/journal.h"
#include "tests/unit/actions/scene.h"

static const struct runbook_mark begun = {
	.path = "/etc/fleet/mend.yaml",
	.digest = "abc",
	.params = {{"cluster", "east-a"}, {"note", "a \"quoted\" word"}},
	.param_count = 2,
	.ticket = "INC-7",
};

START_TEST(test_kept_and_found)
{
	char directory[64];
	char path[96];
	struct error error = {0};
	struct runbook_mark mark = begun;
	struct runbook_mark found;
	scene_directory(directory);
	snprintf(path, sizeof(path), "%s/journal.jsonl", directory);
	struct journal *journal = journal_open(path, &error);
	ck_assert_msg(journal != NULL, "%s", error.text);
	runbook_log_next(journal, mark.id);
	ck_assert_str_eq(mark.id, "r-0001");
	ck_assert(!runbook_log_find(path, mark.id, &found, &error));
	ck_assert_int_eq(error.kind, ERROR_USAGE);
	ck_assert(runbook_log_begin(journal, &mark, SCENE_NOW, &error));
	ck_assert(runbook_log_find(path, mark.id, &found, &error));
	ck_assert_str_eq(found.path, mark.path);
	ck_assert_str_eq(found.digest, "abc");
	ck_assert_uint_eq(found.param_count, 2);
	ck_assert_str_eq(found.params[1].name, "note");
	ck_assert_str_eq(found.params[1].value, "a \"quoted\" word");
	ck_assert_str_eq(found.ticket, "INC-7");
	ck_assert_str_eq(found.step, "");
	snprintf(mark.step, sizeof(mark.step), "grow");
	snprintf(mark.worst, sizeof(mark.worst), "east-a");
	snprintf(mark.act, sizeof(mark.act), "a-0001");
	mark.acts = 2;
	ck_assert(runbook_log_step(journal, &mark, SCENE_NOW, &error));
	ck_assert(runbook_log_find(path, mark.id, &found, &error));
	ck_assert_str_eq(found.step, "grow");
	ck_assert_str_eq(found.worst, "east-a");
	ck_assert_str_eq(found.act, "a-0001");
	ck_assert_int_eq(found.acts, 2);
	ck_assert(!found.is_finished);
	/* The next step has begun nothing yet; another run's lines are not this one's. */
	mark.act[0] = '\0';
	mark.acts = 0;
	snprintf(mark.step, sizeof(mark.step), "look");
	ck_assert(runbook_log_step(journal, &mark, SCENE_NOW, &error));
	ck_assert(runbook_log_finish(
		journal, "r-0002", OUTCOME_DONE, "another's end", SCENE_NOW, &error));
	ck_assert(runbook_log_find(path, mark.id, &found, &error));
	ck_assert_str_eq(found.step, "look");
	ck_assert_str_eq(found.act, "");
	ck_assert(!found.is_finished);
	ck_assert(runbook_log_finish(journal, mark.id, OUTCOME_DONE, "all", SCENE_NOW, &error));
	ck_assert(runbook_log_find(path, mark.id, &found, &error));
	ck_assert(found.is_finished);
	journal_close(journal);
	struct journal_check check;
	ck_assert(journal_verify(path, &check, NULL) && check.ok);
	ck_assert(!runbook_log_find("/nowhere/at/all", "r-0001", &found, &error));
	ck_assert_int_eq(error.kind, ERROR_IO);
	scene_remove(directory);
}
END_TEST

/* How long a run and its step had taken, whoever went on and however long nobody did. */
START_TEST(test_time)
{
	char directory[64];
	char path[96];
	struct error error = {0};
	struct runbook_mark mark = begun;
	struct runbook_mark found;
	int64_t now_ms = SCENE_NOW;
	scene_directory(directory);
	snprintf(path, sizeof(path), "%s/journal.jsonl", directory);
	struct journal *journal = journal_open(path, &error);
	ck_assert_ptr_nonnull(journal);
	runbook_log_next(journal, mark.id);
	ck_assert(runbook_log_begin(journal, &mark, now_ms, &error));
	snprintf(mark.step, sizeof(mark.step), "grow");
	ck_assert(runbook_log_step(journal, &mark, now_ms += 1000, &error));
	/* The same step once more, for its change: it began before that. What its change did is
	 * its time too; another's is not. */
	snprintf(mark.act, sizeof(mark.act), "a-0009");
	mark.acts = 1;
	ck_assert(runbook_log_step(journal, &mark, now_ms += 4000, &error));
	ck_assert(journal_append(
		journal, "a-0009", "done", "done", "\"code\":0", now_ms += 2000, &error));
	ck_assert(journal_append(
		journal, "a-0010", "done", "done", "\"code\":0", now_ms + 9000, &error));
	ck_assert(runbook_log_find(path, mark.id, &found, &error));
	ck_assert_int_eq(found.run_ms, 7000);
	ck_assert_int_eq(found.step_ms, 6000);
	/* An hour later somebody goes on, for three seconds, into the next step. */
	ck_assert(runbook_log_resume(journal, &found, now_ms += 3600000, &error));
	ck_assert(runbook_log_find(path, mark.id, &found, &error));
	ck_assert_int_eq(found.run_ms, 7000);
	ck_assert_int_eq(found.step_ms, 6000);
	ck_assert(runbook_log_step(journal, &mark, now_ms += 3000, &error));
	ck_assert(runbook_log_find(path, mark.id, &found, &error));
	ck_assert_int_eq(found.run_ms, 10000);
	ck_assert_int_eq(found.step_ms, 9000);
	snprintf(mark.step, sizeof(mark.step), "look");
	mark.act[0] = '\0';
	ck_assert(runbook_log_step(journal, &mark, now_ms += 500, &error));
	ck_assert(runbook_log_find(path, mark.id, &found, &error));
	ck_assert_int_eq(found.run_ms, 10500);
	ck_assert_int_eq(found.step_ms, 0);
	/* A jump begins its step anew, and a clock that was set back takes nothing away. */
	const struct runbook_order jump = {
		.turn = RUNBOOK_TURN_GOTO, .turn_to = "look", .code = OUTCOME_PARTIAL};
	ck_assert(runbook_log_turn(journal, mark.id, &jump, "look", now_ms += 1500, &error));
	ck_assert(runbook_log_step(journal, &mark, now_ms - 100000, &error));
	ck_assert(runbook_log_find(path, mark.id, &found, &error));
	ck_assert_int_eq(found.run_ms, 12000);
	ck_assert_int_eq(found.step_ms, 0);
	journal_close(journal);
	scene_remove(directory);
}
END_TEST

/* What a rollback and a limit of jumps need to know of an earlier process. */
START_TEST(test_past)
{
	char directory[64];
	char path[96];
	struct error error = {0};
	struct runbook_mark mark = begun;
	struct runbook_mark found;
	static struct runbook_past past;
	static const char *const acts[][2] = {
		{"grow", "a-0001"}, {"divert", "a-0002"}, {"divert", "a-0003"}, {"grow", "a-0003"}};
	struct runbook_order jump = {.turn = RUNBOOK_TURN_GOTO,
		.code = OUTCOME_PARTIAL,
		.turn_to = "grow",
		.text = "it failed"};
	scene_directory(directory);
	snprintf(path, sizeof(path), "%s/journal.jsonl", directory);
	struct journal *journal = journal_open(path, &error);
	ck_assert_ptr_nonnull(journal);
	runbook_log_next(journal, mark.id);
	ck_assert(runbook_log_begin(journal, &mark, SCENE_NOW, &error));
	for (int i = 0; i < 4; i++) {
		snprintf(mark.step, sizeof(mark.step), "%s", acts[i][0]);
		snprintf(mark.act, sizeof(mark.act), "%s", acts[i][1]);
		mark.acts = i;
		mark.goal = i == 1 ? 55 : NAN;
		ck_assert(runbook_log_step(journal, &mark, SCENE_NOW, &error));
		ck_assert(runbook_log_find(path, mark.id, &found, &error));
		ck_assert(i == 1 ? found.goal == 55 : isnan(found.goal));
	}
	ck_assert(runbook_log_recall(path, mark.id, &past, &error));
	/* The third was never begun: the fourth took its id. */
	ck_assert_uint_eq(past.change_count, 3);
	ck_assert_str_eq(past.changes[1].step, "divert");
	ck_assert_str_eq(past.changes[1].run, "a-0002");
	ck_assert_str_eq(past.changes[2].step, "grow");
	ck_assert_uint_eq(past.turn_count, 0);
	ck_assert(runbook_log_turn(journal, mark.id, &jump, "divert", SCENE_NOW, &error));
	ck_assert(runbook_log_turn(journal, "r-0009", &jump, "divert", SCENE_NOW, &error));
	ck_assert(runbook_log_find(path, mark.id, &found, &error));
	ck_assert_str_eq(found.step, "grow");
	ck_assert_str_eq(found.act, "");
	ck_assert_int_eq(found.acts, 0);
	jump.turn = RUNBOOK_TURN_ALL_BACK;
	jump.turn_to[0] = '\0';
	ck_assert(runbook_log_turn(journal, mark.id, &jump, "grow", SCENE_NOW, &error));
	ck_assert(runbook_log_recall(path, mark.id, &past, &error));
	ck_assert_uint_eq(past.turn_count, 2);
	ck_assert_int_eq(past.turns[0].turn, RUNBOOK_TURN_GOTO);
	ck_assert_str_eq(past.turns[0].step, "divert");
	ck_assert_int_eq(past.turns[1].turn, RUNBOOK_TURN_ALL_BACK);
	ck_assert_int_eq(past.turns[1].code, OUTCOME_PARTIAL);
	ck_assert(runbook_log_back(journal, mark.id, "a-0002", SCENE_NOW, &error));
	ck_assert(runbook_log_back(journal, "r-0009", "a-0001", SCENE_NOW, &error));
	ck_assert(runbook_log_recall(path, mark.id, &past, &error));
	for (size_t i = 0; i < past.change_count; i++)
		ck_assert_int_eq(past.changes[i].is_back, i == 1);
	for (int i = 0; i < RUNBOOK_CHANGES_MOST; i++) {
		snprintf(mark.act, sizeof(mark.act), "b-%04d", i);
		ck_assert(runbook_log_step(journal, &mark, SCENE_NOW, &error));
	}
	ck_assert(!runbook_log_recall(path, mark.id, &past, &error));
	ck_assert_int_eq(error.kind, ERROR_LIMIT);
	journal_close(journal);
	scene_remove(directory);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runbook_log");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, test_kept_and_found);
	tcase_add_test(tcase, test_past);
	tcase_add_test(tcase, test_time);
	suite_add_tcase(suite, tcase);
	return scene_main(suite);
}
