#include "tests/unit/backends/bench.h"

static const char fleet_file[] =
	"sources:\n"
	"  prom: {kind: prometheus, url: 'http://127.0.0.1:9090/prometheus/', every: 2s}\n"
	"signals:\n"
	"  surface.requests:\n"
	"    from: prom\n"
	"    query: 'sum by (surface) (rate(http_requests_total[30s]))'\n"
	"  pool.wait: {from: prom, query: 'max by (cluster, pod) (maxwait)', scale: 1000, "
	"labels: {replica: pod}}\n";

#define RESULT(type, items) \
	"{\"status\":\"success\",\"data\":{\"resultType\":\"" type "\",\"result\":" items "}}"

START_TEST(asks_one_query_per_row)
{
	struct bench bench;
	struct backend_request request = {0};
	bench_open(&bench, fleet_file);
	ck_assert_uint_eq(bench.source->ops->steps(bench.instance, 0, false), 2);
	ck_assert(bench.source->ops->request(
		bench.instance, &bench.ask, bench.scratch, &request, &bench.error));
	ck_assert_str_eq(request.http.method, "GET");
	ck_assert_str_eq(request.http.url,
		"http://127.0.0.1:9090/prometheus/api/v1/query?query=sum%20by%20%28surface%29%20"
		"%28rate%28http_requests_total%5B30s%5D%29%29&timeout=1800ms");
	ck_assert(!request.http.mutation);
	bench_close(&bench);
}
END_TEST

START_TEST(asks_for_the_past)
{
	struct bench bench;
	struct backend_request request = {0};
	bench_open(&bench, fleet_file);
	bench.ask = (struct backend_ask){.step = 2, /* the first asks who it is */
		.past = true,
		.from_ms = BENCH_NOW_MS - 3600000,
		.until_ms = BENCH_NOW_MS,
		.every_ms = 10000};
	ck_assert(bench.source->ops->request(
		bench.instance, &bench.ask, bench.scratch, &request, &bench.error));
	ck_assert_msg(strstr(request.http.url, "/api/v1/query_range?query=max%20by") &&
			      strstr(request.http.url,
				      "&start=1795356466.051&end=1795360066.051&step=10000ms"),
		"%s", request.http.url);
	bench_close(&bench);
}
END_TEST

START_TEST(posts_long_queries)
{
	struct bench bench;
	struct text file;
	struct backend_request request = {0};
	text_init(&file, 1 << 16);
	text_add(&file, "sources: {p: {kind: prometheus, url: 'http://h:9090'}}\n"
			"signals: {replica.up: {from: p, query: \"up");
	for (int i = 0; i < 200; i++)
		text_printf(&file, " or up%d", i);
	text_add(&file, "\"}}\n");
	bench_open(&bench, text_string(&file));
	ck_assert(bench.source->ops->request(
		bench.instance, &bench.ask, bench.scratch, &request, &bench.error));
	ck_assert_str_eq(request.http.method, "POST");
	ck_assert_str_eq(request.http.url, "http://h:9090/api/v1/query");
	ck_assert_str_eq(request.http.headers[0].value, "application/x-www-form-urlencoded");
	ck_assert_uint_eq(request.http.body_length, strlen(request.http.body));
	ck_assert_int_eq(strncmp(request.http.body, "query=up%20or%20up0", 19), 0);
	text_finish(&file);
	bench_close(&bench);
}
END_TEST

