#include "backends/source.h"

#include <math.h>
#include <string.h>

#include "backends/backend.h"
#include "backends/label.h"
#include "backends/series.h"
#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/fields.h"
#include "core/base/yaml.h"

#define DEFAULT_TIMEOUT_MOST_MS 10000

/* A source as its fields are read, before the parts are looked into. */
struct source_row {
	int kind;
	const char *url, *file;
	const struct yaml_node *targets, *labels, *proxies;
	int64_t every_ms, timeout_ms;
	const char *bearer_file, *basic_file, *ca_file, *client_cert_file, *client_key_file;
	const char *unix_socket;
};

struct target_row {
	const char *url;
	const struct yaml_node *labels;
};

struct signal_row_read {
	const struct yaml_node *from, *labels;
	const char *query, *metric;
	bool rate;
	double scale;
};

/* In the order of backend_kinds(): the index is the choice. */
static const char *const kind_names[] = {"prometheus", "exposition", "haproxy", "replay", NULL};

#define SOURCE_AT(member) offsetof(struct source_row, member)

static const struct field source_fields[] = {
	{.key = "kind",
		.type = FIELD_CHOICE,
		.offset = SOURCE_AT(kind),
		.required = true,
		.choices = kind_names,
		.help = "What the source speaks."},
	{.key = "url",
		.type = FIELD_STRING,
		.offset = SOURCE_AT(url),
		.help = "Where it answers: http:// or https://; instead of targets."},
	{.key = "targets",
		.type = FIELD_NODE,
		.offset = SOURCE_AT(targets),
		.help = "Several endpoints, each with url and labels, polled on its own."},
	{.key = "labels",
		.type = FIELD_NODE,
		.offset = SOURCE_AT(labels),
		.help = "Fixed labels of the url, used where a series has none of that name."},
	{.key = "every",
		.type = FIELD_DURATION,
		.offset = SOURCE_AT(every_ms),
		.min = 100,
		.max = 3600000,
		.fallback = "1s",
		.help = "How often each target is asked."},
	{.key = "timeout",
		.type = FIELD_DURATION,
		.offset = SOURCE_AT(timeout_ms),
		.min = 10,
		.max = 300000,
		.help = "How long an answer may take; else nine tenths of every, at most 10s."},
	{.key = "bearer_file",
		.type = FIELD_STRING,
		.offset = SOURCE_AT(bearer_file),
		.help = "A file that holds a bearer token."},
	{.key = "basic_file",
		.type = FIELD_STRING,
		.offset = SOURCE_AT(basic_file),
		.help = "A file that holds user:password."},
	{.key = "ca_file",
		.type = FIELD_STRING,
		.offset = SOURCE_AT(ca_file),
		.help = "Certificates to trust instead of the system's."},
	{.key = "client_cert_file",
		.type = FIELD_STRING,
		.offset = SOURCE_AT(client_cert_file),
		.help = "A certificate to show to the server."},
	{.key = "client_key_file",
		.type = FIELD_STRING,
		.offset = SOURCE_AT(client_key_file),
		.help = "The key of that certificate."},
	{.key = "unix_socket",
		.type = FIELD_STRING,
		.offset = SOURCE_AT(unix_socket),
		.help = "A socket to connect to instead of the host in the url."},
	{.key = "file",
		.type = FIELD_STRING,
		.offset = SOURCE_AT(file),
		.help = "Kind replay: the recording to play."},
	{.key = "proxies",
		.type = FIELD_NODE,
		.offset = SOURCE_AT(proxies),
		.help = "Kind haproxy: which backend is which cluster; others are then left out."},
};

static const struct field target_fields[] = {
	{.key = "url",
		.type = FIELD_STRING,
		.offset = offsetof(struct target_row, url),
		.required = true,
		.help = "Where the target answers."},
	{.key = "labels",
		.type = FIELD_NODE,
		.offset = offsetof(struct target_row, labels),
		.help = "Fixed labels, used where a series has none of that name."},
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
	{.key = "labels",
		.type = FIELD_NODE,
		.offset = SIGNAL_AT(labels),
		.help = "What the exporter calls our labels: {surface: app}."},
	{.key = "rate",
		.type = FIELD_BOOL,
		.offset = SIGNAL_AT(rate),
		.fallback = "false",
		.help = "Kind exposition: the metric is a counter; take its growth per second."},
	{.key = "scale",
		.type = FIELD_NUMBER,
		.offset = SIGNAL_AT(scale),
		.fallback = "1",
		.help = "A factor for the value, such as 1000 from seconds to milliseconds."},
};

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

