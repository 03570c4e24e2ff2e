/*
 * http_transfer.h - one request (or one bare connection) from its checking to its reply.
 *
 * A transfer owns its libcurl handle and everything the handle points at. It knows nothing of loops
 * and queues: http.c puts the handle into the multi, and asks here what the end means.
 */
#ifndef CORE_WIRE_HTTP_TRANSFER_H
#define CORE_WIRE_HTTP_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/text.h"
#include "core/wire/http.h"
#include "core/wire/http_request.h"
#include "core/wire/http_sockets.h"
#include "core/wire/http_target.h"

struct http_lane_connection;

#define HTTP_REDIRECTS_MOST 3
#define HTTP_HEAD_BYTES ((size_t)64 * 1024) /* of all header lines of one answer */

/* Why a callback of ours ended the transfer. */
enum http_stop {
	HTTP_STOP_NONE,
	HTTP_STOP_BODY,  /* over the body's limit */
	HTTP_STOP_HEAD,  /* over HTTP_HEAD_BYTES */
	HTTP_STOP_CHUNK, /* the taker of chunks had enough */
	HTTP_STOP_MEMORY,
};

/* What a transfer has to do with the lane (http_lane.h). */
struct http_ticket {
	char *text; /* the request as it is sent there; NULL: not a request for the lane */
	size_t length;
	bool gzip;
	bool wanted;           /* the lane would have the connection after a plain answer */
	bool used;             /* the last to carry it was the lane, not libcurl */
	bool back;             /* the lane gave it back to libcurl */
	int os_error;          /* errno of the lane's socket; 0 none */
	struct http_ends ends; /* of the connection that the request left on with libcurl */
	int waited_on;         /* the socket that libcurl was last seen waiting on; -1 none */
	int fd;                /* a duplicate of libcurl's, which libcurl will close; -1 none */
	int socket;            /* that one's number, */
	uint32_t serial;       /* and which of that number it is: http_sockets_serial() */
	struct http_lane_connection *connection; /* NULL: not on the lane now */
};

struct http_transfer {
	struct http_transfer *previous, *next; /* among the queued or the flying */
	uint64_t id;
	CURL *easy;
	struct http_sockets *sockets;
	struct curl_slist *headers;
	struct http_ticket ticket;
	char *likeness; /* see http_park.h; NULL: not to be parked */

	struct http_target target;
	char method[HTTP_METHOD_BYTES];
	bool bare; /* a connection for http_connect() */
	bool mutation;
	int64_t connect_timeout_ms;
	int64_t timeout_ms;
	size_t body_most;
	http_chunk_fn *on_chunk;
	void *chunk_context;

	http_done_fn *done;
	http_connected_fn *connected;
	void *context;

	bool flying;    /* in the multi */
	bool cancelled; /* while libcurl was running: no callback any more */
	bool paused;    /* whoever takes the pieces wants none for now */
	bool began;     /* connected, and from here on bytes of the request may have left */
	bool head_is_whole;
	enum http_stop stop;
	size_t head_bytes;
	size_t body_bytes;
	struct text body;
	char curl_words[CURL_ERROR_SIZE];

	int redirects;        /* followed so far */
	int64_t spent_us;     /* on them */
	uint64_t spent_bytes; /* on them */
	int64_t spent_connect_us;
};

/* Where a reply's strings live while it is handed over. */
struct http_reply_texts {
	char content_type[128];
	char etag[256];
	char location[1024];
};

/* NULL: ERROR_USAGE, ERROR_LIMIT, ERROR_NO_MEMORY. The request is copied. */
struct http_transfer *http_transfer_create(
	const struct http_request *request, struct http_sockets *sockets, struct error *error);
struct http_transfer *http_transfer_create_bare(const char *host, int port, int64_t timeout_ms,
	struct http_sockets *sockets, struct error *error);

/* Make one that went well ready for the same request again, whose chunks go elsewhere. False where
 * it cannot serve again. */
bool http_transfer_renew(struct http_transfer *transfer);
void http_transfer_readdress(struct http_transfer *transfer, const struct http_request *request);

void http_transfer_destroy(struct http_transfer *transfer); /* not while it is in a multi */

/*
 * A piece of the body of an answer with that status, of which `announced` bytes are to come in all
 * (-1: nobody knows): streamed or collected, within the limits. False: no more is taken, and `stop`
 * or `cancelled` says why.
 */
bool http_transfer_take(struct http_transfer *transfer, int status, int64_t announced,
	const char *bytes, size_t length);

/* Ready for libcurl after the lane had it for `spent_us` and no byte of a body came. */
void http_transfer_give_back(struct http_transfer *transfer, int64_t spent_us);

/* Whether libcurl's answer came compressed because that was asked for. */
bool http_transfer_is_unpacked(const struct http_transfer *transfer);

/* Close the duplicate that the ticket holds, if any. */
void http_transfer_drop_socket(struct http_transfer *transfer);

/* libcurl takes an answer that breaks off among its headers for a whole one: ask here as well. */
bool http_transfer_is_whole(const struct http_transfer *transfer);

/*
 * Whether the answer is a redirect to be followed; then the handle is ready for its next flight.
 * Not to be called while it is in a multi.
 */
bool http_transfer_follow(struct http_transfer *transfer);

/* Describe a complete answer. Strings are safe to show. */
void http_transfer_reply(
	struct http_transfer *transfer, struct http_reply_texts *texts, struct http_reply *reply);

#endif
