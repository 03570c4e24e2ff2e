/*
 * http_park.h - transfers that wait for the same request to come again.
 *
 * A poll sends the same request every second. Making a libcurl handle and telling it forty things
 * costs more than the request itself, so a transfer that went well is parked under what was asked
 * and taken out again for the next of its likeness. Only what is alike in every respect, down to
 * timeouts and files, is alike.
 *
 * Never parked: changes, requests with a body, and whatever shows a secret, which must not stay in
 * memory. Limit: HTTP_PARKED_MOST transfers; beyond it they are simply not kept.
 */
#ifndef CORE_WIRE_HTTP_PARK_H
#define CORE_WIRE_HTTP_PARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_PARKED_MOST 2048
#define HTTP_LIKENESS_BYTES 8192

struct http_request;
struct http_transfer;

struct http_park {
	struct http_transfer **slots; /* open addressing by likeness; NULL until the first */
	size_t count;
};

/* What a request asks for, as text; NULL where it is not one to be parked, or without memory. The
 * caller's to free. */
char *http_park_likeness(const struct http_request *request);

/* A transfer of that likeness, now the caller's; NULL when there is none. */
struct http_transfer *http_park_take(struct http_park *park, const char *likeness);

/* Keep a transfer that has its likeness and is in no multi; false where there is no place for it:
 * it stays the caller's. */
bool http_park_put(struct http_park *park, struct http_transfer *transfer);

void http_park_finish(struct http_park *park); /* destroys what is parked */

#endif
