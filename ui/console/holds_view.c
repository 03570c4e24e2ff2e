#include <stdio.h>
#include <string.h>

#include "ui/console/list_screen.h"

static bool ends_soon(const struct view *view, const struct console_hold *hold)
{
	return view->model->now_ms >= hold->warn_ms && view->model->now_ms < hold->expires_ms;
}

static void hold_line(
	const struct view *view, const struct console_hold *hold, char *out, size_t size)
{
	char from[FIGURE_BYTES], to[FIGURE_BYTES], end[2 * FIGURE_BYTES];
	const struct verb_row *verb = verb_of(view->model, hold->action);
	verb_figure(verb, hold->from, from);
	verb_figure(verb, hold->to, to);
	hold_end_words(view->model->now_ms, hold->expires_ms, end);
	snprintf(out, size, "%s %s %s %s %s -> %s  %s%s, %s%s%s", hold->run, hold->by, hold->action,
		hold->target_path, from, to, ends_soon(view, hold) ? "SOON: " : "", end,
		hold->is_protected ? "taken back by " : "only a person takes it back",
		hold->is_protected ? hold->protection : "",
		hold->is_certain ? "" : "; its outcome is not known");
}

static enum role hold_role(const struct view *view, const struct console_hold *hold)
{
	if (view->model->now_ms >= hold->expires_ms || !hold->is_certain)
		return ROLE_CRITICAL;
	return hold->is_protected && !ends_soon(view, hold) ? ROLE_TEXT : ROLE_WARNING;
}

static void peer_line(
	const struct view *view, const struct console_peer *peer, char *out, size_t size)
{
	char span[FIGURE_BYTES];
	figure_short_span(view->model->now_ms - peer->since_ms, span);
	snprintf(out, size, "%s on %s %s%s for %s", peer->by, peer->host,
		peer->doing[0] ? "is acting: " : "is looking", peer->doing, span);
}

static void row_draw(const struct view *view, size_t index, struct area area, bool selected)
{
	const struct console_model *model = view->model;
	char text[2 * ACTION_TEXT_BYTES];
	bool is_hold = index < model->hold_count;
	enum role role = ROLE_TEXT;
	if (is_hold) {
		const struct console_hold *hold = &model->holds[index];
		hold_line(view, hold, text, sizeof text);
		role = hold_role(view, hold);
	} else {
		const struct console_peer *peer = &model->peers[index - model->hold_count];
		peer_line(view, peer, text, sizeof text);
		role = peer->doing[0] ? ROLE_STRONG : ROLE_DIM;
	}
	canvas_text(view->canvas, area.row, area.column + 1, 1, ROLE_KEY, is_hold ? "A" : "@");
	canvas_text(view->canvas, area.row, area.column + 3, area.columns - 4,
		selected ? ROLE_SELECTED : role, text);
}

static void detail(const struct view *view, size_t index, char *out, size_t size)
{
	const struct console_model *model = view->model;
	char text[2 * ACTION_TEXT_BYTES];
	if (index >= model->hold_count) {
		peer_line(view, &model->peers[index - model->hold_count], out, size);
		return;
	}
	const struct console_hold *hold = &model->holds[index];
	hold_line(view, hold, text, sizeof text);
	if (hold->is_elsewhere)
		snprintf(out, size, "%s. It is in the journal of another console: ask %s.", text,
			hold->by);
	else
		snprintf(out, size,
			"%s. To change its end: spillway holds extend %s SPAN, or keep %s; u takes "
			"the newest back, spillway undo %s this one.",
			text, hold->run, hold->run, hold->run);
}

size_t holds_count(const struct console_model *model)
{
	return model->hold_count + model->peer_count;
}

void holds_draw(const struct view *view)
{
	list_screen_draw(view, SCREEN_HOLDS, "HOLDS (A), newest first, AND WHO ELSE IS HERE (@)",
		holds_count(view->model), row_draw, detail,
		"nothing is held, and nobody else is known to be here");
}
