/*
 * Every allocation of ours on the way of three requests failing in turn: the first by libcurl, its
 * connection taken over by the lane, the others there. What cannot go by the lane goes by libcurl,
 * so a failure may be made up for; each request ends exactly once, with an answer or with a reason.
 */
#include <signal.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/wire/http.h"
#include "tests/fault/torture.h"
#include "tests/unit/wire/hostile_server.h"

#define TURNS 200

struct asked {
	int calls, good;
	int wrong; /* what must not be; Check itself allocates, so that is asked at the end */
};

static void serve(struct hostile *server, int fd, int number)
{
	(void)number;
	while (hostile_read(server, fd) &&
		hostile_say(server, fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
		continue;
}

static void on_done(void *context, const struct http_reply *reply, const struct error *error)
{
	struct asked *asked = context;
	asked->calls++;
	asked->good += reply && strcmp(reply->body, "ok") == 0;
	asked->wrong += (reply == NULL) == (error == NULL) || (error && error->text[0] == '\0');
}

/* True when it was answered. What cannot be sent has said why. */
static bool ask(struct loop *loop, struct http *http, const char *url, struct asked *asked)
{
	struct http_request request = {.url = url, .timeout_ms = 1500};
	struct error error = {0};
	int calls = asked->calls, good = asked->good;
	if (http_send(http, &request, on_done, asked, &error) == 0) {
		asked->wrong += error.kind != ERROR_NO_MEMORY;
		return false;
	}
	for (int turn = 0; turn < TURNS && asked->calls == calls; turn++)
		asked->wrong += !loop_turn(loop, 20, NULL);
	return asked->good > good;
}

static bool run(void)
{
	static struct hostile server;
	char url[64];
	struct clock clock;
	struct asked asked = {0};
	bool ok = true;
	signal(SIGPIPE, SIG_IGN);
	server = (struct hostile){.material = NULL};
	hostile_start(&server, serve);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", server.port);
	clock_init_system(&clock);
	struct loop *loop = loop_create(&clock, NULL);
	ck_assert_ptr_nonnull(loop);
	torture_arm();
	struct http *http = http_create(loop, NULL);
	int sent = 0;
	for (; http && sent < 3; sent++)
		ok = ask(loop, http, url, &asked) && ok;
	http_destroy(http);
	torture_disarm();
	loop_destroy(loop);
	hostile_stop(&server);
	ck_assert_int_le(asked.calls, sent);
	ck_assert_int_eq(asked.wrong, 0);
	return http != NULL && ok;
}

int main(void)
{
	static const struct torture scenarios[] = {{"requests", run, true}};
	return torture_main("http_alloc", scenarios, 1);
}
