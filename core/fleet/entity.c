#include "core/fleet/entity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/sanitise.h"

/*
 * Entities live in chunks that never move, so a `const struct entity *` stays valid as the fleet
 * grows. Each is linked twice, in order of creation: among its siblings of one kind, and among all
 * of its kind. An open-addressed table of ids finds (kind, parent, name); it is never more than
 * half full.
 */
#define CHUNK_ENTITIES 256u
#define CHUNKS_MOST (FLEET_ENTITIES_MOST / CHUNK_ENTITIES)
#define FIRST_SLOTS 256u
#define FACTS_BYTES ((size_t)8 * 1024 * 1024)
#define ATTRIBUTE_VALUE_BYTES 256

struct chain {
	uint32_t first, last;
};

struct node {
	struct entity entity;
	struct chain children[ENTITY_KIND_COUNT];
};

/* The two lists an entity is in: walked at every tick, so links lie together and not among names.
 */
struct link {
	uint32_t next_sibling;
	uint32_t next_of_kind;
};

struct fleet {
	struct node *chunks[CHUNKS_MOST];
	struct link *links[CHUNKS_MOST];
	size_t count;
	struct chain kinds[ENTITY_KIND_COUNT];
	uint32_t *slots; /* ids; ENTITY_NONE where free */
	size_t slot_count;
	struct arena *facts;
	struct maintenance maintenance[FLEET_MAINTENANCE_MOST];
	size_t maintenance_count;
};

static const char *const kind_names[ENTITY_KIND_COUNT] = {
	[ENTITY_FLEET] = "fleet",
	[ENTITY_REGION] = "region",
	[ENTITY_CLUSTER] = "cluster",
	[ENTITY_REPLICA] = "replica",
	[ENTITY_SERVICE] = "service",
	[ENTITY_SURFACE] = "surface",
};

/* Which kinds may be the parent of each kind. */
static const unsigned parent_kinds[ENTITY_KIND_COUNT] = {
	[ENTITY_FLEET] = 0,
	[ENTITY_REGION] = 1u << ENTITY_FLEET,
	[ENTITY_CLUSTER] = 1u << ENTITY_FLEET | 1u << ENTITY_REGION,
	[ENTITY_REPLICA] = 1u << ENTITY_CLUSTER,
	[ENTITY_SERVICE] = 1u << ENTITY_FLEET | 1u << ENTITY_CLUSTER,
	[ENTITY_SURFACE] = 1u << ENTITY_FLEET | 1u << ENTITY_CLUSTER,
};

static struct node *node_at(const struct fleet *fleet, uint32_t id)
{
	return &fleet->chunks[id / CHUNK_ENTITIES][id % CHUNK_ENTITIES];
}

static struct link *link_at(const struct fleet *fleet, uint32_t id)
{
	return &fleet->links[id / CHUNK_ENTITIES][id % CHUNK_ENTITIES];
}

/* ---- the index by name ---- */

