#include "actions/executor_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/expiry.h"
#include "actions/journal.h"
#include "actions/reaper.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/base/sanitise.h"
#include "core/base/text.h"
#include "core/fleet/snapshot.h"

/* A run that ends a hold in time may send whether or not anybody is armed. */
static bool is_armed_now(void *context)
{
	const struct executor *executor = context;
	return (executor->is_busy && executor->plan.is_end) ||
	       executor_is_armed(executor, loop_now_ms(executor->loop));
}

struct executor *executor_create(struct loop *loop, struct http *http, struct ssh *ssh,
	struct journal *journal, const struct action_configs *configs, const char *operator_name,
	struct error *error)
{
	struct executor *executor = calloc(1, sizeof(*executor));
	if (!executor) {
		error_no_memory(error, "an executor");
		return NULL;
	}
	executor->loop = loop;
	executor->journal = journal;
	executor->configs = configs;
	plan_init(&executor->plan);
	plan_init(&executor->shown);
	sanitise(operator_name, strlen(operator_name), executor->operator_name,
		sizeof(executor->operator_name));
	executor->transport = transport_create(loop, http, ssh, is_armed_now, executor);
	executor->log = run_log_create();
	executor->approvals = calloc(1, sizeof(*executor->approvals));
	const char *path = journal ? journal_path(journal) : configs->journal_file;
	bool ok = executor->transport && executor->log && executor->approvals;
	if (!ok)
		error_no_memory(error, "an executor");
	else if (path)
		ok = run_log_read(executor->log, path, error);
	if (ok)
		run_log_bind(executor->log, configs, loop_now_ms(loop));
	if (ok)
		return executor;
	executor_destroy(executor);
	return NULL;
}

void executor_destroy(struct executor *executor)
{
	if (!executor)
		return;
	executor_drop_replanting(executor);
	if (executor->is_busy)
		executor_interrupt(executor, loop_now_ms(executor->loop));
	loop_timer_stop(executor->loop, executor->deadline_timer);
	transport_destroy(executor->transport);
	run_log_destroy(executor->log);
	free(executor->approvals);
	plan_finish(&executor->plan);
	plan_finish(&executor->shown);
	free(executor->requests);
	free(executor);
}

void executor_coordinate(struct executor *executor, struct coordination *coordination)
{
	struct error error = {.kind = ERROR_NONE};
	executor->coordination = coordination;
	/* A process that died may have told of more than it came to hold. */
	if (executor->journal)
		executor_publish(executor, false, &error);
}

void executor_set_unattended(struct executor *executor, bool is_unattended)
{
	executor->is_unattended = is_unattended;
}

void executor_set_takes_back(struct executor *executor, bool takes_back)
{
	executor->takes_back = takes_back;
}

void executor_set_ticket(struct executor *executor, const char *ticket)
{
	snprintf(executor->ticket, sizeof(executor->ticket), "%s", ticket);
}

void executor_arm(struct executor *executor, int64_t until_ms)
{
	executor->armed_until_ms = until_ms;
}

void executor_disarm(struct executor *executor)
{
	executor->armed_until_ms = 0;
}

bool executor_is_armed(const struct executor *executor, int64_t now_ms)
{
	return now_ms < executor->armed_until_ms;
}

const struct run_view *executor_run(const struct executor *executor)
{
	return executor->has_run ? &executor->entry.view : NULL;
}

bool executor_is_busy(const struct executor *executor)
{
	return executor->is_busy;
}

const char *executor_harming(const struct executor *executor)
{
	const struct run_view *view = &executor->entry.view;
	bool harms = executor->has_run && !executor->is_busy && view->harms && view->can_undo &&
		     executor->configs->guards.undo_harm && !executor->plan.is_undo;
	return harms ? view->id : NULL;
}

size_t executor_runs(const struct executor *executor, struct run_view *out, size_t most)
{
	size_t count = run_log_count(executor->log);
	if (count > most)
		count = most;
	for (size_t i = 0; i < count; i++)
		out[i] = run_log_at(executor->log, i)->view;
	return count;
}

/* ---- carrying out ---- */

static bool write_record(
	struct executor *executor, const struct run_order *order, struct error *error)
{
	struct text members;
	text_init(&members, JOURNAL_LINE_BYTES);
	if (strcmp(order->event, "intent") == 0)
		run_log_write_intent(
			&executor->plan, executor->operator_name, executor->reason, &members);
	else if (strcmp(order->event, "verify") == 0 || strcmp(order->event, "done") == 0)
		run_log_write_code(order->code, &members);
	else
		run_log_write_reply(order->request + 1, executor->entry.kept, &members);
	bool ok = text_ok(&members) || error_no_memory(error, "a journal record");
	ok = ok &&
	     journal_append(executor->journal, executor->entry.view.id, order->event, order->text,
		     text_string(&members), clock_wall_ms(loop_clock(executor->loop)), error);
	text_finish(&members);
	return ok;
}

