/* The chain's first link, and pools that nobody tells of. */
#include "core/assess/chain.h"

#include "core/assess/cluster.h"
#include "core/assess/replica.h"
#include "tests/unit/assess/box.h"

#define T 1000000

/* Onsets in seconds after T, -1 none; the stage that is called first. */
static const struct {
	const char *what;
	int onsets[STAGE_COUNT];
	enum stage first;
} rows[] = {
	{"nothing", {-1, -1, -1, -1, -1, -1}, STAGE_COUNT},
	{"the earliest", {-1, -1, 5, 3, -1, 9}, STAGE_AUTH},
	{"a loss told late came first", {4, 2, 0, 8, 9, 9}, STAGE_REPLICAS},
	{"at the edge", {10, -1, 0, -1, -1, -1}, STAGE_REPLICAS},
	{"a loss long after is another story", {11, -1, 0, -1, -1, -1}, STAGE_POOL},
	{"load is no verdict: it stays in order", {-1, 4, 0, -1, -1, -1}, STAGE_POOL},
};

START_TEST(first_link)
{
	struct stage_assessment stages[STAGE_COUNT] = {0};
	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		int onset_s = rows[_i].onsets[i];
		stages[i].onset_ms = onset_s < 0 ? 0 : T + 1000 * (int64_t)onset_s;
	}
	ck_assert_msg(chain_first(stages) == rows[_i].first, "%s", rows[_i].what);
}
END_TEST

START_TEST(unseen_pools_are_not_green)
{
	struct fleet *fleet = fleet_create();
	struct store *store = store_create(fleet);
	struct history *history = history_create(100, 1 << 20);
	struct assessor *assessor = assessor_create();
	struct assessment seen;
	struct error error = {0};
	uint32_t cluster, replica;
	uint16_t talks, fails;
	assessment_init(&seen);
	ck_assert(fleet_intern(fleet, ENTITY_CLUSTER, ENTITY_ROOT, "east", &cluster, &error));
	ck_assert(fleet_intern(fleet, ENTITY_REPLICA, cluster, "r1", &replica, &error));
	ck_assert(store_add_source(store, "edge", "haproxy", 1000, &talks, &error));
	ck_assert(store_add_source(store, "pooler", "exposition", 1000, &fails, &error));
	for (int64_t now_ms = T; now_ms < T + 20000; now_ms += 1000) {
		ck_assert(store_put(
			store, replica, SIGNAL_REPLICA_UP, 1, now_ms, 1000, talks, &error));
		store_source(store, talks)->state = SOURCE_OK;
		store_source(store, talks)->last_ok_ms = now_ms;
		store_source(store, fails)->state = _i ? SOURCE_FAILING : SOURCE_OK;
		store_source(store, fails)->last_ok_ms = _i ? 0 : now_ms;
		struct snapshot *snapshot = store_seal(store, now_ms);
		ck_assert(assess(assessor, snapshot, history, now_ms, &seen));
		snapshot_destroy(snapshot);
	}
	/* Nobody was asked for pools: fine. Somebody was, and is silent: unknown. */
	ck_assert_int_eq(seen.severity, _i ? SEVERITY_UNKNOWN : SEVERITY_OK);
	ck_assert_int_eq(seen.clusters[0].severity, _i ? SEVERITY_UNKNOWN : SEVERITY_OK);
	assessment_finish(&seen);
	assessor_destroy(assessor);
	history_destroy(history);
	store_destroy(store);
	fleet_destroy(fleet);
}
END_TEST

/* A cluster by its figures alone, each thing far from its line until the test moves it. */
struct chainwork {
	struct chain_memory memory;
	struct replica_memory replicas[4];
	struct cluster_view view;
	struct services services;
	struct surfaces surfaces;
	struct stage_assessment stages[STAGE_COUNT];
	int64_t now_ms;
};

