#include "app/verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/anchor.h"
#include "actions/config.h"
#include "actions/journal.h"
#include "actions/seal.h"
#include "app/config.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/number.h"
#include "core/base/text.h"

#define JOURNAL_SHOW_LINES 50
#define JOURNAL_SHOW_MOST 100000

/* All that was found out about one journal. */
struct findings {
	struct journal_check chain;
	struct seals_check seals;
	struct anchor_check anchor;
};

static bool findings_ok(const struct findings *found)
{
	return found->chain.ok && found->seals.ok && found->anchor.ok;
}

/* The first that is wrong, else the first note. */
static const char *findings_why(const struct findings *found)
{
	if (!found->chain.ok)
		return found->chain.why;
	if (!found->seals.ok || found->anchor.ok)
		return found->seals.ok && !found->seals.why[0] ? found->anchor.why
							       : found->seals.why;
	return found->anchor.why;
}

static void journal_json_verified(const char *path, const struct findings *found, struct text *text)
{
	const struct journal_check *check = &found->chain;
	const struct seals_check *seals = &found->seals;
	struct json_writer json;
	json_writer_init(&json, text);
	json_begin_object(&json);
	json_member_string(&json, "file", path);
	json_member_bool(&json, "ok", findings_ok(found));
	json_member_integer(&json, "records", (int64_t)check->records);
	json_member_integer(&json, "bad_line", (int64_t)check->bad_line);
	json_member_string(&json, "why", findings_why(found));
	json_member_integer(&json, "set_back", (int64_t)check->set_back);
	json_member_integer(&json, "seals", (int64_t)seals->seals);
	json_member_integer(&json, "sealed", (int64_t)seals->sealed);
	json_member_string(&json, "sealed_by", seals->by);
	json_member_integer(&json, "anchored", (int64_t)found->anchor.records);
	json_member_string(&json, "anchor", found->anchor.why);
	json_end_object(&json);
	text_add_char(text, '\n');
}

static void journal_text_verified(const char *path, const struct findings *found, struct text *text)
{
	const struct journal_check *check = &found->chain;
	const struct seals_check *seals = &found->seals;
	const struct anchor_check *anchor = &found->anchor;
	if (!check->ok) {
		text_printf(text, "%s: BROKEN at line %zu after %zu good records: %s\n", path,
			check->bad_line, check->records, check->why);
		return;
	}
	if (!seals->ok || !anchor->ok) {
		text_printf(text, "%s: BROKEN: %zu records in a whole chain, but %s\n", path,
			check->records, seals->ok ? anchor->why : seals->why);
		return;
	}
	text_printf(text, "%s: %zu records, the chain is whole", path, check->records);
	if (seals->sealed > 0)
		text_printf(text, "; sealed up to record %zu by %s", seals->sealed, seals->by);
	if (seals->why[0])
		text_printf(text, "; %s", seals->why);
	if (anchor->is_known)
		text_printf(text, "; etcd knows it up to record %zu", anchor->records);
	if (anchor->why[0])
		text_printf(text, "; %s", anchor->why);
	if (check->set_back > 0)
		text_printf(text, "; the clock was set back %zu times", check->set_back);
	text_add_char(text, '\n');
}

static int journal_show_verify(
	const char *path, const struct action_configs *configs, const char *anchored, bool as_json)
{
	struct findings found = {.seals = {.ok = true}, .anchor = {.ok = true}};
	struct error error = {0};
	if (!journal_verify(path, &found.chain, &error))
		return verb_fail(OUTCOME_LOCAL_ERROR, &error);
	if (found.chain.ok && !seals_verify(path, found.chain.records, &configs->signing, anchored,
				      &found.seals, &error))
		return verb_fail(
			error.kind == ERROR_USAGE ? OUTCOME_USAGE : OUTCOME_LOCAL_ERROR, &error);
	if (found.chain.ok)
		anchor_verify(path, found.chain.records, configs, &found.anchor);
	struct text text;
	text_init(&text, 16 * 1024);
	if (as_json)
		journal_json_verified(path, &found, &text);
	else
		journal_text_verified(path, &found, &text);
	fputs(text_string(&text), stdout);
	text_finish(&text);
	return findings_ok(&found) ? OUTCOME_DONE : OUTCOME_LOCAL_ERROR;
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
	int code = OUTCOME_LOCAL_ERROR;
	bool verifies = strcmp(what, "verify") == 0;
	if ((strcmp(what, "show") != 0 && !verifies) || options->word_count > (verifies ? 3 : 2)) {
		error_set(&error, ERROR_USAGE,
			"journal takes 'show [FILE]' or 'verify [FILE [HEAD]]', not '%s'", what);
		return verb_fail(OUTCOME_USAGE, &error);
	}
	/* A file alone needs no fleet file; its seals do, for whom to believe. */
	struct action_configs configs = {.journal_file = NULL};
	struct config *config = NULL;
	bool has_file = options->word_count > 1;
	if (!has_file || options->config_file)
		config = verb_open_acting_config(options, &configs, &code);
	if (!config && (!has_file || options->config_file))
		return code;
	const char *path = has_file ? options->words[1] : configs.journal_file;
	code = verifies ? journal_show_verify(path, &configs,
				  options->word_count > 2 ? options->words[2] : NULL, as_json)
			: journal_show_lines(path, as_json, (size_t)most);
	config_destroy(config);
	return code;
}
