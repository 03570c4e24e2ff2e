/* config_http.c - the `http:` section of an action. */
#include "actions/config_reader.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "actions/template.h"
#include "core/base/arena.h"
#include "core/base/fields.h"
#include "core/base/json_writer.h"
#include "core/base/number.h"
#include "core/base/text.h"
#include "core/base/yaml.h"

#define BODY_BYTES 4096
#define HEADER_NAME_BYTES 64

static const char *const http_methods[] = {"POST", "PUT", "PATCH", "DELETE", NULL};
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

struct http_fields {
	int method;
	struct http_binding binding;
	const struct yaml_node *json, *form, *headers, *read;
};
#define HTTP_STRING(name, text)                                                      \
	{                                                                            \
		.key = #name, .type = FIELD_STRING,                                  \
		.offset = offsetof(struct http_fields, binding.name), .help = (text) \
	}

static const struct field http_rows[] = {
	{.key = "method",
		.type = FIELD_CHOICE,
		.offset = offsetof(struct http_fields, method),
		.choices = http_methods,
		.fallback = "POST",
		.help = "the request's method"},
	{.key = "url",
		.type = FIELD_STRING,
		.offset = offsetof(struct http_fields, binding.url),
		.required = true,
		.help = "where to send it; a template"},
	{.key = "json",
		.type = FIELD_NODE,
		.offset = offsetof(struct http_fields, json),
		.help = "the body; its strings are templates, and \"{weight}\" alone is a number"},
	{.key = "form",
		.type = FIELD_NODE,
		.offset = offsetof(struct http_fields, form),
		.help = "the body as a web form instead; its values are templates"},
	{.key = "headers",
		.type = FIELD_NODE,
		.offset = offsetof(struct http_fields, headers),
		.help = "more headers, such as If-Match or Idempotency-Key: templates, which may "
			"hold {run}, the run and request"},
	HTTP_STRING(content_type, "what the body is; default application/json, or that of a form"),
	{.key = "read",
		.type = FIELD_NODE,
		.offset = offsetof(struct http_fields, read),
		.help = "read this right before, and change nothing when it is not what the plan "
			"read: url, value, revision"},
	HTTP_STRING(keep, "pointer into the reply, such as /silenceID: {kept} in the undo"),
	HTTP_STRING(bearer_file, "file with a bearer token, read when it is needed"),
	HTTP_STRING(bearer_env, "environment variable with a bearer token"),
	HTTP_STRING(basic_file, "file with user:password, read when it is needed"),
	HTTP_STRING(basic_env, "environment variable with user:password"),
	HTTP_STRING(ca_file, "certificate authorities to trust instead of the system's"),
	HTTP_STRING(client_cert_file, "certificate to present"),
	HTTP_STRING(client_key_file, "its key"),
	{.key = "timeout",
		.type = FIELD_DURATION,
		.offset = offsetof(struct http_fields, binding.timeout_ms),
		.min = 100,
		.max = 600000,
		.fallback = "5s",
		.help = "how long to wait for the answer"},
};

static const struct field read_rows[] = {
	{.key = "url",
		.type = FIELD_STRING,
		.offset = offsetof(struct http_binding, read_url),
		.help = "what to read; a template; default: the action's own url"},
	{.key = "value",
		.type = FIELD_STRING,
		.offset = offsetof(struct http_binding, read_value),
		.help = "pointer to the value, such as /spec/replicas: it must be the plan's"},
	{.key = "revision",
		.type = FIELD_STRING,
		.offset = offsetof(struct http_binding, read_revision),
		.help = "pointer to what becomes {revision}, or 'etag': the answer's ETag"},
};

/* ---- form: a mapping of names to values ---- */

/* Percent-encode what a form would read as its own; {names} are filled with safe values later. */
static void add_encoded(struct text *out, const char *source)
{
	for (const char *at = source; *at; at++) {
		const char *end =
			at[0] == '{' && islower((unsigned char)at[1]) ? strchr(at, '}') : NULL;
		if (end) {
			text_append(out, at, (size_t)(end - at) + 1);
			at = end;
		} else if (isalnum((unsigned char)*at) || strchr("-._~", *at)) {
			text_add_char(out, *at);
		} else {
			text_printf(out, "%%%02X", (unsigned)(unsigned char)*at);
		}
	}
}

static const char *form_template(
	struct reader *reader, const struct yaml_node *node, const char *path)
{
	char name[KEY_NAME_BYTES];
	struct text text;
	const char *made = "";
	snprintf(name, sizeof(name), "%s.form", path);
	text_init(&text, BODY_BYTES);
	bool ok = node->kind == YAML_MAPPING;
	for (const struct yaml_node *child = ok ? node->first : NULL; child; child = child->next) {
		ok = ok && child->kind == YAML_SCALAR;
		text_add(&text, child == node->first ? "" : "&");
		add_encoded(&text, child->key);
		text_add_char(&text, '=');
		add_encoded(&text, child->kind == YAML_SCALAR ? child->scalar : "");
	}
	if (!ok)
		action_complain(reader, node, name,
			"expected a mapping of names to values, such as {weight: \"{weight}\"}");
	else if (!text_ok(&text))
		action_complain(reader, node, name, "the body is too long");
	else
		made = action_keep(reader, node, arena_strdup(reader->arena, text_string(&text)));
	text_finish(&text);
	return made;
}

