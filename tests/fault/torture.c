#include "tests/fault/torture.h"

#include <check.h>
#include <stddef.h>
#include <stdlib.h>

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
char *__real_strdup(const char *string);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
char *__wrap_strdup(const char *string);

/* Which allocation fails next. */
static struct {
	bool armed;
	bool and_all_after;
	size_t left;
	size_t fired;
} fault;

static const struct torture *all;

static bool fails_now(void)
{
	if (!fault.armed)
		return false;
	if (fault.left > 1) {
		fault.left--;
		return false;
	}
	if (fault.fired > 0 && !fault.and_all_after)
		return false;
	fault.fired++;
	return true;
}

void *__wrap_malloc(size_t bytes)
{
	return fails_now() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	return fails_now() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
	return fails_now() ? NULL : __real_realloc(memory, bytes);
}

char *__wrap_strdup(const char *string)
{
	return fails_now() ? NULL : __real_strdup(string);
}

void torture_arm(void)
{
	fault.armed = true;
}

void torture_disarm(void)
{
	fault.armed = false;
}

static void torture(const struct torture *scenario, bool and_all_after)
{
	for (size_t n = 1;; n++) {
		fault.left = n;
		fault.fired = 0;
		fault.and_all_after = and_all_after;
		bool ok = scenario->run();
		if (fault.fired == 0) {
			ck_assert_msg(ok, "%s fails with all the memory it wants", scenario->name);
			ck_assert_msg(n > 1, "%s allocates nothing", scenario->name);
			return;
		}
		ck_assert_msg(!ok || scenario->is_lenient,
			"%s does not report that allocation %zu failed", scenario->name, n);
	}
}

START_TEST(each_allocation_fails_alone)
{
	torture(&all[_i], false);
}
END_TEST

START_TEST(memory_runs_out_and_stays_out)
{
	torture(&all[_i], true);
}
END_TEST

int torture_main(const char *name, const struct torture *scenarios, int count)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	all = scenarios;
	tcase_add_loop_test(tcase, each_allocation_fails_alone, 0, count);
	tcase_add_loop_test(tcase, memory_runs_out_and_stays_out, 0, count);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
