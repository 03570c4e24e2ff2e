/* Reading JSON from outside: what is refused and where, and what each getter answers. */
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/wire/json.h"
#include "tests/unit/base/suite.h"

static struct json_document *parse(const char *text)
{
	struct error error = {0};
	struct json_document *document = json_parse(text, strlen(text), &error);
	ck_assert_msg(document != NULL, "%s: %s", text, error.text);
	ck_assert_int_eq(error.kind, ERROR_NONE);
	return document;
}

struct refusal {
	const char *bytes;
	size_t length; /* 0: to the NUL */
	enum error_kind kind;
	const char *text; /* a part of the message */
};

static const struct refusal refusals[] = {
	{"", 0, ERROR_SYNTAX, "byte 0: it ends too early"},
	{"  \n", 0, ERROR_SYNTAX, "byte 3: it ends too early"},
	{"<html>", 0, ERROR_SYNTAX, "byte 0: a value was expected"},
	{"[1] xyz", 0, ERROR_SYNTAX, "byte 4: something follows"},
	{"{}{}", 0, ERROR_SYNTAX, "byte 2: something follows"},
	{"[1,]", 0, ERROR_SYNTAX, "byte 3: a value was expected"},
	{"[,1]", 0, ERROR_SYNTAX, "byte 1: a value was expected"},
	{"[1", 0, ERROR_SYNTAX, "byte 2: it ends too early"},
	{"[1}", 0, ERROR_SYNTAX, "byte 2: a comma or an end"},
	{"{\"a\":1]", 0, ERROR_SYNTAX, "byte 6: a comma or an end"},
	{"{\"a\":1,}", 0, ERROR_SYNTAX, "byte 7: a member's name"},
	{"{a:1}", 0, ERROR_SYNTAX, "byte 1: a member's name"},
	{"{\"a\" 1}", 0, ERROR_SYNTAX, "byte 5: a colon"},
	{"]", 0, ERROR_SYNTAX, "byte 0: a value was expected"},
	{"nul", 0, ERROR_SYNTAX, "byte 0: a value was expected"},
	{"NaN", 0, ERROR_SYNTAX, "byte 0: a value was expected"},
	{"+1", 0, ERROR_SYNTAX, "byte 0: a value was expected"},
	{"01", 0, ERROR_SYNTAX, "byte 2: a number is badly"},
	{"-", 0, ERROR_SYNTAX, "a number is badly"},
	{"1.", 0, ERROR_SYNTAX, "a fraction has no digits"},
	{"1e+", 0, ERROR_SYNTAX, "an exponent has no digits"},
	{"\"a", 0, ERROR_SYNTAX, "a string does not end"},
	{"\"a\nb\"", 0, ERROR_SYNTAX, "byte 2: a control character"},
	{"\"a\0b\"", 5, ERROR_SYNTAX, "byte 2: a control character"},
	{"[1,\0 2]", 7, ERROR_SYNTAX, "byte 3: a value was expected"},
	{"[1]\0", 4, ERROR_SYNTAX, "byte 3: something follows"},
	{"\"\\u0000\"", 0, ERROR_SYNTAX, "\\u0000"},
	{"{\"k\\u0000\":1}", 0, ERROR_SYNTAX, "\\u0000"},
	{"\"\\ud800\"", 0, ERROR_SYNTAX, "half of a surrogate"},
	{"\"\\ud800\\u0041\"", 0, ERROR_SYNTAX, "half of a surrogate"},
	{"\"\\udc00\"", 0, ERROR_SYNTAX, "half of a surrogate"},
	{"\"\\u12g4\"", 0, ERROR_SYNTAX, "no four hex digits"},
	{"\"\\x41\"", 0, ERROR_SYNTAX, "an escape that JSON does not know"},
	{"\"\\", 0, ERROR_SYNTAX, "an escape that JSON does not know"},
	{"\"\xff\"", 0, ERROR_SYNTAX, "byte 1: the text is not valid UTF-8"},
	{"\"\xc0\xaf\"", 0, ERROR_SYNTAX, "not valid UTF-8"},
	{"\"\xed\xa0\x80\"", 0, ERROR_SYNTAX, "not valid UTF-8"},
	{"\"\xe2\x82\"", 0, ERROR_SYNTAX, "not valid UTF-8"},
	{"1111111111222222222233333333334444444444555555555566666666667777", 0, ERROR_LIMIT,
		"byte 0 is longer than 63"},
};

START_TEST(refuses)
{
	const struct refusal *row = &refusals[_i];
	struct error error = {0};
	size_t length = row->length ? row->length : strlen(row->bytes);
	/* An exact copy, so that a read past the end is seen by the sanitizer. */
	char *bytes = malloc(length + (length == 0));
	memcpy(bytes, row->bytes, length);
	ck_assert_ptr_null(json_parse(bytes, length, &error));
	ck_assert_msg(error.kind == row->kind, "row %d: %s", _i, error.text);
	ck_assert_msg(strstr(error.text, row->text) != NULL, "row %d: %s", _i, error.text);
	free(bytes);
}
END_TEST

