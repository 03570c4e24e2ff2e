#include "tests/unit/backends/fixture.h"

#define SOURCE "sources:\n  e: {kind: envoy, url: 'http://h:9901', proxies: {db_east_a: east-a}}\n"

static const struct fixture_fact documented[] = {
	{ENTITY_REPLICA, "east-a/r1", SIGNAL_REPLICA_UP, 1},
	{ENTITY_REPLICA, "east-a/r1", SIGNAL_REPLICA_QUERIES, 9007199254740992.0},
	{ENTITY_REPLICA, "east-a/10.0.0.2:5432", SIGNAL_REPLICA_UP, 0},
	{ENTITY_REPLICA, "east-a/10.0.0.2:5432", SIGNAL_REPLICA_QUERIES, 0}, /* left out is zero */
	{ENTITY_REPLICA, "east-a/r3", SIGNAL_REPLICA_UP, 1},
	{ENTITY_REPLICA, "east-a/r3", SIGNAL_REPLICA_MAINTENANCE, 1},
	{ENTITY_CLUSTER, "east-a", SIGNAL_POOL_USED, 43},
	{ENTITY_CLUSTER, "east-a", SIGNAL_POOL_MAX, 120}, /* of the default priority */
};

START_TEST(reads_hosts_with_what_protobuf_leaves_out)
{
	struct bench bench;
	bench_open(&bench, SOURCE);
	fixture_accept(&bench, 0, "envoy-clusters.json");
	fixture_expect(&bench, documented, FIXTURE_COUNT(documented));
	ck_assert_str_eq(bench.sink.detail, "Envoy, 1 clusters, 3 hosts");
	ck_assert_uint_eq(fleet_find_path(bench.fleet, ENTITY_CLUSTER, "xds-grpc"), ENTITY_NONE);
	bench_close(&bench);
}
END_TEST

START_TEST(reads_who_waits)
{
	struct bench bench;
	static const struct fixture_fact facts[] = {
		{ENTITY_CLUSTER, "east-a", SIGNAL_POOL_WAITING, 17}};
	bench_open(&bench, SOURCE);
	bench.ask.step = 1;
	ck_assert_msg(bench_accept(&bench, "# TYPE x gauge\n"
					   "envoy_cluster_upstream_rq_pending_active{envoy_cluster_"
					   "name=\"db_east_a\"} 17\n"
					   "envoy_cluster_upstream_rq_pending_active{cluster_name="
					   "\"other\"} 3\n"),
		"%s", bench.error.text);
	fixture_expect(&bench, facts, 1);
	ck_assert_str_eq(bench.sink.warning, "");
	ck_assert(bench_accept(&bench, "")); /* the filter matched nothing */
	ck_assert_msg(strstr(bench.sink.warning, "proxyStatsMatcher"), "%s", bench.sink.warning);
	bench_close(&bench);
}
END_TEST

START_TEST(an_empty_object_is_no_cluster)
{
	struct bench bench;
	bench_open(&bench, SOURCE);
	ck_assert(bench_accept(&bench, "{}"));
	ck_assert_str_eq(bench.sink.warning, "Envoy has none of the clusters named");
	bench_close(&bench);
}
END_TEST

static const struct fixture_refusal refusals[] = {
	{0, 200, "[]", "no object"},
	{0, 200, "{", "does not answer with Envoy's list"},
	{0, 404, "invalid path", "404"},
	{1, 200, "a b c\n", "Envoy's statistics: line 1"},
};

START_TEST(explains_what_came_instead)
{
	struct bench bench;
	bench_open(&bench, SOURCE);
	fixture_refuse(&bench, &refusals[_i]);
	bench_close(&bench);
}
END_TEST

static Suite *envoy_suite(void)
{
	Suite *suite = suite_create("envoy");
	TCase *tcase = tcase_create("envoy");
	tcase_add_test(tcase, reads_hosts_with_what_protobuf_leaves_out);
	tcase_add_test(tcase, reads_who_waits);
	tcase_add_test(tcase, an_empty_object_is_no_cluster);
	tcase_add_loop_test(tcase, explains_what_came_instead, 0, (int)FIXTURE_COUNT(refusals));
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(envoy_suite());
}
