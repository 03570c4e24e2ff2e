/*
 * plan.h - making a plan: pure. The same inputs give the same plan, hash included; nothing is sent,
 * written or read from disk.
 */
#ifndef ACTIONS_PLAN_H
#define ACTIONS_PLAN_H

#include "actions/config.h"

struct approval;
struct approvals;
struct assessment;
struct coordination_view;
struct error;
struct gate;
struct hold;
struct snapshot;
struct text;

/* What guards must know beside the snapshot. */
struct plan_facts {
	const char *environment;
	bool armed;                   /* writes allowed now */
	int64_t last_change_ms;       /* on this target, 0 never: for the cool-down */
	bool is_undo;                 /* undo of our own change: exempt from step and cool-down */
	bool is_rollback;             /* that undo answers a failure: guarded as relief */
	bool is_end;                  /* that undo ends a hold in time: confirmed with the hold */
	bool needs_approval;          /* another person has to approve it, whatever it moves */
	const char *undo_of;          /* the run it takes back; NULL or "" none */
	const char *kept;             /* what the reply to that run said; NULL or "" nothing */
	size_t asked;                 /* how many requests that run had; 0 not known */
	const char *ticket;           /* as in ticket.h; NULL or "" none */
	const char *const *overrides; /* guard names */
	size_t override_count;
	const char *journal_trouble; /* "" or why the journal cannot be written */
	size_t recent_changes;       /* within brake_window, undo apart */
	int64_t brake_free_ms;       /* when the oldest of those leaves it */
	int64_t brake_tripped_ms;    /* when that many were last made within the window, and nobody
					has acknowledged since; 0 not */
	const struct gate *gate;     /* NULL: there is none */
	const struct approvals *approvals; /* NULL: none were asked for */
	const struct approval *approval;   /* of this plan: plan_make() finds it in approvals */
	const struct coordination_view *coordination; /* NULL: there is nobody to agree with */
	const struct hold *holds;                     /* all changes in force, others' included */
	size_t hold_count;
	bool is_unattended; /* nobody sits there who would take it back */
	bool is_reaped;     /* somebody runs `spillway reap` */
};

void plan_init(struct plan *plan);
void plan_finish(struct plan *plan);

/*
 * Make the plan of `action` on `target` with value `to`. A plan that guards refuse is still a plan
 * (true, plan->blocked). False with ERROR_USAGE (wrong kind of target, value out of range),
 * ERROR_SCHEMA (template names an unknown attribute, a value that may not go into a command),
 * ERROR_NO_MEMORY. `out` was initialised.
 */
bool plan_make(const struct action_config *action, const struct guard_config *guards,
	const struct plan_facts *facts, const struct snapshot *snapshot,
	const struct assessment *assessment, uint32_t target, double to, int64_t now_ms,
	struct plan *out, struct error *error);

/*
 * The exit code of a plan that is not run as it stands: DONE nothing to change, CHANGES_PENDING
 * nothing hinders it, NOT_PERMITTED when read-only is among the blockers; RETRY_LATER,
 * NEEDS_CONFIRMATION, LOCAL_ERROR or LOCKED when cool-down and brake, two-person, the journal or
 * the lock alone hinder it; else REFUSED.
 */
enum outcome_code plan_outcome(const struct plan *plan);

/* Deep copy. False without memory, with `out` as before. */
bool plan_copy(const struct plan *from, struct plan *out);

/* The plan as people read it: the same lines on the screen's dialog, from `spillway plan` and in
 * reports. `columns` wraps. */
void plan_print(const struct plan *plan, int columns, struct text *out);
void plan_print_json(const struct plan *plan, struct text *out);

#endif
