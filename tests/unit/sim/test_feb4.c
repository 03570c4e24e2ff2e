/*
 * What share/scenarios/feb4.yaml and calm.yaml promise when nobody acts.
 */
#include <math.h>

#include "tests/unit/sim/suite.h"

#define MINUTE_MS 60000

START_TEST(feb4_has_the_published_shape)
{
	struct scenario scenario = shipped("feb4");
	struct model *model = started(&scenario, (uint64_t)_i);
	int64_t first_ms = -1, last_ms = -1;
	for (int64_t ms = 10000; ms <= scenario.lasts_ms; ms += 10000) {
		model_advance(model, ms);
		if (model_truth(model).error_ratio >= 0.005) {
			first_ms = first_ms < 0 ? ms : first_ms;
			last_ms = ms;
		}
	}
	struct model_truth truth = model_truth(model);
	ck_assert_int_eq(truth.trigger_ms, 2 * MINUTE_MS);
	ck_assert_int_ge(first_ms, truth.trigger_ms);
	ck_assert_int_le(first_ms, truth.trigger_ms + MINUTE_MS);
	double minutes = (double)(last_ms - truth.trigger_ms) / MINUTE_MS;
	ck_assert_double_gt(minutes, 51.0);
	ck_assert_double_lt(minutes, 55.0);
	ck_assert_double_gt(truth.peak_error_ratio, 0.16);
	ck_assert_double_lt(truth.peak_error_ratio, 0.20);
	ck_assert_double_gt(truth.peak_web_error_ratio, truth.peak_error_ratio);
	ck_assert_double_eq(tally_of(model, SURFACE_API).errors, 0.0);
	ck_assert_double_lt(truth.error_ratio, 0.001);
	check_sane(model);
	model_destroy(model);
}
END_TEST

/* Mended, but what stands behind needs a while: errors without failed session checks. */
START_TEST(downstream_scales_back_up_slowly)
{
	struct scenario scenario = shipped("feb4");
	struct model *model = started(&scenario, 5);
	model_advance(model, 52 * MINUTE_MS + 30000);
	struct cluster_truth east_a = model_cluster_truth(model, 0);
	ck_assert_double_lt(east_a.failures, 0.01 * east_a.first_tries);
	ck_assert_double_gt(east_a.web_errors, 0.05 * east_a.web_requests);
	model_advance(model, 59 * MINUTE_MS);
	ck_assert_double_lt(model_cluster_truth(model, 0).web_errors, 0.5);
	model_destroy(model);
}
END_TEST

START_TEST(calm_stays_calm)
{
	struct scenario scenario = shipped("calm");
	struct model *model = started(&scenario, (uint64_t)_i);
	int saturated = 0, looks = 0;
	for (int64_t ms = 5000; ms <= 4 * MINUTE_MS; ms += 5000) {
		model_advance(model, ms);
		for (size_t c = 0; c < scenario.cluster_count; c++, looks++)
			saturated += model_cluster_truth(model, c).state != TRUTH_NORMAL;
	}
	ck_assert_int_lt(saturated * 50, looks);
	ck_assert_double_eq(tally_of(model, SURFACE_WEB).errors, 0.0);
	ck_assert_int_eq(model_truth(model).trigger_ms, -1);
	model_destroy(model);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("feb4");
	TCase *tcase = tcase_create("over seeds");
	tcase_set_timeout(tcase, CASE_TIMEOUT_S);
	tcase_add_loop_test(tcase, feb4_has_the_published_shape, 1, 2);
	tcase_add_loop_test(tcase, calm_stays_calm, 1, 3);
	tcase_add_test(tcase, downstream_scales_back_up_slowly);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
