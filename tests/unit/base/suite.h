/*
 * suite.h - what every test program of this room shares: a main() for one suite, and lists of
 * tests.
 */
#ifndef TESTS_UNIT_BASE_SUITE_H
#define TESTS_UNIT_BASE_SUITE_H

#include <check.h>
#include <stddef.h>
#include <stdlib.h>

/* A suite of one case out of `count` tests; each runs between setup and teardown, which may be
 * NULL. */
static inline Suite *suite_with(
	const char *noun, const TTest *const *tests, size_t count, SFun setup, SFun teardown)
{
	Suite *suite = suite_create(noun);
	TCase *tcase = tcase_create(noun);
	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite;
}

static inline Suite *suite_of(const char *noun, const TTest *const *tests, size_t count)
{
	return suite_with(noun, tests, count, NULL, NULL);
}

/* Run it; the exit code for main(). */
static inline int suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