/* What one reading of the two sections carries along. */
struct reader {
	struct arena *arena;
	const char *directory;
	struct complaints *complaints;
	struct sources found;
	size_t targets; /* over all sources */
	bool good;
};

static void complain(
	struct reader *reader, const struct yaml_node *node, const char *key, const char *what)
{
	complaints_add(reader->complaints, node->file, node->line, key, "%s", what);
	reader->good = false;
}

static void *take(struct reader *reader, const struct yaml_node *node, size_t count, size_t size)
{
	void *memory = arena_array(reader->arena, count ? count : 1, size);
	if (!memory)
		complain(reader, node, NULL, "no memory for the sources of the fleet file");
	return memory;
}

static const char *join(struct reader *reader, const char *path, const char *key)
{
	const char *joined = arena_printf(reader->arena, "%s.%s", path, key);
	return joined ? joined : path;
}

/* A file name as the program will open it. */
static const char *resolve(struct reader *reader, const char *name)
{
	if (!name || name[0] == '/' || !reader->directory || !reader->directory[0])
		return name;
	const char *full = arena_printf(reader->arena, "%s/%s", reader->directory, name);
	reader->good = reader->good && full;
	return full ? full : name;
}

static bool is_label_name(const char *name)
{
	size_t length = strlen(name);
	return length > 0 && series_label_name_length(name, length) == length;
}

/* A mapping of names to texts; with `names` only those keys are allowed. */
static bool read_labels(struct reader *reader, const struct yaml_node *node, const char *path,
	const char *const *names, struct source_label *out, size_t *count)
{
	*count = 0;
	if (!node)
		return true;
	if (node->kind != YAML_MAPPING) {
		complain(reader, node, path, "expected a mapping such as {cluster: east-a}");
		return false;
	}
	for (const struct yaml_node *member = node->first; member; member = member->next) {
		const char *key = join(reader, path, member->key);
		size_t known = 0;
		for (; names && names[known] && strcmp(names[known], member->key) != 0;)
			known++;
		if (names && !names[known]) {
			const char *near = complaints_nearest(member->key, names, known);
			complaints_add(reader->complaints, member->file, member->line, key,
				"no such label; it is one of region, cluster, replica, service, "
				"surface%s%s%s",
				near ? " (did you mean '" : "", near ? near : "",
				near ? "'?)" : "");
			reader->good = false;
		} else if (member->kind != YAML_SCALAR || !member->scalar[0]) {
			complain(reader, member, key, "expected a text that is not empty");
		} else if (!names && !is_label_name(member->key)) {
			complain(reader, member, key,
				"a label's name has letters, digits and '_' only");
		} else if (*count == SOURCE_LABELS_MOST) {
			complaints_add(reader->complaints, member->file, member->line, key,
				"more than %d labels", SOURCE_LABELS_MOST);
			reader->good = false;
			return false;
		} else {
			out[(*count)++] = (struct source_label){member->key, member->scalar};
		}
	}
	return reader->good;
}

static const char *url_fault(const char *url)
{
	size_t scheme = strncmp(url, "http://", 7) == 0    ? 7
			: strncmp(url, "https://", 8) == 0 ? 8
							   : 0;
	if (scheme == 0)
		return "a url starts with http:// or https://";
	size_t host = strcspn(url + scheme, "/?#");
	if (host == 0)
		return "the url has no host";
	if (memchr(url + scheme, '@', host))
		return "put user and password into a file named by basic_file, not into the url";
	for (const char *at = url; *at; at++)
		if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f)
			return "a url has no blanks and no characters outside ASCII: encode them "
			       "as %xx";
	return NULL;
}

/* The name of a target for people: what its labels say, else its number. */
static const char *target_name(
	struct reader *reader, const char *source, const struct source_target *target, size_t index)
{
	struct label_view view = {.target = target};
	const char *cluster = label_value(&view, "cluster");
	const char *part = label_value(&view, "replica");
	if (!part)
		part = label_value(&view, "service");
	if (!part)
		part = label_value(&view, "surface");
	const char *name = NULL;
	if (cluster && part)
		name = arena_printf(reader->arena, "%s/%s/%s", source, cluster, part);
	else if (cluster || part)
		name = arena_printf(reader->arena, "%s/%s", source, cluster ? cluster : part);
	else
		name = arena_printf(reader->arena, "%s/%zu", source, index + 1);
	reader->good = reader->good && name;
	return name ? name : source;
}

