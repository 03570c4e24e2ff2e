#include "backends/schedule.h"

#include "tests/unit/backends/bench.h"

#define NOW_MS BENCH_NOW_MS

START_TEST(keeps_a_target_on_its_own_grid)
{
	static const int64_t intervals_ms[] = {100, 500, 1000, 5000, 3600000};
	for (size_t i = 0; i < sizeof(intervals_ms) / sizeof(intervals_ms[0]); i++) {
		int64_t every_ms = intervals_ms[i], at_ms = NOW_MS;
		uint64_t hash = hash_string(HASH_START, "page/east-a/r1");
		int64_t phase_ms = -1;
		for (int turn = 0; turn < 50; turn++) {
			int64_t next_ms = schedule_next_ms(hash, every_ms, 0, at_ms, at_ms + 20);
			ck_assert_int_gt(next_ms, at_ms + 20);
			ck_assert_int_gt(next_ms, at_ms + every_ms / 2);
			ck_assert_int_le(next_ms, at_ms + every_ms * 2);
			ck_assert(phase_ms < 0 || next_ms % every_ms == phase_ms);
			ck_assert(phase_ms < 0 || next_ms == at_ms + every_ms);
			phase_ms = next_ms % every_ms;
			at_ms = next_ms;
		}
	}
}
END_TEST

START_TEST(a_slow_answer_skips_turns_and_keeps_the_grid)
{
	uint64_t hash = hash_string(HASH_START, "x");
	int64_t first_ms = schedule_next_ms(hash, 1000, 0, NOW_MS, NOW_MS + 10);
	int64_t next_ms = schedule_next_ms(hash, 1000, 0, first_ms, first_ms + 3500);
	ck_assert_int_eq(next_ms, first_ms + 4000);
}
END_TEST

START_TEST(spreads_targets_over_the_interval)
{
	unsigned tenths[10] = {0};
	for (int i = 0; i < 1000; i++) {
		char name[32];
		snprintf(name, sizeof(name), "page/%d", i);
		int64_t next_ms =
			schedule_next_ms(hash_string(HASH_START, name), 1000, 0, NOW_MS, NOW_MS);
		tenths[next_ms % 1000 / 100]++;
		int64_t first_ms = schedule_first_ms(hash_string(HASH_START, name), 1000);
		ck_assert_int_ge(first_ms, 0);
		ck_assert_int_lt(first_ms, SCHEDULE_START_MS);
	}
	for (size_t i = 0; i < 10; i++)
		ck_assert_msg(tenths[i] > 60 && tenths[i] < 140, "tenth %zu has %u", i, tenths[i]);
	ck_assert_int_lt(schedule_first_ms(HASH_START, 100), 100);
}
END_TEST

START_TEST(places_are_apart)
{
	for (int64_t every_ms = 1; every_ms < 2000; every_ms += 7)
		for (uint64_t i = 0; i < 100; i++) {
			uint64_t hash = hash_bytes(HASH_START, &i, sizeof(i));
			int64_t at_ms = schedule_next_ms(hash, every_ms, 0, NOW_MS, NOW_MS);
			ck_assert_int_gt(at_ms, NOW_MS);
			if (every_ms >= 2 * SCHEDULE_PLACE_MS)
				ck_assert_int_eq(at_ms % every_ms % SCHEDULE_PLACE_MS, 0);
		}
}
END_TEST

struct backoff_row {
	int64_t every_ms;
	uint32_t failures;
	int64_t most_ms; /* and at least four fifths of it */
};

static const struct backoff_row backoff_rows[] = {
	{1000, 1, 1000},
	{1000, 2, 2000},
	{1000, 3, 4000},
	{1000, 4, 8000},
	{1000, 5, 8000},
	{1000, UINT32_MAX, 8000},
	{10000, 4, 60000},
	{3600000, 1, 3600000},
	{3600000, 9, 3600000},
	{100, 1, 100},
};

START_TEST(backs_off_with_jitter)
{
	const struct backoff_row *row = &backoff_rows[_i];
	int64_t shortest_ms = INT64_MAX, longest_ms = 0;
	for (uint64_t i = 0; i < 200; i++) {
		uint64_t hash = hash_bytes(HASH_START, &i, sizeof(i));
		int64_t wait_ms =
			schedule_next_ms(hash, row->every_ms, row->failures, NOW_MS - 900, NOW_MS) -
			NOW_MS;
		ck_assert_int_eq(wait_ms,
			schedule_next_ms(hash, row->every_ms, row->failures, NOW_MS - 900, NOW_MS) -
				NOW_MS);
		shortest_ms = wait_ms < shortest_ms ? wait_ms : shortest_ms;
		longest_ms = wait_ms > longest_ms ? wait_ms : longest_ms;
	}
	ck_assert_int_le(longest_ms, row->most_ms);
	ck_assert_int_ge(shortest_ms, row->most_ms / 5 * 4);
	ck_assert_int_gt(longest_ms - shortest_ms, row->most_ms / 10);
}
END_TEST

static Suite *schedule_suite(void)
{
	Suite *suite = suite_create("schedule");
	TCase *tcase = tcase_create("schedule");
	tcase_add_test(tcase, keeps_a_target_on_its_own_grid);
	tcase_add_test(tcase, a_slow_answer_skips_turns_and_keeps_the_grid);
	tcase_add_test(tcase, spreads_targets_over_the_interval);
	tcase_add_test(tcase, places_are_apart);
	tcase_add_loop_test(tcase, backs_off_with_jitter, 0,
		(int)(sizeof(backoff_rows) / sizeof(backoff_rows[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(schedule_suite());
}
