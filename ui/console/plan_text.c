#include "ui/console/plan_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ui/console/screen.h"
#include "ui/wrap.h"

#define NEARLY_FULL 0.80 /* worth a warning, below any ceiling */

void plan_text_add(struct plan_text *text, int columns, enum role role, const char *label,
	const char *badge, const char *words)
{
	char line[PLAN_LINE_TEXT_BYTES];
	int room = badge ? columns - PLAN_BADGE_COLUMNS : columns;
	while (wrap_next(&words, room, line, sizeof line)) {
		if (text->count == PLAN_LINES_MOST) {
			struct plan_line *last = &text->lines[PLAN_LINES_MOST - 1];
			snprintf(last->text, sizeof last->text,
				"further lines do not fit: spillway plan prints all of them");
			last->role = ROLE_CRITICAL;
			return;
		}
		struct plan_line *next = &text->lines[text->count++];
		next->label = label;
		next->badge = badge;
		next->role = role;
		snprintf(next->text, sizeof next->text, "%s", line);
		label = "";
		badge = badge ? "" : NULL;
	}
}

static bool blocks(const struct verdict *verdict)
{
	return (verdict->kind == VERDICT_BLOCK || verdict->kind == VERDICT_UNKNOWN) &&
	       !verdict->overridden;
}

/* Three passes, so that what matters most stands first. */
enum guard_pass { PASS_BLOCKING, PASS_WARNING, PASS_REST };

static enum guard_pass pass_of(const struct verdict *verdict)
{
	if (blocks(verdict))
		return PASS_BLOCKING;
	return verdict->kind == VERDICT_PASS ? PASS_REST : PASS_WARNING;
}

/* The guards of one pass under `label`; returns whether there were any. */
static bool add_guards(const struct plan *plan, enum guard_pass pass, const char *label,
	int columns, struct plan_text *out)
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
	bool any = false;
	for (size_t i = 0; i < plan->verdict_count; i++) {
		const struct verdict *verdict = &plan->verdicts[i];
		if (pass_of(verdict) != pass)
			continue;
		char text[PLAN_LINE_TEXT_BYTES];
		snprintf(text, sizeof text, "%s%s: %s", verdict->guard,
			verdict->overridden ? " (overridden)" : "", verdict->text);
		plan_text_add(out, columns, words[verdict->kind].role, any ? "" : label,
			words[verdict->kind].word, text);
		any = true;
	}
	return any;
}

/* The guards that pass, by name only. */
static void fold_guards(
	const struct plan *plan, const char *label, int columns, struct plan_text *out)
{
	char text[PLAN_LINE_TEXT_BYTES] = "";
	size_t used = 0;
	for (size_t i = 0; i < plan->verdict_count && used < sizeof text; i++) {
		if (pass_of(&plan->verdicts[i]) != PASS_REST)
			continue;
		int more = snprintf(text + used, sizeof text - used, "%s%s", used ? ", " : "",
			plan->verdicts[i].guard);
		used += more > 0 ? (size_t)more : 0;
	}
	if (used > 0)
		plan_text_add(out, columns, ROLE_OK, label, " OK", text);
}

static void add_standing(const struct plan *plan, bool changed, int columns, struct plan_text *out)
{
	char text[PLAN_LINE_TEXT_BYTES], value[2 * FIGURE_BYTES];
	if (changed)
		plan_text_add(out, columns, ROLE_CRITICAL, "CHANGED", NULL,
			"This is not the plan you looked at: readings or requests have changed. "
			"Look again.");
	if (plan->no_change)
		plan_text_add(out, columns, ROLE_OK, "nothing", NULL,
			"It already is as asked: there is nothing to change.");
	if (!plan->blocked)
		return;
	add_guards(plan, PASS_BLOCKING, "REFUSED", columns, out);
	if (isnan(plan->largest_safe_to))
		return;
	verb_words(plan->verb, plan->largest_safe_to, value);
	snprintf(text, sizeof text, "s: use the largest safe step: %s", value);
	plan_text_add(out, columns, ROLE_KEY, "instead", NULL, text);
}