START_TEST(depth_has_a_limit)
{
	char text[4 * JSON_DEPTH];
	for (int depth = JSON_DEPTH; depth <= JSON_DEPTH + 1; depth++) {
		memset(text, '[', (size_t)depth);
		memset(text + depth, ']', (size_t)depth);
		struct error error = {0};
		struct json_document *document = json_parse(text, (size_t)depth * 2, &error);
		ck_assert_int_eq(document != NULL, depth <= JSON_DEPTH);
		ck_assert_int_eq(error.kind, depth <= JSON_DEPTH ? ERROR_NONE : ERROR_LIMIT);
		json_destroy(document);
	}
	/* Brackets in strings do not nest. */
	memset(text, '[', sizeof(text));
	text[0] = text[sizeof(text) - 1] = '"';
	struct json_document *document = json_parse(text, sizeof(text), NULL);
	ck_assert_ptr_nonnull(document);
	json_destroy(document);
}
END_TEST

START_TEST(size_has_a_limit)
{
	struct error error = {0};
	ck_assert_ptr_null(json_parse("1", JSON_BYTES + 1, &error));
	ck_assert_int_eq(error.kind, ERROR_LIMIT);
}
END_TEST

START_TEST(walks)
{
	struct json_document *document =
		parse(" {\"a\": [1, \"two\", null, true], \"A\": {}, \"\": \"e\\u0301\\n\"} \r\n");
	const struct json_node *root = json_root(document);
	ck_assert(json_is_object(root));
	ck_assert_uint_eq(json_count(root), 3);
	const struct json_node *array = json_get(root, "a");
	ck_assert(json_is_array(array));
	ck_assert_str_eq(json_key_of(array), "a");
	ck_assert(json_is_object(json_get(root, "A")));
	ck_assert_str_eq(json_text(json_get(root, "")), "e\xcc\x81\n");
	ck_assert_ptr_null(json_get(root, "b"));
	const struct json_node *one = json_first(array);
	ck_assert_ptr_null(json_key_of(one));
	ck_assert_ptr_null(json_text(one));
	const struct json_node *two = json_next(one);
	ck_assert_str_eq(json_text(two), "two");
	ck_assert(json_is_null(json_next(two)));
	ck_assert_ptr_null(json_first(json_get(root, "A")));
	ck_assert_ptr_null(json_next(root));
	ck_assert_ptr_null(json_get(array, "a"));
	json_destroy(document);
}
END_TEST

START_TEST(first_duplicate_wins)
{
	struct json_document *document = parse("{\"a\":1,\"a\":2}");
	double value = 0;
	ck_assert(json_number_of(json_get(json_root(document), "a"), &value));
	ck_assert(value == 1.0);
	json_destroy(document);
}
END_TEST

START_TEST(absent_is_answered_for_null)
{
	double number = 42;
	int64_t integer = 42;
	bool truth = true;
	ck_assert(!json_is_object(NULL) && !json_is_array(NULL) && !json_is_null(NULL));
	ck_assert_ptr_null(json_get(NULL, "a"));
	ck_assert_ptr_null(json_first(NULL));
	ck_assert_ptr_null(json_next(NULL));
	ck_assert_ptr_null(json_key_of(NULL));
	ck_assert_ptr_null(json_text(NULL));
	ck_assert_ptr_null(json_pointer(NULL, "/a"));
	ck_assert_ptr_null(json_root(NULL));
	ck_assert_uint_eq(json_count(NULL), 0);
	ck_assert(!json_number_of(NULL, &number) && !json_integer_of(NULL, &integer));
	ck_assert(!json_bool_of(NULL, &truth));
	ck_assert(number == 42 && integer == 42 && truth);
	json_destroy(NULL);
}
END_TEST

struct numeral {
	const char *text;
	double number;
	int64_t integer;
	bool is_number, is_integer;
};

static const struct numeral numerals[] = {
	{"1", 1, 1, true, true},
	{"-0", 0, 0, true, true},
	{"1.5", 1.5, 0, true, false},
	{"1e3", 1000, 1000, true, true},
	{"1.0", 1, 1, true, true},
	{"1e999", 0, 0, false, false},
	{"9007199254740991", 9007199254740991.0, 9007199254740991, true, true},
	{"9007199254740993", 9007199254740992.0, 9007199254740993, true, true},
	{"9223372036854775807", 9223372036854775808.0, INT64_MAX, true, true},
	{"-9223372036854775808", -9223372036854775808.0, INT64_MIN, true, true},
	{"9223372036854775808", 9223372036854775808.0, 0, true, false},
	{"9007199254740993.0", 9007199254740992.0, 0, true, false},
	{"1e17", 1e17, 0, true, false},
	{"\"1\"", 1, 1, true, true},
	{"\"9007199254740993\"", 9007199254740992.0, 9007199254740993, true, true},
	{"\"+Inf\"", INFINITY, 0, true, false},
	{"\"\"", 0, 0, false, false},
	{"\"0x10\"", 0, 0, false, false},
	{"\"1 \"", 0, 0, false, false},
	{"true", 0, 0, false, false},
	{"null", 0, 0, false, false},
	{"[1]", 0, 0, false, false},
};

