#include "app/verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/config.h"
#include "actions/journal.h"
#include "app/config.h"
#include "app/control.h"
#include "core/base/clock.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/number.h"
#include "core/base/text.h"

#define JOURNAL_SHOW_LINES 50
#define JOURNAL_SHOW_MOST 100000

/* The file named on the command line, or the fleet file's. */
static bool journal_file(const struct options *options, char *out, size_t size, int *code)
{
	if (options->word_count > 1) {
		snprintf(out, size, "%s", options->words[1]);
		return true;
	}
	struct config *config = verb_open_config(options->config_file, code);
	if (!config)
		return false;
	struct complaints complaints;
	complaints_init(&complaints);
	struct action_configs configs;
	bool ok = control_read(config, &configs, &complaints);
	if (ok)
		snprintf(out, size, "%s", configs.journal_file);
	else
		*code = OUTCOME_BAD_CONFIG;
	complaints_finish(&complaints);
	config_destroy(config);
	return ok;
}

static int journal_show_verify(const char *path, bool as_json)
{
	struct journal_check check;
	struct error error = {0};
	if (!journal_verify(path, &check, &error))
		return verb_fail(OUTCOME_LOCAL_ERROR, &error);
	struct text text;
	text_init(&text, 16 * 1024);
	if (as_json) {
		struct json_writer json;
		json_writer_init(&json, &text);
		json_begin_object(&json);
		json_member_string(&json, "file", path);
		json_member_bool(&json, "ok", check.ok);
		json_member_integer(&json, "records", (int64_t)check.records);
		json_member_integer(&json, "bad_line", (int64_t)check.bad_line);
		json_member_string(&json, "why", check.why);
		json_end_object(&json);
		text_add_char(&text, '\n');
	} else if (check.ok) {
		text_printf(&text, "%s: %zu records, the chain is whole\n", path, check.records);
	} else {
		text_printf(&text, "%s: BROKEN at line %zu after %zu good records: %s\n", path,
			check.bad_line, check.records, check.why);
	}
	fputs(text_string(&text), stdout);
	text_finish(&text);
	return check.ok ? OUTCOME_DONE : OUTCOME_LOCAL_ERROR;
}

static void journal_print_line(const struct journal_line *line, bool as_json, struct text *text)
{
	if (as_json) {
		struct json_writer json;
		json_writer_init(&json, text);
		json_begin_object(&json);
		json_member_time(&json, "at", line->at_ms);
		json_member_string(&json, "run", line->run);
		json_member_string(&json, "event", line->event);
		json_member_string(&json, "text", line->text);
		json_end_object(&json);
		text_add_char(text, '\n');
		return;
	}
	char at[CLOCK_TEXT_BYTES];
	clock_format(line->at_ms, true, at);
	text_printf(text, "%s  %-8s %-10s %s\n", at, line->run, line->event, line->text);
}

static int journal_show_lines(const char *path, bool as_json, size_t most)
{
	struct journal_line *lines = calloc(most, sizeof *lines);
	struct error error = {0};
	if (!lines) {
		error_no_memory(&error, "the journal's lines");
		return verb_fail(OUTCOME_LOCAL_ERROR, &error);
	}
	size_t count = journal_tail(path, lines, most, &error);
	struct text text;
	text_init(&text, 64u * 1024 * 1024);
	for (size_t i = 0; i < count; i++)
		journal_print_line(&lines[i], as_json, &text);
	fputs(text_string(&text), stdout);
	text_finish(&text);
	free(lines);
	return error.kind == ERROR_NONE ? OUTCOME_DONE : verb_fail(OUTCOME_LOCAL_ERROR, &error);
}

int verb_journal(const struct options *options)
{
	struct error error = {0};
	const char *what = options->word_count > 0 ? options->words[0] : "show";
	bool as_json = strcmp(options->output, "json") == 0;
	int64_t most = JOURNAL_SHOW_LINES;
	if (options->most && (!number_parse_integer(options->most, strlen(options->most), &most) ||
				     most < 1 || most > JOURNAL_SHOW_MOST)) {
		error_set(&error, ERROR_USAGE, "'--most' is a number from 1 to %d, not '%s'",
			JOURNAL_SHOW_MOST, options->most);
		return verb_fail(OUTCOME_USAGE, &error);
	}
	char path[4096];
	int code = OUTCOME_LOCAL_ERROR;
	if (strcmp(what, "show") != 0 && strcmp(what, "verify") != 0) {
		error_set(&error, ERROR_USAGE, "journal takes 'show' or 'verify', not '%s'", what);
		return verb_fail(OUTCOME_USAGE, &error);
	}
	if (!journal_file(options, path, sizeof path, &code))
		return code;
	return strcmp(what, "verify") == 0 ? journal_show_verify(path, as_json)
					   : journal_show_lines(path, as_json, (size_t)most);
}
