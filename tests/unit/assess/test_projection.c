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

static const struct projection_line *line_of(const struct projection *it, uint32_t cluster)
{
	for (size_t i = 0; i < it->line_count; i++) {
		if (it->lines[i].cluster == cluster)
			return &it->lines[i];
	}
	ck_abort_msg("no line for cluster %u", cluster);
	return NULL;
}

/* More or less traffic of the same kind: each attempt holds a connection as long as ever. */
static void box_scale(struct box_cluster *cluster, double factor)
{
	cluster->busy *= factor;
	cluster->first *= factor;
	cluster->attempts *= factor;
}

/* What is asked for over what there is, without what chance may add. */
static double use_of(const struct projection_line *line)
{
	return line->asked_high / line->capacity;
}

/* Four clusters of 64 connections at 72 %; the first lost a replica and is caught in retries. */
static void box_storm(struct box *box)
{
	box_init(box, 4);
	for (size_t i = 0; i < 4; i++)
		box->clusters[i].busy = 0.72 * BOX_POOL;
	box_near_limit(&box->clusters[0]);
	box_run(box, 60);
	box->clusters[0].maintenance[1] = true;
	box_amplify(&box->clusters[0]);
	box_run(box, 20);
	ck_assert_int_eq(box->seen.phase, PHASE_AMPLIFICATION);
}

START_TEST(a_storm_allows_a_modest_divert_only)
{
	static const struct {
		double to;
		bool blocked;
	} rows[] = {{100, false}, {95, false}, {90, false}, {85, false}, {50, true}, {0, true}};
	struct box box;
	box_storm(&box);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct projection it =
			project_move(&box, MOVE_DIVERT, box.clusters[0].id, rows[i].to);
		ck_assert_msg(it.known, "%s", it.unknown_why);
		ck_assert_msg(it.blocked == rows[i].blocked, "to %g: %s", rows[i].to, it.sum);
		ck_assert(it.sum[0] != '\0');
		if (it.blocked) {
			ck_assert_ptr_nonnull(strstr(it.sum, "> ceiling 85%"));
			ck_assert_ptr_nonnull(
				strstr(it.sum, "the largest safe step is weight 100 -> "));
			ck_assert(it.largest_safe_to > rows[i].to && it.largest_safe_to <= 88);
			struct projection safe = project_move(
				&box, MOVE_DIVERT, box.clusters[0].id, it.largest_safe_to);
			ck_assert(!safe.blocked);
			projection_finish(&safe);
			struct projection beyond = project_move(
				&box, MOVE_DIVERT, box.clusters[0].id, it.largest_safe_to - 1);
			/* One more, and some line is nearer to the ceiling than noise allows. */
			double highest = 0;
			for (size_t j = 0; j < beyond.line_count; j++) {
				if (beyond.lines[j].changed &&
					beyond.lines[j].cluster != box.clusters[0].id)
					highest = fmax(highest, beyond.lines[j].use_high);
			}
			ck_assert(beyond.blocked || highest > CEILING - PROJECTION_MARGIN);
			projection_finish(&beyond);
		} else {
			ck_assert_double_eq(it.largest_safe_to, rows[i].to);
		}
		projection_finish(&it);
	}
	/* Demand is what its traffic needs with retries, not how many happen to wait. */
	double need = 7500 * (4 * 12.6 / 2525);
	ck_assert_double_eq_tol(box_row(&box, 0)->demand, need, 0.5);
	box_finish(&box);
}
END_TEST

