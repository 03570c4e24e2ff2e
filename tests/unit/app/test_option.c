/* The command line's tables: every row parses, help names everything, wrong words get the right
 * advice. */
#include "app/option.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/text.h"

START_TEST(test_every_option_parses_for_every_verb_that_takes_it)
{
	size_t verb_count, row_count;
	const struct verb_entry *verbs = verb_entries(&verb_count);
	const struct option_row *rows = option_rows(&row_count);
	for (size_t v = 0; v < verb_count; v++) {
		for (size_t r = 0; r < row_count; r++) {
			char name[64];
			snprintf(name, sizeof name, "--%s", rows[r].name);
			char value[] = "text";
			char *words[] = {name, value};
			int count = rows[r].argument ? 2 : 1;
			struct options options;
			struct error error = {0};
			bool takes =
				(rows[r].groups & ((unsigned)OPTION_ALWAYS | verbs[v].groups)) != 0;
			ck_assert_msg(
				options_parse(&verbs[v], count, words, &options, &error) == takes,
				"%s %s: %s", verbs[v].name, name, error.text);
			if (!takes)
				ck_assert_int_eq(error.kind, ERROR_USAGE);
		}
	}
}
END_TEST

START_TEST(test_words_and_values_land_where_they_belong)
{
	char *words[] = {(char[]){"divert"}, (char[]){"-o"}, (char[]){"json"},
		(char[]){"cluster=east-a"}, (char[]){"--override=step"}, (char[]){"--override"},
		(char[]){"cooldown"}, (char[]){"-y"}, (char[]){"--"}, (char[]){"-x"}};
	struct options options;
	struct error error = {0};
	ck_assert_msg(options_parse(verb_entry_find("act"), 10, words, &options, &error), "%s",
		error.text);
	ck_assert_str_eq(options.output, "json");
	ck_assert(options.yes);
	ck_assert_uint_eq(options.override_count, 2);
	ck_assert_str_eq(options.overrides[0], "step");
	ck_assert_str_eq(options.overrides[1], "cooldown");
	ck_assert_uint_eq(options.word_count, 3);
	ck_assert_str_eq(options.words[0], "divert");
	ck_assert_str_eq(options.words[2], "-x");
}
END_TEST

static const struct {
	const char *word;
	const char *advice;
} wrong[] = {
	{"--ouptut", "did you mean '--output'"},
	{"--override", "needs a value"},
	{"--yes=1", "takes no value"},
	{"--auto", "does not take"},
	{"-yq", "one by one"},
	{"-Z", "there is no option '-Z'"},
	{"--output=xml", "text or json"},
};

START_TEST(test_wrong_words_get_advice)
{
	char word[32];
	snprintf(word, sizeof word, "%s", wrong[_i].word);
	char *words[] = {word};
	struct options options = {.quiet = true};
	struct error error = {0};
	ck_assert(!options_parse(verb_entry_find("act"), 1, words, &options, &error));
	ck_assert_int_eq(error.kind, ERROR_USAGE);
	ck_assert_ptr_nonnull(strstr(error.text, wrong[_i].advice));
	ck_assert(options.quiet); /* untouched on failure */
}
END_TEST

START_TEST(test_help_manual_and_completion_name_every_row)
{
	size_t verb_count, row_count;
	const struct verb_entry *verbs = verb_entries(&verb_count);
	const struct option_row *rows = option_rows(&row_count);
	struct text help, manual, completion;
	text_init(&help, 1 << 20);
	text_init(&manual, 1 << 20);
	text_init(&completion, 1 << 20);
	option_help(&help);
	option_manual(&manual);
	option_completion(&completion);
	for (size_t v = 0; v < verb_count; v++) {
		ck_assert_ptr_nonnull(strstr(text_string(&help), verbs[v].name));
		ck_assert_ptr_nonnull(strstr(text_string(&manual), verbs[v].name));
		ck_assert_ptr_nonnull(strstr(text_string(&completion), verbs[v].name));
	}
	for (size_t r = 0; r < row_count; r++)
		ck_assert_ptr_nonnull(strstr(text_string(&completion), rows[r].name));
	ck_assert(text_ok(&help) && text_ok(&manual) && text_ok(&completion));
	text_finish(&help);
	text_finish(&manual);
	text_finish(&completion);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("option");
	TCase *tests = tcase_create("tables");
	tcase_add_test(tests, test_every_option_parses_for_every_verb_that_takes_it);
	tcase_add_test(tests, test_words_and_values_land_where_they_belong);
	tcase_add_loop_test(
		tests, test_wrong_words_get_advice, 0, (int)(sizeof wrong / sizeof wrong[0]));
	tcase_add_test(tests, test_help_manual_and_completion_name_every_row);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
