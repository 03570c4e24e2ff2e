#include <check.h>
#include <stdlib.h>

#include "app/pace.h"

START_TEST(first_is_due_at_once)
{
	struct pace pace = {0};
	ck_assert_int_le(pace_due_ms(&pace), 0);
	pace_news(&pace, 5000);
	ck_assert_int_le(pace_due_ms(&pace), 0);
}
END_TEST

START_TEST(without_news_once_a_tick)
{
	struct pace pace = {0};
	pace_assessed(&pace, 1000, 100);
	ck_assert_int_eq(pace_due_ms(&pace), 1000 + PACE_TICK_MS);
}
END_TEST

START_TEST(news_is_gathered_and_told_soon)
{
	struct pace pace = {0};
	pace_assessed(&pace, 1000, 100);
	pace_news(&pace, 1100);
	ck_assert_int_eq(pace_due_ms(&pace), 1100 + PACE_GATHER_MS);
	/* More of it does not put off what is due. */
	pace_news(&pace, 1105);
	ck_assert_int_eq(pace_due_ms(&pace), 1100 + PACE_GATHER_MS);
	/* Told is told. */
	pace_assessed(&pace, 1108, 100);
	ck_assert_int_eq(pace_due_ms(&pace), 1108 + PACE_TICK_MS);
}
END_TEST

START_TEST(news_never_delays_a_tick)
{
	struct pace pace = {0};
	pace_assessed(&pace, 1000, 100);
	pace_news(&pace, 1000 + PACE_TICK_MS - 1);
	ck_assert_int_eq(pace_due_ms(&pace), 1000 + PACE_TICK_MS);
}
END_TEST

START_TEST(what_costs_much_rests_long)
{
	struct pace pace = {0};
	pace_assessed(&pace, 1000, 5000);
	pace_news(&pace, 1001);
	ck_assert_int_eq(pace_due_ms(&pace), 1000 + 5 * PACE_REST);
	/* Also where a tick would come sooner ... */
	pace = (struct pace){0};
	pace_assessed(&pace, 1000, 60000);
	ck_assert_int_eq(pace_due_ms(&pace), 1000 + 60 * PACE_REST);
	/* ... but not for ever. */
	pace = (struct pace){0};
	pace_assessed(&pace, 1000, 60000000);
	ck_assert_int_eq(pace_due_ms(&pace), 1000 + PACE_REST_MOST_MS);
}
END_TEST

/* News all the time: of every second no more than its share goes into assessments. */
START_TEST(share_of_the_time)
{
	for (int64_t cost_us = 10; cost_us < 50000; cost_us *= 3) {
		struct pace pace = {0};
		int64_t now_ms = 1000, spent_us = 0;
		pace_assessed(&pace, now_ms, cost_us);
		while (now_ms < 101000) {
			pace_news(&pace, now_ms);
			int64_t due_ms = pace_due_ms(&pace);
			ck_assert_int_gt(due_ms, now_ms);
			ck_assert_int_le(due_ms - now_ms, PACE_REST_MOST_MS);
			now_ms = due_ms;
			pace_assessed(&pace, now_ms, cost_us);
			spent_us += cost_us;
		}
		ck_assert_int_le(spent_us, 100000000 / PACE_REST + cost_us);
	}
}
END_TEST

START_TEST(one_costly_look_is_soon_forgotten)
{
	struct pace pace = {0};
	pace_assessed(&pace, 1000, 100);
	pace_assessed(&pace, 1250, 40000);
	ck_assert_int_lt(pace.cost_us, 11000);
	for (int64_t now_ms = 1500; now_ms < 9000; now_ms += 250)
		pace_assessed(&pace, now_ms, 100);
	ck_assert_int_lt(pace.cost_us, 120);
}
END_TEST

static Suite *pace_suite(void)
{
	Suite *suite = suite_create("pace");
	TCase *cases = tcase_create("pace");
	tcase_add_test(cases, first_is_due_at_once);
	tcase_add_test(cases, without_news_once_a_tick);
	tcase_add_test(cases, news_is_gathered_and_told_soon);
	tcase_add_test(cases, news_never_delays_a_tick);
	tcase_add_test(cases, what_costs_much_rests_long);
	tcase_add_test(cases, share_of_the_time);
	tcase_add_test(cases, one_costly_look_is_soon_forgotten);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(pace_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
