#include "core/base/text.h"

#include <string.h>

#include "tests/unit/base/suite.h"

/* What must hold after every call. */
static void check_sane(const struct text *text)
{
	ck_assert_uint_le(text->length, text->limit);
	ck_assert_uint_eq(strlen(text_string(text)), text->length);
	if (text->bytes)
		ck_assert_uint_lt(text->length, text->capacity);
}

START_TEST(starts_empty_without_memory)
{
	struct text text;
	text_init(&text, 10);
	check_sane(&text);
	ck_assert_ptr_null(text.bytes);
	ck_assert_str_eq(text_string(&text), "");
	ck_assert(text_ok(&text));
	text_drop(&text, 5);
	text_clear(&text);
	text_finish(&text);
}
END_TEST

START_TEST(pieces_add_up)
{
	struct text text;
	text_init(&text, 100000);
	text_add(&text, "pool");
	text_add_char(&text, '.');
	text_append(&text, "usedxxx", 4);
	text_printf(&text, "=%d", 412);
	ck_assert_str_eq(text_string(&text), "pool.used=412");
	/* Longer than the buffer that most formatting fits in. */
	text_clear(&text);
	text_printf(&text, "%5000d", 7);
	ck_assert_uint_eq(text.length, 5000);
	check_sane(&text);
	ck_assert(text_ok(&text));
	text_finish(&text);
}
END_TEST

START_TEST(the_limit_is_exact_and_sticky)
{
	struct text text;
	text_init(&text, 8);
	text_add(&text, "12345678");
	ck_assert(text_ok(&text));
	text_add(&text, "");
	ck_assert(text_ok(&text));
	text_add(&text, "9");
	ck_assert(!text_ok(&text));
	ck_assert_str_eq(text_string(&text), "12345678");
	text_drop(&text, 4);
	text_add(&text, "x");
	ck_assert_str_eq(text_string(&text), "5678");
	check_sane(&text);
	text_clear(&text);
	ck_assert(text_ok(&text));
	text_printf(&text, "%s", "abcdefghij");
	ck_assert_str_eq(text_string(&text), "abcdefgh");
	ck_assert(!text_ok(&text));
	text_finish(&text);
	ck_assert(text_ok(&text));
}
END_TEST

START_TEST(what_does_not_fit_is_cut_between_characters)
{
	/* U+20AC takes three bytes. */
	static const size_t expected[] = {0, 0, 0, 3, 3, 3, 6};
	for (size_t limit = 0; limit < COUNT_OF(expected); limit++) {
		struct text text;
		text_init(&text, limit);
		text_add(&text, "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC");
		ck_assert_uint_eq(text.length, expected[limit]);
		ck_assert(!text_ok(&text));
		check_sane(&text);
		text_finish(&text);
	}
}
END_TEST

START_TEST(drop_takes_from_the_front)
{
	struct text text;
	text_init(&text, 100);
	text_add(&text, "line one\nline two");
	text_drop(&text, 9);
	ck_assert_str_eq(text_string(&text), "line two");
	text_drop(&text, 0);
	ck_assert_str_eq(text_string(&text), "line two");
	text_drop(&text, 1000);
	ck_assert_str_eq(text_string(&text), "");
	check_sane(&text);
	text_finish(&text);
}
END_TEST

static Suite *text_suite(void)
{
	const TTest *tests[] = {starts_empty_without_memory, pieces_add_up,
		the_limit_is_exact_and_sticky, what_does_not_fit_is_cut_between_characters,
		drop_takes_from_the_front};
	return suite_of("text", tests, COUNT_OF(tests));
}

int main(void)
{
	return suite_run(text_suite());
}
