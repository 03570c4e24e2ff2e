#include "core/base/utf8.h"

#include <string.h>

#include "tests/unit/base/suite.h"

START_TEST(every_code_point_survives_the_round_trip)
{
	for (uint32_t codepoint = 0; codepoint <= 0x110000; codepoint++) {
		char bytes[4];
		uint32_t back = 0xFFFFFFFF;
		size_t size = utf8_encode(codepoint, bytes);
		if ((codepoint >= 0xD800 && codepoint <= 0xDFFF) || codepoint > 0x10FFFF) {
			ck_assert_uint_eq(size, 0);
			continue;
		}
		/* No assertion macro per character: a million of them are slow. */
		if (size == 0 || utf8_decode(bytes, size, &back) != size || back != codepoint)
			ck_abort_msg("U+%04X does not survive", (unsigned)codepoint);
		if (utf8_decode(bytes, size - 1, &back) != 0)
			ck_abort_msg("a cut U+%04X is taken", (unsigned)codepoint);
	}
}
END_TEST

START_TEST(invalid_forms_are_refused)
{
	static const char *const invalid[] = {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2",
		"\xC2 ", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF", "\xE2\x82",
		"\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
		"\xF8\x88\x80\x80\x80", "\xFE", "\xFF"};
	for (size_t i = 0; i < COUNT_OF(invalid); i++) {
		uint32_t codepoint = 7;
		ck_assert_msg(utf8_decode(invalid[i], strlen(invalid[i]), &codepoint) == 0,
			"number %zu is taken", i);
		ck_assert_uint_eq(codepoint, 7);
		ck_assert(!utf8_is_valid(invalid[i], strlen(invalid[i])));
	}
	ck_assert(utf8_is_valid("", 0));
	ck_assert(utf8_is_valid("a\0b", 3));
	ck_assert(utf8_is_valid("gr\xC3\xBC\xC3\x9F", 6));
}
END_TEST

START_TEST(widths)
{
	static const struct {
		uint32_t codepoint;
		int width;
	} rows[] = {{'a', 1}, {' ', 1}, {0, 0}, {0x1B, 0}, {0x7F, 0}, {0x9B, 0}, {0xA0, 1},
		{0xE9, 1}, {0x0301, 0}, {0x200B, 0}, {0x200D, 0}, {0x202E, 0}, {0xFE0F, 0},
		{0x2588, 1}, {0x2500, 1}, {0x2801, 1}, {0x1100, 2}, {0x1161, 0}, {0x3000, 2},
		{0x3042, 2}, {0x4E2D, 2}, {0xAC00, 2}, {0xFF21, 2}, {0xFF71, 1}, {0x1F525, 2},
		{0x20000, 2}, {0x10FFFD, 1}};
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ck_assert_msg(utf8_width(rows[i].codepoint) == rows[i].width, "U+%04X is %d wide",
			(unsigned)rows[i].codepoint, utf8_width(rows[i].codepoint));
	ck_assert_int_eq(utf8_string_width(""), 0);
	ck_assert_int_eq(utf8_string_width("east"), 4);
	ck_assert_int_eq(utf8_string_width("\xE6\x9D\xB1\xE4\xBA\xAC"), 4);
	ck_assert_int_eq(utf8_string_width("e\xCC\x81"), 1);
	ck_assert_int_eq(utf8_string_width("a\xFFz"), 3);
}
END_TEST

START_TEST(cutting)
{
	static const struct {
		const char *string;
		const char *expected;
		size_t size;
		int columns;
		int used;
	} rows[] = {
		{"east", "east", 32, 10, 4},
		{"east", "east", 32, 4, 4},
		{"east", "ea~", 32, 3, 3},
		{"east", "~", 32, 1, 1},
		{"east", "", 32, 0, 0},
		{"", "", 32, 0, 0},
		{"east", "east", 5, 10, 4},
		{"east", "ea~", 4, 10, 3},
		{"east", "~", 2, 10, 1},
		{"east", "", 1, 10, 0},
		/* A wide character that would stick out by half leaves its column empty. */
		{"\xE6\x9D\xB1\xE4\xBA\xAC", "\xE6\x9D\xB1\xE4\xBA\xAC", 32, 4, 4},
		{"\xE6\x9D\xB1\xE4\xBA\xAC", "\xE6\x9D\xB1~", 32, 3, 3},
		{"\xE6\x9D\xB1\xE4\xBA\xAC", "~", 32, 2, 1},
		{"e\xCC\x81t", "e\xCC\x81t", 32, 2, 2},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char out[32];
		int used = utf8_cut(rows[i].string, rows[i].columns, out, rows[i].size);
		ck_assert_msg(strcmp(out, rows[i].expected) == 0 && used == rows[i].used,
			"row %zu: '%s' in %d columns", i, out, used);
	}
	char untouched = 'x';
	ck_assert_int_eq(utf8_cut("east", 3, &untouched, 0), 0);
	ck_assert_int_eq(untouched, 'x');
}
END_TEST

static Suite *utf8_suite(void)
{
	const TTest *tests[] = {every_code_point_survives_the_round_trip, invalid_forms_are_refused,
		widths, cutting};
	return suite_of("utf8", tests, COUNT_OF(tests));
}

int main(void)
{
	return suite_run(utf8_suite());
}
