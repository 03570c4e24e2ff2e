#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "core/fleet/history.h"
#include "core/fleet/samples.h"

/* Expected figures are worked out by hand from the formulas; tests/e2e/test_parity.sh asks a real
 * server. */

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))
#define SAMPLES_MOST 8

static bool same(double a, double b)
{
	return fabs(a - b) <= 1e-9 * fmax(1, fabs(b));
}

START_TEST(increases)
{
	static const struct {
		const char *what;
		size_t count;
		struct sample samples[SAMPLES_MOST];
		int64_t from_ms, until_ms;
		bool known;
		double increase;
	} rows[] = {
		{"nothing", 0, {{0, 0}}, 0, 60000, false, 0},
		{"one sample", 1, {{30000, 5}}, 0, 60000, false, 0},
		{"from edge to edge", 3, {{0, 100}, {30000, 130}, {60000, 160}}, 0, 60000, true,
			60},
		{"to both near edges", 3, {{10000, 1000}, {30000, 1030}, {50000, 1060}}, 0, 60000,
			true, 90},
		{"by half a spacing to far ones", 3,
			{{100000, 1000}, {110000, 1010}, {120000, 1020}}, 0, 300000, true, 30},
		{"near up to 1.1 spacings", 2, {{10900, 1000}, {20900, 1010}}, 0, 20900, true,
			20.9},
		{"not below zero", 3, {{20000, 10}, {40000, 30}, {60000, 50}}, 0, 60000, true, 50},
		{"a reset begins at zero", 4, {{0, 100}, {20000, 120}, {40000, 5}, {60000, 25}}, 0,
			60000, true, 45},
		{"two resets", 4, {{0, 50}, {20000, 10}, {40000, 30}, {60000, 4}}, 0, 60000, true,
			34},
		{"standing still", 3, {{0, 7}, {30000, 7}, {60000, 7}}, 0, 60000, true, 0},
		{"unknown within", 3, {{0, 7}, {30000, NAN}, {60000, NAN}}, 0, 60000, false, 0},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		double increase = -1;
		bool known = samples_increase(rows[i].samples, rows[i].count, rows[i].from_ms,
			rows[i].until_ms, &increase);
		ck_assert_msg(known == rows[i].known, "%s", rows[i].what);
		ck_assert_msg(known ? same(increase, rows[i].increase) : same(increase, -1),
			"%s: %g", rows[i].what, increase);
	}
}
END_TEST

START_TEST(lines)
{
	/* y = 1, 3, 2, 6 at 0, 1, 2, 3 s: slope 1.4, at 3 s 5.1; residuals .1 .7 -1.7 .9 */
	static const struct sample samples[] = {
		{1770000000000, 1}, {1770000001000, 3}, {1770000002000, 2}, {1770000003000, 6}};
	struct samples_line line = {0};
	ck_assert(!samples_fit(samples, 0, 0, &line));
	ck_assert(!samples_fit(samples, 1, 0, &line));
	ck_assert(samples_fit(samples, 4, samples[3].at_ms, &line));
	ck_assert(same(line.slope, 1.4));
	ck_assert(same(line.level, 5.1));
	ck_assert(same(line.slope_error, sqrt((0.01 + 0.49 + 2.89 + 0.81) / 2 / 5)));
	ck_assert_uint_eq(line.count, 4);
	ck_assert(samples_fit(samples, 2, samples[0].at_ms, &line));
	ck_assert(same(line.slope, 2) && same(line.level, 1) && isnan(line.slope_error));
	const struct sample flat[] = {{1000, 4}, {2000, 4}, {9000, 4}};
	ck_assert(samples_fit(flat, 3, 9000, &line));
	ck_assert(same(line.slope, 0) && same(line.level, 4) && same(line.slope_error, 0));
	const struct sample holed[] = {{1000, 4}, {2000, NAN}, {9000, 4}};
	ck_assert(!samples_fit(holed, 3, 9000, &line));
	const struct sample at_once[] = {{1000, 4}, {1000, 5}};
	ck_assert(!samples_fit(at_once, 2, 1000, &line));
}
END_TEST

START_TEST(quantiles)
{
	static const struct {
		const char *what;
		size_t count;
		struct samples_bucket buckets[5];
		double share, expected;
	} rows[] = {
		{"inside", 3, {{1, 10}, {2, 30}, {INFINITY, 40}}, 0.5, 1.5},
		{"in the first, from zero", 3, {{1, 10}, {2, 30}, {INFINITY, 40}}, 0.125, 0.5},
		{"on a bound", 3, {{1, 10}, {2, 30}, {INFINITY, 40}}, 0.75, 2},
		{"beyond the last bound", 3, {{1, 10}, {2, 30}, {INFINITY, 40}}, 0.99, 2},
		{"in any order", 3, {{INFINITY, 40}, {2, 30}, {1, 10}}, 0.5, 1.5},
		{"of one bound twice", 4, {{1, 4}, {1, 6}, {2, 30}, {INFINITY, 40}}, 0.5, 1.5},
		{"that fall", 4, {{1, 10}, {2, 30}, {3, 25}, {INFINITY, 40}}, 0.5, 1.5},
		{"below zero", 3, {{-1, 10}, {2, 30}, {INFINITY, 40}}, 0.1, -1},
		{"of everything", 2, {{1, 10}, {INFINITY, 10}}, 1, 1},
		{"of nothing seen", 2, {{1, 0}, {INFINITY, 0}}, 0.5, NAN},
		{"without an end", 2, {{1, 10}, {2, 30}}, 0.5, NAN},
		{"of one bucket", 1, {{INFINITY, 30}}, 0.5, NAN},
		{"of none", 0, {{0, 0}}, 0.5, NAN},
		{"with a hole", 3, {{1, NAN}, {2, 30}, {INFINITY, 40}}, 0.5, NAN},
		{"of more than all", 2, {{1, 10}, {INFINITY, 10}}, 1.5, NAN},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct samples_bucket buckets[5];
		for (size_t j = 0; j < COUNT_OF(buckets); j++)
			buckets[j] = rows[i].buckets[j];
		double got = samples_quantile(buckets, rows[i].count, rows[i].share);
		bool good = isnan(rows[i].expected) ? isnan(got) : same(got, rows[i].expected);
		ck_assert_msg(good, "%s: %g", rows[i].what, got);
	}
}
END_TEST

START_TEST(burns)
{
	ck_assert(same(samples_burn(1, 1000, 0.999), 1));
	ck_assert(same(samples_burn(18, 100, 0.999), 180));
	ck_assert(same(samples_burn(0, 5, 0.999), 0));
	ck_assert(isnan(samples_burn(0, 0, 0.999)));
	ck_assert(isnan(samples_burn(NAN, 10, 0.999)));
	ck_assert(isnan(samples_burn(1, NAN, 0.999)));
}
END_TEST

static Suite *samples_suite(void)
{
	Suite *suite = suite_create("samples");
	TCase *cases = tcase_create("samples");
	tcase_add_test(cases, increases);
	tcase_add_test(cases, lines);
	tcase_add_test(cases, quantiles);
	tcase_add_test(cases, burns);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(samples_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
