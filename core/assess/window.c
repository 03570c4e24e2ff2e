#include "core/assess/window.h"

#include <stdlib.h>
#include <string.h>

#include "core/assess/limits.h"
#include "core/fleet/history.h"
#include "core/fleet/snapshot.h"

#define LONG_SECONDS (LONG_WINDOW_MS / 1000)

_Static_assert(LONG_SECONDS < WINDOW_SECONDS, "the long window must fit");

struct window {
	int64_t last_ms;  /* of the newest sample */
	int64_t newest_s; /* its bucket */
	double long_sum;  /* of the last LONG_SECONDS buckets */
	uint32_t long_count;
	uint16_t counts[WINDOW_SECONDS];
	double sums[WINDOW_SECONDS]; /* by second, modulo WINDOW_SECONDS */
};

/* Where the window of a signal is among those of its entity; signals that no kind of entity has
 * together share a place. */
static const uint8_t places[SIGNAL_COUNT] = {
	[SIGNAL_REPLICA_QUERIES] = 1,
	[SIGNAL_POOL_USED] = 2,
	[SIGNAL_POOL_BUSY] = 3,
	[SIGNAL_POOL_WAITING] = 4,
	[SIGNAL_POOL_WAIT] = 5,
	[SIGNAL_SERVICE_FIRST_TRIES] = 1,
	[SIGNAL_SERVICE_ATTEMPTS] = 2,
	[SIGNAL_SERVICE_FAILURES] = 3,
	[SIGNAL_SURFACE_REQUESTS] = 1,
	[SIGNAL_SURFACE_ERRORS] = 2,
};
#define PLACES 5

bool windows_reserve(struct windows *windows, size_t count)
{
	if (count <= windows->entity_count)
		return true;
	struct window **slots = reallocarray(windows->slots, count, PLACES * sizeof(*slots));
	if (!slots)
		return false;
	size_t before = windows->entity_count * PLACES;
	memset(slots + before, 0, (count * PLACES - before) * sizeof(*slots));
	windows->slots = slots;
	windows->entity_count = count;
	return true;
}

void windows_finish(struct windows *windows)
{
	for (size_t i = 0; i < windows->entity_count * PLACES; i++)
		free(windows->slots[i]);
	free(windows->slots);
	*windows = (struct windows){0};
}

/* ---- feeding ---- */

static size_t bucket_of(int64_t second)
{
	return (size_t)second % WINDOW_SECONDS;
}

static void empty(struct window *window, int64_t second)
{
	window->sums[bucket_of(second)] = 0;
	window->counts[bucket_of(second)] = 0;
}

/* The long sum anew, so that what rounding left in it does not pile up. */
static void add_up(struct window *window)
{
	window->long_sum = 0;
	window->long_count = 0;
	for (int64_t s = window->newest_s; s > window->newest_s - LONG_SECONDS; s--) {
		window->long_sum += window->sums[bucket_of(s)];
		window->long_count += window->counts[bucket_of(s)];
	}
}

/* Let time pass up to `second`. */
static void turn(struct window *window, int64_t second)
{
	if (second - window->newest_s >= WINDOW_SECONDS) {
		memset(window->sums, 0, sizeof(window->sums));
		memset(window->counts, 0, sizeof(window->counts));
		window->long_sum = 0;
		window->long_count = 0;
		window->newest_s = second;
		return;
	}
	while (window->newest_s < second) {
		int64_t leaves = ++window->newest_s - LONG_SECONDS;
		window->long_sum -= window->sums[bucket_of(leaves)];
		window->long_count -= window->counts[bucket_of(leaves)];
		empty(window, window->newest_s);
		if (bucket_of(window->newest_s) == 0)
			add_up(window);
	}
}

static void feed(struct window *window, int64_t at_ms, double value)
{
	if (at_ms <= window->last_ms)
		return;
	turn(window, at_ms / 1000);
	size_t bucket = bucket_of(window->newest_s);
	window->last_ms = at_ms;
	if (window->counts[bucket] == UINT16_MAX)
		return;
	window->sums[bucket] += value;
	window->counts[bucket]++;
	window->long_sum += value;
	window->long_count++;
}

/* What was said since the last sample and before this reading. */
static void fetch(struct window *window, const struct scene *scene, uint32_t entity,
	enum signal signal, const struct reading *reading)
{
	struct sample samples[WINDOW_SECONDS];
	int64_t from_ms = reading->at_ms - (int64_t)WINDOW_SECONDS * 1000;
	if (window->last_ms > from_ms)
		from_ms = window->last_ms;
	size_t count = history_window(scene->history, entity, signal, from_ms, reading->at_ms - 1,
		samples, WINDOW_SECONDS);
	for (size_t i = 0; i < count; i++)
		feed(window, samples[i].at_ms, samples[i].value);
}

/* The window of a signal with its latest reading in it; NULL without memory. */
static struct window *window_of(const struct scene *scene, uint32_t entity, enum signal signal,
	const struct reading *reading)
{
	if (places[signal] == 0 || entity >= scene->windows->entity_count)
		return NULL;
	struct window **slot = &scene->windows->slots[entity * PLACES + places[signal] - 1u];
	if (!*slot) {
		*slot = calloc(1, sizeof(**slot));
		if (!*slot)
			return NULL;
	}
	struct window *window = *slot;
	if (reading->at_ms <= window->last_ms)
		return window;
	/* One interval later nothing can have been missed. */
	if (scene->history && reading->at_ms - window->last_ms > reading->interval_ms * 3 / 2)
		fetch(window, scene, entity, signal, reading);
	feed(window, reading->at_ms, reading->value);
	return window;
}

/* ---- asking ---- */

void windows_mean(const struct scene *scene, uint32_t entity, enum signal signal, int64_t span_ms,
	int64_t since_ms, struct window_mean *out)
{
	const struct reading *reading = snapshot_reading(scene->snapshot, entity, signal);
	double interval_s = reading->interval_ms / 1000.0;
	const struct window *window = window_of(scene, entity, signal, reading);
	*out = (struct window_mean){reading->value, interval_s};
	if (!window)
		return;
	int64_t first_s = window->newest_s - span_ms / 1000 + 1;
	if (since_ms / 1000 >= first_s)
		first_s = since_ms / 1000 + 1;
	double sum = 0;
	uint32_t count = 0;
	if (first_s == window->newest_s - LONG_SECONDS + 1) {
		sum = window->long_sum;
		count = window->long_count;
	} else {
		for (int64_t s = first_s; s <= window->newest_s; s++) {
			sum += window->sums[bucket_of(s)];
			count += window->counts[bucket_of(s)];
		}
	}
	if (count > 0)
		*out = (struct window_mean){sum / count, count * interval_s};
}
