#include "core/base/fields.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"
#include "core/base/yaml.h"
#include "tests/unit/base/suite.h"

/* One key of every type. */
struct sample {
	const char *url;
	bool follow;
	int64_t retries;
	double weight;
	int64_t every_ms;
	double ceiling;
	double step;
	int64_t from_ms;
	int kind;
	const struct yaml_node *rest;
};

static const char *const kinds[] = {"prometheus", "haproxy", "exposition", NULL};

static const struct field rows[] = {
	{"url", FIELD_STRING, offsetof(struct sample, url), .required = true, .help = "Where."},
	{"follow", FIELD_BOOL, offsetof(struct sample, follow), .fallback = "true"},
	{"retries", FIELD_INTEGER, offsetof(struct sample, retries), .min = 0, .max = 5,
		.fallback = "2"},
	{"weight", FIELD_NUMBER, offsetof(struct sample, weight), .help = NULL},
	{"every", FIELD_DURATION, offsetof(struct sample, every_ms), .min = 250, .max = 3600000,
		.fallback = "2s", .help = "How often."},
	{"ceiling", FIELD_PERCENT, offsetof(struct sample, ceiling), .max = 1},
	{"step", FIELD_FACTOR, offsetof(struct sample, step), .min = 1, .max = INFINITY},
	{"from", FIELD_TIME, offsetof(struct sample, from_ms), .help = NULL},
	{"kind", FIELD_CHOICE, offsetof(struct sample, kind), .choices = kinds},
	{"rest", FIELD_NODE, offsetof(struct sample, rest), .help = NULL},
};

static struct arena *arena;
static struct complaints complaints;
static struct text out;

static void begin(void)
{
	arena = arena_create((size_t)1024 * 1024);
	ck_assert_ptr_nonnull(arena);
	complaints_init(&complaints);
	text_init(&out, 65536);
}

static void finish(void)
{
	text_finish(&out);
	complaints_finish(&complaints);
	arena_destroy(arena);
}

/* Read the source into a struct full of rubbish, so that every field must have been written. */
static bool read_sample(const char *source, const char *path, struct sample *sample)
{
	complaints_finish(&complaints);
	text_clear(&out);
	memset(sample, 0x55, sizeof(*sample));
	const struct yaml_node *root =
		yaml_parse(arena, "f.yaml", source, strlen(source), &complaints);
	ck_assert_ptr_nonnull(root);
	bool ok = fields_read(rows, COUNT_OF(rows), root, path, sample, arena, &complaints);
	complaints_print(&complaints, &out);
	ck_assert_int_eq(ok, complaints.total == 0);
	return ok;
}

static void check_fallbacks(const struct sample *sample)
{
	ck_assert(sample->follow);
	ck_assert_int_eq(sample->retries, 2);
	ck_assert(isnan(sample->weight));
	ck_assert_int_eq(sample->every_ms, 2000);
	ck_assert(isnan(sample->ceiling));
	ck_assert(isnan(sample->step));
	ck_assert_int_eq(sample->from_ms, 0);
	ck_assert_int_eq(sample->kind, -1);
}

START_TEST(every_type_is_read)
{
	struct sample sample;
	ck_assert_msg(read_sample("url: http://x\nfollow: false\nretries: 0\nweight: -1.5e2\n"
				  "every: 1.5s\nceiling: 85%\nstep: 2x\n"
				  "from: 2026-02-04T17:06:00Z\nkind: haproxy\nrest: [1]\n",
			      "", &sample),
		"%s", text_string(&out));
	ck_assert_str_eq(sample.url, "http://x");
	ck_assert(!sample.follow);
	ck_assert_int_eq(sample.retries, 0);
	ck_assert_double_eq(sample.weight, -150);
	ck_assert_int_eq(sample.every_ms, 1500);
	ck_assert_double_eq(sample.ceiling, 0.85);
	ck_assert_double_eq(sample.step, 2);
	ck_assert_int_eq(sample.from_ms, INT64_C(1770224760000));
	ck_assert_int_eq(sample.kind, 1);
	ck_assert_int_eq(sample.rest->kind, YAML_SEQUENCE);
}
END_TEST

START_TEST(json_says_the_same)
{
	struct sample sample;
	ck_assert_msg(read_sample("{\"url\": \"no\", \"follow\": false, \"retries\": 1, \"every\": "
				  "\"5m\", \"ceiling\": \"15%\", \"kind\": \"exposition\"}",
			      "", &sample),
		"%s", text_string(&out));
	ck_assert_str_eq(sample.url, "no");
	ck_assert_int_eq(sample.every_ms, 300000);
	ck_assert_double_eq(sample.ceiling, 0.15);
	ck_assert_int_eq(sample.kind, 2);
}
END_TEST

