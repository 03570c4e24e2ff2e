/*
 * executor.h - the only place from which anything is ever changed.
 *
 * Decisions are in run.h's pure state machine; the executor carries its orders out: append to the
 * journal, send, wait for a newer snapshot. Read-only is checked here, once, for every caller, and
 * again by the transport right before bytes leave. One change at a time per executor; an intent is
 * on disk, fsynced, before the first byte leaves, or nothing is sent.
 */
#ifndef ACTIONS_EXECUTOR_H
#define ACTIONS_EXECUTOR_H

#include "actions/coordination.h"
#include "actions/plan.h"

struct approval;
struct assessment;
struct error;
struct executor;
struct journal;
struct snapshot;
struct ssh;

/* Everything passed in must outlive the executor. `ssh`, `http` and `journal` may be NULL in a
 * read-only program: every plan is then blocked by the guard concerned. */
struct executor *executor_create(struct loop *loop, struct http *http, struct ssh *ssh,
	struct journal *journal, const struct action_configs *configs, const char *operator_name,
	struct error *error);
void executor_destroy(struct executor *executor); /* a run in flight is journalled as interrupted,
						     outcome unknown where bytes left */

/*
 * Agree with others before each change: it must outlive the executor. With a store on another
 * machine a run waits, before its intent, for the lock and for readings newer than that; another
 * plan by then is OUTCOME_STALE_PLAN. Without this nobody is asked.
 */
void executor_coordinate(struct executor *executor, struct coordination *coordination);

/* Nobody sits there: a script. Where that matters nothing is held then without protection. */
void executor_set_unattended(struct executor *executor, bool is_unattended);

/* Whether this program goes on and takes back itself what has expired: what it holds counts as
 * protected by it. */
void executor_set_takes_back(struct executor *executor, bool takes_back);

/* The ticket of all that is planned from now on, as ticket_check() takes it; "" none. */
void executor_set_ticket(struct executor *executor, const char *ticket);

/* Read-only until armed, but for executor_plan_end(). Arming lasts until `until_ms`. */
void executor_arm(struct executor *executor, int64_t until_ms);
void executor_disarm(struct executor *executor);
bool executor_is_armed(const struct executor *executor, int64_t now_ms);

/* The operator broke off (SIGINT): the run in flight ends now, OUTCOME_UNKNOWN where bytes may have
 * left, else OUTCOME_INTERRUPTED. */
void executor_interrupt(struct executor *executor, int64_t now_ms);

/* Plan with the facts only the executor has (armed, cool-downs, journal). See plan_make(). `to` NAN
 * is ERROR_USAGE. */
bool executor_plan(struct executor *executor, const char *action, uint32_t target, double to,
	const char *environment, const char *const *overrides, size_t override_count,
	const struct snapshot *snapshot, const struct assessment *assessment, int64_t now_ms,
	struct plan *out, struct error *error);

/* A plan that takes run `id` back (its from as to). ERROR_USAGE: no such run, or nothing to undo,
 * or it was not ours; ERROR_REJECTED: the target no longer has the value that run set (drift;
 * OUTCOME_STALE_PLAN).
 */
bool executor_plan_undo(struct executor *executor, const char *id, const char *environment,
	const struct snapshot *snapshot, const struct assessment *assessment, int64_t now_ms,
	struct plan *out, struct error *error);

/* executor_plan(), and another person has to approve it whatever it moves. */
bool executor_plan_for_two(struct executor *executor, const char *action, uint32_t target,
	double to, const char *environment, const struct snapshot *snapshot,
	const struct assessment *assessment, int64_t now_ms, struct plan *out, struct error *error);

/* executor_plan_undo() as the answer to a failure: guarded as relief, which waits for no metrics.
 */
bool executor_plan_rollback(struct executor *executor, const char *id, const char *environment,
	const struct snapshot *snapshot, const struct assessment *assessment, int64_t now_ms,
	struct plan *out, struct error *error);

/*
 * executor_plan_undo() as the end of hold `id`. Once its time is over nobody has to be armed for
 * that, since its end was confirmed with it: the guard lets such a plan pass, and executor_start()
 * takes it, for its one run. Before that it is an undo like any.
 */
bool executor_plan_end(struct executor *executor, const char *id, const char *environment,
	const struct snapshot *snapshot, const struct assessment *assessment, int64_t now_ms,
	struct plan *out, struct error *error);

