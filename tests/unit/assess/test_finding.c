#include "box.h"

#include "core/assess/finding.h"
#include "core/assess/replica.h"

static const struct finding *finding_of(const struct box *box, uint32_t entity)
{
	for (size_t i = 0; i < box->seen.finding_count; i++)
		if (box->seen.findings[i].entity == entity)
			return &box->seen.findings[i];
	return NULL;
}

static void run_with_lag(struct box *box, uint32_t replica, double lag_s, int seconds)
{
	for (int i = 0; i < seconds; i++) {
		box_put(box, replica, SIGNAL_REPLICA_LAG, lag_s);
		box_run(box, 1);
	}
}

/* Old data hurts nobody's connections, and is said all the same; nobody is woken for it. */
START_TEST(a_replica_that_lags_is_told)
{
	struct box box;
	box_init(&box, 1);
	uint32_t replica = box.clusters[0].replicas[1];
	run_with_lag(&box, replica, 3, 5);
	ck_assert_ptr_null(finding_of(&box, replica));
	run_with_lag(&box, replica, 42, 3);
	const struct finding *finding = finding_of(&box, replica);
	ck_assert_ptr_nonnull(finding);
	ck_assert_int_eq(finding->severity, SEVERITY_WARNING);
	ck_assert_msg(strstr(finding->text, "replica east-a/r2 is 42 s behind its primary"), "%s",
		finding->text);
	ck_assert(!box.seen.page);
	run_with_lag(&box, replica, 0.1, 2);
	ck_assert_ptr_null(finding_of(&box, replica));
	box_finish(&box);
}
END_TEST

/* A replica that goes within its window is expected to: from when it opens to just before it
 * closes.
 */
