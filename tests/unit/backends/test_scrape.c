#include "backends/rates.h"
#include "tests/unit/backends/bench.h"

static const char fleet_file[] =
	"sources:\n"
	"  poolers:\n"
	"    kind: exposition\n"
	"    targets:\n"
	"      - {url: 'http://127.0.0.1:4001/metrics', labels: {region: us-east, cluster: east-a, "
	"replica: r1}}\n"
	"      - {url: 'http://127.0.0.1:4002/metrics'}\n"
	"signals:\n"
	"  replica.up: {from: poolers, metric: pg_up}\n"
	"  pool.used: {from: poolers, metric: pgbouncer_pools_server_active_connections}\n"
	"  pool.max:\n"
	"    - {from: poolers, metric: pgbouncer_databases_pool_size}\n"
	"    - {from: poolers, metric: pgbouncer_pool_size}\n"
	"  pool.wait: {from: poolers, metric: pgbouncer_pools_client_maxwait_seconds, scale: "
	"1000}\n"
	"  pool.busy: {from: poolers, metric: pgbouncer_stats_totals_busy_seconds_total, rate: "
	"true}\n"
	"  surface.errors: {from: poolers, metric: 'http_requests_total{outcome=\"error\"}', rate: "
	"true, "
	"labels: {surface: app}}\n";

START_TEST(takes_what_the_rows_ask_for)
{
	struct bench bench;
	bench_open(&bench, fleet_file);
	ck_assert_msg(
		bench_accept(&bench,
			"pg_up 1\n"
			"pgbouncer_pools_server_active_connections{database=\"app\",user=\"a\"} 7\n"
			"pgbouncer_pools_server_active_connections{database=\"app\",user=\"b\"} 5\n"
			"pgbouncer_pools_server_active_connections{database=\"x\",user=\"b\"} NaN\n"
			"pgbouncer_pools_client_maxwait_seconds{user=\"a\"} 0.25\n"
			"pgbouncer_pools_client_maxwait_seconds{user=\"b\"} 0.75\n"
			"pgbouncer_databases_pool_size 20\n"
			"pgbouncer_pool_size 99\n"
			"something_else 3\n"),
		"%s", bench.error.text);
	ck_assert_uint_eq(bench.sink.warnings, 0);
	ck_assert_double_eq(bench_value(&bench, ENTITY_REPLICA, "east-a/r1", SIGNAL_REPLICA_UP), 1);
	ck_assert_double_eq(bench_value(&bench, ENTITY_REPLICA, "east-a/r1", SIGNAL_POOL_USED), 12);
	/* waits are not summed: the worst counts; and of two rows the first one wins */
	ck_assert_double_eq(
		bench_value(&bench, ENTITY_REPLICA, "east-a/r1", SIGNAL_POOL_WAIT), 750);
	ck_assert_double_eq(bench_value(&bench, ENTITY_REPLICA, "east-a/r1", SIGNAL_POOL_MAX), 20);
	ck_assert_int_eq(bench_find(&bench, ENTITY_REPLICA, "east-a/r1", SIGNAL_POOL_USED)->at_ms,
		BENCH_NOW_MS);
	bench_close(&bench);
}
END_TEST

START_TEST(falls_back_to_the_second_row)
{
	struct bench bench;
	bench_open(&bench, fleet_file);
	ck_assert(bench_accept(&bench, "pgbouncer_pool_size 99\n"));
	ck_assert_double_eq(bench_value(&bench, ENTITY_REPLICA, "east-a/r1", SIGNAL_POOL_MAX), 99);
	bench_close(&bench);
}
END_TEST

START_TEST(keeps_absent_absent_when_the_database_is_down)
{
	struct bench bench;
	bench_open(&bench, fleet_file);
	ck_assert(bench_accept(&bench, "pg_up 0\n"));
	ck_assert_double_eq(bench_value(&bench, ENTITY_REPLICA, "east-a/r1", SIGNAL_REPLICA_UP), 0);
	ck_assert_uint_eq(bench.sink.count, 1);
	bench_close(&bench);
}
END_TEST

START_TEST(labels_of_the_page_win_over_fixed_ones)
{
	struct bench bench;
	bench_open(&bench, fleet_file);
	ck_assert(bench_accept(&bench, "pg_up{replica=\"r9\"} 1\npg_up{replica=\"\"} 0\n"));
	ck_assert_double_eq(bench_value(&bench, ENTITY_REPLICA, "east-a/r9", SIGNAL_REPLICA_UP), 1);
	ck_assert_double_eq(bench_value(&bench, ENTITY_REPLICA, "east-a/r1", SIGNAL_REPLICA_UP), 0);
	bench_close(&bench);
}
END_TEST

