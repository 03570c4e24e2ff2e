/*
 * A connection is either idle, in the list of its spot, or busy, in the list of the lane. Its watch
 * in the loop stays for as long as it is open, except while its transfer is paused: so a request
 * costs no change of the watch, and an idle connection that the peer closes is seen to.
 */
#include "core/wire/http_lane.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/loop.h"
#include "core/base/text.h"
#include "core/wire/http_header.h"
#include "core/wire/http_lane_reply.h"
#include "core/wire/http_sockets.h"
#include "core/wire/http_transfer.h"

#define SWEEP_MS 30000

/* A host and port. */
struct http_lane_spot {
	struct http_lane_spot *next; /* in its bucket */
	struct http_lane_list idle;  /* the last used first */
	size_t connections;          /* idle and busy ones */
	bool closed;                 /* its answers are not for the lane */
	bool encodes;                /* nor those to requests that ask for compression */
	char where[HTTP_WHERE_BYTES];
};

struct http_lane_connection {
	struct http_lane *lane;
	struct http_lane_spot *spot;
	struct http_lane_connection *next; /* among the busy, or the idle of its spot */
	int fd;
	bool watched;
	bool resumed;                   /* and its held pieces not delivered yet */
	bool lost;                      /* the peer closed while paused */
	struct http_transfer *transfer; /* NULL: idle */
	int64_t began_us;
	int64_t due_ms;   /* busy: the deadline; idle: when it is too old */
	struct text held; /* pieces that came while paused */
	struct http_lane_reply reply;
};

/* ---- spots ---- */

static size_t bucket_of(const char *where)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (const char *at = where; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
	return (size_t)(hash ^ hash >> 29) % HTTP_LANE_BUCKETS;
}

static struct http_lane_spot *find_spot(const struct http_lane *lane, const char *where)
{
	struct http_lane_spot *spot = lane->buckets[bucket_of(where)];
	while (spot && strcmp(spot->where, where) != 0)
		spot = spot->next;
	return spot;
}

/* Those that hold nothing and teach nothing. */
static void forget_spots(struct http_lane *lane)
{
	for (size_t i = 0; i < HTTP_LANE_BUCKETS; i++) {
		struct http_lane_spot **link = &lane->buckets[i];
		while (*link) {
			struct http_lane_spot *spot = *link;
			if (spot->connections > 0 || spot->closed || spot->encodes) {
				link = &spot->next;
				continue;
			}
			*link = spot->next;
			lane->spot_count--;
			free(spot);
		}
	}
}

static struct http_lane_spot *obtain_spot(struct http_lane *lane, const char *where)
{
	struct http_lane_spot *spot = find_spot(lane, where);
	if (!spot && lane->spot_count == HTTP_LANE_SPOTS)
		forget_spots(lane);
	if (spot || lane->spot_count == HTTP_LANE_SPOTS)
		return spot;
	spot = calloc(1, sizeof(*spot));
	if (!spot)
		return NULL;
	struct http_lane_spot **bucket = &lane->buckets[bucket_of(where)];
	snprintf(spot->where, sizeof(spot->where), "%s", where);
	spot->next = *bucket;
	*bucket = spot;
	lane->spot_count++;
	return spot;
}

/* ---- lists ---- */

static void list_append(struct http_lane_list *list, struct http_lane_connection *connection)
{
	connection->next = NULL;
	if (list->last)
		list->last->next = connection;
	else
		list->first = connection;
	list->last = connection;
}

static void list_prepend(struct http_lane_list *list, struct http_lane_connection *connection)
{
	connection->next = list->first;
	if (!list->last)
		list->last = connection;
	list->first = connection;
}

/* Of a list that has one. */
static struct http_lane_connection *take_first(struct http_lane_list *list)
{
	struct http_lane_connection *first = list->first;
	list->first = first->next;
	if (!list->first)
		list->last = NULL;
	first->next = NULL;
	return first;
}

