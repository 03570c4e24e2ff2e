#include "app/status_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "core/assess/assess.h"
#include "core/base/clock.h"
#include "core/base/json_writer.h"
#include "core/base/number.h"
#include "core/base/text.h"
#include "core/fleet/entity.h"
#include "core/fleet/snapshot.h"

static const char *path_of(const struct snapshot *snapshot, uint32_t entity)
{
	return entity < fleet_count(snapshot->fleet) ? fleet_entity(snapshot->fleet, entity)->path
						     : NULL;
}

/* "12.5%", "3.20x", "4/5": each stage in the unit people say it in; "?" when unknown. */
static void stage_value(
	enum stage stage, const struct stage_assessment *row, double value, char *out, size_t size)
{
	if (!isfinite(value))
		snprintf(out, size, "?");
	else if (stage == STAGE_REPLICAS && isfinite(row->count) && isfinite(row->of))
		snprintf(out, size, "%.0f/%.0f", row->count, row->of);
	else if (stage == STAGE_LOAD || stage == STAGE_ATTEMPTS)
		snprintf(out, size, "%.2fx", value);
	else
		snprintf(out, size, "%.1f%%", value * 100);
}

static void print_stage(const struct snapshot *snapshot, enum stage stage,
	const struct stage_assessment *row, struct text *out)
{
	char now[32];
	char base[32] = "-";
	char since[CLOCK_TEXT_BYTES] = "-";
	stage_value(stage, row, row->known ? row->now : NAN, now, sizeof now);
	if (isfinite(row->baseline) && stage != STAGE_REPLICAS)
		stage_value(stage, row, row->baseline, base, sizeof base);
	if (row->onset_ms > 0)
		clock_format_time(row->onset_ms, since);
	const char *worst = path_of(snapshot, row->worst);
	text_printf(out, "  %d %-21s %9s  base %-7s since %-8s %-8s %s\n", (int)stage + 1,
		stage_name(stage), now, base, since, severity_name(row->severity),
		worst && row->severity != SEVERITY_OK ? worst : "");
}

/* "14x": how many times as fast as it may. */
static void print_burn(const struct burn *burn, struct text *out)
{
	char left[CLOCK_TEXT_BYTES];
	if (!(burn->now > 0) && !(burn->spent > 0))
		return;
	text_printf(out, ", burns %.1fx (hour %.1fx), %.2f%% of the budget spent", burn->now,
		burn->hour, 100 * burn->spent);
	if (burn->seconds_left < 365 * 86400.0) {
		clock_format_span((int64_t)(burn->seconds_left * 1000), left);
		text_printf(out, ", all of it in %s at this rate", left);
	}
}

static void print_percent(double value, char out[NUMBER_TEXT_BYTES])
{
	if (isfinite(value))
		snprintf(out, NUMBER_TEXT_BYTES, "%.1f%%", value * 100);
	else
		snprintf(out, NUMBER_TEXT_BYTES, "?");
}

static void print_clusters(
	const struct snapshot *snapshot, const struct assessment *assessment, struct text *out)
{
	if (assessment->cluster_count == 0)
		return;
	text_add(out, "  cluster             replicas  pool use  waiting  auth fail  att/req   "
		      "errors  N-1 headroom\n");
	for (size_t i = 0; i < assessment->cluster_count && i < 20; i++) {
		const struct cluster_assessment *row = &assessment->clusters[i];
		char use[NUMBER_TEXT_BYTES], auth[NUMBER_TEXT_BYTES], errors[NUMBER_TEXT_BYTES],
			headroom[NUMBER_TEXT_BYTES], waiting[NUMBER_TEXT_BYTES],
			attempts[NUMBER_TEXT_BYTES], replicas[NUMBER_TEXT_BYTES];
		print_percent(row->pool_use, use);
		print_percent(row->auth_failures, auth);
		print_percent(row->errors, errors);
		print_percent(row->contingency.known ? row->contingency.headroom : NAN, headroom);
		number_format(row->waiting, waiting);
		number_format(row->attempts, attempts);
		if (isfinite(row->replicas_up))
			snprintf(replicas, sizeof replicas, "%.0f/%.0f", row->replicas_up,
				row->replicas_expected);
		else
			snprintf(replicas, sizeof replicas, "?/%.0f", row->replicas_expected);
		text_printf(out, "  %-18s %9s %9s %8s %10s %8s %8s %13s  %s, %s%s\n",
			path_of(snapshot, row->cluster), replicas, use, waiting, auth, attempts,
			errors, headroom, severity_name(row->severity), phase_name(row->phase),
			row->stale ? ", stale" : "");
	}
	if (assessment->cluster_count > 20)
		text_printf(out, "  and %zu more clusters\n", assessment->cluster_count - 20);
}

