#include <math.h>
#include <stdio.h>
#include <string.h>

#include "actions/runbook_state.h"
#include "actions/target.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/fleet/snapshot.h"

#define EXPLAIN_BYTES 220
#define RETRY_EVERY_MS 1000

static void explain(
	struct runbook_look *look, const struct expression *expression, char *out, size_t size)
{
	struct text text;
	text_init(&text, EXPLAIN_BYTES);
	expression_explain(expression, runbook_lookup, &look->view, &text);
	snprintf(out, size, "%s", text_string(&text));
	text_finish(&text);
}

bool runbook_pause(struct runbook_look *look, const char *text)
{
	look->out->kind = RUNBOOK_WAIT;
	snprintf(look->out->text, sizeof(look->out->text), "%s", text);
	return false;
}

void runbook_go_to(struct runbook_state *state, size_t at)
{
	state->at = at;
	state->mode = RUNBOOK_MODE_ENTER;
	state->entered_ms = state->since_ms = state->hold_ms = state->unknown_ms = 0;
	state->step_before_ms = 0;
	state->repeats = 0;
	state->goal = state->ramp_from = NAN;
	state->before.count = 0;
}

static bool advance(struct runbook_look *look)
{
	runbook_go_to(look->state, look->state->at + 1);
	return true;
}

/* Something is not known: give it a moment. True when the moment is over. */
static bool unknown_too_long(struct runbook_look *look)
{
	struct runbook_state *state = look->state;
	if (state->unknown_ms == 0)
		state->unknown_ms = look->now_ms;
	return look->now_ms - state->unknown_ms >= RUNBOOK_UNKNOWN_MS;
}

/* What is counted in whole numbers stays whole, and is rounded towards where it stands; shares are
 * let be. */
static double rounded(double to, double now)
{
	if (now < 2 || now != floor(now))
		return to;
	return to >= now ? floor(to + 1e-9) : ceil(to - 1e-9);
}

static double amount_of(const struct bound_step *step, double now)
{
	switch (step->amount.kind) {
	case AMOUNT_ABSOLUTE:
		break;
	case AMOUNT_TIMES:
		return rounded(now * step->amount.number, now);
	case AMOUNT_LESS:
		return rounded(now * (1 - step->amount.number), now);
	case AMOUNT_LARGEST_SAFE:
		/* The far end of what could be wished for: guards cut it down to what is safe. */
		return step->verb->move == MOVE_DIVERT ? 0 : ceil(now * 10);
	}
	return step->amount.number;
}

/* One quantum nearer to where the step ramps to; that it gets anywhere, it is at least one. */
static double next_quantum(struct runbook_state *state, const struct bound_step *step, double now)
{
	if (isnan(state->goal))
		state->goal = amount_of(step, now);
	if (isnan(state->ramp_from))
		state->ramp_from = now;
	bool is_whole = state->goal == floor(state->goal) && fmax(now, state->goal) >= 2;
	double quantum = step->row->ramp_by * fmax(state->ramp_from, state->goal);
	if (is_whole)
		quantum = fmax(1, floor(quantum + 1e-9));
	if (!(fabs(state->goal - now) > quantum))
		return state->goal;
	return state->goal > now ? now + quantum : now - quantum;
}

/* Issue the order again or for the first time. */
static bool act(struct runbook_look *look)
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
			       ? runbook_close(
					 look, OUTCOME_INCONCLUSIVE, "its target is not known")
			       : runbook_pause(look, "waiting until its target is known");
	target_read(look->view.snapshot, step->verb, target, &value);
	bool is_relative = step->amount.kind != AMOUNT_ABSOLUTE || step->row->ramp_by > 0;
	if (!value.known && is_relative)
		return unknown_too_long(look)
			       ? runbook_close(look, OUTCOME_INCONCLUSIVE,
					 "the present value is not known")
			       : runbook_pause(look, "waiting until the present value is known");
	if (state->change_count == RUNBOOK_CHANGES_MOST)
		return runbook_close(look, OUTCOME_PARTIAL,
			"that is as many changes as one run can take back: begin another");
	struct runbook_order *out = look->out;
	out->kind = RUNBOOK_ACT;
	out->target = target;
	out->largest_safe = step->amount.kind == AMOUNT_LARGEST_SAFE;
	out->approve = step->row->approve;
	snprintf(out->action, sizeof(out->action), "%s", step->row->action);
	out->to = step->row->ramp_by > 0 ? next_quantum(state, step, value.low)
					 : amount_of(step, value.low);
	state->ordered = out->to;
	if (state->repeats == 0 && state->before.count == 0) {
		runbook_keep_before(step->pass_if, &look->view, &state->before);
		runbook_keep_before(step->fail_if, &look->view, &state->before);
	}
	snprintf(text, sizeof(text), "%s %s: %s %.6g", step->row->action,
		fleet_entity(look->view.snapshot->fleet, target)->path, step->verb->parameter,
		out->to);
	snprintf(out->text, sizeof(out->text), "%s", text);
	if (step->verb->target == ENTITY_CLUSTER && state->worst == ENTITY_NONE &&
		strcmp(step->target, RUNBOOK_WORST) == 0)
		state->worst = target;
	state->mode = RUNBOOK_MODE_ACTING;
	return false;
}

