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

static Suite *cluster_suite(void)
{
	Suite *suite = suite_create("cluster");
	TCase *cases = tcase_create("cluster");
	tcase_add_test(cases, a_drained_queue_is_a_step);
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
