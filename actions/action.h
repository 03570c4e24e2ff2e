/*
 * action.h - actions, plans, verdicts and outcomes as plain data: the one header that actions and
 * screens share.
 *
 * Life of a change:
 *
 *   action (fleet file) + target + value --plan_make()--> plan (pure; changes nothing) --shown-->
 * confirmed --executor--> run
 *
 * A plan is frozen: exact requests, values read, verdicts, and a hash over all of it. What was
 * confirmed by hash is exactly what runs, or the run is refused as stale.
 */
#ifndef ACTIONS_ACTION_H
#define ACTIONS_ACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/assess/projection.h"
#include "core/fleet/entity.h"
#include "core/fleet/signal.h"

#define ACTION_NAME_BYTES 48
#define ACTION_TEXT_BYTES 320
#define PLAN_REQUESTS_MOST 64
#define PLAN_LINE_BYTES 768 /* a request that cannot be shown whole is not sent */
#define PLAN_EFFECTS_MOST 16
#define PLAN_VERDICTS_MOST 40 /* guards and assertions of the fleet file */
#define PLAN_ID_BYTES 24
#define PLAN_HASH_BYTES 65
#define ACTIONS_MOST 64
#define TICKET_BYTES 48

/* What kind of change it is; guards differ by it. */
enum action_class { CLASS_RELIEVE, CLASS_SHIFT, CLASS_GROW, CLASS_DISRUPT };

/* What becomes of a hold whose time is over: see expiry.h. */
enum expiry_policy { EXPIRY_REVERT, EXPIRY_REVERT_IF_HEALTHY, EXPIRY_HOLD_AND_PAGE };

/* A verb: a change with a known effect. One row each; drives parser, help, menu, man page and
 * tests. */
struct verb_row {
	const char *name;        /* "cluster.divert" */
	const char *label;       /* "divert traffic": for menus */
	enum entity_kind target; /* what it acts on */
	const char *parameter;   /* "weight": the k in k=v and in templates */
	enum signal reads;   /* where the value before is seen, and the value after is verified */
	enum move_kind move; /* for the projection */
	enum action_class class;
	const char *help;
	double least;     /* of the value */
	bool is_fixed;    /* it has one value only, which need not be given */
	double fixed_to;  /* that value */
	const char *pair; /* the verb that takes it back where it cannot itself; NULL: it can */
	bool is_release;  /* it ends what its pair began, and what was not begun it leaves as it is:
			     it waits for nothing, neither readings nor a cool-down */
	bool is_hold;     /* it ends by itself, though its class need not */
	int64_t expire_ms; /* how long it holds; 0: as the guards' `expire` says */
	/* For a console that asks for the value. */
	const char *unit;  /* "connections per pool"; "" none */
	double suggestion; /* times the present value; 0: none */
	const char *suggestion_why;
	bool is_ratio; /* shown as a percentage */
};

/* An action as a screen sees it. */
struct action_info {
	char name[ACTION_NAME_BYTES]; /* as in the fleet file */
	const struct verb_row *verb;
	const char *transport; /* "ssh", "http", "socket" or "sql" */
};

enum verdict_kind {
	VERDICT_PASS,
	VERDICT_WARN,
	VERDICT_BLOCK,
	VERDICT_UNKNOWN, /* could not be judged: blocks */
};

struct verdict {
	const char *guard; /* "capacity", "staleness", ...: the name for --override */
	enum verdict_kind kind;
	bool overridable;
	bool overridden;
	char text[ACTION_TEXT_BYTES]; /* the arithmetic in words */
};

/* One request exactly as it will be sent, secrets masked. */
struct plan_request {
	char transport[8];          /* "ssh", "http", ... */
	char line[PLAN_LINE_BYTES]; /* "POST http://127.0.0.1:4000/v1/clusters/east-a/weight
				       {"weight":88}" or "ops@127.0.0.1:2201 $ psql ..." */
	uint32_t replica;           /* whose pool it is for; ENTITY_NONE: the whole target's */
};

/* What the projection says of one cluster, by name, for screens and JSON. */
struct plan_effect {
	char cluster[ENTITY_NAME_BYTES];
	double share_before, share_after;     /* of all traffic */
	double use_before, use_low, use_high; /* busy and waiting over pool size; NAN unknown */
	bool changed, over_ceiling;
};

