#include "actions/executor_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "actions/guard.h"
#include "actions/journal.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/fleet/snapshot.h"

const struct action_config *executor_find_action(
	const struct executor *executor, const char *name, struct error *error)
{
	const char *names[ACTIONS_MOST];
	for (size_t i = 0; i < executor->configs->count; i++) {
		names[i] = executor->configs->rows[i].info.name;
		if (strcmp(names[i], name) == 0)
			return &executor->configs->rows[i];
	}
	const char *nearest = complaints_nearest(name, names, executor->configs->count);
	error_set(error, ERROR_USAGE, "no action '%.60s' in the fleet file%s%s%s", name,
		nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
	return NULL;
}

/* What others do and hold, as far as they have told. */
static void add_others(struct executor *executor, uint32_t target, struct plan_facts *facts,
	const struct snapshot *snapshot, int64_t now_ms)
{
	struct coordination *coordination = executor->coordination;
	facts->holds = executor->in_force;
	facts->hold_count = holds_list(executor->log, now_ms, executor->in_force, HOLDS_MOST);
	if (!coordination || target >= snapshot->entity_count)
		return;
	coordination_look(coordination, coordination_domain(coordination, snapshot, target),
		&executor->beside);
	facts->coordination = &executor->beside;
	size_t own = facts->hold_count;
	facts->hold_count +=
		coordination_holds(coordination, now_ms, executor->in_force + own, HOLDS_MOST);
	for (size_t i = own; i < facts->hold_count; i++) {
		const struct hold *hold = &executor->in_force[i];
		if (hold->set_ms > facts->last_change_ms &&
			strcmp(hold->target_path, fleet_entity(snapshot->fleet, target)->path) == 0)
			facts->last_change_ms = hold->set_ms;
	}
}

/* What people have said: stop, or that they have looked; and how many changes there were since. */
static void add_gate(struct executor *executor, struct plan_facts *facts, int64_t now_ms)
{
	int64_t window_ms = executor->configs->guards.brake_window_ms;
	int64_t oldest_ms = 0;
	executor->gate = (struct gate){.is_closed = false};
	if (executor->journal) {
		gate_read(journal_path(executor->journal), &executor->gate);
		facts->gate = &executor->gate;
	}
	int64_t looked_ms = executor->gate.acknowledged_ms;
	int64_t since_ms = looked_ms > now_ms - window_ms ? looked_ms : now_ms - window_ms;
	facts->recent_changes = run_log_changes_since(executor->log, since_ms, &oldest_ms);
	facts->brake_free_ms = oldest_ms + window_ms;
	facts->brake_tripped_ms = run_log_tripped_ms(
		executor->log, looked_ms, window_ms, (size_t)executor->configs->guards.brake);
}

bool executor_make_plan(struct executor *executor, const struct action_config *action,
	uint32_t target, double to, struct plan_facts *facts, const struct snapshot *snapshot,
	const struct assessment *assessment, int64_t now_ms, struct plan *out, struct error *error)
{
	for (size_t i = 0; i < facts->override_count; i++) {
		if (!guard_may_override(&executor->configs->guards, facts->overrides[i], error))
			return false;
	}
	if (target < snapshot->entity_count)
		facts->last_change_ms = run_log_last_change_ms(
			executor->log, fleet_entity(snapshot->fleet, target)->path);
	add_gate(executor, facts, now_ms);
	if (!executor_read_approvals(executor, now_ms, error))
		return false;
	facts->approvals = executor->approvals;
	add_others(executor, target, facts, snapshot, now_ms);
	facts->is_unattended = executor->is_unattended;
	facts->ticket = executor->ticket;
	facts->is_reaped = executor->journal && executor_is_reaped(executor);
	facts->armed = executor_is_armed(executor, now_ms);
	facts->journal_trouble = executor->journal ? journal_trouble(executor->journal) : NULL;
	return plan_make(action, &executor->configs->guards, facts, snapshot, assessment, target,
		to, now_ms, out, error);
}

static bool plan_by_name(struct executor *executor, const char *action, uint32_t target, double to,
	struct plan_facts *facts, const struct snapshot *snapshot,
	const struct assessment *assessment, int64_t now_ms, struct plan *out, struct error *error)
{
	const struct action_config *config = executor_find_action(executor, action, error);
	return config && executor_make_plan(executor, config, target, to, facts, snapshot,
				 assessment, now_ms, out, error);
}

bool executor_plan(struct executor *executor, const char *action, uint32_t target, double to,
	const char *environment, const char *const *overrides, size_t override_count,
	const struct snapshot *snapshot, const struct assessment *assessment, int64_t now_ms,
	struct plan *out, struct error *error)
{
	struct plan_facts facts = {
		.environment = environment,
		.overrides = overrides,
		.override_count = override_count,
	};
	return plan_by_name(
		executor, action, target, to, &facts, snapshot, assessment, now_ms, out, error);
}

bool executor_plan_for_two(struct executor *executor, const char *action, uint32_t target,
	double to, const char *environment, const struct snapshot *snapshot,
	const struct assessment *assessment, int64_t now_ms, struct plan *out, struct error *error)
{
	struct plan_facts facts = {.environment = environment, .needs_approval = true};
	return plan_by_name(
		executor, action, target, to, &facts, snapshot, assessment, now_ms, out, error);
}

bool executor_was_undone(const struct executor *executor, const char *id)
{
	for (size_t i = 0; i < run_log_count(executor->log); i++) {
		const struct run_entry *entry = run_log_at(executor->log, i);
		if (strcmp(entry->undo_of, id) == 0 && entry->view.code == OUTCOME_DONE)
			return true;
	}
	return false;
}

bool executor_belongs(const struct executor *executor, const char *id, const char *runbook)
{
	const struct run_entry *entry = run_log_find(executor->log, id);
	return entry && !entry->undo_of[0] && strcmp(entry->runbook, runbook) == 0;
}

enum executor_back executor_back(
	const struct executor *executor, const char *id, const struct snapshot *snapshot)
{
	const struct run_entry *entry = run_log_find(executor->log, id);
	struct target_value value;
	if (!entry || !entry->verb)
		return EXECUTOR_BACK_UNKNOWN;
	if (executor_was_undone(executor, id))
		return EXECUTOR_BACK;
	uint32_t target =
		fleet_find_path(snapshot->fleet, entry->verb->target, entry->view.target_path);
	if (target == ENTITY_NONE || target >= snapshot->entity_count)
		return EXECUTOR_BACK_UNKNOWN;
	target_read(snapshot, entry->verb, target, &value);
	if (!value.known)
		return EXECUTOR_BACK_UNKNOWN;
	/* What was read before it ended proves nothing, nor while a lost request may still land. */
	if (value.oldest_at_ms <= run_entry_over_ms(entry))
		return EXECUTOR_BACK_UNKNOWN;
	bool is_from = target_equal(value.low, entry->view.from) &&
		       target_equal(value.high, entry->view.from);
	/* Who is out of sight may yet have what was set. */
	if (is_from && !target_is_whole(snapshot, target, &value))
		return EXECUTOR_BACK_UNKNOWN;
	return is_from ? EXECUTOR_BACK : EXECUTOR_NOT_BACK;
}

/* Every pool must still have what that run set, or what it left as it was. */
static bool check_drift(const struct run_entry *entry, const struct verb_row *undo,
	const struct snapshot *snapshot, uint32_t target, struct error *error)
{
	struct target_value value;
	target_read(snapshot, entry->verb, target, &value);
	if (!value.known && undo->is_release)
		return true;
	if (!value.known)
		return error_set(error, ERROR_REJECTED,
			"%s of %s is not known now: undo would be "
			"blind",
			signal_row(entry->verb->reads)->name, entry->view.target_path);
	for (size_t i = 0; i < value.count; i++) {
		if (!target_equal(value.values[i], entry->view.to) &&
			!target_equal(value.values[i], entry->view.from))
			return error_set(error, ERROR_REJECTED,
				"%s of %s is %.6g now, not the %.6g that %s set: somebody changed "
				"it since",
				signal_row(entry->verb->reads)->name, entry->view.target_path,
				value.values[i], entry->view.to, entry->view.id);
	}
	if (target_equal(value.low, entry->view.from) && target_equal(value.high, entry->view.from))
		return error_set(error, ERROR_USAGE, "%s of %s is %.6g already: nothing to undo",
			signal_row(entry->verb->reads)->name, entry->view.target_path, value.low);
	return true;
}

bool executor_is_past_end(const struct executor *executor, const char *id, int64_t now_ms)
{
	const struct run_entry *entry = run_log_find(executor->log, id);
	return entry && !entry->undo_of[0] && entry->view.expires_ms > 0 &&
	       now_ms >= entry->view.expires_ms;
}

enum undo_kind { UNDO_AT_WISH, UNDO_OF_FAILURE, UNDO_AT_END };

static bool plan_undo(struct executor *executor, const char *id, const char *environment,
	enum undo_kind kind, const struct snapshot *snapshot, const struct assessment *assessment,
	int64_t now_ms, struct plan *out, struct error *error)
{
	const struct run_entry *entry = run_log_find(executor->log, id);
	if (!entry)
		return error_set(error, ERROR_USAGE, "no run '%.20s' in the journal", id);
	if (!entry->view.can_undo)
		return error_set(error, ERROR_USAGE, "run '%s' changed nothing that can be undone",
			entry->view.id);
	if (executor_was_undone(executor, entry->view.id))
		return error_set(error, ERROR_USAGE, "run '%s' was undone already", entry->view.id);
	const struct action_config *action =
		executor_find_action(executor, entry->view.action, error);
	if (!action)
		return false;
	uint32_t target =
		fleet_find_path(snapshot->fleet, entry->verb->target, entry->view.target_path);
	if (target == ENTITY_NONE || action->info.verb != entry->verb)
		return error_set(error, ERROR_USAGE,
			"run '%s' acted on '%s' by %s, which the fleet file no longer has",
			entry->view.id, entry->view.target_path, entry->verb->name);
	const struct action_config *undo = action_undo(action);
	if (!undo)
		return error_set(error, ERROR_USAGE,
			"action '%s' names no 'undo' in the fleet file: take it back by hand%s%s",
			action->info.name, entry->verb->pair ? ", by an action of " : "",
			entry->verb->pair ? entry->verb->pair : "");
	if (!check_drift(entry, undo->info.verb, snapshot, target, error))
		return false;
	action = undo;
	struct plan_facts facts = {.environment = environment,
		.is_undo = true,
		.is_rollback = kind == UNDO_OF_FAILURE,
		.is_end = kind == UNDO_AT_END &&
			  executor_is_past_end(executor, entry->view.id, now_ms),
		.undo_of = entry->view.id,
		.kept = entry->kept,
		.asked = entry->request_count};
	return executor_make_plan(executor, action, target, entry->view.from, &facts, snapshot,
		assessment, now_ms, out, error);
}

bool executor_plan_undo(struct executor *executor, const char *id, const char *environment,
	const struct snapshot *snapshot, const struct assessment *assessment, int64_t now_ms,
	struct plan *out, struct error *error)
{
	return plan_undo(
		executor, id, environment, UNDO_AT_WISH, snapshot, assessment, now_ms, out, error);
}

bool executor_plan_rollback(struct executor *executor, const char *id, const char *environment,
	const struct snapshot *snapshot, const struct assessment *assessment, int64_t now_ms,
	struct plan *out, struct error *error)
{
	return plan_undo(executor, id, environment, UNDO_OF_FAILURE, snapshot, assessment, now_ms,
		out, error);
}

bool executor_plan_end(struct executor *executor, const char *id, const char *environment,
	const struct snapshot *snapshot, const struct assessment *assessment, int64_t now_ms,
	struct plan *out, struct error *error)
{
	return plan_undo(
		executor, id, environment, UNDO_AT_END, snapshot, assessment, now_ms, out, error);
}
