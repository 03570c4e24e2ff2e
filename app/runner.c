#include "app/runner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/config.h"
#include "actions/executor.h"
#include "actions/journal.h"
#include "actions/target.h"
#include "app/control.h"
#include "app/engine.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/fleet/snapshot.h"

static void runner_say(struct runner *runner, const char *step, const char *line)
{
	char text[ACTION_TEXT_BYTES];
	snprintf(text, sizeof text, "%s%s%.250s", step, step[0] ? ": " : "", line);
	if (strcmp(text, runner->last_text) == 0)
		return;
	snprintf(runner->last_text, sizeof runner->last_text, "%s", text);
	if (runner->talk)
		runner->talk(runner->context, text);
}

/* A change that ended before it began, told to the engine like any other. */
static void runner_refused(struct runner *runner, const struct runbook_order *order,
	enum outcome_code code, const char *why)
{
	runner->result =
		(struct run_view){.state = RUN_FAILED, .code = code, .from = NAN, .to = order->to};
	snprintf(runner->result.action, sizeof runner->result.action, "%s", order->action);
	snprintf(runner->result.text, sizeof runner->result.text, "%s", why);
	runner->has_result = true;
	runner_say(runner, order->step, why);
}

/* ---- what the journal keeps ---- */

static int64_t runner_wall_ms(const struct runner *runner)
{
	return clock_wall_ms(loop_clock(runner->engine->loop));
}

static bool runner_mark(struct runner *runner, struct error *error)
{
	uint32_t worst = runbook_worst(runner->state);
	snprintf(runner->mark.worst, sizeof runner->mark.worst, "%s",
		worst == ENTITY_NONE ? ""
				     : fleet_entity(runner->engine->snapshot->fleet, worst)->path);
	runner->mark.goal = runbook_goal(runner->state);
	return runbook_log_step(
		runner->control->journal, &runner->mark, runner_wall_ms(runner), error);
}

/* A step that is only waited in may be waited in again: what cannot be written now is no harm. */
static void runner_enter(struct runner *runner, const char *step)
{
	struct error error = {0};
	if (!runner->mark.id[0] || strcmp(runner->mark.step, step) == 0)
		return;
	snprintf(runner->mark.step, sizeof runner->mark.step, "%s", step);
	runner->mark.act[0] = '\0';
	runner->mark.acts = 0;
	runner_mark(runner, &error);
}

/* A step failed and something was decided. What cannot be kept is decided again by whoever goes on:
 * by the same rules, from the same end of the same change. */
static void runner_turn(struct runner *runner, const struct runbook_order *order)
{
	struct error error = {0};
	if (runner->mark.id[0])
		runbook_log_turn(runner->control->journal, runner->mark.id, order, order->step,
			runner_wall_ms(runner), &error);
	if (order->turn == RUNBOOK_TURN_GOTO)
		runner->mark.step[0] = '\0';
	runner_say(runner, order->step, order->text);
}

/* What cannot be written now leaves no later undo without a record either. */
static void runner_mark_back(struct runner *runner, const char *change)
{
	struct error error = {0};
	if (runner->mark.id[0])
		runbook_log_back(runner->control->journal, runner->mark.id, change,
			runner_wall_ms(runner), &error);
}

/* On disk before the change's own intent is. */
static bool runner_mark_act(struct runner *runner, struct error *error)
{
	if (!runner->mark.id[0])
		return true;
	journal_next_run(runner->control->journal, runner->mark.act);
	runner->mark.acts++;
	return runner_mark(runner, error);
}

/* It was not begun after all: its id is the next one's. */
static void runner_unmark_act(struct runner *runner)
{
	struct error error = {0};
	if (!runner->mark.id[0])
		return;
	runner->mark.act[0] = '\0';
	runner->mark.acts--;
	runner_mark(runner, &error);
}

static void runner_mark_end(struct runner *runner, const struct runbook_order *order)
{
	struct error error = {0};
	if (runner->mark.id[0])
		runbook_log_finish(runner->control->journal, runner->mark.id, order->code,
			order->text, runner_wall_ms(runner), &error);
}

bool runner_keep(struct runner *runner, const struct runbook_mark *mark, struct error *error)
{
	struct journal *journal = runner->control->journal;
	if (!journal)
		return true;
	struct runbook_mark own = *mark;
	runbook_log_next(journal, own.id);
	own.step[0] = own.worst[0] = own.act[0] = '\0';
	own.acts = 0;
	own.goal = NAN;
	if (!runbook_log_begin(journal, &own, runner_wall_ms(runner), error))
		return false;
	runner->mark = own;
	return true;
}

