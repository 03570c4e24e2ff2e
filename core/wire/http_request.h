/*
 * http_request.h - judging a request before anything is made of it, and writing its headers.
 */
#ifndef CORE_WIRE_HTTP_REQUEST_H
#define CORE_WIRE_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct curl_slist;
struct error;
struct http_request;

#define HTTP_METHOD_BYTES 16
#define HTTP_HEADER_NAME_BYTES 256
#define HTTP_HEADER_VALUE_BYTES 8192
#define HTTP_TIMEOUT_MS 5000
#define HTTP_TIMEOUT_MOST_MS INT64_C(86400000)     /* a day */
#define HTTP_BODY_BYTES ((size_t)16 * 1024 * 1024) /* of a request */

/* ERROR_USAGE, or ERROR_LIMIT for the body. The URL is not looked at. */
bool http_request_check(const struct http_request *request, struct error *error);

/* The method, "GET" by default. */
const char *http_request_method(const struct http_request *request);

/*
 * Headers for libcurl, never NULL on success because some of libcurl's own are taken out. False: no
 * memory. What the list holds may be secret: free it with http_request_free_headers(), which wipes
 * it.
 */
bool http_request_headers(const struct http_request *request, struct curl_slist **out);
void http_request_free_headers(struct curl_slist *headers);

#endif
