#include "actions/guard.h"

#include "actions/gate.h"

#include "tests/unit/actions/scene.h"

/* A plan with a projection made by hand, and what guards are told beside it. */
struct bench {
	struct scene scene;
	struct guard_config limits;
	struct plan_facts facts;
	struct plan plan;
	struct target_value value;
};

static void open_bench(struct bench *bench, const char *verb, double to)
{
	scene_open(&bench->scene);
	bench->limits = scene_limits();
	bench->facts =
		(struct plan_facts){.environment = "demo", .armed = true, .journal_trouble = ""};
	plan_init(&bench->plan);
	struct plan *plan = &bench->plan;
	plan->verb = verb_find(verb);
	plan->target = bench->scene.a;
	plan->to = to;
	snprintf(plan->target_path, sizeof(plan->target_path), "east-a");
	target_read(bench->scene.snapshot, plan->verb, plan->target, &bench->value);
	plan->from = bench->value.low;
	struct projection *projection = &plan->projection;
	projection->known = true;
	projection->moved_share = 0.05;
	projection->largest_safe_to = NAN;
	projection->line_count = 2;
	projection->lines = calloc(2, sizeof(*projection->lines));
	for (int i = 0; i < 2; i++)
		projection->lines[i] = (struct projection_line){
			.cluster = i == 0 ? bench->scene.a : bench->scene.b,
			.share_before = 0.5,
			.share_after = i == 0 ? 0.45 : 0.55,
			.use_before = 0.7,
			.use_low = 0.7,
			.use_high = i == 0 ? 0.6 : 0.8,
			.connections_after = 30,
			.connections_max = 60,
			.changed = true,
			.known = true,
		};
}

static void close_bench(struct bench *bench)
{
	plan_finish(&bench->plan);
	scene_close(&bench->scene);
}

static const struct verdict *judge(struct bench *bench, const char *guard)
{
	const struct guard_context context = {
		.limits = &bench->limits,
		.facts = &bench->facts,
		.snapshot = bench->scene.snapshot,
		.assessment = &bench->scene.assessment,
		.value = &bench->value,
		.plan = &bench->plan,
		.now_ms = bench->scene.now_ms,
	};
	bench->plan.no_change = target_equal(bench->plan.from, bench->plan.to);
	guards_judge(&context, &bench->plan);
	for (size_t i = 0; i < bench->plan.verdict_count; i++) {
		if (strcmp(bench->plan.verdicts[i].guard, guard) == 0)
			return &bench->plan.verdicts[i];
	}
	return NULL;
}

/* What to spoil, and what the guard concerned must then say. */
enum spoil {
	SPOIL_NOTHING,
	SPOIL_ARMED,
	SPOIL_JOURNAL,
	SPOIL_NO_JOURNAL,
	SPOIL_AGE,
	SPOIL_UNKNOWN_FROM,
	SPOIL_POOLS_DIFFER,
	SPOIL_PROJECTION,
	SPOIL_CEILING,
	SPOIL_CONNECTIONS,
	SPOIL_CONNECTIONS_UNKNOWN,
	SPOIL_BLAST,
	SPOIL_COOLDOWN,
	SPOIL_COOLDOWN_UNDO,
	SPOIL_STEP_UNDO,
	SPOIL_OTHERS_OUT,
	SPOIL_STALE_CLUSTER,
	SPOIL_SILENT_REPLICA,
	SPOIL_STALE_POOL,
	SPOIL_BRAKE,
	SPOIL_BRAKE_UNDO,
	SPOIL_BRAKE_TRIPPED,
	SPOIL_GATE,
	SPOIL_GATE_UNKNOWN,
	SPOIL_GATE_UNDO,
	SPOIL_FREEZE,
	SPOIL_FREEZE_AHEAD,
	SPOIL_FREEZE_TICKET,
	SPOIL_FREEZE_TICKET_ALL,
	SPOIL_FREEZE_TICKET_WRONG,
	SPOIL_FREEZE_TICKET_NONE,
	SPOIL_FREEZE_TICKET_UNASKED,
};

