#include "core/wire/http_park.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/wire/http.h"
#include "core/wire/http_request.h"
#include "core/wire/http_transfer.h"

#define SLOTS ((size_t)2 * HTTP_PARKED_MOST)

static bool may_be_parked(const struct http_request *request)
{
	return !request->mutation && !request->body && !request->bearer && !request->basic;
}

/* NULL and "" are two things. Control characters are in no part of a good request. */
static void add_part(struct text *text, const char *part)
{
	text_add_char(text, part ? '\x1f' : '\x1e');
	text_add(text, part ? part : "");
}

char *http_park_likeness(const struct http_request *request)
{
	struct text text;
	if (!may_be_parked(request))
		return NULL;
	text_init(&text, HTTP_LIKENESS_BYTES);
	add_part(&text, http_request_method(request));
	add_part(&text, request->url);
	add_part(&text, request->ca_file);
	add_part(&text, request->client_cert_file);
	add_part(&text, request->client_key_file);
	add_part(&text, request->unix_socket);
	add_part(&text, request->proxy);
	for (size_t i = 0; i < request->header_count && i < HTTP_HEADERS_MOST; i++) {
		add_part(&text, request->headers[i].name);
		add_part(&text, request->headers[i].value);
	}
	const uint64_t numbers[] = {(uint64_t)request->timeout_ms,
		(uint64_t)request->connect_timeout_ms, request->max_body_bytes, request->gzip,
		request->http2, request->on_chunk != NULL};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		text_add_char(&text, '\x1f');
		for (uint64_t left = numbers[i]; left > 0; left /= 64)
			text_add_char(&text, (char)('0' + left % 64));
	}
	if (text_ok(&text))
		return text.bytes;
	text_finish(&text);
	return NULL;
}

static size_t place_of(const char *likeness)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (const char *at = likeness; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
	return (size_t)(hash ^ hash >> 29) & (SLOTS - 1);
}

/* Move up whoever a free place would hide. */
static void close_gap(struct http_park *park, size_t gap)
{
	for (size_t at = (gap + 1) & (SLOTS - 1); park->slots[at]; at = (at + 1) & (SLOTS - 1)) {
		size_t home = place_of(park->slots[at]->likeness);
		if (((at - home) & (SLOTS - 1)) < ((at - gap) & (SLOTS - 1)))
			continue;
		park->slots[gap] = park->slots[at];
		park->slots[at] = NULL;
		gap = at;
	}
}

struct http_transfer *http_park_take(struct http_park *park, const char *likeness)
{
	if (park->count == 0)
		return NULL;
	size_t at = place_of(likeness);
	for (; park->slots[at]; at = (at + 1) & (SLOTS - 1)) {
		struct http_transfer *transfer = park->slots[at];
		if (strcmp(transfer->likeness, likeness) != 0)
			continue;
		park->slots[at] = NULL;
		park->count--;
		close_gap(park, at);
		return transfer;
	}
	return NULL;
}

bool http_park_put(struct http_park *park, struct http_transfer *transfer)
{
	if (!park->slots)
		park->slots = calloc(SLOTS, sizeof(struct http_transfer *));
	if (!park->slots || park->count == HTTP_PARKED_MOST)
		return false;
	size_t at = place_of(transfer->likeness);
	while (park->slots[at])
		at = (at + 1) & (SLOTS - 1);
	park->slots[at] = transfer;
	park->count++;
	return true;
}

void http_park_finish(struct http_park *park)
{
	for (size_t i = 0; park->slots && i < SLOTS; i++)
		http_transfer_destroy(park->slots[i]);
	free(park->slots);
	*park = (struct http_park){0};
}
