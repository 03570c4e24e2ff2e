#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "core/assess/exhaustion.h"

#define START_MS 1770224760000

/* A second's reading each: `at` to begin with, `rise` a second, `swing` up and down by turns. */
static int64_t run(struct exhaustion_memory *memory, int64_t now_ms, int seconds, double at,
	double rise, double swing)
{
	for (int i = 0; i < seconds; i++) {
		now_ms += 1000;
		exhaustion_feed(memory, at + rise * i + (i / 7 % 2 ? swing : -swing), now_ms, 0);
	}
	return now_ms;
}

static struct exhaustion judge(const struct exhaustion_memory *memory, double capacity)
{
	struct exhaustion out;
	exhaustion_judge(memory, capacity, &out);
	return out;
}

START_TEST(a_straight_rise_has_a_time)
{
	struct exhaustion_memory memory = {0};
	int64_t now_ms = run(&memory, START_MS, 33, 40, 0.2, 0);
	ck_assert(!judge(&memory, 80).known); /* five samples */
	run(&memory, now_ms, 30, 46.6, 0.2, 0);
	struct exhaustion out = judge(&memory, 100);
	ck_assert(out.known);
	ck_assert_double_eq_tol(out.per_minute, 12, 1e-6);
	/* 52 now and 48 of room, less what passed since the middle of the newest mean. */
	ck_assert_double_eq_tol(out.low_s, 240, 6);
	ck_assert_double_eq_tol(out.high_s, out.low_s, 1e-6);
	ck_assert(!judge(&memory, 106).known); /* not half full */
	ck_assert(judge(&memory, 102).known);
	ck_assert(!judge(&memory, 51).known); /* full already */
	ck_assert(!judge(&memory, NAN).known);
}
END_TEST

START_TEST(noise_has_none)
{
	struct exhaustion_memory memory = {0};
	run(&memory, START_MS, 300, 60, 0.001, 4);
	ck_assert(!judge(&memory, 100).known);
	/* A rise that stands out of it has a range around its time: 25 of room, 3 a minute. */
	struct exhaustion_memory other = {0};
	run(&other, START_MS, 300, 60, 0.05, 0.3);
	struct exhaustion out = judge(&other, 100);
	ck_assert(out.known);
	ck_assert_double_lt(out.low_s, 500);
	ck_assert_double_gt(out.high_s, 500);
	ck_assert_double_lt(out.high_s - out.low_s, 250);
	/* Downhill nothing fills. */
	struct exhaustion_memory down = {0};
	run(&down, START_MS, 300, 90, -0.05, 0);
	ck_assert(!judge(&down, 100).known);
	/* And what is hours away is nobody's concern now: 40 of room, a third a minute. */
	struct exhaustion_memory slow = {0};
	run(&slow, START_MS, 300, 60, 0.005, 0);
	ck_assert(!judge(&slow, 100).known);
	ck_assert(!judge(&slow, 82).known); /* 4100 s */
	ck_assert(judge(&slow, 75).known);  /* 2700 s */
}
END_TEST

START_TEST(a_slope_is_believed_from_three_errors_on)
{
	/* Found by hand. */
	static const double doubtful[] = {44, 56, 52, 58, 54, 66},
			    sure[] = {44, 54, 53, 57, 56, 66};
	struct exhaustion_memory memory = {.count = 6};
	for (unsigned i = 0; i < 6; i++) {
		memory.means[i] = (struct sample){START_MS + 5000 * i, doubtful[i]};
	}
	/* 3.1429 a sample, with an error of 1.1285: 2.8 times. */
	ck_assert(!judge(&memory, 100).known);
	for (unsigned i = 0; i < 6; i++)
		memory.means[i].value = sure[i];
	/* 3.4286 and 0.8132: 4.2 times. */
	struct exhaustion out = judge(&memory, 100);
	ck_assert(out.known);
	ck_assert_double_eq_tol(out.per_minute, 3.4286 * 12, 0.01);
	double now = 55 + 3.4286 * 2.5;
	ck_assert_double_eq_tol(out.low_s, 5 * (100 - now) / (3.4286 + 2 * 0.8132), 0.1);
	ck_assert_double_eq_tol(out.high_s, 5 * (100 - now) / (3.4286 - 2 * 0.8132), 0.1);
}
END_TEST

START_TEST(a_step_is_no_trend)
{
	struct exhaustion_memory memory = {0};
	int64_t now_ms = run(&memory, START_MS, 120, 50, 0, 0);
	int64_t step_ms = now_ms;
	for (int i = 0; i < 60; i++) {
		now_ms += 1000;
		exhaustion_feed(&memory, 66.7, now_ms, step_ms);
	}
	ck_assert(!judge(&memory, 100).known);
	ck_assert_uint_eq(memory.count, 10);
	/* A reading that was counted is not counted again, and an unknown one not at all. */
	double sum = memory.sum;
	exhaustion_feed(&memory, 99, now_ms, step_ms);
	exhaustion_feed(&memory, NAN, now_ms + 1000, step_ms);
	ck_assert_double_eq(memory.sum, sum);
	/* Nor does a mean in progress mix what was before a step with what came after. */
	struct exhaustion_memory mixed = {0};
	now_ms = run(&mixed, START_MS, 3, 50, 0, 0);
	step_ms = now_ms;
	for (int i = 0; i < 6; i++) {
		now_ms += 1000;
		exhaustion_feed(&mixed, 80, now_ms, step_ms);
	}
	ck_assert_uint_eq(mixed.count, 1);
	ck_assert_double_eq(mixed.means[0].value, 80);
	ck_assert_int_eq(mixed.means[0].at_ms, step_ms + 3500);
	/* The last minute speaks first: it was flat for long, and rises now. */
	struct exhaustion_memory late = {0};
	now_ms = run(&late, START_MS, 240, 50, 0, 0.5);
	run(&late, now_ms, 72, 50, 0.3, 0.5);
	struct exhaustion out = judge(&late, 100);
	ck_assert(out.known);
	ck_assert_double_eq_tol(out.per_minute, 18, 2);
}
END_TEST

static Suite *exhaustion_suite(void)
{
	Suite *suite = suite_create("exhaustion");
	TCase *cases = tcase_create("exhaustion");
	tcase_add_test(cases, a_straight_rise_has_a_time);
	tcase_add_test(cases, noise_has_none);
	tcase_add_test(cases, a_slope_is_believed_from_three_errors_on);
	tcase_add_test(cases, a_step_is_no_trend);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(exhaustion_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
