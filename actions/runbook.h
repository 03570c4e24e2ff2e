/*
 * runbook.h - a runbook: steps that use the same plans, guards, journal and exit codes as a person.
 *
 *   version: 1
 *   name: replica-loss
 *   params:
 *     cluster: {type: cluster, default: worst, help: "which cluster to mend"}
 *   steps:
 *     - id: wait-for-saturation
 *       wait: {until: "phase >= 4 or cluster.waiting[{cluster}] > 0", for: 2s, within: 5m}
 *     - id: grow
 *       when: "cluster.waiting[{cluster}] > 0"
 *       do: {action: scale-pool, target: "{cluster}", to: "x1.5"}
 *       on_inconclusive: continue        # or hold (default): stop, and let stand what was done
 *       on_refused: continue             # or stop (default)
 *       on_failure: rollback             # or stop (default), continue, {goto: STEP, max: 1}
 *     - id: divert
 *       when: "surface.errors > 1%"
 *       on_unknown: skip                 # or stop (default)
 *       do: {action: divert, target: "{cluster}", to: "largest-safe"}
 *       repeat: 3                        # as often as `when` still holds, at most
 *       ramp: {by: 10%, hold: 60s}       # in quanta, each proved before the next
 *       approve: true                    # another person sees the very plan first
 *       timeout: 10m                     # of the step; also of the whole run, beside `steps`
 *       verify: {pass_if: "surface.errors < 1%", fail_if: "surface.errors > before.surface.errors",
 *                for: 5s, within: 2m}
 *     - id: recovered
 *       wait: {until: "surface.errors < 1%", for: 15s, within: 3m, on_timeout: stop}
 *   preflight:                           # all of it must hold before the first step
 *     - {id: lost-one, assert: "replicas.serving < replicas.expected"}
 *   on_failure: {rollback: reverse, except: [grow]}
 *   keep_going: false                    # true: steps continue on failure unless they say
 * otherwise
 *
 * `to` is an absolute value, "xN" times the present one, "-N%" of it, or "largest-safe". The
 * cluster `worst` is whichever is worst when a condition asks, and stays the one that was first
 * acted on.
 *
 * Names in expressions: phase (number in order of enum phase; unknown when blind), phase.name,
 * severity, surface.errors and surface.errors[web] (ratio), service.failures (ratio),
 * service.attempts (per first try), cluster.waiting[C], cluster.use[C], cluster.errors[C],
 * replicas.serving and replicas.expected, of all or of one cluster [C], headroom and headroom[C],
 * age (compare with 2s), goodput, and every signal with its entity, as pool.max[east-a/r1].
 *
 * before.NAME, in `verify`, is what NAME was just before the step's first change. Three good looks
 * in a row that last `for` prove a change, two bad ones in a row fail it, and neither within
 * `within` is inconclusive.
 *
 * Failure. A step fails when its change was refused (and on_refused does not go on), failed, was
 * applied in part, or was shown to do harm by `fail_if`, or by the guards where on_failure is
 * given; when a wait with `on_timeout: fail` or the step runs out of time. Then `on_failure` says:
 * stop; continue with the next step; rollback of what this step did, then stop; or go to another
 * step, at most `max` times. Where it stops and the run has `on_failure: {rollback: reverse}`,
 * every change of the run but of the steps in `except` is taken back, the newest first, each as an
 * undo of ours that is guarded as relief, and only while the target still has what was set. A
 * rollback that cannot go on stops there. Nobody may go on where an outcome is unknown, the lock
 * was lost or nothing can be written: such a run stops as it stands. A run with a failure is never
 * green: 16 all of it was taken back; 17 a rollback failed; 13 some of its changes are still in
 * force; else the failed step's own code.
 *
 * Unknown is three-valued: a wait goes on; a `when` that stays unknown for RUNBOOK_UNKNOWN_MS stops
 * the run unless on_unknown: skip. A plan that only the cool-down refuses is tried again. The
 * engine is pure: (runbook, state, snapshot, assessment, run view, time) -> next order; the caller
 * plans, confirms (--yes) and executes. A plan that is refused is told to the engine as a run view
 * with the plan's outcome as code and an empty id.
 */
#ifndef ACTIONS_RUNBOOK_H
#define ACTIONS_RUNBOOK_H

#include "actions/action.h"

struct arena;
struct assessment;
struct complaints;
struct error;
struct runbook;
struct runbook_state;
struct snapshot;
struct text;
struct yaml_node;

#define RUNBOOK_PARAMS_MOST 16
#define RUNBOOK_STEPS_MOST 64
#define RUNBOOK_REPEAT_MOST 20
#define RUNBOOK_UNKNOWN_MS 10000 /* how long a `when` or a value may be unknown */
#define RUNBOOK_RETRY_MS 600000  /* how long a cool-down is waited for */
#define RUNBOOK_UNDO_MS 60000    /* how long a rollback is tried where it is hindered */
#define RUNBOOK_CHANGES_MOST 256 /* of one run, which can all be taken back */
#define RUNBOOK_JUMPS_MOST 20    /* of one step, by `goto` */
#define RUNBOOK_ASSERTS_MOST 16  /* of `preflight` */
#define RUNBOOK_BEFORE_MOST 16   /* names of one `verify` that begin with "before." */
#define RUNBOOK_GOOD_LOOKS 3
#define RUNBOOK_BAD_LOOKS 2
#define RUNBOOK_RAMP_LOOKS 2 /* newer snapshots before the next quantum */

