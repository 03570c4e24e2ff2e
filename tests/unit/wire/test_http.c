/* Ordinary work: what is sent, what comes back, reuse, queues, streams, cancelling and ending. */
#include <fcntl.h>

#include "tests/unit/base/suite.h"
#include "tests/unit/wire/hostile_server.h"
#include "tests/unit/wire/http_rig.h"
#include "tests/unit/wire/mhd_page.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* Answers every request on a connection with `material`, or OK. */
static void serve(struct hostile *server, int fd, int number)
{
	(void)number;
	while (hostile_read(server, fd))
		hostile_say(server, fd, server->material ? server->material : OK);
}

static void say_nothing(struct hostile *server, int fd, int number)
{
	(void)number;
	hostile_read(server, fd);
	hostile_linger(server, fd);
}

struct spelling {
	struct http_request request; /* without the URL */
	const char *path;
	const char *wanted[4]; /* parts of the request as sent */
	const char *unwanted;
};

static const struct spelling spellings[] = {
	{{.method = NULL}, "/metrics?a=b", {"GET /metrics?a=b HTTP/1.1\r\nHost: 127.0.0.1:"},
		"uthorization"},
	{{.method = "HEAD"}, "/", {"HEAD / HTTP/1.1\r\n"}, "Content-"},
	{{.method = "OPTIONS"}, "/", {"OPTIONS / HTTP/1.1\r\n"}, "Content-"},
	{{.bearer = "sesame"}, "/", {"\r\nAuthorization: Bearer sesame\r\n"}, "Basic"},
	{{.basic = "user:pass:word"}, "/", {"\r\nAuthorization: Basic dXNlcjpwYXNzOndvcmQ=\r\n"},
		"Bearer"},
	{{.gzip = true}, "/", {"\r\nAccept-Encoding: gzip\r\n"}, "Content-"},
	{{.header_count = 2, .headers = {{"X-One", "1"}, {"X-Empty", ""}}}, "/",
		{"\r\nX-One: 1\r\n", "\r\nX-Empty:\r\n"}, "Accept-Encoding"},
	{{.method = "POST",
		 .mutation = true,
		 .body = "{}",
		 .body_length = 2,
		 .header_count = 1,
		 .headers = {{"Content-Type", "application/json"}}},
		"/",
		{"POST / HTTP/1.1\r\n", "\r\nContent-Type: application/json\r\n",
			"\r\nContent-Length: 2\r\n", "\r\n\r\n{}"},
		"Expect"},
	{{.method = "POST", .mutation = true, .body = "a\0b", .body_length = 3}, "/",
		{"\r\nContent-Length: 3\r\n", "\r\n\r\na"}, "Content-Type"},
	{{.method = "PUT", .mutation = true}, "/",
		{"PUT / HTTP/1.1\r\n", "\r\nContent-Length: 0\r\n"}, "Content-Type"},
	{{.method = "DELETE", .mutation = true}, "/", {"DELETE / HTTP/1.1\r\n"}, "Content-"},
	{{.method = "PATCH", .mutation = true, .body = "x", .body_length = 1}, "/",
		{"PATCH / HTTP/1.1\r\n", "\r\n\r\nx"}, "Content-Type"},
	{{.method = "GET", .mutation = true}, "/", {"GET / HTTP/1.1\r\n"}, "Content-"},
	{{.method = "GET", .body = "query", .body_length = 5}, "/",
		{"GET / HTTP/1.1\r\n", "\r\n\r\nquery"}, "Content-Type"},
};

START_TEST(requests_are_spelled_right)
{
	const struct spelling *row = &spellings[_i];
	/* HEAD has no body, whatever the length says. */
	struct hostile server = {.material = NULL};
	struct rig rig;
	struct outcome outcome;
	char url[URL_BYTES];
	char last[HOSTILE_REQUEST_BYTES];
	if (row->request.method && strcmp(row->request.method, "HEAD") == 0)
		server.material = "HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n";
	rig_start(&rig);
	hostile_start(&server, serve);
	struct http_request request = row->request;
	request.url = rig_url(url, server.port, row->path);
	rig_ask(&rig, &request, &outcome);
	assert_replied(&outcome, 200);
	ck_assert_str_eq(outcome.body, server.material ? "" : "ok");
	hostile_last(&server, last);
	for (size_t i = 0; i < 4 && row->wanted[i]; i++)
		ck_assert_msg(strstr(last, row->wanted[i]) != NULL, "'%s' lacks '%s'", last,
			row->wanted[i]);
	ck_assert_msg(strstr(last, row->unwanted) == NULL, "'%s' has '%s'", last, row->unwanted);
	ck_assert_msg(strstr(last, "\r\nUser-Agent: spillway/") != NULL, "%s", last);
	rig_stop(&rig);
	hostile_stop(&server);
}
END_TEST