bool executor_publish(struct executor *executor, bool is_to_hold, struct error *error)
{
	struct hold *holds = executor->in_force;
	int64_t now_ms = loop_now_ms(executor->loop);
	if (!executor->coordination)
		return true;
	size_t count = holds_list(executor->log, now_ms, holds, HOLDS_MOST);
	if (is_to_hold)
		hold_of_run(&executor->entry, now_ms, &holds[count++]);
	return coordination_publish(executor->coordination, holds, count, error);
}

void executor_leave(struct executor *executor)
{
	struct error error = {.kind = ERROR_NONE};
	executor->entry_state = ENTRY_NONE;
	if (!executor->coordination)
		return;
	coordination_leave(executor->coordination, executor->may_land_until_ms);
	/* What cannot be told leaves the others with more than is held, not less. */
	executor_publish(executor, false, &error);
}

static void conclude(struct executor *executor, const struct run_order *order)
{
	struct run_view *view = &executor->entry.view;
	executor->is_busy = false;
	loop_timer_stop(executor->loop, executor->deadline_timer);
	executor->deadline_timer = 0;
	view->code = order->code;
	view->state = order->code == OUTCOME_DONE ? RUN_DONE : RUN_FAILED;
	view->ended_ms = loop_now_ms(executor->loop);
	view->harms = executor->run.last.kind == READ_BACK_TO &&
		      executor->run.last.effect == EFFECT_WORSE;
	view->can_undo =
		!isnan(view->from) &&
		(order->code == OUTCOME_DONE || order->code == OUTCOME_PARTIAL ||
			order->code == OUTCOME_INCONCLUSIVE || order->code == OUTCOME_UNKNOWN);
	snprintf(view->text, sizeof(view->text), "%s", order->text);
	executor->entry.is_closed = true;
	if (run_has_sent(&executor->run))
		executor->entry.was_sent = true;
	run_log_put(executor->log, &executor->entry);
	executor_leave(executor);
}

static void still_alone(void *context, enum coordination_answer alone, const char *why);

static void deadline(void *context)
{
	struct executor *executor = context;
	executor->deadline_timer = 0;
	const struct run_event event = {
		.kind = RUN_EVENT_DEADLINE, .now_ms = loop_now_ms(executor->loop)};
	executor_drive(executor, &event);
}

/* Say what it waits for, and see to it that it does not wait for ever. */
static void wait(struct executor *executor)
{
	struct run_view *view = &executor->entry.view;
	if (!run_is_looking(&executor->run)) {
		view->state = RUN_SENDING;
		snprintf(view->text, sizeof(view->text), "request %zu of %zu sent, no answer yet",
			executor->run.request + 1, executor->run.request_count);
		run_log_put(executor->log, &executor->entry);
		return;
	}
	view->state = RUN_VERIFYING;
	snprintf(view->text, sizeof(view->text), "%.140s; %.160s", executor->run.answer,
		executor->run.last.text[0] ? executor->run.last.text
					   : "waiting for a newer snapshot");
	run_log_put(executor->log, &executor->entry);
	if (executor->deadline_timer == 0)
		executor->deadline_timer = loop_timer_start(executor->loop,
			executor->configs->guards.verify_within_ms, deadline, executor);
}

static void answered(void *context, enum transport_result result, const char *text)
{
	static const enum run_event_kind kinds[] = {
		[TRANSPORT_ACCEPTED] = RUN_EVENT_REPLIED_OK,
		[TRANSPORT_REFUSED] = RUN_EVENT_REPLIED_FAILED,
		[TRANSPORT_CHANGED] = RUN_EVENT_NOT_SENT,
		[TRANSPORT_LOST] = RUN_EVENT_LOST,
		[TRANSPORT_UNREACHABLE] = RUN_EVENT_NOT_SENT,
		[TRANSPORT_NOT_PERMITTED] = RUN_EVENT_NOT_SENT,
		[TRANSPORT_LOCAL_ERROR] = RUN_EVENT_NOT_SENT,
	};
	struct executor *executor = context;
	const struct run_event event = {
		.kind = kinds[result],
		.now_ms = loop_now_ms(executor->loop),
		.code = result == TRANSPORT_UNREACHABLE   ? OUTCOME_UNREACHABLE
			: result == TRANSPORT_LOCAL_ERROR ? OUTCOME_LOCAL_ERROR
			: result == TRANSPORT_CHANGED     ? OUTCOME_STALE_PLAN
							  : OUTCOME_NOT_PERMITTED,
		.text = text,
	};
	executor->answered_generation = executor->generation;
	if (result == TRANSPORT_LOST)
		executor->may_land_until_ms = event.now_ms + RUN_SETTLE_MS;
	if (result == TRANSPORT_ACCEPTED)
		snprintf(executor->entry.kept, sizeof(executor->entry.kept), "%s",
			transport_kept(executor->transport));
	executor_drive(executor, &event);
}

