#include "core/wire/http_transfer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/wire/http_header.h"
#include "core/wire/http_lane_request.h"

#define HOST_BYTES 255
#define RENEWED_BYTES ((size_t)64 * 1024)

struct number_option {
	CURLoption option;
	long value;
};

/* The same for every transfer. What is not obvious has its reason. */
static const struct number_option common_options[] = {
	{CURLOPT_NOSIGNAL, 1},
	{CURLOPT_FAILONERROR, 0},    /* an error's body says what is wrong */
	{CURLOPT_FOLLOWLOCATION, 0}, /* followed by http_transfer_follow(), which asks where to */
	{CURLOPT_HTTP09_ALLOWED, 0},
	{CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1}, /* half the memory: http2_options else */
	{CURLOPT_QUICK_EXIT, 1}, /* else a lookup that timed out is waited for, loop and all */
	{CURLOPT_SSL_VERIFYPEER, 1},
	{CURLOPT_SSL_VERIFYHOST, 2},
	{CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
	{CURLOPT_NETRC, CURL_NETRC_IGNORED},
	{CURLOPT_UNRESTRICTED_AUTH, 0},
	{CURLOPT_NOPROGRESS, 1},
};

struct text_option {
	CURLoption option;
	const char *value; /* NULL: left alone */
};

static bool set_numbers(CURL *easy, const struct number_option *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (curl_easy_setopt(easy, rows[i].option, rows[i].value) != CURLE_OK)
			return false;
	return true;
}

static bool set_texts(CURL *easy, const struct text_option *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].value &&
			curl_easy_setopt(easy, rows[i].option, rows[i].value) != CURLE_OK)
			return false;
	return true;
}

/* ---- what libcurl calls ---- */

static int on_begin(void *context, char *primary, char *local, int port, int local_port)
{
	(void)local;
	struct http_transfer *transfer = context;
	struct http_ends *ends = &transfer->ticket.ends;
	*ends = (struct http_ends){.port = port, .local_port = local_port};
	snprintf(ends->address, sizeof(ends->address), "%s", primary);
	if (transfer->cancelled)
		return CURL_PREREQFUNC_ABORT;
	transfer->began = true;
	return CURL_PREREQFUNC_OK;
}

static int status_of(CURL *easy)
{
	long status = 0;
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

static const char *header_of(CURL *easy, const char *name)
{
	struct curl_header *header = NULL;
	bool found = curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK;
	return found ? header->value : NULL;
}

/*
 * The head of a plain good answer is there: the connection is to be the lane's. libcurl closes its
 * own descriptor at the end and never knows; only then is the duplicate alone with the peer.
 */
static void keep_for_lane(struct http_transfer *transfer)
{
	CURL *easy = transfer->easy;
	struct http_ticket *ticket = &transfer->ticket;
	long version = 0;
	int status = status_of(easy);
	if (!ticket->wanted || ticket->fd >= 0 || transfer->redirects > 0 || status < 200 ||
		status > 299)
		return;
	const char *connection = header_of(easy, "Connection");
	if (connection && strcasecmp(connection, "keep-alive") != 0)
		return;
	curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
	if (version != CURL_HTTP_VERSION_1_1)
		return;
	ticket->socket = http_sockets_find(transfer->sockets, ticket->waited_on, &ticket->ends);
	ticket->serial = http_sockets_serial(transfer->sockets, ticket->socket);
	if (ticket->socket != CURL_SOCKET_BAD &&
		curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK)
		ticket->fd = fcntl(ticket->socket, F_DUPFD_CLOEXEC, 0);
}

static size_t on_head(char *bytes, size_t size, size_t count, void *context)
{
	struct http_transfer *transfer = context;
	size_t length = size * count;
	if (length >= 5 && memcmp(bytes, "HTTP/", 5) == 0)
		transfer->head_is_whole = false; /* there may be several: 100 comes before 200 */
	else if (length > 0 && (bytes[0] == '\r' || bytes[0] == '\n'))
		transfer->head_is_whole = true;
	if (transfer->head_is_whole)
		keep_for_lane(transfer);
	transfer->head_bytes += length;
	if (transfer->head_bytes <= HTTP_HEAD_BYTES)
		return length;
	transfer->stop = HTTP_STOP_HEAD;
	return 0;
}

/* Streaming is for the answer that was asked for; any other is short, and its body says what is
 * wrong. */
static bool is_streamed(const struct http_transfer *transfer, int status)
{
	return transfer->on_chunk && status >= 200 && status <= 299;
}

bool http_transfer_take(struct http_transfer *transfer, int status, int64_t announced,
	const char *bytes, size_t length)
{
	bool streamed = is_streamed(transfer, status);
	size_t most = transfer->body_most;
	if (!streamed && most > transfer->body.limit)
		most = transfer->body.limit;
	if (length > most - transfer->body_bytes ||
		(announced > 0 && (uint64_t)announced > (uint64_t)most)) {
		transfer->stop = HTTP_STOP_BODY;
		return false;
	}
	transfer->body_bytes += length;
	if (streamed) {
		if (!transfer->on_chunk(transfer->chunk_context, bytes, length))
			transfer->stop = HTTP_STOP_CHUNK;
	} else {
		text_append(&transfer->body, bytes, length);
		if (!text_ok(&transfer->body))
			transfer->stop = HTTP_STOP_MEMORY;
	}
	return transfer->stop == HTTP_STOP_NONE && !transfer->cancelled;
}

/* libcurl's own size limit believes Content-Length; this one counts what arrives, after
 * decompression. */
static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
	struct http_transfer *transfer = context;
	size_t length = size * count;
	if (transfer->cancelled)
		return 0;
	if (transfer->paused)
		return CURL_WRITEFUNC_PAUSE;
	curl_off_t announced = -1;
	curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
	bool taken = http_transfer_take(
		transfer, status_of(transfer->easy), (int64_t)announced, bytes, length);
	return taken ? length : 0;
}

