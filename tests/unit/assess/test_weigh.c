/* A cluster's arithmetic by its figures alone: yield, what is foreseen, what is learned. */
#include "core/assess/cluster.h"

#include "box.h"

#include "core/assess/limits.h"
#include "core/assess/window.h"

#define T 1000000

static void know(struct baseline *baseline, double value, double spread)
{
	baseline->count = BASELINE_LEAST;
	baseline->value = value;
	baseline->spread = spread;
}

/* Four replicas of 16 connections, half of them busy; a thousand first tries a second. */
static struct cluster_view calm_view(void)
{
	return (struct cluster_view){.expected = 4,
		.serving = 4,
		.capacity = 64,
		.busy = 32,
		.busy_minute = 32,
		.minute_s = 60,
		.use = 0.5,
		.knee = 0.83,
		.load = 250,
		.wait_mean_ms = 1,
		.share = 0.25,
		.newest_ms = T,
		.services = {.failure_ratio = 0.01}};
}

static struct services calm_rates(void)
{
	return (struct services){
		.first_tries = 1000, .attempts = 1000, .failures = 100, .first_events = NAN};
}

/* What is done per busy connection, of what is usual: failures are not done. */
START_TEST(yield_is_of_what_succeeds)
{
	struct cluster_memory memory = {0};
	struct cluster_view view = calm_view();
	struct services rates = calm_rates();
	view.yield = NAN;
	cluster_weigh(&view, &memory, &rates);
	ck_assert(isnan(view.yield)); /* nothing is usual yet */
	know(&memory.yield, 0, 0);
	cluster_weigh(&view, &memory, &rates);
	ck_assert(isnan(view.yield)); /* nor where usually nothing is done */
	know(&memory.yield, 30, 0);
	cluster_weigh(&view, &memory, &rates);
	ck_assert_double_eq_tol(view.yield, 900.0 / 32 / 30, 1e-9);
	/* Late answers may fail in another second than they were asked for in. */
	rates.failures = 1100;
	cluster_weigh(&view, &memory, &rates);
	ck_assert_double_eq(view.yield, 0);
	/* Of less than one connection it is chance. */
	rates.failures = 0;
	view.yield = NAN;
	view.busy = 0.9;
	cluster_weigh(&view, &memory, &rates);
	ck_assert(isnan(view.yield));
}
END_TEST

/* The last seconds say more of now than the minute where they are more than two deviations off:
 * then demand is doubted as far as a mean of seconds may be. */
START_TEST(the_last_seconds_against_the_minute)
{
	static const struct {
		double busy, seconds;
	} rows[] = {{32, 60}, {32.7, 60}, {32.8, 10}, {31.3, 60}, {31.2, 10}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cluster_memory memory = {.begun_ms = T - 70000};
		struct cluster_view view = calm_view();
		struct services rates = calm_rates();
		know(&memory.per_attempt, 0.02, 0);
		view.busy = rows[i].busy;
		cluster_weigh(&view, &memory, &rates);
		double held = rows[i].seconds == 60 ? view.busy_minute : view.busy;
		/* each is held for 20 ms: see busy_sd() */
		ck_assert_double_eq_tol(
			view.demand_sd, sqrt(2 * held * 0.02 / rows[i].seconds), 1e-9);
		ck_assert_double_eq_tol(view.demand_late, rows[i].busy, 1e-9);
	}
}
END_TEST

/* The part of a demand that is reckoned from attempts is doubted as their count is. */
START_TEST(what_is_counted_is_doubted_too)
{
	static const struct {
		double stuck, events, counted;
	} rows[] = {{10, 900, 74.0 / 30}, {10, 0, 0}, {10, (double)NAN, 0}, {0, 900, 0}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cluster_memory memory = {.begun_ms = T - 70000};
		struct cluster_view view = calm_view();
		struct services rates = calm_rates();
		know(&memory.per_attempt, 0.02, 0);
		view.use = 1;
		view.busy = view.busy_minute = 64;
		view.waiting_mean = view.stuck_mean = rows[i].stuck;
		rates.attempts = 4000; /* of which 80 connections would be busy */
		rates.first_events = rows[i].events;
		cluster_weigh(&view, &memory, &rates);
		ck_assert_double_eq_tol(view.demand, 64 + rows[i].stuck, 1e-9);
		double held = sqrt(2 * 64 * 0.02 / 60);
		ck_assert_double_eq_tol(view.demand_sd, hypot(held, rows[i].counted), 1e-9);
	}
}
END_TEST

/* A longer hold says nothing until it is further out than its usual swings. */
START_TEST(a_leak_must_be_more_than_usual_swings)
{
	struct cluster_memory memory = {0};
	struct cluster_view view = calm_view();
	struct services rates = calm_rates();
	know(&memory.per_attempt, 0.02, 0.0002);
	cluster_weigh(&view, &memory, &rates);
	ck_assert_double_eq_tol(view.leak_trip, LEAK_TRIP, 1e-9);
	know(&memory.per_attempt, 0.02, 0.002);
	cluster_weigh(&view, &memory, &rates);
	ck_assert_double_eq_tol(view.leak_trip, 1.4, 1e-9); /* four times a tenth */
}
END_TEST