START_TEST(the_arithmetic_is_said)
{
	struct box box;
	box_init(&box, 2);
	box_scale(&box.clusters[1], 12 / 9.0);
	box_run(&box, 60);
	struct projection it = project_move(&box, MOVE_DIVERT, box.clusters[0].id, 50);
	/* Share 1/2 -> 1/3: a third of 36 connections leaves; 48 + 12 = 60 of 64. */
	ck_assert_str_eq(it.sum,
		"east-b would carry 48 + 12 = 60 of 64 connections: 94% > ceiling 85%; "
		"the largest safe step is weight 100 -> 76");
	ck_assert_double_eq_tol(it.moved_share, 0.5 - 1.0 / 3, 1e-9);
	const struct projection_line *to = line_of(&it, box.clusters[1].id);
	ck_assert_double_eq_tol(to->share_before, 0.5, 1e-9);
	ck_assert_double_eq_tol(to->share_after, 2.0 / 3, 1e-9);
	ck_assert_double_eq_tol(to->use_before, 48.0 / 64, 1e-9);
	ck_assert_double_eq_tol(use_of(to), 60.0 / 64, 1e-9);
	ck_assert(to->over_ceiling);
	ck_assert(isnan(to->connections_after));
	const struct projection_line *from = line_of(&it, box.clusters[0].id);
	ck_assert_double_eq_tol(use_of(from), 24.0 / 64, 1e-9);
	ck_assert(!from->over_ceiling);
	projection_finish(&it);
	box_finish(&box);
}
END_TEST

START_TEST(traffic_can_come_back)
{
	struct box box;
	box_init(&box, 3);
	box.clusters[0].weight = 40;
	box_scale(&box.clusters[0], 4 / 9.0);
	box_run(&box, 30);
	struct projection it = project_move(&box, MOVE_DIVERT, box.clusters[0].id, 100);
	ck_assert(it.known);
	ck_assert(!it.blocked);
	ck_assert(use_of(line_of(&it, box.clusters[0].id)) > 4.0 / 16);
	ck_assert(use_of(line_of(&it, box.clusters[1].id)) < 9.0 / 16);
	projection_finish(&it);
	it = project_move(&box, MOVE_DIVERT, box.clusters[0].id, 2000);
	ck_assert(it.blocked);
	ck_assert(it.largest_safe_to > 100 && it.largest_safe_to < 2000);
	projection_finish(&it);
	box.clusters[0].weight = 0; /* from nothing, too */
	box.clusters[0].busy = 0;
	box_run(&box, 15);
	it = project_move(&box, MOVE_DIVERT, box.clusters[0].id, 100);
	ck_assert_msg(it.known && !it.blocked, "%s %s", it.unknown_why, it.sum);
	ck_assert_double_eq_tol(use_of(line_of(&it, box.clusters[0].id)), 2 * 36.0 / 3 / 64, 1e-6);
	projection_finish(&it);
	box_finish(&box);
}
END_TEST

START_TEST(resize)
{
	struct box box;
	box_init(&box, 2);
	uint32_t a = box.clusters[0].id, b = box.clusters[1].id;
	fleet_set_connections_max(box.fleet, a, 60);
	fleet_set_shares_database(box.fleet, a, b);
	box.clusters[0].busy = 15;
	box_run(&box, 30);
	static const struct {
		double to;
		bool blocked;
		double use, safe;
	} rows[] = {
		{24, false, 60.0 / 96, 24}, {44, false, 60.0 / 176, 44},
		{45, true, 60.0 / 180, 44}, /* 45 + 16 of the neighbour > 60 */
		{16, false, 60.0 / 64, 16},
		{15, true, 1, NAN}, /* already above the ceiling: any less is worse */
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct projection it = project_move(&box, MOVE_RESIZE_POOL, a, rows[i].to);
		ck_assert_msg(it.known, "%s", it.unknown_why);
		ck_assert_msg(it.blocked == rows[i].blocked, "to %g: %s", rows[i].to, it.sum);
		const struct projection_line *line = line_of(&it, a);
		ck_assert_double_eq_tol(use_of(line), rows[i].use, 1e-9);
		ck_assert_double_eq(line->connections_after, rows[i].to + 16);
		ck_assert_double_eq(line->connections_max, 60);
		ck_assert(!line_of(&it, b)->changed);
		ck_assert_uint_eq(it.lines[0].cluster, a);
		if (isnan(rows[i].safe))
			ck_assert(isnan(it.largest_safe_to));
		else
			ck_assert_double_eq(it.largest_safe_to, rows[i].safe);
		projection_finish(&it);
	}
	struct projection it = project_move(&box, MOVE_RESIZE_POOL, a, 45);
	ck_assert_ptr_nonnull(strstr(it.sum, "45 + 16 of others = 61 on one database > 60"));
	projection_finish(&it);
	it = project_move(&box, MOVE_RESIZE_POOL, box.clusters[0].replicas[0], 32);
	ck_assert_double_eq_tol(use_of(line_of(&it, a)), 60.0 / 80, 1e-9);
	projection_finish(&it);
	it = project_move(&box, MOVE_RESIZE_POOL, b, 20);
	ck_assert_double_eq(line_of(&it, b)->connections_after, 36);
	ck_assert(isnan(line_of(&it, b)->connections_max));
	projection_finish(&it);
	box_finish(&box);
}
END_TEST