void status_print_text(
	const struct snapshot *snapshot, const struct assessment *assessment, struct text *out)
{
	char at[CLOCK_TEXT_BYTES];
	char since[CLOCK_TEXT_BYTES];
	clock_format(assessment->at_ms, false, at);
	clock_format_span(assessment->at_ms - assessment->phase_since_ms, since);
	text_printf(out, "%s: %s\n", severity_name(assessment->severity),
		assessment->headline[0] ? assessment->headline : "nothing out of the ordinary");
	text_printf(out, "phase %s for %s, at %s, sources %zu of %zu answering\n",
		phase_name(assessment->phase), since, at, assessment->sources_ok,
		assessment->sources_total);
	for (int stage = 0; stage < STAGE_COUNT; stage++)
		print_stage(snapshot, (enum stage)stage, &assessment->stages[stage], out);
	for (size_t i = 0; i < assessment->surface_count; i++) {
		const struct surface_assessment *row = &assessment->surfaces[i];
		char ratio[NUMBER_TEXT_BYTES], requests[NUMBER_TEXT_BYTES],
			errors[NUMBER_TEXT_BYTES];
		print_percent(row->known ? row->ratio : NAN, ratio);
		number_format(row->requests, requests);
		number_format(row->errors, errors);
		text_printf(out, "  surface %-12s errors %s: %s/s of %s/s", row->name, ratio,
			errors, requests);
		print_burn(&row->burn, out);
		text_add_char(out, '\n');
	}
	print_clusters(snapshot, assessment, out);
	for (size_t i = 0; i < assessment->finding_count; i++)
		text_printf(out, "  %s: %s\n", severity_name(assessment->findings[i].severity),
			assessment->findings[i].text);
	for (size_t i = 0; i < assessment->cause_count; i++) {
		const struct cause *cause = &assessment->causes[i];
		text_printf(out, "  cause %zu: %s: %s%s%s\n", i + 1,
			hypothesis_name(cause->hypothesis), cause->evidence,
			cause->contradiction[0] ? "; against it: " : "", cause->contradiction);
	}
	if (assessment->page)
		text_printf(out, "  page: %s\n", assessment->page_why);
	for (size_t i = 0; i < assessment->recommendation_count; i++) {
		const struct recommendation *one = &assessment->recommendations[i];
		text_printf(out, "  %s %s\n", one->enough ? "could:" : "not enough:", one->text);
	}
	if (assessment->falsifier[0])
		text_printf(out, "  would be wrong if: %s\n", assessment->falsifier);
}

static void json_contingency(struct json_writer *json, const struct snapshot *snapshot,
	const char *key, const struct contingency *row)
{
	json_key(json, key);
	if (!row->known) {
		json_null(json);
		return;
	}
	json_begin_object(json);
	json_member_string(json, "replica", path_of(snapshot, row->replica));
	json_member_string(json, "cluster", path_of(snapshot, row->cluster));
	json_member_number(json, "utilisation_now", row->utilisation_now);
	json_member_number(json, "utilisation_after", row->utilisation_after);
	json_member_number(json, "headroom", row->headroom);
	json_member_number(json, "seconds_to_timeout", row->seconds_to_timeout);
	json_end_object(json);
}

static void json_stages(struct json_writer *json, const struct snapshot *snapshot,
	const struct assessment *assessment)
{
	json_key(json, "stages");
	json_begin_array(json);
	for (int stage = 0; stage < STAGE_COUNT; stage++) {
		const struct stage_assessment *row = &assessment->stages[stage];
		json_begin_object(json);
		json_member_string(json, "stage", stage_name((enum stage)stage));
		json_member_number(json, "now", row->known ? row->now : NAN);
		json_member_number(json, "baseline", row->baseline);
		if (stage == STAGE_REPLICAS) {
			json_member_number(json, "serving", row->count);
			json_member_number(json, "expected", row->of);
		}
		json_member_time(json, "onset", row->onset_ms);
		json_member_string(json, "severity", severity_name(row->severity));
		json_member_string(json, "worst", path_of(snapshot, row->worst));
		json_member_number(json, "age_ms", row->age_ms >= 0 ? (double)row->age_ms : NAN);
		json_end_object(json);
	}
	json_end_array(json);
}