static const struct {
	const char *verb;
	double to;
	enum spoil spoil;
	const char *guard;
	enum verdict_kind kind;
	const char *words; /* must be in the text */
} cases[] = {
	{"cluster.divert", 80, SPOIL_NOTHING, "read-only", VERDICT_PASS, "armed"},
	{"cluster.divert", 80, SPOIL_ARMED, "read-only", VERDICT_BLOCK, "arm"},
	{"cluster.divert", 80, SPOIL_NOTHING, "journal", VERDICT_PASS, ""},
	{"cluster.divert", 80, SPOIL_JOURNAL, "journal", VERDICT_BLOCK, "disk full"},
	{"cluster.divert", 80, SPOIL_NO_JOURNAL, "journal", VERDICT_BLOCK, "no journal"},
	{"cluster.divert", 80, SPOIL_NOTHING, "preflight", VERDICT_PASS,
		"cluster.weight of east-a"},
	{"cluster.divert", 80, SPOIL_AGE, "preflight", VERDICT_BLOCK, "6s ago"},
	{"cluster.divert", 80, SPOIL_UNKNOWN_FROM, "preflight", VERDICT_UNKNOWN, "not known"},
	{"pool.resize", 30, SPOIL_POOLS_DIFFER, "preflight", VERDICT_WARN, "from 20 to 25"},
	{"cluster.divert", 80, SPOIL_NOTHING, "staleness", VERDICT_PASS, "limit 5s"},
	{"cluster.divert", 80, SPOIL_AGE, "staleness", VERDICT_BLOCK, "6s old"},
	{"cluster.divert", 80, SPOIL_STALE_CLUSTER, "staleness", VERDICT_UNKNOWN, "not known"},
	{"cluster.divert", 80, SPOIL_SILENT_REPLICA, "staleness", VERDICT_WARN, "counted as out"},
	{"cluster.divert", 80, SPOIL_STALE_POOL, "staleness", VERDICT_BLOCK, "r2"},
	{"cluster.divert", 80, SPOIL_NOTHING, "capacity", VERDICT_PASS, "70% -> 80%"},
	{"cluster.divert", 80, SPOIL_PROJECTION, "capacity", VERDICT_UNKNOWN, "pool.used is old"},
	{"cluster.divert", 80, SPOIL_CEILING, "capacity", VERDICT_BLOCK, "safe at most: weight=91"},
	{"pool.resize", 30, SPOIL_NOTHING, "ledger", VERDICT_PASS, "30 of the 60"},
	{"pool.resize", 30, SPOIL_CONNECTIONS, "ledger", VERDICT_BLOCK, "40 more than the 60"},
	{"pool.resize", 30, SPOIL_CONNECTIONS_UNKNOWN, "ledger", VERDICT_UNKNOWN,
		"connections_max"},
	{"cluster.divert", 75, SPOIL_NOTHING, "step", VERDICT_PASS, "25%"},
	{"cluster.divert", 74, SPOIL_NOTHING, "step", VERDICT_BLOCK, "safe at most: weight=75"},
	{"cluster.divert", 133, SPOIL_NOTHING, "step", VERDICT_PASS, ""},
	{"cluster.divert", 134, SPOIL_NOTHING, "step", VERDICT_BLOCK, ""},
	{"cluster.divert", 10, SPOIL_STEP_UNDO, "step", VERDICT_PASS, "own change"},
	{"pool.resize", 40, SPOIL_NOTHING, "step", VERDICT_PASS, ""},
	{"pool.resize", 41, SPOIL_NOTHING, "step", VERDICT_BLOCK, "safe at most: size=40"},
	{"pool.resize", 10, SPOIL_NOTHING, "step", VERDICT_PASS, ""},
	{"pool.resize", 9, SPOIL_NOTHING, "step", VERDICT_BLOCK, ""},
	{"cluster.divert", 80, SPOIL_NOTHING, "blast-radius", VERDICT_PASS, "5.0%"},
	{"cluster.divert", 80, SPOIL_BLAST, "blast-radius", VERDICT_BLOCK, "more than the 30%"},
	{"cluster.divert", 80, SPOIL_PROJECTION, "blast-radius", VERDICT_UNKNOWN, ""},
	{"cluster.divert", 80, SPOIL_NOTHING, "cooldown", VERDICT_PASS, ""},
	{"cluster.divert", 80, SPOIL_NOTHING, "brake", VERDICT_PASS, "change 1 of at most 100"},
	{"cluster.divert", 80, SPOIL_BRAKE, "brake", VERDICT_BLOCK, "free in 2m"},
	{"cluster.divert", 80, SPOIL_BRAKE_TRIPPED, "brake", VERDICT_BLOCK,
		"the last 1h00m ago: stop and look"},
	{"cluster.divert", 80, SPOIL_GATE, "gate", VERDICT_BLOCK, "closed by kim"},
	{"cluster.divert", 80, SPOIL_GATE_UNKNOWN, "gate", VERDICT_UNKNOWN, "not known"},
	{"cluster.divert", 80, SPOIL_GATE_UNDO, "gate", VERDICT_PASS, "no gate holds it"},
	{"retry.limit", 0.1, SPOIL_NOTHING, "gate", VERDICT_PASS, "no gate"},
	{"cluster.divert", 80, SPOIL_BRAKE_UNDO, "brake", VERDICT_PASS, "not counted"},
	{"cluster.divert", 80, SPOIL_NOTHING, "freeze", VERDICT_PASS, "no freeze is ahead"},
	{"cluster.divert", 80, SPOIL_FREEZE, "freeze", VERDICT_BLOCK,
		"frozen until 2026-02-02T04:40:00Z: sale"},
	{"cluster.divert", 80, SPOIL_FREEZE_AHEAD, "freeze", VERDICT_PASS,
		"next freeze begins 2026-02-02T03:06:40Z"},
	{"cluster.divert", 80, SPOIL_FREEZE_TICKET, "freeze", VERDICT_WARN,
		"frozen until 2026-02-02T04:40:00Z: sale; ticket INC-7 lets it pass"},
	{"cluster.divert", 80, SPOIL_FREEZE_TICKET_ALL, "freeze", VERDICT_BLOCK,
		"frozen until 2026-02-02T03:40:00Z: all; a ticket lets nothing pass"},
	{"cluster.divert", 80, SPOIL_FREEZE_TICKET_WRONG, "freeze", VERDICT_BLOCK,
		"ticket CHG-7 is not of the form INC-* that may pass"},
	{"cluster.divert", 80, SPOIL_FREEZE_TICKET_NONE, "freeze", VERDICT_BLOCK,
		"'--ticket' of the form INC-* may pass"},
	{"cluster.divert", 80, SPOIL_FREEZE_TICKET_UNASKED, "freeze", VERDICT_BLOCK,
		"frozen until 2026-02-02T04:40:00Z: sale; a ticket lets nothing pass here, only "
		"'--override freeze'"},
	{"cluster.divert", 80, SPOIL_NOTHING, "expiry", VERDICT_PASS, "own change"},
	{"cluster.divert", 80, SPOIL_NOTHING, "two-person", VERDICT_PASS, "one person"},
	{"cluster.divert", 80, SPOIL_COOLDOWN, "cooldown", VERDICT_BLOCK, "again in 7s"},
	{"cluster.divert", 80, SPOIL_COOLDOWN_UNDO, "cooldown", VERDICT_PASS, "own change"},
	{"cluster.divert", 100, SPOIL_NOTHING, "no-change", VERDICT_WARN, "already"},
	{"cluster.divert", 80, SPOIL_NOTHING, "no-change", VERDICT_PASS, ""},
	{"cluster.divert", 0, SPOIL_NOTHING, "last-serving", VERDICT_PASS, "other clusters"},
	{"cluster.divert", 0, SPOIL_OTHERS_OUT, "last-serving", VERDICT_BLOCK, "no other cluster"},
};

