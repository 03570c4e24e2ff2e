#include "tests/unit/actions/scene.h"

#include "actions/config.h"
#include "actions/hold.h"
#include "actions/run.h"
#include "core/base/clock.h"
#include "core/base/text.h"

/* One run in the journal's own words. */
static void add_run(struct run_log *log, const char *id, const char *verb, const char *target,
	double from, double to, long long hold_ms, const char *undo_of, int code)
{
	char line[512];
	char undo[64] = "";
	if (undo_of[0])
		snprintf(undo, sizeof(undo), ",\"undo_of\":\"%s\"", undo_of);
	int length = snprintf(line, sizeof(line),
		"{\"at\":\"2026-02-02T02:40:00Z\",\"run\":\"%s\",\"event\":\"intent\",\"action\":"
		"\"x\","
		"\"verb\":\"%s\",\"target\":\"%s\",\"from\":%g,\"to\":%g,\"by\":\"kim\","
		"\"hold_ms\":%lld%s}",
		id, verb, target, from, to, hold_ms, undo);
	run_log_add_line(log, line, (size_t)length);
	length = snprintf(line, sizeof(line), "{\"run\":\"%s\",\"event\":\"sent\"}", id);
	run_log_add_line(log, line, (size_t)length);
	if (code < 0)
		return;
	length = snprintf(line, sizeof(line),
		"{\"at\":\"2026-02-02T02:40:05Z\",\"run\":\"%s\",\"event\":\"done\",\"code\":%d}",
		id, code);
	run_log_add_line(log, line, (size_t)length);
}

#define SET_MS 1770000000000

START_TEST(test_only_our_changes_that_stand_are_holds)
{
	struct hold holds[HOLDS_MOST];
	struct run_log *log = run_log_create();
	add_run(log, "a-0001", "cluster.divert", "east-a", 100, 80, 60000, "", OUTCOME_DONE);
	add_run(log, "a-0002", "cluster.divert", "east-b", 100, 80, 60000, "", OUTCOME_DONE);
	add_run(log, "a-0003", "cluster.divert", "east-b", 80, 100, 0, "a-0002", OUTCOME_DONE);
	add_run(log, "a-0004", "pool.resize", "east-a", 20, 30, 60000, "",
		OUTCOME_FAILED_UNCHANGED);
	add_run(log, "a-0005", "pool.resize", "east-a", 20, 30, 60000, "", OUTCOME_UNKNOWN);
	add_run(log, "a-0006", "cluster.divert", "east-a", 80, 70, 90000, "", OUTCOME_DONE);
	add_run(log, "a-0007", "cluster.divert", "east-c", 80, 70, 0, "", OUTCOME_DONE);
	add_run(log, "a-0008", "pool.resize", "east-b", 20, 30, 60000, "", -1);
	run_log_settle(log);
	ck_assert_uint_eq(holds_list(log, SET_MS + 60000, holds, HOLDS_MOST), 4);
	ck_assert_str_eq(holds[0].run, "a-0008");
	ck_assert(!holds[0].is_certain);
	ck_assert_str_eq(holds[1].run, "a-0006");
	ck_assert(!holds[1].is_expired);
	ck_assert_str_eq(holds[1].under, "");
	ck_assert_str_eq(holds[2].run, "a-0005");
	ck_assert(!holds[2].is_certain);
	ck_assert_str_eq(holds[3].run, "a-0001");
	ck_assert(holds[3].is_expired);
	ck_assert_str_eq(holds[3].under, "a-0006");
	ck_assert_str_eq(holds[3].by, "kim");
	ck_assert_uint_eq(holds_list(log, SET_MS, holds, 1), 1);
	run_log_destroy(log);
}
END_TEST

