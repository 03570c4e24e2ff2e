/*
 * A request that finds a kept connection of the lane (http_lane.h) leaves at once; all others are
 * libcurl's. How a turn goes then: the timer lets a few queued transfers take off, or the loop
 * reports a descriptor; libcurl runs, and what it calls only records; then what was cancelled
 * meanwhile is taken out and what is done is handed over. So no callback of a caller ever runs
 * inside libcurl, except those for chunks, and what those ask for waits.
 */
#include "core/wire/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/loop.h"
#include "core/wire/http_failure.h"
#include "core/wire/http_lane.h"
#include "core/wire/http_park.h"
#include "core/wire/http_sockets.h"
#include "core/wire/http_transfer.h"

#define NO_DEADLINE INT64_MAX
#define STARTS_PER_TURN 8
#define NAMES_KEPT_S 120L
#define NAMES_LOOK_MS 1000

/* A list in order of arrival. */
struct transfers {
	struct http_transfer *first, *last;
	size_t count;
};

struct http {
	struct loop *loop;
	CURLM *multi;
	struct http_sockets sockets;
	struct http_lane lane;
	struct transfers queued;
	struct transfers flying; /* libcurl has them, or the lane */
	struct http_park park;
	long connections_most;   /* libcurl's and the lane's together */
	size_t lane_connections; /* when libcurl was last told what is left for it */
	uint64_t last_id;

	uint64_t timer; /* 0: none */
	int64_t timer_due_ms;
	int64_t names_ms;    /* when addresses were last looked through; 0: never */
	int64_t deadline_ms; /* when libcurl wants to be called; may be later than the timer */

	bool inside; /* libcurl is running: it must not be called */
	bool sweep;  /* something was cancelled meanwhile */
	bool closing;
	bool read_only;
};

static void list_append(struct transfers *list, struct http_transfer *transfer)
{
	transfer->previous = list->last;
	transfer->next = NULL;
	if (list->last)
		list->last->next = transfer;
	else
		list->first = transfer;
	list->last = transfer;
	list->count++;
}

static void list_remove(struct transfers *list, struct http_transfer *transfer)
{
	if (transfer->previous)
		transfer->previous->next = transfer->next;
	else
		list->first = transfer->next;
	if (transfer->next)
		transfer->next->previous = transfer->previous;
	else
		list->last = transfer->previous;
	transfer->previous = transfer->next = NULL;
	list->count--;
}

static struct http_transfer *list_find(const struct transfers *list, uint64_t id)
{
	struct http_transfer *transfer = list->first;
	while (transfer && transfer->id != id)
		transfer = transfer->next;
	return transfer;
}

/* ---- the deadline ---- */

static void on_timer(void *context);

static bool may_admit(const struct http *http)
{
	return http->queued.first && http->flying.count < HTTP_IN_FLIGHT_MOST;
}

/*
 * libcurl moves its deadline many times per request, mostly to later. The timer follows only to
 * earlier; when it fires too soon it is set again.
 */
static void follow_deadline(struct http *http)
{
	int64_t now_ms = loop_now_ms(http->loop);
	int64_t due_ms = may_admit(http) ? now_ms : http->deadline_ms;
	if (due_ms == NO_DEADLINE || (http->timer != 0 && http->timer_due_ms <= due_ms))
		return;
	loop_timer_stop(http->loop, http->timer);
	int64_t delay_ms = due_ms > now_ms ? due_ms - now_ms : 0;
	http->timer = loop_timer_start(http->loop, delay_ms, on_timer, http);
	http->timer_due_ms = due_ms;
	if (http->timer == 0)
		log_error("wire", "no memory for a timer: requests may be late");
}

static int on_deadline(CURLM *multi, long timeout_ms, void *context)
{
	(void)multi;
	struct http *http = context;
	http->deadline_ms = timeout_ms < 0 ? NO_DEADLINE : loop_now_ms(http->loop) + timeout_ms;
	follow_deadline(http);
	return 0;
}

