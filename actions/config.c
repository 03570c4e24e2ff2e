#include "actions/config.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/config_reader.h"
#include "actions/expiry.h"
#include "actions/template.h"
#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/fields.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"
#include "core/base/yaml.h"

/* As in the table of verbs, which a test holds against it. */
static const char *const verb_names[] = {"cluster.divert", "cluster.restore", "replica.drain",
	"replica.return", "pool.resize", "pool.pause", "pool.resume", "maxconn.set", "role.limit",
	"retry.limit", "service.scale", "silence", "silence.end", VERB_CUSTOM, NULL};
static const char *const class_names[] = {"relieve", "shift", "grow", "disrupt", NULL};
static const char *const target_names[] = {"cluster", "replica", "service", "surface", NULL};
static const enum entity_kind target_kinds[] = {
	ENTITY_CLUSTER, ENTITY_REPLICA, ENTITY_SERVICE, ENTITY_SURFACE};
static const char *const effect_names[] = {"unknown", "none", NULL};
/* In the order of enum expiry_policy. */
static const char *const expiry_names[] = {"revert", "revert_if_healthy", "hold_and_page", NULL};

struct action_fields {
	int verb, class, target, effect, on_expiry;
	const struct yaml_node *roads[ACTION_ROADS];
	const char *undo, *reads;
};

#define ROAD(road, name, text)                                                           \
	{                                                                                \
		.key = (name), .type = FIELD_NODE,                                       \
		.offset = offsetof(struct action_fields, roads[(road)]), .help = (text), \
	}

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
			"return; of a custom action, one that sets the same signal, itself if it "
			"can"},
	{.key = "class",
		.type = FIELD_CHOICE,
		.offset = offsetof(struct action_fields, class),
		.choices = class_names,
		.help = "of a custom action: what guards take it for"},
	{.key = "target",
		.type = FIELD_CHOICE,
		.offset = offsetof(struct action_fields, target),
		.choices = target_names,
		.help = "of a custom action: what it acts on"},
	{.key = "reads",
		.type = FIELD_STRING,
		.offset = offsetof(struct action_fields, reads),
		.help = "of a custom action: the signal that shows its value"},
	{.key = "effect",
		.type = FIELD_CHOICE,
		.offset = offsetof(struct action_fields, effect),
		.choices = effect_names,
		.help = "of a custom action: 'none' where it touches neither pools nor traffic"},
	{.key = "on_expiry",
		.type = FIELD_CHOICE,
		.offset = offsetof(struct action_fields, on_expiry),
		.choices = expiry_names,
		.help = "what becomes of the hold at its end: taken back once its guards pass; "
			"only "
			"if what it goes back to is healthy, else put off by 10m, 3 times at most, "
			"and then a person's; or a person's at once. Default: revert_if_healthy, "
			"but revert of a pause, of what touches no pools, and with ssh.revert"},
	ROAD(ACTION_BY_HTTP, "http", "do it by an HTTP request"),
	ROAD(ACTION_BY_SSH, "ssh", "do it by a command over SSH"),
	ROAD(ACTION_BY_SOCKET, "socket", "do it by a line said to a control socket"),
	ROAD(ACTION_BY_SQL, "sql", "do it by a statement in PostgreSQL or PgBouncer's console"),
};

