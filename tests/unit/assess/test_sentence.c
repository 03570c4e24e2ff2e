#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/assess/sentence.h"
#include "core/base/utf8.h"

START_TEST(numbers)
{
	static const struct {
		double value;
		const char *percent, *seconds;
	} rows[] = {
		{NAN, "?", "?"},
		{INFINITY, "without end", "?"},
		{0, "0.0%", "0.0 s"},
		{0.002, "0.20%", "0.0 s"},
		{0.091, "9.1%", "0.1 s"},
		{0.97, "97%", "1.0 s"},
		{1.06, "106%", "1.1 s"},
		{15.7, "1570%", "16 s"},
		{240, "24000%", "4 min"},
		{10800, "1080000%", "3 h"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[64];
		struct sentence sentence;
		sentence_begin(&sentence, text, sizeof(text));
		sentence_add_percent(&sentence, rows[i].value);
		ck_assert_str_eq(text, rows[i].percent);
		sentence_begin(&sentence, text, sizeof(text));
		sentence_add_seconds(&sentence, rows[i].value);
		ck_assert_str_eq(text, rows[i].seconds);
	}
}
END_TEST

START_TEST(cut_at_a_character)
{
	for (size_t size = 1; size < 24; size++) {
		char text[24];
		memset(text, 'x', sizeof(text));
		struct sentence sentence;
		sentence_begin(&sentence, text, size);
		sentence_add(&sentence, "%s", "aé€𝄞");
		sentence_add(&sentence, "%s", "bé€𝄞");
		ck_assert_uint_lt(strlen(text), size);
		ck_assert_uint_eq(strlen(text), sentence.length);
		ck_assert_msg(utf8_is_valid(text, strlen(text)), "size %zu", size);
	}
}
END_TEST

START_TEST(moments)
{
	char text[16];
	struct sentence sentence;
	sentence_begin(&sentence, text, sizeof(text));
	sentence_add_time(&sentence, 1770224762000);
	ck_assert_str_eq(text, "17:06:02Z");
}
END_TEST

static Suite *sentence_suite(void)
{
	Suite *suite = suite_create("sentence");
	TCase *cases = tcase_create("sentence");
	tcase_add_test(cases, numbers);
	tcase_add_test(cases, cut_at_a_character);
	tcase_add_test(cases, moments);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(sentence_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
