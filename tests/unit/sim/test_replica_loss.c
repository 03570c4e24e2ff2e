/*
 * What share/scenarios/replica-loss.yaml promises, over several seeds: the story a console is shown
 * must be the same story whatever the dice say.
 */
#include <math.h>

#include "tests/unit/sim/suite.h"

#define SEEDS 5        /* for what everything rests on */
#define SEEDS_MENDED 2 /* for each way of mending it */
#define EAST_A 0

static struct model *at(uint64_t seed, int64_t ms)
{
	struct scenario scenario = shipped("replica-loss");
	struct model *model = started(&scenario, seed);
	model_advance(model, ms);
	return model;
}

/* Busy connections over the connections of a cluster, over the run so far. */
static double utilisation(const struct model *model, size_t cluster)
{
	double busy_s = 0.0, size = 0.0;
	for (size_t r = 0; r < 4; r++) {
		struct replica_view view = model_replica(model, cluster, r);
		busy_s += view.busy_seconds_total;
		size += (double)view.pool_size;
	}
	return busy_s * 1000.0 / (double)model_now_ms(model) / size;
}

static void check_api_is_clean(const struct model *model)
{
	ck_assert_double_eq(tally_of(model, SURFACE_API).errors, 0.0);
	ck_assert_double_gt(tally_of(model, SURFACE_API).requests, 1000.0);
	check_sane(model);
}

START_TEST(calm_at_first_but_one_loss_is_too_much)
{
	struct model *model = at((uint64_t)_i, 19900);
	double east_a = utilisation(model, EAST_A) * 4.0 / 3.0;
	ck_assert_double_gt(east_a, 1.01);
	ck_assert_double_lt(east_a, 1.10);
	for (size_t c = 1; c < 4; c++) {
		ck_assert_double_gt(utilisation(model, c), 0.68);
		ck_assert_double_lt(utilisation(model, c), 0.80);
	}
	ck_assert_double_eq(tally_of(model, SURFACE_WEB).errors, 0.0);
	ck_assert_int_eq(model_truth(model).trigger_ms, -1);
	model_destroy(model);
}
END_TEST

START_TEST(the_chain_forms_and_outlives_its_cause)
{
	struct model *model = at((uint64_t)_i, 20000);
	model_advance(model, 75000);
	struct model_truth truth = model_truth(model);
	ck_assert_int_eq(truth.trigger_ms, 20000);
	ck_assert_int_ge(truth.first_error_ms, 24000);
	ck_assert_int_le(truth.first_error_ms, 62000);
	ck_assert_double_gt(web_errors_until(model, 140000), 0.12);
	struct cluster_truth east_a = model_cluster_truth(model, EAST_A);
	ck_assert_int_eq(east_a.state, TRUTH_FAILING);
	ck_assert_double_gt(east_a.attempts / east_a.first_tries, 2.0);
	ck_assert_double_lt(east_a.attempts / east_a.first_tries, 3.2);
	for (size_t c = 1; c < 4; c++)
		ck_assert_int_lt(model_cluster_truth(model, c).state, TRUTH_FAILING);
	/* The replica returns at 150 s and takes its share; ten minutes later it is as bad as ever.
	 */
	model_advance(model, 200000);
	for (int64_t minute = 0; minute < 10; minute++) {
		double errors = web_errors_until(model, 200000 + (minute + 1) * 60000);
		ck_assert_double_gt(errors, 0.12);
		ck_assert_double_lt(errors, 0.19);
		east_a = model_cluster_truth(model, EAST_A);
		ck_assert_int_eq(east_a.state, TRUTH_METASTABLE);
		ck_assert_uint_eq(east_a.replicas_serving, 4);
	}
	ck_assert_double_lt(model_truth(model).peak_web_error_ratio, 0.20);
	check_api_is_clean(model);
	model_destroy(model);
}
END_TEST

