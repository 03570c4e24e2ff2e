#include "backends/observation.h"

#include "backends/rates.h"
#include "tests/unit/backends/bench.h"

static void add(struct observations *sink, struct observation row)
{
	struct error error = {0};
	if (!observations_add(sink, &row, &error)) /* a check each would cost more than the test */
		ck_abort_msg("%s", error.text);
}

static struct observation row_of(enum signal signal, uint32_t group, uint64_t series, double value)
{
	return (struct observation){.entity = 3,
		.group = group,
		.series = series,
		.signal = signal,
		.at_ms = 1000,
		.value = value};
}

START_TEST(merges_by_the_rule_of_the_signal)
{
	struct observations sink;
	observations_init(&sink, NULL);
	add(&sink, row_of(SIGNAL_REPLICA_UP, 0, 2, 1));
	add(&sink, row_of(SIGNAL_POOL_USED, 1, 1, 4));
	add(&sink, row_of(SIGNAL_REPLICA_UP, 0, 1, 0));
	add(&sink, row_of(SIGNAL_POOL_WAIT, 2, 1, 10));
	add(&sink, row_of(SIGNAL_POOL_USED, 1, 2, 5));
	add(&sink, row_of(SIGNAL_POOL_WAIT, 2, 2, 30));
	sink.rows[4].at_ms = 400;
	observations_sort(&sink, NULL);
	observations_merge(&sink, NULL);
	ck_assert_uint_eq(sink.count, 3);
	ck_assert_int_eq(sink.rows[0].signal, SIGNAL_REPLICA_UP);
	ck_assert_double_eq(sink.rows[0].value, 0);
	ck_assert_double_eq(sink.rows[1].value, 9);
	ck_assert_int_eq(sink.rows[1].at_ms, 400); /* as old as its oldest part */
	ck_assert_double_eq(sink.rows[2].value, 30);
	observations_finish(&sink);
}
END_TEST

START_TEST(the_first_group_wins_whatever_the_times)
{
	for (int64_t shift_ms = -5; shift_ms <= 5; shift_ms += 5) {
		struct observations sink;
		observations_init(&sink, NULL);
		add(&sink, row_of(SIGNAL_POOL_MAX, 7, 1, 70));
		add(&sink, row_of(SIGNAL_POOL_MAX, 4, 1, 40));
		sink.rows[1].at_ms += shift_ms;
		observations_sort(&sink, NULL);
		observations_merge(&sink, NULL);
		ck_assert_uint_eq(sink.count, 1);
		ck_assert_double_eq(sink.rows[0].value, 40);
		observations_finish(&sink);
	}
}
END_TEST

START_TEST(times_stay_apart_in_the_past_and_when_alone)
{
	for (int past = 0; past <= 1; past++) {
		struct observations sink;
		observations_init(&sink, NULL);
		sink.past = past;
		uint32_t group = past ? 1 : OBSERVATION_ALONE;
		for (uint64_t i = 3; i > 0; i--) {
			add(&sink, row_of(SIGNAL_POOL_USED, group, past ? 1 : i, (double)i));
			sink.rows[sink.count - 1].at_ms = (int64_t)i;
		}
		observations_sort(&sink, NULL);
		observations_merge(&sink, NULL);
		ck_assert_uint_eq(sink.count, 3);
		for (size_t i = 0; i < 3; i++)
			ck_assert_int_eq(sink.rows[i].at_ms, (int64_t)i + 1);
		observations_finish(&sink);
	}
}
END_TEST

START_TEST(keeps_no_value_that_is_none)
{
	struct observations sink;
	observations_init(&sink, NULL);
	add(&sink, row_of(SIGNAL_POOL_USED, 1, 1, (double)NAN));
	add(&sink, row_of(SIGNAL_POOL_USED, 1, 2, (double)INFINITY));
	ck_assert_uint_eq(sink.count, 0);
	observations_sort(&sink, NULL);
	observations_merge(&sink, NULL);
	observations_finish(&sink);
}
END_TEST

START_TEST(has_a_limit_and_keeps_the_first_warning)
{
	struct observations sink;
	struct error error = {0};
	observations_init(&sink, NULL);
	struct observation row = row_of(SIGNAL_POOL_USED, 1, 0, 1);
	bool good = true;
	for (; row.series < OBSERVATIONS_MOST; row.series++)
		good = good && observations_add(&sink, &row, &error);
	ck_assert(good);
	ck_assert(!observations_add(&sink, &row, &error));
	ck_assert_int_eq(error.kind, ERROR_LIMIT);
	observations_warn(&sink, "first \x1b[1m%d", 1);
	observations_warn(&sink, "second");
	ck_assert_str_eq(sink.warning, "first ?[1m1");
	ck_assert_uint_eq(sink.warnings, 2);
	observations_clear(&sink);
	ck_assert_uint_eq(sink.count + sink.warnings, 0);
	ck_assert_str_eq(sink.warning, "");
	observations_finish(&sink);
}
END_TEST

