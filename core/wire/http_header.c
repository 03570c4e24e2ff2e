#include "core/wire/http_header.h"

#include <curl/curl.h>
#include <string.h>

#include "core/base/number.h"
#include "core/base/sanitise.h"

#define RETRY_AFTER_MOST_S 86400

void http_header_copy(const char *value, char *out, size_t size)
{
	size_t length = value ? strlen(value) : 0;
	out[0] = '\0';
	if (length > 0 && length < size)
		sanitise(value, length, out, size);
}

int64_t http_header_date(const char *value)
{
	time_t seconds = value ? curl_getdate(value, NULL) : -1;
	return seconds > 0 ? (int64_t)seconds * 1000 : 0;
}

int64_t http_header_retry_after(const char *value, int64_t date_ms)
{
	int64_t seconds = 0;
	if (!value)
		return 0;
	if (!number_parse_integer(value, strlen(value), &seconds)) {
		time_t then = curl_getdate(value, NULL);
		seconds = then > 0 && date_ms > 0 ? (int64_t)then - date_ms / 1000 : 0;
	}
	if (seconds <= 0)
		return 0;
	return seconds > RETRY_AFTER_MOST_S ? (int64_t)RETRY_AFTER_MOST_S * 1000 : seconds * 1000;
}
