/* Means over what was said lately, against the same means taken the slow way. */
#include "core/assess/window.h"

#include "box.h"

struct bench {
	struct fleet *fleet;
	struct store *store;
	struct history *history;
	struct snapshot *snapshot;
	struct windows windows;
	uint32_t replica;
	uint16_t source;
	bool keeps_history;
};

static void bench_init(struct bench *bench, bool keeps_history)
{
	struct error error = {0};
	uint32_t cluster = ENTITY_NONE;
	*bench = (struct bench){.keeps_history = keeps_history};
	bench->fleet = fleet_create();
	bench->store = store_create(bench->fleet);
	bench->history = history_create(1000, 1 << 20);
	ck_assert(fleet_intern(bench->fleet, ENTITY_CLUSTER, ENTITY_ROOT, "a", &cluster, &error));
	ck_assert(
		fleet_intern(bench->fleet, ENTITY_REPLICA, cluster, "r", &bench->replica, &error));
	ck_assert(store_add_source(bench->store, "s", "k", 1000, &bench->source, &error));
	ck_assert(windows_reserve(&bench->windows, fleet_count(bench->fleet)));
}

static void bench_finish(struct bench *bench)
{
	windows_finish(&bench->windows);
	snapshot_destroy(bench->snapshot);
	history_destroy(bench->history);
	store_destroy(bench->store);
	fleet_destroy(bench->fleet);
}

static void say(struct bench *bench, int64_t at_ms, double value)
{
	struct error error = {0};
	ck_assert(store_put(bench->store, bench->replica, SIGNAL_POOL_BUSY, value, at_ms, 1000,
		bench->source, &error));
	history_append(bench->history, bench->replica, SIGNAL_POOL_BUSY, at_ms, value);
}

static struct window_mean mean(
	struct bench *bench, int64_t now_ms, int64_t span_ms, int64_t since_ms)
{
	struct window_mean out;
	snapshot_destroy(bench->snapshot);
	bench->snapshot = store_seal(bench->store, now_ms);
	const struct scene scene = {
		bench->snapshot, bench->keeps_history ? bench->history : NULL, &bench->windows};
	windows_mean(&scene, bench->replica, SIGNAL_POOL_BUSY, span_ms, since_ms, &out);
	return out;
}

static const int64_t spans_ms[] = {1000, 10000, 30000, 60000, 64000};
#define SPANS (sizeof(spans_ms) / sizeof(spans_ms[0]))

START_TEST(means_are_those_of_the_samples)
{
	double values[500];
	struct bench bench;
	bench_init(&bench, _i);
	for (int i = 0; i < 500; i++) {
		values[i] = (i * 7919) % 101 + 0.25;
		say(&bench, 1000000 + 1000 * i, values[i]);
		for (size_t j = 0; j < SPANS; j++) {
			int count = (int)(spans_ms[j] / 1000) < i + 1 ? (int)(spans_ms[j] / 1000)
								      : i + 1;
			double sum = 0;
			for (int k = 0; k < count; k++)
				sum += values[i - k];
			struct window_mean got = mean(&bench, 1000000 + 1000 * i, spans_ms[j], 0);
			ck_assert_double_eq_tol(got.value, sum / count, 1e-9);
			ck_assert_double_eq(got.seconds, count);
		}
	}
	bench_finish(&bench);
}
END_TEST

START_TEST(a_step_is_not_averaged_over)
{
	struct bench bench;
	bench_init(&bench, true);
	for (int i = 0; i < 100; i++)
		say(&bench, 1000000 + 1000 * i, i < 95 ? 10 : 20);
	ck_assert_double_eq(mean(&bench, 1099000, 60000, 1094000).value, 20);
	ck_assert_double_eq(mean(&bench, 1099000, 10000, 1094000).seconds, 5);
	ck_assert_double_eq(mean(&bench, 1099000, 10000, 0).value, 15);
	/* Nothing since: the latest stands for it. */
	ck_assert_double_eq(mean(&bench, 1099000, 60000, 1099000).value, 20);
	ck_assert_double_eq(mean(&bench, 1099000, 60000, 1099000).seconds, 1);
	bench_finish(&bench);
}
END_TEST

/* What nobody looked at when it was said is fetched: at the beginning, and after a pause. */
START_TEST(history_fills_the_gaps)
{
	struct bench bench;
	bench_init(&bench, true);
	for (int i = 0; i < 200; i++) {
		say(&bench, 1000000 + 1000 * i, i % 2 ? 30 : 10);
		if (i == 80 || i == 140 || i == 199)
			ck_assert_double_eq(mean(&bench, 1000000 + 1000 * i, 60000, 0).value, 20);
	}
	/* Long silence empties it. */
	say(&bench, 2000000, 7);
	ck_assert_double_eq(mean(&bench, 2000000, 60000, 0).value, 7);
	ck_assert_double_eq(mean(&bench, 2000000, 60000, 0).seconds, 1);
	bench_finish(&bench);
}
END_TEST

