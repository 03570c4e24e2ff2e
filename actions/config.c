#include "actions/config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/config_reader.h"
#include "actions/template.h"
#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/fields.h"
#include "core/base/json_writer.h"
#include "core/base/number.h"
#include "core/base/text.h"
#include "core/base/yaml.h"

#define JSON_TEMPLATE_BYTES 4096

static const char *const verb_names[] = {"cluster.divert", "cluster.restore", "pool.resize",
	"replica.drain", "replica.return", NULL};
static const char *const http_methods[] = {"POST", "PUT", "PATCH", "DELETE", NULL};

struct action_fields {
	int verb;
	const struct yaml_node *http, *ssh;
	const char *undo;
};

static const struct field action_rows[] = {
	{.key = "verb",
		.type = FIELD_CHOICE,
		.offset = offsetof(struct action_fields, verb),
		.required = true,
		.choices = verb_names,
		.help = "what the action does"},
	{.key = "undo",
		.type = FIELD_STRING,
		.offset = offsetof(struct action_fields, undo),
		.help = "the action that takes it back, where its verb cannot: of a drain, a "
			"return"},
	{.key = "http",
		.type = FIELD_NODE,
		.offset = offsetof(struct action_fields, http),
		.help = "do it by an HTTP request: method, url, json, bearer_file, timeout"},
	{.key = "ssh",
		.type = FIELD_NODE,
		.offset = offsetof(struct action_fields, ssh),
		.help = "do it by a command over SSH: host, user, command, identity_file, timeout"},
};

