/* What keys ask for: the console driven key by key against hand-made moments. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "tests/screen/scene.h"
#include "ui/canvas.h"
#include "ui/console/key.h"
#include "ui/terminal.h"

static struct scene scene;
static struct console *console;
static struct terminal *terminal;
static struct text seen;

static void open_terminal(int columns, int rows)
{
	terminal_close(terminal);
	terminal = terminal_open_memory(
		&(struct terminal_options){.ascii = true}, columns, rows, NULL);
	ck_assert_ptr_nonnull(terminal);
}

static void begin(void)
{
	scene_saturation(&scene);
	console = console_create();
	ck_assert_ptr_nonnull(console);
	text_init(&seen, 1024 * 1024);
	open_terminal(80, 24);
}

static void end(void)
{
	text_finish(&seen);
	terminal_close(terminal);
	console_destroy(console);
	scene_finish(&scene);
}

static void draw(void)
{
	console_draw(console, &scene.model, terminal_canvas(terminal));
}

/* Draw, then the key: what a person does. */
static struct console_request key(uint32_t code)
{
	draw();
	return console_key(console, code, &scene.model);
}

static struct console_request type(const char *keys)
{
	struct console_request last = {0};
	for (; *keys; keys++)
		last = key((unsigned char)*keys);
	return last;
}

static void expect_seen(const char *words)
{
	draw();
	text_clear(&seen);
	canvas_capture(terminal_canvas(terminal), &seen);
	ck_assert_msg(strstr(text_string(&seen), words) != NULL, "'%s' is not in:\n%s", words,
		text_string(&seen));
}

static void expect_unseen(const char *words)
{
	draw();
	text_clear(&seen);
	canvas_capture(terminal_canvas(terminal), &seen);
	ck_assert_msg(strstr(text_string(&seen), words) == NULL, "'%s' is in:\n%s", words,
		text_string(&seen));
}

/* As far as a plan on the screen. */
static void open_plan(bool refused)
{
	struct console_request request = type(refused ? "a\r\02560\r" : "a\r\r");
	ck_assert_int_eq(request.kind, REQUEST_PLAN);
	ck_assert_str_eq(request.action, "divert");
	ck_assert_uint_eq(request.target, scene.clusters[0]);
	ck_assert_double_eq(request.value, refused ? 60 : 90);
	scene_add_plan(&scene, refused);
	draw();
}

START_TEST(an_armed_run_carries_hash_and_reason)
{
	scene_arm(&scene);
	open_plan(false);
	type("\tit waits\t");
	struct console_request request = key('\r');
	ck_assert_int_eq(request.kind, REQUEST_RUN);
	ck_assert_str_eq(request.plan_hash, scene.plan.hash);
	ck_assert_str_eq(request.reason, "it waits");
	ck_assert_str_eq(request.action, "divert");
	ck_assert_double_eq(request.value, 90);
	scene_add_run(&scene, RUN_VERIFYING, OUTCOME_DONE);
	expect_seen("VERIFYING");
	ck_assert_int_eq(key(27).kind, REQUEST_DROP_PLAN);
	expect_seen("CHAIN");
}
END_TEST

START_TEST(read_only_plans_but_does_not_run)
{
	open_plan(false);
	ck_assert_int_eq(type("\t\t\r").kind, REQUEST_REDRAW);
	expect_seen("READ-ONLY: A arms");
	ck_assert_int_eq(key('A').kind, REQUEST_REDRAW);
	ck_assert_int_eq(key('y').kind, REQUEST_ARM);
	scene_arm(&scene);
	ck_assert_int_eq(key('p').kind, REQUEST_PLAN);
	ck_assert_int_eq(key('\r').kind, REQUEST_RUN);
}
END_TEST

START_TEST(enter_does_nothing_before_tab)
{
	scene_arm(&scene);
	open_plan(false);
	ck_assert_int_eq(key('\r').kind, REQUEST_REDRAW);
	expect_seen("Enter does nothing until Tab");
	ck_assert_int_eq(type("\tfine\r").kind, REQUEST_REDRAW);
}
END_TEST