/* ---- taking off and landing ---- */

/* CURLMOPT_SOCKETFUNCTION: besides watching, note which connection a transfer waits on. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *unused)
{
	struct http *http = context;
	struct http_transfer *transfer = NULL;
	if (what != CURL_POLL_REMOVE)
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
	if (transfer)
		transfer->ticket.waited_on = fd;
	return http_sockets_change(easy, fd, what, &http->sockets, unused);
}

/*
 * Each lookup is a thread, so addresses are kept for a while. A transfer that minds their age makes
 * libcurl go through all of them at its end, and a thousand endpoints have a thousand addresses: so
 * one transfer in NAMES_LOOK_MS does, and finds what is too old for all.
 */
static void mind_names(struct http *http, struct http_transfer *transfer)
{
	int64_t now_ms = loop_now_ms(http->loop);
	bool due = http->names_ms == 0 || now_ms - http->names_ms >= NAMES_LOOK_MS;
	if (due)
		http->names_ms = now_ms;
	curl_easy_setopt(transfer->easy, CURLOPT_DNS_CACHE_TIMEOUT, due ? NAMES_KEPT_S : -1L);
}

/* The lane's share of the connections kept is not libcurl's. */
static void share_connections(struct http *http)
{
	size_t count = http->lane.connection_count;
	if (count == http->lane_connections)
		return;
	http->lane_connections = count;
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, http->connections_most - (long)count);
}

/* The handle may have given its last connection to the lane. */
static void prepare_ticket(struct http *http, struct http_transfer *transfer)
{
	if (!transfer->ticket.text)
		return;
	transfer->ticket.wanted = http_lane_wants(&http->lane, transfer);
	curl_easy_setopt(transfer->easy, CURLOPT_FORBID_REUSE, 0L);
}

static bool take_off(struct http *http, struct http_transfer *transfer)
{
	bool was_inside = http->inside;
	mind_names(http, transfer);
	prepare_ticket(http, transfer);
	share_connections(http);
	http->inside = true;
	transfer->flying = curl_multi_add_handle(http->multi, transfer->easy) == CURLM_OK;
	http->inside = was_inside;
	return transfer->flying;
}

static void land(struct http *http, struct http_transfer *transfer)
{
	if (transfer->ticket.connection)
		http_lane_drop(transfer);
	if (!transfer->flying)
		return;
	bool was_inside = http->inside;
	http->inside = true;
	curl_multi_remove_handle(http->multi, transfer->easy);
	http->inside = was_inside;
	transfer->flying = false;
}

static void hand_over_error(struct http_transfer *transfer, const struct error *error)
{
	if (transfer->bare)
		transfer->connected(transfer->context, -1, error);
	else
		transfer->done(transfer->context, NULL, error);
}

/* The connection outlives libcurl's handle in a duplicate: libcurl closes only its own descriptor.
 */
static int duplicate_socket(const struct http_transfer *transfer, struct error *error)
{
	curl_socket_t active = CURL_SOCKET_BAD;
	curl_easy_getinfo(transfer->easy, CURLINFO_ACTIVESOCKET, &active);
	int fd = active == CURL_SOCKET_BAD ? -1 : fcntl(active, F_DUPFD_CLOEXEC, 0);
	if (active == CURL_SOCKET_BAD)
		error_set(error, ERROR_UNREACHABLE, "lost the connection to %s at once",
			transfer->target.where);
	else if (fd < 0)
		error_errno(error, "cannot keep the connection to %s", transfer->target.where);
	return fd;
}

/* Not in any list any more; the callback may send, cancel and whatnot. */
static void finish_bare(struct http *http, struct http_transfer *transfer)
{
	struct error error = {0};
	int fd = duplicate_socket(transfer, &error);
	land(http, transfer);
	if (fd >= 0)
		transfer->connected(transfer->context, fd, NULL);
	else
		hand_over_error(transfer, &error);
}

