#include "app/plain.h"

#include <math.h>
#include <stdio.h>

#include "app/engine.h"
#include "app/status_text.h"
#include "core/base/clock.h"
#include "core/base/loop.h"
#include "core/base/number.h"
#include "core/base/text.h"
#include "core/fleet/snapshot.h"

#define LINE_BYTES (8u * 1024 * 1024)

static void plain_percent(double value, char out[NUMBER_TEXT_BYTES])
{
	if (isfinite(value))
		snprintf(out, NUMBER_TEXT_BYTES, "%.1f%%", value * 100);
	else
		snprintf(out, NUMBER_TEXT_BYTES, "?");
}

static void plain_stage(const struct stage_assessment *row, char out[NUMBER_TEXT_BYTES])
{
	plain_percent(row->known ? row->now : NAN, out);
}

static void plain_line(const struct assessment *now)
{
	char at[CLOCK_TEXT_BYTES], pool[NUMBER_TEXT_BYTES], auth[NUMBER_TEXT_BYTES],
		errors[NUMBER_TEXT_BYTES], attempts[NUMBER_TEXT_BYTES] = "?",
					   replicas[NUMBER_TEXT_BYTES] = "?";
	const struct stage_assessment *serving = &now->stages[STAGE_REPLICAS];
	clock_format_time(now->at_ms, at);
	plain_stage(&now->stages[STAGE_POOL], pool);
	plain_stage(&now->stages[STAGE_AUTH], auth);
	plain_stage(&now->stages[STAGE_ERRORS], errors);
	if (now->stages[STAGE_ATTEMPTS].known)
		snprintf(attempts, sizeof attempts, "%.2f", now->stages[STAGE_ATTEMPTS].now);
	if (serving->known && isfinite(serving->count))
		snprintf(replicas, sizeof replicas, "%.0f/%.0f", serving->count, serving->of);
	printf("%s %-8s %-13s replicas %s, pool %s, auth failures %s, attempts/request %s, errors "
	       "%s: %s\n",
		at, severity_name(now->severity), phase_name(now->phase), replicas, pool, auth,
		attempts, errors, now->headline);
}

static void plain_json(const struct engine *engine)
{
	struct text text;
	text_init(&text, LINE_BYTES);
	status_print_json(engine->snapshot, &engine->assessment, &text);
	if (text_ok(&text))
		fputs(text_string(&text), stdout);
	text_finish(&text);
}

void plain_tick(struct plain *plain, const struct engine *engine)
{
	const struct assessment *now = &engine->assessment;
	int64_t every_ms = plain->json ? PLAIN_JSON_EVERY_MS : PLAIN_EVERY_MS;
	if (plain->told_ms != 0 && now->phase == plain->phase &&
		now->at_ms - plain->told_ms < every_ms)
		return;
	plain->phase = now->phase;
	plain->told_ms = now->at_ms;
	if (plain->json)
		plain_json(engine);
	else
		plain_line(now);
	fflush(stdout);
}

void plain_warn(const struct engine *engine, const char *sentence)
{
	char at[CLOCK_TEXT_BYTES];
	clock_format_time(loop_now_ms(engine->loop), at);
	printf("%s %-8s %s\n", at, severity_name(SEVERITY_WARNING), sentence);
	fflush(stdout);
}