struct runbook_param {
	const char *name;
	const char *value; /* as given on the command line, or the default; NULL */
	bool required;
	const char *kind; /* "cluster", "replica", "number", "string" */
	const char *help;
};

/* Strict reading; every complaint has file, line and key. NULL when it complained. */
const struct runbook *runbook_read(
	struct arena *arena, const char *path, struct complaints *complaints);

/* The same from bytes; `file` is for complaints. */
const struct runbook *runbook_parse(struct arena *arena, const char *file, const char *bytes,
	size_t length, struct complaints *complaints);

/* The same from a tree that was read already. */
const struct runbook *runbook_read_node(
	struct arena *arena, const struct yaml_node *root, struct complaints *complaints);
const char *runbook_name(const struct runbook *runbook);
const struct runbook_param *runbook_params(const struct runbook *runbook, size_t *count);
size_t runbook_step_count(const struct runbook *runbook);

/* Its parameters and steps in words, one line each: what `run --plan` shows. */
void runbook_print(const struct runbook *runbook, struct text *out);

/* Every key it may have, from the tables that read it, a line each: "steps: on_failure", what it is
 * when absent ("-": nothing), its choices, what it means; tab-separated. For help and manual page.
 */
void runbook_keys(struct text *out);

/* The JSON Schema of a runbook's file, from the same tables. */
void runbook_schema(struct text *out);

/* Bind parameters and check that actions and entities exist. Errors: ERROR_USAGE names the
 * parameter or step. */
struct runbook_state *runbook_begin(const struct runbook *runbook,
	const struct runbook_param *values, size_t value_count, const struct snapshot *snapshot,
	const struct action_info *actions, size_t action_count, struct error *error);
void runbook_end(struct runbook_state *state);

/*
 * Go on at `step` as an earlier process left it: `worst` is what that stands for (ENTITY_NONE: not
 * bound), `acts` how many changes the step had begun, and with `acting` the last of them is still
 * to be told by runbook_step()'s `run`; without, it has been reckoned with or was never made.
 * Error: ERROR_USAGE, no such step.
 */
bool runbook_resume(struct runbook_state *state, const char *step, uint32_t worst, int64_t acts,
	bool acting, struct error *error);

/* The cluster that `worst` was bound to; ENTITY_NONE: not yet. */
uint32_t runbook_worst(const struct runbook_state *state);

/* What the step at hand ramps to; NAN: it does not, or has not begun. */
double runbook_goal(const struct runbook_state *state);

/* What was decided when a step failed. */
enum runbook_turn {
	RUNBOOK_TURN_NONE,
	RUNBOOK_TURN_CONTINUE, /* to the next step */
	RUNBOOK_TURN_GOTO,
	RUNBOOK_TURN_STEP_BACK, /* what the step did is being taken back */
	RUNBOOK_TURN_ALL_BACK,  /* what the run did is */
	RUNBOOK_TURN_COUNT
};
const char *runbook_turn_name(enum runbook_turn turn); /* "continue", "goto", ...; never NULL */

/*
 * What an earlier process did and decided in this run, in that order, before runbook_resume(). A
 * change counts when it may be in force; `is_back`: it was taken back since. Errors: ERROR_USAGE
 * (no such step), ERROR_LIMIT.
 */
bool runbook_remember_change(struct runbook_state *state, const char *step, const char *run,
	bool is_back, struct error *error);
bool runbook_remember_turn(struct runbook_state *state, const char *step, enum runbook_turn turn,
	enum outcome_code code, struct error *error);
/* How long the run and the step it goes on at had taken: their timeouts, and a wait's `within`,
 * count that. */
void runbook_remember_time(struct runbook_state *state, int64_t run_ms, int64_t step_ms);
void runbook_remember_goal(struct runbook_state *state, double goal);

enum runbook_order_kind {
	RUNBOOK_WAIT,     /* nothing to do now; ask again with the next snapshot */
	RUNBOOK_ACT,      /* plan and run: action, target, to */
	RUNBOOK_UNDO,     /* take run `undo` back */
	RUNBOOK_FINISHED, /* code says how */
};

struct runbook_order {
	enum runbook_order_kind kind;
	char step[ACTION_NAME_BYTES];
	char action[ACTION_NAME_BYTES];
	uint32_t target;
	double to;                       /* when largest_safe: the value to try first */
	bool largest_safe;               /* a refused plan's largest_safe_to may be used instead */
	bool approve;                    /* another person must have seen the plan */
	char undo[PLAN_ID_BYTES];        /* the run to take back */
	enum runbook_turn turn;          /* decided just now, to be kept before going on */
	char turn_to[ACTION_NAME_BYTES]; /* RUNBOOK_TURN_GOTO: the step it goes to */
	enum outcome_code code;          /* when finished */
	char text[ACTION_TEXT_BYTES]; /* what it waits for, with present values; or why it ended */
};

/*
 * Decide. `run` is the outcome of the last RUNBOOK_ACT or RUNBOOK_UNDO once it has ended, else
 * NULL. An undo that is not needed, because the value is back, is OUTCOME_DONE.
 */
void runbook_step(struct runbook_state *state, const struct snapshot *snapshot,
	const struct assessment *assessment, const struct run_view *run, int64_t now_ms,
	struct runbook_order *out);

#endif
