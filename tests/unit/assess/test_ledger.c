/* What a move does to demand and capacity, seen through the projection of it. */
#include "box.h"

#include "core/assess/limits.h"
#include "core/assess/projection.h"

#define CEILING 0.85

static struct projection project_move(
	struct box *box, enum move_kind kind, uint32_t entity, double to)
{
	struct projection out;
	projection_init(&out);
	const struct move move = {kind, entity, to};
	ck_assert(project(box->snapshot, &box->seen, &move, CEILING, &out));
	return out;
}

/* By value, so that the projection need not be kept. */
static struct projection_line line_after(
	struct box *box, enum move_kind kind, uint32_t entity, double to, size_t cluster)
{
	struct projection it = project_move(box, kind, entity, to);
	ck_assert_msg(it.known, "%s", it.unknown_why);
	for (size_t i = 0; i < it.line_count; i++) {
		if (it.lines[i].cluster == box->clusters[cluster].id) {
			struct projection_line line = it.lines[i];
			projection_finish(&it);
			return line;
		}
	}
	ck_abort_msg("no line for cluster %zu", cluster);
	return (struct projection_line){0};
}

static void expect_unknown(
	struct box *box, enum move_kind kind, uint32_t entity, double to, const char *why)
{
	struct projection it = project_move(box, kind, entity, to);
	ck_assert_msg(!it.known && it.blocked, "known: %s", it.sum);
	ck_assert_msg(strstr(it.unknown_why, why) != NULL, "%s", it.unknown_why);
	projection_finish(&it);
}

/* Pools of 16 before databases that have 12 slots carry 12 each. */
START_TEST(connections_that_databases_lack_are_none)
{
	struct box box;
	box_init(&box, 2);
	fleet_set_connections_max(box.fleet, box.clusters[0].id, 12);
	fleet_set_connections_max(box.fleet, box.clusters[1].id, 20);
	box_run(&box, 60);
	struct projection_line line = line_after(&box, MOVE_NOTHING, box.clusters[0].id, 0, 0);
	ck_assert_double_eq_tol(line.capacity, 48, 1e-9);
	ck_assert_double_eq_tol(line.use_before, 36.0 / 48, 1e-9);
	line = line_after(&box, MOVE_NOTHING, box.clusters[0].id, 0, 1);
	ck_assert_double_eq_tol(line.capacity, 64, 1e-9);
	line = line_after(&box, MOVE_LOSE_REPLICA, box.clusters[0].replicas[0], 0, 0);
	ck_assert_double_eq_tol(line.capacity, 36, 1e-9);
	box_finish(&box);
}
END_TEST

/* Where traffic may land, all must be known of the pools; where none is sent, nothing. */
START_TEST(a_divert_asks_only_who_receives)
{
	struct box box;
	box_init(&box, 3);
	for (int takes = 0; takes < 2; takes++) {
		box.clusters[2].weight = takes ? 100 : 0;
		box.clusters[2].silent = false;
		box_run(&box, 30);
		box.clusters[2].silent = true;
		for (int i = 0; i < 40; i++) {
			box_put(&box, box.clusters[2].id, SIGNAL_CLUSTER_WEIGHT,
				box.clusters[2].weight);
			box_run(&box, 1);
		}
		uint32_t id = box.clusters[0].id;
		if (takes)
			expect_unknown(&box, MOVE_DIVERT, id, 90, "replica.up of west-a/r1 is ");
		else
			ck_assert(line_after(&box, MOVE_DIVERT, id, 90, 1).changed);
	}
	box_finish(&box);
}
END_TEST

/* A limit on retries is judged by the attempts of the clusters that it is about, and of all where
 * it is about all. */
START_TEST(a_limit_on_retries_asks_for_attempts)
{
	struct box box;
	struct error error = {0};
	uint32_t wide;
	box_init(&box, 2);
	ck_assert(fleet_intern(box.fleet, ENTITY_SERVICE, ENTITY_ROOT, "auth", &wide, &error));
	box_run(&box, 30);
	ck_assert(line_after(&box, MOVE_LIMIT_RETRIES, wide, 0.1, 0).changed);
	ck_assert(line_after(&box, MOVE_LIMIT_RETRIES, wide, 0.1, 1).changed);
	ck_assert(line_after(&box, MOVE_LIMIT_RETRIES, box.clusters[0].auth, 0.1, 0).changed);
	ck_assert(!line_after(&box, MOVE_LIMIT_RETRIES, box.clusters[0].auth, 0.1, 1).changed);
	for (size_t i = 0; i < box.seen.cluster_count; i++) {
		if (box.seen.clusters[i].cluster == box.clusters[1].id)
			box.seen.clusters[i].attempts = NAN;
	}
	static const char why[] = "attempts and first tries in east-b are not both fresh";
	expect_unknown(&box, MOVE_LIMIT_RETRIES, wide, 0.1, why);
	expect_unknown(&box, MOVE_LIMIT_RETRIES, box.clusters[1].auth, 0.1, why);
	ck_assert(line_after(&box, MOVE_LIMIT_RETRIES, box.clusters[0].auth, 0.1, 0).changed);
	box_finish(&box);
}
END_TEST