/* ---- going on ---- */

static const struct verb_row *runner_verb(const struct runner *runner, const char *action)
{
	for (size_t i = 0; i < runner->control->info_count; i++) {
		if (strcmp(runner->control->infos[i].name, action) == 0)
			return runner->control->infos[i].verb;
	}
	return NULL;
}

/* A change whose outcome nobody learnt: what is there now tells. */
static bool runner_read_back(
	const struct runner *runner, struct run_view *view, bool *applied, struct error *error)
{
	const struct snapshot *snapshot = runner->engine->snapshot;
	const struct verb_row *verb = runner_verb(runner, view->action);
	struct target_value value = {.known = false};
	uint32_t target = verb ? fleet_find_path(snapshot->fleet, verb->target, view->target_path)
			       : ENTITY_NONE;
	if (target != ENTITY_NONE && target < snapshot->entity_count)
		target_read(snapshot, verb, target, &value);
	*applied = value.known && target_equal(value.low, view->to) &&
		   target_equal(value.high, view->to);
	bool is_from = value.known && target_equal(value.low, view->from) &&
		       target_equal(value.high, view->from);
	if (*applied)
		view->code = OUTCOME_DONE;
	return *applied || is_from ||
	       error_set(error, ERROR_UNKNOWN_OUTCOME,
		       "what became of %s cannot be told: %s of %s is neither the value before nor "
		       "the one it set; look at it, then run the runbook anew",
		       view->id, verb ? signal_row(verb->reads)->name : "the value",
		       view->target_path);
}

/* Whether the last change that was begun counts; `runner->result` is then what came of it. */
static bool runner_recall(struct runner *runner, const char *id, bool *counts, struct error *error)
{
	*counts = false;
	size_t most = 256;
	struct run_view *views = calloc(most, sizeof *views);
	if (!views)
		return error_no_memory(error, "the runs of the journal");
	size_t count = executor_runs(runner->control->executor, views, most);
	bool ok = true;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(views[i].id, id) != 0 ||
			!executor_belongs(runner->control->executor, id, runner->mark.id))
			continue;
		/* Interrupted: its intent is there, and nothing was sent. */
		*counts = views[i].code != OUTCOME_INTERRUPTED;
		if (views[i].code == OUTCOME_UNKNOWN)
			ok = runner_read_back(runner, &views[i], counts, error);
		/* Whoever goes on after us is not to judge it anew by what is there then. */
		if (ok && views[i].code == OUTCOME_UNKNOWN &&
			executor_back(runner->control->executor, id, runner->engine->snapshot) ==
				EXECUTOR_BACK)
			runner_mark_back(runner, id);
		runner->result = views[i];
		break;
	}
	free(views);
	return ok;
}

/* Whether a change that was begun may be in force. */
static bool runner_may_hold(const struct runner *runner, const char *id)
{
	size_t most = 256;
	struct run_view *views = calloc(most, sizeof *views);
	bool may = false;
	if (!views)
		return true; /* then it is looked at when it is to be taken back */
	size_t count = executor_runs(runner->control->executor, views, most);
	for (size_t i = 0; i < count; i++) {
		enum outcome_code code = views[i].code;
		if (strcmp(views[i].id, id) == 0)
			may = code == OUTCOME_DONE || code == OUTCOME_PARTIAL ||
			      code == OUTCOME_INCONCLUSIVE || code == OUTCOME_UNKNOWN;
	}
	free(views);
	return may;
}

static bool runner_remember(
	struct runner *runner, const struct runbook_past *past, struct error *error)
{
	for (size_t i = 0; i < past->change_count; i++) {
		const char *run = past->changes[i].run;
		/* An id that was marked and not begun was the next change's. */
		if (executor_belongs(runner->control->executor, run, runner->mark.id) &&
			runner_may_hold(runner, run) &&
			!runbook_remember_change(runner->state, past->changes[i].step, run,
				past->changes[i].is_back ||
					executor_was_undone(runner->control->executor, run),
				error))
			return false;
	}
	for (size_t i = 0; i < past->turn_count; i++) {
		if (!runbook_remember_turn(runner->state, past->turns[i].step, past->turns[i].turn,
			    past->turns[i].code, error))
			return false;
	}
	return true;
}

