#include "backends/sim/model.h"

#include <math.h>

#include "tests/unit/sim/suite.h"

/* The fleet of the studies: 4 replicas with 20 connections, reads of 20 ms, three tries. */
static struct scenario studied(double rho_after_loss)
{
	struct scenario scenario;
	scenario_init(&scenario);
	scenario.cluster_count = 1;
	scenario.web_per_second = rho_after_loss * 3000.0;
	struct scenario_cluster *cluster = &scenario.clusters[0];
	snprintf(cluster->name, sizeof cluster->name, "a");
	snprintf(cluster->region, sizeof cluster->region, "x");
	cluster->weight = 1.0;
	cluster->replica_count = 4;
	for (size_t r = 0; r < 4; r++)
		snprintf(cluster->replicas[r], sizeof cluster->replicas[r], "r%zu", r + 1);
	cluster->pool = (struct scenario_pool){.size = 20,
		.clients_max = SCENARIO_CLIENTS_MOST,
		.connections_max = 100,
		.knee = 100,
		.service_time_ms = 20};
	return scenario;
}

/* Everything that can be counted, as one text. */
static void describe(const struct model *model, struct text *out)
{
	for (size_t c = 0; c < model_scenario(model)->cluster_count; c++) {
		struct auth_view auth = model_auth(model, c);
		text_printf(out, "%llu %llu %llu %llu\n",
			(unsigned long long)auth.first_tries_total,
			(unsigned long long)auth.attempts_total,
			(unsigned long long)auth.failures_total,
			(unsigned long long)auth.timed_out_total);
		for (size_t r = 0; r < model_scenario(model)->clusters[c].replica_count; r++) {
			struct replica_view view = model_replica(model, c, r);
			text_printf(out, "%llu %a %a %a\n", (unsigned long long)view.queries_total,
				view.busy_seconds_total, view.duration_seconds_total,
				view.wait_seconds_total);
		}
		for (int s = 0; s < SURFACE_COUNT; s++) {
			struct surface_view view = model_surface(model, c, (enum surface)s);
			text_printf(out, "%llu %llu %a\n", (unsigned long long)view.ok_total,
				(unsigned long long)view.error_total, view.latency_seconds_total);
		}
	}
}

START_TEST(the_same_seed_is_the_same_run_however_time_is_cut)
{
	struct scenario scenario = shipped("replica-loss");
	struct text a, b, other;
	struct model *whole = started(&scenario, 11);
	struct model *pieces = started(&scenario, 11);
	struct model *different = started(&scenario, 12);
	text_init(&a, 1 << 20);
	text_init(&b, 1 << 20);
	text_init(&other, 1 << 20);
	model_advance(whole, 60000);
	for (int64_t ms = 0; ms <= 60000; ms += 37)
		model_advance(pieces, ms);
	model_advance(pieces, 60000);
	model_advance(different, 60000);
	describe(whole, &a);
	describe(pieces, &b);
	describe(different, &other);
	ck_assert_str_eq(text_string(&a), text_string(&b));
	ck_assert_str_ne(text_string(&a), text_string(&other));
	ck_assert_uint_eq(model_events(whole), model_events(pieces));
	model_destroy(whole);
	model_destroy(pieces);
	model_destroy(different);
	text_finish(&a);
	text_finish(&b);
	text_finish(&other);
}
END_TEST

/* Every kind of change, often and at random, and nothing is ever lost. */
START_TEST(nothing_is_lost_whatever_is_done)
{
	struct scenario scenario = shipped("feb4");
	struct model *model = started(&scenario, (uint64_t)_i + 1);
	uint64_t dice = (uint64_t)_i * 977 + 13;
	for (int64_t ms = 0; ms < 120000; ms += 100) {
		dice = dice * 6364136223846793005U + 1442695040888963407U;
		unsigned what = (unsigned)(dice >> 33);
		size_t cluster = what % 4, replica = what / 4 % 4;
		struct error error = {0};
		switch (what / 16 % 5) {
		case 0:
			ck_assert(model_set_replica_state(model, cluster, replica,
				(enum replica_state)(what / 80 % REPLICA_STATE_COUNT), &error));
			break;
		case 1:
			ck_assert(model_set_pool_size(
				model, cluster, 1 + (int64_t)(what / 80 % 200), &error));
			break;
		case 2:
			ck_assert(model_set_weight(
				model, cluster, 1.0 + (double)(what / 80 % 50), &error));
			break;
		case 3:
			ck_assert(model_set_retry_limit(
				model, what / 80 % 2 ? NAN : 0.1 * (double)(what % 7), &error));
			break;
		default:
			break;
		}
		model_advance(model, ms);
		check_sane(model);
	}
	ck_assert_uint_gt(model_auth(model, 0).attempts_total, 1000);
	model_destroy(model);
}
END_TEST

