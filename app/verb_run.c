#include "app/verb.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actions/executor.h"
#include "actions/journal.h"
#include "actions/runbook_log.h"
#include "actions/ticket.h"
#include "app/config.h"
#include "app/control.h"
#include "app/engine.h"
#include "app/path.h"
#include "app/runner.h"
#include "core/base/arena.h"
#include "core/base/clock.h"
#include "core/base/complaints.h"
#include "core/base/digest.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/loop.h"
#include "core/base/text.h"
#include "core/base/yaml.h"

#define RUNBOOK_ARENA_BYTES (8u * 1024 * 1024)

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
static void run_path(const struct run *run, char path[PATH_BYTES])
{
	const char *word = run->options->words[0];
	char name[PATH_BYTES];
	struct error error;
	snprintf(path, PATH_BYTES, "%s", word);
	if (strchr(word, '/') || access(word, R_OK) == 0)
		return;
	snprintf(name, sizeof name, "runbooks/%.200s.yaml", word);
	if (!path_shared_file(name, path, PATH_BYTES, &error))
		snprintf(path, PATH_BYTES, "%s", word);
}

/* A run is gone on with by the very steps it was begun with. */
static bool run_digest(const char *path, char out[DIGEST_HEX_BYTES], struct error *error)
{
	char *bytes = malloc(YAML_FILE_BYTES + 1);
	FILE *file = fopen(path, "re");
	bool ok = bytes && file;
	if (ok) {
		size_t length = fread(bytes, 1, YAML_FILE_BYTES + 1, file);
		ok = !ferror(file);
		digest_sha256(bytes, length, out);
	}
	if (file)
		fclose(file);
	free(bytes);
	return ok || error_errno(error, "cannot read runbook '%s'", path);
}

