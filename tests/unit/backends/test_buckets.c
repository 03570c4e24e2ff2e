#include "backends/buckets.h"

#include <stdlib.h>

#include "backends/rates.h"
#include "tests/unit/backends/bench.h"

static const char fleet_file[] =
	"sources:\n"
	"  pages: {kind: exposition, url: 'http://127.0.0.1:1/metrics'}\n"
	"signals:\n"
	"  surface.latency: {from: pages, metric: 'd_bucket{kind=\"all\"}', quantile: 0.9, scale: "
	"1000}\n"
	"  surface.requests: {from: pages, metric: d_count, rate: true}\n";

struct stand {
	struct bench bench;
	struct rates rates;
	int64_t now_ms;
};

/* A page whose histogram of surface web has seen so many up to 0.1 s, 0.5 s and in all, asked for a
 * second after the last one; gives the quantile, or NAN. */
static double ask(struct stand *stand, double first, double second, double all)
{
	char page[1024];
	snprintf(page, sizeof(page),
		"d_bucket{surface=\"web\",kind=\"all\",le=\"0.5\"} %g\n"
		"d_bucket{surface=\"web\",kind=\"all\",le=\"+Inf\"} %g\n"
		"d_bucket{surface=\"web\",kind=\"all\",le=\"0.1\"} %g\n"
		"d_bucket{surface=\"web\",kind=\"some\",le=\"0.1\"} 12345\n"
		"d_count{surface=\"web\"} %g\n",
		second, all, first, all);
	stand->now_ms += 1000;
	stand->bench.ask.now_ms = stand->now_ms;
	stand->bench.answer.arrived_ms = stand->now_ms;
	stand->bench.answer.bytes = page;
	stand->bench.answer.length = strlen(page);
	observations_clear(&stand->bench.sink);
	ck_assert_msg(stand->bench.source->ops->accept(stand->bench.instance, &stand->bench.ask,
			      &stand->bench.answer, stand->bench.scratch, &stand->bench.sink,
			      &stand->bench.error),
		"%s", stand->bench.error.text);
	observations_sort(&stand->bench.sink, NULL);
	ck_assert(rates_apply(&stand->rates, &stand->bench.sink, &stand->bench.error));
	observations_merge(&stand->bench.sink, NULL);
	return bench_value(&stand->bench, ENTITY_SURFACE, "web", SIGNAL_SURFACE_LATENCY);
}

static void open_stand(struct stand *stand)
{
	*stand = (struct stand){.now_ms = BENCH_NOW_MS};
	bench_open(&stand->bench, fleet_file);
	rates_init(&stand->rates);
}

static void close_stand(struct stand *stand)
{
	rates_finish(&stand->rates);
	bench_close(&stand->bench);
}

START_TEST(a_quantile_of_what_was_seen_lately)
{
	struct stand stand;
	open_stand(&stand);
	ck_assert(isnan(ask(&stand, 1000, 5000, 5000))); /* before that nobody looked */
	/* 80 up to 100 ms, 20 more up to 500 ms: the 90th is half way between. */
	ck_assert_double_eq_tol(ask(&stand, 1080, 5100, 5100), 300, 1e-3);
	ck_assert_double_eq_tol(
		bench_value(&stand.bench, ENTITY_SURFACE, "web", SIGNAL_SURFACE_REQUESTS), 100,
		1e-9);
	ck_assert_uint_eq(stand.bench.sink.count, 2);
	/* 20 of 200 were slower than the last bound that is known. */
	ck_assert_double_eq_tol(ask(&stand, 1160, 5180, 5200), 500, 1e-3);
	close_stand(&stand);
}
END_TEST

