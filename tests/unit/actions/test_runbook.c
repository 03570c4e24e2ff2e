#include "actions/runbook.h"

#include "tests/unit/actions/runbook_bench.h"

static void actions(struct action_info out[2])
{
	out[0] = (struct action_info){
		.name = "scale-pool", .verb = verb_find("pool.resize"), .transport = "ssh"};
	out[1] = (struct action_info){
		.name = "divert", .verb = verb_find("cluster.divert"), .transport = "http"};
}

static void open_steps(struct bench *bench, const char *steps)
{
	char body[4000];
	snprintf(body, sizeof(body),
		"params:\n  cluster: {type: cluster, default: worst}\nsteps:\n%s", steps);
	open_bench(bench, body);
}

START_TEST(test_wait_holds_and_times_out)
{
	struct bench bench;
	open_steps(&bench, "  - id: w\n    wait: {until: \"surface.errors < 1%\", for: 5s, within: "
			   "20s}\n");
	errors(&bench, 0.2);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_WAIT);
	ck_assert_ptr_nonnull(strstr(bench.order.text, "0.2"));
	errors(&bench, 0);
	later(&bench, 1000);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_WAIT);
	later(&bench, 4000);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_WAIT);
	errors(&bench, 0.2);
	later(&bench, 500);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_WAIT);
	errors(&bench, 0);
	later(&bench, 500);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_WAIT);
	/* Unknown is neither: the row of good looks is broken, and nothing ends by it. */
	bench.scene.assessment.stages[STAGE_ERRORS].known = false;
	later(&bench, 4900);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_WAIT);
	bench.scene.assessment.stages[STAGE_ERRORS].known = true;
	later(&bench, 200);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_WAIT);
	later(&bench, 5000);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_FINISHED);
	ck_assert_int_eq(bench.order.code, OUTCOME_DONE);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_FINISHED);
	close_bench(&bench);
	open_steps(&bench, "  - id: w\n    wait: {until: \"surface.errors < 1%\", within: 3s}\n");
	errors(&bench, 0.2);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_WAIT);
	later(&bench, 3000);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_FINISHED);
	ck_assert_int_eq(bench.order.code, OUTCOME_INCONCLUSIVE);
	close_bench(&bench);
}
END_TEST

static const struct {
	const char *action, *to;
	double expected;
	bool largest_safe;
} amounts[] = {
	{"scale-pool", "x1.5", 30, false},
	{"scale-pool", "x1.27", 25, false},
	{"scale-pool", "x0.51", 11, false},
	{"scale-pool", "25", 25, false},
	{"divert", "-15%", 85, false},
	{"divert", "largest-safe", 0, true},
	{"scale-pool", "largest-safe", 200, true},
};

START_TEST(test_amount)
{
	struct bench bench;
	char steps[256];
	snprintf(steps, sizeof(steps),
		"  - id: d\n    do: {action: %s, target: \"{cluster}\", to: \"%s\"}\n",
		amounts[_i].action, amounts[_i].to);
	open_steps(&bench, steps);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ck_assert_str_eq(bench.order.action, amounts[_i].action);
	ck_assert_uint_eq(bench.order.target, bench.scene.a);
	ck_assert_double_eq_tol(bench.order.to, amounts[_i].expected, 1e-9);
	ck_assert(bench.order.largest_safe == amounts[_i].largest_safe);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_WAIT);
	close_bench(&bench);
}
END_TEST

/* How a step ends by what its change came to. */
static const struct {
	const char *extra;
	enum outcome_code code;
	enum runbook_order_kind kind;
	enum outcome_code end;
} ends[] = {
	{"", OUTCOME_DONE, RUNBOOK_FINISHED, OUTCOME_DONE},
	{"", OUTCOME_INCONCLUSIVE, RUNBOOK_FINISHED, OUTCOME_INCONCLUSIVE},
	{"    on_inconclusive: continue\n", OUTCOME_INCONCLUSIVE, RUNBOOK_FINISHED, OUTCOME_DONE},
	{"", OUTCOME_REFUSED, RUNBOOK_FINISHED, OUTCOME_REFUSED},
	{"    on_refused: continue\n", OUTCOME_REFUSED, RUNBOOK_FINISHED, OUTCOME_DONE},
	{"    on_refused: continue\n", OUTCOME_UNKNOWN, RUNBOOK_FINISHED, OUTCOME_UNKNOWN},
	{"    on_inconclusive: continue\n", OUTCOME_PARTIAL, RUNBOOK_FINISHED, OUTCOME_PARTIAL},
	{"", OUTCOME_UNREACHABLE, RUNBOOK_FINISHED, OUTCOME_UNREACHABLE},
	{"", OUTCOME_RETRY_LATER, RUNBOOK_WAIT, OUTCOME_DONE},
};