static const struct runbook *run_read(struct run *run, const char *path, int *code)
{
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

static bool run_param(
	struct runbook_mark *mark, const char *word, const char *equals, struct error *error)
{
	size_t index = mark->param_count;
	if (!equals || index == RUNBOOK_PARAMS_MOST)
		return error_set(error, ERROR_USAGE, "'%s' is not of the form name=value", word);
	if ((size_t)(equals - word) >= sizeof mark->params[0].name ||
		strlen(equals + 1) >= sizeof mark->params[0].value)
		return error_set(error, ERROR_USAGE, "'%.60s...' is too long", word);
	snprintf(mark->params[index].name, sizeof mark->params[0].name, "%.*s",
		(int)(equals - word), word);
	snprintf(mark->params[index].value, sizeof mark->params[0].value, "%s", equals + 1);
	mark->param_count++;
	return true;
}

/* What is to be run, from the command line. */
static bool run_mark_new(const struct run *run, struct runbook_mark *mark, struct error *error)
{
	const struct options *options = run->options;
	char path[PATH_BYTES];
	char whole[PATH_MAX];
	run_path(run, path);
	const char *found = realpath(path, whole) ? whole : path;
	if (strlen(found) >= sizeof mark->path)
		return error_set(error, ERROR_USAGE, "the runbook's file name is too long");
	memcpy(mark->path, found, strlen(found) + 1);
	snprintf(mark->ticket, sizeof mark->ticket, "%s", options->ticket ? options->ticket : "");
	for (size_t i = 1; i < options->word_count; i++) {
		const char *word = options->words[i];
		if (!run_param(mark, word, strchr(word, '='), error))
			return false;
	}
	return true;
}

/* What is to be gone on with, from the journal. */
static bool run_mark_old(const struct run *run, struct runbook_mark *mark, struct error *error)
{
	char digest[DIGEST_HEX_BYTES];
	if (!run->control.journal)
		return error_set(error, ERROR_REJECTED, "there is no journal to go on from");
	if (!runbook_log_find(
		    journal_path(run->control.journal), run->options->resume, mark, error) ||
		!run_digest(mark->path, digest, error))
		return false;
	return strcmp(digest, mark->digest) == 0 ||
	       error_set(error, ERROR_REJECTED,
		       "'%s' was changed since run '%s' began: run it anew", mark->path, mark->id);
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

static int run_show(const struct runbook *runbook)
{
	struct text text;
	text_init(&text, 256 * 1024);
	runbook_print(runbook, &text);
	fputs(text_string(&text), stdout);
	text_finish(&text);
	return OUTCOME_CHANGES_PENDING;
}

static int run_code(const struct error *error)
{
	return error->kind == ERROR_UNKNOWN_OUTCOME ? OUTCOME_UNKNOWN
	       : error->kind == ERROR_REJECTED      ? OUTCOME_STALE_PLAN
	       : error->kind == ERROR_USAGE         ? OUTCOME_USAGE
						    : OUTCOME_LOCAL_ERROR;
}

/* All is read: keep a note of where it stands, and go. */
static int run_go(struct run *run, struct runbook_mark *mark)
{
	struct error error = {0};
	bool ok = run->options->resume ? runner_resume(&run->runner, mark, &error)
				       : run_digest(mark->path, mark->digest, &error) &&
						 runner_keep(&run->runner, mark, &error);
	if (!ok)
		return verb_fail(run_code(&error), &error);
	if (!run->options->quiet && run->runner.mark.id[0])
		fprintf(stderr, "spillway: run %s: '--resume %s' goes on with it\n",
			run->runner.mark.id, run->runner.mark.id);
	/* Another ticket on the command line than the run began with counts from here on. */
	if (!run->options->ticket && ticket_check(run->runner.mark.ticket, &error))
		executor_set_ticket(run->control.executor, run->runner.mark.ticket);
	executor_arm(run->control.executor, INT64_MAX);
	return run_until_finished(run);
}

static int run_with(struct run *run, struct runbook_mark *mark, const struct runbook *runbook)
{
	struct error error = {0};
	struct runbook_param params[RUNBOOK_PARAMS_MOST];
	int code = OUTCOME_LOCAL_ERROR;
	for (size_t i = 0; i < mark->param_count; i++)
		params[i] = (struct runbook_param){
			.name = mark->params[i].name, .value = mark->params[i].value};
	if (!runner_init(&run->runner, &run->engine, &run->control, runbook, params,
		    mark->param_count, run->config->environment, run->options->reason, run_talk,
		    run, &error))
		return verb_fail(OUTCOME_USAGE, &error);
	if (run->options->plan_only) {
		code = run_show(runbook);
	} else if (!run->control.may_write) {
		error_set(&error, ERROR_USAGE, "read-only: a runbook changes things");
		code = verb_fail(OUTCOME_NOT_PERMITTED, &error);
	} else if (verb_has_journal(&run->control, &code) && !run->options->yes) {
		error_set(&error, ERROR_USAGE,
			"a runbook acts by itself: look at it with --plan, then run it with --yes");
		code = verb_fail(OUTCOME_NEEDS_CONFIRMATION, &error);
	} else if (run->control.journal) {
		code = run_go(run, mark);
	}
	runner_finish(&run->runner);
	return code;
}

static int run_begin(struct run *run)
{
	struct error error = {0};
	int code = OUTCOME_LOCAL_ERROR;
	struct runbook_mark *mark = calloc(1, sizeof *mark);
	if (!mark) {
		error_no_memory(&error, "a runbook's run");
		return verb_fail(OUTCOME_LOCAL_ERROR, &error);
	}
	bool ok = run->options->resume ? run_mark_old(run, mark, &error)
				       : run_mark_new(run, mark, &error);
	const struct runbook *runbook = ok ? run_read(run, mark->path, &code) : NULL;
	if (!ok)
		code = verb_fail(run_code(&error), &error);
	else if (runbook)
		code = run_with(run, mark, runbook);
	free(mark);
	return code;
}

int verb_run(const struct options *options)
{
	struct error error = {0};
	if ((options->word_count == 0) == (options->resume == NULL)) {
		error_set(&error, ERROR_USAGE,
			options->resume ? "--resume takes the runbook and its parameters from the "
					  "journal"
					: "which runbook? A file, or 'replica-loss'");
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
