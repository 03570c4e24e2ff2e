#include "tests/unit/assess/box.h"

#include "core/assess/phase.h"

/* Pools were full for two minutes, then the queue drained: what is asked for is known soon. */
START_TEST(a_drained_queue_is_a_step)
{
	struct box box;
	box_init(&box, 1);
	box_run(&box, 60);
	box.clusters[0].busy = 16;
	box.clusters[0].waiting = 16;
	box.clusters[0].wait_ms = 400;
	box_run(&box, 120);
	ck_assert_double_gt(box_row(&box, 0)->demand, 63);
	box.clusters[0].busy = 9;
	box.clusters[0].waiting = 0.9; /* not yet: over one in twenty */
	box_run(&box, 5);
	ck_assert_double_gt(box_row(&box, 0)->demand, 55);
	box.clusters[0].waiting = 0.7;
	box.clusters[0].wait_ms = 1;
	box_run(&box, 1);
	ck_assert_double_eq_tol(box_row(&box, 0)->demand, 36, 3);
	box_finish(&box);

	/* A short queue is chance, and says nothing of the minute. */
	box_init(&box, 1);
	box_run(&box, 60);
	box.clusters[0].busy = 16;
	box.clusters[0].waiting = 15;
	box_run(&box, 120);
	box.clusters[0].busy = 9;
	box.clusters[0].waiting = 0;
	box_run(&box, 5);
	ck_assert_double_gt(box_row(&box, 0)->demand, 55);
	box_finish(&box);
}
END_TEST

/* Pools that fill slowly have a time, and a finding says it; a step has none. */
START_TEST(a_rise_is_told_before_pools_are_full)
{
	struct box box;
	box_init(&box, 1);
	box_run(&box, 60);
	ck_assert(!box_row(&box, 0)->exhaustion.known);
	for (int i = 0; i < 120; i++) {
		box.clusters[0].busy = 9 + i * 0.02;
		box_run(&box, 1);
	}
	const struct exhaustion *out = &box_row(&box, 0)->exhaustion;
	ck_assert(out->known);
	ck_assert_double_eq_tol(out->per_minute, 4 * 1.2, 0.1);
	ck_assert_double_eq_tol(out->low_s, (16 - 11.4) / 0.02, 10);
	bool told = false;
	for (size_t i = 0; i < box.seen.finding_count; i++)
		told |= strstr(box.seen.findings[i].text,
				"pools of east-a fill by 4.8 connections a minute") != NULL;
	ck_assert(told);
	box_lose_replica(&box.clusters[0], 1);
	box_run(&box, 60);
	ck_assert(!box_row(&box, 0)->exhaustion.known);
	box_finish(&box);
}
END_TEST

START_TEST(errors_burn_the_budget_of_their_surface)
{
	struct box box;
	box_init(&box, 1);
	box_run(&box, 60);
	uint32_t api = box_intern(&box, ENTITY_SURFACE, ENTITY_ROOT, "api");
	fleet_set_objective(box.fleet, api, 0.99);
	box_amplify(&box.clusters[0]);
	box.clusters[0].web_requests = 1000;
	box.clusters[0].api_errors = 50;
	box_run(&box, 3);
	ck_assert_double_gt(box.seen.surfaces[0].burn.now, 1); /* of one in a thousand */
	box_run(&box, 360);
	const struct surface_assessment *web = &box.seen.surfaces[0];
	ck_assert_str_eq(web->name, "web");
	ck_assert_double_eq_tol(web->burn.now, 250, 1);
	ck_assert_double_eq_tol(box.seen.surfaces[1].burn.now, 10, 0.1);
	ck_assert_double_gt(web->burn.spent, 250 * 300.0 / 2592000);
	ck_assert_double_lt(web->burn.spent, 250 * 400.0 / 2592000);
	box_finish(&box);
}
END_TEST

