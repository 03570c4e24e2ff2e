/*
 * http_failure.h - what a transfer that did not end well means, in words for people.
 */
#ifndef CORE_WIRE_HTTP_FAILURE_H
#define CORE_WIRE_HTTP_FAILURE_H

#include <curl/curl.h>

struct error;
struct http_transfer;

/*
 * Fill `error` for a transfer that ended with `code`. A mutation that began is
 * ERROR_UNKNOWN_OUTCOME whatever the reason; one that did not is ERROR_UNREACHABLE or
 * ERROR_UNTRUSTED, and nothing was sent.
 */
void http_failure_describe(
	const struct http_transfer *transfer, CURLcode code, struct error *error);

/* The same for a transfer that we end ourselves: `why` is such as "the program is closing". */
void http_failure_cancelled(
	const struct http_transfer *transfer, const char *why, struct error *error);

#endif
