#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/number.h"
#include "core/fleet/snapshot.h"
#include "ui/console/screen.h"

#define BOX_COLUMNS 78
#define LABEL_WIDTH 16

const char *verb_unit(const struct verb_row *verb)
{
	return verb && verb->unit ? verb->unit : "";
}

void verb_figure(const struct verb_row *verb, double value, char out[FIGURE_BYTES])
{
	if (verb && verb->is_ratio)
		figure_percent(value, out);
	else if (!isfinite(value))
		snprintf(out, FIGURE_BYTES, "?");
	else
		snprintf(out, FIGURE_BYTES, "%.*f", value == floor(value) ? 0 : 2, value);
}

/* Whether its value counts whole things. */
static bool is_whole(const struct verb_row *verb)
{
	return signal_row(verb->reads)->unit == UNIT_COUNT;
}

void verb_words(const struct verb_row *verb, double value, char out[2 * FIGURE_BYTES])
{
	char figure[FIGURE_BYTES];
	const char *unit = verb_unit(verb);
	verb_figure(verb, value, figure);
	/* "weight 90", but "30 connections per pool". */
	if (verb && verb->parameter && strcmp(unit, verb->parameter) == 0)
		snprintf(out, 2 * FIGURE_BYTES, "%s %s", unit, figure);
	else
		snprintf(out, 2 * FIGURE_BYTES, "%s%s%s", figure, unit[0] ? " " : "", unit);
}

/* ---- the menu ---- */

static void add_row(struct menu *menu, const struct action_info *action, uint32_t target)
{
	if (menu->count >= MENU_ROWS_MOST)
		return;
	struct menu_row *row = &menu->rows[menu->count++];
	*row = (struct menu_row){.verb = action->verb, .target = target};
	snprintf(row->action, sizeof row->action, "%s", action->name);
}

/* Everything of the verb's kind in the cluster; services and surfaces of the whole fleet too. */
static void add_action(struct menu *menu, const struct action_info *action,
	const struct fleet *fleet, uint32_t cluster)
{
	enum entity_kind kind = action->verb->target;
	if (kind == ENTITY_CLUSTER) {
		add_row(menu, action, cluster);
		return;
	}
	uint32_t parents[] = {cluster, ENTITY_ROOT};
	size_t parent_count = kind == ENTITY_REPLICA ? 1 : 2;
	for (size_t i = 0; i < parent_count; i++) {
		uint32_t id = ENTITY_NONE;
		while ((id = fleet_next(fleet, kind, parents[i], id)) != ENTITY_NONE)
			add_row(menu, action, id);
	}
}

bool menu_open(struct console *console, const struct console_model *model)
{
	uint32_t cluster = clusters_selected(console, model);
	if (!model->snapshot || cluster == ENTITY_NONE) {
		console_notice(console, "no cluster is selected");
		return false;
	}
	console->menu = (struct menu){0};
	for (size_t i = 0; i < model->action_count; i++) {
		if (model->actions[i].verb)
			add_action(&console->menu, &model->actions[i], model->snapshot->fleet,
				cluster);
	}
	if (console->menu.count == 0) {
		console_notice(console, "the fleet file has no action for %s",
			fleet_entity(model->snapshot->fleet, cluster)->path);
		return false;
	}
	console->selected = cluster;
	console->overlay = OVERLAY_MENU;
	return true;
}

/* The value now: of the target, or of the fullest of its replicas where each has its own. */
static bool value_now(const struct console_model *model, const struct menu_row *row, double *out)
{
	const struct snapshot *snapshot = model->snapshot;
	if (!snapshot)
		return false;
	if (snapshot_value(snapshot, row->target, row->verb->reads, out))
		return true;
	bool found = false;
	uint32_t id = ENTITY_NONE;
	while ((id = fleet_next(snapshot->fleet, ENTITY_REPLICA, row->target, id)) != ENTITY_NONE) {
		double value;
		if (snapshot_value(snapshot, id, row->verb->reads, &value) &&
			(!found || value > *out)) {
			*out = value;
			found = true;
		}
	}
	return found;
}