START_TEST(what_is_absent_falls_back)
{
	struct sample sample;
	ck_assert(read_sample("url: x\n", "", &sample));
	check_fallbacks(&sample);
	ck_assert_ptr_null(sample.rest);
	memset(&sample, 0x55, sizeof(sample));
	ck_assert(fields_read(rows, COUNT_OF(rows), NULL, "", &sample, arena, &complaints));
	check_fallbacks(&sample);
	ck_assert_ptr_null(sample.url);
}
END_TEST

START_TEST(all_complaints_at_once_and_fallbacks_stand)
{
	struct sample sample;
	ck_assert(!read_sample("follow: yes\nretries: 9\nweight: heavy\nevery: fast\nceiling: 15\n"
			       "step: 0.5x\nfrom: yesterday\nkind: promethus\nevrey: 2s\nzzz: 1\n",
		"sources.prom", &sample));
	check_fallbacks(&sample);
	ck_assert_str_eq(text_string(&out),
		"f.yaml:1: sources.prom.follow: expected true or false, not 'yes'\n"
		"f.yaml:2: sources.prom.retries: expected a whole number such as '5', from 0 to 5, "
		"not '9'\n"
		"f.yaml:3: sources.prom.weight: expected a number such as '0.5', not 'heavy'\n"
		"f.yaml:4: sources.prom.every: expected a duration such as '2s', from 250ms to 1h, "
		"not 'fast'\n"
		"f.yaml:5: sources.prom.ceiling: expected a percentage such as '15%', from 0% to "
		"100%, not '15'\n"
		"f.yaml:6: sources.prom.step: expected a factor such as '2x', at least 1x, not "
		"'0.5x'\n"
		"f.yaml:7: sources.prom.from: expected a time such as '2026-02-04T17:06:00Z', not "
		"'yesterday'\n"
		"f.yaml:8: sources.prom.kind: expected one of prometheus, haproxy, exposition, not "
		"'promethus'; did you mean 'prometheus'?\n"
		"f.yaml:9: sources.prom.evrey: unknown key; did you mean 'every'?\n"
		"f.yaml:10: sources.prom.zzz: unknown key; known here: url, follow, retries, "
		"weight, every, ceiling, step, from, kind, rest\n"
		"f.yaml:1: sources.prom.url: missing; expected text\n");
}
END_TEST

START_TEST(the_wrong_shape)
{
	static const struct {
		const char *source;
		const char *complaints;
	} cases[] = {
		{"url: [x]\n", "f.yaml:1: url: expected text, not a list\n"},
		{"url: {a: x}\n", "f.yaml:1: url: expected text, not a mapping\n"},
		{"url:\n", "f.yaml:1: url: expected text, not nothing\n"},
		{"url: x\nfollow: 'true'\n",
			"f.yaml:2: follow: expected true or false, not text in quotes\n"},
		{"url: x\nretries: \"1\"\n", "f.yaml:2: retries: expected a whole number such as "
					     "'5', from 0 to 5, not text in quotes\n"},
		{"url: x\nfrom: ''\n", "f.yaml:2: from: expected a time such as "
				       "'2026-02-04T17:06:00Z', not nothing\n"},
		{"[1]\n", "f.yaml:1: expected a mapping, not a list\n"},
		{"word\n", "f.yaml:1: expected a mapping, not text\n"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct sample sample;
		ck_assert(!read_sample(cases[i].source, "", &sample));
		ck_assert_str_eq(text_string(&out), cases[i].complaints);
		check_fallbacks(&sample);
	}
	struct sample sample;
	ck_assert(read_sample("url: ''\n", "", &sample));
	ck_assert_str_eq(sample.url, "");
}
END_TEST

START_TEST(durations)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} cases[] = {
		{"0s", 0},
		{"250ms", 250},
		{"2s", 2000},
		{"5m", 300000},
		{"1h", 3600000},
		{"7d", 604800000},
		{"0.25s", 250},
		{"1.5ms", 2},
		{"2", -1},
		{"s", -1},
		{"2 s", -1},
		{"-2s", -1},
		{"+2s", -1},
		{".5s", -1},
		{"5.s", -1},
		{"2S", -1},
		{"2sec", -1},
		{"1h30m", -1},
		{"infs", -1},
		{"1e3s", -1},
		{"99999999999999d", -1},
		{"", -1},
	};
	const struct field row = {"every", FIELD_DURATION, 0, .help = NULL};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char why[FIELD_WHY_BYTES] = "";
		int64_t ms = 42;
		bool ok = field_parse(&row, cases[i].text, &ms, arena, why, sizeof(why));
		ck_assert_msg(ok == (cases[i].ms >= 0), "'%s'", cases[i].text);
		ck_assert_int_eq(ms, ok ? cases[i].ms : 42);
		ck_assert_int_eq(why[0] == '\0', ok);
	}
	const struct field offset = {"shift", FIELD_DURATION, 0, .min = -60000, .max = 60000};
	char why[FIELD_WHY_BYTES];
	int64_t ms = 0;
	ck_assert(field_parse(&offset, "-5s", &ms, arena, why, sizeof(why)));
	ck_assert_int_eq(ms, -5000);
	ck_assert(!field_parse(&offset, "-61s", &ms, arena, why, sizeof(why)));
	ck_assert_str_eq(why, "expected a duration such as '2s', from -1m to 1m, not '-61s'");
}
END_TEST

