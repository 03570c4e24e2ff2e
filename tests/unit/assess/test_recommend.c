/* What is offered in each plight, what it promises, and that a promise follows from the figures. */
#include "box.h"

#include "core/assess/prognosis.h"
#include "core/assess/recommend.h"
#include "core/assess/replica.h"

START_TEST(prognoses)
{
	static const struct {
		const char *what;
		struct prognosis_inputs in;
		enum outlook outlook;
		double seconds;
	} rows[] = {
		{"all fits: the queue drains", {40, 60, 80, 400, 0.1, 1}, OUTLOOK_RECOVERS, 3},
		{"retries keep it full", {40, 100, 80, 1000, 0.1, 1}, OUTLOOK_STUCK, NAN},
		{"a short queue turns over in time", {40, 100, 80, 500, 0.1, 1}, OUTLOOK_RECOVERS,
			1 + 50.0 / 40},
		{"just too long", {40, 100, 80, 721, 0.1, 1}, OUTLOOK_STUCK, NAN},
		{"first tries alone are too many", {81, 200, 80, 10, 0.1, 1}, OUTLOOK_TOO_MUCH,
			NAN},
		{"at the brim nothing drains", {40, 79, 80, 1000, 0.1, 1}, OUTLOOK_STUCK, NAN},
		{"unknown capacity", {40, 60, NAN, 10, 0.1, 1}, OUTLOOK_UNKNOWN, NAN},
		{"unknown queue, all fits", {40, 60, 80, NAN, 0.1, 1}, OUTLOOK_RECOVERS, NAN},
		{"unknown queue, retries", {40, 100, 80, NAN, 0.1, 1}, OUTLOOK_UNKNOWN, NAN},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct prognosis got = prognosis_make(&rows[i].in);
		ck_assert_msg(got.outlook == rows[i].outlook, "%s: %d", rows[i].what, got.outlook);
		ck_assert_msg(isnan(rows[i].seconds) ? isnan(got.seconds)
						     : fabs(got.seconds - rows[i].seconds) < 1e-9,
			"%s: %g s", rows[i].what, got.seconds);
	}
}
END_TEST

static const struct recommendation *find(const struct box *box, const char *verb)
{
	for (size_t i = 0; i < box->seen.recommendation_count; i++) {
		if (strcmp(box->seen.recommendations[i].verb, verb) == 0)
			return &box->seen.recommendations[i];
	}
	return NULL;
}

static const struct recommendation *get(const struct box *box, const char *verb)
{
	const struct recommendation *found = find(box, verb);
	ck_assert_msg(found != NULL, "%s is not offered: %s", verb, box->seen.headline);
	return found;
}

/* The first of the list, in this order. */
static void expect_order(const struct box *box, const char *const verbs[])
{
	for (size_t i = 0; verbs[i] != NULL; i++) {
		ck_assert_uint_lt(i, box->seen.recommendation_count);
		ck_assert_msg(strcmp(box->seen.recommendations[i].verb, verbs[i]) == 0,
			"%zu: %s (%g s, use %g)", i, box->seen.recommendations[i].text,
			box->seen.recommendations[i].seconds, box->seen.recommendations[i].use);
	}
}

START_TEST(calm_needs_nothing)
{
	struct box box;
	box_init(&box, 3);
	box_run(&box, 60);
	ck_assert_uint_eq(box.seen.recommendation_count, 0);
	box_finish(&box);
}
END_TEST

START_TEST(the_vulnerable_can_prepare)
{
	struct box box;
	box_init(&box, 4);
	box_near_limit(&box.clusters[0]);
	box_run(&box, 90);
	ck_assert_int_eq(box.seen.phase, PHASE_VULNERABLE);
	const struct recommendation *resize = get(&box, "pool.resize");
	ck_assert(resize->enough);
	ck_assert_uint_eq(resize->entity, box.clusters[0].id);
	ck_assert_double_eq(resize->from, 16);
	ck_assert_double_eq(resize->to, 24);
	ck_assert_str_eq(resize->text,
		"resize pools of east-a, 16 -> 24 connections: losing one replica would leave the "
		"rest at 70% instead of 105%");
	const struct recommendation *divert = get(&box, "cluster.divert");
	ck_assert(divert->enough);
	ck_assert_ptr_nonnull(strstr(divert->text, "instead of 105%"));
	ck_assert(divert->use < resize->use_before);
	ck_assert_double_eq(divert->from, 100);
	ck_assert_double_eq(divert->to, 50); /* as far as is offered, for the others have room */
	ck_assert_ptr_null(find(&box, "retry.limit"));
	ck_assert_ptr_null(find(&box, "replica.return"));
	/* Both are enough, and a divert leaves more room. */
	expect_order(&box, (const char *const[]){"cluster.divert", "pool.resize", NULL});
	ck_assert_double_lt(divert->use, resize->use);
	box_finish(&box);
}
END_TEST