/* While its pools are held all of a cluster's traffic waits: how much that is must be known. */
START_TEST(a_pause_stops_a_share)
{
	struct box box;
	box_init(&box, 2);
	box.clusters[0].weight = 50;
	box_run(&box, 30);
	struct projection it = project_move(&box, MOVE_PAUSE_POOL, box.clusters[0].id, 0);
	ck_assert_msg(it.known, "%s", it.unknown_why);
	ck_assert_double_eq_tol(it.moved_share, 1.0 / 3, 1e-9);
	ck_assert_double_eq(it.lines[0].capacity, 0);
	projection_finish(&it);
	for (size_t i = 0; i < 2; i++)
		box.seen.clusters[i].share = NAN;
	expect_unknown(&box, MOVE_PAUSE_POOL, box.clusters[0].id, 0,
		"what share of the traffic east-a has is not known");
	/* What a lost replica does concerns its own cluster, whatever share that has. */
	ck_assert(line_after(&box, MOVE_LOSE_REPLICA, box.clusters[0].replicas[0], 0, 0).changed);
	box_finish(&box);
}
END_TEST

/* Where a fifth of the traffic leaves, a fifth of what chance may add leaves too. */
START_TEST(doubt_goes_with_what_leaves)
{
	struct box box;
	box_init(&box, 3);
	box.clusters[0].weight = 40;
	box_run(&box, 70);
	double doubt = PROJECTION_SIGMAS * box_row(&box, 1)->demand_sd / 64;
	ck_assert_double_gt(doubt, 0.005);
	/* From 40 of 240 to 100 of 300: each of the others gives 1/5. */
	struct projection_line line = line_after(&box, MOVE_DIVERT, box.clusters[0].id, 100, 1);
	ck_assert_double_eq_tol(line.asked_high, 0.8 * 36, 0.01);
	ck_assert_double_eq_tol(line.use_high, line.asked_high / 64 + 0.8 * doubt, 1e-6);
	/* It arrives, and by chance the parts of it do not all err to the same side. */
	line = line_after(&box, MOVE_DIVERT, box.clusters[0].id, 100, 0);
	double own = PROJECTION_SIGMAS * box_row(&box, 0)->demand_sd / 64;
	ck_assert_double_eq_tol(line.use_high,
		line.asked_high / 64 + hypot(own, hypot(0.2 * doubt, 0.2 * doubt)), 1e-6);
	/* And back: from 100 of 300 to 40 of 240 half of the first one's leaves. */
	box.clusters[0].weight = 100;
	box_run(&box, 70);
	doubt = PROJECTION_SIGMAS * box_row(&box, 0)->demand_sd / 64;
	line = line_after(&box, MOVE_DIVERT, box.clusters[0].id, 40, 0);
	ck_assert_double_eq_tol(line.use_high, line.asked_high / 64 + 0.5 * doubt, 1e-6);
	box_finish(&box);
}
END_TEST

/* A replica that was said to be down a moment ago is not counted on, whatever is said now. */
START_TEST(who_was_down_a_moment_ago_is_not_counted_on)
{
	struct box box;
	box_init(&box, 2);
	box.clusters[0].maintenance[1] = true;
	box_run(&box, 30);
	box.clusters[0].maintenance[1] = false;
	box_run(&box, 1);
	ck_assert_double_eq(box_row(&box, 0)->replicas_up, 3);
	ck_assert_double_eq_tol(
		line_after(&box, MOVE_RESIZE_POOL, box.clusters[0].id, 24, 0).capacity, 72, 1e-9);
	box_run(&box, 5);
	ck_assert_double_eq_tol(
		line_after(&box, MOVE_RESIZE_POOL, box.clusters[0].id, 24, 0).capacity, 96, 1e-9);
	box_finish(&box);
}
END_TEST

/* A limit in front of a pool lets as many through as pool and limit allow; only one that grows can
 * be too much for the database. */
