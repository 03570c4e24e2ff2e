/*
 * stand.h - a poller with everything it needs around it, turned until something has come of it.
 */
#ifndef TESTS_UNIT_BACKENDS_STAND_H
#define TESTS_UNIT_BACKENDS_STAND_H

#include "backends/poller.h"
#include "core/base/clock.h"
#include "core/base/loop.h"
#include "core/fleet/history.h"
#include "core/fleet/snapshot.h"
#include "core/wire/http.h"
#include "tests/unit/backends/bench.h"
#include "tests/unit/backends/responder.h"

#define PATIENCE_MS 20000 /* after which a wait has failed; no test passes by waiting */

#define PAGE(body) "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n" body
#define JSON(body) \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" body
#define RESULT(type, items) \
	"{\"status\":\"success\",\"data\":{\"resultType\":\"" type "\",\"result\":" items "}}"

/* Everything a poller needs around it. */
struct stand {
	struct bench bench; /* sources and fleet */
	struct clock clock;
	struct loop *loop;
	struct http *http;
	struct store *store;
	struct history *history;
	struct poller *poller;
	struct error error;
};

/* `yaml` may hold one %d for the responder's port. */
static inline void stand_read(struct stand *stand, const char *yaml, int port)
{
	struct text text;
	text_init(&text, 1 << 16);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	text_printf(&text, yaml, port, port, port);
#pragma GCC diagnostic pop
	*stand = (struct stand){0};
	bench_read(&stand->bench, text_string(&text));
	text_finish(&text);
	clock_init_system(&stand->clock);
	stand->loop = loop_create(&stand->clock, &stand->error);
	ck_assert_ptr_nonnull(stand->loop);
	stand->http = http_create(stand->loop, &stand->error);
	ck_assert_ptr_nonnull(stand->http);
	stand->store = store_create(stand->bench.fleet);
	stand->history = history_create(HISTORY_SAMPLES, 1 << 24);
}

static inline void stand_start(struct stand *stand, struct recorder *recorder)
{
	stand->poller = poller_create(stand->loop, stand->http, stand->bench.fleet, stand->store,
		stand->history, &stand->bench.sources, recorder, &stand->error);
	ck_assert_msg(stand->poller != NULL, "%s", stand->error.text);
	poller_start(stand->poller);
}

static inline void stand_close(struct stand *stand)
{
	poller_destroy(stand->poller);
	http_destroy(stand->http);
	store_destroy(stand->store);
	history_destroy(stand->history);
	loop_destroy(stand->loop);
	bench_close(&stand->bench);
}

typedef bool until_fn(struct stand *stand, unsigned long wanted, const void *subject);

static inline void turn_until(
	struct stand *stand, until_fn *until, unsigned long wanted, const void *subject)
{
	int64_t deadline_us = clock_stopwatch_us() + (int64_t)PATIENCE_MS * 1000;
	while (!until(stand, wanted, subject)) {
		ck_assert_msg(clock_stopwatch_us() < deadline_us, "nothing came of it");
		ck_assert(loop_turn(stand->loop, 50, &stand->error));
	}
}

static inline bool settled(struct stand *stand, unsigned long wanted, const void *subject)
{
	(void)wanted;
	(void)subject;
	return poller_settled(stand->poller);
}

static inline bool asked(struct stand *stand, unsigned long wanted, const void *subject)
{
	(void)stand;
	const struct responder *responder = subject;
	return atomic_load(&responder->requests) >= wanted;
}

static inline bool first_failed(struct stand *stand, unsigned long wanted, const void *subject)
{
	(void)subject;
	return store_source(stand->store, 0)->failures >= wanted;
}

static inline double value_of(
	struct stand *stand, enum entity_kind kind, const char *path, enum signal signal)
{
	struct snapshot *snapshot = store_seal(stand->store, clock_now_ms(&stand->clock));
	const struct reading *reading =
		snapshot_reading(snapshot, fleet_find_path(stand->bench.fleet, kind, path), signal);
	double value = reading->at_ms ? reading->value : (double)NAN;
	snapshot_destroy(snapshot);
	return value;
}

static inline const char *one_answer(void *context, const char *request, unsigned nth)
{
	(void)request;
	(void)nth;
	return context;
}

#endif
