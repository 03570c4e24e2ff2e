/*
 * approval.h - what another person said to a plan.
 *
 * Requests and answers are records of a journal of their own beside the journal of runs
 * (<journal>.approvals, chained and fsynced likewise), so that one person can approve while
 * another's console holds the journal. A request is bound to the plan's hash: another value,
 * another target, or a target that changed since is another plan. Who asked cannot approve.
 * Where the fleet file names allowed signers, an approval counts only with a signature, by who
 * gave it, over the plan's hash and who asked; a denial counts without.
 *
 * With coordination of kind etcd the same records stand in the store too, for people on other
 * machines with journals of their own: approval_record.h says what of that counts,
 * approval_store.h how one-shot commands reach it.
 */
#ifndef ACTIONS_APPROVAL_H
#define ACTIONS_APPROVAL_H

#include "actions/action.h"

struct error;
struct signing_config;

#define APPROVALS_MOST 64 /* the newest are kept */
#define APPROVALS_CHECKED 128

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
	char text[ACTION_TEXT_BYTES];  /* the reason given with the answer */
	char doubt[ACTION_TEXT_BYTES]; /* why an answer that was given does not count; "" none */
	bool is_shared;                /* asked on another machine: only the store tells of it */
	bool is_doubted; /* and who asked did not sign it: `doubt`; nobody can answer it */
};

struct approvals {
	struct approval rows[APPROVALS_MOST]; /* oldest first */
	size_t count;
	/* digests of answers whose signature was found good, so that it is checked once */
	char checked[APPROVALS_CHECKED][PLAN_HASH_BYTES];
	size_t next_checked;
};

enum approval_state approval_state(const struct approval *approval, int64_t now_ms);
const char *approval_state_name(enum approval_state state); /* "pending", ... */

/* All that the file beside `journal` tells; none when it is missing. `out` was zero at first; what
 * it remembers of signatures stays. Errors: ERROR_IO. */
bool approvals_read(const char *journal, const struct signing_config *signing, int64_t now_ms,
	struct approvals *out, struct error *error);

/* The newest request for that plan id or hash; NULL none. */
const struct approval *approvals_find(const struct approvals *approvals, const char *id_or_hash);

/* Record a request; does nothing when one for this plan is pending. Errors: as journal_open(). */
bool approvals_ask(const char *journal, const struct plan *plan, const char *by, const char *reason,
	int64_t wall_ms, int64_t within_ms, struct error *error);

/*
 * The request that somebody means by a plan's id, which is short: ERROR_USAGE where there is none,
 * or two for different plans stand under it, and only the whole hash tells them apart.
 */
const struct approval *approvals_pick(const struct approvals *approvals, const char *id_or_hash,
	int64_t now_ms, struct error *error);

/*
 * Whether `by` may answer `row`. ERROR_USAGE (decided or run out already), ERROR_REJECTED (who
 * asked cannot approve), ERROR_UNTRUSTED (nobody knows that it was asked by whom it says).
 */
bool approval_may_decide(
	const struct approval *row, bool give, const char *by, int64_t now_ms, struct error *error);

/* Record an answer that may be given, signed where signing->sign_with is set. Errors: as
 * signature_make() and journal_open(). */
bool approval_record_answer(const char *journal, const struct signing_config *signing,
	const struct approval *row, bool give, const char *by, const char *reason, int64_t wall_ms,
	struct error *error);

/* All three at once, by the file alone. */
bool approvals_decide(const char *journal, const struct signing_config *signing, const char *id,
	bool give, const char *by, const char *reason, int64_t wall_ms, struct error *error);

#endif
