#include "ui/console/plan_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ui/console/screen.h"
#include "ui/wrap.h"

#define NEARLY_FULL 0.80 /* worth a warning, below any ceiling */

void plan_text_add(
	struct plan_text *text, int columns, enum role role, const char *label, const char *words)
{
	char line[PLAN_LINE_TEXT_BYTES];
	while (wrap_next(&words, columns, line, sizeof line)) {
		if (text->count == PLAN_LINES_MOST) {
			struct plan_line *last = &text->lines[PLAN_LINES_MOST - 1];
			snprintf(last->text, sizeof last->text,
				"further lines do not fit: spillway plan prints all of them");
			last->role = ROLE_CRITICAL;
			return;
		}
		struct plan_line *next = &text->lines[text->count++];
		next->label = label;
		next->role = role;
		snprintf(next->text, sizeof next->text, "%s", line);
		label = "";
	}
}

static void add_standing(const struct plan *plan, bool changed, int columns, struct plan_text *out)
{
	char text[PLAN_LINE_TEXT_BYTES], value[FIGURE_BYTES];
	if (changed)
		plan_text_add(out, columns, ROLE_CRITICAL, "CHANGED",
			"This is not the plan you looked at: readings or requests have changed. "
			"Look again.");
	if (plan->no_change)
		plan_text_add(out, columns, ROLE_OK, "nothing",
			"It already is as asked: there is nothing to change.");
	if (!plan->blocked)
		return;
	plan_text_add(out, columns, ROLE_CRITICAL, "REFUSED",
		"Guards refuse this plan; each is listed below with its arithmetic.");
	if (isnan(plan->largest_safe_to))
		return;
	verb_figure(plan->verb, plan->largest_safe_to, value);
	snprintf(text, sizeof text, "s: use the largest safe step: %s %s", value,
		verb_unit(plan->verb));
	plan_text_add(out, columns, ROLE_KEY, "instead", text);
}

static void add_requests(const struct plan *plan, int columns, struct plan_text *out)
{
	for (size_t i = 0; i < plan->request_count; i++) {
		char text[PLAN_LINE_BYTES + 32];
		snprintf(text, sizeof text, "%s %s", plan->requests[i].transport,
			plan->requests[i].line);
		plan_text_add(out, columns, ROLE_STRONG, i == 0 ? "will run" : "then", text);
	}
	char from[FIGURE_BYTES], to[FIGURE_BYTES], age[FIGURE_BYTES];
	char text[PLAN_LINE_TEXT_BYTES];
	verb_figure(plan->verb, plan->from, from);
	verb_figure(plan->verb, plan->to, to);
	figure_age(plan->from_age_ms, age);
	snprintf(text, sizeof text, "%s %s -> %s%s%s  (read %s before the plan)",
		plan->verb && plan->verb->parameter ? plan->verb->parameter : "value", from, to,
		verb_unit(plan->verb)[0] && strcmp(verb_unit(plan->verb), "weight") != 0 ? " " : "",
		strcmp(verb_unit(plan->verb), "weight") != 0 ? verb_unit(plan->verb) : "", age);
	plan_text_add(out, columns, ROLE_STRONG, "changes", text);
}

static void add_blast(const struct plan *plan, int columns, struct plan_text *out)
{
	char text[PLAN_LINE_TEXT_BYTES], moved[FIGURE_BYTES];
	size_t used;
	if (!plan->projection.known)
		return;
	if (plan->projection.moved_share <= 0.0) {
		plan_text_add(out, columns, ROLE_DIALOG, "blast", "no traffic moves");
		return;
	}
	figure_percent(plan->projection.moved_share, moved);
	used = (size_t)snprintf(text, sizeof text, "%s of all traffic moves:", moved);
	for (size_t i = 0; i < plan->effect_count && used < sizeof text; i++) {
		const struct plan_effect *effect = &plan->effects[i];
		double by = (effect->share_after - effect->share_before) * 100.0;
		if (effect->changed && fabs(by) >= 0.05)
			used += (size_t)snprintf(text + used, sizeof text - used, " %s %+.1f%%",
				effect->cluster, by);
	}
	plan_text_add(out, columns, ROLE_DIALOG, "blast", text);
}

