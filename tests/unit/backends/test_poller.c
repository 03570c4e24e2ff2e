#include "backends/poller.h"

#include <stdlib.h>

#include "backends/fault.h"
#include "backends/recorder.h"
#include "core/base/clock.h"
#include "core/base/loop.h"
#include "core/fleet/history.h"
#include "core/fleet/snapshot.h"
#include "core/wire/http.h"
#include "tests/unit/backends/stand.h"

static const char page_source[] =
	"sources: {page: {kind: exposition, url: 'http://127.0.0.1:%d/m', every: 100ms, "
	"timeout: 5s, labels: {cluster: east-a, replica: r1}}}\n"
	"signals:\n"
	"  replica.up: {from: page, metric: pg_up}\n"
	"  pool.used: {from: page, metric: used}\n"
	"  pool.max: {from: page, metric: misspelt}\n";

START_TEST(stores_what_a_page_says)
{
	struct stand stand;
	struct responder responder;
	char answer[] = PAGE("pg_up 1\nused 41\n");
	responder_start(&responder, one_answer, answer);
	stand_read(&stand, page_source, responder.port);
	stand_start(&stand, NULL);
	ck_assert(!poller_settled(stand.poller));
	turn_until(&stand, settled, 0, NULL);
	const struct source_status *status = store_source(stand.store, 0);
	ck_assert_int_eq(status->state, SOURCE_OK);
	ck_assert_str_eq(status->name, "page");
	ck_assert_str_eq(status->kind, "exposition");
	ck_assert_str_eq(status->trouble, "");
	ck_assert_uint_eq(poller_answered(stand.poller), 1);
	ck_assert_double_eq(value_of(&stand, ENTITY_REPLICA, "east-a/r1", SIGNAL_POOL_USED), 41);
	ck_assert(poller_row_answered(stand.poller, 1) && !poller_row_answered(stand.poller, 2));
	turn_until(&stand, asked, 3, &responder);
	stand_close(&stand);
	responder_stop(&responder);
}
END_TEST

static const char *good_then_bad(void *context, const char *request, unsigned nth)
{
	(void)request;
	return nth == 0 ? PAGE("pg_up 1\nused 41\n") : context;
}

struct bad_row {
	const char *answer;
	const char *says;
};

static const struct bad_row bad_rows[] = {
	{"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
	 "<html>",
		"answers for something that is down or overloaded (503)"},
	{"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html>",
		"answers HTML, not Prometheus text"},
	{"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\nused 1\n",
		"127.0.0.1"},
	{RESPONDER_CLOSE, "is it running, and is the url right?"},
	{PAGE("used 42"), "cut short on its way"},
	{"HTTP/1.1 302 Found\r\nLocation: http://other.example/login\r\nConnection: close\r\n\r\n",
		"redirect"},
};

START_TEST(a_failed_poll_keeps_old_values_and_says_why)
{
	struct stand stand;
	struct responder responder;
	char answer[512];
	snprintf(answer, sizeof(answer), "%s", bad_rows[_i].answer);
	responder_start(&responder, good_then_bad, answer);
	stand_read(&stand, page_source, responder.port);
	stand_start(&stand, NULL);
	turn_until(&stand, first_failed, 1, NULL);
	const struct source_status *status = store_source(stand.store, 0);
	ck_assert_int_eq(status->state, SOURCE_FAILING);
	ck_assert_msg(strstr(status->trouble, bad_rows[_i].says), "%s", status->trouble);
	ck_assert_double_eq(value_of(&stand, ENTITY_REPLICA, "east-a/r1", SIGNAL_POOL_USED), 41);
	ck_assert_double_eq(value_of(&stand, ENTITY_REPLICA, "east-a/r1", SIGNAL_REPLICA_UP), 1);
	ck_assert_int_gt(status->next_try_ms, status->last_try_ms);
	stand_close(&stand);
	responder_stop(&responder);
}
END_TEST

