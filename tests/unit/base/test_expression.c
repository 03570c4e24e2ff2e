#include "core/base/expression.h"

#include <math.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "tests/unit/base/suite.h"

static struct arena *arena;
static struct text out;

static void begin(void)
{
	arena = arena_create((size_t)1024 * 1024);
	ck_assert_ptr_nonnull(arena);
	text_init(&out, 65536);
}

static void finish(void)
{
	text_finish(&out);
	arena_destroy(arena);
}

static const struct {
	const char *name;
	const char *argument;
	struct expression_value value;
} names[] = {
	{"pool.waiting", NULL, {EXPRESSION_NUMBER, 412, NULL}},
	{"pool.use", NULL, {EXPRESSION_NUMBER, 0.9, NULL}},
	{"surface.error_ratio", "web", {EXPRESSION_NUMBER, 0.18, NULL}},
	{"surface.error_ratio", "api", {EXPRESSION_NUMBER, 0, NULL}},
	{"phase", NULL, {EXPRESSION_STRING, 0, "metastable"}},
	{"up", NULL, {EXPRESSION_BOOL, 1, NULL}},
	{"down", NULL, {EXPRESSION_BOOL, 0, NULL}},
	{"x-y", NULL, {EXPRESSION_NUMBER, 5, NULL}},
	{"x", NULL, {EXPRESSION_NUMBER, 7, NULL}},
	{"y", NULL, {EXPRESSION_NUMBER, 3, NULL}},
	{"lost", NULL, {EXPRESSION_UNKNOWN, 0, NULL}},
	{"nan", NULL, {EXPRESSION_NUMBER, NAN, NULL}},
	{"inf", NULL, {EXPRESSION_NUMBER, INFINITY, NULL}},
	{"maximum", NULL, {EXPRESSION_NUMBER, 1, NULL}},
	{"evil", NULL, {EXPRESSION_STRING, 0, "\x1b[2J"}},
};

static bool look_up(
	void *context, const char *name, const char *argument, struct expression_value *value)
{
	(void)context;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		bool both = argument && names[i].argument;
		if (strcmp(names[i].name, name) == 0 && !argument == !names[i].argument &&
			(!both || strcmp(names[i].argument, argument) == 0)) {
			*value = names[i].value;
			return true;
		}
	}
	return false;
}

static const struct expression *parse(const char *source)
{
	struct error error = {0};
	const struct expression *expression = expression_parse(arena, source, &error);
	ck_assert_msg(expression != NULL, "'%s': %s", source, error.text);
	return expression;
}

