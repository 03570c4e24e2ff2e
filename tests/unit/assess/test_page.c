#include "tests/unit/assess/box.h"

/* One cluster of four replicas, `busy` connections of sixteen in each, learned; then r2 goes. */
static void lose_at(struct box *box, double busy)
{
	box_init(box, 1);
	box->clusters[0].busy = busy;
	box_run(box, 60);
	ck_assert(!box->seen.page);
	ck_assert_str_eq(box->seen.page_why, "");
	box->clusters[0].maintenance[1] = true;
	box_run(box, 1);
}

START_TEST(a_loss_is_paged_where_the_rest_cannot_carry_it)
{
	struct box box;
	lose_at(&box, 11.41); /* 95.1 % of what is left */
	ck_assert(box.seen.page);
	ck_assert_int_eq(box.seen.page_since_ms, box.now_ms);
	ck_assert_str_eq(box.seen.page_why, "what is left of east-a needs 95% of its connections");
	box_finish(&box);
	lose_at(&box, 11.3); /* 94.2 % */
	ck_assert(!box.seen.page);
	/* That counts by what is asked for, once a minute of it is known. */
	box.clusters[0].busy = 15.3;
	box_run(&box, 59);
	ck_assert(!box.seen.page);
	box_run(&box, 3);
	ck_assert(box.seen.page);
	box_finish(&box);
}
END_TEST

START_TEST(a_queue_that_drains_wakes_nobody)
{
	struct box box;
	lose_at(&box, 11);
	box.clusters[0].busy = 15.1; /* of 16: 94 % */
	box.clusters[0].waiting = 5;
	box.clusters[0].wait_ms = 240;
	box_run(&box, 30);
	ck_assert_int_eq(box.seen.phase, PHASE_SATURATION);
	ck_assert(!box.seen.page);
	box.clusters[0].busy = 16; /* full for a moment, and the rest is known to carry it */
	box_run(&box, 10);
	ck_assert(!box.seen.page);
	/* It comes near to costing somebody a timeout. */
	box.clusters[0].wait_ms = 270;
	box_run(&box, 10);
	ck_assert(box.seen.page);
	ck_assert_str_eq(box.seen.page_why, "east-a: saturation");
	box_finish(&box);
}
END_TEST

START_TEST(full_pools_wake_at_once)
{
	struct box box;
	box_init(&box, 1);
	box_run(&box, 60);
	box.clusters[0].busy = 14.8; /* nothing was lost, and there is some room */
	box.clusters[0].waiting = 5;
	box.clusters[0].wait_ms = 120;
	box_run(&box, 30);
	ck_assert_int_eq(box.seen.phase, PHASE_SATURATION);
	ck_assert(!box.seen.page);
	box.clusters[0].busy = 15.3; /* and now there is none */
	for (int i = 0; i < 20 && box.seen.phase != PHASE_SATURATION; i++)
		box_run(&box, 1);
	ck_assert_int_eq(box.seen.phase, PHASE_SATURATION);
	box_run(&box, 10);
	ck_assert(box.seen.page);
	box_finish(&box);
}
END_TEST

START_TEST(nothing_left)
{
	struct box box;
	box_init(&box, 2);
	box_run(&box, 60);
	for (size_t i = 0; i < BOX_REPLICAS; i++)
		box.clusters[1].up[i] = false;
	box_run(&box, 1);
	ck_assert(box.seen.page);
	ck_assert_str_eq(box.seen.page_why, "nothing of east-b is left");
	box_finish(&box);
}
END_TEST

START_TEST(a_page_is_held_for_a_minute)
{
	struct box box;
	lose_at(&box, 12.6);
	ck_assert(box.seen.page);
	int64_t since_ms = box.seen.page_since_ms;
	box.clusters[0].maintenance[1] = false;
	int held = 0;
	while (box.seen.page && held < 300) {
		ck_assert_int_eq(box.seen.page_since_ms, since_ms);
		ck_assert_str_eq(
			box.seen.page_why, "what is left of east-a needs 105% of its connections");
		box_run(&box, 1);
		held++;
	}
	/* Its reason went with the replica's return, which is believed a few seconds late. */
	ck_assert_int_ge(held, 60);
	ck_assert_int_le(held, 64);
	ck_assert_int_eq(box.seen.page_since_ms, 0);
	ck_assert_str_eq(box.seen.page_why, "");
	box_finish(&box);
}
END_TEST

START_TEST(a_replica_that_goes_silent_is_reckoned_with_as_it_was)
{
	struct box box;
	box_init(&box, 1);
	box.clusters[0].busy = 12.6;
	box_run(&box, 60);
	box.clusters[0].starved[1] = true;
	box_run(&box, 8); /* its pooler is stale by now */
	const struct cluster_assessment *row = box_row(&box, 0);
	ck_assert_uint_eq(row->starved_count, 1);
	ck_assert(isnan(row->pool_max));
	ck_assert_double_eq_tol(row->foreseen, 4 * 12.6 / 48, 1e-6);
	ck_assert(box.seen.page);
	box_finish(&box);
}
END_TEST

static Suite *page_suite(void)
{
	Suite *suite = suite_create("page");
	TCase *cases = tcase_create("page");
	tcase_add_test(cases, a_loss_is_paged_where_the_rest_cannot_carry_it);
	tcase_add_test(cases, a_queue_that_drains_wakes_nobody);
	tcase_add_test(cases, full_pools_wake_at_once);
	tcase_add_test(cases, nothing_left);
	tcase_add_test(cases, a_page_is_held_for_a_minute);
	tcase_add_test(cases, a_replica_that_goes_silent_is_reckoned_with_as_it_was);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(page_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
