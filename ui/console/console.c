#include "ui/console/console.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/fleet/snapshot.h"
#include "ui/console/screen.h"
#include "ui/terminal.h"

struct screen_row {
	const char *name;
	void (*draw)(const struct view *view);
	enum context context;
};

static const struct screen_row screens[SCREEN_COUNT] = {
	[SCREEN_HOME] = {"home", home_draw, CONTEXT_HOME},
	[SCREEN_CLUSTER] = {"cluster", cluster_draw, CONTEXT_CLUSTER},
	[SCREEN_JOURNAL] = {"journal", journal_draw, CONTEXT_LIST},
	[SCREEN_RUNS] = {"runs", runs_draw, CONTEXT_LIST},
	[SCREEN_ERRORS] = {"errors", errors_draw, CONTEXT_LIST},
	[SCREEN_SOURCES] = {"sources", sources_draw, CONTEXT_LIST},
	[SCREEN_WHY] = {"why", why_draw, CONTEXT_LIST},
	[SCREEN_HOLDS] = {"holds", holds_draw, CONTEXT_LIST},
	[SCREEN_HELP] = {"help", help_draw, CONTEXT_LIST},
};

static const int window_ladder[] = {0, 2, 10, 30, 60};

typedef struct console_request command_fn(
	struct console *console, const struct console_model *model, enum command command);

static const struct console_request redraw = {.kind = REQUEST_REDRAW};

struct console *console_create(void)
{
	struct console *console = calloc(1, sizeof *console);
	if (!console)
		return NULL;
	console->selected = ENTITY_NONE;
	console->lists[SCREEN_JOURNAL].at_end = true;
	return console;
}

void console_destroy(struct console *console)
{
	free(console);
}

void console_notice(struct console *console, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(console->notice, sizeof console->notice, format, arguments);
	va_end(arguments);
}

enum context console_context(const struct console *console)
{
	static const enum context contexts[] = {
		[OVERLAY_MENU] = CONTEXT_MENU,
		[OVERLAY_VALUE] = CONTEXT_VALUE,
		[OVERLAY_PLAN] = CONTEXT_PLAN,
		[OVERLAY_PROGRESS] = CONTEXT_PROGRESS,
		[OVERLAY_ARM] = CONTEXT_ASK,
		[OVERLAY_QUIT] = CONTEXT_ASK,
		[OVERLAY_FILTER] = CONTEXT_LINE,
		[OVERLAY_PALETTE] = CONTEXT_LINE,
	};
	return console->overlay == OVERLAY_NONE ? screens[console->screen].context
						: contexts[console->overlay];
}

struct area console_box(const struct canvas *canvas, int rows, int columns)
{
	/* Slivers of the screen beside a box would only confuse: then it takes the whole width. */
	int most_rows = canvas_rows(canvas) - 2;
	int most_columns = canvas_columns(canvas);
	columns = columns + 8 > most_columns ? most_columns : columns;
	struct area box = {
		.rows = rows < most_rows ? rows : most_rows,
		.columns = columns < most_columns ? columns : most_columns,
	};
	box.row = (canvas_rows(canvas) - box.rows) / 2;
	box.column = (canvas_columns(canvas) - box.columns) / 2;
	return box;
}

/* The field that takes characters now, NULL when keys are commands. */
static struct prompt *typing_in(struct console *console)
{
	enum overlay overlay = console->overlay;
	if (overlay == OVERLAY_VALUE || overlay == OVERLAY_FILTER || overlay == OVERLAY_PALETTE)
		return &console->line;
	if (overlay == OVERLAY_PLAN && console->dialog.focus == FOCUS_REASON)
		return &console->dialog.reason;
	if (overlay == OVERLAY_PLAN && console->dialog.focus == FOCUS_NAME)
		return &console->dialog.name;
	return NULL;
}

