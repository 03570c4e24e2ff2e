#include "core/base/sanitise.h"

#include <stdio.h>
#include <string.h>

#include "core/base/utf8.h"
#include "tests/unit/base/suite.h"

START_TEST(known_pairs)
{
	static const struct {
		const char *from;
		const char *to;
	} rows[] = {
		{"", ""},
		{"east-1", "east-1"},
		{"\x1b[31mred\x1b[0m", "?[31mred?[0m"},
		{"\x1b]0;title\x07", "?]0;title?"},
		{"a\nb\tc\rd", "a b c d"},
		{"\x7f", "?"},
		{"\xC2\x9B"
		 "31m",
			"?31m"}, /* C1: the one-character CSI */
		{"\x9B"
		 "31m",
			"?31m"}, /* its raw byte */
		{"a\xFF\xFE", "a??"},
		{"\xE2\x82", "??"},
		{"\xE2\x80\xAE"
		 "vil\xE2\x80\xAC",
			"?vil?"},                                /* right-to-left override */
		{"\xE2\x80\x8B", "?"},                           /* zero width space */
		{"\xE2\x80\xA8\xE2\x80\xA9", "??"},              /* line and paragraph separator */
		{"\xEE\x80\x80", "?"},                           /* private use */
		{"\xF3\xB0\x80\x80\xF4\x80\x80\x80", "??"},      /* private planes */
		{"\xEF\xBF\xBE\xEF\xBF\xBF\xEF\xB7\x90", "???"}, /* non-characters */
		{"\xF3\xA0\x81\x81", "?"},                       /* tag letter */
		{"e\xCC\x81", "e\xCC\x81"},
		{"e\xCC\x81\xCC\x82\xCC\x83\xCC\x84z", "e\xCC\x81\xCC\x82z"},
		{"\xCC\x81"
		 "a",
			"a"}, /* no base to stand on */
		{"gr\xC3\xBC\xC3\x9F \xE6\x9D\xB1 \xF0\x9F\x94\xA5",
			"gr\xC3\xBC\xC3\x9F \xE6\x9D\xB1 \xF0\x9F\x94\xA5"},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char out[128];
		size_t length = strlen(rows[i].from);
		size_t written = sanitise(rows[i].from, length, out, sizeof(out));
		ck_assert_str_eq(out, rows[i].to);
		ck_assert_uint_eq(written, strlen(out));
		bool same = strcmp(rows[i].from, rows[i].to) == 0;
		ck_assert_int_eq(sanitise_is_clean(rows[i].from, length), same);
		ck_assert(sanitise_is_clean(out, written));
	}
}
END_TEST

START_TEST(a_nul_inside_does_not_end_the_text)
{
	char out[16];
	ck_assert_uint_eq(sanitise("a\0b", 3, out, sizeof(out)), 3);
	ck_assert_str_eq(out, "a?b");
	ck_assert(!sanitise_is_clean("a\0b", 3));
}
END_TEST

START_TEST(cut_at_a_character_boundary)
{
	const char *string = "a\xE2\x82\xACz";
	static const char *const expected[] = {
		"", "", "a", "a", "a", "a\xE2\x82\xAC", "a\xE2\x82\xACz"};
	for (size_t size = 1; size < COUNT_OF(expected); size++) {
		char out[16];
		sanitise(string, strlen(string), out, size);
		ck_assert_str_eq(out, expected[size]);
	}
	char untouched = 'x';
	ck_assert_uint_eq(sanitise(string, 5, &untouched, 0), 0);
	ck_assert_int_eq(untouched, 'x');
}
END_TEST

/* Every single code point, alone: what comes out is clean, valid and shows no control. */
START_TEST(no_code_point_passes_that_a_terminal_obeys)
{
	for (uint32_t codepoint = 1; codepoint <= 0x10FFFF; codepoint++) {
		char bytes[4];
		char out[16];
		size_t size = utf8_encode(codepoint, bytes);
		size_t written = sanitise(bytes, size, out, sizeof(out));
		uint32_t first = 'x';
		if (written > 0)
			utf8_decode(out, written, &first);
		if (!utf8_is_valid(out, written) || !sanitise_is_clean(out, written) ||
			utf8_is_control(first) || utf8_is_format(first))
			ck_abort_msg("U+%04X passes", (unsigned)codepoint);
	}
}
END_TEST

static Suite *sanitise_suite(void)
{
	const TTest *tests[] = {known_pairs, a_nul_inside_does_not_end_the_text,
		cut_at_a_character_boundary, no_code_point_passes_that_a_terminal_obeys};
	return suite_of("sanitise", tests, COUNT_OF(tests));
}

int main(void)
{
	return suite_run(sanitise_suite());
}
