/* Second requests: they take the lane, look like libcurl's to the peer, and everything out of the
 * ordinary ends as it would have ended with libcurl. */
#include <poll.h>

#include "tests/unit/base/suite.h"
#include "tests/unit/wire/hostile_server.h"
#include "tests/unit/wire/http_rig.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define SECOND "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond"

/* What the first connection hears as its second answer, and what else is special about it. */
struct script {
	const char *second; /* NULL: none, the connection is closed */
	bool pieces;        /* byte by byte */
	bool closes;        /* after it */
	const char *others; /* what every other request hears; NULL: OK */
};

static bool say(struct hostile *server, int fd, const char *text, bool pieces)
{
	for (const char *at = text; pieces && *at; at++)
		if (!hostile_write(server, fd, at, 1))
			return false;
	return pieces || hostile_say(server, fd, text);
}

static void serve(struct hostile *server, int fd, int number)
{
	const struct script *script = server->material;
	const char *others = script->others ? script->others : OK;
	for (int i = 1; hostile_read(server, fd); i++) {
		bool special = number == 1 && i == 2;
		if (special && !script->second)
			return;
		if (!say(server, fd,
			    special                 ? script->second
			    : i == 1 && number == 1 ? OK
						    : others,
			    script->pieces))
			return;
		if (special && script->closes)
			return;
	}
}

struct stage {
	struct hostile server;
	struct rig rig;
	char url[URL_BYTES];
	struct outcome outcome;
};

static void stage_start(struct stage *stage, hostile_fn *fn, const void *material)
{
	*stage = (struct stage){.server = {.material = material}};
	rig_start(&stage->rig);
	hostile_start(&stage->server, fn);
	rig_url(stage->url, stage->server.port, "/metrics");
}

static void stage_stop(struct stage *stage)
{
	rig_stop(&stage->rig);
	hostile_stop(&stage->server);
}

static struct http_request stage_request(const struct stage *stage)
{
	return (struct http_request){.url = stage->url, .timeout_ms = 60000};
}

/* The first request, by libcurl. */
static void warm(struct stage *stage, const struct http_request *request)
{
	rig_ask(&stage->rig, request, &stage->outcome);
	assert_replied(&stage->outcome, 200);
	ck_assert(!stage->outcome.reply.by_lane);
}

static int requests_of(struct stage *stage)
{
	return atomic_load(&stage->server.request_count);
}

static int connections_of(struct stage *stage)
{
	return atomic_load(&stage->server.connection_count);
}

/* ---- the peer cannot tell ---- */

struct spelling {
	struct http_request request;
	const char *host; /* NULL: 127.0.0.1 */
	const char *path;
	bool lane;
};

static const struct spelling spellings[] = {
	{{.gzip = false}, NULL, "/metrics?a=b&c=%20/../x", true},
	{{.gzip = true}, NULL, "/", true},
	{{.bearer = "sesame"}, NULL, "/x", true},
	{{.basic = "user:pass:word"}, NULL, "/x", true},
	{{.header_count = 2, .headers = {{"X-One", "1"}, {"X-Empty", ""}}, .bearer = "b"}, NULL,
		"/", true},
	{{.header_count = 2,
		 .headers = {{"accept", "text/plain"}, {"Content-Type", "a/b"}},
		 .gzip = true},
		NULL, "/", true},
	{{.method = "GET", .proxy = ""}, "LocalHost", "/x", true},
	{{.gzip = false}, "127.1", "/x", true},
	{{.gzip = false}, NULL, "/a/../b", false},
	{{.gzip = false}, NULL, "/a/./b", false},
	{{.gzip = false}, NULL, "/a#b", false},
	{{.gzip = false}, NULL, "?a=b", false},
	{{.gzip = false}, NULL, "", false},
	{{.header_count = 1, .headers = {{"User-Agent", "x"}}}, NULL, "/", false},
	{{.header_count = 1, .headers = {{"Host", "x"}}}, NULL, "/", false},
	{{.header_count = 1, .headers = {{"Accept-Encoding", "x"}}}, NULL, "/", false},
	{{.method = "HEAD"}, NULL, "/", false},
	{{.method = "OPTIONS"}, NULL, "/", false},
	{{.method = "POST"}, NULL, "/", false},
	{{.body = "x", .body_length = 1}, NULL, "/", false},
	{{.http2 = true}, NULL, "/", false},
	{{.mutation = true}, NULL, "/", false},
};

