#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/fleet/snapshot.h"
#include "ui/console/screen.h"

#define CLUSTERS_MOST 4 /* the worst; the rest are a count */

static const char *word_of(enum severity severity)
{
	const char *word = state_word(severity);
	return word[0] == ' ' ? word + 1 : word;
}

static const char *path_of(const struct console_model *model, uint32_t id)
{
	return model->snapshot && id < fleet_count(model->snapshot->fleet)
		       ? fleet_entity(model->snapshot->fleet, id)->path
		       : "?";
}

static void heading(const struct console_model *model, struct text *out)
{
	const struct assessment *assessment = model->assessment;
	char clock[CLOCK_TEXT_BYTES], age[FIGURE_BYTES], elapsed[FIGURE_BYTES];
	clock_format_time(model->now_ms, clock);
	const char *environment = model->environment ? model->environment : "?";
	if (!assessment) {
		text_printf(out, "%sZ %s ?UNK no data yet\n", clock, environment);
		return;
	}
	figure_age(assessment_age_ms(assessment, model->now_ms), age);
	text_printf(out, "%sZ %s %s %s", clock, environment, word_of(assessment->severity),
		phase_name(assessment->phase));
	if (assessment->incident_start_ms > 0) {
		figure_elapsed(model->now_ms - assessment->incident_start_ms, elapsed);
		text_printf(out, ", incident T%s", elapsed);
	}
	text_printf(out, ", sources %zu/%zu, age %s, %s\n", assessment->sources_ok,
		assessment->sources_total, age, model_is_armed(model) ? "armed" : "read-only");
	if (assessment->headline[0])
		text_printf(out, "  %s\n", assessment->headline);
}

static void chain(const struct console_model *model, struct text *out)
{
	char now[FIGURE_BYTES], since[FIGURE_BYTES];
	text_add(out, "  chain:");
	for (int i = 0; i < STAGE_COUNT; i++) {
		const struct stage_assessment *stage = &model->assessment->stages[i];
		stage_now(model->assessment, (enum stage)i, now);
		text_printf(out, "%s %s %s %s", i > 0 ? " |" : "", stage_label((enum stage)i), now,
			word_of(stage->severity));
		figure_time(stage->onset_ms, since);
		if (stage->onset_ms > 0)
			text_printf(out, " since %s%s", since,
				model->assessment->first_stage == (enum stage)i ? " (first)" : "");
	}
	text_add(out, "\n");
}

static void users(const struct console_model *model, struct text *out)
{
	const struct assessment *assessment = model->assessment;
	char a[FIGURE_BYTES], b[FIGURE_BYTES];
	text_add(out, "  users:");
	for (size_t i = 0; i < assessment->surface_count; i++) {
		const struct surface_assessment *surface = &assessment->surfaces[i];
		figure_percent_fine(surface->known ? surface->ratio : NAN, a);
		text_printf(out, "%s %s %s errors", i > 0 ? "," : "", surface->name, a);
	}
	figure_rate(assessment->goodput, a);
	text_printf(out, "%sgoodput %s", assessment->surface_count > 0 ? " | " : " ", a);
	figure_rate(assessment->first_tries, a);
	figure_rate(assessment->retries, b);
	text_printf(out, " | %s first tries + %s retries\n", a, b);
}

static void clusters(const struct console_model *model, struct text *out)
{
	const struct assessment *assessment = model->assessment;
	char pool[FIGURE_BYTES], waiting[FIGURE_BYTES], errors[FIGURE_BYTES];
	text_add(out, "  clusters:");
	size_t shown = assessment->cluster_count < CLUSTERS_MOST ? assessment->cluster_count
								 : CLUSTERS_MOST;
	for (size_t i = 0; i < shown; i++) {
		const struct cluster_assessment *cluster = &assessment->clusters[i];
		double known = cluster->stale ? NAN : 0.0;
		figure_percent(cluster->pool_use + known, pool);
		figure_count(round(cluster->waiting) + known, waiting);
		figure_percent_fine(cluster->errors + known, errors);
		text_printf(out, "%s %s %s pool %s, %s waiting, errors %s", i > 0 ? " |" : "",
			path_of(model, cluster->cluster),
			word_of(cluster->stale ? SEVERITY_UNKNOWN : cluster->severity), pool,
			waiting, errors);
	}
	if (shown < assessment->cluster_count)
		text_printf(out, " | %zu more", assessment->cluster_count - shown);
	text_add(out, "\n");
}

static void contingency(const struct console_model *model, struct text *out)
{
	const struct contingency *worst = &model->assessment->contingency;
	char before[FIGURE_BYTES], after[FIGURE_BYTES], span[CLOCK_TEXT_BYTES];
	if (!worst->known) {
		text_add(out, "  N-1: not known\n");
		return;
	}
	figure_percent(worst->utilisation_now, before);
	figure_percent(worst->utilisation_after, after);
	text_printf(out, "  N-1: losing %s: pools of the rest %s -> %s",
		path_of(model, worst->replica), before, after);
	if (worst->headroom >= 0.0) {
		text_add(out, ", carried\n");
	} else if (isfinite(worst->seconds_to_timeout)) {
		clock_format_span((int64_t)(worst->seconds_to_timeout * 1000.0), span);
		text_printf(out, ", timeouts in about %s\n", span);
	} else {
		text_add(out, ", too much\n");
	}
}

static void last_change(const struct console_model *model, struct text *out)
{
	if (model->run_count > 0) {
		struct view view = {.model = model};
		char line[ACTION_TEXT_BYTES];
		run_line(&view, &model->runs[0], line, sizeof line);
		text_printf(out, "  last change: %s\n", line);
	}
	if (model->message_count > 0) {
		const struct console_message *message = &model->messages[model->message_count - 1];
		char clock[CLOCK_TEXT_BYTES];
		clock_format_time(message->at_ms, clock);
		text_printf(out, "  last message: %s %s %s\n", clock, word_of(message->severity),
			message->text);
	}
}

void console_plain(const struct console_model *model, struct text *out)
{
	heading(model, out);
	if (model->assessment) {
		chain(model, out);
		users(model, out);
		clusters(model, out);
		contingency(model, out);
	}
	last_change(model, out);
}
