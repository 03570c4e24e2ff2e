#include "core/wire/http_target.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/error.h"
#include "core/base/sanitise.h"

#define SHOWN_BYTES 200 /* of a bad URL in a message */

static bool is_plain(const char *url)
{
	const char *at = url;
	while (*at > ' ' && *at != 0x7f)
		at++;
	return *at == '\0' && at - url < HTTP_URL_BYTES && at > url;
}

/* Take the parts out of `parsed`; each is freed by the caller. */
static const char *read_parts(CURLU *parsed, char *parts[3])
{
	char *user = NULL;
	char *password = NULL;
	bool has_user = curl_url_get(parsed, CURLUPART_USER, &user, 0) == CURLUE_OK;
	bool has_password = curl_url_get(parsed, CURLUPART_PASSWORD, &password, 0) == CURLUE_OK;
	curl_free(user);
	curl_free(password);
	if (has_user || has_password)
		return "it holds a user or password; name a secret file instead";
	if (curl_url_get(parsed, CURLUPART_SCHEME, &parts[0], 0) != CURLUE_OK ||
		(strcmp(parts[0], "http") != 0 && strcmp(parts[0], "https") != 0))
		return "only http:// and https:// are spoken";
	if (curl_url_get(parsed, CURLUPART_HOST, &parts[1], 0) != CURLUE_OK ||
		parts[1][0] == '\0' || strlen(parts[1]) > 255)
		return "it has no usable host";
	if (curl_url_get(parsed, CURLUPART_PORT, &parts[2], CURLU_DEFAULT_PORT) != CURLUE_OK ||
		strcmp(parts[2], "0") == 0)
		return "it has no usable port";
	return NULL;
}

static const char *parse(struct http_target *target, const char *url)
{
	if (!is_plain(url))
		return "it is empty, too long, or holds blanks, control or non-ASCII characters";
	CURLU *parsed = curl_url();
	if (!parsed)
		return "there is no memory";
	char *parts[3] = {NULL};
	const char *why = "it is not an absolute URL";
	if (curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK)
		why = read_parts(parsed, parts);
	if (!why) {
		char where[HTTP_WHERE_BYTES];
		snprintf(where, sizeof(where), "%s:%s", parts[1], parts[2]);
		sanitise(where, strlen(where), target->where, sizeof(target->where));
		snprintf(target->scheme, sizeof(target->scheme), "%s", parts[0]);
	}
	for (size_t i = 0; i < 3; i++)
		curl_free(parts[i]);
	curl_url_cleanup(parsed);
	return why;
}

bool http_target_parse(struct http_target *target, const char *url, struct error *error)
{
	if (!url)
		return error_set(error, ERROR_USAGE, "a request without a URL");
	const char *why = parse(target, url);
	if (!why)
		return true;
	/* A password in it must not reach the message: nothing of such a URL is quoted. */
	if (strchr(url, '@'))
		return error_set(error, ERROR_USAGE, "a URL cannot be used: %s", why);
	char shown[SHOWN_BYTES];
	sanitise(url, strlen(url), shown, sizeof(shown));
	return error_set(error, ERROR_USAGE, "URL '%s' cannot be used: %s", shown, why);
}

bool http_target_equal(const struct http_target *a, const struct http_target *b)
{
	return strcmp(a->scheme, b->scheme) == 0 && strcasecmp(a->where, b->where) == 0;
}
