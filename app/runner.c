#include "app/runner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "actions/config.h"
#include "actions/executor.h"
#include "app/control.h"
#include "app/engine.h"
#include "core/base/error.h"
#include "core/base/loop.h"

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

static bool runner_plan(struct runner *runner, const struct runbook_order *order, double to,
	int64_t now_ms, struct error *error)
{
	return executor_plan(runner->control->executor, order->action, order->target, to,
		runner->environment, NULL, 0, runner->engine->snapshot, &runner->engine->assessment,
		now_ms, &runner->plan, error);
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

static void runner_act(struct runner *runner, const struct runbook_order *order, int64_t now_ms)
{
	struct error error = {0};
	char text[ACTION_TEXT_BYTES];
	if (!runner_plan(runner, order, order->to, now_ms, &error)) {
		runner_refused(runner, order, OUTCOME_LOCAL_ERROR, error.text);
		return;
	}
	double safe_to = runner->plan.largest_safe_to;
	if (runner->plan.blocked && order->largest_safe && isfinite(safe_to) &&
		!runner_plan(runner, order, safe_to, now_ms, &error)) {
		runner_refused(runner, order, OUTCOME_LOCAL_ERROR, error.text);
		return;
	}
	if (runner->plan.blocked) {
		runner_why_blocked(&runner->plan, text, sizeof text);
		runner_refused(runner, order, plan_outcome(&runner->plan), text);
		return;
	}
	if (runner->plan.no_change) {
		runner_refused(runner, order, OUTCOME_DONE, "nothing to change");
		runner->result.state = RUN_DONE;
		return;
	}
	enum outcome_code code = OUTCOME_LOCAL_ERROR;
	if (!executor_start(runner->control->executor, &runner->plan, runner->plan.hash,
		    runner->reason, runner->engine->snapshot, &runner->engine->assessment, now_ms,
		    &code, &error)) {
		runner_refused(runner, order, code, error.text);
		return;
	}
	runner->waiting_for_run = true;
	snprintf(text, sizeof text, "%.48s %.150s: %.6g to %.6g", order->action,
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
	runner->has_result = true;
	runner->result = *run;
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
	struct runbook_order order;
	runbook_step(runner->state, runner->engine->snapshot, &runner->engine->assessment,
		runner->has_result ? &runner->result : NULL, now_ms, &order);
	runner->has_result = false;
	switch (order.kind) {
	case RUNBOOK_WAIT:
		runner_wait(runner, &order, now_ms);
		break;
	case RUNBOOK_ACT:
		runner_act(runner, &order, now_ms);
		break;
	case RUNBOOK_FINISHED:
		runner->brief.at_once = true;
		runner->finished = !is_held;
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
