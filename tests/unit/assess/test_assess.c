#include "box.h"

#include "core/assess/phase.h"

static void expect_phase(const struct box *box, enum phase phase)
{
	ck_assert_msg(box->seen.phase == phase, "at +%lld s: %s, expected %s; %s",
		(long long)((box->now_ms - BOX_START_MS) / 1000), phase_name(box->seen.phase),
		phase_name(phase), box->seen.headline);
}

/* Run until the phase shows, at most `seconds`; fails when it does not. Returns the seconds it
 * took. */
static int run_until(struct box *box, enum phase phase, int seconds)
{
	for (int i = 1; i <= seconds; i++) {
		box_run(box, 1);
		if (box->seen.phase == phase)
			return i;
	}
	expect_phase(box, phase);
	return seconds;
}

START_TEST(all_is_well)
{
	struct box box;
	box_init(&box, 4);
	box_run(&box, 1); /* before anything is learned, too */
	expect_phase(&box, PHASE_NORMAL);
	box_run(&box, 600);
	expect_phase(&box, PHASE_NORMAL);
	ck_assert_int_eq(box.seen.severity, SEVERITY_OK);
	ck_assert_str_eq(box.seen.falsifier, "");
	ck_assert_str_eq(box.seen.headline,
		"all 16 replicas serve, fullest pool 56%; losing the worst single replica "
		"would take east-a to 75%");
	ck_assert_uint_eq(box.seen.finding_count, 0);
	ck_assert_int_eq(box.seen.first_stage, STAGE_COUNT);
	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		ck_assert(box.seen.stages[i].known);
		ck_assert_int_eq(box.seen.stages[i].severity, SEVERITY_OK);
		ck_assert(!isnan(box.seen.stages[i].baseline));
		ck_assert_int_eq(box.seen.stages[i].age_ms, 0);
	}
	ck_assert_uint_eq(box.seen.sources_ok, 1);
	box_finish(&box);
}
END_TEST

