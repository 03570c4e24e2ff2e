#include "app/violation.h"

#include <math.h>

#include "actions/config.h"
#include "actions/plan.h"
#include "actions/target.h"
#include "core/fleet/snapshot.h"

/* Room for what arithmetic does to the last digits. */
#define SLACK 1e-6

const char *violation_name(enum violation violation)
{
	static const char *const names[VIOLATION_COUNT] = {
		[VIOLATION_BLIND] = "decisions on stale input",
		[VIOLATION_BLOCKED] = "changes past a guard",
		[VIOLATION_STALE] = "changes on stale readings",
		[VIOLATION_CEILING] = "changes over the ceiling",
		[VIOLATION_BLAST] = "changes over the blast radius",
		[VIOLATION_STEP] = "changes over the step",
	};
	return names[violation];
}

unsigned violations_total(const struct violations *violations)
{
	unsigned total = 0;
	for (unsigned i = 0; i < VIOLATION_COUNT; i++)
		total += violations->counts[i];
	return total;
}

/* Whether the use of one replica's pool was read lately enough to decide on. */
static bool is_fresh(const struct snapshot *snapshot, uint32_t replica, int64_t since_ms)
{
	return snapshot_reading(snapshot, replica, SIGNAL_POOL_USED)->at_ms >= since_ms ||
	       snapshot_reading(snapshot, replica, SIGNAL_POOL_BUSY)->at_ms >= since_ms;
}

static bool is_stale(const struct plan *plan, const struct snapshot *snapshot, int64_t since_ms)
{
	struct target_value value;
	target_read(snapshot, plan->verb, plan->target, &value);
	if (!value.known || value.oldest_at_ms < since_ms || snapshot->at_ms < since_ms)
		return true;
	for (size_t i = 0; i < plan->projection.line_count; i++) {
		const struct projection_line *line = &plan->projection.lines[i];
		uint32_t replica = ENTITY_NONE;
		while (line->changed && (replica = fleet_next(snapshot->fleet, ENTITY_REPLICA,
						 line->cluster, replica)) != ENTITY_NONE) {
			if (target_serves(snapshot, replica) &&
				!is_fresh(snapshot, replica, since_ms))
				return true;
		}
	}
	return false;
}

static bool passes_ceiling(const struct plan *plan, double ceiling)
{
	if (!plan->projection.known)
		return true;
	for (size_t i = 0; i < plan->projection.line_count; i++) {
		const struct projection_line *line = &plan->projection.lines[i];
		if (line->changed &&
			(!line->known || (line->use_high > ceiling + SLACK &&
						 line->use_high > line->use_most_before + SLACK)))
			return true;
	}
	return false;
}

static bool is_too_far(const struct plan *plan, const struct guard_config *limits)
{
	double most = plan->verb->class == CLASS_SHIFT ? plan->from * limits->max_divert
						       : plan->from * (limits->max_step - 1);
	return !(fabs(plan->to - plan->from) <= most + SLACK);
}

void violations_judge(struct violations *violations, const struct plan *plan,
	const struct guard_config *limits, const struct snapshot *snapshot, int64_t now_ms)
{
	unsigned *counts = violations->counts;
	counts[VIOLATION_BLOCKED] += plan->blocked;
	counts[VIOLATION_STALE] += is_stale(plan, snapshot, now_ms - limits->max_age_ms);
	counts[VIOLATION_CEILING] += passes_ceiling(plan, limits->ceiling);
	counts[VIOLATION_BLAST] += !(plan->projection.moved_share <= limits->blast_radius + SLACK);
	/* Back up is paced by another measure, and only a runbook's own weights go back up. */
	if (plan->verb->class != CLASS_SHIFT || plan->to < plan->from)
		counts[VIOLATION_STEP] += is_too_far(plan, limits);
}