START_TEST(figures_obey_the_queueing_laws)
{
	/* One server of 20 connections at 0.8: Erlang C 0.256, mean wait 0.064 of a read. */
	struct scenario scenario = studied(0.8 * 4.0 / 3.0);
	struct model *model = started(&scenario, 5);
	model_advance(model, 100000);
	double busy = 0, wait = 0, queries = 0, duration = 0;
	for (size_t r = 0; r < 4; r++) {
		struct replica_view view = model_replica(model, 0, r);
		busy += view.busy_seconds_total;
		wait += view.wait_seconds_total;
		duration += view.duration_seconds_total;
		queries += (double)view.queries_total;
	}
	ck_assert_double_eq_tol(busy / 100.0 / 80.0, 0.8, 0.01);
	ck_assert_double_eq_tol(wait / queries / 0.020, 0.064, 0.02);
	/* As measured on a real pooler: duration minus wait is time busy. */
	ck_assert_double_eq_tol((duration - wait) / busy, 1.0, 0.01);
	struct surface_view web = model_surface(model, 0, SURFACE_WEB);
	ck_assert(web.p99_s > 0.1 && web.p99_s < 0.6);
	model_destroy(model);
}
END_TEST

/* When users first see an error after one of four replicas is gone; -1: not within two minutes. */
static int64_t first_error_after_loss(double rho, uint64_t seed)
{
	struct scenario scenario = studied(rho);
	struct model *model = started(&scenario, seed);
	model_advance(model, 5000);
	ck_assert_int_eq(model_truth(model).trigger_ms, -1);
	ck_assert(model_set_replica_state(model, 0, 1, REPLICA_DOWN, NULL));
	for (int64_t ms = 6000; ms <= 65000 && model_truth(model).first_error_ms < 0; ms += 1000)
		model_advance(model, ms);
	struct model_truth truth = model_truth(model);
	check_sane(model);
	model_destroy(model);
	ck_assert_int_eq(truth.trigger_ms, 5000);
	return truth.first_error_ms < 0 ? -1 : truth.first_error_ms - truth.trigger_ms;
}

static int by_value(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
	return (left > right) - (left < right);
}

START_TEST(a_loss_that_fits_hurts_nobody)
{
	for (uint64_t seed = 1; seed <= 3; seed++)
		ck_assert_int_eq(first_error_after_loss(0.96, seed), -1);
}
END_TEST

START_TEST(a_loss_that_does_not_fit_hurts_when_the_studies_say)
{
	int64_t first[7];
	for (uint64_t seed = 1; seed <= 7; seed++)
		first[seed - 1] = first_error_after_loss(1.067, seed);
	qsort(first, 7, sizeof first[0], by_value);
	ck_assert_int_ge(first[0], 5000);
	ck_assert_int_ge(first[3], 10000);
	ck_assert_int_le(first[3], 25000);
}
END_TEST

