#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ui/console/plan_text.h"
#include "ui/console/screen.h"

#define BOX_COLUMNS 110
#define VALUE_SLACK 0.5001 /* a planner may round to whole things */

void dialog_open(struct console *console, const struct menu_row *row, double value)
{
	console->dialog = (struct dialog){.target = row->target, .value = value};
	snprintf(console->dialog.action, sizeof console->dialog.action, "%s", row->action);
	console->overlay = OVERLAY_PLAN;
}

void dialog_open_undo(struct console *console, const char *run_id)
{
	console->dialog = (struct dialog){.is_undo = true, .target = ENTITY_NONE};
	snprintf(console->dialog.run_id, sizeof console->dialog.run_id, "%s", run_id);
	console->overlay = OVERLAY_PLAN;
}

const struct plan *dialog_plan(const struct console *console, const struct console_model *model)
{
	const struct dialog *dialog = &console->dialog;
	const struct plan *plan = model->plan;
	if (!plan)
		return NULL;
	if (dialog->is_undo)
		return plan->is_undo && strcmp(plan->undo_of, dialog->run_id) == 0 ? plan : NULL;
	bool same = !plan->is_undo && strcmp(plan->action, dialog->action) == 0 &&
		    plan->target == dialog->target && fabs(plan->to - dialog->value) < VALUE_SLACK;
	return same ? plan : NULL;
}

static bool needs_reason(const struct plan *plan)
{
	return plan->needs_typed_name || environment_is_prod(plan->environment);
}

void dialog_obstacle(const struct console *console, const struct console_model *model,
	const struct plan *plan, char *out, size_t size)
{
	const struct dialog *dialog = &console->dialog;
	const char *why = "";
	if (!plan || strcmp(plan->hash, dialog->drawn_hash) != 0)
		why = "the plan is not on the screen yet";
	else if (plan->no_change)
		why = "there is nothing to change";
	else if (plan->blocked)
		why = "refused by guards";
	else if (dialog->changed)
		why = "the plan CHANGED since you looked: look again, then Tab";
	else if (plan->expires_ms <= model->now_ms)
		why = "the plan is too old: p plans again";
	else if (!dialog->seen_whole)
		why = "scroll down (PgDn) and see all of it first";
	else if (!model_is_armed(model))
		why = model->may_arm ? "READ-ONLY: A arms (then p plans again)"
				     : "READ-ONLY for good in this program";
	else if (needs_reason(plan) && !dialog->reason.text[0])
		why = "a reason must be given here";
	else if (plan->needs_typed_name && strcmp(dialog->name.text, plan->target_path) != 0)
		why = "the target's name must be typed";
	snprintf(out, size, "%s", why);
}

bool console_is_confirming(const struct console *console, const struct console_model *model)
{
	bool is_open = console->overlay == OVERLAY_PLAN ||
		       (console->overlay == OVERLAY_ARM && console->below == OVERLAY_PLAN);
	const struct plan *plan = is_open ? dialog_plan(console, model) : NULL;
	return plan && model->now_ms < plan->expires_ms;
}

static struct console_request ask_plan(const struct dialog *dialog)
{
	struct console_request request = {
		.kind = dialog->is_undo ? REQUEST_UNDO : REQUEST_PLAN,
		.target = dialog->target,
		.value = dialog->value,
	};
	snprintf(request.action, sizeof request.action, "%s", dialog->action);
	snprintf(request.run_id, sizeof request.run_id, "%s", dialog->run_id);
	return request;
}

static struct console_request try_run(struct console *console, const struct console_model *model)
{
	struct dialog *dialog = &console->dialog;
	const struct plan *plan = dialog_plan(console, model);
	struct console_request request = {.kind = REQUEST_REDRAW};
	char why[NOTICE_BYTES];
	if (dialog->focus != FOCUS_RUN) {
		console_notice(
			console, "Enter does nothing until Tab has moved to Run; Esc cancels");
		return request;
	}
	dialog_obstacle(console, model, plan, why, sizeof why);
	if (why[0] || !plan) {
		console_notice(console, "not run: %s", why);
		dialog->focus = dialog->changed ? FOCUS_CANCEL : dialog->focus;
		return request;
	}
	request = ask_plan(dialog);
	request.kind = REQUEST_RUN;
	request.target = plan->target;
	request.value = plan->to;
	snprintf(request.action, sizeof request.action, "%s", plan->action);
	snprintf(request.plan_hash, sizeof request.plan_hash, "%s", dialog->drawn_hash);
	snprintf(request.reason, sizeof request.reason, "%s", dialog->reason.text);
	snprintf(dialog->run_before, sizeof dialog->run_before, "%s",
		model->run ? model->run->id : "");
	dialog->asked_ms = model->now_ms;
	console->overlay = OVERLAY_PROGRESS;
	return request;
}