static uint64_t name_hash(enum entity_kind kind, uint32_t parent, const char *name)
{
	uint64_t hash = 14695981039346656037u;
	hash = (hash ^ (uint64_t)kind) * 1099511628211u;
	hash = (hash ^ parent) * 1099511628211u;
	for (const char *c = name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 1099511628211u;
	return hash ^ (hash >> 29);
}

static void slot_insert(uint32_t *slots, size_t slot_count, const struct entity *entity)
{
	size_t mask = slot_count - 1;
	size_t at = (size_t)name_hash(entity->kind, entity->parent, entity->name) & mask;
	while (slots[at] != ENTITY_NONE)
		at = (at + 1) & mask;
	slots[at] = entity->id;
}

static void slots_fill(const struct fleet *fleet, uint32_t *slots, size_t slot_count)
{
	memset(slots, 0xff, slot_count * sizeof(*slots));
	for (uint32_t id = 0; id < fleet->count; id++)
		slot_insert(slots, slot_count, &node_at(fleet, id)->entity);
}

/* Room in the index for one more entity. */
static bool slots_reserve(struct fleet *fleet)
{
	if (2 * (fleet->count + 1) <= fleet->slot_count)
		return true;
	size_t slot_count = fleet->slot_count ? 2 * fleet->slot_count : FIRST_SLOTS;
	uint32_t *slots = malloc(slot_count * sizeof(*slots));
	if (!slots)
		return false;
	slots_fill(fleet, slots, slot_count);
	free(fleet->slots);
	fleet->slots = slots;
	fleet->slot_count = slot_count;
	return true;
}

/* `name` is sanitised already. */
static uint32_t find_clean(
	const struct fleet *fleet, enum entity_kind kind, uint32_t parent, const char *name)
{
	if (fleet->slot_count == 0)
		return ENTITY_NONE;
	size_t mask = fleet->slot_count - 1;
	size_t at = (size_t)name_hash(kind, parent, name) & mask;
	for (; fleet->slots[at] != ENTITY_NONE; at = (at + 1) & mask) {
		const struct entity *entity = &node_at(fleet, fleet->slots[at])->entity;
		if (entity->kind == kind && entity->parent == parent &&
			strcmp(entity->name, name) == 0)
			return entity->id;
	}
	return ENTITY_NONE;
}

/* ---- chains ---- */

static void chain_clear(struct chain *chain)
{
	*chain = (struct chain){ENTITY_NONE, ENTITY_NONE};
}

static void link_child(struct fleet *fleet, uint32_t parent, uint32_t id)
{
	const struct node *node = node_at(fleet, id);
	struct chain *chain = &node_at(fleet, parent)->children[node->entity.kind];
	link_at(fleet, id)->next_sibling = ENTITY_NONE;
	if (chain->last == ENTITY_NONE)
		chain->first = id;
	else
		link_at(fleet, chain->last)->next_sibling = id;
	chain->last = id;
}

static void unlink_child(struct fleet *fleet, uint32_t parent, uint32_t id)
{
	const struct node *node = node_at(fleet, id);
	struct chain *chain = &node_at(fleet, parent)->children[node->entity.kind];
	uint32_t before = ENTITY_NONE, after = link_at(fleet, id)->next_sibling;
	for (uint32_t at = chain->first; at != id; at = link_at(fleet, at)->next_sibling)
		before = at;
	if (before == ENTITY_NONE)
		chain->first = after;
	else
		link_at(fleet, before)->next_sibling = after;
	if (chain->last == id)
		chain->last = before;
}

static void link_kind(struct fleet *fleet, uint32_t id)
{
	const struct node *node = node_at(fleet, id);
	struct chain *chain = &fleet->kinds[node->entity.kind];
	link_at(fleet, id)->next_of_kind = ENTITY_NONE;
	if (chain->last == ENTITY_NONE)
		chain->first = id;
	else
		link_at(fleet, chain->last)->next_of_kind = id;
	chain->last = id;
}

/* ---- making ---- */

static void compose_path(const struct fleet *fleet, struct entity *entity)
{
	const struct entity *parent =
		entity->parent == ENTITY_NONE ? NULL : fleet_entity(fleet, entity->parent);
	if (parent && parent->kind == ENTITY_CLUSTER)
		snprintf(entity->path, sizeof(entity->path), "%s/%s", parent->name, entity->name);
	else
		snprintf(entity->path, sizeof(entity->path), "%s", entity->name);
}

static void entity_forget_facts(struct entity *entity)
{
	entity->declared = false;
	entity->timeout_ms = NAN;
	entity->objective = NAN;
	entity->capacity = NAN;
	entity->connections_max = NAN;
	entity->shares_database = ENTITY_NONE;
	entity->attributes = NULL;
	entity->attribute_count = 0;
}

/* Add an entity whose name is clean and new. */
static bool append(struct fleet *fleet, enum entity_kind kind, uint32_t parent, const char *name,
	uint32_t *out, struct error *error)
{
	if (fleet->count == FLEET_ENTITIES_MOST)
		return error_set(error, ERROR_LIMIT, "more than %d entities: '%s' is not kept",
			FLEET_ENTITIES_MOST, name);
	size_t chunk = fleet->count / CHUNK_ENTITIES;
	if (!fleet->chunks[chunk])
		fleet->chunks[chunk] = calloc(CHUNK_ENTITIES, sizeof(struct node));
	if (!fleet->links[chunk])
		fleet->links[chunk] = calloc(CHUNK_ENTITIES, sizeof(struct link));
	if (!fleet->chunks[chunk] || !fleet->links[chunk])
		return error_no_memory(error, "an entity");
	if (!slots_reserve(fleet))
		return error_no_memory(error, "the index of entities");
	uint32_t id = (uint32_t)fleet->count;
	struct node *node = node_at(fleet, id);
	node->entity = (struct entity){
		.id = id,
		.parent = parent,
		.kind = kind,
	};
	entity_forget_facts(&node->entity);
	snprintf(node->entity.name, sizeof(node->entity.name), "%s", name);
	compose_path(fleet, &node->entity);
	for (unsigned i = 0; i < ENTITY_KIND_COUNT; i++)
		chain_clear(&node->children[i]);
	fleet->count++;
	slot_insert(fleet->slots, fleet->slot_count, &node->entity);
	link_kind(fleet, id);
	link_at(fleet, id)->next_sibling = ENTITY_NONE;
	if (parent != ENTITY_NONE)
		link_child(fleet, parent, id);
	*out = id;
	return true;
}

struct fleet *fleet_create(void)
{
	struct fleet *fleet = calloc(1, sizeof(*fleet));
	if (!fleet)
		return NULL;
	for (unsigned i = 0; i < ENTITY_KIND_COUNT; i++)
		chain_clear(&fleet->kinds[i]);
	fleet->facts = arena_create(FACTS_BYTES);
	uint32_t root;
	if (!fleet->facts || !append(fleet, ENTITY_FLEET, ENTITY_NONE, "fleet", &root, NULL)) {
		fleet_destroy(fleet);
		return NULL;
	}
	return fleet;
}

void fleet_destroy(struct fleet *fleet)
{
	if (!fleet)
		return;
	for (size_t i = 0; i < CHUNKS_MOST; i++) {
		free(fleet->chunks[i]);
		free(fleet->links[i]);
	}
	free(fleet->slots);
	arena_destroy(fleet->facts);
	free(fleet);
}

/*
 * Sources disagree on how much they know: a load balancer names a cluster, the fleet file names its
 * region too. A cluster without a region is the one of that name when there is exactly one; a
 * cluster first met without a region moves into the region when that is learned. The id stays what
 * it was.
 */
static uint32_t same_cluster(struct fleet *fleet, uint32_t parent, const char *name)
{
	uint32_t found = ENTITY_NONE;
	uint32_t id = fleet->kinds[ENTITY_CLUSTER].first;
	for (; id != ENTITY_NONE; id = link_at(fleet, id)->next_of_kind) {
		const struct entity *entity = &node_at(fleet, id)->entity;
		bool candidate = parent == ENTITY_ROOT || entity->parent == ENTITY_ROOT;
		if (!candidate || strcmp(entity->name, name) != 0)
			continue;
		if (found != ENTITY_NONE)
			return ENTITY_NONE;
		found = id;
	}
	if (found != ENTITY_NONE && parent != ENTITY_ROOT) {
		unlink_child(fleet, ENTITY_ROOT, found);
		node_at(fleet, found)->entity.parent = parent;
		link_child(fleet, parent, found);
		slots_fill(fleet, fleet->slots, fleet->slot_count);
	}
	return found;
}

bool fleet_intern(struct fleet *fleet, enum entity_kind kind, uint32_t parent, const char *name,
	uint32_t *out, struct error *error)
{
	char clean[ENTITY_NAME_BYTES];
	if (sanitise(name, strlen(name), clean, sizeof(clean)) == 0)
		return error_set(
			error, ERROR_SCHEMA, "a %s without a name", entity_kind_name(kind));
	if (parent >= fleet->count ||
		!(parent_kinds[kind] & (1u << node_at(fleet, parent)->entity.kind)))
		return error_set(error, ERROR_SCHEMA, "%s '%s' can't be in a %s",
			entity_kind_name(kind), clean,
			parent < fleet->count
				? entity_kind_name(node_at(fleet, parent)->entity.kind)
				: "place that is unknown");
	uint32_t found = find_clean(fleet, kind, parent, clean);
	if (found == ENTITY_NONE && kind == ENTITY_CLUSTER)
		found = same_cluster(fleet, parent, clean);
	if (found != ENTITY_NONE) {
		*out = found;
		return true;
	}
	return append(fleet, kind, parent, clean, out, error);
}

/* ---- finding ---- */

uint32_t fleet_find(
	const struct fleet *fleet, enum entity_kind kind, uint32_t parent, const char *name)
{
	char clean[ENTITY_NAME_BYTES];
	if (sanitise(name, strlen(name), clean, sizeof(clean)) == 0)
		return ENTITY_NONE;
	return find_clean(fleet, kind, parent, clean);
}

/* "us-east/east-a": the path with the region in front, for when a path alone is ambiguous. */
static bool is_full_path(const struct fleet *fleet, const struct entity *entity, const char *path)
{
	uint32_t cluster = fleet_cluster_of(fleet, entity->id);
	if (cluster == ENTITY_NONE)
		return false;
	uint32_t region = fleet_entity(fleet, cluster)->parent;
	if (region == ENTITY_ROOT)
		return false;
	const char *name = fleet_entity(fleet, region)->name;
	size_t length = strlen(name);
	return strncmp(path, name, length) == 0 && path[length] == '/' &&
	       strcmp(path + length + 1, entity->path) == 0;
}

uint32_t fleet_find_path(const struct fleet *fleet, enum entity_kind kind, const char *path)
{
	uint32_t by_path = ENTITY_NONE, by_name = ENTITY_NONE;
	bool paths_differ = false, names_differ = false;
	uint32_t id = fleet->kinds[kind].first;
	for (; id != ENTITY_NONE; id = link_at(fleet, id)->next_of_kind) {
		const struct entity *entity = &node_at(fleet, id)->entity;
		if (is_full_path(fleet, entity, path))
			return id;
		if (strcmp(entity->path, path) == 0) {
			paths_differ = by_path != ENTITY_NONE;
			by_path = id;
		} else if (strcmp(entity->name, path) == 0) {
			names_differ = by_name != ENTITY_NONE;
			by_name = id;
		}
	}
	if (by_path != ENTITY_NONE)
		return paths_differ ? ENTITY_NONE : by_path;
	return names_differ ? ENTITY_NONE : by_name;
}

const struct entity *fleet_entity(const struct fleet *fleet, uint32_t id)
{
	return &node_at(fleet, id)->entity;
}

size_t fleet_count(const struct fleet *fleet)
{
	return fleet->count;
}

uint32_t fleet_next(
	const struct fleet *fleet, enum entity_kind kind, uint32_t parent, uint32_t after)
{
	if (after != ENTITY_NONE) {
		const struct link *link = link_at(fleet, after);
		return parent == ENTITY_NONE ? link->next_of_kind : link->next_sibling;
	}
	if (parent == ENTITY_NONE)
		return fleet->kinds[kind].first;
	return node_at(fleet, parent)->children[kind].first;
}

uint32_t fleet_cluster_of(const struct fleet *fleet, uint32_t id)
{
	while (id != ENTITY_NONE) {
		const struct entity *entity = fleet_entity(fleet, id);
		if (entity->kind == ENTITY_CLUSTER)
			return id;
		id = entity->parent;
	}
	return ENTITY_NONE;
}

/* ---- facts from the fleet file ---- */

void fleet_forget_facts(struct fleet *fleet)
{
	for (uint32_t id = 0; id < fleet->count; id++)
		entity_forget_facts(&node_at(fleet, id)->entity);
	fleet->maintenance_count = 0;
	arena_reset(fleet->facts);
}

void fleet_declare(struct fleet *fleet, uint32_t id)
{
	node_at(fleet, id)->entity.declared = true;
}

void fleet_set_timeout(struct fleet *fleet, uint32_t id, double timeout_ms)
{
	node_at(fleet, id)->entity.timeout_ms = timeout_ms;
}

void fleet_set_objective(struct fleet *fleet, uint32_t id, double share)
{
	node_at(fleet, id)->entity.objective = share;
}

void fleet_set_capacity(struct fleet *fleet, uint32_t id, double connections)
{
	node_at(fleet, id)->entity.capacity = connections;
}

void fleet_set_connections_max(struct fleet *fleet, uint32_t id, double connections)
{
	node_at(fleet, id)->entity.connections_max = connections;
}

void fleet_set_shares_database(struct fleet *fleet, uint32_t cluster, uint32_t with_cluster)
{
	node_at(fleet, cluster)->entity.shares_database = with_cluster;
}

bool fleet_set_attribute(
	struct fleet *fleet, uint32_t id, const char *name, const char *value, struct error *error)
{
	struct entity *entity = &node_at(fleet, id)->entity;
	if (strlen(value) >= ATTRIBUTE_VALUE_BYTES || strlen(name) >= ENTITY_NAME_BYTES)
		return error_set(error, ERROR_LIMIT,
			"attribute of '%s': name over %d or value over %d bytes", entity->path,
			ENTITY_NAME_BYTES - 1, ATTRIBUTE_VALUE_BYTES - 1);
	size_t at = 0;
	while (at < entity->attribute_count && strcmp(entity->attributes[at].name, name) != 0)
		at++;
	if (at < entity->attribute_count && strcmp(entity->attributes[at].value, value) == 0)
		return true;
	if (at == ENTITY_ATTRIBUTES_MOST)
		return error_set(error, ERROR_LIMIT, "'%s' has more than %d attributes",
			entity->path, ENTITY_ATTRIBUTES_MOST);
	struct entity_attribute *list =
		arena_array(fleet->facts, ENTITY_ATTRIBUTES_MOST, sizeof(*list));
	const char *kept_name = arena_strdup(fleet->facts, name);
	const char *kept_value = arena_strdup(fleet->facts, value);
	if (!list || !kept_name || !kept_value)
		return error_no_memory(error, "an attribute");
	if (entity->attribute_count > 0)
		memcpy(list, entity->attributes, entity->attribute_count * sizeof(*list));
	list[at] = (struct entity_attribute){kept_name, kept_value};
	entity->attributes = list;
	if (at == entity->attribute_count)
		entity->attribute_count++;
	return true;
}

bool fleet_add_maintenance(
	struct fleet *fleet, const struct maintenance *maintenance, struct error *error)
{
	if (fleet->maintenance_count == FLEET_MAINTENANCE_MOST)
		return error_set(error, ERROR_LIMIT, "more than %d maintenance windows",
			FLEET_MAINTENANCE_MOST);
	struct maintenance *kept = &fleet->maintenance[fleet->maintenance_count++];
	*kept = *maintenance;
	sanitise(maintenance->by, strnlen(maintenance->by, sizeof(maintenance->by)), kept->by,
		sizeof(kept->by));
	return true;
}

const struct maintenance *fleet_maintenance(const struct fleet *fleet, size_t *count)
{
	*count = fleet->maintenance_count;
	return fleet->maintenance;
}

const char *fleet_attribute(const struct fleet *fleet, uint32_t id, const char *name)
{
	const struct entity *entity = fleet_entity(fleet, id);
	for (size_t i = 0; i < entity->attribute_count; i++) {
		if (strcmp(entity->attributes[i].name, name) == 0)
			return entity->attributes[i].value;
	}
	return NULL;
}

/* ---- kinds ---- */

const char *entity_kind_name(enum entity_kind kind)
{
	return (unsigned)kind < ENTITY_KIND_COUNT ? kind_names[kind] : "thing";
}

bool entity_kind_find(const char *name, enum entity_kind *out)
{
	for (unsigned i = 0; i < ENTITY_KIND_COUNT; i++) {
		if (strcmp(kind_names[i], name) == 0) {
			*out = (enum entity_kind)i;
			return true;
		}
	}
	return false;
}
