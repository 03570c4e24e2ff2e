#include "app/engine.h"

#include <stddef.h>

#include "app/config.h"
#include "backends/poller.h"
#include "backends/recorder.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/fleet/entity.h"
#include "core/fleet/history.h"
#include "core/fleet/snapshot.h"
#include "core/wire/http.h"

#define PICTURE_INTERVALS 3
#define HELD_BACK_MOST_MS 100

static void engine_tick(void *context);

static void engine_arm(struct engine *engine, int64_t due_ms)
{
	loop_timer_stop(engine->loop, engine->timer);
	engine->timer_ms = due_ms;
	engine->timer = loop_timer_start(
		engine->loop, due_ms - loop_now_ms(engine->loop), engine_tick, engine);
}

/* A poll has ended, well or not. */
static void engine_news(void *context)
{
	struct engine *engine = context;
	pace_news(&engine->pace, loop_now_ms(engine->loop));
	int64_t due_ms = pace_due_ms(&engine->pace);
	if (engine->timer == 0 || due_ms < engine->timer_ms)
		engine_arm(engine, due_ms);
}

/*
 * A picture must not hold the half of what one source says: the other half takes some turns of the
 * loop, or some requests, and its coming is news. Where some source is always at it, the picture is
 * taken all the same.
 */
static bool engine_holds_back(struct engine *engine, int64_t now_ms)
{
	if (!poller_is_midway(engine->poller)) {
		engine->held_back_ms = 0;
		return false;
	}
	if (engine->held_back_ms == 0)
		engine->held_back_ms = now_ms;
	if (now_ms - engine->held_back_ms < HELD_BACK_MOST_MS)
		return true;
	engine->held_back_ms = 0;
	return false;
}

/* Charts show no more than a figure a second, and an hour of those fits into history. */
static void engine_record(struct engine *engine)
{
	int64_t at_ms = engine->assessment.at_ms;
	if (engine->recorded_ms != 0 && at_ms - engine->recorded_ms < ENGINE_RECORD_MS)
		return;
	engine->recorded_ms = at_ms;
	assessment_record(&engine->assessment, engine->history);
}

static void engine_look(struct engine *engine, int64_t now_ms)
{
	struct snapshot *next = store_seal(engine->store, now_ms);
	if (!next ||
		!assess(engine->assessor, next, engine->history, now_ms, &engine->assessment)) {
		/* Without memory the last picture stays, and its age tells. */
		snapshot_destroy(next);
		engine->missed++;
		return;
	}
	engine_record(engine);
	struct snapshot *last = engine->snapshot;
	engine->snapshot = next;
	if (engine->on_tick)
		engine->on_tick(engine->context);
	snapshot_destroy(last);
}

static void engine_tick(void *context)
{
	struct engine *engine = context;
	int64_t now_ms = loop_now_ms(engine->loop);
	int64_t began_us = clock_stopwatch_us();
	engine->timer = 0;
	if (engine_holds_back(engine, now_ms)) {
		engine_arm(engine, engine->held_back_ms + HELD_BACK_MOST_MS);
		return;
	}
	engine_look(engine, now_ms);
	pace_assessed(&engine->pace, now_ms, clock_stopwatch_us() - began_us);
	engine_arm(engine, pace_due_ms(&engine->pace));
}

static bool engine_declare(struct engine *engine, struct error *error)
{
	struct complaints complaints;
	complaints_init(&complaints);
	bool ok = config_declare(engine->config, engine->fleet, &complaints);
	complaints_finish(&complaints);
	if (!ok)
		return error_set(error, ERROR_SCHEMA, "the fleet section of '%s' is wrong",
			engine->config->path);
	return true;
}

static bool engine_open_poller(struct engine *engine, struct error *error)
{
	engine->poller = poller_create(engine->loop, engine->http, engine->fleet, engine->store,
		engine->history, &engine->config->sources, engine->recorder, error);
	if (engine->poller)
		poller_on_news(engine->poller, engine_news, engine);
	return engine->poller != NULL;
}