START_TEST(what_was_not_drawn_cannot_be_run)
{
	scene_arm(&scene);
	type("a\r\r");
	scene_add_plan(&scene, false);
	for (const char *c = "\t\t\r"; *c; c++)
		ck_assert_int_ne(
			console_key(console, (uint32_t)*c, &scene.model).kind, REQUEST_RUN);
}
END_TEST

START_TEST(what_does_not_fit_cannot_be_run)
{
	scene_arm(&scene);
	open_plan(false);
	type("\t\t");
	open_terminal(40, 10);
	ck_assert_int_ne(key('\r').kind, REQUEST_RUN);
	open_terminal(60, 15);
	ck_assert_int_ne(key('\r').kind, REQUEST_RUN);
	expect_seen("more below");
	for (int i = 0; i < 12; i++)
		key(TERMINAL_KEY_PAGE_DOWN);
	expect_unseen("more below");
	type("\t\t");
	ck_assert_int_eq(key('\r').kind, REQUEST_RUN);
}
END_TEST

START_TEST(a_changed_plan_wants_another_look)
{
	scene_arm(&scene);
	open_plan(false);
	type("\t\t");
	draw();
	snprintf(scene.plan.hash, sizeof scene.plan.hash, "another");
	/* It changed after the frame, before the key. */
	ck_assert_int_ne(console_key(console, '\r', &scene.model).kind, REQUEST_RUN);
	expect_seen("CHANGED");
	ck_assert_int_ne(key('\r').kind, REQUEST_RUN);
	type("\t\t");
	struct console_request request = key('\r');
	ck_assert_int_eq(request.kind, REQUEST_RUN);
	ck_assert_str_eq(request.plan_hash, "another");
}
END_TEST

START_TEST(a_refused_plan_offers_the_safe_step)
{
	scene_arm(&scene);
	open_plan(true);
	expect_seen("largest safe step: weight 88");
	ck_assert_int_ne(type("\t\t\r").kind, REQUEST_RUN);
	struct console_request request = key('s');
	ck_assert_int_eq(request.kind, REQUEST_PLAN);
	ck_assert_double_eq(request.value, 88);
	ck_assert_str_eq(request.action, "divert");
	expect_seen("making the plan");
	ck_assert_int_eq(key(27).kind, REQUEST_DROP_PLAN);
}
END_TEST

START_TEST(prod_wants_reason_and_name)
{
	scene_arm(&scene);
	scene.model.environment = "prod";
	open_plan(false);
	for (int i = 0; i < 6; i++)
		key(TERMINAL_KEY_DOWN);
	ck_assert_int_ne(type("\t\t\t\r").kind, REQUEST_RUN);
	expect_seen("a reason must be given");
	type("\t\tbecause");
	ck_assert_int_ne(type("\t\t\r").kind, REQUEST_RUN);
	expect_seen("the target's name must be typed");
	type("\t\t\teast-a");
	struct console_request request = type("\t\r");
	ck_assert_int_eq(request.kind, REQUEST_RUN);
	ck_assert_str_eq(request.reason, "because");
}
END_TEST

START_TEST(an_old_plan_is_not_run)
{
	scene_arm(&scene);
	open_plan(false);
	type("\t\t");
	scene.plan.expires_ms = SCENE_NOW_MS;
	ck_assert_int_ne(key('\r').kind, REQUEST_RUN);
	expect_seen("p plans again");
	ck_assert_int_eq(key('p').kind, REQUEST_PLAN);
}
END_TEST

/* As long as a plan can be run nothing else is to be begun; one forgotten on the screen is in
 * nobody's way. */
