#include "app/verb.h"

#include <ctype.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actions/executor.h"
#include "actions/plan.h"
#include "app/brief.h"
#include "app/config.h"
#include "app/control.h"
#include "app/engine.h"
#include "app/second_person.h"
#include "core/base/clock.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/loop.h"
#include "core/base/number.h"
#include "core/base/text.h"
#include "core/fleet/entity.h"
#include "core/fleet/snapshot.h"

#define PLAN_TEXT_BYTES (1024u * 1024)
#define PLAN_COLUMNS 100

/* An act in progress: what is planned, and whether the operator asked to stop. */
struct act {
	const struct options *options;
	struct config *config;
	struct engine engine;
	struct control control;
	struct plan plan;
	struct brief brief;
	struct second_person second;
	bool interrupted;
};

static bool act_read_only(const struct act *act)
{
	return !act->control.may_write;
}

/* ACTION target=NAME parameter=VALUE, as the verb's row names them. */
static bool act_words(const struct act *act, const struct action_info **action, uint32_t *target,
	double *to, struct error *error)
{
	const struct options *options = act->options;
	if (options->word_count == 0)
		return error_set(error, ERROR_USAGE,
			"which action? This fleet file has %zu: see its 'actions' section",
			act->control.info_count);
	const char *names[ACTIONS_MOST];
	*action = NULL;
	for (size_t i = 0; i < act->control.info_count; i++) {
		names[i] = act->control.infos[i].name;
		if (strcmp(names[i], options->words[0]) == 0)
			*action = &act->control.infos[i];
	}
	if (!*action) {
		const char *near =
			complaints_nearest(options->words[0], names, act->control.info_count);
		return error_set(error, ERROR_USAGE, "this fleet file has no action '%s'%s%s%s",
			options->words[0], near ? ": did you mean '" : "", near ? near : "",
			near ? "'?" : "");
	}
	const char *kind = entity_kind_name((*action)->verb->target);
	*target = ENTITY_NONE;
	*to = (*action)->verb->is_fixed ? (*action)->verb->fixed_to : NAN;
	for (size_t i = 1; i < options->word_count; i++) {
		const char *word = options->words[i];
		const char *equals = strchr(word, '=');
		size_t length = equals ? (size_t)(equals - word) : 0;
		if (equals && strlen(kind) == length && memcmp(word, kind, length) == 0) {
			*target = fleet_find_path(
				act->engine.fleet, (*action)->verb->target, equals + 1);
			if (*target == ENTITY_NONE)
				return error_set(error, ERROR_USAGE,
					"there is no %s '%s' in the fleet", kind, equals + 1);
		} else if (equals && strlen((*action)->verb->parameter) == length &&
			   memcmp(word, (*action)->verb->parameter, length) == 0) {
			if (!number_parse(equals + 1, strlen(equals + 1), to) || !isfinite(*to))
				return error_set(error, ERROR_USAGE,
					"'%s' is no number: write %s=N", word,
					(*action)->verb->parameter);
		} else {
			return error_set(error, ERROR_USAGE,
				"'%s' takes %s=NAME and %s=N, not '%s'", (*action)->name, kind,
				(*action)->verb->parameter, word);
		}
	}
	if (*target == ENTITY_NONE || !isfinite(*to))
		return error_set(error, ERROR_USAGE, "'%s' needs %s=NAME and %s=N", (*action)->name,
			kind, (*action)->verb->parameter);
	return true;
}

static void act_print_plan(const struct act *act, struct text *text)
{
	if (strcmp(act->options->output, "json") == 0)
		plan_print_json(&act->plan, text);
	else
		plan_print(&act->plan, PLAN_COLUMNS, text);
}

/* One text to stdout, or to stderr where stdout is kept for the result. */
static void act_show_plan(const struct act *act, FILE *stream)
{
	struct text text;
	text_init(&text, PLAN_TEXT_BYTES);
	act_print_plan(act, &text);
	fputs(text_string(&text), stream);
	if (text.length > 0 && text.bytes[text.length - 1] != '\n')
		fputc('\n', stream);
	text_finish(&text);
}

static int act_make_plan(struct act *act)
{
	struct error error = {0};
	const struct action_info *action = NULL;
	uint32_t target = ENTITY_NONE;
	double to = NAN;
	if (!act_words(act, &action, &target, &to, &error))
		return verb_fail(OUTCOME_USAGE, &error);
	if (act->options->override_count > 0 && !act->options->reason) {
		error_set(&error, ERROR_USAGE,
			"'--override' needs '--reason TEXT': it goes into the journal");
		return verb_fail(OUTCOME_USAGE, &error);
	}
	int64_t now_ms = loop_now_ms(act->engine.loop);
	if (!executor_plan(act->control.executor, action->name, target, to,
		    act->config->environment, act->options->overrides, act->options->override_count,
		    act->engine.snapshot, &act->engine.assessment, now_ms, &act->plan, &error))
		return verb_fail(
			error.kind == ERROR_USAGE ? OUTCOME_USAGE : OUTCOME_LOCAL_ERROR, &error);
	return OUTCOME_DONE;
}

