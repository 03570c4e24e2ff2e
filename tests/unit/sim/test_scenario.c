#include "backends/sim/scenario.h"

#include <math.h>

#include "core/base/arena.h"
#include "core/base/yaml.h"
#include "tests/unit/sim/suite.h"

static const char good[] =
	"version: 1\nname: tiny\nlasts: 2m\ndemand: {web: 100, noise: 2%}\n"
	"auth: {timeout: 500ms, attempts: 2, cached: 25%, retry_limit: 10%}\n"
	"pool: {size: 5, clients_max: 50, connections_max: 9, knee: 7, service_time: 20ms}\n"
	"clusters:\n"
	"  a: {region: x, weight: 3, replicas: [r1, r2]}\n"
	"  b: {region: y, weight: 1, replicas: [r1], pool: {size: 8}}\n"
	"timeline:\n"
	"  - {at: 1s, replica: a/r2, state: maint, by: provider}\n"
	"  - {at: 2s, cluster: b, pool_size: 9}\n"
	"  - {at: 2s, cluster: a, weight: 0.5}\n"
	"  - {at: 3s, demand: 1.5x, over: 10s}\n"
	"  - {at: 4s, retry_limit: 0%}\n";

/* Read text; the complaints, if any, end up in `said`. */
static bool read(const char *yaml, struct scenario *out, struct text *said)
{
	struct arena *arena = arena_create(1 << 20);
	struct complaints complaints;
	complaints_init(&complaints);
	const struct yaml_node *root =
		yaml_parse(arena, "test.yaml", yaml, strlen(yaml), &complaints);
	bool ok = root && scenario_read(root, out, &complaints);
	ck_assert(ok == (complaints.total == 0));
	complaints_print(&complaints, said);
	complaints_finish(&complaints);
	arena_destroy(arena);
	return ok;
}

START_TEST(everything_in_a_file_is_read)
{
	struct scenario scenario;
	struct text said;
	text_init(&said, 65536);
	ck_assert_msg(read(good, &scenario, &said), "%s", text_string(&said));
	ck_assert_str_eq(scenario.name, "tiny");
	ck_assert_int_eq(scenario.lasts_ms, 120000);
	ck_assert_double_eq(scenario.web_per_second, 100.0);
	ck_assert_double_eq(scenario.api_per_second, 0.0);
	ck_assert_double_eq(scenario.noise, 0.02);
	ck_assert_int_eq(scenario.auth_timeout_ms, 500);
	ck_assert_int_eq(scenario.auth_attempts, 2);
	ck_assert_int_eq(scenario.auth_backoff_ms, 100);
	ck_assert_double_eq(scenario.auth_cached, 0.25);
	ck_assert_double_eq_tol(scenario.retry_limit, 0.1, 1e-12);
	ck_assert_uint_eq(scenario.cluster_count, 2);
	ck_assert_int_eq(scenario.clusters[0].pool.size, 5);
	ck_assert_int_eq(scenario.clusters[1].pool.size, 8);
	ck_assert_int_eq(scenario.clusters[1].pool.knee, 7);
	ck_assert_str_eq(scenario.clusters[0].replicas[1], "r2");
	ck_assert_str_eq(scenario.clusters[1].region, "y");
	ck_assert_uint_eq(scenario.event_count, 5);
	ck_assert_int_eq(scenario.events[0].state, REPLICA_MAINT);
	ck_assert_uint_eq(scenario.events[0].replica, 1);
	ck_assert_str_eq(scenario.events[0].by, "provider");
	ck_assert_int_eq(scenario.events[1].kind, SCENARIO_POOL_SIZE);
	ck_assert_uint_eq(scenario.events[1].cluster, 1);
	ck_assert_double_eq(scenario.events[2].value, 0.5);
	ck_assert_int_eq(scenario.events[3].over_ms, 10000);
	ck_assert_int_eq(scenario.events[4].kind, SCENARIO_RETRY_LIMIT);
	ck_assert(!scenario.downstream);
	text_finish(&said);
}
END_TEST

