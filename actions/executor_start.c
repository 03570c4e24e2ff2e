#include "actions/executor_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/guard.h"
#include "actions/journal.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/base/sanitise.h"
#include "core/fleet/snapshot.h"

static bool refuse(enum outcome_code *code, enum outcome_code why, struct error *error,
	enum error_kind kind, const char *text)
{
	*code = why;
	return error_set(error, kind, "%s", text);
}

/* Every blocker, so that nobody meets them one at a time. */
static bool refuse_blocked(const struct plan *plan, enum outcome_code *code, struct error *error)
{
	char text[ERROR_TEXT_BYTES] = "";
	size_t used = 0;
	for (size_t i = 0; i < plan->verdict_count; i++) {
		const struct verdict *verdict = &plan->verdicts[i];
		if ((verdict->kind != VERDICT_BLOCK && verdict->kind != VERDICT_UNKNOWN) ||
			verdict->overridden || used >= sizeof(text))
			continue;
		int length = snprintf(text + used, sizeof(text) - used, "%s%s: %s",
			used ? "; " : "", verdict->guard, verdict->text);
		used += length > 0 ? (size_t)length : 0;
	}
	*code = plan_outcome(plan);
	return error_set(error, ERROR_REJECTED, "%s", text);
}

/* Only our own change, put back to exactly what it was, may claim the exemptions of an undo. */
static bool is_true_undo(const struct executor *executor, const struct plan *plan)
{
	const struct run_entry *entry = run_log_find(executor->log, plan->undo_of);
	return entry && plan->is_undo && target_equal(entry->view.from, plan->to) &&
	       strcmp(entry->view.target_path, plan->target_path) == 0;
}

/* Armed, or the end of a hold of ours whose time is over. */
static bool is_permitted(const struct executor *executor, const struct plan *plan, int64_t now_ms)
{
	return executor_is_armed(executor, now_ms) ||
	       (plan->is_end && is_true_undo(executor, plan) &&
		       executor_is_past_end(executor, plan->undo_of, now_ms));
}

static bool remake(struct executor *executor, const struct plan *shown,
	const struct action_config *action, const struct snapshot *snapshot,
	const struct assessment *assessment, int64_t now_ms, enum outcome_code *code,
	struct error *error)
{
	const char *overrides[PLAN_VERDICTS_MOST];
	struct plan_facts facts = {
		.environment = shown->environment,
		.overrides = overrides,
		.is_undo = is_true_undo(executor, shown),
		.is_rollback = shown->is_rollback,
		.is_end = shown->is_end && executor_is_past_end(executor, shown->undo_of, now_ms),
		.needs_approval = shown->needs_approval,
		.undo_of = shown->undo_of,
	};
	const struct run_entry *undone = run_log_find(executor->log, shown->undo_of);
	facts.kept = undone ? undone->kept : NULL;
	facts.asked = undone ? undone->request_count : 0;
	for (size_t i = 0; i < shown->verdict_count; i++) {
		if (shown->verdicts[i].overridden)
			overrides[facts.override_count++] = shown->verdicts[i].guard;
	}
	*code = OUTCOME_STALE_PLAN;
	if (!executor_make_plan(executor, action, shown->target, shown->to, &facts, snapshot,
		    assessment, now_ms, &executor->plan, error))
		return false;
	const struct plan *plan = &executor->plan;
	snprintf(executor->plan.runbook, sizeof(executor->plan.runbook), "%s", shown->runbook);
	if (strcmp(plan->hash, shown->hash) != 0)
		return error_set(error, ERROR_REJECTED,
			"the target changed since the plan was shown (it was %.6g, now %.6g): "
			"plan again",
			shown->from, plan->from);
	if (plan->no_change)
		return true;
	return !plan->blocked || refuse_blocked(plan, code, error);
}

static bool may_start(const struct executor *executor, const struct plan *plan, const char *hash,
	const char *reason, int64_t now_ms, enum outcome_code *code, struct error *error)
{
	bool overrides = false;
	for (size_t i = 0; i < plan->verdict_count; i++)
		overrides = overrides || plan->verdicts[i].overridden;
	if (!is_permitted(executor, plan, now_ms))
		return refuse(
			code, OUTCOME_NOT_PERMITTED, error, ERROR_REJECTED, "read-only: arm first");
	if (executor->is_busy)
		return refuse(code, OUTCOME_LOCKED, error, ERROR_REJECTED,
			"another change is under way: wait for its end");
	if (strcmp(plan->hash, hash) != 0)
		return refuse(code, OUTCOME_STALE_PLAN, error, ERROR_REJECTED,
			"this is not the plan that was confirmed");
	if (now_ms > plan->expires_ms)
		return refuse(code, OUTCOME_STALE_PLAN, error, ERROR_REJECTED,
			"the plan is too old: plan again");
	if (overrides && !reason[0])
		return refuse(code, OUTCOME_NEEDS_CONFIRMATION, error, ERROR_USAGE,
			"overriding a guard needs a reason");
	return true;
}

