#include "core/base/clock.h"

#include <string.h>

#include "tests/unit/base/suite.h"

START_TEST(a_manual_clock_moves_only_when_told)
{
	struct clock clock;
	clock_init_manual(&clock, 1000);
	ck_assert_int_eq(clock_now_ms(&clock), 1000);
	clock_advance(&clock, 250);
	ck_assert_int_eq(clock_now_ms(&clock), 1250);
	clock_set(&clock, 77);
	ck_assert_int_eq(clock_now_ms(&clock), 77);
	ck_assert_int_eq(clock_wall_ms(&clock), 77);
}
END_TEST

START_TEST(a_system_clock_cannot_be_set)
{
	struct clock clock;
	clock_init_system(&clock);
	int64_t before = clock_now_ms(&clock);
	clock_set(&clock, 5);
	clock_advance(&clock, -1000000);
	ck_assert_int_ge(clock_now_ms(&clock), before);
	ck_assert_int_gt(clock_wall_ms(&clock), INT64_C(1577836800000));
	int64_t stopwatch = clock_stopwatch_us();
	ck_assert_int_ge(clock_stopwatch_us(), stopwatch);
}
END_TEST

static const struct {
	const char *text;
	int64_t ms;
} moments[] = {
	{"1970-01-01T00:00:00Z", 0},
	{"2026-02-04T17:06:00Z", INT64_C(1770224760000)},
	{"2000-02-29T23:59:59Z", INT64_C(951868799000)},
	{"2024-02-29T00:00:00Z", INT64_C(1709164800000)},
	{"1999-12-31T23:59:59Z", INT64_C(946684799000)},
	{"1969-12-31T23:59:59Z", -1000},
	{"1900-03-01T00:00:00Z", INT64_C(-2203891200000)},
	{"0000-01-01T00:00:00Z", INT64_C(-62167219200000)},
	{"9999-12-31T23:59:59Z", INT64_C(253402300799000)},
};

START_TEST(moments_are_written_and_read)
{
	for (size_t i = 0; i < COUNT_OF(moments); i++) {
		char out[CLOCK_TEXT_BYTES];
		int64_t back = 0;
		clock_format(moments[i].ms, false, out);
		ck_assert_str_eq(out, moments[i].text);
		ck_assert(clock_parse(moments[i].text, &back));
		ck_assert_int_eq(back, moments[i].ms);
	}
	char out[CLOCK_TEXT_BYTES];
	clock_format(INT64_C(1770224760007), true, out);
	ck_assert_str_eq(out, "2026-02-04T17:06:00.007Z");
	clock_format(-1, true, out);
	ck_assert_str_eq(out, "1969-12-31T23:59:59.999Z");
	clock_format(INT64_MAX, true, out);
	ck_assert_str_eq(out, "292278994-08-17T07:12:55.807Z");
	clock_format(INT64_MIN, true, out);
	ck_assert_str_eq(out, "-292275055-05-16T16:47:04.192Z");
	clock_format_time(INT64_C(1770224760007), out);
	ck_assert_str_eq(out, "17:06:00");
	clock_format_time(-1, out);
	ck_assert_str_eq(out, "23:59:59");
}
END_TEST

START_TEST(every_day_of_four_centuries_survives_the_round_trip)
{
	for (int64_t day = -146097; day < 146097; day++) {
		char out[CLOCK_TEXT_BYTES];
		int64_t back = 0;
		clock_format(day * 86400000 + 43200123, true, out);
		if (!clock_parse(out, &back) || back != day * 86400000 + 43200123)
			ck_abort_msg("%s does not survive", out);
	}
}
END_TEST

START_TEST(other_ways_to_write_a_moment)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
		{"2026-02-04T09:06:00-08:00", INT64_C(1770224760000)},
		{"2026-02-04T18:06:00+01:00", INT64_C(1770224760000)},
		{"2026-02-04t17:06:00z", INT64_C(1770224760000)},
		{"2026-02-04 17:06:00Z", INT64_C(1770224760000)},
		{"2026-02-04T17:06:00.5Z", INT64_C(1770224760500)},
		{"2026-02-04T17:06:00.123999999Z", INT64_C(1770224760123)},
		{"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t back = 0;
		ck_assert_msg(clock_parse(rows[i].text, &back), "%s", rows[i].text);
		ck_assert_int_eq(back, rows[i].ms);
	}
}
END_TEST

START_TEST(what_is_no_moment)
{
	static const char *const rows[] = {"", "x", "2026-02-04", "2026-02-04T17:06:00",
		"2026-02-04T17:06Z", "2026-2-4T17:06:00Z", "2026-13-04T17:06:00Z",
		"2026-00-04T17:06:00Z", "2026-02-30T17:06:00Z", "2026-02-00T17:06:00Z",
		"2023-02-29T17:06:00Z", "1900-02-29T00:00:00Z", "2026-02-04T24:00:00Z",
		"2026-02-04T17:60:00Z", "2026-02-04T17:06:61Z", "2026-02-04T17:06:00.Z",
		"2026-02-04T17:06:00Zx", "2026-02-04T17:06:00+1:00", "2026-02-04T17:06:00+24:00",
		"2026-02-04T17:06:00+01:60", "2026-02-04T17:06:00+0100", " 2026-02-04T17:06:00Z",
		"-026-02-04T17:06:00Z", "02026-02-04T17:06:00Z"};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t out = 42;
		ck_assert_msg(!clock_parse(rows[i], &out), "'%s' is taken", rows[i]);
		ck_assert_int_eq(out, 42);
	}
}
END_TEST

START_TEST(spans)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{0, "0ms"},
		{450, "450ms"},
		{999, "999ms"},
		{1000, "1s"},
		{12345, "12s"},
		{59999, "59s"},
		{60000, "1m00s"},
		{200000, "3m20s"},
		{3599999, "59m59s"},
		{7500000, "2h05m"},
		{86399999, "23h59m"},
		{345600000, "4d"},
		{-12000, "-12s"},
		{INT64_MIN, "-106751991167d"},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char out[CLOCK_TEXT_BYTES];
		clock_format_span(rows[i].ms, out);
		ck_assert_str_eq(out, rows[i].text);
	}
}
END_TEST

static Suite *clock_suite(void)
{
	const TTest *tests[] = {a_manual_clock_moves_only_when_told, a_system_clock_cannot_be_set,
		moments_are_written_and_read, every_day_of_four_centuries_survives_the_round_trip,
		other_ways_to_write_a_moment, what_is_no_moment, spans};
	return suite_of("clock", tests, COUNT_OF(tests));
}

int main(void)
{
	return suite_run(clock_suite());
}