/* The readers of those sections. */
static const struct road {
	const char *key;
	void (*read)(struct reader *reader, const struct yaml_node *node, const char *path,
		struct action_config *out);
	void (*schema)(struct json_writer *writer);
} roads[ACTION_ROADS] = {
	[ACTION_BY_SSH] = {"ssh", action_read_ssh, action_schema_ssh},
	[ACTION_BY_HTTP] = {"http", action_read_http, action_schema_http},
	[ACTION_BY_SOCKET] = {"socket", action_read_socket, action_schema_socket},
	[ACTION_BY_SQL] = {"sql", action_read_sql, action_schema_sql},
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
	if (!source || template_check(source, verb, why, sizeof(why)))
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

/* A custom action's row is made of what the fleet file says. */
static const struct verb_row *custom_verb(struct reader *reader, const struct yaml_node *node,
	const char *path, const struct action_fields *fields)
{
	enum signal reads = SIGNAL_COUNT;
	struct verb_row *verb = arena_alloc(reader->arena, sizeof(*verb));
	if (!verb) {
		action_keep(reader, node, NULL);
		return NULL;
	}
	*verb = *verb_find(VERB_CUSTOM);
	if (fields->class < 0 || fields->target < 0 || !fields->reads) {
		action_complain(reader, node, path,
			"a custom action says its class, target and the signal it reads");
		return NULL;
	}
	verb->class = (enum action_class)fields->class;
	verb->target = target_kinds[fields->target];
	verb->move = fields->effect == 1 ? MOVE_NOTHING : MOVE_UNKNOWN;
	if (!signal_find(fields->reads, &reads) || signal_row(reads)->derived ||
		!(signal_row(reads)->entities & 1u << verb->target)) {
		complaints_add(reader->complaints, node->file, node->line, path,
			"'%s' is no signal that is measured on a %s", fields->reads,
			target_names[fields->target]);
		reader->ok = false;
		return NULL;
	}
	verb->reads = reads;
	verb->least = fmax(signal_row(reads)->min, 0);
	return verb;
}

static const struct verb_row *read_verb(struct reader *reader, const struct yaml_node *node,
	const char *path, const struct action_fields *fields)
{
	const struct verb_row *verb = verb_find(verb_names[fields->verb]);
	if (strcmp(verb->name, VERB_CUSTOM) == 0)
		return custom_verb(reader, node, path, fields);
	if (fields->class >= 0 || fields->target >= 0 || fields->reads || fields->effect >= 0)
		action_complain(reader, node, path,
			"class, target, reads and effect are the verb's own: only a custom action "
			"says them");
	return verb;
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
	out->info.verb = read_verb(reader, node, path, &fields);
	out->info.transport = "";
	snprintf(out->info.name, sizeof(out->info.name), "%s", node->key);
	size_t count = 0;
	size_t chosen = 0;
	for (size_t i = 0; i < ACTION_ROADS; i++) {
		if (fields.roads[i]) {
			count++;
			chosen = i;
		}
	}
	if (count != 1) {
		action_complain(reader, node, path,
			"needs one of http, ssh, socket and sql: how to reach the system");
		return;
	}
	snprintf(inner, sizeof(inner), "%s.%s", path, roads[chosen].key);
	if (!out->info.verb)
		return;
	roads[chosen].read(reader, fields.roads[chosen], inner, out);
	bool is_planted = out->ssh.plant != PLANT_NONE;
	out->on_expiry = fields.on_expiry >= 0 ? (enum expiry_policy)fields.on_expiry
					       : expiry_default(out->info.verb, is_planted);
	if (is_planted && out->on_expiry != EXPIRY_REVERT)
		action_complain(reader, node, path,
			"on_expiry: the timer of ssh.revert takes it back whatever is healthy: "
			"leave one of them out");
}

static bool takes_back(const struct verb_row *undo, const struct verb_row *verb)
{
	if (!undo)
		return false;
	if (strcmp(verb->name, VERB_CUSTOM) == 0)
		return strcmp(undo->name, VERB_CUSTOM) == 0 && undo->reads == verb->reads &&
		       undo->target == verb->target;
	return verb->pair && strcmp(undo->name, verb->pair) == 0;
}

/* What an action names as its undo must be there, and be of the verb that takes it back. */
static void check_undo(struct reader *reader, const struct yaml_node *node,
	const struct action_configs *configs, struct action_config *action)
{
	char path[KEY_PATH_BYTES];
	const struct action_config *found = NULL;
	if (!action->info.verb || !action->undo)
		return;
	snprintf(path, sizeof(path), "actions.%.100s.undo", node->key);
	for (size_t i = 0; i < configs->count; i++) {
		if (strcmp(configs->rows[i].info.name, action->undo) == 0)
			found = &configs->rows[i];
	}
	if (!found)
		action_complain(reader, node, path, "there is no action of that name");
	else if (!takes_back(found->info.verb, action->info.verb))
		action_complain(reader, node, path, "that action does not take this one back");
	action->undo_action = found;
}

int64_t action_timeout_ms(const struct action_config *action)
{
	const int64_t spans[ACTION_ROADS] = {
		[ACTION_BY_SSH] = action->ssh.timeout_ms,
		[ACTION_BY_HTTP] = action->http.timeout_ms,
		[ACTION_BY_SOCKET] = action->socket.timeout_ms,
		[ACTION_BY_SQL] = action->sql.timeout_ms,
	};
	return spans[action->road];
}

const struct action_config *action_undo(const struct action_config *action)
{
	const struct verb_row *verb = action->info.verb;
	if (action->undo_action || verb->is_fixed || strcmp(verb->name, VERB_CUSTOM) == 0)
		return action->undo_action;
	return action;
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
	for (size_t i = 0; i < ACTION_ROADS; i++) {
		if (strcmp(row->key, roads[i].key) == 0)
			roads[i].schema(writer);
	}
}

void action_configs_schema_action(struct text *out)
{
	struct json_writer writer;
	json_writer_init(&writer, out);
	fields_schema_write(action_rows, COUNT(action_rows), write_binding_schema, NULL, &writer);
}
