/* Servers that refuse, stall, lie, flood and vanish: each ends as the right kind of error with
 * words for people. */
#include <fcntl.h>

#include "tests/unit/base/suite.h"
#include "tests/unit/wire/hostile_server.h"
#include "tests/unit/wire/http_rig.h"

#define SHORT_MS 150
#define PATIENCE_MS 10000

/* ---- what servers do after the request was read ---- */

static void answer(struct hostile *server, int fd, int number)
{
	(void)number;
	if (hostile_read(server, fd))
		hostile_say(server, fd, server->material);
}

static void answer_and_linger(struct hostile *server, int fd, int number)
{
	answer(server, fd, number);
	hostile_linger(server, fd);
}

static void say_nothing(struct hostile *server, int fd, int number)
{
	(void)number;
	hostile_linger(server, fd);
}

static void drop_request(struct hostile *server, int fd, int number)
{
	(void)number;
	hostile_read(server, fd);
}

static void reset_request(struct hostile *server, int fd, int number)
{
	(void)number;
	hostile_read(server, fd);
	struct linger now = {.l_onoff = 1};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static void drip(struct hostile *server, int fd, int number)
{
	(void)number;
	if (!hostile_read(server, fd) || !hostile_say(server, fd, "HTTP/1.1 200 OK\r\n\r\n"))
		return;
	while (hostile_say(server, fd, "x") && hostile_ready(server, fd, POLLIN, 1000))
		continue;
}

static void drip_headers(struct hostile *server, int fd, int number)
{
	(void)number;
	if (!hostile_read(server, fd))
		return;
	while (hostile_say(server, fd, "H") && hostile_ready(server, fd, POLLIN, 1000))
		continue;
}

/* What is said once, and then again and again for ever. */
struct flood {
	const char *start, *repeated;
};

static void pour(struct hostile *server, int fd, int number)
{
	const struct flood *flood = server->material;
	(void)number;
	if (!hostile_read(server, fd) || !hostile_say(server, fd, flood->start))
		return;
	while (hostile_say(server, fd, flood->repeated))
		continue;
}

/* ---- a table of them ---- */

struct misdeed {
	hostile_fn *serve;
	const void *material;
	enum error_kind read_kind;
	const char *text; /* a part of the message, after the address */
};

#define KILOBYTE                                                           \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct flood declared = {
	"HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n", KILOBYTE};
static const struct flood open_ended = {"HTTP/1.0 200 OK\r\n\r\n", KILOBYTE};
static const struct flood chunked = {
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "100\r\n" KILOBYTE "\r\n"};
static const struct flood headers = {"HTTP/1.1 200 OK\r\n", "X-Header: " KILOBYTE "\r\n"};
static const struct flood interim = {
	"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"};
static const struct flood one_header = {"HTTP/1.1 200 OK\r\nX-Long: ", KILOBYTE};

static const struct misdeed misdeeds[] = {
	{say_nothing, NULL, ERROR_TIMEOUT, "no answer from 127.0.0.1:"},
	{drip, NULL, ERROR_TIMEOUT, "incomplete answer from 127.0.0.1:"},
	{drip_headers, NULL, ERROR_TIMEOUT, "no answer from 127.0.0.1:"},
	{drop_request, NULL, ERROR_UNREACHABLE, "the connection was closed"},
	{reset_request, NULL, ERROR_UNREACHABLE, "no answer from 127.0.0.1:"},
	{answer, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", ERROR_UNREACHABLE,
		"incomplete answer from 127.0.0.1:"},
	{answer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
		ERROR_UNREACHABLE, "incomplete answer from 127.0.0.1:"},
	{answer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", ERROR_UNREACHABLE,
		"incomplete answer from 127.0.0.1:"},
	{answer, "HTTP/1.1 200 OK\r\nContent-Len", ERROR_UNREACHABLE, "127.0.0.1:"},
	{answer, "SSH-2.0-OpenSSH_9.2p1\r\n", ERROR_SYNTAX, "it is not HTTP"},
	{answer, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot gzip at all", ERROR_SYNTAX,
		"its compression is damaged"},
	{pour, &declared, ERROR_LIMIT, "over the limit of 100000 bytes"},
	{pour, &open_ended, ERROR_LIMIT, "over the limit of 100000 bytes"},
	{pour, &chunked, ERROR_LIMIT, "over the limit of 100000 bytes"},
	{pour, &headers, ERROR_LIMIT, "headers from 127.0.0.1:"},
	{pour, &interim, ERROR_LIMIT, "headers from 127.0.0.1:"},
	{pour, &one_header, ERROR_LIMIT, "headers from 127.0.0.1:"},
};