struct http_fields {
	int method;
	struct http_binding binding;
	const struct yaml_node *json, *form, *headers;
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
	HTTP_STRING(bearer_file, "file with a bearer token, read when it is needed"),
	HTTP_STRING(basic_file, "file with user:password, read when it is needed"),
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

#define SSH_STRING(name, must, text)                                                              \
	{                                                                                         \
		.key = #name, .type = FIELD_STRING, .offset = offsetof(struct ssh_binding, name), \
		.required = (must), .help = (text)                                                \
	}

static const struct field ssh_rows[] = {
	SSH_STRING(host, true, "where to run it; a template"),
	{.key = "port",
		.type = FIELD_INTEGER,
		.offset = offsetof(struct ssh_binding, port),
		.min = 1,
		.max = 65535,
		.fallback = "22",
		.help = "the server's port"},
	SSH_STRING(user, true, "who to log in as; a template"),
	SSH_STRING(identity_file, false, "private key (ed25519 or ECDSA); without it the agent's"),
	SSH_STRING(known_hosts_file, false, "host keys to trust; default ~/.ssh/known_hosts"),
	SSH_STRING(command, true, "what to run, as the remote shell sees it; a template"),
	{.key = "timeout",
		.type = FIELD_DURATION,
		.offset = offsetof(struct ssh_binding, timeout_ms),
		.min = 100,
		.max = 600000,
		.fallback = "30s",
		.help = "how long the command may run"},
};

struct journal_fields {
	const char *file;
};

static const struct field journal_rows[] = {
	{.key = "file",
		.type = FIELD_STRING,
		.offset = offsetof(struct journal_fields, file),
		.help = "where the journal is kept"},
};

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

void action_complain(
	struct reader *reader, const struct yaml_node *node, const char *key, const char *text)
{
	complaints_add(reader->complaints, node->file, node->line, key, "%s", text);
	reader->ok = false;
}

const char *action_keep(struct reader *reader, const struct yaml_node *node, const char *string)
{
	if (!string && node)
		action_complain(reader, node, NULL, "no memory left for this file");
	return string ? string : "";
}

/* A file name, made absolute by the fleet file's directory. */
static void resolve(struct reader *reader, const struct yaml_node *node, const char **name)
{
	if (!*name || (*name)[0] == '/')
		return;
	const char *home = getenv("HOME");
	if (strncmp(*name, "~/", 2) == 0 && home)
		*name = action_keep(
			reader, node, arena_printf(reader->arena, "%s/%s", home, *name + 2));
	else
		*name = action_keep(reader, node,
			arena_printf(reader->arena, "%s/%s", reader->directory, *name));
}

void action_check_template(struct reader *reader, const struct yaml_node *node, const char *path,
	const char *key, const char *source, const struct verb_row *verb)
{
	char name[KEY_NAME_BYTES];
	char why[ACTION_TEXT_BYTES];
	if (!source || template_check(source, verb->parameter, why, sizeof(why)))
		return;
	const struct yaml_node *at = yaml_get(node, key);
	snprintf(name, sizeof(name), "%s.%s", path, key);
	action_complain(reader, at ? at : node, name, why);
}

/* ---- json: a mapping that becomes the template of a body ---- */

static bool is_parameter_alone(const char *scalar, const struct verb_row *verb)
{
	size_t length = strlen(verb->parameter);
	return scalar[0] == '{' && strncmp(scalar + 1, verb->parameter, length) == 0 &&
	       strcmp(scalar + 1 + length, "}") == 0;
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
	if (is_parameter_alone(scalar, verb)) {
		text_add(out, scalar);
	} else if (plain && (strcmp(scalar, "true") == 0 || strcmp(scalar, "false") == 0 ||
				    strcmp(scalar, "null") == 0)) {
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
	text_init(&text, JSON_TEMPLATE_BYTES);
	add_json(&text, node, verb);
	if (text_ok(&text))
		made = action_keep(reader, node, arena_strdup(reader->arena, text_string(&text)));
	else
		action_complain(reader, node, name, "the body is too long");
	text_finish(&text);
	return made;
}

/* ---- one action ---- */

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

static void read_http(struct reader *reader, const struct yaml_node *node, const char *path,
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
		binding->json = http_form_template(reader, fields.form, path);
	binding->is_form = fields.form != NULL;
	if (fields.headers)
		http_headers_read(reader, fields.headers, path, out->info.verb, binding);
	action_check_template(
		reader, node, path, fields.form ? "form" : "json", binding->json, out->info.verb);
	resolve(reader, node, &binding->bearer_file);
	resolve(reader, node, &binding->basic_file);
	resolve(reader, node, &binding->ca_file);
	resolve(reader, node, &binding->client_cert_file);
	resolve(reader, node, &binding->client_key_file);
	if (binding->bearer_file && binding->basic_file)
		action_complain(
			reader, node, path, "has both bearer_file and basic_file: choose one");
	if (!out->info.verb->is_fixed &&
		!template_mentions(binding->url, out->info.verb->parameter) &&
		!template_mentions(binding->json, out->info.verb->parameter))
		action_complain(reader, node, path, "neither url nor body holds the new value");
	out->http = *binding;
	out->is_http = true;
	out->info.transport = "http";
}

static void read_ssh(struct reader *reader, const struct yaml_node *node, const char *path,
	struct action_config *out)
{
	struct ssh_binding binding = {.port = 0};
	if (!fields_read(ssh_rows, COUNT(ssh_rows), node, path, &binding, reader->arena,
		    reader->complaints)) {
		reader->ok = false;
		return;
	}
	action_check_template(reader, node, path, "host", binding.host, out->info.verb);
	action_check_template(reader, node, path, "user", binding.user, out->info.verb);
	action_check_template(reader, node, path, "command", binding.command, out->info.verb);
	if (!out->info.verb->is_fixed &&
		!template_mentions(binding.command, out->info.verb->parameter))
		action_complain(reader, node, path, "command does not hold the new value");
	if (!binding.known_hosts_file)
		binding.known_hosts_file = "~/.ssh/known_hosts";
	resolve(reader, node, &binding.identity_file);
	resolve(reader, node, &binding.known_hosts_file);
	out->ssh = binding;
	out->info.transport = "ssh";
}

static bool is_action_name(const char *name)
{
	if (!islower((unsigned char)name[0]) || strlen(name) >= ACTION_NAME_BYTES)
		return false;
	for (; *name; name++) {
		if (!islower((unsigned char)*name) && !isdigit((unsigned char)*name) &&
			*name != '-' && *name != '_')
			return false;
	}
	return true;
}

static void read_action(
	struct reader *reader, const struct yaml_node *node, struct action_config *out)
{
	char path[KEY_PATH_BYTES];
	char inner[KEY_PATH_BYTES + 8];
	struct action_fields fields = {.verb = -1};
	snprintf(path, sizeof(path), "actions.%.100s", node->key);
	if (!is_action_name(node->key))
		action_complain(reader, node, path,
			"an action's name is lower-case letters, digits and dashes, at most 47");
	if (!fields_read(action_rows, COUNT(action_rows), node, path, &fields, reader->arena,
		    reader->complaints) ||
		fields.verb < 0) {
		reader->ok = false;
		return;
	}
	out->line = node->line;
	out->undo = fields.undo;
	out->info.verb = verb_find(verb_names[fields.verb]);
	out->info.transport = "";
	snprintf(out->info.name, sizeof(out->info.name), "%s", node->key);
	if ((fields.http != NULL) == (fields.ssh != NULL)) {
		action_complain(
			reader, node, path, "needs one of http and ssh: how to reach the system");
		return;
	}
	snprintf(inner, sizeof(inner), "%s.%s", path, fields.http ? "http" : "ssh");
	if (fields.http)
		read_http(reader, fields.http, inner, out);
	else
		read_ssh(reader, fields.ssh, inner, out);
}

/* What an action names as its undo must be there, and be of the verb that takes it back. */
static void check_undo(struct reader *reader, const struct yaml_node *node,
	const struct action_configs *configs, const struct action_config *action)
{
	char path[KEY_PATH_BYTES];
	const struct verb_row *verb = action->info.verb;
	const struct action_config *found = NULL;
	if (!verb || !action->undo)
		return;
	snprintf(path, sizeof(path), "actions.%.100s.undo", node->key);
	for (size_t i = 0; i < configs->count; i++) {
		if (strcmp(configs->rows[i].info.name, action->undo) == 0)
			found = &configs->rows[i];
	}
	if (!found)
		action_complain(reader, node, path, "there is no action of that name");
	else if (!verb->pair || !found->info.verb ||
		 strcmp(found->info.verb->name, verb->pair) != 0)
		action_complain(reader, node, path, "that action does not take this one back");
}

static void read_actions(
	struct reader *reader, const struct yaml_node *actions, struct action_configs *out)
{
	if (!actions)
		return;
	if (actions->kind != YAML_MAPPING) {
		action_complain(
			reader, actions, "actions", "expected a mapping of names to actions");
		return;
	}
	if (actions->count > ACTIONS_MOST) {
		action_complain(reader, actions, "actions", "more than 64 actions");
		return;
	}
	out->rows = arena_array(reader->arena, actions->count, sizeof(*out->rows));
	if (actions->count > 0 && !out->rows) {
		action_complain(reader, actions, "actions", "no memory left for this file");
		return;
	}
	for (const struct yaml_node *node = actions->first; node; node = node->next)
		read_action(reader, node, &out->rows[out->count++]);
	size_t index = 0;
	for (const struct yaml_node *node = actions->first; node; node = node->next)
		check_undo(reader, node, out, &out->rows[index++]);
}

static const struct yaml_node empty_mapping = {.kind = YAML_MAPPING, .file = "", .line = 0};

static void read_journal(struct reader *reader, const struct yaml_node *journal,
	const char *state_directory, struct action_configs *out)
{
	struct journal_fields fields = {.file = NULL};
	if (journal && !fields_read(journal_rows, COUNT(journal_rows), journal, "journal", &fields,
			       reader->arena, reader->complaints))
		reader->ok = false;
	if (fields.file)
		resolve(reader, journal, &fields.file);
	else
		fields.file = action_keep(reader, &empty_mapping,
			arena_printf(reader->arena, "%s/journal.jsonl", state_directory));
	out->journal_file = fields.file;
}

bool action_configs_read(const struct yaml_node *actions, const struct yaml_node *guards,
	const struct yaml_node *journal, const char *directory, const char *state_directory,
	struct arena *arena, struct action_configs *out, struct complaints *complaints)
{
	struct reader reader = {
		.directory = directory, .arena = arena, .complaints = complaints, .ok = true};
	struct action_configs read = {.rows = NULL};
	read_actions(&reader, actions, &read);
	if (!guard_config_read(guards, arena, &read.guards, complaints))
		reader.ok = false;
	read_journal(&reader, journal, state_directory, &read);
	*out = read;
	return reader.ok;
}

/* How the system is reached has keys of its own. */
static void write_binding_schema(void *context, const struct field *row, struct json_writer *writer)
{
	(void)context;
	if (strcmp(row->key, "http") == 0)
		fields_schema_write(http_rows, COUNT(http_rows), NULL, NULL, writer);
	else
		fields_schema_write(ssh_rows, COUNT(ssh_rows), NULL, NULL, writer);
}

void action_configs_schema_action(struct text *out)
{
	struct json_writer writer;
	json_writer_init(&writer, out);
	fields_schema_write(action_rows, COUNT(action_rows), write_binding_schema, NULL, &writer);
}
