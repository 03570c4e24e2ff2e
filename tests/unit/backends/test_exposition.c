#include "backends/exposition.h"

#include <stdlib.h>

#include "tests/unit/backends/bench.h"

/* As exporters really write: Patroni's blank before the brace, leading zeros, NaN, escapes, times.
 */
static const char page[] = "# HELP patroni_version Patroni semver without periods.\n"
			   "# TYPE patroni_version gauge\n"
			   "patroni_version{scope=\"inc\"} 030002\n"
			   "patroni_postgres_server_version {scope=\"inc\"} 150018\n"
			   "\n"
			   "haproxy_server_limit_sessions{proxy=\"be_east_a\",server=\"r1\"} NaN\n"
			   "go_memstats_alloc_bytes 1.05e+06\r\n"
			   "http_request_duration_seconds_bucket{le=\"+Inf\"} +Inf\n"
			   "\tlast_config{path=\"C:\\\\x\\n\"}\t-3.5\t1795360066051 \n"
			   "cut_limit -Inf -5\n";

struct seen {
	size_t count;
	double sum; /* of the finite ones */
	size_t nan, infinite, with_time;
	int64_t last_time_ms;
};

static bool note(void *context, const struct exposition_sample *sample, struct error *error)
{
	struct seen *seen = context;
	(void)error;
	seen->count++;
	if (isnan(sample->value))
		seen->nan++;
	else if (isinf(sample->value))
		seen->infinite++;
	else
		seen->sum += sample->value;
	if (sample->has_time) {
		seen->with_time++;
		seen->last_time_ms = sample->time_ms;
	}
	return true;
}

static bool read_in_two(
	const char *bytes, size_t length, size_t split, struct seen *seen, struct error *error)
{
	struct exposition_reader reader;
	*seen = (struct seen){0};
	ck_assert(exposition_init(&reader, note, seen, error));
	bool good = exposition_feed(&reader, bytes, split, error) &&
		    exposition_feed(&reader, bytes + split, length - split, error) &&
		    exposition_end(&reader, error);
	exposition_finish(&reader);
	return good;
}

START_TEST(reads_a_page_in_any_two_pieces)
{
	for (size_t split = 0; split < sizeof(page); split++) {
		struct seen seen;
		struct error error = {0};
		ck_assert_msg(read_in_two(page, sizeof(page) - 1, split, &seen, &error), "%zu: %s",
			split, error.text);
		ck_assert_uint_eq(seen.count, 7);
		ck_assert_uint_eq(seen.nan, 1);
		ck_assert_uint_eq(seen.infinite, 2);
		ck_assert_uint_eq(seen.with_time, 2);
		ck_assert_int_eq(seen.last_time_ms, -5);
		ck_assert_double_eq_tol(seen.sum, 30002 + 150018 + 1.05e6 - 3.5, 1e-6);
	}
}
END_TEST

START_TEST(never_believes_a_page_that_was_cut)
{
	static const char short_page[] = "a 123\nb 4567\n";
	for (size_t cut = 0; cut < sizeof(short_page) - 1; cut++) {
		struct seen seen;
		struct error error = {0};
		bool whole_lines = cut == 0 || short_page[cut - 1] == '\n';
		ck_assert_int_eq(read_in_two(short_page, cut, 0, &seen, &error), whole_lines);
		if (!whole_lines)
			ck_assert_msg(strstr(error.text, "cut short"), "%s", error.text);
	}
}
END_TEST

struct bad_row {
	const char *body;
	const char *says;
};

static const struct bad_row bad_rows[] = {
	{"a 1\nb\n", "line 2: expected a value after 'b', found ''"},
	{"a one\n", "line 1: expected a value after 'a', found 'one'"},
	{"a 0x10\n", "expected a value"},
	{"a 1 soon\n", "line 1: expected a time in milliseconds after 'a', found 'soon'"},
	{"a 1 1.5\n", "expected a time in milliseconds"},
	{"a 1 2 3\n", "line 1: expected the end of the line after 'a', found '3'"},
	{"a 1 # {trace_id=\"x\"} 1\n", "expected a time in milliseconds"},
	{"a{b=\"c} 1\n", "line 1: expected the closing quote"},
	{"<html>\n", "line 1: expected a metric's name"},
	{"a{b=\"c\"}x 1\n", "expected a value"},
};

START_TEST(names_the_bad_line)
{
	struct seen seen;
	struct error error = {0};
	const char *body = bad_rows[_i].body;
	ck_assert(!read_in_two(body, strlen(body), 1, &seen, &error));
	ck_assert_int_eq(error.kind, ERROR_SYNTAX);
	ck_assert_msg(strstr(error.text, bad_rows[_i].says), "%s", error.text);
}
END_TEST

