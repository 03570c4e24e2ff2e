#include "actions/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "actions/expiry.h"
#include "actions/template.h"
#include "core/base/clock.h"
#include "core/base/json_writer.h"
#include "core/base/number.h"
#include "core/base/text.h"
#include "core/base/utf8.h"

#define LABEL_COLUMNS 10
#define LEAST_COLUMNS 30
#define EFFECTS_SHOWN 6

/* Lines of "label  words", wrapped at blanks under the label. */
struct printer {
	struct text *out;
	int columns;
};

static size_t fitting(const char *words, int columns)
{
	char cut[1024];
	utf8_cut(words, columns, cut, sizeof(cut));
	size_t length = strlen(cut);
	if (strcmp(cut, words) == 0)
		return length;
	/* The cut ends in a mark of its own that is not part of the words. */
	length = length > 0 ? length - 1 : 0;
	size_t blank = length;
	while (blank > 0 && words[blank] != ' ')
		blank--;
	if (blank > 0)
		return blank;
	return length > 0 ? length : strlen(words);
}

static void print(const struct printer *printer, const char *label, const char *words)
{
	int room = printer->columns - LABEL_COLUMNS;
	do {
		size_t length = fitting(words, room);
		text_printf(printer->out, "%-*s%.*s\n", LABEL_COLUMNS, label, (int)length, words);
		words += length;
		while (*words == ' ')
			words++;
		label = "";
	} while (*words);
}

static const char *value(double number, char out[NUMBER_TEXT_BYTES])
{
	if (!template_number(number, out, NUMBER_TEXT_BYTES, NULL))
		snprintf(out, NUMBER_TEXT_BYTES, "?");
	return out;
}

static void print_changes(const struct plan *plan, const struct printer *printer)
{
	char line[ACTION_TEXT_BYTES * 2];
	char from[NUMBER_TEXT_BYTES];
	char to[NUMBER_TEXT_BYTES];
	char age[CLOCK_TEXT_BYTES];
	clock_format_span(plan->from_age_ms, age);
	if (isnan(plan->from))
		snprintf(line, sizeof(line), "%s of %s ? -> %s, the value before is not known",
			plan->verb->parameter, plan->target_path, value(plan->to, to));
	else
		snprintf(line, sizeof(line), "%s of %s %s -> %s, read %s ago%s",
			plan->verb->parameter, plan->target_path, value(plan->from, from),
			value(plan->to, to), age, plan->no_change ? ": no change" : "");
	print(printer, "changes", line);
}

static void print_blast(const struct plan *plan, const struct printer *printer)
{
	struct text line;
	text_init(&line, ACTION_TEXT_BYTES * 2);
	if (!plan->projection.known)
		text_add(&line, "not known");
	else if (plan->verb->move == MOVE_LOSE_REPLICA || plan->verb->move == MOVE_RETURN_REPLICA)
		text_printf(&line, "%s; its load is carried within its cluster", plan->target_path);
	else if (plan->verb->class != CLASS_SHIFT)
		text_printf(&line, "the pools of %s; no traffic moves", plan->target_path);
	else
		text_printf(
			&line, "%.1f%% of all traffic moves:", plan->projection.moved_share * 100);
	for (size_t i = 0; plan->projection.known && plan->verb->class == CLASS_SHIFT &&
			   i < plan->effect_count && i < EFFECTS_SHOWN;
		i++) {
		const struct plan_effect *effect = &plan->effects[i];
		if (effect->changed)
			text_printf(&line, " %s %+.1f%%", effect->cluster,
				(effect->share_after - effect->share_before) * 100);
	}
	print(printer, "blast", text_string(&line));
	text_finish(&line);
}