START_TEST(says_which_label_is_missing)
{
	struct bench bench;
	bench_open(&bench, fleet_file);
	bench.ask.target = 1;
	ck_assert(bench_accept(&bench, "pg_up 1\npgbouncer_pool_size{cluster=\"w\"} 5\n"));
	ck_assert_uint_eq(bench.sink.warnings, 1);
	ck_assert_msg(strstr(bench.sink.warning, "replica.up has no label 'replica'"), "%s",
		bench.sink.warning);
	ck_assert_double_eq(bench_value(&bench, ENTITY_CLUSTER, "w", SIGNAL_POOL_MAX), 5);
	bench_close(&bench);
}
END_TEST

START_TEST(counts_a_repeated_series_once)
{
	struct bench bench;
	bench_open(&bench, fleet_file);
	ck_assert(bench_accept(&bench,
		"pgbouncer_pools_server_active_connections{a=\"1\",b=\"2\"} 7\n"
		"pgbouncer_pools_server_active_connections{b=\"2\",a=\"1\"} 7\n"));
	ck_assert_double_eq(bench_value(&bench, ENTITY_REPLICA, "east-a/r1", SIGNAL_POOL_USED), 7);
	ck_assert_msg(
		strstr(bench.sink.warning, "pool.used comes twice"), "%s", bench.sink.warning);
	bench_close(&bench);
}
END_TEST

START_TEST(believes_times_of_the_page_but_not_the_future)
{
	struct bench bench;
	bench_open(&bench, fleet_file);
	struct text body;
	text_init(&body, 4096);
	text_printf(&body, "pg_up 1 %lld\npgbouncer_pool_size 4 %lld\n",
		(long long)BENCH_NOW_MS - 9000, (long long)BENCH_NOW_MS + 9000);
	ck_assert(bench_accept(&bench, text_string(&body)));
	ck_assert_int_eq(bench_find(&bench, ENTITY_REPLICA, "east-a/r1", SIGNAL_REPLICA_UP)->at_ms,
		BENCH_NOW_MS - 9000);
	ck_assert_int_eq(bench_find(&bench, ENTITY_REPLICA, "east-a/r1", SIGNAL_POOL_MAX)->at_ms,
		BENCH_NOW_MS);
	/* the exporter's clock is 20 s behind: its time of 9 s ago was 11 s in its future */
	bench.answer.date_ms = BENCH_NOW_MS - 20000;
	ck_assert(bench_accept(&bench, text_string(&body)));
	ck_assert_int_eq(bench_find(&bench, ENTITY_REPLICA, "east-a/r1", SIGNAL_REPLICA_UP)->at_ms,
		BENCH_NOW_MS);
	text_finish(&body);
	bench_close(&bench);
}
END_TEST

/* One page a second through sorting, rates and merging. */
static double rate_of(struct bench *bench, struct rates *rates, const char *body, int64_t at_ms)
{
	bench->answer.bytes = body;
	bench->answer.length = strlen(body);
	bench->answer.arrived_ms = at_ms;
	observations_clear(&bench->sink);
	ck_assert(bench->source->ops->accept(bench->instance, &bench->ask, &bench->answer,
		bench->scratch, &bench->sink, &bench->error));
	observations_sort(&bench->sink, NULL);
	ck_assert(rates_apply(rates, &bench->sink, &bench->error));
	observations_merge(&bench->sink, NULL);
	return bench_value(bench, ENTITY_SURFACE, "east-a/web", SIGNAL_SURFACE_ERRORS);
}

