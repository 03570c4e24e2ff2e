#include "tests/unit/backends/fixture.h"

#define SOURCE "sources:\n  a: {kind: alertmanager, url: 'http://h:9093/'}\n"

START_TEST(counts_what_a_real_one_said)
{
	struct bench bench;
	struct backend_request request = {0};
	bench_open(&bench, SOURCE);
	fixture_accept(&bench, 0, "alertmanager-silences.json");
	ck_assert_str_eq(bench.sink.detail, "1 silences active");
	fixture_accept(&bench, 1, "alertmanager-alerts.json");
	ck_assert_str_eq(
		bench.sink.detail, "1 alerts active, oldest Slow, 1 silenced, 0 inhibited");
	ck_assert_uint_eq(bench.sink.count, 0); /* alerts are conclusions and no measurements */
	ck_assert(bench.source->ops->request(
		bench.instance, &bench.ask, bench.scratch, &request, &bench.error));
	ck_assert_str_eq(request.http.url, "http://h:9093/api/v2/alerts");
	bench_close(&bench);
}
END_TEST

START_TEST(names_the_oldest)
{
	struct bench bench;
	bench_open(&bench, SOURCE);
	bench.ask.step = 1;
	ck_assert(bench_accept(&bench,
		"[{\"startsAt\":\"2026-01-02T00:00:00Z\",\"labels\":{\"alertname\":\"Young\"},"
		"\"status\":{\"state\":\"active\"}},"
		"{\"startsAt\":\"2026-01-01T00:00:00Z\",\"labels\":{\"alertname\":\"Old\\u001b["
		"2J\"},"
		"\"status\":{\"state\":\"active\",\"silencedBy\":[],\"inhibitedBy\":[]}},"
		"{\"status\":{\"state\":\"suppressed\",\"inhibitedBy\":[\"x\"]}}, 5]"));
	ck_assert_str_eq(
		bench.sink.detail, "2 alerts active, oldest Old?[2J, 0 silenced, 1 inhibited");
	bench_close(&bench);
}
END_TEST

#define SILENCE(state, matchers) \
	"{\"status\":{\"state\":\"" state "\"},\"matchers\":[" matchers "]}"
#define NAMED(value) \
	"{\"name\":\"cluster\",\"value\":\"" value "\",\"isRegex\":false,\"isEqual\":true}"

/* Only a silence that is active and names a cluster, and nothing but the cluster, silences it. */
START_TEST(tells_which_clusters_are_silenced)
{
	static const struct {
		const char *body;
		double east_a;
	} bodies[] = {
		{"[]", 0},
		{"[" SILENCE("active", NAMED("east-a")) "]", 1},
		{"[" SILENCE("expired", NAMED("east-a")) "]", 0},
		{"[" SILENCE("active", NAMED("east-b")) "]", 0},
		{"[" SILENCE("active", NAMED("east-a") ",{\"name\":\"severity\"}") "]", 0},
		{"[" SILENCE("active",
			 "{\"name\":\"cluster\",\"value\":\"east-a\",\"isRegex\":true}") "]",
			0},
		{"[" SILENCE("active",
			 "{\"name\":\"cluster\",\"value\":\"east-a\",\"isEqual\":false}") "]",
			0},
	};
	for (size_t i = 0; i < FIXTURE_COUNT(bodies); i++) {
		struct bench bench;
		uint32_t cluster = 0;
		const struct fixture_fact fact = {
			ENTITY_CLUSTER, "east-a", SIGNAL_CLUSTER_SILENCED, bodies[i].east_a};
		bench_open(&bench, SOURCE);
		ck_assert(fleet_intern(
			bench.fleet, ENTITY_CLUSTER, ENTITY_ROOT, "east-a", &cluster, NULL));
		ck_assert_msg(bench_accept(&bench, bodies[i].body), "%s", bench.error.text);
		fixture_expect(&bench, &fact, 1);
		bench_close(&bench);
	}
}
END_TEST

static const struct fixture_refusal refusals[] = {
	{0, 200, "{\"status\":\"success\"}", "no list"},
	{1, 200, "nothing", "does not answer with Alertmanager's JSON"},
	{1, 401, "", "401"},
};

START_TEST(explains_what_came_instead)
{
	struct bench bench;
	bench_open(&bench, SOURCE);
	fixture_refuse(&bench, &refusals[_i]);
	bench_close(&bench);
}
END_TEST

static Suite *alertmanager_suite(void)
{
	Suite *suite = suite_create("alertmanager");
	TCase *tcase = tcase_create("alertmanager");
	tcase_add_test(tcase, counts_what_a_real_one_said);
	tcase_add_test(tcase, tells_which_clusters_are_silenced);
	tcase_add_test(tcase, names_the_oldest);
	tcase_add_loop_test(tcase, explains_what_came_instead, 0, (int)FIXTURE_COUNT(refusals));
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(alertmanager_suite());
}
