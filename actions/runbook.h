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
 *       on_inconclusive: continue        # or stop (default)
 *       on_refused: continue             # or stop (default)
 *     - id: divert
 *       when: "surface.errors > 1%"
 *       on_unknown: skip                 # or stop (default)
 *       do: {action: divert, target: "{cluster}", to: "largest-safe"}
 *       repeat: 3                        # as often as `when` still holds, at most
 *     - id: recovered
 *       wait: {until: "surface.errors < 1%", for: 15s, within: 3m, on_timeout: stop}
 *
 * `to` is an absolute value, "xN" times the present one, "-N%" of it, or "largest-safe". The
 * cluster `worst` is whichever is worst when a condition asks, and stays the one that was first
 * acted on.
 *
 * Names in expressions: phase (number in order of enum phase; unknown when blind), phase.name,
 * severity, surface.errors and surface.errors[web] (ratio), service.failures (ratio),
 * service.attempts (per first try), cluster.waiting[C], cluster.use[C], cluster.errors[C],
 * replicas.serving, replicas.expected, headroom and headroom[C], age (compare with 2s), goodput,
 * and every signal with its entity, as pool.max[east-a/r1].
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

enum runbook_order_kind {
	RUNBOOK_WAIT,     /* nothing to do now; ask again with the next snapshot */
	RUNBOOK_ACT,      /* plan and run: action, target, to */
	RUNBOOK_FINISHED, /* code says how */
};

struct runbook_order {
	enum runbook_order_kind kind;
	char step[ACTION_NAME_BYTES];
	char action[ACTION_NAME_BYTES];
	uint32_t target;
	double to;                    /* when largest_safe: the value to try first */
	bool largest_safe;            /* a refused plan's largest_safe_to may be used instead */
	enum outcome_code code;       /* when finished */
	char text[ACTION_TEXT_BYTES]; /* what it waits for, with present values; or why it ended */
};

/* Decide. `run` is the outcome of the last RUNBOOK_ACT once it has ended, else NULL. */
void runbook_step(struct runbook_state *state, const struct snapshot *snapshot,
	const struct assessment *assessment, const struct run_view *run, int64_t now_ms,
	struct runbook_order *out);

#endif