static size_t list_count(const struct console *console, const struct console_model *model)
{
	switch (console->screen) {
	case SCREEN_JOURNAL:
		return model->journal_count;
	case SCREEN_RUNS:
		return model->run_count;
	case SCREEN_ERRORS:
		return model->message_count;
	case SCREEN_SOURCES:
		return model->snapshot ? model->snapshot->source_count : 0;
	case SCREEN_WHY:
		return console->why_tops;
	case SCREEN_HOLDS:
		return holds_count(model);
	case SCREEN_HELP:
		return help_count();
	case SCREEN_HOME:
	case SCREEN_CLUSTER:
	case SCREEN_COUNT:
		break;
	}
	return 0;
}

static struct console_request move(
	struct console *console, const struct console_model *model, enum command command)
{
	if (console->overlay == OVERLAY_MENU)
		list_move(&console->menu.list, command, console->menu.count);
	else if (console->overlay == OVERLAY_PLAN)
		return dialog_command(console, model, command);
	else if (console->screen == SCREEN_HOME || console->screen == SCREEN_CLUSTER)
		clusters_move(console, model, command);
	else
		list_move(&console->lists[console->screen], command, list_count(console, model));
	return redraw;
}

static void show(struct console *console, enum screen_id screen)
{
	console->screen = screen;
	console->overlay = OVERLAY_NONE;
}

static struct console_request open_screen(
	struct console *console, const struct console_model *model, enum command command)
{
	static const enum screen_id targets[COMMAND_COUNT] = {
		[COMMAND_JOURNAL] = SCREEN_JOURNAL,
		[COMMAND_RUNS] = SCREEN_RUNS,
		[COMMAND_ERRORS] = SCREEN_ERRORS,
		[COMMAND_SOURCES] = SCREEN_SOURCES,
		[COMMAND_WHY] = SCREEN_WHY,
		[COMMAND_HOLDS] = SCREEN_HOLDS,
		[COMMAND_HELP] = SCREEN_HELP,
		[COMMAND_HOME] = SCREEN_HOME,
		[COMMAND_OPEN] = SCREEN_CLUSTER,
	};
	if (command == COMMAND_OPEN) {
		uint32_t cluster = clusters_selected(console, model);
		if (cluster == ENTITY_NONE) {
			console_notice(console, "no cluster is selected");
			return redraw;
		}
		console->selected = cluster;
	}
	if (command == COMMAND_ERRORS && model->message_count > 0)
		console->read_until_ms = model->messages[model->message_count - 1].at_ms;
	show(console, targets[command]);
	return redraw;
}

static struct console_request back(
	struct console *console, const struct console_model *model, enum command command)
{
	switch (console->overlay) {
	case OVERLAY_PLAN:
		return dialog_command(console, model, command);
	case OVERLAY_PROGRESS:
		console->overlay = OVERLAY_NONE;
		return (struct console_request){.kind = REQUEST_DROP_PLAN};
	case OVERLAY_ARM:
		console->overlay = console->below;
		return redraw;
	case OVERLAY_FILTER:
		prompt_set(&console->filter, "");
		break;
	case OVERLAY_NONE:
		if (console->screen == SCREEN_HOME)
			prompt_set(&console->filter, "");
		console->screen = SCREEN_HOME;
		break;
	case OVERLAY_MENU:
	case OVERLAY_VALUE:
	case OVERLAY_QUIT:
	case OVERLAY_PALETTE:
		break;
	}
	console->overlay = OVERLAY_NONE;
	return redraw;
}

static struct console_request act(
	struct console *console, const struct console_model *model, enum command command)
{
	(void)command;
	menu_open(console, model);
	return redraw;
}

static struct console_request plan_for(struct console *console, double value)
{
	const struct menu_row *chosen = &console->menu.chosen;
	struct console_request request = {
		.kind = REQUEST_PLAN, .target = chosen->target, .value = value};
	snprintf(request.action, sizeof request.action, "%s", chosen->action);
	dialog_open(console, chosen, value);
	return request;
}

