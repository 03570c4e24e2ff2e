#include "app/fleet_section.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/fields.h"
#include "core/base/text.h"
#include "core/base/yaml.h"
#include "core/fleet/entity.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct section {
	const struct yaml_node *clusters, *services, *surfaces, *maintenance;
};

static const struct field section_fields[] = {
	{.key = "clusters",
		.type = FIELD_NODE,
		.offset = offsetof(struct section, clusters),
		.help = "clusters by name"},
	{.key = "services",
		.type = FIELD_NODE,
		.offset = offsetof(struct section, services),
		.help = "services by name, fleet-wide"},
	{.key = "surfaces",
		.type = FIELD_NODE,
		.offset = offsetof(struct section, surfaces),
		.help = "surfaces by name, fleet-wide"},
	{.key = "maintenance",
		.type = FIELD_NODE,
		.offset = offsetof(struct section, maintenance),
		.help = "windows in which a replica is expected to be away"},
};

struct cluster_section {
	const char *region, *shares_database_with;
	double capacity, connections_max;
	const struct yaml_node *replicas, *attributes;
};

static const struct field cluster_fields[] = {
	{.key = "region",
		.type = FIELD_STRING,
		.offset = offsetof(struct cluster_section, region),
		.help = "where it is"},
	{.key = "capacity",
		.type = FIELD_NUMBER,
		.offset = offsetof(struct cluster_section, capacity),
		.min = 1,
		.max = 1e7,
		.help = "most connections it can carry in all"},
	{.key = "connections_max",
		.type = FIELD_NUMBER,
		.offset = offsetof(struct cluster_section, connections_max),
		.min = 1,
		.max = 1e7,
		.help = "connection slots for applications on each of its database servers"},
	{.key = "replicas",
		.type = FIELD_NODE,
		.offset = offsetof(struct cluster_section, replicas),
		.help = "names of the replicas that should be there: one that is silent is "
			"missing, not gone"},
	{.key = "shares_database_with",
		.type = FIELD_STRING,
		.offset = offsetof(struct cluster_section, shares_database_with),
		.help = "another cluster on the same database servers"},
	{.key = "attributes",
		.type = FIELD_NODE,
		.offset = offsetof(struct cluster_section, attributes),
		.help = "facts for action templates: {cluster.NAME}"},
};

struct caller_section {
	int64_t timeout_ms;
	double objective; /* of surfaces alone */
};

static const struct field caller_fields[] = {
	{.key = "timeout",
		.type = FIELD_DURATION,
		.offset = offsetof(struct caller_section, timeout_ms),
		.min = 1,
		.max = 3600000,
		.help = "how long its callers wait"},
};

static const struct field surface_fields[] = {
	{.key = "timeout",
		.type = FIELD_DURATION,
		.offset = offsetof(struct caller_section, timeout_ms),
		.min = 1,
		.max = 3600000,
		.help = "how long its callers wait"},
	{.key = "objective",
		.type = FIELD_PERCENT,
		.offset = offsetof(struct caller_section, objective),
		.min = 0.5,
		.max = 0.999999,
		.help = "requests that must succeed over thirty days; 99.9% where none is given"},
};

struct maintenance_section {
	const char *replica, *by;
	int64_t from_ms, until_ms;
};

static const struct field maintenance_fields[] = {
	{.key = "replica",
		.type = FIELD_STRING,
		.required = true,
		.offset = offsetof(struct maintenance_section, replica),
		.help = "cluster/replica, or a replica's name when it is the only one"},
	{.key = "from",
		.type = FIELD_TIME,
		.required = true,
		.offset = offsetof(struct maintenance_section, from_ms),
		.help = "when it begins"},
	{.key = "until",
		.type = FIELD_TIME,
		.offset = offsetof(struct maintenance_section, until_ms),
		.help = "when it should be back"},
	{.key = "by",
		.type = FIELD_STRING,
		.offset = offsetof(struct maintenance_section, by),
		.help = "who does it"},
};

/* What every reader below needs. */
struct reading_context {
	struct arena *arena;
	struct fleet *fleet;
	struct complaints *complaints;
};

static bool section_complain(struct reading_context *context, const struct yaml_node *node,
	const char *path, const char *text)
{
	complaints_add(context->complaints, node->file, node->line, path, "%s", text);
	return false;
}

