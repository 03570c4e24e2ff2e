/*
 * Kind haproxy: the statistics, each server of a backend being a replica of a cluster.
 *
 *   http://host/stats;csv       the statistics page as CSV. Columns differ from version to version
 *                               and are found by the names in the header
 *   http://host/metrics         HAProxy's own page for Prometheus (haproxy_page.h)
 *   tcp://host:port             the runtime socket: `show stat`, the same CSV
 *   unix:///run/haproxy.sock    likewise
 */
#include <stdio.h>
#include <string.h>

#include "backends/answer.h"
#include "backends/backend.h"
#include "backends/fact.h"
#include "backends/haproxy_page.h"
#include "backends/label.h"
#include "backends/observation.h"
#include "backends/plain.h"
#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/number.h"
#include "core/base/sanitise.h"

#define COLUMNS_MOST 512
#define LINES_MOST 100000
#define UNLIMITED 4294967295.0 /* how "slim" says that there is no limit, where it says it */

/* What a status text says. Absent up: nobody checks that server, so nobody knows. */
struct status_meaning {
	const char *begins;
	bool known_up;
	double up;
	double maintenance;
};

static const struct status_meaning meanings[] = {
	{"MAINT (resolution)", true, 0, 0}, /* its name does not resolve: nobody's purpose */
	{"MAINT", true, 0, 1},
	{"DRAIN", true, 1, 1},
	{"NOLB", true, 1, 1}, /* asks by itself to get nothing new */
	{"UP", true, 1, 0},   /* also "UP 1/3": still in service while checks fail */
	{"DOWN", true, 0, 0}, /* also "DOWN 1/2": not in service before all checks passed */
	{"no check", false, 0, 0},
};

enum column {
	COLUMN_PROXY,
	COLUMN_SERVER,
	COLUMN_STATUS,
	COLUMN_1XX,
	COLUMN_2XX,
	COLUMN_3XX,
	COLUMN_4XX,
	COLUMN_5XX,
	COLUMN_OTHER,
	COLUMN_SELECTED,
	COLUMN_SESSIONS,
	COLUMN_LIMIT,
	COLUMN_COUNT
};

static const char *const column_names[COLUMN_COUNT] = {
	[COLUMN_PROXY] = "pxname",
	[COLUMN_SERVER] = "svname",
	[COLUMN_STATUS] = "status",
	[COLUMN_1XX] = "hrsp_1xx",
	[COLUMN_2XX] = "hrsp_2xx",
	[COLUMN_3XX] = "hrsp_3xx",
	[COLUMN_4XX] = "hrsp_4xx",
	[COLUMN_5XX] = "hrsp_5xx",
	[COLUMN_OTHER] = "hrsp_other",
	[COLUMN_SELECTED] = "lbtot",
	[COLUMN_SESSIONS] = "stot",
	[COLUMN_LIMIT] = "slim",
};

struct table {
	const struct plain *haproxy;
	const struct source_target *target;
	struct arena *scratch;
	struct observations *sink;
	int64_t at_ms;
	int places[COLUMN_COUNT]; /* index of the field, -1 absent */
	const char *fields[COLUMNS_MOST];
	size_t field_count;
	size_t servers;
};

static size_t steps(const void *instance, size_t target, bool past)
{
	(void)instance;
	(void)target;
	return past ? 0 : 1;
}

static bool request_socket(
	const char *url, struct arena *scratch, struct backend_request *out, struct error *error)
{
	static const char command[] = "show stat\n";
	out->road = ROAD_PROBE;
	out->probe.send = command;
	out->probe.send_length = sizeof(command) - 1;
	if (strncmp(url, "unix://", 7) == 0) {
		out->probe.unix_socket = url + 7;
		return true;
	}
	size_t length = strcspn(url + 6, "/?#");
	const char *colon = memrchr(url + 6, ':', length);
	int64_t port = 0;
	if (!colon ||
		!number_parse_integer(colon + 1, length - (size_t)(colon + 1 - (url + 6)), &port) ||
		port < 1 || port > 65535)
		return error_set(error, ERROR_SCHEMA, "the url names no port: tcp://host:port");
	out->probe.host = arena_strndup(scratch, url + 6, (size_t)(colon - (url + 6)));
	out->probe.port = (int)port;
	return out->probe.host || error_no_memory(error, "a request");
}

static bool request(const void *instance, const struct backend_ask *ask, struct arena *scratch,
	struct backend_request *out, struct error *error)
{
	const struct plain *haproxy = instance;
	const char *url = haproxy->source->targets[ask->target].url;
	if (strncmp(url, "tcp://", 6) == 0 || strncmp(url, "unix://", 7) == 0)
		return request_socket(url, scratch, out, error);
	out->http.method = "GET";
	out->http.url = url;
	return true;
}

