#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/runbook_parts.h"
#include "actions/target.h"
#include "core/base/arena.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/fleet/snapshot.h"

#define STATE_BYTES (1024 * 1024)
#define EXPLAIN_BYTES 220
#define RETRY_EVERY_MS 1000

enum mode { MODE_ENTER, MODE_WAITING, MODE_ACTING, MODE_RETRY, MODE_FINISHED };

/* A step with its parameters put in. */
struct bound_step {
	const struct runbook_row *row;
	const struct expression *when, *until;
	const struct verb_row *verb;
	const char *target; /* a name, or "worst" */
	struct amount amount;
};

struct runbook_state {
	const struct runbook *runbook;
	struct arena *arena;
	struct runbook_param params[RUNBOOK_PARAMS_MOST];
	struct bound_step steps[RUNBOOK_STEPS_MOST];
	size_t at;
	enum mode mode;
	int64_t since_ms;   /* when the step was entered, 0: just now */
	int64_t hold_ms;    /* since when a wait's condition holds; 0: it does not */
	int64_t unknown_ms; /* since when a value it needs is unknown; 0: it is known */
	int64_t retry_ms;
	int64_t repeats;
	uint32_t worst; /* bound by the first act */
	char last_run[PLAN_ID_BYTES];
	struct runbook_order last; /* what was ordered, for trying again */
};

/* ---- beginning ---- */

static struct runbook_param *find_param(struct runbook_state *state, const char *name)
{
	for (size_t i = 0; i < state->runbook->param_count; i++) {
		if (strcmp(state->params[i].name, name) == 0)
			return &state->params[i];
	}
	return NULL;
}

/* Values go into expressions and targets: nothing in them may be read as syntax. */
static bool is_plain(const char *value)
{
	return value[0] &&
	       strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			     "._:/%-") == strlen(value);
}

static bool check_param(
	const struct runbook_param *param, const struct snapshot *snapshot, struct error *error)
{
	bool is_cluster = strcmp(param->kind, "cluster") == 0;
	bool is_replica = strcmp(param->kind, "replica") == 0;
	if (!param->value)
		return param->required ? error_set(error, ERROR_USAGE,
						 "parameter '%s' (a %s) is required: %s=...",
						 param->name, param->kind, param->name)
				       : true;
	if (!is_plain(param->value))
		return error_set(error, ERROR_USAGE,
			"parameter '%s': only letters, digits and . _ : / %% - may be in it",
			param->name);
	if (is_cluster && strcmp(param->value, RUNBOOK_WORST) == 0)
		return true;
	if ((is_cluster || is_replica) &&
		fleet_find_path(snapshot->fleet, is_cluster ? ENTITY_CLUSTER : ENTITY_REPLICA,
			param->value) == ENTITY_NONE)
		return error_set(error, ERROR_USAGE, "parameter '%s': there is no %s '%s'",
			param->name, param->kind, param->value);
	return true;
}

static bool bind_params(struct runbook_state *state, const struct runbook_param *values,
	size_t value_count, const struct snapshot *snapshot, struct error *error)
{
	memcpy(state->params, state->runbook->params, sizeof(state->params));
	for (size_t i = 0; i < value_count; i++) {
		struct runbook_param *param = find_param(state, values[i].name);
		if (!param)
			return error_set(error, ERROR_USAGE,
				"runbook '%s' has no parameter '%.60s'", state->runbook->name,
				values[i].name);
		param->value = arena_strdup(state->arena, values[i].value);
		if (!param->value)
			return error_no_memory(error, "a parameter");
	}
	for (size_t i = 0; i < state->runbook->param_count; i++) {
		if (!check_param(&state->params[i], snapshot, error))
			return false;
	}
	return true;
}

static bool fill(
	struct runbook_state *state, const char *source, const char **out, struct error *error)
{
	char filled[RUNBOOK_STRING_BYTES];
	if (!runbook_fill(source, state->params, state->runbook->param_count, filled, error))
		return false;
	*out = arena_strdup(state->arena, filled);
	return *out || error_no_memory(error, "a runbook");
}

static bool bind_condition(struct runbook_state *state, const char *source,
	struct runbook_view *view, const struct expression **out, struct error *error)
{
	const char *filled = NULL;
	if (!source)
		return true;
	if (!fill(state, source, &filled, error))
		return false;
	*out = expression_parse(state->arena, filled, error);
	return *out && expression_check(*out, runbook_lookup, view, error);
}

