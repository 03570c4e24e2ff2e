#include "box.h"

#include "core/assess/finding.h"

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

static Suite *finding_suite(void)
{
	Suite *suite = suite_create("finding");
	TCase *all = tcase_create("finding");
	tcase_add_test(all, a_replica_that_lags_is_told);
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