/* What is taken out is mostly the first: who was asked first answers first. */
static void list_remove(struct http_lane_list *list, struct http_lane_connection *connection)
{
	struct http_lane_connection *previous = NULL;
	for (struct http_lane_connection *at = list->first; at != connection; at = at->next)
		previous = at;
	if (previous)
		previous->next = connection->next;
	else
		list->first = connection->next;
	if (list->last == connection)
		list->last = previous;
	connection->next = NULL;
}

/* ---- time ---- */

static void on_timer(void *context);

static void follow(struct http_lane *lane, int64_t due_ms)
{
	if (lane->timer != 0 && lane->timer_due_ms <= due_ms)
		return;
	loop_timer_stop(lane->loop, lane->timer);
	int64_t now_ms = loop_now_ms(lane->loop);
	lane->timer =
		loop_timer_start(lane->loop, due_ms > now_ms ? due_ms - now_ms : 0, on_timer, lane);
	lane->timer_due_ms = due_ms;
	if (lane->timer == 0)
		log_error("wire", "no memory for a timer: requests may be late");
}

/* ---- connections ---- */

static void on_ready(void *context, int fd, unsigned events);

static bool watch(struct http_lane_connection *connection)
{
	struct error error = {0};
	connection->watched = loop_watch(
		connection->lane->loop, connection->fd, LOOP_READ, on_ready, connection, &error);
	if (!connection->watched)
		log_error("wire", "%s", error.text);
	return connection->watched;
}

static void unwatch(struct http_lane_connection *connection)
{
	if (connection->watched)
		loop_unwatch(connection->lane->loop, connection->fd);
	connection->watched = false;
}

/* It is in no list. */
static void connection_destroy(struct http_lane_connection *connection)
{
	unwatch(connection);
	close(connection->fd);
	connection->spot->connections--;
	connection->lane->connection_count--;
	text_finish(&connection->held);
	free(connection);
}

static void close_idle(struct http_lane_connection *connection)
{
	list_remove(&connection->spot->idle, connection);
	connection_destroy(connection);
}

static void make_idle(struct http_lane_connection *connection)
{
	struct http_lane *lane = connection->lane;
	list_prepend(&connection->spot->idle, connection);
	connection->due_ms = loop_now_ms(lane->loop) + HTTP_LANE_IDLE_MS;
	if (lane->sweep_due_ms == 0) {
		lane->sweep_due_ms = loop_now_ms(lane->loop) + SWEEP_MS;
		follow(lane, lane->sweep_due_ms);
	}
}

static void sweep(struct http_lane *lane, int64_t now_ms)
{
	if (lane->sweep_due_ms == 0 || lane->sweep_due_ms > now_ms)
		return;
	for (size_t i = 0; i < HTTP_LANE_BUCKETS; i++) {
		for (struct http_lane_spot *spot = lane->buckets[i]; spot; spot = spot->next) {
			struct http_lane_connection *next = NULL;
			for (struct http_lane_connection *at = spot->idle.first; at; at = next) {
				next = at->next;
				if (at->due_ms <= now_ms)
					close_idle(at);
			}
		}
	}
	forget_spots(lane);
	lane->sweep_due_ms = lane->connection_count > 0 ? now_ms + SWEEP_MS : 0;
}

/* ---- leaving the lane ---- */

/* The transfer is its own again. */
static struct http_transfer *detach(struct http_lane_connection *connection, bool keep)
{
	struct http_lane *lane = connection->lane;
	struct http_transfer *transfer = connection->transfer;
	transfer->ticket.connection = NULL;
	connection->transfer = NULL;
	list_remove(&lane->busy, connection);
	if (keep)
		make_idle(connection);
	else
		connection_destroy(connection);
	return transfer;
}

static int64_t date_of(struct http_lane *lane, const char *date)
{
	if (strcmp(lane->date, date) != 0) {
		snprintf(lane->date, sizeof(lane->date), "%s", date);
		lane->date_ms = http_header_date(date);
	}
	return lane->date_ms;
}

