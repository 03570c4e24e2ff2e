#include "app/verb.h"

#include <stdio.h>

#include "actions/action.h"
#include "actions/executor.h"
#include "actions/ticket.h"
#include "app/config.h"
#include "app/control.h"
#include "app/engine.h"
#include "app/remote.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/fields.h"
#include "core/base/loop.h"
#include "core/base/text.h"
#include "core/fleet/snapshot.h"

#define PICTURE_TIMEOUT_MS 5000

int verb_fail(int code, const struct error *error)
{
	fprintf(stderr, "spillway: %s\n", error->text);
	return code;
}

void verb_complain(const struct complaints *complaints)
{
	struct text text;
	text_init(&text, 256 * 1024);
	complaints_print(complaints, &text);
	fputs(text_string(&text), stderr);
	text_finish(&text);
}

struct config *verb_open_config(const char *given, int *code)
{
	char path[4096];
	struct error error = {0};
	if (!config_find(given, path, sizeof path, &error)) {
		*code = verb_fail(OUTCOME_BAD_CONFIG, &error);
		return NULL;
	}
	struct complaints complaints;
	complaints_init(&complaints);
	struct config *config = config_read(path, &complaints);
	if (!config) {
		verb_complain(&complaints);
		*code = OUTCOME_BAD_CONFIG;
	}
	complaints_finish(&complaints);
	return config;
}

struct config *verb_open_acting_config(
	const struct options *options, struct action_configs *out, int *code)
{
	struct complaints complaints;
	struct config *config = verb_open_config(options->config_file, code);
	if (!config)
		return NULL;
	complaints_init(&complaints);
	if (!control_read(config, out, &complaints)) {
		verb_complain(&complaints);
		*code = OUTCOME_BAD_CONFIG;
		config_destroy(config);
		config = NULL;
	}
	complaints_finish(&complaints);
	return config;
}

bool verb_span(const char *option, const char *word, int64_t fallback_ms, int64_t *out_ms,
	struct error *error)
{
	static const struct field row = {
		.key = "span", .type = FIELD_DURATION, .min = 1, .max = 30.0 * 24 * 3600 * 1000};
	char why[160];
	if (!word) {
		*out_ms = fallback_ms;
		return true;
	}
	if (field_parse(&row, word, out_ms, NULL, why, sizeof why))
		return true;
	return error_set(error, ERROR_USAGE, "'--%s': %s", option, why);
}

/* Every source of a fleet that answers nothing, with its reason: for "why is there no picture". */
static void verb_tell_troubles(const struct engine *engine)
{
	if (!engine->snapshot)
		return;
	size_t told = 0;
	for (size_t i = 0; i < engine->snapshot->source_count && told < 8; i++) {
		const struct source_status *source = &engine->snapshot->sources[i];
		if (source->state != SOURCE_FAILING)
			continue;
		fprintf(stderr, "spillway: source %s: %s\n", source->name, source->trouble);
		told++;
	}
}

static bool verb_open_acting(const struct options *options, struct config *config,
	struct engine *engine, struct control *control, int *code)
{
	struct complaints complaints;
	complaints_init(&complaints);
	struct action_configs configs;
	struct error error = {0};
	bool ok = control_read(config, &configs, &complaints);
	if (!ok) {
		verb_complain(&complaints);
		*code = OUTCOME_BAD_CONFIG;
	} else if (!control_init(control, engine, &configs, options->read_only, &error)) {
		*code = verb_fail(OUTCOME_LOCAL_ERROR, &error);
		ok = false;
	} else if (options->ticket) {
		executor_set_ticket(control->executor, options->ticket);
	}
	complaints_finish(&complaints);
	return ok;
}

bool verb_open_fleet(const struct options *options, struct config **config, struct engine *engine,
	struct control *control, int *code)
{
	struct error error = {0};
	int64_t timeout_ms;
	if (!verb_span("timeout", options->timeout, PICTURE_TIMEOUT_MS, &timeout_ms, &error) ||
		(options->ticket && !ticket_check(options->ticket, &error))) {
		*code = verb_fail(OUTCOME_USAGE, &error);
		return false;
	}
	*config = verb_open_config(options->config_file, code);
	if (!*config)
		return false;
	if (!engine_init(engine, *config, NULL, &error)) {
		*code = verb_fail(OUTCOME_LOCAL_ERROR, &error);
		config_destroy(*config);
		return false;
	}
	bool ok = true;
	if (control) {
		ok = verb_open_acting(options, *config, engine, control, code);
	} else {
		engine->remote = remote_create(engine, &error);
		if (!engine->remote) {
			*code = verb_fail(OUTCOME_LOCAL_ERROR, &error);
			ok = false;
		}
	}
	if (!ok) {
		engine_finish(engine);
		config_destroy(*config);
		return false;
	}
	engine_start(engine);
	if (!engine_wait_picture(engine, timeout_ms, &error) || !engine->snapshot) {
		*code = verb_fail(OUTCOME_LOCAL_ERROR, &error);
		verb_close_fleet(*config, engine, control);
		return false;
	}
	if (control)
		control_wait_agreement(control, engine);
	if (!options->quiet)
		verb_tell_troubles(engine);
	return true;
}

void verb_close_fleet(struct config *config, struct engine *engine, struct control *control)
{
	if (control)
		control_finish(control);
	remote_destroy(engine->remote);
	engine_finish(engine);
	config_destroy(config);
}

bool verb_has_journal(const struct control *control, int *code)
{
	if (control->journal || !control->may_write)
		return true;
	*code = verb_fail(control->journal_trouble.kind == ERROR_REJECTED ? OUTCOME_LOCKED
									  : OUTCOME_LOCAL_ERROR,
		&control->journal_trouble);
	return false;
}
