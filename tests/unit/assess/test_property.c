#include "box.h"

#include "core/assess/phase.h"
#include "core/assess/projection.h"

/* Thousands of random fleets, most of them with holes: whatever comes, certain things hold. */

#define FLEETS 3000
#define TICKS 4
#define CEILING 0.85

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static double uniform(uint64_t *state, double low, double high)
{
	return low + (high - low) * (double)(next_random(state) % 100001) / 100000;
}

static bool chance(uint64_t *state, double share)
{
	return uniform(state, 0, 1) < share;
}

struct dice {
	struct box *box;
	uint64_t state;
	double holes; /* the chance that a figure is not reported */
};

static void throw(struct dice * dice, uint32_t entity, enum signal signal, double low, double high)
{
	double value = uniform(&dice->state, low, high);
	if (!chance(&dice->state, dice->holes))
		box_put(dice->box, entity, signal, value);
}

static void report_replica(struct dice *dice, uint32_t id)
{
	if (!chance(&dice->state, dice->holes))
		box_put(dice->box, id, SIGNAL_REPLICA_UP, chance(&dice->state, 0.8));
	if (!chance(&dice->state, dice->holes))
		box_put(dice->box, id, SIGNAL_REPLICA_MAINTENANCE, chance(&dice->state, 0.1));
	throw(dice, id, SIGNAL_REPLICA_QUERIES, 0, 2000);
	throw(dice, id, SIGNAL_POOL_USED, 0, 30);
	throw(dice, id, SIGNAL_POOL_BUSY, 0, 30);
	throw(dice, id, SIGNAL_POOL_MAX, 0, 40);
	throw(dice, id, SIGNAL_POOL_WAITING, 0, chance(&dice->state, 0.3) ? 5000 : 1);
	throw(dice, id, SIGNAL_POOL_WAIT, 0, 3000);
	throw(dice, id, SIGNAL_REPLICA_CONNECTIONS_MAX, 10, 100);
}

static void report_service(struct dice *dice, uint32_t service)
{
	double most = chance(&dice->state, 0.1) ? 0 : 3000;
	throw(dice, service, SIGNAL_SERVICE_FIRST_TRIES, 0, most);
	throw(dice, service, SIGNAL_SERVICE_ATTEMPTS, 0, 3 * most);
	throw(dice, service, SIGNAL_SERVICE_FAILURES, 0, most);
}

static void build(struct box *box, struct dice *dice)
{
	box_init(box, 0);
	size_t clusters = (size_t)(next_random(&dice->state) % 5);
	for (size_t i = 0; i < clusters; i++) {
		char name[16];
		snprintf(name, sizeof(name), "c%zu", i);
		uint32_t cluster = box_intern(box, ENTITY_CLUSTER, ENTITY_ROOT, name);
		size_t replicas = (size_t)(next_random(&dice->state) % 5);
		for (size_t j = 0; j < replicas; j++) {
			snprintf(name, sizeof(name), "r%zu", j);
			uint32_t id = box_intern(box, ENTITY_REPLICA, cluster, name);
			if (chance(&dice->state, 0.5))
				fleet_declare(box->fleet, id);
		}
		if (chance(&dice->state, 0.7))
			box_intern(box, ENTITY_SERVICE, cluster, "auth");
		if (chance(&dice->state, 0.7))
			box_intern(box, ENTITY_SURFACE, cluster, "web");
	}
	if (chance(&dice->state, 0.5)) {
		box_intern(box, ENTITY_SERVICE, ENTITY_ROOT, "auth");
		box_intern(box, ENTITY_SURFACE, ENTITY_ROOT, "web");
	}
}

static void report(struct box *box, struct dice *dice)
{
	for (uint32_t id = 0; id < fleet_count(box->fleet); id++) {
		switch (fleet_entity(box->fleet, id)->kind) {
		case ENTITY_REPLICA:
			report_replica(dice, id);
			break;
		case ENTITY_SERVICE:
			report_service(dice, id);
			break;
		case ENTITY_CLUSTER:
			throw(dice, id, SIGNAL_CLUSTER_WEIGHT, 0, 200);
			break;
		case ENTITY_SURFACE:
			throw(dice, id, SIGNAL_SURFACE_REQUESTS, 0, 5000);
			throw(dice, id, SIGNAL_SURFACE_ERRORS, 0, 500);
			break;
		case ENTITY_FLEET:
		case ENTITY_REGION:
		case ENTITY_KIND_COUNT:
			break;
		}
	}
}

/* ---- what must hold ---- */

/* Said in full: something, and no number that is none. */
static bool is_words(const char *text)
{
	static const char *const traces[] = {
		" nan", "-nan", "(nan", "nan%", " inf", "-inf", "(null)"};
	for (size_t i = 0; i < sizeof(traces) / sizeof(traces[0]); i++) {
		if (strstr(text, traces[i]))
			return false;
	}
	return text[0] != '\0';
}

static void expect_ratio(double value, const char *what)
{
	ck_assert_msg(isnan(value) || (value >= 0 && value <= 1), "%s is %g", what, value);
}

