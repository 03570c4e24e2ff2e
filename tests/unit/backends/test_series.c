#include "backends/series.h"

#include <stdlib.h>

#include "tests/unit/backends/bench.h"

struct good_row {
	const char *text;
	size_t taken;
	const char *name;
	const char *label, *value; /* one to look for */
	size_t labels;
};

static const struct good_row good_rows[] = {
	{"up", 2, "up", "any", "", 0},
	{"up 1", 2, "up", "any", "", 0},
	{"up{}", 4, "up", "any", "", 0},
	{"patroni_postgres_server_version {scope=\"inc\"} 150018", 45,
		"patroni_postgres_server_version", "scope", "inc", 1},
	{"a\t{ b = \"c\" , }", 15, "a", "b", "c", 1},
	{"a:b_total{x=\"1\",y=\"2\"}", 22, "a:b_total", "y", "2", 2},
	{"a{p=\"C:\\\\dir\\n\\\"q\\\"\"}", 21, "a", "p", "C:\\dir\n\"q\"", 1},
	{"a{e=\"\"}", 7, "a", "e", "", 1},
	{"a{e=\"}, {\"}", 11, "a", "e", "}, {", 1},
	{"a{u=\"gr\xc3\xbc\xc3\x9f\"}", 13, "a", "u", "gr\xc3\xbc\xc3\x9f", 1},
};

START_TEST(reads_what_the_format_allows)
{
	const struct good_row *row = &good_rows[_i];
	char room[256];
	struct series series;
	struct error error = {0};
	size_t taken =
		series_parse(row->text, strlen(row->text), room, sizeof(room), &series, &error);
	ck_assert_msg(taken > 0, "%s", error.text);
	ck_assert_uint_eq(taken, row->taken);
	ck_assert_str_eq(series.name, row->name);
	ck_assert_uint_eq(series.label_count, row->labels);
	ck_assert_str_eq(series_label(&series, row->label), row->value);
}
END_TEST

struct bad_row {
	const char *text;
	const char *says;
};

static const struct bad_row bad_rows[] = {
	{"", "expected a metric's name"},
	{"9up", "expected a metric's name at column 1, found '9up'"},
	{"{__name__=\"up\"}", "expected a metric's name"},
	{"up{", "expected a label's name or '}'"},
	{"up{a", "expected '='"},
	{"up{a=", "expected a value in double quotes"},
	{"up{a=1}", "expected a value in double quotes at column 6, found '1}'"},
	{"up{a=\"1}", "expected the closing quote"},
	{"up{a=\"1\\", "expected \\\\, \\\" or \\n"},
	{"up{a=\"\\t\"}", "expected \\\\, \\\" or \\n"},
	{"up{a=\"1\" b=\"2\"}", "expected ',' or '}'"},
	{"up{,}", "expected a label's name or '}'"},
	{"up{a:b=\"1\"}", "expected '='"},
	{"up{a=\"1\",a=\"2\"}", "the label 'a' is given twice"},
	{"up{a=\"\xff\xfe\"}", "not valid UTF-8"},
};

START_TEST(refuses_what_it_does_not)
{
	const struct bad_row *row = &bad_rows[_i];
	char room[256];
	struct series series = {.name = "untouched"};
	struct error error = {0};
	ck_assert_uint_eq(
		series_parse(row->text, strlen(row->text), room, sizeof(room), &series, &error), 0);
	ck_assert_msg(strstr(error.text, row->says), "%s", error.text);
	ck_assert_int_eq(error.kind, ERROR_SYNTAX);
	ck_assert_str_eq(series.name, "untouched");
}
END_TEST

