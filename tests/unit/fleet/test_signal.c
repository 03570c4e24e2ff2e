#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/fleet/signal.h"

START_TEST(every_row_is_whole)
{
	for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
		const struct signal_row *row = signal_row((enum signal)i);
		ck_assert_ptr_nonnull(row->name);
		ck_assert_ptr_nonnull(row->help);
		ck_assert_msg(row->entities != 0, "%s is measured nowhere", row->name);
		ck_assert_msg(row->min < row->max, "%s has no range", row->name);
		ck_assert_ptr_nonnull(signal_unit_text(row->unit));
		enum signal found = SIGNAL_COUNT;
		ck_assert(signal_find(row->name, &found));
		ck_assert_msg(found == (enum signal)i, "%s is there twice", row->name);
	}
}
END_TEST

START_TEST(names)
{
	enum signal found = SIGNAL_COUNT;
	ck_assert(signal_find("pool.used", &found));
	ck_assert_int_eq(found, SIGNAL_POOL_USED);
	ck_assert(!signal_find("pool.", &found));
	ck_assert(!signal_find("", &found));
	ck_assert_str_eq(signal_nearest("pool.usde"), "pool.used");
	ck_assert_ptr_null(signal_nearest("nothing like it"));
	ck_assert_str_eq(signal_unit_text(UNIT_PER_SECOND), "/s");
	ck_assert_str_eq(signal_unit_text(UNIT_RATIO), "");
}
END_TEST

START_TEST(derived_signals_are_never_suggested)
{
	const char *nearest = signal_nearest("stage.pool");
	ck_assert(!nearest || strcmp(nearest, "stage.pool") != 0);
}
END_TEST

/* Two signals share a place only where no entity has both. */
START_TEST(places)
{
	for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
		const struct signal_row *one = signal_row((enum signal)i);
		ck_assert_uint_le(signal_place((enum signal)i), SIGNAL_PLACES);
		ck_assert_int_eq(signal_place((enum signal)i) == SIGNAL_PLACES, one->derived);
		for (unsigned j = 0; j < i && !one->derived; j++) {
			bool share = signal_place((enum signal)j) == signal_place((enum signal)i);
			ck_assert_msg(
				!share || !(one->entities & signal_row((enum signal)j)->entities),
				"%s and %s", one->name, signal_row((enum signal)j)->name);
		}
	}
}
END_TEST

static Suite *signal_suite(void)
{
	Suite *suite = suite_create("signal");
	TCase *cases = tcase_create("signal");
	tcase_add_test(cases, every_row_is_whole);
	tcase_add_test(cases, places);
	tcase_add_test(cases, names);
	tcase_add_test(cases, derived_signals_are_never_suggested);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(signal_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