static void begin_view(struct executor *executor, const char *reason, int64_t now_ms)
{
	const struct plan *plan = &executor->plan;
	executor->entry = (struct run_entry){
		.verb = plan->verb,
		.request_count = plan->request_count,
		.timeout_ms = action_timeout_ms(executor->action),
		.view = {.from = plan->from,
			.to = plan->to,
			.state = RUN_INTENT,
			.code = OUTCOME_UNKNOWN,
			.started_ms = now_ms,
			.expires_ms = plan->hold_ms > 0 ? now_ms + plan->hold_ms : 0},
	};
	struct run_view *view = &executor->entry.view;
	snprintf(executor->entry.undo_of, sizeof(executor->entry.undo_of), "%s", plan->undo_of);
	snprintf(executor->entry.runbook, sizeof(executor->entry.runbook), "%s", plan->runbook);
	snprintf(view->planted, sizeof(view->planted), "%s", plan->planted);
	snprintf(view->action, sizeof(view->action), "%s", plan->action);
	snprintf(view->target_path, sizeof(view->target_path), "%s", plan->target_path);
	snprintf(view->by, sizeof(view->by), "%s", executor->operator_name);
	sanitise(reason, strlen(reason), executor->reason, sizeof(executor->reason));
	executor->has_run = true;
}

static void nothing_to_do(struct executor *executor, int64_t now_ms)
{
	struct run_view *view = &executor->entry.view;
	size_t left_out = executor->plan.left_out;
	view->state = left_out ? RUN_FAILED : RUN_DONE;
	view->code = left_out ? OUTCOME_PARTIAL : OUTCOME_DONE;
	view->ended_ms = now_ms;
	if (left_out)
		snprintf(view->text, sizeof(view->text),
			"all that can be seen is %.6g already; %zu that had been asked cannot be "
			"seen and may not be",
			executor->plan.to, left_out);
	else
		snprintf(view->text, sizeof(view->text), "nothing to change: it is %.6g already",
			executor->plan.to);
}

/* What only the moment of sending knows. */
static bool complete_requests(struct executor *executor, int64_t now_ms, struct error *error)
{
	const struct plan *plan = &executor->plan;
	int64_t hold_ms = plan->hold_ms > 0 ? plan->hold_ms : executor->configs->guards.expire_ms;
	struct template_moment moment = {
		.run = executor->entry.view.id, .now_ms = now_ms, .until_ms = now_ms + hold_ms};
	for (size_t i = 0; i < plan->request_count; i++) {
		moment.number = i + 1;
		if (!request_complete(&executor->requests[i], &moment, error))
			return false;
	}
	return true;
}

static bool begin(
	struct executor *executor, int64_t now_ms, enum outcome_code *code, struct error *error)
{
	char words[ACTION_TEXT_BYTES];
	const struct plan *plan = &executor->plan;
	journal_next_run(executor->journal, executor->entry.view.id);
	if (!complete_requests(executor, now_ms, error))
		return false;
	if (!executor_publish(executor, plan->hold_ms > 0, error))
		return false;
	run_log_put(executor->log, &executor->entry);
	run_init(&executor->run, plan->request_count);
	executor->run.is_release = plan->verb->is_release;
	/* Taking it back must not be taken back in its turn. */
	executor->run.ends_on_harm = executor->configs->guards.undo_harm && !plan->is_undo;
	executor->run.left_out = plan->left_out;
	executor->is_busy = true;
	executor->looked_generation = plan->generation;
	executor->generation = plan->generation;
	snprintf(words, sizeof(words), "%.40s %.80s %s %.6g -> %.6g, by %.40s%s%s%s%.60s",
		plan->action, plan->target_path, plan->verb->parameter, plan->from, plan->to,
		executor->operator_name, plan->ticket[0] ? ", ticket " : "", plan->ticket,
		executor->reason[0] ? ": " : "", executor->reason);
	const struct run_event event = {.kind = RUN_EVENT_START, .now_ms = now_ms, .text = words};
	executor_drive(executor, &event);
	const struct run_view *view = &executor->entry.view;
	if (executor->is_busy || view->code != OUTCOME_LOCAL_ERROR || run_has_sent(&executor->run))
		return true;
	*code = view->code;
	return error_set(error, ERROR_IO, "%s", view->text);
}

void executor_end_unbegun(struct executor *executor, enum outcome_code code, const char *text)
{
	struct run_view *view = &executor->entry.view;
	executor_leave(executor);
	executor->is_busy = false;
	view->state = RUN_FAILED;
	view->code = code;
	view->ended_ms = loop_now_ms(executor->loop);
	snprintf(view->text, sizeof(view->text), "%.*s", ACTION_TEXT_BYTES - 1, text);
}

