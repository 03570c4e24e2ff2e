#include "app/verb.h"

#include <signal.h>
#include <stdio.h>

#include "actions/action.h"
#include "app/config.h"
#include "app/engine.h"
#include "backends/poller.h"
#include "backends/recorder.h"
#include "core/base/error.h"
#include "core/base/loop.h"

static void record_stop(void *context)
{
	loop_stop(context);
}

static void record_interrupt(void *context, int signal_number)
{
	(void)signal_number;
	loop_stop(context);
}

static int record_run(struct engine *engine, int64_t span_ms)
{
	struct error error = {0};
	loop_signal(engine->loop, SIGINT, record_interrupt, engine->loop, &error);
	loop_signal(engine->loop, SIGTERM, record_interrupt, engine->loop, &error);
	if (span_ms > 0)
		loop_timer_start(engine->loop, span_ms, record_stop, engine->loop);
	engine_start(engine);
	if (!loop_run(engine->loop, &error))
		return verb_fail(OUTCOME_LOCAL_ERROR, &error);
	const char *trouble = recorder_trouble(engine->recorder);
	if (trouble[0]) {
		error_set(&error, ERROR_IO, "the recording is not whole: %s", trouble);
		return verb_fail(OUTCOME_LOCAL_ERROR, &error);
	}
	fprintf(stderr, "spillway: recorded %zu sources\n", poller_answered(engine->poller));
	return OUTCOME_DONE;
}

int verb_record(const struct options *options)
{
	struct error error = {0};
	int64_t span_ms;
	int code = OUTCOME_LOCAL_ERROR;
	if (options->word_count != 1) {
		error_set(&error, ERROR_USAGE, "record takes the name of one new file");
		return verb_fail(OUTCOME_USAGE, &error);
	}
	if (!verb_span("for", options->span, 0, &span_ms, &error))
		return verb_fail(OUTCOME_USAGE, &error);
	struct config *config = verb_open_config(options->config_file, &code);
	if (!config)
		return code;
	struct engine engine;
	if (engine_init(&engine, config, options->words[0], &error)) {
		code = record_run(&engine, span_ms);
		engine_finish(&engine);
	} else {
		code = verb_fail(OUTCOME_LOCAL_ERROR, &error);
	}
	config_destroy(config);
	return code;
}
