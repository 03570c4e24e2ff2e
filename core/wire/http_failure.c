#include "core/wire/http_failure.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/sanitise.h"
#include "core/wire/http_transfer.h"

#define REASON_BYTES 200

enum stage {
	STAGE_REACH,  /* nothing was sent */
	STAGE_ANSWER, /* the request left, the answer is missing or bad */
	STAGE_ANY,    /* whichever it was */
};

/*
 * libcurl's codes as the kind of error they are. `words` NULL: the system's reason where there is
 * one, else libcurl's own words.
 */
struct meaning {
	CURLcode code;
	enum error_kind kind;
	enum stage stage;
	const char *words;
};

static const struct meaning meanings[] = {
	{CURLE_COULDNT_RESOLVE_HOST, ERROR_UNREACHABLE, STAGE_REACH, "no address is known for it"},
	{CURLE_COULDNT_RESOLVE_PROXY, ERROR_UNREACHABLE, STAGE_REACH,
		"no address is known for the proxy"},
	{CURLE_COULDNT_CONNECT, ERROR_UNREACHABLE, STAGE_REACH, NULL},
	{CURLE_PROXY, ERROR_UNREACHABLE, STAGE_REACH, NULL},
	{CURLE_INTERFACE_FAILED, ERROR_UNREACHABLE, STAGE_REACH, NULL},
	{CURLE_SSL_CONNECT_ERROR, ERROR_UNREACHABLE, STAGE_REACH, NULL},
	{CURLE_PEER_FAILED_VERIFICATION, ERROR_UNTRUSTED, STAGE_REACH, NULL},
	{CURLE_SSL_ISSUER_ERROR, ERROR_UNTRUSTED, STAGE_REACH, NULL},
	{CURLE_SSL_CACERT_BADFILE, ERROR_UNTRUSTED, STAGE_REACH,
		"the file of certificate authorities cannot be used"},
	{CURLE_SSL_CERTPROBLEM, ERROR_UNTRUSTED, STAGE_REACH,
		"our own certificate or key cannot be used"},
	{CURLE_SEND_ERROR, ERROR_UNREACHABLE, STAGE_ANY, NULL},
	{CURLE_RECV_ERROR, ERROR_UNREACHABLE, STAGE_ANY, NULL},
	{CURLE_GOT_NOTHING, ERROR_UNREACHABLE, STAGE_ANSWER, "the connection was closed"},
	{CURLE_PARTIAL_FILE, ERROR_UNREACHABLE, STAGE_ANSWER, "the connection was closed"},
	{CURLE_UNSUPPORTED_PROTOCOL, ERROR_SYNTAX, STAGE_ANSWER, "it is not HTTP"},
	{CURLE_WEIRD_SERVER_REPLY, ERROR_SYNTAX, STAGE_ANSWER, NULL},
	{CURLE_BAD_CONTENT_ENCODING, ERROR_SYNTAX, STAGE_ANSWER, "its compression is damaged"},
	{CURLE_OUT_OF_MEMORY, ERROR_NO_MEMORY, STAGE_ANY, "no memory"},
};

/* What libcurl says to a code that the table does not know. */
static const struct meaning unforeseen = {CURLE_OK, ERROR_UNREACHABLE, STAGE_ANY, NULL};

static const struct meaning *find(CURLcode code)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].code == code)
			return &meanings[i];
	return &unforeseen;
}

/* One line in our manner: safe, beginning small, without a full stop. */
static void tidy(const char *words, char out[REASON_BYTES])
{
	sanitise(words, strlen(words), out, REASON_BYTES);
	size_t length = strlen(out);
	while (length > 0 && (out[length - 1] == '.' || out[length - 1] == ' '))
		out[--length] = '\0';
	if (length > 1 && islower((unsigned char)out[1]))
		out[0] = (char)tolower((unsigned char)out[0]);
}

static void find_reason(const struct http_transfer *transfer, const struct meaning *meaning,
	CURLcode code, char *out)
{
	long number = 0;
	if (transfer->ticket.used)
		number = transfer->ticket.os_error;
	else
		curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number);
	bool plain = code == CURLE_SSL_CONNECT_ERROR &&
		     strstr(transfer->curl_words, "wrong version number");
	if (plain)
		tidy("it answers, but not in TLS (http:// instead of https://?)", out);
	else if (meaning->words)
		tidy(meaning->words, out);
	else if (meaning->kind == ERROR_UNREACHABLE && code != CURLE_SSL_CONNECT_ERROR &&
		 number > 0)
		tidy(strerror((int)number), out);
	else if (transfer->curl_words[0] != '\0')
		tidy(transfer->curl_words, out);
	else
		tidy(curl_easy_strerror(code), out);
}

