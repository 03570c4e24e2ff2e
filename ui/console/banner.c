#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/clock.h"
#include "core/base/utf8.h"
#include "ui/console/screen.h"
#include "ui/wrap.h"

#define PART_BYTES 96

bool environment_is_prod(const char *environment)
{
	return environment && strncasecmp(environment, "prod", 4) == 0;
}

bool model_is_armed(const struct console_model *model)
{
	return model->armed_until_ms > model->now_ms;
}

static void upper(const char *from, char *out, size_t size)
{
	size_t i = 0;
	for (; from[i] && i + 1 < size; i++)
		out[i] = (char)(from[i] >= 'a' && from[i] <= 'z' ? from[i] - 'a' + 'A' : from[i]);
	out[i] = '\0';
}

static void freshness_text(const struct console_model *model, char *out, size_t size)
{
	char clock[CLOCK_TEXT_BYTES];
	char age[FIGURE_BYTES];
	const struct assessment *assessment = model->assessment;
	clock_format_time(model->now_ms, clock);
	if (!assessment) {
		snprintf(out, size, "no data yet %sZ ", clock);
		return;
	}
	figure_age(assessment_age_ms(assessment, model->now_ms), age);
	snprintf(out, size, "src %zu/%zu  age %s %sZ ", assessment->sources_ok,
		assessment->sources_total, age, clock);
}

static void mode_text(const struct console_model *model, char *out, size_t size)
{
	char left[FIGURE_BYTES];
	if (model->replaying) {
		snprintf(out, size, "REPLAY");
	} else if (model_is_armed(model)) {
		figure_age(model->armed_until_ms - model->now_ms, left);
		snprintf(out, size, "ARMED %s", left);
	} else {
		snprintf(out, size, "READ-ONLY");
	}
}

static int put_part(const struct view *view, int row, int at, int end, enum role role,
	enum role base, const char *part)
{
	if (!part[0])
		return at;
	if (at > 1)
		at += canvas_text(view->canvas, row, at, end - at, base, " | ");
	return at + canvas_text(view->canvas, row, at, end - at, role, part);
}

/* Somebody else who is changing something now; NULL when nobody is known to. */
static const struct console_peer *peer_acting(const struct console_model *model)
{
	for (size_t i = 0; i < model->peer_count; i++) {
		if (model->peers[i].doing[0])
			return &model->peers[i];
	}
	return NULL;
}

void banner_draw(const struct view *view, int row)
{
	const struct console_model *model = view->model;
	const struct assessment *assessment = model->assessment;
	int columns = canvas_columns(view->canvas);
	enum role base = environment_is_prod(model->environment) ? ROLE_BANNER_PROD : ROLE_BANNER;
	char right[PART_BYTES], part[PART_BYTES], name[PART_BYTES / 2];
	freshness_text(model, right, sizeof right);
	int right_width = utf8_string_width(right);
	canvas_fill(view->canvas, row, 0, 1, columns, base);
	canvas_text_right(view->canvas, row, columns - right_width, right_width, base, right);
	int end = columns - right_width - 1;
	upper(model->environment ? model->environment : "no environment", name, sizeof name);
	if (assessment && columns >= 70)
		snprintf(part, sizeof part, "%s %s%s%zu cluster%s", name,
			columns >= 100 && model->fleet_name ? model->fleet_name : "",
			columns >= 100 && model->fleet_name ? "  " : "", assessment->cluster_count,
			assessment->cluster_count == 1 ? "" : "s");
	else
		snprintf(part, sizeof part, "%s", name);
	int at = put_part(view, row, 1, end, base, base, part);
	mode_text(model, part, sizeof part);
	at = put_part(view, row, at, end, model_is_armed(model) ? ROLE_ARMED : base, base, part);
	bool is_refused = model->config_trouble && model->config_trouble[0];
	at = put_part(
		view, row, at, end, ROLE_WARNING, base, is_refused ? "FLEET FILE REFUSED (e)" : "");
	if (assessment && assessment->incident_start_ms > 0) {
		char elapsed[FIGURE_BYTES];
		figure_elapsed(model->now_ms - assessment->incident_start_ms, elapsed);
		snprintf(part, sizeof part, "INCIDENT T%s", elapsed);
		at = put_part(view, row, at, end, base, base, part);
	}
	const struct console_peer *acting = peer_acting(model);
	if (acting) {
		snprintf(part, sizeof part, "%.24s: %.40s", acting->by, acting->doing);
		put_part(view, row, at, end, ROLE_WARNING, base, part);
	}
}

