#include "backends/fault.h"

#include "tests/unit/backends/fixture.h"

static const char fleet_file[] =
	"sources: {page: {kind: exposition, url: 'http://h', labels: {cluster: c, replica: r}}}\n"
	"signals: {pool.used: {from: page, metric: used}}\n";

static const char page[] = "used 1\nother{label=\"value\"} 12345\nmore 6789\n";

/* A bench with its kind wrapped. */
static void wrap_kind(struct bench *bench, const char *yaml, const struct fault_plan *plan)
{
	bench_open(bench, yaml);
	bench->source->ops->destroy(bench->instance);
	bench->sources.rows[0].ops = &fault_ops;
	bench->sources.rows[0].fault = plan;
	struct backend_setup setup = {bench->source, &bench->sources, BENCH_NOW_MS};
	bench->instance = fault_ops.create(&setup, &bench->error);
	ck_assert_ptr_nonnull(bench->instance);
}

static void wrap(struct bench *bench, const struct fault_plan *plan)
{
	wrap_kind(bench, fleet_file, plan);
}

/* How many of a thousand asks, a second apart, are taken. */
static unsigned taken(const struct fault_plan *plan, uint64_t *pattern)
{
	struct bench bench;
	unsigned good = 0;
	wrap(&bench, plan);
	*pattern = HASH_START;
	for (int i = 0; i < 1000; i++) {
		bench.ask.now_ms += 1000;
		bool is_good = bench_accept(&bench, page);
		good += is_good ? 1 : 0;
		*pattern = hash_bytes(*pattern, &is_good, sizeof(is_good));
	}
	bench_close(&bench);
	return good;
}

START_TEST(without_faults_it_is_the_kind_itself)
{
	uint64_t pattern;
	struct fault_plan plan = {.inner = &exposition_ops, .seed = 1};
	ck_assert_uint_eq(taken(&plan, &pattern), 1000);
}
END_TEST

START_TEST(drops_its_share_and_always_the_same)
{
	uint64_t first, again, other;
	struct fault_plan plan = {.inner = &exposition_ops, .seed = 1, .drop = 0.3};
	unsigned good = taken(&plan, &first);
	ck_assert_uint_ge(good, 600);
	ck_assert_uint_le(good, 800);
	ck_assert_uint_eq(taken(&plan, &again), good);
	ck_assert_uint_eq(first, again);
	plan.seed = 2;
	taken(&plan, &other);
	ck_assert_uint_ne(first, other);
}
END_TEST

START_TEST(a_dropped_answer_is_a_timeout)
{
	struct bench bench;
	struct fault_plan plan = {.inner = &exposition_ops, .drop = 1};
	wrap(&bench, &plan);
	ck_assert(!bench_accept(&bench, page));
	ck_assert_int_eq(bench.error.kind, ERROR_TIMEOUT);
	bench_close(&bench);
}
END_TEST

/* Cut or garbled, an answer is refused or true: never a figure that was not sent. */
START_TEST(a_cut_answer_is_never_a_wrong_one)
{
	struct bench bench;
	struct fault_plan plan = {.inner = &exposition_ops, .seed = 9, .truncate = 1};
	unsigned refused = 0;
	wrap(&bench, &plan);
	for (int i = 0; i < 500; i++) {
		bench.ask.now_ms += 1000;
		if (!bench_accept(&bench, page)) {
			refused++;
			continue;
		}
		double used = bench_value(&bench, ENTITY_REPLICA, "c/r", SIGNAL_POOL_USED);
		ck_assert(isnan(used) || used == 1);
	}
	ck_assert_uint_ge(refused, 300);
	bench_close(&bench);
}
END_TEST

START_TEST(garbles_the_bytes_but_not_the_callers)
{
	struct bench bench;
	struct fault_plan plan = {.inner = &exposition_ops, .seed = 9, .garble = 1};
	unsigned refused = 0;
	wrap(&bench, &plan);
	for (int i = 0; i < 100; i++) {
		bench.ask.now_ms += 1000;
		refused += bench_accept(&bench, page) ? 0 : 1;
		ck_assert_str_eq(bench.answer.bytes, page);
	}
	ck_assert_uint_ge(refused, 50);
	bench_close(&bench);
}
END_TEST

START_TEST(stale_answers_are_older)
{
	struct bench bench;
	struct fault_plan plan = {.inner = &exposition_ops, .stale = 1, .stale_ms = 7000};
	wrap(&bench, &plan);
	ck_assert(bench_accept(&bench, page));
	ck_assert_int_eq(bench.sink.rows[0].at_ms, BENCH_NOW_MS - 7000);
	bench_close(&bench);
}
END_TEST

START_TEST(late_answers_are_asked_for_later)
{
	struct bench bench;
	struct backend_request request = {0};
	struct fault_plan plan = {.inner = &exposition_ops, .delay = 1, .delay_ms = 300};
	wrap(&bench, &plan);
	ck_assert(fault_ops.request(
		bench.instance, &bench.ask, bench.scratch, &request, &bench.error));
	ck_assert_int_eq(request.hold_ms, 300);
	ck_assert_str_eq(request.http.url, "http://h");
	bench_close(&bench);
}
END_TEST

/* Every kind that is answered by a body, with one that a real server sent or that its manual shows.
 */
struct kind_row {
	const struct backend_ops *ops;
	const char *yaml; /* of the source */
	size_t step;
	const char *fixture;
};

