/* executor_approval.c - what other people say to plans: asked here and in the store, read from
 * both.
 */
#include "actions/executor_parts.h"

#include <stdlib.h>

#include "actions/approval_record.h"
#include "actions/approval_store.h"
#include "actions/journal.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/base/text.h"

bool executor_read_approvals(struct executor *executor, int64_t now_ms, struct error *error)
{
	const char *values[COORDINATION_NOTES_MOST];
	const struct signing_config *signing = &executor->configs->signing;
	if (!executor->journal)
		return true;
	if (!approvals_read(
		    journal_path(executor->journal), signing, now_ms, executor->approvals, error))
		return false;
	if (!executor->coordination)
		return true;
	size_t count = coordination_notes(
		executor->coordination, APPROVAL_STORE_PREFIX, values, COORDINATION_NOTES_MOST);
	approvals_add_shared(executor->approvals, values, count, signing, now_ms);
	return true;
}

const struct approval *executor_approval(const struct executor *executor, const char *hash)
{
	return approvals_find(executor->approvals, hash);
}

/* The request as the journal has it, to those who do not see this journal. */
static bool tell_others(
	struct executor *executor, const char *hash, int64_t wall_ms, struct error *error)
{
	char name[ETCD_KEY_BYTES];
	struct text value;
	const struct approval *row = executor_approval(executor, hash);
	if (!row)
		return error_set(error, ERROR_IO, "the request for approval cannot be read back");
	text_init(&value, APPROVAL_RECORD_BYTES);
	approval_store_name(hash, NULL, name);
	bool ok = approval_write_request(row, &executor->configs->signing, &value, error);
	if (ok && !coordination_note(executor->coordination, name, text_string(&value),
			  row->expires_ms - wall_ms + APPROVAL_STORE_AFTER_MS))
		ok = error_set(error, ERROR_LIMIT, "another request is still being told");
	text_finish(&value);
	return ok;
}

bool executor_ask_approval(
	struct executor *executor, const struct plan *plan, const char *reason, struct error *error)
{
	int64_t wall_ms = clock_wall_ms(loop_clock(executor->loop));
	if (!executor->journal)
		return error_set(error, ERROR_REJECTED, "there is no journal to ask in");
	if (!approvals_ask(journal_path(executor->journal), plan, executor->operator_name,
		    reason ? reason : "", wall_ms, executor->configs->guards.approve_within_ms,
		    error))
		return false;
	if (!executor->coordination || !executor->configs->coordination.is_etcd)
		return true;
	return executor_read_approvals(executor, wall_ms, error) &&
	       tell_others(executor, plan->hash, wall_ms, error);
}

enum coordination_answer executor_asked(
	const struct executor *executor, char text[ACTION_TEXT_BYTES])
{
	text[0] = '\0';
	return executor->coordination ? coordination_noted(executor->coordination, text)
				      : COORDINATION_GRANTED;
}
