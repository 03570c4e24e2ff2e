#include "box.h"

#include "core/assess/cause.h"
#include "core/assess/cluster.h"
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
	/* First of all, explained, the whole of it, and deep. */
	ck_assert_double_eq_tol(box.seen.causes[0].score, 3 + 2 + 2 + 1, 1e-9);
	/* It began when the first of them fell silent, wherever that stands among them. */
	for (size_t first = 0; first < 3; first++) {
		for (size_t i = 0; i < 3; i++)
			store_source(box.store, ids[i])->last_ok_ms =
				box.now_ms - (i == first ? 90000 : 60000);
		box_assess(&box);
		ck_assert_int_eq(box.seen.causes[0].hypothesis, HYPOTHESIS_TELEMETRY_FAULT);
		ck_assert_int_eq(box.seen.causes[0].onset_ms, box.now_ms - 90000);
	}
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

/* ---- by figures alone ---- */

/* One cluster of four of which r2 is out, in a box that only lends its fleet. */
struct inquiry {
	struct box box;
	struct replica_memory replicas[64];
	struct cluster_view view;
	struct cause_memory memory;
	int64_t pool_onset_ms;
};

static void inquiry_init(struct inquiry *it)
{
	*it = (struct inquiry){0};
	box_init(&it->box, 1);
	box_run(&it->box, 1);
	it->view = (struct cluster_view){
		.id = it->box.clusters[0].id,
		.expected = 4,
		.serving = 3,
		.out = 1,
		.first_out = it->box.clusters[0].replicas[1],
		.use = 0.5,
		.knee = 0.83,
		.load_factor = 4.0 / 3,
		.first_factor = 1,
		.surge_trip = 1.1,
		.per_attempt = 1,
		.leak_trip = 1.15,
		.capacity = 60,
		.services = {.attempt_factor = 1, .attempt_events = NAN},
		.symptoms = {.starved_one = ENTITY_NONE,
			.slow_one = ENTITY_NONE,
			.full_one = ENTITY_NONE,
			.lagged_one = ENTITY_NONE},
	};
	it->replicas[it->view.first_out].state = REPLICA_DOWN;
}

static void show(struct inquiry *it, enum hypothesis hypothesis, int64_t onset_ms)
{
	it->memory.trips[hypothesis] = (struct trip){.on = true, .onset_ms = onset_ms};
}

/* The score of a hypothesis; NAN when it is not listed. */
static double score_of(struct inquiry *it, enum hypothesis hypothesis)
{
	const struct cause_inputs in = {.snapshot = it->box.snapshot,
		.replicas = it->replicas,
		.view = &it->view,
		.memory = &it->memory,
		.pool_onset_ms = it->pool_onset_ms};
	struct assessment out = {0};
	causes_rank(&in, &out);
	for (size_t i = 0; i < out.cause_count; i++) {
		if (out.causes[i].hypothesis == hypothesis)
			return out.causes[i].score;
	}
	return NAN;
}

START_TEST(scores_are_as_the_formula_says)
{
	struct inquiry it;
	int64_t now_ms = BOX_START_MS;
	inquiry_init(&it);
	ck_assert(isnan(score_of(&it, HYPOTHESIS_REPLICA_LOSS)));
	show(&it, HYPOTHESIS_REPLICA_LOSS, now_ms);
	/* First, deep, its load landed, one of many: 3 + 2 + 2 + 1. */
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_REPLICA_LOSS), 8, 1e-9);
	it.replicas[it.view.first_out].state = REPLICA_AWAY; /* somebody said so */
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_REPLICA_LOSS), 9, 1e-9);
	it.view.load_factor = 4.0 / 3 * 1.19;
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_REPLICA_LOSS), 9, 1e-9);
	it.view.load_factor = 4.0 / 3 * 1.21; /* over a fifth off */
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_REPLICA_LOSS), 7, 1e-9);
	it.view.load_factor = NAN;
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_REPLICA_LOSS), 8, 1e-9);
	it.view.use = 0.83; /* full pools hide it */
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_REPLICA_LOSS), 9, 1e-9);
	show(&it, HYPOTHESIS_LAG_EVICTION, now_ms);
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_REPLICA_LOSS), 6, 1e-9);
	box_finish(&it.box);
}
END_TEST

START_TEST(precedence_falls_over_half_a_minute)
{
	struct inquiry it;
	int64_t now_ms = BOX_START_MS;
	static const struct {
		int late_ms;
		double score; /* of a storm: half deep, explained, and something was there before */
	} rows[] = {{0, 3 + 1 + 2 - 3}, {1500, 3 + 1 + 2 - 3}, {16500, 1.5 + 1 + 2 - 3},
		{31500, 0 + 1 + 2 - 3}, {90000, 0 + 1 + 2 - 3}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		inquiry_init(&it);
		show(&it, HYPOTHESIS_REPLICA_LOSS, now_ms);
		show(&it, HYPOTHESIS_RETRY_STORM, now_ms + rows[i].late_ms);
		ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_RETRY_STORM), rows[i].score, 1e-9);
		box_finish(&it.box);
	}
	/* What came later than it, by more than an interval, does not speak against a storm. */
	inquiry_init(&it);
	show(&it, HYPOTHESIS_RETRY_STORM, now_ms);
	show(&it, HYPOTHESIS_REPLICA_LOSS, now_ms + 1600);
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_RETRY_STORM), 6, 1e-9);
	show(&it, HYPOTHESIS_REPLICA_LOSS, now_ms + 1400);
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_RETRY_STORM), 3, 1e-9);
	/* Pools that filled before do. */
	it.memory = (struct cause_memory){0};
	show(&it, HYPOTHESIS_RETRY_STORM, now_ms);
	it.pool_onset_ms = now_ms - 1400;
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_RETRY_STORM), 6, 1e-9);
	it.pool_onset_ms = now_ms - 1600;
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_RETRY_STORM), 3, 1e-9);
	box_finish(&it.box);
}
END_TEST

