#include "app/verb.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actions/action.h"
#include "actions/runbook.h"
#include "app/healer.h"
#include "app/path.h"
#include "app/trial.h"
#include "backends/sim/scenario.h"
#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"

#define SIMULATE_ARENA_BYTES (8u * 1024 * 1024)
#define SIMULATE_TEXT_BYTES (8u * 1024 * 1024)
#define SIMULATE_SEEDS_MOST 10000

struct simulate {
	const struct options *options;
	struct scenario scenario;
	struct arena *arena;
	struct trial_setup setup;
	struct trial *trials;
	size_t count, room;
};

/* One figure of a trial: its name and where it is. */
static const struct figure {
	const char *name;
	size_t offset;
} figures[] = {
	{"vulnerable_before_s", offsetof(struct trial, vulnerable_s)},
	{"vulnerable_share_before", offsetof(struct trial, vulnerable_share)},
	{"utilisation_after_loss", offsetof(struct trial, worst_utilisation)},
	{"t_trigger_s", offsetof(struct trial, trigger_s)},
	{"t_page_s", offsetof(struct trial, page_s)},
	{"t_first_user_error_s", offsetof(struct trial, first_error_s)},
	{"lead_s", offsetof(struct trial, lead_s)},
	{"t_metastable_named_s", offsetof(struct trial, metastable_s)},
	{"error_minutes", offsetof(struct trial, error_minutes)},
	{"failed_requests", offsetof(struct trial, failed_requests)},
	{"peak_error_ratio", offsetof(struct trial, peak_error_ratio)},
	{"time_to_mitigate_s", offsetof(struct trial, mitigated_s)},
};
#define FIGURES (sizeof(figures) / sizeof(figures[0]))

static double figure_of(const struct trial *trial, size_t figure)
{
	double value;
	memcpy(&value, (const char *)trial + figures[figure].offset, sizeof(value));
	return value;
}

static double phase_accuracy(const struct trial *trial)
{
	return trial->phases_judged > 0 ? (double)trial->phases_right / trial->phases_judged : NAN;
}

/* ---- the sum of all seeds ---- */

static int compare_doubles(const void *a, const void *b)
{
	const double *left = a, *right = b;
	return (*left > *right) - (*left < *right);
}

/* What came, in order; NANs are those for which it never came. */
static size_t sorted(const struct simulate *run, size_t figure, double *values)
{
	size_t count = 0;
	for (size_t i = 0; i < run->count; i++) {
		double value = figure_of(&run->trials[i], figure);
		if (!isnan(value))
			values[count++] = value;
	}
	qsort(values, count, sizeof(*values), compare_doubles);
	return count;
}

/* By nearest rank. */
static double quantile(const double *values, size_t count, double share)
{
	if (count == 0)
		return NAN;
	size_t rank = (size_t)ceil(share * (double)count);
	return values[rank > 0 ? rank - 1 : 0];
}

struct summary {
	unsigned paged, false_pages, warnings, ranked_first, ranked, recoveries_wrong, hurt;
	unsigned blind_decisions;
	struct violations violations;
	uint64_t first_violating; /* seed; 0: none */
	double phase_accuracy;    /* of all ticks */
	double worst_accuracy;    /* of one seed */
};

static struct summary sum_up(const struct simulate *run)
{
	struct summary sum = {.worst_accuracy = NAN};
	unsigned judged = 0, right = 0;
	for (size_t i = 0; i < run->count; i++) {
		const struct trial *trial = &run->trials[i];
		sum.paged += isnan(trial->page_s) ? 0 : 1;
		sum.hurt += trial->failed_requests > 0 ? 1 : 0;
		sum.false_pages += trial->false_pages;
		sum.warnings += trial->warnings;
		sum.ranked_first += trial->cause_rank == 1;
		sum.ranked += trial->cause_rank > 0;
		sum.recoveries_wrong += trial->recoveries_wrong;
		sum.blind_decisions += trial->blind_decisions;
		for (unsigned v = 0; v < VIOLATION_COUNT; v++)
			sum.violations.counts[v] += trial->violations.counts[v];
		if (sum.first_violating == 0 && violations_total(&trial->violations) > 0)
			sum.first_violating = trial->seed;
		judged += trial->phases_judged;
		right += trial->phases_right;
		sum.worst_accuracy = fmin(sum.worst_accuracy, phase_accuracy(trial));
	}
	sum.phase_accuracy = judged > 0 ? (double)right / judged : NAN;
	return sum;
}

