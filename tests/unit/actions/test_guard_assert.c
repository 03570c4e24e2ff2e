#include "actions/guard_assert.h"

#include "core/base/arena.h"
#include "tests/unit/actions/scene.h"

/* A fleet that is seen whole, a change of it, and one assertion. */
struct bench {
	struct scene scene;
	struct arena *arena;
	struct guard_assert assertion;
	struct guard_config limits;
	struct plan plan;
};

static void open_bench(struct bench *bench, const char *that)
{
	struct error error = {0};
	scene_open(&bench->scene);
	bench->scene.assessment.stages[STAGE_REPLICAS].known = true;
	bench->scene.assessment.stages[STAGE_REPLICAS].count = 6;
	bench->scene.assessment.stages[STAGE_REPLICAS].of = 6;
	bench->arena = arena_create(65536);
	bench->assertion = (struct guard_assert){
		.name = "rule", .that = expression_parse(bench->arena, that, &error)};
	ck_assert_msg(bench->assertion.that != NULL, "%s: %s", that, error.text);
	bench->limits = scene_limits();
	bench->limits.asserts = &bench->assertion;
	bench->limits.assert_count = 1;
	plan_init(&bench->plan);
}

static void close_bench(struct bench *bench)
{
	plan_finish(&bench->plan);
	arena_destroy(bench->arena);
	scene_close(&bench->scene);
}

static const struct verdict *find(const struct bench *bench, const char *guard)
{
	for (size_t i = 0; i < bench->plan.verdict_count; i++) {
		if (strcmp(bench->plan.verdicts[i].guard, guard) == 0)
			return &bench->plan.verdicts[i];
	}
	return NULL;
}

static const struct verdict *judge(
	struct bench *bench, const char *verb, double to, const struct plan_facts *facts)
{
	struct error error = {0};
	const struct action_config action = {
		.info = {.name = "change", .verb = verb_find(verb), .transport = "http"},
		.road = ACTION_BY_HTTP,
		.http = {.method = "POST", .url = "http://127.0.0.1:1/x", .timeout_ms = 1000},
	};
	const struct verb_row *row = verb_find(verb);
	uint32_t target =
		row->target == ENTITY_REPLICA ? bench->scene.replicas[0][0] : bench->scene.a;
	ck_assert_msg(plan_make(&action, &bench->limits, facts, bench->scene.snapshot,
			      &bench->scene.assessment, target, to, bench->scene.now_ms,
			      &bench->plan, &error),
		"%s", error.text);
	return find(bench, "rule");
}

static const struct plan_facts plain = {
	.environment = "demo", .armed = true, .journal_trouble = ""};

static const struct {
	const char *verb;
	double to;
	const char *that;
	enum verdict_kind kind;
	const char *words;
} cases[] = {
	/* What will be, beside what is. */
	{"replica.drain", 1, "replicas.serving >= 6", VERDICT_BLOCK, "replicas.serving {5} >= 6"},
	{"replica.drain", 1, "before.replicas.serving >= 6", VERDICT_PASS, "{6}"},
	{"replica.drain", 1, "replicas.serving[target] >= 3", VERDICT_BLOCK, "{2}"},
	{"replica.drain", 1, "replicas.serving[east-a] >= 2", VERDICT_PASS, "{2}"},
	{"replica.drain", 1, "replicas.serving[east-b] >= 3", VERDICT_PASS, "{3}"},
	{"replica.drain", 1, "replicas.serving < replicas.expected", VERDICT_PASS, "{5}"},
	{"replica.drain", 1, "replicas.serving[target] > before.replicas.serving[target]",
		VERDICT_BLOCK, "{2} > before.replicas.serving[target] {3}"},
	{"cluster.divert", 80, "cluster.weight[target] == 80", VERDICT_PASS, "{80}"},
	{"cluster.divert", 80, "before.cluster.weight[target] == 100", VERDICT_PASS, "{100}"},
	{"cluster.divert", 80, "cluster.weight[east-b] == 100", VERDICT_PASS, "{100}"},
	{"cluster.divert", 80, "replicas.serving == 6", VERDICT_PASS, ""},
	{"pool.resize", 30, "pool.max[east-a/r2] == 30 and pool.max[east-b/r2] == 20", VERDICT_PASS,
		""},
	{"pool.resize", 30, "pool.max[target] == 90 and before.pool.max[target] == 60",
		VERDICT_PASS, ""},
	/* What is not known blocks: a reading, an entity, a condition that compares nothing. */
	{"cluster.divert", 80, "surface.errors < 1%", VERDICT_UNKNOWN, "not known whether"},
	{"cluster.divert", 80, "cluster.use[west-z] < 1", VERDICT_UNKNOWN, "west-z"},
	{"cluster.divert", 80, "cluster.use[target]", VERDICT_UNKNOWN, "not known whether"},
	{"cluster.divert", 80, "surface.errors < 1% or phase.name == \"normal\"", VERDICT_PASS, ""},
};

