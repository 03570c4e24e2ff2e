/*
 * http_lane.h - plain reads on kept connections, without libcurl.
 *
 * Nearly all polling is one case: the same plain GET over http:// to an endpoint that answered well
 * a second ago. libcurl does it right at the price of its generality. So libcurl asks first,
 * resolves, connects and judges; when its answer was plain and good, the lane takes over the
 * connection, and the next request to that host and port costs one send, one receive and a parser.
 *
 * The lane never connects and never decides that something failed where libcurl may know better.
 * What happens instead of a whole answer:
 *
 * - The connection turns out closed before the request: libcurl sends it.
 *
 * - It closes before the first byte of an answer: libcurl sends it again, as libcurl itself does
 *   with a kept connection of its own.
 *
 * - The answer is odd (http_lane_reply.h) and nothing of it was delivered: libcurl sends it again,
 *   and the host and port stay with libcurl from then on.
 *
 * - It breaks off, is too large, or comes too late: an error, in the words of http.h.
 *
 * Before a request is repeated its connection is closed: there are never two copies in flight.
 *
 * Limits: `most` connections in all, HTTP_LANE_IDLE_MS idle each, HTTP_LANE_SPOTS hosts and ports.
 */
#ifndef CORE_WIRE_HTTP_LANE_H
#define CORE_WIRE_HTTP_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_lane_connection;
struct http_lane_spot;
struct http_reply;
struct http_transfer;
struct loop;

#define HTTP_LANE_SPOTS 2048
#define HTTP_LANE_BUCKETS 1024
#define HTTP_LANE_IDLE_MS 118000                 /* as long as libcurl would trust one */
#define HTTP_LANE_READ_BYTES ((size_t)32 * 1024) /* at once; the most that is held while paused */

enum http_lane_end_kind {
	HTTP_LANE_REPLIED,
	HTTP_LANE_FAILED,    /* with `code`, a CURLcode, for http_failure_describe() */
	HTTP_LANE_RETURNED,  /* ready for libcurl */
	HTTP_LANE_CANCELLED, /* while its chunk was being taken; no callback any more */
};

struct http_lane_end {
	enum http_lane_end_kind kind;
	const struct http_reply *reply; /* valid in the callback only */
	int code;
};

/* A transfer has left the lane, which knows it no more. It may send, cancel and whatnot. */
typedef void http_lane_fn(
	void *context, struct http_transfer *transfer, const struct http_lane_end *end);

struct http_lane_list {
	struct http_lane_connection *first, *last;
};

struct http_lane {
	struct loop *loop;
	http_lane_fn *fn;
	void *context;
	size_t most;
	size_t connection_count;
	size_t spot_count;
	struct http_lane_spot *buckets[HTTP_LANE_BUCKETS];
	struct http_lane_list busy;           /* those that carry a request, in order of sending */
	struct http_lane_connection *feeding; /* NULL, or the one whose bytes are being read */
	uint64_t timer;                       /* 0: none */
	int64_t timer_due_ms;
	int64_t sweep_due_ms; /* when idle connections are looked through; 0: there are none */
	char date[64];        /* the last that was read: a thousand peers say the same */
	int64_t date_ms;
	char *buffer; /* HTTP_LANE_READ_BYTES; NULL until the first connection */
};

void http_lane_init(
	struct http_lane *lane, struct loop *loop, size_t most, http_lane_fn *fn, void *context);
void http_lane_finish(struct http_lane *lane); /* no transfer may be on it */

/* Before libcurl sends: whether the lane would like the connection afterwards. */
bool http_lane_wants(const struct http_lane *lane, const struct http_transfer *transfer);

/* After libcurl brought a whole answer: take over its connection, or note that this host and port
 * are not for the lane. The ticket's duplicate is taken or closed. */
void http_lane_adopt(struct http_lane *lane, struct http_transfer *transfer, bool encoded);

/* Send at once on a kept connection; false, and nothing has left, when there is none. */
bool http_lane_send(struct http_lane *lane, struct http_transfer *transfer);

/* Of a transfer that is on the lane. A dropped one leaves without a callback, its connection is
 * closed; one whose chunk is being taken is to be marked `cancelled` instead. */
bool http_lane_is_feeding(const struct http_lane *lane, const struct http_transfer *transfer);
void http_lane_drop(struct http_transfer *transfer);

/* After a pause; pieces come from the loop. */
void http_lane_resume(struct http_lane *lane, struct http_transfer *transfer);

#endif
