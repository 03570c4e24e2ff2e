/*
 * suite.h - what every test program of this room shares: a main() for one suite, scenarios that
 * are ready to run, and figures over a stretch of a model's time.
 */
#ifndef TESTS_UNIT_SIM_SUITE_H
#define TESTS_UNIT_SIM_SUITE_H

#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/sim/model.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define CASE_TIMEOUT_S 110.0

static inline Suite *suite_of(const char *noun, const TTest *const *tests, size_t count)
{
	Suite *suite = suite_create(noun);
	TCase *tcase = tcase_create(noun);
	tcase_set_timeout(tcase, CASE_TIMEOUT_S);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite;
}

/* Run it; the exit code for main(). */
static inline int suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A scenario of share/scenarios. */
static inline struct scenario shipped(const char *name)
{
	static struct scenario scenario;
	struct complaints complaints;
	struct text text;
	char path[512];
	snprintf(path, sizeof path, "%s/share/scenarios/%s.yaml", TEST_SOURCE_DIR, name);
	complaints_init(&complaints);
	text_init(&text, 65536);
	bool ok = scenario_load(path, &scenario, &complaints);
	complaints_print(&complaints, &text);
	ck_assert_msg(ok, "%s", text_string(&text));
	text_finish(&text);
	complaints_finish(&complaints);
	return scenario;
}

static inline struct model *started(const struct scenario *scenario, uint64_t seed)
{
	struct error error = {0};
	struct model *model = model_create(scenario, seed, &error);
	ck_assert_msg(model != NULL, "%s", error.text);
	return model;
}

static inline void check_sane(const struct model *model)
{
	struct error error = {0};
	ck_assert_msg(model_check(model, &error), "%s", error.text);
}

/* Errors and requests of one surface, all clusters. */
struct tally {
	double errors, requests;
};

static inline struct tally tally_of(const struct model *model, enum surface surface)
{
	struct tally tally = {0};
	for (size_t c = 0; c < model_scenario(model)->cluster_count; c++) {
		struct surface_view view = model_surface(model, c, surface);
		tally.errors += (double)view.error_total;
		tally.requests += (double)(view.error_total + view.ok_total);
	}
	return tally;
}

/* Share of web requests that fail between now and `until_ms`. */
static inline double web_errors_until(struct model *model, int64_t until_ms)
{
	struct tally before = tally_of(model, SURFACE_WEB);
	model_advance(model, until_ms);
	struct tally after = tally_of(model, SURFACE_WEB);
	return (after.errors - before.errors) / (after.requests - before.requests);
}

#endif
