#include "core/assess/window.h"

#include <stdlib.h>
#include <string.h>

#include "core/assess/limits.h"
#include "core/fleet/history.h"
#include "core/fleet/snapshot.h"

/* Spans whose sums are kept, for they are asked for at every tick: longer ones than a few seconds.
 */
static const int64_t kept_seconds[] = {
	SHORT_WINDOW_MS / 1000, EVENT_SPAN_MOST_MS / 1000, LONG_WINDOW_MS / 1000};
#define KEPT (sizeof(kept_seconds) / sizeof(kept_seconds[0]))

_Static_assert(SHORT_WINDOW_MS <= LONG_WINDOW_MS && LONG_WINDOW_MS / 1000 < WINDOW_SECONDS,
	"the windows must fit");

struct window {
	int64_t last_ms;   /* of the newest sample; 0: none yet */
	int64_t newest_s;  /* its bucket */
	double kept[KEPT]; /* the sum of the last so many buckets */
	uint32_t kept_counts[KEPT];
	/* The sum from a second on that was asked for: after a step all spans begin with it. */
	uint32_t since_count;
	int64_t since_s; /* 0: none */
	double since_sum;
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

/* One row for each second: the buckets of all windows, since most of them turn at once. */
static void move_rows(struct windows *to, const struct windows *from)
{
	size_t wide = to->entity_count * PLACES, narrow = from->entity_count * PLACES;
	if (narrow == 0)
		return;
	memcpy(to->list, from->list, narrow * sizeof(*to->list));
	for (size_t row = 0; row < WINDOW_SECONDS; row++) {
		memcpy(to->sums + row * wide, from->sums + row * narrow,
			narrow * sizeof(*to->sums));
		memcpy(to->counts + row * wide, from->counts + row * narrow,
			narrow * sizeof(*to->counts));
	}
}

bool windows_reserve(struct windows *windows, size_t count)
{
	if (count <= windows->entity_count)
		return true;
	size_t half_more = windows->entity_count + windows->entity_count / 2;
	struct windows wider = {.entity_count = count > half_more ? count : half_more};
	size_t slots = wider.entity_count * PLACES;
	wider.list = calloc(slots, sizeof(*wider.list));
	wider.sums = calloc(slots * WINDOW_SECONDS, sizeof(*wider.sums));
	wider.counts = calloc(slots * WINDOW_SECONDS, sizeof(*wider.counts));
	if (!wider.list || !wider.sums || !wider.counts) {
		windows_finish(&wider);
		return false;
	}
	move_rows(&wider, windows);
	windows_finish(windows);
	*windows = wider;
	return true;
}

void windows_finish(struct windows *windows)
{
	free(windows->list);
	free(windows->sums);
	free(windows->counts);
	*windows = (struct windows){0};
}

/* ---- feeding ---- */

/* Where the bucket of a second is, of the window at `slot`. */
static size_t bucket_of(const struct windows *windows, size_t slot, int64_t second)
{
	return (size_t)second % WINDOW_SECONDS * windows->entity_count * PLACES + slot;
}

static void empty(struct windows *windows, size_t slot, int64_t second)
{
	size_t bucket = bucket_of(windows, slot, second);
	windows->sums[bucket] = 0;
	windows->counts[bucket] = 0;
}

/* What the buckets from a second on add up to. */
static double add_up(const struct windows *windows, size_t slot, int64_t from_s, uint32_t *count)
{
	double sum = 0;
	*count = 0;
	for (int64_t s = from_s; s <= windows->list[slot].newest_s; s++) {
		size_t bucket = bucket_of(windows, slot, s);
		sum += windows->sums[bucket];
		*count += windows->counts[bucket];
	}
	return sum;
}

/* The kept sums anew, so that what rounding left in them does not pile up. */
static void refresh(struct windows *windows, size_t slot)
{
	struct window *window = &windows->list[slot];
	for (size_t i = 0; i < KEPT; i++)
		window->kept[i] = add_up(windows, slot, window->newest_s - kept_seconds[i] + 1,
			&window->kept_counts[i]);
}

/* The same, remembered; nothing leaves it as long as it is within a window. */
static double add_up_since(struct windows *windows, size_t slot, int64_t from_s, uint32_t *count)
{
	struct window *window = &windows->list[slot];
	if (window->since_s != from_s) {
		window->since_s = from_s;
		window->since_sum = add_up(windows, slot, from_s, &window->since_count);
	}
	*count = window->since_count;
	return window->since_sum;
}

/* Let time pass up to `second`. */
static void turn(struct windows *windows, size_t slot, int64_t second)
{
	struct window *window = &windows->list[slot];
	if (second - window->newest_s >= WINDOW_SECONDS) {
		for (int64_t s = 0; window->last_ms != 0 && s < WINDOW_SECONDS; s++)
			empty(windows, slot, s);
		memset(window->kept, 0, sizeof(window->kept));
		memset(window->kept_counts, 0, sizeof(window->kept_counts));
		window->since_s = 0;
		window->newest_s = second;
		return;
	}
	while (window->newest_s < second) {
		window->newest_s++;
		for (size_t i = 0; i < KEPT; i++) {
			size_t leaves =
				bucket_of(windows, slot, window->newest_s - kept_seconds[i]);
			window->kept[i] -= windows->sums[leaves];
			window->kept_counts[i] -= windows->counts[leaves];
		}
		empty(windows, slot, window->newest_s);
		if (window->newest_s % WINDOW_SECONDS == 0)
			refresh(windows, slot);
	}
}

static void feed(struct windows *windows, size_t slot, int64_t at_ms, double value)
{
	struct window *window = &windows->list[slot];
	if (at_ms <= window->last_ms)
		return;
	turn(windows, slot, at_ms / 1000);
	size_t bucket = bucket_of(windows, slot, window->newest_s);
	window->last_ms = at_ms;
	if (windows->counts[bucket] == UINT16_MAX)
		return;
	windows->sums[bucket] += value;
	windows->counts[bucket]++;
	for (size_t i = 0; i < KEPT; i++) {
		window->kept[i] += value;
		window->kept_counts[i]++;
	}
	window->since_sum += value;
	window->since_count++;
}

/* What was said since the last sample and before this reading. */
static void fetch(const struct scene *scene, size_t slot, uint32_t entity, enum signal signal,
	const struct reading *reading)
{
	struct sample samples[WINDOW_SECONDS];
	int64_t from_ms = reading->at_ms - (int64_t)WINDOW_SECONDS * 1000;
	int64_t last_ms = scene->windows->list[slot].last_ms;
	if (last_ms > from_ms)
		from_ms = last_ms;
	size_t count = history_window(scene->history, entity, signal, from_ms, reading->at_ms - 1,
		samples, WINDOW_SECONDS);
	for (size_t i = 0; i < count; i++)
		feed(scene->windows, slot, samples[i].at_ms, samples[i].value);
}

/* Take in the latest reading of a signal. */
static void catch_up(const struct scene *scene, size_t slot, uint32_t entity, enum signal signal,
	const struct reading *reading)
{
	int64_t last_ms = scene->windows->list[slot].last_ms;
	if (reading->at_ms <= last_ms)
		return;
	/* One interval later nothing can have been missed. */
	if (scene->history && reading->at_ms - last_ms > reading->interval_ms * 3 / 2)
		fetch(scene, slot, entity, signal, reading);
	feed(scene->windows, slot, reading->at_ms, reading->value);
}

/* ---- asking ---- */

void windows_mean(const struct scene *scene, uint32_t entity, enum signal signal, int64_t span_ms,
	int64_t since_ms, struct window_mean *out)
{
	const struct reading *reading = snapshot_reading(scene->snapshot, entity, signal);
	double interval_s = reading->interval_ms / 1000.0;
	*out = (struct window_mean){reading->value, interval_s};
	if (places[signal] == 0 || entity >= scene->windows->entity_count)
		return;
	size_t slot = (size_t)entity * PLACES + places[signal] - 1u;
	catch_up(scene, slot, entity, signal, reading);
	struct window *window = &scene->windows->list[slot];
	int64_t first_s = window->newest_s - span_ms / 1000 + 1;
	if (since_ms / 1000 >= first_s)
		first_s = since_ms / 1000 + 1;
	double sum;
	uint32_t count;
	size_t kept = 0;
	while (kept < KEPT && first_s != window->newest_s - kept_seconds[kept] + 1)
		kept++;
	if (kept < KEPT) {
		sum = window->kept[kept];
		count = window->kept_counts[kept];
	} else if (since_ms / 1000 + 1 == first_s) {
		sum = add_up_since(scene->windows, slot, first_s, &count);
	} else {
		sum = add_up(scene->windows, slot, first_s, &count);
	}
	if (count > 0)
		*out = (struct window_mean){sum / count, count * interval_s};
}
