#include "tests/unit/actions/keys.h"

#include "actions/approval.h"
#include "actions/config.h"

struct desk {
	char directory[64];
	char journal[96];
	struct plan plan;
	struct approvals approvals;
	struct signing_config signing;
};

static void open_desk(struct desk *desk)
{
	*desk = (struct desk){.directory = ""};
	scene_directory(desk->directory);
	snprintf(desk->journal, sizeof(desk->journal), "%s/journal.jsonl", desk->directory);
	plan_init(&desk->plan);
	desk->plan.verb = verb_find("cluster.divert");
	snprintf(desk->plan.id, sizeof(desk->plan.id), "p-123456");
	memset(desk->plan.hash, 'a', PLAN_HASH_BYTES - 1);
	desk->plan.from = 100;
	desk->plan.to = 80;
	ck_assert(approvals_ask(
		desk->journal, &desk->plan, "kim", "why not", SCENE_NOW, 600000, NULL));
}

static const struct approval *look(struct desk *desk)
{
	ck_assert(approvals_read(desk->journal, &desk->signing, SCENE_NOW, &desk->approvals, NULL));
	return approvals_find(&desk->approvals, desk->plan.hash);
}

START_TEST(test_another_person_approves)
{
	struct desk desk;
	struct error error = {0};
	open_desk(&desk);
	ck_assert_int_eq(approval_state(look(&desk), SCENE_NOW), APPROVAL_PENDING);
	ck_assert_ptr_nonnull(strstr(look(&desk)->what, "100 -> 80"));
	/* Asking again asks nothing new. */
	ck_assert(approvals_ask(desk.journal, &desk.plan, "kim", "", SCENE_NOW, 600000, NULL));
	look(&desk);
	ck_assert_uint_eq(desk.approvals.count, 1);
	ck_assert(!approvals_decide(
		desk.journal, &desk.signing, "p-123456", true, "kim", "", SCENE_NOW, &error));
	ck_assert_int_eq(error.kind, ERROR_REJECTED);
	error = (struct error){0};
	ck_assert(!approvals_decide(
		desk.journal, &desk.signing, "p-999999", true, "ann", "", SCENE_NOW, &error));
	ck_assert_int_eq(error.kind, ERROR_USAGE);
	ck_assert(approvals_decide(desk.journal, &desk.signing, "p-123456", true, "ann", "go",
		SCENE_NOW + 1000, NULL));
	const struct approval *row = look(&desk);
	ck_assert_int_eq(approval_state(row, SCENE_NOW + 2000), APPROVAL_GIVEN);
	ck_assert_str_eq(row->decided_by, "ann");
	ck_assert_int_eq(approval_state(row, SCENE_NOW + 600000), APPROVAL_EXPIRED);
	ck_assert(!approvals_decide(
		desk.journal, &desk.signing, "p-123456", false, "bob", "", SCENE_NOW, NULL));
	scene_remove(desk.directory);
}
END_TEST

START_TEST(test_denied_stays_denied)
{
	struct desk desk;
	open_desk(&desk);
	ck_assert(approvals_decide(
		desk.journal, &desk.signing, "p-123456", false, "ann", "no", SCENE_NOW, NULL));
	ck_assert_int_eq(approval_state(look(&desk), SCENE_NOW + 900000), APPROVAL_DENIED);
	scene_remove(desk.directory);
}
END_TEST

/* An answer that is not in the chain is no answer. */
START_TEST(test_forged_answer)
{
	struct desk desk;
	char name[128];
	open_desk(&desk);
	snprintf(name, sizeof(name), "%s.approvals", desk.journal);
	FILE *file = fopen(name, "ae");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "{\"run\":\"p-123456\",\"event\":\"approve\",\"by\":\"ann\"}\n");
	fclose(file);
	ck_assert_int_eq(approval_state(look(&desk), SCENE_NOW), APPROVAL_PENDING);
	scene_remove(desk.directory);
}
END_TEST