static const struct {
	const char *source;
	enum truth truth;
} condition_rows[] = {
	{"true", TRUTH_TRUE},
	{"false", TRUTH_FALSE},
	{"not false", TRUTH_TRUE},
	{"not not true", TRUTH_TRUE},
	{"1 < 2", TRUTH_TRUE},
	{"2 < 1", TRUTH_FALSE},
	{"2 <= 2", TRUTH_TRUE},
	{"2 >= 3", TRUTH_FALSE},
	{"2 > 1", TRUTH_TRUE},
	{"2 == 2", TRUTH_TRUE},
	{"2 != 2", TRUTH_FALSE},
	{"pool.waiting == 0 and surface.error_ratio[web] < 1%", TRUTH_FALSE},
	{"max(pool.use, 0.5) > 0.85 or phase == \"metastable\"", TRUTH_TRUE},
	{"surface.error_ratio[api] == 0", TRUTH_TRUE},
	{"surface.error_ratio[ \"web\" ] > 15%", TRUTH_TRUE},
	{"phase == \"metastable\"", TRUTH_TRUE},
	{"phase != \"normal\"", TRUTH_TRUE},
	{"phase == \"normal\"", TRUTH_FALSE},
	{"\"a\\\"b\\\\\" == \"a\\\"b\\\\\"", TRUTH_TRUE},
	{"up", TRUTH_TRUE},
	{"down", TRUTH_FALSE},
	{"up == 1", TRUTH_TRUE},
	{"up == true", TRUTH_TRUE},
	{"up != down", TRUTH_TRUE},
	{"not down and up", TRUTH_TRUE},
	/* and binds tighter than or, not tighter than and, comparing tighter than not. */
	{"true or false and false", TRUTH_TRUE},
	{"(true or false) and false", TRUTH_FALSE},
	{"not false and false", TRUTH_FALSE},
	{"not 1 > 2", TRUTH_TRUE},
	{"inf > 1000000k", TRUTH_TRUE},
	{"maximum == 1", TRUTH_TRUE},
	{"\n true\t", TRUTH_TRUE},
	/* The third answer. */
	{"lost > 1", TRUTH_UNKNOWN},
	{"lost == lost", TRUTH_UNKNOWN},
	{"lost", TRUTH_UNKNOWN},
	{"not lost", TRUTH_UNKNOWN},
	{"nan == nan", TRUTH_UNKNOWN},
	{"nan < 1", TRUTH_UNKNOWN},
	{"false and lost", TRUTH_FALSE},
	{"lost and false", TRUTH_FALSE},
	{"true and lost", TRUTH_UNKNOWN},
	{"lost and true", TRUTH_UNKNOWN},
	{"true or lost", TRUTH_TRUE},
	{"lost or true", TRUTH_TRUE},
	{"false or lost", TRUTH_UNKNOWN},
	{"lost or false", TRUTH_UNKNOWN},
	{"lost and lost", TRUTH_UNKNOWN},
	{"lost or lost", TRUTH_UNKNOWN},
	{"1 / 0 > 1", TRUTH_UNKNOWN},
	{"inf - inf == 0", TRUTH_UNKNOWN},
	{"max(lost, 5) > 1", TRUTH_UNKNOWN},
	{"lost * 0 == 0", TRUTH_UNKNOWN},
	{"5", TRUTH_UNKNOWN},
	{"\"text\"", TRUTH_UNKNOWN},
	{"phase", TRUTH_UNKNOWN},
	{"1 and true", TRUTH_UNKNOWN},
	{"phase == 1", TRUTH_UNKNOWN},
	{"phase != 1", TRUTH_UNKNOWN},
	{"phase < phase", TRUTH_UNKNOWN},
	{"phase + 1 > 0", TRUTH_UNKNOWN},
	{"-phase == 1", TRUTH_UNKNOWN},
	{"nobody == 1", TRUTH_UNKNOWN},
};

START_TEST(conditions)
{
	for (size_t i = 0; i < COUNT_OF(condition_rows); i++) {
		enum truth truth = expression_test(parse(condition_rows[i].source), look_up, NULL);
		ck_assert_msg(truth == condition_rows[i].truth, "'%s' is %d",
			condition_rows[i].source, (int)truth);
	}
}
END_TEST

START_TEST(numbers)
{
	static const struct {
		const char *source;
		double value; /* NAN: none */
	} rows[] = {
		{"0", 0},
		{"1.5", 1.5},
		{".5", 0.5},
		{"5%", 0.05},
		{"15%", 0.15},
		{"250ms", 250},
		{"2s", 2000},
		{"5m", 300000},
		{"1h", 3600000},
		{"10k", 10000},
		{"2x", 2},
		{"1 + 2 * 3", 7},
		{"(1 + 2) * 3", 9},
		{"10 - 2 - 3", 5},
		{"100 / 10 / 2", 5},
		{"-2", -2},
		{"--2", 2},
		{"-x + 1", -6},
		{"2 * -3", -6},
		{"x - y", 4},
		{"x-y", 5},
		{"x -y", 4},
		{"x - -y", 10},
		{"5-3", 2},
		{"2s-1s", 1000},
		{"min(3, 1, 2)", 1},
		{"max(3, 1, 2)", 3},
		{"max(1)", 1},
		{"abs(-4)", 4},
		{"abs(y - x)", 4},
		{"max(min(5, x), y)", 5},
		{"surface.error_ratio[web] * 100", 18},
		{"lost", NAN},
		{"1 / 0", NAN},
		{"lost + 1", NAN},
		{"phase", NAN},
		{"up", NAN},
		{"1 < 2", NAN},
		{"min(1, lost)", NAN},
		{"abs(lost)", NAN},
		{"nan", NAN},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		double value = -77;
		bool ok = expression_number(parse(rows[i].source), look_up, NULL, &value);
		ck_assert_msg(ok == !isnan(rows[i].value), "'%s'", rows[i].source);
		ck_assert_msg(
			value == (ok ? rows[i].value : -77), "'%s' is %g", rows[i].source, value);
	}
}
END_TEST