START_TEST(reads_numbers)
{
	const struct numeral *row = &numerals[_i];
	struct json_document *document = parse(row->text);
	double number = -7;
	int64_t integer = -7;
	ck_assert_msg(
		json_number_of(json_root(document), &number) == row->is_number, "%s", row->text);
	ck_assert_msg(number == (row->is_number ? row->number : -7), "%s: %g", row->text, number);
	ck_assert_msg(
		json_integer_of(json_root(document), &integer) == row->is_integer, "%s", row->text);
	ck_assert_msg(integer == (row->is_integer ? row->integer : -7), "%s", row->text);
	json_destroy(document);
}
END_TEST

START_TEST(reads_nan_from_a_string)
{
	struct json_document *document = parse("\"NaN\"");
	double number = 0;
	ck_assert(json_number_of(json_root(document), &number));
	ck_assert(isnan(number));
	json_destroy(document);
}
END_TEST

START_TEST(long_numbers_keep_their_place)
{
	struct json_document *document = parse("{\"1\":[1,\"9999999999999999999\",{\"\\\"2\":"
					       "1234567890123456789}],\"b\":-9007199254740993,"
					       "\"c\":true,\"d\":9007199254740995}");
	int64_t value = 0;
	const struct json_node *root = json_root(document);
	ck_assert(json_integer_of(json_pointer(root, "/1/2/\"2"), &value));
	ck_assert_int_eq(value, 1234567890123456789);
	ck_assert(json_integer_of(json_get(root, "b"), &value));
	ck_assert_int_eq(value, -9007199254740993);
	ck_assert(json_integer_of(json_get(root, "d"), &value));
	ck_assert_int_eq(value, 9007199254740995);
	ck_assert_ptr_null(json_text(json_get(root, "d")));
	json_destroy(document);
}
END_TEST

START_TEST(reads_booleans)
{
	struct json_document *document = parse("[true,false,\"true\",1]");
	const struct json_node *node = json_first(json_root(document));
	bool value = false;
	ck_assert(json_bool_of(node, &value) && value);
	ck_assert(json_bool_of(json_next(node), &value) && !value);
	ck_assert(!json_bool_of(json_pointer(json_root(document), "/2"), &value));
	ck_assert(!json_bool_of(json_pointer(json_root(document), "/3"), &value));
	json_destroy(document);
}
END_TEST

struct lead {
	const char *pointer;
	double to; /* NAN: nowhere */
};

static const struct lead leads[] = {
	{"/foo/0", 10},
	{"/foo/1", 11},
	{"/", 0},
	{"/a~1b", 1},
	{"/m~0n", 8},
	{"/~01", 9},
	{"/foo/2", NAN},
	{"/foo/01", NAN},
	{"/foo/-", NAN},
	{"/foo/", NAN},
	{"/foo/99999999999999999999", NAN},
	{"foo", NAN},
	{"/Foo", NAN},
	{"/a~b", NAN},
	{"/a/b", NAN},
	{"/foo/0/x", NAN},
	{"/fo", NAN},
	{"/fooo", NAN},
};

START_TEST(follows_pointers)
{
	struct json_document *document =
		parse("{\"foo\":[10,11],\"\":0,\"a/b\":1,\"m~n\":8,\"~1\":9}");
	const struct lead *row = &leads[_i];
	double value = NAN;
	json_number_of(json_pointer(json_root(document), row->pointer), &value);
	ck_assert_msg(isnan(row->to) ? isnan(value) : value == row->to, "%s led to %g",
		row->pointer, value);
	ck_assert_ptr_eq(json_pointer(json_root(document), ""), json_root(document));
	json_destroy(document);
}
END_TEST

static Suite *json_suite(void)
{
	Suite *suite = suite_create("json");
	TCase *checking = tcase_create("checking");
	tcase_add_loop_test(checking, refuses, 0, sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_test(checking, depth_has_a_limit);
	tcase_add_test(checking, size_has_a_limit);
	suite_add_tcase(suite, checking);
	TCase *reading = tcase_create("reading");
	tcase_add_test(reading, walks);
	tcase_add_test(reading, first_duplicate_wins);
	tcase_add_test(reading, absent_is_answered_for_null);
	tcase_add_loop_test(reading, reads_numbers, 0, sizeof(numerals) / sizeof(numerals[0]));
	tcase_add_test(reading, reads_nan_from_a_string);
	tcase_add_test(reading, long_numbers_keep_their_place);
	tcase_add_test(reading, reads_booleans);
	tcase_add_loop_test(reading, follows_pointers, 0, sizeof(leads) / sizeof(leads[0]));
	suite_add_tcase(suite, reading);
	return suite;
}

int main(void)
{
	return suite_run(json_suite());
}
