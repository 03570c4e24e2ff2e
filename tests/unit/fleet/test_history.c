#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "core/fleet/history.h"

#define SIGNAL SIGNAL_POOL_USED
#define PLENTY ((size_t)64 * 1024 * 1024)

/* Samples 1..count at 1000 ms steps, value = index. */
static struct history *counting(size_t ring, int count)
{
	struct history *history = history_create(ring, PLENTY);
	for (int i = 1; i <= count; i++)
		ck_assert(history_append(history, 3, SIGNAL, i * 1000, i));
	return history;
}

START_TEST(windows)
{
	static const struct {
		int64_t from, until;
		size_t most, expected;
		double first, last;
	} rows[] = {
		{0, 10000, 100, 10, 1, 10},
		{1000, 3000, 100, 2, 2, 3}, /* from is open, until is closed */
		{1000, 3000, 1, 1, 3, 3},   /* the newest ones */
		{999, 1000, 100, 1, 1, 1},
		{3000, 3000, 100, 0, 0, 0},
		{5000, 3000, 100, 0, 0, 0},
		{10000, 99000, 100, 0, 0, 0},
		{-5, 0, 100, 0, 0, 0},
	};
	struct history *history = counting(100, 10);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sample out[100];
		size_t got = history_window(
			history, 3, SIGNAL, rows[i].from, rows[i].until, out, rows[i].most);
		ck_assert_uint_eq(got, rows[i].expected);
		if (got > 0) {
			ck_assert_double_eq(out[0].value, rows[i].first);
			ck_assert_double_eq(out[got - 1].value, rows[i].last);
		}
	}
	struct sample out[4];
	ck_assert_uint_eq(history_window(history, 4, SIGNAL, 0, 99999, out, 4), 0);
	ck_assert_uint_eq(history_window(history, 99999, SIGNAL, 0, 99999, out, 4), 0);
	history_destroy(history);
	history_destroy(NULL);
}
END_TEST

START_TEST(the_oldest_falls_out)
{
	struct history *history = counting(300, 1000);
	struct sample out[400];
	ck_assert_uint_eq(history_window(history, 3, SIGNAL, 0, 2000000, out, 400), 300);
	for (size_t i = 0; i < 300; i++)
		ck_assert_double_eq(out[i].value, 701 + (double)i);
	ck_assert_uint_eq(history_dropped(history), 0);
	history_destroy(history);
}
END_TEST

START_TEST(time_only_grows)
{
	struct history *history = counting(100, 3);
	ck_assert(!history_append(history, 3, SIGNAL, 3000, 9));
	ck_assert(!history_append(history, 3, SIGNAL, 1500, 9));
	ck_assert(!history_append(history, 3, SIGNAL, 4000, NAN));
	ck_assert(history_append(history, 3, SIGNAL, 4000, 9));
	double value = 0;
	ck_assert(history_at(history, 3, SIGNAL, 3999, 1000, &value));
	ck_assert_double_eq(value, 3);
	ck_assert(!history_at(history, 3, SIGNAL, 999, 1000, &value));
	ck_assert(!history_at(history, 3, SIGNAL, 9000, 1000, &value));
	ck_assert(history_at(history, 3, SIGNAL, 9000, 5000, &value));
	ck_assert_double_eq(value, 9);
	history_destroy(history);
}
END_TEST

START_TEST(means_and_medians)
{
	struct history *history = counting(3600, 10);
	double value = -1;
	ck_assert(history_mean(history, 3, SIGNAL, 0, 4000, &value));
	ck_assert_double_eq_tol(value, 2.5, 1e-9);
	ck_assert(history_median(history, 3, SIGNAL, 0, 4000, 4, &value));
	ck_assert_double_eq_tol(value, 2.5, 1e-9);
	ck_assert(history_median(history, 3, SIGNAL, 0, 3000, 1, &value));
	ck_assert_double_eq_tol(value, 2, 1e-9);
	ck_assert(history_append(history, 3, SIGNAL, 11000, 1e9)); /* a spike moves no median */
	ck_assert(history_median(history, 3, SIGNAL, 0, 11000, 1, &value));
	ck_assert_double_eq_tol(value, 6, 1e-9);
	value = -1;
	ck_assert(!history_median(history, 3, SIGNAL, 0, 4000, 5, &value));
	ck_assert(!history_mean(history, 3, SIGNAL, 50000, 60000, &value));
	ck_assert_double_eq(value, -1);
	for (int i = 12; i <= 2000; i++)
		ck_assert(history_append(history, 3, SIGNAL, i * 1000, i));
	ck_assert(history_median(history, 3, SIGNAL, 12000, 2000000, 1, &value));
	ck_assert_double_eq_tol(value, 1006.5, 1e-9);
	history_destroy(history);
}
END_TEST

START_TEST(a_gap_stays_a_gap)
{
	struct history *history = history_create(100, PLENTY);
	ck_assert(history_append(history, 0, SIGNAL, 500, 2));
	ck_assert(history_append(history, 0, SIGNAL, 1000, 4));
	ck_assert(history_append(history, 0, SIGNAL, 3500, 7));
	double out[4] = {0};
	history_buckets(history, 0, SIGNAL, 0, 4000, out, 4);
	ck_assert_double_eq_tol(out[0], 3, 1e-9);
	ck_assert(isnan(out[1]));
	ck_assert(isnan(out[2]));
	ck_assert_double_eq_tol(out[3], 7, 1e-9);
	history_buckets(history, 9, SIGNAL, 0, 4000, out, 4);
	for (int i = 0; i < 4; i++)
		ck_assert(isnan(out[i]));
	history_destroy(history);
}
END_TEST

