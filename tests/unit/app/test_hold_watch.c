#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actions/action.h"
#include "actions/config.h"
#include "actions/hold.h"
#include "app/hold_watch.h"

#define SET_MS 1770000000000 /* 2026-02-02T02:40:00Z */
#define SPAN_MS 1800000

static char path[64];
static unsigned told;
static char last[ACTION_TEXT_BYTES];

static void tell(void *context, const char *sentence)
{
	ck_assert_ptr_eq(context, &told);
	told++;
	snprintf(last, sizeof last, "%s", sentence);
}

static void add_line(const char *line)
{
	FILE *file = fopen(path, "a");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_gt(fprintf(file, "%s\n", line), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void begin(void)
{
	snprintf(path, sizeof path, "/tmp/spillway-hold-watch-XXXXXX");
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	told = 0;
	last[0] = '\0';
}

static void end(void)
{
	unlink(path);
}

static void add_hold(void)
{
	add_line("{\"at\":\"2026-02-02T02:40:00Z\",\"run\":\"a-0001\",\"event\":\"intent\","
		 "\"action\":\"divert\",\"verb\":\"cluster.divert\",\"target\":\"east-a\","
		 "\"from\":100,\"to\":80,\"by\":\"kim\",\"hold_ms\":1800000}");
	add_line("{\"run\":\"a-0001\",\"event\":\"sent\"}");
	add_line("{\"at\":\"2026-02-02T02:40:05Z\",\"run\":\"a-0001\",\"event\":\"done\",\"code\":"
		 "0}");
}

START_TEST(an_end_that_comes_near_is_told_once)
{
	struct hold_watch watch;
	struct action_configs configs = {.journal_file = path};
	int64_t warn_ms = SET_MS + SPAN_MS - HOLD_WARN_MS;
	add_hold();
	hold_watch_init(&watch, &configs);
	hold_watch_look(&watch, warn_ms - 1000, tell, &told);
	ck_assert_uint_eq(told, 0);
	hold_watch_look(&watch, warn_ms - 1, tell, &told);
	hold_watch_look(&watch, warn_ms + 500, tell, &told);
	ck_assert_uint_eq(told, 1);
	ck_assert_ptr_nonnull(strstr(last, "a-0001 divert east-a ends in 4m59s"));
	hold_watch_look(&watch, warn_ms + 5000, tell, &told);
	ck_assert_uint_eq(told, 1);
	/* And that it is there, once. */
	hold_watch_look(&watch, SET_MS + SPAN_MS, tell, &told);
	hold_watch_look(&watch, SET_MS + SPAN_MS + 5000, tell, &told);
	ck_assert_uint_eq(told, 2);
	ck_assert_ptr_nonnull(strstr(last, "a-0001 divert east-a is over its time: a person"));
	hold_watch_finish(&watch);
}
END_TEST

/* Another process acts, and extends, while this one looks on. */
START_TEST(what_others_write_counts)
{
	struct hold_watch watch;
	struct action_configs configs = {.journal_file = path};
	int64_t at_ms = SET_MS + SPAN_MS - HOLD_WARN_MS;
	hold_watch_init(&watch, &configs);
	add_hold();
	for (int look = 0; look < 3; look++)
		hold_watch_look(&watch, at_ms += 1000, tell, &told);
	ck_assert_uint_eq(told, 0); /* its end was near before it was known of */
	add_line("{\"run\":\"a-0001\",\"event\":\"extend\",\"expires\":\"2026-02-02T03:40:00Z\"}");
	for (int look = 0; look < 3; look++)
		hold_watch_look(&watch, at_ms += 1000, tell, &told);
	hold_watch_look(&watch, SET_MS + 3600000 - HOLD_WARN_MS + 1, tell, &told);
	ck_assert_uint_eq(told, 1);
	hold_watch_finish(&watch);
}
END_TEST

START_TEST(without_a_journal_nothing_is_told)
{
	struct hold_watch watch;
	struct action_configs configs = {0};
	hold_watch_init(&watch, &configs);
	hold_watch_look(&watch, SET_MS, tell, &told);
	ck_assert_uint_eq(told, 0);
	hold_watch_finish(&watch);
}
END_TEST

static Suite *hold_watch_suite(void)
{
	Suite *suite = suite_create("hold_watch");
	TCase *cases = tcase_create("hold_watch");
	tcase_add_checked_fixture(cases, begin, end);
	tcase_add_test(cases, an_end_that_comes_near_is_told_once);
	tcase_add_test(cases, what_others_write_counts);
	tcase_add_test(cases, without_a_journal_nothing_is_told);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(hold_watch_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