/* One field into `copy`, which has room; the bytes taken without the comma. */
static size_t copy_field(const char *line, size_t length, char *copy)
{
	size_t used = 0, at = 0;
	bool quoted = length > 0 && line[0] == '"';
	at += quoted ? 1 : 0;
	while (at < length && (quoted || line[at] != ',')) {
		if (quoted && line[at] == '"') {
			if (at + 1 >= length || line[at + 1] != '"') {
				quoted = false;
				at++;
				continue;
			}
			at++;
		}
		copy[used++] = line[at++];
	}
	copy[used] = '\0';
	return at;
}

static bool split(struct table *table, const char *line, size_t length, struct error *error)
{
	char *room = arena_alloc(table->scratch, length + 1);
	if (!room)
		return error_set(error, ERROR_LIMIT, "the page is too large");
	table->field_count = 0;
	for (size_t at = 0; at <= length;) {
		if (table->field_count == COLUMNS_MOST)
			return error_set(error, ERROR_LIMIT, "more than %d columns", COLUMNS_MOST);
		size_t taken = copy_field(line + at, length - at, room);
		table->fields[table->field_count++] = room;
		room += strlen(room) + 1;
		at += taken + 1;
	}
	return true;
}

static bool read_header(struct table *table, struct error *error)
{
	for (size_t column = 0; column < COLUMN_COUNT; column++) {
		table->places[column] = -1;
		for (size_t i = 0; i < table->field_count; i++)
			if (strcmp(table->fields[i], column_names[column]) == 0)
				table->places[column] = (int)i;
	}
	for (size_t column = COLUMN_PROXY; column <= COLUMN_STATUS; column++)
		if (table->places[column] < 0)
			return error_set(error, ERROR_SCHEMA, "the header has no column '%s'",
				column_names[column]);
	return true;
}

static const char *field(const struct table *table, enum column column)
{
	int place = table->places[column];
	return place >= 0 && (size_t)place < table->field_count ? table->fields[place] : "";
}

static bool number(const struct table *table, enum column column, double *out)
{
	const char *bytes = field(table, column);
	return number_parse(bytes, strlen(bytes), out);
}

/* What the server has finished so far: answers where it speaks HTTP, else times it was chosen. */
static bool finished(const struct table *table, double *out)
{
	double sum = 0, part = 0;
	bool any = false;
	for (unsigned column = COLUMN_1XX; column <= COLUMN_OTHER; column++) {
		if (!number(table, (enum column)column, &part))
			continue;
		sum += part;
		any = true;
	}
	if (any) {
		*out = sum;
		return true;
	}
	return number(table, COLUMN_SELECTED, out) || number(table, COLUMN_SESSIONS, out);
}

/* The cluster a proxy stands for, NULL when it is none of ours. */
static const char *cluster_of(const struct table *table, const char *proxy)
{
	const struct source_config *source = table->haproxy->source;
	for (size_t i = 0; i < source->proxy_count; i++)
		if (strcmp(source->proxies[i].name, proxy) == 0)
			return source->proxies[i].value;
	return source->proxy_count == 0 ? proxy : NULL;
}

static bool note(struct table *table, uint32_t entity, enum signal signal, double value, bool rate,
	struct error *error)
{
	struct observation observation = {.entity = entity,
		.group = (uint32_t)signal,
		.series = hash_string(hash_string(HASH_START, field(table, COLUMN_PROXY)),
			field(table, COLUMN_SERVER)),
		.signal = signal,
		.rate = rate,
		.at_ms = table->at_ms,
		.value = value};
	return observations_add(table->sink, &observation, error);
}

static const struct status_meaning *meaning_of(const char *status)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (strncmp(status, meanings[i].begins, strlen(meanings[i].begins)) == 0)
			return &meanings[i];
	return NULL;
}

