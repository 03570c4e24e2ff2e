#include "actions/guard_assert.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "actions/guard_policy.h"
#include "actions/runbook_parts.h"
#include "core/assess/assess.h"
#include "core/base/error.h"
#include "core/base/expression.h"
#include "core/base/text.h"
#include "core/fleet/snapshot.h"

#define BEFORE "before."
#define BEFORE_LENGTH (sizeof(BEFORE) - 1)

const struct guard_assert *guard_assert_find(const struct guard_config *limits, const char *name)
{
	for (size_t i = 0; i < limits->assert_count; i++) {
		if (strcmp(limits->asserts[i].name, name) == 0)
			return &limits->asserts[i];
	}
	return NULL;
}

bool guard_assert_lookup_name(
	void *context, const char *name, const char *argument, struct expression_value *out)
{
	(void)context;
	*out = (struct expression_value){.kind = EXPRESSION_UNKNOWN};
	if (strncmp(name, BEFORE, BEFORE_LENGTH) == 0)
		name += BEFORE_LENGTH;
	return runbook_name_exists(name, argument != NULL);
}

/* What is asked, and of what. */
struct after {
	const struct guard_context *context;
	struct runbook_view view;
};

static void set(struct expression_value *out, double value)
{
	*out = (struct expression_value){
		.kind = isnan(value) ? EXPRESSION_UNKNOWN : EXPRESSION_NUMBER,
		.number = isnan(value) ? 0 : value,
	};
}

static uint32_t cluster_of(const struct after *after, const char *argument)
{
	const struct guard_context *context = after->context;
	if (strcmp(argument, GUARD_ASSERT_TARGET) == 0)
		return fleet_cluster_of(context->snapshot->fleet, context->plan->target);
	return runbook_cluster(&after->view, argument);
}

/* Of a cluster that the change touches; false: it does not. */
static bool use_after(const struct after *after, uint32_t cluster, struct expression_value *out)
{
	const struct projection *projection = &after->context->plan->projection;
	if (after->context->plan->verb->move == MOVE_NOTHING)
		return false;
	if (!projection->known) {
		set(out, NAN);
		return true;
	}
	for (size_t i = 0; i < projection->line_count; i++) {
		const struct projection_line *line = &projection->lines[i];
		if (line->cluster != cluster || !line->changed)
			continue;
		set(out, line->known ? line->use_high : NAN);
		return true;
	}
	return false;
}

/* How many more serve by the change: of the fleet, or of one cluster. */
static int more_serving(const struct after *after, uint32_t cluster)
{
	const struct guard_context *context = after->context;
	const struct plan *plan = context->plan;
	const struct snapshot *snapshot = context->snapshot;
	enum move_kind move = plan->verb->move;
	if ((move != MOVE_LOSE_REPLICA && move != MOVE_RETURN_REPLICA) ||
		(cluster != ENTITY_NONE &&
			fleet_cluster_of(snapshot->fleet, plan->target) != cluster))
		return 0;
	bool serves = target_serves(snapshot, plan->target);
	return move == MOVE_LOSE_REPLICA ? -(int)serves : (int)!serves;
}

/* What the verb sets, read at the target or below it; false: that is not asked for. */
static bool setting_after(const struct after *after, const char *name, const char *argument,
	struct expression_value *out)
{
	const struct guard_context *context = after->context;
	const struct fleet *fleet = context->snapshot->fleet;
	const struct plan *plan = context->plan;
	const struct signal_row *row = signal_row(plan->verb->reads);
	if (strcmp(name, row->name) != 0)
		return false;
	uint32_t entity = fleet_find_path(fleet, plan->verb->target, argument);
	if (entity == plan->target) {
		bool adds_up = context->value->per_replica && row->merge == MERGE_SUM;
		set(out, adds_up ? plan->to * (double)context->value->count : plan->to);
		return true;
	}
	entity = fleet_find_path(fleet, ENTITY_REPLICA, argument);
	if (!context->value->per_replica || entity == ENTITY_NONE ||
		fleet_cluster_of(fleet, entity) != plan->target ||
		!target_serves(context->snapshot, entity))
		return false;
	set(out, plan->to);
	return true;
}

static bool look_after(
	void *context, const char *name, const char *argument, struct expression_value *out)
{
	struct after *after = context;
	bool is_before = strncmp(name, BEFORE, BEFORE_LENGTH) == 0;
	uint32_t cluster = argument ? cluster_of(after, argument) : ENTITY_NONE;
	if (is_before)
		name += BEFORE_LENGTH;
	if (argument && strcmp(argument, GUARD_ASSERT_TARGET) == 0 && cluster != ENTITY_NONE)
		argument = fleet_entity(after->context->snapshot->fleet, cluster)->path;
	if (!is_before && strcmp(name, "cluster.use") == 0 && cluster != ENTITY_NONE &&
		use_after(after, cluster, out))
		return true;
	if (!is_before && argument && setting_after(after, name, argument, out))
		return true;
	bool exists = runbook_lookup(&after->view, name, argument, out);
	if (!is_before && strcmp(name, "replicas.serving") == 0 && out->kind == EXPRESSION_NUMBER)
		out->number += more_serving(after, cluster);
	return exists;
}

void guard_assert_check(const struct guard_context *context, const struct guard_assert *assertion,
	struct verdict *out)
{
	struct error error = {.kind = ERROR_NONE};
	struct after after = {.context = context,
		.view = {.snapshot = context->snapshot,
			.assessment = context->assessment,
			.worst = ENTITY_NONE}};
	if (!expression_check(assertion->that, look_after, &after, &error)) {
		guard_say(out, VERDICT_UNKNOWN, "cannot be judged: %.250s", error.text);
		return;
	}
	struct text text;
	text_init(&text, ACTION_TEXT_BYTES * 4);
	expression_explain(assertion->that, look_after, &after, &text);
	switch (expression_test(assertion->that, look_after, &after)) {
	case TRUTH_TRUE:
		guard_say(out, VERDICT_PASS, "%.300s", text_string(&text));
		break;
	case TRUTH_FALSE:
		guard_say(out, VERDICT_BLOCK, "would not hold: %.280s", text_string(&text));
		break;
	case TRUTH_UNKNOWN:
		guard_say(out, VERDICT_UNKNOWN, "not known whether it would hold: %.270s",
			text_string(&text));
		break;
	}
	text_finish(&text);
}