static void reply(struct http_lane_connection *connection, bool keep)
{
	struct http_lane *lane = connection->lane;
	const struct http_lane_reply *read = &connection->reply;
	struct http_transfer *transfer = connection->transfer;
	struct http_reply_texts texts;
	struct http_reply out;
	http_lane_reply_describe(read, &texts, &out);
	out.date_ms = date_of(lane, read->date);
	if (read->retry_after[0] != '\0')
		out.retry_after_ms = http_header_retry_after(read->retry_after, out.date_ms);
	out.body = text_string(&transfer->body);
	out.length = transfer->body.length;
	out.took_ms = (double)(clock_stopwatch_us() - connection->began_us) / 1000.0;
	detach(connection, keep && read->keep);
	lane->fn(lane->context, transfer,
		&(struct http_lane_end){.kind = HTTP_LANE_REPLIED, .reply = &out});
}

static void fail(struct http_lane_connection *connection, CURLcode code)
{
	struct http_lane *lane = connection->lane;
	struct http_transfer *transfer = detach(connection, false);
	lane->fn(lane->context, transfer,
		&(struct http_lane_end){.kind = HTTP_LANE_FAILED, .code = (int)code});
}

static void give_back(struct http_lane_connection *connection)
{
	struct http_lane *lane = connection->lane;
	int64_t spent_us = clock_stopwatch_us() - connection->began_us;
	connection->transfer->spent_bytes += connection->reply.bytes;
	struct http_transfer *transfer = detach(connection, false);
	http_transfer_give_back(transfer, spent_us);
	lane->fn(lane->context, transfer, &(struct http_lane_end){.kind = HTTP_LANE_RETURNED});
}

/* Whatever it was: this host and port stay with libcurl, which may understand it. */
static void meet_odd(struct http_lane_connection *connection)
{
	struct http_transfer *transfer = connection->transfer;
	if (connection->reply.encoded)
		connection->spot->encodes = true;
	else
		connection->spot->closed = true;
	if (transfer->body_bytes == 0) {
		give_back(connection);
		return;
	}
	snprintf(transfer->curl_words, sizeof(transfer->curl_words), "%s",
		http_lane_reply_reason(&connection->reply));
	fail(connection, CURLE_RECV_ERROR);
}

/* The end of the connection before that of the answer. */
static void meet_end(struct http_lane_connection *connection, int number)
{
	struct http_transfer *transfer = connection->transfer;
	if (connection->reply.bytes == 0) {
		give_back(connection);
		return;
	}
	transfer->ticket.os_error = number;
	fail(connection, number != 0 ? CURLE_RECV_ERROR : CURLE_PARTIAL_FILE);
}

/* ---- reading ---- */

static bool take_body(void *context, const char *bytes, size_t length)
{
	struct http_lane_connection *connection = context;
	struct http_transfer *transfer = connection->transfer;
	if (transfer->paused) {
		text_append(&connection->held, bytes, length);
		if (text_ok(&connection->held))
			return true;
		transfer->stop = HTTP_STOP_MEMORY;
		return false;
	}
	return http_transfer_take(
		transfer, connection->reply.status, connection->reply.announced, bytes, length);
}

/* After something was read: go on, or leave the lane. `clean`: nothing came after the answer. */
static void judge(struct http_lane_connection *connection, bool clean)
{
	struct http_lane *lane = connection->lane;
	struct http_transfer *transfer = connection->transfer;
	const struct http_lane_reply *read = &connection->reply;
	transfer->head_is_whole = read->head_is_whole;
	transfer->head_bytes = read->head_bytes;
	if (transfer->cancelled) {
		detach(connection, false);
		lane->fn(lane->context, transfer,
			&(struct http_lane_end){.kind = HTTP_LANE_CANCELLED});
		return;
	}
	if (transfer->stop == HTTP_STOP_NONE && transfer->paused) {
		unwatch(connection);
		connection->lost = connection->lost || !clean;
		return;
	}
	switch (read->verdict) {
	case HTTP_LANE_MORE:
		break;
	case HTTP_LANE_WHOLE:
		reply(connection, clean);
		break;
	case HTTP_LANE_ODD:
		meet_odd(connection);
		break;
	case HTTP_LANE_HEAD:
		transfer->stop = HTTP_STOP_HEAD;
		fail(connection, CURLE_WRITE_ERROR);
		break;
	case HTTP_LANE_STOPPED:
		fail(connection, CURLE_WRITE_ERROR);
		break;
	}
}

