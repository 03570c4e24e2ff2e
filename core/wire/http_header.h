/*
 * http_header.h - what the values of an answer's headers mean.
 */
#ifndef CORE_WIRE_HTTP_HEADER_H
#define CORE_WIRE_HTTP_HEADER_H

#include <stddef.h>
#include <stdint.h>

/* A value made safe to show; "" when there is none (NULL) or it does not fit whole. */
void http_header_copy(const char *value, char *out, size_t size);

/* A Date as epoch ms; 0 when there is none or it is not one. */
int64_t http_header_date(const char *value);

/* A Retry-After as a span of at most a day, 0 none: seconds, or a date that is compared with the
 * peer's own clock, `date_ms`. */
int64_t http_header_retry_after(const char *value, int64_t date_ms);

#endif
