/*
 * http_target.h - where a URL leads, for messages and for the question whether a redirect stays at
 * home.
 */
#ifndef CORE_WIRE_HTTP_TARGET_H
#define CORE_WIRE_HTTP_TARGET_H

#include <stdbool.h>

struct error;

#define HTTP_URL_BYTES 8192
#define HTTP_WHERE_BYTES 288

struct http_target {
	char where[HTTP_WHERE_BYTES]; /* "host:port", safe to show */
	char scheme[8];               /* "http" or "https" */
};

/*
 * ERROR_USAGE: not an absolute http or https URL, over HTTP_URL_BYTES, with blanks or control
 * characters, or with a user or password in it (they would be seen wherever the URL is).
 */
bool http_target_parse(struct http_target *target, const char *url, struct error *error);

/* Same scheme, host and port. */
bool http_target_equal(const struct http_target *a, const struct http_target *b);

#endif