START_TEST(replicas_leave_and_return)
{
	struct box box;
	box_init(&box, 2);
	box.clusters[0].busy = 12;
	box.clusters[1].maintenance[2] = true;
	box.clusters[1].busy = 12;
	box_run(&box, 30);
	struct projection it =
		project_move(&box, MOVE_LOSE_REPLICA, box.clusters[0].replicas[1], 0);
	ck_assert(it.known && it.blocked);
	ck_assert_double_eq_tol(use_of(line_of(&it, box.clusters[0].id)), 1, 1e-9);
	ck_assert(isnan(it.largest_safe_to));
	projection_finish(&it);
	it = project_move(&box, MOVE_RETURN_REPLICA, box.clusters[1].replicas[2], 0);
	ck_assert(it.known && !it.blocked);
	ck_assert_double_eq_tol(use_of(line_of(&it, box.clusters[1].id)), 36.0 / 64, 1e-9);
	projection_finish(&it);
	it = project_move(&box, MOVE_LOSE_REPLICA, box.clusters[1].replicas[2], 0);
	ck_assert(it.known && !it.blocked); /* it is away already */
	ck_assert_double_eq_tol(use_of(line_of(&it, box.clusters[1].id)), 36.0 / 48, 1e-9);
	projection_finish(&it);
	box_finish(&box);
}
END_TEST

START_TEST(fewer_retries)
{
	struct box box;
	box_storm(&box);
	uint32_t a = box.clusters[0].id;
	struct projection it = project_move(&box, MOVE_LIMIT_RETRIES, box.clusters[0].auth, 0.1);
	ck_assert_msg(it.known, "%s", it.unknown_why);
	ck_assert(!it.blocked);
	const struct projection_line *line = line_of(&it, a);
	double factor = 7500.0 / 2520;
	ck_assert_double_eq_tol(use_of(line), line->use_before * 1.1 / factor, 1e-6);
	ck_assert_double_eq_tol(line->asked_low / line->capacity, line->use_before / factor, 1e-6);
	projection_finish(&it);
	box_finish(&box);
}
END_TEST

/* A wider limit may be used up where the one in force is; else retries stay as many as they are. */
START_TEST(more_retries)
{
	struct box box;
	box_init(&box, 2);
	box.clusters[0].attempts = 1.1 * box.clusters[0].first;
	box_run(&box, 30);
	uint32_t a = box.clusters[0].id, auth = box.clusters[0].auth;
	struct projection it = project_move(&box, MOVE_LIMIT_RETRIES, auth, 0.5);
	ck_assert_double_eq_tol(use_of(line_of(&it, a)), 36.0 / 64, 1e-9);
	projection_finish(&it);
	box_put(&box, auth, SIGNAL_SERVICE_RETRY_LIMIT, 0.14);
	box_assess(&box);
	it = project_move(&box, MOVE_LIMIT_RETRIES, auth, 0.5);
	ck_assert_double_eq_tol(use_of(line_of(&it, a)), 36.0 / 64, 1e-9);
	projection_finish(&it);
	box.now_ms += 1;
	box_put(&box, auth, SIGNAL_SERVICE_RETRY_LIMIT, 0.1);
	box_assess(&box);
	it = project_move(&box, MOVE_LIMIT_RETRIES, auth, 0.5);
	ck_assert_double_eq_tol(use_of(line_of(&it, a)), 36.0 / 64 * 1.5 / 1.1, 1e-6);
	projection_finish(&it);
	box_finish(&box);
}
END_TEST

