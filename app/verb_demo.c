#include "app/verb.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "actions/executor.h"
#include "actions/journal.h"
#include "app/box.h"
#include "app/config.h"
#include "app/console_app.h"
#include "app/control.h"
#include "app/engine.h"
#include "app/path.h"
#include "app/plain.h"
#include "app/runner.h"
#include "core/base/arena.h"
#include "core/base/clock.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/fleet/snapshot.h"

#define DEMO_ARENA_BYTES (8u * 1024 * 1024)
#define DEMO_RUNBOOK "runbooks/replica-loss.yaml"

struct demo {
	const struct options *options;
	struct box box;
	struct config *config;
	struct engine engine;
	struct control control;
	struct plain plain;
	struct arena *arena;
	const struct runbook *runbook; /* NULL unless --auto */
	struct runner runner;
	bool runner_begun;
	char farewell[1024];
	int code;
};

static void demo_leave(struct demo *demo, int code)
{
	demo->code = code;
	loop_stop(demo->engine.loop);
}

static void demo_talk(void *context, const char *line)
{
	struct demo *demo = context;
	char at[CLOCK_TEXT_BYTES];
	clock_format_time(clock_wall_ms(&demo->engine.clock), at);
	printf("%s runbook  %s\n", at, line);
	fflush(stdout);
}

/* The runbook binds its parameters to what is seen, so it begins with the first whole picture. */
static void demo_begin_runbook(struct demo *demo)
{
	struct error error = {0};
	if (demo->engine.assessment.cluster_count == 0)
		return;
	demo->runner_begun = true;
	executor_arm(demo->control.executor, INT64_MAX);
	if (!runner_init(&demo->runner, &demo->engine, &demo->control, demo->runbook, NULL, 0,
		    demo->config->environment, "demo", demo_talk, demo, &error))
		demo_leave(demo, verb_fail(OUTCOME_BAD_RUNBOOK, &error));
}

static void demo_tick(void *context)
{
	struct demo *demo = context;
	plain_tick(&demo->plain, &demo->engine);
	if (!demo->runbook)
		return;
	if (!demo->runner_begun) {
		demo_begin_runbook(demo);
		return;
	}
	executor_tick(demo->control.executor, demo->engine.snapshot, &demo->engine.assessment,
		loop_now_ms(demo->engine.loop));
	runner_tick(&demo->runner);
	if (demo->runner.finished)
		demo_leave(demo, (int)demo->runner.code);
}

static void demo_signal(void *context, int signal_number)
{
	demo_leave(context, signal_number == SIGINT ? OUTCOME_INTERRUPTED : 143);
}

static void demo_time_is_up(void *context)
{
	demo_leave(context, OUTCOME_DONE);
}

static bool demo_read_runbook(struct demo *demo, int *code)
{
	struct error error = {0};
	char path[PATH_BYTES];
	if (!path_shared_file(DEMO_RUNBOOK, path, sizeof path, &error)) {
		*code = verb_fail(OUTCOME_LOCAL_ERROR, &error);
		return false;
	}
	struct complaints complaints;
	complaints_init(&complaints);
	demo->arena = arena_create(DEMO_ARENA_BYTES);
	demo->runbook = demo->arena ? runbook_read(demo->arena, path, &complaints) : NULL;
	if (!demo->runbook) {
		verb_complain(&complaints);
		*code = OUTCOME_BAD_RUNBOOK;
	}
	complaints_finish(&complaints);
	return demo->runbook != NULL;
}

/* Lines for a pipe: the incident, and with --auto the runbook that mends it. */
static int demo_flow(struct demo *demo, int64_t span_ms)
{
	struct error error = {0};
	int code = OUTCOME_LOCAL_ERROR;
	if (demo->options->automatic && !demo_read_runbook(demo, &code))
		return code;
	loop_signal(demo->engine.loop, SIGINT, demo_signal, demo, &error);
	loop_signal(demo->engine.loop, SIGTERM, demo_signal, demo, &error);
	demo->engine.on_tick = demo_tick;
	demo->engine.context = demo;
	if (span_ms > 0)
		loop_timer_start(demo->engine.loop, span_ms, demo_time_is_up, demo);
	engine_start(&demo->engine);
	bool ok = loop_run(demo->engine.loop, &error);
	if (demo->runner_begun)
		runner_finish(&demo->runner);
	return ok ? demo->code : verb_fail(OUTCOME_LOCAL_ERROR, &error);
}

static int demo_show(struct demo *demo)
{
	struct error error = {0};
	int64_t span_ms;
	if (!verb_span("for", demo->options->span, 0, &span_ms, &error))
		return verb_fail(OUTCOME_USAGE, &error);
	if (demo->options->automatic || !console_app_has_screen(demo->options))
		return demo_flow(demo, span_ms);
	int code = console_app_run(
		demo->options, &demo->config, &demo->engine, &demo->control, &error);
	if (error.kind != ERROR_NONE)
		return verb_fail(code, &error);
	return code;
}

/* What was done can be proved afterwards: say where, when there is something. */
static void demo_tell_journal(const struct demo *demo, char *out, size_t size)
{
	struct journal_check check;
	const char *file = demo->control.configs.journal_file;
	out[0] = '\0';
	if (file && journal_verify(file, &check, NULL) && check.records > 0)
		snprintf(out, size, "what was done: spillway journal show %.900s", file);
}

static int demo_open(struct demo *demo)
{
	struct error error = {0};
	struct complaints complaints;
	struct action_configs configs;
	int code = OUTCOME_BAD_CONFIG;
	complaints_init(&complaints);
	demo->config = config_read(demo->box.fleet_file, &complaints);
	bool ok = demo->config && control_read(demo->config, &configs, &complaints);
	if (!ok) {
		verb_complain(&complaints);
	} else if (!engine_init(&demo->engine, demo->config, NULL, &error)) {
		code = verb_fail(OUTCOME_LOCAL_ERROR, &error);
	} else {
		if (control_init(&demo->control, &demo->engine, &configs, false, &error)) {
			code = demo_show(demo);
			demo_tell_journal(demo, demo->farewell, sizeof demo->farewell);
			control_finish(&demo->control);
		} else {
			code = verb_fail(OUTCOME_LOCAL_ERROR, &error);
		}
		engine_finish(&demo->engine);
	}
	complaints_finish(&complaints);
	config_destroy(demo->config);
	arena_destroy(demo->arena);
	return code;
}

int verb_demo(const struct options *options)
{
	struct demo demo = {.options = options};
	struct error error = {0};
	if (!box_start(&demo.box, options->scenario, options->seed, options->speed, &error))
		return verb_fail(OUTCOME_LOCAL_ERROR, &error);
	int code = demo_open(&demo);
	box_stop(&demo.box);
	if (demo.farewell[0] && !options->quiet)
		fprintf(stderr, "%s\n", demo.farewell);
	return code;
}
