#include "backends/source.h"

#include <string.h>

#include "backends/backend.h"
#include "backends/label.h"
#include "backends/reader.h"
#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/fields.h"
#include "core/base/yaml.h"

#define DEFAULT_TIMEOUT_MOST_MS 10000

#define SECRET_ROWS 9
#define COMMAND_WORDS_MOST 32

/* A source as its fields are read, before the parts are looked into. */
struct source_row {
	int kind;
	const char *url, *file;
	const struct yaml_node *targets, *labels, *proxies;
	int64_t every_ms, timeout_ms;
	const char *secret_texts[SECRET_ROWS]; /* in the order of secret_rows */
	const struct yaml_node *secret_words[SECRET_ROWS];
	const char *ca_file, *client_cert_file, *client_key_file;
	const char *unix_socket, *proxy;
	bool gzip, http2;
	const struct yaml_node *databases;
	const char *command, *identity_file, *known_hosts_file, *agent_socket;
	const char *namespace, *workload, *service;
};

struct target_row {
	const char *url;
	const struct yaml_node *labels;
};

/* In the order of backend_kinds(): the index is the choice. */
static const char *const kind_names[] = {"prometheus", "exposition", "haproxy", "pgbouncer",
	"postgres-probe", "patroni", "envoy", "alertmanager", "kubernetes", "json", "ssh", "replay",
	NULL};

#define SOURCE_AT(member) offsetof(struct source_row, member)

#define SECRET_TEXT(index, name, words)                                                        \
	{                                                                                      \
		.key = (name), .type = FIELD_STRING, .offset = SOURCE_AT(secret_texts[index]), \
		.help = (words)                                                                \
	}
#define SECRET_WORDS(index, name, words)                                                     \
	{                                                                                    \
		.key = (name), .type = FIELD_NODE, .offset = SOURCE_AT(secret_words[index]), \
		.help = (words)                                                              \
	}
#define TEXT_FIELD(name, words)                                                                \
	{                                                                                      \
		.key = #name, .type = FIELD_STRING, .offset = SOURCE_AT(name), .help = (words) \
	}

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
		.help = "Where it answers, such as https://host/path; instead of targets."},
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
	SECRET_TEXT(0, "bearer_file", "A file that holds a bearer token."),
	SECRET_TEXT(1, "bearer_env", "An environment variable that holds a bearer token."),
	SECRET_WORDS(2, "bearer_command", "A program, and its arguments, that prints a token."),
	SECRET_TEXT(3, "basic_file", "A file that holds user:password."),
	SECRET_TEXT(4, "basic_env", "An environment variable that holds user:password."),
	SECRET_WORDS(
		5, "basic_command", "A program, and its arguments, that prints user:password."),
	SECRET_TEXT(6, "password_file", "A file that holds the password of the user in the url."),
	SECRET_TEXT(7, "password_env", "An environment variable that holds that password."),
	SECRET_WORDS(8, "password_command", "A program, and its arguments, that prints it."),
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
	TEXT_FIELD(proxy,
		"An HTTP proxy to go through: http://host:port. The environment's is not used."),
	{.key = "gzip",
		.type = FIELD_BOOL,
		.offset = SOURCE_AT(gzip),
		.fallback = "false",
		.help = "Ask for compressed answers; their size is limited after unpacking."},
	{.key = "http2",
		.type = FIELD_BOOL,
		.offset = SOURCE_AT(http2),
		.fallback = "false",
		.help = "Ask by HTTP/2 where an https server speaks it: many questions share one "
			"connection."},
	TEXT_FIELD(file, "Kind replay: the recording to play."),
	{.key = "proxies",
		.type = FIELD_NODE,
		.offset = SOURCE_AT(proxies),
		.help = "Kinds haproxy and envoy: which backend is which cluster; others are then "
			"left "
			"out."},
	{.key = "databases",
		.type = FIELD_NODE,
		.offset = SOURCE_AT(databases),
		.help = "Kind pgbouncer: which database is which cluster, or cluster/replica; "
			"others "
			"are then left out."},
	TEXT_FIELD(command, "Kind ssh: what to run on the host; it must change nothing."),
	TEXT_FIELD(identity_file, "Kind ssh: a private key; else the agent's."),
	TEXT_FIELD(known_hosts_file, "Kind ssh: the host keys to trust."),
	TEXT_FIELD(agent_socket, "Kind ssh: the socket of an ssh-agent."),
	TEXT_FIELD(namespace, "Kind kubernetes: the namespace of the workload and the service."),
	TEXT_FIELD(workload, "Kind kubernetes: statefulsets/NAME or deployments/NAME, for how many "
			     "there should be."),
	TEXT_FIELD(service, "Kind kubernetes: the service whose endpoints are the replicas."),
};