START_TEST(kept_connections_are_used_again)
{
	struct hostile server = {.material = NULL};
	struct rig rig;
	struct outcome outcome;
	char url[URL_BYTES];
	rig_start(&rig);
	hostile_start(&server, serve);
	struct http_request request = {.url = rig_url(url, server.port, "/")};
	for (int i = 0; i < 5; i++) {
		rig_ask(&rig, &request, &outcome);
		assert_replied(&outcome, 200);
		ck_assert_int_eq(outcome.reply.connect_ms > 0, i == 0);
		ck_assert(outcome.reply.took_ms > 0);
		ck_assert_uint_eq(outcome.reply.wire_bytes, strlen(OK));
	}
	ck_assert_int_eq(server.connection_count, 1);
	request.mutation = true;
	rig_ask(&rig, &request, &outcome);
	assert_replied(&outcome, 200);
	ck_assert_int_eq(server.connection_count, 2);
	/* nor is the connection of a change kept for others */
	request.mutation = false;
	rig_ask(&rig, &request, &outcome);
	ck_assert_int_eq(server.connection_count, 2);
	rig_stop(&rig);
	hostile_stop(&server);
}
END_TEST

/* "/a" leads to "b", that to "/c" by its whole URL, and that is the end. */
static void lead_on(struct hostile *server, int fd, int number)
{
	(void)number;
	char last[HOSTILE_REQUEST_BYTES];
	char reply[512];
	while (hostile_read(server, fd)) {
		hostile_last(server, last);
		const char *to = strstr(last, "GET /a ") ? "b" : NULL;
		char whole[URL_BYTES];
		if (strstr(last, "GET /b "))
			to = rig_url(whole, server->port, "/c");
		if (to)
			snprintf(reply, sizeof(reply),
				"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: "
				"5\r\n\r\nmoved",
				to);
		hostile_say(server, fd, to ? reply : OK);
	}
}

START_TEST(redirects_at_home_are_followed)
{
	struct hostile server = {.material = NULL};
	struct rig rig;
	struct outcome outcome;
	char url[URL_BYTES];
	char last[HOSTILE_REQUEST_BYTES];
	rig_start(&rig);
	hostile_start(&server, lead_on);
	struct http_request request = {.url = rig_url(url, server.port, "/a"), .bearer = "sesame"};
	rig_ask(&rig, &request, &outcome);
	assert_replied(&outcome, 200);
	ck_assert_str_eq(outcome.body, "ok");
	ck_assert_str_eq(outcome.location, "");
	ck_assert_int_eq(server.request_count, 3);
	hostile_last(&server, last);
	ck_assert_ptr_nonnull(strstr(last, "GET /c HTTP/1.1"));
	ck_assert_ptr_nonnull(strstr(last, "Bearer sesame"));
	rig_stop(&rig);
	hostile_stop(&server);
}
END_TEST

/* {"a":1} by gzip -9 */
static const unsigned char packed[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff,
	0xab, 0x56, 0x4a, 0x54, 0xb2, 0x32, 0xac, 0x05, 0x00, 0xaf, 0xac, 0x1b, 0x56, 0x07, 0x00,
	0x00, 0x00};

static void serve_packed(struct hostile *server, int fd, int number)
{
	(void)number;
	char head[128];
	snprintf(head, sizeof(head),
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
		sizeof(packed));
	while (hostile_read(server, fd) && hostile_say(server, fd, head) &&
		hostile_write(server, fd, packed, sizeof(packed)))
		continue;
}

START_TEST(compressed_answers_are_unpacked_when_asked_for)
{
	struct hostile server = {.material = NULL};
	struct rig rig;
	struct outcome outcome;
	char url[URL_BYTES];
	rig_start(&rig);
	hostile_start(&server, serve_packed);
	struct http_request request = {.url = rig_url(url, server.port, "/"), .gzip = true};
	rig_ask(&rig, &request, &outcome);
	assert_replied(&outcome, 200);
	ck_assert_str_eq(outcome.body, "{\"a\":1}");
	request.gzip = false;
	rig_ask(&rig, &request, &outcome);
	assert_replied(&outcome, 200);
	ck_assert_uint_eq(outcome.reply.length, sizeof(packed));
	rig_stop(&rig);
	hostile_stop(&server);
}
END_TEST

