/*
 * entity.h - the things a fleet is made of, with ids that never change.
 *
 *   fleet
 *     region            us-east
 *       cluster         us-east/east-a
 *         replica       us-east/east-a/r1
 *     service           auth          (or east-a's auth: parent is the cluster)
 *     surface           web           (likewise)
 *
 * An id is an index into the fleet and is never reused, so a screen may hold one across snapshots.
 * Entities come from the fleet file (declared) or from the labels of what sources report (seen).
 */
#ifndef CORE_FLEET_ENTITY_H
#define CORE_FLEET_ENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct fleet;

#define ENTITY_NAME_BYTES 64
#define ENTITY_PATH_BYTES 160
#define FLEET_ENTITIES_MOST 65536
#define ENTITY_ATTRIBUTES_MOST 16
#define FLEET_MAINTENANCE_MOST 64

enum entity_kind {
	ENTITY_FLEET,
	ENTITY_REGION,
	ENTITY_CLUSTER,
	ENTITY_REPLICA,
	ENTITY_SERVICE,
	ENTITY_SURFACE,
	ENTITY_KIND_COUNT
};

#define ENTITY_ROOT 0u /* the fleet itself */
#define ENTITY_NONE UINT32_MAX

struct entity_attribute {
	const char *name;
	const char *value;
};

struct entity {
	uint32_t id;
	uint32_t parent; /* ENTITY_NONE for the root */
	enum entity_kind kind;
	char name[ENTITY_NAME_BYTES]; /* sanitised; unique among siblings of the same kind */
	char path[ENTITY_PATH_BYTES]; /* "east-a/r1", "east-a/auth", "web": for screens and the
					 command line */
	bool declared;                /* named in the fleet file: silence means missing, not gone */
	double timeout_ms;            /* service, surface: how long a caller waits; NAN unknown */
	double objective;         /* surface: share of requests that must succeed; NAN unknown */
	double capacity;          /* cluster: most connections it can carry in all; NAN unknown */
	double connections_max;   /* replica, cluster: database slots for applications, per replica;
				     NAN unknown */
	uint32_t shares_database; /* cluster: another cluster using the same database servers;
				     ENTITY_NONE */
	const struct entity_attribute
		*attributes; /* free facts for action templates: {cluster.pooler} */
	size_t attribute_count;
};

/* A window in which a replica is expected to be away. */
struct maintenance {
	uint32_t replica;
	int64_t from_ms, until_ms;  /* until may be INT64_MAX */
	char by[ENTITY_NAME_BYTES]; /* who does it */
};

struct fleet *fleet_create(void); /* with the root entity; NULL without memory */
void fleet_destroy(struct fleet *fleet);

/*
 * The id of (kind, parent, name), created when new. The name is sanitised and cut. Errors:
 * ERROR_LIMIT past FLEET_ENTITIES_MOST, ERROR_SCHEMA for an empty name or a parent of the wrong
 * kind (replica needs a cluster; cluster a region or the root; service and surface a cluster or the
 * root).
 *
 * Sources know more or less of a cluster's place: with the root as parent, the one cluster of that
 * name in any region is meant (if there is exactly one); and a cluster first seen without a region
 * moves into the region when that is learned, its id unchanged.
 */
bool fleet_intern(struct fleet *fleet, enum entity_kind kind, uint32_t parent, const char *name,
	uint32_t *out, struct error *error);

/* Like fleet_intern() but never creates: ENTITY_NONE when unknown. */
uint32_t fleet_find(
	const struct fleet *fleet, enum entity_kind kind, uint32_t parent, const char *name);

/* By name or path, as a person types it ("east-a", "east-a/r1"). ENTITY_NONE when unknown or
 * ambiguous. */
uint32_t fleet_find_path(const struct fleet *fleet, enum entity_kind kind, const char *path);

const struct entity *fleet_entity(const struct fleet *fleet, uint32_t id); /* id must be valid */
size_t fleet_count(const struct fleet *fleet);

/* Facts from the fleet file. Strings are copied. Errors: ERROR_NO_MEMORY, ERROR_LIMIT. */

/* Forget every such fact, before the file is read anew. Entities stay, with their ids: what the new
 * file does not name counts as seen only, so once it is silent it is gone and not missing. */
void fleet_forget_facts(struct fleet *fleet);
void fleet_declare(struct fleet *fleet, uint32_t id);
void fleet_set_timeout(struct fleet *fleet, uint32_t id, double timeout_ms);
void fleet_set_objective(struct fleet *fleet, uint32_t id, double share);
void fleet_set_capacity(struct fleet *fleet, uint32_t id, double connections);
void fleet_set_connections_max(struct fleet *fleet, uint32_t id, double connections);
void fleet_set_shares_database(struct fleet *fleet, uint32_t cluster, uint32_t with_cluster);
bool fleet_set_attribute(
	struct fleet *fleet, uint32_t id, const char *name, const char *value, struct error *error);
bool fleet_add_maintenance(
	struct fleet *fleet, const struct maintenance *maintenance, struct error *error);

const struct maintenance *fleet_maintenance(const struct fleet *fleet, size_t *count);
const char *fleet_attribute(
	const struct fleet *fleet, uint32_t id, const char *name); /* NULL: none */

/* The next entity of `kind` below `parent` (direct children; ENTITY_NONE as parent: anywhere) after
 * `after` (ENTITY_NONE to begin). ENTITY_NONE at the end. Order of creation. */
uint32_t fleet_next(
	const struct fleet *fleet, enum entity_kind kind, uint32_t parent, uint32_t after);

/* The cluster an entity is in, itself included; ENTITY_NONE for fleet-wide ones. */
uint32_t fleet_cluster_of(const struct fleet *fleet, uint32_t id);

const char *entity_kind_name(enum entity_kind kind); /* "replica" */
bool entity_kind_find(const char *name, enum entity_kind *out);

#endif
