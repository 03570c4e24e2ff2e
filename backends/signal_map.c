#include <math.h>
#include <string.h>

#include "backends/backend.h"
#include "backends/label.h"
#include "backends/reader.h"
#include "backends/series.h"
#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/fields.h"
#include "core/base/yaml.h"

struct signal_row_read {
	const struct yaml_node *from, *labels;
	const char *query, *metric, *pointer;
	bool rate;
	double quantile, scale;
};

#define SIGNAL_AT(member) offsetof(struct signal_row_read, member)

static const struct field signal_fields[] = {
	{.key = "from",
		.type = FIELD_NODE,
		.offset = SIGNAL_AT(from),
		.required = true,
		.help = "The source, or a list of sources, that the signal comes from."},
	{.key = "query",
		.type = FIELD_STRING,
		.offset = SIGNAL_AT(query),
		.help = "Kind prometheus: an expression that gives one value per entity."},
	{.key = "metric",
		.type = FIELD_STRING,
		.offset = SIGNAL_AT(metric),
		.help = "Kind exposition: the name of the series, with {label=\"value\"} to "
			"select."},
	{.key = "pointer",
		.type = FIELD_STRING,
		.offset = SIGNAL_AT(pointer),
		.help = "Kinds json and ssh: a JSON pointer such as /stats/0/used; kind ssh also "
			"takes "
			"the name of a key=value line, or '' where the whole output is the "
			"number."},
	{.key = "labels",
		.type = FIELD_NODE,
		.offset = SIGNAL_AT(labels),
		.help = "What the exporter calls our labels: {surface: app}."},
	{.key = "rate",
		.type = FIELD_BOOL,
		.offset = SIGNAL_AT(rate),
		.fallback = "false",
		.help = "The figure is a counter: take its growth per second."},
	{.key = "quantile",
		.type = FIELD_NUMBER,
		.offset = SIGNAL_AT(quantile),
		.fallback = "0",
		.help = "The metric is a histogram's (name_bucket): take this quantile of what it "
			"observed in the last 10 s, such as 0.99."},
	{.key = "scale",
		.type = FIELD_NUMBER,
		.offset = SIGNAL_AT(scale),
		.fallback = "1",
		.help = "A factor for the value, such as 1000 from seconds to milliseconds."},
};

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

static const struct source_config *find_source(const struct sources *sources, const char *name)
{
	for (size_t i = 0; i < sources->count; i++)
		if (strcmp(sources->rows[i].name, name) == 0)
			return &sources->rows[i];
	return NULL;
}

static void unknown_source(struct reader *reader, const struct yaml_node *node, const char *path)
{
	const char **names = reader_take(reader, node, reader->found.count, sizeof(*names));
	if (!names)
		return;
	for (size_t i = 0; i < reader->found.count; i++)
		names[i] = reader->found.rows[i].name;
	const char *near = complaints_nearest(node->scalar, names, reader->found.count);
	complaints_add(reader->complaints, node->file, node->line, path,
		"there is no source '%s'%s%s%s", node->scalar, near ? "; did you mean '" : "",
		near ? near : "", near ? "'?" : "");
	reader->good = false;
}

/* What the row says under the key that a kind wants. */
static const char *key_of(const struct signal_row_read *row, const char *key)
{
	if (strcmp(key, "query") == 0)
		return row->query;
	return strcmp(key, "metric") == 0 ? row->metric : row->pointer;
}

/* One name of `from`, checked against the kind it leads to. */
static void check_from(struct reader *reader, const struct yaml_node *node, const char *path,
	const struct signal_row_read *row)
{
	const struct source_config *source = find_source(&reader->found, node->scalar);
	if (!source) {
		unknown_source(reader, node, path);
		return;
	}
	if (!source->ops)
		return; /* it was complained about where it is defined */
	const char *wanted = source->ops->row_key;
	const char *given = wanted ? key_of(row, wanted) : NULL;
	if (!wanted)
		complaints_add(reader->complaints, node->file, node->line, path,
			"source '%s' is of kind %s, which yields its signals by itself and takes "
			"no rows",
			source->name, source->ops->name);
	else if (!given)
		complaints_add(reader->complaints, node->file, node->line, path,
			"source '%s' is of kind %s, so the row needs '%s'", source->name,
			source->ops->name, wanted);
	if (!wanted || !given)
		reader->good = false;
}

