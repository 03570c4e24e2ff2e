#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "core/assess/trip.h"

static const struct trip_rule rule = {2, 5000};

/* One step per second; `levels` is read letter by letter: a above, b below, - between, ? unknown.
 */
static void play(struct trip *trip, const char *levels, int64_t *now_ms)
{
	for (const char *c = levels; *c; c++) {
		enum trip_level level = *c == 'a'   ? TRIP_ABOVE
					: *c == 'b' ? TRIP_BELOW
					: *c == '?' ? TRIP_UNKNOWN
						    : TRIP_BETWEEN;
		*now_ms += 1000;
		trip_step(trip, &rule, level, *now_ms, *now_ms);
	}
}

START_TEST(on_and_off)
{
	static const struct {
		const char *levels;
		bool on;
		int64_t onset_ms; /* while on */
	} rows[] = {
		{"", false, 0},
		{"a", false, 0},
		{"aa", true, 1000},
		{"a-a", false, 0}, /* not in a row */
		{"aba", false, 0},
		{"a?a", true, 1000}, /* what is unknown changes nothing */
		{"bbaa", true, 3000},
		{"aabbbbb", true, 1000}, /* calm, not yet for long enough */
		{"aabbbbbb", false, 0},
		{"aabbb-bbb", true, 1000},
		{"aabbb-bbbb", false, 0}, /* time in between counts for neither */
		{"aabbbabbbbb", true, 1000},
		{"aabbb?bbb", true, 1000},
		{"aabbb?bbbb", false, 0},
		{"aa????????????", true, 1000},
		{"aabbbbbbaa", true, 9000},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct trip trip = {0};
		int64_t now_ms = 0;
		play(&trip, rows[i].levels, &now_ms);
		ck_assert_msg(trip.on == rows[i].on, "%s", rows[i].levels);
		ck_assert_msg(!trip.on || trip.onset_ms == rows[i].onset_ms, "%s: %lld",
			rows[i].levels, (long long)trip.onset_ms);
	}
}
END_TEST

START_TEST(one_sample_counts_once)
{
	struct trip trip = {0};
	for (int64_t now_ms = 1000; now_ms < 2000; now_ms += 100)
		trip_step(&trip, &rule, TRIP_ABOVE, 1000, now_ms);
	ck_assert(!trip.on);
	trip_step(&trip, &rule, TRIP_ABOVE, 2000, 2000);
	ck_assert(trip.on);
	ck_assert_int_eq(trip.onset_ms, 1000);
}
END_TEST

START_TEST(levels)
{
	ck_assert_int_eq(trip_level(1, 1, 0.5), TRIP_ABOVE);
	ck_assert_int_eq(trip_level(0.7, 1, 0.5), TRIP_BETWEEN);
	ck_assert_int_eq(trip_level(0.5, 1, 0.5), TRIP_BETWEEN);
	ck_assert_int_eq(trip_level(0.4, 1, 0.5), TRIP_BELOW);
	ck_assert_int_eq(trip_level(NAN, 1, 0.5), TRIP_UNKNOWN);
	ck_assert_int_eq(trip_level(2, NAN, 0.5), TRIP_UNKNOWN);
	ck_assert_int_eq(trip_level(INFINITY, 1, 0.5), TRIP_ABOVE);
}
END_TEST

START_TEST(samples_half_a_second_apart_count)
{
	static const struct trip_rule two = {2, 1000};
	struct trip trip = {0};
	trip_step(&trip, &two, TRIP_ABOVE, 10000, 10000);
	trip_step(&trip, &two, TRIP_ABOVE, 10499, 10500);
	ck_assert(!trip.on);
	trip_step(&trip, &two, TRIP_ABOVE, 10500, 10750);
	ck_assert(trip.on);
	ck_assert_int_eq(trip.onset_ms, 10000);
}
END_TEST

static Suite *trip_suite(void)
{
	Suite *suite = suite_create("trip");
	TCase *cases = tcase_create("trip");
	tcase_add_test(cases, on_and_off);
	tcase_add_test(cases, one_sample_counts_once);
	tcase_add_test(cases, levels);
	tcase_add_test(cases, samples_half_a_second_apart_count);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(trip_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