START_TEST(a_hung_replica_is_in_rotation_and_answers_nothing)
{
	struct scenario scenario = studied(0.8);
	struct model *model = started(&scenario, 2);
	model_advance(model, 5000);
	ck_assert(model_set_replica_state(model, 0, 2, REPLICA_HUNG, NULL));
	uint64_t before = model_replica(model, 0, 2).queries_total;
	model_advance(model, 15000);
	struct replica_view view = model_replica(model, 0, 2);
	ck_assert_uint_eq(view.queries_total, before);
	ck_assert_uint_eq(view.busy, 20);
	ck_assert_uint_gt(view.waiting, 100);
	ck_assert_int_eq(view.health, HEALTH_UP);
	ck_assert(view.in_rotation);
	ck_assert_uint_gt(model_auth(model, 0).timed_out_total, 1000);
	ck_assert(model_set_replica_state(model, 0, 2, REPLICA_READY, NULL));
	model_advance(model, 60000);
	view = model_replica(model, 0, 2);
	ck_assert_uint_gt(view.queries_total, before + 10000);
	ck_assert_uint_lt(view.waiting, 20);
	check_sane(model);
	model_destroy(model);
}
END_TEST

START_TEST(health_checks_notice_in_two_to_four_seconds)
{
	struct scenario scenario = studied(0.8);
	struct model *model = started(&scenario, 3);
	model_advance(model, 1000);
	ck_assert(model_set_replica_state(model, 0, 0, REPLICA_MAINT, NULL));
	ck_assert_int_eq(model_replica(model, 0, 0).health, HEALTH_UP);
	ck_assert(!model_replica(model, 0, 0).in_rotation);
	ck_assert_uint_eq(model_replica(model, 0, 0).busy, 0);
	model_advance(model, 2900);
	enum health health = model_replica(model, 0, 0).health;
	ck_assert(health == HEALTH_UP_FAILING_1 || health == HEALTH_UP_FAILING_2);
	model_advance(model, 5100);
	ck_assert_int_eq(model_replica(model, 0, 0).health, HEALTH_MAINT);
	ck_assert(model_set_replica_state(model, 0, 0, REPLICA_READY, NULL));
	model_advance(model, 9500);
	ck_assert_int_eq(model_replica(model, 0, 0).health, HEALTH_UP);
	/* It takes its share little by little. */
	uint64_t own = model_replica(model, 0, 0).dispatched_total;
	uint64_t other = model_replica(model, 0, 1).dispatched_total;
	model_advance(model, 14500);
	own = model_replica(model, 0, 0).dispatched_total - own;
	other = model_replica(model, 0, 1).dispatched_total - other;
	ck_assert_uint_gt(own, 0);
	ck_assert_uint_lt(own * 2, other);
	model_advance(model, 50000);
	own = model_replica(model, 0, 0).dispatched_total;
	other = model_replica(model, 0, 1).dispatched_total;
	model_advance(model, 60000);
	own = model_replica(model, 0, 0).dispatched_total - own;
	other = model_replica(model, 0, 1).dispatched_total - other;
	ck_assert_double_eq_tol((double)own / (double)other, 1.0, 0.1);
	model_destroy(model);
}
END_TEST

START_TEST(weights_divide_and_the_last_one_stays)
{
	struct scenario scenario = shipped("calm");
	struct model *model = started(&scenario, 4);
	struct error error = {0};
	ck_assert(model_set_weight(model, 0, 0.0, &error));
	model_advance(model, 10000);
	ck_assert_uint_eq(model_auth(model, 0).first_tries_total, 0);
	ck_assert_uint_eq(model_surface(model, 0, SURFACE_API).ok_total, 0);
	ck_assert(model_set_weight(model, 1, 0.0, &error));
	ck_assert(model_set_weight(model, 2, 0.0, &error));
	ck_assert(!model_set_weight(model, 3, 0.0, &error));
	ck_assert_int_eq(error.kind, ERROR_REJECTED);
	ck_assert(!model_set_weight(model, 0, -1.0, &error));
	ck_assert(!model_set_weight(model, 0, (double)NAN, &error));
	ck_assert(!model_set_pool_size(model, 0, 0, &error));
	ck_assert(!model_set_pool_size(model, 0, MODEL_POOL_SIZE_MOST + 1, &error));
	ck_assert(!model_set_retry_limit(model, -0.1, &error));
	ck_assert_int_eq(model_pool_size(model, 0), 20);
	model_destroy(model);
}
END_TEST

