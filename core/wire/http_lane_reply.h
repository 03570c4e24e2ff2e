/*
 * http_lane_reply.h - one answer on the lane, read as it comes.
 *
 * The framing is read by http_parser. What this adds: only an answer as libcurl would understand it
 * too counts as one. Anything else (HTTP_LANE_ODD) is for libcurl to judge: what the parser does
 * not accept, 1xx, a redirect that may be followed, a coding of transfer beside chunked,
 * compression where it was asked for.
 */
#ifndef CORE_WIRE_HTTP_LANE_REPLY_H
#define CORE_WIRE_HTTP_LANE_REPLY_H

#include <http_parser.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_reply;
struct http_reply_texts;

enum http_lane_verdict {
	HTTP_LANE_MORE,    /* not at its end yet */
	HTTP_LANE_WHOLE,   /* whole; what follows belongs to nobody */
	HTTP_LANE_ODD,     /* not for the lane */
	HTTP_LANE_HEAD,    /* its headers are over HTTP_HEAD_BYTES */
	HTTP_LANE_STOPPED, /* the taker of the body wants no more */
};

/* Pieces of the body; false stops the reading for good. */
typedef bool http_lane_body_fn(void *context, const char *bytes, size_t length);

struct http_lane_reply {
	struct http_parser parser;
	enum http_lane_verdict verdict;
	http_lane_body_fn *body;
	void *context;
	bool gzip; /* compression was asked for */

	bool head_is_whole;
	int status;
	int64_t announced; /* bytes of body that Content-Length promises; -1 none */
	bool keep;         /* once whole: the peer keeps the connection open */
	bool encoded;      /* why it is odd: it is compressed */
	uint64_t bytes;    /* received, of this answer */
	size_t head_bytes; /* whole lines of its head */

	/* The headers that count, the first of each name; "" when none or longer than its place. */
	char name[24]; /* of the header that is being read, "" when too long to be one of them */
	size_t name_length;
	int row; /* which of them, -1 none */
	bool in_value;
	unsigned seen; /* one bit per row */
	unsigned too_long;
	char content_type[128];
	char etag[256];
	char location[1024];
	char date[64];
	char retry_after[64];
	char content_encoding[32];
	char transfer_encoding[32];
};

/* Ready for the next answer. `context` is for `body`. */
void http_lane_reply_begin(
	struct http_lane_reply *reply, bool gzip, http_lane_body_fn *body, void *context);

/* Read on. *used gets how many of the bytes belong to this answer: all, except past its end. */
enum http_lane_verdict http_lane_reply_feed(
	struct http_lane_reply *reply, const char *bytes, size_t length, size_t *used);

/* The peer has closed: WHOLE where that is how the body ends, else as it was. */
enum http_lane_verdict http_lane_reply_end(struct http_lane_reply *reply);

/* What the parser did not like, in its words. */
const char *http_lane_reply_reason(const struct http_lane_reply *reply);

/* Describe a whole answer: all but body, times and `retry_after_ms`, `date_ms`. */
void http_lane_reply_describe(const struct http_lane_reply *reply, struct http_reply_texts *texts,
	struct http_reply *out);

#endif
