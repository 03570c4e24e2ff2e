#include "app/expired.h"

#include <stdio.h>
#include <string.h>

#include "actions/executor.h"
#include "actions/expiry.h"
#include "actions/journal.h"
#include "actions/reaper.h"
#include "app/control.h"
#include "app/engine.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"

void expired_init(struct expired *expired)
{
	*expired = (struct expired){.noted_ms = 0};
	plan_init(&expired->plan);
}

void expired_finish(struct expired *expired)
{
	plan_finish(&expired->plan);
}

/* ---- one hold ---- */

static void keep(struct expired_news *news, enum outcome_code code, const char *why)
{
	news->end = EXPIRED_KEPT;
	news->code = code;
	snprintf(news->text, sizeof news->text, "%s", why);
}

static const char *blocker(const struct plan *plan)
{
	for (size_t i = 0; i < plan->verdict_count; i++) {
		const struct verdict *verdict = &plan->verdicts[i];
		if (verdict->kind == VERDICT_BLOCK || verdict->kind == VERDICT_UNKNOWN)
			return verdict->text;
	}
	return "a guard";
}

/* There is a plan that takes it back: what becomes of the hold by its action's policy. */
static void judge_plan(const struct plan *plan, const struct hold *hold, enum health health,
	char why[ACTION_TEXT_BYTES], struct expired_news *news)
{
	if (plan->blocked)
		snprintf(why, ACTION_TEXT_BYTES, "%s", blocker(plan));
	else if (hold->on_expiry == EXPIRY_HOLD_AND_PAGE)
		snprintf(why, ACTION_TEXT_BYTES, "its action is not taken back by itself");
	snprintf(news->text, sizeof news->text, "%s", why);
	switch (expiry_decide(hold, plan->blocked, health)) {
	case EXPIRY_TAKE_BACK:
		news->end = EXPIRED_BEGUN;
		news->text[0] = '\0';
		break;
	case EXPIRY_KEEP:
		keep(news, plan_outcome(plan), why);
		break;
	case EXPIRY_PUT_OFF:
		news->end = EXPIRED_PUT_OFF;
		news->code = OUTCOME_REFUSED;
		break;
	case EXPIRY_PAGE:
		news->end = EXPIRED_HANDED;
		news->code = OUTCOME_NEEDS_CONFIRMATION;
		break;
	}
}

void expired_judge(struct expired *expired, const struct control *control,
	const struct engine *engine, const char *environment, const struct hold *hold,
	struct expired_news *news)
{
	struct error error = {0};
	char why[ACTION_TEXT_BYTES];
	int64_t now_ms = loop_now_ms(engine->loop);
	*news = (struct expired_news){.code = OUTCOME_DONE};
	if (executor_plan_end(control->executor, hold->run, environment, engine->snapshot,
		    &engine->assessment, now_ms, &expired->plan, &error)) {
		enum health health = expiry_health(hold, &control->configs.guards, engine->snapshot,
			&engine->assessment, now_ms, why);
		judge_plan(&expired->plan, hold, health, why, news);
	} else if (hold_is_back(hold, engine->snapshot)) {
		news->end = EXPIRED_OVER;
		snprintf(news->text, sizeof news->text, "%s", error.text);
	} else {
		keep(news, OUTCOME_STALE_PLAN, error.text);
	}
}

/* Whether the person whose it is has been told already. */
static bool is_handed(const struct hold *hold, const struct expired_news *news)
{
	return news->end == EXPIRED_HANDED && hold->put_offs > EXPIRY_PUT_OFFS_MOST;
}

