/* What a figure stands on, and how old that is. */
#include "core/assess/evidence.h"

#include "box.h"

/* Its span reaches from the oldest reading to the newest, in whatever order they were taken. */
START_TEST(from_the_oldest_to_the_newest)
{
	for (size_t turn = 0; turn < 3; turn++) {
		struct box box;
		struct evidence evidence = {0};
		double value;
		box_init(&box, 1);
		const uint32_t *ids = box.clusters[0].replicas;
		for (size_t i = 0; i < 3; i++) {
			box.now_ms += 1000;
			box_put(&box, ids[i], SIGNAL_REPLICA_UP, 1);
		}
		box_assess(&box);
		for (size_t i = 0; i < 3; i++)
			ck_assert(evidence_take(&evidence, box.snapshot, ids[(i + turn) % 3],
				SIGNAL_REPLICA_UP, &value));
		/* Of what was never said nothing is taken. */
		ck_assert(
			!evidence_take(&evidence, box.snapshot, ids[3], SIGNAL_REPLICA_UP, &value));
		ck_assert_int_eq(evidence.oldest_ms, box.now_ms - 2000);
		ck_assert_int_eq(evidence.newest_ms, box.now_ms);
		box_finish(&box);
	}
}
END_TEST

START_TEST(joined_they_span_both)
{
	static const struct evidence none, early = {100, 200}, late = {150, 300};
	struct evidence it = early;
	evidence_join(&it, &late);
	ck_assert_int_eq(it.oldest_ms, 100);
	ck_assert_int_eq(it.newest_ms, 300);
	it = late;
	evidence_join(&it, &early);
	ck_assert_int_eq(it.oldest_ms, 100);
	ck_assert_int_eq(it.newest_ms, 300);
	evidence_join(&it, &none);
	ck_assert_int_eq(it.oldest_ms, 100);
	it = none;
	evidence_join(&it, &late);
	ck_assert_int_eq(it.oldest_ms, 150);
}
END_TEST

/* As old as its oldest reading; nothing is of no age, and what a clock ahead of ours says is new.
 */
START_TEST(how_old_it_is)
{
	static const struct evidence none, it = {100, 300};
	ck_assert_int_eq(evidence_age_ms(&it, 1100), 1000);
	ck_assert_int_eq(evidence_age_ms(&it, 50), 0);
	ck_assert_int_eq(evidence_age_ms(&none, 1100), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("evidence");
	TCase *tests = tcase_create("evidence");
	tcase_add_test(tests, from_the_oldest_to_the_newest);
	tcase_add_test(tests, joined_they_span_both);
	tcase_add_test(tests, how_old_it_is);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