START_TEST(a_pool_opens_one_connection_at_a_time)
{
	struct scenario scenario = studied(1.5);
	scenario.clusters[0].pool.connect_time_ms = 1000;
	scenario.clusters[0].pool.connections_max = 23;
	struct model *model = started(&scenario, 6);
	model_advance(model, 30000);
	ck_assert(model_set_pool_size(model, 0, 30, NULL));
	model_advance(model, 31500);
	ck_assert_int_eq(model_replica(model, 0, 0).open, 21);
	ck_assert_int_eq(model_replica(model, 0, 0).pool_size, 30);
	model_advance(model, 60000);
	ck_assert_int_eq(model_replica(model, 0, 0).open, 23);
	ck_assert_uint_eq(model_replica(model, 0, 0).busy, 23);
	ck_assert(model_set_pool_size(model, 0, 10, NULL));
	model_advance(model, 61000);
	ck_assert_uint_eq(model_replica(model, 0, 0).busy, 10);
	model_destroy(model);
}
END_TEST

START_TEST(past_the_knee_more_connections_do_not_help)
{
	double finished[2];
	for (int i = 0; i < 2; i++) {
		struct scenario scenario = studied(2.0);
		scenario.clusters[0].pool.knee = 20;
		scenario.clusters[0].pool.size = i == 0 ? 20 : 40;
		struct model *model = started(&scenario, 7);
		model_advance(model, 30000);
		finished[i] = (double)model_replica(model, 0, 0).queries_total;
		model_destroy(model);
	}
	ck_assert_double_eq_tol(finished[1] / finished[0], 1.0, 0.03);
}
END_TEST

START_TEST(a_retry_limit_limits)
{
	double amplification[2];
	for (int i = 0; i < 2; i++) {
		struct scenario scenario = studied(1.8);
		scenario.clusters[0].pool.clients_max = 600;
		scenario.retry_limit = i == 0 ? (double)NAN : 0.1;
		struct model *model = started(&scenario, 8);
		model_advance(model, 40000);
		struct auth_view auth = model_auth(model, 0);
		amplification[i] = (double)auth.attempts_total / (double)auth.first_tries_total;
		ck_assert((auth.denied_total > 0) == (i == 1));
		check_sane(model);
		model_destroy(model);
	}
	ck_assert_double_gt(amplification[0], 1.8);
	ck_assert_double_lt(amplification[1], 1.11);
}
END_TEST

START_TEST(a_scenario_that_makes_no_sense_is_refused)
{
	struct error error = {0};
	struct scenario scenario = studied(0.8);
	scenario.cluster_count = 0;
	ck_assert_ptr_null(model_create(&scenario, 1, &error));
	ck_assert_int_eq(error.kind, ERROR_SCHEMA);
	scenario = studied(0.8);
	scenario.clusters[0].replica_count = 0;
	ck_assert_ptr_null(model_create(&scenario, 1, &error));
	scenario = studied(0.8);
	scenario.clusters[0].weight = 0.0;
	ck_assert_ptr_null(model_create(&scenario, 1, &error));
	scenario = studied(0.8);
	scenario.clusters[0].pool.clients_max = SCENARIO_CLIENTS_MOST + 1;
	ck_assert_ptr_null(model_create(&scenario, 1, &error));
	scenario = studied(0.8);
	scenario.auth_attempts = 0;
	ck_assert_ptr_null(model_create(&scenario, 1, NULL));
	model_destroy(NULL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {the_same_seed_is_the_same_run_however_time_is_cut,
		figures_obey_the_queueing_laws, a_loss_that_fits_hurts_nobody,
		a_loss_that_does_not_fit_hurts_when_the_studies_say,
		a_hung_replica_is_in_rotation_and_answers_nothing,
		health_checks_notice_in_two_to_four_seconds, weights_divide_and_the_last_one_stays,
		a_pool_opens_one_connection_at_a_time, past_the_knee_more_connections_do_not_help,
		a_retry_limit_limits, a_scenario_that_makes_no_sense_is_refused};
	Suite *suite = suite_of("model", tests, COUNT_OF(tests));
	TCase *tcase = tcase_create("random changes");
	tcase_set_timeout(tcase, CASE_TIMEOUT_S);
	tcase_add_loop_test(tcase, nothing_is_lost_whatever_is_done, 0, 5);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