/* Whether the step is to be done at all. True: look again at once. */
static bool enter(struct runbook_look *look)
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
			return unknown_too_long(look)
				       ? runbook_close(look, OUTCOME_INCONCLUSIVE, text)
				       : runbook_pause(look, text);
		state->unknown_ms = 0;
	}
	if (!step->row->is_wait)
		return act(look);
	state->mode = RUNBOOK_MODE_WAITING;
	state->since_ms = look->now_ms - state->step_before_ms;
	state->hold_ms = 0;
	return true;
}

static bool time_out(struct runbook_look *look, const char *why)
{
	char text[ACTION_TEXT_BYTES];
	snprintf(text, sizeof(text), "did not come in time: %s", why);
	switch ((enum on_timeout)look->step->row->on_timeout) {
	case ON_TIMEOUT_CONTINUE:
		return advance(look);
	case ON_TIMEOUT_FINISH:
		return runbook_close(look, OUTCOME_DONE, text);
	case ON_TIMEOUT_FAIL:
		return runbook_fail(look, OUTCOME_INCONCLUSIVE, text, false);
	case ON_TIMEOUT_STOP:
		break;
	}
	return runbook_close(look, OUTCOME_INCONCLUSIVE, text);
}

static bool wait_on(struct runbook_look *look)
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
	return runbook_pause(look, text);
}

/* ---- after a change ---- */

/* It is proved, as far as this step asks: the next quantum, the next time, or the next step. */
static bool succeed(struct runbook_look *look)
{
	struct runbook_state *state = look->state;
	const struct runbook_row *row = look->step->row;
	if (row->ramp_by > 0 && !target_equal(state->ordered, state->goal)) {
		state->mode = RUNBOOK_MODE_RAMPING;
		state->since_ms = look->now_ms;
		state->looked = look->view.snapshot->generation;
		state->looks = state->bad = 0;
		return true;
	}
	if (row->ramp_by > 0 || ++state->repeats >= row->repeat)
		return advance(look);
	state->mode = RUNBOOK_MODE_ENTER;
	state->since_ms = look->now_ms;
	return true;
}

static bool doubt(struct runbook_look *look, const char *text)
{
	return look->step->row->on_inconclusive == ON_TROUBLE_CONTINUE
		       ? succeed(look)
		       : runbook_close(look, OUTCOME_INCONCLUSIVE, text);
}

static bool prove(struct runbook_look *look, bool is_doubtful, const char *text)
{
	struct runbook_state *state = look->state;
	if (look->step->row->proof.within_ms == 0)
		return is_doubtful ? doubt(look, text) : succeed(look);
	state->mode = RUNBOOK_MODE_PROVING;
	state->since_ms = look->now_ms;
	state->hold_ms = 0;
	state->looked = look->view.snapshot->generation;
	state->good = state->bad = 0;
	return runbook_pause(look, "looking what came of it");
}

/* Whether this snapshot was not looked at yet. */
static bool is_newer(struct runbook_look *look)
{
	uint64_t generation = look->view.snapshot->generation;
	bool newer = generation > look->state->looked;
	look->state->looked = generation;
	return newer;
}

static enum truth harms(struct runbook_look *look)
{
	return look->step->fail_if
		       ? expression_test(look->step->fail_if, runbook_lookup, &look->view)
		       : TRUTH_FALSE;
}

static bool fail_by_proof(struct runbook_look *look)
{
	char why[EXPLAIN_BYTES];
	char text[ACTION_TEXT_BYTES];
	explain(look, look->step->fail_if, why, sizeof(why));
	snprintf(text, sizeof(text), "it did harm: %s", why);
	return runbook_fail(look, OUTCOME_PARTIAL, text, false);
}

static void count_proof(struct runbook_look *look)
{
	struct runbook_state *state = look->state;
	enum truth harm = harms(look);
	bool good = harm == TRUTH_FALSE &&
		    expression_test(look->step->pass_if, runbook_lookup, &look->view) == TRUTH_TRUE;
	state->bad = harm == TRUTH_TRUE ? state->bad + 1 : 0;
	state->good = good ? state->good + 1 : 0;
	if (!good)
		state->hold_ms = 0;
	else if (state->hold_ms == 0)
		state->hold_ms = look->now_ms;
}