static bool runner_recall_past(
	struct runner *runner, const struct runbook_mark *mark, struct error *error)
{
	struct runbook_past *past = calloc(1, sizeof *past);
	if (!past)
		return error_no_memory(error, "a runbook's run");
	bool ok =
		runbook_log_recall(journal_path(runner->control->journal), mark->id, past, error) &&
		runner_remember(runner, past, error);
	free(past);
	return ok;
}

bool runner_resume(struct runner *runner, const struct runbook_mark *mark, struct error *error)
{
	bool counts = false;
	if (mark->is_finished)
		return error_set(error, ERROR_USAGE, "run '%s' was finished", mark->id);
	runner->mark = *mark;
	runbook_remember_time(runner->state, mark->run_ms, mark->step_ms);
	if (!mark->step[0])
		return runbook_log_resume(
			runner->control->journal, mark, runner_wall_ms(runner), error);
	if (!runner_recall_past(runner, mark, error))
		return false;
	runbook_remember_goal(runner->state, mark->goal);
	if (mark->act[0] && !runner_recall(runner, mark->act, &counts, error))
		return false;
	uint32_t worst =
		mark->worst[0] ? fleet_find_path(runner->engine->fleet, ENTITY_CLUSTER, mark->worst)
			       : ENTITY_NONE;
	int64_t acts = mark->act[0] && !counts ? mark->acts - 1 : mark->acts;
	runner->mark.acts = acts;
	runner->has_result = counts;
	return runbook_resume(runner->state, mark->step, worst, acts, counts, error) &&
	       runbook_log_resume(runner->control->journal, mark, runner_wall_ms(runner), error);
}

/* ---- acting ---- */

static bool runner_plan(struct runner *runner, const struct runbook_order *order, double to,
	int64_t now_ms, struct error *error)
{
	struct executor *executor = runner->control->executor;
	const struct snapshot *snapshot = runner->engine->snapshot;
	const struct assessment *assessment = &runner->engine->assessment;
	return order->approve ? executor_plan_for_two(executor, order->action, order->target, to,
					runner->environment, snapshot, assessment, now_ms,
					&runner->plan, error)
			      : executor_plan(executor, order->action, order->target, to,
					runner->environment, NULL, 0, snapshot, assessment, now_ms,
					&runner->plan, error);
}

static void runner_why_blocked(const struct plan *plan, char *out, size_t size)
{
	size_t used = (size_t)snprintf(out, size, "refused:");
	for (size_t i = 0; i < plan->verdict_count && used < size; i++) {
		const struct verdict *verdict = &plan->verdicts[i];
		if (verdict->kind != VERDICT_BLOCK && verdict->kind != VERDICT_UNKNOWN)
			continue;
		int more = snprintf(
			out + used, size - used, " %s: %s;", verdict->guard, verdict->text);
		used += more > 0 ? (size_t)more : 0;
	}
}

/* Only another person's word is missing: ask for it, and look for the answer. False: it was given
 * in the negative, or not in time. */
static bool runner_await_word(
	struct runner *runner, const struct runbook_order *order, int64_t now_ms)
{
	struct error error = {0};
	char text[ACTION_TEXT_BYTES];
	const struct plan *plan = &runner->plan;
	bool is_asked = runner->waiting_for_word && strcmp(runner->asked, plan->hash) == 0;
	if (is_asked && plan->is_turned_down)
		return false;
	if (!is_asked &&
		!executor_ask_approval(runner->control->executor, plan, runner->reason, &error)) {
		runner_say(runner, order->step, error.text);
		return false;
	}
	snprintf(runner->asked, sizeof runner->asked, "%s", plan->hash);
	char told[ACTION_TEXT_BYTES];
	bool is_alone = executor_asked(runner->control->executor, told) == COORDINATION_DOWN;
	snprintf(text, sizeof text,
		"%.48s %.100s: %.6g to %.6g: another person has to say 'spillway approve "
		"%s'%s%.60s",
		order->action, plan->target_path, plan->from, plan->to, plan->id,
		is_alone ? "; only on this machine: " : "", told);
	runner_say(runner, order->step, text);
	runner->waiting_for_word = true;
	runner->order = *order;
	runner->ask_again_ms = now_ms + RUNNER_ASK_MS;
	return true;
}