static struct console_request accept_line(
	struct console *console, const struct console_model *model);

static struct console_request accept(
	struct console *console, const struct console_model *model, enum command command)
{
	double value = 0.0;
	switch (console->overlay) {
	case OVERLAY_MENU:
		console->menu.chosen = console->menu.rows[console->menu.list.selected];
		if (console->menu.chosen.verb->is_fixed)
			return plan_for(console, console->menu.chosen.verb->fixed_to);
		value_open(console, model);
		return redraw;
	case OVERLAY_VALUE:
		return value_read(console, model, &value) ? plan_for(console, value) : redraw;
	case OVERLAY_PLAN:
		return dialog_command(console, model, command);
	case OVERLAY_FILTER:
		console->filter = console->line;
		console->overlay = OVERLAY_NONE;
		return redraw;
	case OVERLAY_PALETTE:
		return accept_line(console, model);
	case OVERLAY_NONE:
	case OVERLAY_PROGRESS:
	case OVERLAY_ARM:
	case OVERLAY_QUIT:
		break;
	}
	return redraw;
}

static struct console_request arm(
	struct console *console, const struct console_model *model, enum command command)
{
	(void)command;
	if (model_is_armed(model))
		return (struct console_request){.kind = REQUEST_DISARM};
	if (!model->may_arm) {
		console_notice(console, "read-only for good: this program was started that way");
		return redraw;
	}
	console->below = console->overlay;
	console->overlay = OVERLAY_ARM;
	return redraw;
}

static struct console_request undo(
	struct console *console, const struct console_model *model, enum command command)
{
	(void)command;
	const struct run_view *run = NULL;
	for (size_t i = 0; i < model->run_count && !run; i++)
		run = model->runs[i].can_undo ? &model->runs[i] : NULL;
	if (!run && model->run && model->run->can_undo)
		run = model->run;
	if (!run) {
		console_notice(console, "there is nothing to undo");
		return redraw;
	}
	struct console_request request = {.kind = REQUEST_UNDO, .target = ENTITY_NONE};
	snprintf(request.run_id, sizeof request.run_id, "%s", run->id);
	dialog_open_undo(console, run->id);
	return request;
}

static struct console_request open_line(
	struct console *console, const struct console_model *model, enum command command)
{
	(void)model;
	bool filter = command == COMMAND_FILTER;
	show(console, filter ? SCREEN_HOME : console->screen);
	console->overlay = filter ? OVERLAY_FILTER : OVERLAY_PALETTE;
	prompt_set(&console->line, filter ? console->filter.text : "");
	console->line_trouble[0] = '\0';
	return redraw;
}

static struct console_request next_window(
	struct console *console, const struct console_model *model, enum command command)
{
	(void)model;
	(void)command;
	size_t count = sizeof window_ladder / sizeof *window_ladder;
	size_t at = 0;
	while (at + 1 < count && window_ladder[at] != console->window_minutes)
		at++;
	console->window_minutes = window_ladder[(at + 1) % count];
	if (console->window_minutes > 0)
		console_notice(console, "charts show the last %d minutes", console->window_minutes);
	else
		console_notice(console, "charts choose their own span");
	return redraw;
}

static struct console_request quit(
	struct console *console, const struct console_model *model, enum command command)
{
	(void)command;
	if (!model->run || !run_is_under_way(model->run))
		return (struct console_request){.kind = REQUEST_QUIT};
	console->overlay = OVERLAY_QUIT;
	return redraw;
}

static struct console_request answer(
	struct console *console, const struct console_model *model, enum command command)
{
	(void)model;
	bool arming = console->overlay == OVERLAY_ARM;
	console->overlay = arming ? console->below : OVERLAY_NONE;
	if (command != COMMAND_YES)
		return redraw;
	return (struct console_request){.kind = arming ? REQUEST_ARM : REQUEST_QUIT};
}

