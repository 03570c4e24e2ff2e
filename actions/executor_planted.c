#include "actions/executor_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/journal.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/fleet/snapshot.h"

/* Timers being cancelled or planted anew, one host after another. */
struct replanting {
	struct executor *executor;
	const struct action_config *action;
	char run[PLAN_ID_BYTES];
	struct request requests[PLAN_REQUESTS_MOST];
	size_t count, next;
	bool is_cancel;
};

static bool note(const struct replanting *work, const char *text, struct error *error)
{
	struct executor *executor = work->executor;
	return journal_append(executor->journal, work->run, "timer", text, "",
		clock_wall_ms(loop_clock(executor->loop)), error);
}

static void finish(struct replanting *work, const char *trouble)
{
	struct executor *executor = work->executor;
	executor->replanting = NULL;
	executor->is_busy = false;
	snprintf(executor->replant_trouble, sizeof(executor->replant_trouble), "%.300s", trouble);
	free(work);
}

static void send_next(struct replanting *work);

static void replanted(void *context, enum transport_result result, const char *text)
{
	struct replanting *work = context;
	char words[ACTION_TEXT_BYTES];
	snprintf(words, sizeof(words), "the timer beside %.100s %s: %.160s",
		work->requests[work->next].host,
		result != TRANSPORT_ACCEPTED ? "may still stand as it was"
		: work->is_cancel            ? "was cancelled"
					     : "was planted anew",
		text);
	/* What became of it is told to whoever asked, also where it could not be recorded. */
	bool noted = note(work, words, NULL);
	if (result != TRANSPORT_ACCEPTED) {
		finish(work, words);
		return;
	}
	work->next++;
	if (!noted)
		finish(work, "the journal cannot be written");
	else
		send_next(work);
}

static void send_next(struct replanting *work)
{
	char text[ACTION_TEXT_BYTES] = "";
	char words[ACTION_TEXT_BYTES];
	struct error error = {.kind = ERROR_NONE};
	if (work->next == work->count) {
		finish(work, "");
		return;
	}
	snprintf(words, sizeof(words), "about to %s the timer beside %.200s",
		work->is_cancel ? "cancel" : "plant anew", work->requests[work->next].host);
	if (!note(work, words, &error)) {
		finish(work, error.text);
		return;
	}
	enum transport_result result = transport_send(work->executor->transport, work->action,
		&work->requests[work->next], replanted, work, text);
	if (result != TRANSPORT_ACCEPTED)
		replanted(work, result, text);
}

static bool fill(struct replanting *work, const struct run_entry *entry, int64_t left_ms,
	const struct snapshot *snapshot, struct error *error)
{
	uint32_t target =
		fleet_find_path(snapshot->fleet, entry->verb->target, entry->view.target_path);
	if (target == ENTITY_NONE || work->action->info.verb != entry->verb)
		return error_set(error, ERROR_USAGE,
			"run '%s' acted on '%s' by %s, which the fleet file no longer has",
			entry->view.id, entry->view.target_path, entry->verb->name);
	const struct request_change change = {.action = work->action,
		.target = target,
		.from = entry->view.from,
		.to = entry->view.to,
		.hold_ms = left_ms,
		.only_timer = true};
	snprintf(work->run, sizeof(work->run), "%s", entry->view.id);
	work->is_cancel = left_ms <= 0;
	work->count = requests_make(&change, snapshot, work->requests, PLAN_REQUESTS_MOST, error);
	return work->count > 0;
}

bool executor_is_planted(const struct executor *executor, const char *id)
{
	const struct run_entry *entry = run_log_find(executor->log, id);
	return entry && entry->verb && entry->view.planted[0];
}

bool executor_replant(struct executor *executor, const char *id, int64_t left_ms,
	const struct snapshot *snapshot, int64_t now_ms, struct error *error)
{
	const struct run_entry *entry = run_log_find(executor->log, id);
	executor->replant_trouble[0] = '\0';
	if (!entry || !executor_is_planted(executor, id))
		return error_set(error, ERROR_USAGE, "there is no timer of '%.20s'", id);
	if (!executor->journal || !executor_is_armed(executor, now_ms) || executor->is_busy)
		return error_set(error, ERROR_REJECTED, "%s",
			executor->is_busy ? "a change is under way" : "read-only: arm first");
	const struct action_config *action =
		executor_find_action(executor, entry->view.action, error);
	struct replanting *work = action ? calloc(1, sizeof(*work)) : NULL;
	if (!work)
		return action ? error_no_memory(error, "a timer") : false;
	work->executor = executor;
	work->action = action;
	if (!fill(work, entry, left_ms, snapshot, error)) {
		free(work);
		return false;
	}
	executor->replanting = work;
	executor->is_busy = true;
	send_next(work);
	return true;
}

bool executor_is_replanting(const struct executor *executor)
{
	return executor->replanting != NULL;
}

const char *executor_replant_trouble(const struct executor *executor)
{
	return executor->replant_trouble;
}

void executor_drop_replanting(struct executor *executor)
{
	if (!executor->replanting)
		return;
	transport_cancel(executor->transport);
	finish(executor->replanting, "broken off: the timer may stand as it was, or not");
}