START_TEST(reads_a_vector)
{
	struct bench bench;
	bench_open(&bench, fleet_file);
	ck_assert_msg(
		bench_accept(&bench,
			RESULT("vector",
				"[{\"metric\":{\"surface\":\"web\"},\"value\":[1795360065.551,"
				"\"1.05e+03\"]},{\"metric\":{\"surface\":\"api\"},\"value\":["
				"1795360065.551,\"NaN\"]},{\"metric\":{\"surface\":\"ios\"},"
				"\"value\":[1795360065,\"+Inf\"]}]")),
		"%s", bench.error.text);
	ck_assert_double_eq(
		bench_value(&bench, ENTITY_SURFACE, "web", SIGNAL_SURFACE_REQUESTS), 1050);
	ck_assert_int_eq(bench_find(&bench, ENTITY_SURFACE, "web", SIGNAL_SURFACE_REQUESTS)->at_ms,
		BENCH_NOW_MS - 500);
	ck_assert_uint_eq(bench.sink.count, 1);
	ck_assert_uint_eq(bench.sink.warnings, 0);
	bench_close(&bench);
}
END_TEST

START_TEST(maps_labels_and_scales)
{
	struct bench bench;
	bench_open(&bench, fleet_file);
	bench.ask.step = 1;
	ck_assert(bench_accept(
		&bench, RESULT("vector", "[{\"metric\":{\"cluster\":\"east-a\",\"pod\":\"r1\"},"
					 "\"value\":[1795360066.051,\"0.25\"]}]")));
	ck_assert_double_eq(
		bench_value(&bench, ENTITY_REPLICA, "east-a/r1", SIGNAL_POOL_WAIT), 250);
	bench_close(&bench);
}
END_TEST

START_TEST(corrects_a_clock_that_is_off)
{
	struct bench bench;
	const char *body = RESULT("vector", "[{\"metric\":{\"surface\":\"web\"},"
					    "\"value\":[1795360006.051,\"1\"]}]");
	bench_open(&bench, fleet_file);
	bench.answer.date_ms = BENCH_NOW_MS - 1500; /* near enough: the sample is a minute old */
	ck_assert(bench_accept(&bench, body));
	ck_assert_int_eq(bench.sink.rows[0].at_ms, BENCH_NOW_MS - 60000);
	bench.answer.date_ms = BENCH_NOW_MS - 59000; /* the server lives a minute ago */
	ck_assert(bench_accept(&bench, body));
	ck_assert_int_eq(bench.sink.rows[0].at_ms, BENCH_NOW_MS - 1000);
	bench_close(&bench);
}
END_TEST

START_TEST(reads_the_past_sample_by_sample)
{
	struct bench bench;
	bench_open(&bench, fleet_file);
	bench.ask.past = true;
	bench.ask.step = 1;
	ck_assert_msg(bench_accept(&bench,
			      RESULT("matrix", "[{\"metric\":{\"surface\":\"web\"},\"values\":["
					       "[1795360000,\"1\"],[1795360010,\"NaN\"],"
					       "[1795360020,\"3\"]]}]")),
		"%s", bench.error.text);
	ck_assert_uint_eq(bench.sink.count, 2);
	ck_assert_int_eq(bench.sink.rows[0].at_ms, 1795360000000);
	ck_assert_int_eq(bench.sink.rows[1].at_ms, 1795360020000);
	bench_close(&bench);
}
END_TEST

START_TEST(an_empty_vector_is_absence)
{
	struct bench bench;
	bench_open(&bench, fleet_file);
	ck_assert(bench_accept(&bench, RESULT("vector", "[]")));
	ck_assert_uint_eq(bench.sink.count, 0);
	ck_assert_uint_eq(bench.sink.warnings, 0);
	bench_close(&bench);
}
END_TEST

START_TEST(warnings_make_it_partial)
{
	struct bench bench;
	bench_open(&bench, fleet_file);
	ck_assert(bench_accept(&bench,
		"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]},"
		"\"warnings\":[\"store gateway-3 is \\u001b[1maway\",\"another\"]}"));
	ck_assert_str_eq(bench.sink.warning, "the query of surface.requests (line 5) comes with a "
					     "warning: store gateway-3 is ?[1maway");
	ck_assert_uint_eq(bench.sink.warnings, 2);
	bench_close(&bench);
}
END_TEST