static bool launch(struct executor *executor, const struct snapshot *snapshot, int64_t now_ms,
	enum outcome_code *code, struct error *error)
{
	const struct plan *plan = &executor->plan;
	executor->entry_state = ENTRY_NONE;
	*code = OUTCOME_LOCAL_ERROR;
	free(executor->requests);
	executor->requests = calloc(PLAN_REQUESTS_MOST, sizeof(*executor->requests));
	if (!executor->requests)
		return error_no_memory(error, "the requests of a run");
	const struct run_entry *undone = run_log_find(executor->log, plan->undo_of);
	const struct request_change change = {.action = executor->action,
		.target = plan->target,
		.from = plan->from,
		.to = plan->to,
		.kept = undone ? undone->kept : NULL,
		.is_undo = plan->is_undo,
		.hold_ms = plan->hold_ms};
	return requests_make(&change, snapshot, executor->requests, PLAN_REQUESTS_MOST, error) ==
		       plan->request_count &&
	       begin(executor, now_ms, code, error);
}

static void entered(void *context, enum coordination_answer answer, const char *text)
{
	struct executor *executor = context;
	if (answer != COORDINATION_GRANTED) {
		executor_end_unbegun(executor, OUTCOME_LOCKED, text);
		return;
	}
	executor->entry_state = ENTRY_GRANTED;
	executor->granted_ms = loop_now_ms(executor->loop);
	snprintf(executor->entry.view.text, sizeof(executor->entry.view.text),
		"alone there now; reading once more before anything is sent");
}

static bool sets_aside(const struct plan *plan, const char *guard)
{
	for (size_t i = 0; i < plan->verdict_count; i++) {
		if (plan->verdicts[i].overridden && strcmp(plan->verdicts[i].guard, guard) == 0)
			return true;
	}
	return false;
}

/* Be alone there first, then begin. */
static bool enter(struct executor *executor, const struct snapshot *snapshot, int64_t now_ms,
	enum outcome_code *code, struct error *error)
{
	char text[ACTION_TEXT_BYTES];
	char what[ACTION_TEXT_BYTES];
	struct coordination *coordination = executor->coordination;
	const struct plan *plan = &executor->plan;
	if (!coordination)
		return launch(executor, snapshot, now_ms, code, error);
	if (!plan_copy(plan, &executor->shown))
		return error_no_memory(error, "a plan");
	snprintf(what, sizeof(what), "%.47s %.200s", plan->action, plan->target_path);
	const struct coordination_ask ask = {
		.domain = coordination_domain(coordination, snapshot, plan->target),
		.what = what,
		.timeout_ms = action_timeout_ms(executor->action),
		.breaks_glass = sets_aside(plan, "lock")};
	executor->entry_state = ENTRY_ASKED;
	switch (coordination_enter(coordination, &ask, entered, executor, text)) {
	case COORDINATION_WAIT:
		executor->is_busy = true;
		snprintf(executor->entry.view.text, sizeof(executor->entry.view.text),
			"asking to be alone in '%.60s'", ask.domain);
		return true;
	case COORDINATION_GRANTED:
		if (launch(executor, snapshot, now_ms, code, error))
			return true;
		executor_leave(executor);
		return false;
	case COORDINATION_TAKEN:
	case COORDINATION_DOWN:
		break;
	}
	executor->entry_state = ENTRY_NONE;
	return refuse(code, OUTCOME_LOCKED, error, ERROR_REJECTED, text);
}

bool executor_start(struct executor *executor, const struct plan *plan, const char *hash,
	const char *reason, const struct snapshot *snapshot, const struct assessment *assessment,
	int64_t now_ms, enum outcome_code *code, struct error *error)
{
	const char *why = reason ? reason : "";
	*code = OUTCOME_LOCAL_ERROR;
	if (!may_start(executor, plan, hash, why, now_ms, code, error))
		return false;
	const struct action_config *action = executor_find_action(executor, plan->action, error);
	if (!action || !remake(executor, plan, action, snapshot, assessment, now_ms, code, error))
		return false;
	executor->action = action;
	begin_view(executor, why, now_ms);
	if (executor->plan.no_change) {
		nothing_to_do(executor, now_ms);
		return true;
	}
	*code = OUTCOME_LOCAL_ERROR;
	return enter(executor, snapshot, now_ms, code, error);
}

/* The plan must still be the one that was confirmed. */
void executor_look_again(struct executor *executor, const struct snapshot *snapshot,
	const struct assessment *assessment, int64_t now_ms)
{
	struct target_value value;
	struct error error = {.kind = ERROR_NONE};
	enum outcome_code code = OUTCOME_STALE_PLAN;
	target_read(snapshot, executor->shown.verb, executor->shown.target, &value);
	bool is_newer = value.known && value.oldest_at_ms > executor->granted_ms;
	if (!is_newer && now_ms - executor->granted_ms <= executor->configs->guards.max_age_ms)
		return;
	executor->is_busy = false;
	bool ok = is_permitted(executor, &executor->shown, now_ms) ||
		  refuse(&code, OUTCOME_NOT_PERMITTED, &error, ERROR_REJECTED,
			  "read-only: arm first");
	ok = ok && remake(executor, &executor->shown, executor->action, snapshot, assessment,
			   now_ms, &code, &error);
	if (ok && executor->plan.no_change) {
		executor_leave(executor);
		nothing_to_do(executor, now_ms);
	} else if (!ok || !launch(executor, snapshot, now_ms, &code, &error)) {
		executor_end_unbegun(executor, code, error.text);
	}
}
