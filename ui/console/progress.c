#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "ui/console/screen.h"
#include "ui/wrap.h"

#define BOX_COLUMNS 78
#define BOX_ROWS 14

struct outcome_words {
	enum outcome_code code;
	const char *words;
	enum role role;
};

static const struct outcome_words outcomes[] = {
	{OUTCOME_DONE, "DONE, VERIFIED", ROLE_OK},
	{OUTCOME_LOCAL_ERROR, "NOT SENT", ROLE_CRITICAL},
	{OUTCOME_REFUSED, "REFUSED", ROLE_CRITICAL},
	{OUTCOME_NEEDS_CONFIRMATION, "NOT CONFIRMED", ROLE_WARNING},
	{OUTCOME_FAILED_UNCHANGED, "FAILED, UNCHANGED", ROLE_CRITICAL},
	{OUTCOME_PARTIAL, "PARTLY APPLIED", ROLE_CRITICAL},
	{OUTCOME_INCONCLUSIVE, "APPLIED, NOT VERIFIED", ROLE_WARNING},
	{OUTCOME_UNKNOWN, "OUTCOME UNKNOWN", ROLE_UNKNOWN},
	{OUTCOME_ROLLED_BACK, "ROLLED BACK", ROLE_WARNING},
	{OUTCOME_ROLLBACK_FAILED, "ROLLBACK FAILED", ROLE_CRITICAL},
	{OUTCOME_STALE_PLAN, "PLAN TOO OLD, NOT SENT", ROLE_WARNING},
	{OUTCOME_LOCKED, "LOCKED, NOT SENT", ROLE_WARNING},
	{OUTCOME_UNREACHABLE, "UNREACHABLE, NOT SENT", ROLE_CRITICAL},
	{OUTCOME_RETRY_LATER, "TOO SOON, NOT SENT", ROLE_WARNING},
	{OUTCOME_NOT_PERMITTED, "NOT PERMITTED", ROLE_CRITICAL},
	{OUTCOME_INTERRUPTED, "INTERRUPTED", ROLE_UNKNOWN},
};

static const char *const state_words[] = {
	[RUN_IDLE] = "NOT STARTED",
	[RUN_INTENT] = "INTENT",
	[RUN_SENDING] = "SENDING",
	[RUN_VERIFYING] = "VERIFYING",
	[RUN_DONE] = "DONE",
	[RUN_FAILED] = "FAILED",
};

static const struct outcome_words *outcome_of(enum outcome_code code)
{
	for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
		if (outcomes[i].code == code)
			return &outcomes[i];
	}
	return NULL;
}

bool run_is_under_way(const struct run_view *run)
{
	return run->state == RUN_INTENT || run->state == RUN_SENDING || run->state == RUN_VERIFYING;
}

const char *run_state_words(const struct run_view *run)
{
	bool ended = run->state == RUN_DONE || run->state == RUN_FAILED;
	const struct outcome_words *outcome = ended ? outcome_of(run->code) : NULL;
	return outcome ? outcome->words : state_words[run->state];
}

enum role run_role(const struct run_view *run)
{
	if (run_is_under_way(run))
		return ROLE_WARNING;
	if (run->state == RUN_IDLE)
		return ROLE_DIM;
	const struct outcome_words *outcome = outcome_of(run->code);
	return outcome ? outcome->role : ROLE_CRITICAL;
}

const struct run_view *progress_run(
	const struct console *console, const struct console_model *model)
{
	if (!model->run || strcmp(model->run->id, console->dialog.run_before) == 0)
		return NULL;
	return model->run;
}

static void steps_draw(const struct view *view, const struct run_view *run, int row, int column)
{
	static const struct {
		enum run_state state;
		const char *words;
	} steps[] = {
		{RUN_INTENT, "intent written to the journal"},
		{RUN_SENDING, "request sent and answered"},
		{RUN_VERIFYING, "effect seen in newer readings"},
	};
	for (int i = 0; i < 3; i++) {
		bool passed = run->state == RUN_DONE ||
			      (run_is_under_way(run) && run->state > steps[i].state);
		bool now = run->state == steps[i].state;
		const char *sign = passed                     ? "OK"
				   : now                      ? ".."
				   : run->state == RUN_FAILED ? "?"
							      : " ";
		canvas_printf(view->canvas, row + i, column, 60,
			now      ? ROLE_STRONG
			: passed ? ROLE_OK
				 : ROLE_DIM,
			"[%2s] %s", sign, steps[i].words);
	}
}

/* Nothing has begun: what the program has said since then is the reason. */
static void waiting_draw(const struct view *view, struct area box)
{
	const struct console_model *model = view->model;
	const char *text = "handing the plan over ...";
	enum role role = ROLE_DIM;
	for (size_t i = 0; i < model->message_count; i++) {
		if (model->messages[i].at_ms >= view->console->dialog.asked_ms) {
			text = model->messages[i].text;
			role = state_role(model->messages[i].severity);
		}
	}
	char line[ACTION_TEXT_BYTES];
	int row = box.row + 2;
	while (row < box.row + box.rows - 2 && wrap_next(&text, box.columns - 6, line, sizeof line))
		canvas_text(view->canvas, row++, box.column + 3, box.columns - 5, role, line);
}

void progress_draw(const struct view *view)
{
	const struct run_view *run = progress_run(view->console, view->model);
	struct area box = console_box(view->canvas, BOX_ROWS, BOX_COLUMNS);
	struct canvas *canvas = view->canvas;
	int left = box.column + 3;
	int room = box.columns - 5;
	char title[128], text[ACTION_TEXT_BYTES], span[FIGURE_BYTES];
	snprintf(title, sizeof title, "RUN %s", run ? run->id : "");
	canvas_box(canvas, box.row, box.column, box.rows, box.columns, ROLE_DIALOG, title);
	canvas_text(canvas, box.row + box.rows - 2, left, room, ROLE_KEY,
		run && !run_is_under_way(run) && run->can_undo
			? "u plan the undo   Esc close"
			: "Esc leave it running (home shows how it goes)");
	if (!run) {
		waiting_draw(view, box);
		return;
	}
	run_line(view, run, text, sizeof text);
	canvas_text(canvas, box.row + 1, left, room, ROLE_DIALOG, text);
	steps_draw(view, run, box.row + 3, left);
	int64_t end_ms = run_is_under_way(run) ? view->model->now_ms : run->ended_ms;
	figure_age(end_ms - run->started_ms, span);
	canvas_printf(canvas, box.row + 7, left, room, run_role(run), "%s %s %s",
		run_state_words(run), run_is_under_way(run) ? "for" : "after", span);
	const char *rest = run->text;
	char line[ACTION_TEXT_BYTES];
	for (int row = box.row + 8; row < box.row + box.rows - 2; row++) {
		if (!wrap_next(&rest, room, line, sizeof line))
			break;
		canvas_text(canvas, row, left, room, ROLE_DIALOG, line);
	}
}
