#include "backends/fault.h"

#include "tests/unit/backends/bench.h"

static const char fleet_file[] =
	"sources: {page: {kind: exposition, url: 'http://h', labels: {cluster: c, replica: r}}}\n"
	"signals: {pool.used: {from: page, metric: used}}\n";

static const char page[] = "used 1\nother{label=\"value\"} 12345\nmore 6789\n";

/* The same bench with its kind wrapped. */
static void wrap(struct bench *bench, const struct fault_plan *plan)
{
	bench_open(bench, fleet_file);
	bench->source->ops->destroy(bench->instance);
	bench->sources.rows[0].ops = &fault_ops;
	bench->sources.rows[0].fault = plan;
	struct backend_setup setup = {bench->source, &bench->sources, BENCH_NOW_MS};
	bench->instance = fault_ops.create(&setup, &bench->error);
	ck_assert_ptr_nonnull(bench->instance);
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
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(fault_suite());
}
