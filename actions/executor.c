#include "actions/executor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/approval.h"
#include "actions/guard.h"
#include "actions/hold.h"
#include "actions/journal.h"
#include "actions/run.h"
#include "actions/run_log.h"
#include "actions/transport.h"
#include "core/base/clock.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/base/sanitise.h"
#include "core/base/text.h"
#include "core/fleet/snapshot.h"

struct executor {
	struct loop *loop;
	struct journal *journal;
	const struct action_configs *configs;
	struct transport *transport;
	struct run_log *log;
	struct approvals *approvals;
	char operator_name[ENTITY_NAME_BYTES];
	int64_t armed_until_ms;
	uint64_t generation;          /* of the newest snapshot seen */
	uint64_t answered_generation; /* of the one at hand when the answer came */
	uint64_t looked_generation;   /* of the last one looked at for this run */
	uint64_t deadline_timer;
	/* the run in progress or the last one */
	bool has_run, is_busy;
	struct run run;
	struct plan plan;
	const struct action_config *action;
	struct request *requests;
	char reason[ACTION_TEXT_BYTES];
	struct run_entry entry;
};

static bool is_armed_now(void *context)
{
	const struct executor *executor = context;
	return executor_is_armed(executor, loop_now_ms(executor->loop));
}

struct executor *executor_create(struct loop *loop, struct http *http, struct ssh *ssh,
	struct journal *journal, const struct action_configs *configs, const char *operator_name,
	struct error *error)
{
	struct executor *executor = calloc(1, sizeof(*executor));
	if (!executor) {
		error_no_memory(error, "an executor");
		return NULL;
	}
	executor->loop = loop;
	executor->journal = journal;
	executor->configs = configs;
	plan_init(&executor->plan);
	sanitise(operator_name, strlen(operator_name), executor->operator_name,
		sizeof(executor->operator_name));
	executor->transport = transport_create(loop, http, ssh, is_armed_now, executor);
	executor->log = run_log_create();
	executor->approvals = calloc(1, sizeof(*executor->approvals));
	const char *path = journal ? journal_path(journal) : configs->journal_file;
	bool ok = executor->transport && executor->log && executor->approvals;
	if (!ok)
		error_no_memory(error, "an executor");
	else if (path)
		ok = run_log_read(executor->log, path, error);
	if (ok)
		run_log_bind(executor->log, configs);
	if (ok)
		return executor;
	executor_destroy(executor);
	return NULL;
}

void executor_destroy(struct executor *executor)
{
	if (!executor)
		return;
	if (executor->is_busy)
		executor_interrupt(executor, loop_now_ms(executor->loop));
	loop_timer_stop(executor->loop, executor->deadline_timer);
	transport_destroy(executor->transport);
	run_log_destroy(executor->log);
	free(executor->approvals);
	plan_finish(&executor->plan);
	free(executor->requests);
	free(executor);
}

void executor_arm(struct executor *executor, int64_t until_ms)
{
	executor->armed_until_ms = until_ms;
}

void executor_disarm(struct executor *executor)
{
	executor->armed_until_ms = 0;
}

bool executor_is_armed(const struct executor *executor, int64_t now_ms)
{
	return now_ms < executor->armed_until_ms;
}

const struct run_view *executor_run(const struct executor *executor)
{
	return executor->has_run ? &executor->entry.view : NULL;
}

bool executor_is_busy(const struct executor *executor)
{
	return executor->is_busy;
}

size_t executor_runs(const struct executor *executor, struct run_view *out, size_t most)
{
	size_t count = run_log_count(executor->log);
	if (count > most)
		count = most;
	for (size_t i = 0; i < count; i++)
		out[i] = run_log_at(executor->log, i)->view;
	return count;
}

/* ---- planning ---- */

