#include "app/verb.h"

#include <stdio.h>
#include <string.h>

#include "app/config.h"
#include "app/engine.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"
#include "core/fleet/snapshot.h"

#define SOURCES_TEXT_BYTES (4u * 1024 * 1024)

static const char *const state_names[] = {[SOURCE_STARTING] = "starting",
	[SOURCE_OK] = "ok",
	[SOURCE_PARTIAL] = "partial",
	[SOURCE_FAILING] = "failing"};

static void print_age(int64_t now_ms, const struct source_status *status, char *out, size_t size)
{
	if (status->last_ok_ms == 0)
		snprintf(out, size, "never");
	else
		snprintf(out, size, "%.1fs", (double)(now_ms - status->last_ok_ms) / 1000);
}

static void sources_print_text(const struct snapshot *snapshot, struct text *out)
{
	uint64_t requests = 0, bytes = 0;
	text_printf(out, "%-32s %-14s %-9s %7s %8s %8s %10s %7s  %s\n", "SOURCE", "KIND", "HEALTH",
		"AGE", "EVERY", "REQUESTS", "BYTES", "MS", "TROUBLE, OR WHAT IT IS");
	for (size_t i = 0; i < snapshot->source_count; i++) {
		const struct source_status *status = &snapshot->sources[i];
		char age[32], every[32];
		print_age(snapshot->at_ms, status, age, sizeof age);
		snprintf(every, sizeof every, "%.1fs", (double)status->interval_ms / 1000);
		text_printf(out, "%-32s %-14s %-9s %7s %8s %8llu %10llu %7.1f  %s\n", status->name,
			status->kind, state_names[status->state], age, every,
			(unsigned long long)status->requests, (unsigned long long)status->bytes,
			status->last_took_ms,
			status->trouble[0]  ? status->trouble
			: status->detail[0] ? status->detail
					    : "-");
		requests += status->requests;
		bytes += status->bytes;
	}
	text_printf(out, "%zu sources, %llu requests, %llu bytes\n", snapshot->source_count,
		(unsigned long long)requests, (unsigned long long)bytes);
}

static void sources_print_json(const struct snapshot *snapshot, struct text *out)
{
	struct json_writer json;
	json_writer_init(&json, out);
	json_begin_array(&json);
	for (size_t i = 0; i < snapshot->source_count; i++) {
		const struct source_status *status = &snapshot->sources[i];
		json_begin_object(&json);
		json_member_string(&json, "name", status->name);
		json_member_string(&json, "kind", status->kind);
		json_member_string(&json, "state", state_names[status->state]);
		json_key(&json, "age_ms");
		if (status->last_ok_ms)
			json_integer(&json, snapshot->at_ms - status->last_ok_ms);
		else
			json_null(&json);
		json_member_integer(&json, "every_ms", status->interval_ms);
		json_member_integer(&json, "requests", (int64_t)status->requests);
		json_member_integer(&json, "bytes", (int64_t)status->bytes);
		json_member_number(&json, "took_ms", status->last_took_ms);
		json_member_integer(&json, "failures", status->failures);
		json_member_string(&json, "trouble", status->trouble);
		json_member_string(&json, "detail", status->detail);
		json_member_integer(&json, "clock_ahead_ms", status->clock_ahead_ms);
		json_end_object(&json);
	}
	json_end_array(&json);
	text_add_char(out, '\n');
}

int verb_sources(const struct options *options)
{
	struct config *config;
	struct engine engine;
	struct options silent = *options;
	int code = 0;
	silent.quiet = true; /* the table has the troubles */
	if (!verb_open_fleet(&silent, &config, &engine, NULL, &code))
		return code;
	struct text text;
	text_init(&text, SOURCES_TEXT_BYTES);
	if (strcmp(options->output, "json") == 0)
		sources_print_json(engine.snapshot, &text);
	else
		sources_print_text(engine.snapshot, &text);
	fputs(text_string(&text), stdout);
	text_finish(&text);
	for (size_t i = 0; i < engine.snapshot->source_count; i++)
		if (engine.snapshot->sources[i].state != SOURCE_OK)
			code = 1;
	verb_close_fleet(config, &engine, NULL);
	return code;
}