START_TEST(an_exporter_out_of_reach_says_nothing_of_its_replica)
{
	struct stand stand;
	struct responder responder;
	char answer[] = RESPONDER_CLOSE;
	responder_start(&responder, one_answer, answer);
	int port = responder.port;
	responder_stop(&responder);
	stand_read(&stand, page_source, port);
	stand_start(&stand, NULL);
	turn_until(&stand, settled, 0, NULL);
	const struct source_status *status = store_source(stand.store, 0);
	ck_assert_int_eq(status->state, SOURCE_FAILING);
	ck_assert_msg(strstr(status->trouble, "cannot reach"), "%s", status->trouble);
	ck_assert_uint_eq(poller_answered(stand.poller), 0);
	ck_assert(isnan(value_of(&stand, ENTITY_REPLICA, "east-a/r1", SIGNAL_REPLICA_UP)));
	stand_close(&stand);
}
END_TEST

static const char *silent_for_a(void *context, const char *request, unsigned nth)
{
	atomic_uint *silent = context;
	(void)nth;
	if (strncmp(request, "GET /a", 6) != 0)
		return PAGE("pg_up 1\n");
	atomic_fetch_add(silent, 1);
	return RESPONDER_SILENT;
}

START_TEST(a_silent_target_delays_nobody_and_is_asked_once_at_a_time)
{
	struct stand stand;
	struct responder responder;
	atomic_uint silent = 0;
	responder_start(&responder, silent_for_a, &silent);
	stand_read(&stand,
		"sources: {page: {kind: exposition, every: 100ms, timeout: 60s, targets: ["
		"{url: 'http://127.0.0.1:%d/a', labels: {cluster: c, replica: a}},"
		"{url: 'http://127.0.0.1:%d/b', labels: {cluster: c, replica: b}}]}}\n"
		"signals: {replica.up: {from: page, metric: pg_up}}\n",
		responder.port);
	stand_start(&stand, NULL);
	turn_until(&stand, asked, 3, &responder);
	poller_hurry(stand.poller);
	poller_hurry(stand.poller);
	turn_until(&stand, asked, 8, &responder);
	ck_assert_uint_eq(atomic_load(&silent), 1);
	ck_assert(!poller_settled(stand.poller));
	ck_assert_uint_eq(poller_answered(stand.poller), 1);
	ck_assert_double_eq(value_of(&stand, ENTITY_REPLICA, "c/b", SIGNAL_REPLICA_UP), 1);
	stand_close(&stand); /* with a request in flight */
	responder_stop(&responder);
}
END_TEST

START_TEST(a_silent_target_times_out)
{
	struct stand stand;
	struct responder responder;
	char answer[] = RESPONDER_SILENT;
	responder_start(&responder, one_answer, answer);
	stand_read(&stand,
		"sources: {page: {kind: exposition, every: 100ms, timeout: 50ms, "
		"url: 'http://127.0.0.1:%d/'}}\n",
		responder.port);
	stand_start(&stand, NULL);
	turn_until(&stand, first_failed, 1, NULL);
	const struct source_status *status = store_source(stand.store, 0);
	ck_assert_msg(
		strstr(status->trouble, "within 50 ms; is it overloaded, or 'timeout' too short?"),
		"%s", status->trouble);
	stand_close(&stand);
	responder_stop(&responder);
}
END_TEST

START_TEST(hurry_asks_out_of_turn)
{
	struct stand stand;
	struct responder responder;
	char answer[] = PAGE("pg_up 1\n");
	responder_start(&responder, one_answer, answer);
	stand_read(&stand,
		"sources: {page: {kind: exposition, every: 1h, url: 'http://127.0.0.1:%d/'}}\n",
		responder.port);
	stand_start(&stand, NULL);
	turn_until(&stand, settled, 0, NULL);
	ck_assert_uint_eq(atomic_load(&responder.requests), 1);
	poller_hurry(stand.poller);
	turn_until(&stand, asked, 2, &responder);
	stand_close(&stand);
	responder_stop(&responder);
}
END_TEST

