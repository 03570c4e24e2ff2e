#include "tests/unit/assess/box.h"

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

static Suite *cluster_suite(void)
{
	Suite *suite = suite_create("cluster");
	TCase *cases = tcase_create("cluster");
	tcase_add_test(cases, a_drained_queue_is_a_step);
	tcase_add_test(cases, a_rise_is_told_before_pools_are_full);
	tcase_add_test(cases, errors_burn_the_budget_of_their_surface);
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