START_TEST(what_is_long_ago_is_forgotten)
{
	struct stand stand;
	open_stand(&stand);
	ask(&stand, 0, 0, 0);
	ck_assert_double_eq_tol(ask(&stand, 0, 100, 100), 460, 1e-3);
	for (int i = 0; i < 9; i++)
		ck_assert_double_eq_tol(ask(&stand, 0, 100, 100), 460, 1e-3);
	ck_assert(isnan(ask(&stand, 0, 100, 100))); /* nothing in ten seconds: no quantile */
	ck_assert_double_eq_tol(ask(&stand, 10, 110, 110), 90, 1e-3);
	/* Where polls are rarer, the last four count: 100 and 100 of what lies between the last. */
	stand.now_ms += 29000;
	ck_assert_double_eq_tol(ask(&stand, 10, 210, 210), 100 + 400 * 0.8890909, 1);
	close_stand(&stand);
}
END_TEST

START_TEST(a_restart_is_made_good)
{
	struct stand stand;
	open_stand(&stand);
	ask(&stand, 900, 1000, 1000);
	ck_assert_double_eq_tol(ask(&stand, 980, 1100, 1100), 300, 1e-3);
	/* The exporter began anew: 80 and 20 since. */
	ck_assert_double_eq_tol(ask(&stand, 80, 100, 100), 300, 1e-3);
	close_stand(&stand);
}
END_TEST

START_TEST(fast_polls_do_not_shorten_the_window)
{
	struct stand stand;
	open_stand(&stand);
	ask(&stand, 0, 0, 0);
	for (int i = 1; i <= 60; i++) {
		stand.now_ms -= 900;
		double latency = ask(&stand, 0, i, i);
		ck_assert_double_eq_tol(latency, 460, 1e-3);
	}
	/* Six seconds with one observation each tenth; in the seventh 540 fast ones: 9 in 10. */
	stand.now_ms -= 900;
	ck_assert_double_eq_tol(ask(&stand, 540, 600, 600), 100, 1);
	close_stand(&stand);
}
END_TEST

START_TEST(a_bucket_without_a_bound_is_none)
{
	struct stand stand;
	open_stand(&stand);
	static const char *const pages[] = {"d_bucket{surface=\"web\",kind=\"all\"} 5\n",
		"d_bucket{surface=\"web\",kind=\"all\",le=\"x\"} 5\n"};
	for (size_t i = 0; i < 2; i++) {
		ck_assert(bench_accept(&stand.bench, pages[i]));
		ck_assert_uint_eq(stand.bench.sink.count, 0);
		ck_assert_ptr_nonnull(strstr(stand.bench.sink.warning, "its bound (le)"));
	}
	close_stand(&stand);
}
END_TEST

START_TEST(has_limits)
{
	struct error error = {0};
	struct buckets buckets;
	struct observations sink;
	buckets_init(&buckets);
	observations_init(&sink, NULL);
	for (uint64_t i = 0; i <= BUCKETS_MOST; i++) {
		const struct observation row = {.entity = (uint32_t)i,
			.signal = SIGNAL_SURFACE_LATENCY,
			.series = i,
			.percent = 99,
			.at_ms = 1000};
		if (!observations_add(&sink, &row, &error))
			ck_abort_msg("%s", error.text);
	}
	ck_assert(!buckets_apply(&buckets, &sink, &error));
	ck_assert_int_eq(error.kind, ERROR_LIMIT);
	sink.count = BUCKETS_MOST;
	ck_assert(buckets_apply(&buckets, &sink, &error));
	ck_assert_uint_eq(buckets.count, BUCKETS_MOST);
	observations_finish(&sink);
	buckets_finish(&buckets);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("buckets");
	TCase *cases = tcase_create("buckets");
	tcase_add_test(cases, a_quantile_of_what_was_seen_lately);
	tcase_add_test(cases, what_is_long_ago_is_forgotten);
	tcase_add_test(cases, a_restart_is_made_good);
	tcase_add_test(cases, fast_polls_do_not_shorten_the_window);
	tcase_add_test(cases, a_bucket_without_a_bound_is_none);
	tcase_add_test(cases, has_limits);
	suite_add_tcase(suite, cases);
	return bench_run(suite);
}
