#include "core/fleet/history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * One ring per (entity, signal). A ring starts with one step of samples and grows by steps up to
 * its full size, so a series that stays short stays small; once full, or when the byte limit
 * forbids growing, the oldest sample falls out.
 */
#define STEP_SAMPLES ((size_t)128)
#define FIRST_ENTITIES ((size_t)64)
#define SMALL_WINDOW ((size_t)512)

struct ring {
	struct sample *samples;
	size_t capacity;
	size_t first; /* index of the oldest */
	size_t count;
};

struct shelf {
	struct ring *rings[SIGNAL_COUNT];
};

struct history {
	struct shelf **shelves; /* by entity; NULL where nothing was kept */
	size_t shelf_count;
	size_t samples_per_ring;
	size_t limit_bytes;
	size_t used_bytes;
	uint64_t dropped;
};

struct history *history_create(size_t samples_per_ring, size_t limit_bytes)
{
	struct history *history = calloc(1, sizeof(*history));
	if (!history)
		return NULL;
	history->samples_per_ring = samples_per_ring > 0 ? samples_per_ring : 1;
	history->limit_bytes = limit_bytes;
	return history;
}

void history_destroy(struct history *history)
{
	if (!history)
		return;
	for (size_t i = 0; i < history->shelf_count; i++) {
		if (!history->shelves[i])
			continue;
		for (size_t j = 0; j < SIGNAL_COUNT; j++) {
			if (history->shelves[i]->rings[j])
				free(history->shelves[i]->rings[j]->samples);
			free(history->shelves[i]->rings[j]);
		}
		free(history->shelves[i]);
	}
	free(history->shelves);
	free(history);
}

/* ---- keeping ---- */

/* Zeroed memory within the limit; NULL past it. */
static void *take(struct history *history, size_t bytes)
{
	if (bytes > history->limit_bytes - history->used_bytes)
		return NULL;
	void *memory = calloc(1, bytes);
	if (memory)
		history->used_bytes += bytes;
	return memory;
}

static bool reserve_shelves(struct history *history, size_t count)
{
	if (count <= history->shelf_count)
		return true;
	size_t more = history->shelf_count ? history->shelf_count : FIRST_ENTITIES;
	while (more < count)
		more *= 2;
	size_t bytes = more * sizeof(struct shelf *);
	size_t before = history->shelf_count * sizeof(struct shelf *);
	struct shelf **shelves = take(history, bytes);
	if (!shelves)
		return false;
	if (before > 0)
		memcpy(shelves, history->shelves, before);
	free(history->shelves);
	history->used_bytes -= before;
	history->shelves = shelves;
	history->shelf_count = more;
	return true;
}

static const struct ring *ring_find(
	const struct history *history, uint32_t entity, enum signal signal)
{
	if (entity >= history->shelf_count || !history->shelves[entity])
		return NULL;
	return history->shelves[entity]->rings[signal];
}

static struct ring *ring_make(struct history *history, uint32_t entity, enum signal signal)
{
	if (!reserve_shelves(history, (size_t)entity + 1))
		return NULL;
	struct shelf *shelf = history->shelves[entity];
	if (!shelf) {
		shelf = take(history, sizeof(*shelf));
		if (!shelf)
			return NULL;
		history->shelves[entity] = shelf;
	}
	if (!shelf->rings[signal])
		shelf->rings[signal] = take(history, sizeof(struct ring));
	return shelf->rings[signal];
}

static const struct sample *ring_at(const struct ring *ring, size_t index)
{
	return &ring->samples[(ring->first + index) % ring->capacity];
}

static void ring_grow(struct history *history, struct ring *ring)
{
	size_t capacity = ring->capacity + STEP_SAMPLES;
	if (capacity > history->samples_per_ring)
		capacity = history->samples_per_ring;
	struct sample *samples = take(history, capacity * sizeof(*samples));
	if (!samples)
		return;
	for (size_t i = 0; i < ring->count; i++)
		samples[i] = *ring_at(ring, i);
	free(ring->samples);
	history->used_bytes -= ring->capacity * sizeof(*samples);
	ring->samples = samples;
	ring->capacity = capacity;
	ring->first = 0;
}

