/*
 * executor_parts.h - the executor's state, shared by the files it is made of: planning
 * (executor_plan.c), approvals (executor_approval.c), coming to an intent (executor_start.c),
 * carrying out (executor.c).
 */
#ifndef ACTIONS_EXECUTOR_PARTS_H
#define ACTIONS_EXECUTOR_PARTS_H

#include "actions/approval.h"
#include "actions/coordination.h"
#include "actions/executor.h"
#include "actions/gate.h"
#include "actions/run.h"
#include "actions/run_log.h"
#include "actions/transport.h"

/* How far a run has come before its intent. */
enum entry {
	ENTRY_NONE,
	ENTRY_ASKED,   /* for the lock */
	ENTRY_GRANTED, /* waiting for readings newer than that */
};

struct executor {
	struct loop *loop;
	struct journal *journal;
	const struct action_configs *configs;
	struct transport *transport;
	struct run_log *log;
	struct approvals *approvals;
	struct coordination *coordination;    /* NULL: nobody to agree with */
	struct coordination_view beside;      /* what others are at, as of the last plan */
	struct hold in_force[2 * HOLDS_MOST]; /* ours and others', as of the last plan */
	struct gate gate;                     /* as of the last plan */
	enum entry entry_state;
	struct replanting *replanting; /* NULL: none; see executor_planted.c */
	char replant_trouble[ACTION_TEXT_BYTES];
	bool is_unattended;
	bool takes_back; /* what has expired */
	char ticket[TICKET_BYTES];
	int64_t granted_ms;
	int64_t may_land_until_ms; /* what was sent last may be on its way until then */
	struct plan shown;         /* what was confirmed, while a run enters */
	char operator_name[ENTITY_NAME_BYTES];
	int64_t armed_until_ms;
	uint64_t generation;          /* of the newest snapshot seen */
	uint64_t answered_generation; /* of the one at hand when the answer came */
	uint64_t looked_generation;   /* of the last one looked at for this run */
	uint64_t deadline_timer;
	/* the run in progress or the last one */
	bool has_run, is_busy;
	struct run run;
	struct plan plan;
	const struct action_config *action;
	struct request *requests;
	char reason[ACTION_TEXT_BYTES];
	struct run_entry entry;
};

/* The action of that name; NULL with ERROR_USAGE. */
const struct action_config *executor_find_action(
	const struct executor *executor, const char *name, struct error *error);

/* Whether the time of hold `id` is over, so that it may be ended though nobody is armed. */
bool executor_is_past_end(const struct executor *executor, const char *id, int64_t now_ms);

/* Whether somebody takes back what has expired: this program, or a reaper that looked lately. */
bool executor_is_reaped(const struct executor *executor);

/* plan_make() with the facts only the executor has. */
bool executor_make_plan(struct executor *executor, const struct action_config *action,
	uint32_t target, double to, struct plan_facts *facts, const struct snapshot *snapshot,
	const struct assessment *assessment, int64_t now_ms, struct plan *out, struct error *error);

/* What other people said to plans, here and on other machines, into `approvals`. */
bool executor_read_approvals(struct executor *executor, int64_t now_ms, struct error *error);

/* Feed the run's machine, and carry out what it orders. */
void executor_drive(struct executor *executor, const struct run_event *event);

/* Tell the others what holds, and where `is_to_hold` what the run that begins is about to. */
bool executor_publish(struct executor *executor, bool is_to_hold, struct error *error);

/* Let others at it, and tell them what holds from now on. */
void executor_leave(struct executor *executor);

/* It is over before its intent: nothing is in the journal, for nothing happened. */
void executor_end_unbegun(struct executor *executor, enum outcome_code code, const char *text);

/* Stop waiting for timers that are being cancelled or planted anew. */
void executor_drop_replanting(struct executor *executor);

/* A run that has the lock waits for readings newer than that. */
void executor_look_again(struct executor *executor, const struct snapshot *snapshot,
	const struct assessment *assessment, int64_t now_ms);

#endif