/* Journal as long as the machine has something to journal; false when it has begun to wait or is
 * over. */
static bool obey(struct executor *executor, struct run_order *order)
{
	struct run_event event = {.now_ms = loop_now_ms(executor->loop)};
	struct error error = {.kind = ERROR_NONE};
	if (order->kind == RUN_ORDER_JOURNAL) {
		bool ok = write_record(executor, order, &error);
		event.kind = ok ? RUN_EVENT_JOURNALLED : RUN_EVENT_JOURNAL_FAILED;
		event.text = ok ? NULL : error.text;
		run_feed(&executor->run, &event, order);
		return true;
	}
	if (order->kind == RUN_ORDER_FINISH)
		conclude(executor, order);
	else if (order->kind == RUN_ORDER_WAIT)
		wait(executor);
	return false;
}

/* The last look before bytes leave: without the lock nothing does. */
static void still_alone(void *context, enum coordination_answer alone, const char *why)
{
	struct executor *executor = context;
	char text[ACTION_TEXT_BYTES] = "";
	const struct run_event lost = {.kind = RUN_EVENT_NOT_SENT,
		.now_ms = loop_now_ms(executor->loop),
		.code = OUTCOME_LOCKED,
		.text = why};
	if (alone != COORDINATION_GRANTED) {
		executor_drive(executor, &lost);
		return;
	}
	enum transport_result result = transport_send(executor->transport, executor->action,
		&executor->requests[executor->run.request], answered, executor, text);
	if (result == TRANSPORT_ACCEPTED)
		wait(executor);
	else
		answered(executor, result, text);
}

void executor_drive(struct executor *executor, const struct run_event *event)
{
	struct run_order order;
	char text[ACTION_TEXT_BYTES] = "";
	run_feed(&executor->run, event, &order);
	while (obey(executor, &order))
		continue;
	if (order.kind != RUN_ORDER_SEND)
		return;
	enum coordination_answer alone =
		executor->coordination
			? coordination_check(executor->coordination, still_alone, executor, text)
			: COORDINATION_GRANTED;
	if (alone != COORDINATION_WAIT)
		still_alone(executor, alone, text);
}

void executor_tick(struct executor *executor, const struct snapshot *snapshot,
	const struct assessment *assessment, int64_t now_ms)
{
	executor->generation = snapshot->generation;
	run_log_look(executor->log, snapshot);
	if (executor->entry_state == ENTRY_GRANTED)
		executor_look_again(executor, snapshot, assessment, now_ms);
	if (!executor->is_busy || !run_is_looking(&executor->run) ||
		snapshot->generation <= executor->looked_generation)
		return;
	executor->looked_generation = snapshot->generation;
	struct run_event event = {.kind = RUN_EVENT_SNAPSHOT, .now_ms = now_ms};
	read_back_see(&executor->plan, &executor->configs->guards, snapshot, assessment,
		executor->run.answered_ms, executor->answered_generation, &event.seen);
	executor_drive(executor, &event);
}

void executor_interrupt(struct executor *executor, int64_t now_ms)
{
	executor_drop_replanting(executor);
	if (!executor->is_busy)
		return;
	if (executor->entry_state != ENTRY_NONE) {
		executor_end_unbegun(
			executor, OUTCOME_INTERRUPTED, "interrupted before anything was sent");
		return;
	}
	transport_cancel(executor->transport);
	if (run_is_sending(&executor->run))
		executor->may_land_until_ms =
			now_ms + action_timeout_ms(executor->action) + RUN_SETTLE_MS;
	const struct run_event event = {.kind = RUN_EVENT_INTERRUPTED, .now_ms = now_ms};
	executor_drive(executor, &event);
}

/* ---- holds ---- */

bool executor_is_reaped(const struct executor *executor)
{
	const char *path = executor->journal ? journal_path(executor->journal)
					     : executor->configs->journal_file;
	return executor->takes_back || (path && reaper_is_recent(reaper_last_ms(path),
							clock_wall_ms(loop_clock(executor->loop))));
}