static bool read_server(struct table *table, const char *cluster, struct error *error)
{
	struct source_label labels[] = {
		{"cluster", cluster}, {"replica", field(table, COLUMN_SERVER)}};
	struct label_view view = {.series = labels, .count = 2, .target = table->target};
	uint32_t entity = ENTITY_NONE;
	struct error trouble = {0};
	if (!label_entity(table->sink->fleet, &view, SIGNAL_REPLICA_UP, &entity, &trouble)) {
		observations_warn(table->sink, "%s", trouble.text);
		return true;
	}
	const struct status_meaning *meaning = meaning_of(field(table, COLUMN_STATUS));
	if (!meaning)
		observations_warn(table->sink, "server '%s/%s' has a status nobody knows: '%s'",
			cluster, field(table, COLUMN_SERVER), field(table, COLUMN_STATUS));
	if (meaning && meaning->known_up &&
		!note(table, entity, SIGNAL_REPLICA_UP, meaning->up, false, error))
		return false;
	if (meaning && !note(table, entity, SIGNAL_REPLICA_MAINTENANCE, meaning->maintenance, false,
			       error))
		return false;
	double limit = 0;
	if (number(table, COLUMN_LIMIT, &limit) && limit > 0 && limit < UNLIMITED &&
		!note(table, entity, SIGNAL_REPLICA_MAXCONN, limit, false, error))
		return false;
	double total = 0;
	return !finished(table, &total) ||
	       note(table, entity, SIGNAL_REPLICA_QUERIES, total, true, error);
}

static bool read_row(struct table *table, struct error *error)
{
	const char *server = field(table, COLUMN_SERVER);
	const char *cluster = cluster_of(table, field(table, COLUMN_PROXY));
	if (!cluster || !cluster[0] || !server[0] || strcmp(server, "FRONTEND") == 0 ||
		strcmp(server, "BACKEND") == 0 || strcmp(field(table, COLUMN_STATUS), "OPEN") == 0)
		return true;
	table->servers++;
	return read_server(table, cluster, error);
}

static bool read_lines(struct table *table, const char *bytes, size_t length, struct error *error)
{
	size_t lines = 0;
	for (size_t at = 0; at < length;) {
		const char *newline = memchr(bytes + at, '\n', length - at);
		if (!newline)
			return error_set(error, ERROR_SYNTAX,
				"it ends in the middle of a line: it was cut short on its way");
		size_t size = (size_t)(newline - (bytes + at));
		const char *line = bytes + at;
		at += size + 1;
		if (size > 0 && line[size - 1] == '\r')
			size--;
		if (size == 0)
			continue;
		if (++lines > LINES_MOST)
			return error_set(error, ERROR_LIMIT, "more than %d lines", LINES_MOST);
		size_t mark = lines == 1 ? 2 : 0; /* "# " before the header */
		if (!split(table, line + mark, size - mark, error))
			return false;
		bool good = lines == 1 ? read_header(table, error) : read_row(table, error);
		if (!good)
			return error_prefix(error, "line %zu", lines);
	}
	return true;
}

static bool accept(const void *instance, const struct backend_ask *ask,
	const struct backend_answer *answer, struct arena *scratch, struct observations *sink,
	struct error *error)
{
	const struct plain *haproxy = instance;
	const struct source_target *target = &haproxy->source->targets[ask->target];
	char place[ANSWER_PLACE_BYTES];
	answer_place(target->url, place);
	if (answer->status == 200 && answer_is_html(answer))
		return error_set(error, ERROR_SCHEMA,
			"%s answers HTML, not CSV: does the url end in ';csv'?", place);
	if (!answer_check(answer, target->url, "HAProxy CSV", error))
		return false;
	struct sheet sheet = {sink, target, answer->arrived_ms};
	if (haproxy_page_is(answer))
		return haproxy_page_read(haproxy->source, &sheet, answer, scratch, error);
	if (answer->length < 2 || memcmp(answer->bytes, "# ", 2) != 0)
		return error_set(error, ERROR_SYNTAX,
			"%s does not begin with '# pxname,...': is it HAProxy's ';csv' page?",
			place);
	struct table *table = arena_alloc(scratch, sizeof(*table));
	if (!table)
		return error_no_memory(error, "a page of statistics");
	table->haproxy = haproxy;
	table->target = target;
	table->scratch = scratch;
	table->sink = sink;
	table->at_ms = answer->arrived_ms;
	if (!read_lines(table, answer->bytes, answer->length, error))
		return error_prefix(error, "%s is not HAProxy's CSV", place);
	observations_describe(sink, "HAProxy's statistics, %zu servers", table->servers);
	if (table->servers == 0)
		observations_warn(sink, "%s lists no server of the proxies that were named", place);
	return true;
}

static const char *const keys[] = {"proxies", NULL};
static const char *const schemes[] = {"http://", "https://", "tcp://", "unix://", NULL};

const struct backend_ops haproxy_ops = {
	.name = "haproxy",
	.help = "HAProxy: which servers are in service, and their load.",
	.traits = BACKEND_NEEDS_URL,
	.trust = 70,
	.keys = keys,
	.schemes = schemes,
	.create = plain_create,
	.destroy = plain_destroy,
	.steps = steps,
	.request = request,
	.accept = accept,
};