static bool prove_on(struct runbook_look *look)
{
	struct runbook_state *state = look->state;
	const struct runbook_proof *proof = &look->step->row->proof;
	char why[EXPLAIN_BYTES];
	char text[ACTION_TEXT_BYTES];
	if (is_newer(look))
		count_proof(look);
	if (state->bad >= RUNBOOK_BAD_LOOKS)
		return fail_by_proof(look);
	if (state->good >= RUNBOOK_GOOD_LOOKS && look->now_ms - state->hold_ms >= proof->for_ms)
		return succeed(look);
	explain(look, look->step->pass_if, why, sizeof(why));
	if (look->now_ms - state->since_ms >= proof->within_ms) {
		snprintf(text, sizeof(text), "neither good nor harm was shown in time: %s", why);
		return doubt(look, text);
	}
	snprintf(text, sizeof(text), "looking whether %s", why);
	return runbook_pause(look, text);
}

/* The next quantum waits for rest and for newer readings, and does not come where there is harm. */
static bool ramp_on(struct runbook_look *look)
{
	struct runbook_state *state = look->state;
	const struct runbook_row *row = look->step->row;
	char text[ACTION_TEXT_BYTES];
	if (is_newer(look)) {
		state->looks++;
		state->bad = harms(look) == TRUTH_TRUE ? state->bad + 1 : 0;
	}
	if (state->bad >= RUNBOOK_BAD_LOOKS)
		return fail_by_proof(look);
	if (look->now_ms - state->since_ms >= row->ramp_hold_ms &&
		state->looks >= RUNBOOK_RAMP_LOOKS && state->bad == 0) {
		state->since_ms = look->now_ms;
		return act(look);
	}
	snprintf(text, sizeof(text), "at %.6g on the way to %.6g, resting", state->ordered,
		state->goal);
	return runbook_pause(look, text);
}

/* What stops a run as it stands: nobody knows enough to go on, or nothing may be written. */
static bool is_end(enum outcome_code code)
{
	static const enum outcome_code codes[] = {OUTCOME_UNKNOWN, OUTCOME_LOCKED,
		OUTCOME_LOCAL_ERROR, OUTCOME_NOT_PERMITTED, OUTCOME_INTERRUPTED,
		OUTCOME_ROLLBACK_FAILED, OUTCOME_USAGE, OUTCOME_BAD_CONFIG};
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i] == code)
			return true;
	}
	return false;
}

/* A change whose code says that something may be in force now. */
static void remember(struct runbook_state *state, const struct run_view *run)
{
	bool may_be = run->code == OUTCOME_DONE || run->code == OUTCOME_PARTIAL ||
		      run->code == OUTCOME_INCONCLUSIVE || run->code == OUTCOME_UNKNOWN;
	snprintf(state->last_run, sizeof(state->last_run), "%s", run->id);
	if (!run->id[0] || !may_be)
		return;
	/* One that an earlier process began may be told again. */
	for (size_t i = 0; i < state->change_count; i++) {
		if (strcmp(state->changes[i].run, run->id) == 0)
			return;
	}
	runbook_remember_change(state, state->runbook->rows[state->at].id, run->id, false, NULL);
}

static bool after_run(struct runbook_look *look, const struct run_view *run)
{
	struct runbook_state *state = look->state;
	const struct runbook_row *row = look->step->row;
	char text[ACTION_TEXT_BYTES];
	remember(state, run);
	snprintf(text, sizeof(text), "step ended %d: %.280s", (int)run->code, run->text);
	if (run->code == OUTCOME_RETRY_LATER && look->now_ms - state->since_ms < RUNBOOK_RETRY_MS) {
		state->mode = RUNBOOK_MODE_RETRY;
		state->retry_ms = look->now_ms + RETRY_EVERY_MS;
		snprintf(text, sizeof(text), "trying again: %.280s", run->text);
		return runbook_pause(look, text);
	}
	if (run->code == OUTCOME_DONE)
		return prove(look, false, text);
	if (run->code == OUTCOME_INCONCLUSIVE && !(run->harms && row->says_on_failure))
		return prove(look, true, text);
	if (run->code == OUTCOME_REFUSED && row->on_refused == ON_TROUBLE_CONTINUE)
		return advance(look);
	if (is_end(run->code))
		return runbook_close(look, run->code, text);
	return runbook_fail(look, run->code, text, false);
}

/* ---- before the first step ---- */

