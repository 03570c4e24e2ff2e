/*
 * sim.h - the acting river in virtual time: the real executor, guards, plans, run machine and
 * journal, over a made-up fleet, a made-up wire and a disk that fails.
 *
 * One struct sim is one seed. Everything random comes from its generator, so that a seed that
 * shows a violation shows it again: `sim-runs 1 SEED`.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actions/config.h"
#include "actions/executor.h"
#include "actions/run.h"
#include "core/assess/assess.h"
#include "core/base/clock.h"
#include "core/fleet/snapshot.h"

struct error;

#define SIM_CLUSTERS 3
#define SIM_REPLICAS 2
#define SIM_OPERATORS 2
#define SIM_TICK_MS 250
#define SIM_SECONDS 100
#define SIM_START 1770000000000

/* How the operators of a seed keep out of each other's way. */
enum manner {
	MANNER_JOURNAL, /* one journal, which one process writes at a time */
	MANNER_FILE,    /* a journal each, on one machine: a lock file */
	MANNER_ETCD,    /* a journal each, on two machines: a lease */
	MANNER_COUNT
};

#define SIM_KEYS 24
#define SIM_VALUE_BYTES 16384

struct sim_lease {
	bool used;
	int64_t id, ttl_s, until_ms;
};

struct sim_key {
	bool used;
	char name[256];
	char value[SIM_VALUE_BYTES];
	int64_t lease, create_revision;
};

#define SIM_SERVICES 2
#define SIM_TUNED SIGNAL_POOL_WAIT /* what the custom action sets */
#define SIM_SETTINGS_MOST 64
#define SIM_ACTIONS_MOST 20

/* One true setting, and what it was before its last change. */
struct setting {
	uint32_t entity;
	enum signal signal;
	double value, before;
	int64_t changed_ms;
	bool by_stranger;          /* its last change was not ours */
	const struct operator* by; /* else whose it was, */
	unsigned run;              /* in which of their runs */
};

/* What becomes of one request. */
enum fate {
	FATE_OK,
	FATE_REFUSED,
	FATE_REFUSED_AFTER_EFFECT,
	FATE_LOST_BEFORE,
	FATE_LOST_AFTER,
	FATE_LOST_LATE, /* its effect lands after everybody gave it up */
	FATE_UNREACHABLE,
	FATE_UNREACHABLE_AT_ONCE,
	FATE_ACCEPTED_FOR_NOTHING,
	FATE_HOST_KEY_CHANGED, /* found out while connecting: nothing may be sent there */
	FATE_COUNT
};

/* Where the process of an operator dies. */
enum crash_point {
	CRASH_NONE,
	CRASH_BEFORE_WRITE,
	CRASH_IN_WRITE,
	CRASH_BEFORE_SYNC,
	CRASH_AFTER_SYNC,
	CRASH_BEFORE_SEND,
	CRASH_AFTER_SEND,
	CRASH_IDLE,
	CRASH_COUNT
};

/* What the record being written tells, as the crash points count it. */
enum record {
	RECORD_OTHER,
	RECORD_INTENT,
	RECORD_SENT,
	RECORD_REPLY,
	RECORD_FAILED,
	RECORD_LOST,
	RECORD_VERIFY,
	RECORD_DONE,
	RECORD_COUNT
};

struct pending {
	bool used;
	int64_t at_ms;
	struct setting *setting;
	double value;
	const struct operator* by;
	unsigned run;     /* which of theirs, */
	unsigned process; /* and of their processes */
};

struct operator
{
	struct journal *journal;
	struct executor *executor;
	struct coordination *coordination;
	int file;                 /* which of the journals */
	int64_t cut_off_until_ms; /* from the store */
	int64_t frozen_until_ms;  /* its machine stands still: nothing reaches it, time goes on */
	bool is_up;
	int64_t up_again_ms;
	bool crashed; /* its I/O goes nowhere from now on */
	enum crash_point crash_at;
	unsigned crash_after; /* that many times past the point first */
	/* the run as the sim sees it */
	bool was_busy;
	int64_t busy_since_ms;
	char run_id[PLAN_ID_BYTES]; /* "" none begun yet */
	enum record record;         /* last written */
	unsigned sent;              /* requests that left in this run */
	unsigned runs;              /* begun so far */
	unsigned processes;         /* and started */
	enum outcome_code code;     /* of the last one that ended */
	uint32_t shifts;            /* the cluster that its run keeps from traffic; ENTITY_NONE */
	bool acted_stale, is_hold, may_be_blind;
	bool was_out[SIM_SETTINGS_MOST]; /* when the plan was made: not asked */
	struct book *book;               /* the runbook it carries out; NULL none */
};