START_TEST(limits_on_connections)
{
	static const struct {
		double now, to, after;
		bool blocked;
	} rows[] = {
		{5, 10, 10, false}, {5, 12, 12, false}, /* just what the database allows */
		{5, 13, 13, true}, {20, 13, 13, false}, /* fewer than now, so far as that goes */
		{5, 50, 16, true},                      /* the pool opens no more */
		{5, -1, 16, true},                      /* any number */
		{-1, -1, 16, false}, /* as it is: only a service's may be any number */
		{-1, 14, 14, false}, /* less than that */
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct box box;
		box_init(&box, 2);
		uint32_t replica = box.clusters[0].replicas[0], auth = box.clusters[0].auth;
		fleet_set_connections_max(box.fleet, box.clusters[0].id, 12);
		box_run(&box, 29);
		box.now_ms += 1;
		if (rows[i].now >= 0)
			box_put(&box, replica, SIGNAL_REPLICA_MAXCONN, rows[i].now);
		box_put(&box, auth, SIGNAL_SERVICE_ROLE_LIMIT, rows[i].now);
		box_run(&box, 1);
		for (int of_replica = 0; of_replica <= (rows[i].now >= 0); of_replica++) {
			uint32_t id = of_replica ? replica : auth;
			struct projection it =
				project_move(&box, MOVE_LIMIT_CONNECTIONS, id, rows[i].to);
			ck_assert_msg(it.known, "%s", it.unknown_why);
			ck_assert_msg(it.blocked == rows[i].blocked, "row %zu: %s", i, it.sum);
			ck_assert_double_eq(it.lines[0].connections_after, rows[i].after);
			ck_assert_double_eq(it.lines[0].connections_max, 12);
			ck_assert(!it.lines[1].changed);
			projection_finish(&it);
		}
		box_finish(&box);
	}
}
END_TEST

/* The limit of one replica is weighed against its own database, that of a service against the
 * narrowest. */
START_TEST(limits_ask_the_database_they_reach)
{
	struct box box;
	box_init(&box, 1);
	fleet_set_connections_max(box.fleet, box.clusters[0].replicas[1], 9);
	box_run(&box, 30);
	struct projection it =
		project_move(&box, MOVE_LIMIT_CONNECTIONS, box.clusters[0].replicas[0], 10);
	ck_assert(!it.blocked);
	ck_assert(isnan(it.lines[0].connections_max));
	projection_finish(&it);
	it = project_move(&box, MOVE_LIMIT_CONNECTIONS, box.clusters[0].auth, 10);
	ck_assert(it.blocked);
	ck_assert_double_eq(it.lines[0].connections_max, 9);
	projection_finish(&it);
	box_finish(&box);
}
END_TEST

/* Of the lines of a divert the one is told that receives, not the one that is relieved. */
START_TEST(who_receives_is_told_of)
{
	struct box box;
	box_init(&box, 2);
	box_near_limit(&box.clusters[0]);
	box_run(&box, 70);
	struct projection it = project_move(&box, MOVE_DIVERT, box.clusters[0].id, 90);
	ck_assert(!it.blocked);
	ck_assert_msg(strncmp(it.sum, "east-b would carry 36 + ", 24) == 0, "%s", it.sum);
	projection_finish(&it);
	it = project_move(&box, MOVE_LIMIT_RETRIES, box.clusters[0].auth, 0.1);
	ck_assert_msg(strncmp(it.sum, "east-a would carry 50", 21) == 0, "%s", it.sum);
	projection_finish(&it);
	box_finish(&box);
}
END_TEST

static struct cluster_assessment *row_of(struct box *box, size_t cluster)
{
	for (size_t i = 0; i < box->seen.cluster_count; i++) {
		if (box->seen.clusters[i].cluster == box->clusters[cluster].id)
			return &box->seen.clusters[i];
	}
	ck_abort_msg("no row for cluster %zu", cluster);
	return NULL;
}

/* Attempts that are held twice as long there take twice as much; unless that is not known of one
 * that takes traffic, when all are taken to be alike. */
START_TEST(holds_are_compared_where_all_are_known)
{
	struct box box;
	box_init(&box, 3);
	box.clusters[2].weight = 0;
	box_run(&box, 60);
	uint32_t a = box.clusters[0].id;
	double demand = row_of(&box, 0)->demand;
	row_of(&box, 1)->hold_s = 2 * row_of(&box, 0)->hold_s;
	row_of(&box, 2)->hold_s = row_of(&box, 2)->first_tries = NAN;
	/* From 100 of 200 to 50 of 150: a third of it leaves. */
	struct projection_line line = line_after(&box, MOVE_DIVERT, a, 50, 1);
	ck_assert_double_eq_tol(line.asked_high, demand + 2 * demand / 3, 1e-6);
	row_of(&box, 1)->hold_s = row_of(&box, 1)->first_tries = NAN;
	line = line_after(&box, MOVE_DIVERT, a, 50, 1);
	ck_assert_double_eq_tol(line.asked_high, demand + demand / 3, 1e-6);
	box_finish(&box);
}
END_TEST

