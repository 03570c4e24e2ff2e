/*
 * Every allocation of core/base failing in turn. The linker sends malloc(), calloc() and realloc()
 * of our own objects here; a scenario is run again and again, each time one allocation later fails,
 * once alone and once with all that follow, until none is left to fail. Each failure must be
 * reported, must leave outputs untouched, and must leak nothing (which AddressSanitizer watches).
 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/base/clock.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/expression.h"
#include "core/base/fields.h"
#include "core/base/json_writer.h"
#include "core/base/loop.h"
#include "core/base/text.h"
#include "core/base/yaml.h"
#include "tests/fault/torture.h"

/* ---- scenarios: true when everything asked for was done ---- */

static const char good_file[] = "url: \"http://127.0.0.1:9090\"\n"
				"every: 2s\n"
				"list: [a, b, {c: d, e: f}]\n"
				"kind: two\n";
static const char bad_file[] = "evrey: 2s\nkind: three\nevery: fast\nurl: [x]\nzzzzzz: 1\n";
static const char broken_file[] = "a: {x: 1, x: 2, y: [&k 1, *k]}\n";

struct sample {
	const char *url;
	const char *label;
	int64_t every_ms;
	int kind;
	const struct yaml_node *list;
};

static const char *const kinds[] = {"one", "two", NULL};

static const struct field rows[] = {
	{"url", FIELD_STRING, offsetof(struct sample, url), .required = true, .help = "Where."},
	{"label", FIELD_STRING, offsetof(struct sample, label), .fallback = "none"},
	{"every", FIELD_DURATION, offsetof(struct sample, every_ms), .min = 100, .max = 60000},
	{"kind", FIELD_CHOICE, offsetof(struct sample, kind), .choices = kinds},
	{"list", FIELD_NODE, offsetof(struct sample, list), .help = NULL},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static bool run_yaml(void)
{
	struct complaints complaints;
	complaints_init(&complaints);
	const struct yaml_node *root = NULL;
	torture_arm();
	struct arena *arena = arena_create((size_t)1024 * 1024);
	if (arena)
		root = yaml_parse(arena, "f", good_file, sizeof(good_file) - 1, &complaints);
	torture_disarm();
	if (arena)
		ck_assert_int_eq(root == NULL, complaints.total > 0);
	arena_destroy(arena);
	complaints_finish(&complaints);
	return root != NULL;
}

static bool run_yaml_file(void)
{
	char path[] = "/tmp/spillway-alloc-XXXXXX";
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, good_file, sizeof(good_file) - 1), sizeof(good_file) - 1);
	close(fd);
	struct complaints complaints;
	complaints_init(&complaints);
	struct arena *arena = arena_create((size_t)1024 * 1024);
	torture_arm();
	const struct yaml_node *root = yaml_read(arena, path, &complaints);
	torture_disarm();
	ck_assert_int_eq(root == NULL, complaints.total > 0);
	arena_destroy(arena);
	complaints_finish(&complaints);
	unlink(path);
	return root != NULL;
}

/* What is wrong with a file is refused whether or not there is memory to say so. */
static bool run_refusals(void)
{
	struct complaints complaints;
	struct text printed;
	struct sample sample;
	complaints_init(&complaints);
	text_init(&printed, 65536);
	struct arena *arena = arena_create((size_t)1024 * 1024);
	const struct yaml_node *root =
		yaml_parse(arena, "f", bad_file, sizeof(bad_file) - 1, &complaints);
	ck_assert_ptr_nonnull(root);
	torture_arm();
	bool read = fields_read(rows, ROWS, root, "", &sample, arena, &complaints);
	const struct yaml_node *broken =
		yaml_parse(arena, "f", broken_file, sizeof(broken_file) - 1, &complaints);
	complaints_print(&complaints, &printed);
	torture_disarm();
	ck_assert(!read);
	ck_assert_ptr_null(broken);
	ck_assert_uint_ge(complaints.total, 6);
	ck_assert_int_eq(sample.kind, -1);
	ck_assert_int_eq(sample.every_ms, 0);
	bool complete = text_ok(&printed) && complaints.count == complaints.total;
	text_finish(&printed);
	complaints_finish(&complaints);
	arena_destroy(arena);
	return complete;
}

static bool run_fields(void)
{
	struct complaints complaints;
	complaints_init(&complaints);
	struct arena *scratch = arena_create((size_t)1024 * 1024);
	const struct yaml_node *root =
		yaml_parse(scratch, "f", good_file, sizeof(good_file) - 1, &complaints);
	ck_assert_ptr_nonnull(root);
	struct arena *arena = arena_create((size_t)1024 * 1024);
	struct sample sample;
	torture_arm();
	bool ok = fields_read(rows, ROWS, root, "", &sample, arena, &complaints);
	torture_disarm();
	ck_assert_int_eq(ok, complaints.total == 0);
	ck_assert_int_eq(ok, sample.url != NULL && sample.label != NULL);
	ck_assert_int_eq(sample.every_ms, 2000);
	arena_destroy(arena);
	arena_destroy(scratch);
	complaints_finish(&complaints);
	return ok;
}

