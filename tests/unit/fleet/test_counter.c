#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "core/fleet/counter.h"

struct step {
	double value;
	int64_t at_ms;
	bool has_rate;
	double per_second;
};

START_TEST(rates)
{
	static const struct step steps[] = {
		{100, 1000, false, 0}, /* the first sample has nothing to compare with */
		{110, 2000, true, 10},
		{110, 4000, true, 0}, /* standing still is a rate of zero, which is known */
		{160, 6500, true, 20},
		{160, 6500, false, 0}, /* the same moment twice */
		{170, 6000, false, 0}, /* the past */
		{5, 7000, false, 0},   /* a reset: what was lost is not known */
		{25, 8000, true, 20},
		{NAN, 9000, false, 0},
		{35, 9000, true, 10},
	};
	struct counter counter = {0};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		double rate = -1;
		bool has = counter_feed(&counter, steps[i].value, steps[i].at_ms, &rate);
		ck_assert_msg(has == steps[i].has_rate, "step %zu", i);
		ck_assert_msg(
			!has || fabs(rate - steps[i].per_second) < 1e-9, "step %zu: %g", i, rate);
		ck_assert_msg(has || fabs(rate + 1) < 1e-9, "step %zu touched its output", i);
	}
	ck_assert_uint_eq(counter.resets, 1);
}
END_TEST

static Suite *counter_suite(void)
{
	Suite *suite = suite_create("counter");
	TCase *cases = tcase_create("counter");
	tcase_add_test(cases, rates);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(counter_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
