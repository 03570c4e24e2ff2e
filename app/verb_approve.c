#include "app/verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/approval.h"
#include "actions/approval_store.h"
#include "actions/config.h"
#include "actions/etcd_once.h"
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

/* What a decision is made from and written to. */
struct desk {
	struct config *config;
	struct action_configs configs;
	struct approvals *approvals;
	struct etcd_once *store; /* NULL: only this machine's file */
	bool is_store_read;      /* false with a store: `trouble` */
	struct error trouble;
};

static void desk_close(struct desk *desk)
{
	etcd_once_close(desk->store);
	free(desk->approvals);
	config_destroy(desk->config);
}

/* The fleet file only, never the fleet: this must work from anywhere. What the store does not say
 * is no error yet. False with *code set, and told. */
static bool desk_open(struct desk *desk, const struct options *options, int *code)
{
	struct error error = {0};
	*desk = (struct desk){0};
	desk->config = verb_open_acting_config(options, &desk->configs, code);
	if (!desk->config)
		return false;
	const struct coordination_config *coordination = &desk->configs.coordination;
	int64_t now_ms = wall_now_ms();
	desk->approvals = calloc(1, sizeof *desk->approvals);
	bool ok = desk->approvals ? approvals_read(desk->configs.journal_file,
					    &desk->configs.signing, now_ms, desk->approvals, &error)
				  : error_no_memory(&error, "approvals");
	if (ok && coordination->is_etcd) {
		desk->store = etcd_once_open(coordination, &error);
		ok = desk->store != NULL;
	}
	if (!ok) {
		desk_close(desk);
		*code = verb_fail(OUTCOME_LOCAL_ERROR, &error);
		return false;
	}
	if (desk->store)
		desk->is_store_read = approval_store_read(desk->store, coordination,
			&desk->configs.signing, now_ms, desk->approvals, &desk->trouble);
	return true;
}

static bool desk_lacks_store(const struct desk *desk)
{
	return desk->store && !desk->is_store_read;
}

int verb_pending(const struct options *options)
{
	int code = OUTCOME_DONE;
	struct desk desk;
	if (!desk_open(&desk, options, &code))
		return code;
	pending_print(desk.approvals, strcmp(options->output, "json") == 0);
	if (desk_lacks_store(&desk)) {
		error_prefix(&desk.trouble, "what is asked on other machines is not known");
		code = verb_fail(OUTCOME_UNREACHABLE, &desk.trouble);
	}
	desk_close(&desk);
	return code;
}

static int approve_code(const struct error *error)
{
	if (error->kind == ERROR_USAGE)
		return OUTCOME_USAGE;
	if (error->kind == ERROR_REJECTED || error->kind == ERROR_UNTRUSTED)
		return OUTCOME_NOT_PERMITTED;
	if (error->kind == ERROR_UNREACHABLE || error->kind == ERROR_TIMEOUT)
		return OUTCOME_UNREACHABLE;
	return OUTCOME_LOCAL_ERROR;
}

/* To the store first: an answer that who waits for it cannot hear is none. What was asked here is
 * answered here too, for a store that is gone. */
static bool approve_tell(struct desk *desk, const struct approval *row, bool give, const char *by,
	const char *reason, struct error *error)
{
	const struct action_configs *configs = &desk->configs;
	int64_t now_ms = wall_now_ms();
	struct error trouble = desk->trouble;
	bool is_told = !desk->store;
	if (desk->is_store_read)
		is_told = approval_store_answer(desk->store, &configs->coordination,
			&configs->signing, row, give, by, reason, now_ms, &trouble);
	if (!is_told && row->is_shared)
		return error_set(error, trouble.kind, "not answered: %.400s", trouble.text);
	if (!approval_record_answer(
		    configs->journal_file, &configs->signing, row, give, by, reason, now_ms, error))
		return false;
	if (!is_told)
		fprintf(stderr, "spillway: answered on this machine only: %s\n", trouble.text);
	return true;
}

static bool approve_one(struct desk *desk, const char *id, bool give, const char *by,
	const char *reason, struct error *error)
{
	int64_t now_ms = wall_now_ms();
	const struct approval *row = approvals_pick(desk->approvals, id, now_ms, error);
	if (!row && desk_lacks_store(desk) && error->kind == ERROR_USAGE) {
		error_set(error, desk->trouble.kind,
			"'%.24s' was not asked here, and what is asked on other machines is not "
			"known: %.300s",
			id, desk->trouble.text);
		return false;
	}
	return row && approval_may_decide(row, give, by, now_ms, error) &&
	       approve_tell(desk, row, give, by, reason, error);
}

static int approve_decide(const struct options *options, bool give)
{
	char by[64];
	int code = OUTCOME_LOCAL_ERROR;
	struct error error = {0};
	struct desk desk;
	if (options->word_count != 1) {
		error_set(&error, ERROR_USAGE,
			"%s takes the id of one plan, such as p-4f1c2a: see 'spillway pending'",
			give ? "approve" : "deny");
		return verb_fail(OUTCOME_USAGE, &error);
	}
	if (!desk_open(&desk, options, &code))
		return code;
	control_name_operator(by, sizeof by);
	bool ok = approve_one(
		&desk, options->words[0], give, by, options->reason ? options->reason : "", &error);
	desk_close(&desk);
	if (!ok)
		return verb_fail(approve_code(&error), &error);
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
