#include "app/verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/config.h"
#include "actions/gate.h"
#include "app/config.h"
#include "app/control.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"

static void print_json(const struct gate *gate)
{
	struct text text;
	struct json_writer json;
	text_init(&text, 64 * 1024);
	json_writer_init(&json, &text);
	json_begin_object(&json);
	json_member_string(&json, "gate",
		gate->is_unknown  ? "unknown"
		: gate->is_closed ? "closed"
				  : "open");
	json_member_string(&json, "by", gate->by);
	json_member_string(&json, "text", gate->why);
	json_member_integer(&json, "since_ms", gate->since_ms);
	json_member_integer(&json, "acknowledged_ms", gate->acknowledged_ms);
	json_member_string(&json, "acknowledged_by", gate->acknowledged_by);
	json_end_object(&json);
	printf("%s\n", text_string(&text));
	text_finish(&text);
}

static void print_words(const struct gate *gate)
{
	char at[CLOCK_TEXT_BYTES];
	clock_format(gate->since_ms, false, at);
	if (gate->is_unknown)
		printf("unknown: %s\n", gate->why);
	else if (gate->since_ms == 0)
		printf("open: it was never closed\n");
	else
		printf("%s by %s, %s: %s\n", gate->is_closed ? "closed" : "open", gate->by, at,
			gate->why);
	if (gate->acknowledged_ms == 0)
		return;
	clock_format(gate->acknowledged_ms, false, at);
	printf("the brake was let go by %s, %s\n", gate->acknowledged_by, at);
}

/* Closing is allowed to who may not change anything: it changes nothing. */
static bool may_record(const struct options *options, enum gate_event event, struct error *error)
{
	const char *variable = getenv("SPILLWAY_READONLY");
	bool read_only = options->read_only || (variable && variable[0]);
	return !read_only || event == GATE_CLOSE ||
	       error_set(error, ERROR_REJECTED, "read-only: the gate is not opened from here");
}

static int64_t wall_now_ms(void)
{
	struct clock clock;
	clock_init_system(&clock);
	return clock_wall_ms(&clock);
}

static int gate_do(const struct options *options, const struct action_configs *configs)
{
	char by[64];
	enum gate_event event = GATE_EVENT_COUNT;
	struct error error = {0};
	const char *word = options->words[0];
	control_name_operator(by, sizeof by);
	bool ok = gate_event_find(word, &event) ||
		  error_set(&error, ERROR_USAGE, "'%.40s' is not close, open or acknowledge", word);
	ok = ok && may_record(options, event, &error) &&
	     gate_record(configs->journal_file, event, by, options->reason ? options->reason : "",
		     wall_now_ms(), &error);
	if (ok)
		return OUTCOME_DONE;
	return verb_fail(error.kind == ERROR_USAGE      ? OUTCOME_USAGE
			 : error.kind == ERROR_REJECTED ? OUTCOME_NOT_PERMITTED
							: OUTCOME_LOCAL_ERROR,
		&error);
}

int verb_gate(const struct options *options)
{
	struct error error = {0};
	struct action_configs configs;
	int code = OUTCOME_LOCAL_ERROR;
	if (options->word_count > 1) {
		error_set(&error, ERROR_USAGE, "gate takes one word: close, open or acknowledge");
		return verb_fail(OUTCOME_USAGE, &error);
	}
	/* The fleet file only, never the fleet: this must work from anywhere. */
	struct config *config = verb_open_acting_config(options, &configs, &code);
	if (!config)
		return code;
	struct gate gate;
	code = options->word_count == 1 ? gate_do(options, &configs) : OUTCOME_DONE;
	gate_read(configs.journal_file, &gate);
	if (code == OUTCOME_DONE && strcmp(options->output, "json") == 0)
		print_json(&gate);
	else if (code == OUTCOME_DONE)
		print_words(&gate);
	config_destroy(config);
	return code;
}