static void receive(struct http_lane_connection *connection)
{
	struct http_lane *lane = connection->lane;
	ssize_t got = recv(connection->fd, lane->buffer, HTTP_LANE_READ_BYTES, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	int number = got < 0 ? errno : 0;
	size_t used = 0;
	lane->feeding = connection;
	if (got > 0)
		http_lane_reply_feed(&connection->reply, lane->buffer, (size_t)got, &used);
	else if (got == 0)
		http_lane_reply_end(&connection->reply);
	lane->feeding = NULL;
	if (got <= 0 && connection->reply.verdict == HTTP_LANE_MORE)
		meet_end(connection, number);
	else
		judge(connection, got > 0 && used == (size_t)got);
}

static void on_ready(void *context, int fd, unsigned events)
{
	struct http_lane_connection *connection = context;
	(void)fd;
	(void)events;
	if (connection->transfer)
		receive(connection);
	else
		close_idle(connection); /* closed by the peer, or it speaks without being asked */
}

/* ---- pauses and deadlines ---- */

/* What came while nothing was wanted, and then on as before. */
static void go_on(struct http_lane_connection *connection)
{
	struct http_lane *lane = connection->lane;
	struct http_transfer *transfer = connection->transfer;
	struct text held = connection->held;
	connection->resumed = false;
	text_init(&connection->held, HTTP_LANE_READ_BYTES);
	lane->feeding = connection;
	if (held.length > 0 &&
		!http_transfer_take(transfer, connection->reply.status, connection->reply.announced,
			held.bytes, held.length) &&
		!transfer->cancelled)
		connection->reply.verdict = HTTP_LANE_STOPPED;
	lane->feeding = NULL;
	text_finish(&held);
	if (!transfer->paused && !transfer->cancelled &&
		connection->reply.verdict == HTTP_LANE_MORE && !watch(connection)) {
		fail(connection, CURLE_OUT_OF_MEMORY);
		return;
	}
	if (!transfer->paused && !connection->watched &&
		connection->reply.verdict == HTTP_LANE_WHOLE)
		connection->lost = connection->lost || !watch(connection);
	judge(connection, !connection->lost);
}

static bool serve_one(struct http_lane *lane, int64_t now_ms)
{
	for (struct http_lane_connection *at = lane->busy.first; at; at = at->next) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): detach() took it off the list */
		if (at->resumed) {
			go_on(at);
			return true;
		}
		if (at->due_ms <= now_ms) {
			fail(at, CURLE_OPERATION_TIMEDOUT);
			return true;
		}
	}
	return false;
}

static void on_timer(void *context)
{
	struct http_lane *lane = context;
	int64_t now_ms = loop_now_ms(lane->loop);
	lane->timer = 0;
	/* Each may change the list, so it is always begun anew. */
	while (serve_one(lane, now_ms))
		continue;
	sweep(lane, now_ms);
	int64_t due_ms = lane->sweep_due_ms != 0 ? lane->sweep_due_ms : INT64_MAX;
	for (const struct http_lane_connection *at = lane->busy.first; at; at = at->next)
		if (at->due_ms < due_ms)
			due_ms = at->due_ms;
	if (due_ms != INT64_MAX)
		follow(lane, due_ms);
}

/* ---- what http.c uses ---- */

void http_lane_init(
	struct http_lane *lane, struct loop *loop, size_t most, http_lane_fn *fn, void *context)
{
	*lane = (struct http_lane){.loop = loop, .most = most, .fn = fn, .context = context};
}

void http_lane_finish(struct http_lane *lane)
{
	for (size_t i = 0; i < HTTP_LANE_BUCKETS; i++) {
		while (lane->buckets[i]) {
			struct http_lane_spot *spot = lane->buckets[i];
			while (spot->idle.first)
				connection_destroy(take_first(&spot->idle));
			lane->buckets[i] = spot->next;
			free(spot);
		}
	}
	loop_timer_stop(lane->loop, lane->timer);
	free(lane->buffer);
	lane->buffer = NULL;
	lane->timer = 0;
}

