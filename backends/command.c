/*
 * Kind ssh: what a command prints on a host. It is run at every poll, so it must change nothing.
 * A row's pointer says where the number is: '' the whole output is one; '/a/b' the output is JSON;
 * any other word is the key of a line key=value, key: value, or key and value with blanks between.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/backend.h"
#include "backends/observation.h"
#include "backends/pointer.h"
#include "backends/source.h"
#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/number.h"
#include "core/base/sanitise.h"
#include "core/wire/json.h"

#define DEFAULT_PORT 22

static const char blanks[] = " \t\r";

static void *create(const struct backend_setup *setup, struct error *error)
{
	return pointer_rows_create(setup, error);
}

static void destroy(void *instance)
{
	free(instance);
}

static size_t steps(const void *instance, size_t target, bool past)
{
	(void)instance;
	(void)target;
	return past ? 0 : 1;
}

/* ssh://user@host:port */
static bool read_address(
	const char *url, struct arena *scratch, struct ssh_command *out, struct error *error)
{
	const char *rest = strstr(url, "://");
	rest = rest ? rest + 3 : url;
	size_t length = strcspn(rest, "/?#");
	const char *at_sign = memchr(rest, '@', length);
	if (!at_sign || at_sign == rest)
		return error_set(error, ERROR_SCHEMA, "the url names no user: ssh://user@host");
	out->user = arena_strndup(scratch, rest, (size_t)(at_sign - rest));
	length -= (size_t)(at_sign + 1 - rest);
	rest = at_sign + 1;
	const char *colon = memchr(rest, ':', length);
	size_t host = colon ? (size_t)(colon - rest) : length;
	int64_t port = DEFAULT_PORT;
	if (colon && (!number_parse_integer(colon + 1, length - host - 1, &port) || port < 1 ||
			     port > 65535))
		return error_set(error, ERROR_SCHEMA, "the url has a port that is none");
	out->host = arena_strndup(scratch, rest, host);
	out->port = (int)port;
	return (out->user && out->host) || error_no_memory(error, "a request");
}

static bool request(const void *instance, const struct backend_ask *ask, struct arena *scratch,
	struct backend_request *out, struct error *error)
{
	const struct source_config *source = ((const struct pointer_rows *)instance)->source;
	out->road = ROAD_COMMAND;
	out->command.command = source->command;
	out->command.identity_file = source->identity_file;
	out->command.known_hosts_file = source->known_hosts_file;
	out->command.agent_socket = source->agent_socket;
	return read_address(source->targets[ask->target].url, scratch, &out->command, error);
}

/* ---- the output ---- */

/* The bytes without blanks and newlines around them. */
static void trim(const char **bytes, size_t *length)
{
	while (*length > 0 && strchr(" \t\r\n", (*bytes)[0]) && (*bytes)[0]) {
		(*bytes)++;
		(*length)--;
	}
	while (*length > 0 && strchr(" \t\r\n", (*bytes)[*length - 1]) && (*bytes)[*length - 1])
		(*length)--;
}

/* The value on a line that begins with the key; the length is 0 when it does not. */
static size_t value_on(const char *line, size_t length, const char *key, const char **value)
{
	size_t at = strlen(key);
	if (at >= length || memcmp(line, key, at) != 0)
		return 0;
	size_t gap = at;
	while (at < length && strchr(blanks, line[at]) && line[at])
		at++;
	if (at < length && (line[at] == '=' || line[at] == ':'))
		at++;
	if (at == gap) /* a longer key */
		return 0;
	*value = line + at;
	length -= at;
	trim(value, &length);
	return length;
}

static bool find_key(const struct backend_answer *answer, const char *key, double *out)
{
	for (size_t at = 0; at < answer->length;) {
		const char *line = answer->bytes + at, *value = NULL;
		const char *end = memchr(line, '\n', answer->length - at);
		size_t length = end ? (size_t)(end - line) : answer->length - at;
		at += length + 1;
		trim(&line, &length);
		size_t size = value_on(line, length, key, &value);
		if (size > 0)
			return number_parse(value, size, out);
	}
	return false;
}

static bool find_value(const struct backend_answer *answer, const struct json_node *root,
	const char *pointer, double *out)
{
	const char *bytes = answer->bytes;
	size_t length = answer->length;
	if (pointer[0] == '/')
		return pointer_number(json_pointer(root, pointer), out);
	if (pointer[0] != '\0')
		return find_key(answer, pointer, out);
	trim(&bytes, &length);
	return number_parse(bytes, length, out);
}

static bool explain(const struct backend_answer *answer, struct error *error)
{
	char clean[120];
	sanitise(answer->bytes, answer->length, clean, sizeof(clean));
	if (answer->status == BACKEND_COMMAND_LOST)
		return error_set(error, ERROR_REJECTED,
			"the command was ended, or printed too much: %s", clean);
	return error_set(error, ERROR_REJECTED, "the command failed with exit code %d: %s",
		-answer->status, clean);
}

static bool wants_json(const struct pointer_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		if (pointer_row(rows, i)[0] == '/')
			return true;
	return false;
}

static bool accept(const void *instance, const struct backend_ask *ask,
	const struct backend_answer *answer, struct arena *scratch, struct observations *sink,
	struct error *error)
{
	const struct pointer_rows *rows = instance;
	struct json_document *document = NULL;
	(void)scratch;
	if (answer->status != 200)
		return explain(answer, error);
	if (wants_json(rows)) {
		document = json_parse(answer->bytes, answer->length, error);
		if (!document)
			return error_prefix(error, "the command does not print JSON");
	}
	bool good = true;
	for (size_t i = 0; good && i < rows->count; i++) {
		double value = 0;
		if (find_value(answer, json_root(document), pointer_row(rows, i), &value))
			good = pointer_note(rows, i, ask, answer, value, sink, error);
		else
			pointer_miss(rows, i, sink);
	}
	json_destroy(document);
	return good;
}

static const char *const keys[] = {
	"command", "identity_file", "known_hosts_file", "agent_socket", NULL};
static const char *const needs[] = {"command", "known_hosts_file", NULL};
static const char *const schemes[] = {"ssh://", NULL};

const struct backend_ops ssh_ops = {
	.name = "ssh",
	.help = "What a command prints on a host: a number, JSON, or key=value lines.",
	.traits = BACKEND_NEEDS_URL | BACKEND_HAS_LOGIN,
	.keys = keys,
	.needs = needs,
	.schemes = schemes,
	.row_key = "pointer",
	.trust = 55,
	.create = create,
	.destroy = destroy,
	.steps = steps,
	.request = request,
	.accept = accept,
};