static const struct gate closed = {.is_closed = true, .since_ms = SCENE_NOW, .by = "kim"};
static const struct gate unreadable = {.is_unknown = true, .why = "it cannot be read"};
/* Freezes that touch are one: what counts is when all of them are over. */
static const struct freeze frozen[] = {{SCENE_NOW - 1000, SCENE_NOW + 3600000, "sale", NULL},
	{SCENE_NOW + 7000000, SCENE_NOW + 7200000, "touches", NULL},
	{SCENE_NOW + 3600000, SCENE_NOW + 7000000, "touches", NULL},
	{SCENE_NOW + 9000000, SCENE_NOW + 9900000, "apart", NULL}};
static const struct freeze ahead[] = {{SCENE_NOW + 5000000, SCENE_NOW + 9000000, "", NULL},
	{SCENE_NOW + 1600000, SCENE_NOW + 2000000, "", NULL}};

/* Two at once, of which a ticket opens the first alone, which lasts longer. */
static const struct freeze excepted[] = {{SCENE_NOW - 1000, SCENE_NOW + 7200000, "sale", "INC-*"},
	{SCENE_NOW - 500, SCENE_NOW + 3600000, "all", NULL}};

static void set_ticket(struct bench *bench, enum spoil spoil)
{
	static const struct {
		enum spoil spoil;
		const struct freeze *freezes;
		size_t count;
		const char *ticket;
	} rows[] = {
		{SPOIL_FREEZE_TICKET, excepted, 1, "INC-7"},
		{SPOIL_FREEZE_TICKET_ALL, excepted, 2, "INC-7"},
		{SPOIL_FREEZE_TICKET_WRONG, excepted, 1, "CHG-7"},
		{SPOIL_FREEZE_TICKET_NONE, excepted, 1, ""},
		{SPOIL_FREEZE_TICKET_UNASKED, frozen, 4, "INC-7"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].spoil != spoil)
			continue;
		bench->limits.freezes = rows[i].freezes;
		bench->limits.freeze_count = rows[i].count;
		bench->facts.ticket = rows[i].ticket;
	}
}