static void json_surfaces(struct json_writer *json, const struct assessment *assessment)
{
	json_key(json, "surfaces");
	json_begin_array(json);
	for (size_t i = 0; i < assessment->surface_count; i++) {
		const struct surface_assessment *row = &assessment->surfaces[i];
		json_begin_object(json);
		json_member_string(json, "surface", row->name);
		json_member_number(json, "requests_per_second", row->requests);
		json_member_number(json, "errors_per_second", row->errors);
		json_member_number(json, "error_ratio", row->known ? row->ratio : NAN);
		json_member_number(json, "baseline", row->baseline);
		json_member_number(json, "burn_rate", row->burn.now);
		json_member_number(json, "burn_rate_hour", row->burn.hour);
		json_member_number(json, "budget_spent", row->burn.spent);
		json_member_number(json, "budget_seconds_left", row->burn.seconds_left);
		json_member_string(json, "severity", severity_name(row->severity));
		json_end_object(json);
	}
	json_end_array(json);
}

/* Null unless the trend deserves a time. */
static void json_exhaustion(struct json_writer *json, const struct exhaustion *row)
{
	json_key(json, "exhaustion");
	if (!row->known) {
		json_null(json);
		return;
	}
	json_begin_object(json);
	json_member_number(json, "low_s", row->low_s);
	json_member_number(json, "high_s", row->high_s);
	json_member_number(json, "connections_per_minute", row->per_minute);
	json_end_object(json);
}

static void json_clusters(struct json_writer *json, const struct snapshot *snapshot,
	const struct assessment *assessment)
{
	json_key(json, "clusters");
	json_begin_array(json);
	for (size_t i = 0; i < assessment->cluster_count; i++) {
		const struct cluster_assessment *row = &assessment->clusters[i];
		json_begin_object(json);
		json_member_string(json, "cluster", path_of(snapshot, row->cluster));
		json_member_string(json, "severity", severity_name(row->severity));
		json_member_string(json, "phase", phase_name(row->phase));
		json_member_number(json, "share", row->share);
		json_member_number(json, "replicas_serving", row->replicas_up);
		json_member_number(json, "replicas_expected", row->replicas_expected);
		json_member_number(json, "pool_used", row->pool_used);
		json_member_number(json, "pool_max", row->pool_max);
		json_member_number(json, "pool_use", row->pool_use);
		json_member_number(json, "knee", row->knee);
		json_member_number(json, "waiting", row->waiting);
		json_member_number(json, "wait_ms", row->wait_ms);
		json_member_number(json, "auth_failure_ratio", row->auth_failures);
		json_member_number(json, "attempts_per_request", row->attempts);
		json_member_number(json, "error_ratio", row->errors);
		json_contingency(json, snapshot, "contingency", &row->contingency);
		json_exhaustion(json, &row->exhaustion);
		json_member_number(json, "age_ms", row->age_ms >= 0 ? (double)row->age_ms : NAN);
		json_member_bool(json, "stale", row->stale);
		json_end_object(json);
	}
	json_end_array(json);
}

static void json_causes(struct json_writer *json, const struct snapshot *snapshot,
	const struct assessment *assessment)
{
	json_key(json, "causes");
	json_begin_array(json);
	for (size_t i = 0; i < assessment->cause_count; i++) {
		const struct cause *cause = &assessment->causes[i];
		json_begin_object(json);
		json_member_string(json, "cause", hypothesis_name(cause->hypothesis));
		json_member_string(json, "entity", path_of(snapshot, cause->entity));
		json_member_number(json, "score", cause->score);
		json_member_time(json, "onset", cause->onset_ms);
		json_member_string(json, "evidence", cause->evidence);
		json_member_string(json, "contradiction",
			cause->contradiction[0] ? cause->contradiction : NULL);
		json_end_object(json);
	}
	json_end_array(json);
}