/* One thing wrong in the good file: `from` becomes `to`, and the complaint has `words`. */
static const struct {
	const char *from, *to, *words;
} wrong[] = {
	{"version: 1", "version: 2", "version"},
	{"name: tiny", "nom: tiny", "nom"},
	{"web: 100", "web: many", "demand.web"},
	{"attempts: 2", "attempts: 0", "auth.attempts"},
	{"cached: 25%", "cached: 125%", "auth.cached"},
	{"replicas: [r1, r2]", "replicas: []", "replica"},
	{"replicas: [r1, r2]", "replicas: r1", "replica"},
	{"replicas: [r1, r2]", "replicas: [r1, 'r\"2']", "name"},
	{"  a: {region", "  a b: {region", "name"},
	{"a/r2", "a/r3", "no such replica"},
	{"a/r2", "a", "no such replica"},
	{"state: maint, ", "", "go together"},
	{"state: maint", "state: asleep", "state"},
	{"cluster: b, pool_size: 9", "cluster: c, pool_size: 9", "no such cluster"},
	{"cluster: b, pool_size: 9", "cluster: b, pool_size: 0", "at least 1"},
	{"cluster: b, pool_size: 9", "cluster: b, pool_size: 9, weight: 3", "one of"},
	{"at: 3s, demand: 1.5x", "at: 3s", "one of"},
	{"at: 4s", "at: 1s", "forward"},
	{"demand: 1.5x", "demand: 1.5", "demand"},
	{"size: 5,", "size: 5, colour: red,", "colour"},
};

START_TEST(one_wrong_thing_is_named)
{
	struct scenario scenario = {.name = "untouched"};
	struct text said;
	char yaml[sizeof good + 200];
	const char *at = strstr(good, wrong[_i].from);
	ck_assert_ptr_nonnull(at);
	snprintf(yaml, sizeof yaml, "%.*s%s%s", (int)(at - good), good, wrong[_i].to,
		at + strlen(wrong[_i].from));
	text_init(&said, 65536);
	ck_assert(!read(yaml, &scenario, &said));
	ck_assert_msg(strstr(text_string(&said), wrong[_i].words) != NULL, "%s lacks '%s'",
		text_string(&said), wrong[_i].words);
	ck_assert_str_eq(scenario.name, "untouched");
	text_finish(&said);
}
END_TEST

START_TEST(a_missing_file_is_a_complaint)
{
	struct scenario scenario = {.name = "untouched"};
	struct complaints complaints;
	complaints_init(&complaints);
	ck_assert(!scenario_load("/nonexistent.yaml", &scenario, &complaints));
	ck_assert_uint_ge(complaints.total, 1);
	ck_assert_str_eq(scenario.name, "untouched");
	complaints_finish(&complaints);
}
END_TEST

START_TEST(states_have_names_both_ways)
{
	for (int i = 0; i < REPLICA_STATE_COUNT; i++) {
		enum replica_state found = REPLICA_STATE_COUNT;
		ck_assert(replica_state_find(replica_state_name((enum replica_state)i), &found));
		ck_assert_int_eq(found, i);
	}
	enum replica_state untouched = REPLICA_HUNG;
	ck_assert(!replica_state_find("asleep", &untouched));
	ck_assert_int_eq(untouched, REPLICA_HUNG);
}
END_TEST

START_TEST(what_is_shipped_loads)
{
	const char *const names[] = {"calm", "replica-loss", "feb4"};
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct scenario scenario = shipped(names[i]);
		ck_assert_str_eq(scenario.name, names[i]);
		ck_assert_uint_eq(scenario.cluster_count, 4);
		ck_assert(isnan(scenario.retry_limit));
		ck_assert_uint_gt(strlen(scenario.about), 0);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {everything_in_a_file_is_read, a_missing_file_is_a_complaint,
		states_have_names_both_ways, what_is_shipped_loads};
	Suite *suite = suite_of("scenario", tests, COUNT_OF(tests));
	TCase *tcase = tcase_create("wrong");
	tcase_add_loop_test(tcase, one_wrong_thing_is_named, 0, COUNT_OF(wrong));
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
