#include <math.h>
#include <stdio.h>
#include <string.h>

#include "actions/runbook_parts.h"
#include "actions/target.h"
#include "core/assess/assess.h"
#include "core/fleet/snapshot.h"

uint32_t runbook_cluster(const struct runbook_view *view, const char *name)
{
	if (strcmp(name, RUNBOOK_WORST) != 0)
		return fleet_find_path(view->snapshot->fleet, ENTITY_CLUSTER, name);
	if (view->worst != ENTITY_NONE || !view->assessment || view->assessment->cluster_count == 0)
		return view->worst;
	return view->assessment->clusters[0].cluster;
}

/* What a name asks of an assessment; NAN: not known. */
typedef double fleet_fn(const struct assessment *assessment);
typedef double cluster_fn(const struct cluster_assessment *row);

static double phase_of(const struct assessment *assessment)
{
	return assessment->phase == PHASE_BLIND ? NAN : (double)assessment->phase;
}

static double severity_of(const struct assessment *assessment)
{
	return assessment->severity == SEVERITY_UNKNOWN ? NAN : (double)assessment->severity;
}

static double stage_of(const struct assessment *assessment, enum stage stage)
{
	return assessment->stages[stage].known ? assessment->stages[stage].now : NAN;
}

static double failures_of(const struct assessment *assessment)
{
	return stage_of(assessment, STAGE_AUTH);
}

static double attempts_of(const struct assessment *assessment)
{
	return stage_of(assessment, STAGE_ATTEMPTS);
}

static double errors_of(const struct assessment *assessment)
{
	return stage_of(assessment, STAGE_ERRORS);
}

static double serving_of(const struct assessment *assessment)
{
	const struct stage_assessment *stage = &assessment->stages[STAGE_REPLICAS];
	return stage->known ? stage->count : NAN;
}

static double expected_of(const struct assessment *assessment)
{
	const struct stage_assessment *stage = &assessment->stages[STAGE_REPLICAS];
	return stage->known ? stage->of : NAN;
}

static double headroom_of(const struct assessment *assessment)
{
	return assessment->contingency.known ? assessment->contingency.headroom : NAN;
}

static double age_of(const struct assessment *assessment)
{
	return assessment->age_ms < 0 ? NAN : (double)assessment->age_ms;
}

static double goodput_of(const struct assessment *assessment)
{
	return assessment->goodput;
}

static double cluster_serving(const struct cluster_assessment *row)
{
	return row->replicas_up;
}

static double cluster_expected(const struct cluster_assessment *row)
{
	return row->replicas_expected;
}

static double cluster_waiting(const struct cluster_assessment *row)
{
	return row->waiting;
}

static double cluster_use(const struct cluster_assessment *row)
{
	return row->pool_use;
}

static double cluster_errors(const struct cluster_assessment *row)
{
	return row->errors;
}

static double cluster_headroom(const struct cluster_assessment *row)
{
	return row->contingency.known ? row->contingency.headroom : NAN;
}

static const struct {
	const char *name;
	fleet_fn *fleet;     /* without an argument; NULL: it needs one */
	cluster_fn *cluster; /* with a cluster as argument; NULL: it takes none */
} names[] = {
	{"phase", phase_of, NULL},
	{"severity", severity_of, NULL},
	{"surface.errors", errors_of, NULL},
	{"service.failures", failures_of, NULL},
	{"service.attempts", attempts_of, NULL},
	{"replicas.serving", serving_of, cluster_serving},
	{"replicas.expected", expected_of, cluster_expected},
	{"headroom", headroom_of, cluster_headroom},
	{"age", age_of, NULL},
	{"goodput", goodput_of, NULL},
	{"cluster.waiting", NULL, cluster_waiting},
	{"cluster.use", NULL, cluster_use},
	{"cluster.errors", NULL, cluster_errors},
};
#define NAMES (sizeof(names) / sizeof(names[0]))

static void set_number(struct expression_value *out, double value)
{
	out->kind = isnan(value) ? EXPRESSION_UNKNOWN : EXPRESSION_NUMBER;
	out->number = isnan(value) ? 0 : value;
}

static bool look_at_cluster(const struct runbook_view *view, cluster_fn *fn, const char *argument,
	struct expression_value *out)
{
	uint32_t cluster = runbook_cluster(view, argument);
	bool is_worst = strcmp(argument, RUNBOOK_WORST) == 0;
	const struct cluster_assessment *row =
		cluster != ENTITY_NONE && view->assessment
			? assessment_cluster(view->assessment, cluster)
			: NULL;
	if (row && !row->stale)
		set_number(out, fn(row));
	return cluster != ENTITY_NONE || is_worst;
}

static bool look_at_surface(
	const struct runbook_view *view, const char *argument, struct expression_value *out)
{
	bool exists =
		fleet_find_path(view->snapshot->fleet, ENTITY_SURFACE, argument) != ENTITY_NONE;
	for (size_t i = 0; view->assessment && i < view->assessment->surface_count; i++) {
		const struct surface_assessment *surface = &view->assessment->surfaces[i];
		if (strcmp(surface->name, argument) != 0)
			continue;
		exists = true;
		if (surface->known)
			set_number(out, surface->ratio);
	}
	return exists;
}

/* A cluster's own reading, or one merged from its serving replicas, every one of which must be
 * known. */
