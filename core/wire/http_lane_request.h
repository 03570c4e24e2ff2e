/*
 * http_lane_request.h - which requests may take the lane, and how they are spelled there.
 *
 * The text is what libcurl would send for the same request, byte for byte, so that a peer cannot
 * tell which of the two asks.
 */
#ifndef CORE_WIRE_HTTP_LANE_REQUEST_H
#define CORE_WIRE_HTTP_LANE_REQUEST_H

#include <stddef.h>

struct http_request;
struct http_target;

#define HTTP_USER_AGENT "spillway/" SPILLWAY_VERSION

/*
 * NULL: libcurl sends it. That is whatever is not a plain GET over http:// without body, proxy or
 * unix socket; a URL that libcurl would spell otherwise (dot segments, a fragment, no path);
 * headers that take the place of libcurl's own; and without memory. It may hold a secret.
 */
char *http_lane_request_text(
	const struct http_request *request, const struct http_target *target, size_t *length);

void http_lane_request_free(char *text); /* wiped */

#endif