/* After a step of twelve seconds ago a mean is of twelve, as of any other number. */
START_TEST(a_step_may_be_any_number_of_seconds_ago)
{
	struct bench bench;
	bench_init(&bench, true);
	for (int i = 0; i < 100; i++)
		say(&bench, 1000000 + 1000 * i, i);
	for (int ago = 1; ago < 64; ago++) {
		struct window_mean got =
			mean(&bench, 1099000, 64000, 1099000 - 1000 * (int64_t)ago);
		ck_assert_double_eq(got.seconds, ago);
		ck_assert_double_eq_tol(got.value, 99 - (ago - 1) / 2.0, 1e-9);
	}
	bench_finish(&bench);
}
END_TEST

/* What was said after a snapshot was taken is not in its means, if only by a millisecond. */
START_TEST(a_snapshot_knows_nothing_of_what_came_after)
{
	struct bench bench;
	bench_init(&bench, true);
	say(&bench, 1000000, 10);
	mean(&bench, 1000000, 60000, 0);
	for (int i = 1; i <= 10; i++)
		say(&bench, 1000000 + 1000 * i, 10);
	history_append(bench.history, bench.replica, SIGNAL_POOL_BUSY, 1010001, 1000);
	ck_assert_double_eq(mean(&bench, 1010000, 60000, 0).value, 10);
	ck_assert_double_eq(mean(&bench, 1010000, 60000, 0).seconds, 11);
	bench_finish(&bench);
}
END_TEST

/* Where entities are added all that was said of the others stays, and room is made for half as
 * many again: one that is found at a time is not worth a copy of all. */
START_TEST(a_fleet_may_grow)
{
	struct bench bench;
	bench_init(&bench, false);
	for (int i = 0; i < 30; i++) {
		say(&bench, 1000000 + 1000 * i, i);
		mean(&bench, 1000000 + 1000 * i, 60000, 0);
	}
	ck_assert(windows_reserve(&bench.windows, 100));
	ck_assert_uint_eq(bench.windows.entity_count, 100);
	ck_assert_double_eq(mean(&bench, 1029000, 60000, 0).value, 14.5);
	ck_assert(windows_reserve(&bench.windows, 101));
	ck_assert_uint_eq(bench.windows.entity_count, 150);
	ck_assert_double_eq(mean(&bench, 1029000, 20000, 0).value, 19.5);
	for (int i = 30; i < 80; i++) {
		say(&bench, 1000000 + 1000 * i, i);
		mean(&bench, 1000000 + 1000 * i, 60000, 0);
	}
	/* Of what was said before, ten seconds are still among the last sixty. */
	ck_assert_double_eq_tol(mean(&bench, 1079000, 60000, 0).value, 49.5, 1e-9);
	ck_assert_double_eq(mean(&bench, 1079000, 60000, 0).seconds, 60);
	bench_finish(&bench);
}
END_TEST

/* Every signal of every entity has a window of its own, from the first to the last there is room
 * for. */
START_TEST(each_has_its_own)
{
	static const enum signal signals[] = {SIGNAL_REPLICA_QUERIES, SIGNAL_POOL_USED,
		SIGNAL_POOL_BUSY, SIGNAL_POOL_WAITING, SIGNAL_POOL_WAIT};
	const size_t count = sizeof(signals) / sizeof(signals[0]);
	struct bench bench;
	struct error error = {0};
	bench_init(&bench, false);
	for (int i = 0; i < 20; i++) {
		int64_t at_ms = 1000000 + 1000 * i;
		for (uint32_t id = 1; id <= bench.replica; id++) {
			for (size_t j = id == bench.replica ? 0 : 1; j < count; j++)
				ck_assert(store_put(bench.store, id, signals[j],
					100.0 * id + 10 * (double)j + i % 2, at_ms, 1000,
					bench.source, &error));
		}
		snapshot_destroy(bench.snapshot);
		bench.snapshot = store_seal(bench.store, at_ms);
		const struct scene scene = {bench.snapshot, NULL, &bench.windows};
		for (uint32_t id = 1; id <= bench.replica; id++) {
			for (size_t j = id == bench.replica ? 0 : 1; j < count; j++) {
				struct window_mean got;
				windows_mean(&scene, id, signals[j], 10000, 0, &got);
				ck_assert_double_eq(got.seconds, i < 10 ? i + 1 : 10);
				if (i % 2)
					ck_assert_double_eq_tol(
						got.value, 100.0 * id + 10 * (double)j + 0.5, 1e-9);
			}
		}
	}
	ck_assert_uint_eq(bench.windows.entity_count, bench.replica + 1);
	bench_finish(&bench);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("window");
	TCase *tests = tcase_create("window");
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, means_are_those_of_the_samples, 0, 2);
	tcase_add_test(tests, a_step_is_not_averaged_over);
	tcase_add_test(tests, history_fills_the_gaps);
	tcase_add_test(tests, a_step_may_be_any_number_of_seconds_ago);
	tcase_add_test(tests, a_snapshot_knows_nothing_of_what_came_after);
	tcase_add_test(tests, a_fleet_may_grow);
	tcase_add_test(tests, each_has_its_own);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