START_TEST(short_series_stay_small)
{
	struct history *history = history_create(HISTORY_SAMPLES, PLENTY);
	ck_assert(history_append(history, 0, SIGNAL, 1000, 1));
	ck_assert_uint_lt(history_bytes(history), 16 * 1024);
	history_destroy(history);
}
END_TEST

START_TEST(the_limit_holds)
{
	size_t limit = 64 * 1024;
	struct history *history = history_create(HISTORY_SAMPLES, limit);
	bool kept_all = true;
	for (uint32_t entity = 0; entity < 100; entity++) {
		for (int i = 1; i <= 200; i++)
			kept_all &= history_append(history, entity, SIGNAL, i * 1000, i);
	}
	ck_assert(!kept_all);
	ck_assert_uint_gt(history_dropped(history), 0);
	ck_assert_uint_le(history_bytes(history), limit);
	double value = 0;
	ck_assert(history_at(history, 0, SIGNAL, 200000, 1000, &value));
	ck_assert_double_eq(value, 200);
	/* A series that has its ring goes on when the limit is reached: its oldest falls out. */
	for (int i = 201; i <= 5000; i++)
		ck_assert(history_append(history, 0, SIGNAL, i * 1000, i));
	ck_assert(history_at(history, 0, SIGNAL, 5000000, 1000, &value));
	ck_assert_double_eq(value, 5000);
	ck_assert_uint_le(history_bytes(history), limit);
	history_destroy(history);
}
END_TEST

/* Whatever is asked, the answer is that of a plain list of the newest samples. */
START_TEST(agrees_with_a_plain_list)
{
	static struct sample plain[6000];
	static struct sample out[6000];
	size_t ring = (size_t[]){1, 7, 16, 17, 240, 300, 1000, 3600}[_i];
	struct history *history = history_create(ring, PLENTY);
	unsigned state = 12345 + (unsigned)_i;
	int64_t at_ms = 1000;
	size_t count = 0;
	for (; count < 5000; count++) {
		state = state * 1103515245 + 12345;
		at_ms += 990 + (state >> 16) % 21 + (count % 700 == 0 ? 60000 : 0);
		plain[count] = (struct sample){at_ms, (double)((state >> 20) % 500)};
		ck_assert(history_append(history, 3, SIGNAL, at_ms, plain[count].value));
		if (count % 97 != 0)
			continue;
		size_t first = count + 1 > ring ? count + 1 - ring : 0;
		int64_t from_ms = plain[first].at_ms + (int64_t)((state >> 8) % 90000) - 5000;
		int64_t until_ms = from_ms + (int64_t)((state >> 4) % 4000000);
		size_t expected = 0, start = count + 1;
		double sum = 0;
		for (size_t i = first; i <= count; i++) {
			if (plain[i].at_ms <= from_ms || plain[i].at_ms > until_ms)
				continue;
			start = expected == 0 ? i : start;
			sum += plain[i].value;
			expected++;
		}
		size_t got = history_window(history, 3, SIGNAL, from_ms, until_ms, out, 6000);
		ck_assert_uint_eq(got, expected);
		for (size_t i = 0; i < got; i++) {
			ck_assert_int_eq(out[i].at_ms, plain[start + i].at_ms);
			ck_assert_double_eq(out[i].value, plain[start + i].value);
		}
		double value = 0;
		ck_assert(history_mean(history, 3, SIGNAL, from_ms, until_ms, &value) == (got > 0));
		if (got > 0)
			ck_assert_double_eq_tol(value, sum / (double)got, 1e-9);
		ck_assert(history_at(history, 3, SIGNAL, plain[count].at_ms + 5, 5, &value));
		ck_assert_double_eq(value, plain[count].value);
		ck_assert(!history_at(history, 3, SIGNAL, plain[count].at_ms + 5, 4, &value));
	}
	ck_assert_uint_eq(history_dropped(history), 0);
	history_destroy(history);
}
END_TEST

START_TEST(an_hour_of_a_steady_series_is_small)
{
	struct history *history = history_create(HISTORY_SAMPLES, PLENTY);
	for (int i = 1; i <= 2 * HISTORY_SAMPLES; i++)
		ck_assert(history_append(
			history, 0, SIGNAL, i * 1000 + i * 7 % 5, 400 + 40 * sin(i * 0.7)));
	ck_assert_uint_lt(history_bytes(history), (size_t)HISTORY_SAMPLES * 5 / 2);
	history_destroy(history);
}
END_TEST

static Suite *history_suite(void)
{
	Suite *suite = suite_create("history");
	TCase *cases = tcase_create("history");
	tcase_add_test(cases, windows);
	tcase_add_test(cases, the_oldest_falls_out);
	tcase_add_test(cases, time_only_grows);
	tcase_add_test(cases, means_and_medians);
	tcase_add_test(cases, a_gap_stays_a_gap);
	tcase_add_test(cases, short_series_stay_small);
	tcase_add_test(cases, the_limit_holds);
	tcase_add_loop_test(cases, agrees_with_a_plain_list, 0, 8);
	tcase_add_test(cases, an_hour_of_a_steady_series_is_small);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(history_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