START_TEST(a_plan_that_may_be_run_is_being_confirmed)
{
	ck_assert(!console_is_confirming(console, &scene.model));
	type("a");
	ck_assert(!console_is_confirming(console, &scene.model));
	key(27);
	open_plan(false);
	ck_assert(console_is_confirming(console, &scene.model));
	type("A");
	expect_seen("stay read-only");
	ck_assert(console_is_confirming(console, &scene.model));
	type("n");
	scene.plan.expires_ms = SCENE_NOW_MS;
	ck_assert(!console_is_confirming(console, &scene.model));
	scene.plan.expires_ms = SCENE_NOW_MS + 1;
	ck_assert(console_is_confirming(console, &scene.model));
	key(27);
	ck_assert(!console_is_confirming(console, &scene.model));
}
END_TEST

START_TEST(trouble_with_a_plan_is_said)
{
	type("a\r\r");
	scene.model.plan_trouble = "weight must be between 0 and 1000";
	expect_seen("weight must be between 0 and 1000");
	ck_assert_int_eq(key(27).kind, REQUEST_DROP_PLAN);
}
END_TEST

struct value_case {
	const char *typed;
	double value; /* below 0: refused */
};

static const struct value_case value_cases[] = {
	{"75", 75},
	{"x1.5", 150},
	{"1.5x", 150},
	{"-10%", 90},
	{"+50%", 150},
	{"50%", 50},
	{"0", 0},
	{"", -1},
	{"x", -1},
	{"%", -1},
	{"ten", -1},
	{"-5", -1},
	{"1e999", -1},
	{"nan", -1},
};

START_TEST(values_are_read)
{
	type("a\r\025");
	type(value_cases[_i].typed);
	struct console_request request = key('\r');
	if (value_cases[_i].value < 0) {
		ck_assert_int_eq(request.kind, REQUEST_REDRAW);
		ck_assert_int_eq(key(27).kind, REQUEST_REDRAW);
		expect_seen("CHAIN");
		return;
	}
	ck_assert_int_eq(request.kind, REQUEST_PLAN);
	ck_assert_double_eq_tol(request.value, value_cases[_i].value, 1e-9);
}
END_TEST

START_TEST(pools_begin_half_as_large_again)
{
	struct console_request request = type("aj\r\r");
	ck_assert_int_eq(request.kind, REQUEST_PLAN);
	ck_assert_str_eq(request.action, "scale-pool");
	ck_assert_double_eq(request.value, 30);
}
END_TEST

START_TEST(arming_asks_and_disarming_does_not)
{
	ck_assert_int_eq(type("A\r").kind, REQUEST_REDRAW);
	ck_assert_int_eq(type("AN").kind, REQUEST_REDRAW);
	ck_assert_int_eq(type("A").kind, REQUEST_REDRAW);
	ck_assert_int_eq(key(27).kind, REQUEST_REDRAW);
	ck_assert_int_eq(type("Ay").kind, REQUEST_ARM);
	scene_arm(&scene);
	ck_assert_int_eq(key('A').kind, REQUEST_DISARM);
	scene.model.armed_until_ms = 0;
	scene.model.may_arm = false;
	ck_assert_int_eq(type("Ay").kind, REQUEST_NONE);
	expect_seen("CHAIN");
}
END_TEST

START_TEST(quitting_asks_only_while_a_change_is_under_way)
{
	ck_assert_int_eq(key('q').kind, REQUEST_QUIT);
	scene_add_run(&scene, RUN_SENDING, OUTCOME_DONE);
	ck_assert_int_eq(key('q').kind, REQUEST_REDRAW);
	expect_seen("under way");
	ck_assert_int_eq(key('n').kind, REQUEST_REDRAW);
	ck_assert_int_eq(type("qy").kind, REQUEST_QUIT);
	scene_add_run(&scene, RUN_DONE, OUTCOME_DONE);
	ck_assert_int_eq(key('q').kind, REQUEST_QUIT);
	ck_assert_int_eq(key(TERMINAL_KEY_HANGUP).kind, REQUEST_QUIT);
}
END_TEST

