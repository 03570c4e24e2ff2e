/* The chain's first link, and pools that nobody tells of. */
#include "core/assess/chain.h"

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

int main(void)
{
	Suite *suite = suite_create("chain");
	TCase *tests = tcase_create("chain");
	tcase_add_loop_test(tests, first_link, 0, (int)(sizeof rows / sizeof rows[0]));
	tcase_add_loop_test(tests, unseen_pools_are_not_green, 0, 2);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