START_TEST(the_whole_incident)
{
	struct box box;
	box_init(&box, 4);
	box_near_limit(&box.clusters[0]);
	run_until(&box, PHASE_VULNERABLE, 60);
	ck_assert_int_eq(box.seen.severity, SEVERITY_WARNING);
	box_run(&box, 120);
	expect_phase(&box, PHASE_VULNERABLE);
	ck_assert_ptr_nonnull(strstr(box.seen.headline,
		"losing one replica would saturate the rest of east-a in about 20 s "
		"(utilisation 79% -> 105%)"));
	ck_assert_double_eq_tol(box.seen.contingency.utilisation_after, 1.05, 1e-6);
	ck_assert_double_eq_tol(box.seen.contingency.seconds_to_timeout, 20, 1e-3);
	ck_assert_int_eq(box.seen.first_stage, STAGE_COUNT);
	ck_assert_int_eq(box.seen.incident_start_ms, 0);

	int64_t lost_ms = box.now_ms + 1000;
	box_lose_replica(&box.clusters[0], 1);
	ck_assert_int_eq(run_until(&box, PHASE_TRIGGER, 1), 1);
	ck_assert_ptr_nonnull(strstr(box.seen.headline, "replica east-a/r2 in maintenance since"));
	ck_assert_int_eq(box.seen.stages[STAGE_REPLICAS].onset_ms, lost_ms);
	ck_assert_double_eq(box.seen.stages[STAGE_REPLICAS].count, 15);
	ck_assert_double_eq(box.seen.stages[STAGE_REPLICAS].of, 16);
	ck_assert_int_eq(box.seen.incident_start_ms, lost_ms);
	run_until(&box, PHASE_LOAD_SHIFT, 3);
	ck_assert_double_eq_tol(box.seen.stages[STAGE_LOAD].now, 800.0 / 630, 0.01);

	box_saturate(&box.clusters[0]);
	run_until(&box, PHASE_SATURATION, 3);
	ck_assert_int_eq(box.seen.severity, SEVERITY_CRITICAL);
	ck_assert_ptr_nonnull(strstr(box.seen.headline, "pools full in east-a"));
	ck_assert_ptr_nonnull(
		strstr(box.seen.headline, "first: replica east-a/r2 in maintenance since"));
	box_run(&box, 4);
	box_fail(&box.clusters[0]);
	run_until(&box, PHASE_ERRORS, 3);
	ck_assert_ptr_nonnull(strstr(box.seen.headline, "web"));
	ck_assert_ptr_nonnull(strstr(box.seen.headline, "(api clean)"));
	box_run(&box, 3);
	box_amplify(&box.clusters[0]);
	run_until(&box, PHASE_AMPLIFICATION, 3);
	box_run(&box, 30);
	expect_phase(&box, PHASE_AMPLIFICATION);
	ck_assert_int_eq(box.seen.first_stage, STAGE_REPLICAS);
	for (unsigned i = 0; i < STAGE_COUNT; i++)
		ck_assert_msg(box.seen.stages[i].onset_ms >= lost_ms, "onset of %s",
			stage_name((enum stage)i));
	ck_assert_int_lt(
		box.seen.stages[STAGE_LOAD].onset_ms, box.seen.stages[STAGE_AUTH].onset_ms);
	ck_assert_int_lt(
		box.seen.stages[STAGE_AUTH].onset_ms, box.seen.stages[STAGE_ATTEMPTS].onset_ms);
	ck_assert_int_eq(box.seen.stages[STAGE_ERRORS].severity, SEVERITY_CRITICAL);
	ck_assert_double_gt(box.seen.failed_requests, 30 * 250);
	ck_assert_double_eq_tol(box.seen.peak_error_ratio, 253.0 / 4000, 1e-6);

	/* The replica is back, and it stays bad. */
	box.clusters[0].maintenance[1] = false;
	box.clusters[0].queries = 800;
	int named = run_until(&box, PHASE_METASTABLE, 15);
	ck_assert_int_le(named, 15);
	ck_assert_ptr_nonnull(strstr(box.seen.headline, "stays bad though first tries would fit"));
	box_run(&box, 120);
	expect_phase(&box, PHASE_METASTABLE);

	/* Mended: calm figures, then recovery, held, then normal. */
	box_calm(&box.clusters[0]);
	int mended = run_until(&box, PHASE_RECOVERY, 60);
	ck_assert_int_ge(mended, 30);
	ck_assert_int_eq(box.seen.severity, SEVERITY_WARNING);
	ck_assert_int_ne(box.seen.incident_start_ms, 0);
	box_run(&box, 200);
	expect_phase(&box, PHASE_RECOVERY);
	run_until(&box, PHASE_NORMAL, 120);
	ck_assert_int_eq(box.seen.incident_start_ms, 0);
	ck_assert_double_eq(box.seen.failed_requests, 0);
	ck_assert_int_eq(box.seen.first_stage, STAGE_COUNT);
	box_finish(&box);
}
END_TEST

START_TEST(only_the_sick_cluster_is_sick)
{
	struct box box;
	box_init(&box, 4);
	box_near_limit(&box.clusters[2]);
	box_run(&box, 90);
	box_lose_replica(&box.clusters[2], 0);
	box_amplify(&box.clusters[2]);
	box.clusters[2].maintenance[0] = true;
	box_run(&box, 10);
	ck_assert_uint_eq(box.seen.clusters[0].cluster, box.clusters[2].id);
	ck_assert_int_eq(box_row(&box, 2)->phase, PHASE_AMPLIFICATION);
	for (size_t i = 0; i < 4; i++) {
		if (i != 2)
			ck_assert_int_eq(box_row(&box, i)->phase, PHASE_NORMAL);
	}
	ck_assert_double_eq_tol(box_row(&box, 2)->share, 0.25, 1e-9);
	ck_assert_double_eq_tol(box_row(&box, 2)->pool_max, 48, 1e-9);
	ck_assert_double_eq_tol(box_row(&box, 2)->replicas_up, 3, 1e-9);
	box_finish(&box);
}
END_TEST

