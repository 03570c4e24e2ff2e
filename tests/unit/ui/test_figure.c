#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ui/figure.h"
#include "ui/wrap.h"

struct figure_case {
	void (*write)(double value, char out[FIGURE_BYTES]);
	double value;
	const char *seen;
};

static const struct figure_case figure_cases[] = {
	{figure_percent, 0.97, "97%"},
	{figure_percent, 0.091, "9.1%"},
	{figure_percent, 0.0996, "10%"},
	{figure_percent, 0.0, "0%"},
	{figure_percent, NAN, "?"},
	{figure_percent, INFINITY, "inf"},
	{figure_percent_fine, 0.176, "17.6%"},
	{figure_percent_fine, 1.0, "100%"},
	{figure_percent_fine, 0.0, "0.0%"},
	{figure_percent_signed, -0.18, "-18%"},
	{figure_percent_signed, 0.21, "+21%"},
	{figure_percent_signed, -0.003, "-0.3%"},
	{figure_percent_signed, NAN, "?"},
	{figure_factor, 1.34, "1.34x"},
	{figure_factor, 46.0, "46.0x"},
	{figure_factor, NAN, "?"},
	{figure_count, 412, "412"},
	{figure_count, NAN, "?"},
	{figure_rate, 19800, "19.8k/s"},
	{figure_wait, 108, "108ms"},
	{figure_wait, 3708, "3.7s"},
};

START_TEST(figures_are_written)
{
	char out[FIGURE_BYTES];
	figure_cases[_i].write(figure_cases[_i].value, out);
	ck_assert_str_eq(out, figure_cases[_i].seen);
}
END_TEST

START_TEST(times_are_written)
{
	char out[FIGURE_BYTES];
	figure_age(-1, out);
	ck_assert_str_eq(out, "?");
	figure_age(999, out);
	ck_assert_str_eq(out, "0s");
	figure_age(48400, out);
	ck_assert_str_eq(out, "48s");
	figure_time(0, out);
	ck_assert_str_eq(out, "-");
	figure_time(1770226422000, out);
	ck_assert_str_eq(out, "17:33");
	figure_elapsed(1062000, out);
	ck_assert_str_eq(out, "+00:17:42");
	figure_short_span(13 * 60000 + 5000, out);
	ck_assert_str_eq(out, "13m");
	figure_signal(SIGNAL_POOL_WAIT, 12, out);
	ck_assert_str_eq(out, "12 ms");
	figure_signal(SIGNAL_REPLICA_QUERIES, 410, out);
	ck_assert_str_eq(out, "410/s");
}
END_TEST

struct wrap_case {
	const char *text;
	int columns;
	const char *lines[5];
};

static const struct wrap_case wrap_cases[] = {
	{"one two three", 7, {"one two", "three"}},
	{"one two three", 8, {"one two", "three"}},
	{"  one  ", 9, {"one"}},
	{"abcdefgh ij", 3, {"abc", "def", "gh", "ij"}},
	{"", 9, {NULL}},
	{"\xe4\xb8\xad\xe6\x96\x87", 2, {"\xe4\xb8\xad", "\xe6\x96\x87"}},
};

START_TEST(sentences_are_wrapped)
{
	const struct wrap_case *row = &wrap_cases[_i];
	const char *rest = row->text;
	char line[64];
	int count = 0;
	for (; row->lines[count]; count++) {
		ck_assert(wrap_next(&rest, row->columns, line, sizeof line));
		while (line[0] && line[strlen(line) - 1] == ' ')
			line[strlen(line) - 1] = '\0';
		ck_assert_str_eq(line, row->lines[count]);
	}
	ck_assert(!wrap_next(&rest, row->columns, line, sizeof line));
	ck_assert_int_eq(wrap_count(row->text, row->columns), count);
}
END_TEST

static Suite *figure_suite(void)
{
	Suite *suite = suite_create("figure");
	TCase *tcase = tcase_create("words");
	tcase_add_loop_test(
		tcase, figures_are_written, 0, sizeof figure_cases / sizeof *figure_cases);
	tcase_add_test(tcase, times_are_written);
	tcase_add_loop_test(
		tcase, sentences_are_wrapped, 0, sizeof wrap_cases / sizeof *wrap_cases);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(figure_suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
