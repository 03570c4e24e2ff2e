#include "backends/rates.h"
#include "tests/unit/backends/fixture.h"

#define SOURCE(rest)                                                                              \
	"sources:\n  pool: {kind: pgbouncer, url: 'postgresql://stats@h:6432/pgbouncer'" rest "}" \
	"\n"

#define POOLS                                                                                   \
	"database\tuser\tcl_active\tcl_waiting\tsv_active\tsv_active_cancel\tmaxwait\tmaxwait_" \
	"us\n"
#define STATS "database\ttotal_query_time\ttotal_wait_time\n"
#define DATABASES "name\tpool_size\tmax_connections\tpaused\tdisabled\n"
#define REST "\nkey\tvalue\nmax_client_conn\t500\n\nversion\nPgBouncer 1.21.0\n\n"

static const struct fixture_fact recorded[] = {
	{ENTITY_CLUSTER, "east-a", SIGNAL_POOL_USED, 2},
	{ENTITY_CLUSTER, "east-a", SIGNAL_POOL_MAX, 2},
	{ENTITY_CLUSTER, "east-a", SIGNAL_POOL_WAITING, 1},
	{ENTITY_CLUSTER, "east-a", SIGNAL_POOL_WAIT, 22403.509},
	{ENTITY_CLUSTER, "east-a", SIGNAL_POOL_PAUSED, 0},
	{ENTITY_CLUSTER, "east-a", SIGNAL_POOL_BUSY, 2}, /* its line has somebody in it */
};

START_TEST(reads_what_a_real_one_said)
{
	struct bench bench;
	bench_open(&bench, SOURCE(", databases: {app: east-a}"));
	fixture_accept(&bench, 0, "pgbouncer.txt");
	fixture_expect(&bench, recorded, FIXTURE_COUNT(recorded));
	ck_assert_str_eq(bench.sink.warning, "");
	ck_assert_str_eq(bench.sink.detail, "PgBouncer 1.18.0, 2 pools, max_client_conn 50");
	ck_assert_uint_eq(fleet_find_path(bench.fleet, ENTITY_CLUSTER, "pgbouncer"), ENTITY_NONE);
	bench_close(&bench);
}
END_TEST

/* pool_size is per user, capped by max_connections; two databases of one cluster add up. */
START_TEST(capacity_counts_users)
{
	struct bench bench;
	static const struct fixture_fact facts[] = {
		{ENTITY_CLUSTER, "east-a", SIGNAL_POOL_MAX, 40 + 25},
		{ENTITY_CLUSTER, "east-a", SIGNAL_POOL_USED, 3 + 4 + 5 + 1},
		{ENTITY_CLUSTER, "east-a", SIGNAL_POOL_WAIT, 1500},
		{ENTITY_CLUSTER, "east-a", SIGNAL_POOL_PAUSED, 0},
		{ENTITY_REPLICA, "east-b/r2", SIGNAL_POOL_PAUSED, 1},
		{ENTITY_REPLICA, "east-b/r2", SIGNAL_POOL_MAX, 20},
		{ENTITY_REPLICA, "east-b/r2", SIGNAL_POOL_USED, (double)NAN},
	};
	bench_open(&bench, SOURCE(", databases: {a: east-a, b: east-a, c: east-b/r2}"));
	ck_assert_msg(bench_accept(&bench,
			      POOLS "a\tu1\t0\t0\t3\t0\t0\t0\na\tu2\t0\t0\t4\t1\t1\t500000\n"
				    "b\tu1\t0\t0\t5\t0\t0\t9\nb\tu2\t0\t0\t0\t0\t0\t0\n"
				    "x\tu1\t0\t0\t99\t0\t0\t0\n\n" STATS "\n" DATABASES
				    "a\t20\t0\t0\t0\nb\t20\t25\t0\t0\nc\t20\t0\t1\t0\n" REST),
		"%s", bench.error.text);
	fixture_expect(&bench, facts, FIXTURE_COUNT(facts));
	ck_assert_msg(
		strstr(bench.sink.warning, "database 'c' is paused"), "%s", bench.sink.warning);
	bench_close(&bench);
}
END_TEST