static struct console_request simple(
	struct console *console, const struct console_model *model, enum command command)
{
	static const enum console_request_kind kinds[COMMAND_COUNT] = {
		[COMMAND_REFRESH] = REQUEST_REFRESH,
		[COMMAND_EXPORT] = REQUEST_EXPORT,
		[COMMAND_REDRAW] = REQUEST_REDRAW,
		[COMMAND_SUSPEND] = REQUEST_SUSPEND,
	};
	(void)model;
	if (command == COMMAND_REFRESH)
		console_notice(console, "asking the sources now");
	return (struct console_request){.kind = kinds[command]};
}

static command_fn *const handlers[COMMAND_COUNT] = {
	[COMMAND_UP] = move,
	[COMMAND_DOWN] = move,
	[COMMAND_FIRST] = move,
	[COMMAND_LAST] = move,
	[COMMAND_PAGE_UP] = move,
	[COMMAND_PAGE_DOWN] = move,
	[COMMAND_OPEN] = open_screen,
	[COMMAND_BACK] = back,
	[COMMAND_HOME] = open_screen,
	[COMMAND_ACTIONS] = act,
	[COMMAND_ARM] = arm,
	[COMMAND_UNDO] = undo,
	[COMMAND_JOURNAL] = open_screen,
	[COMMAND_RUNS] = open_screen,
	[COMMAND_ERRORS] = open_screen,
	[COMMAND_SOURCES] = open_screen,
	[COMMAND_WHY] = open_screen,
	[COMMAND_HOLDS] = open_screen,
	[COMMAND_HELP] = open_screen,
	[COMMAND_FILTER] = open_line,
	[COMMAND_PALETTE] = open_line,
	[COMMAND_WINDOW] = next_window,
	[COMMAND_REFRESH] = simple,
	[COMMAND_EXPORT] = simple,
	[COMMAND_REDRAW] = simple,
	[COMMAND_SUSPEND] = simple,
	[COMMAND_QUIT] = quit,
	[COMMAND_ACCEPT] = accept,
	[COMMAND_NEXT_FIELD] = dialog_command,
	[COMMAND_PREVIOUS_FIELD] = dialog_command,
	[COMMAND_SAFE_STEP] = dialog_command,
	[COMMAND_AGAIN] = dialog_command,
	[COMMAND_IN_FULL] = dialog_command,
	[COMMAND_YES] = answer,
	[COMMAND_NO] = answer,
};

/* A palette line is a command by its first word; what follows "filter" is the filter. */
static struct console_request accept_line(
	struct console *console, const struct console_model *model)
{
	const char *line = console->line.text;
	size_t length = strcspn(line, " ");
	const struct key_row *row = key_find_palette(line, length);
	if (!row) {
		snprintf(console->line_trouble, sizeof console->line_trouble,
			"'%.30s' is no command, or several begin so", line);
		return redraw;
	}
	struct prompt argument;
	prompt_set(&argument, line[length] ? line + length + 1 : "");
	console->overlay = OVERLAY_NONE;
	if (row->command == COMMAND_FILTER && argument.text[0]) {
		console->filter = argument;
		show(console, SCREEN_HOME);
		return redraw;
	}
	return handlers[row->command](console, model, row->command);
}

struct console_request console_key(
	struct console *console, uint32_t key, const struct console_model *model)
{
	struct console_request none = {.kind = REQUEST_NONE};
	if (key == TERMINAL_KEY_RESIZE)
		return redraw;
	if (key == TERMINAL_KEY_HANGUP)
		return (struct console_request){.kind = REQUEST_QUIT};
	struct prompt *prompt = typing_in(console);
	console->notice[0] = '\0';
	if (prompt && prompt_key(prompt, key)) {
		console->line_trouble[0] = '\0';
		return redraw;
	}
	/* Pasted text is never a command, whatever keys it looks like. */
	if (key & TERMINAL_PASTED || key == TERMINAL_KEY_PASTE)
		return none;
	/* A capital N answers no as well: the question shows it as the default. */
	if (console_context(console) == CONTEXT_ASK && (key == 'N' || key == 'Y'))
		key = key == 'Y' ? 'y' : 'n';
	const struct key_row *row = key_find(console_context(console), key);
	if (!row)
		return none;
	return handlers[row->command](console, model, row->command);
}