static void add_effect(
	const struct plan_effect *effect, bool first, int columns, struct plan_text *out)
{
	char before[FIGURE_BYTES], low[FIGURE_BYTES], high[FIGURE_BYTES];
	char text[PLAN_LINE_TEXT_BYTES];
	bool known = !isnan(effect->use_high);
	const char *word = !known                            ? "?UNK"
			   : effect->over_ceiling            ? "!OVER"
			   : effect->use_high >= NEARLY_FULL ? "~WARN"
							     : " OK";
	enum role role = !known                            ? ROLE_UNKNOWN
			 : effect->over_ceiling            ? ROLE_CRITICAL
			 : effect->use_high >= NEARLY_FULL ? ROLE_WARNING
							   : ROLE_OK;
	figure_percent(effect->use_before, before);
	figure_percent(effect->use_low, low);
	figure_percent(effect->use_high, high);
	snprintf(text, sizeof text, "%-5s %-16s pools asked for %s -> %s .. %s", word,
		effect->cluster, before, low, high);
	plan_text_add(out, columns, role, first ? "after" : "", text);
}

static void add_effects(const struct plan *plan, int columns, struct plan_text *out)
{
	bool any = false;
	if (!plan->projection.known) {
		plan_text_add(out, columns, ROLE_UNKNOWN, "after",
			plan->projection.unknown_why[0] ? plan->projection.unknown_why
							: "?UNK the effect cannot be projected");
		return;
	}
	for (size_t i = 0; i < plan->effect_count; i++) {
		if (!plan->effects[i].changed)
			continue;
		add_effect(&plan->effects[i], !any, columns, out);
		any = true;
	}
	if (any)
		plan_text_add(out, columns, ROLE_DIM, "",
			"(estimate: low if retries stop, high if they go on)");
}

static void add_guards(const struct plan *plan, int columns, struct plan_text *out)
{
	static const struct {
		const char *word;
		enum role role;
	} words[] = {
		[VERDICT_PASS] = {" OK", ROLE_OK},
		[VERDICT_WARN] = {"~WARN", ROLE_WARNING},
		[VERDICT_BLOCK] = {"!STOP", ROLE_CRITICAL},
		[VERDICT_UNKNOWN] = {"?UNK", ROLE_UNKNOWN},
	};
	for (size_t i = 0; i < plan->verdict_count; i++) {
		const struct verdict *verdict = &plan->verdicts[i];
		char text[PLAN_LINE_TEXT_BYTES];
		snprintf(text, sizeof text, "%-5s %s%s: %s", words[verdict->kind].word,
			verdict->guard, verdict->overridden ? " (overridden)" : "", verdict->text);
		plan_text_add(
			out, columns, words[verdict->kind].role, i == 0 ? "guards" : "", text);
	}
}

void plan_text_make(const struct plan *plan, const struct console_model *model, bool changed,
	int columns, struct plan_text *out)
{
	char text[PLAN_LINE_TEXT_BYTES], left[FIGURE_BYTES];
	add_standing(plan, changed, columns, out);
	add_requests(plan, columns, out);
	add_blast(plan, columns, out);
	add_effects(plan, columns, out);
	add_guards(plan, columns, out);
	plan_text_add(out, columns, ROLE_DIALOG, "verify", plan->verify);
	plan_text_add(out, columns, ROLE_DIALOG, "undo", plan->undo);
	if (plan->expires_ms <= model->now_ms) {
		snprintf(text, sizeof text, "too old to run: p plans again");
	} else {
		figure_age(plan->expires_ms - model->now_ms, left);
		snprintf(text, sizeof text, "for %s more   plan %s   fingerprint %.12s", left,
			plan->id, plan->hash);
	}
	plan_text_add(out, columns, ROLE_DIM, "good", text);
}
