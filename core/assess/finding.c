#include "core/assess/finding.h"

#include <math.h>
#include <string.h>

#include "core/assess/chain.h"
#include "core/assess/cluster.h"
#include "core/assess/limits.h"
#include "core/assess/sentence.h"
#include "core/fleet/snapshot.h"

bool source_is_stale(const struct source_status *source, int64_t now_ms)
{
	if (source->last_ok_ms == 0)
		return source->state == SOURCE_FAILING;
	int64_t interval_ms = source->interval_ms > 0 ? source->interval_ms : 1;
	return now_ms - source->last_ok_ms > 3 * interval_ms;
}

/* What cannot be seen comes after what is known to be bad, and before what only may become so. */
static int urgency(enum severity severity)
{
	static const int ranks[] = {
		[SEVERITY_OK] = 0,
		[SEVERITY_WARNING] = 1,
		[SEVERITY_UNKNOWN] = 2,
		[SEVERITY_CRITICAL] = 3,
	};
	return ranks[severity];
}

/* A place for one more, in order; NULL when the list is full of worse ones. */
static struct finding *insert(struct assessment *out, enum severity severity)
{
	size_t at = 0;
	while (at < out->finding_count && urgency(out->findings[at].severity) >= urgency(severity))
		at++;
	if (at == ASSESSMENT_FINDINGS_MOST)
		return NULL;
	if (out->finding_count < ASSESSMENT_FINDINGS_MOST)
		out->finding_count++;
	memmove(&out->findings[at + 1], &out->findings[at],
		(out->finding_count - 1 - at) * sizeof(out->findings[0]));
	return &out->findings[at];
}

static bool begin(struct assessment *out, struct sentence *sentence, enum severity severity,
	uint32_t entity, int64_t since_ms)
{
	struct finding *finding = insert(out, severity);
	if (!finding)
		return false;
	finding->severity = severity;
	finding->entity = entity;
	finding->since_ms = since_ms;
	sentence_begin(sentence, finding->text, sizeof(finding->text));
	return true;
}

/* ---- replicas ---- */

static const struct maintenance *planned(const struct snapshot *snapshot, uint32_t replica)
{
	size_t count;
	const struct maintenance *list = fleet_maintenance(snapshot->fleet, &count);
	for (size_t i = 0; i < count; i++) {
		if (list[i].replica == replica && list[i].from_ms <= snapshot->at_ms &&
			snapshot->at_ms < list[i].until_ms)
			return &list[i];
	}
	return NULL;
}

/* It serves, but what it serves is old. */
static void find_lag(const struct finding_inputs *in, uint32_t id, const char *path)
{
	int64_t since_ms = in->replicas[id].lagging_ms;
	struct sentence sentence;
	double lag_s;
	if (!snapshot_value(in->snapshot, id, SIGNAL_REPLICA_LAG, &lag_s) ||
		!begin(in->assessment, &sentence, SEVERITY_WARNING, id, since_ms))
		return;
	sentence_add(&sentence, "replica %s is ", path);
	sentence_add_seconds(&sentence, lag_s);
	sentence_add(&sentence, " behind its primary, too far since ");
	sentence_add_time(&sentence, since_ms);
}

static void find_replica(const struct finding_inputs *in, uint32_t id)
{
	const struct replica_memory *memory = &in->replicas[id];
	const char *path = fleet_entity(in->snapshot->fleet, id)->path;
	const struct maintenance *window = planned(in->snapshot, id);
	struct sentence sentence;
	bool away = memory->state == REPLICA_AWAY;
	if (replica_is_out(memory->state)) {
		enum severity severity = away || window ? SEVERITY_WARNING : SEVERITY_CRITICAL;
		if (!begin(in->assessment, &sentence, severity, id, memory->since_ms))
			return;
		sentence_add(
			&sentence, "replica %s %s since ", path, away ? "in maintenance" : "down");
		sentence_add_time(&sentence, memory->since_ms);
		if (window && window->by[0])
			sentence_add(&sentence, ", planned by %s", window->by);
		else if (window)
			sentence_add(&sentence, ", planned");
	} else if (memory->state == REPLICA_UNKNOWN) {
		if (!begin(in->assessment, &sentence, SEVERITY_UNKNOWN, id, memory->since_ms))
			return;
		sentence_add(
			&sentence, "replica %s unknown: nothing fresh is said of it since ", path);
		sentence_add_time(&sentence, memory->since_ms);
	} else if (memory->lagging_ms != 0) {
		find_lag(in, id, path);
	}
}