/* What was carried lands on what is left, changed as the cluster's share was since. */
START_TEST(what_is_foreseen_follows_the_share)
{
	static const struct {
		const char *what;
		double settled_share, share, foreseen;
	} rows[] = {
		{"the share is as it was", 0.25, 0.25, 45.0 / 48},
		{"half of it was taken away since", 0.5, 0.25, 22.5 / 48},
		{"all of it was", 0.5, 0, 0},
		{"nobody says how much it is now", 0.5, (double)NAN, 45.0 / 48},
		{"nobody said how much it was", (double)NAN, 0.5, 45.0 / 48},
		{"it took none then, and nobody knows what comes", 0, 0.5, 45.0 / 48},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cluster_memory memory = {.step_ms = T - 5000,
			.settled_demand = 45,
			.settled_share = rows[i].settled_share};
		struct cluster_view view = calm_view();
		struct services rates = calm_rates();
		view.out = 1;
		view.serving = 3;
		view.capacity = 48;
		view.share = rows[i].share;
		cluster_weigh(&view, &memory, &rates);
		ck_assert_msg(fabs(view.foreseen - rows[i].foreseen) < 1e-9, "%s: %g", rows[i].what,
			view.foreseen);
	}
}
END_TEST

/* Fifteen seconds after the last step a mean stands for what is carried; nothing busy is not a
 * demand. */
START_TEST(what_is_carried_is_noted_when_it_has_settled)
{
	struct cluster_memory memory = {.step_ms = T};
	struct cluster_view view = calm_view();
	cluster_settle(&memory, &view, T + 14999);
	ck_assert_double_eq(memory.settled_demand, 0);
	cluster_settle(&memory, &view, T + 15000);
	ck_assert_double_eq(memory.settled_demand, 32);
	ck_assert_double_eq(memory.settled_share, 0.25);
	view.busy_minute = 40;
	view.share = 0.3;
	memory.step_ms = T + 20000;
	cluster_settle(&memory, &view, T + 34000);
	ck_assert_double_eq(memory.settled_demand, 32);
	view.busy_minute = 0;
	cluster_settle(&memory, &view, T + 90000);
	ck_assert_double_eq(memory.settled_demand, 32);
	ck_assert_double_eq(memory.settled_share, 0.25);
}
END_TEST

/* What is usual is learned of what there was: of surfaces that had a ratio, of attempts at a rate
 * and connections in a number that mean something. */
START_TEST(what_is_learned)
{
	struct cluster_memory memory = {0};
	struct cluster_view view = calm_view();
	struct services rates = calm_rates();
	view.surfaces = (struct surfaces){.count = 2, .worst = 1};
	view.surfaces.rows[0].ratio = 0.01;
	view.surfaces.rows[1].ratio = 0.02;
	for (int i = 0; i < BASELINE_LEAST; i++)
		cluster_learn(&memory, &view, &rates, T + 1000 * i);
	ck_assert_double_eq(baseline_value(&memory.errors), 0.02);
	ck_assert_double_eq(baseline_value(&memory.load), 250);
	ck_assert_double_eq(baseline_value(&memory.use), 0.5);
	ck_assert_double_eq(baseline_value(&memory.wait), 1);
	ck_assert_double_eq(baseline_value(&memory.failures), 0.01);
	ck_assert_double_eq(baseline_value(&memory.capacity), 16);
	ck_assert_double_eq_tol(baseline_value(&memory.per_attempt), 0.032, 1e-12);
	ck_assert_double_eq(baseline_value(&memory.yield), 900.0 / 32);
	ck_assert_double_eq(baseline_value(&memory.first), 1000);
	struct cluster_memory idle = {0};
	view.surfaces.worst = 2; /* none has a ratio */
	view.surfaces.rows[2].ratio = 0.5;
	view.serving = 0;
	view.busy = 0.9;
	rates.attempts = 0.9;
	for (int i = 0; i < BASELINE_LEAST; i++)
		cluster_learn(&idle, &view, &rates, T + 1000 * i);
	ck_assert_uint_eq(idle.errors.count, 0);
	ck_assert_uint_eq(idle.capacity.count, 0);
	ck_assert_uint_eq(idle.per_attempt.count, 0);
	ck_assert_uint_eq(idle.yield.count, 0);
	ck_assert_uint_eq(idle.first.count, BASELINE_LEAST);
}
END_TEST