/* ---- making one ---- */

static bool set_callbacks(struct http_transfer *transfer, struct http_sockets *sockets)
{
	CURL *easy = transfer->easy;
	return curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_words) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_begin) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, http_sockets_open) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, sockets) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, http_sockets_close) ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, sockets) == CURLE_OK;
}

static bool set_timeouts(struct http_transfer *transfer)
{
	int64_t left_ms = transfer->timeout_ms - transfer->spent_us / 1000;
	int64_t connect_ms = transfer->connect_timeout_ms;
	const struct number_option rows[] = {
		/* 0 would mean no limit at all */
		{CURLOPT_TIMEOUT_MS, left_ms > 0 ? (long)left_ms : 1},
		{CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms},
	};
	return set_numbers(transfer->easy, rows, sizeof(rows) / sizeof(rows[0]));
}

/* What every transfer needs, whatever it is for. */
static bool set_common(
	struct http_transfer *transfer, const char *url, struct http_sockets *sockets)
{
	const struct text_option texts[] = {
		{CURLOPT_URL, url}, {CURLOPT_PROTOCOLS_STR, "http,https"},
		{CURLOPT_REDIR_PROTOCOLS_STR, "http,https"}, {CURLOPT_USERAGENT, HTTP_USER_AGENT},
		{CURLOPT_NOPROXY, ""}, /* the environment has no say */
	};
	size_t numbers = sizeof(common_options) / sizeof(common_options[0]);
	CURL *easy = transfer->easy;
	return set_texts(easy, texts, sizeof(texts) / sizeof(texts[0])) &&
	       set_numbers(easy, common_options, numbers) && set_timeouts(transfer) &&
	       set_callbacks(transfer, sockets) &&
	       /* With a directory as well, libcurl reads the whole store for each connection. */
	       curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK;
}

static bool set_body(struct http_transfer *transfer, const struct http_request *request)
{
	CURL *easy = transfer->easy;
	bool head = strcmp(transfer->method, "HEAD") == 0;
	bool bodiless = !request->body && (head || strcmp(transfer->method, "GET") == 0 ||
						  strcmp(transfer->method, "DELETE") == 0 ||
						  strcmp(transfer->method, "OPTIONS") == 0);
	if (head && !request->body)
		return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) == CURLE_OK;
	if (!bodiless) {
		const char *body = request->body ? request->body : "";
		curl_off_t length = request->body ? (curl_off_t)request->body_length : 0;
		if (curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, length) != CURLE_OK ||
			curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, body) != CURLE_OK)
			return false;
	}
	return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, transfer->method) == CURLE_OK;
}