static void chainwork_init(struct chainwork *it)
{
	*it = (struct chainwork){.now_ms = T};
	it->view = (struct cluster_view){
		.expected = 4,
		.serving = 4,
		.capacity = 80,
		.demand = 40,
		.use = 0.5,
		.knee = 0.83,
		.load_factor = 1,
		.load_trip = 1.15,
	};
	it->services = (struct services){.failure_ratio = 0,
		.attempt_factor = 1,
		.failure_events = NAN,
		.attempt_events = NAN};
	it->surfaces = (struct surfaces){.count = 1, .rows[0] = {.ratio = 0, .events = NAN}};
}

static void learn(struct baseline *baseline, double value, double spread)
{
	baseline->count = BASELINE_LEAST;
	baseline->value = value;
	baseline->spread = spread;
}

static void chainwork_run(struct chainwork *it, int seconds)
{
	for (int i = 0; i < seconds; i++) {
		it->now_ms += 1000;
		const struct evidence now = {it->now_ms, it->now_ms};
		it->view.evidence = it->services.evidence = it->surfaces.evidence = now;
		const struct chain_inputs in = {.clusters = &it->view,
			.cluster_count = 1,
			.replicas = it->replicas,
			.services = &it->services,
			.surfaces = &it->surfaces,
			.now_ms = it->now_ms};
		chain_assess(&it->memory, &in, it->stages);
	}
}

/*
 * The figure of a stage runs from calm to `off` (which must not begin an onset) to `on` (which
 * must, after so many samples, with that severity) to `hold` (which must not end it) to `clear`,
 * which ends it after a minute.
 */
static void expect_lines(struct chainwork *it, enum stage stage, double *figure,
	const double lines[4], int samples, enum severity severity)
{
	double calm = *figure;
	chainwork_run(it, 12);
	*figure = lines[0];
	chainwork_run(it, 5);
	ck_assert_msg(
		it->stages[stage].onset_ms == 0, "%s: onset at %g", stage_name(stage), lines[0]);
	*figure = calm;
	chainwork_run(it, 1);
	*figure = lines[1];
	chainwork_run(it, samples - 1);
	ck_assert_msg(it->stages[stage].onset_ms == 0, "%s: onset too soon", stage_name(stage));
	chainwork_run(it, 1);
	ck_assert_msg(it->stages[stage].onset_ms == it->now_ms - 1000 * (samples - 1),
		"%s: no onset at %g", stage_name(stage), lines[1]);
	ck_assert_int_eq(it->stages[stage].severity, severity);
	*figure = lines[2];
	chainwork_run(it, 200);
	ck_assert_msg(
		it->stages[stage].onset_ms != 0, "%s: over at %g", stage_name(stage), lines[2]);
	*figure = lines[3];
	chainwork_run(it, 60);
	ck_assert_int_ne(it->stages[stage].onset_ms, 0);
	chainwork_run(it, 1);
	ck_assert_msg(
		it->stages[stage].onset_ms == 0, "%s: not over at %g", stage_name(stage), lines[3]);
}