/* Means are of ten seconds, of a minute, and after a step of three seconds at least. */
START_TEST(means_and_their_spans)
{
	struct box box;
	box_init(&box, 1);
	box_run(&box, 90);
	box.clusters[0].busy = 12;
	box_run(&box, 5);
	ck_assert_double_eq_tol(box_row(&box, 0)->pool_use, 10.5 / 16, 0.01);
	box_run(&box, 25);
	ck_assert_double_eq_tol(box_row(&box, 0)->pool_use, 12.0 / 16, 1e-9);
	ck_assert_double_eq_tol(box_row(&box, 0)->contingency.utilisation_now, 10.5 / 16, 0.005);
	box_run(&box, 60);
	box.clusters[0].maintenance[1] = true;
	box.clusters[0].busy = 15;
	box_run(&box, 1);
	ck_assert_double_eq_tol(box_row(&box, 0)->pool_use, (12 + 12 + 15) / 3.0 / 16, 0.01);
	box_run(&box, 3);
	ck_assert_double_eq_tol(box_row(&box, 0)->pool_use, 15.0 / 16, 1e-9);
	box_finish(&box);
}
END_TEST

/* Of a queue before pools that are 94 % in use half is not got to: from 90 % on none, at 98 % all.
 */
START_TEST(a_queue_counts_as_far_as_pools_are_full)
{
	struct box box;
	box_init(&box, 1);
	box_run(&box, 60);
	box.clusters[0].busy = 15.04;
	box.clusters[0].waiting = 5;
	box.clusters[0].attempts = 5000; /* and more than that is asked for */
	box_run(&box, 90);
	ck_assert_double_eq_tol(box_row(&box, 0)->demand, 4 * (15.04 + 5.0 / 2), 0.2);
	box_finish(&box);
}
END_TEST

/* A mean of a moment is doubted by half a hundredth of the connections at most; and what the last
 * ten seconds say more than the minute is heard. */
START_TEST(what_demand_is_doubted_by)
{
	struct box box;
	box_init(&box, 1);
	box_run(&box, 2);
	ck_assert_double_eq_tol(box_row(&box, 0)->demand_sd, 0.32, 1e-6);
	box_run(&box, 90);
	ck_assert_double_lt(box_row(&box, 0)->demand_sd, 0.3);
	ck_assert_double_eq_tol(box_row(&box, 0)->demand_late, box_row(&box, 0)->demand, 1e-9);
	box.clusters[0].busy += 1.1 / 4;
	box_run(&box, 10);
	const struct cluster_assessment *row = box_row(&box, 0);
	ck_assert_double_gt(row->demand_late, row->demand + 0.5);
	box_finish(&box);
}
END_TEST

/* Before it is learned how long an attempt holds a connection, a queue counts by its retries. */
START_TEST(opened_in_a_storm)
{
	struct box box;
	box_init(&box, 1);
	box_amplify(&box.clusters[0]);
	box.clusters[0].first = 2500;
	box.clusters[0].attempts = 3000;
	box_run(&box, 5);
	ck_assert(isnan(box_row(&box, 0)->hold_s));
	ck_assert_double_eq_tol(box_row(&box, 0)->demand, 64 * 1.2, 1e-6);
	box_finish(&box);
}
END_TEST

START_TEST(a_tenth_less_is_a_cut)
{
	struct box box;
	box_init(&box, 1);
	box_run(&box, 60);
	box.clusters[0].pool_max = 14.5;
	box_run(&box, 5);
	ck_assert(!phase_is_incident(box.seen.phase));
	box.clusters[0].pool_max = 14.3;
	box_run(&box, 5);
	ck_assert(phase_is_incident(box.seen.phase));
	box_finish(&box);
}
END_TEST

START_TEST(a_trickle_teaches_nothing)
{
	struct box box;
	for (int enough = 0; enough < 2; enough++) {
		box_init(&box, 1);
		box.clusters[0].first = box.clusters[0].attempts = enough ? 1.1 : 0.9;
		box.clusters[0].failures = 0;
		box_run(&box, 30);
		ck_assert_int_eq(!isnan(box_row(&box, 0)->hold_s), enough);
		box_finish(&box);
	}
}
END_TEST

/* A ratio is of a second where that has 300 events, else of three. */
START_TEST(a_ratio_takes_events)
{
	struct box box;
	for (int enough = 0; enough < 2; enough++) {
		box_init(&box, 1);
		double rate = enough ? 310 : 290;
		box.clusters[0].web_requests = rate;
		box.clusters[0].web_errors = 0;
		box_run(&box, 40);
		box.clusters[0].web_errors = rate / 10;
		box_run(&box, 1);
		ck_assert_double_eq_tol(box_row(&box, 0)->errors, enough ? 0.1 : 0.1 / 3, 1e-6);
		box_finish(&box);
	}
}
END_TEST