START_TEST(unix_sockets)
{
	char folder[] = "/tmp/spillway-http-XXXXXX";
	char path[64];
	struct hostile server = {.material = NULL};
	struct rig rig;
	struct outcome outcome;
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	rig_start(&rig);
	hostile_start_unix(&server, serve, path);
	struct http_request request = {.url = "http://pooler/x", .unix_socket = path};
	rig_ask(&rig, &request, &outcome);
	assert_replied(&outcome, 200);
	unlink(path);
	rmdir(folder);
	request.mutation = true;
	rig_ask(&rig, &request, &outcome);
	assert_failed(&outcome, ERROR_UNREACHABLE, "cannot reach pooler:80");
	rig_stop(&rig);
	hostile_stop(&server);
}
END_TEST

START_TEST(the_environment_names_no_proxy)
{
	struct hostile server = {.material = NULL};
	struct rig rig;
	struct outcome outcome;
	char url[URL_BYTES];
	char last[HOSTILE_REQUEST_BYTES];
	setenv("http_proxy", "http://127.0.0.1:9", 1);
	setenv("all_proxy", "http://127.0.0.1:9", 1);
	setenv("no_proxy", "*", 1);
	rig_start(&rig);
	hostile_start(&server, serve);
	struct http_request request = {.url = rig_url(url, server.port, "/")};
	rig_ask(&rig, &request, &outcome);
	assert_replied(&outcome, 200);
	/* But a request may. */
	char proxy[URL_BYTES];
	request.url = "http://far.invalid/x";
	request.proxy = rig_url(proxy, server.port, "");
	rig_ask(&rig, &request, &outcome);
	assert_replied(&outcome, 200);
	hostile_last(&server, last);
	ck_assert_ptr_nonnull(strstr(last, "GET http://far.invalid/x HTTP/1.1"));
	rig_stop(&rig);
	hostile_stop(&server);
}
END_TEST

/* ---- streams ---- */

struct stream {
	struct rig *rig;
	char text[256];
	uint64_t id;
	uint64_t victim;
	struct http_request *next; /* to send from inside */
	struct outcome outcome;
};

static bool collect(void *context, const char *bytes, size_t length)
{
	struct stream *stream = context;
	size_t held = strlen(stream->text);
	ck_assert_uint_lt(held + length, sizeof(stream->text));
	memcpy(stream->text + held, bytes, length);
	return true;
}

START_TEST(streams_only_what_was_asked_for)
{
	struct hostile server = {.material = NULL};
	struct rig rig;
	struct outcome outcome;
	struct stream stream = {.id = 0};
	char url[URL_BYTES];
	rig_start(&rig);
	hostile_start(&server, serve);
	struct http_request request = {.url = rig_url(url, server.port, "/"),
		.on_chunk = collect,
		.chunk_context = &stream};
	rig_ask(&rig, &request, &outcome);
	assert_replied(&outcome, 200);
	ck_assert_str_eq(stream.text, "ok");
	ck_assert_str_eq(outcome.body, "");
	server.material = "HTTP/1.1 422 No\r\nContent-Length: 3\r\n\r\nwhy";
	rig_ask(&rig, &request, &outcome);
	assert_replied(&outcome, 422);
	ck_assert_str_eq(stream.text, "ok");
	ck_assert_str_eq(outcome.body, "why");
	rig_stop(&rig);
	hostile_stop(&server);
}
END_TEST

/* Runs inside libcurl, where everything that is asked for has to wait. */
static bool cancel_and_send(void *context, const char *bytes, size_t length)
{
	struct stream *stream = context;
	(void)bytes;
	(void)length;
	http_cancel(stream->rig->http, stream->id);
	http_cancel(stream->rig->http, stream->victim);
	rig_send(stream->rig, stream->next, &stream->outcome);
	return true;
}