static void print_after(const struct plan *plan, const struct printer *printer)
{
	struct text line;
	text_init(&line, ACTION_TEXT_BYTES * 4);
	if (!plan->projection.known)
		text_printf(&line, "cannot be projected: %s", plan->projection.unknown_why);
	for (size_t i = 0; plan->projection.known && i < plan->effect_count && i < EFFECTS_SHOWN;
		i++) {
		const struct plan_effect *effect = &plan->effects[i];
		if (isnan(effect->use_high))
			text_printf(&line, "%s%s ?", i ? ", " : "", effect->cluster);
		else
			text_printf(&line, "%s%s pool %.0f%% -> %.0f%% %s", i ? ", " : "",
				effect->cluster, effect->use_before * 100, effect->use_high * 100,
				effect->over_ceiling ? "OVER" : "ok");
	}
	if (plan->projection.known && plan->projection.line_count > EFFECTS_SHOWN)
		text_printf(&line, ", %zu more", plan->projection.line_count - EFFECTS_SHOWN);
	if (plan->projection.known)
		text_add(&line, " (estimate, retries going on)");
	print(printer, "after", text_string(&line));
	text_finish(&line);
}

static const char *verdict_mark(const struct verdict *verdict)
{
	if (verdict->overridden)
		return "OVERRIDDEN";
	static const char *const marks[] = {
		[VERDICT_PASS] = "ok",
		[VERDICT_WARN] = "WARN",
		[VERDICT_BLOCK] = "REFUSED",
		[VERDICT_UNKNOWN] = "UNKNOWN",
	};
	return marks[verdict->kind];
}

static void print_guards(const struct plan *plan, const struct printer *printer)
{
	char line[ACTION_TEXT_BYTES + 96];
	const char *label = "guards";
	for (size_t i = 0; i < plan->verdict_count; i++) {
		const struct verdict *verdict = &plan->verdicts[i];
		snprintf(line, sizeof(line), "%s %s: %s", verdict_mark(verdict), verdict->guard,
			verdict->text);
		print(printer, label, line);
		label = "";
	}
}

static void print_left_out(const struct plan *plan, const struct printer *printer)
{
	char line[ACTION_TEXT_BYTES];
	if (plan->left_out == 0)
		return;
	snprintf(line, sizeof(line),
		"%zu that had been asked cannot be seen now: not taken back there, so it stays a "
		"hold",
		plan->left_out);
	print(printer, "leaves out", line);
}

static void print_offer(const struct plan *plan, const struct printer *printer)
{
	char line[ACTION_TEXT_BYTES];
	char safe[NUMBER_TEXT_BYTES];
	if (!plan->blocked || isnan(plan->largest_safe_to) || plan->largest_safe_to == plan->to)
		return;
	snprintf(line, sizeof(line), "%s=%s is the furthest that would pass", plan->verb->parameter,
		value(plan->largest_safe_to, safe));
	print(printer, "instead", line);
}

static void print_hold(const struct plan *plan, const struct printer *printer)
{
	char line[ACTION_TEXT_BYTES];
	char span[CLOCK_TEXT_BYTES];
	if (plan->hold_ms <= 0)
		return;
	clock_format_span(plan->hold_ms, span);
	bool is_planted = plan->planted && plan->planted[0];
	static const char *const ends[] = {
		[EXPIRY_REVERT] = "'spillway reap' takes it back after that",
		[EXPIRY_REVERT_IF_HEALTHY] = "'spillway reap' takes it back after that if healthy",
		[EXPIRY_HOLD_AND_PAGE] = "a person takes it back after that"};
	snprintf(line, sizeof(line), "for %s; 'spillway holds' extends or keeps it, %s", span,
		is_planted ? "a timer beside the target takes it back after that"
			   : ends[plan->on_expiry]);
	print(printer, "holds", line);
}

void plan_print(const struct plan *plan, int columns, struct text *out)
{
	const struct printer printer = {
		.out = out, .columns = columns < LEAST_COLUMNS ? LEAST_COLUMNS : columns};
	for (size_t i = 0; i < plan->request_count; i++)
		print(&printer, i == 0 ? "will run" : "", plan->requests[i].line);
	print_changes(plan, &printer);
	print_left_out(plan, &printer);
	if (plan->ticket[0])
		print(&printer, "ticket", plan->ticket);
	print_blast(plan, &printer);
	print_after(plan, &printer);
	print_guards(plan, &printer);
	print_offer(plan, &printer);
	print(&printer, "verify", plan->verify);
	print_hold(plan, &printer);
	print(&printer, "undo", plan->undo);
}