static bool preflight(struct runbook_look *look)
{
	struct runbook_state *state = look->state;
	char text[ACTION_TEXT_BYTES] = "preflight:";
	size_t used = strlen(text);
	bool fails = false;
	bool is_unknown = false;
	for (size_t i = 0; i < state->runbook->assert_count; i++) {
		char why[EXPLAIN_BYTES];
		enum truth truth = expression_test(state->asserts[i], runbook_lookup, &look->view);
		if (truth == TRUTH_TRUE)
			continue;
		fails = fails || truth == TRUTH_FALSE;
		is_unknown = is_unknown || truth == TRUTH_UNKNOWN;
		explain(look, state->asserts[i], why, sizeof(why));
		int more = snprintf(text + used, sizeof(text) - used, " %s%s: %s;",
			state->runbook->asserts[i].id,
			truth == TRUTH_FALSE ? " does not hold" : " cannot be told", why);
		used += more > 0 ? (size_t)more : 0;
		used = used < sizeof(text) ? used : sizeof(text) - 1;
	}
	if (is_unknown && !fails && !unknown_too_long(look))
		return runbook_pause(look, text);
	if (fails || is_unknown)
		return runbook_close(look, OUTCOME_REFUSED, text);
	state->unknown_ms = 0;
	state->mode = RUNBOOK_MODE_ENTER;
	return true;
}

/* Whether it took too long, which is never found out in the middle of a change. */
static bool is_over_time(struct runbook_look *look, bool *whole)
{
	const struct runbook_state *state = look->state;
	bool may_end = state->mode == RUNBOOK_MODE_ENTER || state->mode == RUNBOOK_MODE_WAITING ||
		       state->mode == RUNBOOK_MODE_RETRY || state->mode == RUNBOOK_MODE_PROVING ||
		       state->mode == RUNBOOK_MODE_RAMPING;
	if (!may_end)
		return false;
	int64_t run_ms = state->runbook->timeout_ms;
	int64_t step_ms = look->step->row->timeout_ms;
	*whole = run_ms > 0 && look->now_ms - state->begun_ms >= run_ms;
	return *whole || (step_ms > 0 && look->now_ms - state->entered_ms >= step_ms);
}

/* True: look again, something moved. */
static bool turn(struct runbook_look *look, const struct run_view *run)
{
	struct runbook_state *state = look->state;
	bool is_news = run && !(run->id[0] && strcmp(run->id, state->last_run) == 0);
	bool whole = false;
	if (is_over_time(look, &whole))
		return runbook_fail(
			look, OUTCOME_INCONCLUSIVE, "it took longer than its timeout", whole);
	switch (state->mode) {
	case RUNBOOK_MODE_PREFLIGHT:
		return preflight(look);
	case RUNBOOK_MODE_ENTER:
		return enter(look);
	case RUNBOOK_MODE_WAITING:
		return wait_on(look);
	case RUNBOOK_MODE_ACTING:
		return is_news ? after_run(look, run)
			       : runbook_pause(look, "waiting for the change to end");
	case RUNBOOK_MODE_RETRY:
		if (look->now_ms < state->retry_ms)
			return runbook_pause(look, "waiting for the cool-down to end");
		return act(look);
	case RUNBOOK_MODE_PROVING:
		return prove_on(look);
	case RUNBOOK_MODE_RAMPING:
		return ramp_on(look);
	case RUNBOOK_MODE_UNDOING:
		return runbook_take_back(look);
	case RUNBOOK_MODE_UNDONE:
		return is_news ? runbook_taken_back(look, run)
			       : runbook_pause(look, "waiting until it is taken back");
	case RUNBOOK_MODE_FINISHED:
		break;
	}
	*look->out = state->last;
	return false;
}

void runbook_step(struct runbook_state *state, const struct snapshot *snapshot,
	const struct assessment *assessment, const struct run_view *run, int64_t now_ms,
	struct runbook_order *out)
{
	struct runbook_look look = {
		.state = state,
		.view = {.snapshot = snapshot, .assessment = assessment, .worst = state->worst},
		.now_ms = now_ms,
		.out = out,
	};
	*out = (struct runbook_order){
		.kind = RUNBOOK_WAIT, .target = ENTITY_NONE, .to = NAN, .code = OUTCOME_DONE};
	if (state->begun_ms == 0)
		state->begun_ms = now_ms - state->run_before_ms;
	for (bool again = true; again;) {
		bool is_past =
			state->at == state->runbook->row_count && state->mode == RUNBOOK_MODE_ENTER;
		if (is_past) {
			runbook_close(&look, OUTCOME_DONE,
				state->has_failed ? state->failed_text : "all steps are done");
			return;
		}
		if (state->mode != RUNBOOK_MODE_FINISHED) {
			look.step = &state->steps[state->at];
			look.view.worst = state->worst;
			look.view.before = &state->before;
			if (state->entered_ms == 0 && state->mode != RUNBOOK_MODE_PREFLIGHT)
				state->entered_ms = now_ms - state->step_before_ms;
			snprintf(out->step, sizeof(out->step), "%s", look.step->row->id);
		}
		again = turn(&look, run);
		/* What a run ended with is told once. */
		run = NULL;
	}
}
