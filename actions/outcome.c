#include "actions/config.h"

static const struct outcome_row rows[] = {
	{OUTCOME_DONE, "done", "done and verified; of a plan: nothing to change"},
	{OUTCOME_LOCAL_ERROR, "local error", "an error on this machine; nothing was sent"},
	{OUTCOME_REFUSED, "refused", "refused by guards, all of them listed; nothing was sent"},
	{OUTCOME_NEEDS_CONFIRMATION, "needs confirmation",
		"confirmation or approval is missing, was denied or expired; nothing was sent"},
	{OUTCOME_FAILED_UNCHANGED, "failed", "failed, and nothing changed"},
	{OUTCOME_PARTIAL, "partly applied", "applied in part; what was applied stays"},
	{OUTCOME_INCONCLUSIVE, "inconclusive",
		"applied, but verification came to no conclusion; holding"},
	{OUTCOME_UNKNOWN, "unknown", "sent, and no answer came: read back before trying again"},
	{OUTCOME_ROLLED_BACK, "rolled back", "verification failed, and the change was taken back"},
	{OUTCOME_ROLLBACK_FAILED, "rollback failed",
		"taking the change back failed: a human is needed"},
	{OUTCOME_STALE_PLAN, "stale plan", "the plan or its target changed since it was read"},
	{OUTCOME_LOCKED, "locked", "another program or run holds the lock"},
	{OUTCOME_CHANGES_PENDING, "changes pending", "of a plan: there is something to do"},
	{OUTCOME_USAGE, "usage", "the command line is wrong"},
	{OUTCOME_BAD_RUNBOOK, "bad runbook", "the runbook is wrong"},
	{OUTCOME_UNREACHABLE, "unreachable", "the system could not be reached; nothing was sent"},
	{OUTCOME_RETRY_LATER, "retry later", "a cool-down is running: try again after it"},
	{OUTCOME_NOT_PERMITTED, "not permitted", "read-only, or not permitted; nothing was sent"},
	{OUTCOME_BAD_CONFIG, "bad configuration", "the fleet file is wrong"},
	{OUTCOME_INTERRUPTED, "interrupted", "interrupted before anything was sent"},
};

const struct outcome_row *outcome_rows(size_t *count)
{
	*count = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

const char *outcome_name(enum outcome_code code)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].code == code)
			return rows[i].name;
	}
	return "unheard-of";
}