/* What a move does is told of the cluster in trouble, wherever it stands among the others. */
START_TEST(it_is_about_the_cluster_in_trouble)
{
	for (size_t i = 0; i < 4; i++) {
		struct box box;
		box_init(&box, 4);
		box_near_limit(&box.clusters[i]);
		box_run(&box, 90);
		const struct recommendation *divert = get(&box, "cluster.divert");
		ck_assert_uint_eq(divert->entity, box.clusters[i].id);
		ck_assert_double_eq_tol(divert->use_before, 12.6 / 16, 1e-6);
		ck_assert_double_eq_tol(divert->use, 12.6 / 16 * 4 / 7, 1e-6);
		box_finish(&box);
	}
}
END_TEST

/* Weights that are whole numbers of some size stay whole; one is no such number. */
START_TEST(half_of_a_weight)
{
	static const double rows[][2] = {{100, 50}, {5, 2}, {1, 0.5}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct box box;
		box_init(&box, 4);
		for (size_t j = 0; j < 4; j++)
			box.clusters[j].weight = rows[i][0];
		box_near_limit(&box.clusters[0]);
		box_run(&box, 60);
		ck_assert_double_eq(get(&box, "cluster.divert")->from, rows[i][0]);
		ck_assert_double_eq(get(&box, "cluster.divert")->to, rows[i][1]);
		box_finish(&box);
	}
}
END_TEST

/* Pools are full of first tries: limiting retries would change nothing, and of what mends the
 * quicker comes first, though the slower leaves more room. */
START_TEST(the_sooner_the_better)
{
	struct box box;
	box_init(&box, 4);
	box_run(&box, 60);
	box_saturate(&box.clusters[0]);
	box.clusters[0].first = 2500;
	box.clusters[0].attempts = 2600;
	box_run(&box, 20);
	ck_assert_int_eq(box.seen.phase, PHASE_SATURATION);
	expect_order(&box, (const char *const[]){"pool.resize", "cluster.divert", NULL});
	ck_assert_ptr_null(find(&box, "retry.limit"));
	ck_assert(get(&box, "cluster.divert")->enough);
	ck_assert_double_lt(
		get(&box, "pool.resize")->seconds, get(&box, "cluster.divert")->seconds);
	ck_assert_double_gt(get(&box, "pool.resize")->use, get(&box, "cluster.divert")->use);
	box_finish(&box);

	/* First tries need 30 of 64 connections, with retries it is 80; the others have hardly room
	 * to take any. Larger pools drain by what retries leave, 96 - 80, and the queue is short
	 * enough to be served as it is. */
	box_init(&box, 4);
	for (size_t i = 1; i < 4; i++)
		box.clusters[i].busy = 13.2;
	box.clusters[0].busy = 7.5;
	box.clusters[0].first = box.clusters[0].attempts = 1500;
	box_run(&box, 60);
	box_saturate(&box.clusters[0]);
	box.clusters[0].attempts = 4000;
	box_run(&box, 70);
	ck_assert_int_eq(box.seen.phase, PHASE_AMPLIFICATION);
	expect_order(
		&box, (const char *const[]){"cluster.divert", "retry.limit", "pool.resize", NULL});
	ck_assert(get(&box, "cluster.divert")->enough && get(&box, "pool.resize")->enough);
	ck_assert_double_gt(get(&box, "cluster.divert")->use, get(&box, "pool.resize")->use);
	box_finish(&box);
}
END_TEST

/* Half of it would take the others to 92 %: less is offered. */
START_TEST(receivers_stay_below_their_ceiling)
{
	struct box box;
	box_init(&box, 4);
	for (size_t i = 0; i < 4; i++)
		box_near_limit(&box.clusters[i]);
	box_run(&box, 90);
	const struct recommendation *divert = get(&box, "cluster.divert");
	/* A loss would then leave the rest at 88 %: better, and no room for it yet. */
	ck_assert(!divert->enough);
	ck_assert_double_gt(divert->to, 75);
	ck_assert_double_lt(divert->to, 100);
	box_finish(&box);
}
END_TEST

