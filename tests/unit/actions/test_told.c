#include "actions/etcd_told.h"

#include "tests/unit/actions/scene.h"

/* A store of one key: what was asked of it waits until the test lets it happen, or not. */
struct etcd {
	struct {
		enum etcd_verb verb;
		char value[64];
		etcd_done_fn *done;
		void *context;
	} asked;
	bool is_asked;
	char value[64]; /* "" none */
	unsigned puts, deletes;
};

bool etcd_send(struct etcd *etcd, const struct etcd_request *request, etcd_done_fn *done,
	void *context, struct error *error)
{
	(void)error;
	ck_assert(!etcd->is_asked);
	etcd->is_asked = true;
	etcd->asked.verb = request->verb;
	etcd->asked.done = done;
	etcd->asked.context = context;
	snprintf(etcd->asked.value, sizeof(etcd->asked.value), "%s",
		request->value ? request->value : "");
	return true;
}

static void happen(struct etcd *etcd)
{
	struct etcd_row row = {.key = "k", .value = etcd->value};
	struct etcd_reply reply = {.rows = &row};
	ck_assert(etcd->is_asked);
	etcd->is_asked = false;
	if (etcd->asked.verb != ETCD_READ)
		memcpy(etcd->value, etcd->asked.value, sizeof(etcd->value));
	etcd->puts += etcd->asked.verb == ETCD_PUT;
	etcd->deletes += etcd->asked.verb == ETCD_DELETE;
	reply.row_count = etcd->asked.verb == ETCD_READ && etcd->value[0] ? 1 : 0;
	etcd->asked.done(etcd->asked.context, &reply, NULL);
}

static void leave_unanswered(struct etcd *etcd)
{
	struct error error = {.kind = ERROR_NONE};
	error_set(&error, ERROR_TIMEOUT, "etcd: no answer");
	ck_assert(etcd->is_asked);
	etcd->is_asked = false;
	etcd->asked.done(etcd->asked.context, NULL, &error);
}

static void count(void *context)
{
	++*(unsigned *)context;
}

struct bench {
	struct etcd etcd;
	struct etcd_told *told;
	unsigned done;
};

static void open_bench(struct bench *bench)
{
	*bench = (struct bench){.done = 0};
	bench->told = etcd_told_create(&bench->etcd, 1, count, &bench->done, NULL);
	ck_assert_ptr_nonnull(bench->told);
	ck_assert_int_eq(etcd_told_state(bench->told), ETCD_NOTE_NONE);
}

START_TEST(test_a_word_is_there_when_it_was_read_back)
{
	struct bench bench;
	open_bench(&bench);
	ck_assert(etcd_told_say(bench.told, "k", "one", 1000, NULL));
	happen(&bench.etcd);
	ck_assert_int_eq(etcd_told_state(bench.told), ETCD_NOTE_UNDER_WAY);
	happen(&bench.etcd);
	ck_assert_int_eq(etcd_told_state(bench.told), ETCD_NOTE_THERE);
	ck_assert_uint_eq(bench.done, 1);
	ck_assert(etcd_told_say(bench.told, "k", NULL, 2000, NULL));
	happen(&bench.etcd);
	happen(&bench.etcd);
	ck_assert_int_eq(etcd_told_state(bench.told), ETCD_NOTE_THERE);
	ck_assert_uint_eq(bench.etcd.deletes, 1);
	etcd_told_destroy(bench.told);
}
END_TEST

START_TEST(test_what_failed_is_tried_again)
{
	struct bench bench;
	open_bench(&bench);
	ck_assert(etcd_told_say(bench.told, "k", "one", 1000, NULL));
	leave_unanswered(&bench.etcd);
	ck_assert_int_eq(etcd_told_state(bench.told), ETCD_NOTE_FAILED);
	ck_assert_ptr_nonnull(strstr(etcd_told_trouble(bench.told), "no answer"));
	etcd_told_tick(bench.told, 1000 + ETCD_TOLD_RETRY_MS - 1);
	ck_assert(!bench.etcd.is_asked);
	etcd_told_tick(bench.told, 1000 + ETCD_TOLD_RETRY_MS);
	ck_assert_int_eq(etcd_told_state(bench.told), ETCD_NOTE_UNDER_WAY);
	happen(&bench.etcd);
	happen(&bench.etcd);
	ck_assert_int_eq(etcd_told_state(bench.told), ETCD_NOTE_THERE);
	ck_assert_str_eq(bench.etcd.value, "one");
	etcd_told_destroy(bench.told);
}
END_TEST

/* The older word is never taken for the newer one. */
START_TEST(test_a_newer_word_overtakes)
{
	struct bench bench;
	open_bench(&bench);
	ck_assert(etcd_told_say(bench.told, "k", "one", 1000, NULL));
	ck_assert(etcd_told_say(bench.told, "k", "two", 1001, NULL));
	ck_assert(etcd_told_say(bench.told, "k", "three", 1002, NULL));
	happen(&bench.etcd);
	happen(&bench.etcd);
	ck_assert_int_eq(etcd_told_state(bench.told), ETCD_NOTE_UNDER_WAY);
	happen(&bench.etcd);
	happen(&bench.etcd);
	ck_assert_int_eq(etcd_told_state(bench.told), ETCD_NOTE_THERE);
	ck_assert_str_eq(bench.etcd.value, "three");
	ck_assert_uint_eq(bench.etcd.puts, 2);
	etcd_told_destroy(bench.told);
}
END_TEST

/* A store that took the word and does not show it is not one to rely on. */
START_TEST(test_what_is_not_read_back_is_not_there)
{
	struct bench bench;
	open_bench(&bench);
	ck_assert(etcd_told_say(bench.told, "k", "one", 1000, NULL));
	happen(&bench.etcd);
	snprintf(bench.etcd.value, sizeof(bench.etcd.value), "another's");
	happen(&bench.etcd);
	ck_assert_int_eq(etcd_told_state(bench.told), ETCD_NOTE_FAILED);
	etcd_told_destroy(bench.told);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("actions/told");
	TCase *tcase = tcase_create("told");
	tcase_add_test(tcase, test_a_word_is_there_when_it_was_read_back);
	tcase_add_test(tcase, test_what_failed_is_tried_again);
	tcase_add_test(tcase, test_a_newer_word_overtakes);
	tcase_add_test(tcase, test_what_is_not_read_back_is_not_there);
	suite_add_tcase(suite, tcase);
	return scene_main(suite);
}