/* Told as a page: whoever reads the output, its exit code, the screen or the journal is to look. */
static void hand_over(
	const struct control *control, const struct hold *hold, struct expired_news *news)
{
	char why[ACTION_TEXT_BYTES];
	struct error error = {0};
	bool pages = news->end == EXPIRED_HANDED;
	snprintf(why, sizeof why, "%.*s", (int)sizeof why - 1, news->text);
	if (!is_handed(hold, news) &&
		!executor_put_off(control->executor, hold, pages, why, &error))
		keep(news, OUTCOME_LOCAL_ERROR, error.text);
	else if (pages)
		snprintf(news->text, sizeof news->text,
			"PAGE: a person has to take it back, 'spillway undo %s', or let it last, "
			"'spillway holds extend %s 30m': %s",
			hold->run, hold->run, why);
	else
		snprintf(news->text, sizeof news->text,
			"PAGE: put off by %d min, %d of %d times: %s", EXPIRY_PUT_OFF_MS / 60000,
			hold->put_offs + 1, EXPIRY_PUT_OFFS_MOST, why);
}

void expired_carry_out(struct expired *expired, const struct control *control,
	const struct engine *engine, const struct hold *hold, struct expired_news *news)
{
	char why[ACTION_TEXT_BYTES];
	struct error error = {0};
	enum outcome_code code = OUTCOME_LOCAL_ERROR;
	switch (news->end) {
	case EXPIRED_BEGUN:
		if (!executor_start(control->executor, &expired->plan, expired->plan.hash,
			    "its hold expired", engine->snapshot, &engine->assessment,
			    loop_now_ms(engine->loop), &code, &error))
			keep(news, code, error.text);
		break;
	case EXPIRED_OVER:
		snprintf(why, sizeof why, "%.*s", (int)sizeof why - 1, news->text);
		if (!executor_change_hold(control->executor, hold->run, 0, why, &error))
			keep(news, OUTCOME_LOCAL_ERROR, error.text);
		break;
	case EXPIRED_PUT_OFF:
	case EXPIRED_HANDED:
		hand_over(control, hold, news);
		break;
	case EXPIRED_NOTHING:
	case EXPIRED_TAKEN_BACK:
	case EXPIRED_KEPT:
		break;
	}
}

/* ---- again and again ---- */

/* Of that hold, or, where nothing was tried at it yet, in the place of what was due first. */
static struct expired_try *try_of(struct expired *expired, const char *run)
{
	struct expired_try *oldest = &expired->tries[0];
	for (size_t i = 0; i < HOLDS_MOST; i++) {
		struct expired_try *attempt = &expired->tries[i];
		if (strcmp(attempt->run, run) == 0)
			return attempt;
		if (attempt->next_ms < oldest->next_ms)
			oldest = attempt;
	}
	*oldest = (struct expired_try){.next_ms = 0};
	snprintf(oldest->run, sizeof oldest->run, "%s", run);
	return oldest;
}

/* Whether it is ours to end now: not before what stands on top of it, nor before its timer. */
static bool is_due(struct expired *expired, const struct hold *hold, int64_t now_ms)
{
	int64_t timer_ms = hold->protection == HOLD_BY_TIMER ? EXPIRED_TIMER_MS : 0;
	return hold->is_expired && !hold->under[0] && now_ms >= hold->expires_ms + timer_ms &&
	       now_ms >= try_of(expired, hold->run)->next_ms;
}

static bool find_due(
	struct expired *expired, const struct control *control, int64_t now_ms, struct hold *out)
{
	struct hold holds[HOLDS_MOST];
	size_t count = executor_holds(control->executor, now_ms, holds, HOLDS_MOST);
	for (size_t i = 0; i < count; i++) {
		if (is_due(expired, &holds[i], now_ms)) {
			*out = holds[i];
			return true;
		}
	}
	return false;
}

/* So that a reaper, and whoever asks what protects a hold, knows. */
static void note(struct expired *expired, const struct control *control,
	const struct engine *engine, int64_t now_ms)
{
	const char *path = control->configs.journal_file;
	executor_set_takes_back(control->executor, true);
	if (expired->noted_ms != 0 && now_ms - expired->noted_ms < EXPIRED_NOTE_MS)
		return;
	if (expired->noted_ms == 0)
		expired->before_ms = reaper_last_ms(path);
	expired->noted_ms = now_ms;
	reaper_note(path, clock_wall_ms(loop_clock(engine->loop)));
}