static bool run_schema(void)
{
	struct text out;
	text_init(&out, 65536);
	torture_arm();
	fields_schema(rows, ROWS, &out);
	torture_disarm();
	bool ok = text_ok(&out);
	text_finish(&out);
	return ok;
}

static bool look_up(
	void *context, const char *name, const char *argument, struct expression_value *value)
{
	(void)context;
	(void)name;
	(void)argument;
	*value = (struct expression_value){.kind = EXPRESSION_NUMBER, .number = 1};
	return true;
}

static bool run_expression(void)
{
	struct error error = {0};
	struct text explained;
	const struct expression *expression = NULL;
	text_init(&explained, 65536);
	/* A full arena first, so that the parser's own allocations fail too. */
	torture_arm();
	struct arena *arena = arena_create((size_t)1024 * 1024);
	for (int i = 0; arena && i < 100; i++)
		arena_alloc(arena, 100);
	if (arena)
		expression = expression_parse(arena,
			"max(pool.use, 0.5) > 85% or not (phase[\"a\"] == \"x\") and b[c] != -1",
			&error);
	if (expression)
		expression_explain(expression, look_up, NULL, &explained);
	torture_disarm();
	if (arena && !expression)
		ck_assert_int_eq(error.kind, ERROR_NO_MEMORY);
	if (expression)
		ck_assert_int_eq(expression_test(expression, look_up, NULL), TRUTH_TRUE);
	bool ok = expression && text_ok(&explained);
	text_finish(&explained);
	arena_destroy(arena);
	return ok;
}

static bool run_text(void)
{
	struct text text;
	text_init(&text, 100000);
	torture_arm();
	for (int i = 0; i < 100; i++) {
		text_add(&text, "pool.used ");
		text_printf(&text, "%d %*d", i, i * 5, i);
	}
	torture_disarm();
	ck_assert_uint_eq(strlen(text_string(&text)), text.length);
	bool ok = text_ok(&text);
	text_finish(&text);
	return ok;
}

static bool run_json(void)
{
	struct text out;
	struct json_writer writer;
	text_init(&out, 100000);
	json_writer_init(&writer, &out);
	torture_arm();
	json_begin_array(&writer);
	for (int i = 0; i < 50; i++) {
		json_begin_object(&writer);
		json_member_string(&writer, "name", "east \x1b \xFF");
		json_member_number(&writer, "use", 0.1 * i);
		json_end_object(&writer);
	}
	json_end_array(&writer);
	torture_disarm();
	bool ok = text_ok(&out);
	text_finish(&out);
	return ok;
}

static void count_call(void *context)
{
	(*(int *)context)++;
}

static void count_ready(void *context, int fd, unsigned events)
{
	(void)fd;
	(void)events;
	(*(int *)context)++;
}

static void count_signal(void *context, int signal_number)
{
	(void)signal_number;
	(*(int *)context)++;
}

/* A loop that could not take everything still turns with what it has. */
static bool run_loop(void)
{
	struct clock clock;
	struct error error = {0};
	int ends[2];
	int calls = 0;
	int expected = 0;
	bool ok = false;
	clock_init_manual(&clock, 1000);
	ck_assert_int_eq(pipe(ends), 0);
	int high = fcntl(ends[1], F_DUPFD, 100);
	torture_arm();
	struct loop *loop = loop_create(&clock, &error);
	if (loop) {
		ok = true;
		for (int i = 0; i < 40; i++) {
			bool started = loop_timer_start(loop, 0, count_call, &calls) != 0;
			expected += started;
			ok = ok && started;
		}
		const int fds[] = {ends[1], high};
		for (size_t i = 0; i < 2; i++) {
			bool watched =
				loop_watch(loop, fds[i], LOOP_WRITE, count_ready, &calls, &error);
			expected += watched;
			ok = ok && watched;
		}
		ok = loop_signal(loop, SIGUSR1, count_signal, &calls, &error) && ok;
		ok = loop_turn(loop, 0, &error) && ok;
	}
	torture_disarm();
	ck_assert_int_eq(calls, expected);
	if (!loop)
		ck_assert_int_eq(error.kind, ERROR_NO_MEMORY);
	loop_destroy(loop);
	close(high);
	close(ends[0]);
	close(ends[1]);
	return ok;
}

static bool run_check(void)
{
	struct error error = {0};
	torture_arm();
	bool ok = fields_check(rows, ROWS, &error);
	torture_disarm();
	ck_assert_int_eq(ok, error.kind == ERROR_NONE);
	return ok;
}

static const struct torture scenarios[] = {
	{"yaml", run_yaml, false},
	{"yaml file", run_yaml_file, false},
	{"refusals", run_refusals, true},
	{"fields", run_fields, false},
	{"schema", run_schema, false},
	{"expression", run_expression, true},
	{"text", run_text, false},
	{"json", run_json, false},
	{"loop", run_loop, false},
	{"table check", run_check, false},
};

int main(void)
{
	return torture_main(
		"base_alloc", scenarios, (int)(sizeof(scenarios) / sizeof(scenarios[0])));
}
