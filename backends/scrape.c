/* Kind exposition: any exporter, asked directly. One page per target holds all of its signals. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends/answer.h"
#include "backends/backend.h"
#include "backends/exposition.h"
#include "backends/label.h"
#include "backends/observation.h"
#include "core/base/error.h"
#include "core/base/number.h"

/* Names of metrics that rows ask for, in a table open at its ends. */
#define NAMES_MOST 8192 /* SIGNAL_ROWS_MOST rows of SERIES_TERMS_MOST terms, at most half full */

struct wanted {
	const char *name;
	size_t length;
};

struct scrape {
	const struct source_config *source;
	const struct sources *sources;
	struct wanted *wanted;
	size_t mask; /* its size less one; a power of two */
	size_t row_count;
	size_t rows[]; /* indices into sources->maps */
};

/* What one page is read with. */
struct page {
	const struct scrape *scrape;
	const struct source_target *target;
	struct observations *sink;
	struct exposition_reader reader;
};

/* Few names end and measure alike; the whole of a name costs more than the line it spares. */
static size_t name_hash(const char *name, size_t length)
{
	uint64_t ends = 0;
	memcpy(&ends, length > 8 ? name + length - 8 : name, length > 8 ? 8 : length);
	return (size_t)hash_mix(ends + length);
}

static struct wanted *find_name(const struct scrape *scrape, const char *name, size_t length)
{
	size_t at = name_hash(name, length) & scrape->mask;
	while (scrape->wanted[at].name &&
		(scrape->wanted[at].length != length ||
			memcmp(scrape->wanted[at].name, name, length) != 0))
		at = (at + 1) & scrape->mask;
	return &scrape->wanted[at];
}

#define BUILD "_build_info"
#define BUILD_BYTES (sizeof(BUILD) - 1)

/* "postgres_exporter_build_info": what exporters say of themselves; not what Go says of itself. */
static bool is_build(const char *name, size_t length)
{
	return length > BUILD_BYTES && name[length - 1] == 'o' &&
	       memcmp(name + length - BUILD_BYTES, BUILD, BUILD_BYTES) == 0 &&
	       memcmp(name, "go_", 3) != 0;
}

static bool wants(const struct scrape *scrape, const char *name, size_t length)
{
	return find_name(scrape, name, length)->name != NULL;
}

static void want(struct scrape *scrape, const char *name)
{
	size_t length = strlen(name);
	*find_name(scrape, name, length) = (struct wanted){name, length};
}

static bool want_rows(struct scrape *scrape)
{
	size_t size = 16, names = 0;
	for (size_t i = 0; i < scrape->row_count; i++)
		names += 1 + scrape->sources->maps[scrape->rows[i]].where_count;
	while (size < 2 * names && size < NAMES_MOST)
		size *= 2;
	scrape->wanted = calloc(size, sizeof(*scrape->wanted));
	scrape->mask = size - 1;
	if (!scrape->wanted)
		return false;
	for (size_t i = 0; i < scrape->row_count; i++) {
		const struct signal_map *map = &scrape->sources->maps[scrape->rows[i]];
		want(scrape, map->metric);
		for (size_t j = 0; j < map->where_count; j++)
			if (strcmp(map->where[j].name, SERIES_LESS) == 0)
				want(scrape, map->where[j].value);
	}
	return true;
}

static void destroy(void *instance)
{
	struct scrape *scrape = instance;
	if (scrape)
		free(scrape->wanted);
	free(scrape);
}

static void *create(const struct backend_setup *setup, struct error *error)
{
	const struct sources *sources = setup->sources;
	struct scrape *scrape =
		calloc(1, sizeof(*scrape) + sources->map_count * sizeof(scrape->rows[0]));
	if (!scrape) {
		error_no_memory(error, "a source");
		return NULL;
	}
	scrape->source = setup->source;
	scrape->sources = sources;
	for (size_t i = 0; i < sources->map_count; i++)
		if (sources->maps[i].metric &&
			signal_map_is_from(&sources->maps[i], setup->source->name))
			scrape->rows[scrape->row_count++] = i;
	if (want_rows(scrape))
		return scrape;
	destroy(scrape);
	error_no_memory(error, "a source");
	return NULL;
}

static size_t steps(const void *instance, size_t target, bool past)
{
	(void)instance;
	(void)target;
	return past ? 0 : 1;
}

static bool request(const void *instance, const struct backend_ask *ask, struct arena *scratch,
	struct backend_request *out, struct error *error)
{
	const struct scrape *scrape = instance;
	(void)scratch;
	(void)error;
	out->http.method = "GET";
	out->http.url = scrape->source->targets[ask->target].url;
	out->http.headers[0] =
		(struct http_header){"Accept", "text/plain;version=0.0.4;q=1,*/*;q=0.1"};
	out->http.header_count = 1;
	return true;
}

/* How many metrics a row is made of: one, or the terms of a difference. */
static uint8_t count_terms(const struct signal_map *map)
{
	uint8_t terms = 1;
	for (size_t i = 0; i < map->where_count; i++)
		if (strcmp(map->where[i].name, SERIES_LESS) == 0)
			terms++;
	return terms;
}

/* Which term of the row a metric is; false when none. */
static bool find_term(const struct signal_map *map, const char *name, uint8_t *term)
{
	uint8_t at = 0;
	bool found = strcmp(map->metric, name) == 0;
	for (size_t i = 0; i < map->where_count && !found; i++)
		if (strcmp(map->where[i].name, SERIES_LESS) == 0) {
			at++;
			found = strcmp(map->where[i].value, name) == 0;
		}
	*term = at;
	return found;
}

/* The same for any order of the labels. */
static uint64_t series_hash(const struct series *series)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < series->label_count; i++)
		sum += hash_string(
			hash_string(HASH_START, series->labels[i].name), series->labels[i].value);
	return sum;
}

