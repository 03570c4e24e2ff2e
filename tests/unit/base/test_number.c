#include "core/base/number.h"

#include <ftw.h>
#include <locale.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/base/suite.h"

START_TEST(what_exporters_write)
{
	static const struct {
		const char *text;
		double value;
	} rows[] = {
		{"0", 0},
		{"1", 1},
		{"-1", -1},
		{"+1", 1},
		{"007", 7},
		{"1.5", 1.5},
		{".5", 0.5},
		{"5.", 5},
		{"1.05e+06", 1050000},
		{"1E3", 1000},
		{"1e-3", 0.001},
		{"0.1", 0.1},
		{"9007199254740993", 9007199254740992.0},
		{"1e400", 0},
		{"-0", 0},
		{"4.9406564584124654e-324", 4.9406564584124654e-324},
		{"1e-999999999999", 0},
		{"0e999999999", 0},
		{"1.7976931348623157e308", 1.7976931348623157e308},
		{"123456789012345678901234567890", 1.2345678901234568e29},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		double value = 42;
		bool ok = number_parse(rows[i].text, strlen(rows[i].text), &value);
		if (strcmp(rows[i].text, "1e400") == 0) {
			ck_assert(!ok);
			ck_assert_double_eq(value, 42);
			continue;
		}
		ck_assert_msg(ok, "%s", rows[i].text);
		ck_assert_msg(value == rows[i].value, "%s is %g", rows[i].text, value);
	}
}
END_TEST

START_TEST(named_values_in_any_case)
{
	double value = 0;
	ck_assert(number_parse("NaN", 3, &value) && isnan(value));
	ck_assert(number_parse("nan", 3, &value) && isnan(value));
	ck_assert(number_parse("Inf", 3, &value) && isinf(value) && value > 0);
	ck_assert(number_parse("+INF", 4, &value) && isinf(value) && value > 0);
	ck_assert(number_parse("-Inf", 4, &value) && isinf(value) && value < 0);
}
END_TEST

START_TEST(what_is_no_number)
{
	static const char *const rows[] = {"", "-", "+", ".", "e5", "1e", "1e+", "0x10", "1 ", " 1",
		"1,5", "1.2.3", "--1", "1_000", "infinity", "nan(0)", "-nan", "1f", "1e5.0",
		"\xD9\xA1", "00000000000000000000000000000000000000000000000000000000000000001"};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		double value = 42;
		ck_assert_msg(!number_parse(rows[i], strlen(rows[i]), &value), "'%s'", rows[i]);
		ck_assert_double_eq(value, 42);
	}
	/* The bytes need no NUL behind them, and one inside is no digit. */
	double value = 0;
	ck_assert(number_parse("12345", 3, &value) && value == 123);
	ck_assert(!number_parse("1\0"
				"2",
		3, &value));
}
END_TEST

START_TEST(integers)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t value;
	} rows[] = {
		{"0", true, 0},
		{"-0", true, 0},
		{"+7", true, 7},
		{"007", true, 7},
		{"9223372036854775807", true, INT64_MAX},
		{"-9223372036854775808", true, INT64_MIN},
		{"9223372036854775808", false, 0},
		{"-9223372036854775809", false, 0},
		{"99999999999999999999", false, 0},
		{"", false, 0},
		{"-", false, 0},
		{"1.0", false, 0},
		{"1e3", false, 0},
		{"0x1", false, 0},
		{" 1", false, 0},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t value = 42;
		bool ok = number_parse_integer(rows[i].text, strlen(rows[i].text), &value);
		ck_assert_msg(ok == rows[i].ok, "'%s'", rows[i].text);
		ck_assert_int_eq(value, rows[i].ok ? rows[i].value : 42);
	}
}
END_TEST

