#include "backends/answer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "backends/backend.h"
#include "backends/observation.h"
#include "core/base/error.h"
#include "core/base/sanitise.h"

#define SNIPPET_BYTES 60

struct status_words {
	int from, until;
	enum error_kind kind;
	const char *words; /* after the place */
};

static const struct status_words status_table[] = {
	{401, 401, ERROR_UNTRUSTED,
		"refuses the login (401): check bearer_file or basic_file of the source"},
	{403, 403, ERROR_UNTRUSTED, "forbids reading (403): check what the token may do"},
	{404, 404, ERROR_SCHEMA, "has nothing there (404): check the path of the url"},
	{405, 405, ERROR_SCHEMA, "does not take this method (405): check the path of the url"},
	{407, 407, ERROR_UNTRUSTED, "is a proxy that wants a login (407)"},
	{429, 429, ERROR_UNREACHABLE, "asks for fewer requests (429): raise 'every'"},
	{500, 500, ERROR_UNREACHABLE, "failed inside (500): see its own log"},
	{502, 504, ERROR_UNREACHABLE, "answers for something that is down or overloaded"},
};

void answer_place(const char *url, char out[ANSWER_PLACE_BYTES])
{
	sanitise(url, strcspn(url, "?#"), out, ANSWER_PLACE_BYTES);
}

bool answer_is_html(const struct backend_answer *answer)
{
	if (strncasecmp(answer->content_type, "text/html", 9) == 0)
		return true;
	size_t at = 0;
	while (at < answer->length && strchr(" \t\r\n", answer->bytes[at]))
		at++;
	return at < answer->length && answer->bytes[at] == '<';
}

/* The first line of a short plain body, in quotes after a blank; "" when there is none worth it. */
static void snippet(const struct backend_answer *answer, char out[SNIPPET_BYTES + 8])
{
	out[0] = '\0';
	if (answer_is_html(answer) || answer->was_shown_secret)
		return;
	size_t length = 0;
	while (length < answer->length && answer->bytes[length] != '\n' &&
		answer->bytes[length] != '\r')
		length++;
	char clean[SNIPPET_BYTES];
	if (sanitise(answer->bytes, length, clean, sizeof(clean)) > 0)
		snprintf(out, SNIPPET_BYTES + 8, ": \"%s\"", clean);
}

static bool refuse_status(
	const struct backend_answer *answer, const char *place, struct error *error)
{
	char said[SNIPPET_BYTES + 8];
	snippet(answer, said);
	for (size_t i = 0; i < sizeof(status_table) / sizeof(status_table[0]); i++) {
		const struct status_words *row = &status_table[i];
		if (answer->status < row->from || answer->status > row->until)
			continue;
		if (row->from != row->until)
			return error_set(error, row->kind, "%s %s (%d)%s", place, row->words,
				answer->status, said);
		return error_set(error, row->kind, "%s %s%s", place, row->words, said);
	}
	if (answer->status >= 300 && answer->status < 400) {
		char location[ANSWER_PLACE_BYTES];
		answer_place(answer->location, location);
		return error_set(error, ERROR_SCHEMA,
			"%s redirects (%d) to '%s', which is not followed: put the final url into "
			"the fleet file",
			place, answer->status, location);
	}
	return error_set(error, answer->status >= 500 ? ERROR_UNREACHABLE : ERROR_SCHEMA,
		"%s answers %d instead of 200%s", place, answer->status, said);
}

bool answer_check(const struct backend_answer *answer, const char *url, const char *expected,
	struct error *error)
{
	char place[ANSWER_PLACE_BYTES];
	answer_place(url, place);
	if (answer->status != 200)
		return refuse_status(answer, place, error);
	if (answer->length == 0)
		return error_set(error, ERROR_SCHEMA,
			"%s answers with nothing, not %s: check the path of the url", place,
			expected);
	if (answer_is_html(answer))
		return error_set(error, ERROR_SCHEMA,
			"%s answers HTML, not %s: is a proxy or login page in front of it, or the "
			"path wrong%s?",
			place, expected,
			strcmp(expected, "Prometheus text") == 0
				? " (most exporters answer at /metrics)"
				: "");
	return true;
}

int64_t answer_skew_ms(const struct backend_answer *answer)
{
	if (answer->date_ms == 0)
		return 0;
	int64_t skew_ms = answer->arrived_ms - answer->date_ms;
	int64_t took_ms =
		answer->took_ms > 0 && answer->took_ms < 1e9 ? (int64_t)answer->took_ms : 0;
	return skew_ms > ANSWER_SKEW_MS + took_ms || skew_ms < -ANSWER_SKEW_MS ? skew_ms : 0;
}

int64_t answer_time_ms(const struct backend_answer *answer, int64_t peer_ms)
{
	int64_t at_ms = 0;
	if (__builtin_add_overflow(peer_ms, answer_skew_ms(answer), &at_ms))
		return peer_ms < 0 ? 0 : answer->arrived_ms;
	return at_ms < answer->arrived_ms ? at_ms : answer->arrived_ms;
}

void answer_settle(const struct backend_answer *answer, struct observations *sink)
{
	for (size_t i = 0; i < sink->count; i++) {
		struct observation *row = &sink->rows[i];
		row->at_ms = row->at_ms == OBSERVATION_ARRIVAL ? answer->arrived_ms
							       : answer_time_ms(answer, row->at_ms);
	}
}