/* Pools half as large again, while the replica is away and long after it is back. */
START_TEST(resizing_mends_it)
{
	const int64_t moments[] = {80000, 240000};
	for (size_t i = 0; i < COUNT_OF(moments); i++) {
		struct model *model = at((uint64_t)_i, moments[i] - 20000);
		double before = web_errors_until(model, moments[i]);
		ck_assert(model_set_pool_size(model, EAST_A, 30, NULL));
		model_advance(model, moments[i] + 45000);
		double after = web_errors_until(model, moments[i] + 75000);
		ck_assert_double_gt(before, 0.12);
		ck_assert_double_lt(after, 0.03);
		model_advance(model, 300000 + moments[i]);
		ck_assert_int_lt(model_cluster_truth(model, EAST_A).state, TRUTH_FAILING);
		check_api_is_clean(model);
		model_destroy(model);
	}
}
END_TEST

START_TEST(a_timid_resize_does_not_mend_it)
{
	struct model *model = at((uint64_t)_i, 240000);
	ck_assert(model_set_pool_size(model, EAST_A, 22, NULL));
	model_advance(model, 300000);
	ck_assert_double_gt(web_errors_until(model, 330000), 0.10);
	model_destroy(model);
}
END_TEST

START_TEST(a_small_divert_first_eases_and_the_resize_then_mends)
{
	struct model *model = at((uint64_t)_i, 240000);
	double before = web_errors_until(model, 260000);
	ck_assert(model_set_weight(model, EAST_A, 20.0, NULL));
	model_advance(model, 290000);
	double eased = web_errors_until(model, 310000);
	ck_assert_double_lt(eased, before - 0.01);
	ck_assert_double_gt(eased, 0.05);
	ck_assert(model_set_pool_size(model, EAST_A, 30, NULL));
	model_advance(model, 360000);
	ck_assert_double_lt(web_errors_until(model, 400000), 0.005);
	for (size_t c = 1; c < 4; c++)
		ck_assert_int_lt(model_cluster_truth(model, c).state, TRUTH_FAILING);
	check_api_is_clean(model);
	model_destroy(model);
}
END_TEST

/* What guards must refuse: half of east-a's weight would fill the others past 85 %. */
START_TEST(a_large_divert_overfills_the_others_and_a_small_one_does_not)
{
	const double weights[] = {13.0, 20.0};
	double worst[2] = {0.0, 0.0};
	for (size_t i = 0; i < COUNT_OF(weights); i++) {
		struct scenario scenario = shipped("replica-loss");
		scenario.event_count = 0;
		scenario.clusters[EAST_A].weight = weights[i];
		struct model *model = started(&scenario, (uint64_t)_i);
		model_advance(model, 60000);
		for (size_t c = 1; c < 4; c++)
			worst[i] = fmax(worst[i], utilisation(model, c));
		model_destroy(model);
	}
	ck_assert_double_gt(worst[0], 0.85);
	ck_assert_double_lt(worst[1], 0.85);
}
END_TEST

START_TEST(calming_retries_mends_it_too)
{
	struct model *model = at((uint64_t)_i, 240000);
	ck_assert(model_set_retry_limit(model, 0.1, NULL));
	model_advance(model, 290000);
	ck_assert_double_lt(web_errors_until(model, 320000), 0.01);
	model_destroy(model);
}
END_TEST

int main(void)
{
	const TTest *const story[] = {
		calm_at_first_but_one_loss_is_too_much, the_chain_forms_and_outlives_its_cause};
	const TTest *const mended[] = {resizing_mends_it, a_timid_resize_does_not_mend_it,
		a_small_divert_first_eases_and_the_resize_then_mends,
		a_large_divert_overfills_the_others_and_a_small_one_does_not,
		calming_retries_mends_it_too};
	Suite *suite = suite_create("replica-loss");
	TCase *tcase = tcase_create("over seeds");
	tcase_set_timeout(tcase, CASE_TIMEOUT_S);
	for (size_t i = 0; i < COUNT_OF(story); i++)
		tcase_add_loop_test(tcase, story[i], 1, SEEDS + 1);
	for (size_t i = 0; i < COUNT_OF(mended); i++)
		tcase_add_loop_test(tcase, mended[i], 1, SEEDS_MENDED + 1);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
