#include "app/verb.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "actions/config.h"
#include "actions/executor.h"
#include "actions/expiry.h"
#include "actions/hold.h"
#include "actions/plan.h"
#include "actions/reaper.h"
#include "app/config.h"
#include "app/control.h"
#include "app/engine.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"

/* Taking back what has expired, newest first, each by the road every change takes. */
struct reaper {
	const struct options *options;
	struct config *config;
	struct engine engine;
	struct control control;
	struct plan plan;
	bool interrupted;
	size_t taken_back, kept;
	int worst; /* the code of the first that did not go back */
};

static void reap_interrupt(void *context, int signal_number)
{
	struct reaper *reaper = context;
	(void)signal_number;
	reaper->interrupted = true;
	loop_stop(reaper->engine.loop);
}

static void reap_tick(void *context)
{
	struct reaper *reaper = context;
	executor_tick(reaper->control.executor, reaper->engine.snapshot, &reaper->engine.assessment,
		loop_now_ms(reaper->engine.loop));
}

static void reap_keep(struct reaper *reaper, const struct hold *hold, int code, const char *why)
{
	printf("%s %s %s: kept, exit %d: %s\n", hold->run, hold->action, hold->target_path, code,
		why);
	reaper->kept++;
	if (reaper->worst == OUTCOME_DONE)
		reaper->worst = code;
}

static const char *reap_blocker(const struct plan *plan)
{
	for (size_t i = 0; i < plan->verdict_count; i++) {
		const struct verdict *verdict = &plan->verdicts[i];
		if (verdict->kind == VERDICT_BLOCK || verdict->kind == VERDICT_UNKNOWN)
			return verdict->text;
	}
	return "a guard";
}

static void reap_run(struct reaper *reaper, const struct hold *hold)
{
	struct error error = {0};
	enum outcome_code code = OUTCOME_LOCAL_ERROR;
	struct executor *executor = reaper->control.executor;
	if (!executor_start(executor, &reaper->plan, reaper->plan.hash, "its hold expired",
		    reaper->engine.snapshot, &reaper->engine.assessment,
		    loop_now_ms(reaper->engine.loop), &code, &error)) {
		reap_keep(reaper, hold, (int)code, error.text);
		return;
	}
	while (executor_is_busy(executor) && !reaper->interrupted) {
		if (!loop_turn(reaper->engine.loop, ENGINE_TICK_MS, &error))
			break;
	}
	if (executor_is_busy(executor))
		executor_interrupt(executor, loop_now_ms(reaper->engine.loop));
	const struct run_view *run = executor_run(executor);
	if (!run || run->code != OUTCOME_DONE) {
		reap_keep(reaper, hold, run ? (int)run->code : OUTCOME_LOCAL_ERROR,
			run ? run->text : "it did not begin");
		return;
	}
	printf("%s %s %s: taken back by %s\n", hold->run, hold->action, hold->target_path, run->id);
	reaper->taken_back++;
}

/* What is there already as it was, needs no change to end. */
static void reap_close(struct reaper *reaper, const struct hold *hold, const char *why)
{
	struct error error = {0};
	if (reaper->options->plan_only ||
		executor_change_hold(reaper->control.executor, hold->run, 0, why, &error)) {
		printf("%s %s %s: over: %s\n", hold->run, hold->action, hold->target_path, why);
		return;
	}
	reap_keep(reaper, hold, OUTCOME_LOCAL_ERROR, error.text);
}

/* Told as a page: whoever reads the reaper's output, its exit code or the journal is to look. */
static void reap_hand_over(
	struct reaper *reaper, const struct hold *hold, bool pages, const char *why)
{
	char line[ACTION_TEXT_BYTES * 2];
	struct error error = {0};
	if (reaper->options->plan_only) {
		printf("%s %s %s: would be %s: %s\n", hold->run, hold->action, hold->target_path,
			pages ? "handed to a person" : "put off", why);
		return;
	}
	bool is_told = pages && hold->put_offs > EXPIRY_PUT_OFFS_MOST;
	if (!is_told && !executor_put_off(reaper->control.executor, hold, pages, why, &error)) {
		reap_keep(reaper, hold, OUTCOME_LOCAL_ERROR, error.text);
		return;
	}
	if (pages)
		snprintf(line, sizeof line,
			"PAGE: a person has to take it back, 'spillway undo %s', or let it last, "
			"'spillway holds extend %s 30m': %s",
			hold->run, hold->run, why);
	else
		snprintf(line, sizeof line, "PAGE: put off by %d min, %d of %d times: %s",
			EXPIRY_PUT_OFF_MS / 60000, hold->put_offs + 1, EXPIRY_PUT_OFFS_MOST, why);
	reap_keep(reaper, hold, pages ? OUTCOME_NEEDS_CONFIRMATION : OUTCOME_REFUSED, line);
}

