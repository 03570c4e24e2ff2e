#include "tests/unit/backends/fixture.h"

#define SOURCE "sources:\n  p: {kind: patroni, url: 'http://h:8008/', labels: {cluster: east-a}}\n"
#define MEMBER(name, role, state, rest) \
	"{\"name\":\"" name "\",\"role\":\"" role "\",\"state\":\"" state "\"" rest "}"

static const struct fixture_fact recorded[] = {
	{ENTITY_REPLICA, "east-a/r2", SIGNAL_REPLICA_UP, 1},
	{ENTITY_REPLICA, "east-a/r2", SIGNAL_REPLICA_MAINTENANCE, 0},
	{ENTITY_REPLICA, "east-a/r2", SIGNAL_REPLICA_LAG, 0},
	{ENTITY_REPLICA, "east-a/r1", SIGNAL_REPLICA_UP, (double)NAN}, /* it leads */
};

START_TEST(reads_what_a_real_one_said)
{
	struct bench bench;
	bench_open(&bench, SOURCE);
	fixture_accept(&bench, 0, "patroni-cluster.json");
	fixture_expect(&bench, recorded, FIXTURE_COUNT(recorded));
	fixture_accept(&bench, 1, "patroni-replica.json");
	ck_assert_uint_eq(bench.sink.count, 0); /* nothing replayed yet: no time to count from */
	ck_assert_str_eq(bench.sink.detail, "Patroni 3.0.2 of 'real', PostgreSQL 15.18");
	fixture_accept(&bench, 1, "patroni-leader.json");
	ck_assert_uint_eq(bench.sink.count, 0);
	bench_close(&bench);
}
END_TEST

static const char members[] = "{\"members\":[" MEMBER("a", "replica", "streaming",
	",\"lag\":0") "," MEMBER("b", "replica", "stopped", ",\"lag\":\"unknown\"") "," MEMBER("c",
	"sync_standby", "running",
	",\"lag\":5000,\"tags\":{\"noloadbalance\":true}") "," MEMBER("d", "replica", "starting",
	",\"lag\":0") "," MEMBER("e", "standby_leader", "running", "") "],"
								       "\"pause\":true}";

static const struct fixture_fact states[] = {
	{ENTITY_REPLICA, "east-a/a", SIGNAL_REPLICA_UP, 1},
	{ENTITY_REPLICA, "east-a/a", SIGNAL_REPLICA_LAG, 0},
	{ENTITY_REPLICA, "east-a/b", SIGNAL_REPLICA_UP, 0},
	{ENTITY_REPLICA, "east-a/b", SIGNAL_REPLICA_LAG, (double)NAN},
	{ENTITY_REPLICA, "east-a/c", SIGNAL_REPLICA_UP, 1},
	{ENTITY_REPLICA, "east-a/c", SIGNAL_REPLICA_MAINTENANCE, 1},
	{ENTITY_REPLICA, "east-a/c", SIGNAL_REPLICA_LAG, (double)NAN}, /* bytes are no seconds */
	{ENTITY_REPLICA, "east-a/d", SIGNAL_REPLICA_UP, 0},
	{ENTITY_REPLICA, "east-a/d", SIGNAL_REPLICA_LAG, (double)NAN}, /* not running */
	{ENTITY_REPLICA, "east-a/e", SIGNAL_REPLICA_UP, (double)NAN},
};

START_TEST(gates_figures_on_running)
{
	struct bench bench;
	bench_open(&bench, SOURCE);
	ck_assert_msg(bench_accept(&bench, members), "%s", bench.error.text);
	fixture_expect(&bench, states, FIXTURE_COUNT(states));
	ck_assert_str_eq(bench.sink.warning, "Patroni is paused: it will not fail over");
	bench_close(&bench);
}
END_TEST

struct self_row {
	const char *state, *replication, *received, *at;
	double lag; /* NAN: unknown */
};