static void json_effects(const struct plan *plan, struct json_writer *writer)
{
	json_key(writer, "after");
	json_begin_array(writer);
	for (size_t i = 0; i < plan->effect_count; i++) {
		const struct plan_effect *effect = &plan->effects[i];
		json_begin_object(writer);
		json_member_string(writer, "cluster", effect->cluster);
		json_member_bool(writer, "changed", effect->changed);
		json_member_number(writer, "share_before", effect->share_before);
		json_member_number(writer, "share_after", effect->share_after);
		json_member_number(writer, "use_before", effect->use_before);
		json_member_number(writer, "use_low", effect->use_low);
		json_member_number(writer, "use_high", effect->use_high);
		json_member_bool(writer, "over_ceiling", effect->over_ceiling);
		json_end_object(writer);
	}
	json_end_array(writer);
}

static void json_verdicts(const struct plan *plan, struct json_writer *writer)
{
	json_key(writer, "guards");
	json_begin_array(writer);
	for (size_t i = 0; i < plan->verdict_count; i++) {
		const struct verdict *verdict = &plan->verdicts[i];
		json_begin_object(writer);
		json_member_string(writer, "guard", verdict->guard);
		json_member_string(writer, "verdict", verdict_name(verdict->kind));
		json_member_bool(writer, "overridable", verdict->overridable);
		json_member_bool(writer, "overridden", verdict->overridden);
		json_member_string(writer, "text", verdict->text);
		json_end_object(writer);
	}
	json_end_array(writer);
}

void plan_print_json(const struct plan *plan, struct text *out)
{
	struct json_writer writer;
	json_writer_init(&writer, out);
	json_begin_object(&writer);
	json_member_string(&writer, "id", plan->id);
	json_member_string(&writer, "action", plan->action);
	json_member_string(&writer, "verb", plan->verb->name);
	json_member_string(&writer, "environment", plan->environment);
	json_member_string(&writer, "target", plan->target_path);
	json_member_string(&writer, "parameter", plan->verb->parameter);
	json_member_number(&writer, "from", plan->from);
	json_member_number(&writer, "to", plan->to);
	json_member_integer(&writer, "from_age_ms", plan->from_age_ms);
	json_member_integer(&writer, "left_out", (int64_t)plan->left_out);
	json_member_time(&writer, "made", plan->made_ms);
	json_member_time(&writer, "expires", plan->expires_ms);
	json_key(&writer, "requests");
	json_begin_array(&writer);
	for (size_t i = 0; i < plan->request_count; i++)
		json_string(&writer, plan->requests[i].line);
	json_end_array(&writer);
	json_member_bool(&writer, "projection_known", plan->projection.known);
	json_member_number(&writer, "moved_share", plan->projection.moved_share);
	json_effects(plan, &writer);
	json_verdicts(plan, &writer);
	json_member_bool(&writer, "blocked", plan->blocked);
	json_member_bool(&writer, "no_change", plan->no_change);
	json_member_number(&writer, "largest_safe_to", plan->largest_safe_to);
	json_member_string(&writer, "outcome", outcome_name(plan_outcome(plan)));
	json_member_string(&writer, "verify", plan->verify);
	json_member_string(&writer, "undo", plan->undo);
	json_member_integer(&writer, "hold_ms", plan->hold_ms);
	json_member_string(&writer, "on_expiry", expiry_policy_name(plan->on_expiry));
	json_member_string(&writer, "ticket", plan->ticket);
	json_member_string(&writer, "approved_by", plan->approved_by);
	json_member_string(&writer, "hash", plan->hash);
	json_end_object(&writer);
}
