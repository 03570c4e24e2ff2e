#include "actions/expiry.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actions/config.h"
#include "actions/target.h"
#include "core/assess/assess.h"
#include "core/assess/limits.h"
#include "core/fleet/snapshot.h"

const char *expiry_policy_name(enum expiry_policy policy)
{
	static const char *const names[] = {[EXPIRY_REVERT] = "revert",
		[EXPIRY_REVERT_IF_HEALTHY] = "revert_if_healthy",
		[EXPIRY_HOLD_AND_PAGE] = "hold_and_page"};
	return names[policy];
}

enum expiry_policy expiry_default(const struct verb_row *verb, bool is_planted)
{
	return is_planted || verb->expire_ms > 0 || verb->move == MOVE_NOTHING ||
			       verb->class == CLASS_RELIEVE
		       ? EXPIRY_REVERT
		       : EXPIRY_REVERT_IF_HEALTHY;
}

/* What is looked at, and where its reason goes. */
struct look {
	const struct hold *hold;
	const struct guard_config *limits;
	const struct snapshot *snapshot;
	const struct assessment *assessment;
	int64_t now_ms;
	char *why;
};

static enum health say(const struct look *look, enum health health, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static enum health say(const struct look *look, enum health health, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(look->why, ACTION_TEXT_BYTES, format, arguments);
	va_end(arguments);
	return health;
}

/* A reading young enough to decide on. */
static bool read_fresh(const struct look *look, uint32_t entity, enum signal signal, double *out)
{
	const struct reading *reading = snapshot_reading(look->snapshot, entity, signal);
	return snapshot_value(look->snapshot, entity, signal, out) &&
	       look->now_ms - reading->at_ms <= look->limits->max_age_ms;
}

static enum health replica_health(const struct look *look, uint32_t replica)
{
	double up = 0;
	double lag_s = NAN;
	const char *path = fleet_entity(look->snapshot->fleet, replica)->path;
	if (!read_fresh(look, replica, SIGNAL_REPLICA_UP, &up))
		return say(look, HEALTH_UNKNOWN, "whether %s is up is not known", path);
	if (up <= 0)
		return say(look, HEALTH_BAD, "%s is down", path);
	if (read_fresh(look, replica, SIGNAL_REPLICA_LAG, &lag_s) && lag_s > LAG_TRIP_S)
		return say(look, HEALTH_BAD, "%s is %.0f s behind its primary", path, lag_s);
	return say(look, HEALTH_GOOD, "%s is up", path);
}

/* In use and waiting, of one pool; NAN not known. One moment's use jumps about, so the mean counts
 * where there is one. */
static double asked_of(const struct look *look, uint32_t entity)
{
	double used = NAN;
	double waiting = 0;
	if (!read_fresh(look, entity, SIGNAL_POOL_BUSY, &used) &&
		!read_fresh(look, entity, SIGNAL_POOL_USED, &used))
		return NAN;
	read_fresh(look, entity, SIGNAL_POOL_WAITING, &waiting);
	return used + waiting;
}

/* One pool that grew goes back to a size that what it carries must fit. */
static enum health one_pool(const struct look *look, uint32_t entity)
{
	double asked = asked_of(look, entity);
	const char *path = fleet_entity(look->snapshot->fleet, entity)->path;
	if (isnan(asked))
		return say(look, HEALTH_UNKNOWN, "what %s has in use is not known", path);
	if (asked >= look->hold->from)
		return say(look, HEALTH_BAD,
			"%s has %.0f in use or waited for, and would have %.0f", path, asked,
			look->hold->from);
	return say(look, HEALTH_GOOD, "what is in use fits the old size");
}

static enum health pool_health(const struct look *look, uint32_t cluster)
{
	const struct fleet *fleet = look->snapshot->fleet;
	struct target_value value;
	size_t seen = 0;
	uint32_t replica = ENTITY_NONE;
	target_read(look->snapshot, look->hold->verb, cluster, &value);
	if (!value.per_replica)
		return one_pool(look, cluster);
	while ((replica = fleet_next(fleet, ENTITY_REPLICA, cluster, replica)) != ENTITY_NONE) {
		if (!target_serves(look->snapshot, replica))
			continue;
		enum health health = one_pool(look, replica);
		if (health != HEALTH_GOOD)
			return health;
		seen++;
	}
	return seen > 0 ? HEALTH_GOOD
			: say(look, HEALTH_UNKNOWN, "no pool of %s is known to serve",
				  fleet_entity(fleet, cluster)->path);
}

static enum health fleet_health(const struct look *look)
{
	switch (look->assessment->severity) {
	case SEVERITY_CRITICAL:
		return say(look, HEALTH_BAD, "the fleet is critical: %.200s",
			look->assessment->headline);
	case SEVERITY_UNKNOWN:
		return say(look, HEALTH_UNKNOWN, "how the fleet is is not known");
	case SEVERITY_OK:
	case SEVERITY_WARNING:
		break;
	}
	return say(look, HEALTH_GOOD, "the fleet is not critical");
}

static enum health cluster_health(const struct look *look, uint32_t cluster)
{
	const struct cluster_assessment *row = assessment_cluster(look->assessment, cluster);
	const char *path = fleet_entity(look->snapshot->fleet, cluster)->path;
	if (!row || row->stale || row->severity == SEVERITY_UNKNOWN)
		return say(look, HEALTH_UNKNOWN, "how %s is is not known", path);
	if (row->severity == SEVERITY_CRITICAL)
		return say(look, HEALTH_BAD, "%s is in %s", path, phase_name(row->phase));
	if (row->waiting > 0)
		return say(look, HEALTH_BAD, "%.0f clients wait at %s", row->waiting, path);
	return say(look, HEALTH_GOOD, "%s is in %s, nobody waits", path, phase_name(row->phase));
}

enum health expiry_health(const struct hold *hold, const struct guard_config *limits,
	const struct snapshot *snapshot, const struct assessment *assessment, int64_t now_ms,
	char why[ACTION_TEXT_BYTES])
{
	const struct look look = {.hold = hold,
		.limits = limits,
		.snapshot = snapshot,
		.assessment = assessment,
		.now_ms = now_ms,
		.why = why};
	uint32_t target = fleet_find_path(snapshot->fleet, hold->verb->target, hold->target_path);
	if (target == ENTITY_NONE || target >= snapshot->entity_count)
		return say(&look, HEALTH_UNKNOWN, "%s is not in the fleet any more",
			hold->target_path);
	if (hold->verb->move == MOVE_LOSE_REPLICA)
		return replica_health(&look, target);
	uint32_t cluster = fleet_cluster_of(snapshot->fleet, target);
	if (hold->verb->move == MOVE_RESIZE_POOL && hold->to > hold->from && cluster == target)
		return pool_health(&look, target);
	return cluster == ENTITY_NONE ? fleet_health(&look) : cluster_health(&look, cluster);
}

bool expiry_is_a_persons(const struct hold *hold)
{
	return hold->on_expiry == EXPIRY_HOLD_AND_PAGE ||
	       (hold->on_expiry == EXPIRY_REVERT_IF_HEALTHY &&
		       hold->put_offs > EXPIRY_PUT_OFFS_MOST);
}

enum expiry_order expiry_decide(const struct hold *hold, bool is_blocked, enum health health)
{
	if (hold->on_expiry == EXPIRY_REVERT)
		return is_blocked ? EXPIRY_KEEP : EXPIRY_TAKE_BACK;
	if (expiry_is_a_persons(hold))
		return EXPIRY_PAGE;
	if (!is_blocked && health == HEALTH_GOOD)
		return EXPIRY_TAKE_BACK;
	return hold->put_offs < EXPIRY_PUT_OFFS_MOST ? EXPIRY_PUT_OFF : EXPIRY_PAGE;
}