START_TEST(what_is_no_expression)
{
	static const struct {
		const char *source;
		const char *text;
	} rows[] = {
		{"", "column 1: expected a value, found the end"},
		{"   ", "column 4: expected a value, found the end"},
		{"1 +", "column 4: expected a value, found the end"},
		{"and", "column 1: expected a value, found 'and'"},
		{"1 < or 2", "column 5: expected a value, found 'or'"},
		{"(1 < 2", "column 7: expected ')', found the end"},
		{"1 < 2)", "column 6: expected an operator or the end, found ')'"},
		{"a b", "column 3: expected an operator or the end, found 'b'"},
		{"a = b", "column 3: expected an operator or the end, found '='"},
		{"a && b", "column 3: expected an operator or the end, found '&&'"},
		{"a == 'b'", "column 6: expected a value, found ''b''"},
		{"1 < 2 < 3", "column 7: comparisons cannot be chained; join them with 'and'"},
		{"5q", "column 2: no such unit; there are %, ms, s, m, h, k and x"},
		{"5 + 1.2.3", "column 8: expected an operator or the end, found '.3'"},
		{".", "column 1: expected a number, found '.'"},
		{"\"open", "column 1: the quotes are not closed"},
		{"\"a\\n\"", "column 3: only \\\" and \\\\ may follow a backslash"},
		{"\"a\\", "column 3: only \\\" and \\\\ may follow a backslash"},
		{"\"a\" < 1", "column 5: text can only be compared with == and !="},
		{"1 + \"a\"", "column 3: text cannot be calculated with"},
		{"-\"a\"", "column 1: text cannot be calculated with"},
		{"a[]", "column 2: nothing in the brackets"},
		{"a[\"\"]", "column 2: nothing in the brackets"},
		{"a[b", "column 4: expected ']', found the end"},
		{"a[b[c]]", "column 4: expected ']', found '[c]]'"},
		{"sum(1)", "column 1: no such function; there are min, max and abs"},
		{"min(1,", "column 7: expected a value, found the end"},
		{"min(1 2)", "column 7: expected ',' or ')', found '2)'"},
		{"abs(1, 2)", "column 6: expected ')', found ','"},
		{"\"\xC3\xA9\" == $", "column 8: expected a value, found '$'"},
		{"a == \x1b[2J", "column 6: expected a value, found '?[2J'"},
		{"a == \xFF", "expression is not UTF-8 text"},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct error error = {0};
		const struct expression *expression =
			expression_parse(arena, rows[i].source, &error);
		ck_assert_msg(!expression, "'%s' is taken", rows[i].source);
		ck_assert_int_eq(error.kind, ERROR_SYNTAX);
		ck_assert_str_eq(error.text, rows[i].text);
	}
}
END_TEST

/* `open` `levels` times, then 1, then `close` as often. */
static const struct expression *parse_nested(
	int levels, const char *open, const char *close, struct error *error)
{
	text_clear(&out);
	for (int i = 0; i < levels; i++)
		text_add(&out, open);
	text_add(&out, "1");
	for (int i = 0; i < levels; i++)
		text_add(&out, close);
	return expression_parse(arena, text_string(&out), error);
}