START_TEST(test_end_of_an_act)
{
	struct bench bench;
	char steps[256];
	snprintf(steps, sizeof(steps),
		"  - id: d\n    do: {action: divert, target: \"{cluster}\", to: \"-15%%\"}\n%s",
		ends[_i].extra);
	open_steps(&bench, steps);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ck_assert_int_eq(ended(&bench, ends[_i].code, "a-0001"), ends[_i].kind);
	if (ends[_i].kind == RUNBOOK_FINISHED) {
		ck_assert_int_eq(bench.order.code, ends[_i].end);
	} else {
		later(&bench, 500);
		ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_WAIT);
		later(&bench, 500);
		ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	}
	close_bench(&bench);
}
END_TEST

START_TEST(test_when_and_repeat)
{
	struct bench bench;
	open_steps(&bench,
		"  - id: skipped\n    when: \"surface.errors > 50%\"\n"
		"    do: {action: scale-pool, target: east-b, to: \"x1.5\"}\n"
		"  - id: again\n    when: \"surface.errors > 1%\"\n    repeat: 3\n"
		"    do: {action: divert, target: \"{cluster}\", to: \"largest-safe\"}\n");
	errors(&bench, 0.1);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	ck_assert_str_eq(bench.order.step, "again");
	/* The cluster that was first acted on stays the one, whichever is worst now. */
	struct cluster_assessment first = bench.scene.assessment.clusters[0];
	bench.scene.assessment.clusters[0] = bench.scene.assessment.clusters[1];
	bench.scene.assessment.clusters[1] = first;
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-0001"), RUNBOOK_ACT);
	ck_assert_uint_eq(bench.order.target, bench.scene.a);
	/* The run of before, told again, is not the end of this one. */
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-0001"), RUNBOOK_WAIT);
	errors(&bench, 0);
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-0002"), RUNBOOK_FINISHED);
	ck_assert_int_eq(bench.order.code, OUTCOME_DONE);
	close_bench(&bench);
}
END_TEST

START_TEST(test_unknown_when)
{
	struct bench bench;
	open_steps(&bench, "  - id: d\n    when: \"surface.errors > 1%\"\n"
			   "    do: {action: divert, target: \"{cluster}\", to: \"-5%\"}\n");
	bench.scene.assessment.stages[STAGE_ERRORS].known = false;
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_WAIT);
	later(&bench, RUNBOOK_UNKNOWN_MS);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_FINISHED);
	ck_assert_int_eq(bench.order.code, OUTCOME_INCONCLUSIVE);
	close_bench(&bench);
	open_steps(&bench, "  - id: d\n    when: \"surface.errors > 1%\"\n    on_unknown: skip\n"
			   "    do: {action: divert, target: \"{cluster}\", to: \"-5%\"}\n");
	bench.scene.assessment.stages[STAGE_ERRORS].known = false;
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_FINISHED);
	ck_assert_int_eq(bench.order.code, OUTCOME_DONE);
	close_bench(&bench);
}
END_TEST

/* Every name, and what it is in the scene. */
static const struct {
	const char *condition;
	bool holds;
} conditions[] = {
	{"phase == 0", true},
	{"phase.name == \\\"normal\\\"", true},
	{"severity == 0", true},
	{"cluster.waiting[east-a] == 0", true},
	{"cluster.use[{cluster}] == 50%", true},
	{"cluster.errors[worst] < 1%", true},
	{"pool.max[east-a/r1] == 20", true},
	{"pool.max[east-a] == 60", true},
	{"pool.used[east-a] == 30", true},
	{"pool.max[worst] == 60", true},
	{"cluster.weight[east-b] == 100", true},
	{"age < 2s", true},
	{"replicas.serving < replicas.expected", false},
	{"headroom > 0 or headroom[east-a] > 0", false},
	{"service.failures > 1% or service.attempts > 2", false},
	{"surface.errors > 0 and goodput > 0", false},
};

