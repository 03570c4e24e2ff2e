#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "core/assess/knee.h"

START_TEST(known_pools)
{
	static const struct {
		unsigned connections;
		double knee, wait[4]; /* chance of waiting at 0.8, 0.9, 0.95, 0.98 */
	} rows[] = {
		{10, 0.69, {0.41, 0.67, 0.83, 0.93}},
		{20, 0.83, {0.26, 0.55, 0.76, 0.90}},
		{50, 0.92, {0.09, 0.36, 0.63, 0.84}},
		{100, 0.96, {0.02, 0.22, 0.51, 0.78}},
	};
	static const double rhos[] = {0.8, 0.9, 0.95, 0.98};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_double_eq_tol(knee_utilisation(rows[i].connections), rows[i].knee, 0.005);
		for (size_t j = 0; j < 4; j++)
			ck_assert_double_eq_tol(knee_wait_chance(rows[i].connections, rhos[j]),
				rows[i].wait[j], 0.0051);
	}
	ck_assert_double_eq_tol(knee_utilisation(5), 0.49, 0.005);
	ck_assert_double_eq_tol(knee_utilisation(200), 0.98, 0.005);
}
END_TEST

START_TEST(larger_pools_bear_more)
{
	double before = 0;
	for (unsigned connections = 1; connections < 300; connections++) {
		double knee = knee_utilisation(connections);
		ck_assert(knee > before && knee < 1);
		before = knee;
	}
}
END_TEST

START_TEST(edges)
{
	ck_assert(isnan(knee_utilisation(0)));
	ck_assert(knee_utilisation(4000000000u) < 1);
	ck_assert_double_eq(knee_wait_chance(20, 1), 1);
	ck_assert_double_eq(knee_wait_chance(20, 7), 1);
	ck_assert_double_eq_tol(knee_wait_chance(20, 0), 0, 1e-12);
	ck_assert_double_eq_tol(knee_wait_chance(1, 0.3), 0.3, 1e-12);
}
END_TEST

static Suite *knee_suite(void)
{
	Suite *suite = suite_create("knee");
	TCase *cases = tcase_create("knee");
	tcase_add_test(cases, known_pools);
	tcase_add_test(cases, larger_pools_bear_more);
	tcase_add_test(cases, edges);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(knee_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
