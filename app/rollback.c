#include "app/rollback.h"

#include <stdio.h>
#include <string.h>

#include "actions/executor.h"
#include "app/control.h"
#include "app/engine.h"
#include "core/base/error.h"
#include "core/base/loop.h"

void rollback_init(struct rollback *rollback)
{
	*rollback = (struct rollback){.tries = ROLLBACK_TRIES_MOST};
	plan_init(&rollback->plan);
}

void rollback_finish(struct rollback *rollback)
{
	plan_finish(&rollback->plan);
}

static enum rollback_news rollback_end(
	struct rollback *rollback, const struct run_view *undo, char text[ACTION_TEXT_BYTES])
{
	bool ok = undo->state == RUN_DONE;
	rollback->is_undoing = false;
	rollback->tries = ROLLBACK_TRIES_MOST;
	snprintf(text, ACTION_TEXT_BYTES,
		ok ? "%s harmed, and %s took it back%s"
		   : "%s HARMS and %s did not take it back, do it by hand: %.200s",
		rollback->run, undo->id, ok ? "" : undo->text);
	return ok ? ROLLBACK_DONE : ROLLBACK_FAILED;
}

static enum rollback_news rollback_try(struct rollback *rollback, struct control *control,
	struct engine *engine, const char *environment, char text[ACTION_TEXT_BYTES])
{
	struct error error = {0};
	enum outcome_code code = OUTCOME_LOCAL_ERROR;
	int64_t now_ms = loop_now_ms(engine->loop);
	rollback->next_ms = now_ms + ROLLBACK_RETRY_MS;
	rollback->tries++;
	if (executor_plan_undo(control->executor, rollback->run, environment, engine->snapshot,
		    &engine->assessment, now_ms, &rollback->plan, &error) &&
		executor_start(control->executor, &rollback->plan, rollback->plan.hash, "it harmed",
			engine->snapshot, &engine->assessment, now_ms, &code, &error)) {
		rollback->is_undoing = true;
		snprintf(text, ACTION_TEXT_BYTES, "%s harms: taking it back", rollback->run);
		return ROLLBACK_BEGUN;
	}
	if (rollback->tries < ROLLBACK_TRIES_MOST)
		return ROLLBACK_NONE;
	snprintf(text, ACTION_TEXT_BYTES, "%s HARMS and was not taken back, do it by hand: %.200s",
		rollback->run, error.text);
	return ROLLBACK_FAILED;
}

bool rollback_is_due(const struct rollback *rollback, const struct control *control)
{
	return rollback->is_undoing ||
	       (executor_harming(control->executor) && rollback->tries < ROLLBACK_TRIES_MOST);
}

enum rollback_news rollback_tick(struct rollback *rollback, struct control *control,
	struct engine *engine, const char *environment, char text[ACTION_TEXT_BYTES])
{
	const struct run_view *run = executor_run(control->executor);
	if (!run || executor_is_busy(control->executor))
		return ROLLBACK_NONE;
	if (rollback->is_undoing)
		return rollback_end(rollback, run, text);
	const char *harming = executor_harming(control->executor);
	if (harming && strcmp(harming, rollback->run) != 0) {
		snprintf(rollback->run, sizeof rollback->run, "%s", harming);
		rollback->tries = 0;
		/* From a reading newer than that. */
		rollback->next_ms = loop_now_ms(engine->loop) + ROLLBACK_RETRY_MS;
	}
	if (rollback->tries >= ROLLBACK_TRIES_MOST || !harming ||
		loop_now_ms(engine->loop) < rollback->next_ms)
		return ROLLBACK_NONE;
	return rollback_try(rollback, control, engine, environment, text);
}