/* ---- printing ---- */

static void json_trial(struct json_writer *json, const struct trial *trial)
{
	json_begin_object(json);
	json_member_integer(json, "seed", (int64_t)trial->seed);
	for (size_t i = 0; i < FIGURES; i++)
		json_member_number(json, figures[i].name, figure_of(trial, i));
	json_member_integer(json, "false_pages", trial->false_pages);
	json_member_integer(json, "warnings", trial->warnings);
	json_member_number(json, "phase_accuracy", phase_accuracy(trial));
	json_member_integer(json, "recoveries_wrong", trial->recoveries_wrong);
	json_member_integer(json, "blind_decisions", trial->blind_decisions);
	json_member_integer(json, "cause_rank", trial->cause_rank);
	json_member_string(json, "first_cause",
		trial->first_cause < HYPOTHESIS_COUNT ? hypothesis_name(trial->first_cause) : NULL);
	json_member_integer(json, "changes_made", trial->changes_made);
	json_member_integer(json, "changes_refused", trial->changes_refused);
	json_end_object(json);
}

static void json_summary(struct json_writer *json, const struct simulate *run, double *values)
{
	struct summary sum = sum_up(run);
	json_key(json, "summary");
	json_begin_object(json);
	for (size_t i = 0; i < FIGURES; i++) {
		size_t count = sorted(run, i, values);
		json_key(json, figures[i].name);
		json_begin_object(json);
		json_member_integer(json, "count", (int64_t)count);
		json_member_number(json, "min", quantile(values, count, 0));
		json_member_number(json, "p50", quantile(values, count, 0.50));
		json_member_number(json, "p95", quantile(values, count, 0.95));
		json_member_number(json, "max", quantile(values, count, 1));
		json_end_object(json);
	}
	json_member_integer(json, "paged", sum.paged);
	json_member_integer(json, "hurt", sum.hurt);
	json_member_integer(json, "false_pages", sum.false_pages);
	json_member_integer(json, "warnings", sum.warnings);
	json_member_number(json, "phase_accuracy", sum.phase_accuracy);
	json_member_number(json, "phase_accuracy_worst", sum.worst_accuracy);
	json_member_integer(json, "recoveries_wrong", sum.recoveries_wrong);
	json_member_integer(json, "blind_decisions", sum.blind_decisions);
	json_member_integer(json, "seeds_tried", (int64_t)run->count);
	json_member_integer(json, "invariant_violations", violations_total(&sum.violations));
	json_key(json, "violations");
	json_begin_object(json);
	for (unsigned v = 0; v < VIOLATION_COUNT; v++)
		json_member_integer(
			json, violation_name((enum violation)v), (int64_t)sum.violations.counts[v]);
	json_end_object(json);
	json_member_integer(json, "cause_first", sum.ranked_first);
	json_member_integer(json, "cause_listed", sum.ranked);
	json_end_object(json);
}

static void print_json(const struct simulate *run, double *values, struct text *out)
{
	struct json_writer json;
	json_writer_init(&json, out);
	json_begin_object(&json);
	json_member_string(&json, "scenario", run->scenario.name);
	json_member_string(&json, "cause", scenario_cause_name(run->scenario.cause));
	json_member_number(&json, "lasts_s", (double)run->scenario.lasts_ms / 1000);
	json_key(&json, "seeds");
	json_begin_array(&json);
	for (size_t i = 0; i < run->count; i++)
		json_trial(&json, &run->trials[i]);
	json_end_array(&json);
	json_summary(&json, run, values);
	json_end_object(&json);
	text_add_char(out, '\n');
}