START_TEST(opened_in_the_middle)
{
	struct box box;
	box_init(&box, 2);
	box_near_limit(&box.clusters[0]);
	box.clusters[0].maintenance[1] = true;
	box_amplify(&box.clusters[0]);
	box_run(&box, 2);
	expect_phase(&box, PHASE_AMPLIFICATION);
	ck_assert_int_eq(box.seen.severity, SEVERITY_CRITICAL);
	ck_assert_int_eq(box.seen.first_stage, STAGE_REPLICAS);
	box_run(&box, 12);
	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		if (i == STAGE_LOAD) /* without a baseline nobody can say */
			continue;
		ck_assert_msg(
			box.seen.stages[i].severity == SEVERITY_CRITICAL || i == STAGE_REPLICAS,
			"%s", stage_name((enum stage)i));
		ck_assert_msg(box.seen.stages[i].onset_ms != 0, "%s", stage_name((enum stage)i));
	}
	ck_assert(!box.seen.stages[STAGE_LOAD].known);
	ck_assert(isnan(box.seen.stages[STAGE_LOAD].now));
	box_run(&box, 60); /* and it is not learned as normal */
	expect_phase(&box, PHASE_AMPLIFICATION);
	ck_assert(isnan(box.seen.stages[STAGE_AUTH].baseline));
	box_finish(&box);
}
END_TEST

START_TEST(absorbed_loss_is_no_incident)
{
	struct box box;
	box_init(&box, 2);
	box_run(&box, 30);
	box.clusters[0].maintenance[3] = true;
	box.clusters[0].busy = 10;
	box.clusters[0].queries = 600;
	box_run(&box, 5);
	expect_phase(&box, PHASE_LOAD_SHIFT);
	box_run(&box, 70);
	/* Two of four left would carry 30 of 32: it stands, but not on much. */
	expect_phase(&box, PHASE_VULNERABLE);
	ck_assert_int_eq(box.seen.stages[STAGE_REPLICAS].severity, SEVERITY_WARNING);
	box.clusters[0].up[2] = false; /* a second one goes */
	box_run(&box, 1);
	expect_phase(&box, PHASE_LOAD_SHIFT);
	box_finish(&box);
}
END_TEST

START_TEST(no_flapping_at_a_threshold)
{
	struct box box;
	box_init(&box, 2);
	box_run(&box, 30);
	enum phase before = box.seen.phase;
	int changes = 0;
	for (int i = 0; i < 600; i++) {
		/* after_loss swings around its threshold: 9.4 and 9.9 of 16 are 0.79 and 0.83, 10.4
		 * is 0.87 */
		box.clusters[0].busy = i % 3 == 0 ? 10.4 : i % 3 == 1 ? 10.1 : 10.2;
		box_run(&box, 1);
		changes += box.seen.phase != before;
		before = box.seen.phase;
	}
	ck_assert_int_le(changes, 1);
	/* One bad sample is not an incident. */
	box.clusters[1].web_errors = 100;
	box_run(&box, 1);
	box.clusters[1].web_errors = 1;
	box_run(&box, 5);
	ck_assert(!phase_is_incident(box.seen.phase));
	ck_assert_int_eq(box.seen.stages[STAGE_ERRORS].onset_ms, 0);
	box_finish(&box);
}
END_TEST

