#include "app/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/fleet_section.h"
#include "app/pack.h"
#include "app/path.h"
#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/fields.h"
#include "core/base/text.h"
#include "core/base/yaml.h"
#include "core/fleet/entity.h"

#define CONFIG_ARENA_BYTES (64u * 1024 * 1024)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct top {
	int64_t version;
	const char *environment;
	const struct yaml_node *use, *sources, *signals, *fleet, *actions, *guards, *journal;
	const struct yaml_node *coordination;
};

static const struct field top_fields[] = {
	{.key = "version",
		.type = FIELD_INTEGER,
		.required = true,
		.min = 1,
		.max = 1,
		.offset = offsetof(struct top, version),
		.help = "of this format: 1"},
	{.key = "environment",
		.type = FIELD_STRING,
		.offset = offsetof(struct top, environment),
		.help = "shown as a banner; prod demands stronger confirmation"},
	{.key = "use",
		.type = FIELD_NODE,
		.offset = offsetof(struct top, use),
		.help = "packs of ready signal rows, by name"},
	{.key = "sources",
		.type = FIELD_NODE,
		.offset = offsetof(struct top, sources),
		.help = "configured backends by name"},
	{.key = "signals",
		.type = FIELD_NODE,
		.offset = offsetof(struct top, signals),
		.help = "where each signal comes from"},
	{.key = "fleet",
		.type = FIELD_NODE,
		.offset = offsetof(struct top, fleet),
		.help = "what labels cannot tell"},
	{.key = "actions",
		.type = FIELD_NODE,
		.offset = offsetof(struct top, actions),
		.help = "verbs bound to a transport"},
	{.key = "guards",
		.type = FIELD_NODE,
		.offset = offsetof(struct top, guards),
		.help = "limits that every plan must keep"},
	{.key = "journal",
		.type = FIELD_NODE,
		.offset = offsetof(struct top, journal),
		.help = "where intents and outcomes are recorded"},
	{.key = "coordination",
		.type = FIELD_NODE,
		.offset = offsetof(struct top, coordination),
		.help = "how operators keep out of each other's way"},
};

bool config_find(const char *given, char *out, size_t size, struct error *error)
{
	if (!given)
		given = getenv("SPILLWAY_CONFIG");
	if (given && given[0]) {
		snprintf(out, size, "%s", given);
		return true;
	}
	char directory[PATH_BYTES];
	char user[PATH_BYTES + 16] = "";
	if (path_config_directory(directory, sizeof directory, NULL))
		snprintf(user, sizeof user, "%s/spillway.yaml", directory);
	const char *const places[] = {"spillway.yaml", user, "/etc/spillway/spillway.yaml"};
	for (size_t i = 0; i < COUNT(places); i++) {
		if (places[i][0] && access(places[i], F_OK) == 0) {
			snprintf(out, size, "%s", places[i]);
			return true;
		}
	}
	return error_set(error, ERROR_IO,
		"there is no fleet file: looked for ./spillway.yaml, %s and "
		"/etc/spillway/spillway.yaml; "
		"name one with -c FILE, or try 'spillway demo'",
		user[0] ? user : "(no HOME)");
}

/* The rows of a `signals:` section, as sources_read() numbers them. */
static size_t config_count_rows(const struct yaml_node *signals)
{
	size_t count = 0;
	const struct yaml_node *node = signals ? signals->first : NULL;
	for (; node; node = node->next)
		count += node->kind == YAML_SEQUENCE ? node->count : 1;
	return count;
}

static bool config_fill(struct config *config, struct complaints *complaints)
{
	config->root = yaml_read(config->arena, config->path, complaints);
	if (!config->root)
		return false;
	struct error error = {0};
	char directory[PATH_BYTES];
	if (!path_directory_of(config->path, directory, sizeof directory, &error)) {
		complaints_add(complaints, config->path, 0, NULL, "%s", error.text);
		return false;
	}
	config->directory = arena_strdup(config->arena, directory);
	struct top top;
	bool ok = fields_read(
		top_fields, COUNT(top_fields), config->root, "", &top, config->arena, complaints);
	config->environment = top.environment ? top.environment : "";
	config->fleet = top.fleet;
	config->actions = top.actions;
	config->guards = top.guards;
	config->journal = top.journal;
	config->coordination = top.coordination;
	const struct yaml_node *signals = top.signals;
	ok = pack_merge(top.use, top.sources, top.signals, config->arena, &signals, complaints) &&
	     ok;
	ok = sources_read(top.sources, signals, config->directory, config->arena, &config->sources,
		     complaints) &&
	     ok;
	config->own_map_count = config_count_rows(top.signals);
	struct fleet *scratch = fleet_create();
	if (!scratch || !config->directory) {
		complaints_add(complaints, config->path, 0, NULL, "no memory to read it");
		ok = false;
	} else {
		ok = config_declare(config, scratch, complaints) && ok;
	}
	fleet_destroy(scratch);
	return ok;
}

struct config *config_read(const char *path, struct complaints *complaints)
{
	struct config *config = calloc(1, sizeof *config);
	struct arena *arena = arena_create(CONFIG_ARENA_BYTES);
	if (!config || !arena) {
		complaints_add(complaints, path, 0, NULL, "no memory to read it");
		free(config);
		arena_destroy(arena);
		return NULL;
	}
	config->arena = arena;
	config->path = arena_strdup(arena, path);
	if (!config->path || !config_fill(config, complaints)) {
		config_destroy(config);
		return NULL;
	}
	return config;
}

void config_destroy(struct config *config)
{
	if (!config)
		return;
	arena_destroy(config->arena);
	free(config);
}

bool config_declare(const struct config *config, struct fleet *fleet, struct complaints *complaints)
{
	return fleet_section_read(config->fleet, config->arena, fleet, complaints);
}

/* A property whose value is a mapping of free names to one schema, or to a list of it. */
static void schema_open(struct text *out, const char *name)
{
	text_printf(out, "\"%s\":{\"type\":\"object\",\"additionalProperties\":", name);
}

void config_schema_members(struct text *out)
{
	text_add(out, "\"version\":{\"const\":1},\"environment\":{\"type\":\"string\"},");
	text_add(out, "\"use\":{\"anyOf\":[{\"type\":\"string\"},"
		      "{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
		      "{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":["
		      "{\"type\":\"string\"},"
		      "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}]}}]},");
	schema_open(out, "sources");
	sources_schema_source(out);
	text_add(out, "},");
	schema_open(out, "signals");
	text_add(out, "{\"anyOf\":[");
	sources_schema_signal(out);
	text_add(out, ",{\"type\":\"array\",\"items\":");
	sources_schema_signal(out);
	text_add(out, "}]}},\"fleet\":");
	fleet_section_schema(out);
}
