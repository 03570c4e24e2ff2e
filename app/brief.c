#include "app/brief.h"

#include <stdio.h>
#include <string.h>

#include "actions/executor.h"
#include "actions/hold.h"
#include "app/control.h"
#include "app/engine.h"
#include "core/base/error.h"
#include "core/base/loop.h"

void brief_init(struct brief *brief, const struct engine *engine)
{
	*brief = (struct brief){.since_ms = loop_now_ms(engine->loop)};
	plan_init(&brief->plan);
}

void brief_finish(struct brief *brief)
{
	plan_finish(&brief->plan);
}

/* The newest of ours: that is the order in which they can be taken back. */
static bool brief_find(
	const struct brief *brief, const struct control *control, int64_t now_ms, struct hold *out)
{
	struct hold holds[HOLDS_MOST];
	size_t count = executor_holds(control->executor, now_ms, holds, HOLDS_MOST);
	for (size_t i = 0; i < count; i++) {
		if (holds[i].verb->expire_ms > 0 && holds[i].set_ms >= brief->since_ms) {
			*out = holds[i];
			return true;
		}
	}
	return false;
}

static void brief_end(struct brief *brief, struct control *control, struct engine *engine,
	const char *environment, const char *run)
{
	struct error error = {0};
	enum outcome_code code = OUTCOME_LOCAL_ERROR;
	int64_t now_ms = loop_now_ms(engine->loop);
	brief->tries++;
	brief->next_ms = now_ms + BRIEF_RETRY_MS;
	if (!executor_plan_end(control->executor, run, environment, engine->snapshot,
		    &engine->assessment, now_ms, &brief->plan, &error))
		return;
	executor_start(control->executor, &brief->plan, brief->plan.hash, "it was to be brief",
		engine->snapshot, &engine->assessment, now_ms, &code, &error);
}

bool brief_tick(struct brief *brief, struct control *control, struct engine *engine,
	const char *environment)
{
	struct hold hold;
	int64_t now_ms = loop_now_ms(engine->loop);
	if (executor_is_busy(control->executor))
		return true;
	if (!brief_find(brief, control, now_ms, &hold))
		return false;
	if (strcmp(hold.run, brief->run) != 0) {
		snprintf(brief->run, sizeof brief->run, "%s", hold.run);
		brief->tries = 0;
	}
	if (brief->tries >= BRIEF_TRIES_MOST)
		return false;
	if ((hold.is_expired || brief->at_once) && now_ms >= brief->next_ms)
		brief_end(brief, control, engine, environment, hold.run);
	return true;
}
