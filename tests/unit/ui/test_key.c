#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/console/console.h"
#include "ui/console/key.h"
#include "ui/terminal.h"

START_TEST(no_key_means_two_things_in_one_place)
{
	for (size_t i = 0; i < key_row_count; i++) {
		for (size_t j = i + 1; j < key_row_count; j++) {
			bool clash = key_rows[i].key == key_rows[j].key &&
				     (key_rows[i].contexts & key_rows[j].contexts) != 0;
			ck_assert_msg(
				!clash, "'%s' is bound twice in one context", key_rows[i].label);
		}
	}
}
END_TEST

START_TEST(every_row_is_whole)
{
	for (size_t i = 0; i < key_row_count; i++) {
		const struct key_row *row = &key_rows[i];
		ck_assert(row->label && row->label[0]);
		ck_assert(row->what && row->what[0]);
		ck_assert_uint_ne(row->contexts, 0);
		ck_assert_uint_lt(row->contexts, 1u << CONTEXT_COUNT);
		ck_assert_int_lt(row->command, COMMAND_COUNT);
		ck_assert(!row->hint || strlen(row->hint) <= 18);
	}
}
END_TEST

START_TEST(some_keys_are_never_bound)
{
	/* Flow control, editing habits that destroy elsewhere, and what a terminal sends for Tab or
	 * Enter. */
	static const uint32_t never[] = {3, 4, 8, 10, 11, 17, 19, 28, 127};
	for (size_t i = 0; i < key_row_count; i++) {
		for (size_t j = 0; j < sizeof never / sizeof *never; j++)
			ck_assert_uint_ne(key_rows[i].key, never[j]);
	}
}
END_TEST

/* What changes anything, or leads to it, is no slip of a Shift key away from a harmless one. */
START_TEST(confirming_has_no_neighbour)
{
	for (size_t i = 0; i < key_row_count; i++) {
		if (key_rows[i].command == COMMAND_YES)
			ck_assert_uint_eq(key_rows[i].contexts, CONTEXT_ASK);
		if (key_rows[i].command == COMMAND_ACCEPT)
			ck_assert_uint_eq(key_rows[i].key, '\r');
	}
}
END_TEST

START_TEST(escape_help_and_quit_work_everywhere)
{
	for (unsigned bit = 0; bit < CONTEXT_COUNT; bit++) {
		enum context context = (enum context)(1u << bit);
		ck_assert_ptr_nonnull(key_find(context, 27));
		if (context & CONTEXT_SCREENS) {
			ck_assert_ptr_nonnull(key_find(context, '?'));
			ck_assert_ptr_nonnull(key_find(context, 'q'));
			ck_assert_ptr_nonnull(key_find(context, 26));
		}
	}
	ck_assert_ptr_null(key_find(CONTEXT_HOME, 'Z'));
}
END_TEST

START_TEST(palette_words_are_found_by_a_unique_start)
{
	ck_assert_int_eq(key_find_palette("journal", 7)->command, COMMAND_JOURNAL);
	ck_assert_int_eq(key_find_palette("j", 1)->command, COMMAND_JOURNAL);
	ck_assert_int_eq(key_find_palette("ru", 2)->command, COMMAND_RUNS);
	ck_assert_ptr_null(key_find_palette("r", 1));
	ck_assert_ptr_null(key_find_palette("", 0));
	ck_assert_ptr_null(key_find_palette("journals", 8));
	ck_assert_ptr_null(key_find_palette("xyzzy", 5));
}
END_TEST

START_TEST(the_table_is_the_manual)
{
	struct text text;
	text_init(&text, 65536);
	console_keys(&text);
	ck_assert(text_ok(&text));
	size_t lines = 0;
	for (const char *c = text_string(&text); *c; c++)
		lines += *c == '\n';
	ck_assert_uint_eq(lines, key_row_count);
	ck_assert_ptr_nonnull(strstr(text_string(&text), "Ctrl-Z\tscreens"));
	text_finish(&text);
}
END_TEST

static Suite *key_suite(void)
{
	Suite *suite = suite_create("key");
	TCase *tcase = tcase_create("table");
	tcase_add_test(tcase, no_key_means_two_things_in_one_place);
	tcase_add_test(tcase, every_row_is_whole);
	tcase_add_test(tcase, some_keys_are_never_bound);
	tcase_add_test(tcase, confirming_has_no_neighbour);
	tcase_add_test(tcase, escape_help_and_quit_work_everywhere);
	tcase_add_test(tcase, palette_words_are_found_by_a_unique_start);
	tcase_add_test(tcase, the_table_is_the_manual);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(key_suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
