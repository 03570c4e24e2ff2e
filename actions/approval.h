/*
 * approval.h - what another person said to a plan.
 *
 * Requests and answers are records of a journal of their own beside the journal of runs
 * (<journal>.approvals, chained and fsynced likewise), so that one person can approve while
 * another's console holds the journal. A request is bound to the plan's hash: another value,
 * another target, or a target that changed since is another plan. Who asked cannot approve.
 */
#ifndef ACTIONS_APPROVAL_H
#define ACTIONS_APPROVAL_H

#include "actions/action.h"

struct error;

#define APPROVALS_MOST 64 /* the newest are kept */

enum approval_state { APPROVAL_PENDING, APPROVAL_GIVEN, APPROVAL_DENIED, APPROVAL_EXPIRED };

struct approval {
	char plan[PLAN_ID_BYTES]; /* "p-4f1c2a" */
	char hash[PLAN_HASH_BYTES];
	char what[ACTION_TEXT_BYTES]; /* the change and its exact requests, in words */
	char asked_by[ENTITY_NAME_BYTES];
	int64_t asked_ms, expires_ms;
	bool is_given, is_denied;
	char decided_by[ENTITY_NAME_BYTES]; /* "" nobody yet */
	int64_t decided_ms;
	char text[ACTION_TEXT_BYTES]; /* the reason given with the answer */
};

struct approvals {
	struct approval rows[APPROVALS_MOST]; /* oldest first */
	size_t count;
};

enum approval_state approval_state(const struct approval *approval, int64_t now_ms);
const char *approval_state_name(enum approval_state state); /* "pending", ... */

/* All that the file beside `journal` tells; none when it is missing. Errors: ERROR_IO. */
bool approvals_read(const char *journal, struct approvals *out, struct error *error);

/* The newest request for that plan id or hash; NULL none. */
const struct approval *approvals_find(const struct approvals *approvals, const char *id_or_hash);

/* Record a request; does nothing when one for this plan is pending. Errors: as journal_open(). */
bool approvals_ask(const char *journal, const struct plan *plan, const char *by, const char *reason,
	int64_t wall_ms, int64_t within_ms, struct error *error);

/*
 * Record an answer to request `id`. Errors: ERROR_USAGE (no such request, decided or run out
 * already), ERROR_REJECTED (who asked cannot approve), else as journal_open().
 */
bool approvals_decide(const char *journal, const char *id, bool give, const char *by,
	const char *reason, int64_t wall_ms, struct error *error);

#endif
