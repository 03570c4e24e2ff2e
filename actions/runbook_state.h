/*
 * runbook_state.h - where a runbook's run stands: shared by the files that the engine is made of,
 * beginning (runbook_begin.c), deciding (runbook_engine.c), failing and taking back
 * (runbook_rollback.c).
 */
#ifndef ACTIONS_RUNBOOK_STATE_H
#define ACTIONS_RUNBOOK_STATE_H

#include "actions/runbook_parts.h"

enum runbook_mode {
	RUNBOOK_MODE_PREFLIGHT,
	RUNBOOK_MODE_ENTER,
	RUNBOOK_MODE_WAITING,
	RUNBOOK_MODE_ACTING,
	RUNBOOK_MODE_RETRY,
	RUNBOOK_MODE_PROVING,
	RUNBOOK_MODE_RAMPING, /* resting before the next quantum */
	RUNBOOK_MODE_UNDOING, /* about to take the next change back */
	RUNBOOK_MODE_UNDONE,  /* waiting for the end of that */
	RUNBOOK_MODE_FINISHED,
};

/* A step with its parameters put in. */
struct bound_step {
	const struct runbook_row *row;
	const struct expression *when, *until, *pass_if, *fail_if;
	const struct verb_row *verb;
	const char *target; /* a name, or "worst" */
	struct amount amount;
};

/* A change that may be in force. */
struct runbook_change {
	size_t row;
	char run[PLAN_ID_BYTES];
	bool is_back;
};

/* What is to be taken back. */
enum runbook_scope { RUNBOOK_BACK_NOTHING, RUNBOOK_BACK_STEP, RUNBOOK_BACK_ALL };

struct runbook_state {
	const struct runbook *runbook;
	struct arena *arena;
	struct runbook_param params[RUNBOOK_PARAMS_MOST];
	struct bound_step steps[RUNBOOK_STEPS_MOST];
	const struct expression *asserts[RUNBOOK_ASSERTS_MOST];
	size_t at;
	enum runbook_mode mode;
	int64_t begun_ms;   /* the run, 0: just now */
	int64_t entered_ms; /* the step, 0: just now */
	int64_t since_ms;   /* when what it waits for began, 0: just now */
	/* What an earlier process had spent on the run, and on the step it went on at. */
	int64_t run_before_ms, step_before_ms;
	int64_t hold_ms;    /* since when a condition holds; 0: it does not */
	int64_t unknown_ms; /* since when a value it needs is unknown; 0: it is known */
	int64_t retry_ms;
	int64_t repeats;
	uint32_t worst; /* bound by the first act */
	char last_run[PLAN_ID_BYTES];
	struct runbook_order last; /* what was ordered, for trying again */
	/* proving and ramping */
	struct runbook_before before;
	uint64_t looked; /* the generation of the last look */
	unsigned good, bad, looks;
	bool is_doubtful; /* what is being proved was inconclusive by itself */
	double ramp_from, goal, ordered;
	/* failing and taking back */
	struct runbook_change changes[RUNBOOK_CHANGES_MOST];
	size_t change_count;
	int64_t jumps[RUNBOOK_STEPS_MOST];
	bool has_failed;
	enum outcome_code failed_code; /* of the first step that failed */
	char failed_text[ACTION_TEXT_BYTES];
	enum runbook_scope scope;
	size_t back_row; /* the step whose failure began it */
	size_t undoing;  /* the change being taken back */
	bool has_taken_back, cannot_take_back;
};

/* One look: what the engine may see, and the order it fills. */
struct runbook_look {
	struct runbook_state *state;
	struct runbook_view view;
	const struct bound_step *step;
	int64_t now_ms;
	struct runbook_order *out;
};

/* False, for a turn that ends with it: there is nothing to do now. */
bool runbook_pause(struct runbook_look *look, const char *text);

/* Over: `code` is what the last step came to, and what is told is what the whole run did. False. */
bool runbook_close(struct runbook_look *look, enum outcome_code code, const char *text);

/* On to row `at`, afresh. */
void runbook_go_to(struct runbook_state *state, size_t at);

/* The step at hand failed; with `whole` the run did, whatever the step would do. False. */
bool runbook_fail(struct runbook_look *look, enum outcome_code code, const char *text, bool whole);

/* Take the newest change back that is to be; then, when it has ended, see what came of it. */
bool runbook_take_back(struct runbook_look *look);
bool runbook_taken_back(struct runbook_look *look, const struct run_view *run);

/* How many changes of this run may still be in force. */
size_t runbook_in_force(const struct runbook_state *state);

#endif