/* A bucket counts: what is scaled is its bound. */
static bool take_bound(const struct exposition_sample *sample, const struct signal_map *map,
	struct observation *out)
{
	const char *text = series_label(sample->series, "le");
	double bound;
	if (!number_parse(text, strlen(text), &bound) || isnan(bound))
		return false;
	out->percent = map->percent;
	out->bound = (float)(bound * map->scale);
	out->value = sample->value;
	return true;
}

static bool take_row(struct page *page, size_t row, uint8_t term,
	const struct exposition_sample *sample, struct error *error)
{
	const struct signal_map *map = &page->scrape->sources->maps[row];
	struct label_view view = {.series = sample->series->labels,
		.count = sample->series->label_count,
		.row = map,
		.target = page->target};
	struct observation observation = {.group = (uint32_t)row,
		.series = series_hash(sample->series) + term,
		.term = term,
		.terms = count_terms(map),
		.signal = map->signal,
		.rate = map->rate,
		.at_ms = sample->has_time ? sample->time_ms : OBSERVATION_ARRIVAL,
		.value = sample->value * map->scale};
	if (map->percent > 0 && !take_bound(sample, map, &observation)) {
		observations_warn(page->sink, "a bucket of %.80s does not say its bound (le)",
			sample->series->name);
		return true;
	}
	if (!isfinite(sample->value))
		return true;
	struct error trouble = {0};
	if (!label_entity(page->sink->fleet, &view, map->signal, &observation.entity, &trouble)) {
		observations_warn(page->sink, "%s", trouble.text);
		return true;
	}
	return observations_add(page->sink, &observation, error);
}

static bool on_sample(void *context, const struct exposition_sample *sample, struct error *error)
{
	struct page *page = context;
	const struct scrape *scrape = page->scrape;
	const char *name = sample->series->name;
	size_t length = strlen(name);
	if (is_build(name, length) && page->sink->detail[0] == '\0')
		observations_describe(page->sink, "%.*s %s", (int)(length - BUILD_BYTES), name,
			series_label(sample->series, "version"));
	for (size_t i = 0; i < scrape->row_count; i++) {
		const struct signal_map *map = &scrape->sources->maps[scrape->rows[i]];
		uint8_t term = 0;
		if (find_term(map, name, &term) &&
			series_is_selected(sample->series, map->where, map->where_count) &&
			!take_row(page, scrape->rows[i], term, sample, error))
			return false;
	}
	return true;
}

static bool page_wants(const void *context, const char *name, size_t length)
{
	const struct page *page = context;
	return is_build(name, length) || wants(page->scrape, name, length);
}

/* ---- a page, read as it comes ---- */

static void flow_drop(void *reading)
{
	struct page *page = reading;
	if (page)
		exposition_finish(&page->reader);
	free(page);
}

static void *flow_begin(const void *instance, const struct backend_ask *ask, const char *bytes,
	size_t length, struct observations *sink, struct memo *memo, struct error *error)
{
	const struct scrape *scrape = instance;
	struct page *page = NULL;
	(void)memo;
	/* What is no page at all is told apart by whoever has the whole of it. */
	if (length > 0 && (bytes[0] == '<' || bytes[0] == '{'))
		return NULL;
	page = calloc(1, sizeof(*page));
	if (!page) {
		error_no_memory(error, "a page of metrics");
		return NULL;
	}
	page->scrape = scrape;
	page->target = &scrape->source->targets[ask->target];
	page->sink = sink;
	if (!exposition_init(&page->reader, on_sample, page, error)) {
		free(page);
		return NULL;
	}
	page->reader.wants = page_wants;
	return page;
}

static bool blame(const struct page *page, struct error *error)
{
	char place[ANSWER_PLACE_BYTES];
	answer_place(page->target->url, place);
	return error_prefix(error, "%s does not speak Prometheus text", place);
}

static bool flow_feed(void *reading, const char *bytes, size_t length, struct error *error)
{
	struct page *page = reading;
	return exposition_feed(&page->reader, bytes, length, error) || blame(page, error);
}

static bool flow_end(void *reading, const struct backend_answer *answer, struct error *error)
{
	struct page *page = reading;
	struct backend_answer read = *answer;
	read.bytes = "#"; /* there were some, and they were no HTML */
	read.length = 1;
	if (!answer_check(&read, page->target->url, "Prometheus text", error))
		return false;
	if (!exposition_end(&page->reader, error))
		return blame(page, error);
	answer_settle(answer, page->sink);
	return true;
}

static bool accept(const void *instance, const struct backend_ask *ask,
	const struct backend_answer *answer, struct arena *scratch, struct observations *sink,
	struct error *error)
{
	const struct scrape *scrape = instance;
	const char *url = scrape->source->targets[ask->target].url;
	(void)scratch;
	if (!answer_check(answer, url, "Prometheus text", error))
		return false;
	void *reading = flow_begin(scrape, ask, "", 0, sink, NULL, error);
	bool good = reading && flow_feed(reading, answer->bytes, answer->length, error) &&
		    flow_end(reading, answer, error);
	flow_drop(reading);
	return good;
}

static const struct backend_flow flow = {
	.begin = flow_begin,
	.feed = flow_feed,
	.end = flow_end,
	.drop = flow_drop,
};

const struct backend_ops exposition_ops = {
	.name = "exposition",
	.help = "An exporter's page in the Prometheus text format, read directly.",
	.traits = BACKEND_NEEDS_URL,
	.trust = 60,
	.row_key = "metric",
	.create = create,
	.destroy = destroy,
	.steps = steps,
	.request = request,
	.accept = accept,
	.flow = &flow,
};
