#include "app/verb.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actions/action.h"
#include "actions/executor.h"
#include "actions/ticket.h"
#include "app/config.h"
#include "app/console_app.h"
#include "app/control.h"
#include "app/engine.h"
#include "app/hold_watch.h"
#include "app/path.h"
#include "app/plain.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/loop.h"

struct flow {
	struct engine *engine;
	struct plain plain;
	struct hold_watch holds;
};

static void flow_tell(void *context, const char *sentence)
{
	plain_warn(context, sentence);
}

static void flow_tick(void *context)
{
	struct flow *flow = context;
	plain_tick(&flow->plain, flow->engine);
	if (!flow->plain.json)
		hold_watch_look(
			&flow->holds, loop_now_ms(flow->engine->loop), flow_tell, flow->engine);
}

static void flow_stop(void *context, int signal_number)
{
	(void)signal_number;
	loop_stop(context);
}

/* Not a terminal: lines, until interrupted. */
static int console_flow(
	const struct options *options, const struct action_configs *configs, struct engine *engine)
{
	struct error error = {0};
	struct flow flow = {.engine = engine, .plain.json = strcmp(options->output, "json") == 0};
	loop_signal(engine->loop, SIGINT, flow_stop, engine->loop, &error);
	loop_signal(engine->loop, SIGTERM, flow_stop, engine->loop, &error);
	engine->on_tick = flow_tick;
	engine->context = &flow;
	engine_start(engine);
	hold_watch_init(&flow.holds, configs);
	bool ok = loop_run(engine->loop, &error);
	hold_watch_finish(&flow.holds);
	return ok ? OUTCOME_DONE : verb_fail(OUTCOME_LOCAL_ERROR, &error);
}

static int console_open(
	const struct options *options, struct config **config, struct engine *engine)
{
	struct complaints complaints;
	struct action_configs configs;
	complaints_init(&complaints);
	bool ok = control_read(*config, &configs, &complaints);
	if (!ok)
		verb_complain(&complaints);
	complaints_finish(&complaints);
	if (!ok)
		return OUTCOME_BAD_CONFIG;
	if (!console_app_has_screen(options))
		return console_flow(options, &configs, engine);
	struct control control;
	struct error error = {0};
	if (!control_init(&control, engine, &configs, options->read_only, &error))
		return verb_fail(OUTCOME_LOCAL_ERROR, &error);
	if (options->ticket)
		executor_set_ticket(control.executor, options->ticket);
	int code = console_app_run(options, config, engine, &control, &error);
	control_finish(&control);
	return error.kind == ERROR_NONE ? code : verb_fail(code, &error);
}

int verb_console(const struct options *options)
{
	int code = OUTCOME_LOCAL_ERROR;
	struct error error = {0};
	if (options->ticket && !ticket_check(options->ticket, &error))
		return verb_fail(OUTCOME_USAGE, &error);
	struct config *config = verb_open_config(options->config_file, &code);
	if (!config)
		return code;
	struct engine engine;
	if (engine_init(&engine, config, NULL, &error)) {
		code = console_open(options, &config, &engine);
		engine_finish(&engine);
	} else {
		code = verb_fail(OUTCOME_LOCAL_ERROR, &error);
	}
	config_destroy(config);
	return code;
}

int verb_wall(const struct options *options)
{
	char program[PATH_BYTES];
	const char *arguments[16];
	size_t count = 0;
	path_sibling_program("spillway-wall", program, sizeof program);
	arguments[count++] = program;
	const struct {
		bool given;
		const char *name, *value;
	} rows[] = {
		{options->config_file, "--config", options->config_file},
		{options->theme, "--theme", options->theme},
		{options->no_color, "--no-color", NULL},
		{options->ascii, "--ascii", NULL},
		{options->plain, "--plain", NULL},
		{options->once, "--once", NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (!rows[i].given)
			continue;
		arguments[count++] = rows[i].name;
		if (rows[i].value)
			arguments[count++] = rows[i].value;
	}
	arguments[count] = NULL;
	/* execvp() takes char *const[] for history's sake and changes nothing. */
	char *words[16];
	memcpy(words, arguments, sizeof words);
	execvp(program, words);
	struct error error = {0};
	error_errno(&error, "cannot start '%s'", program);
	return verb_fail(OUTCOME_LOCAL_ERROR, &error);
}
