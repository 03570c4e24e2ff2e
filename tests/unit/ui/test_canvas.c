#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/canvas.h"
#include "ui/cell.h"

static const char *capture(const struct canvas *canvas, struct text *out)
{
	text_clear(out);
	canvas_capture(canvas, out);
	return text_string(out);
}

static void check_widths(const struct canvas *canvas)
{
	for (int row = 0; row < canvas->rows; row++) {
		int width = 0;
		for (int column = 0; column < canvas->columns; column++)
			width += canvas->cells[row * canvas->columns + column].width;
		ck_assert_int_eq(width, canvas->columns);
	}
}

struct text_case {
	const char *string;
	int column, columns;
	bool ascii;
	int used;
	const char *seen; /* one row of ten columns */
};

static const struct text_case text_cases[] = {
	{"hello", 0, 10, false, 5, "hello\n"},
	{"hello", 7, 10, false, 5, "       hel\n"},
	{"hello", -2, 10, false, 5, "llo\n"},
	{"hello", 0, 4, false, 4, "hel~\n"},
	{"hello", 0, 0, false, 0, "\n"},
	{"", 0, 5, false, 0, "\n"},
	{"\xe4\xb8\xad\xe6\x96\x87", 0, 10, false, 4, "\xe4\xb8\xad\xe6\x96\x87\n"},
	{"\xe4\xb8\xad\xe6\x96\x87", 0, 3, false, 3, "\xe4\xb8\xad~\n"},
	{"\xe4\xb8\xad\xe6\x96\x87", 0, 2, false, 1, "~\n"},
	{"\xe4\xb8\xad", 9, 10, false, 2, "\n"},
	{"\xe4\xb8\xad", -1, 10, false, 2, "\n"},
	{"\xe4\xb8\xad", 0, 10, true, 2, "??\n"},
	{"e\xcc\x81x", 0, 10, false, 2, "e\xcc\x81x\n"},
	{"e\xcc\x81x", 0, 10, true, 2, "ex\n"},
	{"\xcc\x81x", 0, 10, false, 1, "x\n"},
	{"a\x1b[2Jb", 0, 10, false, 6, "a?[2Jb\n"},
	{"a\xe2\x80\xae"
	 "b",
		0, 10, false, 3, "a?b\n"},
	{"\xff\xfe", 0, 10, false, 2, "??\n"},
};

START_TEST(text_is_clipped_and_cut)
{
	const struct text_case *row = &text_cases[_i];
	struct canvas *canvas = canvas_create(10, 1, row->ascii);
	struct text seen;
	text_init(&seen, 4096);
	int used = canvas_text(canvas, 0, row->column, row->columns, ROLE_STRONG, row->string);
	ck_assert_int_eq(used, row->used);
	ck_assert_str_eq(capture(canvas, &seen), row->seen);
	check_widths(canvas);
	text_finish(&seen);
	canvas_destroy(canvas);
}
END_TEST

START_TEST(half_of_a_wide_character_is_never_left)
{
	struct canvas *canvas = canvas_create(6, 1, false);
	struct text seen;
	text_init(&seen, 4096);
	canvas_text(canvas, 0, 0, 6, ROLE_TEXT, "\xe4\xb8\xad\xe6\x96\x87\xe5\xad\x97");
	canvas_text(canvas, 0, 1, 1, ROLE_TEXT, "x");
	ck_assert_str_eq(capture(canvas, &seen), " x\xe6\x96\x87\xe5\xad\x97\n");
	canvas_text(canvas, 0, 3, 2, ROLE_TEXT, "yz");
	ck_assert_str_eq(capture(canvas, &seen), " x yz\n");
	check_widths(canvas);
	text_finish(&seen);
	canvas_destroy(canvas);
}
END_TEST

START_TEST(nothing_outside_does_harm)
{
	struct canvas *canvas = canvas_create(1, 1, true);
	double values[] = {1, 2, 3};
	for (int at = -3; at < 4; at++) {
		canvas_text(canvas, at, at, 5, ROLE_TEXT, "abc");
		canvas_text_right(canvas, at, at, 5, ROLE_TEXT, "abc");
		canvas_printf(canvas, at, at, 5, ROLE_TEXT, "%d", at);
		canvas_fill(canvas, at, at, 9, 9, ROLE_TEXT);
		canvas_rule(canvas, at, at, 9, "title");
		canvas_box(canvas, at, at, at, at, ROLE_TEXT, "title");
		canvas_box(canvas, at, at, 9, 9, ROLE_TEXT, "title");
		canvas_spark(canvas, at, at, ROLE_CHART, values, 3, 0, 3);
		ck_assert_int_ge(canvas_role_at(canvas, at, at), ROLE_TEXT);
	}
	check_widths(canvas);
	canvas_destroy(canvas);
}
END_TEST

START_TEST(a_gap_stays_a_gap)
{
	struct canvas *canvas = canvas_create(6, 1, true);
	double values[] = {0, NAN, 1, 2, -9};
	struct text seen;
	text_init(&seen, 4096);
	canvas_spark(canvas, 0, 0, ROLE_CHART, values, 5, 0, 1);
	ck_assert_str_eq(capture(canvas, &seen), ". @@.\n");
	ck_assert_int_eq(canvas_role_at(canvas, 0, 2), ROLE_CHART);
	canvas_spark(canvas, 0, 0, ROLE_CHART, values, 1, 5, 5);
	ck_assert_str_eq(capture(canvas, &seen), ". @@.\n");
	text_finish(&seen);
	canvas_destroy(canvas);
}
END_TEST

START_TEST(sizes_are_held_within_limits)
{
	struct canvas *canvas = canvas_create(-4, 0, true);
	ck_assert_int_eq(canvas_columns(canvas), 1);
	ck_assert_int_eq(canvas_rows(canvas), 1);
	ck_assert(canvas_resize(canvas, 1 << 30, 3));
	ck_assert_int_eq(canvas_columns(canvas), CANVAS_COLUMNS_MOST);
	ck_assert_int_eq(canvas_rows(canvas), 3);
	canvas_destroy(canvas);
	canvas_destroy(NULL);
}
END_TEST

static Suite *canvas_suite(void)
{
	Suite *suite = suite_create("canvas");
	TCase *tcase = tcase_create("cells");
	tcase_add_loop_test(
		tcase, text_is_clipped_and_cut, 0, sizeof text_cases / sizeof *text_cases);
	tcase_add_test(tcase, half_of_a_wide_character_is_never_left);
	tcase_add_test(tcase, nothing_outside_does_harm);
	tcase_add_test(tcase, a_gap_stays_a_gap);
	tcase_add_test(tcase, sizes_are_held_within_limits);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(canvas_suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