static void print_number(struct text *out, double value)
{
	if (isnan(value))
		text_printf(out, " %10s", "-");
	else
		text_printf(out, " %10.2f", value);
}

static void print_violations(
	const struct simulate *run, const struct summary *sum, struct text *out)
{
	text_printf(out, "seeds tried %zu, invariant violations %u", run->count,
		violations_total(&sum->violations));
	if (sum->first_violating > 0)
		text_printf(out, ", first in seed %llu", (unsigned long long)sum->first_violating);
	for (unsigned v = 0; v < VIOLATION_COUNT; v++)
		text_printf(out, "%s%s %u", v ? ", " : "\n  ", violation_name((enum violation)v),
			sum->violations.counts[v]);
	text_add_char(out, '\n');
}

static void print_text(const struct simulate *run, double *values, struct text *out)
{
	struct summary sum = sum_up(run);
	text_printf(out, "%s, %zu seeds of %.0f s: %s\n", run->scenario.name, run->count,
		(double)run->scenario.lasts_ms / 1000, run->scenario.about);
	text_printf(
		out, "%-24s %10s %10s %10s %10s %6s\n", "", "min", "p50", "p95", "max", "seeds");
	for (size_t i = 0; i < FIGURES; i++) {
		size_t count = sorted(run, i, values);
		text_printf(out, "%-24s", figures[i].name);
		print_number(out, quantile(values, count, 0));
		print_number(out, quantile(values, count, 0.50));
		print_number(out, quantile(values, count, 0.95));
		print_number(out, quantile(values, count, 1));
		text_printf(out, " %6zu\n", count);
	}
	text_printf(out, "paged %u of %zu, users hit in %u; false pages %u, false warnings %u\n",
		sum.paged, run->count, sum.hurt, sum.false_pages, sum.warnings);
	text_printf(out,
		"phase right %.1f%% of all ticks (worst seed: %.1f%%), recovery named in "
		"errors %u ticks\n",
		100 * sum.phase_accuracy, 100 * sum.worst_accuracy, sum.recoveries_wrong);
	text_printf(out, "decisions on stale or partial input: %u\n", sum.blind_decisions);
	if (run->options->faults)
		print_violations(run, &sum, out);
	if (run->scenario.cause != SCENARIO_CAUSE_NONE)
		text_printf(out, "cause %s ranked first in %u, listed in %u of %zu\n",
			scenario_cause_name(run->scenario.cause), sum.ranked_first, sum.ranked,
			run->count);
}

/* ---- reading ---- */

/* A file as given, or the name of one that comes with the program. */
static void find_file(const char *folder, const char *word, char *path, size_t size)
{
	char name[PATH_BYTES];
	struct error error;
	snprintf(path, size, "%s", word);
	if (access(word, R_OK) == 0)
		return;
	snprintf(name, sizeof(name), "%s/%.200s.yaml", folder, word);
	if (!path_shared_file(name, path, size, &error))
		snprintf(path, size, "%s", word);
}

static int read_scenario(struct simulate *run)
{
	char path[PATH_BYTES];
	struct complaints complaints;
	complaints_init(&complaints);
	find_file("scenarios", run->options->words[0], path, sizeof(path));
	bool ok = scenario_load(path, &run->scenario, &complaints);
	if (!ok)
		verb_complain(&complaints);
	complaints_finish(&complaints);
	return ok ? 0 : OUTCOME_BAD_CONFIG;
}

static int read_runbook(struct simulate *run)
{
	char path[PATH_BYTES];
	struct complaints complaints;
	if (!run->options->runbook)
		return 0;
	complaints_init(&complaints);
	find_file("runbooks", run->options->runbook, path, sizeof(path));
	const struct runbook *runbook = runbook_read(run->arena, path, &complaints);
	if (runbook)
		run->setup.healer = healer_create(runbook);
	else
		verb_complain(&complaints);
	complaints_finish(&complaints);
	return run->setup.healer ? 0 : OUTCOME_BAD_RUNBOOK;
}