/* ---- json: a mapping that becomes the template of a body ---- */

static bool is_name_alone(const char *scalar, const char *name)
{
	size_t length = strlen(name);
	return scalar[0] == '{' && strncmp(scalar + 1, name, length) == 0 &&
	       strcmp(scalar + 1 + length, "}") == 0;
}

static bool is_value_alone(const char *scalar, const struct verb_row *verb)
{
	return is_name_alone(scalar, verb->parameter) ||
	       (verb->is_ratio && is_name_alone(scalar, "percent"));
}

static void add_string(struct text *out, const char *string)
{
	struct json_writer writer;
	json_writer_init(&writer, out);
	json_string(&writer, string);
}

static void add_scalar(struct text *out, const struct yaml_node *node, const struct verb_row *verb)
{
	double number = 0;
	char digits[NUMBER_TEXT_BYTES];
	const char *scalar = node->scalar;
	bool plain = !node->quoted;
	bool is_word = plain && (strcmp(scalar, "true") == 0 || strcmp(scalar, "false") == 0 ||
					strcmp(scalar, "null") == 0);
	if (is_word || is_value_alone(scalar, verb)) {
		text_add(out, scalar);
	} else if (plain && number_parse(scalar, strlen(scalar), &number) && number - number == 0) {
		number_write(number, digits);
		text_add(out, digits);
	} else {
		add_string(out, scalar);
	}
}

static void add_json(struct text *out, const struct yaml_node *node, const struct verb_row *verb)
{
	if (node->kind == YAML_SCALAR) {
		add_scalar(out, node, verb);
		return;
	}
	bool is_mapping = node->kind == YAML_MAPPING;
	text_add_char(out, is_mapping ? '{' : '[');
	for (const struct yaml_node *child = node->first; child; child = child->next) {
		if (child != node->first)
			text_add_char(out, ',');
		if (is_mapping) {
			add_string(out, child->key);
			text_add_char(out, ':');
		}
		add_json(out, child, verb);
	}
	text_add_char(out, is_mapping ? '}' : ']');
}

static const char *json_template(struct reader *reader, const struct yaml_node *node,
	const char *path, const struct verb_row *verb)
{
	struct text text;
	const char *made = "";
	char name[KEY_NAME_BYTES];
	snprintf(name, sizeof(name), "%s.json", path);
	if (node->kind != YAML_MAPPING) {
		action_complain(
			reader, node, name, "expected a mapping such as {weight: \"{weight}\"}");
		return made;
	}
	text_init(&text, BODY_BYTES);
	add_json(&text, node, verb);
	if (text_ok(&text))
		made = action_keep(reader, node, arena_strdup(reader->arena, text_string(&text)));
	else
		action_complain(reader, node, name, "the body is too long");
	text_finish(&text);
	return made;
}

/* ---- headers ---- */

static const char *bad_header(const struct yaml_node *node)
{
	static const char *const own[] = {"Authorization", "Content-Type", "Content-Length", "Host",
		"Transfer-Encoding", "Connection", "Cookie"};
	const char *name = node->key;
	if (node->kind != YAML_SCALAR || !name[0] || strlen(name) >= HEADER_NAME_BYTES)
		return "expected a header's name and its value";
	for (const char *at = name; *at; at++) {
		if (!isalnum((unsigned char)*at) && *at != '-')
			return "a header's name is letters, digits and dashes";
	}
	for (const char *at = node->scalar; *at; at++) {
		if (*at < ' ' || *at > '~')
			return "a header's value is printable ASCII";
	}
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (strcasecmp(name, own[i]) == 0)
			return "that header is set by the program itself; secrets come from files";
	}
	return NULL;
}

static void read_headers(struct reader *reader, const struct yaml_node *node, const char *path,
	const struct verb_row *verb, struct http_binding *out)
{
	char name[KEY_NAME_BYTES];
	snprintf(name, sizeof(name), "%s.headers", path);
	if (node->kind != YAML_MAPPING || node->count > ACTION_HEADERS_MOST) {
		action_complain(reader, node, name,
			"expected a mapping of at most 4 headers, such as {If-Match: \"*\"}");
		return;
	}
	for (const struct yaml_node *child = node->first; child; child = child->next) {
		const char *why = bad_header(child);
		if (why) {
			action_complain(reader, child, name, why);
			continue;
		}
		action_check_template(reader, node, name, child->key, child->scalar, verb);
		out->headers[out->header_count++] =
			(struct action_header){child->key, child->scalar};
	}
}

/* ---- read, keep ---- */

static void check_url(
	struct reader *reader, const struct yaml_node *node, const char *path, const char *url)
{
	char name[KEY_NAME_BYTES];
	snprintf(name, sizeof(name), "%s.url", path);
	const char *host = strncmp(url, "http://", 7) == 0    ? url + 7
			   : strncmp(url, "https://", 8) == 0 ? url + 8
							      : NULL;
	if (!host || !host[0])
		action_complain(
			reader, node, name, "expected a URL that begins http:// or https://");
	else if (memchr(host, '@', strcspn(host, "/?#")))
		action_complain(reader, node, name,
			"a URL is shown on screens: put user and password into basic_file");
}