static bool engine_wire(struct engine *engine, const char *record_file, struct error *error)
{
	loop_raise_descriptor_limit();
	engine->loop = loop_create(&engine->clock, error);
	if (!engine->loop)
		return false;
	engine->http = http_create(engine->loop, error);
	if (!engine->http)
		return false;
	/* Reading is all an engine does; a program that may act lifts this (control.c). */
	http_set_read_only(engine->http, true);
	engine->fleet = fleet_create();
	engine->history = history_create(HISTORY_SAMPLES, ENGINE_HISTORY_BYTES);
	engine->assessor = assessor_create();
	if (!engine->fleet || !engine->history || !engine->assessor)
		return error_no_memory(error, "the fleet");
	if (!engine_declare(engine, error))
		return false;
	engine->store = store_create(engine->fleet);
	if (!engine->store)
		return error_no_memory(error, "the fleet");
	if (record_file) {
		engine->recorder = recorder_create(record_file, engine->fleet, error);
		if (!engine->recorder)
			return false;
	}
	return engine_open_poller(engine, error);
}

bool engine_init(struct engine *engine, const struct config *config, const char *record_file,
	struct error *error)
{
	*engine = (struct engine){.config = config};
	clock_init_system(&engine->clock);
	assessment_init(&engine->assessment);
	if (engine_wire(engine, record_file, error))
		return true;
	engine_finish(engine);
	return false;
}

void engine_finish(struct engine *engine)
{
	poller_destroy(engine->poller);
	recorder_destroy(engine->recorder);
	http_destroy(engine->http);
	loop_destroy(engine->loop);
	snapshot_destroy(engine->snapshot);
	assessment_finish(&engine->assessment);
	assessor_destroy(engine->assessor);
	history_destroy(engine->history);
	store_destroy(engine->store);
	fleet_destroy(engine->fleet);
	*engine = (struct engine){0};
}

/* Facts and sources of `config` in place of those before; the poller was destroyed. */
static bool engine_take(struct engine *engine, const struct config *config, struct error *error)
{
	engine->config = config;
	fleet_forget_facts(engine->fleet);
	if (!engine_declare(engine, error))
		return false;
	if (!store_sources_begin(engine->store))
		return error_no_memory(error, "the sources");
	bool ok = engine_open_poller(engine, error);
	store_sources_end(engine->store, ok);
	return ok;
}

bool engine_reload(struct engine *engine, const struct config *config, struct error *error)
{
	const struct config *before = engine->config;
	struct error second;
	poller_destroy(engine->poller);
	engine->poller = NULL;
	engine->settled_ms = 0;
	if (engine_take(engine, config, error))
		return true;
	engine_take(engine, before, &second);
	return false;
}

void engine_start(struct engine *engine)
{
	poller_start(engine->poller);
	engine_arm(engine, loop_now_ms(engine->loop));
}

/*
 * Rates need two samples of every source, and what must show twice to count (a threshold crossed by
 * noise is no incident) needs another, so one look takes three intervals.
 */
bool engine_has_picture(struct engine *engine)
{
	if (engine->settled_ms == 0 && poller_settled(engine->poller))
		engine->settled_ms = loop_now_ms(engine->loop);
	if (!engine->snapshot || engine->settled_ms == 0)
		return false;
	int64_t longest_ms = 0;
	for (size_t i = 0; i < engine->snapshot->source_count; i++) {
		const struct source_status *source = &engine->snapshot->sources[i];
		if (source->state != SOURCE_FAILING && source->interval_ms > longest_ms)
			longest_ms = source->interval_ms;
	}
	return engine->snapshot->at_ms >=
	       engine->settled_ms + PICTURE_INTERVALS * longest_ms + ENGINE_TICK_MS;
}

bool engine_wait_picture(struct engine *engine, int64_t timeout_ms, struct error *error)
{
	int64_t deadline_ms = loop_now_ms(engine->loop) + timeout_ms;
	while (loop_now_ms(engine->loop) < deadline_ms) {
		if (!loop_turn(engine->loop, ENGINE_TICK_MS, error))
			return false;
		if (engine_has_picture(engine))
			break;
	}
	return true;
}