static void set_fact(struct bench *bench, enum spoil spoil)
{
	if (spoil == SPOIL_BRAKE || spoil == SPOIL_BRAKE_UNDO) {
		bench->facts.recent_changes = 100;
		bench->facts.brake_free_ms = bench->scene.now_ms + 120000;
		bench->facts.is_undo = spoil == SPOIL_BRAKE_UNDO;
	}
	if (spoil == SPOIL_BRAKE_TRIPPED) {
		bench->limits.brake_by_hand = true;
		bench->facts.brake_tripped_ms = bench->scene.now_ms - 3600000;
	}
	if (spoil == SPOIL_GATE || spoil == SPOIL_GATE_UNDO)
		bench->facts.gate = &closed;
	if (spoil == SPOIL_GATE_UNKNOWN)
		bench->facts.gate = &unreadable;
	if (spoil == SPOIL_GATE_UNDO)
		bench->facts.is_undo = true;
	if (spoil == SPOIL_FREEZE || spoil == SPOIL_FREEZE_AHEAD) {
		bench->limits.freezes = spoil == SPOIL_FREEZE ? frozen : ahead;
		bench->limits.freeze_count = spoil == SPOIL_FREEZE ? 4 : 2;
	}
	static const int64_t three_seconds = 3000;
	struct plan_facts *facts = &bench->facts;
	if (spoil == SPOIL_ARMED)
		facts->armed = false;
	if (spoil == SPOIL_JOURNAL)
		facts->journal_trouble = "disk full";
	if (spoil == SPOIL_NO_JOURNAL)
		facts->journal_trouble = NULL;
	if (spoil == SPOIL_COOLDOWN || spoil == SPOIL_COOLDOWN_UNDO)
		facts->last_change_ms = bench->scene.now_ms - three_seconds;
	if (spoil == SPOIL_COOLDOWN_UNDO || spoil == SPOIL_STEP_UNDO)
		facts->is_undo = true;
}

