#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/assess/baseline.h"

START_TEST(learned_after_ten)
{
	struct baseline baseline = {0};
	for (int i = 1; i < BASELINE_LEAST; i++) {
		baseline_feed(&baseline, 5, i * 1000);
		baseline_feed(&baseline, 99, i * 1000 + 100); /* too near: does not count */
		baseline_feed(&baseline, NAN, i * 1000 + 950);
		ck_assert(isnan(baseline_value(&baseline)));
	}
	baseline_feed(&baseline, 5, BASELINE_LEAST * 1000);
	ck_assert_double_eq(baseline_value(&baseline), 5);
	baseline_reset(&baseline);
	ck_assert(isnan(baseline_value(&baseline)));
}
END_TEST

START_TEST(spikes_move_nothing)
{
	struct baseline baseline = {0};
	for (int i = 1; i <= 40; i++)
		baseline_feed(&baseline, i % 4 == 0 ? 1e6 : 3, i * 1000);
	ck_assert_double_eq(baseline_value(&baseline), 3);
}
END_TEST

START_TEST(spread)
{
	struct baseline baseline = {0};
	ck_assert(isnan(baseline_spread(&baseline)));
	for (int i = 1; i <= 21; i++)
		baseline_feed(&baseline, i % 3 == 0 ? 2 : i % 3 == 1 ? 3 : 4, i * 1000);
	ck_assert_double_eq_tol(baseline_value(&baseline), 3, 1e-12);
	ck_assert_double_eq_tol(baseline_spread(&baseline), 1.4826, 1e-9);
}
END_TEST

START_TEST(it_reaches_far_back_and_still_learns)
{
	struct baseline baseline = {0};
	int64_t now_ms = 0;
	for (int i = 0; i < 3600; i++)
		baseline_feed(&baseline, 3, now_ms += 1000);
	for (int i = 0; i < 120; i++) /* two minutes are not yet normal */
		baseline_feed(&baseline, 8, now_ms += 1000);
	ck_assert_double_eq(baseline_value(&baseline), 3);
	for (int i = 0; i < 1200; i++)
		baseline_feed(&baseline, 8, now_ms += 1000);
	ck_assert_double_eq(baseline_value(&baseline), 8);
}
END_TEST

static int compare_values(const void *a, const void *b)
{
	const double *left = a, *right = b;
	return (*left > *right) - (*left < *right);
}

static double median_of(double *values, unsigned count)
{
	qsort(values, count, sizeof(values[0]), compare_values);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* Whatever is kept, median and spread are those of what is kept, taken the slow way. */
START_TEST(median_and_spread_are_exact)
{
	struct baseline baseline = {0};
	uint64_t state = 2463534242u;
	for (int i = 0; i < 4000; i++) {
		double copy[BASELINE_SAMPLES];
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		baseline_feed(&baseline, (double)(state % (i % 3 ? 1000 : 7)), 1000 + i * 1000);
		if (baseline.count < BASELINE_LEAST)
			continue;
		memcpy(copy, baseline.samples, sizeof(copy));
		double middle = median_of(copy, baseline.count);
		ck_assert_double_eq(baseline_value(&baseline), middle);
		for (unsigned j = 0; j < baseline.count; j++)
			copy[j] = fabs(baseline.samples[j] - middle);
		ck_assert_double_eq_tol(
			baseline_spread(&baseline), 1.4826 * median_of(copy, baseline.count), 1e-9);
	}
}
END_TEST

static Suite *baseline_suite(void)
{
	Suite *suite = suite_create("baseline");
	TCase *cases = tcase_create("baseline");
	tcase_add_test(cases, learned_after_ten);
	tcase_add_test(cases, median_and_spread_are_exact);
	tcase_add_test(cases, spikes_move_nothing);
	tcase_add_test(cases, spread);
	tcase_add_test(cases, it_reaches_far_back_and_still_learns);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(baseline_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