static void act_interrupt(void *context, int signal_number)
{
	struct act *act = context;
	(void)signal_number;
	act->interrupted = true;
	loop_stop(act->engine.loop);
}

static void act_tick(void *context)
{
	struct act *act = context;
	executor_tick(act->control.executor, act->engine.snapshot, &act->engine.assessment,
		loop_now_ms(act->engine.loop));
}

/* yes from a person, or --yes. A pipe is never asked. */
static int act_confirm(struct act *act)
{
	if (act->options->yes)
		return OUTCOME_DONE;
	struct error error = {0};
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		error_set(&error, ERROR_USAGE,
			"this needs confirmation: run it from a terminal, or add --yes");
		return verb_fail(OUTCOME_NEEDS_CONFIRMATION, &error);
	}
	const char *word = act->plan.needs_typed_name ? act->plan.target_path : "yes";
	fprintf(stderr, "type '%s' to do it, anything else to leave it: ", word);
	fflush(stderr);
	char line[ENTITY_PATH_BYTES + 2];
	if (!fgets(line, sizeof line, stdin))
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (strcmp(line, word) == 0)
		return OUTCOME_DONE;
	error_set(&error, ERROR_CANCELLED, "not confirmed, nothing was sent");
	return verb_fail(OUTCOME_NEEDS_CONFIRMATION, &error);
}

/* The picture a person read the plan from is old by the time they answer. */
static void act_freshen(struct act *act)
{
	uint64_t seen = act->engine.snapshot->generation;
	struct error error;
	while (act->engine.snapshot->generation < seen + 2 && !act->interrupted) {
		if (!loop_turn(act->engine.loop, ENGINE_TICK_MS, &error))
			return;
	}
}

/* What clients wait behind is ended before this program is; breaking off ends it at once. The code
 * is that of the whole. */
static int act_end_brief(struct act *act, int code)
{
	struct error error = {0};
	const struct verb_row *verb = act->plan.verb;
	const struct run_view *run = executor_run(act->control.executor);
	char id[PLAN_ID_BYTES];
	if (verb->expire_ms <= 0 || !run)
		return code;
	snprintf(id, sizeof id, "%s", run->id);
	if (!act->options->quiet)
		fprintf(stderr, "spillway: %s is held; it ends by itself, or with Ctrl-C\n", id);
	while (brief_tick(&act->brief, &act->control, &act->engine, act->config->environment)) {
		act->brief.at_once = act->brief.at_once || act->interrupted;
		act->interrupted = false;
		if (!loop_turn(act->engine.loop, ENGINE_TICK_MS, &error))
			break;
	}
	run = executor_run(act->control.executor);
	if (run && strcmp(run->id, id) == 0 && code != OUTCOME_DONE)
		return code; /* it changed nothing, or nothing that is known of */
	bool is_over = run && strcmp(run->id, id) != 0 && run->code == OUTCOME_DONE;
	fprintf(stderr, "spillway: %s: %s\n", is_over ? "ended" : "NOT ENDED, do it by hand",
		run ? run->text : id);
	return is_over ? code : OUTCOME_ROLLBACK_FAILED;
}

static bool act_wait(struct act *act)
{
	struct error error = {0};
	while (executor_is_busy(act->control.executor)) {
		if (!loop_turn(act->engine.loop, ENGINE_TICK_MS, &error))
			return false;
	}
	return true;
}

/* It took, and it harms: back to what was. Breaking off does not stop that. */
static int act_roll_back(struct act *act, int code)
{
	struct error error = {0};
	enum outcome_code why = OUTCOME_ROLLBACK_FAILED;
	const struct run_view *run = executor_run(act->control.executor);
	const char *harming = executor_harming(act->control.executor);
	char id[PLAN_ID_BYTES];
	if (!harming)
		return code;
	snprintf(id, sizeof id, "%s", harming);
	fprintf(stderr, "spillway: %s harms (%s): taking it back\n", id, run->text);
	act_freshen(act);
	bool ok = executor_plan_undo(act->control.executor, id, act->config->environment,
			  act->engine.snapshot, &act->engine.assessment,
			  loop_now_ms(act->engine.loop), &act->plan, &error) &&
		  executor_start(act->control.executor, &act->plan, act->plan.hash, "it harmed",
			  act->engine.snapshot, &act->engine.assessment,
			  loop_now_ms(act->engine.loop), &why, &error) &&
		  act_wait(act);
	run = executor_run(act->control.executor);
	ok = ok && run && run->state == RUN_DONE;
	fprintf(stderr, "spillway: %s\n",
		ok              ? "taken back"
		: error.text[0] ? error.text
		: run           ? run->text
				: "it could not be taken back");
	return ok ? OUTCOME_ROLLED_BACK : OUTCOME_ROLLBACK_FAILED;
}