static bool section_intern(struct reading_context *context, const struct yaml_node *node,
	enum entity_kind kind, uint32_t parent, const char *name, const char *path, uint32_t *id)
{
	struct error error = {0};
	if (!fleet_intern(context->fleet, kind, parent, name, id, &error))
		return section_complain(context, node, path, error.text);
	fleet_declare(context->fleet, *id);
	return true;
}

static bool section_replicas(struct reading_context *context, const struct yaml_node *node,
	const char *path, uint32_t cluster)
{
	if (!node)
		return true;
	if (node->kind != YAML_SEQUENCE)
		return section_complain(
			context, node, path, "expected a list of replica names such as [r1, r2]");
	bool ok = true;
	for (const struct yaml_node *item = node->first; item; item = item->next) {
		uint32_t id;
		if (item->kind != YAML_SCALAR)
			ok = section_complain(context, item, path, "expected a replica's name");
		else if (!section_intern(
				 context, item, ENTITY_REPLICA, cluster, item->scalar, path, &id))
			ok = false;
	}
	return ok;
}

static bool section_attributes(struct reading_context *context, const struct yaml_node *node,
	const char *path, uint32_t cluster)
{
	if (!node)
		return true;
	if (node->kind != YAML_MAPPING)
		return section_complain(
			context, node, path, "expected a mapping of names to values");
	bool ok = true;
	for (const struct yaml_node *item = node->first; item; item = item->next) {
		struct error error = {0};
		if (item->kind != YAML_SCALAR)
			ok = section_complain(context, item, path, "expected one value");
		else if (!fleet_set_attribute(
				 context->fleet, cluster, item->key, item->scalar, &error))
			ok = section_complain(context, item, path, error.text);
	}
	return ok;
}

static bool section_cluster(struct reading_context *context, const struct yaml_node *node)
{
	char path[160];
	snprintf(path, sizeof path, "fleet.clusters.%s", node->key);
	struct cluster_section row;
	bool ok = fields_read(cluster_fields, COUNT(cluster_fields), node, path, &row,
		context->arena, context->complaints);
	if (!ok)
		return false;
	uint32_t parent = ENTITY_ROOT;
	if (row.region && !section_intern(context, node, ENTITY_REGION, ENTITY_ROOT, row.region,
				  path, &parent))
		return false;
	uint32_t cluster;
	if (!section_intern(context, node, ENTITY_CLUSTER, parent, node->key, path, &cluster))
		return false;
	fleet_set_capacity(context->fleet, cluster, row.capacity);
	fleet_set_connections_max(context->fleet, cluster, row.connections_max);
	ok = section_replicas(context, row.replicas, path, cluster);
	return section_attributes(context, row.attributes, path, cluster) && ok;
}

/* Second pass, when every cluster is known. */
static bool section_shares(struct reading_context *context, const struct yaml_node *node)
{
	const struct yaml_node *with = yaml_get(node, "shares_database_with");
	if (!with || with->kind != YAML_SCALAR)
		return true;
	uint32_t own = fleet_find_path(context->fleet, ENTITY_CLUSTER, node->key);
	uint32_t other = fleet_find_path(context->fleet, ENTITY_CLUSTER, with->scalar);
	if (own == ENTITY_NONE || other == ENTITY_NONE || own == other)
		return section_complain(context, with, "fleet.clusters", "names no other cluster");
	fleet_set_shares_database(context->fleet, own, other);
	return true;
}

static bool section_clusters(struct reading_context *context, const struct yaml_node *node)
{
	if (!node)
		return true;
	if (node->kind != YAML_MAPPING)
		return section_complain(
			context, node, "fleet.clusters", "expected clusters by name");
	bool ok = true;
	for (const struct yaml_node *item = node->first; item; item = item->next)
		ok = section_cluster(context, item) && ok;
	for (const struct yaml_node *item = node->first; ok && item; item = item->next)
		ok = section_shares(context, item) && ok;
	return ok;
}