START_TEST(test_condition)
{
	struct bench bench;
	char steps[256];
	snprintf(steps, sizeof(steps), "  - id: w\n    wait: {until: \"%s\", within: 1s}\n",
		conditions[_i].condition);
	open_steps(&bench, steps);
	enum runbook_order_kind kind = ask(&bench, NULL);
	ck_assert_msg((kind == RUNBOOK_FINISHED) == conditions[_i].holds, "%s: %s",
		conditions[_i].condition, bench.order.text);
	close_bench(&bench);
}
END_TEST

START_TEST(test_blind_phase_is_unknown)
{
	struct bench bench;
	open_steps(&bench, "  - id: w\n    wait: {until: \"phase >= 4\", within: 1m}\n");
	bench.scene.assessment.phase = PHASE_BLIND;
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_WAIT);
	bench.scene.assessment.phase = PHASE_SATURATION;
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_FINISHED);
	close_bench(&bench);
}
END_TEST

#define HEAD "version: 1\nname: x\nsteps:\n"
#define DO "do: {action: divert, target: east-a, to: \"-5%\"}"

static const struct {
	const char *yaml, *words;
} bad[] = {
	{"version: 2\nname: x\nsteps: [{id: a, " DO "}]\n", "version"},
	{"name: x\nsteps: [{id: a, " DO "}]\n", "version"},
	{HEAD "  []\n", "1 to 64"},
	{HEAD "  - {id: a}\n", "one of wait and do"},
	{HEAD "  - {id: a, wait: {until: \"phase > 1\", within: 1s}, " DO "}\n",
		"one of wait and do"},
	{HEAD "  - {id: a, " DO "}\n  - {id: a, " DO "}\n", "another step"},
	{HEAD "  - {id: A b, " DO "}\n", "lower-case"},
	{HEAD "  - {id: a, wait: {until: \"phase >\", within: 1s}}\n", "column"},
	{HEAD "  - {id: a, wait: {until: \"phase > {nope}\", within: 1s}}\n", "{nope}"},
	{HEAD "  - {id: a, wait: {until: \"phase > 1\", within: 5}}\n", "duration"},
	{HEAD "  - {id: a, do: {action: divert, target: east-a, to: \"lots\"}}\n", "largest-safe"},
	{HEAD "  - {id: a, do: {action: divert, target: east-a, to: \"-500%\"}}\n", "largest-safe"},
	{HEAD "  - {id: a, " DO ", repeat: 3}\n", "repeat"},
	{HEAD "  - {id: a, " DO ", on_inconclusiv: stop}\n", "on_inconclusive"},
	{"version: 1\nname: x\nparams: {c: {type: cluser}}\nsteps: [{id: a, " DO "}]\n", "cluster"},
};

/* Gone on with by another process: at the step that was at hand, with the change that was begun. */
START_TEST(test_resumed)
{
	static const char steps[] =
		"  - {id: grow, do: {action: scale-pool, target: east-a, to: x1.5}, repeat: 2,\n"
		"     when: 'surface.errors >= 1%'}\n"
		"  - {id: look, wait: {until: 'surface.errors < 1%', within: 1m}}\n";
	struct bench bench;
	struct error error = {0};
	open_steps(&bench, steps);
	errors(&bench, 0.5);
	ck_assert(!runbook_resume(bench.state, "nosuch", ENTITY_NONE, 0, false, &error));
	ck_assert_int_eq(error.kind, ERROR_USAGE);
	/* The first of two changes was made: its end is told, and one is left. */
	ck_assert(runbook_resume(bench.state, "grow", bench.scene.a, 1, true, &error));
	ck_assert_uint_eq(runbook_worst(bench.state), bench.scene.a);
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-0001"), RUNBOOK_ACT);
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-0002"), RUNBOOK_WAIT);
	ck_assert_str_eq(bench.order.step, "look");
	close_bench(&bench);
	/* Both were: nothing is left. */
	open_steps(&bench, steps);
	errors(&bench, 0.5);
	ck_assert(runbook_resume(bench.state, "grow", ENTITY_NONE, 2, true, &error));
	ck_assert_int_eq(ended(&bench, OUTCOME_DONE, "a-0002"), RUNBOOK_WAIT);
	ck_assert_str_eq(bench.order.step, "look");
	close_bench(&bench);
	/* The first was never sent: it is made. */
	open_steps(&bench, steps);
	errors(&bench, 0.5);
	ck_assert(runbook_resume(bench.state, "grow", ENTITY_NONE, 0, false, &error));
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_ACT);
	close_bench(&bench);
}
END_TEST

