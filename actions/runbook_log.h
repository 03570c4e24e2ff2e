/*
 * runbook_log.h - what the journal tells of a runbook's run, so that another process can go on
 * where one ended: which runbook with which parameters, at which step, and which change it had
 * begun.
 *
 * Records of such a run carry its id, "r-0007" after the change that would have come next:
 *
 *   runbook   file, its digest, parameters, ticket
 *   step      the step that is at hand, the cluster `worst` stands for, and once a change is about
 *             to begin, the id that it will have: on disk before its intent; what a ramp goes to
 *   turn      a step failed, and what was decided then
 *   back      a change was found to be back already and was passed over; once an older one on the
 *             same target is taken back too, that can no longer be read off the target
 *   resume    another process went on; how long the run and its step had taken by then
 *   finished  the code
 */
#ifndef ACTIONS_RUNBOOK_LOG_H
#define ACTIONS_RUNBOOK_LOG_H

#include "actions/runbook.h"

struct error;
struct journal;

#define RUNBOOK_VALUE_BYTES 128
#define RUNBOOK_PATH_BYTES 1024
#define RUNBOOK_TURNS_MOST (RUNBOOK_STEPS_MOST * RUNBOOK_JUMPS_MOST)

struct runbook_mark {
	char id[PLAN_ID_BYTES];
	char path[RUNBOOK_PATH_BYTES]; /* of its file */
	char digest[65];               /* SHA-256 of that file's bytes, in hex */
	struct {
		char name[ACTION_NAME_BYTES];
		char value[RUNBOOK_VALUE_BYTES];
	} params[RUNBOOK_PARAMS_MOST];
	size_t param_count;
	char ticket[TICKET_BYTES];     /* of its changes, "" none */
	char step[ACTION_NAME_BYTES];  /* "" none was entered */
	char worst[ENTITY_PATH_BYTES]; /* "" not bound yet */
	char act[PLAN_ID_BYTES];       /* the change begun in that step last, "" none */
	int64_t acts;                  /* begun in that step */
	double goal;                   /* what that step ramps to; NAN: nothing */
	bool is_finished;
	/* How long the run and the step at hand had taken by the last record of it or of its
	 * changes: what passed after that, and while nobody went on, is not counted. */
	int64_t run_ms, step_ms;
};

/* What was done and decided before, in order: what a rollback and a limit of jumps need. */
struct runbook_past {
	struct {
		char step[ACTION_NAME_BYTES];
		char run[PLAN_ID_BYTES]; /* begun, whatever came of it */
		bool is_back;            /* found to be back, and passed over */
	} changes[RUNBOOK_CHANGES_MOST];
	size_t change_count;
	struct {
		char step[ACTION_NAME_BYTES];
		enum runbook_turn turn;
		enum outcome_code code; /* what the step came to */
	} turns[RUNBOOK_TURNS_MOST];
	size_t turn_count;
};

/* The id that a run begun now has. */
void runbook_log_next(const struct journal *journal, char out[PLAN_ID_BYTES]);

/* On disk when true; errors as journal_append(). */
bool runbook_log_begin(struct journal *journal, const struct runbook_mark *mark, int64_t wall_ms,
	struct error *error);
bool runbook_log_step(struct journal *journal, const struct runbook_mark *mark, int64_t wall_ms,
	struct error *error);
bool runbook_log_turn(struct journal *journal, const char *id, const struct runbook_order *order,
	const char *step, int64_t wall_ms, struct error *error);
bool runbook_log_back(struct journal *journal, const char *id, const char *change, int64_t wall_ms,
	struct error *error);
bool runbook_log_resume(struct journal *journal, const struct runbook_mark *mark, int64_t wall_ms,
	struct error *error);
bool runbook_log_finish(struct journal *journal, const char *id, enum outcome_code code,
	const char *text, int64_t wall_ms, struct error *error);

/* What the journal at `path` tells of run `id`. Errors: ERROR_USAGE (there is none), ERROR_IO. */
bool runbook_log_find(
	const char *path, const char *id, struct runbook_mark *out, struct error *error);

/* What else it tells of that run. Errors: ERROR_LIMIT (more than the limits), ERROR_IO. */
bool runbook_log_recall(
	const char *path, const char *id, struct runbook_past *out, struct error *error);

#endif