static void act_print_outcome(const struct act *act, const struct run_view *run, int code)
{
	if (strcmp(act->options->output, "json") == 0) {
		struct text text;
		struct json_writer json;
		text_init(&text, 64 * 1024);
		json_writer_init(&json, &text);
		json_begin_object(&json);
		json_member_string(&json, "run", run ? run->id : NULL);
		json_member_string(&json, "plan", act->plan.hash);
		json_member_integer(&json, "code", code);
		json_member_string(&json, "outcome", outcome_name((enum outcome_code)code));
		json_member_string(&json, "text", run ? run->text : NULL);
		json_end_object(&json);
		fputs(text_string(&text), stdout);
		fputc('\n', stdout);
		text_finish(&text);
		return;
	}
	if (run)
		printf("%s %s: %s\n", run->id, outcome_name((enum outcome_code)code), run->text);
}

/* Send what was shown, and stay until it is verified or cannot be. */
static int act_execute(struct act *act)
{
	struct error error = {0};
	enum outcome_code code = OUTCOME_LOCAL_ERROR;
	loop_signal(act->engine.loop, SIGINT, act_interrupt, act, &error);
	loop_signal(act->engine.loop, SIGTERM, act_interrupt, act, &error);
	act->engine.on_tick = act_tick;
	act->engine.context = act;
	act_freshen(act);
	if (act->interrupted)
		return OUTCOME_INTERRUPTED;
	if (!executor_start(act->control.executor, &act->plan, act->plan.hash, act->options->reason,
		    act->engine.snapshot, &act->engine.assessment, loop_now_ms(act->engine.loop),
		    &code, &error))
		return verb_fail((int)code, &error);
	while (executor_is_busy(act->control.executor) && !act->interrupted) {
		if (!loop_turn(act->engine.loop, ENGINE_TICK_MS, &error))
			return verb_fail(OUTCOME_UNKNOWN, &error);
	}
	const struct run_view *run = executor_run(act->control.executor);
	if (act->interrupted && executor_is_busy(act->control.executor)) {
		/* Waiting stops; what left cannot be called back. Closing the executor journals
		 * this. */
		bool left = run && run->state != RUN_INTENT;
		fprintf(stderr, "spillway: interrupted: %s\n",
			left ? "the request had been sent: read back before doing it again"
			     : "nothing was sent");
		if (act->plan.verb->expire_ms > 0)
			executor_interrupt(act->control.executor, loop_now_ms(act->engine.loop));
		return act_end_brief(act, left ? OUTCOME_UNKNOWN : OUTCOME_INTERRUPTED);
	}
	struct run_view first = run ? *run : (struct run_view){.code = OUTCOME_LOCAL_ERROR};
	code = (enum outcome_code)act_roll_back(act, (int)first.code);
	act_print_outcome(act, run ? &first : NULL, (int)code);
	return act_end_brief(act, (int)code);
}

static bool act_open(struct act *act, const struct options *options, int *code)
{
	*act = (struct act){.options = options};
	if (!verb_open_fleet(options, &act->config, &act->engine, &act->control, code))
		return false;
	plan_init(&act->plan);
	brief_init(&act->brief, &act->engine);
	if (!act_read_only(act))
		executor_arm(act->control.executor, loop_now_ms(act->engine.loop) + CONTROL_ARM_MS);
	return true;
}

static int act_close(struct act *act, int code)
{
	plan_finish(&act->plan);
	brief_finish(&act->brief);
	verb_close_fleet(act->config, &act->engine, &act->control);
	return code;
}

int verb_plan(const struct options *options)
{
	struct act act;
	int code = OUTCOME_LOCAL_ERROR;
	if (!act_open(&act, options, &code))
		return code;
	code = act_make_plan(&act);
	if (code == OUTCOME_DONE) {
		act_show_plan(&act, stdout);
		code = (int)plan_outcome(&act.plan);
	}
	return act_close(&act, code);
}