static bool bind_act(struct runbook_state *state, struct bound_step *step,
	const struct runbook_view *view, const struct action_info *actions, size_t action_count,
	struct error *error)
{
	const char *to = NULL;
	for (size_t i = 0; i < action_count && !step->verb; i++) {
		if (strcmp(actions[i].name, step->row->action) == 0)
			step->verb = actions[i].verb;
	}
	if (!step->verb)
		return error_set(error, ERROR_USAGE, "no action '%.60s' in the fleet file",
			step->row->action);
	if (!fill(state, step->row->target, &step->target, error) ||
		!fill(state, step->row->to, &to, error))
		return false;
	if (!amount_parse(to, &step->amount))
		return error_set(error, ERROR_USAGE,
			"to '%.40s' is not a value, xN, -N%% or largest-safe", to);
	if (strcmp(step->target, RUNBOOK_WORST) != 0 &&
		fleet_find_path(view->snapshot->fleet, step->verb->target, step->target) ==
			ENTITY_NONE)
		return error_set(error, ERROR_USAGE, "there is no %s '%.60s'",
			entity_kind_name(step->verb->target), step->target);
	return true;
}

static bool bind_steps(struct runbook_state *state, const struct snapshot *snapshot,
	const struct action_info *actions, size_t action_count, struct error *error)
{
	struct runbook_view view = {.snapshot = snapshot, .worst = ENTITY_NONE};
	for (size_t i = 0; i < state->runbook->row_count; i++) {
		struct bound_step *step = &state->steps[i];
		step->row = &state->runbook->rows[i];
		bool ok = bind_condition(state, step->row->when, &view, &step->when, error) &&
			  bind_condition(state, step->row->until, &view, &step->until, error) &&
			  (step->row->is_wait ||
				  bind_act(state, step, &view, actions, action_count, error));
		if (!ok) {
			if (error && error->kind != ERROR_NO_MEMORY)
				error->kind = ERROR_USAGE;
			return error_prefix(error, "step '%s'", step->row->id);
		}
	}
	return true;
}

struct runbook_state *runbook_begin(const struct runbook *runbook,
	const struct runbook_param *values, size_t value_count, const struct snapshot *snapshot,
	const struct action_info *actions, size_t action_count, struct error *error)
{
	struct runbook_state *state = calloc(1, sizeof(*state));
	if (!state) {
		error_no_memory(error, "a runbook");
		return NULL;
	}
	state->runbook = runbook;
	state->worst = ENTITY_NONE;
	state->arena = arena_create(STATE_BYTES);
	if (!state->arena)
		error_no_memory(error, "a runbook");
	else if (bind_params(state, values, value_count, snapshot, error) &&
		 bind_steps(state, snapshot, actions, action_count, error))
		return state;
	runbook_end(state);
	return NULL;
}

void runbook_end(struct runbook_state *state)
{
	if (!state)
		return;
	arena_destroy(state->arena);
	free(state);
}

bool runbook_resume(struct runbook_state *state, const char *step, uint32_t worst, int64_t acts,
	bool acting, struct error *error)
{
	for (size_t i = 0; i < state->runbook->row_count; i++) {
		if (strcmp(state->runbook->rows[i].id, step) != 0)
			continue;
		state->at = i;
		state->worst = worst;
		state->repeats = acting && acts > 0 ? acts - 1 : acts;
		state->mode = acting ? MODE_ACTING : MODE_ENTER;
		return true;
	}
	return error_set(
		error, ERROR_USAGE, "runbook '%s' has no step '%.40s'", state->runbook->name, step);
}

uint32_t runbook_worst(const struct runbook_state *state)
{
	return state->worst;
}

/* ---- deciding ---- */

/* One look: what the engine may see, and the order it fills. */
struct look {
	struct runbook_state *state;
	struct runbook_view view;
	const struct bound_step *step;
	int64_t now_ms;
	struct runbook_order *out;
};

static void explain(struct look *look, const struct expression *expression, char *out, size_t size)
{
	struct text text;
	text_init(&text, EXPLAIN_BYTES);
	expression_explain(expression, runbook_lookup, &look->view, &text);
	snprintf(out, size, "%s", text_string(&text));
	text_finish(&text);
}

static bool finish(struct look *look, enum outcome_code code, const char *text)
{
	look->state->mode = MODE_FINISHED;
	look->out->kind = RUNBOOK_FINISHED;
	look->out->code = code;
	snprintf(look->out->text, sizeof(look->out->text), "%s", text);
	look->state->last = *look->out;
	return false;
}

static bool pause(struct look *look, const char *text)
{
	look->out->kind = RUNBOOK_WAIT;
	snprintf(look->out->text, sizeof(look->out->text), "%s", text);
	return false;
}