static const struct action_config *find_action(
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

static bool make_plan(struct executor *executor, const struct action_config *action,
	uint32_t target, double to, struct plan_facts *facts, const struct snapshot *snapshot,
	const struct assessment *assessment, int64_t now_ms, struct plan *out, struct error *error)
{
	for (size_t i = 0; i < facts->override_count; i++) {
		const struct guard_row *guard = guard_find(facts->overrides[i]);
		if (!guard || !guard->overridable)
			return error_set(error, ERROR_USAGE, "guard '%.60s' %s",
				facts->overrides[i],
				guard ? "cannot be overridden" : "does not exist");
	}
	if (target < snapshot->entity_count)
		facts->last_change_ms = run_log_last_change_ms(
			executor->log, fleet_entity(snapshot->fleet, target)->path);
	int64_t window_ms = executor->configs->guards.brake_window_ms;
	int64_t oldest_ms = 0;
	facts->recent_changes =
		run_log_changes_since(executor->log, now_ms - window_ms, &oldest_ms);
	facts->brake_free_ms = oldest_ms + window_ms;
	if (executor->journal &&
		!approvals_read(journal_path(executor->journal), &executor->configs->signing,
			now_ms, executor->approvals, error))
		return false;
	facts->approvals = executor->approvals;
	facts->armed = executor_is_armed(executor, now_ms);
	facts->journal_trouble = executor->journal ? journal_trouble(executor->journal) : NULL;
	return plan_make(action, &executor->configs->guards, facts, snapshot, assessment, target,
		to, now_ms, out, error);
}

bool executor_plan(struct executor *executor, const char *action, uint32_t target, double to,
	const char *environment, const char *const *overrides, size_t override_count,
	const struct snapshot *snapshot, const struct assessment *assessment, int64_t now_ms,
	struct plan *out, struct error *error)
{
	const struct action_config *config = find_action(executor, action, error);
	struct plan_facts facts = {
		.environment = environment,
		.overrides = overrides,
		.override_count = override_count,
	};
	return config && make_plan(executor, config, target, to, &facts, snapshot, assessment,
				 now_ms, out, error);
}

static bool was_undone(const struct executor *executor, const char *id)
{
	for (size_t i = 0; i < run_log_count(executor->log); i++) {
		const struct run_entry *entry = run_log_at(executor->log, i);
		if (strcmp(entry->undo_of, id) == 0 && entry->view.code == OUTCOME_DONE)
			return true;
	}
	return false;
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

bool executor_plan_undo(struct executor *executor, const char *id, const char *environment,
	const struct snapshot *snapshot, const struct assessment *assessment, int64_t now_ms,
	struct plan *out, struct error *error)
{
	const struct run_entry *entry = run_log_find(executor->log, id);
	if (!entry)
		return error_set(error, ERROR_USAGE, "no run '%.20s' in the journal", id);
	if (!entry->view.can_undo)
		return error_set(error, ERROR_USAGE, "run '%s' changed nothing that can be undone",
			entry->view.id);
	if (was_undone(executor, entry->view.id))
		return error_set(error, ERROR_USAGE, "run '%s' was undone already", entry->view.id);
	const struct action_config *action = find_action(executor, entry->view.action, error);
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
		.undo_of = entry->view.id,
		.kept = entry->kept};
	return make_plan(executor, action, target, entry->view.from, &facts, snapshot, assessment,
		now_ms, out, error);
}

/* ---- carrying out ---- */

static bool write_record(
	struct executor *executor, const struct run_order *order, struct error *error)
{
	struct text members;
	text_init(&members, JOURNAL_LINE_BYTES);
	if (strcmp(order->event, "intent") == 0)
		run_log_write_intent(
			&executor->plan, executor->operator_name, executor->reason, &members);
	else if (strcmp(order->event, "verify") == 0 || strcmp(order->event, "done") == 0)
		run_log_write_code(order->code, &members);
	else
		run_log_write_reply(order->request + 1, executor->entry.kept, &members);
	bool ok = text_ok(&members) || error_no_memory(error, "a journal record");
	ok = ok &&
	     journal_append(executor->journal, executor->entry.view.id, order->event, order->text,
		     text_string(&members), clock_wall_ms(loop_clock(executor->loop)), error);
	text_finish(&members);
	return ok;
}

static void conclude(struct executor *executor, const struct run_order *order)
{
	struct run_view *view = &executor->entry.view;
	executor->is_busy = false;
	loop_timer_stop(executor->loop, executor->deadline_timer);
	executor->deadline_timer = 0;
	view->code = order->code;
	view->state = order->code == OUTCOME_DONE ? RUN_DONE : RUN_FAILED;
	view->ended_ms = loop_now_ms(executor->loop);
	view->can_undo =
		!isnan(view->from) &&
		(order->code == OUTCOME_DONE || order->code == OUTCOME_PARTIAL ||
			order->code == OUTCOME_INCONCLUSIVE || order->code == OUTCOME_UNKNOWN);
	snprintf(view->text, sizeof(view->text), "%s", order->text);
	executor->entry.is_closed = true;
	if (run_has_sent(&executor->run))
		executor->entry.was_sent = true;
	run_log_put(executor->log, &executor->entry);
}

static void drive(struct executor *executor, const struct run_event *event);

static void deadline(void *context)
{
	struct executor *executor = context;
	executor->deadline_timer = 0;
	const struct run_event event = {
		.kind = RUN_EVENT_DEADLINE, .now_ms = loop_now_ms(executor->loop)};
	drive(executor, &event);
}

/* Say what it waits for, and see to it that it does not wait for ever. */
static void wait(struct executor *executor)
{
	struct run_view *view = &executor->entry.view;
	if (!run_is_looking(&executor->run)) {
		view->state = RUN_SENDING;
		snprintf(view->text, sizeof(view->text), "request %zu of %zu sent, no answer yet",
			executor->run.request + 1, executor->run.request_count);
		run_log_put(executor->log, &executor->entry);
		return;
	}
	view->state = RUN_VERIFYING;
	snprintf(view->text, sizeof(view->text), "%.140s; %.160s", executor->run.answer,
		executor->run.last.text[0] ? executor->run.last.text
					   : "waiting for a newer snapshot");
	run_log_put(executor->log, &executor->entry);
	if (executor->deadline_timer == 0)
		executor->deadline_timer = loop_timer_start(executor->loop,
			executor->configs->guards.verify_within_ms, deadline, executor);
}

static void answered(void *context, enum transport_result result, const char *text)
{
	static const enum run_event_kind kinds[] = {
		[TRANSPORT_ACCEPTED] = RUN_EVENT_REPLIED_OK,
		[TRANSPORT_REFUSED] = RUN_EVENT_REPLIED_FAILED,
		[TRANSPORT_CHANGED] = RUN_EVENT_NOT_SENT,
		[TRANSPORT_LOST] = RUN_EVENT_LOST,
		[TRANSPORT_UNREACHABLE] = RUN_EVENT_NOT_SENT,
		[TRANSPORT_NOT_PERMITTED] = RUN_EVENT_NOT_SENT,
		[TRANSPORT_LOCAL_ERROR] = RUN_EVENT_NOT_SENT,
	};
	struct executor *executor = context;
	const struct run_event event = {
		.kind = kinds[result],
		.now_ms = loop_now_ms(executor->loop),
		.code = result == TRANSPORT_UNREACHABLE   ? OUTCOME_UNREACHABLE
			: result == TRANSPORT_LOCAL_ERROR ? OUTCOME_LOCAL_ERROR
			: result == TRANSPORT_CHANGED     ? OUTCOME_STALE_PLAN
							  : OUTCOME_NOT_PERMITTED,
		.text = text,
	};
	executor->answered_generation = executor->generation;
	if (result == TRANSPORT_ACCEPTED)
		snprintf(executor->entry.kept, sizeof(executor->entry.kept), "%s",
			transport_kept(executor->transport));
	drive(executor, &event);
}

/* Journal as long as the machine has something to journal; false when it has begun to wait or is
 * over. */
static bool obey(struct executor *executor, struct run_order *order)
{
	struct run_event event = {.now_ms = loop_now_ms(executor->loop)};
	struct error error = {.kind = ERROR_NONE};
	if (order->kind == RUN_ORDER_JOURNAL) {
		bool ok = write_record(executor, order, &error);
		event.kind = ok ? RUN_EVENT_JOURNALLED : RUN_EVENT_JOURNAL_FAILED;
		event.text = ok ? NULL : error.text;
		run_feed(&executor->run, &event, order);
		return true;
	}
	if (order->kind == RUN_ORDER_FINISH)
		conclude(executor, order);
	else if (order->kind == RUN_ORDER_WAIT)
		wait(executor);
	return false;
}

static void drive(struct executor *executor, const struct run_event *event)
{
	struct run_order order;
	char text[ACTION_TEXT_BYTES] = "";
	run_feed(&executor->run, event, &order);
	while (obey(executor, &order))
		continue;
	if (order.kind != RUN_ORDER_SEND)
		return;
	enum transport_result result = transport_send(executor->transport, executor->action,
		&executor->requests[order.request], answered, executor, text);
	if (result == TRANSPORT_ACCEPTED)
		wait(executor);
	else
		answered(executor, result, text);
}

/* ---- starting ---- */

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
		.undo_of = shown->undo_of,
	};
	const struct run_entry *undone = run_log_find(executor->log, shown->undo_of);
	facts.kept = undone ? undone->kept : NULL;
	for (size_t i = 0; i < shown->verdict_count; i++) {
		if (shown->verdicts[i].overridden)
			overrides[facts.override_count++] = shown->verdicts[i].guard;
	}
	*code = OUTCOME_STALE_PLAN;
	if (!make_plan(executor, action, shown->target, shown->to, &facts, snapshot, assessment,
		    now_ms, &executor->plan, error))
		return false;
	const struct plan *plan = &executor->plan;
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
	if (!executor_is_armed(executor, now_ms))
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
		.view = {.from = plan->from,
			.to = plan->to,
			.state = RUN_INTENT,
			.code = OUTCOME_UNKNOWN,
			.started_ms = now_ms,
			.expires_ms = plan->hold_ms > 0 ? now_ms + plan->hold_ms : 0},
	};
	struct run_view *view = &executor->entry.view;
	snprintf(executor->entry.undo_of, sizeof(executor->entry.undo_of), "%s", plan->undo_of);
	snprintf(view->action, sizeof(view->action), "%s", plan->action);
	snprintf(view->target_path, sizeof(view->target_path), "%s", plan->target_path);
	snprintf(view->by, sizeof(view->by), "%s", executor->operator_name);
	sanitise(reason, strlen(reason), executor->reason, sizeof(executor->reason));
	executor->has_run = true;
}

