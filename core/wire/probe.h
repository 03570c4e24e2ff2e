/*
 * probe.h - a few bytes said over a fresh connection, and what comes back: how long a stranger
 * waits at the door.
 *
 * A probe connects (TCP, names resolved off the loop; or a unix socket), sends its bytes, reads
 * until it has enough or the peer closes, and closes. Nothing is kept. That a server refuses or
 * stays silent is what a probe is there to find out, so the errors tell these cases apart:
 *
 *   ERROR_REJECTED      the machine is there and refuses, or closes without enough of an answer
 *   ERROR_TIMEOUT       no connection, or a connection and no answer, within the deadline
 *   ERROR_UNREACHABLE   nobody was asked: no address, no route, no such socket
 *   ERROR_LIMIT         more came than `most`
 *   ERROR_CANCELLED     prober_destroy()
 */
#ifndef CORE_WIRE_PROBE_H
#define CORE_WIRE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct http;
struct loop;
struct prober;

#define PROBES_MOST 1024             /* at once; past it probe_send() says ERROR_LIMIT */
#define PROBE_SEND_BYTES 1024        /* the most that is said */
#define PROBE_REPLY_BYTES (16777216) /* the default for `most` */

/* Everything is copied. */
struct probe_request {
	const char *host; /* with `port`; not used with a unix socket */
	int port;
	const char *unix_socket; /* NULL: TCP */
	const char *send;
	size_t send_length;
	size_t enough;      /* stop after so many bytes; 0: when the peer closes */
	size_t most;        /* of an answer; 0: PROBE_REPLY_BYTES */
	int64_t timeout_ms; /* from the first step to the end of the answer */
	bool mutation;      /* it changes something: what goes wrong after a byte had left is
			       ERROR_UNKNOWN_OUTCOME */
};

struct probe_reply {
	const char *bytes; /* NUL-terminated after `length`; valid in the callback; NOT sanitised */
	size_t length;
	double connect_ms; /* the part of took_ms that went into connecting */
	double took_ms;
};

/* Exactly one of reply and error is not NULL. Called once, from the loop, never from inside
 * probe_send(). */
typedef void probe_done_fn(
	void *context, const struct probe_reply *reply, const struct error *error);

/* `http` makes the TCP connections; both must outlive the prober. */
struct prober *prober_create(struct loop *loop, struct http *http, struct error *error);
void prober_destroy(struct prober *prober); /* callbacks get ERROR_CANCELLED; NULL is allowed */

/* Returns an id, or 0 with `error` and no callback: ERROR_USAGE, ERROR_LIMIT, ERROR_NO_MEMORY. */
uint64_t probe_send(struct prober *prober, const struct probe_request *request, probe_done_fn *done,
	void *context, struct error *error);

/* Stop it; its callback is not called. Harmless when it is over. */
void probe_cancel(struct prober *prober, uint64_t id);

#endif