static void set_projection(struct bench *bench, enum spoil spoil)
{
	struct projection *projection = &bench->plan.projection;
	if (spoil == SPOIL_PROJECTION) {
		projection->known = false;
		snprintf(projection->unknown_why, sizeof(projection->unknown_why),
			"pool.used is old");
	}
	if (spoil == SPOIL_CEILING) {
		projection->blocked = projection->lines[1].over_ceiling = true;
		projection->lines[1].use_high = 0.97;
		projection->largest_safe_to = 90.3;
	}
	if (spoil == SPOIL_CONNECTIONS) {
		projection->blocked = true;
		projection->lines[0].connections_after = 100;
	}
	if (spoil == SPOIL_CONNECTIONS_UNKNOWN)
		projection->lines[0].connections_max = NAN;
	if (spoil == SPOIL_BLAST)
		projection->moved_share = 0.31;
}

/* Read everything again later, but for what is to be old or other. */
static void set_readings(struct bench *bench, enum spoil spoil)
{
	struct scene *scene = &bench->scene;
	uint32_t other = scene->replicas[0][1];
	if (spoil == SPOIL_AGE)
		scene_advance(scene, 6000);
	if (spoil == SPOIL_UNKNOWN_FROM)
		bench->value = (struct target_value){.missing = scene->a};
	if (spoil == SPOIL_POOLS_DIFFER) {
		scene_put(scene, other, SIGNAL_POOL_MAX, 25);
		scene_seal(scene);
		target_read(scene->snapshot, bench->plan.verb, scene->a, &bench->value);
	}
	if (spoil == SPOIL_OTHERS_OUT) {
		scene_put(scene, scene->b, SIGNAL_CLUSTER_WEIGHT, 0);
		scene_seal(scene);
	}
	if (spoil == SPOIL_STALE_CLUSTER)
		scene->assessment.clusters[0].stale = true;
	if (spoil != SPOIL_SILENT_REPLICA && spoil != SPOIL_STALE_POOL)
		return;
	scene_advance(scene, 6000);
	scene_put(scene, scene->a, SIGNAL_CLUSTER_WEIGHT, 100);
	scene_put(scene, scene->b, SIGNAL_CLUSTER_WEIGHT, 100);
	for (int i = 0; i < 2 * SCENE_REPLICAS; i++) {
		uint32_t replica = scene->replicas[i / SCENE_REPLICAS][i % SCENE_REPLICAS];
		if (replica == other && spoil == SPOIL_SILENT_REPLICA)
			continue;
		scene_put(scene, replica, SIGNAL_REPLICA_UP, 1);
		for (enum signal signal = SIGNAL_POOL_USED;
			replica != other && signal <= SIGNAL_POOL_WAITING; signal++)
			scene_put(scene, replica, signal, 10);
	}
	scene_seal(scene);
}

START_TEST(test_verdict)
{
	struct bench bench;
	open_bench(&bench, cases[_i].verb, cases[_i].to);
	set_fact(&bench, cases[_i].spoil);
	set_ticket(&bench, cases[_i].spoil);
	set_projection(&bench, cases[_i].spoil);
	set_readings(&bench, cases[_i].spoil);
	const struct verdict *verdict = judge(&bench, cases[_i].guard);
	ck_assert_ptr_nonnull(verdict);
	ck_assert_msg(verdict->kind == cases[_i].kind, "case %d, %s: %s: %s", _i, cases[_i].guard,
		verdict_name(verdict->kind), verdict->text);
	ck_assert_msg(strstr(verdict->text, cases[_i].words) != NULL,
		"case %d, %s: '%s' not in '%s'", _i, cases[_i].guard, cases[_i].words,
		verdict->text);
	bool stops = verdict->kind == VERDICT_BLOCK || verdict->kind == VERDICT_UNKNOWN;
	ck_assert(!stops || bench.plan.blocked);
	close_bench(&bench);
}
END_TEST