START_TEST(chunks_may_cancel_and_send)
{
	struct hostile server = {.material = NULL};
	struct hostile silent = {.material = NULL};
	struct rig rig;
	struct outcome cancelled = {.calls = 0};
	struct outcome victim = {.calls = 0};
	char url[URL_BYTES];
	char silent_url[URL_BYTES];
	rig_start(&rig);
	hostile_start(&server, serve);
	hostile_start(&silent, say_nothing);
	struct http_request next = {.url = rig_url(url, server.port, "/")};
	struct http_request stalled = {.url = rig_url(silent_url, silent.port, "/")};
	struct stream stream = {.rig = &rig, .next = &next};
	struct http_request request = {
		.url = url, .on_chunk = cancel_and_send, .chunk_context = &stream};
	stream.victim = rig_send(&rig, &stalled, &victim);
	stream.id = rig_send(&rig, &request, &cancelled);
	rig_wait(&rig, &stream.outcome.calls, 1);
	assert_replied(&stream.outcome, 200);
	ck_assert_int_eq(cancelled.calls, 0);
	ck_assert_int_eq(victim.calls, 0);
	rig_stop(&rig);
	ck_assert_int_eq(cancelled.calls, 0);
	ck_assert_int_eq(victim.calls, 0);
	hostile_stop(&silent);
	hostile_stop(&server);
}
END_TEST

/* ---- cancelling and ending ---- */

static void wait_for_requests(struct rig *rig, struct hostile *server, int wanted)
{
	int turn = 0;
	while (turn++ < RIG_TURNS && atomic_load(&server->request_count) < wanted)
		rig_turn(rig);
	ck_assert_int_ge(atomic_load(&server->request_count), wanted);
}

START_TEST(cancelled_ones_do_not_call_back)
{
	struct hostile server = {.material = NULL};
	struct rig rig;
	struct outcome outcome = {.calls = 0};
	char url[URL_BYTES];
	rig_start(&rig);
	hostile_start(&server, say_nothing);
	struct http_request request = {.url = rig_url(url, server.port, "/"), .timeout_ms = 60000};
	uint64_t early = rig_send(&rig, &request, &outcome);
	http_cancel(rig.http, early);
	uint64_t late = rig_send(&rig, &request, &outcome);
	wait_for_requests(&rig, &server, 1);
	http_cancel(rig.http, late);
	http_cancel(rig.http, late);
	http_cancel(rig.http, 0);
	http_cancel(rig.http, 12345);
	rig_turn(&rig);
	rig_stop(&rig);
	ck_assert_int_eq(outcome.calls, 0);
	hostile_stop(&server);
}
END_TEST

static void refuse_after_end(
	void *context, const struct http_reply *reply, const struct error *error)
{
	struct stream *stream = context;
	struct error refusal = {0};
	rig_done(&stream->outcome, reply, error);
	http_cancel(stream->rig->http, stream->victim);
	ck_assert_uint_eq(http_send(stream->rig->http, stream->next, rig_done, NULL, &refusal), 0);
	ck_assert_int_eq(refusal.kind, ERROR_CANCELLED);
}

START_TEST(ending_tells_everybody)
{
	struct hostile server = {.material = NULL};
	struct rig rig;
	struct outcome change = {.calls = 0};
	struct outcome unborn = {.calls = 0};
	struct outcome victim = {.calls = 0};
	struct outcome connection = {.calls = 0};
	char url[URL_BYTES];
	rig_start(&rig);
	hostile_start(&server, say_nothing);
	struct http_request request = {.url = rig_url(url, server.port, "/"), .timeout_ms = 60000};
	struct stream stream = {.rig = &rig, .next = &request};
	ck_assert_uint_ne(http_send(rig.http, &request, refuse_after_end, &stream, NULL), 0);
	struct http_request mutation = request;
	mutation.mutation = true;
	mutation.method = "POST";
	rig_send(&rig, &mutation, &change);
	wait_for_requests(&rig, &server, 2);
	stream.victim = rig_send(&rig, &request, &victim);
	rig_send(&rig, &mutation, &unborn);
	ck_assert_uint_ne(http_connect(rig.http, "127.0.0.1", server.port, 0, rig_connected,
				  &connection, NULL),
		0);
	rig_stop(&rig);
	assert_failed(&stream.outcome, ERROR_CANCELLED, "is closing");
	assert_failed(&change, ERROR_UNKNOWN_OUTCOME, "POST to 127.0.0.1:");
	assert_failed(&unborn, ERROR_CANCELLED, "is closing");
	ck_assert_int_eq(connection.error.kind, ERROR_CANCELLED);
	ck_assert_int_eq(victim.calls, 0);
	ck_assert_int_eq(stream.outcome.calls + change.calls + unborn.calls + connection.calls, 4);
	hostile_stop(&server);
}
END_TEST