/* A whole number from 1 to `most`; `fallback` when it is not given. */
static bool read_number(const char *option, const char *word, unsigned long fallback,
	unsigned long most, unsigned long *out, struct error *error)
{
	*out = fallback;
	if (!word)
		return true;
	char *end;
	*out = strtoul(word, &end, 10);
	if (word[0] < '0' || word[0] > '9' || *end != '\0' || *out < 1 || *out > most)
		return error_set(
			error, ERROR_USAGE, "'--%s' is a whole number from 1 to %lu", option, most);
	return true;
}

/* "lost,step" */
static bool read_faults(const char *list, struct simulation_faults *out, struct error *error)
{
	const struct {
		const char *name;
		bool *flag;
	} rows[] = {{"lost", &out->lost}, {"stale", &out->stale}, {"step", &out->step}};
	while (list && *list) {
		size_t length = strcspn(list, ",");
		bool known = false;
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			if (strlen(rows[i].name) != length ||
				memcmp(rows[i].name, list, length) != 0)
				continue;
			*rows[i].flag = true;
			known = true;
		}
		if (!known)
			return error_set(error, ERROR_USAGE,
				"'--faults' is a list of lost, stale and step, not '%s'", list);
		list += length + (list[length] == ',');
	}
	return true;
}

static int run_seeds(struct simulate *run, unsigned long first)
{
	struct error error = {0};
	for (run->count = 0; run->count < run->room; run->count++) {
		if (!trial_run(&run->scenario, first + run->count, &run->setup,
			    &run->trials[run->count], &error))
			return verb_fail(OUTCOME_LOCAL_ERROR, &error);
	}
	/* NOLINTNEXTLINE(clang-analyzer-optin.portability.UnixAPI): one seed at least */
	double *values = calloc(run->room, sizeof(*values));
	if (!values) {
		error_no_memory(&error, "the summary");
		return verb_fail(OUTCOME_LOCAL_ERROR, &error);
	}
	struct text text;
	text_init(&text, SIMULATE_TEXT_BYTES);
	if (strcmp(run->options->output, "json") == 0)
		print_json(run, values, &text);
	else
		print_text(run, values, &text);
	fputs(text_string(&text), stdout);
	text_finish(&text);
	free(values);
	struct summary sum = sum_up(run);
	bool is_broken = run->options->faults && violations_total(&sum.violations) > 0;
	return is_broken ? OUTCOME_LOCAL_ERROR : OUTCOME_DONE;
}

int verb_simulate(const struct options *options)
{
	struct error error = {0};
	unsigned long seeds, first;
	if (options->word_count != 1) {
		error_set(&error, ERROR_USAGE, "which scenario? A file, or 'replica-loss'");
		return verb_fail(OUTCOME_USAGE, &error);
	}
	if (!read_number("seeds", options->seeds, 1, SIMULATE_SEEDS_MOST, &seeds, &error) ||
		!read_number("seed", options->seed, 1, UINT32_MAX, &first, &error))
		return verb_fail(OUTCOME_USAGE, &error);
	struct simulate run = {
		.options = options, .room = seeds, .setup.chatter = options->verbose};
	if (!read_faults(options->faults, &run.setup.faults, &error))
		return verb_fail(OUTCOME_USAGE, &error);
	run.arena = arena_create(SIMULATE_ARENA_BYTES);
	run.trials = calloc(seeds, sizeof(*run.trials));
	int code = OUTCOME_LOCAL_ERROR;
	if (run.arena && run.trials) {
		code = read_scenario(&run);
		if (code == 0)
			code = read_runbook(&run);
		if (code == 0)
			code = run_seeds(&run, first);
	} else {
		error_no_memory(&error, "a simulation");
		verb_fail(code, &error);
	}
	healer_destroy(run.setup.healer);
	free(run.trials);
	arena_destroy(run.arena);
	return code;
}