static void nothing_to_do(struct executor *executor, int64_t now_ms)
{
	struct run_view *view = &executor->entry.view;
	view->state = RUN_DONE;
	view->code = OUTCOME_DONE;
	view->ended_ms = now_ms;
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
	run_log_put(executor->log, &executor->entry);
	run_init(&executor->run, plan->request_count);
	executor->run.is_release = plan->verb->is_release;
	executor->is_busy = true;
	executor->looked_generation = plan->generation;
	executor->generation = plan->generation;
	snprintf(words, sizeof(words), "%.40s %.100s %s %.6g -> %.6g, by %.40s%s%.60s",
		plan->action, plan->target_path, plan->verb->parameter, plan->from, plan->to,
		executor->operator_name, executor->reason[0] ? ": " : "", executor->reason);
	const struct run_event event = {.kind = RUN_EVENT_START, .now_ms = now_ms, .text = words};
	drive(executor, &event);
	const struct run_view *view = &executor->entry.view;
	if (executor->is_busy || view->code != OUTCOME_LOCAL_ERROR || run_has_sent(&executor->run))
		return true;
	*code = view->code;
	return error_set(error, ERROR_IO, "%s", view->text);
}

bool executor_start(struct executor *executor, const struct plan *plan, const char *hash,
	const char *reason, const struct snapshot *snapshot, const struct assessment *assessment,
	int64_t now_ms, enum outcome_code *code, struct error *error)
{
	const char *why = reason ? reason : "";
	*code = OUTCOME_LOCAL_ERROR;
	if (!may_start(executor, plan, hash, why, now_ms, code, error))
		return false;
	const struct action_config *action = find_action(executor, plan->action, error);
	if (!action || !remake(executor, plan, action, snapshot, assessment, now_ms, code, error))
		return false;
	*code = OUTCOME_LOCAL_ERROR;
	free(executor->requests);
	executor->action = action;
	executor->requests = calloc(PLAN_REQUESTS_MOST, sizeof(*executor->requests));
	if (!executor->requests)
		return error_no_memory(error, "the requests of a run");
	const struct run_entry *undone = run_log_find(executor->log, plan->undo_of);
	const struct request_change change = {.action = action,
		.target = plan->target,
		.from = executor->plan.from,
		.to = plan->to,
		.kept = undone ? undone->kept : NULL};
	if (requests_make(&change, snapshot, executor->requests, PLAN_REQUESTS_MOST, error) !=
		executor->plan.request_count)
		return false;
	begin_view(executor, why, now_ms);
	if (executor->plan.no_change) {
		nothing_to_do(executor, now_ms);
		return true;
	}
	return begin(executor, now_ms, code, error);
}

