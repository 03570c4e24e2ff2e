/*
 * responder.h - the smallest HTTP server a poller can be tested against: one thread, one script.
 *
 * It listens on a loopback port of the system's choosing, reads a request, asks the test what to
 * answer, writes that and closes. It can also close without a word, or say nothing and hold on.
 */
#ifndef TESTS_UNIT_BACKENDS_RESPONDER_H
#define TESTS_UNIT_BACKENDS_RESPONDER_H

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RESPONDER_CLOSE "close"   /* hang up without an answer */
#define RESPONDER_SILENT "silent" /* keep the connection and say nothing */
#define RESPONDER_HELD_MOST 64

/* The whole answer to the nth request (from 0), or one of the above. `request` is what was sent. */
typedef const char *responder_fn(void *context, const char *request, unsigned nth);

struct responder {
	int listener;
	int port;
	pthread_t thread;
	responder_fn *answer;
	void *context;
	atomic_uint requests;
	int held[RESPONDER_HELD_MOST];
	size_t held_count;
};

static inline void responder_write(int fd, const char *bytes)
{
	size_t left = strlen(bytes);
	while (left > 0) {
		ssize_t written = send(fd, bytes, left, MSG_NOSIGNAL);
		if (written <= 0)
			return;
		bytes += written;
		left -= (size_t)written;
	}
}

static inline void responder_serve(struct responder *responder, int fd)
{
	char request[16384];
	size_t used = 0;
	request[0] = '\0';
	while (used < sizeof(request) - 1 && !strstr(request, "\r\n\r\n")) {
		ssize_t got = recv(fd, request + used, sizeof(request) - 1 - used, 0);
		if (got <= 0)
			break;
		used += (size_t)got;
		request[used] = '\0';
	}
	unsigned nth = atomic_fetch_add(&responder->requests, 1);
	const char *answer = responder->answer(responder->context, request, nth);
	if (strcmp(answer, RESPONDER_SILENT) == 0 && responder->held_count < RESPONDER_HELD_MOST) {
		responder->held[responder->held_count++] = fd;
		return;
	}
	if (strcmp(answer, RESPONDER_CLOSE) != 0)
		responder_write(fd, answer);
	close(fd);
}

static inline void *responder_run(void *context)
{
	struct responder *responder = context;
	for (;;) {
		int fd = accept(responder->listener, NULL, NULL);
		if (fd < 0)
			return NULL; /* shut down by responder_stop() */
		responder_serve(responder, fd);
	}
}

static inline void responder_start(struct responder *responder, responder_fn *answer, void *context)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	*responder = (struct responder){.answer = answer, .context = context};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	responder->listener = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_ge(responder->listener, 0);
	ck_assert_int_eq(
		bind(responder->listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(responder->listener, 64), 0);
	ck_assert_int_eq(getsockname(responder->listener, (struct sockaddr *)&address, &size), 0);
	responder->port = ntohs(address.sin_port);
	ck_assert_int_eq(pthread_create(&responder->thread, NULL, responder_run, responder), 0);
}

static inline void responder_stop(struct responder *responder)
{
	shutdown(responder->listener, SHUT_RDWR);
	pthread_join(responder->thread, NULL);
	close(responder->listener);
	for (size_t i = 0; i < responder->held_count; i++)
		close(responder->held[i]);
}

#endif