static void read_target(struct reader *reader, const struct yaml_node *node, const char *path,
	struct source_target *out)
{
	struct target_row row = {0};
	if (node->kind != YAML_MAPPING) {
		complain(reader, node, path, "expected a mapping with url and labels");
		return;
	}
	if (!fields_read(target_fields, COUNT_OF(target_fields), node, path, &row, reader->arena,
		    reader->complaints))
		reader->good = false;
	read_labels(reader, row.labels, join(reader, path, "labels"), NULL, out->labels,
		&out->label_count);
	out->url = row.url;
	const char *fault = row.url ? url_fault(row.url) : NULL;
	if (fault)
		complain(reader, yaml_get(node, "url"), join(reader, path, "url"), fault);
}

static void read_target_list(struct reader *reader, const struct yaml_node *list, const char *path,
	struct source_config *out)
{
	const char *key = join(reader, path, "targets");
	if (list->kind != YAML_SEQUENCE || list->count == 0) {
		complain(reader, list, key, "expected a list with at least one target");
		return;
	}
	if (reader->targets + list->count > SOURCE_TARGETS_MOST) {
		complaints_add(reader->complaints, list->file, list->line, key,
			"more than %d targets over all sources", SOURCE_TARGETS_MOST);
		reader->good = false;
		return;
	}
	out->targets = take(reader, list, list->count, sizeof(*out->targets));
	if (!out->targets)
		return;
	const struct yaml_node *node = list->first;
	for (size_t i = 0; node; i++, node = node->next) {
		const char *place = arena_printf(reader->arena, "%s[%zu]", key, i);
		read_target(reader, node, place ? place : key, &out->targets[i]);
		out->targets[i].name = list->count > 1
					       ? target_name(reader, out->name, &out->targets[i], i)
					       : out->name;
	}
	out->target_count = list->count;
	reader->targets += list->count;
}

static void read_single_target(struct reader *reader, const struct yaml_node *node,
	const char *path, const struct source_row *row, struct source_config *out)
{
	const char *fault = row->url ? url_fault(row->url) : NULL;
	if (fault)
		complain(reader, yaml_get(node, "url"), join(reader, path, "url"), fault);
	out->targets = take(reader, node, 1, sizeof(*out->targets));
	if (!out->targets)
		return;
	out->targets[0].url = row->url;
	out->targets[0].name = out->name;
	out->target_count = 1;
	read_labels(reader, row->labels, join(reader, path, "labels"), NULL, out->targets[0].labels,
		&out->targets[0].label_count);
	if (++reader->targets > SOURCE_TARGETS_MOST)
		complain(reader, node, path, "more targets than can be watched");
}

/* What the kind needs and what it cannot use. */
static void check_kind(struct reader *reader, const struct yaml_node *node, const char *path,
	const struct source_row *row, unsigned traits)
{
	bool wants_url = traits & BACKEND_NEEDS_URL;
	if (wants_url && !row->url && !row->targets)
		complain(reader, node, path, "needs a url, or targets");
	if (wants_url && row->url && row->targets)
		complain(reader, row->targets, path, "has both url and targets: keep one of them");
	if (row->targets && row->labels)
		complain(reader, row->labels, join(reader, path, "labels"),
			"with targets, labels belong to each target");
	if (!wants_url && (row->url || row->targets))
		complain(reader, node, path, "plays a file: it can have no url and no targets");
	if ((traits & BACKEND_NEEDS_FILE) && !row->file)
		complain(reader, node, path, "needs 'file', the recording to play");
	if (!(traits & BACKEND_NEEDS_FILE) && row->file)
		complain(reader, yaml_get(node, "file"), join(reader, path, "file"),
			"only kind replay reads a file");
	if (!(traits & BACKEND_HAS_PROXIES) && row->proxies)
		complain(reader, row->proxies, join(reader, path, "proxies"),
			"only kind haproxy has proxies");
	if (!row->client_cert_file != !row->client_key_file)
		complain(reader, node, path,
			"client_cert_file and client_key_file go together: one is missing");
	if (row->bearer_file && row->basic_file)
		complain(reader, node, path, "has both bearer_file and basic_file: keep one");
}

