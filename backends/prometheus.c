/*
 * Kind prometheus: anything that speaks its HTTP API (Prometheus, Thanos, VictoriaMetrics, Mimir).
 * One query per row of `signals:`; answers with warnings are not whole and are said to be so.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/answer.h"
#include "backends/backend.h"
#include "backends/fact.h"
#include "backends/label.h"
#include "backends/memo.h"
#include "backends/observation.h"
#include "backends/series.h"
#include "backends/vector.h"
#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/sanitise.h"
#include "core/base/text.h"
#include "core/fleet/entity.h"
#include "core/wire/json.h"

#define QUERY_GET_MOST 1500 /* longer ones go into a POST body: proxies cut long urls */
#define REQUEST_BYTES (1024 * 1024)
#define SUBJECT_BYTES 96

struct prometheus {
	const struct source_config *source;
	const struct sources *sources;
	size_t row_count;
	size_t rows[]; /* indices into sources->maps */
};

/* What one answer is read with. */
struct result {
	const struct prometheus *prometheus;
	const struct source_target *target;
	const struct signal_map *map;
	const struct backend_answer *answer;
	struct observations *sink;
	uint32_t group;
	const char *subject; /* "the query of pool.used (line 12)" */
};

static void *create(const struct backend_setup *setup, struct error *error)
{
	const struct sources *sources = setup->sources;
	struct prometheus *prometheus =
		calloc(1, sizeof(*prometheus) + sources->map_count * sizeof(prometheus->rows[0]));
	if (!prometheus) {
		error_no_memory(error, "a source");
		return NULL;
	}
	prometheus->source = setup->source;
	prometheus->sources = sources;
	for (size_t i = 0; i < sources->map_count; i++)
		if (sources->maps[i].query &&
			signal_map_is_from(&sources->maps[i], setup->source->name))
			prometheus->rows[prometheus->row_count++] = i;
	return prometheus;
}

static void destroy(void *instance)
{
	free(instance);
}

/* Without rows there is still one ask, so that the status says whether the server answers. Before
 * the past is asked for, once: what server is it? */
static size_t steps(const void *instance, size_t target, bool past)
{
	const struct prometheus *prometheus = instance;
	(void)target;
	if (past)
		return prometheus->row_count + 1;
	return prometheus->row_count == 0 ? 1 : prometheus->row_count;
}

static bool asks_who(const struct backend_ask *ask)
{
	return ask->past && ask->step == 0;
}

/* Which row an ask is about; row_count where it is about none. */
static size_t row_index(const struct prometheus *prometheus, const struct backend_ask *ask)
{
	size_t index = ask->past ? ask->step - 1 : ask->step;
	return !asks_who(ask) && index < prometheus->row_count ? index : prometheus->row_count;
}

static const struct signal_map *row_of(
	const struct prometheus *prometheus, const struct backend_ask *ask)
{
	size_t index = row_index(prometheus, ask);
	return index < prometheus->row_count ? &prometheus->sources->maps[prometheus->rows[index]]
					     : NULL;
}

static void add_encoded(struct text *out, const char *bytes)
{
	static const char digits[] = "0123456789ABCDEF";
	for (const char *at = bytes; *at; at++) {
		unsigned char c = (unsigned char)*at;
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			strchr("-_.~", c)) {
			text_add_char(out, *at);
			continue;
		}
		text_add_char(out, '%');
		text_add_char(out, digits[c >> 4]);
		text_add_char(out, digits[c & 15]);
	}
}

static void add_parameters(struct text *out, const struct prometheus *prometheus,
	const struct backend_ask *ask, const char *query)
{
	text_add(out, "query=");
	add_encoded(out, query);
	if (ask->past) /* whole seconds and milliseconds apart: no decimal point of any locale */
		text_printf(out, "&start=%lld.%03lld&end=%lld.%03lld&step=%lldms",
			(long long)(ask->from_ms / 1000), (long long)(ask->from_ms % 1000),
			(long long)(ask->until_ms / 1000), (long long)(ask->until_ms % 1000),
			(long long)ask->every_ms);
	text_printf(out, "&timeout=%lldms", (long long)prometheus->source->timeout_ms);
}