/* libcurl repeats a request by itself when a kept connection turns out dead: never let it have one.
 */
static const struct number_option mutation_options[] = {
	{CURLOPT_FRESH_CONNECT, 1},
	{CURLOPT_FORBID_REUSE, 1},
};

/* Who asks a host many things at once waits for its first connection and shares it. A change that
 * shares a connection may be sent again by libcurl, so it never does. */
static const struct number_option http2_options[] = {
	{CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS},
	{CURLOPT_PIPEWAIT, 1},
};

static bool set_request(struct http_transfer *transfer, const struct http_request *request)
{
	CURL *easy = transfer->easy;
	const struct text_option texts[] = {
		{CURLOPT_PROXY, request->proxy ? request->proxy : ""},
		{CURLOPT_CAINFO, request->ca_file},
		{CURLOPT_SSLCERT, request->client_cert_file},
		{CURLOPT_SSLKEY, request->client_key_file},
		{CURLOPT_UNIX_SOCKET_PATH, request->unix_socket},
		{CURLOPT_USERPWD, request->basic},
		{CURLOPT_ACCEPT_ENCODING, request->gzip ? "gzip" : NULL},
	};
	size_t numbers =
		request->mutation ? sizeof(mutation_options) / sizeof(mutation_options[0]) : 0;
	bool shares = request->http2 && !request->mutation;
	size_t shared = shares ? sizeof(http2_options) / sizeof(http2_options[0]) : 0;
	return set_texts(easy, texts, sizeof(texts) / sizeof(texts[0])) &&
	       set_numbers(easy, mutation_options, numbers) &&
	       set_numbers(easy, http2_options, shared) && set_body(transfer, request) &&
	       http_request_headers(request, &transfer->headers) &&
	       curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK;
}

static struct http_transfer *allocate(
	const struct http_target *target, struct http_sockets *sockets, struct error *error)
{
	struct http_transfer *transfer = calloc(1, sizeof(*transfer));
	CURL *easy = transfer ? curl_easy_init() : NULL;
	if (!easy) {
		free(transfer);
		error_no_memory(error, "a request");
		return NULL;
	}
	transfer->easy = easy;
	transfer->sockets = sockets;
	transfer->target = *target;
	transfer->ticket.fd = transfer->ticket.waited_on = -1;
	return transfer;
}

static void take_settings(struct http_transfer *transfer, const struct http_request *request)
{
	snprintf(transfer->method, sizeof(transfer->method), "%s", http_request_method(request));
	transfer->mutation = request->mutation;
	transfer->timeout_ms = request->timeout_ms ? request->timeout_ms : HTTP_TIMEOUT_MS;
	transfer->connect_timeout_ms = transfer->timeout_ms;
	if (request->connect_timeout_ms && request->connect_timeout_ms < transfer->timeout_ms)
		transfer->connect_timeout_ms = request->connect_timeout_ms;
	transfer->body_most = request->max_body_bytes ? request->max_body_bytes : HTTP_REPLY_BYTES;
	transfer->on_chunk = request->on_chunk;
	transfer->chunk_context = request->chunk_context;
	size_t held = transfer->body_most;
	if (request->on_chunk && held > HTTP_REPLY_BYTES)
		held = HTTP_REPLY_BYTES;
	text_init(&transfer->body, held);
}

struct http_transfer *http_transfer_create(
	const struct http_request *request, struct http_sockets *sockets, struct error *error)
{
	struct http_target target;
	if (!http_target_parse(&target, request->url, error) || !http_request_check(request, error))
		return NULL;
	struct http_transfer *transfer = allocate(&target, sockets, error);
	if (!transfer)
		return NULL;
	take_settings(transfer, request);
	if (!set_common(transfer, request->url, sockets) || !set_request(transfer, request)) {
		http_transfer_destroy(transfer);
		error_no_memory(error, "a request");
		return NULL;
	}
	transfer->ticket.gzip = request->gzip;
	transfer->ticket.text =
		http_lane_request_text(request, &transfer->target, &transfer->ticket.length);
	return transfer;
}