static bool advance(struct look *look)
{
	struct runbook_state *state = look->state;
	state->at++;
	state->mode = MODE_ENTER;
	state->since_ms = state->hold_ms = state->unknown_ms = state->repeats = 0;
	return true;
}

/* Something is not known: give it a moment. True when the moment is over. */
static bool unknown_too_long(struct look *look)
{
	struct runbook_state *state = look->state;
	if (state->unknown_ms == 0)
		state->unknown_ms = look->now_ms;
	return look->now_ms - state->unknown_ms >= RUNBOOK_UNKNOWN_MS;
}

/* What is counted in whole numbers stays whole, and is rounded towards where it stands; shares are
 * let be. */
static double amount_of(const struct bound_step *step, double now)
{
	double factor =
		step->amount.kind == AMOUNT_TIMES ? step->amount.number : 1 - step->amount.number;
	double to = now * factor;
	if (now < 2 || now != floor(now))
		return to;
	return factor >= 1 ? floor(to + 1e-9) : ceil(to - 1e-9);
}

/* Issue the order again or for the first time. */
static bool act(struct look *look)
{
	struct runbook_state *state = look->state;
	const struct bound_step *step = look->step;
	struct target_value value;
	char text[ACTION_TEXT_BYTES];
	uint32_t target = strcmp(step->target, RUNBOOK_WORST) == 0
				  ? runbook_cluster(&look->view, step->target)
				  : fleet_find_path(look->view.snapshot->fleet, step->verb->target,
					    step->target);
	if (target == ENTITY_NONE || target >= look->view.snapshot->entity_count)
		return unknown_too_long(look)
			       ? finish(look, OUTCOME_INCONCLUSIVE, "its target is not known")
			       : pause(look, "waiting until its target is known");
	target_read(look->view.snapshot, step->verb, target, &value);
	if (!value.known && step->amount.kind != AMOUNT_ABSOLUTE)
		return unknown_too_long(look)
			       ? finish(look, OUTCOME_INCONCLUSIVE,
					 "the present value is not known")
			       : pause(look, "waiting until the present value is known");
	struct runbook_order *out = look->out;
	out->kind = RUNBOOK_ACT;
	out->target = target;
	out->largest_safe = step->amount.kind == AMOUNT_LARGEST_SAFE;
	snprintf(out->action, sizeof(out->action), "%s", step->row->action);
	switch (step->amount.kind) {
	case AMOUNT_ABSOLUTE:
		out->to = step->amount.number;
		break;
	case AMOUNT_TIMES:
	case AMOUNT_LESS:
		out->to = amount_of(step, value.low);
		break;
	case AMOUNT_LARGEST_SAFE:
		/* The far end of what could be wished for: guards cut it down to what is safe. */
		out->to = step->verb->move == MOVE_DIVERT ? 0 : ceil(value.low * 10);
		break;
	}
	snprintf(text, sizeof(text), "%s %s: %s %.6g", step->row->action,
		fleet_entity(look->view.snapshot->fleet, target)->path, step->verb->parameter,
		out->to);
	snprintf(out->text, sizeof(out->text), "%s", text);
	if (step->verb->target == ENTITY_CLUSTER && state->worst == ENTITY_NONE &&
		strcmp(step->target, RUNBOOK_WORST) == 0)
		state->worst = target;
	state->mode = MODE_ACTING;
	return false;
}

/* Whether the step is to be done at all. True: look again at once. */
static bool enter(struct look *look)
{
	struct runbook_state *state = look->state;
	const struct bound_step *step = look->step;
	char why[EXPLAIN_BYTES] = "";
	char text[ACTION_TEXT_BYTES];
	if (state->since_ms == 0)
		state->since_ms = look->now_ms;
	if (step->when) {
		enum truth truth = expression_test(step->when, runbook_lookup, &look->view);
		explain(look, step->when, why, sizeof(why));
		if (truth == TRUTH_FALSE)
			return advance(look);
		if (truth == TRUTH_UNKNOWN && step->row->on_unknown == ON_UNKNOWN_SKIP)
			return advance(look);
		snprintf(text, sizeof(text), "cannot tell whether %s", why);
		if (truth == TRUTH_UNKNOWN)
			return unknown_too_long(look) ? finish(look, OUTCOME_INCONCLUSIVE, text)
						      : pause(look, text);
		state->unknown_ms = 0;
	}
	if (!step->row->is_wait)
		return act(look);
	state->mode = MODE_WAITING;
	state->since_ms = look->now_ms;
	state->hold_ms = 0;
	return true;
}