/* Numbers equal exit codes of act, run and undo (design, section 5). */
enum outcome_code {
	OUTCOME_DONE = 0,        /* done and verified */
	OUTCOME_LOCAL_ERROR = 1, /* nothing sent */
	OUTCOME_REFUSED = 10,    /* by guards, all of them listed */
	OUTCOME_NEEDS_CONFIRMATION = 11,
	OUTCOME_FAILED_UNCHANGED = 12,
	OUTCOME_PARTIAL = 13,
	OUTCOME_INCONCLUSIVE = 14, /* applied, verification inconclusive, holding */
	OUTCOME_UNKNOWN = 15,      /* sent, no answer: read back first */
	OUTCOME_ROLLED_BACK = 16,
	OUTCOME_ROLLBACK_FAILED = 17,
	OUTCOME_STALE_PLAN = 18,
	OUTCOME_LOCKED = 19,
	OUTCOME_CHANGES_PENDING = 20, /* plan only: there is something to do */
	OUTCOME_USAGE = 64,
	OUTCOME_BAD_RUNBOOK = 65,
	OUTCOME_UNREACHABLE = 69, /* nothing sent */
	OUTCOME_RETRY_LATER = 75,
	OUTCOME_NOT_PERMITTED = 77,
	OUTCOME_BAD_CONFIG = 78,
	OUTCOME_INTERRUPTED = 130,
};

/* The one table of exit codes: help, man page and tests read it. */
struct outcome_row {
	enum outcome_code code;
	const char *name;  /* "refused" */
	const char *means; /* one sentence */
};

struct plan {
	char id[PLAN_ID_BYTES]; /* "p-4f1c2a" */
	char action[ACTION_NAME_BYTES];
	const struct verb_row *verb;
	char environment[ENTITY_NAME_BYTES];
	uint32_t target;
	char target_path[ENTITY_PATH_BYTES];
	double from, to;             /* absolute values; from as read */
	int64_t from_age_ms;         /* of that reading when the plan was made */
	size_t left_out;             /* of an undo: pools that were asked and cannot be seen now */
	uint64_t generation;         /* snapshot it stands on */
	int64_t made_ms, expires_ms; /* a plan older than that is stale */
	struct plan_request requests[PLAN_REQUESTS_MOST];
	size_t request_count;
	struct projection projection; /* owned: plan_finish() */
	struct plan_effect
		effects[PLAN_EFFECTS_MOST]; /* the same by name; changed clusters first */
	size_t effect_count;
	double waiting_before; /* clients waiting at the target when planned; NAN unknown */
	struct verdict verdicts[PLAN_VERDICTS_MOST];
	size_t verdict_count;
	bool blocked;           /* some verdict blocks or is unknown, and is not overridden */
	bool no_change;         /* from equals to */
	double largest_safe_to; /* the value to offer instead when blocked; NAN none */
	char verify[ACTION_TEXT_BYTES];  /* what will count as done, in words */
	char undo[ACTION_TEXT_BYTES];    /* how to take it back, in words */
	char undo_line[PLAN_LINE_BYTES]; /* the first request that would; "" none */
	char hash[PLAN_HASH_BYTES];      /* over action, target, from, to and exact requests */
	bool is_undo;
	char undo_of[PLAN_ID_BYTES]; /* the run it takes back, "" none */
	char runbook[PLAN_ID_BYTES]; /* the runbook's run that makes it, "" none: goes into the
					intent, and not into the hash */
	int64_t hold_ms; /* it holds that long, then it is taken back; 0: it is no hold */
	enum expiry_policy on_expiry;
	char ticket[TICKET_BYTES]; /* under which it is announced elsewhere; "" none. In the hash */
	const char
		*planted; /* the timer beside the target that ends it: "systemd", "at"; "" none */
	char approved_by[ENTITY_NAME_BYTES]; /* by another person, "" none */
	bool needs_typed_name;               /* prod: the target's name must be typed */
	bool needs_approval; /* another person has to approve it, whatever it moves */
	bool is_turned_down; /* another person was asked, and said no or nothing in time */
	bool is_rollback;    /* an undo that belongs to a failure: its guards are those of relief */
	bool is_end;         /* an undo of a hold whose time is over: nobody has to be armed */
};

enum run_state {
	RUN_IDLE,
	RUN_INTENT,    /* being written to the journal */
	RUN_SENDING,   /* bytes may have left */
	RUN_VERIFYING, /* accepted; waiting for a newer snapshot that shows it */
	RUN_DONE,
	RUN_FAILED, /* see `code` */
};

/* A run as a screen sees it. */
struct run_view {
	char id[PLAN_ID_BYTES]; /* "a-0007": what undo takes */
	char action[ACTION_NAME_BYTES];
	char target_path[ENTITY_PATH_BYTES];
	double from, to;
	enum run_state state;
	enum outcome_code code; /* when done or failed */
	int64_t started_ms, ended_ms;
	int64_t expires_ms; /* it holds until then; 0: it is no hold, or none any more */
	char by[ENTITY_NAME_BYTES];
	char planted[8]; /* the timer beside the target that ends it: "systemd", "at"; "" none */
	bool can_undo;
	bool harms;                   /* it took, and what it touches got worse */
	char text[ACTION_TEXT_BYTES]; /* what is happening or what came of it */
};

/* One journal record as a screen sees it. */
struct journal_line {
	int64_t at_ms;
	char run[PLAN_ID_BYTES];
	char event[16]; /* "intent", "sent", "reply", "verify", "done", ... */
	char text[ACTION_TEXT_BYTES];
};

#endif