static bool request_who(const struct prometheus *prometheus, const struct backend_ask *ask,
	struct arena *scratch, struct backend_request *out, struct error *error)
{
	out->http.method = "GET";
	out->http.url = fact_url(
		scratch, &prometheus->source->targets[ask->target], "/api/v1/status/buildinfo");
	return out->http.url || error_no_memory(error, "a request");
}

static bool request_query(const struct prometheus *prometheus, const struct backend_ask *ask,
	struct arena *scratch, struct backend_request *out, struct error *error)
{
	const struct signal_map *map = row_of(prometheus, ask);
	const struct source_target *target = &prometheus->source->targets[ask->target];
	struct text text;
	text_init(&text, REQUEST_BYTES);
	add_parameters(&text, prometheus, ask, map ? map->query : "vector(1)");
	bool post = text.length > QUERY_GET_MOST;
	const char *parameters = text_ok(&text) ? arena_strdup(scratch, text_string(&text)) : NULL;
	out->http.body_length = post ? text.length : 0;
	text_finish(&text);
	if (!parameters)
		return error_set(error, ERROR_LIMIT, "the query of %s is too long",
			map ? signal_row(map->signal)->name : "a row");
	const char *path =
		fact_url(scratch, target, ask->past ? "/api/v1/query_range" : "/api/v1/query");
	out->http.url = path && !post ? arena_printf(scratch, "%s?%s", path, parameters) : path;
	if (!out->http.url)
		return error_no_memory(error, "a request");
	out->http.method = post ? "POST" : "GET";
	out->http.body = post ? parameters : NULL;
	out->http.gzip = true;
	if (post) {
		out->http.headers[0] =
			(struct http_header){"Content-Type", "application/x-www-form-urlencoded"};
		out->http.header_count = 1;
	}
	return true;
}

static bool request(const void *instance, const struct backend_ask *ask, struct arena *scratch,
	struct backend_request *out, struct error *error)
{
	return asks_who(ask) ? request_who(instance, ask, scratch, out, error)
			     : request_query(instance, ask, scratch, out, error);
}

/* ---- who it is ---- */

/*
 * Prometheus and Thanos say how they were built; Mimir and its like name themselves;
 * VictoriaMetrics says nothing, or claims to be an old Prometheus that was never built.
 */
static void describe_build(const struct json_node *data, struct observations *sink)
{
	const char *application = json_text(json_get(data, "application"));
	const char *version = json_text(json_get(data, "version"));
	bool built = json_get(data, "goVersion") || json_get(data, "revision");
	if (application)
		observations_describe(sink, "%s %s", application, version ? version : "");
	else if (!version || !built)
		observations_describe(sink, "VictoriaMetrics: instant queries leave out the newest "
					    "30 s unless -search.latencyOffset is lower");
	else if (version[0] == '0')
		observations_describe(sink, "Thanos %s", version);
	else
		observations_describe(sink, "Prometheus %s", version);
}

/* Whoever does not say is read all the same. */
static bool accept_who(const struct backend_answer *answer, struct observations *sink)
{
	struct error trouble = {0};
	bool likely = answer->status == 200 && answer->length < BACKEND_WHOLE_BYTES;
	struct json_document *document =
		likely ? json_parse(answer->bytes, answer->length, &trouble) : NULL;
	const struct json_node *root = document ? json_root(document) : NULL;
	const char *status = root ? json_text(json_get(root, "status")) : NULL;
	const struct json_node *data = root ? json_get(root, "data") : NULL;
	if (status && strcmp(status, "success") == 0 && json_is_object(data))
		describe_build(data, sink);
	json_destroy(document);
	return true;
}

/* ---- the answer ---- */

static void result_of(const struct prometheus *prometheus, const struct backend_ask *ask,
	struct observations *sink, char subject[SUBJECT_BYTES], struct result *out)
{
	const struct signal_map *map = row_of(prometheus, ask);
	*out = (struct result){.prometheus = prometheus,
		.target = &prometheus->source->targets[ask->target],
		.map = map,
		.sink = sink,
		.group = map ? (uint32_t)prometheus->rows[row_index(prometheus, ask)] : 0,
		.subject = subject};
	if (map)
		snprintf(subject, SUBJECT_BYTES, "the query of %s (line %d)",
			signal_row(map->signal)->name, map->line);
	else
		snprintf(subject, SUBJECT_BYTES, "the test query");
}

