#include "core/wire/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/base/sanitise.h"
#include "core/base/text.h"
#include "core/wire/http.h"

#define PLACE_BYTES 160
#define READ_BYTES 16384
#define READS_PER_TURN 16 /* a peer that never stops sending must not hold the loop */

struct probe {
	struct probe *next;
	struct prober *prober;
	uint64_t id;
	probe_done_fn *done;
	void *context;
	char place[PLACE_BYTES];
	char send[PROBE_SEND_BYTES];
	size_t send_length, sent;
	size_t enough;
	bool mutation;
	struct text answer;
	int fd;           /* -1 until connected */
	uint64_t connect; /* http_connect() under way; 0 none */
	uint64_t timer;
	int64_t began_us;
	double connect_ms;
	struct error failure; /* kind ERROR_NONE: the answer is there */
};

struct prober {
	struct loop *loop;
	struct http *http;
	struct probe *first;
	size_t count;
	uint64_t last_id;
};

struct prober *prober_create(struct loop *loop, struct http *http, struct error *error)
{
	struct prober *prober = calloc(1, sizeof(*prober));
	if (!prober) {
		error_no_memory(error, "probes");
		return NULL;
	}
	prober->loop = loop;
	prober->http = http;
	return prober;
}

static double elapsed_ms(const struct probe *probe)
{
	return (double)(clock_stopwatch_us() - probe->began_us) / 1000.0;
}

/* Takes it out of everything that could call it. */
static void detach(struct probe *probe)
{
	struct prober *prober = probe->prober;
	for (struct probe **at = &prober->first; *at; at = &(*at)->next) {
		if (*at == probe) {
			*at = probe->next;
			prober->count--;
			break;
		}
	}
	loop_timer_stop(prober->loop, probe->timer);
	if (probe->connect != 0)
		http_cancel(prober->http, probe->connect);
	if (probe->fd >= 0) {
		loop_unwatch(prober->loop, probe->fd);
		close(probe->fd);
	}
}

static void discard(struct probe *probe)
{
	text_finish(&probe->answer);
	free(probe);
}

static void end(struct probe *probe)
{
	struct probe_reply reply = {.bytes = text_string(&probe->answer),
		.length = probe->answer.length,
		.connect_ms = probe->connect_ms,
		.took_ms = elapsed_ms(probe)};
	bool failed = probe->failure.kind != ERROR_NONE;
	if (failed && probe->mutation && probe->sent > 0)
		probe->failure.kind = ERROR_UNKNOWN_OUTCOME;
	detach(probe);
	probe->done(probe->context, failed ? NULL : &reply, failed ? &probe->failure : NULL);
	discard(probe);
}

void prober_destroy(struct prober *prober)
{
	if (!prober)
		return;
	while (prober->first) {
		error_set(&prober->first->failure, ERROR_CANCELLED, "cancelled");
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): end() took it off the list */
		end(prober->first);
	}
	free(prober);
}

static void on_deadline(void *context)
{
	struct probe *probe = context;
	probe->timer = 0;
	if (probe->failure.kind == ERROR_NONE) /* else it failed before it could begin */
		error_set(&probe->failure, ERROR_TIMEOUT,
			probe->fd < 0 ? "%s: no connection within the deadline"
				      : "%s accepts the connection and does not answer",
			probe->place);
	end(probe);
}

/* 1: go on, 0: wait for more, -1: it is over (answered or failed). */
static int read_piece(struct probe *probe)
{
	char bytes[READ_BYTES];
	ssize_t got = recv(probe->fd, bytes, sizeof(bytes), 0);
	if (got < 0 && errno == EAGAIN)
		return 0;
	if (got < 0 && errno == EINTR)
		return 1;
	if (got <= 0) {
		bool whole = got == 0 && probe->enough == 0 && probe->answer.length > 0;
		if (!whole)
			error_set(&probe->failure, ERROR_REJECTED,
				"%s closes the connection without an answer", probe->place);
		return -1;
	}
	text_append(&probe->answer, bytes, (size_t)got);
	if (!text_ok(&probe->answer)) {
		error_set(&probe->failure, ERROR_LIMIT, "%s answers with more than %zu bytes",
			probe->place, probe->answer.limit);
		return -1;
	}
	return probe->enough > 0 && probe->answer.length >= probe->enough ? -1 : 1;
}

static bool send_rest(struct probe *probe)
{
	while (probe->sent < probe->send_length) {
		ssize_t written = send(probe->fd, probe->send + probe->sent,
			probe->send_length - probe->sent, MSG_NOSIGNAL);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0 && errno == EAGAIN)
			return true;
		if (written < 0)
			return error_set(&probe->failure, ERROR_REJECTED,
				"%s closes the connection at once", probe->place);
		probe->sent += (size_t)written;
	}
	return true;
}