/* Only another person's word is missing: ask for it, and say how it is given. */
static bool act_ask(struct act *act)
{
	struct error error = {0};
	bool waits = act->options->wait;
	int64_t now_ms = loop_now_ms(act->engine.loop);
	if (!second_person_ask(&act->second, act->control.executor, &act->plan,
		    act->options->reason, now_ms, &error)) {
		verb_fail(OUTCOME_NEEDS_CONFIRMATION, &error);
		return false;
	}
	fprintf(stderr, "spillway: another person has to say 'spillway approve %s'%s\n",
		act->plan.id, waits ? "; waiting for that" : "; then do this again");
	if (!second_person_told(act->control.executor, &act->engine, &error))
		verb_fail(OUTCOME_NEEDS_CONFIRMATION, &error);
	return true;
}

/* Stay until somebody has answered; what the plan says by then counts. */
static int act_await(struct act *act)
{
	struct error error = {0};
	char text[ACTION_TEXT_BYTES] = "";
	enum second_word word = SECOND_WORD_NONE;
	loop_signal(act->engine.loop, SIGINT, act_interrupt, act, &error);
	loop_signal(act->engine.loop, SIGTERM, act_interrupt, act, &error);
	while (word == SECOND_WORD_NONE && !act->interrupted) {
		if (!loop_turn(act->engine.loop, ENGINE_TICK_MS, &error))
			return verb_fail(OUTCOME_LOCAL_ERROR, &error);
		if (!second_person_is_due(&act->second, loop_now_ms(act->engine.loop)))
			continue;
		int code = act_make_plan(act);
		if (code != OUTCOME_DONE)
			return code;
		word = second_person_hear(&act->second, act->control.executor, &act->plan,
			loop_now_ms(act->engine.loop), text);
	}
	if (act->interrupted)
		return OUTCOME_INTERRUPTED;
	fprintf(stderr, "spillway: %s\n", text);
	int code = word == SECOND_WORD_GIVEN     ? (int)plan_outcome(&act->plan)
		   : word == SECOND_WORD_REFUSED ? OUTCOME_NEEDS_CONFIRMATION
						 : OUTCOME_STALE_PLAN;
	if (word == SECOND_WORD_GIVEN && act->plan.blocked)
		act_show_plan(act, stdout);
	return code;
}

/* Setting a guard aside is never quiet, whatever --quiet says. */
static void act_tell_overrides(const struct act *act)
{
	for (size_t i = 0; i < act->plan.verdict_count; i++) {
		const struct verdict *verdict = &act->plan.verdicts[i];
		if (!verdict->overridden)
			continue;
		bool breaks_glass = strcmp(verdict->guard, "two-person") == 0;
		fprintf(stderr, "spillway: %s: guard %s is set aside by %s: %s\n",
			breaks_glass ? "BREAKING GLASS" : "OVERRIDDEN", verdict->guard,
			act->control.operator_name, verdict->text);
	}
}

/* From a made plan to its end. */
static int act_carry_out(struct act *act)
{
	bool as_json = strcmp(act->options->output, "json") == 0;
	if (!act->options->quiet || act->plan.blocked)
		act_show_plan(act, as_json && !act->plan.blocked ? stderr : stdout);
	int code = (int)plan_outcome(&act->plan);
	if (code == OUTCOME_DONE)
		fprintf(stderr, "spillway: nothing to change\n");
	if (code == OUTCOME_NEEDS_CONFIRMATION && act_ask(act) && act->options->wait)
		code = act_await(act);
	if (code != OUTCOME_CHANGES_PENDING)
		return code;
	act_tell_overrides(act);
	code = act_confirm(act);
	return code == OUTCOME_DONE ? act_execute(act) : code;
}

int verb_act(const struct options *options)
{
	struct act act;
	int code = OUTCOME_LOCAL_ERROR;
	if (!act_open(&act, options, &code))
		return code;
	if (verb_has_journal(&act.control, &code)) {
		code = act_make_plan(&act);
		if (code == OUTCOME_DONE)
			code = act_carry_out(&act);
	}
	return act_close(&act, code);
}

int verb_undo(const struct options *options)
{
	struct act act;
	int code = OUTCOME_LOCAL_ERROR;
	struct error error = {0};
	if (options->word_count != 1) {
		error_set(&error, ERROR_USAGE,
			"undo takes the id of one run, such as a-0007: see 'spillway journal "
			"show'");
		return verb_fail(OUTCOME_USAGE, &error);
	}
	if (!act_open(&act, options, &code))
		return code;
	if (!verb_has_journal(&act.control, &code))
		return act_close(&act, code);
	if (executor_plan_undo(act.control.executor, options->words[0], act.config->environment,
		    act.engine.snapshot, &act.engine.assessment, loop_now_ms(act.engine.loop),
		    &act.plan, &error))
		code = act_carry_out(&act);
	else
		code = verb_fail(
			error.kind == ERROR_USAGE ? OUTCOME_USAGE : OUTCOME_STALE_PLAN, &error);
	return act_close(&act, code);
}