static const char *target_path(const struct console_model *model, uint32_t id)
{
	return model->snapshot && id < fleet_count(model->snapshot->fleet)
		       ? fleet_entity(model->snapshot->fleet, id)->path
		       : "?";
}

static const char *transport_of(const struct console_model *model, const char *action)
{
	for (size_t i = 0; i < model->action_count; i++) {
		if (strcmp(model->actions[i].name, action) == 0)
			return model->actions[i].transport;
	}
	return "?";
}

static void menu_row_draw(
	const struct view *view, const struct menu_row *row, struct area box, int at, bool selected)
{
	struct canvas *canvas = view->canvas;
	enum role role = selected ? ROLE_SELECTED : ROLE_DIALOG;
	char now[2 * FIGURE_BYTES], text[128];
	double value;
	canvas_fill(canvas, at, box.column + 1, 1, box.columns - 2, role);
	canvas_text(canvas, at, box.column + 1, 1, role, selected ? ">" : " ");
	canvas_text(canvas, at, box.column + 3, LABEL_WIDTH, role, row->verb->label);
	canvas_text(canvas, at, box.column + 20, 14, role, target_path(view->model, row->target));
	if (value_now(view->model, row, &value)) {
		verb_words(row->verb, value, now);
		snprintf(text, sizeof text, "now %s", now);
	} else {
		snprintf(text, sizeof text, "present value not known");
	}
	canvas_text(canvas, at, box.column + 35, 27, role, text);
	snprintf(text, sizeof text, "%s, %s", row->action, transport_of(view->model, row->action));
	canvas_text_right(canvas, at, box.column + 62, box.columns - 63, role, text);
}

void menu_draw(const struct view *view)
{
	struct menu *menu = &view->console->menu;
	struct area box = console_box(view->canvas, (int)menu->count + 6, BOX_COLUMNS);
	char title[ENTITY_PATH_BYTES + 32];
	snprintf(title, sizeof title, "ACT ON %s",
		target_path(view->model, view->console->selected));
	canvas_box(view->canvas, box.row, box.column, box.rows, box.columns, ROLE_DIALOG, title);
	size_t page = box.rows > 6 ? (size_t)box.rows - 6 : 1;
	list_fit(&menu->list, menu->count, page);
	for (size_t i = 0; i < page && menu->list.top + i < menu->count; i++) {
		size_t at = menu->list.top + i;
		menu_row_draw(view, &menu->rows[at], box, box.row + 1 + (int)i,
			at == menu->list.selected);
	}
	int row = box.row + box.rows - 4;
	if (menu->count > 0)
		canvas_printf(view->canvas, row, box.column + 3, box.columns - 5, ROLE_DIM, "%s",
			menu->rows[menu->list.selected].verb->help);
	canvas_text(view->canvas, row + 1, box.column + 3, box.columns - 5, ROLE_DIALOG,
		model_is_armed(view->model)
			? "Next comes the value, then the plan. Nothing runs before you confirm it."
			: "Next comes the value, then the plan. READ-ONLY: it can be read, not "
			  "run.");
	canvas_text(view->canvas, row + 2, box.column + 3, box.columns - 5, ROLE_KEY,
		"Enter choose   j k move   Esc cancel");
}

/* ---- the value ---- */

void value_open(struct console *console, const struct console_model *model)
{
	const struct verb_row *verb = console->menu.chosen.verb;
	double now;
	prompt_set(&console->line, "");
	console->line_trouble[0] = '\0';
	console->overlay = OVERLAY_VALUE;
	if (verb->suggestion <= 0.0 || !value_now(model, &console->menu.chosen, &now))
		return;
	double value = now * verb->suggestion;
	bool whole = is_whole(verb);
	char text[FIGURE_BYTES];
	if (verb->is_ratio)
		snprintf(text, sizeof text, "%.0f%%", value * 100.0);
	else
		snprintf(text, sizeof text, "%.0f",
			whole         ? ceil(value)
			: now >= 10.0 ? round(value)
				      : value);
	if (!verb->is_ratio && !whole && now < 10.0)
		snprintf(text, sizeof text, "%.2f", value);
	prompt_set(&console->line, text);
}

