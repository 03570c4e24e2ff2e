/*
 * run.h - a run as a pure state machine: events in, orders out.
 *
 *   intent -> sent -> (request) -> reply -> verify -> done
 *               ^__ for each further request __|
 *
 * The order of things is the promise: the intent is on disk before anything is sent, the marker
 * "sent" is on disk before each request, so that what the journal lacks did not happen. After the
 * last reply only snapshots newer than it count. Nothing here does I/O or reads a clock; the
 * executor carries orders out and feeds back what came of them. Every event is answered by exactly
 * one order.
 */
#ifndef ACTIONS_RUN_H
#define ACTIONS_RUN_H

#include "actions/read_back.h"

#define RUN_GOOD_SNAPSHOTS 2 /* in a row that must show it, without harm */
#define RUN_HARM_MS 5000     /* where harm ends it: every reading for that long must show it */
#define RUN_SETTLE_MS \
	5000 /* a lost request may still land: "unchanged" is believed only after that */

enum run_event_kind {
	RUN_EVENT_START,
	RUN_EVENT_JOURNALLED,
	RUN_EVENT_JOURNAL_FAILED,
	RUN_EVENT_NOT_SENT, /* nothing was changed; code: 69, 77, 18 or 1 */
	RUN_EVENT_REPLIED_OK,
	RUN_EVENT_REPLIED_FAILED, /* the peer said no */
	RUN_EVENT_LOST,           /* sent, and no answer came */
	RUN_EVENT_SNAPSHOT,
	RUN_EVENT_DEADLINE, /* the time to verify is over; `seen` holds the last look */
	RUN_EVENT_INTERRUPTED,
};

struct run_event {
	enum run_event_kind kind;
	int64_t now_ms;
	enum outcome_code code; /* NOT_SENT */
	const char *text;       /* sanitised: what the peer or the journal said; NULL none */
	struct read_back seen;  /* SNAPSHOT */
};

enum run_order_kind {
	RUN_ORDER_JOURNAL, /* append `event`, then feed JOURNALLED or JOURNAL_FAILED */
	RUN_ORDER_SEND,    /* request number `request` */
	RUN_ORDER_WAIT,    /* for the next event */
	RUN_ORDER_FINISH,  /* it is over: code, text */
};

struct run_order {
	enum run_order_kind kind;
	const char *event; /* "intent", "sent", "reply", "failed", "lost", "verify", "done" */
	size_t request;
	enum outcome_code code;
	char text[ACTION_TEXT_BYTES];
};

enum run_step {
	RUN_STEP_NEW,
	RUN_STEP_INTENT,    /* being journalled */
	RUN_STEP_MARK,      /* "sent" being journalled */
	RUN_STEP_SENDING,   /* bytes may have left */
	RUN_STEP_NOTE,      /* the answer being journalled */
	RUN_STEP_VERIFYING, /* accepted: looking for the new value */
	RUN_STEP_CHECKING,  /* refused by the peer: looking whether it changed nothing */
	RUN_STEP_LOOKING,   /* no answer: looking what became of it */
	RUN_STEP_VERDICT,   /* "verify" being journalled */
	RUN_STEP_CLOSING,   /* "done" being journalled */
	RUN_STEP_OVER,
};

struct run {
	enum run_step step, after_note;
	size_t request, request_count;
	int64_t answered_ms;    /* when the last answer came or was given up */
	unsigned good;          /* snapshots in a row that show it, without harm */
	bool was_journal_lost;  /* after something was sent */
	bool is_release;        /* refused and already so is done (see verb_row) */
	bool ends_on_harm;      /* not waited out: it is taken back then */
	size_t left_out;        /* pools that it should reach and that cannot be seen */
	int64_t harms_since_ms; /* since when every snapshot shows harm; 0 the last did not */
	struct read_back last;  /* the last look */
	enum outcome_code code;
	char answer[ACTION_TEXT_BYTES];
	char text[ACTION_TEXT_BYTES];
};

void run_init(struct run *run, size_t request_count);

void run_feed(struct run *run, const struct run_event *event, struct run_order *out);

/* Whether it looks at snapshots now; those before are not for it. */
bool run_is_looking(const struct run *run);

/* Whether a request is on its way now, as far as is known. */
bool run_is_sending(const struct run *run);

/* Whether bytes may have left. */
bool run_has_sent(const struct run *run);

#endif
