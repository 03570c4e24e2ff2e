/*
 * engine.h - the reading river, wired: sources -> store + history -> snapshot -> assessment, soon
 * after each answer and at least once a tick (pace.h).
 *
 * Shared by every program that looks at a fleet. It holds nothing that can change one.
 */
#ifndef APP_ENGINE_H
#define APP_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "app/pace.h"
#include "core/assess/assess.h"
#include "core/base/clock.h"

struct config;
struct error;
struct history;
struct http;
struct loop;
struct poller;
struct recorder;
struct remote;
struct snapshot;
struct store;

#define ENGINE_TICK_MS PACE_TICK_MS /* between assessments at the most, while memory lasts */
#define ENGINE_RECORD_MS 1000       /* between figures of the assessment kept in history */
#define ENGINE_HISTORY_BYTES (256u * 1024 * 1024)

typedef void engine_tick_fn(void *context);

struct engine {
	const struct config *config;
	struct clock clock;
	struct loop *loop;
	struct http *http;
	struct fleet *fleet;
	struct store *store;
	struct history *history;
	struct poller *poller;
	struct recorder *recorder; /* NULL unless recording */
	struct remote *remote;     /* of one-shot verbs, which make and destroy it; else NULL */
	struct assessor *assessor;
	struct snapshot *snapshot;    /* the newest; NULL before the first tick */
	struct assessment assessment; /* of that snapshot; at_ms 0 before the first */
	struct pace pace;
	uint64_t timer;
	int64_t timer_ms;     /* when it fires */
	int64_t settled_ms;   /* when every source had answered or failed once; 0: not yet seen */
	int64_t held_back_ms; /* since when the picture waits for an answer that is half there; 0 */
	int64_t recorded_ms;  /* when figures of the assessment were last kept; 0: never */
	uint64_t missed; /* ticks skipped for want of memory: the last picture stays and ages */
	engine_tick_fn *on_tick; /* after each new assessment; may be NULL */
	void *context;
};

/* Wire everything; nothing is polled before engine_start(). `config` must outlive it. `record_file`
 * may be NULL. */
bool engine_init(struct engine *engine, const struct config *config, const char *record_file,
	struct error *error);
void engine_finish(struct engine *engine);

void engine_start(struct engine *engine);

/*
 * Take up another fleet file while at work: its sources are asked from now on, while history and
 * what the assessment remembers stay. The new poller is not started: it may need its commands first
 * (remote.h), then poller_start(). `config` must outlive the engine; the old one is free to go.
 * On failure (a limit, memory) the engine goes on with the old file, its poller made anew too; with
 * `poller` NULL not even that was possible.
 */
bool engine_reload(struct engine *engine, const struct config *config, struct error *error);

/*
 * Whether every source has answered or failed, and there were samples enough since for what needs
 * several: before that, much is unknown that soon is not. Looked at again and again; anew after
 * engine_reload().
 */
bool engine_has_picture(struct engine *engine);

/*
 * Turn the loop until every source has answered or failed and at least `least_ms` of readings are
 * there, or until `timeout_ms`. For one-shot commands: rates need two samples. False when waiting
 * failed.
 */
bool engine_wait_picture(struct engine *engine, int64_t timeout_ms, struct error *error);

#endif