START_TEST(makes_rates_of_counters_and_gaps_of_resets)
{
	struct bench bench;
	struct rates rates;
	bench_open(&bench, fleet_file);
	rates_init(&rates);
	const char *first = "http_requests_total{app=\"web\",outcome=\"error\",code=\"403\"} 100\n"
			    "http_requests_total{app=\"web\",outcome=\"error\",code=\"503\"} 40\n"
			    "http_requests_total{app=\"web\",outcome=\"ok\"} 100000\n";
	const char *second = "http_requests_total{app=\"web\",outcome=\"error\",code=\"403\"} 110\n"
			     "http_requests_total{app=\"web\",outcome=\"error\",code=\"503\"} 46\n";
	const char *reset = "http_requests_total{app=\"web\",outcome=\"error\",code=\"403\"} 120\n"
			    "http_requests_total{app=\"web\",outcome=\"error\",code=\"503\"} 1\n";
	const char *after = "http_requests_total{app=\"web\",outcome=\"error\",code=\"403\"} 121\n"
			    "http_requests_total{app=\"web\",outcome=\"error\",code=\"503\"} 3\n";
	ck_assert(isnan(rate_of(&bench, &rates, first, BENCH_NOW_MS)));
	ck_assert_double_eq_tol(rate_of(&bench, &rates, second, BENCH_NOW_MS + 2000), 8, 1e-9);
	ck_assert(isnan(rate_of(&bench, &rates, reset, BENCH_NOW_MS + 3000)));
	ck_assert_double_eq_tol(rate_of(&bench, &rates, after, BENCH_NOW_MS + 4000), 3, 1e-9);
	rates_finish(&rates);
	bench_close(&bench);
}
END_TEST

struct refusal {
	int status;
	const char *type, *body, *says;
};

static const struct refusal refusals[] = {
	{200, "text/html; charset=utf-8", "<!DOCTYPE html><title>Sign in</title>",
		"http://127.0.0.1:4001/metrics answers HTML, not Prometheus text: is a proxy or "
		"login page in front of it, or the path wrong (most exporters answer at "
		"/metrics)?"},
	{200, "text/plain", "\n <html>", "answers HTML"},
	{200, "text/plain", "", "answers with nothing"},
	{401, "text/plain", "Unauthorized\n", "refuses the login (401)"},
	{404, "text/plain", "404 page not found\n", "has nothing there (404)"},
	{503, "text/html", "<html>503", "down or overloaded (503)"},
	{418, "text/plain", "short \x1b[31mand stout", "answers 418 instead of 200: \"short ?[31m"},
	{200, "text/plain", "pg_up 1\npg_up one\n",
		"http://127.0.0.1:4001/metrics does not speak Prometheus text: line 2: expected a "
		"value"},
	{200, "text/plain", "pg_up 1\npg_up", "cut short on its way"},
	{200, "application/json", "{\"status\":\"ok\"}\n", "line 1: expected a metric's name"},
};

START_TEST(explains_what_came_instead)
{
	struct bench bench;
	bench_open(&bench, fleet_file);
	bench.answer.status = refusals[_i].status;
	bench.answer.content_type = refusals[_i].type;
	ck_assert(!bench_accept(&bench, refusals[_i].body));
	ck_assert_msg(strstr(bench.error.text, refusals[_i].says), "%s", bench.error.text);
	ck_assert_int_ne(bench.error.kind, ERROR_REJECTED);
	bench_close(&bench);
}
END_TEST

START_TEST(asks_plainly)
{
	struct bench bench;
	struct backend_request request = {0};
	bench_open(&bench, fleet_file);
	bench.ask.target = 1;
	ck_assert(bench.source->ops->request(
		bench.instance, &bench.ask, bench.scratch, &request, &bench.error));
	ck_assert_str_eq(request.http.url, "http://127.0.0.1:4002/metrics");
	ck_assert_str_eq(request.http.method, "GET");
	ck_assert_msg(strstr(request.http.headers[0].value, "version=0.0.4"), "Accept");
	ck_assert(!request.http.mutation && !request.http.gzip && request.hold_ms == 0);
	bench_close(&bench);
}
END_TEST

static Suite *scrape_suite(void)
{
	Suite *suite = suite_create("scrape");
	TCase *tcase = tcase_create("scrape");
	tcase_add_test(tcase, takes_what_the_rows_ask_for);
	tcase_add_test(tcase, falls_back_to_the_second_row);
	tcase_add_test(tcase, keeps_absent_absent_when_the_database_is_down);
	tcase_add_test(tcase, labels_of_the_page_win_over_fixed_ones);
	tcase_add_test(tcase, says_which_label_is_missing);
	tcase_add_test(tcase, counts_a_repeated_series_once);
	tcase_add_test(tcase, believes_times_of_the_page_but_not_the_future);
	tcase_add_test(tcase, makes_rates_of_counters_and_gaps_of_resets);
	tcase_add_loop_test(tcase, explains_what_came_instead, 0,
		(int)(sizeof(refusals) / sizeof(refusals[0])));
	tcase_add_test(tcase, asks_plainly);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(scrape_suite());
}