/* Where attempts take three times as long, they take three times as many connections. */
START_TEST(what_lands_is_held_as_long_as_there)
{
	struct box box;
	box_init(&box, 2);
	box_scale(&box.clusters[1], 0.3);
	box.clusters[1].busy *= 3;
	box_run(&box, 60);
	struct projection it = project_move(&box, MOVE_DIVERT, box.clusters[0].id, 50);
	double asked = line_of(&it, box.clusters[1].id)->asked_high;
	ck_assert_double_eq_tol(asked, 0.9 * 36 + 3 * 12, 1e-6);
	projection_finish(&it);
	it = project_move(&box, MOVE_DIVERT, box.clusters[1].id, 50);
	asked = line_of(&it, box.clusters[0].id)->asked_high;
	ck_assert_double_eq_tol(asked, 36 + 0.9 * 12 / 3, 1e-6);
	projection_finish(&it);
	/* Connections that leak stay behind. */
	box.clusters[0].busy *= 1.5;
	box_run(&box, 60);
	it = project_move(&box, MOVE_DIVERT, box.clusters[0].id, 50);
	ck_assert_double_eq_tol(line_of(&it, box.clusters[0].id)->asked_high, 1.5 * 36 - 12, 0.1);
	ck_assert_double_eq_tol(line_of(&it, box.clusters[0].id)->asked_low, 1.5 * 24, 0.1);
	projection_finish(&it);
	box_finish(&box);
}
END_TEST

START_TEST(chance_is_left_room)
{
	struct box box;
	box_init(&box, 2);
	box.clusters[0].busy = 13.5;
	box_run(&box, 70);
	const struct cluster_assessment *row = box_row(&box, 0);
	/* 54 connections, each held 54 / 1805 s, over a minute */
	double sd = sqrt(2 * 54 * (54 / 1805.0) / 60);
	ck_assert_double_eq_tol(row->demand_sd, sd, 0.02 * sd);
	struct projection it = project_move(&box, MOVE_DIVERT, box.clusters[0].id, 100.5);
	ck_assert_msg(it.blocked, "%s", it.sum);
	ck_assert_msg(strstr(it.sum, "by chance up to 8"), "%s", it.sum);
	const struct projection_line *line = line_of(&it, box.clusters[0].id);
	ck_assert(use_of(line) < CEILING && line->use_high > CEILING);
	double doubt = PROJECTION_SIGMAS * row->demand_sd / 64;
	ck_assert_double_eq_tol(line->use_high, use_of(line) + doubt, 1e-3);
	ck_assert(line->use_low < line->asked_low / line->capacity);
	ck_assert_double_eq_tol(line->use_most_before, line->use_before + doubt, 1e-9);
	projection_finish(&it);
	box_finish(&box);
}
END_TEST

/* A minute's mean lags behind: both bounds stand, what was and what is by now. */
START_TEST(what_changed_a_moment_ago_counts)
{
	struct box box;
	box_init(&box, 2);
	box_run(&box, 90);
	double before = box_row(&box, 0)->demand;
	box_scale(&box.clusters[0], 1.3);
	box_run(&box, 12);
	const struct cluster_assessment *row = box_row(&box, 0);
	ck_assert(row->demand < 1.15 * before);
	ck_assert_double_eq_tol(row->demand_late, 1.3 * before, 0.01 * before);
	struct projection it = project_move(&box, MOVE_DIVERT, box.clusters[1].id, 100);
	const struct projection_line *line = line_of(&it, box.clusters[0].id);
	ck_assert_double_eq_tol(line->asked_high, row->demand_late, 1e-9);
	ck_assert(line->asked_low <= row->demand);
	projection_finish(&it);
	box_run(&box, 60);
	ck_assert_double_eq_tol(box_row(&box, 0)->demand, box_row(&box, 0)->demand_late, 1e-9);
	box_finish(&box);
}
END_TEST