static void expect_positive(double value, const char *what)
{
	ck_assert_msg(isnan(value) || value >= 0, "%s is %g", what, value);
}

static void check_assessment(const struct assessment *it)
{
	ck_assert_msg(is_words(it->headline), "%s", it->headline);
	ck_assert((it->falsifier[0] == '\0') == (it->phase == PHASE_NORMAL));
	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		const struct stage_assessment *stage = &it->stages[i];
		ck_assert_msg(stage->known == !isnan(stage->now), "%s", stage_name((enum stage)i));
		expect_positive(stage->now, stage_name((enum stage)i));
		if (i != STAGE_LOAD && i != STAGE_ATTEMPTS)
			expect_ratio(stage->now, stage_name((enum stage)i));
		ck_assert(stage->known || stage->severity != SEVERITY_OK);
		ck_assert(stage->onset_ms <= it->at_ms);
	}
	ck_assert(it->severity == phase_severity(it->phase) ||
		  (it->phase == PHASE_NORMAL && it->severity == SEVERITY_UNKNOWN));
	for (size_t i = 0; i < it->finding_count; i++)
		ck_assert_msg(is_words(it->findings[i].text), "%s", it->findings[i].text);
	double shares = 0;
	for (size_t i = 0; i < it->cluster_count; i++) {
		const struct cluster_assessment *row = &it->clusters[i];
		expect_ratio(row->share, "share");
		expect_ratio(row->pool_use, "pool use");
		expect_ratio(row->auth_failures, "auth failures");
		expect_ratio(row->errors, "errors");
		expect_positive(row->pool_max, "pool max");
		expect_positive(row->waiting, "waiting");
		expect_positive(row->demand, "demand");
		ck_assert(isnan(row->attempts) || row->attempts >= 1);
		ck_assert(row->contingency.known || isnan(row->contingency.headroom));
		ck_assert(!row->contingency.known || !isnan(row->contingency.utilisation_after));
		ck_assert(!isnan(row->knee) || isnan(row->pool_use));
		shares += isnan(row->share) ? 0 : row->share;
	}
	ck_assert(shares <= 1 + 1e-9);
	expect_positive(it->goodput, "goodput");
	expect_positive(it->retries, "retries");
	expect_positive(it->failed_requests, "failed requests");
}

/* Seconds an attempt holds a connection in a cluster; NAN unknown. */
static double hold_of(const struct assessment *it, uint32_t cluster)
{
	const struct cluster_assessment *row = assessment_cluster(it, cluster);
	return isnan(row->hold_s) ? row->pool_used / (row->first_tries * row->attempts)
				  : row->hold_s;
}

/* Whether that is known of all clusters a divert touches: then attempts are what is conserved,
 * else connections. */
static bool knows_holds(const struct box *box, const struct projection *it)
{
	for (size_t i = 0; i < it->line_count; i++) {
		if (it->lines[i].changed && !(hold_of(&box->seen, it->lines[i].cluster) > 0))
			return false;
	}
	return true;
}

static void check_divert(
	const struct box *box, const struct projection *it, const struct move *move)
{
	double before = 0, after = 0, shares = 0;
	bool by_attempts = knows_holds(box, it);
	for (size_t i = 0; i < it->line_count; i++) {
		const struct projection_line *line = &it->lines[i];
		if (!line->changed)
			continue;
		double hold_s = by_attempts ? hold_of(&box->seen, line->cluster) : 1;
		before += line->use_before * line->capacity / hold_s;
		after += line->asked_high / hold_s;
		shares += line->share_after;
		ck_assert(line->use_low <= line->use_high + 1e-9);
		ck_assert(line->use_high >= -1e-9);
	}
	ck_assert_double_eq_tol(before, after, 1e-6 * fmax(1, before));
	if (it->moved_share > 0)
		ck_assert_double_eq_tol(shares, 1, 1e-9);
	/* Half of the way is never worse than all of it, and for nobody more than that. */
	double current = 0;
	ck_assert(snapshot_value(box->snapshot, move->entity, SIGNAL_CLUSTER_WEIGHT, &current));
	struct projection half;
	projection_init(&half);
	const struct move less = {MOVE_DIVERT, move->entity, current + (move->to - current) / 2};
	ck_assert(project(box->snapshot, &box->seen, &less, CEILING, &half));
	ck_assert(it->blocked || !half.blocked);
	for (size_t i = 0; i < half.line_count; i++) {
		const struct projection_line *part = &half.lines[i], *all = &it->lines[i];
		ck_assert_uint_eq(part->cluster, all->cluster);
		double now = part->use_before * part->capacity;
		bool rises = all->asked_high >= now;
		if (part->changed && rises)
			ck_assert(part->asked_high <= all->asked_high + 1e-6 * all->asked_high);
		if (part->changed && !rises)
			ck_assert(part->asked_high >= all->asked_high - 1e-6 * all->asked_high);
	}
	projection_finish(&half);
}