START_TEST(requests_are_libcurls_to_the_byte)
{
	const struct spelling *row = &spellings[_i];
	const struct script script = {.second = OK};
	struct stage stage;
	char first[HOSTILE_REQUEST_BYTES], last[HOSTILE_REQUEST_BYTES];
	stage_start(&stage, serve, &script);
	snprintf(stage.url, sizeof(stage.url), "http://%s:%d%s",
		row->host ? row->host : "127.0.0.1", stage.server.port, row->path);
	struct http_request request = row->request;
	request.url = stage.url;
	warm(&stage, &request);
	hostile_last(&stage.server, first);
	for (int i = 0; i < 3; i++) {
		rig_ask(&stage.rig, &request, &stage.outcome);
		assert_replied(&stage.outcome, 200);
		ck_assert_int_eq(stage.outcome.reply.by_lane, row->lane);
		hostile_last(&stage.server, last);
		ck_assert_str_eq(last, first);
	}
	ck_assert_int_eq(connections_of(&stage), request.mutation ? 4 : 1);
	ck_assert_int_eq(requests_of(&stage), 4);
	stage_stop(&stage);
}
END_TEST

/* ---- answers that are the lane's ---- */

struct told {
	const char *answer;
	bool closes;
	int status;
	const char *body, *content_type, *etag;
	int64_t date_ms, retry_after_ms;
};

static const struct told tales[] = {
	{SECOND, false, 200, "second", "", "", 0, 0},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: "
	 "\"x\"\r\n\r\n3\r\nabc\r\n2;x=y\r\nde"
	 "\r\n0\r\nETag: late\r\n\r\n",
		false, 200, "abcde", "", "\"x\"", 0, 0},
	{"HTTP/1.1 200 OK\r\nContent-Type: a\xff\r\nDate: Wed, 04 Feb 2026 17:06:00 GMT\r\n"
	 "Content-Length: 0\r\n\r\n",
		false, 200, "", "a?", "", 1770224760000, 0},
	{"HTTP/1.1 429 No\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nno", false, 429, "no", "",
		"", 0, 7000},
	{"HTTP/1.1 503 No\r\nDate: Wed, 04 Feb 2026 17:06:00 GMT\r\n"
	 "Retry-After: Wed, 04 Feb 2026 17:06:09 GMT\r\nContent-Length: 2\r\n\r\nno",
		false, 503, "no", "", "", 1770224760000, 9000},
	{"HTTP/1.1 204 No\r\n\r\n", false, 204, "", "", "", 0, 0},
	{"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno", false, 401,
		"no", "", "", 0, 0},
	{"HTTP/1.1 302 No\r\nContent-Length: 0\r\n\r\n", false, 302, "", "", "", 0, 0},
	{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nbe", true, 200, "be", "",
		"", 0, 0},
	{"HTTP/1.0 200 OK\r\n\r\nto the end", true, 200, "to the end", "", "", 0, 0},
	{"HTTP/1.1 200 OK\r\n\r\nto the end", true, 200, "to the end", "", "", 0, 0},
};