START_TEST(test_its_end_is_told_of_once)
{
	struct hold holds[HOLDS_MOST];
	char line[ACTION_TEXT_BYTES];
	struct run_log *log = run_log_create();
	static const char extend[] = "{\"run\":\"a-0001\",\"event\":\"extend\","
				     "\"expires\":\"2026-02-02T03:40:00Z\"}";
	add_run(log, "a-0001", "cluster.divert", "east-a", 100, 80, 1800000, "", OUTCOME_DONE);
	add_run(log, "a-0002", "pool.pause", "east-a", 0, 1, 15000, "", OUTCOME_DONE);
	ck_assert_uint_eq(holds_list(log, SET_MS, holds, HOLDS_MOST), 2);
	int64_t warn_ms = SET_MS + 1800000 - HOLD_WARN_MS;
	ck_assert_int_eq(hold_warn_ms(&holds[1]), warn_ms);
	ck_assert(!hold_ends_soon(&holds[1], warn_ms - 1));
	ck_assert(hold_ends_soon(&holds[1], warn_ms));
	ck_assert(!hold_ends_soon(&holds[1], SET_MS + 1800000));
	/* From the middle on, where it is short. */
	ck_assert_int_eq(hold_warn_ms(&holds[0]), SET_MS + 7500);
	ck_assert(!hold_warns(&holds[1], 0, warn_ms - 1, line, sizeof(line)));
	ck_assert_str_eq(line, "");
	ck_assert(hold_warns(&holds[1], warn_ms - 1, warn_ms, line, sizeof(line)));
	ck_assert_str_eq(line, "a-0001 x east-a ends in 5m00s, and only a person takes it back; "
			       "'spillway holds extend a-0001 30m' lets it last");
	ck_assert(!hold_warns(&holds[1], warn_ms, warn_ms + 1, line, sizeof(line)));
	ck_assert(!hold_warns(&holds[0], 0, SET_MS + 8000, line, sizeof(line)));
	holds[1].protection = HOLD_BY_REAPER;
	ck_assert(hold_warns(&holds[1], 0, warn_ms + 1000, line, sizeof(line)));
	ck_assert_ptr_nonnull(strstr(line, "4m59s, and is then taken back by spillway reap;"));
	/* Who comes late is told too, and all are told again of another end. */
	ck_assert(hold_warns(&holds[1], 0, warn_ms + 60000, line, sizeof(line)));
	ck_assert(!hold_warns(&holds[1], 0, SET_MS + 1800000, line, sizeof(line)));
	run_log_add_line(log, extend, sizeof(extend) - 1);
	ck_assert_uint_eq(holds_list(log, warn_ms + 1, holds, HOLDS_MOST), 2);
	ck_assert(!hold_warns(&holds[1], warn_ms, warn_ms + 2, line, sizeof(line)));
	ck_assert(hold_warns(&holds[1], warn_ms + 2, SET_MS + 3300000, line, sizeof(line)));
	run_log_destroy(log);
}
END_TEST

START_TEST(test_extend_and_keep)
{
	struct hold holds[HOLDS_MOST];
	struct run_log *log = run_log_create();
	static const char extend[] = "{\"run\":\"a-0001\",\"event\":\"extend\","
				     "\"expires\":\"2026-02-02T03:40:00Z\"}";
	static const char keep[] = "{\"run\":\"a-0001\",\"event\":\"keep\"}";
	add_run(log, "a-0001", "cluster.divert", "east-a", 100, 80, 60000, "", OUTCOME_DONE);
	run_log_add_line(log, extend, sizeof(extend) - 1);
	ck_assert_uint_eq(holds_list(log, SET_MS + 70000, holds, HOLDS_MOST), 1);
	ck_assert(!holds[0].is_expired);
	ck_assert_int_eq(holds[0].expires_ms, SET_MS + 3600000);
	run_log_add_line(log, keep, sizeof(keep) - 1);
	ck_assert_uint_eq(holds_list(log, SET_MS + 70000, holds, HOLDS_MOST), 0);
	run_log_destroy(log);
}
END_TEST

/* What is written is what is read. */
START_TEST(test_hold_record)
{
	struct text text;
	text_init(&text, 1000);
	run_log_write_hold("k\"im", SET_MS, 0, &text);
	ck_assert_str_eq(
		text_string(&text), "\"by\":\"k\\\"im\",\"expires\":\"2026-02-02T02:40:00.000Z\"");
	text_finish(&text);
}
END_TEST