START_TEST(reasons_are_safe_and_fit)
{
	const struct field row = {"every", FIELD_DURATION, 0, .help = NULL};
	char why[16];
	int64_t ms = 0;
	ck_assert(!field_parse(&row, "x", &ms, arena, why, sizeof(why)));
	ck_assert_str_eq(why, "expected a dura");
	char long_why[FIELD_WHY_BYTES];
	ck_assert(!field_parse(&row, "\x1b[2J", &ms, arena, long_why, sizeof(long_why)));
	ck_assert_ptr_nonnull(strstr(long_why, "'?[2J'"));
	const struct field node = {"rest", FIELD_NODE, 0, .help = NULL};
	const struct yaml_node *rest = NULL;
	ck_assert(!field_parse(&node, "x", &rest, arena, long_why, sizeof(long_why)));
}
END_TEST

START_TEST(tables_are_checked)
{
	struct error error = {0};
	ck_assert_msg(fields_check(rows, COUNT_OF(rows), &error), "%s", error.text);
	const struct field twice[] = {
		{"a", FIELD_BOOL, 0, .help = NULL}, {"a", FIELD_BOOL, 8, .help = NULL}};
	ck_assert(!fields_check(twice, 2, &error));
	ck_assert_str_eq(error.text, "key 'a' twice");
	const struct field wrong[] = {{"a", FIELD_DURATION, 0, .fallback = "5"}};
	ck_assert(!fields_check(wrong, 1, &error));
	const struct field none[] = {{"a", FIELD_CHOICE, 0, .help = NULL}};
	ck_assert(!fields_check(none, 1, &error));
	ck_assert_str_eq(error.text, "'a' has no choices");
}
END_TEST

START_TEST(the_schema)
{
	fields_schema(rows, COUNT_OF(rows), &out);
	ck_assert(text_ok(&out));
	ck_assert_str_eq(text_string(&out),
		"{\"type\":\"object\",\"properties\":{"
		"\"url\":{\"description\":\"Where.\",\"type\":[\"string\",\"number\",\"boolean\"]},"
		"\"follow\":{\"type\":\"boolean\",\"default\":true},"
		"\"retries\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":5,\"default\":2},"
		"\"weight\":{\"type\":\"number\"},"
		"\"every\":{\"description\":\"How often. (from 250ms to 1h)\",\"type\":\"string\","
		"\"pattern\":\"^[0-9]+(\\\\.[0-9]+)?(ms|s|m|h|d)$\",\"default\":\"2s\"},"
		"\"ceiling\":{\"description\":\"(from 0% to 100%)\",\"type\":\"string\","
		"\"pattern\":\"^[0-9]+(\\\\.[0-9]+)?%$\"},"
		"\"step\":{\"description\":\"(at least 1x)\",\"type\":\"string\","
		"\"pattern\":\"^[0-9]+(\\\\.[0-9]+)?x$\"},"
		"\"from\":{\"type\":\"string\",\"format\":\"date-time\"},"
		"\"kind\":{\"enum\":[\"prometheus\",\"haproxy\",\"exposition\"]},"
		"\"rest\":{}},"
		"\"required\":[\"url\"],\"additionalProperties\":false}");
}
END_TEST

static void write_nested(void *context, const struct field *row, struct json_writer *writer)
{
	ck_assert_str_eq(row->key, "rest");
	fields_schema_write(context, 1, NULL, NULL, writer);
}

START_TEST(schemas_nest)
{
	struct field inner = {"armed", FIELD_BOOL, 0, .help = NULL};
	struct json_writer writer;
	json_writer_init(&writer, &out);
	fields_schema_write(rows + 9, 1, write_nested, &inner, &writer);
	ck_assert_str_eq(text_string(&out),
		"{\"type\":\"object\",\"properties\":{\"rest\":{\"type\":\"object\",\"properties\":"
		"{"
		"\"armed\":{\"type\":\"boolean\"}},\"additionalProperties\":false}},"
		"\"additionalProperties\":false}");
}
END_TEST

static Suite *fields_suite(void)
{
	const TTest *tests[] = {every_type_is_read, json_says_the_same, what_is_absent_falls_back,
		all_complaints_at_once_and_fallbacks_stand, the_wrong_shape, durations,
		reasons_are_safe_and_fit, tables_are_checked, the_schema, schemas_nest};
	return suite_with("fields", tests, COUNT_OF(tests), begin, finish);
}

int main(void)
{
	return suite_run(fields_suite());
}