static bool is_closed_to(const struct http_lane_spot *spot, const struct http_transfer *transfer)
{
	return spot && (spot->closed || (spot->encodes && transfer->ticket.gzip));
}

bool http_lane_wants(const struct http_lane *lane, const struct http_transfer *transfer)
{
	return transfer->ticket.text && lane->connection_count < lane->most &&
	       !is_closed_to(find_spot(lane, transfer->target.where), transfer);
}

static struct http_lane_connection *connection_create(
	struct http_lane *lane, struct http_lane_spot *spot, int fd)
{
	struct http_lane_connection *connection = calloc(1, sizeof(*connection));
	if (!connection)
		return NULL;
	connection->lane = lane;
	connection->spot = spot;
	connection->fd = fd;
	text_init(&connection->held, HTTP_LANE_READ_BYTES);
	if (!watch(connection)) {
		free(connection);
		return NULL;
	}
	spot->connections++;
	lane->connection_count++;
	return connection;
}

void http_lane_adopt(struct http_lane *lane, struct http_transfer *transfer, bool encoded)
{
	struct http_ticket *ticket = &transfer->ticket;
	/* Still libcurl's, whatever the reason: then it may use it any time. */
	bool alone = ticket->fd >= 0 &&
		     http_sockets_serial(transfer->sockets, ticket->socket) != ticket->serial;
	struct http_lane_spot *spot = alone ? obtain_spot(lane, transfer->target.where) : NULL;
	if (spot && encoded)
		spot->encodes = true;
	if (!lane->buffer)
		lane->buffer = malloc(HTTP_LANE_READ_BYTES);
	struct http_lane_connection *connection = NULL;
	if (spot && lane->buffer && !is_closed_to(spot, transfer) &&
		lane->connection_count < lane->most)
		connection = connection_create(lane, spot, ticket->fd);
	if (!connection) {
		http_transfer_drop_socket(transfer);
		return;
	}
	ticket->fd = -1;
	make_idle(connection);
}

/* Whether nothing has come since the last answer, not even the end. */
static bool is_quiet(const struct http_lane_connection *connection)
{
	char byte = 0;
	return recv(connection->fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

static struct http_lane_connection *take_idle(struct http_lane_spot *spot, int64_t now_ms)
{
	while (spot->idle.first) {
		struct http_lane_connection *connection = take_first(&spot->idle);
		if (connection->due_ms > now_ms && is_quiet(connection))
			return connection;
		connection_destroy(connection);
	}
	return NULL;
}

bool http_lane_send(struct http_lane *lane, struct http_transfer *transfer)
{
	struct http_ticket *ticket = &transfer->ticket;
	int64_t now_ms = loop_now_ms(lane->loop);
	struct http_lane_spot *spot = ticket->text ? find_spot(lane, transfer->target.where) : NULL;
	if (!spot || is_closed_to(spot, transfer))
		return false;
	struct http_lane_connection *connection = take_idle(spot, now_ms);
	if (!connection)
		return false;
	connection->began_us = clock_stopwatch_us();
	/* Part of a request is none: the peer hears the end of it at once. */
	ssize_t sent = send(connection->fd, ticket->text, ticket->length, MSG_NOSIGNAL);
	if (sent != (ssize_t)ticket->length) {
		connection_destroy(connection);
		return false;
	}
	connection->transfer = transfer;
	connection->resumed = connection->lost = false;
	connection->due_ms = now_ms + transfer->timeout_ms;
	list_append(&lane->busy, connection);
	ticket->connection = connection;
	ticket->used = transfer->began = true;
	http_lane_reply_begin(&connection->reply, ticket->gzip, take_body, connection);
	follow(lane, connection->due_ms);
	return true;
}

bool http_lane_is_feeding(const struct http_lane *lane, const struct http_transfer *transfer)
{
	return lane->feeding && lane->feeding->transfer == transfer;
}

void http_lane_drop(struct http_transfer *transfer)
{
	detach(transfer->ticket.connection, false);
}

void http_lane_resume(struct http_lane *lane, struct http_transfer *transfer)
{
	transfer->ticket.connection->resumed = true;
	follow(lane, loop_now_ms(lane->loop));
}