START_TEST(test_after_the_change)
{
	struct bench bench;
	open_bench(&bench, cases[_i].that);
	const struct verdict *verdict = judge(&bench, cases[_i].verb, cases[_i].to, &plain);
	ck_assert_ptr_nonnull(verdict);
	ck_assert_msg(verdict->kind == cases[_i].kind, "case %d, %s: %s: %s", _i, cases[_i].that,
		verdict_name(verdict->kind), verdict->text);
	ck_assert_msg(strstr(verdict->text, cases[_i].words) != NULL, "case %d: '%s' not in '%s'",
		_i, cases[_i].words, verdict->text);
	ck_assert(verdict->kind == VERDICT_PASS || bench.plan.blocked);
	close_bench(&bench);
}
END_TEST

/* A cluster that the change touches and that cannot be projected is not taken as it was. */
START_TEST(test_no_projection_no_answer)
{
	struct bench bench;
	open_bench(&bench, "cluster.use[east-b] < 90%");
	ck_assert_int_eq(judge(&bench, "cluster.divert", 80, &plain)->kind, VERDICT_PASS);
	bench.scene.assessment.clusters[1].stale = true;
	const struct verdict *verdict = judge(&bench, "cluster.divert", 80, &plain);
	ck_assert_msg(verdict->kind == VERDICT_UNKNOWN, "%s", verdict->text);
	close_bench(&bench);
}
END_TEST

/* The upper bound of the projection, of what the change touches; of the rest what is read. */
START_TEST(test_projected_use)
{
	static const struct {
		bool changed;
		double use_high;
		const char *words;
	} rows[] = {{true, 0.8, "cluster.use[east-b] {0.80} < 60%"}, {true, 0.59, "{0.59}"},
		{false, 0.8, "{0.50}"}};
	struct bench bench;
	struct target_value value;
	open_bench(&bench, "cluster.use[east-b] < 60%");
	judge(&bench, "cluster.divert", 80, &plain);
	target_read(bench.scene.snapshot, bench.plan.verb, bench.plan.target, &value);
	const struct guard_context context = {.limits = &bench.limits,
		.facts = &plain,
		.snapshot = bench.scene.snapshot,
		.assessment = &bench.scene.assessment,
		.value = &value,
		.plan = &bench.plan,
		.now_ms = bench.scene.now_ms};
	for (size_t r = 0; r < 3; r++) {
		struct verdict verdict = {.guard = "rule"};
		for (size_t i = 0; i < bench.plan.projection.line_count; i++) {
			struct projection_line *line = &bench.plan.projection.lines[i];
			if (line->cluster != bench.scene.b)
				continue;
			line->changed = rows[r].changed;
			line->use_low = 0.1;
			line->use_high = rows[r].use_high;
		}
		guard_assert_check(&context, &bench.assertion, &verdict);
		ck_assert_msg(strstr(verdict.text, rows[r].words) != NULL, "%s", verdict.text);
		ck_assert_int_eq(verdict.kind, r == 0 ? VERDICT_BLOCK : VERDICT_PASS);
	}
	close_bench(&bench);
}
END_TEST

/* Relief waits for nothing; the rest is set aside by the assertion's own name. */
START_TEST(test_who_may_pass)
{
	struct bench bench;
	struct error error = {0};
	static const char *const names[] = {"rule"};
	struct plan_facts facts = plain;
	open_bench(&bench, "replicas.serving >= 60");
	ck_assert_int_eq(judge(&bench, "cluster.divert", 80, &facts)->kind, VERDICT_BLOCK);
	ck_assert(bench.plan.blocked && find(&bench, "rule")->overridable);
	ck_assert_ptr_null(find(&bench, "assert"));
	ck_assert_int_eq(plan_outcome(&bench.plan), OUTCOME_REFUSED);
	facts.overrides = names;
	facts.override_count = 1;
	ck_assert(judge(&bench, "cluster.divert", 80, &facts)->overridden);
	ck_assert(!bench.plan.blocked);
	ck_assert(guard_may_override(&bench.limits, "rule", &error));
	ck_assert(guard_may_override(&bench.limits, "capacity", &error));
	static const char *const refused[][2] = {{"assert", "name the assertion"},
		{"journal", "cannot be overridden"}, {"rules", "does not exist"}};
	for (size_t i = 0; i < 3; i++) {
		ck_assert(!guard_may_override(&bench.limits, refused[i][0], &error));
		ck_assert_ptr_nonnull(strstr(error.text, refused[i][1]));
	}
	facts = plain;
	facts.is_undo = facts.is_rollback = true;
	ck_assert_ptr_null(judge(&bench, "cluster.divert", 80, &facts));
	close_bench(&bench);
}
END_TEST

static Suite *guard_assert_suite(void)
{
	Suite *suite = suite_create("guard_assert");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, test_after_the_change, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, test_no_projection_no_answer);
	tcase_add_test(tcase, test_projected_use);
	tcase_add_test(tcase, test_who_may_pass);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return scene_main(guard_assert_suite());
}
