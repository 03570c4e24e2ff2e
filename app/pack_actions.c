#include "app/pack_actions.h"

#include <string.h>

#include "app/pack_file.h"
#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/yaml.h"

static const char *const roads[] = {"http", "ssh", "socket", "sql"};
#define ROADS (sizeof roads / sizeof roads[0])

/* A mapping or list being made. */
struct growing {
	struct yaml_node *node, *last;
};

struct merge {
	struct arena *arena;
	struct complaints *complaints;
	struct growing all;
	bool good;
};

static void complain(struct merge *merge, const struct yaml_node *node, const char *what)
{
	complaints_add(merge->complaints, node->file, node->line, "actions", "%s", what);
	merge->good = false;
}

static struct yaml_node *copy_of(struct merge *merge, const struct yaml_node *node)
{
	struct yaml_node *copy = arena_alloc(merge->arena, sizeof *copy);
	if (!copy) {
		complain(merge, node, "no memory for the actions of packs");
		return NULL;
	}
	*copy = *node;
	copy->next = NULL;
	return copy;
}

/* A mapping like `node`, but empty. */
static struct growing grow(struct merge *merge, const struct yaml_node *node)
{
	struct growing growing = {.node = copy_of(merge, node)};
	if (growing.node) {
		growing.node->kind = YAML_MAPPING;
		growing.node->scalar = NULL;
		growing.node->first = NULL;
		growing.node->count = 0;
	}
	return growing;
}

static void append(struct merge *merge, struct growing *into, struct yaml_node *node)
{
	if (!into->node || !node) {
		merge->good = false;
		return;
	}
	if (into->last)
		into->last->next = node;
	else
		into->node->first = node;
	into->last = node;
	into->node->count++;
}

/* `like` with another text. */
static struct yaml_node *scalar(struct merge *merge, const struct yaml_node *like, const char *key,
	const char *before, const char *after)
{
	struct yaml_node *node = copy_of(merge, like);
	if (!node)
		return NULL;
	node->key = key;
	node->scalar = arena_printf(merge->arena, "%s%s", before, after);
	if (node->scalar)
		return node;
	complain(merge, like, "no memory for the actions of packs");
	return NULL;
}

/* How it is reached by the fleet file, and what is said by the pack. */
static struct yaml_node *joined_road(
	struct merge *merge, const struct yaml_node *own, const struct yaml_node *pack)
{
	struct growing made = grow(merge, own);
	const struct yaml_node *path = yaml_get(pack, "path");
	const struct yaml_node *url = yaml_get(own, "url");
	for (const struct yaml_node *row = own->first; row; row = row->next) {
		bool is_base = path && row == url && url->scalar;
		append(merge, &made,
			is_base ? scalar(merge, url, "url", url->scalar, path->scalar)
				: copy_of(merge, row));
	}
	for (const struct yaml_node *row = pack->first; row; row = row->next) {
		if (row != path && !yaml_get(own, row->key))
			append(merge, &made, copy_of(merge, row));
	}
	return made.node;
}

static void add_action(struct merge *merge, const struct yaml_node *entry, const char *road,
	const struct yaml_node *pack)
{
	const struct yaml_node *own = yaml_get(entry, road);
	const char *prefix = arena_printf(merge->arena, "%s-", entry->key);
	struct growing made = grow(merge, entry);
	if (!prefix || !made.node) {
		complain(merge, entry, "no memory for the actions of packs");
		return;
	}
	made.node->key = arena_printf(merge->arena, "%s%s", prefix, pack->key);
	for (const struct yaml_node *row = pack->first; row; row = row->next) {
		bool is_road = false;
		for (size_t i = 0; i < ROADS; i++)
			is_road = is_road || strcmp(row->key, roads[i]) == 0;
		if (strcmp(row->key, road) == 0)
			append(merge, &made, joined_road(merge, own, row));
		else if (strcmp(row->key, "undo") == 0 && row->scalar)
			append(merge, &made, scalar(merge, row, "undo", prefix, row->scalar));
		else if (!is_road)
			append(merge, &made, copy_of(merge, row));
	}
	append(merge, &merge->all, made.node);
}

/* The one way that the entry names; NULL when it is not one. */
static const char *road_of(const struct yaml_node *entry)
{
	const char *found = NULL;
	for (size_t i = 0; i < ROADS; i++) {
		const struct yaml_node *road = yaml_get(entry, roads[i]);
		if (!road)
			continue;
		if (found || road->kind != YAML_MAPPING)
			return NULL;
		found = roads[i];
	}
	return entry->count == 2 ? found : NULL;
}

static void add_pack(struct merge *merge, const struct yaml_node *entry)
{
	const struct yaml_node *use = yaml_get(entry, "use");
	const char *road = road_of(entry);
	struct pack_file file;
	if (!use->scalar || !road) {
		complain(merge, entry,
			"an entry that uses a pack has 'use', the pack's name, and one of http, "
			"ssh, socket and sql, how the system is reached");
		return;
	}
	if (!pack_file_read(use->scalar, use, "actions", merge->arena, &file, merge->complaints)) {
		merge->good = false;
		return;
	}
	size_t before = merge->all.node->count;
	const struct yaml_node *pack =
		file.actions && file.actions->kind == YAML_MAPPING ? file.actions->first : NULL;
	for (; pack; pack = pack->next) {
		if (yaml_get(pack, road))
			add_action(merge, entry, road, pack);
	}
	if (merge->all.node->count > before || !merge->good)
		return;
	complaints_add(merge->complaints, entry->file, entry->line, "actions",
		"the pack '%s' has no action that is done by %s", use->scalar, road);
	merge->good = false;
}

bool pack_actions_merge(const struct yaml_node *actions, struct arena *arena,
	const struct yaml_node **out, struct complaints *complaints)
{
	bool uses = false;
	const struct yaml_node *entry =
		actions && actions->kind == YAML_MAPPING ? actions->first : NULL;
	for (const struct yaml_node *row = entry; row; row = row->next)
		uses = uses || yaml_get(row, "use");
	if (!uses) {
		*out = actions;
		return true;
	}
	struct merge merge = {.arena = arena, .complaints = complaints, .good = true};
	merge.all = grow(&merge, actions);
	for (; entry && merge.all.node; entry = entry->next) {
		if (yaml_get(entry, "use"))
			add_pack(&merge, entry);
		else
			append(&merge, &merge.all, copy_of(&merge, entry));
	}
	if (merge.good)
		*out = merge.all.node;
	return merge.good;
}