static double merged(const struct snapshot *snapshot, uint32_t entity, enum signal signal)
{
	double value = NAN;
	const struct signal_row *row = signal_row(signal);
	if (snapshot_value(snapshot, entity, signal, &value))
		return value;
	if (fleet_entity(snapshot->fleet, entity)->kind != ENTITY_CLUSTER ||
		!(row->entities & 1u << ENTITY_REPLICA) || row->merge == MERGE_NONE)
		return NAN;
	double all = NAN;
	uint32_t replica = ENTITY_NONE;
	while ((replica = fleet_next(snapshot->fleet, ENTITY_REPLICA, entity, replica)) !=
		ENTITY_NONE) {
		if (!target_serves(snapshot, replica))
			continue;
		if (!snapshot_value(snapshot, replica, signal, &value))
			return NAN;
		if (isnan(all))
			all = value;
		else if (row->merge == MERGE_SUM)
			all += value;
		else
			all = row->merge == MERGE_WORST_HIGH ? fmax(all, value) : fmin(all, value);
	}
	return all;
}

static bool look_at_signal(const struct runbook_view *view, const char *name, const char *argument,
	struct expression_value *out)
{
	enum signal signal = SIGNAL_COUNT;
	if (!argument || !signal_find(name, &signal) || signal_row(signal)->derived)
		return false;
	if (strcmp(argument, RUNBOOK_WORST) == 0) {
		uint32_t worst = runbook_cluster(view, argument);
		if (worst != ENTITY_NONE && worst < view->snapshot->entity_count)
			set_number(out, merged(view->snapshot, worst, signal));
		return true;
	}
	for (int kind = ENTITY_FLEET; kind < ENTITY_KIND_COUNT; kind++) {
		bool fits =
			(signal_row(signal)->entities & 1u << kind) != 0 || kind == ENTITY_CLUSTER;
		uint32_t entity = fits ? fleet_find_path(view->snapshot->fleet,
						 (enum entity_kind)kind, argument)
				       : ENTITY_NONE;
		if (entity == ENTITY_NONE || entity >= view->snapshot->entity_count)
			continue;
		set_number(out, merged(view->snapshot, entity, signal));
		return true;
	}
	return false;
}

/* ---- what was before ---- */

static const char before_prefix[] = "before.";

static void before_key(const char *name, const char *argument, char out[96])
{
	snprintf(out, 96, "%.60s[%.30s]", name, argument ? argument : "");
}

static bool look_before(const struct runbook_view *view, const char *name, const char *argument,
	struct expression_value *out)
{
	char key[96];
	struct expression_value now;
	struct runbook_view plain = *view;
	bool exists = runbook_lookup(&plain, name, argument, &now);
	before_key(name, argument, key);
	for (size_t i = 0; view->before && i < view->before->count; i++) {
		if (strcmp(view->before->rows[i].name, key) == 0)
			set_number(out, view->before->rows[i].value);
	}
	return exists;
}

struct keeper {
	struct runbook_view view;
	struct runbook_before *out;
};

static bool keep_one(
	void *context, const char *name, const char *argument, struct expression_value *out)
{
	struct keeper *keeper = context;
	struct runbook_before *before = keeper->out;
	*out = (struct expression_value){.kind = EXPRESSION_UNKNOWN};
	if (strncmp(name, before_prefix, sizeof(before_prefix) - 1) != 0 ||
		before->count == RUNBOOK_BEFORE_MOST)
		return true;
	name += sizeof(before_prefix) - 1;
	before_key(name, argument, before->rows[before->count].name);
	runbook_lookup(&keeper->view, name, argument, out);
	before->rows[before->count++].value = out->kind == EXPRESSION_NUMBER ? out->number : NAN;
	return true;
}

void runbook_keep_before(const struct expression *expression, const struct runbook_view *view,
	struct runbook_before *out)
{
	struct keeper keeper = {.view = *view, .out = out};
	if (expression)
		expression_check(expression, keep_one, &keeper, NULL);
}

bool runbook_name_exists(const char *name, bool has_argument)
{
	enum signal signal = SIGNAL_COUNT;
	if (strcmp(name, "phase.name") == 0)
		return !has_argument;
	if (strcmp(name, "surface.errors") == 0)
		return true;
	for (size_t i = 0; i < NAMES; i++) {
		if (strcmp(names[i].name, name) == 0)
			return has_argument ? names[i].cluster != NULL : names[i].fleet != NULL;
	}
	return has_argument && signal_find(name, &signal) && !signal_row(signal)->derived;
}

bool runbook_lookup(
	void *context, const char *name, const char *argument, struct expression_value *out)
{
	const struct runbook_view *view = context;
	*out = (struct expression_value){.kind = EXPRESSION_UNKNOWN};
	if (strncmp(name, before_prefix, sizeof(before_prefix) - 1) == 0)
		return look_before(view, name + sizeof(before_prefix) - 1, argument, out);
	if (strcmp(name, "phase.name") == 0 && !argument) {
		if (view->assessment) {
			out->kind = EXPRESSION_STRING;
			out->string = phase_name(view->assessment->phase);
		}
		return true;
	}
	if (strcmp(name, "surface.errors") == 0 && argument)
		return look_at_surface(view, argument, out);
	for (size_t i = 0; i < NAMES; i++) {
		if (strcmp(names[i].name, name) != 0)
			continue;
		if (argument && names[i].cluster)
			return look_at_cluster(view, names[i].cluster, argument, out);
		if (argument || !names[i].fleet)
			return false;
		if (view->assessment)
			set_number(out, names[i].fleet(view->assessment));
		return true;
	}
	return look_at_signal(view, name, argument, out);
}
