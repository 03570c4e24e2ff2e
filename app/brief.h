/*
 * brief.h - holds that are brief by nature, such as a pause: whoever began one ends it in time.
 *
 * Others wait for `spillway reap`, a console (expired.h) or a person; what makes clients wait does
 * not. Called once a tick, after executor_tick(), by every program that acts, armed or not by then.
 * What a program that died left behind is reap's.
 */
#ifndef APP_BRIEF_H
#define APP_BRIEF_H

#include <stdbool.h>
#include <stdint.h>

#include "actions/plan.h"

struct control;
struct engine;

#define BRIEF_TRIES_MOST 10
#define BRIEF_RETRY_MS 1000

struct brief {
	struct plan plan;
	int64_t since_ms; /* holds begun earlier, by other programs, are not ours */
	int64_t next_ms;  /* not tried before */
	unsigned tries;   /* of the one at hand */
	char run[PLAN_ID_BYTES];
	bool at_once; /* they end now, whatever they were meant to last */
};

void brief_init(struct brief *brief, const struct engine *engine);
void brief_finish(struct brief *brief);

/* End what has lasted long enough. Returns whether something brief is still held that will be tried
 * again. */
bool brief_tick(struct brief *brief, struct control *control, struct engine *engine,
	const char *environment);

#endif
