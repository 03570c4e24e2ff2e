/* What a loss would do: of the worst replica, and in the table of all losses. */
#include "core/assess/contingency.h"

#include "box.h"

#include "core/assess/cluster.h"

/* Two replicas of 16 connections that are asked for eight between them. */
static struct cluster_view two_replicas(void)
{
	return (struct cluster_view){.id = 3,
		.expected = 2,
		.serving = 2,
		.capacity = 32,
		.busy_minute = 8,
		.demand = 12,
		.first_demand = 8,
		.largest = 7,
		.largest_capacity = 16};
}

START_TEST(one_of_two_leaves_the_other)
{
	struct cluster_view view = two_replicas();
	struct contingency out;
	view.unknown = 1; /* whatever it is, one that is known to serve is left */
	contingency_of(&view, 1000, &out);
	ck_assert(out.known);
	ck_assert_uint_eq(out.replica, 7);
	ck_assert_uint_eq(out.cluster, 3);
	ck_assert_double_eq(out.utilisation_now, 0.25);
	ck_assert_double_eq(out.utilisation_after, 0.5); /* first tries: retries come and go */
	ck_assert_double_eq(out.headroom, 0.5);
	ck_assert(isinf(out.seconds_to_timeout));
	view.first_demand = 20; /* a quarter more than there is: four seconds make one of waiting */
	contingency_of(&view, 1000, &out);
	ck_assert_double_eq(out.utilisation_after, 1.25);
	ck_assert_double_eq(out.seconds_to_timeout, 4);
	view.demand = NAN;
	contingency_of(&view, 1000, &out);
	ck_assert_double_eq(out.utilisation_after, 0.5); /* what is busy is all that is known */
}
END_TEST

/* The loss of the last one leaves nothing; whether it is the last is not known while another is
 * silent. */
START_TEST(the_last_one_is_the_last_when_all_others_are_known)
{
	struct cluster_view view = two_replicas();
	struct contingency out;
	view.serving = 1;
	view.capacity = 16;
	contingency_of(&view, 1000, &out);
	ck_assert(out.known);
	ck_assert(isinf(out.utilisation_after));
	ck_assert_double_eq(out.seconds_to_timeout, 1);
	view.unknown = 1;
	contingency_of(&view, 1000, &out);
	ck_assert(!out.known);
	ck_assert(isnan(out.utilisation_after));
}
END_TEST

/* Losses that are alike stand in the order of the fleet, however they came. */
START_TEST(alike_in_the_order_of_the_fleet)
{
	const struct loss right[] = {
		{.cluster = 9, .replica = 9, .second = 9, .utilisation_after = 0.9},
		{.cluster = 1, .replica = 5, .second = 6, .utilisation_after = 0.8},
		{.cluster = 1, .replica = 5, .second = 7, .utilisation_after = 0.8},
		{.cluster = 1, .replica = 6, .second = 7, .utilisation_after = 0.8},
		{.cluster = 2, .replica = 3, .second = 4, .utilisation_after = 0.8},
	};
	const size_t count = sizeof(right) / sizeof(right[0]);
	struct loss losses[5];
	for (size_t turned = 0; turned < count; turned++) {
		for (int backwards = 0; backwards < 2; backwards++) {
			for (size_t i = 0; i < count; i++)
				losses[(backwards ? count - 1 - i + turned : i + turned) % count] =
					right[i];
			contingency_sort(losses, count);
			for (size_t i = 0; i < count; i++) {
				ck_assert_uint_eq(losses[i].cluster, right[i].cluster);
				ck_assert_uint_eq(losses[i].replica, right[i].replica);
				ck_assert_uint_eq(losses[i].second, right[i].second);
			}
		}
	}
}
END_TEST

/* Of a cluster that is stale, has no pools or whose demand is not known, nothing is listed. */
START_TEST(what_is_not_known_is_not_listed)
{
	struct box box;
	struct loss losses[16];
	box_init(&box, 2);
	box_run(&box, 60);
	struct cluster_assessment *row = &box.seen.clusters[0];
	struct cluster_assessment was = *row;
	ck_assert_uint_eq(contingency_list(box.snapshot, &box.seen, false, losses, 16), 8);
	row->stale = true;
	ck_assert_uint_eq(contingency_list(box.snapshot, &box.seen, false, losses, 16), 4);
	*row = was;
	row->pool_max = 0;
	ck_assert_uint_eq(contingency_list(box.snapshot, &box.seen, false, losses, 16), 4);
	*row = was;
	row->first_demand = NAN;
	ck_assert_uint_eq(contingency_list(box.snapshot, &box.seen, false, losses, 16), 4);
	*row = was;
	box_finish(&box);
}
END_TEST