/* ---- rates ---- */

static void feed(
	struct rates *rates, struct observations *sink, int64_t at_ms, double first, double second)
{
	struct error error = {0};
	observations_clear(sink);
	add(sink, row_of(SIGNAL_SURFACE_ERRORS, 1, 1, first));
	if (!isnan(second))
		add(sink, row_of(SIGNAL_SURFACE_ERRORS, 1, 2, second));
	add(sink, row_of(SIGNAL_POOL_USED, 2, 1, 5));
	for (size_t i = 0; i < sink->count; i++) {
		sink->rows[i].at_ms = at_ms;
		sink->rows[i].rate = sink->rows[i].signal == SIGNAL_SURFACE_ERRORS;
	}
	observations_sort(sink, NULL);
	ck_assert(rates_apply(rates, sink, &error));
	observations_merge(sink, NULL);
}

/* The rate there is, NAN where there is none; the level beside it is always there. */
static double rate_in(const struct observations *sink)
{
	double rate = (double)NAN;
	bool has_level = false;
	for (size_t i = 0; i < sink->count; i++) {
		if (sink->rows[i].signal == SIGNAL_SURFACE_ERRORS)
			rate = sink->rows[i].value;
		else
			has_level = sink->rows[i].value == 5;
	}
	ck_assert(has_level);
	return rate;
}

START_TEST(rates_have_gaps_where_something_is_not_known)
{
	struct rates rates;
	struct observations sink;
	rates_init(&rates);
	observations_init(&sink, NULL);
	feed(&rates, &sink, 1000, 100, 50);
	ck_assert(isnan(rate_in(&sink))); /* the first sight */
	feed(&rates, &sink, 3000, 110, 54);
	ck_assert_double_eq_tol(rate_in(&sink), 7, 1e-9);
	feed(&rates, &sink, 4000, 4, 60);
	ck_assert(isnan(
		rate_in(&sink))); /* one restarted, though the sum of counters is not the point */
	feed(&rates, &sink, 5000, 6, 61);
	ck_assert_double_eq_tol(rate_in(&sink), 3, 1e-9);
	feed(&rates, &sink, 6000, 8, (double)NAN);
	ck_assert_double_eq_tol(rate_in(&sink), 2, 1e-9); /* one has gone */
	feed(&rates, &sink, 6000, 9, (double)NAN);
	ck_assert(isnan(rate_in(&sink))); /* no time has passed */
	rates_finish(&rates);
	observations_finish(&sink);
}
END_TEST

START_TEST(counters_that_left_are_forgotten)
{
	struct rates rates;
	struct observations sink;
	struct error error = {0};
	rates_init(&rates);
	observations_init(&sink, NULL);
	/* a new set of series every minute, as when a pid is a label */
	for (int64_t minute = 0; minute < 20; minute++) {
		observations_clear(&sink);
		for (uint64_t i = 0; i < 5000; i++) {
			struct observation row = row_of(SIGNAL_SURFACE_ERRORS, 1,
				hash_bytes(HASH_START + (uint64_t)minute, &i, sizeof(i)), 1);
			row.rate = true;
			row.at_ms = minute * 60000 + 1;
			add(&sink, row);
		}
		observations_sort(&sink, NULL);
		ck_assert_msg(rates_apply(&rates, &sink, &error), "%s", error.text);
	}
	ck_assert_uint_le(rates.count, 65536);
	rates_finish(&rates);
	observations_finish(&sink);
}
END_TEST

START_TEST(too_many_counters_are_an_error)
{
	struct rates rates;
	struct observations sink;
	struct error error = {0};
	rates_init(&rates);
	observations_init(&sink, NULL);
	for (uint64_t i = 0; i <= RATES_MOST; i++) {
		struct observation row = row_of(SIGNAL_SURFACE_ERRORS, 1, i, 1);
		row.rate = true;
		add(&sink, row);
	}
	observations_sort(&sink, NULL);
	ck_assert(!rates_apply(&rates, &sink, &error));
	ck_assert_int_eq(error.kind, ERROR_LIMIT);
	rates_finish(&rates);
	observations_finish(&sink);
}
END_TEST

static Suite *observation_suite(void)
{
	Suite *suite = suite_create("observation");
	TCase *tcase = tcase_create("observation");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, merges_by_the_rule_of_the_signal);
	tcase_add_test(tcase, the_first_group_wins_whatever_the_times);
	tcase_add_test(tcase, times_stay_apart_in_the_past_and_when_alone);
	tcase_add_test(tcase, keeps_no_value_that_is_none);
	tcase_add_test(tcase, has_a_limit_and_keeps_the_first_warning);
	tcase_add_test(tcase, rates_have_gaps_where_something_is_not_known);
	tcase_add_test(tcase, counters_that_left_are_forgotten);
	tcase_add_test(tcase, too_many_counters_are_an_error);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(observation_suite());
}
