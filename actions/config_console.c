/* config_console.c - the `socket:` and `sql:` sections of an action: systems that are spoken to. */
#include "actions/config_reader.h"

#include <stdio.h>
#include <string.h>

#include "actions/template.h"
#include "core/base/fields.h"
#include "core/base/yaml.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct field socket_rows[] = {
	{.key = "address",
		.type = FIELD_STRING,
		.offset = offsetof(struct socket_binding, address),
		.required = true,
		.help = "tcp://host:port or unix:///path; a template"},
	{.key = "send",
		.type = FIELD_STRING,
		.offset = offsetof(struct socket_binding, send),
		.required = true,
		.help = "the line to say; a template"},
	{.key = "quiet",
		.type = FIELD_BOOL,
		.offset = offsetof(struct socket_binding, is_quiet),
		.fallback = "false",
		.help = "success answers nothing: whatever is answered is a refusal"},
	{.key = "timeout",
		.type = FIELD_DURATION,
		.offset = offsetof(struct socket_binding, timeout_ms),
		.min = 100,
		.max = 600000,
		.fallback = "5s",
		.help = "how long to wait for the answer"},
};

#define SQL_STRING(name, must, text)                                                              \
	{                                                                                         \
		.key = #name, .type = FIELD_STRING, .offset = offsetof(struct sql_binding, name), \
		.required = (must), .help = (text)                                                \
	}

static const struct field sql_rows[] = {
	SQL_STRING(url, true, "postgresql://user@host:port/database; a template"),
	SQL_STRING(
		statement, true, "one statement, or a command of PgBouncer's console; a template"),
	SQL_STRING(password_file, false, "file with the password, read when it is needed"),
	SQL_STRING(ca_file, false, "certificate authorities: with it TLS is required and verified"),
	SQL_STRING(client_cert_file, false, "certificate to present"),
	SQL_STRING(client_key_file, false, "its key"),
	{.key = "timeout",
		.type = FIELD_DURATION,
		.offset = offsetof(struct sql_binding, timeout_ms),
		.min = 100,
		.max = 600000,
		.fallback = "10s",
		.help = "how long to wait for the answer"},
};

static bool begins(const char *string, const char *prefix)
{
	return strncmp(string, prefix, strlen(prefix)) == 0;
}

void action_read_socket(struct reader *reader, const struct yaml_node *node, const char *path,
	struct action_config *out)
{
	struct socket_binding binding = {.address = NULL};
	const struct verb_row *verb = out->info.verb;
	if (!fields_read(socket_rows, COUNT(socket_rows), node, path, &binding, reader->arena,
		    reader->complaints)) {
		reader->ok = false;
		return;
	}
	if (!begins(binding.address, "tcp://") && !begins(binding.address, "unix:///"))
		action_complain(reader, node, path, "address begins with tcp:// or with unix:///");
	/* One line is one command: a second must not hide behind it. */
	if (strpbrk(binding.send, "\n\r"))
		action_complain(reader, node, path, "'send' is one line");
	action_check_template(reader, node, path, "address", binding.address, verb);
	action_check_template(reader, node, path, "send", binding.send, verb);
	if (!verb->is_fixed && !template_mentions_value(binding.send, verb))
		action_complain(reader, node, path, "'send' does not hold the new value");
	out->socket = binding;
	out->road = ACTION_BY_SOCKET;
	out->info.transport = "socket";
}

void action_read_sql(struct reader *reader, const struct yaml_node *node, const char *path,
	struct action_config *out)
{
	struct sql_binding binding = {.url = NULL};
	const struct verb_row *verb = out->info.verb;
	if (!fields_read(sql_rows, COUNT(sql_rows), node, path, &binding, reader->arena,
		    reader->complaints)) {
		reader->ok = false;
		return;
	}
	const char *host = strstr(binding.url, "://");
	const char *at_sign = host ? strchr(host, '@') : NULL;
	if (!begins(binding.url, "postgresql://") && !begins(binding.url, "postgres://"))
		action_complain(reader, node, path, "url begins with postgresql://");
	else if (strstr(binding.url, "password=") ||
		 (at_sign && memchr(host + 3, ':', (size_t)(at_sign - host) - 3)))
		action_complain(reader, node, path,
			"a url is shown on screens: put the password into password_file");
	action_check_template(reader, node, path, "url", binding.url, verb);
	action_check_template(reader, node, path, "statement", binding.statement, verb);
	if (!verb->is_fixed && !template_mentions_value(binding.statement, verb))
		action_complain(reader, node, path, "statement does not hold the new value");
	action_resolve(reader, node, &binding.password_file);
	action_resolve(reader, node, &binding.ca_file);
	action_resolve(reader, node, &binding.client_cert_file);
	action_resolve(reader, node, &binding.client_key_file);
	out->sql = binding;
	out->road = ACTION_BY_SQL;
	out->info.transport = "sql";
}

void action_schema_socket(struct json_writer *writer)
{
	fields_schema_write(socket_rows, COUNT(socket_rows), NULL, NULL, writer);
}

void action_schema_sql(struct json_writer *writer)
{
	fields_schema_write(sql_rows, COUNT(sql_rows), NULL, NULL, writer);
}