/* In the order of the fields above. */
static const struct secret_row {
	const char *key;
	enum secret_form form;
	enum { SECRET_FROM_FILE, SECRET_FROM_VARIABLE, SECRET_FROM_COMMAND } from;
} secret_rows[SECRET_ROWS] = {
	{"bearer_file", SECRET_BEARER, SECRET_FROM_FILE},
	{"bearer_env", SECRET_BEARER, SECRET_FROM_VARIABLE},
	{"bearer_command", SECRET_BEARER, SECRET_FROM_COMMAND},
	{"basic_file", SECRET_BASIC, SECRET_FROM_FILE},
	{"basic_env", SECRET_BASIC, SECRET_FROM_VARIABLE},
	{"basic_command", SECRET_BASIC, SECRET_FROM_COMMAND},
	{"password_file", SECRET_PASSWORD, SECRET_FROM_FILE},
	{"password_env", SECRET_PASSWORD, SECRET_FROM_VARIABLE},
	{"password_command", SECRET_PASSWORD, SECRET_FROM_COMMAND},
};

/* Keys that only some kinds take: each kind lists its own. */
static const char *const special_keys[] = {"file", "proxies", "databases", "command",
	"identity_file", "known_hosts_file", "agent_socket", "namespace", "workload", "service",
	"password_file", "password_env", "password_command"};

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

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

static const char *const http_schemes[] = {"http://", "https://", NULL};

