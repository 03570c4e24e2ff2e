#include "app/verb.h"

#include <signal.h>
#include <stdio.h>

#include "actions/config.h"
#include "actions/executor.h"
#include "actions/hold.h"
#include "actions/reaper.h"
#include "app/config.h"
#include "app/control.h"
#include "app/engine.h"
#include "app/expired.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"

/* Taking back what has expired, newest first, each by the road every change takes. */
struct reaper {
	const struct options *options;
	struct config *config;
	struct engine engine;
	struct control control;
	struct expired expired;
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

/* Also told as a page where it is put off or a person's: whoever reads the reaper's output, its
 * exit code or the journal is to look. */
static void reap_keep(
	struct reaper *reaper, const struct hold *hold, enum outcome_code code, const char *why)
{
	printf("%s %s %s: kept, exit %d: %s\n", hold->run, hold->action, hold->target_path,
		(int)code, why);
	reaper->kept++;
	if (reaper->worst == OUTCOME_DONE)
		reaper->worst = (int)code;
}

/* The run that takes it back is under way. */
static void reap_wait(struct reaper *reaper, const struct hold *hold)
{
	struct error error = {0};
	struct executor *executor = reaper->control.executor;
	while (executor_is_busy(executor) && !reaper->interrupted) {
		if (!loop_turn(reaper->engine.loop, ENGINE_TICK_MS, &error))
			break;
	}
	if (executor_is_busy(executor))
		executor_interrupt(executor, loop_now_ms(reaper->engine.loop));
	const struct run_view *run = executor_run(executor);
	if (!run || run->code != OUTCOME_DONE) {
		reap_keep(reaper, hold, run ? run->code : OUTCOME_LOCAL_ERROR,
			run ? run->text : "it did not begin");
		return;
	}
	printf("%s %s %s: taken back by %s\n", hold->run, hold->action, hold->target_path, run->id);
	reaper->taken_back++;
}

/* What would become of it, with --plan. */
static void reap_foretell(
	struct reaper *reaper, const struct hold *hold, const struct expired_news *news)
{
	static const char *const words[] = {
		[EXPIRED_BEGUN] = "would be taken back",
		[EXPIRED_OVER] = "over: ",
		[EXPIRED_PUT_OFF] = "would be put off: ",
		[EXPIRED_HANDED] = "would be handed to a person: ",
	};
	if (news->end == EXPIRED_KEPT)
		reap_keep(reaper, hold, news->code, news->text);
	else
		printf("%s %s %s: %s%s\n", hold->run, hold->action, hold->target_path,
			words[news->end], news->text);
}

static void reap_one(struct reaper *reaper, const struct hold *hold)
{
	struct expired_news news;
	expired_judge(&reaper->expired, &reaper->control, &reaper->engine,
		reaper->config->environment, hold, &news);
	if (reaper->options->plan_only) {
		reap_foretell(reaper, hold, &news);
		return;
	}
	expired_carry_out(&reaper->expired, &reaper->control, &reaper->engine, hold, &news);
	if (news.end == EXPIRED_BEGUN)
		reap_wait(reaper, hold);
	else if (news.end == EXPIRED_OVER)
		printf("%s %s %s: over: %s\n", hold->run, hold->action, hold->target_path,
			news.text);
	else
		reap_keep(reaper, hold, news.code, news.text);
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
	expired_init(&reaper.expired);
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
	expired_finish(&reaper.expired);
	verb_close_fleet(reaper.config, &reaper.engine, &reaper.control);
	return code;
}