bool history_append(
	struct history *history, uint32_t entity, enum signal signal, int64_t at_ms, double value)
{
	if (!isfinite(value) || (unsigned)signal >= SIGNAL_COUNT || entity >= FLEET_ENTITIES_MOST)
		return false;
	struct ring *ring = ring_make(history, entity, signal);
	if (ring && ring->count > 0 && at_ms <= ring_at(ring, ring->count - 1)->at_ms)
		return false;
	if (ring && ring->count == ring->capacity && ring->capacity < history->samples_per_ring)
		ring_grow(history, ring);
	if (!ring || ring->capacity == 0) {
		history->dropped++;
		return false;
	}
	if (ring->count == ring->capacity) {
		ring->first = (ring->first + 1) % ring->capacity;
		ring->count--;
	}
	ring->samples[(ring->first + ring->count) % ring->capacity] = (struct sample){at_ms, value};
	ring->count++;
	return true;
}

uint64_t history_dropped(const struct history *history)
{
	return history->dropped;
}

size_t history_bytes(const struct history *history)
{
	return history->used_bytes;
}

/* ---- reading ---- */

/* The index of the first sample later than `ms`. */
static size_t first_after(const struct ring *ring, int64_t ms)
{
	size_t low = 0, high = ring->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (ring_at(ring, middle)->at_ms > ms)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

struct span {
	const struct ring *ring;
	size_t from, until; /* indices */
};

static struct span span_find(const struct history *history, uint32_t entity, enum signal signal,
	int64_t from_ms, int64_t until_ms)
{
	const struct ring *ring = ring_find(history, entity, signal);
	if (!ring || until_ms <= from_ms)
		return (struct span){ring, 0, 0};
	return (struct span){ring, first_after(ring, from_ms), first_after(ring, until_ms)};
}

size_t history_window(const struct history *history, uint32_t entity, enum signal signal,
	int64_t from_ms, int64_t until_ms, struct sample *out, size_t most)
{
	struct span span = span_find(history, entity, signal, from_ms, until_ms);
	size_t count = span.until - span.from;
	if (count > most)
		span.from = span.until - most;
	for (size_t i = span.from; i < span.until; i++)
		out[i - span.from] = *ring_at(span.ring, i);
	return span.until - span.from;
}

bool history_mean(const struct history *history, uint32_t entity, enum signal signal,
	int64_t from_ms, int64_t until_ms, double *out)
{
	struct span span = span_find(history, entity, signal, from_ms, until_ms);
	if (span.from == span.until)
		return false;
	double sum = 0;
	for (size_t i = span.from; i < span.until; i++)
		sum += ring_at(span.ring, i)->value;
	*out = sum / (double)(span.until - span.from);
	return true;
}

static int compare_doubles(const void *a, const void *b)
{
	const double *left = a, *right = b;
	return (*left > *right) - (*left < *right);
}

bool history_median(const struct history *history, uint32_t entity, enum signal signal,
	int64_t from_ms, int64_t until_ms, size_t least, double *out)
{
	struct span span = span_find(history, entity, signal, from_ms, until_ms);
	size_t count = span.until - span.from;
	if (count == 0 || count < least)
		return false;
	double small[SMALL_WINDOW];
	double *values = count <= SMALL_WINDOW ? small : malloc(count * sizeof(*values));
	if (!values)
		return false;
	for (size_t i = 0; i < count; i++)
		values[i] = ring_at(span.ring, span.from + i)->value;
	qsort(values, count, sizeof(*values), compare_doubles);
	*out = count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
	if (values != small)
		free(values);
	return true;
}

bool history_at(const struct history *history, uint32_t entity, enum signal signal, int64_t at_ms,
	int64_t max_age_ms, double *out)
{
	const struct ring *ring = ring_find(history, entity, signal);
	size_t after = ring ? first_after(ring, at_ms) : 0;
	if (after == 0)
		return false;
	const struct sample *sample = ring_at(ring, after - 1);
	if (at_ms - sample->at_ms > max_age_ms)
		return false;
	*out = sample->value;
	return true;
}

void history_buckets(const struct history *history, uint32_t entity, enum signal signal,
	int64_t from_ms, int64_t until_ms, double *out, size_t buckets)
{
	struct span span = span_find(history, entity, signal, from_ms, until_ms);
	size_t at = span.from;
	for (size_t i = 0; i < buckets; i++) {
		int64_t end_ms = from_ms + (int64_t)((double)(until_ms - from_ms) *
						     (double)(i + 1) / (double)buckets);
		if (i + 1 == buckets)
			end_ms = until_ms;
		double sum = 0;
		size_t count = 0;
		for (; at < span.until && ring_at(span.ring, at)->at_ms <= end_ms; at++, count++)
			sum += ring_at(span.ring, at)->value;
		out[i] = count > 0 ? sum / (double)count : NAN;
	}
}
