/*
 * target.h - the value an action changes, as it reads now: one reading, or one per pool.
 *
 * A pooler shared by a cluster reports on the cluster; else every replica has a pool of its own,
 * and the cluster's value is what all pools that serve have in common. Replicas that are down or in
 * maintenance do not count.
 */
#ifndef ACTIONS_TARGET_H
#define ACTIONS_TARGET_H

#include "actions/action.h"

struct snapshot;

#define TARGET_READINGS_MOST 256

struct target_value {
	bool known;           /* every reading that counts is there */
	double low, high;     /* equal unless the pools differ */
	int64_t oldest_at_ms; /* of the readings; 0 when none */
	uint32_t oldest;      /* the entity of that reading */
	uint32_t missing;     /* the first entity without one; ENTITY_NONE */
	bool per_replica;     /* one reading per serving replica, not one of the whole */
	size_t count;         /* readings */
	double values[TARGET_READINGS_MOST];
	uint32_t entities[TARGET_READINGS_MOST]; /* whose each of them is */
};

void target_read(const struct snapshot *snapshot, const struct verb_row *verb, uint32_t target,
	struct target_value *out);

/* Whether nobody is left out of what was read: where it is one reading per replica, that every
 * replica has one, also those that do not serve and may yet have what they were given. */
bool target_is_whole(
	const struct snapshot *snapshot, uint32_t target, const struct target_value *value);

/* Whether a replica serves, as far as readings tell: neither down nor taken out on purpose nor
 * wholly silent. */
bool target_serves(const struct snapshot *snapshot, uint32_t replica);

/* Whether two settings are the same, allowing for how they were printed. */
bool target_equal(double a, double b);

#endif