START_TEST(lines_of_load_and_pool)
{
	struct chainwork it;
	chainwork_init(&it);
	expect_lines(&it, STAGE_LOAD, &it.view.load_factor, (double[]){1.14, 1.16, 1.085, 1.075}, 2,
		SEVERITY_WARNING);
	it.view.load_factor = 1.59;
	chainwork_run(&it, 3);
	ck_assert_int_eq(it.stages[STAGE_LOAD].severity, SEVERITY_WARNING);
	it.view.load_factor = 1.61;
	chainwork_run(&it, 1);
	ck_assert_int_eq(it.stages[STAGE_LOAD].severity, SEVERITY_CRITICAL);
	/* Not learned: halfway from the knee to full. */
	chainwork_init(&it);
	expect_lines(&it, STAGE_POOL, &it.view.use, (double[]){0.91, 0.92, 0.88, 0.87}, 3,
		SEVERITY_CRITICAL);
	/* Learned: eight points over what is usual, or four spreads; never beyond 97 %. */
	chainwork_init(&it);
	learn(&it.memory.baselines[STAGE_POOL], 0.8, 0.01);
	expect_lines(&it, STAGE_POOL, &it.view.use, (double[]){0.875, 0.885, 0.845, 0.835}, 3,
		SEVERITY_WARNING);
	learn(&it.memory.baselines[STAGE_POOL], 0.75, 0.03);
	expect_lines(&it, STAGE_POOL, &it.view.use, (double[]){0.865, 0.875, 0.835, 0.825}, 3,
		SEVERITY_WARNING);
	learn(&it.memory.baselines[STAGE_POOL], 0.95, 0);
	expect_lines(&it, STAGE_POOL, &it.view.use, (double[]){0.965, 0.975, 0.935, 0.925}, 3,
		SEVERITY_CRITICAL);
}
END_TEST

START_TEST(pools_are_watched_for_ten_seconds_first)
{
	struct chainwork it;
	chainwork_init(&it);
	it.view.use = 0.99;
	chainwork_run(&it, 10);
	ck_assert_int_eq(it.stages[STAGE_POOL].onset_ms, 0);
	chainwork_run(&it, 3);
	ck_assert_int_eq(it.stages[STAGE_POOL].onset_ms, it.now_ms - 2000);
}
END_TEST

START_TEST(lines_of_auth_attempts_and_errors)
{
	struct chainwork it;
	chainwork_init(&it);
	double *ratio = &it.services.failure_ratio;
	expect_lines(&it, STAGE_AUTH, ratio, (double[]){0.0095, 0.0105, 0.0055, 0.0045}, 2,
		SEVERITY_CRITICAL);
	learn(&it.memory.baselines[STAGE_AUTH], 0.003, 0);
	*ratio = 0.003;
	expect_lines(&it, STAGE_AUTH, ratio, (double[]){0.0075, 0.0085, 0.006, 0.005}, 2,
		SEVERITY_WARNING);
	ratio = &it.surfaces.rows[0].ratio;
	expect_lines(&it, STAGE_ERRORS, ratio, (double[]){0.0095, 0.0105, 0.0055, 0.0045}, 2,
		SEVERITY_CRITICAL);
	/* Of few requests it takes more: half an error of 500, four deviations, and three. */
	it.surfaces.rows[0].events = 500;
	expect_lines(&it, STAGE_ERRORS, ratio, (double[]){0.0125, 0.0128, 0.0066, 0.006}, 2,
		SEVERITY_CRITICAL);
	double *attempts = &it.services.attempt_factor;
	expect_lines(&it, STAGE_ATTEMPTS, attempts, (double[]){1.19, 1.21, 1.18, 1.17}, 2,
		SEVERITY_CRITICAL);
	*attempts = 1.06;
	chainwork_run(&it, 1);
	ck_assert_int_eq(it.stages[STAGE_ATTEMPTS].severity, SEVERITY_WARNING);
	*attempts = 1.04;
	chainwork_run(&it, 1);
	ck_assert_int_eq(it.stages[STAGE_ATTEMPTS].severity, SEVERITY_OK);
	learn(&it.memory.baselines[STAGE_ATTEMPTS], 1.02, 0);
	expect_lines(&it, STAGE_ATTEMPTS, attempts, (double[]){1.065, 1.075, 1.05, 1.04}, 2,
		SEVERITY_WARNING);
}
END_TEST

