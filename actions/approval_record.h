/*
 * approval_record.h - requests for approval and their answers as the JSON they are kept in, in the
 * file beside the journal or in a store that several machines share, and whether one counts.
 *
 *   {"at":"...Z","run":"p-4f1c2a","event":"ask","text":"<the change>","by":"kim",
 *    "plan_hash":"<sha256>","expires":"...Z","signature":"<armoured>"}
 *   {..., "event":"approve" or "deny","text":"<the reason>","by":"ann","plan_hash":...}
 *
 * The file is chained and its owner's; a store is anybody's who can reach it, so what comes from
 * there counts for less: a request only when who asked signed it, with the change in words, and an
 * approval only when who gave it signed it, for that request, while it stood. Without
 * signing->allowed_signers neither does. A denial needs no signature: it can only keep things as
 * they are. Pure, but that ssh-keygen is asked.
 */
#ifndef ACTIONS_APPROVAL_RECORD_H
#define ACTIONS_APPROVAL_RECORD_H

#include "actions/approval.h"

struct text;

#define APPROVAL_RECORD_BYTES ((size_t)8192)
#define APPROVAL_SKEW_MS 60000 /* that the clocks of two machines may differ by */

/* The request as it stands in a store, signed where signing->sign_with is set. Errors: as
 * signature_make(), ERROR_NO_MEMORY. */
bool approval_write_request(const struct approval *row, const struct signing_config *signing,
	struct text *out, struct error *error);

/* An answer to `row`, likewise; in a file, which has the rest around it, its own members only. */
bool approval_write_answer(const struct approval *row, const struct signing_config *signing,
	bool give, const char *by, const char *reason, int64_t wall_ms, bool is_whole,
	struct text *out, struct error *error);

/* A line of the file whose chain was verified. */
void approvals_add_line(struct approvals *approvals, const char *line, size_t length,
	const struct signing_config *signing, int64_t now_ms);

/*
 * Records that came by way of a store, in any order, to those that the file tells of. A request
 * that stands in the file too is the file's. What is no record is passed over.
 */
void approvals_add_shared(struct approvals *approvals, const char *const *values, size_t count,
	const struct signing_config *signing, int64_t now_ms);

#endif
