/* Where a runbook's run stands is told by the journal to whoever goes on with it. */
#include "actions/runbook_log.h"

#include "actions/journal.h"
#include "tests/unit/actions/scene.h"

static const struct runbook_mark begun = {
	.path = "/etc/fleet/mend.yaml",
	.digest = "abc",
	.params = {{"cluster", "east-a"}, {"note", "a \"quoted\" word"}},
	.param_count = 2,
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

int main(void)
{
	Suite *suite = suite_create("runbook_log");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, test_kept_and_found);
	suite_add_tcase(suite, tcase);
	return scene_main(suite);
}