START_TEST(stale_is_unknown_and_never_green)
{
	struct box box;
	box_init(&box, 3);
	box_run(&box, 30);
	expect_phase(&box, PHASE_NORMAL);
	box.clusters[2].silent = true;
	box_run(&box, 3);
	expect_phase(&box, PHASE_NORMAL); /* late, not stale */
	box_run(&box, 2);
	const struct cluster_assessment *row = box_row(&box, 2);
	ck_assert_int_eq(row->phase, PHASE_BLIND);
	ck_assert_int_eq(row->severity, SEVERITY_UNKNOWN);
	ck_assert(row->stale);
	ck_assert(isnan(row->pool_use));
	ck_assert(isnan(row->errors));
	ck_assert(isnan(row->share));
	ck_assert_double_eq(row->replicas_up, 0);
	ck_assert_int_ge(row->age_ms, 3000);
	ck_assert_int_eq(box.seen.phase, PHASE_NORMAL);
	ck_assert_int_eq(box.seen.severity, SEVERITY_UNKNOWN);
	ck_assert_ptr_nonnull(strstr(box.seen.headline, "west-a can't be seen"));
	ck_assert_double_eq(box.seen.stages[STAGE_REPLICAS].count, 8);

	for (size_t i = 0; i < 3; i++)
		box.clusters[i].silent = true;
	box_run(&box, 5);
	expect_phase(&box, PHASE_BLIND);
	ck_assert_int_eq(box.seen.severity, SEVERITY_UNKNOWN);
	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		ck_assert(!box.seen.stages[i].known);
		ck_assert(isnan(box.seen.stages[i].now));
		ck_assert_int_eq(box.seen.stages[i].severity, SEVERITY_UNKNOWN);
	}
	ck_assert(isnan(box.seen.goodput));
	ck_assert(!box.seen.contingency.known);
	ck_assert_uint_eq(box.seen.sources_ok, 0);
	ck_assert_int_eq(box.seen.age_ms, -1);

	for (size_t i = 0; i < 3; i++)
		box.clusters[i].silent = false;
	box_run(&box, 2);
	expect_phase(&box, PHASE_NORMAL);
	ck_assert_int_eq(box.seen.severity, SEVERITY_OK);
	box_finish(&box);
}
END_TEST

START_TEST(blindness_does_not_mend)
{
	struct box box;
	box_init(&box, 1);
	box_near_limit(&box.clusters[0]);
	box_run(&box, 60);
	box.clusters[0].maintenance[1] = true;
	box_amplify(&box.clusters[0]);
	box_run(&box, 10);
	expect_phase(&box, PHASE_AMPLIFICATION);
	int64_t start_ms = box.seen.incident_start_ms;
	double failed = box.seen.failed_requests;
	box.clusters[0].silent = true;
	box_run(&box, 400);
	expect_phase(&box, PHASE_BLIND);
	ck_assert_int_eq(box.seen.incident_start_ms, start_ms);
	ck_assert_double_lt(box.seen.failed_requests, failed + 1100);
	box.clusters[0].silent = false;
	box_run(&box, 1);
	expect_phase(&box, PHASE_AMPLIFICATION);
	box_finish(&box);
}
END_TEST

START_TEST(a_silent_replica_is_unknown_until_its_load_lands)
{
	struct box box;
	box_init(&box, 1);
	box_run(&box, 30);
	/* r4 says nothing any more: not down, not up. */
	uint32_t quiet = box.clusters[0].replicas[3];
	box.clusters[0].quiet[3] = true;
	box_run(&box, 5);
	expect_phase(&box, PHASE_NORMAL);
	ck_assert_double_eq(box.seen.stages[STAGE_REPLICAS].count, 3);
	ck_assert_double_eq(box.seen.stages[STAGE_REPLICAS].of, 4);
	ck_assert_int_eq(box.seen.stages[STAGE_REPLICAS].severity, SEVERITY_UNKNOWN);
	ck_assert_int_eq(box.seen.stages[STAGE_REPLICAS].onset_ms, 0);
	box.clusters[0].queries = 600;
	box.clusters[0].busy = 12;
	box_run(&box, 3);
	expect_phase(&box, PHASE_LOAD_SHIFT);
	bool told = false;
	for (size_t i = 0; i < box.seen.finding_count; i++)
		told |= box.seen.findings[i].entity == quiet;
	ck_assert(told);
	box_finish(&box);
}
END_TEST