/* A mean of three seconds swings more than one of ten: it takes more to say something. */
START_TEST(a_short_mean_of_load_swings_more)
{
	struct box box;
	struct cluster_memory memory = {0};
	struct cluster_view view;
	struct windows windows = {0};
	box_init(&box, 1);
	box_run(&box, 30);
	size_t count = box.snapshot->entity_count;
	struct replica_memory *replicas = calloc(count, sizeof(*replicas));
	ck_assert_ptr_nonnull(replicas);
	ck_assert(windows_reserve(&windows, count));
	know(&memory.load, 450, 45);
	memory.load_signal = SIGNAL_REPLICA_QUERIES;
	const struct scene scene = {box.snapshot, box.history, &windows};
	uint32_t id = box.clusters[0].id;
	cluster_look(&view, &memory, replicas, &scene, id, 100);
	ck_assert_double_eq_tol(view.load_trip, 1 + 4 * 0.1 * sqrt(10.0 / 3), 1e-9);
	memory.step_ms = box.now_ms - 20000;
	cluster_look(&view, &memory, replicas, &scene, id, 100);
	ck_assert_double_eq_tol(view.load_trip, 1 + 4 * 0.1, 1e-9);
	/* Of a few reads chance alone makes more: five deviations of 0.5 x 4 x 10 of them. */
	know(&memory.load, 0.5, 0);
	cluster_look(&view, &memory, replicas, &scene, id, 100);
	ck_assert_double_eq_tol(view.load_trip, 1 + 5 / sqrt(20), 1e-9);
	windows_finish(&windows);
	free(replicas);
	box_finish(&box);
}
END_TEST

/* ---- clusters that say little ---- */

/* Nobody tells how large the pools are: then as the fleet file has it, if it has it. */
START_TEST(a_declared_capacity_stands_where_none_is_told)
{
	struct box box;
	for (int declared = 0; declared < 2; declared++) {
		box_init(&box, 0);
		uint32_t cluster = box_intern(&box, ENTITY_CLUSTER, ENTITY_ROOT, "a");
		uint32_t replicas[2] = {box_intern(&box, ENTITY_REPLICA, cluster, "r1"),
			box_intern(&box, ENTITY_REPLICA, cluster, "r2")};
		if (declared)
			fleet_set_capacity(box.fleet, cluster, 40);
		for (int tick = 0; tick < 20; tick++) {
			box.now_ms += 1000;
			for (size_t i = 0; i < 2; i++) {
				box_put(&box, replicas[i], SIGNAL_REPLICA_UP, 1);
				box_put(&box, replicas[i], SIGNAL_POOL_BUSY, 5);
			}
			box_answer(&box, true);
			box_assess(&box);
		}
		if (declared) {
			ck_assert_double_eq(box.seen.clusters[0].pool_max, 40);
			ck_assert_double_eq_tol(box.seen.clusters[0].pool_use, 0.25, 1e-9);
		} else {
			ck_assert(isnan(box.seen.clusters[0].pool_max));
		}
		box_finish(&box);
	}
}
END_TEST

/* A cluster of which all that is known is that its replicas are out is not one that can't be seen;
 * one of which nothing was ever said is, and so is one whose only word is of some of them. */
START_TEST(out_is_not_blind)
{
	struct box box;
	for (int out = 0; out <= 2; out++) {
		box_init(&box, 0);
		uint32_t cluster = box_intern(&box, ENTITY_CLUSTER, ENTITY_ROOT, "a");
		uint32_t replicas[2] = {box_intern(&box, ENTITY_REPLICA, cluster, "r1"),
			box_intern(&box, ENTITY_REPLICA, cluster, "r2")};
		fleet_declare(box.fleet, replicas[0]);
		fleet_declare(box.fleet, replicas[1]);
		for (int tick = 0; tick < 5; tick++) {
			box.now_ms += 1000;
			for (int i = 0; i < out; i++)
				box_put(&box, replicas[i], SIGNAL_REPLICA_UP, 0);
			box_answer(&box, true);
			box_assess(&box);
		}
		ck_assert_int_eq(
			box.seen.clusters[0].phase, out == 2 ? PHASE_TRIGGER : PHASE_BLIND);
		box_finish(&box);
	}
	box_init(&box, 0);
	box_intern(&box, ENTITY_CLUSTER, ENTITY_ROOT, "a");
	box.now_ms += 1000;
	box_assess(&box);
	ck_assert_int_eq(box.seen.clusters[0].phase, PHASE_BLIND);
	box_finish(&box);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weigh");
	TCase *tests = tcase_create("weigh");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, yield_is_of_what_succeeds);
	tcase_add_test(tests, the_last_seconds_against_the_minute);
	tcase_add_test(tests, what_is_counted_is_doubted_too);
	tcase_add_test(tests, a_leak_must_be_more_than_usual_swings);
	tcase_add_test(tests, what_is_foreseen_follows_the_share);
	tcase_add_test(tests, what_is_carried_is_noted_when_it_has_settled);
	tcase_add_test(tests, what_is_learned);
	tcase_add_test(tests, a_short_mean_of_load_swings_more);
	tcase_add_test(tests, a_declared_capacity_stands_where_none_is_told);
	tcase_add_test(tests, out_is_not_blind);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
