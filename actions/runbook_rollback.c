/* runbook_rollback.c - what a runbook does when a step fails, and what its run came to. */
#include <stdio.h>
#include <string.h>

#include "actions/config.h"
#include "actions/runbook_state.h"

#define TRY_EVERY_MS 1000

const char *runbook_turn_name(enum runbook_turn turn)
{
	static const char *const names[RUNBOOK_TURN_COUNT] = {
		[RUNBOOK_TURN_NONE] = "",
		[RUNBOOK_TURN_CONTINUE] = "continue",
		[RUNBOOK_TURN_GOTO] = "goto",
		[RUNBOOK_TURN_STEP_BACK] = "step-back",
		[RUNBOOK_TURN_ALL_BACK] = "all-back",
	};
	return turn < RUNBOOK_TURN_COUNT ? names[turn] : "";
}

size_t runbook_in_force(const struct runbook_state *state)
{
	size_t count = 0;
	for (size_t i = 0; i < state->change_count; i++)
		count += !state->changes[i].is_back;
	return count;
}

static bool claims_nothing_changed(enum outcome_code code)
{
	static const enum outcome_code codes[] = {OUTCOME_LOCAL_ERROR, OUTCOME_REFUSED,
		OUTCOME_NEEDS_CONFIRMATION, OUTCOME_FAILED_UNCHANGED, OUTCOME_STALE_PLAN,
		OUTCOME_LOCKED, OUTCOME_UNREACHABLE, OUTCOME_RETRY_LATER, OUTCOME_NOT_PERMITTED};
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i] == code)
			return true;
	}
	return false;
}

/* A code for the whole run: no step's own may hide what the others left behind. */
static enum outcome_code judge(const struct runbook_state *state, enum outcome_code code)
{
	size_t left = runbook_in_force(state);
	if (state->cannot_take_back)
		return OUTCOME_ROLLBACK_FAILED;
	if (code == OUTCOME_UNKNOWN)
		return code;
	if (state->has_taken_back)
		return left > 0 ? OUTCOME_PARTIAL : OUTCOME_ROLLED_BACK;
	if (code == OUTCOME_DONE && state->has_failed)
		code = state->failed_code;
	return left > 0 && claims_nothing_changed(code) ? OUTCOME_PARTIAL : code;
}

bool runbook_close(struct runbook_look *look, enum outcome_code code, const char *text)
{
	struct runbook_state *state = look->state;
	struct runbook_order *out = look->out;
	size_t left = runbook_in_force(state);
	char rest[64] = "";
	state->mode = RUNBOOK_MODE_FINISHED;
	out->kind = RUNBOOK_FINISHED;
	out->code = judge(state, code);
	if (out->code != OUTCOME_DONE && out->code != OUTCOME_ROLLED_BACK && left > 0)
		snprintf(rest, sizeof(rest), "; %zu change%s of this run %s in force", left,
			left == 1 ? "" : "s", left == 1 ? "is" : "are");
	snprintf(out->text, sizeof(out->text), "%.180s%s", text, rest);
	state->last = *out;
	state->last.turn = RUNBOOK_TURN_NONE;
	return false;
}

/* Told to whoever keeps the run's story; the next look goes on. */
static bool turn_off(struct runbook_look *look, enum runbook_turn turn, const char *text)
{
	look->out->turn = turn;
	look->out->code = look->state->failed_code;
	return runbook_pause(look, text);
}

static bool is_to_go_back(const struct runbook_state *state, const struct runbook_change *change)
{
	const struct runbook_row *row = &state->runbook->rows[change->row];
	bool is_own = change->row == state->back_row;
	const struct runbook_row *failed = &state->runbook->rows[state->back_row];
	if (change->is_back)
		return false;
	if (state->scope == RUNBOOK_BACK_STEP)
		return is_own;
	return !row->is_excepted || (is_own && failed->on_failure == ON_FAILURE_ROLLBACK);
}

/* The newest change that is to go back; change_count: none. */
static size_t newest_to_go_back(const struct runbook_state *state)
{
	for (size_t i = state->change_count; i > 0; i--) {
		if (is_to_go_back(state, &state->changes[i - 1]))
			return i - 1;
	}
	return state->change_count;
}

