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
#define HOLD_WARN_MS 300000 /* its end is told of so long before */
#define HOLD_BRIEF_MS 60000 /* what is shorter, nobody is told of: there is no time to answer */

/* What takes it back when it ends, whether or not this program is there. */
enum hold_protection {
	HOLD_BY_NOTHING, /* only a person */
	HOLD_BY_REAPER,  /* somebody runs `spillway reap` again and again, or a console does that */
	HOLD_BY_CONSOLE, /* this program, as long as it is there */
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
	int64_t over_ms; /* its run: nothing of it can land after that */
	enum hold_protection protection;
	char planted[8];              /* HOLD_BY_TIMER: "systemd", "at" */
	enum expiry_policy on_expiry; /* of its action: holds_bind() */
	int put_offs;                 /* as in run_entry */
	bool is_expired;
	bool is_certain;           /* false: its run's outcome is not known */
	char under[PLAN_ID_BYTES]; /* a later hold on the same setting, to be ended first; "" none
				    */
};

/* "a timer beside it (at)", "spillway reap", "this console", "nothing". */
void hold_protection_words(const struct hold *hold, char out[48]);

/*
 * From when on it is said that the hold ends soon: HOLD_WARN_MS before its end, or from the middle
 * of its time where that is later. What is short by nature would else be warned of from its start.
 */
int64_t hold_warn_ms(const struct hold *hold);

/* Whether that moment has come and the end has not. */
bool hold_ends_soon(const struct hold *hold, int64_t now_ms);

/*
 * Whether it began to end soon after `before_ms` and not after `now_ms`: true once for each end
 * that a hold is given, unless it was near already then, for who looks again and again; false for
 * what is shorter than HOLD_BRIEF_MS. `out`: a sentence that says what to do.
 */
bool hold_warns(const struct hold *hold, int64_t before_ms, int64_t now_ms, char *out, size_t size);

/* What a run holds, or would if it came to be done; `under` is left empty. */
void hold_of_run(const struct run_entry *entry, int64_t now_ms, struct hold *out);

/* Whether its end came after `before_ms` and not after `now_ms`. `out`: what that means, for who
 * looks on. */
bool hold_ended(const struct hold *hold, int64_t before_ms, int64_t now_ms, char *out, size_t size);

/* What its actions say of their end; of one that the fleet file no longer has: hold_and_page. */
void holds_bind(struct hold *holds, size_t count, const struct action_configs *configs);

/* The holds at `now_ms`, newest first: the order in which they can be taken back. */
size_t holds_list(const struct run_log *log, int64_t now_ms, struct hold *out, size_t most);

/*
 * Whether the setting is seen to be what it was before, everywhere: then the hold is over, whoever
 * ended it. A replica that cannot be seen may still have what was set, and what may still land is
 * not over.
 */
bool hold_is_back(const struct hold *hold, const struct snapshot *snapshot);

#endif