/* What was covered, over all seeds. */
struct tally {
	unsigned long plans, refused, started, sends, crashes, restarts, torn, undone, settled;
	unsigned long outcomes[256];
	unsigned long fates[FATE_COUNT];
	unsigned long guards[32];
	unsigned long holds_reaped, holds_kept;
	unsigned long died[CRASH_COUNT][RECORD_COUNT];
	unsigned long manners[MANNER_COUNT];
	unsigned long calls, calls_lost, leases_expired, cut_offs, frozen, locked_out;
	unsigned long clock_jumps, meddled, keys_changed, explained, stale_spells, disks_full;
	unsigned long replicas_lost;
	unsigned long planned[SIM_ACTIONS_MOST], begun[SIM_ACTIONS_MOST], done[SIM_ACTIONS_MOST];
	/* runbooks */
	unsigned long books, books_resumed, books_not_resumed, rollbacks, book_undos;
	unsigned long book_ends[256];
};

struct sim {
	uint64_t seed, random;
	struct clock clock;
	struct loop *loop;
	struct fleet *fleet;
	struct store *store;
	struct snapshot *snapshot;
	struct assessment assessment;
	uint32_t clusters[SIM_CLUSTERS];
	uint32_t replicas[SIM_CLUSTERS][SIM_REPLICAS];
	uint32_t services[SIM_SERVICES];
	struct setting settings[SIM_SETTINGS_MOST];
	size_t setting_count;
	bool replica_down[SIM_CLUSTERS][SIM_REPLICAS];
	int64_t key_changed_until_ms[SIM_CLUSTERS]; /* of every host of the cluster */
	int64_t wall_ahead_ms;                      /* the wall clock was set wrong by that much */
	double demand;
	int64_t stale_until_ms[2]; /* of the source of weights, and of pools */
	struct pending late[16];
	struct action_configs configs;
	struct action_config actions[SIM_ACTIONS_MOST];
	struct verb_row custom;
	enum manner manner;
	bool is_mild; /* fewer faults, so that more comes to its end */
	char directory[64];
	struct {
		char path[96];
		int64_t durable_bytes; /* as of the last sync */
	} journals[SIM_OPERATORS];
	/* the store of MANNER_ETCD */
	struct sim_lease leases[SIM_KEYS];
	struct sim_key keys[SIM_KEYS];
	int64_t revision, last_lease;
	struct operator operators[SIM_OPERATORS];
	struct operator* running; /* whose code runs now */
	int64_t disk_full_until_ms;
	bool disk_promises; /* a full disk says so before it is written to */
	unsigned violations;
	struct tally *tally;
};

/* The sim whose code runs: the wrapped calls and the wire have no other way to know. */
extern struct sim *sim_now;

/* ---- random ---- */
uint64_t sim_random(struct sim *sim);
unsigned sim_below(struct sim *sim, unsigned limit); /* 0 to limit - 1 */
bool sim_chance(struct sim *sim, unsigned one_in);   /* once in that many */

/* ---- the world ---- */
void world_open(struct sim *sim);
void world_close(struct sim *sim);
void world_change(struct sim *sim); /* once a tick: strangers, failures, late effects */
void world_sample(struct sim *sim); /* once a second: readings, snapshot, assessment */
void world_set(struct sim *sim, struct setting *setting, double value, bool by_stranger);

void world_act(struct sim *sim); /* the actions of its fleet file, one per verb at least */

/* The setting, NULL when there is none. */
struct setting *world_setting(struct sim *sim, enum signal signal, uint32_t entity);

/* Whether a replica is out by the truth: down or taken out. */
bool world_is_out(struct sim *sim, uint32_t replica);

/* What a change of `action` at `target` sets: one setting, or that of each replica of a cluster. */
size_t world_settings_of(
	struct sim *sim, const char *action, uint32_t target, struct setting *out[SIM_REPLICAS]);

/* ---- operators ---- */
void operator_step(struct sim *sim, struct operator* who);
void operator_quit(struct sim *sim, struct operator* who); /* in good order, or crashed */

/* Begin a runbook, or go on with the one that was cut off; carry it on; let it be. */
void book_begin(struct sim *sim, struct operator* who);
void book_resume(struct sim *sim, struct operator* who);
void book_tick(struct sim *sim, struct operator* who);
void book_close(struct sim *sim, struct operator* who, bool is_over);

/* ---- the store ---- */
const struct sim_key *store_lock(struct sim *sim); /* NULL: nobody has it */

/* ---- the judge ---- */
void judge_violation(struct sim *sim, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void judge_send(struct sim *sim, struct operator* who); /* as bytes leave */
void judge_start(struct sim *sim, struct operator* who, const struct plan *plan);
/* A runbook takes back: only the newest of what its run still holds. */
void judge_rollback(struct sim *sim, struct operator* who, const struct plan *plan);
/* A runbook's run ended so: by what its journal tells. */
void judge_book(struct sim *sim, struct operator* who, const char *id, enum outcome_code code,
	bool was_cut_off);
void judge_end(struct sim *sim, struct operator* who);             /* a run ended */
void judge_landing(struct sim *sim, const struct pending *effect); /* an effect at the far end */
void judge_step(struct sim *sim);                                  /* every tick */
void judge_restart(struct sim *sim, struct operator* who);         /* after a crash */
void judge_world(struct sim *sim); /* at the end: what is there is in the journal */

#endif
