/*
 * runner.h - a runbook carried out: the runbook engine decides, the executor acts, the engine's
 * ticks drive both.
 *
 * `spillway run` and `spillway demo --auto` are this with different talk.
 */
#ifndef APP_RUNNER_H
#define APP_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "actions/plan.h"
#include "actions/runbook.h"
#include "app/brief.h"

struct control;
struct engine;
struct error;

#define RUNNER_WAIT_TALK_MS 10000 /* a wait is told again that often */

/* One line about what the run does, whenever that changes. */
typedef void runner_talk_fn(void *context, const char *line);

struct runner {
	struct engine *engine;
	struct control *control;
	const char *environment;
	const char *reason;
	struct runbook_state *state;
	struct plan plan;
	struct brief brief;
	bool waiting_for_run; /* a change is in flight */
	bool has_result;      /* `result` is to be told to the engine */
	struct run_view result;
	bool finished;
	enum outcome_code code;
	char last_text[ACTION_TEXT_BYTES];
	char last_step[ACTION_NAME_BYTES];
	int64_t last_wait_ms;
	runner_talk_fn *talk;
	void *context;
};

/* Begin. The runbook must outlive the runner. ERROR_USAGE for parameters that do not fit. */
bool runner_init(struct runner *runner, struct engine *engine, struct control *control,
	const struct runbook *runbook, const struct runbook_param *values, size_t value_count,
	const char *environment, const char *reason, runner_talk_fn *talk, void *context,
	struct error *error);
void runner_finish(struct runner *runner);

/* Once per tick, after executor_tick(). */
void runner_tick(struct runner *runner);

#endif