START_TEST(the_other_scores)
{
	struct inquiry it;
	int64_t now_ms = BOX_START_MS;
	inquiry_init(&it);
	it.view.out = 0;
	it.view.first_factor = 1.5;
	it.view.load_factor = 1.5;
	show(&it, HYPOTHESIS_DEMAND_SURGE, now_ms);
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_DEMAND_SURGE), 3 + 0.8 + 2, 1e-9);
	it.view.load_factor = 1; /* not what more first tries would make of it */
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_DEMAND_SURGE), 3 + 0.8, 1e-9);
	it.view.use = 0.84; /* unless full pools hide it */
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_DEMAND_SURGE), 3 + 0.8 + 2, 1e-9);
	it.view.load_factor = 1.5 * 1.19;
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_DEMAND_SURGE), 3 + 0.8 + 2, 1e-9);
	it.view.load_factor = 1.5 * 1.21; /* but more than they bring, they did not bring */
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_DEMAND_SURGE), 3 + 0.8, 1e-9);
	it.view.use = 0.5;
	it.view.load_factor = 1.5;
	show(&it, HYPOTHESIS_RETRY_STORM, now_ms - 2000);
	ck_assert_double_eq_tol(
		score_of(&it, HYPOTHESIS_DEMAND_SURGE), 3 - 0.5 / 30 + 0.8 + 2 - 3, 0.1);
	it.memory = (struct cause_memory){0};
	show(&it, HYPOTHESIS_CONNECTION_LEAK, now_ms);
	it.view.first_factor = 1.09;
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_CONNECTION_LEAK), 3 + 1.5 + 2, 1e-9);
	it.view.first_factor = 1.1; /* demand grew as well */
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_CONNECTION_LEAK), 3 + 1.5, 1e-9);
	show(&it, HYPOTHESIS_SLOW_REPLICA, now_ms);
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_CONNECTION_LEAK), 1.5, 1e-9);
	/* Whoever was slow is no longer: nothing is explained, and nobody is named. */
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_SLOW_REPLICA), 3 + 2, 1e-9);
	it.view.symptoms.starved = 1;
	it.view.symptoms.starved_one = it.view.first_out;
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_SLOW_REPLICA), 3 + 2 + 2 + 1, 1e-9);
	show(&it, HYPOTHESIS_CAPACITY_CUT, now_ms);
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_CAPACITY_CUT), 3 + 1.5 + 2 + 1 + 1, 1e-9);
	box_finish(&it.box);
}
END_TEST

/* Demand comes in bursts: one that was there a moment before does not speak against a storm whose
 * load it did not bring. */
START_TEST(a_burst_is_no_cause_of_a_storm)
{
	struct inquiry it;
	int64_t now_ms = BOX_START_MS;
	inquiry_init(&it);
	it.view.out = 0;
	it.view.use = 1;
	it.view.first_factor = 1.13;
	it.view.load_factor = 2.4;
	show(&it, HYPOTHESIS_DEMAND_SURGE, now_ms);
	show(&it, HYPOTHESIS_RETRY_STORM, now_ms + 1000);
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_RETRY_STORM), 3 + 1 + 2, 1e-9);
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_DEMAND_SURGE), 3 + 0.8 - 3, 1e-9);
	it.view.load_factor = 1.3; /* it did */
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_RETRY_STORM), 3 + 1 - 3, 1e-9);
	it.view.first_factor = 1.09; /* it was no surge */
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_RETRY_STORM), 3 + 1 + 2 - 3, 1e-9);
	box_finish(&it.box);
}
END_TEST

/* Where much of what it stands on is stale any other cause is contradicted, once. */
START_TEST(silent_sources_speak_against_the_others)
{
	struct inquiry it;
	struct error error = {0};
	uint16_t silent;
	inquiry_init(&it);
	ck_assert(store_add_source(it.box.store, "edge", "haproxy", 1000, &silent, &error));
	struct source_status *source = store_source(it.box.store, silent);
	source->state = SOURCE_FAILING;
	source->last_try_ms = it.box.now_ms;
	source->last_ok_ms = it.box.now_ms - 60000;
	box_answer(&it.box, true);
	box_assess(&it.box);
	int64_t silent_ms = it.box.now_ms - 60000;
	show(&it, HYPOTHESIS_REPLICA_LOSS, silent_ms);
	show(&it, HYPOTHESIS_RETRY_STORM, silent_ms);
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_TELEMETRY_FAULT), 8, 1e-9);
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_REPLICA_LOSS), 8 - 3, 1e-9);
	/* Something below was there as early as the storm: that is one contradiction already. */
	ck_assert_double_eq_tol(score_of(&it, HYPOTHESIS_RETRY_STORM), 6 - 3, 1e-9);
	box_finish(&it.box);
}
END_TEST

