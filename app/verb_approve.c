#include "app/verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/approval.h"
#include "actions/config.h"
#include "app/config.h"
#include "app/control.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"

#define PENDING_TEXT_BYTES (128u * 1024)

static int64_t wall_now_ms(void)
{
	struct clock clock;
	clock_init_system(&clock);
	return clock_wall_ms(&clock);
}

static void pending_add_json(const struct approval *row, int64_t now_ms, struct json_writer *json)
{
	json_begin_object(json);
	json_member_string(json, "plan", row->plan);
	json_member_string(json, "hash", row->hash);
	json_member_string(json, "what", row->what);
	json_member_string(json, "asked_by", row->asked_by);
	json_member_time(json, "asked", row->asked_ms);
	json_member_time(json, "expires", row->expires_ms);
	json_member_string(json, "state", approval_state_name(approval_state(row, now_ms)));
	json_member_string(json, "decided_by", row->decided_by);
	json_member_string(json, "doubt", row->doubt);
	json_end_object(json);
}

static void pending_add(const struct approval *row, int64_t now_ms, struct text *text)
{
	char span[CLOCK_TEXT_BYTES];
	enum approval_state state = approval_state(row, now_ms);
	clock_format_span(row->expires_ms - now_ms, span);
	text_printf(text, "%-10s %s%s%s, asked by %s%s%s: %s\n", row->plan,
		approval_state_name(state), state == APPROVAL_PENDING ? " for " : "",
		state == APPROVAL_PENDING ? span : "", row->asked_by,
		row->decided_by[0] ? ", decided by " : "", row->decided_by, row->what);
	if (row->doubt[0])
		text_printf(text, "           %s\n", row->doubt);
}

static void pending_print(const struct approvals *approvals, bool as_json)
{
	struct text text;
	struct json_writer json;
	int64_t now_ms = wall_now_ms();
	text_init(&text, PENDING_TEXT_BYTES);
	json_writer_init(&json, &text);
	if (as_json)
		json_begin_array(&json);
	for (size_t i = 0; i < approvals->count; i++) {
		if (as_json)
			pending_add_json(&approvals->rows[i], now_ms, &json);
		else if (approval_state(&approvals->rows[i], now_ms) != APPROVAL_EXPIRED)
			pending_add(&approvals->rows[i], now_ms, &text);
	}
	if (as_json) {
		json_end_array(&json);
		text_add_char(&text, '\n');
	} else if (text.length == 0) {
		text_add(&text, "nothing waits for approval\n");
	}
	fputs(text_string(&text), stdout);
	text_finish(&text);
}

int verb_pending(const struct options *options)
{
	int code = OUTCOME_LOCAL_ERROR;
	struct error error = {0};
	struct action_configs configs;
	/* The fleet file only, never the fleet: this must work from anywhere. */
	struct config *config = verb_open_acting_config(options, &configs, &code);
	if (!config)
		return code;
	struct approvals *approvals = calloc(1, sizeof *approvals);
	bool ok = approvals ? approvals_read(configs.journal_file, &configs.signing, wall_now_ms(),
				      approvals, &error)
			    : error_no_memory(&error, "approvals");
	config_destroy(config);
	if (!ok) {
		free(approvals);
		return verb_fail(OUTCOME_LOCAL_ERROR, &error);
	}
	pending_print(approvals, strcmp(options->output, "json") == 0);
	free(approvals);
	return OUTCOME_DONE;
}
static int approve_decide(const struct options *options, bool give)
{
	char by[64];
	int code = OUTCOME_LOCAL_ERROR;
	struct error error = {0};
	if (options->word_count != 1) {
		error_set(&error, ERROR_USAGE,
			"%s takes the id of one plan, such as p-4f1c2a: see 'spillway pending'",
			give ? "approve" : "deny");
		return verb_fail(OUTCOME_USAGE, &error);
	}
	struct action_configs configs;
	/* The fleet file only, never the fleet: this must work from anywhere. */
	struct config *config = verb_open_acting_config(options, &configs, &code);
	if (!config)
		return code;
	control_name_operator(by, sizeof by);
	bool ok = approvals_decide(configs.journal_file, &configs.signing, options->words[0], give,
		by, options->reason ? options->reason : "", wall_now_ms(), &error);
	config_destroy(config);
	if (!ok) {
		code = error.kind == ERROR_USAGE      ? OUTCOME_USAGE
		       : error.kind == ERROR_REJECTED ? OUTCOME_NOT_PERMITTED
						      : OUTCOME_LOCAL_ERROR;
		return verb_fail(code, &error);
	}
	printf("%s %s by %s\n", options->words[0], give ? "approved" : "denied", by);
	return OUTCOME_DONE;
}

int verb_approve(const struct options *options)
{
	return approve_decide(options, true);
}

int verb_deny(const struct options *options)
{
	return approve_decide(options, false);
}
