#include "core/wire/http_sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/loop.h"

void http_sockets_init(
	struct http_sockets *sockets, struct loop *loop, http_socket_fn *fn, void *context)
{
	*sockets = (struct http_sockets){.loop = loop, .fn = fn, .context = context};
}

void http_sockets_finish(struct http_sockets *sockets)
{
	for (size_t fd = 0; fd < sockets->count; fd++)
		if (sockets->slots[fd].events != 0)
			loop_unwatch(sockets->loop, (int)fd);
	free(sockets->slots);
	*sockets = (struct http_sockets){.loop = NULL};
}

static struct http_socket *find(struct http_sockets *sockets, curl_socket_t fd)
{
	if (fd < 0 || fd >= HTTP_SOCKETS_MOST)
		return NULL;
	size_t needed = (size_t)fd + 1;
	if (needed > sockets->count) {
		size_t count = sockets->count ? sockets->count : 64;
		while (count < needed)
			count *= 2;
		struct http_socket *slots = realloc(sockets->slots, count * sizeof(*slots));
		if (!slots)
			return NULL;
		memset(slots + sockets->count, 0, (count - sockets->count) * sizeof(*slots));
		sockets->slots = slots;
		sockets->count = count;
	}
	return &sockets->slots[fd];
}

static void unwatch(struct http_sockets *sockets, struct http_socket *slot, curl_socket_t fd)
{
	if (slot->events != 0)
		loop_unwatch(sockets->loop, fd);
	slot->events = 0;
	slot->idle = false;
}

static void on_ready(void *context, int fd, unsigned events)
{
	struct http_sockets *sockets = context;
	struct http_socket *slot = find(sockets, fd);
	if (!slot)
		return;
	if (slot->idle) {
		unwatch(sockets, slot, fd);
		return;
	}
	int ready = 0;
	/* A hang-up is reported as readable: reading tells libcurl how it ended. */
	if (events & (LOOP_READ | LOOP_HANGUP))
		ready |= CURL_CSELECT_IN;
	if (events & LOOP_WRITE)
		ready |= CURL_CSELECT_OUT;
	sockets->fn(sockets->context, fd, ready);
}

/* A refusal from here would end every transfer, so a socket that cannot be watched is left to its
 * deadline. */
int http_sockets_change(CURL *easy, curl_socket_t fd, int what, void *context, void *unused)
{
	(void)easy;
	(void)unused;
	struct http_sockets *sockets = context;
	struct http_socket *slot = find(sockets, fd);
	if (!slot) {
		log_error("wire", "no room to watch descriptor %d", fd);
		return 0;
	}
	if (what == CURL_POLL_REMOVE) {
		if (slot->connection)
			slot->idle = true;
		else
			unwatch(sockets, slot, fd);
		return 0;
	}
	unsigned events = what == CURL_POLL_IN    ? LOOP_READ
			  : what == CURL_POLL_OUT ? LOOP_WRITE
						  : LOOP_READ | LOOP_WRITE;
	slot->idle = false;
	if (slot->events == events)
		return 0;
	struct error error = {0};
	if (loop_watch(sockets->loop, fd, events, on_ready, sockets, &error))
		slot->events = (unsigned char)events;
	else
		log_error("wire", "%s", error.text);
	return 0;
}

curl_socket_t http_sockets_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)purpose;
	struct http_sockets *sockets = context;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
		address->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	struct http_socket *slot = find(sockets, fd);
	if (!slot) {
		close(fd);
		errno = EMFILE;
		return CURL_SOCKET_BAD;
	}
	if (++sockets->last_serial == 0)
		sockets->last_serial = 1;
	*slot = (struct http_socket){.connection = true, .serial = sockets->last_serial};
	return fd;
}

/* Unwatched before it is closed: a duplicate elsewhere would keep it in epoll under its old number.
 */
int http_sockets_close(void *context, curl_socket_t fd)
{
	struct http_sockets *sockets = context;
	struct http_socket *slot = find(sockets, fd);
	if (slot) {
		unwatch(sockets, slot, fd);
		*slot = (struct http_socket){.connection = false};
	}
	return close(fd);
}

uint32_t http_sockets_serial(const struct http_sockets *sockets, curl_socket_t fd)
{
	return fd >= 0 && (size_t)fd < sockets->count ? sockets->slots[fd].serial : 0;
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int port_of(const union address *address)
{
	if (address->any.sa_family == AF_INET)
		return ntohs(address->v4.sin_port);
	return address->any.sa_family == AF_INET6 ? ntohs(address->v6.sin6_port) : -1;
}

static bool is_address(const union address *address, const char *text)
{
	struct in_addr v4;
	struct in6_addr v6;
	if (address->any.sa_family == AF_INET)
		return inet_pton(AF_INET, text, &v4) == 1 &&
		       memcmp(&v4, &address->v4.sin_addr, sizeof(v4)) == 0;
	return inet_pton(AF_INET6, text, &v6) == 1 &&
	       memcmp(&v6, &address->v6.sin6_addr, sizeof(v6)) == 0;
}

static bool is_between(
	const struct http_sockets *sockets, curl_socket_t fd, const struct http_ends *ends)
{
	union address local = {.v6 = {0}}, peer = {.v6 = {0}};
	socklen_t local_size = sizeof(local), peer_size = sizeof(peer);
	return fd >= 0 && (size_t)fd < sockets->count && sockets->slots[fd].connection &&
	       getsockname(fd, &local.any, &local_size) == 0 &&
	       port_of(&local) == ends->local_port && getpeername(fd, &peer.any, &peer_size) == 0 &&
	       port_of(&peer) == ends->port && is_address(&peer, ends->address);
}

curl_socket_t http_sockets_find(
	const struct http_sockets *sockets, curl_socket_t hint, const struct http_ends *ends)
{
	if (ends->port == 0 || is_between(sockets, hint, ends))
		return ends->port == 0 ? CURL_SOCKET_BAD : hint;
	for (size_t i = 0; i < sockets->count; i++)
		if (is_between(sockets, (curl_socket_t)i, ends))
			return (curl_socket_t)i;
	return CURL_SOCKET_BAD;
}