static bool takes_key(const struct reader *reader, const struct signal_map *map, const char *key)
{
	for (size_t i = 0; i < map->from_count; i++) {
		const struct source_config *source = find_source(&reader->found, map->from[i]);
		if (!source || !source->ops ||
			(source->ops->row_key && strcmp(source->ops->row_key, key) == 0))
			return true;
	}
	return false;
}

static void read_from(struct reader *reader, const struct yaml_node *node, const char *path,
	const struct signal_row_read *row, struct signal_map *out)
{
	const struct yaml_node *first = node->kind == YAML_SEQUENCE ? node->first : node;
	size_t count = node->kind == YAML_SEQUENCE ? node->count : 1;
	if (node->kind == YAML_MAPPING || count == 0) {
		reader_complain(
			reader, node, path, "expected the name of a source, or a list of names");
		return;
	}
	const char **from = reader_take(reader, node, count, sizeof(*from));
	if (!from)
		return;
	size_t kept = 0;
	for (const struct yaml_node *name = first; name && kept < count; name = name->next) {
		if (name->kind != YAML_SCALAR) {
			reader_complain(reader, name, path, "expected the name of a source");
			continue;
		}
		check_from(reader, name, path, row);
		from[kept++] = name->scalar;
	}
	out->from = from;
	out->from_count = kept;
}

/* "name{label="value"}" into name and selector. */
static void read_metric(struct reader *reader, const struct yaml_node *node, const char *path,
	struct signal_map *out)
{
	size_t length = strlen(node->scalar);
	char *room = reader_take(reader, node, length + 1, 1);
	struct series *series = reader_take(reader, node, 1, sizeof(*series));
	if (!room || !series)
		return;
	struct error error = {0};
	size_t used = series_parse(node->scalar, length, room, length + 1, series, &error);
	if (used == 0 || used != length) {
		complaints_add(reader->complaints, node->file, node->line, path,
			"expected a metric's name, or name{label=\"value\"}: %s",
			used == 0 ? error.text : "there is more after it");
		reader->good = false;
		return;
	}
	if (series->label_count > SOURCE_LABELS_MOST) {
		complaints_add(reader->complaints, node->file, node->line, path,
			"more than %d labels in the selector", SOURCE_LABELS_MOST);
		reader->good = false;
		return;
	}
	out->metric = series->name;
	out->where_count = series->label_count;
	memcpy(out->where, series->labels, series->label_count * sizeof(out->where[0]));
}

static bool is_whole_percent(double quantile)
{
	double percent = 100 * quantile;
	return percent > 0.5 && percent < 99.5 && fabs(percent - round(percent)) < 1e-6;
}

static void check_quantile(struct reader *reader, const struct yaml_node *node, const char *path,
	const struct signal_row_read *row, const struct signal_map *map)
{
	const struct yaml_node *key = yaml_get(node, "quantile");
	if (!key)
		return;
	path = reader_join(reader, path, "quantile");
	if (!is_whole_percent(row->quantile))
		reader_complain(
			reader, key, path, "expected 0.01 to 0.99, in steps of a hundredth");
	if (row->rate)
		reader_complain(reader, key, path, "and a rate exclude each other");
	size_t length = map->metric ? strlen(map->metric) : 0;
	bool buckets = length > 7 && strcmp(map->metric + length - 7, "_bucket") == 0;
	for (size_t i = 0; i < map->where_count; i++)
		buckets = buckets && strcmp(map->where[i].name, SERIES_LESS) != 0;
	if (!buckets)
		reader_complain(reader, key, path,
			"is for the buckets of a histogram: a metric that ends in _bucket");
}

