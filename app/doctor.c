#include "app/doctor.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/config.h"
#include "backends/backend.h"
#include "backends/source.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"
#include "core/fleet/entity.h"

#define DETAILS_SHOWN 8
#define OLD_FIGURES_MS 10000
#define SHOWN_PER_SOURCE 12 /* findings of one configured source in text; JSON has all */

/* One configured source and the statuses of its targets: [first, first + count). */
struct group {
	const struct source_config *config;
	size_t first, count;
};

static struct group group_at(const struct doctor_case *examined, size_t source)
{
	const struct sources *sources = &examined->config->sources;
	size_t first = 0;
	for (size_t i = 0; i < source; i++)
		first += sources->rows[i].target_count > 0 ? sources->rows[i].target_count : 1;
	size_t count =
		sources->rows[source].target_count > 0 ? sources->rows[source].target_count : 1;
	if (first > examined->snapshot->source_count)
		first = examined->snapshot->source_count;
	if (count > examined->snapshot->source_count - first)
		count = examined->snapshot->source_count - first;
	return (struct group){&sources->rows[source], first, count};
}

static void find(struct doctor_report *report, size_t source, bool mend, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void find(struct doctor_report *report, size_t source, bool mend, const char *format, ...)
{
	report->to_mend += mend ? 1 : 0;
	if (report->finding_count == DOCTOR_FINDINGS_MOST)
		return;
	if (report->finding_count == report->capacity) {
		size_t capacity = report->capacity ? report->capacity * 2 : 64;
		void *more = realloc(report->findings, capacity * sizeof(*report->findings));
		if (!more)
			return;
		report->findings = more;
		report->capacity = capacity;
	}
	struct doctor_finding *finding = &report->findings[report->finding_count++];
	*finding = (struct doctor_finding){.source = source, .mend = mend};
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(finding->text, sizeof(finding->text), format, arguments);
	va_end(arguments);
}

/* ---- what each source yields ---- */

static void note_yields(struct doctor_report *report)
{
	const struct snapshot *snapshot = report->examined->snapshot;
	for (size_t entity = 0; entity < snapshot->entity_count; entity++) {
		for (int i = 0; i < SIGNAL_COUNT; i++) {
			enum signal signal = (enum signal)i;
			const struct reading *reading =
				snapshot_reading(snapshot, (uint32_t)entity, signal);
			if (reading->at_ms != 0 && reading->source < snapshot->source_count &&
				!signal_row(signal)->derived)
				report->yields[reading->source][i] = true;
		}
	}
}

/* It says so, and others are trusted more. */
static bool is_outvoted(const struct doctor_report *report, size_t source, enum signal signal)
{
	uint64_t gives = report->examined->snapshot->sources[source].gives;
	return (gives >> signal & 1) && !report->yields[source][signal];
}

static bool yields_any(const struct doctor_report *report, size_t source)
{
	for (int i = 0; i < SIGNAL_COUNT; i++)
		if (report->yields[source][i])
			return true;
	return false;
}

/* ---- one source ---- */

static const char *map_calls_it(const struct signal_map *map)
{
	return map->query ? map->query : map->metric ? map->metric : "";
}

/* A row that a healthy target gives nothing for. */
static void find_missing(struct doctor_report *report, size_t source, size_t index)
{
	const struct doctor_case *examined = report->examined;
	const struct signal_map *map = &examined->config->sources.maps[index];
	const char *name = signal_row(map->signal)->name;
	bool own = index < examined->config->own_map_count;
	if (report->yields[source][map->signal] || is_outvoted(report, source, map->signal) || !own)
		return;
	if (map->rate && examined->row_answered[index])
		find(report, source, false,
			"%s (line %d) has no value yet: a rate needs two answers, so look again "
			"with a longer --timeout",
			name, map->line);
	else if (examined->row_answered[index])
		find(report, source, true,
			"%s (line %d) is missing here, though other sources give it: look for "
			"'%.100s' at this one",
			name, map->line, map_calls_it(map));
	else if (map->query)
		find(report, source, true,
			"%s (line %d) is missing: the query gives no value; try it in the "
			"server's own page, its labels must name the entity: '%.100s'",
			name, map->line, map_calls_it(map));
	else
		find(report, source, true,
			"%s (line %d) is missing: nothing on the page is called '%.100s', or no "
			"series has the labels asked for",
			name, map->line, map_calls_it(map));
}

static void find_cost(
	struct doctor_report *report, size_t source, const struct source_status *status)
{
	int64_t at_ms = report->examined->snapshot->at_ms;
	if (status->state == SOURCE_STARTING)
		find(report, source, true,
			"has not answered yet: wait longer with --timeout, or lower its 'every'");
	else if (status->state != SOURCE_FAILING &&
		 at_ms - status->last_ok_ms > 3 * (int64_t)status->interval_ms)
		find(report, source, true, "last answered %.1f s ago and is asked every %.1f s",
			(double)(at_ms - status->last_ok_ms) / 1000,
			(double)status->interval_ms / 1000);
	if (status->last_took_ms > 0.5 * (double)status->interval_ms &&
		status->state != SOURCE_FAILING)
		find(report, source, true,
			"takes %.0f ms to answer and is asked every %d ms: raise 'every' to %.0f s",
			status->last_took_ms, (int)status->interval_ms,
			4 * status->last_took_ms / 1000 + 1);
}

/* The time of the newest figure that came from a source; 0 when none did. */
static int64_t newest_figure_ms(const struct snapshot *snapshot, size_t source)
{
	int64_t newest_ms = 0;
	for (size_t i = 0; i < snapshot->entity_count * SIGNAL_PLACES; i++) {
		const struct reading *reading = &snapshot->readings[i];
		if (reading->at_ms > newest_ms && reading->source == source)
			newest_ms = reading->at_ms;
	}
	return newest_ms;
}

/* Times: its clock against ours, and how old its figures are though it answers. */
static void find_times(
	struct doctor_report *report, size_t source, const struct source_status *status)
{
	const struct snapshot *snapshot = report->examined->snapshot;
	int64_t ahead_ms = status->clock_ahead_ms;
	int64_t newest_ms = newest_figure_ms(snapshot, source);
	int64_t old_ms = newest_ms ? status->last_ok_ms - newest_ms : 0;
	if (ahead_ms != 0)
		find(report, source, true,
			"its clock is %.1f s %s ours: set both by NTP (until then its times are "
			"corrected by that)",
			fabs((double)ahead_ms) / 1000, ahead_ms > 0 ? "ahead of" : "behind");
	if (old_ms > 3 * (int64_t)status->interval_ms && old_ms > OLD_FIGURES_MS)
		find(report, source, true, "answers, but with figures that are %.0f s old: %s",
			(double)old_ms / 1000,
			strncmp(status->detail, "VictoriaMetrics", 15) == 0
				? "start VictoriaMetrics with -search.latencyOffset=1s"
				: "does it scrape too seldom, or has it lost its targets?");
}

/* A replica that is down as this source sees it may be one that is looked for in the wrong place.
 */
static void find_down(struct doctor_report *report, size_t source)
{
	const struct snapshot *snapshot = report->examined->snapshot;
	for (uint32_t id = 0; id < snapshot->entity_count; id++) {
		const struct reading *up = snapshot_reading(snapshot, id, SIGNAL_REPLICA_UP);
		if (up->at_ms != 0 && up->source == source && up->value < 1)
			find(report, source, false,
				"says that replica %s is down: if it is not, is the url right?",
				fleet_entity(snapshot->fleet, id)->path);
	}
}

/* Nothing comes of what it says. Where a pack knows it by its name, that is the cure. */
static void find_unread(struct doctor_report *report, const struct group *group, size_t source)
{
	const struct source_status *status = &report->examined->snapshot->sources[source];
	char name[SOURCE_DETAIL_BYTES];
	size_t length = strcspn(status->detail, " ");
	for (size_t i = 0; i < length; i++)
		name[i] = (char)tolower((unsigned char)status->detail[i]);
	name[length] = '\0';
	bool known = length > 0 && report->examined->has_pack(name);
	char *tail = strstr(name, "_exporter");
	if (!known && tail) {
		*tail = '\0';
		known = report->examined->has_pack(name);
	}
	if (group->config->ops->row_key && known)
		find(report, source, true,
			"answers, but no signal comes of it: there is a pack for it, add '%s' to "
			"'use:'",
			name);
	else
		find(report, source, true,
			group->config->ops->row_key
				? "answers, but no signal comes of it: add rows for it to "
				  "'signals:', or a pack to 'use:'"
				: "answers, but no signal comes of it: nothing there is known by "
				  "this fleet's names");
}

static void examine_target(struct doctor_report *report, const struct group *group, size_t source)
{
	const struct source_status *status = &report->examined->snapshot->sources[source];
	const struct sources *sources = &report->examined->config->sources;
	if (status->trouble[0])
		find(report, source, true, "%s", status->trouble);
	find_cost(report, source, status);
	if (status->state == SOURCE_FAILING || status->state == SOURCE_STARTING)
		return;
	find_times(report, source, status);
	for (size_t i = 0; i < sources->map_count; i++)
		if (signal_map_is_from(&sources->maps[i], group->config->name))
			find_missing(report, source, i);
	if (!yields_any(report, source) && status->gives != 0)
		find(report, source, false,
			"answers, and all it says is taken from sources that are trusted more: it "
			"is heard when they fall silent");
	else if (!yields_any(report, source))
		find_unread(report, group, source);
	find_down(report, source);
}

/* ---- the fleet ---- */

static bool is_spoken_of(const struct snapshot *snapshot, uint32_t entity)
{
	for (int i = 0; i < SIGNAL_COUNT; i++)
		if (snapshot_reading(snapshot, entity, (enum signal)i)->at_ms != 0)
			return true;
	return false;
}

/* A name in the fleet file that no source uses, and the other way round, are usually one thing
 * under two names. */
static void examine_fleet(struct doctor_report *report)
{
	const struct snapshot *snapshot = report->examined->snapshot;
	const struct fleet *fleet = snapshot->fleet;
	size_t entities = snapshot->entity_count;
	for (uint32_t id = 0; id < entities; id++) {
		const struct entity *entity = fleet_entity(fleet, id);
		if (entity->kind == ENTITY_REPLICA && entity->declared &&
			!is_spoken_of(snapshot, id))
			find(report, DOCTOR_FLEET, true,
				"replica %s is in the fleet file and no source speaks of it: do "
				"the labels of a target name it otherwise?",
				entity->path);
		bool known_cluster = entity->kind == ENTITY_REPLICA &&
				     fleet_entity(fleet, entity->parent)->declared;
		if (known_cluster && !entity->declared)
			find(report, DOCTOR_FLEET, true,
				"sources speak of replica %s, which its cluster in the fleet file "
				"does not list: add it there, or correct the label",
				entity->path);
	}
	if (report->examined->config->sources.count == 0)
		find(report, DOCTOR_FLEET, true,
			"the fleet file has no sources: start with one of kind exposition or "
			"prometheus, and a pack under 'use:'");
}

bool doctor_examine(const struct doctor_case *examined, struct doctor_report *out)
{
	*out = (struct doctor_report){.examined = examined};
	out->yields = calloc(examined->snapshot->source_count + 1, sizeof(*out->yields));
	if (!out->yields)
		return false;
	note_yields(out);
	for (size_t i = 0; i < examined->config->sources.count; i++) {
		struct group group = group_at(examined, i);
		for (size_t j = 0; j < group.count; j++)
			examine_target(out, &group, group.first + j);
	}
	examine_fleet(out);
	return true;
}

void doctor_finish(struct doctor_report *report)
{
	free(report->yields);
	free(report->findings);
	*report = (struct doctor_report){0};
}

/* ---- telling ---- */

static const char *state_name(enum source_state state)
{
	static const char *const names[] = {[SOURCE_STARTING] = "starting",
		[SOURCE_OK] = "ok",
		[SOURCE_PARTIAL] = "partial",
		[SOURCE_FAILING] = "failing"};
	return names[state];
}

static void print_yields(
	const struct doctor_report *report, const struct group *group, struct text *out)
{
	bool first = true;
	text_add(out, "    yields ");
	for (int i = 0; i < SIGNAL_COUNT; i++) {
		size_t targets = 0;
		for (size_t j = 0; j < group->count; j++)
			targets += report->yields[group->first + j][i] ? 1 : 0;
		if (targets == 0)
			continue;
		text_printf(out, "%s%s", first ? "" : ", ", signal_row((enum signal)i)->name);
		if (targets < group->count)
			text_printf(out, " (%zu of %zu targets)", targets, group->count);
		first = false;
	}
	text_add(out, first ? "nothing\n" : "\n");
}

/* What is taken from others, who are trusted more. */
static void print_outvoted(
	const struct doctor_report *report, const struct group *group, struct text *out)
{
	bool first = true;
	for (int i = 0; i < SIGNAL_COUNT; i++) {
		bool outvoted = false;
		for (size_t j = 0; j < group->count && !outvoted; j++)
			outvoted = is_outvoted(report, group->first + j, (enum signal)i);
		if (!outvoted)
			continue;
		text_printf(out, "%s%s", first ? "    also says " : ", ",
			signal_row((enum signal)i)->name);
		first = false;
	}
	if (!first)
		text_add(out, ", taken from sources that are trusted more\n");
}

/* What the targets are, each only once: "postgres_exporter 0.15.0 (12 targets)". */
static void print_details(
	const struct snapshot *snapshot, const struct group *group, struct text *out)
{
	size_t shown = 0;
	for (size_t i = 0; i < group->count && shown < DETAILS_SHOWN; i++) {
		const char *detail = snapshot->sources[group->first + i].detail;
		size_t alike = 0, before = 0;
		for (size_t j = 0; j < group->count; j++) {
			bool same = strcmp(snapshot->sources[group->first + j].detail, detail) == 0;
			alike += same ? 1 : 0;
			before += same && j < i ? 1 : 0;
		}
		if (!detail[0] || before > 0)
			continue;
		text_printf(out, "\n    is %s", detail);
		if (group->count > 1)
			text_printf(out, " (%zu targets)", alike);
		shown++;
	}
}

/* What it is, how it does and what it costs, over all targets. */
static void print_summary(
	const struct doctor_report *report, const struct group *group, struct text *out)
{
	const struct snapshot *snapshot = report->examined->snapshot;
	size_t well = 0;
	double slowest_ms = 0;
	uint64_t requests = 0, bytes = 0;
	int64_t oldest_ms = 0;
	bool answered = false;
	for (size_t i = 0; i < group->count; i++) {
		const struct source_status *status = &snapshot->sources[group->first + i];
		int64_t age_ms = status->last_ok_ms ? snapshot->at_ms - status->last_ok_ms : -1;
		well += status->state == SOURCE_OK ? 1 : 0;
		slowest_ms = status->last_took_ms > slowest_ms ? status->last_took_ms : slowest_ms;
		requests += status->requests;
		bytes += status->bytes;
		oldest_ms = age_ms > oldest_ms ? age_ms : oldest_ms;
		answered = answered || age_ms >= 0;
	}
	text_printf(out, "%s (%s): ", group->config->name, group->config->ops->name);
	if (group->count == 1)
		text_add(out, state_name(snapshot->sources[group->first].state));
	else
		text_printf(out, "%zu of %zu targets ok", well, group->count);
	print_details(snapshot, group, out);
	if (answered)
		text_printf(out, "\n    age %.1f s", (double)oldest_ms / 1000);
	else
		text_add(out, "\n    never answered");
	text_printf(out, ", %llu requests, %.1f kB each, slowest %.0f ms\n",
		(unsigned long long)requests,
		requests ? (double)bytes / (double)requests / 1000 : 0.0, slowest_ms);
}

static size_t print_findings(
	const struct doctor_report *report, size_t first, size_t count, struct text *out)
{
	size_t shown = 0, left = 0;
	for (size_t i = 0; i < report->finding_count; i++) {
		const struct doctor_finding *finding = &report->findings[i];
		bool fleet = finding->source == DOCTOR_FLEET;
		if (fleet ? count != 0 : finding->source - first >= count)
			continue;
		if (shown == SHOWN_PER_SOURCE) {
			left++;
			continue;
		}
		text_printf(out, "  %s %s%s%s\n", finding->mend ? "!" : "-",
			count > 1 ? report->examined->snapshot->sources[finding->source].name : "",
			count > 1 ? ": " : "", finding->text);
		shown++;
	}
	if (left > 0)
		text_printf(out, "  ... and %zu more; '-o json' has all\n", left);
	return shown;
}

/* Rows of packs that nobody answered: worth knowing, for packs know more than one version has. */
static void print_unanswered(const struct doctor_report *report, struct text *out)
{
	const struct doctor_case *examined = report->examined;
	const struct sources *sources = &examined->config->sources;
	bool any = false;
	for (size_t i = examined->config->own_map_count; i < sources->map_count; i++) {
		bool given = examined->row_answered[i];
		for (size_t j = 0; j < sources->map_count && !given; j++)
			given = sources->maps[j].signal == sources->maps[i].signal &&
				(examined->row_answered[j] || j < i);
		if (given)
			continue;
		if (!any)
			text_add(out, "packs could also give, and no source does: ");
		text_printf(
			out, "%s%s", any ? ", " : "", signal_row(sources->maps[i].signal)->name);
		any = true;
	}
	if (any)
		text_add(out, "\n");
}

void doctor_print_text(const struct doctor_report *report, struct text *out)
{
	for (size_t i = 0; i < report->examined->config->sources.count; i++) {
		struct group group = group_at(report->examined, i);
		if (group.count == 0)
			continue;
		print_summary(report, &group, out);
		print_yields(report, &group, out);
		print_outvoted(report, &group, out);
		print_findings(report, group.first, group.count, out);
	}
	print_unanswered(report, out);
	for (size_t i = 0; i < report->finding_count; i++) {
		if (report->findings[i].source != DOCTOR_FLEET)
			continue;
		text_add(out, "the fleet as a whole:\n");
		print_findings(report, 0, 0, out);
		break;
	}
	if (report->to_mend == 0)
		text_add(out, "nothing to mend\n");
	else
		text_printf(out, "%zu to mend\n", report->to_mend);
}

static void json_findings(
	const struct doctor_report *report, size_t source, struct json_writer *json)
{
	json_key(json, "findings");
	json_begin_array(json);
	for (size_t i = 0; i < report->finding_count; i++) {
		if (report->findings[i].source != source)
			continue;
		json_begin_object(json);
		json_member_bool(json, "mend", report->findings[i].mend);
		json_member_string(json, "text", report->findings[i].text);
		json_end_object(json);
	}
	json_end_array(json);
}

static void json_source(const struct doctor_report *report, size_t source, struct json_writer *json)
{
	const struct snapshot *snapshot = report->examined->snapshot;
	const struct source_status *status = &snapshot->sources[source];
	json_begin_object(json);
	json_member_string(json, "name", status->name);
	json_member_string(json, "kind", status->kind);
	json_member_string(json, "state", state_name(status->state));
	json_member_string(json, "detail", status->detail);
	json_member_integer(json, "clock_ahead_ms", status->clock_ahead_ms);
	json_key(json, "age_ms");
	if (status->last_ok_ms)
		json_integer(json, snapshot->at_ms - status->last_ok_ms);
	else
		json_null(json);
	json_member_integer(json, "requests", (int64_t)status->requests);
	json_member_integer(json, "bytes", (int64_t)status->bytes);
	json_member_number(json, "took_ms", status->last_took_ms);
	json_key(json, "yields");
	json_begin_array(json);
	for (int i = 0; i < SIGNAL_COUNT; i++)
		if (report->yields[source][i])
			json_string(json, signal_row((enum signal)i)->name);
	json_end_array(json);
	json_key(json, "outvoted");
	json_begin_array(json);
	for (int i = 0; i < SIGNAL_COUNT; i++)
		if (is_outvoted(report, source, (enum signal)i))
			json_string(json, signal_row((enum signal)i)->name);
	json_end_array(json);
	json_findings(report, source, json);
	json_end_object(json);
}

void doctor_print_json(const struct doctor_report *report, struct text *out)
{
	struct json_writer json;
	json_writer_init(&json, out);
	json_begin_object(&json);
	json_member_integer(&json, "to_mend", (int64_t)report->to_mend);
	json_key(&json, "sources");
	json_begin_array(&json);
	for (size_t i = 0; i < report->examined->snapshot->source_count; i++)
		json_source(report, i, &json);
	json_end_array(&json);
	json_findings(report, DOCTOR_FLEET, &json);
	json_end_object(&json);
	text_add_char(out, '\n');
}