/* A window of a cluster that has no row (there are too many) is not told of. */
START_TEST(a_window_of_a_cluster_that_is_not_listed)
{
	struct box box;
	struct loss losses[16];
	struct error error = {0};
	box_init(&box, 2);
	const struct maintenance window = {.replica = box.clusters[1].replicas[0],
		.from_ms = BOX_START_MS + 3600000,
		.until_ms = INT64_MAX};
	ck_assert(fleet_add_maintenance(box.fleet, &window, &error));
	box_run(&box, 60);
	ck_assert_uint_eq(contingency_windows(box.snapshot, &box.seen, losses, 16), 1);
	size_t first = box.seen.clusters[0].cluster == box.clusters[0].id ? 0 : 1;
	box.seen.clusters[0] = box.seen.clusters[first];
	box.seen.cluster_count = 1;
	ck_assert_uint_eq(contingency_windows(box.snapshot, &box.seen, losses, 16), 0);
	box_finish(&box);
}
END_TEST

/* The traffic of a lost cluster lands on those that take some, however full others are. */
START_TEST(who_takes_no_traffic_receives_none)
{
	struct box box;
	struct loss losses[16];
	box_init(&box, 3);
	box.clusters[0].busy = box.clusters[1].busy = 6;
	box.clusters[2].weight = 0;
	box.clusters[2].busy = 15.5;
	box_run(&box, 60);
	size_t count = contingency_clusters(box.snapshot, &box.seen, losses, 16);
	ck_assert_uint_eq(count, 2);
	for (size_t i = 0; i < count; i++) {
		bool first = losses[i].cluster == box.clusters[0].id;
		ck_assert_uint_eq(losses[i].receiver, box.clusters[first ? 1 : 0].id);
		ck_assert_double_eq_tol(losses[i].utilisation_after, 48.0 / 64, 0.01);
	}
	/* Nor does anybody know where it lands while one of the weights is not known. */
	box.clusters[2].silent = true;
	box_run(&box, 40);
	ck_assert_uint_eq(contingency_clusters(box.snapshot, &box.seen, losses, 16), 0);
	box_finish(&box);
}
END_TEST

/* Of a pool that all share, losing one of four replicas takes a quarter. */
START_TEST(a_shared_pool_loses_a_part)
{
	struct box box;
	struct loss losses[16];
	box_init(&box, 0);
	uint32_t cluster = box_intern(&box, ENTITY_CLUSTER, ENTITY_ROOT, "a");
	uint32_t replicas[4];
	for (size_t i = 0; i < 4; i++) {
		char name[8];
		snprintf(name, sizeof(name), "r%zu", i + 1);
		replicas[i] = box_intern(&box, ENTITY_REPLICA, cluster, name);
	}
	for (int tick = 0; tick < 30; tick++) {
		box.now_ms += 1000;
		for (size_t i = 0; i < 4; i++)
			box_put(&box, replicas[i], SIGNAL_REPLICA_UP, 1);
		box_put(&box, cluster, SIGNAL_POOL_MAX, 64);
		box_put(&box, cluster, SIGNAL_POOL_BUSY, 36);
		box_put(&box, cluster, SIGNAL_POOL_WAITING, 0);
		box_answer(&box, true);
		box_assess(&box);
	}
	ck_assert_double_eq_tol(box.seen.contingency.utilisation_after, 36.0 / 48, 1e-9);
	ck_assert_uint_eq(contingency_list(box.snapshot, &box.seen, true, losses, 16), 6);
	ck_assert_double_eq_tol(losses[0].utilisation_after, 36.0 / 32, 1e-9);
	box_finish(&box);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("contingency");
	TCase *tests = tcase_create("contingency");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, one_of_two_leaves_the_other);
	tcase_add_test(tests, the_last_one_is_the_last_when_all_others_are_known);
	tcase_add_test(tests, alike_in_the_order_of_the_fleet);
	tcase_add_test(tests, what_is_not_known_is_not_listed);
	tcase_add_test(tests, a_window_of_a_cluster_that_is_not_listed);
	tcase_add_test(tests, who_takes_no_traffic_receives_none);
	tcase_add_test(tests, a_shared_pool_loses_a_part);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
