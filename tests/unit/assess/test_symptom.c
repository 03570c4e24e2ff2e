#include "tests/unit/assess/box.h"

#include "core/assess/evidence.h"
#include "core/assess/replica.h"
#include "core/assess/symptom.h"
#include "core/assess/window.h"

/* Four replicas that serve, of which r3 is reported as the test wants it. */
struct ward {
	struct box box;
	struct replica_memory replicas[64];
	struct windows windows;
	struct symptoms seen;
	double queries, busy, waiting, lag_s, used, max; /* of r3; NAN: not said */
};

static void ward_init(struct ward *ward)
{
	*ward = (struct ward){
		.queries = 450, .busy = 9, .waiting = 0, .lag_s = 0, .used = NAN, .max = NAN};
	box_init(&ward->box, 1);
	ward->box.clusters[0].quiet[2] = true;
	ck_assert(windows_reserve(&ward->windows, 64));
	for (size_t i = 0; i < BOX_REPLICAS; i++)
		ward->replicas[ward->box.clusters[0].replicas[i]].state = REPLICA_SERVING;
}

static void ward_finish(struct ward *ward)
{
	windows_finish(&ward->windows);
	box_finish(&ward->box);
}

static uint32_t third(const struct ward *ward)
{
	return ward->box.clusters[0].replicas[2];
}

static void put(struct ward *ward, enum signal signal, double value)
{
	if (!isnan(value))
		box_put(&ward->box, third(ward), signal, value);
}

static void run(struct ward *ward, int seconds)
{
	for (int i = 0; i < seconds; i++) {
		ward->box.now_ms += 1000;
		put(ward, SIGNAL_REPLICA_UP, 1);
		put(ward, SIGNAL_POOL_MAX, BOX_POOL);
		put(ward, SIGNAL_REPLICA_QUERIES, ward->queries);
		put(ward, SIGNAL_POOL_BUSY, ward->busy);
		put(ward, SIGNAL_POOL_WAITING, ward->waiting);
		put(ward, SIGNAL_REPLICA_LAG, ward->lag_s);
		put(ward, SIGNAL_REPLICA_CONNECTIONS_USED, ward->used);
		put(ward, SIGNAL_REPLICA_CONNECTIONS_MAX, ward->max);
		box_report(&ward->box, &ward->box.clusters[0]);
		box_assess(&ward->box);
		const struct scene scene = {ward->box.snapshot, ward->box.history, &ward->windows};
		symptoms_look(&ward->seen, ward->replicas, &scene, ward->box.clusters[0].id);
	}
}

START_TEST(half_of_its_share_is_starved)
{
	struct ward ward;
	ward_init(&ward);
	run(&ward, 20);
	ck_assert_uint_eq(ward.seen.starved, 0);
	/* 210 where 3 x 450 + 210 make a share of 390: more than half of it. */
	ward.queries = 210;
	run(&ward, 20);
	ck_assert_uint_eq(ward.seen.starved, 0);
	ward.queries = 180; /* of 382 */
	run(&ward, 1);
	ck_assert_uint_eq(ward.seen.starved, 1);
	ck_assert_uint_eq(ward.seen.starved_one, third(&ward));
	/* It has just come back: it is warmed up, for a minute. */
	ward.replicas[third(&ward)].returned_ms = ward.box.now_ms - 58000;
	run(&ward, 1);
	ck_assert_uint_eq(ward.seen.starved, 0);
	run(&ward, 1);
	ck_assert_uint_eq(ward.seen.starved, 1);
	ward_finish(&ward);
}
END_TEST

START_TEST(a_share_needs_reads)
{
	struct ward ward;
	/* A share is reckoned with the means of ten seconds: 118 reads expected in a second are
	 * enough to tell at once, 88 are not. */
	static const struct {
		double usual, own;
		bool at_once;
	} rows[] = {{120, 30, true}, {120, 62, false}, {90, 0, false}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ward_init(&ward);
		ward.box.clusters[0].queries = rows[i].usual;
		ward.queries = rows[i].usual;
		run(&ward, 20);
		ward.queries = rows[i].own;
		run(&ward, 1);
		ck_assert_msg((ward.seen.starved == 1) == rows[i].at_once, "row %zu", i);
		ward_finish(&ward);
	}
	/* Few reads: twelve a second, and none of them here. In two seconds that is chance (23 less
	 * five times its root), in three not. */
	ward_init(&ward);
	ward.box.clusters[0].queries = ward.queries = 12;
	run(&ward, 20);
	ward.queries = 0;
	run(&ward, 2);
	ck_assert_uint_eq(ward.seen.starved, 0);
	run(&ward, 1);
	ck_assert_uint_eq(ward.seen.starved, 1);
	ward_finish(&ward);
}
END_TEST

START_TEST(twice_as_long_per_read_is_slow)
{
	struct ward ward;
	ward_init(&ward);
	ward.busy = 15;
	ward.queries = 390; /* 1.92 times 9 for 450 */
	run(&ward, 20);
	ck_assert_uint_eq(ward.seen.slow_one, ENTITY_NONE);
	ck_assert_double_eq_tol(ward.seen.slow_factor, 15.0 / 390 / (9.0 / 450), 1e-6);
	ward.queries = 360; /* 2.08 times */
	run(&ward, 20);
	ck_assert_uint_eq(ward.seen.slow_one, third(&ward));
	/* It finishes next to nothing: then one a second is taken for it. */
	ward.queries = 0.5;
	ward.busy = 0.05;
	run(&ward, 20);
	ck_assert_double_eq_tol(ward.seen.slow_factor, 0.05 / 1 / (9.0 / 450), 1e-6);
	ward_finish(&ward);
}
END_TEST