static void finish_reply(struct http_transfer *transfer)
{
	struct http_reply_texts texts;
	struct http_reply reply;
	http_transfer_reply(transfer, &texts, &reply);
	transfer->done(transfer->context, &reply, NULL);
}

static void finish_error(struct http *http, struct http_transfer *transfer, CURLcode code)
{
	struct error error = {0};
	http_failure_describe(transfer, code, &error);
	land(http, transfer);
	hand_over_error(transfer, &error);
}

/* It is over. One that went well waits for the next of its likeness. */
static void retire(struct http *http, struct http_transfer *transfer, bool good)
{
	if (!good || !http_transfer_renew(transfer) || !http_park_put(&http->park, transfer))
		http_transfer_destroy(transfer);
}

static void finish(struct http *http, struct http_transfer *transfer, CURLcode code)
{
	if (code == CURLE_OK && !http_transfer_is_whole(transfer))
		code = CURLE_PARTIAL_FILE;
	/* A redirect takes off again under the same id. */
	if (!transfer->cancelled && !transfer->bare && code == CURLE_OK) {
		land(http, transfer);
		if (http_transfer_follow(transfer)) {
			if (take_off(http, transfer))
				return;
			code = CURLE_OUT_OF_MEMORY;
		}
	}
	list_remove(&http->flying, transfer);
	bool good = !transfer->cancelled && !transfer->bare && code == CURLE_OK;
	if (good && transfer->ticket.fd >= 0)
		http_lane_adopt(&http->lane, transfer, http_transfer_is_unpacked(transfer));
	if (transfer->cancelled)
		land(http, transfer);
	else if (code != CURLE_OK)
		finish_error(http, transfer, code);
	else if (transfer->bare)
		finish_bare(http, transfer);
	else
		finish_reply(transfer);
	retire(http, transfer, good);
}

static void on_lane_end(
	void *context, struct http_transfer *transfer, const struct http_lane_end *end)
{
	struct http *http = context;
	struct error error = {0};
	list_remove(&http->flying, transfer);
	switch (end->kind) {
	case HTTP_LANE_REPLIED:
		transfer->done(transfer->context, end->reply, NULL);
		retire(http, transfer, true);
		break;
	case HTTP_LANE_FAILED:
		http_failure_describe(transfer, (CURLcode)end->code, &error);
		hand_over_error(transfer, &error);
		retire(http, transfer, false);
		break;
	case HTTP_LANE_RETURNED:
		list_append(&http->queued, transfer);
		break;
	case HTTP_LANE_CANCELLED:
		retire(http, transfer, false);
		break;
	}
	follow_deadline(http);
}

/* ---- the turn ---- */

static void sweep_cancelled(struct http *http)
{
	if (!http->sweep)
		return;
	http->sweep = false;
	struct http_transfer *next = NULL;
	for (struct http_transfer *transfer = http->flying.first; transfer; transfer = next) {
		next = transfer->next;
		if (!transfer->cancelled)
			continue;
		list_remove(&http->flying, transfer);
		land(http, transfer);
		http_transfer_destroy(transfer);
	}
}