START_TEST(has_limits)
{
	struct text text;
	struct series series;
	struct error error = {0};
	char *room = malloc(1 << 20);
	text_init(&text, 1 << 20);
	text_add(&text, "a{b=\"");
	for (int i = 0; i < SERIES_VALUE_BYTES + 1; i++)
		text_add_char(&text, 'x');
	text_add(&text, "\"}");
	ck_assert_uint_eq(series_parse(text.bytes, text.length, room, 1 << 20, &series, &error), 0);
	ck_assert_int_eq(error.kind, ERROR_LIMIT);
	text_clear(&text);
	text_add(&text, "a{");
	for (int i = 0; i <= SERIES_LABELS_MOST; i++)
		text_printf(&text, "l%d=\"v\",", i);
	text_add(&text, "}");
	ck_assert_uint_eq(series_parse(text.bytes, text.length, room, 1 << 20, &series, &error), 0);
	ck_assert_str_eq(error.text, "a series has more than 64 labels");
	ck_assert_uint_eq(series_parse("abc{d=\"e\"}", 10, room, 7, &series, &error), 0);
	ck_assert_int_eq(error.kind, ERROR_LIMIT);
	ck_assert_uint_eq(series_parse("abc{d=\"e\"}", 10, room, 8, &series, &error), 10);
	text_finish(&text);
	free(room);
}
END_TEST

struct pattern_row {
	const char *pattern, *value;
	bool matches;
};

static const struct pattern_row pattern_rows[] = {
	{"5xx", "5xx", true},
	{"5xx", "5xxx", false},
	{"5..|429", "503", true},
	{"5..|429", "429", true},
	{"5..|429", "4290", false},
	{"5..|429", "5", false},
	{".*", "", true},
	{"a.*b", "axxbxb", true},
	{"a.*b", "axxbxbc", false},
	{"", "", true},
	{"a|", "", true},
	{"a.*b.*c", "abbc", true},
};

START_TEST(patterns_match_whole_values)
{
	const struct pattern_row *row = &pattern_rows[_i];
	ck_assert_msg(series_pattern_matches(row->pattern, row->value) == row->matches, "%s on %s",
		row->pattern, row->value);
}
END_TEST

START_TEST(selectors_say_more_than_lines)
{
	static const char text[] = "a{code=~\"5..\", zone != \"x\"} - b -c";
	char room[sizeof(text)];
	struct series series, line;
	struct error error = {0};
	ck_assert_uint_eq(series_parse(text, strlen(text), room, sizeof(room), &series, &error),
		strlen(text));
	ck_assert_uint_eq(series.label_count, 4);
	ck_assert_str_eq(series.labels[0].name, "~code");
	ck_assert_str_eq(series.labels[1].name, "!zone");
	ck_assert_str_eq(series.labels[2].name, SERIES_LESS);
	ck_assert_str_eq(series.labels[3].value, "c");
	line.name = "a";
	line.label_count = 1;
	line.labels[0] = (struct source_label){"code", "503"};
	ck_assert(series_is_selected(&line, series.labels, series.label_count));
	line.labels[0].value = "200";
	ck_assert(!series_is_selected(&line, series.labels, series.label_count));
	line.label_count = 2;
	line.labels[0].value = "503";
	line.labels[1] = (struct source_label){"zone", "x"};
	ck_assert(!series_is_selected(&line, series.labels, series.label_count));
	/* of all this a page may have nothing */
	ck_assert_uint_eq(
		series_parse_line("a{b!=\"c\"}", 9, room, sizeof(room), &series, &error), 0);
	ck_assert_uint_eq(
		series_parse_line("a{b=~\"c\"}", 9, room, sizeof(room), &series, &error), 0);
	ck_assert_uint_eq(series_parse_line("a -1", 4, room, sizeof(room), &series, &error), 1);
	ck_assert_uint_eq(
		series_parse("a{b=~\"[c]\"}", 11, room, sizeof(room), &series, &error), 0);
	ck_assert_str_eq(error.text, "a pattern knows '.', '.*' and '|' only, not '['");
	ck_assert_uint_eq(series_parse("a - ", 4, room, sizeof(room), &series, &error), 0);
}
END_TEST

static Suite *series_suite(void)
{
	Suite *suite = suite_create("series");
	TCase *tcase = tcase_create("series");
	tcase_add_loop_test(tcase, reads_what_the_format_allows, 0,
		(int)(sizeof(good_rows) / sizeof(good_rows[0])));
	tcase_add_loop_test(
		tcase, refuses_what_it_does_not, 0, (int)(sizeof(bad_rows) / sizeof(bad_rows[0])));
	tcase_add_loop_test(tcase, patterns_match_whole_values, 0,
		(int)(sizeof(pattern_rows) / sizeof(pattern_rows[0])));
	tcase_add_test(tcase, selectors_say_more_than_lines);
	tcase_add_test(tcase, has_limits);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(series_suite());
}