static void check_signal_row(struct reader *reader, const struct yaml_node *node, const char *path,
	const struct signal_row_read *row, const struct signal_map *map)
{
	if (row->query && !row->query[0])
		reader_complain(reader, yaml_get(node, "query"), reader_join(reader, path, "query"),
			"is empty");
	if (row->query && !takes_key(reader, map, "query"))
		reader_complain(reader, yaml_get(node, "query"), reader_join(reader, path, "query"),
			"a query is for kind prometheus, and the row takes from none");
	if (row->metric && !takes_key(reader, map, "metric"))
		reader_complain(reader, yaml_get(node, "metric"),
			reader_join(reader, path, "metric"),
			"a metric is for kind exposition, and the row takes from none");
	if (row->pointer && !takes_key(reader, map, "pointer"))
		reader_complain(reader, yaml_get(node, "pointer"),
			reader_join(reader, path, "pointer"),
			"a pointer is for kinds json and ssh, and the row takes from none");
	if (row->rate && !row->metric && !row->pointer)
		reader_complain(reader, yaml_get(node, "rate"), reader_join(reader, path, "rate"),
			"is for metrics; in a query write rate(...[30s])");
	check_quantile(reader, node, path, row, map);
	if (!isfinite(row->scale) || row->scale == 0)
		reader_complain(reader, yaml_get(node, "scale"), reader_join(reader, path, "scale"),
			"expected a number that is not zero");
}

static void read_signal_row(struct reader *reader, const struct yaml_node *node, const char *path,
	enum signal signal, struct signal_map *out)
{
	struct signal_row_read row = {.scale = 1};
	*out = (struct signal_map){.signal = signal, .line = node->line, .scale = 1};
	if (node->kind != YAML_MAPPING) {
		reader_complain(
			reader, node, path, "expected a mapping such as {from: prom, query: up}");
		return;
	}
	if (!fields_read(signal_fields, COUNT_OF(signal_fields), node, path, &row, reader->arena,
		    reader->complaints))
		reader->good = false;
	out->query = row.query;
	out->pointer = row.pointer;
	out->rate = row.rate;
	out->percent = is_whole_percent(row.quantile) ? (uint8_t)lround(100 * row.quantile) : 0;
	out->scale = row.scale;
	if (row.from)
		read_from(reader, row.from, reader_join(reader, path, "from"), &row, out);
	if (row.metric)
		read_metric(
			reader, yaml_get(node, "metric"), reader_join(reader, path, "metric"), out);
	reader_labels(reader, row.labels, reader_join(reader, path, "labels"), label_names(),
		out->labels, &out->label_count);
	check_signal_row(reader, node, path, &row, out);
}

static bool find_signal(
	struct reader *reader, const struct yaml_node *node, const char *path, enum signal *out)
{
	if (!signal_find(node->key, out)) {
		const char *near = signal_nearest(node->key);
		complaints_add(reader->complaints, node->file, node->line, path,
			"there is no signal '%s'%s%s%s", node->key, near ? "; did you mean '" : "",
			near ? near : "", near ? "'?" : "");
		reader->good = false;
		return false;
	}
	if (signal_row(*out)->derived) {
		reader_complain(reader, node, path,
			"is worked out by the assessment: it cannot be read from a source");
		return false;
	}
	return true;
}

void signal_maps_read(struct reader *reader, const struct yaml_node *signals)
{
	size_t count = 0;
	for (const struct yaml_node *node = signals->first; node; node = node->next)
		count += node->kind == YAML_SEQUENCE ? node->count : 1;
	if (count > SIGNAL_ROWS_MOST) {
		complaints_add(reader->complaints, signals->file, signals->line, "signals",
			"%zu rows, more than %d", count, SIGNAL_ROWS_MOST);
		reader->good = false;
		return;
	}
	reader->found.maps = reader_take(reader, signals, count, sizeof(*reader->found.maps));
	if (!reader->found.maps)
		return;
	for (const struct yaml_node *node = signals->first; node; node = node->next) {
		const char *path = reader_join(reader, "signals", node->key);
		enum signal signal = SIGNAL_REPLICA_UP;
		if (!find_signal(reader, node, path, &signal))
			continue;
		bool many = node->kind == YAML_SEQUENCE;
		if (many && node->count == 0)
			reader_complain(reader, node, path, "expected at least one row");
		const struct yaml_node *row = many ? node->first : node;
		for (size_t i = 0; row; i++, row = many ? row->next : NULL) {
			const char *place =
				many ? arena_printf(reader->arena, "%s[%zu]", path, i) : path;
			read_signal_row(reader, row, place ? place : path, signal,
				&reader->found.maps[reader->found.map_count++]);
		}
	}
}
bool signal_map_is_from(const struct signal_map *map, const char *source)
{
	for (size_t i = 0; i < map->from_count; i++)
		if (strcmp(map->from[i], source) == 0)
			return true;
	return false;
}

void sources_schema_signal(struct text *out)
{
	fields_schema(signal_fields, COUNT_OF(signal_fields), out);
}