/* A small pool past the brink may fill by retries alone, below any ceiling. */
START_TEST(small_pools_have_a_brink)
{
	struct box box;
	box_init(&box, 2);
	box.clusters[0].pool_max = 4;
	box.clusters[0].busy = 2.4;
	box_run(&box, 60);
	double brink = (1 + box_row(&box, 0)->knee) / 2;
	ck_assert(brink < CEILING);
	struct projection it = project_move(&box, MOVE_DIVERT, box.clusters[0].id, 150);
	const struct projection_line *line = line_of(&it, box.clusters[0].id);
	ck_assert(use_of(line) > brink && use_of(line) < CEILING);
	ck_assert(it.blocked && line->over_ceiling);
	ck_assert_double_eq(line->use_high, 1);
	ck_assert_msg(
		strstr(it.sum, "from where so small a pool may fill by retries"), "%s", it.sum);
	struct projection safe =
		project_move(&box, MOVE_DIVERT, box.clusters[0].id, it.largest_safe_to);
	ck_assert(!safe.blocked && line_of(&safe, box.clusters[0].id)->use_high < brink);
	projection_finish(&safe);
	projection_finish(&it);
	box_finish(&box);
}
END_TEST

/* More connections help a full pool only if its database keeps its speed, which nobody knows. */
START_TEST(room_never_used_proves_nothing)
{
	struct box box;
	box_storm(&box);
	uint32_t a = box.clusters[0].id;
	struct projection it = project_move(&box, MOVE_RESIZE_POOL, a, 60);
	const struct projection_line *line = line_of(&it, a);
	ck_assert(it.known && !it.blocked);
	ck_assert(use_of(line) < CEILING);
	ck_assert_double_eq(line->use_high, 1);
	projection_finish(&it);
	it = project_move(&box, MOVE_RESIZE_POOL, box.clusters[1].id, 60);
	ck_assert(line_of(&it, box.clusters[1].id)->use_high < 0.25);
	projection_finish(&it);
	/* Connections that the database does not have are none. */
	fleet_set_connections_max(box.fleet, box.clusters[1].id, 20);
	box_run(&box, 1);
	it = project_move(&box, MOVE_RESIZE_POOL, box.clusters[1].id, 60);
	ck_assert(it.blocked);
	ck_assert_double_eq_tol(line_of(&it, box.clusters[1].id)->capacity, 80, 1e-9);
	projection_finish(&it);
	box_finish(&box);
}
END_TEST

/* Weights are in whatever unit the divider likes. */
START_TEST(the_unit_of_weights_does_not_matter)
{
	struct projection results[2];
	for (int i = 0; i < 2; i++) {
		struct box box;
		double unit = i == 0 ? 1 : 0.013;
		box_init(&box, 3);
		for (size_t c = 0; c < 3; c++)
			box.clusters[c].weight = unit * (80 + 30 * (double)c);
		box_run(&box, 30);
		results[i] = project_move(&box, MOVE_DIVERT, box.clusters[1].id, unit * 60);
		box_finish(&box);
	}
	ck_assert_uint_eq(results[0].line_count, results[1].line_count);
	ck_assert_double_eq_tol(results[0].moved_share, results[1].moved_share, 1e-9);
	for (size_t i = 0; i < results[0].line_count; i++) {
		const struct projection_line *one = &results[0].lines[i];
		const struct projection_line *other = &results[1].lines[i];
		ck_assert_double_eq_tol(one->use_low, other->use_low, 1e-9);
		ck_assert_double_eq_tol(one->use_high, other->use_high, 1e-9);
		ck_assert_double_eq_tol(one->share_after, other->share_after, 1e-9);
	}
	projection_finish(&results[0]);
	projection_finish(&results[1]);
}
END_TEST