/* What is wrong with bytes that are no reply; false, for returning it. */
static bool not_whole(const struct source_target *target, struct error *error)
{
	char place[ANSWER_PLACE_BYTES];
	if (error->kind == ERROR_NO_MEMORY || error->kind == ERROR_SCHEMA)
		return false;
	answer_place(target->url, place);
	return error_prefix(
		error, "%s does not answer with whole JSON (cut short on its way?)", place);
}

/* A sample pair [seconds, "value"]. */
static bool read_pair(const struct json_node *pair, int64_t *at_ms, double *value)
{
	const struct json_node *first = json_first(pair);
	double seconds = 0;
	if (!json_is_array(pair) || !json_number_of(first, &seconds) ||
		!json_number_of(json_next(first), value))
		return false;
	if (!isfinite(seconds) || fabs(seconds) > 1e12)
		return false;
	*at_ms = llround(seconds * 1000.0);
	return true;
}

static bool note_pair(struct result *result, uint32_t entity, uint64_t series,
	const struct json_node *pair, struct error *error)
{
	int64_t peer_ms = 0;
	double value = 0;
	if (!read_pair(pair, &peer_ms, &value))
		return error_set(error, ERROR_SCHEMA,
			"%s gives a sample that is not [time, \"value\"]", result->subject);
	struct observation observation = {.entity = entity,
		.group = result->group,
		.series = series,
		.signal = result->map->signal,
		.at_ms = answer_time_ms(result->answer, peer_ms),
		.value = value * result->map->scale};
	return observations_add(result->sink, &observation, error);
}

/* The labels of one series; false when there are more than anybody needs. */
static bool read_labels(const struct json_node *metric, struct series *out, uint64_t *hash)
{
	out->label_count = 0;
	*hash = 0;
	for (const struct json_node *label = json_first(metric); label; label = json_next(label)) {
		const char *name = json_key_of(label), *value = json_text(label);
		if (!name || !value)
			continue;
		if (out->label_count == SERIES_LABELS_MOST)
			return false;
		out->labels[out->label_count++] = (struct source_label){name, value};
		*hash += hash_string(hash_string(HASH_START, name), value);
	}
	return true;
}

#define CROWDED_WARNING "%s gives a series with more than %d labels"
#define HISTOGRAM_WARNING "%s gives histograms: take one figure with histogram_quantile()"

static bool read_series(struct result *result, const struct json_node *item, struct error *error)
{
	struct series series;
	uint64_t hash = 0;
	uint32_t entity = ENTITY_NONE;
	if (!read_labels(json_get(item, "metric"), &series, &hash)) {
		observations_warn(
			result->sink, CROWDED_WARNING, result->subject, SERIES_LABELS_MOST);
		return true;
	}
	struct label_view view = {.series = series.labels,
		.count = series.label_count,
		.row = result->map,
		.target = result->target};
	struct error trouble = {0};
	if (!label_entity(result->sink->fleet, &view, result->map->signal, &entity, &trouble)) {
		observations_warn(result->sink, "%s", trouble.text);
		return true;
	}
	const struct json_node *value = json_get(item, "value"), *values = json_get(item, "values");
	if (!value && !values) {
		observations_warn(result->sink, HISTOGRAM_WARNING, result->subject);
		return true;
	}
	if (value)
		return note_pair(result, entity, hash, value, error);
	for (const struct json_node *pair = json_first(values); pair; pair = json_next(pair))
		if (!note_pair(result, entity, hash, pair, error))
			return false;
	return true;
}

static bool read_scalar(struct result *result, const struct json_node *pair, struct error *error)
{
	struct label_view view = {.row = result->map, .target = result->target};
	uint32_t entity = ENTITY_NONE;
	struct error trouble = {0};
	if (!label_entity(result->sink->fleet, &view, result->map->signal, &entity, &trouble)) {
		observations_warn(result->sink, "%s", trouble.text);
		return true;
	}
	return note_pair(result, entity, 0, pair, error);
}

