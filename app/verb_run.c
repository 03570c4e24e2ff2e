#include "app/verb.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "actions/executor.h"
#include "app/config.h"
#include "app/control.h"
#include "app/engine.h"
#include "app/path.h"
#include "app/runner.h"
#include "core/base/arena.h"
#include "core/base/clock.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/loop.h"
#include "core/base/text.h"

#define RUNBOOK_ARENA_BYTES (8u * 1024 * 1024)
#define RUN_PARAMS_MOST 32

struct run {
	const struct options *options;
	struct config *config;
	struct engine engine;
	struct control control;
	struct runner runner;
	struct arena *arena;
	bool interrupted;
};

static void run_talk(void *context, const char *line)
{
	struct run *run = context;
	if (run->options->quiet)
		return;
	char at[CLOCK_TEXT_BYTES];
	clock_format_time(clock_wall_ms(&run->engine.clock), at);
	fprintf(stderr, "%s %s\n", at, line);
}

static void run_tick(void *context)
{
	struct run *run = context;
	executor_tick(run->control.executor, run->engine.snapshot, &run->engine.assessment,
		loop_now_ms(run->engine.loop));
	runner_tick(&run->runner);
	if (run->runner.finished)
		loop_stop(run->engine.loop);
}

static void run_interrupt(void *context, int signal_number)
{
	struct run *run = context;
	(void)signal_number;
	run->interrupted = true;
	loop_stop(run->engine.loop);
}

/* A file as given, or the name of one that comes with the program. */
static const struct runbook *run_read(struct run *run, int *code)
{
	const char *word = run->options->words[0];
	char path[PATH_BYTES];
	char name[PATH_BYTES];
	snprintf(path, sizeof path, "%s", word);
	if (!strchr(word, '/') && access(word, R_OK) != 0) {
		snprintf(name, sizeof name, "runbooks/%.200s.yaml", word);
		struct error error;
		if (!path_shared_file(name, path, sizeof path, &error))
			snprintf(path, sizeof path, "%s", word);
	}
	struct complaints complaints;
	complaints_init(&complaints);
	const struct runbook *runbook = runbook_read(run->arena, path, &complaints);
	if (!runbook) {
		verb_complain(&complaints);
		*code = OUTCOME_BAD_RUNBOOK;
	}
	complaints_finish(&complaints);
	return runbook;
}

static bool run_params(
	const struct run *run, struct runbook_param *out, size_t *count, struct error *error)
{
	const struct options *options = run->options;
	*count = 0;
	for (size_t i = 1; i < options->word_count; i++) {
		const char *equals = strchr(options->words[i], '=');
		if (!equals || *count == RUN_PARAMS_MOST)
			return error_set(error, ERROR_USAGE, "'%s' is not of the form name=value",
				options->words[i]);
		const char *name = arena_strndup(
			run->arena, options->words[i], (size_t)(equals - options->words[i]));
		if (!name)
			return error_no_memory(error, "the parameters");
		out[(*count)++] = (struct runbook_param){.name = name, .value = equals + 1};
	}
	return true;
}

static void run_print_result(const struct run *run, int code)
{
	if (strcmp(run->options->output, "json") != 0) {
		printf("%s: %s\n", outcome_name((enum outcome_code)code), run->runner.last_text);
		return;
	}
	struct text text;
	struct json_writer json;
	text_init(&text, 64 * 1024);
	json_writer_init(&json, &text);
	json_begin_object(&json);
	json_member_integer(&json, "code", code);
	json_member_string(&json, "outcome", outcome_name((enum outcome_code)code));
	json_member_string(&json, "text", run->runner.last_text);
	json_end_object(&json);
	printf("%s\n", text_string(&text));
	text_finish(&text);
}

static int run_until_finished(struct run *run)
{
	struct error error = {0};
	loop_signal(run->engine.loop, SIGINT, run_interrupt, run, &error);
	loop_signal(run->engine.loop, SIGTERM, run_interrupt, run, &error);
	run->engine.on_tick = run_tick;
	run->engine.context = run;
	if (!loop_run(run->engine.loop, &error))
		return verb_fail(OUTCOME_LOCAL_ERROR, &error);
	if (!run->interrupted) {
		run_print_result(run, (int)run->runner.code);
		return (int)run->runner.code;
	}
	const struct run_view *last = executor_run(run->control.executor);
	bool in_flight =
		executor_is_busy(run->control.executor) && last && last->state != RUN_INTENT;
	fprintf(stderr, "spillway: interrupted%s\n",
		in_flight ? ": a request had been sent: read back before doing it again"
			  : ": nothing is in flight; what was done stays, see 'spillway journal "
			    "show'");
	return in_flight ? OUTCOME_UNKNOWN : OUTCOME_INTERRUPTED;
}

static int run_begin(struct run *run)
{
	struct error error = {0};
	struct runbook_param params[RUN_PARAMS_MOST];
	size_t count;
	int code = OUTCOME_LOCAL_ERROR;
	const struct runbook *runbook = run_read(run, &code);
	if (!runbook)
		return code;
	if (!run_params(run, params, &count, &error))
		return verb_fail(OUTCOME_USAGE, &error);
	if (!runner_init(&run->runner, &run->engine, &run->control, runbook, params, count,
		    run->config->environment, run->options->reason, run_talk, run, &error))
		return verb_fail(OUTCOME_USAGE, &error);
	if (run->options->plan_only) {
		struct text text;
		text_init(&text, 256 * 1024);
		runbook_print(runbook, &text);
		fputs(text_string(&text), stdout);
		text_finish(&text);
		code = OUTCOME_CHANGES_PENDING;
	} else if (!run->control.may_write) {
		error_set(&error, ERROR_USAGE, "read-only: a runbook changes things");
		code = verb_fail(OUTCOME_NOT_PERMITTED, &error);
	} else if (verb_has_journal(&run->control, &code) && !run->options->yes) {
		error_set(&error, ERROR_USAGE,
			"a runbook acts by itself: look at it with --plan, then run it with --yes");
		code = verb_fail(OUTCOME_NEEDS_CONFIRMATION, &error);
	} else if (run->control.journal) {
		executor_arm(run->control.executor, INT64_MAX);
		code = run_until_finished(run);
	}
	runner_finish(&run->runner);
	return code;
}

int verb_run(const struct options *options)
{
	struct error error = {0};
	if (options->word_count == 0) {
		error_set(&error, ERROR_USAGE, "which runbook? A file, or 'replica-loss'");
		return verb_fail(OUTCOME_USAGE, &error);
	}
	struct run run = {.options = options};
	int code = OUTCOME_LOCAL_ERROR;
	run.arena = arena_create(RUNBOOK_ARENA_BYTES);
	if (!run.arena) {
		error_no_memory(&error, "the runbook");
		return verb_fail(OUTCOME_LOCAL_ERROR, &error);
	}
	if (verb_open_fleet(options, &run.config, &run.engine, &run.control, &code)) {
		code = run_begin(&run);
		verb_close_fleet(run.config, &run.engine, &run.control);
	}
	arena_destroy(run.arena);
	return code;
}