static bool begin_rollback(struct runbook_look *look, bool whole)
{
	struct runbook_state *state = look->state;
	const struct runbook_row *row = look->step->row;
	bool is_own = !whole && row->on_failure == ON_FAILURE_ROLLBACK;
	state->back_row = state->at;
	state->scope = state->runbook->rolls_back ? RUNBOOK_BACK_ALL
		       : is_own                   ? RUNBOOK_BACK_STEP
						  : RUNBOOK_BACK_NOTHING;
	if (state->scope == RUNBOOK_BACK_NOTHING ||
		newest_to_go_back(state) == state->change_count) {
		state->scope = RUNBOOK_BACK_NOTHING;
		return runbook_close(look, state->failed_code, state->failed_text);
	}
	state->mode = RUNBOOK_MODE_UNDOING;
	state->since_ms = 0;
	return turn_off(look,
		state->scope == RUNBOOK_BACK_ALL ? RUNBOOK_TURN_ALL_BACK : RUNBOOK_TURN_STEP_BACK,
		state->failed_text);
}

static bool jump(struct runbook_look *look, const char *text)
{
	struct runbook_state *state = look->state;
	const struct runbook_row *row = look->step->row;
	state->jumps[state->at]++;
	snprintf(look->out->turn_to, sizeof(look->out->turn_to), "%s", row->goto_id);
	runbook_go_to(state, runbook_find_row(state->runbook, row->goto_id));
	return turn_off(look, RUNBOOK_TURN_GOTO, text);
}

bool runbook_fail(struct runbook_look *look, enum outcome_code code, const char *text, bool whole)
{
	struct runbook_state *state = look->state;
	const struct runbook_row *row = look->step->row;
	char words[ACTION_TEXT_BYTES];
	snprintf(words, sizeof(words), "%s%.47s%s failed: %.220s", whole ? "in " : "", row->id,
		whole ? " the run" : "", text);
	if (!whole && row->on_failure == ON_FAILURE_GOTO &&
		state->jumps[state->at] < row->goto_most)
		return jump(look, words);
	if (!state->has_failed) {
		state->has_failed = true;
		state->failed_code = code;
		snprintf(state->failed_text, sizeof(state->failed_text), "%s", words);
	}
	if (!whole && row->on_failure == ON_FAILURE_CONTINUE) {
		runbook_go_to(state, state->at + 1);
		return turn_off(look, RUNBOOK_TURN_CONTINUE, words);
	}
	return begin_rollback(look, whole);
}

bool runbook_take_back(struct runbook_look *look)
{
	struct runbook_state *state = look->state;
	struct runbook_order *out = look->out;
	char text[ACTION_TEXT_BYTES];
	if (state->since_ms == 0)
		state->since_ms = look->now_ms;
	if (look->now_ms < state->retry_ms)
		return runbook_pause(look, "waiting to take the change back");
	size_t index = newest_to_go_back(state);
	if (index == state->change_count) {
		snprintf(text, sizeof(text), "%.240s; taken back", state->failed_text);
		return runbook_close(look, state->failed_code, text);
	}
	state->undoing = index;
	out->kind = RUNBOOK_UNDO;
	snprintf(out->step, sizeof(out->step), "%s",
		state->runbook->rows[state->changes[index].row].id);
	snprintf(out->undo, sizeof(out->undo), "%s", state->changes[index].run);
	snprintf(out->text, sizeof(out->text), "taking %s back", out->undo);
	state->mode = RUNBOOK_MODE_UNDONE;
	return false;
}

/* Hindered, and nothing was sent: the hindrance may pass. */
static bool may_try_again(enum outcome_code code)
{
	return code == OUTCOME_RETRY_LATER || code == OUTCOME_LOCKED ||
	       code == OUTCOME_UNREACHABLE || code == OUTCOME_REFUSED;
}

bool runbook_taken_back(struct runbook_look *look, const struct run_view *run)
{
	struct runbook_state *state = look->state;
	struct runbook_change *change = &state->changes[state->undoing];
	char text[ACTION_TEXT_BYTES];
	if (run->id[0])
		snprintf(state->last_run, sizeof(state->last_run), "%s", run->id);
	state->mode = RUNBOOK_MODE_UNDOING;
	if (run->code == OUTCOME_DONE) {
		change->is_back = true;
		state->has_taken_back = true;
		state->since_ms = state->retry_ms = 0;
		return true;
	}
	snprintf(text, sizeof(text), "%s could not be taken back: %.220s", change->run, run->text);
	if (may_try_again(run->code) && look->now_ms - state->since_ms < RUNBOOK_UNDO_MS) {
		state->retry_ms = look->now_ms + TRY_EVERY_MS;
		return runbook_pause(look, text);
	}
	state->cannot_take_back = true;
	return runbook_close(look, run->code, text);
}
