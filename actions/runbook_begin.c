#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/runbook_state.h"
#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/fleet/snapshot.h"

#define STATE_BYTES (1024 * 1024)

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

/* Only a step that made a change has a before. */
static bool bind_plain(struct runbook_state *state, const char *source, struct runbook_view *view,
	const struct expression **out, struct error *error)
{
	struct runbook_before before = {.count = 0};
	if (!bind_condition(state, source, view, out, error))
		return false;
	runbook_keep_before(*out, view, &before);
	return before.count == 0 ||
	       error_set(error, ERROR_SCHEMA, "before.%.80s is known in verify only",
		       before.rows[0].name);
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
		const struct runbook_proof *proof = &step->row->proof;
		bool ok = bind_plain(state, step->row->when, &view, &step->when, error) &&
			  bind_plain(state, step->row->until, &view, &step->until, error) &&
			  bind_condition(state, proof->pass_if, &view, &step->pass_if, error) &&
			  bind_condition(state, proof->fail_if, &view, &step->fail_if, error) &&
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

static bool bind_asserts(
	struct runbook_state *state, const struct snapshot *snapshot, struct error *error)
{
	struct runbook_view view = {.snapshot = snapshot, .worst = ENTITY_NONE};
	for (size_t i = 0; i < state->runbook->assert_count; i++) {
		const struct runbook_assert *row = &state->runbook->asserts[i];
		if (bind_plain(state, row->that, &view, &state->asserts[i], error))
			continue;
		if (error && error->kind != ERROR_NO_MEMORY)
			error->kind = ERROR_USAGE;
		return error_prefix(error, "preflight '%s'", row->id);
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
	state->goal = state->ramp_from = state->ordered = NAN;
	state->mode = RUNBOOK_MODE_PREFLIGHT;
	state->arena = arena_create(STATE_BYTES);
	if (!state->arena)
		error_no_memory(error, "a runbook");
	else if (bind_params(state, values, value_count, snapshot, error) &&
		 bind_asserts(state, snapshot, error) &&
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

/* ---- going on ---- */

static bool find_row(
	const struct runbook_state *state, const char *step, size_t *out, struct error *error)
{
	*out = runbook_find_row(state->runbook, step);
	return *out < state->runbook->row_count ||
	       error_set(error, ERROR_USAGE, "runbook '%s' has no step '%.40s'",
		       state->runbook->name, step);
}

bool runbook_remember_change(struct runbook_state *state, const char *step, const char *run,
	bool is_back, struct error *error)
{
	size_t row = 0;
	if (!find_row(state, step, &row, error))
		return false;
	if (state->change_count == RUNBOOK_CHANGES_MOST)
		return error_set(error, ERROR_LIMIT, "more than %d changes of one run",
			RUNBOOK_CHANGES_MOST);
	struct runbook_change *change = &state->changes[state->change_count++];
	*change = (struct runbook_change){.row = row, .is_back = is_back};
	snprintf(change->run, sizeof(change->run), "%s", run);
	return true;
}

bool runbook_remember_turn(struct runbook_state *state, const char *step, enum runbook_turn turn,
	enum outcome_code code, struct error *error)
{
	size_t row = 0;
	if (!find_row(state, step, &row, error))
		return false;
	if (turn == RUNBOOK_TURN_GOTO) {
		state->jumps[row]++;
		return true;
	}
	if (!state->has_failed) {
		state->has_failed = true;
		state->failed_code = code;
		snprintf(state->failed_text, sizeof(state->failed_text),
			"step '%.47s' failed before this process went on", step);
	}
	if (turn == RUNBOOK_TURN_STEP_BACK || turn == RUNBOOK_TURN_ALL_BACK) {
		state->scope = turn == RUNBOOK_TURN_ALL_BACK ? RUNBOOK_BACK_ALL : RUNBOOK_BACK_STEP;
		state->back_row = row;
	}
	return true;
}

void runbook_remember_goal(struct runbook_state *state, double goal)
{
	state->goal = goal;
}

double runbook_goal(const struct runbook_state *state)
{
	return state->goal;
}

bool runbook_resume(struct runbook_state *state, const char *step, uint32_t worst, int64_t acts,
	bool acting, struct error *error)
{
	if (!find_row(state, step, &state->at, error))
		return false;
	state->worst = worst;
	state->repeats = acting && acts > 0 ? acts - 1 : acts;
	state->mode = state->scope != RUNBOOK_BACK_NOTHING ? RUNBOOK_MODE_UNDOING
		      : acting                             ? RUNBOOK_MODE_ACTING
							   : RUNBOOK_MODE_ENTER;
	return true;
}

void runbook_remember_time(struct runbook_state *state, int64_t run_ms, int64_t step_ms)
{
	state->run_before_ms = run_ms;
	state->step_before_ms = step_ms;
}

uint32_t runbook_worst(const struct runbook_state *state)
{
	return state->worst;
}
