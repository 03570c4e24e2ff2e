#include "app/verb.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/action.h"
#include "app/config.h"
#include "app/engine.h"
#include "core/assess/contingency.h"
#include "core/assess/limits.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"
#include "core/fleet/snapshot.h"

#define CONTINGENCY_TEXT_BYTES (32u * 1024 * 1024)
#define CONTINGENCY_LOSSES_MOST 65536

static const char *path_of(const struct engine *engine, uint32_t entity)
{
	return entity == ENTITY_NONE ? NULL : fleet_entity(engine->fleet, entity)->path;
}

static void print_percent(struct text *out, double ratio)
{
	if (isfinite(ratio))
		text_printf(out, " %7.1f%%", ratio * 100);
	else
		text_printf(out, " %8s", isnan(ratio) ? "?" : "none");
}

/* "east-a/r1 and east-a/r2", "all of east-a, onto west-a", "east-a/r2 in maintenance from ..." */
static void name_loss(const struct engine *engine, const struct loss *loss, char *out, size_t size)
{
	if (loss->replica == ENTITY_NONE) {
		snprintf(out, size, "all of %s%s%s", path_of(engine, loss->cluster),
			loss->receiver == ENTITY_NONE ? "" : ", onto ",
			loss->receiver == ENTITY_NONE ? "" : path_of(engine, loss->receiver));
		return;
	}
	char opens[CLOCK_TEXT_BYTES] = "";
	if (loss->opens_ms != 0)
		clock_format(loss->opens_ms, false, opens);
	snprintf(out, size, "%s%s%s%s%s", path_of(engine, loss->replica),
		loss->second == ENTITY_NONE ? "" : " and ",
		loss->second == ENTITY_NONE ? "" : path_of(engine, loss->second),
		loss->opens_ms == 0 ? "" : " in maintenance from ", opens);
}

static void print_text(
	const struct engine *engine, const struct loss *losses, size_t count, struct text *out)
{
	text_printf(out, "%-40s %8s %8s  %s\n", "losing", "now", "then", "");
	for (size_t i = 0; i < count; i++) {
		const struct loss *loss = &losses[i];
		char name[2 * ENTITY_PATH_BYTES + 64];
		name_loss(engine, loss, name, sizeof(name));
		text_printf(out, "%-40s", name);
		print_percent(out, loss->utilisation_now);
		print_percent(out, loss->utilisation_after);
		if (isinf(loss->utilisation_after))
			text_add(out, "  nothing is left");
		else if (isfinite(loss->seconds_to_timeout))
			text_printf(out, "  clients time out after about %.0f s",
				loss->seconds_to_timeout);
		else if (loss->utilisation_after >= VULNERABLE_TRIP)
			text_add(out, "  little room");
		else
			text_add(out, "  fits");
		text_add_char(out, '\n');
	}
	if (count == 0)
		text_add(out, "no cluster's pools are known\n");
}

static void print_json(
	const struct engine *engine, const struct loss *losses, size_t count, struct text *out)
{
	struct json_writer json;
	json_writer_init(&json, out);
	json_begin_object(&json);
	json_member_time(&json, "at", engine->assessment.at_ms);
	json_key(&json, "losses");
	json_begin_array(&json);
	for (size_t i = 0; i < count; i++) {
		const struct loss *loss = &losses[i];
		json_begin_object(&json);
		json_member_string(&json, "cluster", path_of(engine, loss->cluster));
		json_member_string(&json, "replica", path_of(engine, loss->replica));
		if (loss->second != ENTITY_NONE)
			json_member_string(&json, "second", path_of(engine, loss->second));
		if (loss->replica == ENTITY_NONE)
			json_member_string(&json, "receiver", path_of(engine, loss->receiver));
		if (loss->opens_ms != 0)
			json_member_time(&json, "opens", loss->opens_ms);
		json_member_number(&json, "utilisation_now", loss->utilisation_now);
		json_member_number(&json, "utilisation_after", loss->utilisation_after);
		json_member_number(&json, "headroom", 1 - loss->utilisation_after);
		json_member_number(&json, "seconds_to_timeout", loss->seconds_to_timeout);
		json_end_object(&json);
	}
	json_end_array(&json);
	json_end_object(&json);
	text_add_char(out, '\n');
}

/* Exit as `status` does: 0 all fit, 1 some leave little room, 2 some saturate, 3 nothing known. Few
 * fleets can spare a whole cluster: that is told and does not count. */
static int exit_code(const struct loss *losses, size_t count)
{
	double worst = NAN;
	for (size_t i = 0; i < count; i++) {
		if (losses[i].replica != ENTITY_NONE)
			worst = fmax(worst, losses[i].utilisation_after);
	}
	if (isnan(worst))
		return 3;
	if (worst > 1)
		return 2;
	return worst >= VULNERABLE_TRIP ? 1 : 0;
}

/* Replicas, or pairs of them; without pairs also clusters, and windows that have not opened. */
static size_t list_all(const struct engine *engine, bool pairs, struct loss *out)
{
	const struct snapshot *snapshot = engine->snapshot;
	const struct assessment *seen = &engine->assessment;
	size_t total = contingency_list(snapshot, seen, pairs, out, CONTINGENCY_LOSSES_MOST);
	if (pairs || total >= CONTINGENCY_LOSSES_MOST)
		return total;
	total += contingency_clusters(snapshot, seen, out + total, CONTINGENCY_LOSSES_MOST - total);
	if (total < CONTINGENCY_LOSSES_MOST)
		total += contingency_windows(
			snapshot, seen, out + total, CONTINGENCY_LOSSES_MOST - total);
	contingency_sort(out, total < CONTINGENCY_LOSSES_MOST ? total : CONTINGENCY_LOSSES_MOST);
	return total;
}

int verb_contingency(const struct options *options)
{
	struct config *config;
	struct engine engine;
	struct error error = {0};
	int code = 0;
	if (!verb_open_fleet(options, &config, &engine, NULL, &code))
		return code;
	struct loss *losses = calloc(CONTINGENCY_LOSSES_MOST, sizeof(*losses));
	if (!losses) {
		error_no_memory(&error, "the table");
		verb_close_fleet(config, &engine, NULL);
		return verb_fail(3, &error);
	}
	size_t total = 0;
	if (engine.snapshot)
		total = list_all(&engine, options->pairs, losses);
	size_t count = total < CONTINGENCY_LOSSES_MOST ? total : CONTINGENCY_LOSSES_MOST;
	struct text text;
	text_init(&text, CONTINGENCY_TEXT_BYTES);
	if (strcmp(options->output, "json") == 0)
		print_json(&engine, losses, count, &text);
	else
		print_text(&engine, losses, count, &text);
	fputs(text_string(&text), stdout);
	if (count < total)
		fprintf(stderr, "spillway: %zu of %zu losses are listed\n", count, total);
	code = exit_code(losses, count);
	text_finish(&text);
	free(losses);
	verb_close_fleet(config, &engine, NULL);
	return code;
}
