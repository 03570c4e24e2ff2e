#include "core/assess/prognosis.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

/* Connections of a hundred, clients that wait a second, ten milliseconds for each. */
START_TEST(whether_it_gets_well_by_itself)
{
	static const struct {
		double low, high, waiting;
		enum outlook outlook;
		double seconds;
	} rows[] = {
		{90, 97, 300, OUTLOOK_RECOVERS, 1 + 3.0 / 3},
		{50, 50, 5000, OUTLOOK_RECOVERS, 1 + 50.0 / 50}, /* however long the queue */
		{90, 99, 8900, OUTLOOK_RECOVERS, 1 + 89.0 / 10},
		{90, 99, 9100, OUTLOOK_STUCK, NAN}, /* who waits is served too late */
		{100, 300, 0, OUTLOOK_TOO_MUCH, NAN},
		{90, 99, NAN, OUTLOOK_UNKNOWN, NAN},
		{NAN, 99, 10, OUTLOOK_UNKNOWN, NAN},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct prognosis_inputs in = {.low = rows[i].low,
			.high = rows[i].high,
			.capacity = 100,
			.waiting = rows[i].waiting,
			.hold_s = 0.01,
			.timeout_s = 1};
		struct prognosis out = prognosis_make(&in);
		ck_assert_msg(out.outlook == rows[i].outlook, "row %zu", i);
		if (!isnan(rows[i].seconds))
			ck_assert_double_eq_tol(out.seconds, rows[i].seconds, 1e-9);
	}
}
END_TEST

static Suite *prognosis_suite(void)
{
	Suite *suite = suite_create("prognosis");
	TCase *cases = tcase_create("prognosis");
	tcase_add_test(cases, whether_it_gets_well_by_itself);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(prognosis_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
