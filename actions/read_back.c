#include "actions/read_back.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "actions/target.h"
#include "actions/template.h"
#include "core/assess/assess.h"
#include "core/base/number.h"
#include "core/fleet/snapshot.h"

/* A queue that was growing goes on for a moment, and small ones jump about. */
#define WAITING_FACTOR 1.5
#define WAITING_SLACK 10.0
#define USE_SLACK 0.05

static enum read_back_kind compare(const struct plan *plan, const struct target_value *value)
{
	size_t to = 0;
	size_t from = 0;
	for (size_t i = 0; i < value->count; i++) {
		to += target_equal(value->values[i], plan->to);
		from += target_equal(value->values[i], plan->from);
	}
	if (to == value->count)
		return READ_BACK_TO;
	if (to > 0)
		return READ_BACK_PARTLY;
	return from == value->count ? READ_BACK_FROM : READ_BACK_OTHER;
}

static const struct plan_effect *effect_of(const struct plan *plan, const char *cluster)
{
	for (size_t i = 0; i < plan->effect_count; i++) {
		if (strcmp(plan->effects[i].cluster, cluster) == 0)
			return &plan->effects[i];
	}
	return NULL;
}

/* A cluster that took traffic must not have been pushed past the ceiling by it. */
static enum effect survivors(const struct plan *plan, const struct guard_config *limits,
	const struct snapshot *snapshot, const struct assessment *assessment, char *text,
	size_t text_size)
{
	uint32_t own = fleet_cluster_of(snapshot->fleet, plan->target);
	for (size_t i = 0; i < assessment->cluster_count; i++) {
		const struct cluster_assessment *row = &assessment->clusters[i];
		const char *name = fleet_entity(snapshot->fleet, row->cluster)->name;
		const struct plan_effect *before = effect_of(plan, name);
		if (!before || row->cluster == own || !(before->share_after > before->share_before))
			continue;
		if (row->stale || !(row->pool_max > 0) || isnan(row->pool_used))
			return EFFECT_UNKNOWN;
		double waiting = isnan(row->waiting) ? 0 : row->waiting;
		double use = (row->pool_used + waiting) / row->pool_max;
		if (use > limits->ceiling && !(use <= before->use_before + USE_SLACK)) {
			snprintf(text, text_size, "%.60s went from %.0f%% to %.0f%%, past %.0f%%",
				name, before->use_before * 100, use * 100, limits->ceiling * 100);
			return EFFECT_WORSE;
		}
	}
	return EFFECT_GOOD;
}

/* False when a cluster that counts cannot be seen. */
static bool sum_waiting(const struct plan *plan, const struct snapshot *snapshot,
	const struct assessment *assessment, double *out)
{
	uint32_t own = fleet_cluster_of(snapshot->fleet, plan->target);
	size_t seen = 0;
	*out = 0;
	for (size_t i = 0; i < assessment->cluster_count; i++) {
		const struct cluster_assessment *row = &assessment->clusters[i];
		if (own != ENTITY_NONE && row->cluster != own)
			continue;
		if (row->stale)
			return false;
		*out += row->waiting;
		seen++;
	}
	return seen > 0;
}

double read_back_waiting(const struct plan *plan, const struct snapshot *snapshot,
	const struct assessment *assessment)
{
	double waiting = NAN;
	return sum_waiting(plan, snapshot, assessment, &waiting) ? waiting : NAN;
}

static enum effect judge(const struct plan *plan, const struct guard_config *limits,
	const struct snapshot *snapshot, const struct assessment *assessment, char *text,
	size_t text_size)
{
	double waiting = 0;
	/* Those who wait behind a pause do so on purpose; what touches no pool cannot harm one. */
	if (plan->verb->move == MOVE_PAUSE_POOL || plan->verb->move == MOVE_NOTHING)
		return EFFECT_GOOD;
	if (!sum_waiting(plan, snapshot, assessment, &waiting))
		return EFFECT_UNKNOWN;
	/* Taking weight off, growing pools, returning a replica relieves; the reverse may load it.
	 */
	bool relieves =
		plan->verb->class == CLASS_GROW ? plan->to > plan->from : plan->to < plan->from;
	double most = plan->waiting_before * (relieves ? WAITING_FACTOR : 1) + WAITING_SLACK;
	if (waiting > most) {
		snprintf(text, text_size, "clients waiting at %.80s went from %.0f to %.0f",
			plan->target_path, plan->waiting_before, waiting);
		return EFFECT_WORSE;
	}
	return survivors(plan, limits, snapshot, assessment, text, text_size);
}

/* A replica that was asked and cannot be seen any more may have what it was asked for, whatever
 * others that have come back meanwhile say. */
static size_t count_seen(const struct plan *plan, const struct target_value *value)
{
	size_t seen = 0;
	for (size_t i = 0; i < plan->request_count; i++) {
		bool is_there = plan->requests[i].replica == ENTITY_NONE;
		for (size_t j = 0; j < value->count && !is_there; j++)
			is_there = value->entities[j] == plan->requests[i].replica;
		seen += is_there;
	}
	return seen;
}

void read_back_see(const struct plan *plan, const struct guard_config *limits,
	const struct snapshot *snapshot, const struct assessment *assessment, int64_t after_ms,
	uint64_t after_generation, struct read_back *out)
{
	struct target_value value;
	char worse[ACTION_TEXT_BYTES / 2] = "";
	char number[NUMBER_TEXT_BYTES] = "?";
	*out = (struct read_back){.kind = READ_BACK_NONE, .value = NAN, .effect = EFFECT_UNKNOWN};
	target_read(snapshot, plan->verb, plan->target, &value);
	if (snapshot->generation <= after_generation || !value.known ||
		value.oldest_at_ms <= after_ms) {
		snprintf(out->text, sizeof(out->text), "no reading of %s of %s is newer than that",
			signal_row(plan->verb->reads)->name, plan->target_path);
		return;
	}
	out->kind = compare(plan, &value);
	size_t seen = value.per_replica ? count_seen(plan, &value) : plan->request_count;
	if (seen < plan->request_count && out->kind != READ_BACK_PARTLY) {
		out->kind = READ_BACK_NONE;
		out->value = value.low;
		snprintf(out->text, sizeof(out->text),
			"only %zu of the %zu pools of %s that were asked can be seen", seen,
			plan->request_count, plan->target_path);
		return;
	}
	out->value = value.low;
	out->effect = judge(plan, limits, snapshot, assessment, worse, sizeof(worse));
	template_number(value.low, number, sizeof(number), NULL);
	snprintf(out->text, sizeof(out->text), "%s of %.80s is now %s%s%s%.140s",
		signal_row(plan->verb->reads)->name, plan->target_path, number,
		out->kind == READ_BACK_PARTLY ? " in part" : "", worse[0] ? ", but " : "", worse);
}
