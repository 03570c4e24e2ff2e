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
#include "actions/runbook_log.h"
#include "app/brief.h"

struct control;
struct engine;
struct error;

#define RUNNER_WAIT_TALK_MS 10000 /* a wait is told again that often */

#define RUNNER_ASK_MS 1000 /* an answer that is waited for is looked for that often */

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
	struct runbook_mark mark; /* where it stands, as the journal has it; id "": not kept */
	bool waiting_for_run;     /* a change is in flight */
	bool waiting_for_word;    /* another person was asked: `order` waits */
	struct runbook_order order;
	char asked[PLAN_HASH_BYTES]; /* the plan that was asked about */
	int64_t ask_again_ms, ask_until_ms;
	char undoing[PLAN_ID_BYTES]; /* what the change in flight takes back; "" nothing */
	bool has_result;             /* `result` is to be told to the engine */
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

/*
 * Keep in the journal where the run stands, so that it can be gone on with: `mark` has the file and
 * its digest; the id is made here. True without a journal too. Errors: as journal_append().
 */
bool runner_keep(struct runner *runner, const struct runbook_mark *mark, struct error *error);

/*
 * Go on where `mark` says an earlier process ended. What came of its last change is read back: one
 * that was applied counts, one that was not is made again. Errors: ERROR_USAGE (it was finished, or
 * does not fit this runbook), ERROR_UNKNOWN_OUTCOME (the last change cannot be told apart from
 * somebody else's, or not be read: OUTCOME_UNKNOWN).
 */
bool runner_resume(struct runner *runner, const struct runbook_mark *mark, struct error *error);

/* Once per tick, after executor_tick(). */
void runner_tick(struct runner *runner);

#endif