START_TEST(what_is_planned_is_no_surprise)
{
	static const struct {
		int64_t from_ms, until_ms; /* from now */
		bool planned, other;       /* other: the window of another replica */
	} rows[] = {
		{-60000, 60000, true, false},
		{0, 60000, true, false},
		{1, 60000, false, false},
		{-60000, 1, true, false},
		{-60000, 0, false, false},
		{-60000, 60000, false, true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct box box;
		struct error error = {0};
		box_init(&box, 1);
		box_run(&box, 10);
		uint32_t lost = box.clusters[0].replicas[1];
		int64_t now_ms = box.now_ms + 1000;
		const struct maintenance window = {
			.replica = rows[i].other ? box.clusters[0].replicas[2] : lost,
			.from_ms = now_ms + rows[i].from_ms,
			.until_ms = now_ms + rows[i].until_ms,
			.by = "ops"};
		ck_assert(fleet_add_maintenance(box.fleet, &window, &error));
		box.clusters[0].up[1] = false;
		box_run(&box, 1);
		const struct finding *finding = finding_of(&box, lost);
		ck_assert_ptr_nonnull(finding);
		ck_assert_msg(
			(strstr(finding->text, ", planned by ops") != NULL) == rows[i].planned,
			"row %zu: %s", i, finding->text);
		ck_assert_int_eq(
			finding->severity, rows[i].planned ? SEVERITY_WARNING : SEVERITY_CRITICAL);
		box_finish(&box);
	}
}
END_TEST

/* What is bad before what can't be seen before what may become bad; alike as they are told. */
START_TEST(the_most_severe_first)
{
	struct box box;
	box_init(&box, 3);
	box.clusters[1].busy = 12.6;
	box_run(&box, 60);
	box.clusters[0].up[3] = false;
	box.clusters[0].up[1] = false;
	box.clusters[2].quiet[2] = true;
	box_run(&box, 20);
	ck_assert_uint_eq(box.seen.finding_count, 5);
	const uint32_t *first = box.clusters[0].replicas;
	ck_assert_uint_eq(box.seen.findings[0].entity, first[1]);
	ck_assert_uint_eq(box.seen.findings[1].entity, first[3]);
	ck_assert_uint_eq(box.seen.findings[2].entity, box.clusters[2].replicas[2]);
	ck_assert_int_eq(box.seen.findings[2].severity, SEVERITY_UNKNOWN);
	ck_assert_uint_eq(box.seen.findings[3].entity, box.clusters[0].id);
	ck_assert_uint_eq(box.seen.findings[4].entity, box.clusters[1].id);
	for (size_t i = 0; i < 5; i++)
		ck_assert_str_ne(box.seen.findings[i].text, "");
	box_finish(&box);
}
END_TEST

/* ---- from figures made by hand ---- */

/* One calm cluster; each row of a test changes it and asks for a sentence. */
struct desk {
	struct box box;
	struct replica_memory replicas[64];
	size_t view_count;
};

static void desk_init(struct desk *it)
{
	*it = (struct desk){.view_count = 1};
	box_init(&it->box, 1);
	box_run(&it->box, 30);
	for (size_t i = 0; i < BOX_REPLICAS; i++)
		it->replicas[it->box.clusters[0].replicas[i]].state = REPLICA_SERVING;
}

static bool tells(struct desk *it, const char *text)
{
	const struct finding_inputs in = {
		it->box.snapshot, NULL, it->view_count, it->replicas, &it->box.seen};
	findings_make(&in);
	for (size_t i = 0; i < it->box.seen.finding_count; i++) {
		if (strstr(it->box.seen.findings[i].text, text))
			return true;
	}
	return false;
}

START_TEST(what_may_come_is_told_while_it_is_ahead)
{
	struct desk it;
	desk_init(&it);
	struct cluster_assessment *row = &it.box.seen.clusters[0];
	ck_assert(!tells(&it, ""));
	row->contingency.utilisation_after = 0.849;
	ck_assert(!tells(&it, "losing one replica"));
	row->contingency.utilisation_after = 0.86;
	ck_assert(tells(&it, "losing one replica would take the rest of east-a from 56% to 86%"));
	ck_assert(!tells(&it, "clients time out"));
	row->contingency.utilisation_after = 1.05;
	row->contingency.seconds_to_timeout = 20;
	ck_assert(tells(&it, "to 105%, clients time out after about 20 s"));
	row->exhaustion =
		(struct exhaustion){.known = true, .low_s = 60, .high_s = 70, .per_minute = 2};
	ck_assert(tells(&it, "pools of east-a fill by 2.0 connections a minute: full in 60 s"));
	row->phase = PHASE_SATURATION;
	ck_assert(!tells(&it, "losing one replica"));
	ck_assert(!tells(&it, "fill by"));
	box_finish(&it.box);
}
END_TEST

START_TEST(what_is_the_matter_in_a_cluster)
{
	struct desk it;
	desk_init(&it);
	struct cluster_assessment *row = &it.box.seen.clusters[0];
	row->pool_use = row->knee;
	ck_assert(!tells(&it, "pools of east-a")); /* nobody waits */
	row->phase = PHASE_SATURATION;
	ck_assert(tells(&it, "pools of east-a past their knee: 36 of 64 connections busy"));
	row->pool_use = row->knee - 0.01;
	ck_assert(!tells(&it, "pools of east-a"));
	/* Failures of a hundredth, and more than a hundredth over what is usual. */
	it.box.seen.stages[STAGE_AUTH].baseline = 0.001;
	row->auth_events = NAN;
	row->auth_failures = 0.009;
	ck_assert(!tells(&it, "auth failures"));
	row->auth_failures = 0.012;
	ck_assert(tells(&it, "auth failures in east-a: 1.2% of first tries"));
	it.box.seen.stages[STAGE_AUTH].baseline = 0.01;
	ck_assert(!tells(&it, "auth failures"));
	row->attempts_events = NAN;
	row->attempts = 1.19;
	ck_assert(!tells(&it, "retries amplify"));
	row->attempts = 1.25;
	ck_assert(tells(&it, "retries amplify in east-a: 1.2 attempts per first try, 20% of"));
	box_finish(&it.box);
}
END_TEST

/* What has a cluster is told with it. */
START_TEST(what_is_the_matter_with_the_fleet)
{
	static const enum stage stages[] = {STAGE_AUTH, STAGE_ATTEMPTS};
	static const char *const texts[] = {
		"auth failures: 50% of first tries", "retries amplify: 0.5 attempts"};
	struct desk it;
	desk_init(&it);
	for (size_t i = 0; i < 2; i++) {
		struct stage_assessment *stage = &it.box.seen.stages[stages[i]];
		stage->now = 0.5;
		stage->worst = ENTITY_NONE;
		ck_assert(!tells(&it, texts[i]));
		stage->severity = SEVERITY_CRITICAL;
		ck_assert(tells(&it, texts[i]));
		stage->worst = it.box.clusters[0].id;
		ck_assert(!tells(&it, texts[i]));
	}
	it.view_count = ASSESSMENT_CLUSTERS_MOST;
	ck_assert(!tells(&it, "clusters are there"));
	it.view_count++;
	ck_assert(tells(&it, "1025 clusters are there, the worst 1024 are listed"));
	box_finish(&it.box);
}
END_TEST

/* A source is told of when it gives only a part, and when it has been silent for too long. */
START_TEST(what_is_the_matter_with_a_source)
{
	struct desk it;
	struct error error = {0};
	uint16_t edge;
	desk_init(&it);
	ck_assert(store_add_source(it.box.store, "edge", "haproxy", 1000, &edge, &error));
	struct source_status *source = store_source(it.box.store, edge);
	source->state = SOURCE_OK;
	source->last_ok_ms = it.box.now_ms;
	box_assess(&it.box);
	ck_assert(!tells(&it, "source edge"));
	source->state = SOURCE_PARTIAL;
	box_assess(&it.box);
	ck_assert(tells(&it, "source edge gives only part of its figures"));
	ck_assert_int_eq(it.box.seen.findings[0].severity, SEVERITY_WARNING);
	source->state = SOURCE_OK;
	source->last_ok_ms = it.box.now_ms - 40000;
	box_assess(&it.box);
	ck_assert(tells(&it, "source edge last answered 40 s ago"));
	ck_assert_int_eq(it.box.seen.findings[0].severity, SEVERITY_UNKNOWN);
	box_finish(&it.box);
}
END_TEST

static Suite *finding_suite(void)
{
	Suite *suite = suite_create("finding");
	TCase *all = tcase_create("finding");
	tcase_set_timeout(all, 60);
	tcase_add_test(all, a_replica_that_lags_is_told);
	tcase_add_test(all, what_is_planned_is_no_surprise);
	tcase_add_test(all, the_most_severe_first);
	tcase_add_test(all, what_may_come_is_told_while_it_is_ahead);
	tcase_add_test(all, what_is_the_matter_in_a_cluster);
	tcase_add_test(all, what_is_the_matter_with_the_fleet);
	tcase_add_test(all, what_is_the_matter_with_a_source);
	suite_add_tcase(suite, all);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(finding_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