static const char *like_prometheus(void *context, const char *request, unsigned nth)
{
	(void)context;
	(void)nth;
	if (strstr(request, "/query_range?query=web"))
		return JSON(RESULT("matrix", "[{\"metric\":{\"surface\":\"web\"},\"values\":["
					     "[1600000000,\"5\"],[1600000010,\"6\"]]}]"));
	if (strstr(request, "/query_range"))
		return JSON(RESULT("matrix", "[]"));
	if (strstr(request, "/query?query=web"))
		return JSON(RESULT("vector", "[{\"metric\":{\"surface\":\"web\"},"
					     "\"value\":[1600000100,\"7\"]}]"));
	return "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: "
	       "close\r\n\r\n{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"no "
	       "such thing\"}";
}

START_TEST(prometheus_gives_the_past_first_and_one_bad_row_spoils_no_other)
{
	struct stand stand;
	struct responder responder;
	struct sample samples[4];
	responder_start(&responder, like_prometheus, NULL);
	stand_read(&stand,
		"sources: {prom: {kind: prometheus, every: 1h, timeout: 10s, "
		"url: 'http://127.0.0.1:%d'}}\n"
		"signals:\n"
		"  pool.used: {from: prom, query: 'bad('}\n"
		"  surface.requests: {from: prom, query: web}\n",
		responder.port);
	stand_start(&stand, NULL);
	turn_until(&stand, settled, 0, NULL);
	const struct source_status *status = store_source(stand.store, 0);
	ck_assert_int_eq(status->state, SOURCE_PARTIAL);
	ck_assert_str_eq(status->trouble,
		"the query of pool.used (line 3) is refused (400, bad_data): no such thing");
	ck_assert_uint_eq(status->requests, 5); /* who it is, two of the past, two of the present */
	ck_assert_double_eq(value_of(&stand, ENTITY_SURFACE, "web", SIGNAL_SURFACE_REQUESTS), 7);
	size_t count = history_window(stand.history,
		fleet_find_path(stand.bench.fleet, ENTITY_SURFACE, "web"), SIGNAL_SURFACE_REQUESTS,
		0, INT64_MAX, samples, 4);
	ck_assert_uint_eq(count, 3);
	ck_assert_int_eq(samples[0].at_ms, 1600000000000);
	ck_assert_double_eq(samples[2].value, 7);
	stand_close(&stand);
	responder_stop(&responder);
}
END_TEST

struct listener {
	struct stand *stand;
	unsigned long news;
	bool midway; /* in the midst of a poll when told */
};

static void on_news(void *context)
{
	struct listener *listener = context;
	listener->news++;
	listener->midway |= poller_is_midway(listener->stand->poller);
}

static bool midway(struct stand *stand, unsigned long wanted, const void *subject)
{
	(void)wanted;
	(void)subject;
	return poller_is_midway(stand->poller);
}

static bool heard(struct stand *stand, unsigned long wanted, const void *subject)
{
	const struct listener *listener = subject;
	(void)stand;
	return listener->news >= wanted;
}

/* Of a poll of two questions nothing is news before both are answered. */
START_TEST(news_is_of_whole_polls)
{
	struct stand stand;
	struct responder responder;
	struct listener listener = {.stand = &stand};
	responder_start(&responder, like_prometheus, NULL);
	stand_read(&stand,
		"sources: {prom: {kind: prometheus, every: 100ms, timeout: 10s, "
		"url: 'http://127.0.0.1:%d'}}\n"
		"signals:\n"
		"  surface.requests: {from: prom, query: web}\n"
		"  pool.used: {from: prom, query: 'bad('}\n",
		responder.port);
	stand_start(&stand, NULL);
	poller_on_news(stand.poller, on_news, &listener);
	turn_until(&stand, midway, 0, NULL);
	ck_assert_uint_eq(listener.news, 0);
	ck_assert_double_eq(value_of(&stand, ENTITY_SURFACE, "web", SIGNAL_SURFACE_REQUESTS), 7);
	turn_until(&stand, heard, 3, &listener);
	ck_assert(!listener.midway);
	stand_close(&stand);
	responder_stop(&responder);
}
END_TEST