START_TEST(plain_answers_are_told_in_full)
{
	const struct told *row = &tales[_i / 2];
	const struct script script = {
		.second = row->answer, .closes = row->closes, .pieces = _i % 2 == 1};
	struct stage stage;
	stage_start(&stage, serve, &script);
	struct http_request request = stage_request(&stage);
	warm(&stage, &request);
	rig_ask(&stage.rig, &request, &stage.outcome);
	assert_replied(&stage.outcome, row->status);
	const struct http_reply *reply = &stage.outcome.reply;
	ck_assert(reply->by_lane);
	ck_assert_str_eq(stage.outcome.body, row->body);
	ck_assert_uint_eq(reply->length, strlen(row->body));
	ck_assert_str_eq(reply->content_type, row->content_type);
	ck_assert_str_eq(reply->etag, row->etag);
	ck_assert_int_eq(reply->date_ms, row->date_ms);
	ck_assert_int_eq(reply->retry_after_ms, row->retry_after_ms);
	ck_assert(reply->took_ms > 0);
	ck_assert(reply->connect_ms == 0);
	ck_assert_uint_eq(reply->repeats, 0);
	rig_ask(&stage.rig, &request, &stage.outcome);
	assert_replied(&stage.outcome, 200);
	ck_assert_str_eq(stage.outcome.body, "ok");
	ck_assert_int_eq(requests_of(&stage), 3);
	ck_assert_int_eq(connections_of(&stage), row->closes ? 2 : 1);
	stage_stop(&stage);
}
END_TEST

/* The answer is good, but whatever else comes over that connection is not to be believed. */
START_TEST(a_connection_that_says_more_is_not_used_again)
{
	const struct script script = {
		.second = SECOND "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong"};
	struct stage stage;
	stage_start(&stage, serve, &script);
	struct http_request request = stage_request(&stage);
	warm(&stage, &request);
	rig_ask(&stage.rig, &request, &stage.outcome);
	assert_replied(&stage.outcome, 200);
	ck_assert(stage.outcome.reply.by_lane);
	ck_assert_str_eq(stage.outcome.body, "second");
	rig_ask(&stage.rig, &request, &stage.outcome);
	assert_replied(&stage.outcome, 200);
	ck_assert_str_eq(stage.outcome.body, "ok");
	ck_assert_int_eq(connections_of(&stage), 2);
	stage_stop(&stage);
}
END_TEST

/* ---- what goes back to libcurl ---- */

struct odd {
	const char *second;
	bool gzip;
	const char *others; /* what libcurl hears when it asks */
	int status;
	const char *body;
};

static const char gzip_ok[] = "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\n"
			      "Content-Length: 2\r\n\r\nbe";

static const struct odd oddities[] = {
	{"HTTP/1.1 100 Continue\r\n\r\n" SECOND, false, SECOND, 200, "second"},
	{"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", false, SECOND, 200,
		"second"},
	{gzip_ok, true, gzip_ok, 200, "be"},
	{"HTTP/1.1 200 OK\r\nX: a\x1b\r\nContent-Length: 2\r\n\r\nbe", false, SECOND, 200,
		"second"},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false, SECOND, 200,
		"second"},
	{"220 smtp.example.net ESMTP\r\n", false, SECOND, 200, "second"},
};

START_TEST(odd_answers_are_asked_for_again_and_stay_with_libcurl)
{
	const struct odd *row = &oddities[_i];
	const struct script script = {.second = row->second, .others = row->others};
	struct stage stage;
	stage_start(&stage, serve, &script);
	struct http_request request = stage_request(&stage);
	request.gzip = row->gzip;
	warm(&stage, &request);
	rig_ask(&stage.rig, &request, &stage.outcome);
	assert_replied(&stage.outcome, row->status);
	ck_assert_str_eq(stage.outcome.body, row->body);
	ck_assert(!stage.outcome.reply.by_lane);
	ck_assert_uint_eq(stage.outcome.reply.repeats, 1);
	for (int i = 0; i < 3; i++) {
		rig_ask(&stage.rig, &request, &stage.outcome);
		assert_replied(&stage.outcome, row->status);
		ck_assert(!stage.outcome.reply.by_lane);
		ck_assert_uint_eq(stage.outcome.reply.repeats, 0);
	}
	ck_assert_int_eq(requests_of(&stage), 6);
	ck_assert_int_eq(connections_of(&stage), 2);
	stage_stop(&stage);
}
END_TEST