START_TEST(plain_overload_is_not_metastable)
{
	struct box box;
	box_init(&box, 1);
	box_run(&box, 30);
	/* Twice the users: full pools and errors, but retries are not what keeps it so. */
	box_amplify(&box.clusters[0]);
	box.clusters[0].first = 4200;
	box.clusters[0].attempts = 9000;
	box_run(&box, 120);
	expect_phase(&box, PHASE_AMPLIFICATION);
	ck_assert_int_ne(box.seen.first_stage, STAGE_REPLICAS);
	box_finish(&box);
}
END_TEST

START_TEST(relapse_during_recovery)
{
	struct box box;
	box_init(&box, 1);
	box_near_limit(&box.clusters[0]);
	box_run(&box, 60);
	box.clusters[0].maintenance[1] = true;
	box_fail(&box.clusters[0]);
	box_run(&box, 10);
	expect_phase(&box, PHASE_ERRORS);
	box_calm(&box.clusters[0]);
	run_until(&box, PHASE_RECOVERY, 60);
	box_fail(&box.clusters[0]);
	box_run(&box, 1);
	expect_phase(&box, PHASE_ERRORS);
	box_finish(&box);
}
END_TEST

START_TEST(fleet_wide_figures_alone)
{
	struct box box;
	box_init(&box, 0);
	uint32_t auth = box_intern(&box, ENTITY_SERVICE, ENTITY_ROOT, "auth");
	uint32_t web = box_intern(&box, ENTITY_SURFACE, ENTITY_ROOT, "web");
	for (int i = 0; i < 60; i++) {
		box.now_ms += 1000;
		box_put(&box, auth, SIGNAL_SERVICE_FIRST_TRIES, 1000);
		box_put(&box, auth, SIGNAL_SERVICE_ATTEMPTS, i < 30 ? 1010 : 2400);
		box_put(&box, auth, SIGNAL_SERVICE_FAILURES, i < 30 ? 1 : 90);
		box_put(&box, web, SIGNAL_SURFACE_REQUESTS, 5000);
		box_put(&box, web, SIGNAL_SURFACE_ERRORS, i < 30 ? 10 : 400);
		box_assess(&box);
		if (i == 29)
			expect_phase(&box, PHASE_NORMAL);
	}
	expect_phase(&box, PHASE_AMPLIFICATION);
	ck_assert_double_eq_tol(box.seen.stages[STAGE_AUTH].now, 0.09, 1e-9);
	ck_assert_double_eq_tol(box.seen.stages[STAGE_AUTH].baseline, 0.001, 1e-9);
	ck_assert_double_eq_tol(box.seen.stages[STAGE_ATTEMPTS].now, 2.4, 1e-9);
	ck_assert_double_eq_tol(box.seen.goodput, 4600, 1e-9);
	ck_assert_double_eq_tol(box.seen.retries, 1400, 1e-9);
	ck_assert_uint_eq(box.seen.surface_count, 1);
	ck_assert_str_eq(box.seen.surfaces[0].name, "web");
	box_finish(&box);
}
END_TEST

START_TEST(wholes_are_not_added_to_their_parts)
{
	struct box box;
	box_init(&box, 2);
	uint32_t web = box_intern(&box, ENTITY_SURFACE, ENTITY_ROOT, "web");
	box.now_ms += 1000;
	for (size_t i = 0; i < 2; i++)
		box_report(&box, &box.clusters[i]);
	box_put(&box, web, SIGNAL_SURFACE_REQUESTS, 2500);
	box_put(&box, web, SIGNAL_SURFACE_ERRORS, 5);
	box_assess(&box);
	ck_assert_uint_eq(box.seen.surface_count, 2);
	ck_assert_double_eq_tol(box.seen.surfaces[0].requests, 2500, 1e-9);
	ck_assert_double_eq_tol(box.seen.surfaces[1].requests, 1000, 1e-9);
	box_finish(&box);
}
END_TEST

START_TEST(nothing_at_all)
{
	struct box box;
	box_init(&box, 0);
	box_assess(&box);
	expect_phase(&box, PHASE_BLIND);
	ck_assert_int_eq(box.seen.severity, SEVERITY_UNKNOWN);
	ck_assert(box.seen.headline[0] != '\0');
	ck_assert_uint_eq(box.seen.cluster_count, 0);
	assessment_finish(&box.seen);
	assessor_destroy(NULL);
	box_finish(&box);
}
END_TEST