/* Services and surfaces, by the fields of either. */
static bool section_callers(struct reading_context *context, const struct yaml_node *node,
	enum entity_kind kind, const char *section)
{
	bool surfaces = kind == ENTITY_SURFACE;
	const struct field *fields = surfaces ? surface_fields : caller_fields;
	size_t count = surfaces ? COUNT(surface_fields) : COUNT(caller_fields);
	if (!node)
		return true;
	if (node->kind != YAML_MAPPING)
		return section_complain(context, node, section, "expected a mapping by name");
	bool ok = true;
	for (const struct yaml_node *item = node->first; item; item = item->next) {
		char path[160];
		snprintf(path, sizeof path, "%s.%s", section, item->key);
		struct caller_section row = {0, NAN};
		uint32_t id;
		if (!fields_read(
			    fields, count, item, path, &row, context->arena, context->complaints) ||
			!section_intern(context, item, kind, ENTITY_ROOT, item->key, path, &id)) {
			ok = false;
			continue;
		}
		if (row.timeout_ms > 0)
			fleet_set_timeout(context->fleet, id, (double)row.timeout_ms);
		fleet_set_objective(context->fleet, id, row.objective);
	}
	return ok;
}

static bool section_window(
	struct reading_context *context, const struct yaml_node *node, const char *path)
{
	struct maintenance_section row;
	if (!fields_read(maintenance_fields, COUNT(maintenance_fields), node, path, &row,
		    context->arena, context->complaints))
		return false;
	struct maintenance window = {
		.replica = fleet_find_path(context->fleet, ENTITY_REPLICA, row.replica),
		.from_ms = row.from_ms,
		.until_ms = row.until_ms > 0 ? row.until_ms : INT64_MAX,
	};
	if (window.replica == ENTITY_NONE)
		return section_complain(context, node, path,
			"names no replica of fleet.clusters: write it as cluster/replica");
	if (window.until_ms <= window.from_ms)
		return section_complain(context, node, path, "ends before it begins");
	snprintf(window.by, sizeof window.by, "%s", row.by ? row.by : "");
	struct error error = {0};
	if (!fleet_add_maintenance(context->fleet, &window, &error))
		return section_complain(context, node, path, error.text);
	return true;
}

static bool section_maintenance(struct reading_context *context, const struct yaml_node *node)
{
	if (!node)
		return true;
	if (node->kind != YAML_SEQUENCE)
		return section_complain(context, node, "fleet.maintenance", "expected a list");
	bool ok = true;
	size_t index = 0;
	for (const struct yaml_node *item = node->first; item; item = item->next) {
		char path[160];
		snprintf(path, sizeof path, "fleet.maintenance[%zu]", index++);
		ok = section_window(context, item, path) && ok;
	}
	return ok;
}

bool fleet_section_read(const struct yaml_node *node, struct arena *arena, struct fleet *fleet,
	struct complaints *complaints)
{
	if (!node)
		return true;
	struct reading_context context = {arena, fleet, complaints};
	struct section section;
	if (!fields_read(section_fields, COUNT(section_fields), node, "fleet", &section, arena,
		    complaints))
		return false;
	bool ok = section_clusters(&context, section.clusters);
	ok = section_callers(&context, section.services, ENTITY_SERVICE, "fleet.services") && ok;
	ok = section_callers(&context, section.surfaces, ENTITY_SURFACE, "fleet.surfaces") && ok;
	return section_maintenance(&context, section.maintenance) && ok;
}

/* "name": {"type":"object","additionalProperties": <table>} */
static void schema_by_name(
	struct text *out, const char *name, const struct field *fields, size_t count)
{
	text_printf(out, "\"%s\":{\"type\":\"object\",\"additionalProperties\":", name);
	fields_schema(fields, count, out);
	text_add(out, "}");
}

void fleet_section_schema(struct text *out)
{
	text_add(out, "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
	schema_by_name(out, "clusters", cluster_fields, COUNT(cluster_fields));
	text_add(out, ",");
	schema_by_name(out, "services", caller_fields, COUNT(caller_fields));
	text_add(out, ",");
	schema_by_name(out, "surfaces", surface_fields, COUNT(surface_fields));
	text_add(out, ",\"maintenance\":{\"type\":\"array\",\"items\":");
	fields_schema(maintenance_fields, COUNT(maintenance_fields), out);
	text_add(out, "}}}");
}
