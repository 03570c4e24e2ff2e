#include "tests/unit/actions/keys.h"

#include "actions/approval_record.h"
#include "actions/config.h"
#include "core/base/text.h"

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

/* ---- by way of a store ---- */

/* Two machines: kim's journal asks, and what is put into the store is read by others. */
struct shared {
	struct desk desk;
	char keys[2][96], allowed[96];
	struct signing_config kim, ann;
	struct text values[4];
	size_t count;
};

static void open_shared(struct shared *shared)
{
	static const char *const names[] = {"kim", "ann"};
	char directory[64];
	*shared = (struct shared){.count = 0};
	open_desk(&shared->desk);
	memcpy(directory, shared->desk.directory, sizeof(directory));
	snprintf(shared->allowed, sizeof(shared->allowed), "%.60s/allowed", directory);
	for (int i = 0; i < 2; i++) {
		key_make(directory, names[i]);
		snprintf(shared->keys[i], sizeof(shared->keys[i]), "%.60s/%s", directory, names[i]);
	}
	shared->kim = (struct signing_config){
		.sign_with = shared->keys[0], .allowed_signers = shared->allowed};
	shared->ann = (struct signing_config){
		.sign_with = shared->keys[1], .allowed_signers = shared->allowed};
	shared->desk.signing = shared->kim;
}

static void close_shared(struct shared *shared)
{
	for (size_t i = 0; i < shared->count; i++)
		text_finish(&shared->values[i]);
	scene_remove(shared->desk.directory);
}

static struct text *new_value(struct shared *shared)
{
	struct text *value = &shared->values[shared->count++];
	text_init(value, APPROVAL_RECORD_BYTES);
	return value;
}

static void put_request(struct shared *shared, const struct signing_config *by)
{
	ck_assert(approval_write_request(look(&shared->desk), by, new_value(shared), NULL));
}

static void put_answer(struct shared *shared, const struct signing_config *by, const char *who,
	bool give, int64_t at_ms)
{
	ck_assert(approval_write_answer(look(&shared->desk), by, give, who, "because", at_ms, true,
		new_value(shared), NULL));
}

/* As a machine sees it whose own journal knows nothing. */
static struct approval elsewhere(struct shared *shared, const struct signing_config *signing)
{
	const char *values[4];
	struct approvals *approvals = calloc(1, sizeof(*approvals));
	struct approval row = {.is_given = false};
	ck_assert_ptr_nonnull(approvals);
	for (size_t i = 0; i < shared->count; i++)
		values[i] = text_string(&shared->values[i]);
	approvals_add_shared(approvals, values, shared->count, signing, SCENE_NOW + 2000);
	ck_assert_uint_le(approvals->count, 1);
	if (approvals->count == 1)
		row = approvals->rows[0];
	free(approvals);
	return row;
}

/* As the one who asked sees it. */
static struct approval at_home(struct shared *shared)
{
	const char *values[4];
	look(&shared->desk);
	for (size_t i = 0; i < shared->count; i++)
		values[i] = text_string(&shared->values[i]);
	approvals_add_shared(
		&shared->desk.approvals, values, shared->count, &shared->kim, SCENE_NOW + 2000);
	ck_assert_uint_eq(shared->desk.approvals.count, 1);
	return shared->desk.approvals.rows[0];
}

START_TEST(test_asked_and_answered_elsewhere)
{
	struct shared shared;
	struct error error = {0};
	open_shared(&shared);
	put_request(&shared, &shared.kim);
	struct approval row = elsewhere(&shared, &shared.ann);
	ck_assert(row.is_shared && !row.is_doubted);
	ck_assert_str_eq(row.asked_by, "kim");
	ck_assert_ptr_nonnull(strstr(row.what, "100 -> 80"));
	ck_assert(approval_may_decide(&row, true, "ann", SCENE_NOW + 1000, NULL));
	ck_assert(!approval_may_decide(&row, true, "kim", SCENE_NOW + 1000, &error));
	ck_assert_int_eq(error.kind, ERROR_REJECTED);
	put_answer(&shared, &shared.ann, "ann", true, SCENE_NOW + 1000);
	row = at_home(&shared);
	ck_assert_int_eq(approval_state(&row, SCENE_NOW + 2000), APPROVAL_GIVEN);
	ck_assert_str_eq(row.decided_by, "ann");
	ck_assert(!row.is_shared);
	row = elsewhere(&shared, &shared.ann);
	ck_assert_int_eq(approval_state(&row, SCENE_NOW + 2000), APPROVAL_GIVEN);
	close_shared(&shared);
}
END_TEST