START_TEST(a_shift_is_half_of_what_the_loss_must_cause)
{
	struct box box;
	for (int shifted = 0; shifted < 2; shifted++) {
		box_init(&box, 1);
		box_run(&box, 60);
		box.clusters[0].maintenance[1] = true;
		box.clusters[0].queries = shifted ? 450 * 1.18 : 450 * 1.155;
		box_run(&box, 12);
		ck_assert_int_eq(box.seen.phase, shifted ? PHASE_LOAD_SHIFT : PHASE_TRIGGER);
		box_finish(&box);
	}
}
END_TEST

/* While its mean is of less than fifteen seconds, five points more are asked for. */
START_TEST(a_young_mean_is_doubted)
{
	struct box box;
	box_init(&box, 1);
	box.clusters[0].busy = 10.68; /* 89 % after a loss */
	box_run(&box, 14);
	ck_assert_int_eq(box.seen.phase, PHASE_NORMAL);
	box_run(&box, 4);
	ck_assert_int_eq(box.seen.phase, PHASE_VULNERABLE);
	box_finish(&box);
	box_init(&box, 1);
	box.clusters[0].busy = 10.86; /* 90.5 % */
	box_run(&box, 5);
	ck_assert_int_eq(box.seen.phase, PHASE_VULNERABLE);
	box_finish(&box);
}
END_TEST

/* Pools that were full for long before users saw anything belong to another story. */
START_TEST(an_incident_begins_with_its_first_onset)
{
	struct box box;
	for (int fresh = 0; fresh < 2; fresh++) {
		box_init(&box, 1);
		box_run(&box, 60);
		box.clusters[0].busy = 14.5; /* nobody waits */
		box_run(&box, fresh ? 885 : 925);
		int64_t onset_ms = box.seen.stages[STAGE_POOL].onset_ms;
		ck_assert_int_ne(onset_ms, 0);
		ck_assert_int_eq(box.seen.incident_start_ms, 0);
		box.clusters[0].web_errors = 300;
		box_run(&box, 4);
		ck_assert_int_eq(box.seen.phase, PHASE_ERRORS);
		if (fresh)
			ck_assert_int_eq(box.seen.incident_start_ms, onset_ms);
		else
			ck_assert_int_gt(box.seen.incident_start_ms, onset_ms + 900000);
		box_finish(&box);
	}
}
END_TEST

/* From 95 % on people call a pool full. */
START_TEST(full_is_said_of_what_is_full)
{
	struct box box;
	for (int full = 0; full < 2; full++) {
		box_init(&box, 1);
		box_run(&box, 60);
		box.clusters[0].busy = full ? 15.3 : 15.1;
		box.clusters[0].waiting = 5;
		box.clusters[0].wait_ms = 300;
		box_run(&box, 15);
		ck_assert_int_eq(box.seen.phase, PHASE_SATURATION);
		ck_assert_int_eq(strstr(box.seen.headline, "pools full in east-a") != NULL, full);
		bool said = false;
		for (size_t i = 0; i < box.seen.finding_count; i++)
			said |= strstr(box.seen.findings[i].text, "pools of east-a full") != NULL;
		ck_assert_int_eq(said, full);
		box_finish(&box);
	}
}
END_TEST

static Suite *cluster_suite(void)
{
	Suite *suite = suite_create("cluster");
	TCase *cases = tcase_create("cluster");
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, a_drained_queue_is_a_step);
	tcase_add_test(cases, a_rise_is_told_before_pools_are_full);
	tcase_add_test(cases, errors_burn_the_budget_of_their_surface);
	tcase_add_test(cases, means_and_their_spans);
	tcase_add_test(cases, a_queue_counts_as_far_as_pools_are_full);
	tcase_add_test(cases, what_demand_is_doubted_by);
	tcase_add_test(cases, opened_in_a_storm);
	tcase_add_test(cases, a_tenth_less_is_a_cut);
	tcase_add_test(cases, a_trickle_teaches_nothing);
	tcase_add_test(cases, a_ratio_takes_events);
	tcase_add_test(cases, a_shift_is_half_of_what_the_loss_must_cause);
	tcase_add_test(cases, a_young_mean_is_doubted);
	tcase_add_test(cases, an_incident_begins_with_its_first_onset);
	tcase_add_test(cases, full_is_said_of_what_is_full);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(cluster_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