static bool read_data(
	struct result *result, const struct json_node *data, bool past, struct error *error)
{
	const char *type = json_text(json_get(data, "resultType"));
	const struct json_node *items = json_get(data, "result");
	if (!type || !json_is_array(items))
		return error_set(
			error, ERROR_SCHEMA, "%s has no result in its answer", result->subject);
	if (strcmp(type, "scalar") == 0)
		return read_scalar(result, items, error);
	if (strcmp(type, past ? "matrix" : "vector") != 0) {
		char clean[32];
		sanitise(type, strlen(type), clean, sizeof(clean));
		return error_set(error, ERROR_REJECTED,
			"%s gives a %s, not one value per series: leave out the bare [range]",
			result->subject, clean);
	}
	for (const struct json_node *item = json_first(items); item; item = json_next(item))
		if (!read_series(result, item, error))
			return false;
	return true;
}

/* The server's own words about what went wrong. */
static bool refuse(const struct result *result, const struct json_node *root, struct error *error)
{
	const char *type = json_text(json_get(root, "errorType"));
	const char *said = json_text(json_get(root, "error"));
	char clean[120], clean_type[24];
	sanitise(said ? said : "no reason given", said ? strlen(said) : 15, clean, sizeof(clean));
	sanitise(type ? type : "error", type ? strlen(type) : 5, clean_type, sizeof(clean_type));
	/* Overload concerns every query alike; asking the next would only add to it. */
	bool overload = result->answer->status == 503;
	return error_set(error, overload ? ERROR_UNREACHABLE : ERROR_REJECTED,
		"%s is refused (%d, %s): %s", result->subject, result->answer->status, clean_type,
		clean);
}

static void note_warnings(struct result *result, const struct json_node *root)
{
	const struct json_node *warnings = json_get(root, "warnings");
	for (const struct json_node *item = json_first(warnings); item; item = json_next(item)) {
		const char *said = json_text(item);
		observations_warn(result->sink, "%s comes with a warning: %s", result->subject,
			said ? said : "(not a text)");
	}
	bool partial = false; /* VictoriaMetrics' way of saying so */
	if (json_bool_of(json_get(root, "isPartial"), &partial) && partial)
		observations_warn(result->sink, "%s is partial: some of the storage is missing",
			result->subject);
}

static bool read_answer(
	struct result *result, const struct json_node *root, bool past, struct error *error)
{
	const char *status = json_text(json_get(root, "status"));
	if (!status || (strcmp(status, "success") != 0 && strcmp(status, "error") != 0)) {
		char place[ANSWER_PLACE_BYTES];
		answer_place(result->target->url, place);
		return error_set(error, ERROR_SCHEMA,
			"%s answers JSON that is not Prometheus': check the path of the url",
			place);
	}
	if (strcmp(status, "error") == 0)
		return refuse(result, root, error);
	note_warnings(result, root);
	return !result->map || read_data(result, json_get(root, "data"), past, error);
}

/* ---- a vector, read as it comes ---- */

struct vector_reading {
	struct result result;
	char subject[SUBJECT_BYTES];
	struct vector_reader reader;
	struct memo *memo; /* may be NULL */
};

/* Whose series it is; false with a warning where nobody can tell. */
static bool place_item(struct result *result, struct vector_item *item)
{
	struct label_view view = {.series = item->series->labels,
		.count = item->series->label_count,
		.row = result->map,
		.target = result->target};
	struct error trouble = {0};
	if (item->crowded)
		observations_warn(
			result->sink, CROWDED_WARNING, result->subject, SERIES_LABELS_MOST);
	else if (!label_entity(
			 result->sink->fleet, &view, result->map->signal, &item->tag, &trouble))
		observations_warn(result->sink, "%s", trouble.text);
	else
		return true;
	item->tag = MEMO_UNKNOWN;
	return false;
}

static bool on_item(void *context, struct vector_item *item, struct error *error)
{
	struct result *result = context;
	if (item->tag == MEMO_UNKNOWN && !place_item(result, item))
		return true;
	if (!item->has_value) {
		observations_warn(result->sink, HISTOGRAM_WARNING, result->subject);
		return true;
	}
	if (fabs(item->seconds) > 1e12)
		return error_set(
			error, ERROR_SCHEMA, "%s gives a sample of no known time", result->subject);
	struct observation observation = {.entity = item->tag,
		.group = result->group,
		.series = item->identity,
		.signal = result->map->signal,
		.at_ms = llround(item->seconds * 1000.0),
		.value = item->value * result->map->scale};
	return observations_add(result->sink, &observation, error);
}