/* The words of the headline and how bad they are. */
static enum severity headline_text(const struct console_model *model, char *out, size_t size)
{
	const struct assessment *assessment = model->assessment;
	char phase[PART_BYTES];
	if (!assessment) {
		snprintf(out, size, "waiting for the first answers of the sources");
		return SEVERITY_UNKNOWN;
	}
	if (assessment->age_ms < 0 ||
		age_is_stale(model->snapshot, assessment_age_ms(assessment, model->now_ms))) {
		char age[FIGURE_BYTES];
		figure_age(assessment_age_ms(assessment, model->now_ms), age);
		snprintf(out, size, "DATA %s OLD: no source answers; what is shown is the past",
			age);
		return SEVERITY_UNKNOWN;
	}
	upper(phase_name(assessment->phase), phase, sizeof phase);
	snprintf(out, size, "%s%s%s", phase, assessment->headline[0] ? ": " : "",
		assessment->headline);
	return assessment->severity;
}

int headline_rows(const struct view *view, int most)
{
	char text[ASSESSMENT_TEXT_BYTES + PART_BYTES];
	headline_text(view->model, text, sizeof text);
	int needed = wrap_count(text, canvas_columns(view->canvas) - 8);
	return needed < 1 ? 1 : needed > most ? most : needed;
}

void headline_draw(const struct view *view, int row, int rows)
{
	char text[ASSESSMENT_TEXT_BYTES + PART_BYTES];
	char line[ASSESSMENT_TEXT_BYTES + PART_BYTES];
	enum severity severity = headline_text(view->model, text, sizeof text);
	int columns = canvas_columns(view->canvas);
	canvas_text(view->canvas, row, 1, 5, state_role(severity), state_word(severity));
	const char *rest = text;
	for (int i = 0; i + 1 < rows && wrap_next(&rest, columns - 8, line, sizeof line); i++)
		canvas_text(view->canvas, row + i, 7, columns - 8, ROLE_STRONG, line);
	while (*rest == ' ')
		rest++;
	canvas_text(view->canvas, row + rows - 1, 7, columns - 8, ROLE_STRONG, rest);
}

static bool hint_applies(const struct view *view, const struct key_row *row)
{
	if (row->command == COMMAND_UNDO) {
		for (size_t i = 0; i < view->model->run_count; i++) {
			if (view->model->runs[i].can_undo)
				return true;
		}
		return false;
	}
	return row->command != COMMAND_ARM || view->model->may_arm;
}

void hints_draw(const struct view *view, int row)
{
	int columns = canvas_columns(view->canvas);
	enum context context = console_context(view->console);
	int at = 1;
	for (size_t i = 0; i < key_row_count; i++) {
		const struct key_row *key = &key_rows[i];
		if (!key->hint || !(key->contexts & (unsigned)context) || !hint_applies(view, key))
			continue;
		const char *hint = key->command == COMMAND_ARM && model_is_armed(view->model)
					   ? "disarm"
					   : key->hint;
		int width = utf8_string_width(key->label) + 1 + utf8_string_width(hint);
		if (at + width >= columns)
			continue;
		at += canvas_text(view->canvas, row, at, columns - at, ROLE_KEY, key->label);
		at += 1 + canvas_text(view->canvas, row, at + 1, columns - at - 1, ROLE_TEXT, hint);
		at += 2;
	}
}

void message_draw(const struct view *view, int row)
{
	const struct console_model *model = view->model;
	int columns = canvas_columns(view->canvas);
	if (view->console->notice[0]) {
		canvas_text(view->canvas, row, 1, columns - 2, ROLE_STRONG, view->console->notice);
		return;
	}
	const struct console_message *last = NULL;
	size_t unread = 0;
	for (size_t i = 0; i < model->message_count; i++) {
		if (model->messages[i].at_ms > view->console->read_until_ms) {
			last = &model->messages[i];
			unread++;
		}
	}
	if (!last) {
		canvas_text(view->canvas, row, 1, columns - 2, ROLE_DIM, "no unread messages");
		return;
	}
	char clock[CLOCK_TEXT_BYTES], badge[PART_BYTES];
	clock_format_time(last->at_ms, clock);
	snprintf(badge, sizeof badge, "e: read %zu", unread);
	int badge_width = (int)strlen(badge);
	int at = 1 + canvas_printf(view->canvas, row, 1, columns - 2, ROLE_DIM, "%s ", clock);
	at += canvas_text(view->canvas, row, at, columns - at, state_role(last->severity),
		state_word(last->severity));
	canvas_text(
		view->canvas, row, at + 1, columns - at - badge_width - 4, ROLE_TEXT, last->text);
	canvas_text(view->canvas, row, columns - badge_width - 1, badge_width, ROLE_KEY, badge);
}