/* "90", "x1.5", "1.5x", "+50%", "-10%"; "5%" where the value is a ratio. */
static bool parse_value(const char *text, bool is_ratio, bool has_now, double now, double *out)
{
	size_t length = strlen(text);
	bool factor = length > 1 && (text[0] == 'x' || text[length - 1] == 'x');
	bool percent = length > 1 && text[length - 1] == '%';
	bool relative = factor || (percent && (text[0] == '+' || text[0] == '-' || !is_ratio));
	const char *digits = text + (factor && text[0] == 'x');
	size_t count = length - (factor || percent);
	double number;
	if (!number_parse(digits, count, &number) || !isfinite(number))
		return false;
	if (relative && !has_now)
		return false;
	if (factor)
		*out = now * number;
	else if (relative && (text[0] == '+' || text[0] == '-'))
		*out = now * (1.0 + number / 100.0);
	else if (relative)
		*out = now * number / 100.0;
	else
		*out = percent ? number / 100.0 : number;
	return true;
}

bool value_read(struct console *console, const struct console_model *model, double *out)
{
	const struct verb_row *verb = console->menu.chosen.verb;
	double now = NAN, value;
	bool has_now = value_now(model, &console->menu.chosen, &now);
	const char *text = console->line.text;
	if (!parse_value(text, verb->is_ratio, has_now, now, &value)) {
		snprintf(console->line_trouble, sizeof console->line_trouble,
			"'%.40s' is no value: 90, x1.5, +50%%, -10%%%s", text,
			has_now ? "" : " (the present value is not known: absolute only)");
		return false;
	}
	if (value < fmin(verb->least, 0.0)) {
		snprintf(console->line_trouble, sizeof console->line_trouble,
			"a value below nothing cannot be set");
		return false;
	}
	*out = is_whole(verb) ? round(value) : round(value * 10000.0) / 10000.0;
	return true;
}

void value_draw(const struct view *view)
{
	struct console *console = view->console;
	const struct menu_row *chosen = &console->menu.chosen;
	struct area box = console_box(view->canvas, 8, BOX_COLUMNS);
	struct canvas *canvas = view->canvas;
	char title[ENTITY_PATH_BYTES + 64], now_text[2 * FIGURE_BYTES];
	double now;
	snprintf(title, sizeof title, "%s: %s", chosen->action,
		target_path(view->model, chosen->target));
	canvas_box(canvas, box.row, box.column, box.rows, box.columns, ROLE_DIALOG, title);
	int left = box.column + 3;
	int room = box.columns - 5;
	if (value_now(view->model, chosen, &now)) {
		verb_words(chosen->verb, now, now_text);
		canvas_printf(
			canvas, box.row + 1, left, room, ROLE_DIALOG, "now        %s", now_text);
	} else {
		canvas_text(canvas, box.row + 1, left, room, ROLE_UNKNOWN,
			"now        ? the present value is not known");
	}
	canvas_text(canvas, box.row + 3, left, room, ROLE_DIALOG, "new value");
	prompt_draw(&console->line, canvas, box.row + 3, left + 11, 14, true);
	canvas_printf(canvas, box.row + 3, left + 27, room - 27, ROLE_DIM, "%s (begins at %s)",
		verb_unit(chosen->verb),
		chosen->verb->suggestion_why ? chosen->verb->suggestion_why : "");
	canvas_text(canvas, box.row + 4, left, room,
		console->line_trouble[0] ? ROLE_CRITICAL : ROLE_DIM,
		console->line_trouble[0] ? console->line_trouble
					 : "as 90, or of the present value: x1.5, +50%, -10%");
	canvas_text(canvas, box.row + 6, left, room, ROLE_KEY,
		"Enter make the plan (changes nothing)   Esc cancel");
}