/* What comes back is told as what it takes here: half of what it took there. */
START_TEST(what_arrives_is_told_as_what_it_takes)
{
	struct box box;
	box_init(&box, 2);
	box_run(&box, 60);
	row_of(&box, 1)->hold_s = 2 * row_of(&box, 0)->hold_s;
	/* From 100 of 200 to 200 of 300: a third of the other's 36 leaves. */
	struct projection it = project_move(&box, MOVE_DIVERT, box.clusters[0].id, 200);
	ck_assert_msg(
		strncmp(it.sum, "east-a would carry 36 + 6 = 42 of 64", 36) == 0, "%s", it.sum);
	projection_finish(&it);
	box_finish(&box);
}
END_TEST

/* Only pools before the same database are counted with one that grows. */
START_TEST(neighbours_are_those_of_the_database)
{
	struct box box;
	box_init(&box, 3);
	fleet_set_shares_database(box.fleet, box.clusters[1].id, box.clusters[0].id);
	box_run(&box, 30);
	for (size_t i = 0; i < 3; i++) {
		struct projection_line line =
			line_after(&box, MOVE_RESIZE_POOL, box.clusters[i].id, 24, i);
		ck_assert_double_eq(line.connections_after, i < 2 ? 24 + 16 : 24);
	}
	box_finish(&box);
}
END_TEST

/* Databases have shown that they serve as many as their pools have now, or usually had. */
START_TEST(what_was_served_is_proven)
{
	static const struct {
		double usual, demand;
		bool unproven;
	} rows[] = {{20, 70, false}, {20, 81, true}, {10, 50, false}, {10, 65, true}};
	struct box box;
	box_init(&box, 2);
	box_run(&box, 60);
	struct cluster_assessment *row = row_of(&box, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row->pool_usual = rows[i].usual; /* each; there are 16 now */
		row->demand = row->demand_late = rows[i].demand;
		row->demand_sd = 0;
		struct projection_line line =
			line_after(&box, MOVE_RESIZE_POOL, box.clusters[0].id, 40, 0);
		ck_assert_msg(line.unproven == rows[i].unproven, "row %zu", i);
	}
	box_finish(&box);
}
END_TEST

/* Only what has a value has a largest one. */
START_TEST(a_replica_has_no_safe_size)
{
	struct box box;
	box_init(&box, 2);
	box_run(&box, 60);
	struct projection it =
		project_move(&box, MOVE_LOSE_REPLICA, box.clusters[0].replicas[0], 1);
	ck_assert(it.known && !it.blocked);
	ck_assert(isnan(it.largest_safe_to));
	projection_finish(&it);
	it = project_move(&box, MOVE_RESIZE_POOL, box.clusters[0].id, 24);
	ck_assert(it.known && !it.blocked);
	ck_assert_double_eq(it.largest_safe_to, 24);
	projection_finish(&it);
	box_finish(&box);
}
END_TEST

/* With what chance may add more may be asked for than these databases ever served. */
START_TEST(what_chance_adds_is_unproven_too)
{
	struct box box;
	for (int near = 0; near < 2; near++) {
		box_init(&box, 2);
		box.clusters[0].busy = near ? 15.9 : 15.5;
		box_run(&box, 70);
		const struct cluster_assessment *row = box_row(&box, 0);
		double doubt = PROJECTION_SIGMAS * row->demand_sd;
		ck_assert_double_lt(row->demand, 64);
		ck_assert(near == (row->demand + doubt > 64));
		struct projection_line line =
			line_after(&box, MOVE_RESIZE_POOL, box.clusters[0].id, 24, 0);
		ck_assert_int_eq(line.unproven, near);
		box_finish(&box);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ledger");
	TCase *tests = tcase_create("ledger");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, connections_that_databases_lack_are_none);
	tcase_add_test(tests, a_divert_asks_only_who_receives);
	tcase_add_test(tests, a_limit_on_retries_asks_for_attempts);
	tcase_add_test(tests, a_pause_stops_a_share);
	tcase_add_test(tests, doubt_goes_with_what_leaves);
	tcase_add_test(tests, who_was_down_a_moment_ago_is_not_counted_on);
	tcase_add_test(tests, limits_on_connections);
	tcase_add_test(tests, limits_ask_the_database_they_reach);
	tcase_add_test(tests, who_receives_is_told_of);
	tcase_add_test(tests, holds_are_compared_where_all_are_known);
	tcase_add_test(tests, what_arrives_is_told_as_what_it_takes);
	tcase_add_test(tests, neighbours_are_those_of_the_database);
	tcase_add_test(tests, what_was_served_is_proven);
	tcase_add_test(tests, a_replica_has_no_safe_size);
	tcase_add_test(tests, what_chance_adds_is_unproven_too);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