START_TEST(what_does_not_ask_for_compression_still_takes_the_lane)
{
	const struct script script = {.second = gzip_ok, .others = gzip_ok};
	struct stage stage;
	stage_start(&stage, serve, &script);
	struct http_request request = stage_request(&stage);
	request.gzip = true;
	warm(&stage, &request);
	rig_ask(&stage.rig, &request, &stage.outcome);
	ck_assert_uint_eq(stage.outcome.reply.repeats, 1);
	request.gzip = false;
	rig_ask(&stage.rig, &request, &stage.outcome);
	assert_replied(&stage.outcome, 200);
	rig_ask(&stage.rig, &request, &stage.outcome);
	ck_assert(stage.outcome.reply.by_lane);
	stage_stop(&stage);
}
END_TEST

START_TEST(a_connection_that_dies_under_a_request_is_made_anew)
{
	const struct script script = {.second = NULL};
	struct stage stage;
	stage_start(&stage, serve, &script);
	struct http_request request = stage_request(&stage);
	warm(&stage, &request);
	rig_ask(&stage.rig, &request, &stage.outcome);
	assert_replied(&stage.outcome, 200);
	ck_assert(!stage.outcome.reply.by_lane);
	ck_assert_uint_eq(stage.outcome.reply.repeats, 1);
	ck_assert(stage.outcome.reply.connect_ms > 0);
	/* and that one is the lane's again, and its handle too */
	for (int i = 0; i < 2; i++) {
		rig_ask(&stage.rig, &request, &stage.outcome);
		ck_assert(stage.outcome.reply.by_lane);
		ck_assert_uint_eq(stage.outcome.reply.repeats, 0);
	}
	ck_assert_int_eq(requests_of(&stage), 5);
	ck_assert_int_eq(connections_of(&stage), 2);
	stage_stop(&stage);
}
END_TEST

static void close_unsaid(struct hostile *server, int fd, int number)
{
	(void)number;
	if (hostile_read(server, fd))
		hostile_say(server, fd, OK);
}

START_TEST(connections_that_the_peer_closes_are_made_anew)
{
	struct stage stage;
	stage_start(&stage, close_unsaid, NULL);
	struct http_request request = stage_request(&stage);
	for (int i = 1; i <= 5; i++) {
		rig_ask(&stage.rig, &request, &stage.outcome);
		assert_replied(&stage.outcome, 200);
		ck_assert_str_eq(stage.outcome.body, "ok");
		ck_assert_int_eq(connections_of(&stage), i);
	}
	stage_stop(&stage);
}
END_TEST