static const char *where(const struct http_transfer *transfer)
{
	return transfer->target.where;
}

static void describe_timeout(const struct http_transfer *transfer, struct error *error)
{
	curl_off_t lookup_us = 0;
	curl_easy_getinfo(transfer->easy, CURLINFO_NAMELOOKUP_TIME_T, &lookup_us);
	long long timeout_ms = (long long)transfer->timeout_ms;
	if (!transfer->began)
		error_set(error, transfer->mutation ? ERROR_UNREACHABLE : ERROR_TIMEOUT,
			"cannot reach %s: no %s within %lld ms", where(transfer),
			lookup_us > 0 ? "connection" : "address was found",
			(long long)transfer->connect_timeout_ms);
	else if (transfer->head_bytes + transfer->body_bytes == 0)
		error_set(error, ERROR_TIMEOUT, "no answer from %s within %lld ms", where(transfer),
			timeout_ms);
	else
		error_set(error, ERROR_TIMEOUT,
			"incomplete answer from %s: %zu bytes of body within %lld ms",
			where(transfer), transfer->body_bytes, timeout_ms);
}

/* A callback of ours ended it; false when none did. */
static bool describe_stop(const struct http_transfer *transfer, struct error *error)
{
	size_t most = transfer->body_most;
	switch (transfer->stop) {
	case HTTP_STOP_NONE:
		return false;
	case HTTP_STOP_BODY:
		error_set(error, ERROR_LIMIT, "answer from %s is over the limit of %zu bytes",
			where(transfer), most);
		return true;
	case HTTP_STOP_HEAD:
		error_set(error, ERROR_LIMIT, "headers from %s are over the limit of %zu bytes",
			where(transfer), HTTP_HEAD_BYTES);
		return true;
	case HTTP_STOP_CHUNK:
		error_set(error, ERROR_LIMIT, "answer from %s was more than its reader takes",
			where(transfer));
		return true;
	case HTTP_STOP_MEMORY:
		error_no_memory(error, "an answer");
		return true;
	}
	return false;
}

/* libcurl's own limit, for one header line, is reported as a want of memory. */
static bool is_head_overflow(const struct http_transfer *transfer, CURLcode code)
{
	return code == CURLE_OUT_OF_MEMORY && transfer->began && !transfer->head_is_whole;
}

static void describe_code(const struct http_transfer *transfer, CURLcode code, struct error *error)
{
	const struct meaning *meaning = find(code);
	char reason[REASON_BYTES];
	find_reason(transfer, meaning, code, reason);
	bool begun = meaning->stage == STAGE_ANY ? transfer->began : meaning->stage == STAGE_ANSWER;
	const char *what = !begun                          ? "cannot reach"
			   : meaning->kind == ERROR_SYNTAX ? "bad answer from"
			   : transfer->head_bytes > 0      ? "incomplete answer from"
							   : "no answer from";
	if (meaning->kind == ERROR_UNTRUSTED)
		what = "cannot trust";
	error_set(error, meaning->kind, "%s %s: %s", what, where(transfer), reason);
}

/* Whether it was done is not known, so the reason must not pass for a failure. */
static void doubt(const struct http_transfer *transfer, struct error *error)
{
	if (!transfer->mutation || !transfer->began)
		return;
	error_prefix(error, "%s to %s was sent but its outcome is unknown", transfer->method,
		where(transfer));
	if (error)
		error->kind = ERROR_UNKNOWN_OUTCOME;
}

void http_failure_describe(const struct http_transfer *transfer, CURLcode code, struct error *error)
{
	if (code == CURLE_OPERATION_TIMEDOUT)
		describe_timeout(transfer, error);
	else if (is_head_overflow(transfer, code))
		error_set(error, ERROR_LIMIT,
			"headers from %s are over the limit of %zu bytes, or no memory is left",
			where(transfer), HTTP_HEAD_BYTES);
	else if (!describe_stop(transfer, error))
		describe_code(transfer, code, error);
	doubt(transfer, error);
}

void http_failure_cancelled(
	const struct http_transfer *transfer, const char *why, struct error *error)
{
	error_set(error, ERROR_CANCELLED, "%s %s was cancelled: %s",
		transfer->bare ? "connection to" : "request to", where(transfer), why);
	doubt(transfer, error);
}
