/*
 * http_rig.h - a loop with an HTTP client on it, and a place where outcomes are kept.
 */
#ifndef TESTS_UNIT_WIRE_HTTP_RIG_H
#define TESTS_UNIT_WIRE_HTTP_RIG_H

#include <check.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/wire/http.h"

#define RIG_TURNS 200000 /* a test that needs more hangs */
#define RIG_BODY_BYTES 4096

struct rig {
	struct clock clock;
	struct loop *loop;
	struct http *http;
};

/* What a callback was told. */
struct outcome {
	int calls;
	bool replied;
	struct http_reply reply; /* strings point into this struct */
	char body[RIG_BODY_BYTES];
	char content_type[256];
	char etag[256];
	char location[1024];
	struct error error;
	int fd; /* of http_connect() */
};

static inline void rig_start(struct rig *rig)
{
	struct error error = {0};
	signal(SIGPIPE, SIG_IGN);
	clock_init_system(&rig->clock);
	rig->loop = loop_create(&rig->clock, &error);
	ck_assert_ptr_nonnull(rig->loop);
	rig->http = http_create(rig->loop, &error);
	ck_assert_msg(rig->http != NULL, "%s", error.text);
}

static inline void rig_stop(struct rig *rig)
{
	http_destroy(rig->http);
	loop_destroy(rig->loop);
}

static inline void rig_turn(struct rig *rig)
{
	struct error error = {0};
	ck_assert_msg(loop_turn(rig->loop, 20, &error), "%s", error.text);
}

static inline void rig_wait(struct rig *rig, const int *counter, int wanted)
{
	for (int turn = 0; turn < RIG_TURNS && *counter < wanted; turn++)
		rig_turn(rig);
	ck_assert_msg(*counter >= wanted, "%d of %d after %d turns", *counter, wanted, RIG_TURNS);
}

static inline void rig_done(
	void *context, const struct http_reply *reply, const struct error *error)
{
	struct outcome *outcome = context;
	outcome->calls++;
	ck_assert((reply == NULL) != (error == NULL));
	if (error) {
		outcome->error = *error;
		return;
	}
	outcome->replied = true;
	outcome->reply = *reply;
	ck_assert_int_eq(reply->body[reply->length], '\0');
	snprintf(outcome->body, sizeof(outcome->body), "%s", reply->body);
	snprintf(outcome->content_type, sizeof(outcome->content_type), "%s", reply->content_type);
	snprintf(outcome->etag, sizeof(outcome->etag), "%s", reply->etag);
	snprintf(outcome->location, sizeof(outcome->location), "%s", reply->location);
	outcome->reply.body = outcome->body;
	outcome->reply.content_type = outcome->content_type;
	outcome->reply.etag = outcome->etag;
	outcome->reply.location = outcome->location;
}

static inline void rig_connected(void *context, int fd, const struct error *error)
{
	struct outcome *outcome = context;
	outcome->calls++;
	outcome->fd = fd;
	ck_assert((fd >= 0) == (error == NULL));
	if (error)
		outcome->error = *error;
}

static inline uint64_t rig_send(
	struct rig *rig, const struct http_request *request, struct outcome *outcome)
{
	struct error error = {0};
	uint64_t id = http_send(rig->http, request, rig_done, outcome, &error);
	ck_assert_msg(id != 0, "%s", error.text);
	ck_assert_int_eq(outcome->calls, 0);
	return id;
}

/* Send and wait for the end. */
static inline void rig_ask(
	struct rig *rig, const struct http_request *request, struct outcome *outcome)
{
	*outcome = (struct outcome){.fd = -1};
	rig_send(rig, request, outcome);
	rig_wait(rig, &outcome->calls, 1);
	ck_assert_int_eq(outcome->calls, 1);
}

#define URL_BYTES 256

static inline const char *rig_url(char out[URL_BYTES], int port, const char *path)
{
	snprintf(out, URL_BYTES, "http://127.0.0.1:%d%s", port, path);
	return out;
}

static inline void assert_replied(const struct outcome *outcome, int status)
{
	ck_assert_msg(outcome->replied, "no reply: %s", outcome->error.text);
	ck_assert_int_eq(outcome->reply.status, status);
}

static inline void assert_failed(
	const struct outcome *outcome, enum error_kind kind, const char *part)
{
	ck_assert_msg(!outcome->replied, "replied %d", outcome->reply.status);
	ck_assert_msg(outcome->error.kind == kind, "%s: %s", error_kind_name(outcome->error.kind),
		outcome->error.text);
	ck_assert_msg(strstr(outcome->error.text, part) != NULL, "'%s' lacks '%s'",
		outcome->error.text, part);
}

#endif
