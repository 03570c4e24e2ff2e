#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "core/assess/burn.h"

#define START_MS 1770224760000

static int64_t run(struct burn_memory *memory, int64_t now_ms, int seconds, double requests,
	double errors, bool incident)
{
	for (int i = 0; i < seconds; i++) {
		now_ms += 1000;
		burn_feed(memory, requests, errors, incident, now_ms);
	}
	return now_ms;
}

static struct burn judge(const struct burn_memory *memory, double objective)
{
	struct burn burn;
	burn_judge(memory, objective, &burn);
	return burn;
}

START_TEST(rates_are_over_their_windows)
{
	struct burn_memory memory = {0};
	ck_assert(isnan(judge(&memory, 0.999).now));
	burn_feed(&memory, 100, 50, false, START_MS); /* of no length yet */
	ck_assert(isnan(judge(&memory, 0.999).now));
	int64_t now_ms = run(&memory, START_MS, 3600, 100, 0, false);
	ck_assert_double_eq(judge(&memory, 0.999).now, 0);
	ck_assert(isnan(judge(&memory, 0.999).seconds_left));
	/* Within five seconds of the first error there is a number. */
	now_ms = run(&memory, now_ms, 1, 100, 18, true);
	ck_assert_double_gt(judge(&memory, 0.999).now, 0);
	/* 18 % for five minutes: 180 times as fast as it may, a twelfth of that over the hour. */
	run(&memory, now_ms, 299, 100, 18, true);
	struct burn burn = judge(&memory, 0.999);
	ck_assert_double_eq_tol(burn.now, 180, 1e-3);
	ck_assert_double_eq_tol(burn.hour, 180.0 / 12, 0.3);
	/* 5400 failed of 100/s x 30 days x 0.1 %. */
	ck_assert_double_eq_tol(burn.spent, 5400 / 259200.0, 1e-4);
	ck_assert_double_eq_tol(burn.seconds_left, (1 - burn.spent) * 2592000 / 180, 1);
	/* A milder objective burns slower. */
	ck_assert_double_eq_tol(judge(&memory, 0.99).now, 18, 1e-3);
	ck_assert(isnan(judge(&memory, 1).now));
}
END_TEST

START_TEST(what_leaves_a_window_no_longer_counts)
{
	struct burn_memory memory = {0};
	burn_feed(&memory, 100, 0, false, START_MS);
	int64_t now_ms = run(&memory, START_MS, 60, 100, 10, true);
	now_ms = run(&memory, now_ms, 200, 100, 0, true);
	ck_assert_double_gt(judge(&memory, 0.999).now, 20);
	now_ms = run(&memory, now_ms, 101, 100, 0, true);
	struct burn burn = judge(&memory, 0.999);
	ck_assert_double_eq(burn.now, 0);
	ck_assert_double_gt(burn.hour, 15);
	ck_assert_double_gt(burn.spent, 0);
	/* The incident is over: the next one begins with nothing spent. */
	now_ms = run(&memory, now_ms, 1, 100, 0, false);
	ck_assert_double_eq(judge(&memory, 0.999).spent, 0);
	now_ms = run(&memory, now_ms, 3600, 100, 0, false);
	ck_assert_double_eq(judge(&memory, 0.999).hour, 0);
	/* After six hours the first minute makes room, and the mean rate is of what is left. */
	now_ms = run(&memory, now_ms, 6 * 3600, 200, 0, false);
	run(&memory, now_ms, 10, 200, 2, true);
	ck_assert_double_eq_tol(judge(&memory, 0.999).spent, 20 / 518400.0, 2e-8);
}
END_TEST

/* A rate is of the time that was watched, from before the first that was counted. */
START_TEST(two_seconds_are_two_seconds)
{
	struct burn_memory memory = {0};
	burn_feed(&memory, 100, 10, true, START_MS);
	run(&memory, START_MS, 2, 100, 10, true);
	/* 20 failed of 100/s x 30 days x 0.1 %. */
	ck_assert_double_eq_tol(judge(&memory, 0.999).spent, 20 / 259200.0, 1e-9);
	/* A rate stands for as long as has passed since the one before. */
	burn_feed(&memory, 200, 5, true, START_MS + 7000);
	/* 20 + 25 of 200 + 1000 requests, and of 1200/7 a second over thirty days. */
	ck_assert_double_eq_tol(judge(&memory, 0.999).now, 45 / 1200.0 / 0.001, 1e-3);
	ck_assert_double_eq_tol(
		judge(&memory, 0.999).spent, 45 / (1200 / 7.0 * 2592000 * 0.001), 1e-9);
}
END_TEST

START_TEST(silence_is_neither_good_nor_bad)
{
	struct burn_memory memory = {0};
	burn_feed(&memory, 100, 1, true, START_MS);
	int64_t now_ms = run(&memory, START_MS, 10, 100, 1, true);
	now_ms = run(&memory, now_ms, 30, NAN, NAN, true);
	struct burn burn = judge(&memory, 0.999);
	ck_assert_double_eq_tol(burn.now, 10, 1e-3);
	/* A gap of over ten seconds is not made up. */
	burn_feed(&memory, 100, 100, true, now_ms + 11000);
	ck_assert_double_eq_tol(judge(&memory, 0.999).now, 10, 1e-3);
	burn_feed(&memory, 100, 100, true, now_ms + 21000);
	ck_assert_double_gt(judge(&memory, 0.999).now, 100);
	/* Half a day later nothing of it is left. */
	now_ms += 12 * 3600 * 1000;
	burn_feed(&memory, 100, 0, true, now_ms);
	run(&memory, now_ms, 2, 100, 0, true);
	ck_assert_double_eq(judge(&memory, 0.999).hour, 0);
}
END_TEST

static Suite *burn_suite(void)
{
	Suite *suite = suite_create("burn");
	TCase *cases = tcase_create("burn");
	tcase_add_test(cases, rates_are_over_their_windows);
	tcase_add_test(cases, what_leaves_a_window_no_longer_counts);
	tcase_add_test(cases, two_seconds_are_two_seconds);
	tcase_add_test(cases, silence_is_neither_good_nor_bad);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(burn_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