START_TEST(no_answer_is_news_too)
{
	struct stand stand;
	struct responder responder;
	struct listener listener = {.stand = &stand};
	char answer[] = RESPONDER_CLOSE;
	responder_start(&responder, one_answer, answer);
	stand_read(&stand, page_source, responder.port);
	stand_start(&stand, NULL);
	poller_on_news(stand.poller, on_news, &listener);
	turn_until(&stand, heard, 1, &listener);
	ck_assert_uint_eq(store_source(stand.store, 0)->failures, 1);
	stand_close(&stand);
	responder_stop(&responder);
}
END_TEST

static const char *wants_token(void *context, const char *request, unsigned nth)
{
	(void)context;
	(void)nth;
	return strstr(request, "\r\nAuthorization: Bearer open-sesame\r\n")
		       ? PAGE("pg_up 1\n")
		       : "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n";
}

START_TEST(sends_the_token_and_shows_it_nowhere)
{
	struct stand stand;
	struct responder responder;
	char path[] = "/tmp/spillway-poller-XXXXXX";
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "open-sesame\n", 12), 12);
	close(fd);
	responder_start(&responder, wants_token, NULL);
	stand_read(&stand,
		"sources: {page: {kind: exposition, every: 100ms, timeout: 5s, "
		"url: 'http://127.0.0.1:%d/'}}\n",
		responder.port);
	stand.bench.sources.rows[0].secret =
		(struct source_secret){SECRET_BEARER, path, NULL, NULL};
	stand_start(&stand, NULL);
	turn_until(&stand, settled, 0, NULL);
	ck_assert_int_eq(store_source(stand.store, 0)->state, SOURCE_OK);
	unlink(path); /* the file goes: nothing is sent, and the trouble names the file */
	turn_until(&stand, first_failed, 1, NULL);
	const struct source_status *status = store_source(stand.store, 0);
	ck_assert_msg(strstr(status->trouble, path), "%s", status->trouble);
	ck_assert_ptr_null(strstr(status->trouble, "sesame"));
	stand_close(&stand);
	responder_stop(&responder);
}
END_TEST

START_TEST(values_out_of_range_are_left_out_and_told)
{
	struct stand stand;
	struct responder responder;
	char answer[] = PAGE("pg_up 7\nused 3\n");
	responder_start(&responder, one_answer, answer);
	stand_read(&stand, page_source, responder.port);
	stand_start(&stand, NULL);
	turn_until(&stand, settled, 0, NULL);
	const struct source_status *status = store_source(stand.store, 0);
	ck_assert_int_eq(status->state, SOURCE_PARTIAL);
	ck_assert_msg(
		strstr(status->trouble, "replica.up of 'east-a/r1' is 7"), "%s", status->trouble);
	ck_assert(isnan(value_of(&stand, ENTITY_REPLICA, "east-a/r1", SIGNAL_REPLICA_UP)));
	ck_assert_double_eq(value_of(&stand, ENTITY_REPLICA, "east-a/r1", SIGNAL_POOL_USED), 3);
	stand_close(&stand);
	responder_stop(&responder);
}
END_TEST

/* Record through the poller, then play the file through another one. */
START_TEST(a_recording_goes_round)
{
	struct stand stand;
	struct responder responder;
	char directory[] = "/tmp/spillway-poller-XXXXXX", path[64];
	char answer[] = PAGE("pg_up 1\nused 41\n");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/r.jsonl", directory);
	responder_start(&responder, one_answer, answer);
	stand_read(&stand, page_source, responder.port);
	struct recorder *recorder = recorder_create(path, stand.bench.fleet, &stand.error);
	ck_assert_ptr_nonnull(recorder);
	stand_start(&stand, recorder);
	turn_until(&stand, settled, 0, NULL);
	stand_close(&stand);
	recorder_destroy(recorder);
	responder_stop(&responder);

	stand_read(&stand, "sources: {old: {kind: replay, every: 100ms, file: /}}\n", 0);
	stand.bench.sources.rows[0].file = path;
	stand_start(&stand, NULL);
	turn_until(&stand, settled, 0, NULL);
	ck_assert_double_eq(value_of(&stand, ENTITY_REPLICA, "east-a/r1", SIGNAL_POOL_USED), 41);
	ck_assert_str_eq(store_source(stand.store, 0)->kind, "replay");
	ck_assert_uint_eq(store_source(stand.store, 0)->requests, 0);
	stand_close(&stand);
	unlink(path);
	rmdir(directory);
}
END_TEST

