/*
 * replica.h - whether a replica serves, from what its sources say.
 */
#ifndef CORE_ASSESS_REPLICA_H
#define CORE_ASSESS_REPLICA_H

#include <stdbool.h>
#include <stdint.h>

struct evidence;
struct snapshot;

enum replica_state {
	REPLICA_UNSEEN, /* nothing was ever said of it, and nobody declared it */
	REPLICA_SERVING,
	REPLICA_DOWN,      /* said to be down */
	REPLICA_AWAY,      /* taken out on purpose */
	REPLICA_UNKNOWN,   /* declared or seen before, but nothing fresh is said */
	REPLICA_FORGOTTEN, /* undeclared and silent for long: no longer expected */
};

struct replica_memory {
	enum replica_state state;
	int64_t since_ms;     /* in that state since, as far as was seen */
	int64_t out_said_ms;  /* when it was last said to be out; 0: never */
	int64_t returned_ms;  /* when it last came back; 0: it was never away */
	double queries, busy; /* short means as of the last look at symptoms; NAN unknown */
	int64_t lagging_ms;   /* far behind its primary since, as far as is known; 0: it is not */
};

/*
 * Judge one replica and take the readings the verdict stands on. Where no source says `replica.up`,
 * a replica that finishes queries serves; one that does not is unknown.
 */
enum replica_state replica_judge(
	struct evidence *evidence, const struct snapshot *snapshot, uint32_t replica);

/* Whether it is known not to serve. */
bool replica_is_out(enum replica_state state);

/* Whether it counts among those that ought to serve. */
bool replica_is_expected(enum replica_state state);

/* What it is, given what was just said of it: who was out is back when nobody said so for a while.
 */
enum replica_state replica_settle(
	struct replica_memory *memory, enum replica_state said, int64_t now_ms);

void replica_remember(struct replica_memory *memory, enum replica_state state, int64_t now_ms);

#endif