/* What moves no traffic and no retries leaves what is asked for as it is. */
static void check_kept(
	const struct box *box, const struct move *move, const struct projection_line *line)
{
	const struct cluster_assessment *row = assessment_cluster(&box->seen, line->cluster);
	bool asks = move->kind == MOVE_DIVERT || move->kind == MOVE_LIMIT_RETRIES;
	if (line->known && !(line->changed && asks))
		ck_assert_double_eq_tol(
			line->asked_high, fmax(row->demand, row->demand_late), 1e-9);
	if (!line->known || !(line->use_before > 0 && isfinite(line->use_before)))
		return;
	double before = fmax(row->demand, row->demand_late) / line->use_before;
	bool gives = move->kind == MOVE_RESIZE_POOL || move->kind == MOVE_LOSE_REPLICA ||
		     move->kind == MOVE_RETURN_REPLICA;
	ck_assert(before <= row->pool_max + 1e-6);
	if (!(line->changed && gives))
		ck_assert_double_eq_tol(line->capacity, before, 1e-6);
	if (line->changed && move->kind == MOVE_LOSE_REPLICA)
		ck_assert(line->capacity <= before + 1e-6);
	if (line->changed && move->kind == MOVE_RETURN_REPLICA)
		ck_assert(line->capacity >= before - 1e-6);
}

static void check_projection(const struct box *box, const struct move *move)
{
	struct projection it;
	projection_init(&it);
	ck_assert(project(box->snapshot, &box->seen, move, CEILING, &it));
	if (!it.known) {
		ck_assert(it.blocked);
		ck_assert_msg(is_words(it.unknown_why), "'%s'", it.unknown_why);
		ck_assert(isnan(it.largest_safe_to));
		projection_finish(&it);
		return;
	}
	ck_assert_str_eq(it.unknown_why, "");
	ck_assert_msg(is_words(it.sum), "'%s'", it.sum);
	bool over = false;
	for (size_t i = 0; i < it.line_count; i++) {
		const struct projection_line *line = &it.lines[i];
		ck_assert(!line->changed || line->known);
		ck_assert(!line->changed || !(isnan(line->use_low) || isnan(line->use_high)));
		ck_assert(!line->changed || line->use_low <= line->use_high + 1e-9);
		ck_assert(!line->changed || line->asked_low <= line->asked_high + 1e-9);
		check_kept(box, move, line);
		over |= line->over_ceiling;
		ck_assert(i == 0 || it.lines[i - 1].changed || !line->changed);
		ck_assert(!line->over_ceiling || line->use_high > CEILING);
	}
	ck_assert(!over || it.blocked);
	if (it.blocked && !isnan(it.largest_safe_to)) {
		const struct move safe = {move->kind, move->entity, it.largest_safe_to};
		struct projection less;
		projection_init(&less);
		ck_assert(project(box->snapshot, &box->seen, &safe, CEILING, &less));
		ck_assert_msg(less.known && !less.blocked, "%s", less.sum);
		projection_finish(&less);
	}
	if (move->kind == MOVE_DIVERT)
		check_divert(box, &it, move);
	projection_finish(&it);
}

static void check_projections(const struct box *box, struct dice *dice)
{
	static const enum move_kind kinds[] = {MOVE_DIVERT, MOVE_RESIZE_POOL, MOVE_LOSE_REPLICA,
		MOVE_RETURN_REPLICA, MOVE_LIMIT_RETRIES};
	for (uint32_t id = 0; id < fleet_count(box->fleet); id++) {
		enum entity_kind kind = fleet_entity(box->fleet, id)->kind;
		enum move_kind likely = kind == ENTITY_CLUSTER ? MOVE_DIVERT : MOVE_LIMIT_RETRIES;
		for (int i = 0; i < 2; i++) {
			double to = round(uniform(&dice->state, 0, 150));
			struct move move = {likely, id, to};
			if (i == 1)
				move.kind = kinds[next_random(&dice->state) % 5];
			check_projection(box, &move);
		}
	}
}

START_TEST(whatever_comes)
{
	static const double holes[] = {0, 0.02, 0.2, 0.6};
	struct dice dice = {.state = (uint64_t)_i * 7919 + 12345};
	struct box box;
	for (int i = 0; i < FLEETS / 10; i++) {
		dice.box = &box;
		dice.holes = holes[i % 4];
		build(&box, &dice);
		for (int tick = 0; tick < TICKS; tick++) {
			box.now_ms += 1000 + (int64_t)(next_random(&dice.state) % 3000);
			report(&box, &dice);
			box_answer(&box, chance(&dice.state, 0.9));
			box_assess(&box);
			check_assessment(&box.seen);
		}
		check_projections(&box, &dice);
		box_finish(&box);
	}
}
END_TEST

static Suite *property_suite(void)
{
	Suite *suite = suite_create("property");
	TCase *cases = tcase_create("property");
	tcase_set_timeout(cases, 100);
	tcase_add_loop_test(cases, whatever_comes, 0, 10);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(property_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