/* The figures of a run with 8 clients and a pool of 3: mean busy is 3, not 8. */
START_TEST(busy_is_query_time_less_wait_time)
{
	struct bench bench;
	struct rates rates;
	const char *answers[] = {POOLS "a\tu\t3\t0\t3\t0\t0\t0\n\n" STATS
				       "a\t1000000\t500000\n\n" DATABASES REST,
		POOLS "a\tu\t3\t0\t3\t0\t0\t0\n\n" STATS "a\t9670000\t5910000\n\n" DATABASES REST};
	bench_open(&bench, SOURCE(", labels: {cluster: east-a}"));
	rates_init(&rates);
	for (size_t i = 0; i < 2; i++) {
		bench.answer.arrived_ms = BENCH_NOW_MS + (int64_t)i * 1080;
		bench.answer.bytes = answers[i];
		bench.answer.length = strlen(answers[i]);
		observations_clear(&bench.sink);
		arena_reset(bench.scratch);
		ck_assert(bench.source->ops->accept(bench.instance, &bench.ask, &bench.answer,
			bench.scratch, &bench.sink, &bench.error));
		observations_sort(&bench.sink, NULL);
		ck_assert(rates_apply(&rates, &bench.sink, &bench.error));
		observations_merge(&bench.sink, NULL);
	}
	double busy = bench_value(&bench, ENTITY_CLUSTER, "east-a", SIGNAL_POOL_BUSY);
	ck_assert_msg(fabs(busy - 3.26 / 1.08) < 1e-6, "%g", busy);
	rates_finish(&rates);
	bench_close(&bench);
}
END_TEST

START_TEST(asks_the_console)
{
	struct bench bench;
	struct backend_request request = {0};
	bench_open(&bench, SOURCE(""));
	ck_assert(bench.source->ops->request(
		bench.instance, &bench.ask, bench.scratch, &request, &bench.error));
	ck_assert_int_eq(request.road, ROAD_POSTGRES);
	ck_assert_str_eq(request.postgres.queries[0], "SHOW POOLS");
	ck_assert_uint_eq(request.postgres.query_count, 5);
	ck_assert_uint_eq(bench.source->ops->steps(bench.instance, 0, true), 0);
	bench_close(&bench);
}
END_TEST

static const struct fixture_refusal refusals[] = {
	{0, 200, "", "answers too little"},
	{0, 200, POOLS "a\tu\t3\t0\t3\t0\t0", "cut short"},
	{0, 200, POOLS "a\tu\n\n", "another width"},
	{0, 200, "a\n1\n\n" STATS "\n" DATABASES "\n", "has no column 'sv_active'"},
	{0, 200, "!42501\tadmin access needed\n\n" STATS "\n" DATABASES "\n",
		"SHOW POOLS is refused: admin access needed; is the user among stats_users"},
};

START_TEST(explains_what_came_instead)
{
	struct bench bench;
	bench_open(&bench, SOURCE(""));
	fixture_refuse(&bench, &refusals[_i]);
	bench_close(&bench);
}
END_TEST

static Suite *pgbouncer_suite(void)
{
	Suite *suite = suite_create("pgbouncer");
	TCase *tcase = tcase_create("pgbouncer");
	tcase_add_test(tcase, reads_what_a_real_one_said);
	tcase_add_test(tcase, capacity_counts_users);
	tcase_add_test(tcase, busy_is_query_time_less_wait_time);
	tcase_add_test(tcase, asks_the_console);
	tcase_add_loop_test(tcase, explains_what_came_instead, 0, (int)FIXTURE_COUNT(refusals));
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(pgbouncer_suite());
}
