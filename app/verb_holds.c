#include "app/verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/coordination.h"
#include "actions/executor.h"
#include "actions/expiry.h"
#include "actions/hold.h"
#include "actions/target.h"
#include "actions/template.h"
#include "app/control.h"
#include "app/engine.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/loop.h"
#include "core/base/number.h"
#include "core/base/text.h"
#include "core/fleet/snapshot.h"

#define HOLDS_TEXT_BYTES (256u * 1024)
#define HOLD_EXTENDS_MOST_MS (72LL * 3600 * 1000)

/* What is there now: "as set", "back already", "47 now: somebody changed it", "not known now". */
static void hold_look(
	const struct hold *hold, const struct snapshot *snapshot, char *out, size_t size)
{
	struct target_value value;
	char now[NUMBER_TEXT_BYTES] = "?";
	uint32_t target = fleet_find_path(snapshot->fleet, hold->verb->target, hold->target_path);
	if (target == ENTITY_NONE || target >= snapshot->entity_count) {
		snprintf(out, size, "not in the fleet any more");
		return;
	}
	target_read(snapshot, hold->verb, target, &value);
	if (!value.known) {
		snprintf(out, size, "not known now");
	} else if (target_equal(value.low, hold->to) && target_equal(value.high, hold->to)) {
		snprintf(out, size, "as set");
	} else if (target_equal(value.low, hold->from) && target_equal(value.high, hold->from)) {
		snprintf(out, size, "back already");
	} else {
		template_number(value.low, now, sizeof now, NULL);
		snprintf(out, size, "%s now", now);
	}
}

static void hold_add(
	const struct hold *hold, const struct snapshot *snapshot, int64_t now_ms, struct text *text)
{
	char from[NUMBER_TEXT_BYTES] = "?";
	char to[NUMBER_TEXT_BYTES] = "?";
	char span[CLOCK_TEXT_BYTES];
	char look[64];
	char protection[48];
	int64_t left_ms = hold->expires_ms - now_ms;
	const char *end = hold->is_expired               ? "EXPIRED "
			  : hold_ends_soon(hold, now_ms) ? "ENDS SOON, in "
							 : "ends in ";
	template_number(hold->from, from, sizeof from, NULL);
	template_number(hold->to, to, sizeof to, NULL);
	clock_format_span(left_ms < 0 ? -left_ms : left_ms, span);
	hold_look(hold, snapshot, look, sizeof look);
	hold_protection_words(hold, protection);
	char put_off[32] = "";
	if (hold->put_offs > 0 && !expiry_is_a_persons(hold))
		snprintf(put_off, sizeof put_off, ", put off %d of %d times", hold->put_offs,
			EXPIRY_PUT_OFFS_MOST);
	text_printf(text, "%-8s %s %s %s %s -> %s, by %s; %s%s%s%s; %s%s%s%s; taken back by %s\n",
		hold->run, hold->action, hold->target_path, hold->verb->parameter, from, to,
		hold->by, end, span, hold->is_expired ? " ago" : "", put_off, look,
		hold->is_certain ? "" : ", its outcome is not known",
		hold->under[0] ? ", under " : "", hold->under,
		expiry_is_a_persons(hold) ? "a person" : protection);
}

static void hold_add_json(const struct hold *hold, const struct snapshot *snapshot, int64_t now_ms,
	struct json_writer *json)
{
	char look[64];
	hold_look(hold, snapshot, look, sizeof look);
	json_begin_object(json);
	json_member_string(json, "run", hold->run);
	json_member_string(json, "action", hold->action);
	json_member_string(json, "target", hold->target_path);
	json_member_number(json, "from", hold->from);
	json_member_number(json, "to", hold->to);
	json_member_string(json, "by", hold->by);
	json_member_time(json, "set", hold->set_ms);
	json_member_time(json, "expires", hold->expires_ms);
	json_member_bool(json, "expired", hold->is_expired);
	json_member_bool(json, "ends_soon", hold_ends_soon(hold, now_ms));
	json_member_integer(json, "put_offs", hold->put_offs);
	json_member_string(json, "on_expiry", expiry_policy_name(hold->on_expiry));
	json_member_bool(json, "certain", hold->is_certain);
	json_member_string(json, "under", hold->under);
	json_member_string(json, "now", look);
	json_member_string(json, "protected_by",
		hold->protection == HOLD_BY_TIMER    ? hold->planted
		: hold->protection == HOLD_BY_REAPER ? "reap"
						     : "nothing");
	json_end_object(json);
}

/* Who else is here, and at what. */
static void holds_add_peers(const struct coordination *coordination, struct text *text)
{
	struct coordination_peer peers[COORDINATION_PEERS_MOST];
	char since[CLOCK_TEXT_BYTES];
	size_t count = coordination_peers(coordination, peers, COORDINATION_PEERS_MOST);
	for (size_t i = 0; i < count; i++) {
		clock_format(peers[i].since_ms, false, since);
		text_printf(text, "here: %s on %s%s%s, since %s\n", peers[i].by, peers[i].host,
			peers[i].doing[0] ? " is at " : "", peers[i].doing, since);
	}
}