/* Whether what run `id` set is gone again. */
enum executor_back {
	EXECUTOR_NOT_BACK,
	EXECUTOR_BACK,         /* it was undone, or the value before is read everywhere */
	EXECUTOR_BACK_UNKNOWN, /* its target cannot be read now */
};
enum executor_back executor_back(
	const struct executor *executor, const char *id, const struct snapshot *snapshot);

/* Whether run `id` is a change that the runbook's run `runbook` made, as its intent says. */
bool executor_belongs(const struct executor *executor, const char *id, const char *runbook);

/* Whether run `id` was taken back by a later one. */
bool executor_was_undone(const struct executor *executor, const char *id);

/*
 * Begin the run of a plan that was shown and confirmed: `hash` is what the operator saw. The plan
 * is made again from the present snapshot and must have the same hash (else OUTCOME_STALE_PLAN).
 * Progress is in executor_run(); it ends in RUN_DONE or RUN_FAILED. False with *code set when it
 * was refused before anything was journalled.
 */
bool executor_start(struct executor *executor, const struct plan *plan, const char *hash,
	const char *reason, const struct snapshot *snapshot, const struct assessment *assessment,
	int64_t now_ms, enum outcome_code *code, struct error *error);

/* Feed each new snapshot: verification, deadlines. */
void executor_tick(struct executor *executor, const struct snapshot *snapshot,
	const struct assessment *assessment, int64_t now_ms);

/* The run in progress or the last one; NULL when there was none. */
const struct run_view *executor_run(const struct executor *executor);
bool executor_is_busy(const struct executor *executor);

/* The run that has just ended, took, harms, and is to be taken back for that (on_harm: undo); NULL:
 * none. */
const char *executor_harming(const struct executor *executor);

/* The newest runs first, from this and earlier processes; at most `most`. */
size_t executor_runs(const struct executor *executor, struct run_view *out, size_t most);

/* The changes still in force, newest first; see hold.h. */
size_t executor_holds(
	const struct executor *executor, int64_t now_ms, struct hold *out, size_t most);

/* Whether a timer beside its target ends the hold. */
bool executor_is_planted(const struct executor *executor, const char *id);

/*
 * Plant the timers of a hold anew, to fire in `left_ms`, or cancel them (0): before the hold is
 * extended or kept, or they take back what was meant to stay. One host after another, each in the
 * journal before and after; executor_is_replanting() until it is over, then
 * executor_replant_trouble() is "" or what went wrong: the hold is then left as it was. Errors:
 * ERROR_USAGE, ERROR_REJECTED (not armed, busy), as requests_make().
 */
bool executor_replant(struct executor *executor, const char *id, int64_t left_ms,
	const struct snapshot *snapshot, int64_t now_ms, struct error *error);
bool executor_is_replanting(const struct executor *executor);
const char *executor_replant_trouble(const struct executor *executor);

/*
 * Let a hold last until `until_ms` (wall time), or 0: keep it for good. On disk when true. Errors:
 * ERROR_USAGE (no such hold), ERROR_REJECTED (no journal), else as journal_append().
 */
bool executor_change_hold(struct executor *executor, const char *id, int64_t until_ms,
	const char *reason, struct error *error);

/*
 * Of a hold whose time is over: put its end off by EXPIRY_PUT_OFF_MS, once more than so far, or,
 * with `pages`, hand it to a person. On disk when true. Errors as executor_change_hold().
 */
bool executor_put_off(struct executor *executor, const struct hold *hold, bool pages,
	const char *why, struct error *error);

/*
 * Ask for another person's approval of a plan that only the guard two-person hinders; where
 * operators agree by a store, also those on other machines: executor_asked() tells how that fares,
 * as coordination_noted(). Errors: as approvals_ask(), signature_make(); ERROR_LIMIT (a request is
 * still on its way).
 */
bool executor_ask_approval(struct executor *executor, const struct plan *plan, const char *reason,
	struct error *error);
enum coordination_answer executor_asked(
	const struct executor *executor, char text[ACTION_TEXT_BYTES]);

/* What was said to the plan of that hash, as of the last plan made; NULL: nobody was asked. */
const struct approval *executor_approval(const struct executor *executor, const char *hash);

#endif