static void add_requests(const struct plan *plan, int columns, struct plan_text *out)
{
	for (size_t i = 0; i < plan->request_count; i++) {
		char text[PLAN_LINE_BYTES + 32];
		bool ssh = strcmp(plan->requests[i].transport, "ssh") == 0;
		snprintf(text, sizeof text, "%s%s", ssh ? "ssh " : "", plan->requests[i].line);
		plan_text_add(out, columns, ROLE_STRONG, i == 0 ? "will run" : "then", NULL, text);
	}
	char from[FIGURE_BYTES], to[FIGURE_BYTES], age[FIGURE_BYTES];
	char text[PLAN_LINE_TEXT_BYTES];
	const char *parameter =
		plan->verb && plan->verb->parameter ? plan->verb->parameter : "value";
	bool unit = strcmp(verb_unit(plan->verb), parameter) != 0;
	verb_figure(plan->verb, plan->from, from);
	verb_figure(plan->verb, plan->to, to);
	figure_age(plan->from_age_ms, age);
	snprintf(text, sizeof text, "%s %s -> %s%s%s  (read %s before the plan)", parameter, from,
		to, unit ? " " : "", unit ? verb_unit(plan->verb) : "", age);
	plan_text_add(out, columns, ROLE_STRONG, "changes", NULL, text);
}

static void add_blast(const struct plan *plan, int columns, struct plan_text *out)
{
	char text[PLAN_LINE_TEXT_BYTES], moved[FIGURE_BYTES];
	if (!plan->projection.known)
		return;
	figure_percent(plan->projection.moved_share, moved);
	snprintf(text, sizeof text, "%s  (low: retries stop, high: they go on)",
		plan->projection.moved_share > 0.0 ? moved : "no traffic moves");
	if (plan->projection.moved_share > 0.0)
		snprintf(text, sizeof text,
			"%s of all traffic moves  (low: retries stop, high: they go on)", moved);
	plan_text_add(out, columns, ROLE_DIALOG, "blast", NULL, text);
}

struct effect_words {
	const char *badge;
	enum role role;
};

static struct effect_words judge(const struct plan_effect *effect)
{
	if (isnan(effect->use_high))
		return (struct effect_words){"?UNK", ROLE_UNKNOWN};
	if (effect->over_ceiling)
		return (struct effect_words){"!OVER", ROLE_CRITICAL};
	if (effect->use_high >= NEARLY_FULL)
		return (struct effect_words){"~WARN", ROLE_WARNING};
	return (struct effect_words){" OK", ROLE_OK};
}

static void add_effect(
	const struct plan_effect *effect, bool first, int columns, struct plan_text *out)
{
	char before[FIGURE_BYTES], low[FIGURE_BYTES], high[FIGURE_BYTES];
	char text[PLAN_LINE_TEXT_BYTES], traffic[FIGURE_BYTES] = "";
	struct effect_words words = judge(effect);
	double by = (effect->share_after - effect->share_before) * 100.0;
	figure_percent(effect->use_before, before);
	figure_percent(effect->use_low, low);
	figure_percent(effect->use_high, high);
	if (fabs(by) >= 0.05)
		snprintf(traffic, sizeof traffic, ", traffic %+.1f%%", by);
	snprintf(text, sizeof text, "%-10s pool demand %s -> %s..%s%s", effect->cluster, before,
		low, high, traffic);
	plan_text_add(out, columns, words.role, first ? "after" : "", words.badge, text);
}

static void add_effects(const struct plan *plan, int columns, struct plan_text *out)
{
	bool any = false;
	if (!plan->projection.known) {
		plan_text_add(out, columns, ROLE_UNKNOWN, "after", "?UNK",
			plan->projection.unknown_why[0] ? plan->projection.unknown_why
							: "the effect cannot be projected");
		return;
	}
	for (size_t i = 0; i < plan->effect_count; i++) {
		if (!plan->effects[i].changed)
			continue;
		add_effect(&plan->effects[i], !any, columns, out);
		any = true;
	}
}

void plan_text_make(const struct plan *plan, const struct console_model *model, bool changed,
	bool folded, int columns, struct plan_text *out)
{
	char text[PLAN_LINE_TEXT_BYTES], left[FIGURE_BYTES];
	add_standing(plan, changed, columns, out);
	add_requests(plan, columns, out);
	add_blast(plan, columns, out);
	add_effects(plan, columns, out);
	bool warned = add_guards(plan, PASS_WARNING, "guards", columns, out);
	if (folded)
		fold_guards(plan, warned ? "" : "guards", columns, out);
	else
		add_guards(plan, PASS_REST, warned ? "" : "guards", columns, out);
	plan_text_add(out, columns, ROLE_DIALOG, "verify", NULL, plan->verify);
	plan_text_add(out, columns, ROLE_DIALOG, "undo", NULL, plan->undo);
	if (plan->expires_ms <= model->now_ms) {
		snprintf(text, sizeof text, "too old to run: p plans again");
	} else {
		figure_age(plan->expires_ms - model->now_ms, left);
		snprintf(text, sizeof text, "for %s more   plan %s   fingerprint %.12s", left,
			plan->id, plan->hash);
	}
	plan_text_add(out, columns, ROLE_DIM, "good", NULL, text);
}