struct refusal {
	int status;
	enum error_kind kind;
	const char *body, *says;
};

static const struct refusal refusals[] = {
	{400, ERROR_REJECTED,
		"{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"invalid parameter "
		"\\\"query\\\": 1:5: parse error: unclosed left parenthesis\"}",
		"the query of surface.requests (line 5) is refused (400, bad_data): invalid "
		"parameter \"query\": 1:5: parse error"},
	{422, ERROR_REJECTED,
		"{\"status\":\"error\",\"errorType\":\"execution\",\"error\":\"found duplicate "
		"series\"}",
		"(422, execution): found duplicate series"},
	{503, ERROR_UNREACHABLE,
		"{\"status\":\"error\",\"errorType\":\"timeout\",\"error\":\"query timed out\"}",
		"(503, timeout): query timed out"},
	{503, ERROR_UNREACHABLE, "<html><body>503 Service Unavailable",
		"answers for something that is down or overloaded (503)"},
	{200, ERROR_SCHEMA, "<html>", "answers HTML, not Prometheus' JSON"},
	{200, ERROR_SCHEMA, "{\"version\":1}", "answers JSON that is not Prometheus'"},
	{404, ERROR_SCHEMA, "404 page not found\n", "has nothing there (404)"},
	{200, ERROR_SYNTAX, "{\"status\":\"success\",\"data\":{\"resul", "cut short on its way?"},
	{200, ERROR_SCHEMA, "{\"status\":\"success\"}", "has no result in its answer"},
	{200, ERROR_REJECTED, RESULT("matrix", "[]"), "gives a matrix, not one value per series"},
	{200, ERROR_REJECTED, RESULT("string", "[1,\"x\"]"), "gives a string"},
	{200, ERROR_SCHEMA, RESULT("vector", "[{\"metric\":{\"surface\":\"web\"},\"value\":[1]}]"),
		"a sample that is not [time, \"value\"]"},
	{200, ERROR_SCHEMA,
		RESULT("vector", "[{\"metric\":{\"surface\":\"web\"},\"value\":[\"+Inf\",\"1\"]}]"),
		"a sample that is not [time, \"value\"]"},
};

START_TEST(says_what_was_refused_and_by_whom)
{
	struct bench bench;
	bench_open(&bench, fleet_file);
	bench.answer.status = refusals[_i].status;
	ck_assert(!bench_accept(&bench, refusals[_i].body));
	ck_assert_msg(strstr(bench.error.text, refusals[_i].says), "%s", bench.error.text);
	ck_assert_int_eq(bench.error.kind, refusals[_i].kind);
	bench_close(&bench);
}
END_TEST

START_TEST(notes_series_without_an_owner)
{
	struct bench bench;
	bench_open(&bench, fleet_file);
	ck_assert(bench_accept(
		&bench, RESULT("vector", "[{\"metric\":{},\"value\":[1795360066,\"1\"]}]")));
	ck_assert_msg(strstr(bench.sink.warning, "surface.requests has no label 'surface'"), "%s",
		bench.sink.warning);
	ck_assert(bench_accept(&bench, RESULT("scalar", "[1795360066,\"1\"]")));
	ck_assert_uint_eq(bench.sink.warnings, 1);
	ck_assert(bench_accept(&bench, RESULT("vector", "[{\"metric\":{\"surface\":\"web\"},"
							"\"histogram\":[1795360066,{}]}]")));
	ck_assert_msg(strstr(bench.sink.warning, "gives histograms"), "%s", bench.sink.warning);
	bench_close(&bench);
}
END_TEST

