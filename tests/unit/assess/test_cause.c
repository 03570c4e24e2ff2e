#include "box.h"

#include "core/assess/cause.h"
#include "core/assess/contingency.h"
#include "core/assess/phase.h"

START_TEST(a_lost_replica_is_named)
{
	struct box box;
	box_init(&box, 2);
	box_near_limit(&box.clusters[0]);
	box_run(&box, 60);
	ck_assert_uint_eq(box.seen.cause_count, 0);
	ck_assert(!box.seen.page);
	box_lose_replica(&box.clusters[0], 1);
	box_run(&box, 1);
	/* Three replicas can't carry what four carried: known at once, before anybody waits. */
	ck_assert_msg(box.seen.page, "%s", box.seen.headline);
	ck_assert_double_eq_tol(box_row(&box, 0)->foreseen, 1.05, 0.01);
	ck_assert_ptr_nonnull(strstr(box.seen.page_why, "105%"));
	ck_assert_uint_ge(box.seen.cause_count, 1);
	ck_assert_int_eq(box.seen.causes[0].hypothesis, HYPOTHESIS_REPLICA_LOSS);
	ck_assert_uint_eq(box.seen.causes[0].entity, box.clusters[0].replicas[1]);
	box_run(&box, 5);
	box_amplify(&box.clusters[0]);
	box_run(&box, 20);
	ck_assert_int_eq(box.seen.causes[0].hypothesis, HYPOTHESIS_REPLICA_LOSS);
	/* Retries are there too, and something below was there first. */
	ck_assert_uint_ge(box.seen.cause_count, 2);
	ck_assert_int_eq(box.seen.causes[1].hypothesis, HYPOTHESIS_RETRY_STORM);
	ck_assert_str_ne(box.seen.causes[1].contradiction, "");
	ck_assert_double_lt(box.seen.causes[1].score, box.seen.causes[0].score);
	box_finish(&box);
}
END_TEST

START_TEST(a_loss_that_is_carried_wakes_nobody)
{
	struct box box;
	box_init(&box, 2);
	box_run(&box, 60);
	box.clusters[0].maintenance[1] = true;
	box.clusters[0].busy *= 4.0 / 3;
	box.clusters[0].queries *= 4.0 / 3;
	for (int i = 0; i < 300; i++) {
		box_run(&box, 1);
		ck_assert(!box.seen.page);
	}
	box_finish(&box);
}
END_TEST

START_TEST(every_loss_is_listed_the_worst_first)
{
	struct box box;
	struct loss losses[64];
	box_init(&box, 2);
	box_near_limit(&box.clusters[0]);
	box_run(&box, 90);
	size_t total = contingency_list(box.snapshot, &box.seen, false, losses, 64);
	ck_assert_uint_eq(total, 8);
	ck_assert_uint_eq(losses[0].cluster, box.clusters[0].id);
	ck_assert_double_eq_tol(losses[0].utilisation_after, 1.05, 0.01);
	ck_assert_double_eq_tol(losses[0].seconds_to_timeout, 20, 1);
	for (size_t i = 1; i < total; i++)
		ck_assert(losses[i].utilisation_after <= losses[i - 1].utilisation_after);
	ck_assert(isinf(losses[total - 1].seconds_to_timeout));
	total = contingency_list(box.snapshot, &box.seen, true, losses, 64);
	ck_assert_uint_eq(total, 12);
	ck_assert_double_eq_tol(losses[0].utilisation_after, 1.575, 0.01);
	ck_assert_uint_eq(contingency_list(box.snapshot, &box.seen, true, losses, 3), 12);
	box_finish(&box);
}
END_TEST

static bool is_listed(const struct box *box, enum hypothesis hypothesis)
{
	for (size_t i = 0; i < box->seen.cause_count; i++)
		if (box->seen.causes[i].hypothesis == hypothesis)
			return true;
	return false;
}

