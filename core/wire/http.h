/*
 * http.h - HTTP requests on the loop (the only room that knows libcurl).
 *
 * One multi handle on curl_multi_socket_action; nothing here blocks. http and https only; TLS is
 * verified always; no proxy from the environment unless asked; signals are left alone. A plain read
 * that finds a kept connection goes without libcurl, which costs much less (http_lane.h). A request
 * either changes something (mutation) or does not:
 *
 * - reads may follow up to 3 redirects, on the same host and scheme only; credentials never leave
 *   the host. One is sent a second time where a kept connection died under it, or where the lane
 * met an answer that is not for it.
 *
 * - mutations are sent exactly once on a fresh connection (libcurl quietly repeats a request on a
 *   reused connection that died), follow no redirect, and when no answer came after any byte had
 *   left, fail as ERROR_UNKNOWN_OUTCOME, never as a plain failure.
 *
 * HTTP status codes are not errors here: the caller reads `status`. A redirect that is not followed
 * is a reply as well. PUT, PATCH, DELETE and the like must be mutations (ERROR_USAGE); a POST may
 * be a read, for query languages are sent so.
 *
 * Errors that reach the callback name what failed, the host and port, and why, and are safe to
 * show:
 *
 *   ERROR_UNREACHABLE      no address, refused, reset, closed before the answer was whole
 *   ERROR_TIMEOUT          not connected or not answered in time; a mutation that was not sent is
 * ERROR_UNREACHABLE instead ERROR_UNTRUSTED        the certificate, or the files to judge it by
 *   ERROR_SYNTAX           the answer is not HTTP, or its compression is damaged
 *   ERROR_LIMIT            the body or the headers are too large
 *   ERROR_UNKNOWN_OUTCOME  any of these, once a mutation had begun to leave
 *
 * The program must ignore SIGPIPE: a write to a TLS connection that died would end it.
 */
#ifndef CORE_WIRE_HTTP_H
#define CORE_WIRE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct http;
struct loop;

#define HTTP_HEADERS_MOST 16
#define HTTP_IN_FLIGHT_MOST \
	256 /* further ones are queued; the deadline runs from when they are sent */
#define HTTP_QUEUED_MOST 4096 /* past it http_send() says ERROR_LIMIT */
#define HTTP_CONNECTIONS_KEPT                                                                      \
	2048 /* open for reuse, the lane's included; fewer where that were most of the descriptors \
	      * a process may have                                                                 \
	      */
#define HTTP_REPLY_BYTES ((size_t)16 * 1024 * 1024) /* the default cap */
#define HTTP_HELD_BYTES                                                                           \
	((size_t)1024 * 1024 * 1024) /* the most that max_body_bytes may ask for without on_chunk \
				      */

struct http_header {
	const char *name;
	const char *value; /* may not hold CR, LF or NUL: ERROR_USAGE */
};

/*
 * Called with pieces of the body as they come, for replies too big to hold; false stops the
 * transfer (ERROR_LIMIT). Only the body of a 2xx comes this way; that of any other status, at most
 * HTTP_REPLY_BYTES, is collected into the reply. It may send and cancel (that waits until it has
 * returned) but not destroy.
 */
typedef bool http_chunk_fn(void *context, const char *bytes, size_t length);

/* Everything is copied by http_send(). Zero means the default. */
struct http_request {
	const char *method; /* "GET" */
	const char *url;    /* http:// or https:// */
	struct http_header headers[HTTP_HEADERS_MOST];
	size_t header_count;
	const char *body; /* NULL: none */
	size_t body_length;
	const char *bearer;  /* a secret; sent as Authorization, never logged */
	const char *basic;   /* a secret, "user:password" */
	const char *ca_file; /* instead of the system's */
	const char *client_cert_file, *client_key_file;
	const char *unix_socket;    /* connect there instead */
	const char *proxy;          /* NULL: none */
	int64_t connect_timeout_ms; /* 0: the timeout */
	int64_t timeout_ms;         /* 0: 5000 */
	size_t max_body_bytes; /* after decompression; 0: HTTP_REPLY_BYTES; over it: ERROR_LIMIT */
	bool gzip;             /* ask for compression */
	bool http2; /* over TLS, where the peer speaks it: requests to one host share a connection
		     */
	bool mutation;
	http_chunk_fn *on_chunk; /* NULL: collect the body */
	void *chunk_context;
};

struct http_reply {
	int status;
	const char *body; /* NUL-terminated after `length` bytes; "" when streamed; valid in the
			     callback only; NOT sanitised */
	size_t length;
	const char
		*content_type; /* "" when none or too long to be whole; these three are sanitised */
	const char *etag;      /* "" when none */
	const char *location;  /* of a redirect that was not followed; "" */
	int64_t date_ms;       /* the peer's Date header as epoch ms; 0 none: for clock skew */
	int64_t retry_after_ms; /* of a Retry-After header, as a span; 0 none, at most a day */
	double took_ms;
	double connect_ms;   /* name, connection and TLS; 0 on a kept connection */
	uint64_t wire_bytes; /* as received, before decompression */
	bool by_lane;        /* libcurl had no part in it */
	unsigned repeats;    /* how often the lane had sent it before: 0 or 1. What libcurl repeats
				on a kept connection of its own it does not tell */
};

/* Exactly one of reply and error is not NULL. Called once, from the loop, never from inside
 * http_send(). */
typedef void http_done_fn(void *context, const struct http_reply *reply, const struct error *error);

struct http *http_create(struct loop *loop, struct error *error);

/*
 * Cancels everything: callbacks get ERROR_CANCELLED (mutations of which bytes have left:
 * ERROR_UNKNOWN_OUTCOME). Not to be called from a callback of its own. NULL is allowed.
 */
void http_destroy(struct http *http);

/* The last gate: while read-only, every mutation is refused with ERROR_USAGE and no byte leaves.
 * Off at first. */
void http_set_read_only(struct http *http, bool read_only);

/* Returns an id for http_cancel(), or 0 with `error` (ERROR_USAGE, ERROR_NO_MEMORY, ERROR_LIMIT)
 * and no callback. */
uint64_t http_send(struct http *http, const struct http_request *request, http_done_fn *done,
	void *context, struct error *error);

/* Stop it; its callback is not called. Harmless when it is over. */
void http_cancel(struct http *http, uint64_t id);

/*
 * Bring no more pieces to on_chunk until http_resume(), so that a fast peer does not fill the loop:
 * libcurl reads on for as long as there is something to read. From within on_chunk or from the
 * loop; http_resume() from the loop only, and pieces may come while it runs. The deadline runs on.
 */
void http_pause(struct http *http, uint64_t id);
void http_resume(struct http *http, uint64_t id);

/*
 * A plain TCP connection made by libcurl, so that name resolution stays off the loop. The fd is
 * non-blocking and the caller's to close; -1 with an error (ERROR_UNREACHABLE, ERROR_TIMEOUT).
 * `error` is NULL on success. Returns an id as http_send() does.
 */
typedef void http_connected_fn(void *context, int fd, const struct error *error);
uint64_t http_connect(struct http *http, const char *host, int port, int64_t timeout_ms,
	http_connected_fn *done, void *context, struct error *error);

#endif