START_TEST(test_overrides_lift_only_what_may_be_lifted)
{
	struct bench bench;
	const char *const names[] = {"capacity", "read-only"};
	open_bench(&bench, "cluster.divert", 80);
	bench.facts.overrides = names;
	bench.facts.override_count = 2;
	set_projection(&bench, SPOIL_CEILING);
	ck_assert(judge(&bench, "capacity")->overridden);
	ck_assert(!bench.plan.blocked);
	bench.facts.armed = false;
	ck_assert(!judge(&bench, "read-only")->overridden);
	ck_assert(bench.plan.blocked);
	ck_assert_int_eq(plan_outcome(&bench.plan), OUTCOME_NOT_PERMITTED);
	close_bench(&bench);
}
END_TEST

static const struct {
	double to, projected; /* NAN: not blocked */
	double share;         /* of the target before */
	double expected;
} offers[] = {
	{80, NAN, 0.5, 80},
	{80, 88.2, 0.5, 89},
	{40, NAN, 0.5, 75},
	{40, 88.2, 0.5, 89},
	{40, 99.5, 0.5, NAN},
	{40, 100, 0.5, NAN},
	{150, NAN, 0.5, 133},
	{0, NAN, 0.9, 75},
};

START_TEST(test_offer)
{
	struct bench bench;
	open_bench(&bench, "cluster.divert", offers[_i].to);
	bench.plan.projection.lines[0].share_before = offers[_i].share;
	bench.plan.projection.blocked = !isnan(offers[_i].projected);
	bench.plan.projection.largest_safe_to = offers[_i].projected;
	judge(&bench, "capacity");
	double offer = bench.plan.largest_safe_to;
	ck_assert_msg(isnan(offer) ? isnan(offers[_i].expected) : offer == offers[_i].expected,
		"offer %d: %g", _i, offer);
	close_bench(&bench);
}
END_TEST

START_TEST(test_outcomes)
{
	struct bench bench;
	open_bench(&bench, "cluster.divert", 80);
	judge(&bench, "step");
	ck_assert_int_eq(plan_outcome(&bench.plan), OUTCOME_CHANGES_PENDING);
	bench.facts.last_change_ms = bench.scene.now_ms - 1;
	judge(&bench, "step");
	ck_assert_int_eq(plan_outcome(&bench.plan), OUTCOME_RETRY_LATER);
	bench.facts.recent_changes = 100;
	judge(&bench, "step");
	ck_assert_int_eq(plan_outcome(&bench.plan), OUTCOME_RETRY_LATER);
	bench.limits.approve_above = 0.001;
	judge(&bench, "step");
	ck_assert_int_eq(plan_outcome(&bench.plan), OUTCOME_REFUSED);
	bench.facts.recent_changes = 0;
	bench.facts.last_change_ms = 0;
	judge(&bench, "step");
	ck_assert_int_eq(plan_outcome(&bench.plan), OUTCOME_NEEDS_CONFIRMATION);
	bench.limits.approve_above = 0;
	bench.facts.armed = false;
	judge(&bench, "step");
	ck_assert_int_eq(plan_outcome(&bench.plan), OUTCOME_NOT_PERMITTED);
	bench.facts = (struct plan_facts){.armed = true, .journal_trouble = "full"};
	judge(&bench, "step");
	ck_assert_int_eq(plan_outcome(&bench.plan), OUTCOME_LOCAL_ERROR);
	bench.facts.journal_trouble = "";
	bench.plan.to = 100;
	judge(&bench, "step");
	ck_assert_int_eq(plan_outcome(&bench.plan), OUTCOME_DONE);
	close_bench(&bench);
}
END_TEST

static Suite *guard_suite(void)
{
	Suite *suite = suite_create("guard");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, test_verdict, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, test_overrides_lift_only_what_may_be_lifted);
	tcase_add_loop_test(tcase, test_offer, 0, sizeof(offers) / sizeof(offers[0]));
	tcase_add_test(tcase, test_outcomes);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return scene_main(guard_suite());
}
