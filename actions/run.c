#include "actions/run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void run_init(struct run *run, size_t request_count)
{
	*run = (struct run){.step = RUN_STEP_NEW, .request_count = request_count};
	run->last.value = NAN;
}

bool run_is_looking(const struct run *run)
{
	return run->step == RUN_STEP_VERIFYING || run->step == RUN_STEP_CHECKING ||
	       run->step == RUN_STEP_LOOKING;
}

bool run_is_sending(const struct run *run)
{
	return run->step == RUN_STEP_SENDING;
}

bool run_has_sent(const struct run *run)
{
	return run->request > 0 || run->step >= RUN_STEP_SENDING;
}

static void journal(struct run_order *out, const char *event, const char *text)
{
	out->kind = RUN_ORDER_JOURNAL;
	out->event = event;
	snprintf(out->text, sizeof(out->text), "%s", text);
}

/* Decide how it ends; "done" goes to the journal, then it is over. */
static void close_run(
	struct run *run, enum outcome_code code, const char *text, struct run_order *out)
{
	run->code = code;
	run->step = RUN_STEP_CLOSING;
	if (text != run->text)
		snprintf(run->text, sizeof(run->text), "%s", text);
	out->code = code;
	journal(out, "done", run->text);
}

static void finish(struct run *run, struct run_order *out)
{
	static const char note[] = " (the journal could not be written after sending)";
	run->step = RUN_STEP_OVER;
	out->kind = RUN_ORDER_FINISH;
	out->code = run->code;
	snprintf(out->text, sizeof(out->text), "%.250s%s", run->text,
		run->was_journal_lost ? note : "");
}

/* Why it stops where some of several requests were accepted already. */
static void close_early(struct run *run, enum outcome_code code, const char *what, const char *why,
	struct run_order *out)
{
	char text[ACTION_TEXT_BYTES];
	if (run->request == 0) {
		snprintf(text, sizeof(text), "%s: %.240s", what, why);
		close_run(run, code, text, out);
		return;
	}
	snprintf(text, sizeof(text),
		"%zu of %zu requests were accepted, then %s: %.200s; those hold", run->request,
		run->request_count, what, why);
	close_run(run, OUTCOME_PARTIAL, text, out);
}

static void mark(struct run *run, struct run_order *out)
{
	char text[64];
	run->step = RUN_STEP_MARK;
	out->request = run->request;
	snprintf(text, sizeof(text), "request %zu of %zu", run->request + 1, run->request_count);
	journal(out, "sent", text);
}

/* After an answer is in the journal (or could not be): on to the next request, or to looking. */
static void after_note(struct run *run, struct run_order *out)
{
	if (run->after_note != RUN_STEP_VERIFYING && run->request > 0) {
		close_early(run, OUTCOME_PARTIAL,
			run->after_note == RUN_STEP_LOOKING ? "one got no answer" : "one failed",
			run->answer, out);
		return;
	}
	if (run->after_note == RUN_STEP_VERIFYING && run->request + 1 < run->request_count) {
		run->request++;
		if (run->was_journal_lost)
			close_early(run, OUTCOME_PARTIAL, "stopped",
				"the journal cannot be written", out);
		else
			mark(run, out);
		return;
	}
	run->step = run->after_note;
	out->kind = RUN_ORDER_WAIT;
}

static void on_journalled(struct run *run, struct run_order *out)
{
	switch (run->step) {
	case RUN_STEP_INTENT:
		mark(run, out);
		return;
	case RUN_STEP_MARK:
		run->step = RUN_STEP_SENDING;
		out->kind = RUN_ORDER_SEND;
		out->request = run->request;
		return;
	case RUN_STEP_NOTE:
		after_note(run, out);
		return;
	case RUN_STEP_VERDICT:
		close_run(run, run->code, run->text, out);
		return;
	case RUN_STEP_CLOSING:
		finish(run, out);
		return;
	case RUN_STEP_NEW:
	case RUN_STEP_SENDING:
	case RUN_STEP_VERIFYING:
	case RUN_STEP_CHECKING:
	case RUN_STEP_LOOKING:
	case RUN_STEP_OVER:
		return;
	}
}