START_TEST(who_alone_is_waited_for_is_slow)
{
	struct ward ward;
	ward_init(&ward);
	ward.waiting = 15; /* of 16 connections */
	run(&ward, 2);
	ck_assert_uint_eq(ward.seen.slow_one, ENTITY_NONE);
	ward.waiting = 17;
	run(&ward, 2);
	ck_assert_uint_eq(ward.seen.slow_one, third(&ward));
	ck_assert_double_eq(ward.seen.queue, 17);
	ward.box.clusters[0].waiting = 1.3; /* 3.9 for the others: under a quarter */
	run(&ward, 2);
	ck_assert_uint_eq(ward.seen.slow_one, third(&ward));
	ward.box.clusters[0].waiting = 1.5; /* 4.5 */
	run(&ward, 2);
	ck_assert_uint_eq(ward.seen.slow_one, ENTITY_NONE);
	ward_finish(&ward);
}
END_TEST

START_TEST(slots_that_others_took)
{
	struct ward ward;
	ward_init(&ward);
	ward.max = 33;
	ward.used = 33; /* its own pool may have 16 of them: less than half */
	run(&ward, 2);
	ck_assert_uint_eq(ward.seen.full_one, third(&ward));
	ck_assert_uint_eq(ward.seen.starved, 1);
	ward.used = 32;
	run(&ward, 2);
	ck_assert_uint_eq(ward.seen.full_one, ENTITY_NONE);
	ward.used = ward.max = 31; /* more than half: it may have taken them itself */
	run(&ward, 2);
	ck_assert_uint_eq(ward.seen.full_one, ENTITY_NONE);
	ward_finish(&ward);
}
END_TEST

START_TEST(ten_seconds_behind_is_lag)
{
	struct ward ward;
	ward_init(&ward);
	ward.lag_s = 9.5;
	run(&ward, 3);
	ck_assert_uint_eq(ward.seen.lagging_one, ENTITY_NONE);
	ward.lag_s = 10.5;
	run(&ward, 1);
	ck_assert_uint_eq(ward.seen.lagging_one, third(&ward));
	ck_assert_double_eq(ward.seen.lag_s, 10.5);
	int64_t since_ms = ward.box.now_ms;
	ck_assert_int_eq(ward.seen.lagged_ms, 0);
	run(&ward, 5);
	ward.replicas[third(&ward)].state = REPLICA_AWAY;
	ward.replicas[third(&ward)].since_ms = ward.box.now_ms;
	run(&ward, 1);
	ck_assert_int_eq(ward.seen.lagged_ms, since_ms);
	ck_assert_uint_eq(ward.seen.lagged_one, third(&ward));
	ward_finish(&ward);
}
END_TEST

START_TEST(the_one_furthest_behind_is_named)
{
	for (int third_is = 0; third_is < 2; third_is++) {
		struct ward ward;
		ward_init(&ward);
		ward.lag_s = third_is ? 30 : 20;
		run(&ward, 1);
		uint32_t ids[2] = {ward.box.clusters[0].replicas[0], third(&ward)};
		ward.box.now_ms += 1;
		box_put(&ward.box, ids[0], SIGNAL_REPLICA_LAG, third_is ? 20 : 30);
		run(&ward, 1);
		ck_assert_uint_eq(ward.seen.lagging_one, ids[third_is]);
		ck_assert_double_eq(ward.seen.lag_s, 30);
		ward_finish(&ward);
	}
}
END_TEST

/* Of those that are out the one that fell behind first is named; who never did, or only after it
 * had gone, did not go for that. */
START_TEST(who_fell_behind_before_it_went)
{
	struct ward ward;
	ward_init(&ward);
	run(&ward, 60);
	int64_t now_ms = ward.box.now_ms;
	const uint32_t *ids = ward.box.clusters[0].replicas;
	for (size_t i = 0; i < 2; i++) {
		ward.replicas[ids[i]].state = REPLICA_AWAY;
		ward.replicas[ids[i]].since_ms = now_ms;
	}
	run(&ward, 1);
	ck_assert_uint_eq(ward.seen.lagged_one, ENTITY_NONE);
	ward.replicas[ids[0]].lagging_ms = now_ms + 1;
	run(&ward, 1);
	ck_assert_uint_eq(ward.seen.lagged_one, ENTITY_NONE);
	for (size_t first = 0; first < 2; first++) {
		ward.replicas[ids[first]].lagging_ms = now_ms - 50000;
		ward.replicas[ids[1 - first]].lagging_ms = now_ms - 20000;
		run(&ward, 1);
		ck_assert_uint_eq(ward.seen.lagged_one, ids[first]);
		ck_assert_int_eq(ward.seen.lagged_ms, now_ms - 50000);
	}
	ward_finish(&ward);
}
END_TEST

static Suite *symptom_suite(void)
{
	Suite *suite = suite_create("symptom");
	TCase *cases = tcase_create("symptom");
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, half_of_its_share_is_starved);
	tcase_add_test(cases, a_share_needs_reads);
	tcase_add_test(cases, twice_as_long_per_read_is_slow);
	tcase_add_test(cases, who_alone_is_waited_for_is_slow);
	tcase_add_test(cases, slots_that_others_took);
	tcase_add_test(cases, ten_seconds_behind_is_lag);
	tcase_add_test(cases, the_one_furthest_behind_is_named);
	tcase_add_test(cases, who_fell_behind_before_it_went);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(symptom_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
