#include "core/wire/http_lane_request.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/base64.h"
#include "core/wire/http.h"
#include "core/wire/http_request.h"
#include "core/wire/http_target.h"

#define SCHEME "http://"
#define PLAIN_PORT ":80"
#define BASIC_BYTES 1024 /* of user:password; who has a longer one asks through libcurl */

/* What libcurl writes by itself, or gives a meaning to. Accept is not among them: a caller's takes
 * the place of libcurl's, and that is all. */
static const char *const special_headers[] = {"Host", "User-Agent", "Accept-Encoding",
	"Authorization", "Cookie", "Range", "Referer", "TE", "Upgrade", "Proxy-Connection",
	"Alt-Used", "Expect", "Trailer"};

/* Where the path begins, NULL where it is not to be taken as it stands. */
static const char *path_of(const char *url)
{
	if (strncmp(url, SCHEME, sizeof(SCHEME) - 1) != 0)
		return NULL;
	const char *path = url + sizeof(SCHEME) - 1;
	path += strcspn(path, "/?#@");
	if (*path != '/' || strchr(path, '#'))
		return NULL;
	const char *dot = strstr(path, "/.");
	return dot && dot < path + strcspn(path, "?") ? NULL : path;
}

/* The host as the Host header has it; libcurl has its own mind about zones and final dots. */
static bool host_is_plain(const struct http_target *target)
{
	const char *where = target->where;
	size_t length = strspn(where, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_:[]");
	return where[0] != '\0' && where[length] == '\0' && !strstr(where, ".:");
}

static bool headers_are_plain(const struct http_request *request)
{
	for (size_t i = 0; i < request->header_count; i++)
		for (size_t j = 0; j < sizeof(special_headers) / sizeof(special_headers[0]); j++)
			if (strcasecmp(request->headers[i].name, special_headers[j]) == 0)
				return false;
	return true;
}

static bool is_plain(const struct http_request *request, const struct http_target *target)
{
	bool direct = (!request->proxy || request->proxy[0] == '\0') && !request->unix_socket;
	return !request->mutation && !request->body && direct && !request->http2 &&
	       strcmp(http_request_method(request), "GET") == 0 && host_is_plain(target) &&
	       headers_are_plain(request);
}

/* Counts when it has no room, so that a secret is written once, into a place of its size. */
struct writer {
	char *out;
	size_t length;
};

static void put(struct writer *writer, const char *bytes, size_t length)
{
	if (writer->out)
		memcpy(writer->out + writer->length, bytes, length);
	writer->length += length;
}

static void put_string(struct writer *writer, const char *string)
{
	put(writer, string, strlen(string));
}

static void put_host(struct writer *writer, const struct http_target *target)
{
	size_t length = strlen(target->where);
	size_t port = sizeof(PLAIN_PORT) - 1;
	if (length > port && strcmp(target->where + length - port, PLAIN_PORT) == 0)
		length -= port;
	put_string(writer, "Host: ");
	put(writer, target->where, length);
	put_string(writer, "\r\n");
}

static void put_headers(struct writer *writer, const struct http_request *request)
{
	for (size_t i = 0; i < request->header_count; i++) {
		const struct http_header *header = &request->headers[i];
		put_string(writer, header->name);
		put_string(writer, header->value[0] != '\0' ? ": " : ":");
		put_string(writer, header->value);
		put_string(writer, "\r\n");
	}
	if (!request->bearer)
		return;
	put_string(writer, "Authorization: Bearer ");
	put_string(writer, request->bearer);
	put_string(writer, "\r\n");
}

static bool has_accept(const struct http_request *request)
{
	for (size_t i = 0; i < request->header_count; i++)
		if (strcasecmp(request->headers[i].name, "Accept") == 0)
			return true;
	return false;
}

/* In libcurl's order. */
static void put_all(struct writer *writer, const struct http_request *request,
	const struct http_target *target, const char *path, const char *basic)
{
	put_string(writer, "GET ");
	put_string(writer, path);
	put_string(writer, " HTTP/1.1\r\n");
	put_host(writer, target);
	if (request->basic) {
		put_string(writer, "Authorization: Basic ");
		put_string(writer, basic);
		put_string(writer, "\r\n");
	}
	put_string(writer, "User-Agent: " HTTP_USER_AGENT "\r\n");
	if (!has_accept(request))
		put_string(writer, "Accept: */*\r\n");
	if (request->gzip)
		put_string(writer, "Accept-Encoding: gzip\r\n");
	put_headers(writer, request);
	put_string(writer, "\r\n");
}

char *http_lane_request_text(
	const struct http_request *request, const struct http_target *target, size_t *length)
{
	const char *path = path_of(request->url);
	char basic[BASE64_BYTES(BASIC_BYTES)] = "";
	if (!path || !is_plain(request, target))
		return NULL;
	if (request->basic &&
		!base64_encode(request->basic, strlen(request->basic), basic, sizeof(basic)))
		return NULL;
	struct writer writer = {.out = NULL};
	put_all(&writer, request, target, path, basic);
	char *text = malloc(writer.length + 1);
	if (text) {
		writer = (struct writer){.out = text};
		put_all(&writer, request, target, path, basic);
		text[writer.length] = '\0';
		*length = writer.length;
	}
	explicit_bzero(basic, sizeof(basic));
	return text;
}

void http_lane_request_free(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}