void executor_tick(struct executor *executor, const struct snapshot *snapshot,
	const struct assessment *assessment, int64_t now_ms)
{
	executor->generation = snapshot->generation;
	run_log_look(executor->log, snapshot);
	if (!executor->is_busy || !run_is_looking(&executor->run) ||
		snapshot->generation <= executor->looked_generation)
		return;
	executor->looked_generation = snapshot->generation;
	struct run_event event = {.kind = RUN_EVENT_SNAPSHOT, .now_ms = now_ms};
	read_back_see(&executor->plan, &executor->configs->guards, snapshot, assessment,
		executor->run.answered_ms, executor->answered_generation, &event.seen);
	drive(executor, &event);
}

void executor_interrupt(struct executor *executor, int64_t now_ms)
{
	if (!executor->is_busy)
		return;
	transport_cancel(executor->transport);
	const struct run_event event = {.kind = RUN_EVENT_INTERRUPTED, .now_ms = now_ms};
	drive(executor, &event);
}

/* ---- holds and approvals ---- */

size_t executor_holds(
	const struct executor *executor, int64_t now_ms, struct hold *out, size_t most)
{
	return holds_list(executor->log, now_ms, out, most);
}

static bool write_hold(struct executor *executor, const char *id, int64_t until_ms,
	const char *reason, int64_t wall_ms, struct error *error)
{
	char words[ACTION_TEXT_BYTES];
	char clean[ACTION_TEXT_BYTES];
	char until[CLOCK_TEXT_BYTES];
	struct text members;
	sanitise(reason, strlen(reason), clean, sizeof(clean));
	clock_format(until_ms, false, until);
	text_init(&members, JOURNAL_LINE_BYTES);
	run_log_write_hold(executor->operator_name, until_ms, &members);
	snprintf(words, sizeof(words), "%s%s, by %.60s%s%.160s",
		until_ms > 0 ? "holds until " : "kept for good", until_ms > 0 ? until : "",
		executor->operator_name, clean[0] ? ": " : "", clean);
	bool ok = text_ok(&members) || error_no_memory(error, "a journal record");
	ok = ok && journal_append(executor->journal, id, until_ms > 0 ? "extend" : "keep", words,
			   text_string(&members), wall_ms, error);
	text_finish(&members);
	return ok;
}