/* A burst before the loss that everybody carried is no part of what came after. */
START_TEST(what_came_and_went_in_calm_is_forgotten)
{
	struct box box;
	box_init(&box, 2);
	box_near_limit(&box.clusters[0]);
	box_run(&box, 60);
	box.clusters[0].first *= 1.6;
	box.clusters[0].attempts *= 1.6;
	box_run(&box, 4);
	box.clusters[0].first /= 1.6;
	box.clusters[0].attempts /= 1.6;
	box_run(&box, 10);
	ck_assert_uint_eq(box.seen.cause_count, 0);
	box_lose_replica(&box.clusters[0], 1);
	box_run(&box, 3);
	ck_assert(is_listed(&box, HYPOTHESIS_REPLICA_LOSS));
	ck_assert(!is_listed(&box, HYPOTHESIS_DEMAND_SURGE));
	/* What stands at the beginning of an incident is remembered through it. */
	box_amplify(&box.clusters[0]);
	box_run(&box, 10);
	ck_assert(is_listed(&box, HYPOTHESIS_RETRY_STORM));
	box.clusters[0].attempts = box.clusters[0].first;
	box_run(&box, 20);
	ck_assert(is_listed(&box, HYPOTHESIS_RETRY_STORM));
	box_finish(&box);
}
END_TEST

/* Each target has a name of its own; they fail together or they do not. */
START_TEST(one_silent_target_of_a_scraper_is_no_telemetry_fault)
{
	static const char *const names[] = {
		"databases/r1", "databases/r2", "databases/r3", "databases-2/r1"};
	struct box box;
	uint16_t ids[4];
	struct error error = {0};
	box_init(&box, 1);
	for (size_t i = 0; i < 4; i++)
		ck_assert(
			store_add_source(box.store, names[i], "exposition", 1000, &ids[i], &error));
	box_run(&box, 5);
	for (size_t silent = 0; silent <= 3; silent++) {
		for (size_t i = 0; i < 4; i++) {
			struct source_status *source = store_source(box.store, ids[i]);
			source->last_try_ms = box.now_ms;
			source->last_ok_ms = box.now_ms - (i < silent ? 60000 : 0);
			source->state = i < silent ? SOURCE_FAILING : SOURCE_OK;
		}
		box_answer(&box, true);
		box_assess(&box);
		ck_assert_int_eq(telemetry_is_faulty(box.snapshot), silent >= 2);
	}
	ck_assert_ptr_nonnull(strstr(box.seen.causes[0].evidence, "3 of 3 polls of 'databases'"));
	box_finish(&box);
}
END_TEST

/* A replica on its own: all of its connections busy, and clients waiting for them. */
static void put_crowded(struct box *box, uint32_t id, double waiting)
{
	const struct box_cluster *calm = &box->clusters[0];
	box_put(box, id, SIGNAL_REPLICA_UP, 1);
	box_put(box, id, SIGNAL_POOL_MAX, calm->pool_max);
	box_put(box, id, SIGNAL_POOL_BUSY, calm->pool_max);
	box_put(box, id, SIGNAL_POOL_WAITING, waiting);
	box_put(box, id, SIGNAL_POOL_WAIT, 900);
	box_put(box, id, SIGNAL_REPLICA_QUERIES, calm->queries);
}

/* Dropped clients count as its reads: of those it takes as many as the others. */
START_TEST(a_replica_that_alone_is_waited_for_is_slow)
{
	struct box box;
	box_init(&box, 1);
	box_run(&box, 60);
	box.clusters[0].quiet[2] = true;
	for (int i = 0; i < 12; i++) {
		put_crowded(&box, box.clusters[0].replicas[2], 40);
		box_run(&box, 1);
	}
	ck_assert_uint_ge(box.seen.cause_count, 1);
	ck_assert_int_eq(box.seen.causes[0].hypothesis, HYPOTHESIS_SLOW_REPLICA);
	ck_assert_uint_eq(box.seen.causes[0].entity, box.clusters[0].replicas[2]);
	ck_assert_msg(strstr(box.seen.causes[0].evidence, "40 clients wait for east-a/r3"), "%s",
		box.seen.causes[0].evidence);
	box_finish(&box);
}
END_TEST

START_TEST(when_all_are_waited_for_none_of_them_is_slow)
{
	struct box box;
	box_init(&box, 1);
	box_run(&box, 60);
	box.clusters[0].busy = BOX_POOL;
	box.clusters[0].waiting = 40;
	box_run(&box, 5);
	ck_assert(!is_listed(&box, HYPOTHESIS_SLOW_REPLICA));
	box_finish(&box);
}
END_TEST