START_TEST(undo_is_a_plan_like_any_other)
{
	ck_assert_int_eq(key('u').kind, REQUEST_REDRAW);
	expect_seen("nothing to undo");
	scene_add_run(&scene, RUN_VERIFYING, OUTCOME_DONE);
	struct console_request request = key('u');
	ck_assert_int_eq(request.kind, REQUEST_UNDO);
	ck_assert_str_eq(request.run_id, "a-0001");
	scene_add_plan(&scene, false);
	expect_seen("making the plan");
	scene.plan.is_undo = true;
	snprintf(scene.plan.undo_of, sizeof scene.plan.undo_of, "a-0001");
	scene_arm(&scene);
	expect_seen("PLAN TO UNDO");
	ck_assert_int_eq(type("\t\t\r").kind, REQUEST_RUN);
}
END_TEST

START_TEST(a_paste_is_never_a_command)
{
	scene_arm(&scene);
	ck_assert_int_eq(key(TERMINAL_PASTED | 'q').kind, REQUEST_NONE);
	ck_assert_int_eq(key(TERMINAL_KEY_PASTE).kind, REQUEST_NONE);
	open_plan(false);
	key('\t');
	key(TERMINAL_PASTED | 'o');
	key(TERMINAL_PASTED | 'k');
	key('\t');
	struct console_request request = key('\r');
	ck_assert_int_eq(request.kind, REQUEST_RUN);
	ck_assert_str_eq(request.reason, "ok");
}
END_TEST

START_TEST(selection_follows_the_cluster)
{
	key('j');
	expect_seen(">~east-b");
	struct cluster_assessment *clusters = scene.assessment.clusters;
	struct cluster_assessment moved = clusters[1];
	clusters[1] = clusters[3];
	clusters[3] = moved;
	expect_seen(">~east-b");
	scene.model.now_ms += 11000;
	expect_seen(">~east-b");
	key('G');
	expect_seen(">~east-b");
	key('g');
	expect_seen(">!east-a");
}
END_TEST

START_TEST(rows_stand_still_for_a_while_and_under_a_menu)
{
	draw();
	struct cluster_assessment *clusters = scene.assessment.clusters;
	struct cluster_assessment first = clusters[0];
	clusters[0] = clusters[3];
	clusters[3] = first;
	scene.model.now_ms += 5000;
	expect_seen("CHAIN");
	ck_assert_ptr_nonnull(strstr(text_string(&seen), ">!east-a"));
	size_t before = (size_t)(strstr(text_string(&seen), "east-a  ") - text_string(&seen));
	ck_assert_uint_lt(
		before, (size_t)(strstr(text_string(&seen), "west-b  ") - text_string(&seen)));
	scene.model.now_ms += 6000;
	expect_seen("west-b  ");
	before = (size_t)(strstr(text_string(&seen), "east-a  ") - text_string(&seen));
	ck_assert_uint_gt(
		before, (size_t)(strstr(text_string(&seen), "west-b  ") - text_string(&seen)));
}
END_TEST

START_TEST(a_filter_hides_and_says_so)
{
	type("/west\r");
	expect_seen("filter west | sorted by impact | 2 of 4 shown");
	expect_unseen("~east-b");
	type("/\025!west\r");
	expect_unseen("west-a ");
	key(27);
	expect_seen("filter none | sorted by impact | 4 of 4 shown");
	type("/zzz\r");
	expect_seen("no cluster passes the filter");
	type("a");
	expect_seen("no cluster is selected");
	type(":filter east\r");
	expect_seen("filter east | sorted by impact | 2 of 4 shown");
}
END_TEST

START_TEST(the_palette_opens_screens)
{
	type(":jo\r");
	expect_seen("JOURNAL  TIME");
	type(":xyzzy\r");
	expect_seen("is no command");
	key(27);
	ck_assert_int_eq(type(":quit\r").kind, REQUEST_QUIT);
	ck_assert(console_open(console, "sources"));
	expect_seen("SOURCES");
	ck_assert(!console_open(console, "nothing"));
}
END_TEST