static const struct self_row self_rows[] = {
	{"running", "", "200", "\"2026-11-22 18:00:00.500+00:00\"", 9.5},
	{"running", "", "200", "\"2026-11-22 18:00:00 UTC\"", 10},
	{"running", ",\"replication_state\":\"streaming\"", "200", "\"2026-11-22T18:00:10Z\"", 0},
	{"running", "", "200", "\"2026-11-22 18:01:00+00:00\"", 0}, /* a clock ahead of the other */
	{"running", "", "100", "\"2026-11-22 18:00:00+00:00\"", (double)NAN}, /* idle, or cut off */
	{"running", ",\"replication_state\":\"in archive recovery\"", "200",
		"\"2026-11-22 18:00:00+00:00\"", (double)NAN},
	{"stopped", "", "200", "\"2026-11-22 18:00:00+00:00\"", (double)NAN},
	{"running", "", "200", "null", (double)NAN},
	{"running", "", "200", "\"yesterday\"", (double)NAN},
};

START_TEST(times_the_lag_only_where_something_waits)
{
	struct bench bench;
	const struct self_row *row = &self_rows[_i];
	char body[1024];
	snprintf(body, sizeof(body),
		"{\"state\":\"%s\",\"role\":\"replica\"%s,\"server_version\":160001,\"xlog\":{"
		"\"received_location\":%s,\"replayed_location\":100,\"replayed_timestamp\":%s},"
		"\"patroni\":{\"version\":\"4.0.1\",\"scope\":\"s\",\"name\":\"r7\"}}",
		row->state, row->replication, row->received, row->at);
	bench_open(&bench, SOURCE);
	bench.ask.step = 1;
	bench.answer.date_ms = 1795370410000; /* 2026-11-22T18:00:10Z */
	ck_assert_msg(bench_accept(&bench, body), "%s", bench.error.text);
	double lag = bench_value(&bench, ENTITY_REPLICA, "east-a/r7", SIGNAL_REPLICA_LAG);
	ck_assert_msg(isnan(row->lag) ? isnan(lag) : fabs(lag - row->lag) < 1e-6, "%g", lag);
	bench_close(&bench);
}
END_TEST

static const struct fixture_refusal refusals[] = {
	{0, 200, "{}", "no list of members"},
	{0, 200, "[]", "no list of members"},
	{0, 200, "{\"members\":[", "does not answer with Patroni's JSON"},
	{0, 503, "", "503"},
	{1, 200, "{\"state\":\"running\"}", "no state and role"},
	{1, 200, "<html>", "answers HTML"},
};

START_TEST(explains_what_came_instead)
{
	struct bench bench;
	bench_open(&bench, SOURCE);
	fixture_refuse(&bench, &refusals[_i]);
	bench_close(&bench);
}
END_TEST

START_TEST(a_member_that_is_down_says_so_itself)
{
	struct bench bench;
	bench_open(&bench, SOURCE);
	bench.ask.step = 1;
	bench.answer.status = 503;
	ck_assert(bench_accept(&bench, "{\"state\":\"stopped\",\"role\":\"replica\"}"));
	ck_assert_uint_eq(bench.sink.count, 0);
	bench_close(&bench);
}
END_TEST

START_TEST(asks_both_pages)
{
	struct bench bench;
	struct backend_request request = {0};
	bench_open(&bench, SOURCE);
	ck_assert_uint_eq(bench.source->ops->steps(bench.instance, 0, false), 2);
	bench.ask.step = 1;
	ck_assert(bench.source->ops->request(
		bench.instance, &bench.ask, bench.scratch, &request, &bench.error));
	ck_assert_str_eq(request.http.url, "http://h:8008/patroni");
	bench_close(&bench);
}
END_TEST

static Suite *patroni_suite(void)
{
	Suite *suite = suite_create("patroni");
	TCase *tcase = tcase_create("patroni");
	tcase_add_test(tcase, reads_what_a_real_one_said);
	tcase_add_test(tcase, gates_figures_on_running);
	tcase_add_loop_test(
		tcase, times_the_lag_only_where_something_waits, 0, (int)FIXTURE_COUNT(self_rows));
	tcase_add_loop_test(tcase, explains_what_came_instead, 0, (int)FIXTURE_COUNT(refusals));
	tcase_add_test(tcase, a_member_that_is_down_says_so_itself);
	tcase_add_test(tcase, asks_both_pages);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(patroni_suite());
}