static void move_focus(struct dialog *dialog, const struct plan *plan, int by)
{
	/* To move on is to have looked. */
	dialog->changed = false;
	int focus = (int)dialog->focus;
	do {
		focus = (focus + by + FOCUS_RUN + 1) % (FOCUS_RUN + 1);
	} while (focus == FOCUS_NAME && !(plan && plan->needs_typed_name));
	dialog->focus = (enum plan_focus)focus;
}

static void scroll(struct dialog *dialog, enum command command)
{
	struct list list = {.selected = dialog->top, .page = dialog->page};
	size_t last = dialog->lines > dialog->page ? dialog->lines - dialog->page : 0;
	list_move(&list, command, last + 1);
	dialog->top = list.selected;
}

static struct console_request safe_step(struct console *console, const struct console_model *model)
{
	const struct plan *plan = dialog_plan(console, model);
	if (!plan || !plan->blocked || isnan(plan->largest_safe_to)) {
		console_notice(console, plan && !plan->blocked ? "this step is safe already"
							       : "there is no safe step to offer");
		return (struct console_request){.kind = REQUEST_REDRAW};
	}
	struct menu_row row = {.verb = plan->verb, .target = plan->target};
	snprintf(row.action, sizeof row.action, "%s", plan->action);
	struct prompt reason = console->dialog.reason;
	dialog_open(console, &row, plan->largest_safe_to);
	console->dialog.reason = reason;
	return ask_plan(&console->dialog);
}

struct console_request dialog_command(
	struct console *console, const struct console_model *model, enum command command)
{
	struct dialog *dialog = &console->dialog;
	struct console_request request = {.kind = REQUEST_REDRAW};
	if (command == COMMAND_BACK) {
		console->overlay = OVERLAY_NONE;
		request.kind = REQUEST_DROP_PLAN;
	} else if (command == COMMAND_ACCEPT) {
		request = try_run(console, model);
	} else if (command == COMMAND_NEXT_FIELD) {
		move_focus(dialog, dialog_plan(console, model), 1);
	} else if (command == COMMAND_PREVIOUS_FIELD) {
		move_focus(dialog, dialog_plan(console, model), -1);
	} else if (command == COMMAND_SAFE_STEP) {
		request = safe_step(console, model);
	} else if (command == COMMAND_IN_FULL) {
		dialog->in_full = !dialog->in_full;
	} else if (command == COMMAND_AGAIN) {
		request = ask_plan(dialog);
	} else {
		scroll(dialog, command);
	}
	return request;
}

/* ---- drawing ---- */

static void button(
	const struct view *view, int row, int column, const char *label, bool focused, bool works)
{
	enum role role = focused ? ROLE_SELECTED : works ? ROLE_STRONG : ROLE_DIM;
	canvas_printf(view->canvas, row, column, 12, role, "%s %s %s", focused ? ">[" : " [", label,
		focused ? "]<" : "] ");
}

static void field_draw(const struct view *view, int row, struct area box, const char *label,
	const struct prompt *prompt, bool focused, const char *remark)
{
	int left = box.column + 2;
	int width = box.columns / 2 - 6;
	canvas_text(view->canvas, row, left, 10, ROLE_DIALOG, label);
	prompt_draw(prompt, view->canvas, row, left + 11, width, focused);
	canvas_text(
		view->canvas, row, left + 12 + width, box.columns - width - 16, ROLE_DIM, remark);
}

/* Reason, name and buttons: always in sight, below what may scroll. Returns its rows. */
static int footer_rows(const struct plan *plan)
{
	return plan && plan->needs_typed_name ? 4 : 3;
}

static void footer_draw(const struct view *view, const struct plan *plan, struct area box)
{
	struct dialog *dialog = &view->console->dialog;
	int row = box.row + box.rows - 1 - footer_rows(plan);
	char why[NOTICE_BYTES], text[NOTICE_BYTES];
	canvas_rule(view->canvas, row++, box.column + 1, box.columns - 2, "");
	field_draw(view, row++, box, "reason", &dialog->reason, dialog->focus == FOCUS_REASON,
		needs_reason(plan) ? "required, goes into the journal" : "goes into the journal");
	if (plan->needs_typed_name) {
		snprintf(text, sizeof text, "type %.60s", plan->target_path);
		field_draw(
			view, row++, box, "name", &dialog->name, dialog->focus == FOCUS_NAME, text);
	}
	dialog_obstacle(view->console, view->model, plan, why, sizeof why);
	button(view, row, box.column + 2, "Cancel", dialog->focus == FOCUS_CANCEL, true);
	button(view, row, box.column + 15, "Run", dialog->focus == FOCUS_RUN, !why[0]);
	if (why[0])
		snprintf(text, sizeof text, "off: %.140s", why);
	else
		snprintf(text, sizeof text, "%s",
			dialog->focus == FOCUS_RUN ? "Enter runs exactly this"
						   : "Tab to Run, then Enter");
	canvas_text(view->canvas, row, box.column + 26, box.columns - 28,
		why[0] ? ROLE_WARNING : ROLE_OK, text);
	canvas_text(view->canvas, row + 1, box.column + 2, box.columns - 4, ROLE_KEY,
		plan->blocked && !isnan(plan->largest_safe_to)
			? " Esc cancel  s largest safe step  p plan again  v every sum  j k scroll "
			: " Esc cancel  Tab focus  p plan again  v every sum  j k scroll ");
}