START_TEST(limits_the_length_of_a_line)
{
	size_t length = EXPOSITION_LINE_BYTES + 2;
	char *line = malloc(length);
	ck_assert_ptr_nonnull(line);
	memset(line, 'a', length);
	line[length - 1] = '\n';
	size_t splits[] = {0, 100, EXPOSITION_LINE_BYTES, length - 1};
	for (size_t i = 0; i < sizeof(splits) / sizeof(splits[0]); i++) {
		struct seen seen;
		struct error error = {0};
		ck_assert(!read_in_two(line, length, splits[i], &seen, &error));
		ck_assert_int_eq(error.kind, ERROR_LIMIT);
		ck_assert_msg(strstr(error.text, "line 1"), "%s", error.text);
	}
	free(line);
}
END_TEST

START_TEST(limits_the_number_of_lines)
{
	struct exposition_reader reader;
	struct seen seen = {0};
	struct error error = {0};
	char newlines[4096];
	memset(newlines, '\n', sizeof(newlines));
	ck_assert(exposition_init(&reader, note, &seen, &error));
	size_t fed = 0;
	while (exposition_feed(&reader, newlines, sizeof(newlines), &error))
		fed += sizeof(newlines);
	exposition_finish(&reader);
	ck_assert_int_eq(error.kind, ERROR_LIMIT);
	ck_assert_uint_le(fed, EXPOSITION_LINES_MOST);
}
END_TEST

static const char *const any_lines[] = {"up 1", "up{} 1", "up{a=\"b\"} 1",
	"up{a=\"b\",c=\"d\"} -1.5e-7", "up{a=\"b\",} 1", "up {a=\"b\"} 1", "up{a=\"\\n\"} 1",
	"up 1 1795360066051", "up NaN", "up +Inf", "up 030002", "up 1.5.2", "up 1e", "up .", "up -",
	"up", "up ", "up{", "up{a}", "up{a=b} 1", "up{a=\"b\" 1", "up{a=\"b} 1", "up{a=\"b\"}",
	"up{a=\"b\"}1", "up{a=\"b\"} x", "up{9a=\"b\"} 1", "up{a:b=\"c\"} 1", "9up 1", "u-p 1",
	"up 1 2 3", "up 0x10", "up 1,5", "up{a=\"\xff\"} 1", "up{a=\"gr\xc3\xbc\"} 1",
	"up{a=\"\t\"} 1", "up{a=\"b\"}\t1", "\"up\" 1", "up:x_total 1e+06", "up 1\r",
	"up{a=\"b\"}} 1", "up{,} 1", "up{a!=\"b\"} 1", "up{a=~\"b\"} 1", "up e5", "up 1e+",
	"up 1_0", "up - 1"};

static bool wants_none(const void *context, const char *name, size_t length)
{
	(void)context;
	(void)name;
	(void)length;
	return false;
}

static bool ignore(void *context, const struct exposition_sample *sample, struct error *error)
{
	(void)context;
	(void)sample;
	(void)error;
	return true;
}

static bool takes(const char *line, exposition_wants_fn *wants)
{
	struct exposition_reader reader;
	struct error error = {0};
	ck_assert(exposition_init(&reader, ignore, NULL, &error));
	reader.wants = wants;
	bool good = exposition_feed(&reader, line, strlen(line), &error) &&
		    exposition_feed(&reader, "\n", 1, &error) && exposition_end(&reader, &error);
	exposition_finish(&reader);
	return good;
}

START_TEST(unwanted_lines_are_held_to_the_format_too)
{
	const char *line = any_lines[_i];
	char whole[256];
	snprintf(whole, sizeof(whole), "%s\n", line);
	ck_assert_msg(takes(line, NULL) == takes(line, wants_none), "%s", line);
	ck_assert_msg(takes(whole, NULL) == takes(whole, wants_none), "%s", line);
}
END_TEST

static Suite *exposition_suite(void)
{
	Suite *suite = suite_create("exposition");
	TCase *tcase = tcase_create("exposition");
	tcase_add_test(tcase, reads_a_page_in_any_two_pieces);
	tcase_add_test(tcase, never_believes_a_page_that_was_cut);
	tcase_add_loop_test(
		tcase, names_the_bad_line, 0, (int)(sizeof(bad_rows) / sizeof(bad_rows[0])));
	tcase_add_test(tcase, limits_the_length_of_a_line);
	tcase_add_test(tcase, limits_the_number_of_lines);
	tcase_add_loop_test(tcase, unwanted_lines_are_held_to_the_format_too, 0,
		(int)(sizeof(any_lines) / sizeof(any_lines[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(exposition_suite());
}