static void on_ready(void *context, int fd, unsigned events)
{
	struct probe *probe = context;
	(void)fd;
	(void)events;
	if (!send_rest(probe)) {
		end(probe);
		return;
	}
	int go_on = 1;
	for (size_t i = 0; go_on > 0 && i < READS_PER_TURN; i++)
		go_on = read_piece(probe);
	if (go_on < 0) {
		end(probe);
		return;
	}
	unsigned wanted = probe->sent < probe->send_length ? LOOP_READ | LOOP_WRITE : LOOP_READ;
	if (!loop_watch(probe->prober->loop, probe->fd, wanted, on_ready, probe, &probe->failure))
		end(probe);
}

static bool begin(struct probe *probe, int fd)
{
	probe->fd = fd;
	probe->connect_ms = elapsed_ms(probe);
	return loop_watch(
		probe->prober->loop, fd, LOOP_READ | LOOP_WRITE, on_ready, probe, &probe->failure);
}

static void on_connected(void *context, int fd, const struct error *error)
{
	struct probe *probe = context;
	probe->connect = 0;
	if (fd >= 0 && begin(probe, fd))
		return;
	if (error) {
		probe->failure = *error;
		/* The words are the system's, and never translated: only LC_CTYPE is ever set. */
		if (error->kind == ERROR_UNREACHABLE && strstr(error->text, "refused"))
			probe->failure.kind = ERROR_REJECTED;
	}
	end(probe);
}

static bool connect_unix(struct probe *probe, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);
	if (length >= sizeof(address.sun_path))
		return error_set(&probe->failure, ERROR_UNREACHABLE,
			"%s: the path of the socket is too long", probe->place);
	memcpy(address.sun_path, path, length);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_errno(&probe->failure, "cannot open a socket");
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return begin(probe, fd);
	int reason = errno;
	close(fd);
	/* A socket whose backlog is full says so at once; a file nobody listens on refuses. */
	bool refused = reason == ECONNREFUSED || reason == EAGAIN;
	return error_set(&probe->failure, refused ? ERROR_REJECTED : ERROR_UNREACHABLE,
		"cannot reach %s: %s", probe->place, strerror(reason));
}

static bool check(
	const struct prober *prober, const struct probe_request *request, struct error *error)
{
	if (request->send_length > PROBE_SEND_BYTES || request->timeout_ms <= 0)
		return error_set(error, ERROR_USAGE, "a probe says too much or has no deadline");
	if (!request->unix_socket &&
		(!request->host || request->port <= 0 || request->port > 65535))
		return error_set(error, ERROR_USAGE, "a probe needs a host and a port");
	if (prober->count >= PROBES_MOST)
		return error_set(
			error, ERROR_LIMIT, "more than %d probes are under way", PROBES_MOST);
	return true;
}

static struct probe *make(struct prober *prober, const struct probe_request *request)
{
	struct probe *probe = calloc(1, sizeof(*probe));
	if (!probe)
		return NULL;
	char place[PLACE_BYTES];
	if (request->unix_socket)
		snprintf(place, sizeof(place), "%s", request->unix_socket);
	else
		snprintf(place, sizeof(place), "%s:%d", request->host, request->port);
	sanitise(place, strlen(place), probe->place, sizeof(probe->place));
	probe->prober = prober;
	probe->fd = -1;
	probe->began_us = clock_stopwatch_us();
	probe->enough = request->enough;
	probe->mutation = request->mutation;
	probe->send_length = request->send_length;
	if (request->send_length > 0)
		memcpy(probe->send, request->send, request->send_length);
	text_init(&probe->answer, request->most ? request->most : PROBE_REPLY_BYTES);
	return probe;
}

uint64_t probe_send(struct prober *prober, const struct probe_request *request, probe_done_fn *done,
	void *context, struct error *error)
{
	if (!check(prober, request, error))
		return 0;
	struct probe *probe = make(prober, request);
	if (!probe) {
		error_no_memory(error, "a probe");
		return 0;
	}
	probe->done = done;
	probe->context = context;
	bool begun = true;
	if (request->unix_socket) {
		begun = connect_unix(probe, request->unix_socket);
	} else {
		probe->connect = http_connect(prober->http, request->host, request->port,
			request->timeout_ms, on_connected, probe, error);
		if (probe->connect == 0) {
			discard(probe);
			return 0;
		}
	}
	/* A refusal found at once is told from the loop, like every other. */
	probe->timer =
		loop_timer_start(prober->loop, begun ? request->timeout_ms : 0, on_deadline, probe);
	probe->next = prober->first;
	prober->first = probe;
	prober->count++;
	probe->id = ++prober->last_id;
	if (probe->timer != 0)
		return probe->id;
	detach(probe);
	discard(probe);
	error_no_memory(error, "a probe");
	return 0;
}

void probe_cancel(struct prober *prober, uint64_t id)
{
	for (struct probe *probe = prober->first; probe; probe = probe->next) {
		if (probe->id != id)
			continue;
		detach(probe);
		discard(probe);
		return;
	}
}