/* What is on the screen from now on: another hash than before means a second look. */
static void note_drawn(struct dialog *dialog, const struct plan *plan)
{
	if (strcmp(dialog->drawn_hash, plan->hash) == 0)
		return;
	dialog->changed = dialog->drawn_hash[0] != '\0';
	dialog->focus = FOCUS_CANCEL;
	dialog->seen_whole = false;
	dialog->top = 0;
	snprintf(dialog->drawn_hash, sizeof dialog->drawn_hash, "%s", plan->hash);
}

static void body_draw(
	const struct view *view, const struct plan_text *text, struct area box, int rows)
{
	struct dialog *dialog = &view->console->dialog;
	dialog->lines = text->count;
	dialog->page = rows > 0 ? (size_t)rows : 0;
	size_t last = dialog->lines > dialog->page ? dialog->lines - dialog->page : 0;
	dialog->top = dialog->top < last ? dialog->top : last;
	for (size_t i = 0; i < dialog->page && dialog->top + i < text->count; i++) {
		const struct plan_line *line = &text->lines[dialog->top + i];
		int row = box.row + 1 + (int)i;
		canvas_text(view->canvas, row, box.column + 2, 10, ROLE_DIM, line->label);
		int at = box.column + 13;
		if (line->badge) {
			canvas_text(
				view->canvas, row, at, PLAN_BADGE_COLUMNS, line->role, line->badge);
			at += PLAN_BADGE_COLUMNS;
		}
		canvas_text(view->canvas, row, at, box.column + box.columns - 2 - at,
			line->badge ? ROLE_DIALOG : line->role, line->text);
	}
	if (dialog->top >= last && rows > 0)
		dialog->seen_whole = true;
}

/* Said on the rule under the body: there it hides nothing. */
static void more_draw(
	const struct view *view, const struct plan_text *text, struct area box, int row)
{
	const struct dialog *dialog = &view->console->dialog;
	size_t shown = dialog->top + dialog->page;
	if (shown < text->count)
		canvas_printf(view->canvas, box.row + row + 1, box.column + 13, box.columns - 15,
			ROLE_KEY, " %zu more below: PgDn ", text->count - shown);
}

static void nothing_draw(const struct view *view)
{
	struct area box = console_box(view->canvas, 7, 78);
	const char *trouble = view->model->plan_trouble;
	bool failed = trouble && trouble[0];
	canvas_box(view->canvas, box.row, box.column, box.rows, box.columns, ROLE_DIALOG, "PLAN");
	struct plan_text text = {0};
	plan_text_add(&text, box.columns - 15, failed ? ROLE_CRITICAL : ROLE_DIM,
		failed ? "no plan" : "", NULL, failed ? trouble : "making the plan ...");
	body_draw(view, &text, box, 4);
	canvas_text(view->canvas, box.row + 5, box.column + 3, box.columns - 5, ROLE_KEY,
		"Esc close   p plan again");
	view->console->dialog.drawn_hash[0] = '\0';
}

void dialog_draw(const struct view *view)
{
	struct dialog *dialog = &view->console->dialog;
	const struct plan *plan = dialog_plan(view->console, view->model);
	if (!plan) {
		nothing_draw(view);
		return;
	}
	note_drawn(dialog, plan);
	struct area box = console_box(view->canvas, canvas_rows(view->canvas), BOX_COLUMNS);
	struct plan_text text = {0};
	plan_text_make(
		plan, view->model, dialog->changed, !dialog->in_full, box.columns - 15, &text);
	box = console_box(view->canvas, (int)text.count + 2 + footer_rows(plan), BOX_COLUMNS);
	char title[ENTITY_PATH_BYTES + 96], environment[ENTITY_NAME_BYTES + 4];
	snprintf(title, sizeof title, "PLAN%s: %s, %s", plan->is_undo ? " TO UNDO" : "",
		plan->verb ? plan->verb->label : plan->action, plan->target_path);
	canvas_box(view->canvas, box.row, box.column, box.rows, box.columns, ROLE_DIALOG, title);
	snprintf(environment, sizeof environment, " %s ", plan->environment);
	canvas_text_right(view->canvas, box.row, box.column + box.columns - 24, 22,
		environment_is_prod(plan->environment) ? ROLE_BANNER_PROD : ROLE_BANNER,
		environment);
	body_draw(view, &text, box, box.rows - 2 - footer_rows(plan));
	footer_draw(view, plan, box);
	more_draw(view, &text, box, box.rows - 2 - footer_rows(plan));
}