/* What is wrong with a url of that kind; NULL: nothing. */
static const char *url_fault(struct reader *reader, const struct backend_ops *ops, const char *url)
{
	const char *const *schemes = ops->schemes ? ops->schemes : http_schemes;
	size_t scheme = 0;
	for (size_t i = 0; schemes[i] && scheme == 0; i++)
		if (strncmp(url, schemes[i], strlen(schemes[i])) == 0)
			scheme = strlen(schemes[i]);
	if (scheme == 0) {
		const char *said = arena_printf(reader->arena, "a url starts with %s", schemes[0]);
		for (size_t i = 1; said && schemes[i]; i++)
			said = arena_printf(reader->arena, "%s or %s", said, schemes[i]);
		return said ? said : "a url starts with another scheme";
	}
	size_t host = strcspn(url + scheme, "/?#");
	if (host == 0 && strncmp(url, "unix://", 7) != 0)
		return "the url has no host";
	const char *at_sign = memchr(url + scheme, '@', host);
	const char *colon =
		at_sign ? memchr(url + scheme, ':', (size_t)(at_sign - url) - scheme) : NULL;
	if (at_sign && !(ops->traits & BACKEND_HAS_LOGIN))
		return "put user and password into a file named by basic_file, not into the url";
	if (colon)
		return "put the password into a file named by password_file, not into the url";
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

static void read_target(struct reader *reader, const struct backend_ops *ops,
	const struct yaml_node *node, const char *path, struct source_target *out)
{
	struct target_row row = {0};
	if (node->kind != YAML_MAPPING) {
		reader_complain(reader, node, path, "expected a mapping with url and labels");
		return;
	}
	if (!fields_read(target_fields, COUNT_OF(target_fields), node, path, &row, reader->arena,
		    reader->complaints))
		reader->good = false;
	reader_labels(reader, row.labels, reader_join(reader, path, "labels"), NULL, out->labels,
		&out->label_count);
	out->url = row.url;
	const char *fault = row.url ? url_fault(reader, ops, row.url) : NULL;
	if (fault)
		reader_complain(
			reader, yaml_get(node, "url"), reader_join(reader, path, "url"), fault);
}

static void read_target_list(struct reader *reader, const struct yaml_node *list, const char *path,
	struct source_config *out)
{
	const char *key = reader_join(reader, path, "targets");
	if (list->kind != YAML_SEQUENCE || list->count == 0) {
		reader_complain(reader, list, key, "expected a list with at least one target");
		return;
	}
	if (reader->targets + list->count > SOURCE_TARGETS_MOST) {
		complaints_add(reader->complaints, list->file, list->line, key,
			"more than %d targets over all sources", SOURCE_TARGETS_MOST);
		reader->good = false;
		return;
	}
	out->targets = reader_take(reader, list, list->count, sizeof(*out->targets));
	if (!out->targets)
		return;
	const struct yaml_node *node = list->first;
	for (size_t i = 0; node; i++, node = node->next) {
		const char *place = arena_printf(reader->arena, "%s[%zu]", key, i);
		read_target(reader, out->ops, node, place ? place : key, &out->targets[i]);
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
	const char *fault = row->url ? url_fault(reader, out->ops, row->url) : NULL;
	if (fault)
		reader_complain(
			reader, yaml_get(node, "url"), reader_join(reader, path, "url"), fault);
	out->targets = reader_take(reader, node, 1, sizeof(*out->targets));
	if (!out->targets)
		return;
	out->targets[0].url = row->url;
	out->targets[0].name = out->name;
	out->target_count = 1;
	reader_labels(reader, row->labels, reader_join(reader, path, "labels"), NULL,
		out->targets[0].labels, &out->targets[0].label_count);
	if (++reader->targets > SOURCE_TARGETS_MOST)
		reader_complain(reader, node, path, "more targets than can be watched");
}

static bool is_listed(const char *const *list, const char *key)
{
	for (size_t i = 0; list && list[i]; i++)
		if (strcmp(list[i], key) == 0)
			return true;
	return false;
}

/* "only kind haproxy takes it", "only kinds haproxy and envoy take it". */
static const char *who_takes(struct reader *reader, const char *key)
{
	const char *names = NULL;
	size_t count = 0;
	for (const struct backend_ops *const *kind = backend_kinds(); *kind; kind++) {
		if (!is_listed((*kind)->keys, key))
			continue;
		names = names ? arena_printf(reader->arena, "%s, %s", names, (*kind)->name)
			      : (*kind)->name;
		count++;
	}
	const char *said =
		arena_printf(reader->arena, "only %s %s %s it", count == 1 ? "kind" : "kinds",
			names ? names : "(none)", count == 1 ? "takes" : "take");
	return said ? said : "not for this kind";
}

static void check_keys(struct reader *reader, const struct yaml_node *node, const char *path,
	const struct backend_ops *ops)
{
	for (size_t i = 0; i < COUNT_OF(special_keys); i++) {
		const struct yaml_node *given = yaml_get(node, special_keys[i]);
		if (given && !is_listed(ops->keys, special_keys[i]))
			reader_complain(reader, given, reader_join(reader, path, special_keys[i]),
				who_takes(reader, special_keys[i]));
	}
	for (size_t i = 0; ops->needs && ops->needs[i]; i++)
		if (!yaml_get(node, ops->needs[i]))
			complaints_add(reader->complaints, node->file, node->line, path,
				"kind %s needs '%s'", ops->name, ops->needs[i]);
	for (size_t i = 0; ops->needs && ops->needs[i]; i++)
		reader->good = reader->good && yaml_get(node, ops->needs[i]);
}

/* What the kind needs and what it cannot use. */
static void check_kind(struct reader *reader, const struct yaml_node *node, const char *path,
	const struct source_row *row, const struct backend_ops *ops)
{
	bool wants_url = ops->traits & BACKEND_NEEDS_URL;
	if (wants_url && !row->url && !row->targets)
		reader_complain(reader, node, path, "needs a url, or targets");
	if (wants_url && row->url && row->targets)
		reader_complain(
			reader, row->targets, path, "has both url and targets: keep one of them");
	if (row->targets && row->labels)
		reader_complain(reader, row->labels, reader_join(reader, path, "labels"),
			"with targets, labels belong to each target");
	if (!wants_url && (row->url || row->targets))
		reader_complain(
			reader, node, path, "plays a file: it can have no url and no targets");
	check_keys(reader, node, path, ops);
	if (!row->client_cert_file != !row->client_key_file)
		reader_complain(reader, node, path,
			"client_cert_file and client_key_file go together: one is missing");
	if (row->proxy && strncmp(row->proxy, "http://", 7) != 0 &&
		strncmp(row->proxy, "https://", 8) != 0)
		reader_complain(reader, yaml_get(node, "proxy"), reader_join(reader, path, "proxy"),
			"a proxy starts with http:// or https://");
}

/* A program and its arguments: a list of words, or one word. */
static const char *const *read_words(
	struct reader *reader, const struct yaml_node *node, const char *path)
{
	bool list = node->kind == YAML_SEQUENCE;
	size_t count = list ? node->count : 1;
	const struct yaml_node *word = list ? node->first : node;
	if (node->kind == YAML_MAPPING || count == 0 || count > COMMAND_WORDS_MOST) {
		reader_complain(reader, node, path,
			"expected a program and its arguments, such as [vault, print, token]");
		return NULL;
	}
	const char **words = reader_take(reader, node, count + 1, sizeof(*words));
	for (size_t i = 0; words && i < count; i++, word = word->next) {
		if (word->kind != YAML_SCALAR || !word->scalar[0])
			reader_complain(reader, word, path, "expected a word that is not empty");
		words[i] = word->scalar;
		if (!list)
			break;
	}
	return words;
}

static void read_secret(struct reader *reader, const struct yaml_node *node, const char *path,
	const struct source_row *row, struct source_secret *out)
{
	const struct secret_row *first = NULL;
	for (size_t i = 0; i < SECRET_ROWS; i++) {
		const struct secret_row *secret = &secret_rows[i];
		if (!row->secret_texts[i] && !row->secret_words[i])
			continue;
		if (first) {
			complaints_add(reader->complaints, node->file, node->line, path,
				"has both %s and %s: keep one", first->key, secret->key);
			reader->good = false;
			return;
		}
		first = secret;
		out->form = secret->form;
		if (secret->from == SECRET_FROM_FILE)
			out->file = reader_resolve(reader, row->secret_texts[i]);
		else if (secret->from == SECRET_FROM_VARIABLE)
			out->variable = row->secret_texts[i];
		else
			out->command = read_words(reader, row->secret_words[i],
				reader_join(reader, path, secret->key));
	}
}

static const struct source_label *read_mapping(struct reader *reader, const struct yaml_node *node,
	const char *path, const char *example, size_t *count)
{
	if (!node)
		return NULL;
	if (node->kind != YAML_MAPPING || node->count == 0) {
		complaints_add(reader->complaints, node->file, node->line, path,
			"expected a mapping such as %s", example);
		reader->good = false;
		return NULL;
	}
	struct source_label *rows = reader_take(reader, node, node->count, sizeof(*rows));
	const struct yaml_node *member = node->first;
	for (size_t i = 0; rows && member; i++, member = member->next) {
		if (member->kind != YAML_SCALAR || !member->scalar[0])
			reader_complain(reader, member, reader_join(reader, path, member->key),
				"expected the name of a cluster");
		rows[i] = (struct source_label){member->key, member->scalar};
	}
	*count = rows ? node->count : 0;
	return rows;
}

/* What is taken over as it is, but for file names. */
static void copy_row(struct reader *reader, const struct source_row *row, struct source_config *out)
{
	out->gzip = row->gzip;
	out->http2 = row->http2;
	out->proxy = row->proxy;
	out->ca_file = reader_resolve(reader, row->ca_file);
	out->client_cert_file = reader_resolve(reader, row->client_cert_file);
	out->client_key_file = reader_resolve(reader, row->client_key_file);
	out->unix_socket = reader_resolve(reader, row->unix_socket);
	out->file = reader_resolve(reader, row->file);
	out->command = row->command;
	out->identity_file = reader_resolve(reader, row->identity_file);
	out->known_hosts_file = reader_resolve(reader, row->known_hosts_file);
	out->agent_socket = reader_resolve(reader, row->agent_socket);
	out->namespace = row->namespace;
	out->workload = row->workload;
	out->service = row->service;
}

static void read_source(
	struct reader *reader, const struct yaml_node *node, struct source_config *out)
{
	const char *path = reader_join(reader, "sources", node->key);
	struct source_row row = {.kind = -1};
	*out = (struct source_config){.name = node->key, .line = node->line};
	if (node->kind != YAML_MAPPING) {
		reader_complain(
			reader, node, path, "expected a mapping with at least 'kind' and 'url'");
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
	check_kind(reader, node, path, &row, out->ops);
	if (row.targets)
		read_target_list(reader, row.targets, path, out);
	else
		read_single_target(reader, node, path, &row, out);
	out->proxies = read_mapping(reader, row.proxies, reader_join(reader, path, "proxies"),
		"{be_east_a: east-a}", &out->proxy_count);
	out->databases = read_mapping(reader, row.databases, reader_join(reader, path, "databases"),
		"{app: east-a, reports: east-a/r2}", &out->database_count);
	read_secret(reader, node, path, &row, &out->secret);
	copy_row(reader, &row, out);
}

static void read_sources(struct reader *reader, const struct yaml_node *sources)
{
	if (sources->count > SOURCES_MOST) {
		complaints_add(reader->complaints, sources->file, sources->line, "sources",
			"%zu sources, more than %d", sources->count, SOURCES_MOST);
		reader->good = false;
		return;
	}
	reader->found.rows =
		reader_take(reader, sources, sources->count, sizeof(*reader->found.rows));
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
		reader_complain(
			&reader, sources, "sources", "expected a mapping of names to sources");
	else if (sources)
		read_sources(&reader, sources);
	if (signals && signals->kind != YAML_MAPPING)
		reader_complain(
			&reader, signals, "signals", "expected a mapping of signals to rows");
	else if (signals)
		signal_maps_read(&reader, signals);
	if (reader.good)
		*out = reader.found;
	return reader.good;
}

void sources_schema_source(struct text *out)
{
	fields_schema(source_fields, COUNT_OF(source_fields), out);
}

const char *const *source_kinds(void)
{
	return kind_names;
}
