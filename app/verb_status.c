#include "app/verb.h"

#include <stdio.h>
#include <string.h>

#include "app/config.h"
#include "app/engine.h"
#include "app/status_text.h"
#include "core/base/text.h"

#define STATUS_TEXT_BYTES (8u * 1024 * 1024)

int verb_status(const struct options *options)
{
	struct config *config;
	struct engine engine;
	int code = 0;
	if (!verb_open_fleet(options, &config, &engine, NULL, &code))
		return code;
	struct text text;
	text_init(&text, STATUS_TEXT_BYTES);
	if (strcmp(options->output, "json") == 0)
		status_print_json(engine.snapshot, &engine.assessment, &text);
	else
		status_print_text(engine.snapshot, &engine.assessment, &text);
	fputs(text_string(&text), stdout);
	text_finish(&text);
	code = status_exit_code(&engine.assessment);
	verb_close_fleet(config, &engine, NULL);
	return code;
}