bool executor_change_hold(struct executor *executor, const char *id, int64_t until_ms,
	const char *reason, struct error *error)
{
	struct hold holds[HOLDS_MOST];
	int64_t wall_ms = clock_wall_ms(loop_clock(executor->loop));
	size_t count = executor_holds(executor, wall_ms, holds, HOLDS_MOST);
	bool found = false;
	for (size_t i = 0; i < count; i++)
		found = found || strcmp(holds[i].run, id) == 0;
	if (!found)
		return error_set(error, ERROR_USAGE, "there is no hold '%.20s'", id);
	if (!executor->journal)
		return error_set(error, ERROR_REJECTED, "there is no journal to record it in");
	const char *trouble = journal_trouble(executor->journal);
	if (trouble[0])
		return error_set(error, ERROR_IO, "%s", trouble);
	if (!write_hold(executor, id, until_ms, reason ? reason : "", wall_ms, error))
		return false;
	struct run_entry entry = *run_log_find(executor->log, id);
	entry.view.expires_ms = until_ms;
	run_log_put(executor->log, &entry);
	return true;
}

bool executor_ask_approval(
	struct executor *executor, const struct plan *plan, const char *reason, struct error *error)
{
	if (!executor->journal)
		return error_set(error, ERROR_REJECTED, "there is no journal to ask in");
	return approvals_ask(journal_path(executor->journal), plan, executor->operator_name,
		reason ? reason : "", clock_wall_ms(loop_clock(executor->loop)),
		executor->configs->guards.approve_within_ms, error);
}