static void tiny_draw(const struct view *view)
{
	const struct assessment *assessment = view->model->assessment;
	int columns = canvas_columns(view->canvas);
	int rows = canvas_rows(view->canvas);
	enum severity severity = assessment ? assessment->severity : SEVERITY_UNKNOWN;
	int row = 0;
	int at = canvas_text(view->canvas, row, 0, columns, state_role(severity),
		state_word(severity) + (state_word(severity)[0] == ' '));
	if (assessment && assessment->cluster_count > 0 && view->model->snapshot) {
		const struct cluster_assessment *worst = &assessment->clusters[0];
		char use[FIGURE_BYTES];
		figure_percent(worst->stale ? NAN : worst->pool_use, use);
		canvas_printf(view->canvas, row, at + 1, columns - at - 1, ROLE_STRONG,
			"pool %s %s",
			fleet_entity(view->model->snapshot->fleet, worst->cluster)->path, use);
	}
	char age[FIGURE_BYTES];
	figure_age(assessment ? assessment_age_ms(assessment, view->model->now_ms) : -1, age);
	if (++row < rows)
		canvas_printf(view->canvas, row, 0, columns, ROLE_TEXT, "age %s %s", age,
			assessment ? phase_name(assessment->phase) : "no data yet");
	if (++row < rows)
		canvas_printf(view->canvas, row, 0, columns, ROLE_DIM, "needs %dx%d, is %dx%d",
			CONSOLE_COLUMNS_LEAST, CONSOLE_ROWS_LEAST, columns, rows);
	if (++row < rows)
		canvas_text(view->canvas, row, 0, columns, ROLE_DIM, "q quit");
}

static void overlay_draw(const struct view *view)
{
	switch (view->console->overlay) {
	case OVERLAY_MENU:
		menu_draw(view);
		break;
	case OVERLAY_VALUE:
		value_draw(view);
		break;
	case OVERLAY_PLAN:
		dialog_draw(view);
		break;
	case OVERLAY_PROGRESS:
		progress_draw(view);
		break;
	case OVERLAY_ARM:
	case OVERLAY_QUIT:
		ask_draw(view);
		break;
	case OVERLAY_FILTER:
	case OVERLAY_PALETTE:
		line_draw(view, canvas_rows(view->canvas) - 1);
		break;
	case OVERLAY_NONE:
		break;
	}
	if (view->console->overlay != OVERLAY_NONE && view->console->notice[0])
		canvas_printf(view->canvas, canvas_rows(view->canvas) - 1, 0,
			canvas_columns(view->canvas), ROLE_STRONG, " %s", view->console->notice);
}

void console_draw(struct console *console, const struct console_model *model, struct canvas *canvas)
{
	struct view view = {
		.console = console,
		.model = model,
		.canvas = canvas,
		.window = window_choose(
			model->history, model->assessment, model->now_ms, console->window_minutes),
	};
	canvas_clear(canvas);
	clusters_arrange(console, model);
	if (canvas_columns(canvas) < CONSOLE_COLUMNS_LEAST ||
		canvas_rows(canvas) < CONSOLE_ROWS_LEAST) {
		/* A plan that nobody can see cannot be confirmed. */
		console->dialog.drawn_hash[0] = '\0';
		tiny_draw(&view);
		return;
	}
	screens[console->screen].draw(&view);
	overlay_draw(&view);
}

bool console_open(struct console *console, const char *screen)
{
	for (int i = 0; i < SCREEN_COUNT; i++) {
		if (strcmp(screens[i].name, screen) == 0 && i != SCREEN_CLUSTER) {
			show(console, (enum screen_id)i);
			return true;
		}
	}
	return false;
}