/* ---- bare connections ---- */

static void echo(struct hostile *server, int fd, int number)
{
	(void)number;
	if (hostile_say(server, fd, "SSH-2.0-x\r\n"))
		hostile_read(server, fd);
}

START_TEST(connects)
{
	struct hostile server = {.material = NULL};
	struct rig rig;
	struct outcome outcome = {.calls = 0};
	char bytes[64] = "";
	rig_start(&rig);
	hostile_start(&server, echo);
	ck_assert_uint_ne(http_connect(rig.http, "localhost", server.port, 5000, rig_connected,
				  &outcome, NULL),
		0);
	ck_assert_int_eq(outcome.calls, 0);
	rig_wait(&rig, &outcome.calls, 1);
	ck_assert_msg(outcome.fd >= 0, "%s", outcome.error.text);
	ck_assert(fcntl(outcome.fd, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(outcome.fd, F_GETFD) & FD_CLOEXEC);
	/* It is ours now: the client's end does not touch it. */
	rig_stop(&rig);
	struct pollfd ready = {.fd = outcome.fd, .events = POLLIN};
	ck_assert_int_eq(poll(&ready, 1, 20000), 1);
	ck_assert_int_eq(recv(outcome.fd, bytes, sizeof(bytes), 0), 11);
	ck_assert_str_eq(bytes, "SSH-2.0-x\r\n");
	ck_assert_int_eq(send(outcome.fd, "hello\r\n\r\n", 9, MSG_NOSIGNAL), 9);
	ck_assert_int_eq(poll(&ready, 1, 20000), 1); /* the server read it whole and closed */
	ck_assert_int_eq(recv(outcome.fd, bytes, sizeof(bytes), 0), 0);
	close(outcome.fd);
	hostile_stop(&server);
	ck_assert_int_eq(server.request_count, 1);
}
END_TEST

static void count_event(void *context, int fd, unsigned events)
{
	char byte = 0;
	(void)events;
	*(int *)context += read(fd, &byte, 1) == 1;
}

/* Descriptor numbers that libcurl had, its resolver's among them, come back as somebody else's. */
START_TEST(reused_descriptors_are_left_alone)
{
	struct hostile server = {.material = NULL};
	struct rig rig;
	struct outcome outcome;
	char url[URL_BYTES];
	int pipes[8][2];
	int events = 0;
	rig_start(&rig);
	hostile_start(&server, serve);
	snprintf(url, sizeof(url), "http://localhost:%d/", server.port);
	/* A lookup that finds nothing leaves closed descriptors and opens no others. */
	struct http_request lost = {.url = "http://no-such-host.invalid/", .timeout_ms = 30000};
	rig_ask(&rig, &lost, &outcome);
	assert_failed(&outcome, ERROR_UNREACHABLE, "no-such-host.invalid");
	for (int i = 0; i < 8; i++) {
		ck_assert_int_eq(pipe(pipes[i]), 0);
		ck_assert(loop_watch(rig.loop, pipes[i][0], LOOP_READ, count_event, &events, NULL));
	}
	struct http_request request = {.url = url, .mutation = true};
	rig_ask(&rig, &request, &outcome);
	assert_replied(&outcome, 200);
	http_destroy(rig.http);
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(write(pipes[i][1], "x", 1), 1);
	rig_wait(&rig, &events, 8);
	loop_destroy(rig.loop);
	for (int i = 0; i < 8; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	hostile_stop(&server);
}
END_TEST

START_TEST(connecting_fails_by_name)
{
	struct rig rig;
	struct outcome outcome = {.calls = 0};
	char text[128];
	int port = 0;
	int fd = loopback_bind(&port);
	rig_start(&rig);
	ck_assert_uint_ne(
		http_connect(rig.http, "127.0.0.1", port, 0, rig_connected, &outcome, NULL), 0);
	rig_wait(&rig, &outcome.calls, 1);
	snprintf(text, sizeof(text), "cannot reach 127.0.0.1:%d: connection refused", port);
	ck_assert_str_eq(outcome.error.text, text);
	ck_assert_int_eq(outcome.error.kind, ERROR_UNREACHABLE);
	ck_assert_int_eq(outcome.fd, -1);
	rig_stop(&rig);
	close(fd);
}
END_TEST

/* ---- many at once, against a real server ---- */

#define MANY 600

struct crowd {
	struct rig *rig;
	const char *url;
	int started;
	int replied;
	int calls;
};

static void count_reply(void *context, const struct http_reply *reply, const struct error *error)
{
	struct crowd *crowd = context;
	crowd->calls++;
	ck_assert_msg(!error, "%s", error ? error->text : "");
	crowd->replied += reply->status == 200 && strcmp(reply->body, "up 1\n") == 0;
	if (crowd->started == MANY)
		return;
	/* A callback may send the next one. */
	struct http_request request = {.url = crowd->url, .timeout_ms = 60000};
	crowd->started++;
	ck_assert_uint_ne(http_send(crowd->rig->http, &request, count_reply, crowd, NULL), 0);
}

START_TEST(many_wait_their_turn)
{
	struct mhd_page page = {.text = "up 1\n"};
	struct MHD_Daemon *daemon =
		MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL, 0, NULL, NULL,
			mhd_page_serve, &page, MHD_OPTION_END);
	int port = mhd_port(daemon);
	struct rig rig;
	struct error error = {0};
	char url[URL_BYTES];
	rig_start(&rig);
	struct crowd crowd = {.rig = &rig, .url = rig_url(url, port, "/metrics")};
	struct http_request request = {.url = url, .timeout_ms = 60000};
	uint64_t last = 0;
	for (; crowd.started < MANY - 100; crowd.started++) {
		last = http_send(rig.http, &request, count_reply, &crowd, &error);
		ck_assert_msg(last != 0, "%s", error.text);
	}
	http_cancel(rig.http, last); /* still queued */
	rig_wait(&rig, &crowd.calls, MANY - 1);
	ck_assert_int_eq(crowd.replied, MANY - 1);
	rig_stop(&rig);
	MHD_stop_daemon(daemon);
	ck_assert_int_ge(page.requests, MANY - 1);
}
END_TEST

START_TEST(the_queue_has_a_limit)
{
	struct rig rig;
	struct error error = {0};
	struct outcome outcome = {.calls = 0};
	char url[URL_BYTES];
	int port = 0;
	int fd = loopback_bind(&port);
	rig_start(&rig);
	struct http_request request = {.url = rig_url(url, port, "/")};
	int sent = 0;
	while (http_send(rig.http, &request, rig_done, &outcome, &error) != 0)
		sent++;
	ck_assert_int_eq(sent, HTTP_QUEUED_MOST);
	ck_assert_int_eq(error.kind, ERROR_LIMIT);
	rig_stop(&rig);
	ck_assert_int_eq(outcome.calls, sent);
	close(fd);
}
END_TEST

START_TEST(destroying_nothing_is_allowed)
{
	http_destroy(NULL);
}
END_TEST

static Suite *http_suite(void)
{
	Suite *suite = suite_create("http");
	TCase *asking = tcase_create("asking");
	tcase_set_timeout(asking, 60);
	tcase_add_loop_test(
		asking, requests_are_spelled_right, 0, sizeof(spellings) / sizeof(spellings[0]));
	tcase_add_test(asking, kept_connections_are_used_again);
	tcase_add_test(asking, redirects_at_home_are_followed);
	tcase_add_test(asking, compressed_answers_are_unpacked_when_asked_for);
	tcase_add_test(asking, unix_sockets);
	tcase_add_test(asking, the_environment_names_no_proxy);
	tcase_add_test(asking, streams_only_what_was_asked_for);
	suite_add_tcase(suite, asking);
	TCase *ending = tcase_create("ending");
	tcase_set_timeout(ending, 60);
	tcase_add_test(ending, chunks_may_cancel_and_send);
	tcase_add_test(ending, cancelled_ones_do_not_call_back);
	tcase_add_test(ending, ending_tells_everybody);
	tcase_add_test(ending, connects);
	tcase_add_test(ending, reused_descriptors_are_left_alone);
	tcase_add_test(ending, connecting_fails_by_name);
	tcase_add_test(ending, many_wait_their_turn);
	tcase_add_test(ending, the_queue_has_a_limit);
	tcase_add_test(ending, destroying_nothing_is_allowed);
	suite_add_tcase(suite, ending);
	return suite;
}

int main(void)
{
	return suite_run(http_suite());
}
