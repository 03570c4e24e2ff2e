#include "app/verb.h"

#include <stdio.h>
#include <string.h>

#include "actions/config.h"
#include "actions/runbook.h"
#include "app/config.h"
#include "app/control.h"
#include "app/schema.h"
#include "core/base/clock.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"

#define CONFIG_TEXT_BYTES (1024u * 1024)

/* The source that tells a signal most often, by the rows of `signals:`; NULL: no row does. Kinds
 * that know their signals by themselves are not looked into. */
static const struct source_config *quickest_source(const struct config *config, enum signal signal)
{
	const struct sources *sources = &config->sources;
	const struct source_config *quickest = NULL;
	for (size_t i = 0; i < sources->map_count; i++) {
		if (sources->maps[i].signal != signal)
			continue;
		for (size_t j = 0; j < sources->count; j++) {
			const struct source_config *source = &sources->rows[j];
			if (signal_map_is_from(&sources->maps[i], source->name) &&
				(!quickest || source->every_ms < quickest->every_ms))
				quickest = source;
		}
	}
	return quickest;
}

/* What is no fault, and yet would be met at the wrong moment; "" none. */
static void advise(const struct config *config, const struct action_configs *configs, size_t action,
	char *out, size_t size)
{
	char every[CLOCK_TEXT_BYTES], most[CLOCK_TEXT_BYTES];
	const struct action_info *info = &configs->rows[action].info;
	const struct source_config *source = quickest_source(config, info->verb->reads);
	out[0] = '\0';
	if (!source || 2 * source->every_ms <= configs->guards.max_age_ms)
		return;
	clock_format_span(source->every_ms, every);
	clock_format_span(configs->guards.max_age_ms, most);
	snprintf(out, size,
		"action '%s' is judged by %s, which '%s' tells every %s, and guards.max_age is "
		"%s: whether its readings are fresh enough is chance; ask twice as often or allow "
		"twice the age",
		info->name, signal_row(info->verb->reads)->name, source->name, every, most);
}

static void config_print_advice(
	const struct config *config, const struct action_configs *configs, struct text *text)
{
	char line[512];
	for (size_t i = 0; i < configs->count; i++) {
		advise(config, configs, i, line, sizeof line);
		if (line[0])
			text_printf(text, "advice: %s\n", line);
	}
}

static void config_json_advice(
	const struct config *config, const struct action_configs *configs, struct json_writer *json)
{
	char line[512];
	json_key(json, "advice");
	json_begin_array(json);
	for (size_t i = 0; config && i < configs->count; i++) {
		advise(config, configs, i, line, sizeof line);
		if (line[0])
			json_string(json, line);
	}
	json_end_array(json);
}

static void config_print_json(const char *path, const struct config *config,
	const struct action_configs *configs, const struct complaints *complaints,
	struct text *text)
{
	bool ok = config != NULL;
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
	config_json_advice(config, configs, &json);
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
		config_print_json(path, ok ? config : NULL, &configs, &complaints, &text);
	else if (ok) {
		text_printf(&text, "%s: fine: %zu sources, %zu signal rows, %zu actions\n", path,
			config->sources.count, config->sources.map_count, configs.count);
		config_print_advice(config, &configs, &text);
	} else
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