/* Words, names and times that whoever writes in the store could change, all are signed. */
START_TEST(test_a_changed_request_is_not_believed)
{
	static const char *const changes[][2] = {{"100 -> 80", "100 -> 99"},
		{"\"by\":\"kim\"", "\"by\":\"ann\""}, {"p-123456", "p-123457"},
		{"\"plan_hash\":\"a", "\"plan_hash\":\"b"},
		{"\"expires\":\"20", "\"expires\":\"21"}, {"\"signature\":\"", "\"signed\":\""}};
	struct shared shared;
	char whole[APPROVAL_RECORD_BYTES];
	open_shared(&shared);
	put_request(&shared, &shared.kim);
	snprintf(whole, sizeof(whole), "%s", text_string(&shared.values[0]));
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct error error = {0};
		const char *at = strstr(whole, changes[i][0]);
		ck_assert_msg(at != NULL, "%s", whole);
		text_clear(&shared.values[0]);
		text_append(&shared.values[0], whole, (size_t)(at - whole));
		text_add(&shared.values[0], changes[i][1]);
		text_add(&shared.values[0], at + strlen(changes[i][0]));
		struct approval row = elsewhere(&shared, &shared.ann);
		ck_assert_msg(row.is_doubted, "%s", changes[i][1]);
		ck_assert(!approval_may_decide(&row, true, "bob", SCENE_NOW + 1000, &error));
		ck_assert_int_eq(error.kind, ERROR_UNTRUSTED);
	}
	close_shared(&shared);
}
END_TEST

START_TEST(test_an_answer_that_does_not_count)
{
	static const struct signing_config nobody = {.sign_with = NULL};
	struct shared shared;
	open_shared(&shared);
	/* Unsigned, signed by another, and given long before it was asked. */
	put_answer(&shared, &nobody, "ann", true, SCENE_NOW + 1000);
	struct approval row = at_home(&shared);
	ck_assert_int_eq(approval_state(&row, SCENE_NOW + 2000), APPROVAL_PENDING);
	ck_assert_ptr_nonnull(strstr(row.doubt, "not signed"));
	put_answer(&shared, &shared.kim, "ann", true, SCENE_NOW + 1000);
	put_answer(&shared, &shared.ann, "ann", true, SCENE_NOW - APPROVAL_SKEW_MS - 1);
	row = at_home(&shared);
	ck_assert_int_eq(approval_state(&row, SCENE_NOW + 2000), APPROVAL_PENDING);
	ck_assert_ptr_nonnull(strstr(row.doubt, "earlier request"));
	/* One that counts beside them does. */
	put_answer(&shared, &shared.ann, "ann", true, SCENE_NOW + 1000);
	row = at_home(&shared);
	ck_assert_int_eq(approval_state(&row, SCENE_NOW + 2000), APPROVAL_GIVEN);
	close_shared(&shared);
}
END_TEST

/* Where nobody is named whose signature counts, nothing that a store says does, but a denial. */
START_TEST(test_a_store_is_not_believed_unsigned)
{
	static const struct signing_config nobody = {.sign_with = NULL};
	struct shared shared;
	open_shared(&shared);
	put_request(&shared, &shared.kim);
	ck_assert(elsewhere(&shared, &nobody).is_doubted);
	shared.kim = shared.desk.signing = nobody;
	put_answer(&shared, &shared.ann, "ann", true, SCENE_NOW + 1000);
	struct approval row = at_home(&shared);
	ck_assert_int_eq(approval_state(&row, SCENE_NOW + 2000), APPROVAL_PENDING);
	ck_assert_ptr_nonnull(strstr(row.doubt, "allowed_signers is not set"));
	close_shared(&shared);
}
END_TEST

START_TEST(test_a_denial_wins)
{
	static const struct signing_config nobody = {.sign_with = NULL};
	for (int first = 0; first < 2; first++) {
		struct shared shared;
		open_shared(&shared);
		for (int i = 0; i < 2; i++) {
			bool give = i == first;
			put_answer(&shared, give ? &shared.ann : &nobody, give ? "ann" : "bob",
				give, SCENE_NOW + 1000);
		}
		struct approval row = at_home(&shared);
		ck_assert_int_eq(approval_state(&row, SCENE_NOW + 2000), APPROVAL_DENIED);
		ck_assert_str_eq(row.decided_by, "bob");
		close_shared(&shared);
	}
}
END_TEST

/* A plan's short name may fit two plans; then only the hash tells which one is meant. */
START_TEST(test_a_name_that_fits_two)
{
	struct desk desk;
	struct error error = {0};
	char first[PLAN_HASH_BYTES];
	open_desk(&desk);
	snprintf(first, sizeof(first), "%s", desk.plan.hash);
	memset(desk.plan.hash, 'b', PLAN_HASH_BYTES - 1);
	ck_assert(approvals_ask(desk.journal, &desk.plan, "kim", "", SCENE_NOW, 600000, NULL));
	look(&desk);
	ck_assert_ptr_null(approvals_pick(&desk.approvals, "p-123456", SCENE_NOW, &error));
	ck_assert_ptr_nonnull(strstr(error.text, "two plans"));
	ck_assert_str_eq(approvals_pick(&desk.approvals, first, SCENE_NOW, NULL)->hash, first);
	scene_remove(desk.directory);
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
	tcase_add_test(tcase, test_asked_and_answered_elsewhere);
	tcase_add_test(tcase, test_a_changed_request_is_not_believed);
	tcase_add_test(tcase, test_an_answer_that_does_not_count);
	tcase_add_test(tcase, test_a_store_is_not_believed_unsigned);
	tcase_add_test(tcase, test_a_denial_wins);
	tcase_add_test(tcase, test_a_name_that_fits_two);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return scene_main(approval_suite());
}
