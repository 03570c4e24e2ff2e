#include "app/verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/action.h"
#include "app/config.h"
#include "app/doctor.h"
#include "app/engine.h"
#include "app/pack_file.h"
#include "backends/poller.h"
#include "core/base/error.h"
#include "core/base/text.h"

#define DOCTOR_OUTPUT_BYTES (8u * 1024 * 1024)

static bool doctor_report(
	const struct options *options, const struct doctor_case *examined, int *code)
{
	struct doctor_report report;
	if (!doctor_examine(examined, &report))
		return false;
	struct text text;
	text_init(&text, DOCTOR_OUTPUT_BYTES);
	if (strcmp(options->output, "json") == 0)
		doctor_print_json(&report, &text);
	else
		doctor_print_text(&report, &text);
	fputs(text_string(&text), stdout);
	text_finish(&text);
	*code = report.to_mend > 0 ? OUTCOME_LOCAL_ERROR : OUTCOME_DONE;
	doctor_finish(&report);
	return true;
}

int verb_doctor(const struct options *options)
{
	struct config *config;
	struct engine engine;
	struct options silent = *options;
	int code = 0;
	silent.quiet = true; /* the report says it all, and better */
	if (!verb_open_fleet(&silent, &config, &engine, NULL, &code))
		return code;
	bool *answered = calloc(config->sources.map_count + 1, sizeof(*answered));
	for (size_t i = 0; answered && i < config->sources.map_count; i++)
		answered[i] = poller_row_answered(engine.poller, i);
	struct doctor_case examined = {config, engine.snapshot, answered, pack_file_exists};
	if (!answered || !doctor_report(options, &examined, &code)) {
		struct error error = {0};
		error_no_memory(&error, "the examination");
		code = verb_fail(OUTCOME_LOCAL_ERROR, &error);
	}
	free(answered);
	verb_close_fleet(config, &engine, NULL);
	return code;
}
