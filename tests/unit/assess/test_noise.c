/* Chance: what few events can say, alone and through the whole assessment of a small fleet. */
#include "core/assess/noise.h"

#include "box.h"

#include "core/assess/phase.h"

START_TEST(shares)
{
	static const struct {
		double events, usual, least;
	} rows[] = {
		{3, 0.001, 1.074},      /* not even three errors of three */
		{30, 0.001, 0.124},     /* four */
		{300, 0.001, 0.018304}, /* six */
		{10000, 0.001, 0.002565},
		{1000, 0.02, 0.0409},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_double_eq_tol(
			noise_share(rows[i].events, rows[i].usual), rows[i].least, 5e-4);
	ck_assert_double_eq(noise_share(NAN, 0.01), 0);
	ck_assert(isinf(noise_share(0, 0.01)));
}
END_TEST

START_TEST(factors)
{
	ck_assert_double_eq_tol(noise_factor(100), 1.5, 1e-9);
	ck_assert_double_eq_tol(noise_factor(10000), 1.05, 1e-9);
	ck_assert_double_eq(noise_factor(NAN), 1);
	ck_assert(isinf(noise_factor(0)));
	ck_assert(noise_is_dearth(0, 25));
	ck_assert(!noise_is_dearth(0, 24));
	ck_assert(noise_is_dearth(50, 100));
	ck_assert(!noise_is_dearth(51, 100));
}
END_TEST

/* ---- a small fleet: 60 reads a second and cluster, counted to whole ones ---- */

struct dice {
	uint64_t state;
	bool hung; /* the first cluster's third replica finishes nothing */
};

static double uniform(struct dice *dice)
{
	dice->state ^= dice->state << 13;
	dice->state ^= dice->state >> 7;
	dice->state ^= dice->state << 17;
	return ((double)(dice->state >> 11) + 0.5) / 9007199254740992.0;
}

/* Knuth's way, good for small means. */
static double poisson(struct dice *dice, double mean)
{
	double limit = exp(-mean), product = 1;
	int count = -1;
	do {
		product *= uniform(dice);
		count++;
	} while (product > limit);
	return count;
}

#define REPLICA_READS 15.0 /* each */

static void report(struct box *box, struct dice *dice, double errors)
{
	for (size_t i = 0; i < box->cluster_count; i++) {
		struct box_cluster *cluster = &box->clusters[i];
		double serving = 0;
		for (size_t j = 0; j < BOX_REPLICAS; j++)
			serving += cluster->maintenance[j] ? 0 : 1;
		cluster->busy = 6;
		box_report(box, cluster);
		for (size_t j = 0; j < BOX_REPLICAS; j++)
			box_put(box, cluster->replicas[j], SIGNAL_REPLICA_QUERIES,
				cluster->maintenance[j] || (dice->hung && i == 0 && j == 2)
					? 0
					: poisson(dice, 4 * REPLICA_READS / serving));
		double first = poisson(dice, 40);
		box_put(box, cluster->auth, SIGNAL_SERVICE_FIRST_TRIES, first);
		box_put(box, cluster->auth, SIGNAL_SERVICE_ATTEMPTS, first + (uniform(dice) < 0.1));
		box_put(box, cluster->auth, SIGNAL_SERVICE_FAILURES, 0);
		double requests = poisson(dice, 3);
		box_put(box, cluster->web, SIGNAL_SURFACE_REQUESTS, requests);
		box_put(box, cluster->web, SIGNAL_SURFACE_ERRORS,
			errors > 0 ? poisson(dice, errors * requests)
				   : (requests > 0 && uniform(dice) < 0.002));
		box_put(box, cluster->api, SIGNAL_SURFACE_REQUESTS, 3);
		box_put(box, cluster->api, SIGNAL_SURFACE_ERRORS, 0);
	}
	box_answer(box, true);
	box_assess(box);
}

START_TEST(a_small_fleet_is_calm)
{
	struct box box;
	struct dice dice = {.state = 0x9E3779B97F4A7C15u + (uint64_t)_i};
	box_init(&box, 2);
	for (int i = 0; i < 4 * 3600; i++) {
		box.now_ms += 1000;
		report(&box, &dice, 0);
		for (unsigned stage = 0; stage < STAGE_COUNT; stage++)
			ck_assert_msg(box.seen.stages[stage].onset_ms == 0,
				"after %d s: %s at %g, usually %g", i,
				stage_name((enum stage)stage), box.seen.stages[stage].now,
				box.seen.stages[stage].baseline);
		ck_assert_msg(
			!phase_is_incident(box.seen.phase), "after %d s: %s", i, box.seen.headline);
		ck_assert(!box.seen.page);
	}
	box_finish(&box);
}
END_TEST

START_TEST(its_troubles_are_seen_all_the_same)
{
	struct box box;
	struct dice dice = {.state = 88172645463325252u};
	box_init(&box, 2);
	for (int i = 0; i < 300; i++) {
		box.now_ms += 1000;
		report(&box, &dice, 0);
	}
	/* One of four leaves, and half of what users ask for fails. */
	box.clusters[0].maintenance[1] = true;
	for (int i = 0; i < 30; i++) {
		box.now_ms += 1000;
		report(&box, &dice, 0.5);
	}
	ck_assert_int_eq(box.seen.phase, PHASE_ERRORS);
	ck_assert_int_eq(box.seen.first_stage, STAGE_REPLICAS);
	ck_assert(box.seen.stages[STAGE_ERRORS].onset_ms != 0);
	box_finish(&box);
}
END_TEST

START_TEST(a_hung_replica_of_few_reads_is_starved)
{
	struct box box;
	struct dice dice = {.state = 362436069u};
	box_init(&box, 1);
	int seconds = 0;
	for (int i = 0; i < 120; i++) {
		box.now_ms += 1000;
		report(&box, &dice, 0);
		ck_assert_uint_eq(box_row(&box, 0)->starved_count, 0);
	}
	dice.hung = true;
	for (; seconds < 10 && box_row(&box, 0)->starved_count == 0; seconds++) {
		box.now_ms += 1000;
		report(&box, &dice, 0);
	}
	ck_assert_int_le(seconds, 3);
	ck_assert_uint_eq(box_row(&box, 0)->starved, box.clusters[0].replicas[2]);
	box_finish(&box);
}
END_TEST

/* Load rises above its usual swings, and a stage trips for it; what is carried since then counts
 * all the same when a replica is lost. */
START_TEST(a_tripped_stage_hides_no_loss)
{
	struct box box;
	box_init(&box, 1);
	box_run(&box, 120);
	box_near_limit(&box.clusters[0]);
	box_run(&box, 50);
	ck_assert_int_ne(box.seen.stages[STAGE_LOAD].onset_ms, 0);
	ck_assert(!phase_is_incident(box.seen.phase));
	ck_assert(!box.seen.page);
	box_lose_replica(&box.clusters[0], 1);
	box_run(&box, 1);
	ck_assert_msg(box.seen.page, "foreseen %g", box_row(&box, 0)->foreseen);
	ck_assert_msg(strstr(box.seen.page_why, "needs") != NULL, "%s", box.seen.page_why);
	box_finish(&box);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("noise");
	TCase *tests = tcase_create("noise");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, shares);
	tcase_add_test(tests, factors);
	tcase_add_loop_test(tests, a_small_fleet_is_calm, 0, 3);
	tcase_add_test(tests, its_troubles_are_seen_all_the_same);
	tcase_add_test(tests, a_hung_replica_of_few_reads_is_starved);
	tcase_add_test(tests, a_tripped_stage_hides_no_loss);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
