#include "tests/unit/backends/fixture.h"

#define SOURCE(workload)                                                                      \
	"sources:\n  k: {kind: kubernetes, url: 'https://h:6443', namespace: data, service: " \
	"db-ro, "                                                                             \
	"workload: " workload ", labels: {cluster: east-a}}\n"

static const struct fixture_fact endpoints[] = {
	{ENTITY_REPLICA, "east-a/db-0", SIGNAL_REPLICA_UP, 1},
	{ENTITY_REPLICA, "east-a/db-0", SIGNAL_REPLICA_MAINTENANCE, 0},
	{ENTITY_REPLICA, "east-a/db-1", SIGNAL_REPLICA_UP, 1}, /* leaves, and still answers */
	{ENTITY_REPLICA, "east-a/db-1", SIGNAL_REPLICA_MAINTENANCE, 1},
	{ENTITY_REPLICA, "east-a/db-2", SIGNAL_REPLICA_UP, 0},
};

static const struct fixture_fact missing[] = {
	{ENTITY_REPLICA, "east-a/db-2", SIGNAL_REPLICA_UP, (double)NAN},
	{ENTITY_REPLICA, "east-a/db-3", SIGNAL_REPLICA_UP, 0},
	{ENTITY_REPLICA, "east-a/db-4", SIGNAL_REPLICA_UP, 0},
	{ENTITY_REPLICA, "east-a/db-5", SIGNAL_REPLICA_UP, (double)NAN},
};

START_TEST(reads_endpoints_and_scale)
{
	struct bench bench;
	bench_open(&bench, SOURCE("statefulsets/db"));
	fixture_accept(&bench, 0, "kubernetes-slices.json");
	fixture_expect(&bench, endpoints, FIXTURE_COUNT(endpoints));
	ck_assert_str_eq(bench.sink.detail, "Kubernetes, 1 of 3 endpoints serve");
	fixture_accept(&bench, 1, "kubernetes-scale.json");
	fixture_expect(&bench, missing, FIXTURE_COUNT(missing));
	ck_assert_str_eq(bench.sink.warning, "'statefulsets/db' wants 5 pods and has 3");
	bench_close(&bench);
}
END_TEST

START_TEST(pods_of_a_deployment_have_no_numbers)
{
	struct bench bench;
	struct backend_request request = {0};
	bench_open(&bench, SOURCE("deployments/web"));
	fixture_accept(&bench, 1, "kubernetes-scale.json");
	ck_assert_uint_eq(bench.sink.count, 0);
	ck_assert(bench.source->ops->request(
		bench.instance, &bench.ask, bench.scratch, &request, &bench.error));
	ck_assert_str_eq(request.http.url,
		"https://h:6443/apis/apps/v1/namespaces/data/deployments/web/scale");
	bench.ask.step = 0;
	ck_assert(bench.source->ops->request(
		bench.instance, &bench.ask, bench.scratch, &request, &bench.error));
	ck_assert_str_eq(request.http.url,
		"https://h:6443/apis/discovery.k8s.io/v1/namespaces/data/endpointslices"
		"?labelSelector=kubernetes.io%2Fservice-name%3Ddb-ro");
	bench_close(&bench);
}
END_TEST

START_TEST(refuses_a_workload_of_another_kind)
{
	struct bench bench;
	bench_read(&bench, SOURCE("jobs/x"));
	struct backend_setup setup = {&bench.sources.rows[0], &bench.sources, BENCH_NOW_MS};
	ck_assert_ptr_null(kubernetes_ops.create(&setup, &bench.error));
	ck_assert_msg(strstr(bench.error.text, "not 'jobs/x'"), "%s", bench.error.text);
	bench_close(&bench);
}
END_TEST

static const struct fixture_refusal refusals[] = {
	{0, 200, "{\"kind\":\"Status\"}", "no list of endpoint slices"},
	{1, 200, "{\"spec\":{}}", "no scale"},
	{1, 200, "{\"spec\":{\"replicas\":99999},\"status\":{}}", "more than 1000 pods"},
	{0, 403, "{\"message\":\"forbidden\"}", "forbids reading (403)"},
};

START_TEST(explains_what_came_instead)
{
	struct bench bench;
	bench_open(&bench, SOURCE("statefulsets/db"));
	fixture_refuse(&bench, &refusals[_i]);
	bench_close(&bench);
}
END_TEST

static Suite *kubernetes_suite(void)
{
	Suite *suite = suite_create("kubernetes");
	TCase *tcase = tcase_create("kubernetes");
	tcase_add_test(tcase, reads_endpoints_and_scale);
	tcase_add_test(tcase, pods_of_a_deployment_have_no_numbers);
	tcase_add_test(tcase, refuses_a_workload_of_another_kind);
	tcase_add_loop_test(tcase, explains_what_came_instead, 0, (int)FIXTURE_COUNT(refusals));
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(kubernetes_suite());
}