START_TEST(the_same_input_gives_the_same_verdict)
{
	struct box one, two;
	box_init(&one, 3);
	box_init(&two, 3);
	for (int i = 0; i < 200; i++) {
		struct box *boxes[] = {&one, &two};
		for (size_t j = 0; j < 2; j++) {
			if (i == 50)
				box_near_limit(&boxes[j]->clusters[1]);
			if (i == 90)
				box_lose_replica(&boxes[j]->clusters[1], 2);
			if (i == 95)
				box_amplify(&boxes[j]->clusters[1]);
			if (i == 150)
				box_calm(&boxes[j]->clusters[1]);
			box_run(boxes[j], 1);
		}
		ck_assert_str_eq(one.seen.headline, two.seen.headline);
		ck_assert_int_eq(one.seen.phase, two.seen.phase);
		ck_assert_uint_eq(one.seen.finding_count, two.seen.finding_count);
		for (size_t j = 0; j < one.seen.finding_count; j++)
			ck_assert_str_eq(one.seen.findings[j].text, two.seen.findings[j].text);
	}
	box_finish(&one);
	box_finish(&two);
}
END_TEST

START_TEST(what_is_kept_in_history)
{
	struct box box;
	box_init(&box, 1);
	box_run(&box, 20);
	double value = 0;
	int64_t now = box.now_ms;
	ck_assert(history_at(box.history, ENTITY_ROOT, SIGNAL_STAGE_POOL, now, 0, &value));
	ck_assert_double_eq_tol(value, 9.0 / 16, 1e-9);
	ck_assert(history_at(box.history, ENTITY_ROOT, SIGNAL_STAGE_REPLICAS, now, 0, &value));
	ck_assert_double_eq(value, 1);
	ck_assert(history_at(box.history, ENTITY_ROOT, SIGNAL_GOODPUT, now, 0, &value));
	ck_assert_double_eq_tol(value, 1499, 1e-9);
	ck_assert(
		history_at(box.history, box.clusters[0].id, SIGNAL_STAGE_ATTEMPTS, now, 0, &value));
	ck_assert_double_eq_tol(value, 1805.0 / 1800, 1e-9);
	ck_assert(history_at(box.history, box.clusters[0].id, SIGNAL_PRESSURE, now, 0, &value));
	ck_assert(value >= 0 && value <= 1);
	box.clusters[0].silent = true;
	box_run(&box, 10);
	ck_assert(
		!history_at(box.history, ENTITY_ROOT, SIGNAL_STAGE_POOL, box.now_ms, 2000, &value));
	box_finish(&box);
}
END_TEST

static Suite *assess_suite(void)
{
	Suite *suite = suite_create("assess");
	TCase *cases = tcase_create("assess");
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, all_is_well);
	tcase_add_test(cases, the_whole_incident);
	tcase_add_test(cases, only_the_sick_cluster_is_sick);
	tcase_add_test(cases, opened_in_the_middle);
	tcase_add_test(cases, absorbed_loss_is_no_incident);
	tcase_add_test(cases, no_flapping_at_a_threshold);
	tcase_add_test(cases, stale_is_unknown_and_never_green);
	tcase_add_test(cases, blindness_does_not_mend);
	tcase_add_test(cases, a_silent_replica_is_unknown_until_its_load_lands);
	tcase_add_test(cases, plain_overload_is_not_metastable);
	tcase_add_test(cases, relapse_during_recovery);
	tcase_add_test(cases, fleet_wide_figures_alone);
	tcase_add_test(cases, wholes_are_not_added_to_their_parts);
	tcase_add_test(cases, nothing_at_all);
	tcase_add_test(cases, the_same_input_gives_the_same_verdict);
	tcase_add_test(cases, what_is_kept_in_history);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(assess_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
