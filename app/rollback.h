/*
 * rollback.h - what took and harms is taken back at once where the fleet file says `on_harm: undo`,
 * in programs that go on: called once a tick, after executor_tick(). `act` stays for it itself.
 */
#ifndef APP_ROLLBACK_H
#define APP_ROLLBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "actions/plan.h"

struct control;
struct engine;

#define ROLLBACK_TRIES_MOST 5
#define ROLLBACK_RETRY_MS 1000

struct rollback {
	struct plan plan;
	char run[PLAN_ID_BYTES]; /* that harmed; the last one dealt with */
	int64_t next_ms;         /* not tried before */
	unsigned tries;
	bool is_undoing; /* what runs now takes it back */
};

enum rollback_news {
	ROLLBACK_NONE,
	ROLLBACK_BEGUN,
	ROLLBACK_DONE,
	ROLLBACK_FAILED, /* a human is needed */
};

void rollback_init(struct rollback *rollback);
void rollback_finish(struct rollback *rollback);

/* Whether a run that harmed is still to be taken back: nothing else may be begun before that. */
bool rollback_is_due(const struct rollback *rollback, const struct control *control);

/* `text` says what there is to tell. */
enum rollback_news rollback_tick(struct rollback *rollback, struct control *control,
	struct engine *engine, const char *environment, char text[ACTION_TEXT_BYTES]);

#endif
