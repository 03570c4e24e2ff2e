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

static const char *const verb_names[] = {"cluster.divert", "cluster.restore", "pool.resize",
	"replica.drain", "replica.return", NULL};

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

void action_resolve(struct reader *reader, const struct yaml_node *node, const char **name)
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

/* ---- one action ---- */

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
		action_read_http(reader, fields.http, inner, out);
	else
		action_read_ssh(reader, fields.ssh, inner, out);
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
	journal_config_read(&reader, journal, state_directory, &read);
	*out = read;
	return reader.ok;
}

/* How the system is reached has keys of its own. */
static void write_binding_schema(void *context, const struct field *row, struct json_writer *writer)
{
	(void)context;
	if (strcmp(row->key, "http") == 0)
		action_schema_http(writer);
	else
		action_schema_ssh(writer);
}

void action_configs_schema_action(struct text *out)
{
	struct json_writer writer;
	json_writer_init(&writer, out);
	fields_schema_write(action_rows, COUNT(action_rows), write_binding_schema, NULL, &writer);
}