/* Where signers are named, an approval counts with a signature over this very plan only. */
START_TEST(test_an_approval_is_signed)
{
	struct desk desk;
	char ann[96], kim[96], allowed[96];
	open_desk(&desk);
	key_make(desk.directory, "ann");
	key_make(desk.directory, "kim");
	snprintf(ann, sizeof(ann), "%s/ann", desk.directory);
	snprintf(kim, sizeof(kim), "%s/kim", desk.directory);
	snprintf(allowed, sizeof(allowed), "%s/allowed", desk.directory);
	desk.signing.allowed_signers = allowed;
	ck_assert(approvals_decide(
		desk.journal, &desk.signing, "p-123456", true, "ann", "", SCENE_NOW, NULL));
	ck_assert_int_eq(approval_state(look(&desk), SCENE_NOW), APPROVAL_PENDING);
	ck_assert_ptr_nonnull(strstr(look(&desk)->doubt, "not signed"));
	/* Kim in Ann's name. */
	desk.signing.sign_with = kim;
	ck_assert(approvals_decide(
		desk.journal, &desk.signing, "p-123456", true, "ann", "", SCENE_NOW, NULL));
	ck_assert_int_eq(approval_state(look(&desk), SCENE_NOW), APPROVAL_PENDING);
	desk.signing.sign_with = ann;
	ck_assert(approvals_decide(
		desk.journal, &desk.signing, "p-123456", true, "ann", "", SCENE_NOW, NULL));
	ck_assert_int_eq(approval_state(look(&desk), SCENE_NOW), APPROVAL_GIVEN);
	ck_assert_int_eq(approval_state(look(&desk), SCENE_NOW), APPROVAL_GIVEN);
	scene_remove(desk.directory);
}
END_TEST

/* The guard takes the answer for the very plan that was asked about, and for no other. */
START_TEST(test_guard_is_bound_to_the_plan)
{
	struct scene scene;
	struct desk desk;
	struct error error = {0};
	struct plan plan;
	struct guard_config limits = scene_limits();
	limits.approve_above = 0.01;
	const struct action_config action = {
		.info = {.name = "divert",
			.verb = verb_find("cluster.divert"),
			.transport = "http"},
		.road = ACTION_BY_HTTP,
		.http = {.method = "POST", .url = "http://lb/{cluster}/{weight}", .json = ""},
	};
	scene_open(&scene);
	open_desk(&desk);
	struct plan_facts facts = {.environment = "t", .armed = true, .journal_trouble = ""};
	plan_init(&plan);
	ck_assert_msg(plan_make(&action, &limits, &facts, scene.snapshot, &scene.assessment,
			      scene.a, 90, scene.now_ms, &plan, &error),
		"%s", error.text);
	ck_assert(plan.blocked);
	ck_assert_int_eq(plan_outcome(&plan), OUTCOME_NEEDS_CONFIRMATION);
	ck_assert(approvals_ask(desk.journal, &plan, "kim", "", SCENE_NOW, 600000, NULL));
	ck_assert(approvals_decide(
		desk.journal, &desk.signing, plan.id, true, "ann", "", SCENE_NOW, NULL));
	look(&desk);
	facts.approvals = &desk.approvals;
	ck_assert(plan_make(&action, &limits, &facts, scene.snapshot, &scene.assessment, scene.a,
		90, scene.now_ms, &plan, &error));
	ck_assert(!plan.blocked);
	ck_assert_str_eq(plan.approved_by, "ann");
	ck_assert(plan_make(&action, &limits, &facts, scene.snapshot, &scene.assessment, scene.a,
		89, scene.now_ms, &plan, &error));
	ck_assert(plan.blocked);
	plan_finish(&plan);
	scene_remove(desk.directory);
	scene_close(&scene);
}
END_TEST

static Suite *approval_suite(void)
{
	Suite *suite = suite_create("approval");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, test_another_person_approves);
	tcase_add_test(tcase, test_denied_stays_denied);
	tcase_add_test(tcase, test_forged_answer);
	tcase_add_test(tcase, test_an_approval_is_signed);
	tcase_add_test(tcase, test_guard_is_bound_to_the_plan);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return scene_main(approval_suite());
}
