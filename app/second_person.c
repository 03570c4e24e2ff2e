#include "app/second_person.h"

#include <stdio.h>
#include <string.h>

#include "actions/approval.h"
#include "actions/executor.h"
#include "app/engine.h"
#include "core/base/error.h"
#include "core/base/loop.h"

bool second_person_ask(struct second_person *second, struct executor *executor,
	const struct plan *plan, const char *reason, int64_t now_ms, struct error *error)
{
	if (!executor_ask_approval(executor, plan, reason, error))
		return false;
	snprintf(second->plan, sizeof second->plan, "%s", plan->id);
	snprintf(second->hash, sizeof second->hash, "%s", plan->hash);
	second->look_ms = now_ms + SECOND_PERSON_LOOK_MS;
	return true;
}

bool second_person_told(
	const struct executor *executor, const struct engine *engine, struct error *error)
{
	char text[ACTION_TEXT_BYTES];
	enum coordination_answer told = executor_asked(executor, text);
	while (told == COORDINATION_WAIT) {
		if (!loop_turn(engine->loop, ENGINE_TICK_MS, error))
			return false;
		told = executor_asked(executor, text);
	}
	return told == COORDINATION_GRANTED ||
	       error_set(error, ERROR_UNREACHABLE,
		       "asked on this machine only, for the store could not be told: %s", text);
}

bool second_person_is_due(struct second_person *second, int64_t now_ms)
{
	if (!second->hash[0] || now_ms < second->look_ms)
		return false;
	second->look_ms = now_ms + SECOND_PERSON_LOOK_MS;
	return true;
}

enum second_word second_person_hear(const struct second_person *second,
	const struct executor *executor, const struct plan *plan, int64_t now_ms,
	char text[ACTION_TEXT_BYTES])
{
	const struct approval *said = executor_approval(executor, second->hash);
	if (strcmp(plan->hash, second->hash) != 0) {
		snprintf(text, ACTION_TEXT_BYTES,
			"the target changed while %s waited for approval: plan again",
			second->plan);
		return SECOND_WORD_STALE;
	}
	switch (said ? approval_state(said, now_ms) : APPROVAL_PENDING) {
	case APPROVAL_GIVEN:
		snprintf(text, ACTION_TEXT_BYTES, "%s was approved by %s", second->plan,
			said->decided_by);
		return SECOND_WORD_GIVEN;
	case APPROVAL_DENIED:
		snprintf(text, ACTION_TEXT_BYTES, "%s was denied by %s%s%.160s", second->plan,
			said->decided_by, said->text[0] ? ": " : "", said->text);
		return SECOND_WORD_REFUSED;
	case APPROVAL_EXPIRED:
		snprintf(text, ACTION_TEXT_BYTES,
			"nobody answered in time: the request for %s has run out", second->plan);
		return SECOND_WORD_REFUSED;
	case APPROVAL_PENDING:
		break;
	}
	snprintf(text, ACTION_TEXT_BYTES, "waits for another person: 'spillway approve %s'%s%.200s",
		second->plan, said && said->doubt[0] ? "; " : "", said ? said->doubt : "");
	return SECOND_WORD_NONE;
}
