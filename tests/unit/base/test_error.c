#include "core/base/error.h"

#include <errno.h>
#include <string.h>

#include "core/base/utf8.h"
#include "tests/unit/base/suite.h"

START_TEST(set_fills_kind_and_text_and_is_false)
{
	struct error error = {0};
	ck_assert(!error_set(&error, ERROR_LIMIT, "%d rows, at most %d", 7, 5));
	ck_assert_int_eq(error.kind, ERROR_LIMIT);
	ck_assert_str_eq(error.text, "7 rows, at most 5");
}
END_TEST

START_TEST(nobody_has_to_care)
{
	ck_assert(!error_set(NULL, ERROR_IO, "x"));
	ck_assert(!error_prefix(NULL, "x"));
	ck_assert(!error_no_memory(NULL, "x"));
	ck_assert(!error_errno(NULL, "x"));
}
END_TEST

START_TEST(prefix_keeps_the_kind)
{
	struct error error = {0};
	error_set(&error, ERROR_TIMEOUT, "no answer");
	ck_assert(!error_prefix(&error, "source '%s'", "prom"));
	ck_assert_int_eq(error.kind, ERROR_TIMEOUT);
	ck_assert_str_eq(error.text, "source 'prom': no answer");
}
END_TEST

START_TEST(arguments_may_point_into_the_error)
{
	struct error error = {0};
	error_set(&error, ERROR_IO, "inner");
	error_set(&error, ERROR_REJECTED, "outer (%s)", error.text);
	ck_assert_str_eq(error.text, "outer (inner)");
	error_prefix(&error, "%s", error.text);
	ck_assert_str_eq(error.text, "outer (inner): outer (inner)");
}
END_TEST

START_TEST(errno_gives_its_words)
{
	struct error error = {0};
	errno = ENOENT;
	ck_assert(!error_errno(&error, "cannot open '%s'", "x.yaml"));
	ck_assert_int_eq(error.kind, ERROR_IO);
	ck_assert_str_eq(error.text, "cannot open 'x.yaml': No such file or directory");
}
END_TEST

START_TEST(no_memory_names_its_subject)
{
	struct error error = {0};
	ck_assert(!error_no_memory(&error, "a plan"));
	ck_assert_int_eq(error.kind, ERROR_NO_MEMORY);
	ck_assert_str_eq(error.text, "no memory for a plan");
}
END_TEST

/* Whatever the length, what fits is whole characters. */
START_TEST(long_texts_are_cut_between_characters)
{
	char text[2 * ERROR_TEXT_BYTES];
	static const char *const characters[] = {
		"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x94\xA5"};
	for (size_t which = 0; which < COUNT_OF(characters); which++) {
		for (size_t shift = 0; shift < 4; shift++) {
			size_t size = strlen(characters[which]);
			size_t used = shift;
			memset(text, 'x', shift);
			while (used + size < sizeof(text)) {
				memcpy(text + used, characters[which], size);
				used += size;
			}
			text[used] = '\0';
			struct error error = {0};
			error_set(&error, ERROR_IO, "%s", text);
			ck_assert(utf8_is_valid(error.text, strlen(error.text)));
			ck_assert_uint_ge(strlen(error.text), ERROR_TEXT_BYTES - 4);
			error_prefix(&error, "%s", text);
			ck_assert(utf8_is_valid(error.text, strlen(error.text)));
		}
	}
}
END_TEST

START_TEST(every_kind_has_a_word)
{
	for (int kind = ERROR_NONE; kind <= ERROR_CANCELLED; kind++) {
		const char *name = error_kind_name((enum error_kind)kind);
		ck_assert_ptr_nonnull(name);
		ck_assert_str_ne(name, "unknown");
		for (int other = ERROR_NONE; other < kind; other++)
			ck_assert_str_ne(name, error_kind_name((enum error_kind)other));
	}
	ck_assert_str_eq(error_kind_name((enum error_kind)999), "unknown");
	ck_assert_str_eq(error_kind_name(ERROR_UNREACHABLE), "unreachable");
}
END_TEST

static Suite *error_suite(void)
{
	const TTest *tests[] = {set_fills_kind_and_text_and_is_false, nobody_has_to_care,
		prefix_keeps_the_kind, arguments_may_point_into_the_error, errno_gives_its_words,
		no_memory_names_its_subject, long_texts_are_cut_between_characters,
		every_kind_has_a_word};
	return suite_of("error", tests, COUNT_OF(tests));
}

int main(void)
{
	return suite_run(error_suite());
}
