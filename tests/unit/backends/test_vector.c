/* Vectors in pieces of any size say the same; what is no vector is told apart; nothing cut is
 * believed. */
#include "backends/vector.h"

#include <stdlib.h>

#include "tests/unit/backends/bench.h"

static const char whole[] =
	"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":["
	"{\"metric\":{\"cluster\":\"east-a\",\"odd\":\"\\u00fc\\\"\\\\\\n\\ud83d\\ude00\"},"
	"\"value\":[1795360066."
	"051,\"12.5\"]},\n"
	"{\"metric\":{},\"value\":[1,\"NaN\"]},"
	"{ \"metric\" : {\"a\":\"b\"} , "
	"\"histogram\":[1,{\"count\":\"3\",\"buckets\":[[0,\"]}\"]]}]},"
	"{\"value\":[2,\"+Inf\"],\"metric\":{\"x\":\"\",\"y\":\"gr\xc3\xbc\xc3\x9f\"}}"
	"],\"stats\":{}},\"warnings\":[\"half is missing\"]}";

struct heard {
	struct text text;
	uint32_t known; /* series that came with a tag */
};

static bool note(void *context, struct vector_item *item, struct error *error)
{
	struct heard *heard = context;
	(void)error;
	heard->known += item->tag != MEMO_UNKNOWN ? 1 : 0;
	for (size_t i = 0; i < item->series->label_count; i++)
		text_printf(&heard->text, "%s=%s,", item->series->labels[i].name,
			item->series->labels[i].value);
	if (item->has_value)
		text_printf(&heard->text, " %.3f %g\n", item->seconds, item->value);
	else
		text_add(&heard->text, " histogram\n");
	return true;
}

/* The whole in pieces of `size`; false where it is refused. */
static bool hear_with(const char *bytes, size_t length, size_t size, vector_item_fn *on_item,
	struct heard *heard, struct memo *memo, struct error *error)
{
	struct vector_reader reader;
	bool good = vector_init(&reader, on_item, heard, memo, error);
	for (size_t at = 0; good && at < length; at += size) {
		/* each piece at the end of its own memory, so that looking further is seen */
		size_t piece = length - at < size ? length - at : size;
		char *copy = malloc(piece);
		memcpy(copy, bytes + at, piece);
		good = vector_feed(&reader, copy, piece, error);
		free(copy);
	}
	const char *frame = good ? vector_end(&reader, error) : NULL;
	if (frame)
		text_add(&heard->text, frame);
	vector_finish(&reader);
	return frame != NULL;
}

static bool hear(
	const char *bytes, size_t length, size_t size, struct heard *heard, struct error *error)
{
	return hear_with(bytes, length, size, note, heard, NULL, error);
}

static const char said[] =
	"cluster=east-a,odd=\xc3\xbc\"\\\n\xf0\x9f\x98\x80, 1795360066.051 12.5\n"
	" 1.000 nan\n"
	"a=b, histogram\n"
	"x=,y=gr\xc3\xbc\xc3\x9f, 2.000 inf\n"
	"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[],\"stats\":{}},"
	"\"warnings\":[\"half is missing\"]}";

START_TEST(any_pieces_say_the_same)
{
	size_t length = strlen(whole);
	ck_assert(vector_is_one(whole, length));
	for (size_t size = 1; size <= length; size++) {
		struct heard heard;
		struct error error = {0};
		text_init(&heard.text, 1 << 20);
		ck_assert_msg(
			hear(whole, length, size, &heard, &error), "%zu: %s", size, error.text);
		ck_assert_str_eq(text_string(&heard.text), said);
		text_finish(&heard.text);
	}
}
END_TEST

START_TEST(a_cut_reply_is_never_believed)
{
	size_t series_end = (size_t)(strstr(whole, "],\"stats") - whole);
	for (size_t length = 0; length <= series_end; length++) {
		struct heard heard;
		struct error error = {0};
		text_init(&heard.text, 1 << 20);
		ck_assert(!hear(whole, length, 7, &heard, &error));
		ck_assert_int_ne(error.kind, ERROR_NONE);
		text_finish(&heard.text);
	}
}
END_TEST

#define HEAD "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":["

static const char *const bad_items[] = {"x", "{}{}", "{},,{}", "{\"metric\":{\"a\":1}}",
	"{\"metric\":[]}", "{\"value\":[1,2]}", "{\"value\":[\"1\",\"2\"]}",
	"{\"value\":[1,\"2\",3]}", "{\"value\":[1,\"x\"]}", "{\"metric\":{\"a\":\"\\u0000\"}}",
	"{\"metric\":{\"a\":\"\\ud800\"}}", "{\"metric\":{\"a\":\"\xff\"}}",
	"{\"metric\":{\"a\":\"\n\"}}", "{\"metric\":{\"a\":\"\\x\"}}", "{\"metric\" {}}",
	"{metric:{}}", "{\"x\":]}", "[]"};

START_TEST(what_is_no_series_is_refused)
{
	char reply[512];
	snprintf(reply, sizeof(reply), HEAD "%s]}}", bad_items[_i]);
	for (size_t size = 1; size < 9; size++) {
		struct heard heard;
		struct error error = {0};
		text_init(&heard.text, 1 << 20);
		ck_assert_msg(!hear(reply, strlen(reply), size, &heard, &error), "%s", reply);
		ck_assert_int_ne(error.kind, ERROR_NONE);
		text_finish(&heard.text);
	}
}
END_TEST

START_TEST(other_replies_are_told_apart)
{
	static const char *const others[] = {"", "{",
		"{\"status\":\"error\",\"errorType\":\"bad_data\"}",
		"{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}",
		"<html>\"resultType\":\"vector\",\"result\":[", "[1]"};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_msg(!vector_is_one(others[i], strlen(others[i])), "%s", others[i]);
}
END_TEST

START_TEST(a_series_has_its_limit)
{
	struct text text;
	struct heard heard;
	text_init(&text, 1 << 21);
	text_add(&text, HEAD "{\"metric\":{\"a\":\"");
	for (int i = 0; i < VECTOR_ITEM_BYTES; i++)
		text_add_char(&text, 'x');
	text_add(&text, "\"}}]}}");
	for (size_t size = 1000; size <= text.length; size += 99000) {
		struct error error = {0};
		text_init(&heard.text, 1 << 20);
		ck_assert(!hear(text.bytes, text.length, size, &heard, &error));
		ck_assert_int_eq(error.kind, ERROR_LIMIT);
		text_finish(&heard.text);
	}
	text_finish(&text);
}
END_TEST

/* What note_tags() calls a series: the sum of its labels' bytes. */
static bool note_tags(void *context, struct vector_item *item, struct error *error)
{
	struct heard *heard = context;
	(void)error;
	if (item->tag == MEMO_UNKNOWN) {
		item->tag = 0;
		for (size_t i = 0; i < item->series->label_count; i++)
			for (const char *c = item->series->labels[i].value; *c; c++)
				item->tag += (unsigned char)*c;
	} else {
		heard->known++;
	}
	text_printf(&heard->text, "%u=%g%s ", item->tag, item->value, item->has_value ? "" : "?");
	return true;
}

static void hear_tags(
	struct memo *memo, const char *items, uint64_t epoch, size_t size, struct heard *heard)
{
	char reply[2048];
	struct error error = {0};
	*heard = (struct heard){.known = 0};
	text_init(&heard->text, 1 << 16);
	int length = snprintf(reply, sizeof(reply), HEAD "%s]}}", items);
	if (memo)
		memo_begin(memo, epoch);
	ck_assert_msg(hear_with(reply, (size_t)length, size, note_tags, heard, memo, &error),
		"%s: %s", reply, error.text);
	if (memo)
		memo_keep(memo);
}

#define A "{\"metric\":{\"a\":\"x}\"},\"value\":[1,\"5\"]}"
#define A2 "{\"metric\":{\"a\":\"x}\"},\"value\":[2,\"6\"]}"
#define B "{\"metric\":{\"a\":\"},\\\"value\\\":[\"},\"value\":[1,\"7\"]}"
#define C "{\"metric\":{},\"value\":[1,\"8\"],\"group\":1}"
#define D "{\"metric\":{\"h\":\"i\"},\"histogram\":[1,{\"count\":\"3\"}]}"
#define D2 "{\"metric\":{\"h\":\"i\"},\"value\":[1,\"4\"]}"
#define SPACED "{\"metric\": {\"a\":\"x}\"},\"value\":[1,\"9\"]}"

/* A reply after another one; how many of its series are known by then. */
static const struct {
	const char *first, *second;
	uint32_t known;
} pairs[] = {
	{A "," B "," C, A2 "," B "," C, 3},
	{A "," B "," C, C "," A "," B, 3},
	{A "," B "," C, B "," C, 2},
	{B "," C, A "," B "," C "," D2, 2},
	{A "," D, D "," A2, 1},
	{D, D2, 1}, /* by its labels, whatever stood behind them */
	{A, SPACED, 0},
	{"", A, 0},
	{A, "", 0},
};

START_TEST(a_reply_known_by_its_labels_says_what_it_says)
{
	for (size_t size = 1; size < 400; size += size < 60 ? 1 : 43) {
		struct memo memo = {0};
		struct heard plain, first, second;
		hear_tags(NULL, pairs[_i].second, 0, size, &plain);
		hear_tags(&memo, pairs[_i].first, 1, size, &first);
		hear_tags(&memo, pairs[_i].second, 1, size, &second);
		ck_assert_str_eq(text_string(&second.text), text_string(&plain.text));
		if (size > 300)
			ck_assert_uint_eq(second.known, pairs[_i].known);
		text_finish(&first.text);
		text_finish(&second.text);
		hear_tags(&memo, pairs[_i].second, 2, size, &second);
		ck_assert_uint_eq(second.known, 0); /* another epoch */
		text_finish(&plain.text);
		text_finish(&second.text);
		memo_finish(&memo);
	}
}
END_TEST

START_TEST(too_many_labels_are_told)
{
	struct text text;
	struct heard heard;
	struct error error = {0};
	text_init(&text, 1 << 16);
	text_init(&heard.text, 1 << 16);
	text_add(&text, HEAD "{\"metric\":{");
	for (int i = 0; i <= SERIES_LABELS_MOST; i++)
		text_printf(&text, "%s\"l%d\":\"v\"", i ? "," : "", i);
	text_add(&text, "},\"value\":[1,\"2\"]}]}}");
	ck_assert(hear(text.bytes, text.length, 50, &heard, &error));
	ck_assert_ptr_null(strstr(text_string(&heard.text), "l64="));
	ck_assert_ptr_nonnull(strstr(text_string(&heard.text), "l63=v, 1.000 2"));
	text_finish(&text);
	text_finish(&heard.text);
}
END_TEST

static Suite *vector_suite(void)
{
	Suite *suite = suite_create("vector");
	TCase *tcase = tcase_create("vector");
	tcase_add_test(tcase, any_pieces_say_the_same);
	tcase_add_test(tcase, a_cut_reply_is_never_believed);
	tcase_add_loop_test(tcase, what_is_no_series_is_refused, 0,
		(int)(sizeof(bad_items) / sizeof(bad_items[0])));
	tcase_add_test(tcase, other_replies_are_told_apart);
	tcase_add_test(tcase, a_series_has_its_limit);
	tcase_add_loop_test(tcase, a_reply_known_by_its_labels_says_what_it_says, 0,
		(int)(sizeof(pairs) / sizeof(pairs[0])));
	tcase_add_test(tcase, too_many_labels_are_told);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return bench_run(vector_suite());
}