static void collect_finished(struct http *http)
{
	int left = 0;
	CURLMsg *message = NULL;
	while ((message = curl_multi_info_read(http->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		/* The message dies with the landing. */
		CURLcode code = message->data.result;
		struct http_transfer *transfer = NULL;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		if (transfer)
			finish(http, transfer, code);
	}
}

/* Connecting costs libcurl time, so a few take off in each turn and the loop stays awake. */
static void admit_some(struct http *http)
{
	for (int i = 0; i < STARTS_PER_TURN && may_admit(http); i++) {
		struct http_transfer *transfer = http->queued.first;
		list_remove(&http->queued, transfer);
		bool returned = transfer->ticket.back;
		if ((!returned && http_lane_send(&http->lane, transfer)) ||
			take_off(http, transfer)) {
			list_append(&http->flying, transfer);
			continue;
		}
		struct error error = {0};
		error_no_memory(&error, "a request");
		hand_over_error(transfer, &error);
		http_transfer_destroy(transfer);
	}
}

static void run(struct http *http, curl_socket_t fd, int ready)
{
	int running = 0;
	http->inside = true;
	CURLMcode code = curl_multi_socket_action(http->multi, fd, ready, &running);
	http->inside = false;
	if (code != CURLM_OK)
		log_error("wire", "libcurl: %s", curl_multi_strerror(code));
	sweep_cancelled(http);
	collect_finished(http);
	follow_deadline(http);
}

static void on_ready(void *context, curl_socket_t fd, int ready)
{
	run(context, fd, ready);
}

static void on_timer(void *context)
{
	struct http *http = context;
	http->timer = 0;
	if (http->deadline_ms > loop_now_ms(http->loop) && !may_admit(http)) {
		follow_deadline(http);
		return;
	}
	/* libcurl names its next deadline anew, also when it was called too early. */
	http->deadline_ms = NO_DEADLINE;
	admit_some(http);
	run(http, CURL_SOCKET_TIMEOUT, 0);
}

/* ---- what callers use ---- */

/* A connection kept is a descriptor held, and others need some too. */
static long connections_kept(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
		limit.rlim_cur / 4 * 3 >= HTTP_CONNECTIONS_KEPT)
		return HTTP_CONNECTIONS_KEPT;
	return (long)(limit.rlim_cur / 4 * 3);
}

static bool set_up_multi(struct http *http)
{
	CURLM *multi = http->multi;
	return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
	       curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, http) == CURLM_OK &&
	       curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_deadline) == CURLM_OK &&
	       curl_multi_setopt(multi, CURLMOPT_TIMERDATA, http) == CURLM_OK &&
	       /* The default is four per flying transfer: a large fleet would connect for every
		  poll. */
	       curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, http->connections_most) == CURLM_OK &&
	       curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX) == CURLM_OK;
}

struct http *http_create(struct loop *loop, struct error *error)
{
	struct http *http = calloc(1, sizeof(*http));
	if (!http || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(http);
		error_no_memory(error, "the HTTP client");
		return NULL;
	}
	http->loop = loop;
	http->deadline_ms = NO_DEADLINE;
	http->connections_most = connections_kept();
	http_sockets_init(&http->sockets, loop, on_ready, http);
	/* An eighth is left for what has to be libcurl's. */
	http_lane_init(
		&http->lane, loop, (size_t)http->connections_most / 8 * 7, on_lane_end, http);
	http->multi = curl_multi_init();
	if (!http->multi || !set_up_multi(http)) {
		http_destroy(http);
		error_no_memory(error, "the HTTP client");
		return NULL;
	}
	return http;
}

/* Each callback may cancel others, so it is always the first one left. */
static void cancel_all(struct http *http, struct transfers *list)
{
	while (list->first) {
		struct http_transfer *transfer = list->first;
		struct error error = {0};
		list_remove(list, transfer);
		http_failure_cancelled(transfer, "the HTTP client is closing", &error);
		land(http, transfer);
		hand_over_error(transfer, &error);
		http_transfer_destroy(transfer);
	}
}

void http_destroy(struct http *http)
{
	if (!http)
		return;
	http->closing = true;
	cancel_all(http, &http->flying);
	cancel_all(http, &http->queued);
	http_lane_finish(&http->lane);
	http_park_finish(&http->park);
	curl_multi_cleanup(http->multi);
	http_sockets_finish(&http->sockets);
	loop_timer_stop(http->loop, http->timer);
	free(http);
	curl_global_cleanup();
}

void http_set_read_only(struct http *http, bool read_only)
{
	http->read_only = read_only;
}