/* There is a plan that takes it back: what becomes of the hold by its action's policy. */
static void reap_decide(struct reaper *reaper, const struct hold *hold)
{
	char why[ACTION_TEXT_BYTES];
	const struct plan *plan = &reaper->plan;
	enum health health =
		expiry_health(hold, &reaper->control.configs.guards, reaper->engine.snapshot,
			&reaper->engine.assessment, loop_now_ms(reaper->engine.loop), why);
	if (plan->blocked)
		snprintf(why, sizeof why, "%s", reap_blocker(plan));
	else if (hold->on_expiry == EXPIRY_HOLD_AND_PAGE)
		snprintf(why, sizeof why, "its action is not taken back by itself");
	switch (expiry_decide(hold, plan->blocked, health)) {
	case EXPIRY_TAKE_BACK:
		if (reaper->options->plan_only)
			printf("%s %s %s: would be taken back\n", hold->run, hold->action,
				hold->target_path);
		else
			reap_run(reaper, hold);
		break;
	case EXPIRY_KEEP:
		reap_keep(reaper, hold, (int)plan_outcome(plan), why);
		break;
	case EXPIRY_PUT_OFF:
		reap_hand_over(reaper, hold, false, why);
		break;
	case EXPIRY_PAGE:
		reap_hand_over(reaper, hold, true, why);
		break;
	}
}

static void reap_one(struct reaper *reaper, const struct hold *hold)
{
	struct error error = {0};
	if (!executor_plan_undo(reaper->control.executor, hold->run, reaper->config->environment,
		    reaper->engine.snapshot, &reaper->engine.assessment,
		    loop_now_ms(reaper->engine.loop), &reaper->plan, &error)) {
		if (hold_is_back(hold, reaper->engine.snapshot))
			reap_close(reaper, hold, error.text);
		else
			reap_keep(reaper, hold, OUTCOME_STALE_PLAN, error.text);
	} else {
		reap_decide(reaper, hold);
	}
}

static void reap_all(struct reaper *reaper)
{
	struct hold holds[HOLDS_MOST];
	size_t count = executor_holds(
		reaper->control.executor, loop_now_ms(reaper->engine.loop), holds, HOLDS_MOST);
	size_t expired = 0;
	for (size_t i = 0; i < count && !reaper->interrupted; i++) {
		if (!holds[i].is_expired)
			continue;
		expired++;
		reap_one(reaper, &holds[i]);
	}
	if (expired == 0 && !reaper->options->quiet)
		fprintf(stderr, "spillway: no hold has expired\n");
}

int verb_reap(const struct options *options)
{
	struct reaper reaper = {.options = options};
	struct error error = {0};
	int code = OUTCOME_LOCAL_ERROR;
	if (options->word_count > 0) {
		error_set(&error, ERROR_USAGE, "reap takes no words: what has expired is reaped");
		return verb_fail(OUTCOME_USAGE, &error);
	}
	if (!verb_open_fleet(options, &reaper.config, &reaper.engine, &reaper.control, &code))
		return code;
	plan_init(&reaper.plan);
	if (!reaper.control.may_write) {
		error_set(&error, ERROR_REJECTED, "read-only: nothing is taken back");
		code = verb_fail(OUTCOME_NOT_PERMITTED, &error);
	} else if (verb_has_journal(&reaper.control, &code)) {
		loop_signal(reaper.engine.loop, SIGINT, reap_interrupt, &reaper, &error);
		loop_signal(reaper.engine.loop, SIGTERM, reap_interrupt, &reaper, &error);
		reaper.engine.on_tick = reap_tick;
		reaper.engine.context = &reaper;
		executor_arm(
			reaper.control.executor, loop_now_ms(reaper.engine.loop) + CONTROL_ARM_MS);
		reap_all(&reaper);
		if (!reaper.interrupted && !options->plan_only)
			reaper_note(reaper.control.configs.journal_file,
				clock_wall_ms(loop_clock(reaper.engine.loop)));
		code = reaper.worst;
	}
	plan_finish(&reaper.plan);
	verb_close_fleet(reaper.config, &reaper.engine, &reaper.control);
	return code;
}