START_TEST(severity_of_a_ratio)
{
	ck_assert_int_eq(chain_error_severity(NAN, 0.003, NAN), SEVERITY_UNKNOWN);
	ck_assert_int_eq(chain_error_severity(0.0079, 0.003, NAN), SEVERITY_OK);
	ck_assert_int_eq(chain_error_severity(0.0081, 0.003, NAN), SEVERITY_WARNING);
	ck_assert_int_eq(chain_error_severity(0.0129, 0.003, NAN), SEVERITY_WARNING);
	ck_assert_int_eq(chain_error_severity(0.0131, 0.003, NAN), SEVERITY_CRITICAL);
	ck_assert_int_eq(chain_error_severity(0.0049, NAN, NAN), SEVERITY_OK);
	ck_assert_int_eq(chain_error_severity(0.0051, NAN, NAN), SEVERITY_WARNING);
	ck_assert_int_eq(chain_error_severity(0.0126, NAN, 500), SEVERITY_OK);
}
END_TEST

START_TEST(a_replica_is_believed_back_after_ten_seconds)
{
	struct chainwork it;
	chainwork_init(&it);
	chainwork_run(&it, 1);
	ck_assert_int_eq(it.stages[STAGE_REPLICAS].severity, SEVERITY_OK);
	it.view.out = 1;
	it.view.serving = 3;
	it.replicas[0].since_ms = it.now_ms;
	chainwork_run(&it, 1);
	ck_assert_int_eq(it.stages[STAGE_REPLICAS].onset_ms, it.now_ms);
	ck_assert_int_eq(it.stages[STAGE_REPLICAS].severity, SEVERITY_WARNING);
	it.view.demand = 81; /* more than there is */
	chainwork_run(&it, 1);
	ck_assert_int_eq(it.stages[STAGE_REPLICAS].severity, SEVERITY_CRITICAL);
	it.view.demand = 40;
	it.view.serving = 2; /* half of them */
	chainwork_run(&it, 1);
	ck_assert_int_eq(it.stages[STAGE_REPLICAS].severity, SEVERITY_CRITICAL);
	it.view.out = 0;
	it.view.serving = 4;
	chainwork_run(&it, 10);
	ck_assert_int_ne(it.stages[STAGE_REPLICAS].onset_ms, 0);
	ck_assert_int_eq(it.stages[STAGE_REPLICAS].severity, SEVERITY_WARNING);
	chainwork_run(&it, 1);
	ck_assert_int_eq(it.stages[STAGE_REPLICAS].onset_ms, 0);
	ck_assert_int_eq(it.stages[STAGE_REPLICAS].severity, SEVERITY_OK);
}
END_TEST

/* Each stage names the cluster with the worst figure, wherever it stands in the list. */
START_TEST(the_worst_cluster_is_named)
{
	for (size_t worst = 0; worst < 3; worst++) {
		struct box box;
		box_init(&box, 3);
		box_run(&box, 30);
		for (size_t i = 0; i < 3; i++) {
			struct box_cluster *cluster = &box.clusters[i];
			cluster->failures = i == worst ? 400 : 100;
			cluster->attempts = i == worst ? 4000 : 2000;
			cluster->web_errors = i == worst ? 200 : 50;
		}
		box_run(&box, 3);
		const struct stage_assessment *stages = box.seen.stages;
		uint32_t id = box.clusters[worst].id;
		ck_assert_uint_eq(stages[STAGE_AUTH].worst, id);
		ck_assert_uint_eq(stages[STAGE_ATTEMPTS].worst, id);
		ck_assert_uint_eq(stages[STAGE_ERRORS].worst, id);
		box_finish(&box);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("chain");
	TCase *tests = tcase_create("chain");
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, first_link, 0, (int)(sizeof rows / sizeof rows[0]));
	tcase_add_test(tests, lines_of_load_and_pool);
	tcase_add_test(tests, pools_are_watched_for_ten_seconds_first);
	tcase_add_test(tests, lines_of_auth_attempts_and_errors);
	tcase_add_test(tests, severity_of_a_ratio);
	tcase_add_test(tests, a_replica_is_believed_back_after_ten_seconds);
	tcase_add_test(tests, the_worst_cluster_is_named);
	tcase_add_loop_test(tests, unseen_pools_are_not_green, 0, 2);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