/* ---- clusters ---- */

static void find_contingency(
	const struct finding_inputs *in, const struct cluster_assessment *row, const char *path)
{
	const struct contingency *loss = &row->contingency;
	struct sentence sentence;
	if (!loss->known || loss->utilisation_after < VULNERABLE_TRIP ||
		phase_badness(row->phase) >= phase_badness(PHASE_SATURATION) ||
		!begin(in->assessment, &sentence, SEVERITY_WARNING, row->cluster, 0))
		return;
	if (isinf(loss->utilisation_after)) {
		sentence_add(&sentence, "%s stands on one replica: losing it leaves nothing", path);
		return;
	}
	sentence_add(&sentence, "losing one replica would take the rest of %s from ", path);
	sentence_add_percent(&sentence, loss->utilisation_now);
	sentence_add(&sentence, " to ");
	sentence_add_percent(&sentence, loss->utilisation_after);
	if (loss->utilisation_after > 1) {
		sentence_add(&sentence, ", clients time out after about ");
		sentence_add_seconds(&sentence, loss->seconds_to_timeout);
	}
}

/* Said while it is still ahead. */
static void find_exhaustion(
	const struct finding_inputs *in, const struct cluster_assessment *row, const char *path)
{
	struct sentence sentence;
	if (!row->exhaustion.known ||
		phase_badness(row->phase) >= phase_badness(PHASE_SATURATION) ||
		!begin(in->assessment, &sentence, SEVERITY_WARNING, row->cluster, 0))
		return;
	sentence_add(&sentence, "pools of %s fill by %.1f connections a minute: full in ", path,
		row->exhaustion.per_minute);
	sentence_add_seconds(&sentence, row->exhaustion.low_s);
	sentence_add(&sentence, " to ");
	sentence_add_seconds(&sentence, row->exhaustion.high_s);
}

static void find_pools(const struct finding_inputs *in, const struct cluster_assessment *row,
	const char *path, int64_t since_ms)
{
	struct sentence sentence;
	bool full = row->pool_use >= row->knee &&
		    phase_badness(row->phase) >= phase_badness(PHASE_SATURATION);
	if (!full || !begin(in->assessment, &sentence, SEVERITY_CRITICAL, row->cluster, since_ms))
		return;
	sentence_add(&sentence, "pools of %s %s: ", path,
		row->pool_use >= FULL_USE ? "full" : "past their knee");
	if (isnan(row->pool_max)) {
		sentence_add_percent(&sentence, row->pool_use);
		sentence_add(&sentence, " of what is known");
	} else {
		sentence_add(
			&sentence, "%.0f of %.0f connections busy", row->pool_used, row->pool_max);
	}
	if (!isnan(row->waiting))
		sentence_add(&sentence, ", %.0f clients wait", row->waiting);
	if (!isnan(row->wait_ms))
		sentence_add(&sentence, " %.0f ms", row->wait_ms);
}

static void find_cluster(
	const struct finding_inputs *in, const struct cluster_assessment *row, const char *path)
{
	struct assessment *out = in->assessment;
	struct sentence sentence;
	if (row->phase == PHASE_BLIND && begin(out, &sentence, SEVERITY_UNKNOWN, row->cluster, 0)) {
		sentence_add(&sentence,
			"%s can't be judged: more than half of its readings are "
			"stale or missing",
			path);
	}
	find_contingency(in, row, path);
	find_exhaustion(in, row, path);
	find_pools(in, row, path, out->stages[STAGE_POOL].onset_ms);
	if (chain_error_severity(row->auth_failures, out->stages[STAGE_AUTH].baseline,
		    row->auth_events) == SEVERITY_CRITICAL &&
		begin(out, &sentence, SEVERITY_CRITICAL, row->cluster,
			out->stages[STAGE_AUTH].onset_ms)) {
		sentence_add(&sentence, "auth failures in %s: ", path);
		sentence_add_percent(&sentence, row->auth_failures);
		sentence_add(&sentence, " of first tries");
	}
	if (row->attempts >= phase_attempts_trip(ATTEMPTS_TRIP, row->attempts_events) &&
		begin(out, &sentence, SEVERITY_CRITICAL, row->cluster,
			out->stages[STAGE_ATTEMPTS].onset_ms)) {
		sentence_add(&sentence, "retries amplify in %s: %.1f attempts per first try, ",
			path, row->attempts);
		sentence_add_percent(&sentence, 1 - 1 / row->attempts);
		sentence_add(&sentence, " of the load is retries");
	}
}