START_TEST(test_brake_counts_changes_only)
{
	struct run_log *log = run_log_create();
	int64_t oldest_ms = 7;
	add_run(log, "a-0001", "cluster.divert", "east-a", 100, 80, 60000, "", OUTCOME_DONE);
	add_run(log, "a-0002", "cluster.divert", "east-a", 80, 100, 0, "a-0001", OUTCOME_DONE);
	add_run(log, "a-0003", "pool.resize", "east-a", 20, 30, 60000, "", OUTCOME_UNREACHABLE);
	add_run(log, "a-0004", "pool.resize", "east-a", 20, 30, 60000, "", OUTCOME_UNKNOWN);
	ck_assert_uint_eq(run_log_changes_since(log, SET_MS, &oldest_ms), 0);
	ck_assert_int_eq(oldest_ms, 7);
	ck_assert_uint_eq(run_log_changes_since(log, SET_MS - 1, &oldest_ms), 2);
	ck_assert_int_eq(oldest_ms, SET_MS);
	run_log_destroy(log);
}
END_TEST

/* A brake that was reached stays so until somebody says to have looked. */
START_TEST(test_brake_trips)
{
	struct run_log *log = run_log_create();
	ck_assert_ptr_nonnull(log);
	for (int i = 0; i < 5; i++) {
		struct run_entry entry = {.was_sent = true, .is_closed = true};
		entry.view.code = i == 4 ? OUTCOME_FAILED_UNCHANGED : OUTCOME_DONE;
		entry.view.started_ms = SCENE_NOW + i * 60000;
		entry.view.state = RUN_DONE;
		snprintf(entry.view.id, sizeof(entry.view.id), "a-%04d", i + 1);
		if (i == 2)
			snprintf(entry.undo_of, sizeof(entry.undo_of), "a-0001");
		run_log_put(log, &entry);
	}
	/* Three changes, at 0, 1 and 3 minutes: the undo and the one that failed are none. */
	ck_assert_int_eq(run_log_tripped_ms(log, 0, 180000, 3), SCENE_NOW + 180000);
	ck_assert_int_eq(run_log_tripped_ms(log, 0, 179999, 3), 0);
	ck_assert_int_eq(run_log_tripped_ms(log, 0, 600000, 4), 0);
	ck_assert_int_eq(run_log_tripped_ms(log, SCENE_NOW, 600000, 3), 0);
	ck_assert_int_eq(run_log_tripped_ms(log, SCENE_NOW, 600000, 2), SCENE_NOW + 180000);
	run_log_destroy(log);
}
END_TEST

/* Clocks are set while nobody is there: of another process's run nothing is believed by its times,
 * unless they are of long ago. */
START_TEST(test_when_a_run_is_over)
{
	static const struct {
		const char *what, *done;
		int64_t read_after_ms, over_after_ms; /* of what the journal says last */
	} rows[] = {
		{"cut off, read by ourselves", NULL, 0, 3000 + RUN_SETTLE_MS},
		{"cut off, read a minute later", NULL, 60000, 60000 + 3000 + RUN_SETTLE_MS},
		{"cut off, the clock was set back since", NULL, -3600000,
			-3600000 + 3000 + RUN_SETTLE_MS},
		{"cut off, days ago", NULL, 3 * 86400000LL, 3000 + RUN_SETTLE_MS},
		{"done", "\"code\":0", 60000, 60000},
		{"unknown", "\"code\":15", 0, 3000 + RUN_SETTLE_MS},
	};
	static const char sent[] = "{\"run\":\"a-0001\",\"event\":\"sent\",\"at\":"
				   "\"2026-02-02T02:40:00.000Z\",\"request\":1}";
	struct action_config action = {
		.info = {.name = "x"}, .road = ACTION_BY_HTTP, .http = {.timeout_ms = 3000}};
	struct action_configs configs = {.rows = &action, .count = 1};
	int64_t last_ms = 0;
	ck_assert(clock_parse("2026-02-02T02:40:00.000Z", &last_ms));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[256];
		struct run_log *log = run_log_create();
		snprintf(line, sizeof(line),
			"{\"run\":\"a-0001\",\"event\":\"intent\",\"action\":\"x\",\"at\":"
			"\"2026-02-02T02:39:59.000Z\"}");
		run_log_add_line(log, line, strlen(line));
		run_log_add_line(log, sent, strlen(sent));
		snprintf(line, sizeof(line),
			"{\"run\":\"a-0001\",\"event\":\"done\",\"at\":"
			"\"2026-02-02T02:40:00.000Z\",%s}",
			rows[i].done ? rows[i].done : "");
		if (rows[i].done)
			run_log_add_line(log, line, strlen(line));
		run_log_bind(
			log, &configs, rows[i].read_after_ms ? last_ms + rows[i].read_after_ms : 0);
		ck_assert_msg(
			run_entry_over_ms(run_log_at(log, 0)) - last_ms == rows[i].over_after_ms,
			"%s: %lld", rows[i].what,
			(long long)(run_entry_over_ms(run_log_at(log, 0)) - last_ms));
		run_log_destroy(log);
	}
}
END_TEST