static const struct {
	double value;
	const char *shortest;
	const char *people;
} texts[] = {
	{0, "0", "0"},
	{-0.0, "-0", "0"},
	{5, "5", "5"},
	{0.1, "0.1", "0.10"},
	{0.42, "0.42", "0.42"},
	{97.1, "97.1", "97.1"},
	{412, "412", "412"},
	{19800, "19800", "19.8k"},
	{2.5e6, "2500000", "2.5M"},
	{-19800, "-19800", "-19.8k"},
	{0.001, "0.001", "0.001"},
	{0.00012, "0.00012", "1e-04"},
	{999.6, "999.6", "1.0k"},
	{99.96, "99.96", "100"},
	{9.996, "9.996", "10.0"},
	{999949, "999949", "1.0M"},
	{1e15, "1e+15", "1e+15"},
	{1.0 / 3, "0.3333333333333333", "0.33"},
	{0.1 + 0.2, "0.30000000000000004", "0.30"},
	{5e-324, "4.94065645841247e-324", "5e-324"},
	{1.7976931348623157e308, "1.7976931348623157e+308", "2e+308"},
	{NAN, "NaN", "?"},
	{INFINITY, "+Inf", "inf"},
	{-INFINITY, "-Inf", "-inf"},
};

static void check_texts(void)
{
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		char out[NUMBER_TEXT_BYTES];
		number_write(texts[i].value, out);
		ck_assert_str_eq(out, texts[i].shortest);
		number_format(texts[i].value, out);
		ck_assert_str_eq(out, texts[i].people);
		ck_assert_uint_le(strlen(out), 6);
	}
}

START_TEST(numbers_as_text)
{
	check_texts();
}
END_TEST

START_TEST(what_is_written_reads_back_the_same)
{
	uint64_t state = 88172645463325252u;
	for (int i = 0; i < 20000; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		double value;
		double back = 0;
		char out[NUMBER_TEXT_BYTES];
		memcpy(&value, &state, sizeof(value));
		if (isnan(value) || isinf(value))
			continue;
		number_write(value, out);
		if (!number_parse(out, strlen(out), &back) || back != value)
			ck_abort_msg("%s does not read back", out);
		number_format(value, out);
		if (strlen(out) > 7)
			ck_abort_msg("%s is too wide", out);
	}
}
END_TEST

/* Numbers of few digits take a short cut, which must lead to the same place. */
START_TEST(short_decimals_are_what_strtod_reads)
{
	uint64_t state = 88172645463325252u;
	for (int i = 0; i < 200000; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		char text[32];
		int decimals = (int)(state % 18);
		long long whole = (long long)(state >> (8 + i % 50));
		int length = decimals == 17 ? snprintf(text, sizeof(text), "%lld", whole)
					    : snprintf(text, sizeof(text), "%lld.%0*llu",
						      whole % 100000000, decimals + 1,
						      (unsigned long long)(state % 997));
		double value = 0;
		ck_assert(number_parse(text, (size_t)length, &value));
		if (value != strtod(text, NULL))
			ck_abort_msg("%s is read as %.17g", text, value);
	}
}
END_TEST

/* Makes a locale below `directory`, so that no machine needs to have one. */
static void make_locale(const char *directory, const char *source)
{
	char path[128];
	pid_t pid;
	int status = -1;
	snprintf(path, sizeof(path), "%s/%s", directory, source);
	const char *const words[] = {
		"localedef", "--no-archive", "-i", source, "-f", "ISO-8859-1", path, NULL};
	char *arguments[8];
	memcpy(arguments, words, sizeof(words));
	ck_assert_int_eq(posix_spawnp(&pid, words[0], NULL, NULL, arguments, environ), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(status == 0, "localedef made no %s: Debian's package locales has its sources",
		source);
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *place)
{
	(void)status;
	(void)flag;
	(void)place;
	return remove(path);
}

START_TEST(the_locale_has_no_say)
{
	static const char *const names[] = {"de_DE", "fr_FR"};
	char directory[] = "/tmp/locales-XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(setenv("LOCPATH", directory, 1), 0);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		double value = 0;
		make_locale(directory, names[i]);
		ck_assert_ptr_nonnull(setlocale(LC_NUMERIC, names[i]));
		ck_assert_str_ne(localeconv()->decimal_point, ".");
		check_texts();
		ck_assert(number_parse("1.5", 3, &value) && value == 1.5);
		ck_assert(!number_parse("1,5", 3, &value));
	}
	ck_assert_int_eq(nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}
END_TEST

static Suite *number_suite(void)
{
	const TTest *tests[] = {what_exporters_write, named_values_in_any_case, what_is_no_number,
		integers, numbers_as_text, what_is_written_reads_back_the_same,
		short_decimals_are_what_strtod_reads, the_locale_has_no_say};
	return suite_of("number", tests, COUNT_OF(tests));
}

int main(void)
{
	return suite_run(number_suite());
}
