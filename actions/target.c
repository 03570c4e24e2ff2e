#include "actions/target.h"

#include <math.h>

#include "core/fleet/snapshot.h"

bool target_equal(double a, double b)
{
	return fabs(a - b) <= 1e-6 * fmax(1.0, fmax(fabs(a), fabs(b)));
}

bool target_is_whole(
	const struct snapshot *snapshot, uint32_t target, const struct target_value *value)
{
	size_t replicas = 0;
	uint32_t replica = ENTITY_NONE;
	while (value->per_replica && (replica = fleet_next(snapshot->fleet, ENTITY_REPLICA, target,
					      replica)) != ENTITY_NONE)
		replicas++;
	return value->known && value->count >= replicas;
}

bool target_serves(const struct snapshot *snapshot, uint32_t replica)
{
	double up = 0;
	double maintenance = 0;
	if (snapshot_value(snapshot, replica, SIGNAL_REPLICA_MAINTENANCE, &maintenance) &&
		maintenance > 0)
		return false;
	if (snapshot_value(snapshot, replica, SIGNAL_REPLICA_UP, &up))
		return up > 0;
	/* Nobody says whether it is up; its pool speaking is as good. */
	double max = 0;
	return snapshot_value(snapshot, replica, SIGNAL_POOL_MAX, &max);
}

static void add(const struct snapshot *snapshot, uint32_t entity, enum signal signal,
	struct target_value *out)
{
	const struct reading *reading = snapshot_reading(snapshot, entity, signal);
	if (reading->at_ms == 0 || out->count == TARGET_READINGS_MOST) {
		if (out->missing == ENTITY_NONE)
			out->missing = entity;
		return;
	}
	out->low = out->count ? fmin(out->low, reading->value) : reading->value;
	out->high = out->count ? fmax(out->high, reading->value) : reading->value;
	if (out->count == 0 || reading->at_ms < out->oldest_at_ms) {
		out->oldest_at_ms = reading->at_ms;
		out->oldest = entity;
	}
	out->entities[out->count] = entity;
	out->values[out->count++] = reading->value;
}

void target_read(const struct snapshot *snapshot, const struct verb_row *verb, uint32_t target,
	struct target_value *out)
{
	*out = (struct target_value){
		.low = NAN, .high = NAN, .oldest = target, .missing = ENTITY_NONE};
	const struct fleet *fleet = snapshot->fleet;
	bool on_replicas = (signal_row(verb->reads)->entities & (1u << ENTITY_REPLICA)) != 0;
	bool is_cluster = fleet_entity(fleet, target)->kind == ENTITY_CLUSTER;
	if (!on_replicas || !is_cluster ||
		snapshot_reading(snapshot, target, verb->reads)->at_ms != 0) {
		add(snapshot, target, verb->reads, out);
	} else {
		out->per_replica = true;
		uint32_t replica = ENTITY_NONE;
		while ((replica = fleet_next(fleet, ENTITY_REPLICA, target, replica)) !=
			ENTITY_NONE) {
			if (target_serves(snapshot, replica))
				add(snapshot, replica, verb->reads, out);
		}
		if (out->count == 0 && out->missing == ENTITY_NONE)
			out->missing = target;
	}
	out->known = out->count > 0 && out->missing == ENTITY_NONE;
}