/* What put its end off, and what hands it to a person, is on record; a person's word begins anew.
 */
START_TEST(test_put_off)
{
	static const struct {
		const char *line;
		int put_offs;
	} told[] = {
		{"{\"run\":\"a-0001\",\"event\":\"extend\",\"expires\":\"2026-02-02T03:00:00Z\","
		 "\"put_offs\":1}",
			1},
		{"{\"run\":\"a-0001\",\"event\":\"extend\",\"expires\":\"2026-02-02T03:10:00Z\","
		 "\"put_offs\":2}",
			2},
		{"{\"run\":\"a-0001\",\"event\":\"page\",\"put_offs\":4}", 4},
		{"{\"run\":\"a-0001\",\"event\":\"extend\",\"expires\":\"2026-02-02T03:10:00Z\"}",
			0},
	};
	struct hold holds[HOLDS_MOST];
	char line[ACTION_TEXT_BYTES];
	struct action_config action = {
		.info = {.name = "x"}, .on_expiry = EXPIRY_REVERT_IF_HEALTHY};
	struct action_configs configs = {.rows = &action, .count = 1};
	struct run_log *log = run_log_create();
	add_run(log, "a-0001", "cluster.divert", "east-a", 100, 80, 600000, "", OUTCOME_DONE);
	int64_t end_ms = SET_MS + 1800000;
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		run_log_add_line(log, told[i].line, strlen(told[i].line));
		ck_assert_uint_eq(holds_list(log, SET_MS, holds, HOLDS_MOST), 1);
		holds_bind(holds, 1, &configs);
		ck_assert_int_eq(holds[0].put_offs, told[i].put_offs);
		holds[0].protection = HOLD_BY_REAPER;
		ck_assert_int_eq(
			hold_warns(&holds[0], 0, end_ms - 60000, line, sizeof(line)), i > 0);
		ck_assert_int_eq(strstr(line, "(put off 2 of 3 times)") != NULL, i == 1);
		ck_assert_int_eq(strstr(line, "only a person takes it back") != NULL, i == 2);
		ck_assert_int_eq(
			hold_ended(&holds[0], end_ms - 1, end_ms, line, sizeof(line)), i > 0);
		ck_assert_int_eq(strstr(line, "'spillway undo a-0001'") != NULL, i == 2);
		ck_assert_int_eq(strstr(line, "reap takes it back if that is healthy") != NULL,
			i == 1 || i == 3);
	}
	ck_assert(!hold_ended(&holds[0], end_ms, end_ms + 1, line, sizeof(line)));
	/* Of an action that the fleet file no longer has nothing is taken back by itself. */
	configs.count = 0;
	holds_bind(holds, 1, &configs);
	ck_assert_int_eq(holds[0].on_expiry, EXPIRY_HOLD_AND_PAGE);
	run_log_destroy(log);
}
END_TEST

static Suite *hold_suite(void)
{
	Suite *suite = suite_create("hold");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, test_only_our_changes_that_stand_are_holds);
	tcase_add_test(tcase, test_its_end_is_told_of_once);
	tcase_add_test(tcase, test_extend_and_keep);
	tcase_add_test(tcase, test_put_off);
	tcase_add_test(tcase, test_when_a_run_is_over);
	tcase_add_test(tcase, test_hold_record);
	tcase_add_test(tcase, test_brake_counts_changes_only);
	tcase_add_test(tcase, test_brake_trips);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return scene_main(hold_suite());
}