static bool host_is_usable(const char *host)
{
	size_t length = strlen(host);
	return length > 0 && length <= HOST_BYTES &&
	       strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789._:-") == length;
}

static bool set_bare(struct http_transfer *transfer)
{
	static const struct number_option rows[] = {
		{CURLOPT_CONNECT_ONLY, 1},
		{CURLOPT_FRESH_CONNECT, 1},
	};
	return set_numbers(transfer->easy, rows, sizeof(rows) / sizeof(rows[0])) &&
	       curl_easy_setopt(transfer->easy, CURLOPT_PROXY, "") == CURLE_OK;
}

struct http_transfer *http_transfer_create_bare(const char *host, int port, int64_t timeout_ms,
	struct http_sockets *sockets, struct error *error)
{
	if (!host || !host_is_usable(host) || port < 1 || port > 65535 || timeout_ms < 0 ||
		timeout_ms > HTTP_TIMEOUT_MOST_MS) {
		error_set(
			error, ERROR_USAGE, "a connection needs a host name, a port and a timeout");
		return NULL;
	}
	bool literal = strchr(host, ':') != NULL;
	char url[HOST_BYTES + 32];
	snprintf(url, sizeof(url), "http://%s%s%s:%d/", literal ? "[" : "", host,
		literal ? "]" : "", port);
	struct http_target target;
	if (!http_target_parse(&target, url, error))
		return NULL;
	struct http_transfer *transfer = allocate(&target, sockets, error);
	if (!transfer)
		return NULL;
	transfer->bare = true;
	transfer->timeout_ms = timeout_ms ? timeout_ms : HTTP_TIMEOUT_MS;
	transfer->connect_timeout_ms = transfer->timeout_ms;
	if (!set_common(transfer, url, sockets) || !set_bare(transfer)) {
		http_transfer_destroy(transfer);
		error_no_memory(error, "a connection");
		return NULL;
	}
	return transfer;
}

bool http_transfer_renew(struct http_transfer *transfer)
{
	/* A redirect has changed the handle's url, a return from the lane its deadline, and a large
	 * body its memory. */
	if (!transfer->likeness || transfer->redirects > 0 || transfer->ticket.back ||
		transfer->body.capacity > RENEWED_BYTES)
		return false;
	transfer->began = transfer->head_is_whole = transfer->paused = false;
	transfer->stop = HTTP_STOP_NONE;
	transfer->head_bytes = transfer->body_bytes = 0;
	transfer->curl_words[0] = '\0';
	text_clear(&transfer->body);
	http_transfer_drop_socket(transfer);
	transfer->ticket.used = false;
	transfer->ticket.os_error = 0;
	transfer->ticket.waited_on = -1;
	transfer->ticket.ends.port = 0;
	return true;
}

void http_transfer_give_back(struct http_transfer *transfer, int64_t spent_us)
{
	transfer->ticket.used = false;
	transfer->ticket.back = true;
	transfer->spent_us += spent_us;
	transfer->began = transfer->head_is_whole = false;
	transfer->head_bytes = 0;
	set_timeouts(transfer);
}

bool http_transfer_is_unpacked(const struct http_transfer *transfer)
{
	return transfer->ticket.gzip && header_of(transfer->easy, "Content-Encoding");
}

void http_transfer_drop_socket(struct http_transfer *transfer)
{
	if (transfer->ticket.fd >= 0)
		close(transfer->ticket.fd);
	transfer->ticket.fd = -1;
}

void http_transfer_readdress(struct http_transfer *transfer, const struct http_request *request)
{
	transfer->on_chunk = request->on_chunk;
	transfer->chunk_context = request->chunk_context;
}

void http_transfer_destroy(struct http_transfer *transfer)
{
	if (!transfer)
		return;
	free(transfer->likeness);
	http_lane_request_free(transfer->ticket.text);
	http_transfer_drop_socket(transfer);
	curl_easy_cleanup(transfer->easy);
	http_request_free_headers(transfer->headers);
	text_finish(&transfer->body);
	free(transfer);
}