static struct http_request misdeed_request(const struct misdeed *row, const char *url)
{
	bool stalls = row->read_kind == ERROR_TIMEOUT;
	return (struct http_request){
		.url = url,
		.gzip = true,
		.timeout_ms = stalls ? SHORT_MS : 60000,
		.max_body_bytes = 100000,
	};
}

/* On a slow machine a short time may pass before the stage that is meant: then give it more. */
static void ask_patiently(
	struct rig *rig, struct http_request *request, const char *text, struct outcome *outcome)
{
	rig_ask(rig, request, outcome);
	while (!strstr(outcome->error.text, text) && request->timeout_ms < PATIENCE_MS) {
		request->timeout_ms *= 4;
		request->connect_timeout_ms *= 4;
		rig_ask(rig, request, outcome);
	}
}

START_TEST(reads_fail_by_name)
{
	const struct misdeed *row = &misdeeds[_i];
	struct hostile server = {.material = row->material};
	struct rig rig;
	struct outcome outcome;
	char url[URL_BYTES];
	rig_start(&rig);
	hostile_start(&server, row->serve);
	struct http_request request = misdeed_request(row, rig_url(url, server.port, "/"));
	ask_patiently(&rig, &request, row->text, &outcome);
	assert_failed(&outcome, row->read_kind, row->text);
	rig_stop(&rig);
	hostile_stop(&server);
}
END_TEST

/* The same where a good answer came first, so that the request takes the lane. */
static const struct misdeed *second_misdeed;