/* ---- fleet-wide ---- */

static void find_surfaces(const struct finding_inputs *in)
{
	struct assessment *out = in->assessment;
	for (size_t i = 0; i < out->surface_count; i++) {
		const struct surface_assessment *surface = &out->surfaces[i];
		struct sentence sentence;
		if (surface->severity != SEVERITY_CRITICAL ||
			!begin(out, &sentence, SEVERITY_CRITICAL, ENTITY_NONE,
				out->stages[STAGE_ERRORS].onset_ms))
			continue;
		sentence_add(&sentence, "users of %s see errors: ", surface->name);
		sentence_add_percent(&sentence, surface->ratio);
		sentence_add(&sentence, " (%.0f/s of %.0f/s)", surface->errors, surface->requests);
	}
}

/* Services that are measured only fleet-wide have no cluster to be told with. */
static void find_services(const struct finding_inputs *in)
{
	struct assessment *out = in->assessment;
	const struct stage_assessment *auth = &out->stages[STAGE_AUTH];
	const struct stage_assessment *attempts = &out->stages[STAGE_ATTEMPTS];
	struct sentence sentence;
	if (auth->severity == SEVERITY_CRITICAL && auth->worst == ENTITY_NONE &&
		begin(out, &sentence, SEVERITY_CRITICAL, ENTITY_ROOT, auth->onset_ms)) {
		sentence_add(&sentence, "auth failures: ");
		sentence_add_percent(&sentence, auth->now);
		sentence_add(&sentence, " of first tries");
	}
	if (attempts->severity == SEVERITY_CRITICAL && attempts->worst == ENTITY_NONE &&
		begin(out, &sentence, SEVERITY_CRITICAL, ENTITY_ROOT, attempts->onset_ms))
		sentence_add(
			&sentence, "retries amplify: %.1f attempts per first try", attempts->now);
}

static void find_sources(const struct finding_inputs *in)
{
	const struct snapshot *snapshot = in->snapshot;
	for (size_t i = 0; i < snapshot->source_count; i++) {
		const struct source_status *source = &snapshot->sources[i];
		bool stale = source_is_stale(source, snapshot->at_ms);
		bool troubled = source->state == SOURCE_FAILING || source->state == SOURCE_PARTIAL;
		struct sentence sentence;
		if (!stale && !troubled)
			continue;
		enum severity severity = stale ? SEVERITY_UNKNOWN : SEVERITY_WARNING;
		if (!begin(in->assessment, &sentence, severity, ENTITY_NONE, source->last_ok_ms))
			return;
		sentence_add(&sentence, "source %s ", source->name);
		if (source->state == SOURCE_PARTIAL)
			sentence_add(&sentence, "gives only part of its figures");
		else if (source->last_ok_ms == 0)
			sentence_add(&sentence, "has never answered");
		else {
			sentence_add(&sentence, "last answered ");
			sentence_add_seconds(
				&sentence, (double)(snapshot->at_ms - source->last_ok_ms) / 1000);
			sentence_add(&sentence, " ago");
		}
		if (source->trouble[0])
			sentence_add(&sentence, ": %s", source->trouble);
	}
}

static void find_crowd(const struct finding_inputs *in)
{
	struct sentence sentence;
	if (in->view_count > ASSESSMENT_CLUSTERS_MOST &&
		begin(in->assessment, &sentence, SEVERITY_WARNING, ENTITY_ROOT, 0))
		sentence_add(&sentence, "%zu clusters are there, the worst %d are listed",
			in->view_count, ASSESSMENT_CLUSTERS_MOST);
}

void findings_make(const struct finding_inputs *inputs)
{
	struct assessment *out = inputs->assessment;
	const struct fleet *fleet = inputs->snapshot->fleet;
	out->finding_count = 0;
	find_surfaces(inputs);
	find_services(inputs);
	for (size_t i = 0; i < out->cluster_count; i++) {
		const struct cluster_assessment *row = &out->clusters[i];
		find_cluster(inputs, row, fleet_entity(fleet, row->cluster)->path);
	}
	for (uint32_t id = fleet_next(fleet, ENTITY_REPLICA, ENTITY_NONE, ENTITY_NONE);
		id < inputs->snapshot->entity_count;
		id = fleet_next(fleet, ENTITY_REPLICA, ENTITY_NONE, id))
		find_replica(inputs, id);
	find_sources(inputs);
	find_crowd(inputs);
}