START_TEST(depth_and_length_have_limits)
{
	static const char *const pairs[][2] = {
		{"(", ")"}, {"-", ""}, {"not ", ""}, {"abs(", ")"}, {"max(1,", ")"}};
	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		struct error error = {0};
		ck_assert_ptr_nonnull(
			parse_nested(EXPRESSION_DEPTH, pairs[i][0], pairs[i][1], &error));
		ck_assert_ptr_null(
			parse_nested(EXPRESSION_DEPTH + 1, pairs[i][0], pairs[i][1], &error));
		ck_assert_int_eq(error.kind, ERROR_LIMIT);
		ck_assert_str_eq(error.text, "expression nested deeper than 32 levels");
	}
	struct error error = {0};
	char source[EXPRESSION_BYTES + 2];
	memset(source, ' ', sizeof(source));
	source[0] = '1';
	source[EXPRESSION_BYTES] = '\0';
	ck_assert_ptr_nonnull(expression_parse(arena, source, &error));
	source[EXPRESSION_BYTES] = ' ';
	source[EXPRESSION_BYTES + 1] = '\0';
	ck_assert_ptr_null(expression_parse(arena, source, &error));
	ck_assert_int_eq(error.kind, ERROR_LIMIT);
}
END_TEST

START_TEST(long_chains_are_walked)
{
	text_clear(&out);
	for (int i = 0; i < 255; i++)
		text_add(&out, "1 + ");
	text_add(&out, "1");
	double value = 0;
	ck_assert(expression_number(parse(text_string(&out)), look_up, NULL, &value));
	ck_assert_double_eq(value, 256);
}
END_TEST

START_TEST(names_are_checked)
{
	struct error error = {0};
	ck_assert(expression_check(
		parse("lost > 1 and max(x, surface.error_ratio[web]) < 5"), look_up, NULL, &error));
	ck_assert(expression_check(parse("1 < 2"), look_up, NULL, &error));
	ck_assert(!expression_check(
		parse("x > 1 and abs(1 - nobody) > 1 or other"), look_up, NULL, &error));
	ck_assert_int_eq(error.kind, ERROR_SCHEMA);
	ck_assert_str_eq(error.text, "nothing is called 'nobody'");
	ck_assert(
		!expression_check(parse("surface.error_ratio[mobile] > 1"), look_up, NULL, &error));
	ck_assert_str_eq(error.text, "nothing is called 'surface.error_ratio[mobile]'");
}
END_TEST

START_TEST(explained_with_present_values)
{
	static const struct {
		const char *source;
		const char *text;
	} rows[] = {
		{"pool.waiting == 0", "pool.waiting {412} == 0"},
		{"max(pool.use, 0.5) > 85% or phase == \"x\"",
			"max(pool.use {0.90}, 0.5) > 85% or phase {\"metastable\"} == \"x\""},
		{"surface.error_ratio[web] < 1%  ", "surface.error_ratio[web] {0.18} < 1%  "},
		{"lost > 1 and not up", "lost {?} > 1 and not up {true}"},
		{"-x\n< y", "-x {7} < y {3}"},
		{"evil == \"\x07\"", "evil {\"?[2J\"} == \"?\""},
		{"true", "true"},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		text_clear(&out);
		expression_explain(parse(rows[i].source), look_up, NULL, &out);
		ck_assert_str_eq(text_string(&out), rows[i].text);
	}
}
END_TEST

START_TEST(no_memory_is_an_error)
{
	for (size_t limit = 0; limit < 2000; limit += 16) {
		struct arena *small = arena_create(limit);
		struct error error = {0};
		const struct expression *expression =
			expression_parse(small, "max(x, y[\"a\"]) > 5% or phase == \"b\"", &error);
		ck_assert_int_eq(error.kind, expression ? ERROR_NONE : ERROR_NO_MEMORY);
		arena_destroy(small);
	}
}
END_TEST

static Suite *expression_suite(void)
{
	const TTest *tests[] = {conditions, numbers, what_is_no_expression,
		depth_and_length_have_limits, long_chains_are_walked, names_are_checked,
		explained_with_present_values, no_memory_is_an_error};
	return suite_with("expression", tests, COUNT_OF(tests), begin, finish);
}

int main(void)
{
	return suite_run(expression_suite());
}
