#include "core/wire/http_request.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/error.h"
#include "core/wire/http.h"

#define HEADER_LINE_BYTES (2 * HTTP_HEADER_VALUE_BYTES)

/* Methods that only read by their definition; POST is among them because query languages are sent
 * by POST. */
static const char *const reading_methods[] = {"GET", "HEAD", "OPTIONS", "POST"};

/* A second opinion on where a message ends is how one request becomes two. */
static const char *const framing_headers[] = {"Content-Length", "Transfer-Encoding", "Connection"};

static bool is_token(const char *word)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	const char *at = word;
	for (; *at != '\0'; at++) {
		bool alphanumeric = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
				    (*at >= '0' && *at <= '9');
		if (!alphanumeric && !strchr(others, *at))
			return false;
	}
	return at > word;
}

static bool is_clean_value(const char *value)
{
	for (const char *at = value; *at != '\0'; at++)
		if (((unsigned char)*at < 0x20 && *at != '\t') || *at == 0x7f)
			return false;
	return strlen(value) <= HTTP_HEADER_VALUE_BYTES;
}

const char *http_request_method(const struct http_request *request)
{
	return request->method ? request->method : "GET";
}

static bool method_is_usable(const struct http_request *request, struct error *error)
{
	const char *method = http_request_method(request);
	size_t length = strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	if (length == 0 || method[length] != '\0' || length >= HTTP_METHOD_BYTES)
		return error_set(error, ERROR_USAGE, "an HTTP method is not a word in capitals");
	if (request->mutation)
		return true;
	for (size_t i = 0; i < sizeof(reading_methods) / sizeof(reading_methods[0]); i++)
		if (strcmp(method, reading_methods[i]) == 0)
			return true;
	return error_set(error, ERROR_USAGE, "%s changes something: it must be a mutation", method);
}

static bool header_is_usable(const struct http_header *header, struct error *error)
{
	if (!header->name || !is_token(header->name) ||
		strlen(header->name) > HTTP_HEADER_NAME_BYTES)
		return error_set(error, ERROR_USAGE, "an HTTP header has a name that is no token");
	for (size_t i = 0; i < sizeof(framing_headers) / sizeof(framing_headers[0]); i++)
		if (strcasecmp(header->name, framing_headers[i]) == 0)
			return error_set(error, ERROR_USAGE,
				"header '%s' is not for callers to set", framing_headers[i]);
	if (!header->value || !is_clean_value(header->value))
		return error_set(error, ERROR_USAGE,
			"header '%.64s' has a value with line breaks or control characters, or is "
			"too long",
			header->name);
	return true;
}

static bool is_duration(int64_t ms)
{
	return ms >= 0 && ms <= HTTP_TIMEOUT_MOST_MS;
}

bool http_request_check(const struct http_request *request, struct error *error)
{
	if (!method_is_usable(request, error))
		return false;
	if (request->header_count > HTTP_HEADERS_MOST)
		return error_set(error, ERROR_USAGE, "a request has %zu headers, the most is %d",
			request->header_count, HTTP_HEADERS_MOST);
	for (size_t i = 0; i < request->header_count; i++)
		if (!header_is_usable(&request->headers[i], error))
			return false;
	if (request->bearer && request->basic)
		return error_set(
			error, ERROR_USAGE, "a request has both a bearer token and a password");
	if (request->bearer && (!is_clean_value(request->bearer) || request->bearer[0] == '\0'))
		return error_set(error, ERROR_USAGE,
			"a bearer token is empty, too long or has control characters");
	if (request->basic && !strchr(request->basic, ':'))
		return error_set(error, ERROR_USAGE, "a basic credential is not user:password");
	if (!is_duration(request->timeout_ms) || !is_duration(request->connect_timeout_ms))
		return error_set(error, ERROR_USAGE, "a timeout is negative or over 24 hours");
	if (!request->on_chunk && request->max_body_bytes > HTTP_HELD_BYTES)
		return error_set(error, ERROR_USAGE, "an answer of over %zu bytes cannot be held",
			HTTP_HELD_BYTES);
	if (request->body_length > HTTP_BODY_BYTES)
		return error_set(error, ERROR_LIMIT,
			"request body of %zu bytes is over the limit of %zu", request->body_length,
			HTTP_BODY_BYTES);
	return true;
}

/* `separator` is ": ", or what libcurl reads as a wish: "Name:" removes a header, "Name;" sends it
 * empty. */
static bool add_line(
	struct curl_slist **list, const char *name, const char *separator, const char *value)
{
	char line[HEADER_LINE_BYTES];
	int length = snprintf(line, sizeof(line), "%s%s%s", name, separator, value);
	struct curl_slist *longer = NULL;
	if (length > 0 && (size_t)length < sizeof(line))
		longer = curl_slist_append(*list, line);
	explicit_bzero(line, sizeof(line));
	if (longer)
		*list = longer;
	return longer != NULL;
}

static bool has_header(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->header_count; i++)
		if (strcasecmp(request->headers[i].name, name) == 0)
			return true;
	return false;
}

bool http_request_headers(const struct http_request *request, struct curl_slist **out)
{
	struct curl_slist *list = NULL;
	/* Waiting for "100 Continue" costs a second, and a refusal would make libcurl send again.
	 */
	bool ok = add_line(&list, "Expect", ":", "");
	if (!has_header(request, "Content-Type"))
		ok = ok && add_line(&list, "Content-Type", ":", "");
	for (size_t i = 0; ok && i < request->header_count; i++) {
		const struct http_header *header = &request->headers[i];
		const char *separator = header->value[0] != '\0' ? ": " : ";";
		ok = add_line(&list, header->name, separator, header->value);
	}
	if (ok && request->bearer)
		ok = add_line(&list, "Authorization", ": Bearer ", request->bearer);
	if (!ok) {
		http_request_free_headers(list);
		return false;
	}
	*out = list;
	return true;
}

void http_request_free_headers(struct curl_slist *headers)
{
	for (struct curl_slist *line = headers; line; line = line->next)
		explicit_bzero(line->data, strlen(line->data));
	curl_slist_free_all(headers);
}