static void json_recommendations(struct json_writer *json, const struct snapshot *snapshot,
	const struct assessment *assessment)
{
	json_key(json, "recommendations");
	json_begin_array(json);
	for (size_t i = 0; i < assessment->recommendation_count; i++) {
		const struct recommendation *one = &assessment->recommendations[i];
		json_begin_object(json);
		json_member_string(json, "verb", one->verb);
		json_member_string(json, "entity", path_of(snapshot, one->entity));
		json_member_number(json, "from", one->from);
		json_member_number(json, "to", one->to);
		json_member_number(json, "use_before", one->use_before);
		json_member_number(json, "use_after", one->use);
		json_member_bool(json, "enough", one->enough);
		json_member_number(json, "seconds_to_recover", one->seconds);
		json_member_string(json, "text", one->text);
		json_end_object(json);
	}
	json_end_array(json);
}

static void json_sources(struct json_writer *json, const struct snapshot *snapshot)
{
	static const char *const states[] = {"starting", "ok", "partial", "failing"};
	json_key(json, "sources");
	json_begin_array(json);
	for (size_t i = 0; i < snapshot->source_count; i++) {
		const struct source_status *row = &snapshot->sources[i];
		json_begin_object(json);
		json_member_string(json, "source", row->name);
		json_member_string(json, "kind", row->kind);
		json_member_string(json, "state", states[row->state]);
		json_member_time(json, "last_ok", row->last_ok_ms);
		json_member_string(json, "trouble", row->trouble[0] ? row->trouble : NULL);
		json_end_object(json);
	}
	json_end_array(json);
}

void status_print_json(
	const struct snapshot *snapshot, const struct assessment *assessment, struct text *out)
{
	struct json_writer json;
	json_writer_init(&json, out);
	json_begin_object(&json);
	json_member_time(&json, "at", assessment->at_ms);
	json_member_string(&json, "severity", severity_name(assessment->severity));
	json_member_string(&json, "phase", phase_name(assessment->phase));
	json_member_time(&json, "phase_since", assessment->phase_since_ms);
	json_member_string(&json, "headline", assessment->headline);
	json_member_string(&json, "falsifier", assessment->falsifier);
	json_member_string(&json, "first_stage",
		assessment->first_stage < STAGE_COUNT ? stage_name(assessment->first_stage) : NULL);
	json_stages(&json, snapshot, assessment);
	json_contingency(&json, snapshot, "contingency", &assessment->contingency);
	json_surfaces(&json, assessment);
	json_clusters(&json, snapshot, assessment);
	json_causes(&json, snapshot, assessment);
	json_recommendations(&json, snapshot, assessment);
	json_member_bool(&json, "page", assessment->page);
	json_member_time(&json, "page_since", assessment->page_since_ms);
	json_member_string(&json, "page_why", assessment->page ? assessment->page_why : NULL);
	json_key(&json, "findings");
	json_begin_array(&json);
	for (size_t i = 0; i < assessment->finding_count; i++) {
		json_begin_object(&json);
		json_member_string(
			&json, "severity", severity_name(assessment->findings[i].severity));
		json_member_string(
			&json, "entity", path_of(snapshot, assessment->findings[i].entity));
		json_member_time(&json, "since", assessment->findings[i].since_ms);
		json_member_string(&json, "text", assessment->findings[i].text);
		json_end_object(&json);
	}
	json_end_array(&json);
	json_member_number(&json, "goodput_per_second", assessment->goodput);
	json_member_number(&json, "offered_per_second", assessment->offered);
	json_member_number(&json, "first_tries_per_second", assessment->first_tries);
	json_member_number(&json, "retries_per_second", assessment->retries);
	json_member_time(&json, "incident_start", assessment->incident_start_ms);
	json_member_number(&json, "failed_requests", assessment->failed_requests);
	json_member_number(&json, "peak_error_ratio", assessment->peak_error_ratio);
	json_member_integer(&json, "sources_ok", (int64_t)assessment->sources_ok);
	json_member_integer(&json, "sources_total", (int64_t)assessment->sources_total);
	json_sources(&json, snapshot);
	json_end_object(&json);
	text_add_char(out, '\n');
}

int status_exit_code(const struct assessment *assessment)
{
	static const int codes[] = {[SEVERITY_OK] = 0,
		[SEVERITY_WARNING] = 1,
		[SEVERITY_CRITICAL] = 2,
		[SEVERITY_UNKNOWN] = 3};
	if (assessment->at_ms == 0 || assessment->sources_ok == 0)
		return 3;
	return codes[assessment->severity];
}