static int holds_print(const struct engine *engine, const struct control *control, bool as_json)
{
	struct hold holds[2 * HOLDS_MOST];
	int64_t now_ms = loop_now_ms(engine->loop);
	size_t count = executor_holds(control->executor, now_ms, holds, HOLDS_MOST);
	if (control->coordination)
		count += coordination_holds(
			control->coordination, now_ms, holds + count, HOLDS_MOST);
	struct text text;
	struct json_writer json;
	text_init(&text, HOLDS_TEXT_BYTES);
	json_writer_init(&json, &text);
	if (as_json)
		json_begin_array(&json);
	for (size_t i = 0; i < count; i++) {
		/* A verb that only the other's program knows cannot be looked at here. */
		if (!holds[i].verb)
			continue;
		if (as_json)
			hold_add_json(&holds[i], engine->snapshot, now_ms, &json);
		else
			hold_add(&holds[i], engine->snapshot, now_ms, &text);
	}
	if (as_json) {
		json_end_array(&json);
		text_add_char(&text, '\n');
	} else if (count == 0) {
		text_add(&text, "nothing is held\n");
	}
	if (!as_json && control->coordination)
		holds_add_peers(control->coordination, &text);
	fputs(text_string(&text), stdout);
	text_finish(&text);
	return OUTCOME_DONE;
}

/* A timer beside the target first learns of it, or it takes back what was meant to stay. */
static bool holds_replant(struct engine *engine, struct control *control, const char *id,
	int64_t left_ms, struct error *error)
{
	struct executor *executor = control->executor;
	int64_t now_ms = loop_now_ms(engine->loop);
	if (!executor_is_planted(executor, id))
		return true;
	executor_arm(executor, now_ms + CONTROL_ARM_MS);
	if (!executor_replant(executor, id, left_ms, engine->snapshot, now_ms, error))
		return false;
	while (executor_is_replanting(executor)) {
		if (!loop_turn(engine->loop, ENGINE_TICK_MS, error))
			return false;
	}
	const char *trouble = executor_replant_trouble(executor);
	return !trouble[0] || error_set(error, ERROR_UNKNOWN_OUTCOME, "%s", trouble);
}

/* extend ID SPAN | keep ID */
static int holds_change(
	const struct options *options, struct engine *engine, struct control *control)
{
	struct error error = {0};
	int64_t span_ms = 0;
	int64_t now_ms = loop_now_ms(engine->loop);
	bool extends = strcmp(options->words[0], "extend") == 0;
	if (extends && !verb_span("extend", options->words[2], 0, &span_ms, &error))
		return verb_fail(OUTCOME_USAGE, &error);
	if (span_ms > HOLD_EXTENDS_MOST_MS) {
		error_set(&error, ERROR_USAGE, "a hold is extended by at most 72h");
		return verb_fail(OUTCOME_USAGE, &error);
	}
	if (!extends && !options->reason) {
		error_set(&error, ERROR_USAGE,
			"'keep' needs '--reason TEXT': what is kept is never taken back by itself");
		return verb_fail(OUTCOME_USAGE, &error);
	}
	if (!holds_replant(engine, control, options->words[1], extends ? span_ms : 0, &error))
		return verb_fail(
			error.kind == ERROR_UNKNOWN_OUTCOME ? OUTCOME_UNKNOWN : OUTCOME_LOCAL_ERROR,
			&error);
	if (!executor_change_hold(control->executor, options->words[1],
		    extends ? now_ms + span_ms : 0, options->reason, &error))
		return verb_fail(
			error.kind == ERROR_USAGE ? OUTCOME_USAGE : OUTCOME_LOCAL_ERROR, &error);
	return OUTCOME_DONE;
}

static bool holds_words(const struct options *options, bool *changes)
{
	size_t count = options->word_count;
	const char *first = count > 0 ? options->words[0] : "";
	*changes = (strcmp(first, "extend") == 0 && count == 3) ||
		   (strcmp(first, "keep") == 0 && count == 2);
	return *changes || count == 0;
}

int verb_holds(const struct options *options)
{
	struct engine engine;
	struct control control;
	struct config *config = NULL;
	struct error error = {0};
	struct options mine = *options;
	int code = OUTCOME_LOCAL_ERROR;
	bool changes = false;
	if (!holds_words(options, &changes)) {
		error_set(&error, ERROR_USAGE,
			"holds takes nothing, 'extend ID SPAN' or 'keep ID', such as: spillway "
			"holds extend a-0007 30m");
		return verb_fail(OUTCOME_USAGE, &error);
	}
	/* Looking must not wait for whoever is writing the journal. */
	mine.read_only = options->read_only || !changes;
	if (!verb_open_fleet(&mine, &config, &engine, &control, &code))
		return code;
	if (changes && !control.may_write) {
		error_set(&error, ERROR_REJECTED, "read-only: nothing is recorded");
		code = verb_fail(OUTCOME_NOT_PERMITTED, &error);
	} else if (!changes) {
		code = holds_print(&engine, &control, strcmp(options->output, "json") == 0);
	} else if (verb_has_journal(&control, &code)) {
		code = holds_change(options, &engine, &control);
		if (code == OUTCOME_DONE && !options->quiet)
			holds_print(&engine, &control, strcmp(options->output, "json") == 0);
	}
	verb_close_fleet(config, &engine, &control);
	return code;
}