START_TEST(test_bad_file)
{
	struct complaints complaints;
	struct text text;
	struct arena *arena = arena_create(1024 * 1024);
	complaints_init(&complaints);
	ck_assert_msg(runbook_parse(arena, "x.yaml", bad[_i].yaml, strlen(bad[_i].yaml),
			      &complaints) == NULL,
		"%s passed", bad[_i].yaml);
	text_init(&text, 65536);
	complaints_print(&complaints, &text);
	ck_assert_msg(strstr(text_string(&text), bad[_i].words) != NULL, "'%s' not in %s",
		bad[_i].words, text_string(&text));
	text_finish(&text);
	complaints_finish(&complaints);
	arena_destroy(arena);
}
END_TEST

static const struct {
	const char *name, *value, *steps, *words;
} beginnings[] = {
	{"clutser", "east-a", "  - {id: a, " DO "}\n", "clutser"},
	{"cluster", "east-z", "  - {id: a, " DO "}\n", "no cluster 'east-z'"},
	{"cluster", "a] or 1==1", "  - {id: a, " DO "}\n", "only letters"},
	{"cluster", "east-a", "  - {id: a, do: {action: dvrt, target: east-a, to: \"1\"}}\n",
		"no action"},
	{"cluster", "east-a", "  - {id: a, do: {action: divert, target: east-z, to: \"1\"}}\n",
		"no cluster 'east-z'"},
	{"cluster", "east-a", "  - {id: a, wait: {until: \"nothing.known > 1\", within: 1s}}\n",
		"nothing.known"},
	{"cluster", "east-a", "  - {id: a, wait: {until: \"pool.max[east-z] > 1\", within: 1s}}\n",
		"pool.max"},
};

START_TEST(test_bad_beginning)
{
	struct scene scene;
	struct complaints complaints;
	struct action_info infos[2];
	struct error error = {0};
	char yaml[1024];
	struct arena *arena = arena_create(1024 * 1024);
	actions(infos);
	scene_open(&scene);
	complaints_init(&complaints);
	snprintf(yaml, sizeof(yaml),
		"version: 1\nname: x\nparams: {cluster: {type: cluster, required: true}}\n"
		"steps:\n%s",
		beginnings[_i].steps);
	const struct runbook *runbook =
		runbook_parse(arena, "x.yaml", yaml, strlen(yaml), &complaints);
	ck_assert_msg(runbook != NULL, "%s", complaints.total ? complaints.rows[0].text : "?");
	ck_assert_ptr_null(runbook_begin(runbook, NULL, 0, scene.snapshot, infos, 2, &error));
	ck_assert_ptr_nonnull(strstr(error.text, "required"));
	const struct runbook_param value = {
		.name = beginnings[_i].name, .value = beginnings[_i].value};
	ck_assert_ptr_null(runbook_begin(runbook, &value, 1, scene.snapshot, infos, 2, &error));
	ck_assert_int_eq(error.kind, ERROR_USAGE);
	ck_assert_msg(strstr(error.text, beginnings[_i].words) != NULL, "%s", error.text);
	complaints_finish(&complaints);
	arena_destroy(arena);
	scene_close(&scene);
}
END_TEST