/* ---- what came of it ---- */

static int64_t time_of(CURL *easy, CURLINFO info)
{
	curl_off_t us = 0;
	curl_easy_getinfo(easy, info, &us);
	return (int64_t)us;
}

/* Name, connection and TLS; 0 when a kept connection was used. */
static int64_t connect_us_of(CURL *easy)
{
	long connections = 0;
	curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connections);
	if (connections == 0)
		return 0;
	int64_t tls_us = time_of(easy, CURLINFO_APPCONNECT_TIME_T);
	return tls_us > 0 ? tls_us : time_of(easy, CURLINFO_CONNECT_TIME_T);
}

static uint64_t wire_bytes_of(CURL *easy)
{
	curl_off_t body = 0;
	long head = 0;
	curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &body);
	curl_easy_getinfo(easy, CURLINFO_HEADER_SIZE, &head);
	return (uint64_t)(body > 0 ? body : 0) + (uint64_t)(head > 0 ? head : 0);
}

/* 303, and by custom 301 and 302, ask for a GET; 307 and 308 for the same again. */
static bool status_redirects(const struct http_transfer *transfer, int status)
{
	bool simple = strcmp(transfer->method, "GET") == 0 || strcmp(transfer->method, "HEAD") == 0;
	return status == 307 || status == 308 ||
	       (simple && (status == 301 || status == 302 || status == 303));
}

bool http_transfer_is_whole(const struct http_transfer *transfer)
{
	return transfer->bare || transfer->head_is_whole;
}

bool http_transfer_follow(struct http_transfer *transfer)
{
	if (transfer->bare || transfer->mutation || transfer->redirects == HTTP_REDIRECTS_MOST ||
		!status_redirects(transfer, status_of(transfer->easy)))
		return false;
	char *url = NULL;
	struct http_target to;
	curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &url);
	if (!url || !http_target_parse(&to, url, NULL) ||
		!http_target_equal(&to, &transfer->target))
		return false;
	int64_t spent_us = time_of(transfer->easy, CURLINFO_TOTAL_TIME_T);
	int64_t connect_us = connect_us_of(transfer->easy);
	uint64_t bytes = wire_bytes_of(transfer->easy);
	if (curl_easy_setopt(transfer->easy, CURLOPT_URL, url) != CURLE_OK)
		return false;
	transfer->redirects++;
	transfer->spent_us += spent_us;
	transfer->spent_connect_us += connect_us;
	transfer->spent_bytes += bytes;
	transfer->head_is_whole = false;
	transfer->head_bytes = 0;
	transfer->body_bytes = 0;
	transfer->began = false;
	text_clear(&transfer->body);
	return set_timeouts(transfer);
}

void http_transfer_reply(
	struct http_transfer *transfer, struct http_reply_texts *texts, struct http_reply *reply)
{
	CURL *easy = transfer->easy;
	int status = status_of(easy);
	/* libcurl keeps what it hands out only until the next question. */
	http_header_copy(
		header_of(easy, "Content-Type"), texts->content_type, sizeof(texts->content_type));
	http_header_copy(header_of(easy, "ETag"), texts->etag, sizeof(texts->etag));
	http_header_copy(header_of(easy, "Location"), texts->location, sizeof(texts->location));
	int64_t date_ms = http_header_date(header_of(easy, "Date"));
	int64_t took_us = transfer->spent_us + time_of(easy, CURLINFO_TOTAL_TIME_T);
	int64_t connect_us = transfer->spent_connect_us + connect_us_of(easy);
	*reply = (struct http_reply){
		.status = status,
		.body = text_string(&transfer->body),
		.length = transfer->body.length,
		.content_type = texts->content_type,
		.etag = texts->etag,
		.location = texts->location,
		.date_ms = date_ms,
		.retry_after_ms = http_header_retry_after(header_of(easy, "Retry-After"), date_ms),
		.took_ms = (double)took_us / 1000.0,
		.connect_ms = (double)connect_us / 1000.0,
		.wire_bytes = transfer->spent_bytes + wire_bytes_of(easy),
		.repeats = transfer->ticket.back ? 1 : 0,
	};
}