START_TEST(messages_stay_until_they_are_read)
{
	scene.messages[0] = (struct console_message){.at_ms = SCENE_NOW_MS - 9000,
		.severity = SEVERITY_WARNING,
		.text = "poolers: no answer"};
	scene.model.message_count = 1;
	expect_seen("poolers: no answer");
	key('e');
	expect_seen("MESSAGES");
	key(27);
	expect_seen("no unread messages");
	expect_unseen("poolers: no answer");
}
END_TEST

START_TEST(data_may_go_away)
{
	static const char *const ways[] = {"", "\r", "a", "a\r", "a\r\r", "l", "s", "/east", "j"};
	for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
		const struct snapshot *snapshot = scene.model.snapshot;
		type(ways[way]);
		scene.model.assessment = NULL;
		scene.model.snapshot = NULL;
		type("jkGg");
		expect_seen("no data yet");
		type("\033a\r\r");
		scene.model.assessment = &scene.assessment;
		type("ja\r");
		scene.model.snapshot = snapshot;
		draw();
		type("\033\033");
	}
}
END_TEST

START_TEST(every_key_everywhere_does_no_harm)
{
	static const char *const ways[] = {
		"", "\r", "l", "r", "e", "s", "?", "a", "a\r", "a\r\r", "A", ":", "/", "u"};
	scene_add_plan(&scene, _i % 2);
	if (_i % 3)
		scene_add_run(&scene, RUN_VERIFYING, OUTCOME_DONE);
	for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
		for (size_t i = 0; i < key_row_count; i++) {
			console_destroy(console);
			console = console_create();
			ck_assert_ptr_nonnull(console);
			type(ways[way]);
			struct console_request request = key(key_rows[i].key);
			ck_assert_int_ne(request.kind, REQUEST_RUN);
			draw();
		}
	}
}
END_TEST

static Suite *flows_suite(void)
{
	Suite *suite = suite_create("flows");
	TCase *tcase = tcase_create("keys");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, an_armed_run_carries_hash_and_reason);
	tcase_add_test(tcase, read_only_plans_but_does_not_run);
	tcase_add_test(tcase, enter_does_nothing_before_tab);
	tcase_add_test(tcase, what_was_not_drawn_cannot_be_run);
	tcase_add_test(tcase, what_does_not_fit_cannot_be_run);
	tcase_add_test(tcase, a_changed_plan_wants_another_look);
	tcase_add_test(tcase, a_refused_plan_offers_the_safe_step);
	tcase_add_test(tcase, prod_wants_reason_and_name);
	tcase_add_test(tcase, an_old_plan_is_not_run);
	tcase_add_test(tcase, a_plan_that_may_be_run_is_being_confirmed);
	tcase_add_test(tcase, trouble_with_a_plan_is_said);
	tcase_add_loop_test(tcase, values_are_read, 0, sizeof value_cases / sizeof *value_cases);
	tcase_add_test(tcase, pools_begin_half_as_large_again);
	tcase_add_test(tcase, arming_asks_and_disarming_does_not);
	tcase_add_test(tcase, quitting_asks_only_while_a_change_is_under_way);
	tcase_add_test(tcase, undo_is_a_plan_like_any_other);
	tcase_add_test(tcase, a_paste_is_never_a_command);
	tcase_add_test(tcase, selection_follows_the_cluster);
	tcase_add_test(tcase, rows_stand_still_for_a_while_and_under_a_menu);
	tcase_add_test(tcase, a_filter_hides_and_says_so);
	tcase_add_test(tcase, the_palette_opens_screens);
	tcase_add_test(tcase, messages_stay_until_they_are_read);
	tcase_add_test(tcase, data_may_go_away);
	tcase_add_loop_test(tcase, every_key_everywhere_does_no_harm, 0, 6);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(flows_suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