/* It takes off from the loop, or has left on the lane. Takes the transfer over, also on failure. */
static uint64_t start(struct http *http, struct http_transfer *transfer, struct error *error)
{
	transfer->id = ++http->last_id;
	if (http->flying.count < HTTP_IN_FLIGHT_MOST && http_lane_send(&http->lane, transfer)) {
		list_append(&http->flying, transfer);
		return transfer->id;
	}
	list_append(&http->queued, transfer);
	follow_deadline(http);
	if (http->timer != 0 || !may_admit(http))
		return transfer->id;
	list_remove(&http->queued, transfer);
	http_transfer_destroy(transfer);
	error_no_memory(error, "a request");
	return 0;
}

static bool is_open(const struct http *http, struct error *error)
{
	if (http->closing)
		return error_set(error, ERROR_CANCELLED, "the HTTP client is closing");
	if (http->queued.count >= HTTP_QUEUED_MOST)
		return error_set(
			error, ERROR_LIMIT, "%d requests are queued already", HTTP_QUEUED_MOST);
	return true;
}

/* A parked transfer of the same likeness, or a new one. */
static struct http_transfer *obtain(
	struct http *http, const struct http_request *request, struct error *error)
{
	char *likeness = http_park_likeness(request);
	struct http_transfer *transfer = likeness ? http_park_take(&http->park, likeness) : NULL;
	if (transfer) {
		http_transfer_readdress(transfer, request);
		free(likeness);
		return transfer;
	}
	transfer = http_transfer_create(request, &http->sockets, error);
	if (transfer)
		transfer->likeness = likeness;
	else
		free(likeness);
	return transfer;
}

uint64_t http_send(struct http *http, const struct http_request *request, http_done_fn *done,
	void *context, struct error *error)
{
	if (!is_open(http, error))
		return 0;
	if (http->read_only && request->mutation) {
		error_set(error, ERROR_USAGE, "a change was not sent: this program is read-only");
		return 0;
	}
	struct http_transfer *transfer = obtain(http, request, error);
	if (!transfer)
		return 0;
	transfer->done = done;
	transfer->context = context;
	return start(http, transfer, error);
}

uint64_t http_connect(struct http *http, const char *host, int port, int64_t timeout_ms,
	http_connected_fn *done, void *context, struct error *error)
{
	if (!is_open(http, error))
		return 0;
	struct http_transfer *transfer =
		http_transfer_create_bare(host, port, timeout_ms, &http->sockets, error);
	if (!transfer)
		return 0;
	transfer->connected = done;
	transfer->context = context;
	return start(http, transfer, error);
}

void http_pause(struct http *http, uint64_t id)
{
	struct http_transfer *transfer = list_find(&http->flying, id);
	if (transfer)
		transfer->paused = true;
}

void http_resume(struct http *http, uint64_t id)
{
	struct http_transfer *transfer = list_find(&http->flying, id);
	if (!transfer || !transfer->paused || http->inside)
		return;
	transfer->paused = false;
	if (transfer->ticket.connection) {
		http_lane_resume(&http->lane, transfer);
		return;
	}
	http->inside = true;
	CURLcode code = curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
	http->inside = false;
	if (code != CURLE_OK)
		log_error("wire", "libcurl does not go on: %s", curl_easy_strerror(code));
	sweep_cancelled(http);
	follow_deadline(http);
}

void http_cancel(struct http *http, uint64_t id)
{
	struct http_transfer *transfer = list_find(&http->queued, id);
	if (transfer) {
		list_remove(&http->queued, transfer);
		http_transfer_destroy(transfer);
		return;
	}
	transfer = list_find(&http->flying, id);
	if (!transfer)
		return;
	if (http_lane_is_feeding(&http->lane, transfer)) {
		transfer->cancelled = true;
		return;
	}
	if (http->inside) {
		transfer->cancelled = true;
		http->sweep = true;
		return;
	}
	list_remove(&http->flying, transfer);
	land(http, transfer);
	http_transfer_destroy(transfer);
	follow_deadline(http);
}