/* What the first cluster looks like when the runbook that comes with the program is to act, or not.
 */
static const struct {
	unsigned serving;
	double use, waiting, errors;
	enum phase phase;
	bool acts;
} plights[] = {
	{SCENE_REPLICAS, 0.9, 0, 0, PHASE_NORMAL, false},      /* busy, but nothing is lost */
	{SCENE_REPLICAS - 1, 0.7, 0, 0, PHASE_TRIGGER, false}, /* lost, and the others carry it */
	{SCENE_REPLICAS - 1, 0.8, 0, 0, PHASE_TRIGGER, true},  /* the next burst would fill them */
	{SCENE_REPLICAS - 1, 0.7, 12, 0, PHASE_SATURATION, true},
	{SCENE_REPLICAS, 0.7, 12, 0, PHASE_SATURATION, false},
	{SCENE_REPLICAS, 0.7, 0, 0.02, PHASE_ERRORS, true},
};

START_TEST(test_the_runbook_that_comes_with_it)
{
	struct bench bench = {.weight = 100, .size = 20};
	struct action_info infos[2];
	struct error error = {0};
	size_t count = 0;
	bench.arena = arena_create(1024 * 1024);
	actions(infos);
	scene_open(&bench.scene);
	complaints_init(&bench.complaints);
	bench.runbook = runbook_read(bench.arena,
		TEST_SOURCE_DIR "/share/runbooks/replica-loss.yaml", &bench.complaints);
	ck_assert_msg(bench.runbook != NULL, "%s",
		bench.complaints.total ? bench.complaints.rows[0].text : "?");
	ck_assert_str_eq(runbook_name(bench.runbook), "replica-loss");
	const struct runbook_param *params = runbook_params(bench.runbook, &count);
	ck_assert_uint_eq(count, 1);
	ck_assert_str_eq(params[0].value, "worst");
	bench.state = runbook_begin(bench.runbook, NULL, 0, bench.scene.snapshot, infos, 2, &error);
	ck_assert_msg(bench.state != NULL, "%s", error.text);
	struct assessment *seen = &bench.scene.assessment;
	struct stage_assessment *replicas = &seen->stages[STAGE_REPLICAS];
	replicas->known = seen->stages[STAGE_ERRORS].known = seen->stages[STAGE_AUTH].known = true;
	replicas->of = SCENE_REPLICAS;
	replicas->count = plights[_i].serving;
	seen->phase = plights[_i].phase;
	seen->clusters[0].pool_use = plights[_i].use;
	seen->clusters[0].waiting = plights[_i].waiting;
	seen->stages[STAGE_AUTH].now = 0;
	errors(&bench, plights[_i].errors);
	ck_assert_int_eq(ask(&bench, NULL), RUNBOOK_WAIT);
	later(&bench, 3000);
	ck_assert_int_eq(ask(&bench, NULL), plights[_i].acts ? RUNBOOK_ACT : RUNBOOK_WAIT);
	if (plights[_i].acts) {
		ck_assert_str_eq(bench.order.action, "scale-pool");
		ck_assert_double_eq(bench.order.to, 40);
	}
	close_bench(&bench);
}
END_TEST

#define COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))

static Suite *runbook_suite(void)
{
	Suite *suite = suite_create("runbook");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, test_wait_holds_and_times_out);
	tcase_add_loop_test(tcase, test_amount, 0, COUNT(amounts));
	tcase_add_loop_test(tcase, test_end_of_an_act, 0, COUNT(ends));
	tcase_add_test(tcase, test_when_and_repeat);
	tcase_add_test(tcase, test_unknown_when);
	tcase_add_loop_test(tcase, test_condition, 0, COUNT(conditions));
	tcase_add_test(tcase, test_blind_phase_is_unknown);
	tcase_add_test(tcase, test_resumed);
	tcase_add_loop_test(tcase, test_bad_file, 0, COUNT(bad));
	tcase_add_loop_test(tcase, test_bad_beginning, 0, COUNT(beginnings));
	tcase_add_loop_test(tcase, test_the_runbook_that_comes_with_it, 0, COUNT(plights));
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return scene_main(runbook_suite());
}
