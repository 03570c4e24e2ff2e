#include "tests/unit/assess/box.h"

#include "core/assess/evidence.h"
#include "core/assess/replica.h"

START_TEST(who_was_out_is_back_when_nobody_says_so_for_a_while)
{
	struct replica_memory memory = {0};
	int64_t now_ms = BOX_START_MS;
	replica_remember(&memory, replica_settle(&memory, REPLICA_DOWN, now_ms), now_ms);
	ck_assert_int_eq(memory.state, REPLICA_DOWN);
	ck_assert_int_eq(replica_settle(&memory, REPLICA_SERVING, now_ms + 2400), REPLICA_DOWN);
	ck_assert_int_eq(replica_settle(&memory, REPLICA_UNKNOWN, now_ms + 9000), REPLICA_DOWN);
	ck_assert_int_eq(replica_settle(&memory, REPLICA_SERVING, now_ms + 2500), REPLICA_SERVING);
	replica_remember(&memory, REPLICA_SERVING, now_ms + 2500);
	ck_assert_int_eq(memory.returned_ms, now_ms + 2500);
	/* Who serves and is said to be out is out at once. */
	ck_assert_int_eq(replica_settle(&memory, REPLICA_AWAY, now_ms + 2600), REPLICA_AWAY);
}
END_TEST

START_TEST(who_is_silent_is_unknown_and_forgotten_only_where_nobody_declared_it)
{
	struct box box;
	struct evidence evidence = {0};
	struct error error = {0};
	uint32_t passing;
	box_init(&box, 1);
	ck_assert(fleet_intern(
		box.fleet, ENTITY_REPLICA, box.clusters[0].id, "passing", &passing, &error));
	box_run(&box, 1);
	ck_assert_int_eq(replica_judge(&evidence, box.snapshot, passing), REPLICA_UNSEEN);
	box_put(&box, passing, SIGNAL_REPLICA_QUERIES, 0);
	box_run(&box, 1);
	ck_assert_int_eq(replica_judge(&evidence, box.snapshot, passing), REPLICA_UNKNOWN);
	box_put(&box, passing, SIGNAL_REPLICA_QUERIES, 1);
	box_run(&box, 1);
	ck_assert_int_eq(replica_judge(&evidence, box.snapshot, passing), REPLICA_SERVING);
	box.clusters[0].silent = true;
	int64_t said_ms = box.now_ms - 1000;
	box.now_ms = said_ms + 900000;
	box_assess(&box);
	ck_assert_int_eq(replica_judge(&evidence, box.snapshot, passing), REPLICA_UNKNOWN);
	box.now_ms = said_ms + 900001;
	box_assess(&box);
	ck_assert_int_eq(replica_judge(&evidence, box.snapshot, passing), REPLICA_FORGOTTEN);
	ck_assert_int_eq(replica_judge(&evidence, box.snapshot, box.clusters[0].replicas[0]),
		REPLICA_UNKNOWN);
	box_finish(&box);
}
END_TEST

/* Who was never seen, or so long ago that it is forgotten, is not waited for. */
START_TEST(who_is_expected)
{
	ck_assert(!replica_is_expected(REPLICA_UNSEEN));
	ck_assert(!replica_is_expected(REPLICA_FORGOTTEN));
	ck_assert(replica_is_expected(REPLICA_UNKNOWN));
	ck_assert(replica_is_expected(REPLICA_SERVING));
	ck_assert(replica_is_expected(REPLICA_DOWN));
	ck_assert(replica_is_expected(REPLICA_AWAY));
}
END_TEST

/* Only who was out comes back: first seen, or heard of again, is no return. */
START_TEST(who_comes_back)
{
	static const struct {
		enum replica_state was, is;
		bool returns;
	} rows[] = {
		{REPLICA_UNSEEN, REPLICA_SERVING, false},
		{REPLICA_UNKNOWN, REPLICA_SERVING, false},
		{REPLICA_DOWN, REPLICA_SERVING, true},
		{REPLICA_AWAY, REPLICA_SERVING, true},
		{REPLICA_DOWN, REPLICA_AWAY, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct replica_memory memory = {.state = rows[i].was, .since_ms = 1000};
		replica_remember(&memory, rows[i].is, 2000);
		ck_assert_int_eq(memory.since_ms, 2000);
		ck_assert_msg((memory.returned_ms == 2000) == rows[i].returns, "row %zu", i);
		/* It is in that state since then, however often that is seen. */
		replica_remember(&memory, rows[i].is, 3000);
		ck_assert_int_eq(memory.since_ms, 2000);
	}
}
END_TEST

static Suite *replica_suite(void)
{
	Suite *suite = suite_create("replica");
	TCase *cases = tcase_create("replica");
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, who_was_out_is_back_when_nobody_says_so_for_a_while);
	tcase_add_test(cases, who_is_silent_is_unknown_and_forgotten_only_where_nobody_declared_it);
	tcase_add_test(cases, who_is_expected);
	tcase_add_test(cases, who_comes_back);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(replica_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
