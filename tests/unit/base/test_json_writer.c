#include "core/base/json_writer.h"

#include <math.h>

#include "core/base/text.h"
#include "tests/unit/base/suite.h"

static struct text out;
static struct json_writer writer;

static void begin(void)
{
	text_init(&out, 65536);
	json_writer_init(&writer, &out);
}

static void finish(void)
{
	text_finish(&out);
}

START_TEST(nesting_and_commas)
{
	json_begin_object(&writer);
	json_member_string(&writer, "phase", "normal");
	json_key(&writer, "stages");
	json_begin_array(&writer);
	json_begin_array(&writer);
	json_end_array(&writer);
	json_begin_object(&writer);
	json_end_object(&writer);
	json_integer(&writer, -7);
	json_null(&writer);
	json_end_array(&writer);
	json_member_bool(&writer, "armed", false);
	json_member_integer(&writer, "most", INT64_MAX);
	json_member_number(&writer, "use", 0.85);
	json_member_time(&writer, "at", INT64_C(1770224760123));
	json_member_time(&writer, "never", 0);
	json_member_string(&writer, "none", NULL);
	json_end_object(&writer);
	ck_assert(text_ok(&out));
	ck_assert_str_eq(text_string(&out),
		"{\"phase\":\"normal\",\"stages\":[[],{},-7,null],\"armed\":false,"
		"\"most\":9223372036854775807,\"use\":0.85,"
		"\"at\":\"2026-02-04T17:06:00.123Z\",\"never\":null,\"none\":null}");
}
END_TEST

START_TEST(strings)
{
	static const struct {
		const char *value;
		const char *json;
	} rows[] = {
		{"", "\"\""},
		{"a\"b\\c/d", "\"a\\\"b\\\\c/d\""},
		{"\n\t\r\b\f", "\"\\n\\t\\r\\b\\f\""},
		{"\x01\x1b[0m\x7f", "\"\\u0001\\u001b[0m\\u007f\""},
		{"gr\xC3\xBC\xC3\x9F", "\"gr\xC3\xBC\xC3\x9F\""},
		{"\xC2\x9B", "\"\\u009b\""},
		{"\xE2\x80\xA8\xE2\x80\xAE\xE2\x80\xAC", "\"\\u2028\\u202e\\u202c\""},
		{"\xF3\xA0\x81\x81", "\"\\udb40\\udc41\""},
		{"\xF0\x9F\x94\xA5", "\"\xF0\x9F\x94\xA5\""},
		{"a\xFFz\xE2\x82", "\"a\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\""},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		text_clear(&out);
		json_writer_init(&writer, &out);
		json_string(&writer, rows[i].value);
		ck_assert_str_eq(text_string(&out), rows[i].json);
	}
}
END_TEST

START_TEST(keys_are_strings_too)
{
	json_begin_object(&writer);
	json_member_bool(&writer, "a\"b", true);
	json_end_object(&writer);
	ck_assert_str_eq(text_string(&out), "{\"a\\\"b\":true}");
}
END_TEST

START_TEST(what_is_no_number_is_null)
{
	json_begin_array(&writer);
	json_number(&writer, NAN);
	json_number(&writer, INFINITY);
	json_number(&writer, -INFINITY);
	json_number(&writer, 0);
	json_number(&writer, 1e21);
	json_number(&writer, 0.1);
	json_end_array(&writer);
	ck_assert_str_eq(text_string(&out), "[null,null,null,0,1e+21,0.1]");
}
END_TEST

START_TEST(too_deep_and_unbalanced_fail_the_text)
{
	for (int i = 0; i < JSON_WRITER_DEPTH; i++)
		json_begin_array(&writer);
	ck_assert(text_ok(&out));
	json_begin_array(&writer);
	ck_assert(!text_ok(&out));
	text_clear(&out);
	json_writer_init(&writer, &out);
	json_end_object(&writer);
	ck_assert(!text_ok(&out));
}
END_TEST

static Suite *json_writer_suite(void)
{
	const TTest *tests[] = {nesting_and_commas, strings, keys_are_strings_too,
		what_is_no_number_is_null, too_deep_and_unbalanced_fail_the_text};
	return suite_with("json_writer", tests, COUNT_OF(tests), begin, finish);
}

int main(void)
{
	return suite_run(json_writer_suite());
}