static void read_proxies(struct reader *reader, const struct yaml_node *node, const char *path,
	struct source_config *out)
{
	if (!node)
		return;
	if (node->kind != YAML_MAPPING || node->count == 0) {
		complain(reader, node, path,
			"expected a mapping of backend to cluster, such as {be_east_a: east-a}");
		return;
	}
	struct source_label *proxies = take(reader, node, node->count, sizeof(*proxies));
	if (!proxies)
		return;
	const struct yaml_node *member = node->first;
	for (size_t i = 0; member; i++, member = member->next) {
		if (member->kind != YAML_SCALAR || !member->scalar[0])
			complain(reader, member, join(reader, path, member->key),
				"expected the name of a cluster");
		proxies[i] = (struct source_label){member->key, member->scalar};
	}
	out->proxies = proxies;
	out->proxy_count = node->count;
}

static void read_source(
	struct reader *reader, const struct yaml_node *node, struct source_config *out)
{
	const char *path = join(reader, "sources", node->key);
	struct source_row row = {.kind = -1};
	*out = (struct source_config){.name = node->key, .line = node->line};
	if (node->kind != YAML_MAPPING) {
		complain(reader, node, path, "expected a mapping with at least 'kind' and 'url'");
		return;
	}
	if (!fields_read(source_fields, COUNT_OF(source_fields), node, path, &row, reader->arena,
		    reader->complaints))
		reader->good = false;
	if (row.kind < 0)
		return;
	out->ops = backend_find(kind_names[row.kind]);
	out->every_ms = row.every_ms;
	out->timeout_ms = row.timeout_ms;
	if (out->timeout_ms == 0)
		out->timeout_ms = row.every_ms * 9 / 10 < DEFAULT_TIMEOUT_MOST_MS
					  ? row.every_ms * 9 / 10
					  : DEFAULT_TIMEOUT_MOST_MS;
	check_kind(reader, node, path, &row, out->ops->traits);
	if (row.targets)
		read_target_list(reader, row.targets, path, out);
	else
		read_single_target(reader, node, path, &row, out);
	read_proxies(reader, row.proxies, join(reader, path, "proxies"), out);
	out->bearer_file = resolve(reader, row.bearer_file);
	out->basic_file = resolve(reader, row.basic_file);
	out->ca_file = resolve(reader, row.ca_file);
	out->client_cert_file = resolve(reader, row.client_cert_file);
	out->client_key_file = resolve(reader, row.client_key_file);
	out->unix_socket = resolve(reader, row.unix_socket);
	out->file = resolve(reader, row.file);
}

/* ---- signals ---- */

static const struct source_config *find_source(const struct sources *sources, const char *name)
{
	for (size_t i = 0; i < sources->count; i++)
		if (strcmp(sources->rows[i].name, name) == 0)
			return &sources->rows[i];
	return NULL;
}