START_TEST(the_list_is_made_anew_once_a_second)
{
	struct box box;
	struct recommend_memory memory = {0};
	struct replica_memory replicas[64] = {0};
	box_init(&box, 4);
	box_near_limit(&box.clusters[0]);
	box_run(&box, 90);
	recommend(&memory, box.snapshot, replicas, &box.seen);
	ck_assert_ptr_nonnull(strstr(get(&box, "pool.resize")->text, "instead of 105%"));
	box.seen.clusters[0].contingency.utilisation_after = 1.2;
	box.seen.at_ms += 999;
	recommend(&memory, box.snapshot, replicas, &box.seen);
	ck_assert_ptr_nonnull(strstr(get(&box, "pool.resize")->text, "instead of 105%"));
	box.seen.at_ms += 1;
	recommend(&memory, box.snapshot, replicas, &box.seen);
	ck_assert_ptr_nonnull(strstr(get(&box, "pool.resize")->text, "instead of 120%"));
	box_finish(&box);
}
END_TEST

START_TEST(a_storm_is_mended_by_fewer_retries_and_not_by_the_replica)
{
	struct box box;
	box_init(&box, 4);
	box_near_limit(&box.clusters[0]);
	box_run(&box, 90);
	box.clusters[0].maintenance[1] = true;
	box_amplify(&box.clusters[0]);
	/* Alone the first tries need 2520/s x 20 ms = 50 of 48 connections: too many for three. */
	box_run(&box, 20);
	const struct recommendation *back = get(&box, "replica.return");
	ck_assert(!back->enough);
	ck_assert_ptr_nonnull(strstr(back->text, "restoring east-a/r2 alone: stays metastable"));
	const struct recommendation *fewer = get(&box, "retry.limit");
	ck_assert(!fewer->enough);
	ck_assert_ptr_nonnull(strstr(fewer->text, "first tries alone ask for 10"));
	/* Back again, and it stays bad: now fewer retries are enough. */
	box.clusters[0].maintenance[1] = false;
	box_run(&box, 30);
	ck_assert_int_eq(box.seen.phase, PHASE_METASTABLE);
	ck_assert_ptr_null(find(&box, "replica.return"));
	const char *resize = get(&box, "pool.resize")->text;
	bool recovers = strstr(resize, "recovers") != NULL;
	bool doubts = strstr(resize, ", if its databases keep their speed") != NULL;
	ck_assert_msg(recovers == doubts, "%s", resize);
	fewer = get(&box, "retry.limit");
	ck_assert(fewer->enough);
	ck_assert_double_eq(fewer->to, 0.10);
	/* 3200 clients of 20 ms are 64 connection-seconds; 55 of 64 connections are asked for. */
	ck_assert_double_eq_tol(fewer->seconds, 1 + 64 / (64 - 1.1 * 50.3), 1);
	ck_assert_ptr_nonnull(strstr(fewer->text, "limit retries of east-a/auth to 10%: recovers"));
	for (size_t i = 1; i < box.seen.recommendation_count; i++)
		ck_assert(box.seen.recommendations[i - 1].enough ||
			  !box.seen.recommendations[i].enough);
	box_finish(&box);
}
END_TEST

START_TEST(a_loss_that_is_too_much_can_be_prevented)
{
	struct box box;
	box_init(&box, 4);
	box_near_limit(&box.clusters[0]);
	box_run(&box, 90);
	box_lose_replica(&box.clusters[0], 1);
	box_run(&box, 2);
	ck_assert(box.seen.page);
	ck_assert(get(&box, "pool.resize")->enough);
	ck_assert(get(&box, "replica.return")->enough);
	ck_assert_ptr_nonnull(
		strstr(get(&box, "replica.return")->text, "what is left is asked for 79%"));
	box_finish(&box);
}
END_TEST

START_TEST(what_lands_on_the_same_database_is_no_relief)
{
	struct box box;
	box_init(&box, 3);
	fleet_set_shares_database(box.fleet, box.clusters[1].id, box.clusters[0].id);
	box_near_limit(&box.clusters[0]);
	box_run(&box, 90);
	const struct recommendation *divert = get(&box, "cluster.divert");
	ck_assert(!divert->enough);
	ck_assert_ptr_nonnull(
		strstr(divert->text, "50% of that lands on the same database: no relief there"));
	box_finish(&box);
}
END_TEST

