/* Answers read on the lane: whole and byte by byte they are the same, and what is odd is left to
 * libcurl. */
#include "core/wire/http_lane_reply.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "core/wire/http_transfer.h"
#include "tests/unit/base/suite.h"

struct taken {
	char bytes[256];
	size_t length;
	size_t most;
};

static bool take(void *context, const char *bytes, size_t length)
{
	struct taken *taken = context;
	if (taken->length + length > taken->most)
		return false;
	memcpy(taken->bytes + taken->length, bytes, length);
	taken->length += length;
	taken->bytes[taken->length] = '\0';
	return true;
}

struct answer {
	const char *text;
	enum http_lane_verdict verdict;
	int status;
	const char *body;
	bool keep;
	size_t after; /* bytes past its end */
};

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

static const struct answer answers[] = {
	{OK_HEAD "Content-Length: 2\r\n\r\nok", HTTP_LANE_WHOLE, 200, "ok", true, 0},
	{OK_HEAD "Content-Length: 0\r\n\r\n", HTTP_LANE_WHOLE, 200, "", true, 0},
	{OK_HEAD "Content-Length: 2\r\n\r\nokHTTP/1.1", HTTP_LANE_WHOLE, 200, "ok", true, 8},
	{OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n1;a=b\r\n!\r\n0\r\nETag: "
		 "x\r\n\r\n",
		HTTP_LANE_WHOLE, 200, "ok!", true, 0},
	{OK_HEAD "Connection: close\r\nContent-Length: 2\r\n\r\nok", HTTP_LANE_WHOLE, 200, "ok",
		false, 0},
	{"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
		HTTP_LANE_WHOLE, 200, "ok", false, 0},
	{"HTTP/1.1 503 No\r\nContent-Length: 3\r\n\r\nwhy", HTTP_LANE_WHOLE, 503, "why", true, 0},
	{"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", HTTP_LANE_WHOLE, 401, "", true, 0},
	{"HTTP/1.1 204 No\r\nContent-Length: 9\r\n\r\n", HTTP_LANE_WHOLE, 204, "", true, 0},
	{"HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n", HTTP_LANE_WHOLE, 304, "", true, 0},
	{"HTTP/1.1 302 No\r\nContent-Length: 0\r\n\r\n", HTTP_LANE_WHOLE, 302, "", true, 0},
	{"HTTP/1.1 201 No\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", HTTP_LANE_WHOLE, 201, "",
		true, 0},
	/* not at its end */
	{OK_HEAD "Content-Length: 3\r\n\r\nok", HTTP_LANE_MORE, 200, "ok", false, 0},
	{OK_HEAD "\r\nto the end", HTTP_LANE_MORE, 200, "to the end", false, 0},
	{OK_HEAD "Content-Le", HTTP_LANE_MORE, 0, "", false, 0},
	/* not for the lane */
	{"HTTP/1.1 302 No\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", HTTP_LANE_ODD, 302, "",
		false, 0},
	{"HTTP/1.1 100 Continue\r\n\r\n", HTTP_LANE_ODD, 100, "", false, 0},
	{"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", HTTP_LANE_ODD, 101,
		"", false, 0},
	{"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", HTTP_LANE_ODD, 200, "", false, 0},
	{OK_HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", HTTP_LANE_ODD, 200, "", false,
		0},
	{OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", HTTP_LANE_ODD, 200, "",
		false, 0},
	{OK_HEAD "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok", HTTP_LANE_ODD, 0, "", false,
		0},
	{OK_HEAD "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		HTTP_LANE_ODD, 0, "", false, 0},
	{OK_HEAD "Content-Length: -2\r\n\r\nok", HTTP_LANE_ODD, 0, "", false, 0},
	{OK_HEAD "Content-Length: 99999999999999999999\r\n\r\nok", HTTP_LANE_ODD, 0, "", false, 0},
	{OK_HEAD "A(b: c\r\n\r\n", HTTP_LANE_ODD, 0, "", false, 0},
	{OK_HEAD "Content-Type: a\x1b[2J\r\n\r\n", HTTP_LANE_ODD, 0, "", false, 0},
	{OK_HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n", HTTP_LANE_ODD, 200, "", false, 0},
	{"SSH-2.0-OpenSSH_9.2p1\r\n", HTTP_LANE_ODD, 0, "", false, 0},
	{"\x16\x03\x01", HTTP_LANE_ODD, 0, "", false, 0},
	/* more than is taken */
	{OK_HEAD "Content-Length: 24\r\n\r\n0123456789abcdef01234567", HTTP_LANE_STOPPED, 200, "",
		false, 0},
};

/* Feed it in pieces of that size; returns how many bytes were its own. */
static size_t feed(
	struct http_lane_reply *reply, struct taken *taken, const char *text, size_t piece)
{
	size_t length = strlen(text), at = 0;
	*taken = (struct taken){.most = 20};
	http_lane_reply_begin(reply, true, take, taken);
	while (at < length && reply->verdict == HTTP_LANE_MORE) {
		size_t used = 0;
		size_t next = length - at < piece ? length - at : piece;
		http_lane_reply_feed(reply, text + at, next, &used);
		at += used;
		if (reply->verdict == HTTP_LANE_MORE)
			ck_assert_uint_eq(used, next);
	}
	return at;
}

START_TEST(answers_are_read_alike_in_one_piece_and_in_many)
{
	const struct answer *row = &answers[_i];
	for (size_t piece = 1; piece <= strlen(row->text); piece++) {
		struct http_lane_reply reply;
		struct taken taken;
		size_t used = feed(&reply, &taken, row->text, piece);
		ck_assert_msg(reply.verdict == row->verdict, "%d for '%s' by %zu", reply.verdict,
			row->text, piece);
		ck_assert_int_eq(reply.status, row->status);
		if (row->verdict == HTTP_LANE_STOPPED)
			continue;
		ck_assert_str_eq(taken.bytes, row->body);
		if (row->verdict != HTTP_LANE_WHOLE)
			continue;
		ck_assert_int_eq(reply.keep, row->keep);
		ck_assert_uint_eq(used, strlen(row->text) - row->after);
		ck_assert_uint_eq(reply.bytes, used);
	}
}
END_TEST

START_TEST(the_end_of_the_connection_may_end_the_body)
{
	struct http_lane_reply reply;
	struct taken taken;
	feed(&reply, &taken, OK_HEAD "\r\nto the end", 4);
	ck_assert_int_eq(http_lane_reply_end(&reply), HTTP_LANE_WHOLE);
	ck_assert(!reply.keep);
	ck_assert_str_eq(taken.bytes, "to the end");
	feed(&reply, &taken, OK_HEAD "Content-Length: 3\r\n\r\nok", 100);
	ck_assert_int_eq(http_lane_reply_end(&reply), HTTP_LANE_MORE);
	feed(&reply, &taken, OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", 100);
	ck_assert_int_eq(http_lane_reply_end(&reply), HTTP_LANE_MORE);
	feed(&reply, &taken, OK_HEAD "Content-Le", 100);
	ck_assert_int_eq(http_lane_reply_end(&reply), HTTP_LANE_MORE);
	feed(&reply, &taken, "", 1);
	ck_assert_int_eq(http_lane_reply_end(&reply), HTTP_LANE_MORE);
	ck_assert_uint_eq(reply.bytes, 0);
}
END_TEST

START_TEST(headers_that_count_are_kept_safe)
{
	static const char text[] =
		OK_HEAD "content-TYPE:  text/plain\xff  \r\nETag: \"a\"\r\nEtag: \"b\"\r\n"
			"Date: Wed, 04 Feb 2026 17:06:00 GMT\r\nRetry-After: 7\r\nX-Other: y\r\n"
			"Content-Length: 2\r\n\r\nok";
	for (size_t piece = 1; piece <= sizeof(text); piece++) {
		struct http_lane_reply reply;
		struct http_reply_texts texts;
		struct http_reply out;
		struct taken taken;
		feed(&reply, &taken, text, piece);
		http_lane_reply_describe(&reply, &texts, &out);
		ck_assert_str_eq(out.content_type, "text/plain?");
		ck_assert_str_eq(out.etag, "\"a\"");
		ck_assert_str_eq(out.location, "");
		ck_assert_str_eq(reply.date, "Wed, 04 Feb 2026 17:06:00 GMT");
		ck_assert_str_eq(reply.retry_after, "7");
		ck_assert(out.by_lane);
	}
}
END_TEST

START_TEST(a_value_too_long_for_its_place_is_none)
{
	char text[1024] = OK_HEAD "Content-Type: ";
	size_t length = strlen(text);
	memset(text + length, 'x', 128);
	snprintf(text + length + 128, sizeof(text) - length - 128, "\r\nContent-Length: 0\r\n\r\n");
	struct http_lane_reply reply;
	struct taken taken;
	feed(&reply, &taken, text, sizeof(text));
	ck_assert_int_eq(reply.verdict, HTTP_LANE_WHOLE);
	ck_assert_str_eq(reply.content_type, "");
	/* One less fits. */
	memmove(text + length, text + length + 1, strlen(text + length));
	feed(&reply, &taken, text, 5);
	ck_assert_uint_eq(strlen(reply.content_type), 127);
}
END_TEST

START_TEST(heads_have_a_limit)
{
	static const char line[] = "X-Header: 0123456789abcdef0123456789abcdef\r\n";
	struct http_lane_reply reply;
	struct taken taken;
	size_t used = 0, fed = 0;
	feed(&reply, &taken, OK_HEAD, 100);
	while (reply.verdict == HTTP_LANE_MORE && fed < 2 * HTTP_HEAD_BYTES) {
		http_lane_reply_feed(&reply, line, sizeof(line) - 1, &used);
		fed += used;
	}
	ck_assert_int_eq(reply.verdict, HTTP_LANE_HEAD);
	ck_assert_uint_le(fed, HTTP_HEAD_BYTES + sizeof(line));
}
END_TEST

START_TEST(compression_that_was_not_asked_for_is_the_callers)
{
	struct http_lane_reply reply;
	struct taken taken = {.most = 20};
	const char *text = OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b";
	size_t used = 0;
	http_lane_reply_begin(&reply, false, take, &taken);
	http_lane_reply_feed(&reply, text, strlen(text), &used);
	ck_assert_int_eq(reply.verdict, HTTP_LANE_WHOLE);
	ck_assert_str_eq(taken.bytes, "\x1f\x8b");
}
END_TEST

/* A NUL in a value would hide what follows. */
START_TEST(nul_in_a_header_is_odd)
{
	static const char text[] = OK_HEAD "X:\0y\r\nContent-Length: 0\r\n\r\n";
	struct http_lane_reply reply;
	struct taken taken = {.most = 20};
	size_t used = 0;
	http_lane_reply_begin(&reply, false, take, &taken);
	ck_assert_int_eq(
		http_lane_reply_feed(&reply, text, sizeof(text) - 1, &used), HTTP_LANE_ODD);
}
END_TEST

static Suite *http_lane_reply_suite(void)
{
	Suite *suite = suite_create("http_lane_reply");
	TCase *reading = tcase_create("reading");
	tcase_add_loop_test(reading, answers_are_read_alike_in_one_piece_and_in_many, 0,
		sizeof(answers) / sizeof(answers[0]));
	tcase_add_test(reading, the_end_of_the_connection_may_end_the_body);
	tcase_add_test(reading, headers_that_count_are_kept_safe);
	tcase_add_test(reading, a_value_too_long_for_its_place_is_none);
	tcase_add_test(reading, heads_have_a_limit);
	tcase_add_test(reading, compression_that_was_not_asked_for_is_the_callers);
	tcase_add_test(reading, nul_in_a_header_is_odd);
	suite_add_tcase(suite, reading);
	return suite;
}

int main(void)
{
	return suite_run(http_lane_reply_suite());
}