/* Plan it, with the largest safe step where that is what was meant. False: the engine was told. */
static bool runner_make_plan(
	struct runner *runner, const struct runbook_order *order, int64_t now_ms)
{
	struct error error = {0};
	bool ok = runner_plan(runner, order, order->to, now_ms, &error);
	double safe_to = ok ? runner->plan.largest_safe_to : NAN;
	if (ok && runner->plan.blocked && order->largest_safe && isfinite(safe_to))
		ok = runner_plan(runner, order, safe_to, now_ms, &error);
	if (!ok)
		runner_refused(runner, order, OUTCOME_LOCAL_ERROR, error.text);
	return ok;
}

static void runner_act(struct runner *runner, const struct runbook_order *order, int64_t now_ms)
{
	struct error error = {0};
	char text[ACTION_TEXT_BYTES];
	if (!runner_make_plan(runner, order, now_ms)) {
		runner->waiting_for_word = false;
		return;
	}
	enum outcome_code code = plan_outcome(&runner->plan);
	bool may_wait = runner->waiting_for_word && now_ms < runner->ask_until_ms &&
			!runner->plan.is_turned_down;
	if (may_wait && runner->plan.blocked && code != OUTCOME_NEEDS_CONFIRMATION) {
		/* A reading that is late meanwhile is nobody's answer. */
		runner->ask_again_ms = now_ms + RUNNER_ASK_MS;
		return;
	}
	if (code == OUTCOME_NEEDS_CONFIRMATION && runner_await_word(runner, order, now_ms))
		return;
	runner->waiting_for_word = false;
	if (runner->plan.blocked) {
		runner_why_blocked(&runner->plan, text, sizeof text);
		runner_refused(runner, order, code, text);
		return;
	}
	if (runner->plan.no_change) {
		runner_refused(runner, order, OUTCOME_DONE, "nothing to change");
		runner->result.state = RUN_DONE;
		return;
	}
	code = OUTCOME_LOCAL_ERROR;
	if (!runner_mark_act(runner, &error)) {
		runner_refused(runner, order, code, error.text);
		return;
	}
	snprintf(runner->plan.runbook, sizeof runner->plan.runbook, "%s", runner->mark.id);
	if (!executor_start(runner->control->executor, &runner->plan, runner->plan.hash,
		    runner->reason, runner->engine->snapshot, &runner->engine->assessment, now_ms,
		    &code, &error)) {
		runner_unmark_act(runner);
		runner_refused(runner, order, code, error.text);
		return;
	}
	runner->waiting_for_run = true;
	runner->undoing[0] = '\0';
	snprintf(text, sizeof text, "%.48s %.150s: %.6g to %.6g", order->action,
		runner->plan.target_path, runner->plan.from, runner->plan.to);
	runner_say(runner, order->step, text);
}

/* Take a change of this run back. Its id is in the change's own record, so no mark is needed:
 * whoever goes on sees that it was undone. */
static void runner_undo(struct runner *runner, const struct runbook_order *order, int64_t now_ms)
{
	struct error error = {0};
	char text[ACTION_TEXT_BYTES];
	struct executor *executor = runner->control->executor;
	const struct snapshot *snapshot = runner->engine->snapshot;
	const struct assessment *assessment = &runner->engine->assessment;
	enum executor_back back = executor_back(executor, order->undo, snapshot);
	if (back == EXECUTOR_BACK) {
		runner_mark_back(runner, order->undo);
		runner_refused(runner, order, OUTCOME_DONE, "it is back already");
		return;
	}
	if (!executor_plan_rollback(executor, order->undo, runner->environment, snapshot,
		    assessment, now_ms, &runner->plan, &error)) {
		runner_refused(runner, order,
			back == EXECUTOR_BACK_UNKNOWN ? OUTCOME_RETRY_LATER : OUTCOME_STALE_PLAN,
			error.text);
		return;
	}
	if (runner->plan.no_change && back == EXECUTOR_BACK_UNKNOWN) {
		runner_refused(runner, order, OUTCOME_RETRY_LATER,
			"all that can be read is back, but not all can be read");
		return;
	}
	if (runner->plan.blocked) {
		runner_why_blocked(&runner->plan, text, sizeof text);
		runner_refused(runner, order, plan_outcome(&runner->plan), text);
		return;
	}
	enum outcome_code code = OUTCOME_LOCAL_ERROR;
	if (!executor_start(executor, &runner->plan, runner->plan.hash, "its runbook failed",
		    snapshot, assessment, now_ms, &code, &error)) {
		runner_refused(runner, order, code, error.text);
		return;
	}
	runner->waiting_for_run = true;
	snprintf(runner->undoing, sizeof runner->undoing, "%s", order->undo);
	snprintf(text, sizeof text, "taking %.24s back: %.150s %.6g to %.6g", order->undo,
		runner->plan.target_path, runner->plan.from, runner->plan.to);
	runner_say(runner, order->step, text);
}