static const struct {
	int status;
	const char *body, *is;
} builds[] = {
	{200,
		"{\"status\":\"success\",\"data\":{\"version\":\"2.42.0+ds\",\"revision\":"
		"\"2.42.0+ds-5+b9\",\"branch\":\"debian/sid\",\"goVersion\":\"go1.19.8\"}}",
		"Prometheus 2.42.0+ds"},
	{200,
		"{\"status\":\"success\",\"data\":{\"version\":\"0.36.1\",\"revision\":\"d7\","
		"\"goVersion\":\"go1.23\"}}",
		"Thanos 0.36.1"},
	{200,
		"{\"status\":\"success\",\"data\":{\"application\":\"Grafana Mimir\","
		"\"version\":\"2.13.0\",\"revision\":\"x\",\"goVersion\":\"go1.22\"}}",
		"Grafana Mimir 2.13.0"},
	{200, "{\"status\":\"success\",\"data\":{}}", "VictoriaMetrics: instant queries"},
	{200, "{\"status\":\"success\",\"data\":{\"version\":\"2.24.0\"}}", "VictoriaMetrics"},
	{404, "404 page not found", ""},
	{200, "<html>", ""},
	{200, "{\"status\":\"error\"}", ""},
	{200, "[]", ""},
};

START_TEST(says_what_server_it_is)
{
	struct bench bench;
	struct backend_request request = {0};
	bench_open(&bench, fleet_file);
	bench.ask = (struct backend_ask){.past = true};
	ck_assert_uint_eq(bench.source->ops->steps(bench.instance, 0, true), 3);
	ck_assert(bench.source->ops->request(
		bench.instance, &bench.ask, bench.scratch, &request, &bench.error));
	ck_assert_str_eq(
		request.http.url, "http://127.0.0.1:9090/prometheus/api/v1/status/buildinfo");
	bench.answer.status = builds[_i].status;
	ck_assert(bench_accept(&bench, builds[_i].body));
	size_t length = strlen(builds[_i].is);
	ck_assert_msg(
		strncmp(bench.sink.detail, builds[_i].is, length) == 0, "%s", bench.sink.detail);
	ck_assert(length > 0 || bench.sink.detail[0] == '\0');
	bench_close(&bench);
}
END_TEST

START_TEST(a_source_without_rows_is_still_asked)
{
	struct bench bench;
	struct backend_request request = {0};
	bench_open(&bench, "sources: {p: {kind: prometheus, url: 'http://h:9090'}}\n");
	ck_assert_uint_eq(bench.source->ops->steps(bench.instance, 0, false), 1);
	ck_assert_uint_eq(bench.source->ops->steps(bench.instance, 0, true), 1);
	ck_assert(bench.source->ops->request(
		bench.instance, &bench.ask, bench.scratch, &request, &bench.error));
	ck_assert_msg(strstr(request.http.url, "query=vector%281%29"), "%s", request.http.url);
	ck_assert(bench_accept(&bench, RESULT("vector", "[]")));
	bench_close(&bench);
}
END_TEST

static Suite *prometheus_suite(void)
{
	Suite *suite = suite_create("prometheus");
	TCase *tcase = tcase_create("prometheus");
	tcase_add_test(tcase, asks_one_query_per_row);
	tcase_add_test(tcase, asks_for_the_past);
	tcase_add_test(tcase, posts_long_queries);
	tcase_add_test(tcase, reads_a_vector);
	tcase_add_test(tcase, maps_labels_and_scales);
	tcase_add_test(tcase, corrects_a_clock_that_is_off);
	tcase_add_test(tcase, reads_the_past_sample_by_sample);
	tcase_add_test(tcase, an_empty_vector_is_absence);
	tcase_add_test(tcase, warnings_make_it_partial);
	tcase_add_loop_test(tcase, says_what_was_refused_and_by_whom, 0,
		(int)(sizeof(refusals) / sizeof(refusals[0])));
	tcase_add_test(tcase, notes_series_without_an_owner);
	tcase_add_loop_test(
		tcase, says_what_server_it_is, 0, (int)(sizeof(builds) / sizeof(builds[0])));
	tcase_add_test(tcase, a_source_without_rows_is_still_asked);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(prometheus_suite());
}