size_t executor_holds(
	const struct executor *executor, int64_t now_ms, struct hold *out, size_t most)
{
	size_t count = holds_list(executor->log, now_ms, out, most);
	bool is_reaped = executor_is_reaped(executor);
	holds_bind(out, count, executor->configs);
	for (size_t i = 0; i < count && is_reaped; i++) {
		if (out[i].protection == HOLD_BY_NOTHING)
			out[i].protection = executor->takes_back ? HOLD_BY_CONSOLE : HOLD_BY_REAPER;
	}
	return count;
}

static bool write_hold(struct executor *executor, const char *id, int64_t until_ms,
	const char *reason, int64_t wall_ms, struct error *error)
{
	char words[ACTION_TEXT_BYTES];
	char clean[ACTION_TEXT_BYTES];
	char until[CLOCK_TEXT_BYTES];
	struct text members;
	sanitise(reason, strlen(reason), clean, sizeof(clean));
	clock_format(until_ms, false, until);
	text_init(&members, JOURNAL_LINE_BYTES);
	run_log_write_hold(executor->operator_name, until_ms, 0, &members);
	snprintf(words, sizeof(words), "%s%s, by %.60s%s%.160s",
		until_ms > 0 ? "holds until " : "kept for good", until_ms > 0 ? until : "",
		executor->operator_name, clean[0] ? ": " : "", clean);
	bool ok = text_ok(&members) || error_no_memory(error, "a journal record");
	ok = ok && journal_append(executor->journal, id, until_ms > 0 ? "extend" : "keep", words,
			   text_string(&members), wall_ms, error);
	text_finish(&members);
	return ok;
}

/* Whether there is such a hold, and where to record what becomes of it. */
static bool may_record(
	const struct executor *executor, const char *id, int64_t wall_ms, struct error *error)
{
	struct hold holds[HOLDS_MOST];
	size_t count = executor_holds(executor, wall_ms, holds, HOLDS_MOST);
	bool found = false;
	for (size_t i = 0; i < count; i++)
		found = found || strcmp(holds[i].run, id) == 0;
	if (!found)
		return error_set(error, ERROR_USAGE, "there is no hold '%.20s'", id);
	if (!executor->journal)
		return error_set(error, ERROR_REJECTED, "there is no journal to record it in");
	const char *trouble = journal_trouble(executor->journal);
	if (trouble[0])
		return error_set(error, ERROR_IO, "%s", trouble);
	return true;
}

bool executor_change_hold(struct executor *executor, const char *id, int64_t until_ms,
	const char *reason, struct error *error)
{
	int64_t wall_ms = clock_wall_ms(loop_clock(executor->loop));
	if (!may_record(executor, id, wall_ms, error) ||
		!write_hold(executor, id, until_ms, reason ? reason : "", wall_ms, error))
		return false;
	struct run_entry entry = *run_log_find(executor->log, id);
	entry.view.expires_ms = until_ms;
	entry.put_offs = 0;
	run_log_put(executor->log, &entry);
	return true;
}

bool executor_put_off(struct executor *executor, const struct hold *hold, bool pages,
	const char *why, struct error *error)
{
	char words[ACTION_TEXT_BYTES];
	char until[CLOCK_TEXT_BYTES];
	struct text members;
	int64_t wall_ms = clock_wall_ms(loop_clock(executor->loop));
	int64_t until_ms = pages ? 0 : wall_ms + EXPIRY_PUT_OFF_MS;
	int put_offs = pages ? EXPIRY_PUT_OFFS_MOST + 1 : hold->put_offs + 1;
	if (!may_record(executor, hold->run, wall_ms, error))
		return false;
	clock_format(until_ms, false, until);
	if (pages)
		snprintf(words, sizeof(words), "a person has to take it back: %.250s", why);
	else
		snprintf(words, sizeof(words), "put off until %s, %d of %d times: %.220s", until,
			put_offs, EXPIRY_PUT_OFFS_MOST, why);
	text_init(&members, JOURNAL_LINE_BYTES);
	run_log_write_hold(executor->operator_name, until_ms, put_offs, &members);
	bool ok = text_ok(&members) || error_no_memory(error, "a journal record");
	ok = ok && journal_append(executor->journal, hold->run, pages ? "page" : "extend", words,
			   text_string(&members), wall_ms, error);
	text_finish(&members);
	if (!ok)
		return false;
	struct run_entry entry = *run_log_find(executor->log, hold->run);
	if (!pages)
		entry.view.expires_ms = until_ms;
	entry.put_offs = put_offs;
	run_log_put(executor->log, &entry);
	struct error untold = {.kind = ERROR_NONE};
	executor_publish(executor, false, &untold);
	return true;
}