/* Steps one sign a second at a time; whether it is on in the end. */
static bool observe(struct inquiry *it, bool incident, int seconds, enum hypothesis sign)
{
	for (int i = 0; i < seconds; i++) {
		it->box.now_ms += 1000;
		it->view.evidence.newest_ms = it->box.now_ms;
		cause_observe(&it->memory, &it->view, it->replicas, incident, it->box.now_ms);
	}
	return it->memory.trips[sign].on;
}

START_TEST(signs_have_two_lines)
{
	struct inquiry it;
	inquiry_init(&it);
	static const struct {
		enum hypothesis sign;
		double off, on, hold, clear;
		int samples;
	} rows[] = {
		{HYPOTHESIS_DEMAND_SURGE, 1.09, 1.11, 1.055, 1.045, 3},
		{HYPOTHESIS_CONNECTION_LEAK, 1.14, 1.16, 1.085, 1.075, 3},
		{HYPOTHESIS_RETRY_STORM, 1.19, 1.21, 1.06, 1.04, 2},
	};
	double *figures[] = {
		&it.view.first_factor, &it.view.per_attempt, &it.view.services.attempt_factor};
	for (size_t i = 0; i < 3; i++) {
		enum hypothesis sign = rows[i].sign;
		double *figure = figures[i];
		*figure = rows[i].off;
		ck_assert(!observe(&it, false, 5, sign));
		*figure = rows[i].on;
		ck_assert(!observe(&it, false, rows[i].samples - 1, sign));
		ck_assert(observe(&it, false, 1, sign));
		*figure = rows[i].hold;
		ck_assert(observe(&it, false, 100, sign));
		*figure = rows[i].clear;
		/* Three seconds in calm, five minutes in an incident. */
		ck_assert(observe(&it, false, 3, sign));
		ck_assert(!observe(&it, false, 1, sign));
		*figure = rows[i].on;
		ck_assert(observe(&it, true, 3, sign));
		*figure = rows[i].clear;
		ck_assert(observe(&it, true, 300, sign));
		ck_assert(!observe(&it, true, 1, sign));
		*figure = 1;
	}
	it.memory = (struct cause_memory){0};
	ck_assert(observe(&it, true, 1, HYPOTHESIS_REPLICA_LOSS)); /* one is out */
	it.memory = (struct cause_memory){0};
	it.view.out = 0;
	it.view.first_out = ENTITY_NONE;
	ck_assert(!observe(&it, true, 5, HYPOTHESIS_REPLICA_LOSS));
	it.view.symptoms.starved = 1;
	ck_assert(!observe(&it, true, 2, HYPOTHESIS_SLOW_REPLICA));
	ck_assert(observe(&it, true, 1, HYPOTHESIS_SLOW_REPLICA));
	box_finish(&it.box);
}
END_TEST

/* What is usual is learned; from there on so much more is a sign. */
START_TEST(signs_against_what_is_usual)
{
	static const struct {
		double first, busy, queries;
		bool surge, leak, load;
	} rows[] = {
		{1.09, 1, 1, false, false, false},
		{1.11, 1.11, 1, true, false, false},
		{1, 1.14, 1, false, false, false},
		{1, 1.16, 1, false, true, false},
		{1, 1, 1.14, false, false, false},
		{1, 1, 1.16, false, false, true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct box box;
		box_init(&box, 1);
		struct box_cluster *cluster = &box.clusters[0];
		cluster->first = cluster->attempts = 20000;
		box_run(&box, 60);
		cluster->web_errors = 300; /* causes are told once something is the matter */
		cluster->first *= rows[i].first;
		cluster->attempts *= rows[i].first;
		cluster->busy *= rows[i].busy;
		cluster->queries *= rows[i].queries;
		box_run(&box, 20);
		ck_assert_msg(
			is_listed(&box, HYPOTHESIS_DEMAND_SURGE) == rows[i].surge, "row %zu", i);
		ck_assert_msg(
			is_listed(&box, HYPOTHESIS_CONNECTION_LEAK) == rows[i].leak, "row %zu", i);
		ck_assert_msg(
			(box.seen.stages[STAGE_LOAD].onset_ms != 0) == rows[i].load, "row %zu", i);
		box_finish(&box);
	}
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
	tcase_add_test(all, scores_are_as_the_formula_says);
	tcase_add_test(all, precedence_falls_over_half_a_minute);
	tcase_add_test(all, the_other_scores);
	tcase_add_test(all, a_burst_is_no_cause_of_a_storm);
	tcase_add_test(all, silent_sources_speak_against_the_others);
	tcase_add_test(all, signs_have_two_lines);
	tcase_add_test(all, signs_against_what_is_usual);
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
