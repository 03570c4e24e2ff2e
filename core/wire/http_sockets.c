#include "core/wire/http_sockets.h"

#include <errno.h>
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
	*slot = (struct http_socket){.connection = true};
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