static void unknown_source(struct reader *reader, const struct yaml_node *node, const char *path)
{
	const char **names = take(reader, node, reader->found.count, sizeof(*names));
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
	const char *given = !wanted                        ? NULL
			    : strcmp(wanted, "query") == 0 ? row->query
							   : row->metric;
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
		complain(reader, node, path, "expected the name of a source, or a list of names");
		return;
	}
	const char **from = take(reader, node, count, sizeof(*from));
	if (!from)
		return;
	size_t kept = 0;
	for (const struct yaml_node *name = first; name && kept < count; name = name->next) {
		if (name->kind != YAML_SCALAR) {
			complain(reader, name, path, "expected the name of a source");
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
	char *room = take(reader, node, length + 1, 1);
	struct series *series = take(reader, node, 1, sizeof(*series));
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

static void check_signal_row(struct reader *reader, const struct yaml_node *node, const char *path,
	const struct signal_row_read *row, const struct signal_map *map)
{
	if (row->query && !row->query[0])
		complain(reader, yaml_get(node, "query"), join(reader, path, "query"), "is empty");
	if (row->query && !takes_key(reader, map, "query"))
		complain(reader, yaml_get(node, "query"), join(reader, path, "query"),
			"a query is for kind prometheus, and the row takes from none");
	if (row->metric && !takes_key(reader, map, "metric"))
		complain(reader, yaml_get(node, "metric"), join(reader, path, "metric"),
			"a metric is for kind exposition, and the row takes from none");
	if (row->rate && !row->metric)
		complain(reader, yaml_get(node, "rate"), join(reader, path, "rate"),
			"is for metrics; in a query write rate(...[30s])");
	if (!isfinite(row->scale) || row->scale == 0)
		complain(reader, yaml_get(node, "scale"), join(reader, path, "scale"),
			"expected a number that is not zero");
}

static void read_signal_row(struct reader *reader, const struct yaml_node *node, const char *path,
	enum signal signal, struct signal_map *out)
{
	struct signal_row_read row = {.scale = 1};
	*out = (struct signal_map){.signal = signal, .line = node->line, .scale = 1};
	if (node->kind != YAML_MAPPING) {
		complain(reader, node, path, "expected a mapping such as {from: prom, query: up}");
		return;
	}
	if (!fields_read(signal_fields, COUNT_OF(signal_fields), node, path, &row, reader->arena,
		    reader->complaints))
		reader->good = false;
	out->query = row.query;
	out->rate = row.rate;
	out->scale = row.scale;
	if (row.from)
		read_from(reader, row.from, join(reader, path, "from"), &row, out);
	if (row.metric)
		read_metric(reader, yaml_get(node, "metric"), join(reader, path, "metric"), out);
	read_labels(reader, row.labels, join(reader, path, "labels"), label_names(), out->labels,
		&out->label_count);
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
		complain(reader, node, path,
			"is worked out by the assessment: it cannot be read from a source");
		return false;
	}
	return true;
}

static void read_signals(struct reader *reader, const struct yaml_node *signals)
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
	reader->found.maps = take(reader, signals, count, sizeof(*reader->found.maps));
	if (!reader->found.maps)
		return;
	for (const struct yaml_node *node = signals->first; node; node = node->next) {
		const char *path = join(reader, "signals", node->key);
		enum signal signal = SIGNAL_REPLICA_UP;
		if (!find_signal(reader, node, path, &signal))
			continue;
		bool many = node->kind == YAML_SEQUENCE;
		if (many && node->count == 0)
			complain(reader, node, path, "expected at least one row");
		const struct yaml_node *row = many ? node->first : node;
		for (size_t i = 0; row; i++, row = many ? row->next : NULL) {
			const char *place =
				many ? arena_printf(reader->arena, "%s[%zu]", path, i) : path;
			read_signal_row(reader, row, place ? place : path, signal,
				&reader->found.maps[reader->found.map_count++]);
		}
	}
}

static void read_sources(struct reader *reader, const struct yaml_node *sources)
{
	if (sources->count > SOURCES_MOST) {
		complaints_add(reader->complaints, sources->file, sources->line, "sources",
			"%zu sources, more than %d", sources->count, SOURCES_MOST);
		reader->good = false;
		return;
	}
	reader->found.rows = take(reader, sources, sources->count, sizeof(*reader->found.rows));
	if (!reader->found.rows)
		return;
	for (const struct yaml_node *node = sources->first; node; node = node->next)
		read_source(reader, node, &reader->found.rows[reader->found.count++]);
}

bool sources_read(const struct yaml_node *sources, const struct yaml_node *signals,
	const char *directory, struct arena *arena, struct sources *out,
	struct complaints *complaints)
{
	struct reader reader = {
		.arena = arena, .directory = directory, .complaints = complaints, .good = true};
	if (sources && sources->kind != YAML_MAPPING)
		complain(&reader, sources, "sources", "expected a mapping of names to sources");
	else if (sources)
		read_sources(&reader, sources);
	if (signals && signals->kind != YAML_MAPPING)
		complain(&reader, signals, "signals", "expected a mapping of signals to rows");
	else if (signals)
		read_signals(&reader, signals);
	if (reader.good)
		*out = reader.found;
	return reader.good;
}

bool signal_map_is_from(const struct signal_map *map, const char *source)
{
	for (size_t i = 0; i < map->from_count; i++)
		if (strcmp(map->from[i], source) == 0)
			return true;
	return false;
}

void sources_schema_source(struct text *out)
{
	fields_schema(source_fields, COUNT_OF(source_fields), out);
}

void sources_schema_signal(struct text *out)
{
	fields_schema(signal_fields, COUNT_OF(signal_fields), out);
}

const char *const *source_kinds(void)
{
	return kind_names;
}
