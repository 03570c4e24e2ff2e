/*
 * hostile_server.h - a server that does what a test tells it, down to the byte, one thread per
 * connection.
 *
 * Nothing in it waits for a fixed time except where slowness is the point; every wait ends when the
 * server is stopped or the client goes.
 */
#ifndef TESTS_UNIT_WIRE_HOSTILE_SERVER_H
#define TESTS_UNIT_WIRE_HOSTILE_SERVER_H

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/wire/loopback.h"

#define HOSTILE_CONNECTIONS 256
#define HOSTILE_REQUEST_BYTES 8192

struct hostile;

/* Serve one connection; the caller closes it. `number` counts connections from 1. */
typedef void hostile_fn(struct hostile *server, int fd, int number);

struct hostile_connection {
	struct hostile *server;
	pthread_t thread;
	int fd;
	int number;
};

struct hostile {
	hostile_fn *serve;
	const void *material; /* whatever the serving function needs */
	int port;
	int listen_fd;
	int stop[2];
	pthread_t acceptor;
	struct hostile_connection connections[HOSTILE_CONNECTIONS];
	atomic_int connection_count;
	atomic_int request_count;
	pthread_mutex_t lock;
	char last[HOSTILE_REQUEST_BYTES]; /* the last whole request, under the lock */
};

/* Wait for `fd` to be ready; false when the server is stopping. */
static inline bool hostile_ready(struct hostile *server, int fd, short events, int timeout_ms)
{
	struct pollfd fds[] = {
		{.fd = fd, .events = events}, {.fd = server->stop[0], .events = POLLIN}};
	poll(fds, 2, timeout_ms);
	return fds[1].revents == 0;
}

static inline bool hostile_write(struct hostile *server, int fd, const void *bytes, size_t length)
{
	const char *at = bytes;
	while (length > 0) {
		if (!hostile_ready(server, fd, POLLOUT, -1))
			return false;
		ssize_t sent = send(fd, at, length, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent <= 0)
			return false;
		at += sent;
		length -= (size_t)sent;
	}
	return true;
}

static inline bool hostile_say(struct hostile *server, int fd, const char *string)
{
	return hostile_write(server, fd, string, strlen(string));
}

/* Until the client closes or the server stops. */
static inline void hostile_linger(struct hostile *server, int fd)
{
	char bytes[512];
	while (hostile_ready(server, fd, POLLIN, -1))
		if (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) <= 0)
			return;
}

static inline size_t hostile_body_length(const char *head)
{
	const char *at = strcasestr(head, "\r\nContent-Length:");
	return at ? (size_t)strtoul(at + 17, NULL, 10) : 0;
}

/* Read one request with its body, and count it. False when the client closed instead. */
static inline bool hostile_read(struct hostile *server, int fd)
{
	char bytes[HOSTILE_REQUEST_BYTES] = "";
	size_t length = 0;
	while (length + 1 < sizeof(bytes)) {
		if (!hostile_ready(server, fd, POLLIN, -1))
			return false;
		ssize_t got = recv(fd, bytes + length, sizeof(bytes) - 1 - length, MSG_DONTWAIT);
		if (got <= 0)
			return false;
		length += (size_t)got;
		bytes[length] = '\0';
		const char *end = strstr(bytes, "\r\n\r\n");
		if (!end)
			continue;
		if (length < (size_t)(end + 4 - bytes) + hostile_body_length(bytes))
			continue;
		pthread_mutex_lock(&server->lock);
		memcpy(server->last, bytes, length + 1);
		pthread_mutex_unlock(&server->lock);
		atomic_fetch_add(&server->request_count, 1);
		return true;
	}
	return false;
}

static inline void *hostile_serve(void *context)
{
	struct hostile_connection *connection = context;
	connection->server->serve(connection->server, connection->fd, connection->number);
	close(connection->fd);
	return NULL;
}

static inline void *hostile_accept(void *context)
{
	struct hostile *server = context;
	while (hostile_ready(server, server->listen_fd, POLLIN, -1)) {
		int fd = accept(server->listen_fd, NULL, NULL);
		int count = atomic_load(&server->connection_count);
		if (fd < 0)
			continue;
		if (count == HOSTILE_CONNECTIONS) {
			close(fd);
			continue;
		}
		struct hostile_connection *connection = &server->connections[count];
		*connection = (struct hostile_connection){
			.server = server, .fd = fd, .number = count + 1};
		/* Counted first: once it is served, a test may ask for the count. */
		atomic_store(&server->connection_count, count + 1);
		if (pthread_create(&connection->thread, NULL, hostile_serve, connection) != 0)
			abort();
	}
	return NULL;
}

static inline void hostile_start_on(struct hostile *server, hostile_fn *serve, int listen_fd)
{
	server->serve = serve;
	server->listen_fd = listen_fd;
	ck_assert_int_eq(listen(listen_fd, 512), 0);
	ck_assert_int_eq(pipe(server->stop), 0);
	pthread_mutex_init(&server->lock, NULL);
	ck_assert_int_eq(pthread_create(&server->acceptor, NULL, hostile_accept, server), 0);
}

/* `server` is all zero but for `material`. */
static inline void hostile_start(struct hostile *server, hostile_fn *serve)
{
	int fd = loopback_bind(&server->port);
	hostile_start_on(server, serve, fd);
}

static inline void hostile_start_unix(struct hostile *server, hostile_fn *serve, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	hostile_start_on(server, serve, fd);
}

static inline void hostile_stop(struct hostile *server)
{
	ck_assert_int_eq(write(server->stop[1], "x", 1), 1);
	pthread_join(server->acceptor, NULL);
	for (int i = 0; i < atomic_load(&server->connection_count); i++)
		pthread_join(server->connections[i].thread, NULL);
	close(server->listen_fd);
	close(server->stop[0]);
	close(server->stop[1]);
	pthread_mutex_destroy(&server->lock);
}

/* Copy the last request for the test to look at. */
static inline void hostile_last(struct hostile *server, char out[HOSTILE_REQUEST_BYTES])
{
	pthread_mutex_lock(&server->lock);
	memcpy(out, server->last, HOSTILE_REQUEST_BYTES);
	pthread_mutex_unlock(&server->lock);
}

#endif