static void check_pointer(struct reader *reader, const struct yaml_node *node, const char *path,
	const char *key, const char *pointer)
{
	char name[KEY_NAME_BYTES];
	if (!pointer || pointer[0] == '/')
		return;
	snprintf(name, sizeof(name), "%s.%s", path, key);
	action_complain(reader, node, name, "expected a pointer into JSON, such as /spec/replicas");
}

static bool mentions_revision(const struct http_binding *binding)
{
	bool found = template_mentions(binding->url, "revision") ||
		     template_mentions(binding->json, "revision");
	for (size_t i = 0; i < binding->header_count; i++)
		found = found || template_mentions(binding->headers[i].value, "revision");
	return found;
}

static void read_read(struct reader *reader, const struct yaml_node *node, const char *path,
	const struct verb_row *verb, struct http_binding *binding)
{
	char name[KEY_NAME_BYTES];
	struct http_binding own = {.read_url = NULL};
	snprintf(name, sizeof(name), "%s.read", path);
	if (!fields_read(read_rows, COUNT(read_rows), node, name, &own, reader->arena,
		    reader->complaints)) {
		reader->ok = false;
		return;
	}
	binding->read_url = own.read_url ? own.read_url : binding->url;
	binding->read_value = own.read_value;
	binding->read_revision = own.read_revision;
	check_url(reader, node, name, binding->read_url);
	action_check_template(reader, node, name, "url", binding->read_url, verb);
	check_pointer(reader, node, name, "value", own.read_value);
	if (own.read_revision && strcmp(own.read_revision, "etag") != 0)
		check_pointer(reader, node, name, "revision", own.read_revision);
	if (!own.read_value && !own.read_revision)
		action_complain(reader, node, name, "needs value or revision: what to look at");
	if (own.read_revision && !mentions_revision(binding))
		action_complain(reader, node, name,
			"nothing of the request holds {revision}: put it into the body or a "
			"header");
}

static void check_type(
	struct reader *reader, const struct yaml_node *node, const char *path, const char *type)
{
	if (type && (!strchr(type, '/') ||
			    type[strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789/+.-; =")]))
		action_complain(
			reader, node, path, "content_type is such as application/merge-patch+json");
}

/* ---- the whole ---- */

void action_read_http(struct reader *reader, const struct yaml_node *node, const char *path,
	struct action_config *out)
{
	struct http_fields fields = {.method = 0};
	if (!fields_read(http_rows, COUNT(http_rows), node, path, &fields, reader->arena,
		    reader->complaints)) {
		reader->ok = false;
		return;
	}
	struct http_binding *binding = &fields.binding;
	binding->method = http_methods[fields.method];
	check_url(reader, node, path, binding->url);
	action_check_template(reader, node, path, "url", binding->url, out->info.verb);
	binding->json = fields.json ? json_template(reader, fields.json, path, out->info.verb) : "";
	if (fields.form && fields.json)
		action_complain(reader, node, path, "has both json and form: choose one");
	else if (fields.form)
		binding->json = form_template(reader, fields.form, path);
	binding->is_form = fields.form != NULL;
	if (fields.headers)
		read_headers(reader, fields.headers, path, out->info.verb, binding);
	action_check_template(
		reader, node, path, fields.form ? "form" : "json", binding->json, out->info.verb);
	if (fields.read)
		read_read(reader, fields.read, path, out->info.verb, binding);
	check_type(reader, node, path, binding->content_type);
	check_pointer(reader, node, path, "keep", binding->keep);
	action_resolve(reader, node, &binding->bearer_file);
	action_resolve(reader, node, &binding->basic_file);
	action_resolve(reader, node, &binding->ca_file);
	action_resolve(reader, node, &binding->client_cert_file);
	action_resolve(reader, node, &binding->client_key_file);
	if (!!binding->bearer_file + !!binding->bearer_env + !!binding->basic_file +
			!!binding->basic_env >
		1)
		action_complain(reader, node, path,
			"has more than one of bearer_file, bearer_env, basic_file and basic_env: "
			"choose one");
	if (!out->info.verb->is_fixed && !template_mentions_value(binding->url, out->info.verb) &&
		!template_mentions_value(binding->json, out->info.verb))
		action_complain(reader, node, path, "neither url nor body holds the new value");
	out->http = *binding;
	out->road = ACTION_BY_HTTP;
	out->info.transport = "http";
}

static void write_inner(void *context, const struct field *row, struct json_writer *writer)
{
	(void)context;
	if (strcmp(row->key, "read") == 0) {
		fields_schema_write(read_rows, COUNT(read_rows), NULL, NULL, writer);
		return;
	}
	json_begin_object(writer);
	json_end_object(writer);
}

void action_schema_http(struct json_writer *writer)
{
	fields_schema_write(http_rows, COUNT(http_rows), write_inner, NULL, writer);
}