START_TEST(a_wrapper_polls_like_any_other_kind)
{
	struct stand stand;
	struct responder responder;
	char answer[] = PAGE("pg_up 1\nused 41\n");
	struct fault_plan plan = {.inner = &exposition_ops, .delay = 1, .delay_ms = 20};
	responder_start(&responder, one_answer, answer);
	stand_read(&stand, page_source, responder.port);
	stand.bench.sources.rows[0].ops = &fault_ops;
	stand.bench.sources.rows[0].fault = &plan;
	stand_start(&stand, NULL);
	turn_until(&stand, settled, 0, NULL);
	ck_assert_double_eq(value_of(&stand, ENTITY_REPLICA, "east-a/r1", SIGNAL_POOL_USED), 41);
	plan.drop = 1; /* the instance has its own copy of the plan */
	turn_until(&stand, asked, 3, &responder);
	ck_assert_int_eq(store_source(stand.store, 0)->state, SOURCE_OK);
	stand_close(&stand);
	responder_stop(&responder);
}
END_TEST

START_TEST(a_source_that_cannot_be_made_is_named)
{
	struct stand stand;
	stand_read(&stand, "sources: {old: {kind: replay, file: /nonexistent/r}}\n", 0);
	ck_assert_ptr_null(poller_create(stand.loop, stand.http, stand.bench.fleet, stand.store,
		stand.history, &stand.bench.sources, NULL, &stand.error));
	ck_assert_str_eq(stand.error.text, "source 'old': cannot open the recording "
					   "'/nonexistent/r': No such file or directory");
	stand_close(&stand);
}
END_TEST

START_TEST(without_sources_all_is_settled)
{
	struct stand stand;
	stand_read(&stand, "signals: {}\n", 0);
	stand_start(&stand, NULL);
	ck_assert(poller_settled(stand.poller));
	ck_assert_uint_eq(poller_answered(stand.poller), 0);
	poller_hurry(stand.poller);
	stand_close(&stand);
}
END_TEST

static Suite *poller_suite(void)
{
	Suite *suite = suite_create("poller");
	TCase *tcase = tcase_create("poller");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, stores_what_a_page_says);
	tcase_add_loop_test(tcase, a_failed_poll_keeps_old_values_and_says_why, 0,
		(int)(sizeof(bad_rows) / sizeof(bad_rows[0])));
	tcase_add_test(tcase, an_exporter_out_of_reach_says_nothing_of_its_replica);
	tcase_add_test(tcase, a_silent_target_delays_nobody_and_is_asked_once_at_a_time);
	tcase_add_test(tcase, a_silent_target_times_out);
	tcase_add_test(tcase, hurry_asks_out_of_turn);
	tcase_add_test(tcase, prometheus_gives_the_past_first_and_one_bad_row_spoils_no_other);
	tcase_add_test(tcase, news_is_of_whole_polls);
	tcase_add_test(tcase, no_answer_is_news_too);
	tcase_add_test(tcase, sends_the_token_and_shows_it_nowhere);
	tcase_add_test(tcase, values_out_of_range_are_left_out_and_told);
	tcase_add_test(tcase, a_recording_goes_round);
	tcase_add_test(tcase, a_wrapper_polls_like_any_other_kind);
	tcase_add_test(tcase, a_source_that_cannot_be_made_is_named);
	tcase_add_test(tcase, without_sources_all_is_settled);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(poller_suite());
}