static void on_journal_failed(struct run *run, const char *why, struct run_order *out)
{
	if (run->step == RUN_STEP_INTENT || (run->step == RUN_STEP_MARK && run->request == 0)) {
		run->code = OUTCOME_LOCAL_ERROR;
		snprintf(run->text, sizeof(run->text),
			"nothing was sent, because it could not be recorded first: %.220s", why);
		finish(run, out);
		return;
	}
	run->was_journal_lost = true;
	if (run->step == RUN_STEP_MARK) {
		run->code = OUTCOME_PARTIAL;
		snprintf(run->text, sizeof(run->text),
			"%zu of %zu requests were accepted, then the journal failed: %.180s",
			run->request, run->request_count, why);
		finish(run, out);
		return;
	}
	on_journalled(run, out);
}

static void note(struct run *run, const struct run_event *event, enum run_step next,
	const char *name, const char *nothing_said, struct run_order *out)
{
	const char *text = event->text && event->text[0] ? event->text : nothing_said;
	run->step = RUN_STEP_NOTE;
	run->after_note = next;
	run->answered_ms = event->now_ms;
	snprintf(run->answer, sizeof(run->answer), "%s", text);
	out->request = run->request;
	journal(out, name, text);
}

static void conclude(
	struct run *run, enum outcome_code code, const char *text, struct run_order *out)
{
	run->code = code;
	run->step = RUN_STEP_VERDICT;
	snprintf(run->text, sizeof(run->text), "%s", text);
	out->code = code;
	journal(out, "verify", run->last.text[0] ? run->last.text : "nothing was seen");
}

static void count(struct run *run, int64_t now_ms)
{
	bool good = run->last.kind == READ_BACK_TO && run->last.effect == EFFECT_GOOD;
	bool harms = run->last.kind == READ_BACK_TO && run->last.effect == EFFECT_WORSE;
	run->good = good ? run->good + 1 : 0;
	if (!harms)
		run->harms_since_ms = 0;
	else if (run->harms_since_ms == 0)
		run->harms_since_ms = now_ms;
}

static bool harms_for_long(const struct run *run, int64_t now_ms)
{
	return run->ends_on_harm && run->harms_since_ms > 0 &&
	       now_ms - run->harms_since_ms >= RUN_HARM_MS;
}

/* What can be seen is as it should be; what cannot may not be. */
static void conclude_in_part(struct run *run, struct run_order *out)
{
	char text[ACTION_TEXT_BYTES];
	snprintf(text, sizeof(text),
		"done where it can be seen, and %zu that had been asked cannot: %.220s",
		run->left_out, run->last.text);
	conclude(run, OUTCOME_PARTIAL, text, out);
}

static void look_after_ok(struct run *run, int64_t now_ms, bool is_last, struct run_order *out)
{
	char text[ACTION_TEXT_BYTES];
	const struct read_back *seen = &run->last;
	if (run->good >= RUN_GOOD_SNAPSHOTS && run->left_out > 0) {
		conclude_in_part(run, out);
		return;
	}
	if (run->good >= RUN_GOOD_SNAPSHOTS) {
		snprintf(text, sizeof(text), "done and verified: %.280s", seen->text);
		conclude(run, OUTCOME_DONE, text, out);
		return;
	}
	if (harms_for_long(run, now_ms)) {
		snprintf(text, sizeof(text), "applied, and it harms: %.280s", seen->text);
		conclude(run, OUTCOME_INCONCLUSIVE, text, out);
		return;
	}
	if (!is_last)
		return;
	switch (seen->kind) {
	case READ_BACK_FROM:
		snprintf(text, sizeof(text), "accepted, but nothing changed: %.260s", seen->text);
		conclude(run, OUTCOME_FAILED_UNCHANGED, text, out);
		return;
	case READ_BACK_PARTLY:
		snprintf(text, sizeof(text), "applied in part: %.280s", seen->text);
		conclude(run, OUTCOME_PARTIAL, text, out);
		return;
	case READ_BACK_TO:
		snprintf(text, sizeof(text), "applied and holding, its good not shown: %.250s%s",
			seen->text,
			seen->effect == EFFECT_UNKNOWN ? ", its effect cannot be seen" : "");
		conclude(run, OUTCOME_INCONCLUSIVE, text, out);
		return;
	case READ_BACK_NONE:
	case READ_BACK_OTHER:
		snprintf(text, sizeof(text), "accepted, holding, not verified: %.260s", seen->text);
		conclude(run, OUTCOME_INCONCLUSIVE, text, out);
		return;
	}
}