static void begin_well(struct hostile *server, int fd, int number)
{
	if (number == 1 &&
		(!hostile_read(server, fd) ||
			!hostile_say(server, fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")))
		return;
	second_misdeed->serve(server, fd, number);
}

START_TEST(second_reads_fail_by_the_same_name)
{
	const struct misdeed *row = second_misdeed = &misdeeds[_i];
	struct hostile server = {.material = row->material};
	struct rig rig;
	struct outcome outcome;
	char url[URL_BYTES];
	rig_start(&rig);
	hostile_start(&server, begin_well);
	struct http_request request = misdeed_request(row, rig_url(url, server.port, "/"));
	int64_t timeout_ms = request.timeout_ms;
	request.timeout_ms = 60000;
	rig_ask(&rig, &request, &outcome);
	assert_replied(&outcome, 200);
	request.timeout_ms = timeout_ms;
	ask_patiently(&rig, &request, row->text, &outcome);
	assert_failed(&outcome, row->read_kind, row->text);
	rig_stop(&rig);
	hostile_stop(&server);
}
END_TEST

START_TEST(mutations_end_in_doubt)
{
	const struct misdeed *row = &misdeeds[_i];
	struct hostile server = {.material = row->material};
	struct rig rig;
	struct outcome outcome;
	char url[URL_BYTES];
	rig_start(&rig);
	hostile_start(&server, row->serve);
	struct http_request request = misdeed_request(row, rig_url(url, server.port, "/"));
	request.method = "POST";
	request.body = "{\"weight\":\"50\"}";
	request.body_length = strlen(request.body);
	request.mutation = true;
	ask_patiently(&rig, &request, row->text, &outcome);
	assert_failed(&outcome, ERROR_UNKNOWN_OUTCOME, "POST to 127.0.0.1:");
	assert_failed(&outcome, ERROR_UNKNOWN_OUTCOME, "was sent but its outcome is unknown");
	assert_failed(&outcome, ERROR_UNKNOWN_OUTCOME, row->text);
	rig_stop(&rig);
	hostile_stop(&server);
	if (row->read_kind != ERROR_TIMEOUT)
		ck_assert_int_eq(server.request_count, 1);
}
END_TEST

/* ---- nothing was sent ---- */

START_TEST(refused_is_unreachable)
{
	struct rig rig;
	struct outcome outcome;
	char url[URL_BYTES];
	char text[128];
	int port = 0;
	int fd = loopback_bind(&port); /* bound and not listening */
	rig_start(&rig);
	snprintf(text, sizeof(text), "cannot reach 127.0.0.1:%d: connection refused", port);
	struct http_request request = {.url = rig_url(url, port, "/")};
	rig_ask(&rig, &request, &outcome);
	assert_failed(&outcome, ERROR_UNREACHABLE, text);
	ck_assert_str_eq(outcome.error.text, text);
	request.mutation = true;
	request.method = "POST";
	rig_ask(&rig, &request, &outcome);
	assert_failed(&outcome, ERROR_UNREACHABLE, text);
	rig_stop(&rig);
	close(fd);
}
END_TEST

/* A listener whose backlog is full answers no further SYN: connecting hangs. */
static int full_listener(int *port, int fillers[], size_t count)
{
	int fd = loopback_bind(port);
	ck_assert_int_eq(listen(fd, 0), 0);
	struct sockaddr_in address = loopback_address(*port);
	for (size_t i = 0; i < count; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		ck_assert_int_ge(fillers[i], 0);
		int unused = connect(fillers[i], (struct sockaddr *)&address, sizeof(address));
		(void)unused;
	}
	return fd;
}

START_TEST(no_connection_in_time)
{
	struct rig rig;
	struct outcome outcome;
	char url[URL_BYTES];
	const char *text = "no connection within";
	int port = 0;
	int fillers[8];
	int fd = full_listener(&port, fillers, 8);
	rig_start(&rig);
	struct http_request request = {
		.url = rig_url(url, port, "/"), .connect_timeout_ms = 100, .timeout_ms = 400};
	ask_patiently(&rig, &request, text, &outcome);
	assert_failed(&outcome, ERROR_TIMEOUT, text);
	request.mutation = true;
	ask_patiently(&rig, &request, text, &outcome);
	assert_failed(&outcome, ERROR_UNREACHABLE, text);
	outcome = (struct outcome){.fd = 0};
	ck_assert_uint_ne(
		http_connect(rig.http, "127.0.0.1", port, 100, rig_connected, &outcome, NULL), 0);
	rig_wait(&rig, &outcome.calls, 1);
	ck_assert_int_eq(outcome.fd, -1);
	ck_assert_int_eq(outcome.error.kind, ERROR_TIMEOUT);
	rig_stop(&rig);
	for (size_t i = 0; i < 8; i++)
		close(fillers[i]);
	close(fd);
}
END_TEST

START_TEST(unknown_names_are_unreachable)
{
	struct rig rig;
	struct outcome outcome;
	rig_start(&rig);
	struct http_request request = {.url = "http://no-such-host.invalid/", .timeout_ms = 30000};
	rig_ask(&rig, &request, &outcome);
	assert_failed(&outcome, ERROR_UNREACHABLE,
		"cannot reach no-such-host.invalid:80: no address is known for it");
	rig_stop(&rig);
}
END_TEST

START_TEST(tls_to_a_plain_server_is_unreachable)
{
	struct hostile server = {.material = "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n"};
	struct rig rig;
	struct outcome outcome;
	char url[URL_BYTES];
	rig_start(&rig);
	hostile_start(&server, say_nothing);
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", server.port);
	struct http_request request = {.url = url, .timeout_ms = SHORT_MS, .mutation = true};
	rig_ask(&rig, &request, &outcome);
	assert_failed(&outcome, ERROR_UNREACHABLE, "cannot reach 127.0.0.1:");
	rig_stop(&rig);
	hostile_stop(&server);
}
END_TEST

/* ---- redirects ---- */

static const char *const bad_redirects[] = {
	"file:///etc/passwd",
	"http://localhost:%d/elsewhere", /* the same machine by another name is another host */
	"https://127.0.0.1:%d/",
	"http://127.0.0.1:1/",
	"http://user:pw@127.0.0.1:%d/",
	"//127.0.0.2:%d/",
	"gopher://127.0.0.1:%d/",
};

START_TEST(redirects_do_not_leave_the_host)
{
	char answer_text[512];
	char location[256];
	struct hostile server = {.material = answer_text};
	struct rig rig;
	struct outcome outcome;
	char url[URL_BYTES];
	rig_start(&rig);
	hostile_start(&server, answer_and_linger);
	const char *format = strstr(bad_redirects[_i], "%d");
	size_t before = format ? (size_t)(format - bad_redirects[_i]) : strlen(bad_redirects[_i]);
	snprintf(location, sizeof(location), "%.*s", (int)before, bad_redirects[_i]);
	if (format)
		snprintf(location + before, sizeof(location) - before, "%d%s", server.port,
			format + 2);
	snprintf(answer_text, sizeof(answer_text),
		"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 4\r\n\r\ngone", location);
	struct http_request request = {
		.url = rig_url(url, server.port, "/"), .bearer = "sesame", .timeout_ms = 60000};
	rig_ask(&rig, &request, &outcome);
	assert_replied(&outcome, 302);
	ck_assert_str_eq(outcome.location, location);
	ck_assert_str_eq(outcome.body, "gone");
	rig_stop(&rig);
	hostile_stop(&server);
	ck_assert_int_eq(server.request_count, 1);
	ck_assert_int_eq(server.connection_count, 1);
}
END_TEST

static void redirect_for_ever(struct hostile *server, int fd, int number)
{
	(void)number;
	while (hostile_read(server, fd))
		hostile_say(server, fd,
			"HTTP/1.1 302 Found\r\nLocation: again\r\nContent-Length: 0\r\n\r\n");
}

START_TEST(redirects_have_a_limit)
{
	struct hostile server = {.material = NULL};
	struct rig rig;
	struct outcome outcome;
	char url[URL_BYTES];
	rig_start(&rig);
	hostile_start(&server, redirect_for_ever);
	struct http_request request = {
		.url = rig_url(url, server.port, "/a/b"), .timeout_ms = 60000};
	rig_ask(&rig, &request, &outcome);
	assert_replied(&outcome, 302);
	ck_assert_int_eq(server.request_count, 4);
	/* a change goes nowhere but where it was sent */
	request.mutation = true;
	request.method = "POST";
	rig_ask(&rig, &request, &outcome);
	assert_replied(&outcome, 302);
	ck_assert_int_eq(server.request_count, 5);
	/* and a POST that reads must not become a GET */
	request.mutation = false;
	rig_ask(&rig, &request, &outcome);
	assert_replied(&outcome, 302);
	ck_assert_int_eq(server.request_count, 6);
	rig_stop(&rig);
	hostile_stop(&server);
}
END_TEST

/* ---- odd, but an answer ---- */

struct oddity {
	const char *answer;
	int status;
	const char *body, *content_type, *etag, *location;
	int64_t date_ms;
};

static const struct oddity oddities[] = {
	{"HTTP/1.0 200 OK\r\n\r\nto the end", 200, "to the end", "", "", "", 0},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: "
	 "chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
		200, "abcde", "", "", "", 0},
	{"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html>", 200, "<html>",
		"text/html; charset=utf-8", "", "", 0},
	{"HTTP/1.1 503 Busy\r\nContent-Length: 14\r\n\r\n{\"error\":\"db\"}", 503,
		"{\"error\":\"db\"}", "", "", "", 0},
	{"HTTP/1.1 204 No Content\r\nETag: \"abc\"\r\n\r\n", 204, "", "", "\"abc\"", "", 0},
	{"HTTP/1.1 200 OK\r\nContent-Type: \x1b[2J\x1b]0;owned\x07text\r\nETag: \xff\xfe\r\n"
	 "Location: a\xe2\x80\xae"
	 "b\r\nContent-Length: 0\r\n\r\n",
		200, "", "?[2J?]0;owned?text", "??", "a?b", 0},
	{"HTTP/1.1 200 OK\r\nDate: Wed, 04 Feb 2026 17:06:00 GMT\r\nContent-Length: 0\r\n\r\n", 200,
		"", "", "", "", 1770224760000},
	{"HTTP/1.1 200 OK\r\nDate: yesterday\r\nContent-Length: 0\r\n\r\n", 200, "", "", "", "", 0},
	{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok", 201,
		"ok", "", "", "", 0},
	{"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n", 417, "", "", "", "", 0},
	{"HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n", 401, "", "",
		"", "", 0},
	{"HTTP/1.1 308 Moved\r\nContent-Length: 0\r\n\r\n", 308, "", "", "", "", 0},
};

/* One answer for the lane to learn from, then the odd one for each further request. */
static void answer_oddly_later(struct hostile *server, int fd, int number)
{
	if (number == 1 && hostile_read(server, fd))
		hostile_say(server, fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	answer(server, fd, number);
}

START_TEST(odd_second_answers_are_answers)
{
	const struct oddity *row = &oddities[_i];
	struct hostile server = {.material = row->answer};
	struct rig rig;
	struct outcome outcome;
	char url[URL_BYTES];
	rig_start(&rig);
	hostile_start(&server, answer_oddly_later);
	struct http_request request = {.url = rig_url(url, server.port, "/"), .timeout_ms = 60000};
	for (int i = 0; i < 3; i++) {
		rig_ask(&rig, &request, &outcome);
		assert_replied(&outcome, i == 0 ? 200 : row->status);
		ck_assert_str_eq(outcome.body, i == 0 ? "ok" : row->body);
		if (i == 0)
			continue;
		ck_assert_str_eq(outcome.content_type, row->content_type);
		ck_assert_str_eq(outcome.etag, row->etag);
		ck_assert_str_eq(outcome.location, row->location);
		ck_assert_int_eq(outcome.reply.date_ms, row->date_ms);
	}
	rig_stop(&rig);
	hostile_stop(&server);
}
END_TEST

START_TEST(odd_answers_are_answers)
{
	const struct oddity *row = &oddities[_i];
	struct hostile server = {.material = row->answer};
	struct rig rig;
	struct outcome outcome;
	char url[URL_BYTES];
	rig_start(&rig);
	hostile_start(&server, answer);
	for (int mutation = 0; mutation < 2; mutation++) {
		struct http_request request = {.url = rig_url(url, server.port, "/"),
			.method = "POST",
			.body = "x",
			.body_length = 1,
			.basic = "user:password",
			.timeout_ms = 60000,
			.mutation = mutation == 1};
		rig_ask(&rig, &request, &outcome);
		assert_replied(&outcome, row->status);
		ck_assert_str_eq(outcome.body, row->body);
		ck_assert_str_eq(outcome.content_type, row->content_type);
		ck_assert_str_eq(outcome.etag, row->etag);
		ck_assert_str_eq(outcome.location, row->location);
		ck_assert_int_eq(outcome.reply.date_ms, row->date_ms);
		ck_assert_int_eq(server.request_count, mutation + 1);
	}
	rig_stop(&rig);
	hostile_stop(&server);
}
END_TEST

/* ---- kept connections that die ---- */

static void answer_once_then_drop(struct hostile *server, int fd, int number)
{
	if (!hostile_read(server, fd))
		return;
	hostile_say(server, fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	/* The first connection takes one more request and goes without a word. */
	if (hostile_read(server, fd) && number > 1)
		hostile_say(server, fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

START_TEST(reads_survive_a_dead_kept_connection)
{
	struct hostile server = {.material = NULL};
	struct rig rig;
	struct outcome outcome;
	char url[URL_BYTES];
	rig_start(&rig);
	hostile_start(&server, answer_once_then_drop);
	struct http_request request = {.url = rig_url(url, server.port, "/"), .timeout_ms = 60000};
	rig_ask(&rig, &request, &outcome);
	assert_replied(&outcome, 200);
	ck_assert(outcome.reply.connect_ms > 0);
	rig_ask(&rig, &request, &outcome);
	assert_replied(&outcome, 200);
	ck_assert_int_eq(server.request_count, 3); /* answered, dropped, and again */
	ck_assert_int_eq(server.connection_count, 2);
	rig_stop(&rig);
	hostile_stop(&server);
}
END_TEST

static void answer_the_first_then_drop(struct hostile *server, int fd, int number)
{
	if (hostile_read(server, fd) && number == 1)
		hostile_say(server, fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	if (number == 1)
		hostile_read(server, fd);
}

START_TEST(mutations_are_sent_once)
{
	struct hostile server = {.material = NULL};
	struct rig rig;
	struct outcome outcome;
	char url[URL_BYTES];
	char last[HOSTILE_REQUEST_BYTES];
	rig_start(&rig);
	hostile_start(&server, answer_the_first_then_drop);
	struct http_request request = {.url = rig_url(url, server.port, "/"), .timeout_ms = 60000};
	rig_ask(&rig, &request, &outcome);
	assert_replied(&outcome, 200);
	/* There is a kept connection now; the change must not use it. */
	request.method = "POST";
	request.body = "once";
	request.body_length = 4;
	request.mutation = true;
	rig_ask(&rig, &request, &outcome);
	assert_failed(&outcome, ERROR_UNKNOWN_OUTCOME, "the connection was closed");
	rig_stop(&rig);
	hostile_stop(&server);
	ck_assert_int_eq(server.connection_count, 2);
	ck_assert_int_eq(server.request_count, 2);
	hostile_last(&server, last);
	ck_assert_ptr_nonnull(strstr(last, "\r\n\r\nonce"));
	ck_assert_ptr_null(strcasestr(last, "\r\nExpect:"));
}
END_TEST

/* ---- a bomb ---- */

/* Bits from the lowest up, as deflate packs them. */
struct bits {
	unsigned char *bytes;
	size_t count;
};

static void put_bit(struct bits *bits, unsigned bit)
{
	if (bit)
		bits->bytes[bits->count / 8] |= (unsigned char)(1u << bits->count % 8);
	bits->count++;
}

/* A Huffman code, highest bit first. */
static void put_code(struct bits *bits, unsigned code, int length)
{
	for (int i = length - 1; i >= 0; i--)
		put_bit(bits, code >> i & 1u);
}

#define BOMB_BYTES 200000
static const unsigned char gzip_head[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};

/* One zero, then "repeat it 258 times" for as long as there is room: 159 bytes come out of each. */
static void make_bomb(unsigned char bomb[BOMB_BYTES])
{
	memcpy(bomb, gzip_head, sizeof(gzip_head));
	struct bits bits = {.bytes = bomb, .count = sizeof(gzip_head) * 8};
	put_code(&bits, 6, 3);    /* the last block, fixed codes: 1, then 01 lowest bit first */
	put_code(&bits, 0x30, 8); /* a zero byte */
	while (bits.count + 13 + 7 < (size_t)BOMB_BYTES * 8) {
		put_code(&bits, 0xc5, 8); /* length 258 */
		put_code(&bits, 0, 5);    /* distance 1 */
	}
}

static void bomb(struct hostile *server, int fd, int number)
{
	(void)number;
	if (hostile_read(server, fd) && hostile_say(server, fd,
						"HTTP/1.1 200 OK\r\nContent-Encoding: "
						"gzip\r\nContent-Length: 200000\r\n\r\n"))
		hostile_write(server, fd, server->material, BOMB_BYTES);
	hostile_linger(server, fd);
}

struct tally {
	size_t bytes;
	size_t chunks;
	size_t most; /* stop past it */
};

static bool count_chunk(void *context, const char *bytes, size_t length)
{
	struct tally *tally = context;
	ck_assert_int_eq(bytes[0], 0);
	tally->chunks++;
	tally->bytes += length;
	return tally->bytes <= tally->most;
}

START_TEST(bombs_stop_at_the_limit)
{
	unsigned char *bytes = calloc(1, BOMB_BYTES);
	make_bomb(bytes);
	struct hostile server = {.material = bytes};
	struct rig rig;
	struct outcome outcome;
	struct tally tally = {.most = 50000000};
	char url[URL_BYTES];
	rig_start(&rig);
	hostile_start(&server, bomb);
	struct http_request request = {.url = rig_url(url, server.port, "/"),
		.gzip = true,
		.max_body_bytes = 1000000,
		.timeout_ms = 60000};
	rig_ask(&rig, &request, &outcome);
	assert_failed(&outcome, ERROR_LIMIT, "over the limit of 1000000 bytes");
	request.on_chunk = count_chunk;
	request.chunk_context = &tally;
	rig_ask(&rig, &request, &outcome);
	assert_failed(&outcome, ERROR_LIMIT, "over the limit of 1000000 bytes");
	ck_assert_uint_gt(tally.chunks, 10); /* it was a bomb, and it went off in pieces */
	ck_assert_uint_le(tally.bytes, 1000000);
	tally = (struct tally){.most = 100000};
	rig_ask(&rig, &request, &outcome);
	assert_failed(&outcome, ERROR_LIMIT, "more than its reader takes");
	rig_stop(&rig);
	hostile_stop(&server);
	free(bytes);
}
END_TEST

static void add_failures(Suite *suite)
{
	int misdeed_count = (int)(sizeof(misdeeds) / sizeof(misdeeds[0]));
	TCase *failing = tcase_create("failing");
	tcase_set_timeout(failing, 60);
	tcase_add_loop_test(failing, reads_fail_by_name, 0, misdeed_count);
	tcase_add_loop_test(failing, second_reads_fail_by_the_same_name, 0, misdeed_count);
	tcase_add_loop_test(failing, mutations_end_in_doubt, 0, misdeed_count);
	tcase_add_test(failing, refused_is_unreachable);
	tcase_add_test(failing, no_connection_in_time);
	tcase_add_test(failing, unknown_names_are_unreachable);
	tcase_add_test(failing, tls_to_a_plain_server_is_unreachable);
	suite_add_tcase(suite, failing);
}

static Suite *http_hostile_suite(void)
{
	Suite *suite = suite_create("http_hostile");
	add_failures(suite);
	TCase *odd = tcase_create("odd");
	tcase_set_timeout(odd, 60);
	tcase_add_loop_test(odd, redirects_do_not_leave_the_host, 0,
		sizeof(bad_redirects) / sizeof(bad_redirects[0]));
	tcase_add_test(odd, redirects_have_a_limit);
	tcase_add_loop_test(
		odd, odd_answers_are_answers, 0, sizeof(oddities) / sizeof(oddities[0]));
	tcase_add_loop_test(
		odd, odd_second_answers_are_answers, 0, sizeof(oddities) / sizeof(oddities[0]));
	tcase_add_test(odd, reads_survive_a_dead_kept_connection);
	tcase_add_test(odd, mutations_are_sent_once);
	tcase_add_test(odd, bombs_stop_at_the_limit);
	suite_add_tcase(suite, odd);
	return suite;
}

int main(void)
{
	return suite_run(http_hostile_suite());
}
