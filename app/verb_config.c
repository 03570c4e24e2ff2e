#include "app/verb.h"

#include <stdio.h>
#include <string.h>

#include "actions/config.h"
#include "actions/runbook.h"
#include "app/config.h"
#include "app/control.h"
#include "app/schema.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"

#define CONFIG_TEXT_BYTES (1024u * 1024)

static void config_print_json(
	const char *path, bool ok, const struct complaints *complaints, struct text *text)
{
	struct json_writer json;
	json_writer_init(&json, text);
	json_begin_object(&json);
	json_member_string(&json, "file", path);
	json_member_bool(&json, "ok", ok);
	json_key(&json, "complaints");
	json_begin_array(&json);
	for (size_t i = 0; i < complaints->count; i++) {
		json_begin_object(&json);
		json_member_string(&json, "file", complaints->rows[i].file);
		json_member_integer(&json, "line", complaints->rows[i].line);
		json_member_string(&json, "key", complaints->rows[i].key);
		json_member_string(&json, "text", complaints->rows[i].text);
		json_end_object(&json);
	}
	json_end_array(&json);
	json_end_object(&json);
	text_add_char(text, '\n');
}

static int config_check(const struct options *options)
{
	char path[4096];
	struct error error = {0};
	if (!config_find(options->config_file, path, sizeof path, &error))
		return verb_fail(OUTCOME_BAD_CONFIG, &error);
	struct complaints complaints;
	complaints_init(&complaints);
	struct config *config = config_read(path, &complaints);
	struct action_configs configs;
	bool ok = config && control_read(config, &configs, &complaints);
	struct text text;
	text_init(&text, CONFIG_TEXT_BYTES);
	if (strcmp(options->output, "json") == 0)
		config_print_json(path, ok, &complaints, &text);
	else if (ok)
		text_printf(&text, "%s: fine: %zu sources, %zu signal rows, %zu actions\n", path,
			config->sources.count, config->sources.map_count, configs.count);
	else
		complaints_print(&complaints, &text);
	fputs(text_string(&text), ok || strcmp(options->output, "json") == 0 ? stdout : stderr);
	text_finish(&text);
	config_destroy(config);
	complaints_finish(&complaints);
	return ok ? OUTCOME_DONE : OUTCOME_BAD_CONFIG;
}

int verb_config(const struct options *options)
{
	struct error error = {0};
	const char *what = options->word_count > 0 ? options->words[0] : "check";
	if (strcmp(what, "check") == 0)
		return config_check(options);
	if (strcmp(what, "schema") != 0) {
		error_set(&error, ERROR_USAGE, "config takes 'check' or 'schema', not '%s'", what);
		return verb_fail(OUTCOME_USAGE, &error);
	}
	const char *of = options->word_count > 1 ? options->words[1] : "fleet";
	if (strcmp(of, "fleet") != 0 && strcmp(of, "runbook") != 0) {
		error_set(&error, ERROR_USAGE,
			"there is a schema of 'fleet' files and one of "
			"'runbook' files, not of '%s'",
			of);
		return verb_fail(OUTCOME_USAGE, &error);
	}
	struct text text;
	text_init(&text, CONFIG_TEXT_BYTES);
	if (strcmp(of, "runbook") == 0)
		runbook_schema(&text);
	else
		schema_print(&text);
	fputs(text_string(&text), stdout);
	text_finish(&text);
	return OUTCOME_DONE;
}
