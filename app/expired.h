/*
 * expired.h - holds whose time is over, taken back: each judged by the policy of its action
 * (actions/expiry.h) and ended by the road every change takes.
 *
 * `spillway reap` judges each once. A program that goes on holds the journal, so that no reaper can
 * write there: it calls expired_tick() once a tick, after executor_tick(), and does the same by the
 * same decisions, armed or not, since the end of a hold was confirmed with the hold. One that may
 * not write has no journal, and leaves it to the reaper.
 */
#ifndef APP_EXPIRED_H
#define APP_EXPIRED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actions/hold.h"
#include "actions/plan.h"

struct control;
struct engine;

#define EXPIRED_RETRY_MS 10000       /* between two tries at one hold */
#define EXPIRED_RETRY_MOST_MS 320000 /* where runs fail: doubled each time, up to that */
#define EXPIRED_NOTE_MS 60000        /* between notes that somebody looks (reaper.h) */
#define EXPIRED_TIMER_MS 150000      /* after the end: so long a timer beside the target has */
#define EXPIRED_TEXT_BYTES (2 * ACTION_TEXT_BYTES)

enum expired_end {
	EXPIRED_NOTHING,    /* there is nothing to tell */
	EXPIRED_BEGUN,      /* a plan that takes it back may run; once carried out, it runs */
	EXPIRED_TAKEN_BACK, /* that run is done: expired_tick() alone says so */
	EXPIRED_OVER,       /* what it set is gone already: it is closed */
	EXPIRED_KEPT,       /* it is tried again later */
	EXPIRED_PUT_OFF,    /* told as a page */
	EXPIRED_HANDED,     /* to a person, told as a page */
};

struct expired_news {
	enum expired_end end;
	enum outcome_code code; /* why it is kept, put off or handed over; DONE else */
	char text[EXPIRED_TEXT_BYTES];
};

/* What was tried at one hold. */
struct expired_try {
	char run[PLAN_ID_BYTES];
	int64_t next_ms; /* not tried before */
	int64_t wait_ms; /* after the last run that failed; 0 none did */
	bool is_told;    /* that it is kept */
};

struct expired {
	struct plan plan; /* of the hold judged last */
	struct expired_try tries[HOLDS_MOST];
	char run[PLAN_ID_BYTES]; /* the hold that the run under way takes back; "" none */
	char what[EXPIRED_TEXT_BYTES / 4];
	int64_t noted_ms;  /* when we last noted that somebody looks; 0: not yet */
	int64_t before_ms; /* what the note said before us */
};

void expired_init(struct expired *expired);
void expired_finish(struct expired *expired);

/*
 * What is to become of one expired hold; nothing is changed. `text` says why, "" where it is taken
 * back.
 */
void expired_judge(struct expired *expired, const struct control *control,
	const struct engine *engine, const char *environment, const struct hold *hold,
	struct expired_news *news);

/*
 * Do what expired_judge() has just said. What cannot be done becomes EXPIRED_KEPT. Where it is
 * EXPIRED_BEGUN still, a run is under way.
 */
void expired_carry_out(struct expired *expired, const struct control *control,
	const struct engine *engine, const struct hold *hold, struct expired_news *news);

/*
 * The next that is due, newest first, one at a time and never beside another run. `waits`: none is
 * begun now, since somebody is about to confirm a change, or what is more pressing goes first.
 * `news` names the hold; what is kept is told once.
 */
void expired_tick(struct expired *expired, const struct control *control,
	const struct engine *engine, const char *environment, bool waits,
	struct expired_news *news);

/* Before the control goes: what is held counts as protected by us no longer. */
void expired_leave(struct expired *expired, const struct control *control);

#endif