static void flow_drop(void *reading)
{
	struct vector_reading *vector = reading;
	if (vector)
		vector_finish(&vector->reader);
	free(vector);
}

static void *flow_begin(const void *instance, const struct backend_ask *ask, const char *bytes,
	size_t length, struct observations *sink, struct memo *memo, struct error *error)
{
	const struct prometheus *prometheus = instance;
	if (!row_of(prometheus, ask) || ask->past || !vector_is_one(bytes, length))
		return NULL;
	struct vector_reading *vector = calloc(1, sizeof(*vector));
	if (!vector) {
		error_no_memory(error, "a reply");
		return NULL;
	}
	result_of(prometheus, ask, sink, vector->subject, &vector->result);
	vector->memo = memo;
	if (memo)
		memo_begin(memo, fleet_count(sink->fleet));
	if (vector_init(&vector->reader, on_item, &vector->result, memo, error))
		return vector;
	free(vector);
	return NULL;
}

static bool flow_feed(void *reading, const char *bytes, size_t length, struct error *error)
{
	struct vector_reading *vector = reading;
	return vector_feed(&vector->reader, bytes, length, error) ||
	       not_whole(vector->result.target, error);
}

static bool flow_end(void *reading, const struct backend_answer *answer, struct error *error)
{
	struct vector_reading *vector = reading;
	const char *frame = vector_end(&vector->reader, error);
	struct json_document *document = frame ? json_parse(frame, strlen(frame), error) : NULL;
	if (!document)
		return not_whole(vector->result.target, error);
	vector->result.answer = answer;
	bool good = read_answer(&vector->result, json_root(document), false, error);
	json_destroy(document);
	if (!good)
		return false;
	answer_settle(answer, vector->result.sink);
	if (vector->memo)
		memo_keep(vector->memo);
	return true;
}

/* In one go. False where anything is odd: the tree then says what. */
static bool accept_vector(const struct prometheus *prometheus, const struct backend_ask *ask,
	const struct backend_answer *answer, struct observations *sink)
{
	struct error trouble = {0};
	void *reading =
		flow_begin(prometheus, ask, answer->bytes, answer->length, sink, NULL, &trouble);
	bool good = reading && flow_feed(reading, answer->bytes, answer->length, &trouble) &&
		    flow_end(reading, answer, &trouble);
	flow_drop(reading);
	return good;
}

static bool accept(const void *instance, const struct backend_ask *ask,
	const struct backend_answer *answer, struct arena *scratch, struct observations *sink,
	struct error *error)
{
	const struct prometheus *prometheus = instance;
	char subject[SUBJECT_BYTES];
	struct result result;
	(void)scratch;
	if (asks_who(ask))
		return accept_who(answer, sink);
	result_of(prometheus, ask, sink, subject, &result);
	result.answer = answer;
	bool is_json = answer->length > 0 && answer->bytes[0] == '{';
	if (!is_json && !answer_check(answer, result.target->url, "Prometheus' JSON", error))
		return false;
	if (accept_vector(prometheus, ask, answer, sink))
		return true;
	observations_clear(sink);
	sink->past = ask->past;
	struct json_document *document = json_parse(answer->bytes, answer->length, error);
	if (!document)
		return not_whole(result.target, error);
	bool good = read_answer(&result, json_root(document), ask->past, error);
	json_destroy(document);
	return good;
}

static const struct backend_flow flow = {
	.begin = flow_begin,
	.feed = flow_feed,
	.end = flow_end,
	.drop = flow_drop,
};

const struct backend_ops prometheus_ops = {
	.name = "prometheus",
	.help = "A Prometheus server, or anything that speaks its query API.",
	.traits = BACKEND_NEEDS_URL,
	.trust = 40,
	.row_key = "query",
	.create = create,
	.destroy = destroy,
	.steps = steps,
	.request = request,
	.accept = accept,
	.flow = &flow,
};