/* Slots: 97 of 97 taken. By a pool that may have 16: somebody else holds them. By one that may have
 * 60: it may be itself. */
START_TEST(slots_that_others_hold_are_named)
{
	struct box box;
	for (int own = 0; own < 2; own++) {
		box_init(&box, 1);
		if (own)
			box.clusters[0].pool_max = 60;
		box_run(&box, 60);
		uint32_t id = box.clusters[0].replicas[1];
		for (int i = 0; i < 3; i++) {
			box_put(&box, id, SIGNAL_REPLICA_CONNECTIONS_MAX, 97);
			box_put(&box, id, SIGNAL_REPLICA_CONNECTIONS_USED, 97);
			box_run(&box, 1);
		}
		ck_assert_int_eq(is_listed(&box, HYPOTHESIS_SLOW_REPLICA), !own);
		if (!own) {
			ck_assert_uint_eq(box.seen.causes[0].entity, id);
			ck_assert_ptr_nonnull(strstr(box.seen.causes[0].evidence,
				"east-a/r2 has no connection slot left"));
			ck_assert(phase_is_incident(box.seen.phase));
		}
		box_finish(&box);
	}
}
END_TEST

START_TEST(clusters_and_windows_are_listed_too)
{
	struct box box;
	struct loss losses[16];
	struct error error = {0};
	box_init(&box, 3);
	box_near_limit(&box.clusters[0]);
	struct maintenance window = {.replica = box.clusters[1].replicas[0],
		.from_ms = BOX_START_MS + 3600000,
		.until_ms = INT64_MAX};
	ck_assert(fleet_add_maintenance(box.fleet, &window, &error));
	window.replica = box.clusters[1].replicas[1];
	window.from_ms = BOX_START_MS; /* has opened */
	ck_assert(fleet_add_maintenance(box.fleet, &window, &error));
	box_run(&box, 90);
	/* Half of 12.6 x 4 lands on each of the others, which have 9 x 4 of 64. */
	ck_assert_uint_eq(contingency_clusters(box.snapshot, &box.seen, losses, 16), 3);
	ck_assert_uint_eq(losses[2].cluster, box.clusters[0].id);
	ck_assert_uint_eq(losses[2].replica, ENTITY_NONE);
	ck_assert_double_eq_tol(losses[2].utilisation_after, (36 + 25.2) / 64, 0.01);
	ck_assert_uint_eq(losses[0].receiver, box.clusters[0].id);
	ck_assert_double_eq_tol(losses[0].utilisation_after, (50.4 + 18) / 64, 0.01);
	ck_assert_double_eq_tol(losses[0].seconds_to_timeout, 1 / (68.4 / 64 - 1), 1);
	ck_assert_uint_eq(contingency_windows(box.snapshot, &box.seen, losses, 16), 1);
	ck_assert_uint_eq(losses[0].replica, box.clusters[1].replicas[0]);
	ck_assert_int_eq(losses[0].opens_ms, BOX_START_MS + 3600000);
	ck_assert_double_eq_tol(losses[0].utilisation_after, 0.75, 0.01);
	box_finish(&box);
}
END_TEST

static Suite *cause_suite(void)
{
	Suite *suite = suite_create("cause");
	TCase *all = tcase_create("cause");
	tcase_set_timeout(all, 60);
	tcase_add_test(all, a_lost_replica_is_named);
	tcase_add_test(all, what_came_and_went_in_calm_is_forgotten);
	tcase_add_test(all, a_replica_that_alone_is_waited_for_is_slow);
	tcase_add_test(all, when_all_are_waited_for_none_of_them_is_slow);
	tcase_add_test(all, slots_that_others_hold_are_named);
	tcase_add_test(all, one_silent_target_of_a_scraper_is_no_telemetry_fault);
	tcase_add_test(all, a_loss_that_is_carried_wakes_nobody);
	tcase_add_test(all, every_loss_is_listed_the_worst_first);
	tcase_add_test(all, clusters_and_windows_are_listed_too);
	suite_add_tcase(suite, all);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(cause_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