START_TEST(stale_or_absent_is_unknown_and_blocks)
{
	struct box box;
	box_init(&box, 3);
	box_run(&box, 30);
	box.clusters[2].silent = true;
	box_run(&box, 40);
	struct projection it = project_move(&box, MOVE_DIVERT, box.clusters[0].id, 80);
	ck_assert(!it.known);
	ck_assert(it.blocked);
	ck_assert(isnan(it.largest_safe_to));
	ck_assert_str_eq(it.unknown_why, "cluster.weight of west-a is 40 s old");
	projection_finish(&it);
	it = project_move(&box, MOVE_RESIZE_POOL, box.clusters[2].id, 32);
	ck_assert(!it.known && it.blocked);
	ck_assert_str_eq(it.unknown_why, "replica.up of west-a/r1 is 40 s old");
	projection_finish(&it);
	it = project_move(&box, MOVE_RESIZE_POOL, box.clusters[0].id, 32);
	ck_assert(it.known); /* its neighbours have no part in it */
	projection_finish(&it);
	static const struct move wrong[] = {
		{MOVE_DIVERT, 99999, 50},
		{MOVE_DIVERT, ENTITY_ROOT, 50},
		{MOVE_LOSE_REPLICA, ENTITY_ROOT, 0},
		{MOVE_LIMIT_RETRIES, ENTITY_ROOT, 0.1},
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		it = project_move(&box, wrong[i].kind, wrong[i].entity, wrong[i].to);
		ck_assert(!it.known && it.blocked && it.unknown_why[0] != '\0');
		projection_finish(&it);
	}
	const double bad[] = {NAN, INFINITY, -1};
	for (size_t i = 0; i < 3; i++) {
		it = project_move(&box, MOVE_DIVERT, box.clusters[0].id, bad[i]);
		ck_assert(!it.known && it.blocked);
		projection_finish(&it);
	}
	it = project_move(&box, MOVE_RESIZE_POOL, box.clusters[0].id, 0);
	ck_assert(!it.known && it.blocked);
	projection_finish(&it);
	box_finish(&box);
}
END_TEST

START_TEST(an_uncounted_queue_is_unknown)
{
	struct box box;
	box_init(&box, 0);
	uint32_t cluster = box_intern(&box, ENTITY_CLUSTER, ENTITY_ROOT, "a");
	uint32_t replica = box_intern(&box, ENTITY_REPLICA, cluster, "r1");
	for (int full = 0; full < 2; full++) {
		box.now_ms += 20000;
		box_put(&box, replica, SIGNAL_REPLICA_UP, 1);
		box_put(&box, replica, SIGNAL_POOL_MAX, 20);
		box_put(&box, replica, SIGNAL_POOL_USED, full ? 20 : 10);
		box_answer(&box, true);
		box_assess(&box);
		struct projection it = project_move(&box, MOVE_RESIZE_POOL, cluster, 40);
		ck_assert_int_eq(it.known, !full);
		ck_assert_int_eq(it.blocked, full);
		projection_finish(&it);
	}
	box_finish(&box);
}
END_TEST

START_TEST(a_copy_stands_alone)
{
	struct box box;
	box_init(&box, 2);
	box_run(&box, 20);
	struct projection it = project_move(&box, MOVE_DIVERT, box.clusters[0].id, 90);
	struct projection copy;
	projection_init(&copy);
	ck_assert(projection_copy(&it, &copy));
	ck_assert(projection_copy(&it, &copy));
	ck_assert_ptr_ne(copy.lines, it.lines);
	double use = it.lines[1].use_high;
	projection_finish(&it);
	ck_assert_double_eq(copy.lines[1].use_high, use);
	ck_assert_str_ne(copy.sum, "");
	projection_finish(&copy);
	projection_finish(&copy);
	box_finish(&box);
}
END_TEST

static Suite *projection_suite(void)
{
	Suite *suite = suite_create("projection");
	TCase *cases = tcase_create("projection");
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, more_retries);
	tcase_add_test(cases, what_lands_is_held_as_long_as_there);
	tcase_add_test(cases, chance_is_left_room);
	tcase_add_test(cases, what_changed_a_moment_ago_counts);
	tcase_add_test(cases, small_pools_have_a_brink);
	tcase_add_test(cases, room_never_used_proves_nothing);
	tcase_add_test(cases, the_unit_of_weights_does_not_matter);
	tcase_add_test(cases, a_storm_allows_a_modest_divert_only);
	tcase_add_test(cases, the_arithmetic_is_said);
	tcase_add_test(cases, traffic_can_come_back);
	tcase_add_test(cases, resize);
	tcase_add_test(cases, replicas_leave_and_return);
	tcase_add_test(cases, fewer_retries);
	tcase_add_test(cases, stale_or_absent_is_unknown_and_blocks);
	tcase_add_test(cases, an_uncounted_queue_is_unknown);
	tcase_add_test(cases, a_copy_stands_alone);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(projection_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
