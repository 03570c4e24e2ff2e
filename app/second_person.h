/*
 * second_person.h - waiting for another person's word on a plan.
 *
 * One asks, goes on making the plan anew, and hears what was said to it: the word is bound to the
 * plan's hash, so a target that changed meanwhile ends the waiting.
 */
#ifndef APP_SECOND_PERSON_H
#define APP_SECOND_PERSON_H

#include "actions/action.h"

struct engine;
struct error;
struct executor;

#define SECOND_PERSON_LOOK_MS 1000

enum second_word {
	SECOND_WORD_NONE,    /* nobody has said anything yet */
	SECOND_WORD_GIVEN,   /* approved */
	SECOND_WORD_REFUSED, /* denied, or run out */
	SECOND_WORD_STALE,   /* it is another plan by now */
};

struct second_person {
	char plan[PLAN_ID_BYTES];
	char hash[PLAN_HASH_BYTES]; /* "": nobody was asked */
	int64_t look_ms;            /* when to make the plan anew next */
};

/* Ask. Where others are told by a store, second_person_told() says whether they were. Errors: as
 * executor_ask_approval(). */
bool second_person_ask(struct second_person *second, struct executor *executor,
	const struct plan *plan, const char *reason, int64_t now_ms, struct error *error);

/* Turn the loop until others were told, for one-shot commands. ERROR_UNREACHABLE: they were not,
 * and only people on this machine can answer. */
bool second_person_told(
	const struct executor *executor, const struct engine *engine, struct error *error);

/* Whether it is time to make the plan anew; then second_person_hear() with it. */
bool second_person_is_due(struct second_person *second, int64_t now_ms);

/* `text` says what was said, or why it is over. `plan` is the one made just now. */
enum second_word second_person_hear(const struct second_person *second,
	const struct executor *executor, const struct plan *plan, int64_t now_ms,
	char text[ACTION_TEXT_BYTES]);

#endif
