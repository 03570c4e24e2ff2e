/* Status in words and JSON: unknown is said, never shown as zero; exit codes follow the convention.
 */
#include "app/status_text.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/assess/assess.h"
#include "core/base/text.h"
#include "core/fleet/entity.h"
#include "core/fleet/history.h"
#include "core/fleet/snapshot.h"

START_TEST(test_nothing_known_is_null_and_question_marks)
{
	struct fleet *fleet = fleet_create();
	struct store *store = store_create(fleet);
	struct snapshot *snapshot = store_seal(store, 1000);
	struct history *history = history_create(10, 1 << 20);
	struct assessor *assessor = assessor_create();
	struct assessment assessment;
	assessment_init(&assessment);
	ck_assert(assess(assessor, snapshot, history, 1000, &assessment));
	struct text text, json;
	text_init(&text, 1 << 20);
	text_init(&json, 1 << 20);
	status_print_text(snapshot, &assessment, &text);
	status_print_json(snapshot, &assessment, &json);
	ck_assert_ptr_nonnull(strstr(text_string(&text), "?"));
	ck_assert_ptr_null(strstr(text_string(&text), "nan"));
	ck_assert_ptr_null(strstr(text_string(&json), "nan"));
	ck_assert_ptr_nonnull(strstr(text_string(&json), "\"now\":null"));
	ck_assert_int_eq(status_exit_code(&assessment), 3);
	text_finish(&text);
	text_finish(&json);
	assessment_finish(&assessment);
	assessor_destroy(assessor);
	history_destroy(history);
	snapshot_destroy(snapshot);
	store_destroy(store);
	fleet_destroy(fleet);
}
END_TEST

START_TEST(test_impact_and_exhaustion)
{
	struct fleet *fleet = fleet_create();
	struct store *store = store_create(fleet);
	uint32_t east;
	ck_assert(fleet_intern(fleet, ENTITY_CLUSTER, ENTITY_ROOT, "east", &east, NULL));
	struct snapshot *snapshot = store_seal(store, 1000);
	struct assessment assessment;
	struct cluster_assessment row = {.cluster = east};
	assessment_init(&assessment);
	assessment.clusters = &row;
	assessment.cluster_count = 1;
	assessment.surface_count = 1;
	assessment.surfaces[0] = (struct surface_assessment){
		.name = "web", .ratio = 0.18, .known = true, .burn = {180, 15, 0.0208, 14100}};
	for (int deserved = 0; deserved < 2; deserved++) {
		struct text text, json;
		row.exhaustion = (struct exhaustion){deserved == 1, 240, 420, 1.5};
		text_init(&text, 1 << 20);
		text_init(&json, 1 << 20);
		status_print_text(snapshot, &assessment, &text);
		status_print_json(snapshot, &assessment, &json);
		ck_assert_ptr_nonnull(strstr(text_string(&text),
			"burns 180.0x (hour 15.0x), 2.08% of the budget spent"));
		ck_assert_ptr_nonnull(strstr(text_string(&json),
			"\"burn_rate\":180,\"burn_rate_hour\":15,\"budget_spent\":0.0208,"
			"\"budget_seconds_left\":14100"));
		ck_assert_ptr_nonnull(strstr(text_string(&json),
			deserved ? "\"exhaustion\":{\"low_s\":240,\"high_s\":420,"
				   "\"connections_per_minute\":1.5}"
				 : "\"exhaustion\":null"));
		text_finish(&text);
		text_finish(&json);
	}
	assessment.surfaces[0].burn = (struct burn){0, 0, 0, NAN};
	struct text text;
	text_init(&text, 1 << 20);
	status_print_text(snapshot, &assessment, &text);
	ck_assert_ptr_null(strstr(text_string(&text), "burns"));
	text_finish(&text);
	snapshot_destroy(snapshot);
	store_destroy(store);
	fleet_destroy(fleet);
}
END_TEST

static const struct {
	enum severity severity;
	size_t sources_ok;
	int code;
} codes[] = {
	{SEVERITY_OK, 1, 0},
	{SEVERITY_WARNING, 1, 1},
	{SEVERITY_CRITICAL, 1, 2},
	{SEVERITY_UNKNOWN, 1, 3},
	{SEVERITY_OK, 0, 3},
};

START_TEST(test_exit_codes)
{
	struct assessment assessment;
	assessment_init(&assessment);
	assessment.at_ms = 1000;
	assessment.severity = codes[_i].severity;
	assessment.sources_ok = codes[_i].sources_ok;
	ck_assert_int_eq(status_exit_code(&assessment), codes[_i].code);
	assessment_finish(&assessment);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("status_text");
	TCase *tests = tcase_create("printing");
	tcase_add_test(tests, test_nothing_known_is_null_and_question_marks);
	tcase_add_test(tests, test_impact_and_exhaustion);
	tcase_add_loop_test(tests, test_exit_codes, 0, (int)(sizeof codes / sizeof codes[0]));
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