/* The run that was to take one back has ended. */
static void conclude(struct expired *expired, const struct control *control, int64_t now_ms,
	struct expired_news *news)
{
	const struct run_view *run = executor_run(control->executor);
	struct expired_try *attempt = try_of(expired, expired->run);
	/* A run without a name found that there was nothing to change. */
	bool is_back = executor_was_undone(control->executor, expired->run) ||
		       (run && run->code == OUTCOME_DONE && !run->id[0]);
	expired->run[0] = '\0';
	if (run && is_back) {
		news->end = EXPIRED_TAKEN_BACK;
		snprintf(news->text, sizeof news->text, "%s: its time was over, taken back%s%s",
			expired->what, run->id[0] ? " by " : "", run->id);
		return;
	}
	int64_t wait_ms = attempt->wait_ms > 0 ? 2 * attempt->wait_ms : EXPIRED_RETRY_MS;
	if (wait_ms > EXPIRED_RETRY_MOST_MS)
		wait_ms = EXPIRED_RETRY_MOST_MS;
	attempt->wait_ms = wait_ms;
	attempt->next_ms = now_ms + wait_ms;
	news->end = EXPIRED_KEPT;
	news->code = run ? run->code : OUTCOME_LOCAL_ERROR;
	snprintf(news->text, sizeof news->text,
		"%s: its time is over and it was NOT taken back, tried again in %d s: %.300s",
		expired->what, (int)(wait_ms / 1000), run ? run->text : "it did not begin");
}

/* What becomes of one, in a sentence that names it. */
static void tell(struct expired *expired, const struct hold *hold, struct expired_try *attempt,
	struct expired_news *news)
{
	char why[EXPIRED_TEXT_BYTES];
	static const char *const words[] = {
		[EXPIRED_BEGUN] = "its time is over, taking it back",
		[EXPIRED_OVER] = "its time is over: ",
		[EXPIRED_KEPT] = "its time is over and it is kept: ",
		[EXPIRED_PUT_OFF] = "",
		[EXPIRED_HANDED] = "",
	};
	snprintf(expired->what, sizeof expired->what, "%.20s %.40s %.60s", hold->run, hold->action,
		hold->target_path);
	if ((news->end == EXPIRED_KEPT && attempt->is_told) || is_handed(hold, news)) {
		news->end = EXPIRED_NOTHING;
		return;
	}
	attempt->is_told = attempt->is_told || news->end == EXPIRED_KEPT;
	snprintf(why, sizeof why, "%s", news->text);
	snprintf(news->text, sizeof news->text, "%s: %s%.400s", expired->what, words[news->end],
		why);
}

void expired_tick(struct expired *expired, const struct control *control,
	const struct engine *engine, const char *environment, bool waits, struct expired_news *news)
{
	struct hold hold;
	int64_t now_ms = loop_now_ms(engine->loop);
	*news = (struct expired_news){.end = EXPIRED_NOTHING};
	if (!control->may_write || !control->journal || executor_is_busy(control->executor) ||
		executor_is_replanting(control->executor))
		return;
	if (expired->run[0]) {
		conclude(expired, control, now_ms, news);
		return;
	}
	if (journal_trouble(control->journal)[0]) {
		executor_set_takes_back(control->executor, false);
		return;
	}
	if (waits)
		return;
	note(expired, control, engine, now_ms);
	if (!find_due(expired, control, now_ms, &hold))
		return;
	struct expired_try *attempt = try_of(expired, hold.run);
	attempt->next_ms = now_ms + EXPIRED_RETRY_MS;
	expired_judge(expired, control, engine, environment, &hold, news);
	expired_carry_out(expired, control, engine, &hold, news);
	tell(expired, &hold, attempt, news);
	if (news->end == EXPIRED_BEGUN)
		snprintf(expired->run, sizeof expired->run, "%s", hold.run);
}

void expired_leave(struct expired *expired, const struct control *control)
{
	if (control->executor)
		executor_set_takes_back(control->executor, false);
	if (expired->noted_ms != 0)
		reaper_forget(control->configs.journal_file, expired->before_ms);
	expired->noted_ms = 0;
	expired->run[0] = '\0';
}
