/*
 * hold.h - changes that are still in force: named, owned, and ending by themselves.
 *
 * Every change of traffic, size or service is a hold until it is taken back or kept on purpose.
 * What is a hold is read from the runs that the journal tells of; what somebody else has set is
 * never one. Pure.
 */
#ifndef ACTIONS_HOLD_H
#define ACTIONS_HOLD_H

#include "actions/run_log.h"

#define HOLDS_MOST 64

/* What takes it back when it ends, whether or not this program is there. */
enum hold_protection {
	HOLD_BY_NOTHING, /* only a person */
	HOLD_BY_REAPER,  /* somebody runs `spillway reap` again and again */
	HOLD_BY_TIMER,   /* one planted beside the target */
};

struct hold {
	char run[PLAN_ID_BYTES]; /* "a-0007": its name */
	char action[ACTION_NAME_BYTES];
	char target_path[ENTITY_PATH_BYTES];
	char by[ENTITY_NAME_BYTES]; /* who owns it */
	const struct verb_row *verb;
	double from, to;
	int64_t set_ms, expires_ms;
	enum hold_protection protection;
	char planted[8]; /* HOLD_BY_TIMER: "systemd", "at" */
	bool is_expired;
	bool is_certain;           /* false: its run's outcome is not known */
	char under[PLAN_ID_BYTES]; /* a later hold on the same setting, to be ended first; "" none
				    */
};

/* "a timer beside it (at)", "spillway reap", "nothing". */
void hold_protection_words(const struct hold *hold, char out[48]);

/* The holds at `now_ms`, newest first: the order in which they can be taken back. */
size_t holds_list(const struct run_log *log, int64_t now_ms, struct hold *out, size_t most);

/*
 * Whether the setting is seen to be what it was before, everywhere: then the hold is over, whoever
 * ended it. A replica that cannot be seen may still have what was set.
 */
bool hold_is_back(const struct hold *hold, const struct snapshot *snapshot);

#endif