START_TEST(a_hung_replica_is_to_be_taken_out)
{
	struct box box;
	box_init(&box, 2);
	box_run(&box, 60);
	for (int i = 0; i < 20; i++) {
		box.now_ms += 1000;
		for (size_t j = 0; j < 2; j++) {
			if (j == 0)
				box.clusters[0].quiet[3] = true;
			box_report(&box, &box.clusters[j]);
		}
		uint32_t hung = box.clusters[0].replicas[3];
		box_put(&box, hung, SIGNAL_REPLICA_UP, 1);
		box_put(&box, hung, SIGNAL_POOL_MAX, BOX_POOL);
		box_put(&box, hung, SIGNAL_POOL_BUSY, BOX_POOL);
		box_put(&box, hung, SIGNAL_POOL_WAITING, 400);
		box_put(&box, hung, SIGNAL_POOL_WAIT, 1000);
		box_put(&box, hung, SIGNAL_REPLICA_QUERIES, 0);
		box_put(&box, box.clusters[0].auth, SIGNAL_SERVICE_ATTEMPTS, 2600);
		box_put(&box, box.clusters[0].web, SIGNAL_SURFACE_ERRORS, 30);
		box_answer(&box, true);
		box_assess(&box);
	}
	const struct recommendation *drain = get(&box, "replica.drain");
	ck_assert_uint_eq(drain->entity, box.clusters[0].replicas[3]);
	ck_assert_msg(drain->enough, "%s", drain->text);
	ck_assert_ptr_nonnull(strstr(drain->text, "take east-a/r4 out: recovers"));
	ck_assert_ptr_eq(drain, &box.seen.recommendations[0]);
	const struct recommendation *resize = get(&box, "pool.resize");
	ck_assert(!resize->enough);
	ck_assert_ptr_nonnull(strstr(resize->text, "east-a/r4 goes on failing"));
	box_finish(&box);
}
END_TEST

/* Before it is learned how long an attempt holds a connection: as long as now. */
START_TEST(a_queue_is_as_long_as_it_takes_to_serve)
{
	struct box box;
	struct recommend_memory memory = {0};
	struct replica_memory replicas[64] = {0};
	box_init(&box, 4);
	box_run(&box, 60);
	box_saturate(&box.clusters[0]);
	box.clusters[0].first = 2500;
	box.clusters[0].attempts = 2600;
	box_run(&box, 20);
	ck_assert_uint_eq(box.seen.clusters[0].cluster, box.clusters[0].id);
	box.seen.clusters[0].hold_s = NAN;
	recommend(&memory, box.snapshot, replicas, &box.seen);
	const struct recommendation *divert = get(&box, "cluster.divert");
	/* 360 clients wait for 64 connections that serve 2600 a second; the rest is idle by then.
	 */
	double idle = 64 * (1 - divert->use);
	ck_assert_double_eq_tol(divert->seconds, 1 + 360 * (64 / 2600.0) / idle, 1e-6);
	box_finish(&box);
}
END_TEST

/* Who finishes nothing is to be taken out, whatever else is thought to be the cause. */
START_TEST(who_starves_is_to_be_taken_out)
{
	struct box box;
	struct recommend_memory memory = {0};
	struct replica_memory replicas[64] = {0};
	box_init(&box, 4);
	for (int starved = 0; starved < 2; starved++) {
		box.clusters[0].pool_max = 20;
		box_saturate(&box.clusters[0]);
		box.clusters[0].busy = 20;
		box_run(&box, 20);
		ck_assert_int_eq(box.seen.clusters[0].phase, PHASE_SATURATION);
		box.seen.cause_count = 0;
		box.seen.clusters[0].starved_count = (unsigned)starved;
		box.seen.clusters[0].starved = box.clusters[0].replicas[1];
		memory.made_ms = 0;
		recommend(&memory, box.snapshot, replicas, &box.seen);
		ck_assert_int_eq(find(&box, "replica.drain") != NULL, starved);
		if (starved)
			ck_assert_uint_eq(
				get(&box, "replica.drain")->entity, box.clusters[0].replicas[1]);
	}
	box_finish(&box);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("recommend");
	TCase *tests = tcase_create("recommend");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, prognoses);
	tcase_add_test(tests, calm_needs_nothing);
	tcase_add_test(tests, the_vulnerable_can_prepare);
	tcase_add_test(tests, it_is_about_the_cluster_in_trouble);
	tcase_add_test(tests, half_of_a_weight);
	tcase_add_test(tests, the_sooner_the_better);
	tcase_add_test(tests, a_queue_is_as_long_as_it_takes_to_serve);
	tcase_add_test(tests, who_starves_is_to_be_taken_out);
	tcase_add_test(tests, receivers_stay_below_their_ceiling);
	tcase_add_test(tests, the_list_is_made_anew_once_a_second);
	tcase_add_test(tests, a_storm_is_mended_by_fewer_retries_and_not_by_the_replica);
	tcase_add_test(tests, a_loss_that_is_too_much_can_be_prevented);
	tcase_add_test(tests, what_lands_on_the_same_database_is_no_relief);
	tcase_add_test(tests, a_hung_replica_is_to_be_taken_out);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