static void look_after_no(struct run *run, bool is_last, struct run_order *out)
{
	char text[ACTION_TEXT_BYTES];
	const struct read_back *seen = &run->last;
	if (seen->kind == READ_BACK_TO && run->is_release) {
		snprintf(text, sizeof(text), "refused (%.120s), for it is so already: %.150s",
			run->answer, seen->text);
		conclude(run, OUTCOME_DONE, text, out);
	} else if (seen->kind == READ_BACK_FROM) {
		snprintf(text, sizeof(text), "failed and nothing changed: %.260s", run->answer);
		conclude(run, OUTCOME_FAILED_UNCHANGED, text, out);
	} else if (is_last || seen->kind != READ_BACK_NONE) {
		snprintf(text, sizeof(text), "failed (%.120s), and yet read back: %.150s",
			run->answer, seen->text);
		conclude(run, OUTCOME_UNKNOWN, text, out);
	}
}

static void look_after_silence(struct run *run, int64_t now_ms, bool is_last, struct run_order *out)
{
	char text[ACTION_TEXT_BYTES];
	const struct read_back *seen = &run->last;
	bool settled = is_last || now_ms - run->answered_ms >= RUN_SETTLE_MS;
	if (run->good >= RUN_GOOD_SNAPSHOTS && run->left_out > 0) {
		conclude_in_part(run, out);
	} else if (run->good >= RUN_GOOD_SNAPSHOTS) {
		snprintf(text, sizeof(text), "no answer came, but it was applied: %.260s",
			seen->text);
		conclude(run, OUTCOME_DONE, text, out);
	} else if (seen->kind == READ_BACK_FROM && settled) {
		/* Unchanged so far proves nothing: what was sent may sit in a queue and land later.
		 */
		snprintf(text, sizeof(text),
			"outcome unknown: no answer came, and so far %.200s; it may yet take "
			"effect: "
			"read back before doing it again",
			seen->text);
		conclude(run, OUTCOME_UNKNOWN, text, out);
	} else if (is_last) {
		snprintf(text, sizeof(text), "%s: %.130s; read back: %.130s",
			seen->kind == READ_BACK_TO ? "no answer came, but it was applied"
						   : "outcome unknown",
			run->answer, seen->text);
		conclude(run, OUTCOME_UNKNOWN, text, out);
	}
}

static void look(struct run *run, const struct run_event *event, struct run_order *out)
{
	bool is_last = event->kind == RUN_EVENT_DEADLINE;
	if (!run_is_looking(run))
		return;
	if (!is_last) {
		run->last = event->seen;
		count(run, event->now_ms);
	}
	if (run->step == RUN_STEP_VERIFYING)
		look_after_ok(run, event->now_ms, is_last, out);
	else if (run->step == RUN_STEP_CHECKING)
		look_after_no(run, is_last, out);
	else
		look_after_silence(run, event->now_ms, is_last, out);
}

static void interrupt(struct run *run, struct run_order *out)
{
	if (run->step == RUN_STEP_OVER)
		return;
	if (!run_has_sent(run))
		close_run(run, OUTCOME_INTERRUPTED, "interrupted before anything was sent", out);
	else
		close_run(run, OUTCOME_UNKNOWN,
			"interrupted after bytes may have left: read back before trying again",
			out);
}

void run_feed(struct run *run, const struct run_event *event, struct run_order *out)
{
	*out = (struct run_order){.kind = RUN_ORDER_WAIT, .event = ""};
	const char *text = event->text ? event->text : "";
	bool is_sending = run->step == RUN_STEP_SENDING;
	switch (event->kind) {
	case RUN_EVENT_START:
		run->step = RUN_STEP_INTENT;
		journal(out, "intent", text);
		break;
	case RUN_EVENT_JOURNALLED:
		on_journalled(run, out);
		break;
	case RUN_EVENT_JOURNAL_FAILED:
		on_journal_failed(run, text, out);
		break;
	case RUN_EVENT_NOT_SENT:
		if (is_sending)
			close_early(run, event->code,
				event->code == OUTCOME_STALE_PLAN ? "nothing was changed"
								  : "nothing was sent",
				text, out);
		break;
	case RUN_EVENT_REPLIED_OK:
		if (is_sending)
			note(run, event, RUN_STEP_VERIFYING, "reply", "accepted", out);
		break;
	case RUN_EVENT_REPLIED_FAILED:
		if (is_sending)
			note(run, event, RUN_STEP_CHECKING, "failed", "refused", out);
		break;
	case RUN_EVENT_LOST:
		if (is_sending)
			note(run, event, RUN_STEP_LOOKING, "lost", "no answer came", out);
		break;
	case RUN_EVENT_SNAPSHOT:
	case RUN_EVENT_DEADLINE:
		look(run, event, out);
		break;
	case RUN_EVENT_INTERRUPTED:
		interrupt(run, out);
		break;
	}
}