#define CORPUS "../../../fuzz/corpus/"

static const struct kind_row kind_rows[] = {
	{&exposition_ops,
		"url: 'http://h', labels: {cluster: c}}\nsignals: {pool.max: {from: s, metric: "
		"haproxy_backend_max_sessions, labels: {replica: proxy}}}",
		0, "haproxy-metrics.txt"},
	{&haproxy_ops, "url: 'http://h/;csv'}", 0, CORPUS "fuzz-haproxy/csv"},
	{&haproxy_ops, "url: 'http://h/metrics'}", 0, "haproxy-metrics.txt"},
	{&pgbouncer_ops, "url: 'postgresql://s@h/pgbouncer', labels: {cluster: c}}", 0,
		"pgbouncer.txt"},
	{&patroni_ops, "url: 'http://h', labels: {cluster: c}}", 0, "patroni-cluster.json"},
	{&patroni_ops, "url: 'http://h', labels: {cluster: c}}", 1, "patroni-replica.json"},
	{&envoy_ops, "url: 'http://h', proxies: {db_east_a: c}}", 0, "envoy-clusters.json"},
	{&alertmanager_ops, "url: 'http://h'}", 0, "alertmanager-alerts.json"},
	{&alertmanager_ops, "url: 'http://h'}", 1, "alertmanager-silences.json"},
	{&kubernetes_ops,
		"url: 'https://h', namespace: data, service: db, workload: statefulsets/db, "
		"labels: {cluster: c}}",
		1, "kubernetes-scale.json"},
	{&kubernetes_ops,
		"url: 'https://h', namespace: data, service: db, workload: statefulsets/db, "
		"labels: {cluster: c}}",
		0, "kubernetes-slices.json"},
	{&json_ops,
		"url: 'http://h', labels: {cluster: c, replica: r}}\nsignals: {replica.lag: {from: "
		"s, pointer: /members/1/lag}}",
		0, "patroni-cluster.json"},
	{&prometheus_ops,
		"url: 'http://h', labels: {cluster: c}}\nsignals: {pool.used: {from: s, query: q, "
		"labels: {replica: server}}}",
		0, "prometheus-vector.json"},
};

static size_t keep_rows(const struct bench *bench, struct observation *out, size_t most)
{
	size_t count = bench->sink.count < most ? bench->sink.count : most;
	for (size_t i = 0; i < count; i++)
		out[i] = bench->sink.rows[i];
	return count;
}

static bool is_among(const struct observation *one, const struct observation *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].entity == one->entity && rows[i].signal == one->signal &&
			!(rows[i].value < one->value) && !(rows[i].value > one->value))
			return true;
	return false;
}

/* Cut anywhere, an answer of any kind says nothing or what the whole one says. */
START_TEST(no_kind_believes_a_cut_answer)
{
	static struct observation whole[512];
	const struct kind_row *row = &kind_rows[_i];
	struct fault_plan plan = {.inner = row->ops, .seed = 5};
	struct bench bench;
	char yaml[512];
	unsigned refused = 0;
	snprintf(yaml, sizeof(yaml), "sources:\n  s: {kind: %s, %s\n", row->ops->name, row->yaml);
	wrap_kind(&bench, yaml, &plan);
	fixture_accept(&bench, row->step, row->fixture);
	size_t count = keep_rows(&bench, whole, 512);
	char *body = fixture_read(row->fixture);
	struct fault_plan cut = {.inner = row->ops, .seed = 5, .truncate = 1};
	bench.source->ops->destroy(bench.instance);
	bench.sources.rows[0].fault = &cut;
	struct backend_setup setup = {bench.source, &bench.sources, BENCH_NOW_MS};
	bench.instance = fault_ops.create(&setup, &bench.error);
	for (int i = 0; i < 200; i++) {
		bench.ask.now_ms += 1000;
		if (!bench_accept(&bench, body)) {
			ck_assert_int_ne(bench.error.kind, ERROR_NONE);
			refused++;
			continue;
		}
		for (size_t j = 0; j < bench.sink.count; j++)
			ck_assert_msg(is_among(&bench.sink.rows[j], whole, count), "%s of %s is %g",
				signal_row(bench.sink.rows[j].signal)->name,
				fleet_entity(bench.fleet, bench.sink.rows[j].entity)->path,
				bench.sink.rows[j].value);
	}
	ck_assert_uint_ge(refused, 100);
	free(body);
	bench_close(&bench);
}
END_TEST

static Suite *fault_suite(void)
{
	Suite *suite = suite_create("fault");
	TCase *tcase = tcase_create("fault");
	tcase_add_test(tcase, without_faults_it_is_the_kind_itself);
	tcase_add_test(tcase, drops_its_share_and_always_the_same);
	tcase_add_test(tcase, a_dropped_answer_is_a_timeout);
	tcase_add_test(tcase, a_cut_answer_is_never_a_wrong_one);
	tcase_add_test(tcase, garbles_the_bytes_but_not_the_callers);
	tcase_add_test(tcase, stale_answers_are_older);
	tcase_add_test(tcase, late_answers_are_asked_for_later);
	tcase_add_loop_test(tcase, no_kind_believes_a_cut_answer, 0,
		(int)(sizeof(kind_rows) / sizeof(kind_rows[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(fault_suite());
}
