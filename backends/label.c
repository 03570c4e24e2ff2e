#include "backends/label.h"

#include <string.h>

#include "core/base/error.h"
#include "core/fleet/entity.h"

static const char *const names[] = {"region", "cluster", "replica", "service", "surface", NULL};

const char *const *label_names(void)
{
	return names;
}

static const char *find(const struct source_label *labels, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(labels[i].name, name) == 0 && labels[i].value[0] != '\0')
			return labels[i].value;
	return NULL;
}

const char *label_value(const struct label_view *view, const char *name)
{
	const char *theirs = name;
	if (view->row) {
		const char *mapped = find(view->row->labels, view->row->label_count, name);
		theirs = mapped ? mapped : name;
	}
	const char *value = find(view->series, view->count, theirs);
	if (!value && view->target)
		value = find(view->target->labels, view->target->label_count, theirs);
	if (!value && view->target)
		value = find(view->target->labels, view->target->label_count, name);
	return value;
}

bool label_intern_cluster(struct fleet *fleet, const char *region, const char *cluster,
	uint32_t *out, struct error *error)
{
	uint32_t parent = ENTITY_ROOT;
	if (region) {
		if (!fleet_intern(fleet, ENTITY_REGION, ENTITY_ROOT, region, &parent, error))
			return false;
		uint32_t known = fleet_find(fleet, ENTITY_CLUSTER, parent, cluster);
		if (known != ENTITY_NONE) {
			*out = known;
			return true;
		}
	}
	/* Known without a region, or known with one that this source does not name. */
	uint32_t known = fleet_find(fleet, ENTITY_CLUSTER, ENTITY_ROOT, cluster);
	if (known == ENTITY_NONE && !region)
		known = fleet_find_path(fleet, ENTITY_CLUSTER, cluster);
	if (known != ENTITY_NONE) {
		*out = known;
		return true;
	}
	return fleet_intern(fleet, ENTITY_CLUSTER, parent, cluster, out, error);
}

static bool missing(struct error *error, enum signal signal, const char *label)
{
	return error_set(error, ERROR_SCHEMA,
		"a series of %s has no label '%s': add it to the target's labels, or name the "
		"exporter's label under 'labels:' of the row",
		signal_row(signal)->name, label);
}

static bool replica_entity(struct fleet *fleet, const struct label_view *view, enum signal signal,
	const char *replica, uint32_t *out, struct error *error)
{
	const char *cluster = label_value(view, "cluster");
	if (!cluster) {
		uint32_t known = fleet_find_path(fleet, ENTITY_REPLICA, replica);
		if (known == ENTITY_NONE)
			return missing(error, signal, "cluster");
		*out = known;
		return true;
	}
	uint32_t parent = ENTITY_NONE;
	return label_intern_cluster(fleet, label_value(view, "region"), cluster, &parent, error) &&
	       fleet_intern(fleet, ENTITY_REPLICA, parent, replica, out, error);
}

/* A service or a surface: in a cluster where one is named, else of the whole fleet. */
static bool upstream_entity(struct fleet *fleet, const struct label_view *view,
	enum entity_kind kind, const char *name, uint32_t *out, struct error *error)
{
	const char *cluster = label_value(view, "cluster");
	uint32_t parent = ENTITY_ROOT;
	if (cluster &&
		!label_intern_cluster(fleet, label_value(view, "region"), cluster, &parent, error))
		return false;
	return fleet_intern(fleet, kind, parent, name, out, error);
}

bool label_entity(struct fleet *fleet, const struct label_view *view, enum signal signal,
	uint32_t *out, struct error *error)
{
	static const enum entity_kind upstream[] = {ENTITY_SERVICE, ENTITY_SURFACE};
	unsigned allowed = signal_row(signal)->entities;
	for (size_t i = 0; i < sizeof(upstream) / sizeof(upstream[0]); i++) {
		if (!(allowed & (1u << upstream[i])))
			continue;
		const char *label = entity_kind_name(upstream[i]);
		const char *name = label_value(view, label);
		if (!name)
			return missing(error, signal, label);
		return upstream_entity(fleet, view, upstream[i], name, out, error);
	}
	const char *replica = label_value(view, "replica");
	if ((allowed & (1u << ENTITY_REPLICA)) && replica)
		return replica_entity(fleet, view, signal, replica, out, error);
	if (!(allowed & (1u << ENTITY_CLUSTER)))
		return missing(error, signal, "replica");
	const char *cluster = label_value(view, "cluster");
	if (!cluster)
		return missing(error, signal, "cluster");
	return label_intern_cluster(fleet, label_value(view, "region"), cluster, out, error);
}
