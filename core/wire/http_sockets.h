/*
 * http_sockets.h - libcurl's sockets in the loop.
 *
 * When libcurl loses interest in a connection it keeps, the watch stays and is only marked idle:
 * the next request on it finds it in place and costs no system call. Should an idle one become
 * ready (the server hung up) the watch goes. That is safe for connections alone, whose opening and
 * closing pass through here; libcurl's other descriptors (the resolver's wake-up pipe) are closed
 * behind our back and are unwatched at once.
 */
#ifndef CORE_WIRE_HTTP_SOCKETS_H
#define CORE_WIRE_HTTP_SOCKETS_H

#include <curl/curl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

#define HTTP_SOCKETS_MOST 65536 /* the largest descriptor number taken, plus one */

struct http_socket {
	unsigned char events; /* watched for, enum loop_events; 0: not watched */
	bool idle;
	bool connection; /* opened and to be closed here */
	uint32_t serial; /* which connection it is, as numbers come back; 0: none */
};

/* Called when libcurl waits for what happened; `ready` holds CURL_CSELECT bits. */
typedef void http_socket_fn(void *context, curl_socket_t fd, int ready);

struct http_sockets {
	struct loop *loop;
	struct http_socket *slots; /* by descriptor */
	size_t count;
	uint32_t last_serial;
	http_socket_fn *fn;
	void *context;
};

void http_sockets_init(
	struct http_sockets *sockets, struct loop *loop, http_socket_fn *fn, void *context);
void http_sockets_finish(struct http_sockets *sockets);

/* libcurl's CURLMOPT_SOCKETFUNCTION, CURLOPT_OPENSOCKETFUNCTION and CURLOPT_CLOSESOCKETFUNCTION;
 * their data is the struct http_sockets. */
int http_sockets_change(CURL *easy, curl_socket_t fd, int what, void *context, void *unused);
curl_socket_t http_sockets_open(void *context, curlsocktype purpose, struct curl_sockaddr *address);
int http_sockets_close(void *context, curl_socket_t fd);

/* The two ends of a connection, as libcurl names them before it sends; `port` 0: not yet. */
struct http_ends {
	char address[INET6_ADDRSTRLEN]; /* the peer's */
	int port, local_port;
};

/*
 * The open connection between these ends, -1 none: libcurl does not say which it uses while it
 * does. `hint` is looked at first, and only else all others.
 */
curl_socket_t http_sockets_find(
	const struct http_sockets *sockets, curl_socket_t hint, const struct http_ends *ends);

/* Which connection has that number now; 0: none of ours. */
uint32_t http_sockets_serial(const struct http_sockets *sockets, curl_socket_t fd);

#endif