static bool time_out(struct look *look, const char *why)
{
	char text[ACTION_TEXT_BYTES];
	snprintf(text, sizeof(text), "did not come in time: %s", why);
	switch ((enum on_timeout)look->step->row->on_timeout) {
	case ON_TIMEOUT_CONTINUE:
		return advance(look);
	case ON_TIMEOUT_FINISH:
		return finish(look, OUTCOME_DONE, text);
	case ON_TIMEOUT_STOP:
		break;
	}
	return finish(look, OUTCOME_INCONCLUSIVE, text);
}

static bool wait_on(struct look *look)
{
	struct runbook_state *state = look->state;
	const struct runbook_row *row = look->step->row;
	char why[EXPLAIN_BYTES];
	char text[ACTION_TEXT_BYTES];
	char left[CLOCK_TEXT_BYTES];
	explain(look, look->step->until, why, sizeof(why));
	enum truth truth = expression_test(look->step->until, runbook_lookup, &look->view);
	if (truth != TRUTH_TRUE)
		state->hold_ms = 0;
	else if (state->hold_ms == 0)
		state->hold_ms = look->now_ms;
	if (truth == TRUTH_TRUE && look->now_ms - state->hold_ms >= row->for_ms)
		return advance(look);
	if (look->now_ms - state->since_ms >= row->within_ms)
		return time_out(look, why);
	clock_format_span(state->since_ms + row->within_ms - look->now_ms, left);
	snprintf(text, sizeof(text), "%s until %s (%s left)",
		truth == TRUTH_TRUE ? "holding" : "waiting", why, left);
	return pause(look, text);
}

static bool after_run(struct look *look, const struct run_view *run)
{
	struct runbook_state *state = look->state;
	const struct runbook_row *row = look->step->row;
	char text[ACTION_TEXT_BYTES];
	snprintf(state->last_run, sizeof(state->last_run), "%s", run->id);
	bool go_on = run->code == OUTCOME_DONE ||
		     (run->code == OUTCOME_INCONCLUSIVE &&
			     row->on_inconclusive == ON_TROUBLE_CONTINUE) ||
		     (run->code == OUTCOME_REFUSED && row->on_refused == ON_TROUBLE_CONTINUE);
	if (run->code == OUTCOME_RETRY_LATER && look->now_ms - state->since_ms < RUNBOOK_RETRY_MS) {
		state->mode = MODE_RETRY;
		state->retry_ms = look->now_ms + RETRY_EVERY_MS;
		snprintf(text, sizeof(text), "trying again: %.280s", run->text);
		return pause(look, text);
	}
	if (!go_on) {
		snprintf(text, sizeof(text), "step ended %d: %.280s", (int)run->code, run->text);
		return finish(look, run->code, text);
	}
	bool is_refused = run->code == OUTCOME_REFUSED;
	if (is_refused || ++state->repeats >= row->repeat)
		return advance(look);
	state->mode = MODE_ENTER;
	state->since_ms = look->now_ms;
	return true;
}

/* True: look again, something moved. */
static bool turn(struct look *look, const struct run_view *run)
{
	struct runbook_state *state = look->state;
	switch (state->mode) {
	case MODE_ENTER:
		return enter(look);
	case MODE_WAITING:
		return wait_on(look);
	case MODE_ACTING:
		if (!run || (run->id[0] && strcmp(run->id, state->last_run) == 0))
			return pause(look, "waiting for the change to end");
		return after_run(look, run);
	case MODE_RETRY:
		if (look->now_ms < state->retry_ms)
			return pause(look, "waiting for the cool-down to end");
		return act(look);
	case MODE_FINISHED:
		break;
	}
	*look->out = state->last;
	return false;
}

void runbook_step(struct runbook_state *state, const struct snapshot *snapshot,
	const struct assessment *assessment, const struct run_view *run, int64_t now_ms,
	struct runbook_order *out)
{
	struct look look = {
		.state = state,
		.view = {.snapshot = snapshot, .assessment = assessment, .worst = state->worst},
		.now_ms = now_ms,
		.out = out,
	};
	*out = (struct runbook_order){
		.kind = RUNBOOK_WAIT, .target = ENTITY_NONE, .to = NAN, .code = OUTCOME_DONE};
	for (bool again = true; again;) {
		if (state->mode != MODE_FINISHED && state->at == state->runbook->row_count) {
			finish(&look, OUTCOME_DONE, "all steps are done");
			return;
		}
		if (state->mode != MODE_FINISHED) {
			look.step = &state->steps[state->at];
			look.view.worst = state->worst;
			snprintf(out->step, sizeof(out->step), "%s", look.step->row->id);
		}
		again = turn(&look, run);
		/* What a run ended with is told once. */
		run = NULL;
	}
}