/* What it says unasked counts as a request, so that a test can wait for it. */
static void talk(struct hostile *server, int fd, int number)
{
	(void)number;
	while (hostile_read(server, fd) && hostile_say(server, fd, OK)) {
		/* Not before the first answer was read, or libcurl would read both. */
		while (server->material && !atomic_load((const atomic_bool *)server->material))
			if (!hostile_ready(server, fd, POLLIN, 1))
				return;
		hostile_say(server, fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong");
		atomic_fetch_add(&server->request_count, 1);
	}
}

START_TEST(a_connection_that_talks_unasked_is_not_used)
{
	struct stage stage;
	atomic_bool now = false;
	stage_start(&stage, talk, &now);
	struct http_request request = stage_request(&stage);
	warm(&stage, &request);
	atomic_store(&now, true);
	/* No turn of the loop in between: that it talked is seen when it is to be used. */
	while (requests_of(&stage) < 2)
		poll(NULL, 0, 1);
	rig_ask(&stage.rig, &request, &stage.outcome);
	assert_replied(&stage.outcome, 200);
	ck_assert_str_eq(stage.outcome.body, "ok");
	ck_assert(!stage.outcome.reply.by_lane);
	ck_assert_int_eq(connections_of(&stage), 2);
	stage_stop(&stage);
}
END_TEST

/* ---- failing, cancelling, ending ---- */

static void answer_once(struct hostile *server, int fd, int number)
{
	(void)number;
	if (hostile_read(server, fd) && hostile_say(server, fd, OK) && hostile_read(server, fd))
		hostile_say(server, fd, server->material);
	hostile_linger(server, fd);
}

START_TEST(deadlines_hold)
{
	static const struct {
		const char *said, *words;
	} rows[] = {
		{"", "no answer from 127.0.0.1:"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
			"3 bytes of body within 300 ms"},
	};
	struct stage stage;
	stage_start(&stage, answer_once, rows[_i].said);
	struct http_request request = stage_request(&stage);
	warm(&stage, &request);
	request.timeout_ms = 300;
	rig_ask(&stage.rig, &request, &stage.outcome);
	assert_failed(&stage.outcome, ERROR_TIMEOUT, rows[_i].words);
	stage_stop(&stage);
}
END_TEST

static void wait_for_requests(struct stage *stage, int wanted)
{
	for (int turn = 0; turn < RIG_TURNS && requests_of(stage) < wanted; turn++)
		rig_turn(&stage->rig);
	ck_assert_int_ge(requests_of(stage), wanted);
}

START_TEST(cancelled_ones_do_not_call_back)
{
	struct stage stage;
	struct outcome outcome = {.calls = 0};
	stage_start(&stage, answer_once, "");
	struct http_request request = stage_request(&stage);
	warm(&stage, &request);
	uint64_t id = rig_send(&stage.rig, &request, &outcome);
	wait_for_requests(&stage, 2);
	http_cancel(stage.rig.http, id);
	http_cancel(stage.rig.http, id);
	/* Its connection is gone, or the late answer would be the next one's. */
	warm(&stage, &request);
	ck_assert_int_eq(connections_of(&stage), 2);
	stage_stop(&stage);
	ck_assert_int_eq(outcome.calls, 0);
}
END_TEST

START_TEST(ending_tells_who_is_on_the_lane)
{
	struct stage stage;
	struct outcome outcome = {.calls = 0};
	stage_start(&stage, answer_once, "HTTP/1.1 200 OK\r\n");
	struct http_request request = stage_request(&stage);
	warm(&stage, &request);
	rig_send(&stage.rig, &request, &outcome);
	wait_for_requests(&stage, 2);
	stage_stop(&stage);
	assert_failed(&outcome, ERROR_CANCELLED, "is closing");
	ck_assert_int_eq(outcome.calls, 1);
}
END_TEST

/* A callback may ask again at once, on the connection that has just become free. */
struct chain {
	struct rig *rig;
	const struct http_request *request;
	int calls, by_lane;
};

static void ask_again(void *context, const struct http_reply *reply, const struct error *error)
{
	struct chain *chain = context;
	ck_assert_msg(!error, "%s", error ? error->text : "");
	ck_assert_str_eq(reply->body, "ok");
	chain->by_lane += reply->by_lane;
	if (++chain->calls < 50)
		ck_assert_uint_ne(
			http_send(chain->rig->http, chain->request, ask_again, chain, NULL), 0);
}

START_TEST(callbacks_may_ask_again)
{
	const struct script script = {.second = OK};
	struct stage stage;
	stage_start(&stage, serve, &script);
	struct http_request request = stage_request(&stage);
	struct chain chain = {.rig = &stage.rig, .request = &request};
	ck_assert_uint_ne(http_send(stage.rig.http, &request, ask_again, &chain, NULL), 0);
	rig_wait(&stage.rig, &chain.calls, 50);
	ck_assert_int_eq(chain.by_lane, 49);
	ck_assert_int_eq(connections_of(&stage), 1);
	stage_stop(&stage);
}
END_TEST

/* ---- streams ---- */

#define STREAM_BYTES 300000

static void stream(struct hostile *server, int fd, int number)
{
	(void)number;
	char *body = malloc(STREAM_BYTES);
	for (size_t i = 0; i < STREAM_BYTES; i++)
		body[i] = (char)('a' + i % 26);
	while (hostile_read(server, fd) &&
		hostile_say(server, fd, "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n") &&
		hostile_write(server, fd, body, STREAM_BYTES))
		continue;
	free(body);
}

struct reader {
	struct rig *rig;
	uint64_t id;
	size_t bytes, pieces;
	bool paused, pauses, cancels, refuses;
};

static bool read_piece(void *context, const char *bytes, size_t length)
{
	struct reader *reader = context;
	ck_assert(!reader->paused);
	size_t wrong = 0; /* an assertion for each byte takes seconds */
	for (size_t i = 0; i < length; i++)
		wrong += bytes[i] != 'a' + (char)((reader->bytes + i) % 26);
	ck_assert_uint_eq(wrong, 0);
	reader->bytes += length;
	reader->pieces++;
	if (reader->pauses)
		http_pause(reader->rig->http, reader->id);
	reader->paused = reader->pauses;
	if (reader->cancels)
		http_cancel(reader->rig->http, reader->id);
	return !reader->refuses;
}

static struct http_request reader_request(struct stage *stage, struct reader *reader)
{
	struct http_request request = stage_request(stage);
	*reader = (struct reader){.rig = &stage->rig};
	request.on_chunk = read_piece;
	request.chunk_context = reader;
	return request;
}

START_TEST(streams_pause_and_go_on)
{
	struct stage stage;
	struct reader reader;
	stage_start(&stage, stream, NULL);
	struct http_request request = reader_request(&stage, &reader);
	warm(&stage, &request);
	for (int round = 0; round < 3; round++) {
		reader.bytes = 0;
		reader.pauses = round != 1;
		stage.outcome = (struct outcome){.fd = -1};
		reader.id = rig_send(&stage.rig, &request, &stage.outcome);
		while (stage.outcome.calls == 0) {
			rig_turn(&stage.rig);
			if (!reader.paused)
				continue;
			/* Nothing comes meanwhile, not even the end. */
			for (int i = 0; i < 3; i++)
				ck_assert(loop_turn(stage.rig.loop, 0, NULL));
			ck_assert_int_eq(stage.outcome.calls, 0);
			reader.paused = false;
			http_resume(stage.rig.http, reader.id);
		}
		assert_replied(&stage.outcome, 200);
		ck_assert(stage.outcome.reply.by_lane);
		ck_assert_str_eq(stage.outcome.body, "");
		ck_assert_uint_eq(reader.bytes, STREAM_BYTES);
	}
	ck_assert_int_eq(connections_of(&stage), 1);
	stage_stop(&stage);
}
END_TEST

START_TEST(readers_may_cancel_or_refuse)
{
	struct stage stage;
	struct reader reader;
	stage_start(&stage, stream, NULL);
	struct http_request request = reader_request(&stage, &reader);
	warm(&stage, &request);
	reader.bytes = 0;
	reader.refuses = true;
	rig_ask(&stage.rig, &request, &stage.outcome);
	assert_failed(&stage.outcome, ERROR_LIMIT, "more than its reader takes");
	reader = (struct reader){.rig = &stage.rig};
	warm(&stage, &request);
	reader = (struct reader){.rig = &stage.rig, .cancels = true};
	stage.outcome = (struct outcome){.fd = -1};
	reader.id = rig_send(&stage.rig, &request, &stage.outcome);
	while (reader.pieces == 0)
		rig_turn(&stage.rig);
	rig_turn(&stage.rig);
	ck_assert_uint_eq(reader.pieces, 1);
	ck_assert_int_eq(stage.outcome.calls, 0);
	reader = (struct reader){.rig = &stage.rig};
	warm(&stage, &request);
	ck_assert_uint_eq(reader.bytes, STREAM_BYTES);
	stage_stop(&stage);
}
END_TEST

START_TEST(bodies_have_a_limit)
{
	struct stage stage;
	struct http_request request;
	stage_start(&stage, stream, NULL);
	request = stage_request(&stage);
	warm(&stage, &request);
	request.max_body_bytes = 100000;
	rig_ask(&stage.rig, &request, &stage.outcome);
	assert_failed(&stage.outcome, ERROR_LIMIT, "over the limit of 100000 bytes");
	stage_stop(&stage);
}
END_TEST

/* ---- limits ---- */

START_TEST(many_at_once_have_a_connection_each)
{
	const struct script script = {.second = OK};
	struct stage stage;
	struct outcome outcomes[40];
	stage_start(&stage, serve, &script);
	struct http_request request = stage_request(&stage);
	int by_lane = 0;
	for (int round = 0; round < 3; round++) {
		int wanted = 0;
		memset(outcomes, 0, sizeof(outcomes));
		for (int i = 0; i < 40; i++)
			rig_send(&stage.rig, &request, &outcomes[i]);
		for (int i = 0; i < 40; i++)
			rig_wait(&stage.rig, &outcomes[i].calls, 1);
		for (int i = 0; i < 40; i++) {
			assert_replied(&outcomes[i], 200);
			by_lane += outcomes[i].reply.by_lane;
			wanted++;
		}
		ck_assert_int_eq(wanted, 40);
	}
	ck_assert_int_le(connections_of(&stage), 40);
	ck_assert_int_ge(by_lane, 40);
	ck_assert_int_eq(requests_of(&stage), 120);
	stage_stop(&stage);
}
END_TEST

static Suite *http_lane_suite(void)
{
	Suite *suite = suite_create("http_lane");
	TCase *plain = tcase_create("plain");
	tcase_set_timeout(plain, 60);
	tcase_add_loop_test(plain, requests_are_libcurls_to_the_byte, 0,
		sizeof(spellings) / sizeof(spellings[0]));
	tcase_add_loop_test(
		plain, plain_answers_are_told_in_full, 0, 2 * sizeof(tales) / sizeof(tales[0]));
	tcase_add_test(plain, a_connection_that_says_more_is_not_used_again);
	tcase_add_test(plain, callbacks_may_ask_again);
	tcase_add_test(plain, many_at_once_have_a_connection_each);
	suite_add_tcase(suite, plain);
	TCase *back = tcase_create("back");
	tcase_set_timeout(back, 60);
	tcase_add_loop_test(back, odd_answers_are_asked_for_again_and_stay_with_libcurl, 0,
		sizeof(oddities) / sizeof(oddities[0]));
	tcase_add_test(back, what_does_not_ask_for_compression_still_takes_the_lane);
	tcase_add_test(back, a_connection_that_dies_under_a_request_is_made_anew);
	tcase_add_test(back, connections_that_the_peer_closes_are_made_anew);
	tcase_add_test(back, a_connection_that_talks_unasked_is_not_used);
	suite_add_tcase(suite, back);
	TCase *ending = tcase_create("ending");
	tcase_set_timeout(ending, 60);
	tcase_add_loop_test(ending, deadlines_hold, 0, 2);
	tcase_add_test(ending, cancelled_ones_do_not_call_back);
	tcase_add_test(ending, ending_tells_who_is_on_the_lane);
	tcase_add_test(ending, streams_pause_and_go_on);
	tcase_add_test(ending, readers_may_cancel_or_refuse);
	tcase_add_test(ending, bodies_have_a_limit);
	suite_add_tcase(suite, ending);
	return suite;
}

int main(void)
{
	return suite_run(http_lane_suite());
}