/* Whether the change in flight has ended; keeps its result for the engine. */
static bool runner_collect(struct runner *runner)
{
	const struct run_view *run = executor_run(runner->control->executor);
	if (!run || executor_is_busy(runner->control->executor))
		return false;
	runner->waiting_for_run = false;
	if (!run->id[0] && !runner->undoing[0])
		runner_unmark_act(runner);
	runner->has_result = true;
	runner->result = *run;
	/* Taking back is about the value: whether that did good is no reason to call it failed. */
	if (runner->undoing[0] && run->code == OUTCOME_INCONCLUSIVE &&
		executor_back(runner->control->executor, runner->undoing,
			runner->engine->snapshot) == EXECUTOR_BACK) {
		runner_mark_back(runner, runner->undoing);
		runner->result.code = OUTCOME_DONE;
	}
	char text[ACTION_TEXT_BYTES];
	snprintf(
		text, sizeof text, "%.24s %s: %.250s", run->id, outcome_name(run->code), run->text);
	runner_say(runner, "", text);
	return true;
}

/* The values in a wait's text change with every tick: told when the step changes, and every so
 * often. */
static void runner_wait(struct runner *runner, const struct runbook_order *order, int64_t now_ms)
{
	bool same_step = strcmp(runner->last_step, order->step) == 0;
	if (same_step && now_ms - runner->last_wait_ms < RUNNER_WAIT_TALK_MS)
		return;
	runner->last_wait_ms = now_ms;
	snprintf(runner->last_step, sizeof runner->last_step, "%s", order->step);
	runner_say(runner, order->step, order->text);
}

void runner_tick(struct runner *runner)
{
	if (runner->finished || !runner->engine->snapshot)
		return;
	if (runner->waiting_for_run && !runner_collect(runner))
		return;
	bool is_held =
		brief_tick(&runner->brief, runner->control, runner->engine, runner->environment);
	if (executor_is_busy(runner->control->executor))
		return; /* something brief is being ended */
	int64_t now_ms = loop_now_ms(runner->engine->loop);
	if (runner->waiting_for_word) {
		if (now_ms >= runner->ask_again_ms)
			runner_act(runner, &runner->order, now_ms);
		return;
	}
	struct runbook_order order;
	runbook_step(runner->state, runner->engine->snapshot, &runner->engine->assessment,
		runner->has_result ? &runner->result : NULL, now_ms, &order);
	runner->has_result = false;
	if (order.turn != RUNBOOK_TURN_NONE) {
		runner_turn(runner, &order);
		return;
	}
	if (order.kind == RUNBOOK_WAIT || order.kind == RUNBOOK_ACT)
		runner_enter(runner, order.step);
	switch (order.kind) {
	case RUNBOOK_WAIT:
		runner_wait(runner, &order, now_ms);
		break;
	case RUNBOOK_ACT:
		runner_act(runner, &order, now_ms);
		break;
	case RUNBOOK_UNDO:
		runner_undo(runner, &order, now_ms);
		break;
	case RUNBOOK_FINISHED:
		runner->brief.at_once = true;
		runner->finished = !is_held;
		if (runner->finished)
			runner_mark_end(runner, &order);
		runner->code = order.code;
		runner_say(runner, order.step, order.text);
		break;
	}
}

bool runner_init(struct runner *runner, struct engine *engine, struct control *control,
	const struct runbook *runbook, const struct runbook_param *values, size_t value_count,
	const char *environment, const char *reason, runner_talk_fn *talk, void *context,
	struct error *error)
{
	*runner = (struct runner){
		.engine = engine,
		.control = control,
		.environment = environment,
		.reason = reason,
		.talk = talk,
		.context = context,
	};
	plan_init(&runner->plan);
	brief_init(&runner->brief, engine);
	runner->state = runbook_begin(runbook, values, value_count, engine->snapshot,
		control->infos, control->info_count, error);
	return runner->state != NULL;
}

void runner_finish(struct runner *runner)
{
	runbook_end(runner->state);
	plan_finish(&runner->plan);
	brief_finish(&runner->brief);
	*runner = (struct runner){0};
}
