#include "core/fleet/history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/fleet/packed.h"

/*
 * One ring per (entity, signal): packed blocks end to end, oldest first, and behind them a short
 * tail of plain samples. A full tail is packed into the last block, or begins the next one. The
 * oldest samples fall out one by one (`skip` of the first block are gone) and their block with the
 * last of them. Rings grow by small steps; when the byte limit forbids growing, the oldest blocks
 * make room.
 */
#define TAIL_SAMPLES ((size_t)16)
#define STEP_BYTES ((size_t)128)
#define FIRST_ENTITIES ((size_t)64)
#define SMALL_WINDOW ((size_t)512)

struct ring {
	uint8_t *bytes;
	uint32_t capacity, used; /* of bytes; PACKED_SLACK more are there */
	uint32_t last;           /* where the newest block begins */
	uint32_t count;          /* samples, the tail's included */
	int64_t last_ms;         /* of the newest */
	uint16_t skip;
	uint16_t tail_count;
	struct sample tail[TAIL_SAMPLES];
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
				free(history->shelves[i]->rings[j]->bytes);
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

static bool ring_resize(struct history *history, struct ring *ring, size_t capacity)
{
	size_t before = ring->bytes ? ring->capacity + PACKED_SLACK : 0;
	size_t more = capacity + PACKED_SLACK - before;
	if (capacity > UINT32_MAX / 2 || more > history->limit_bytes - history->used_bytes)
		return false;
	uint8_t *grown = realloc(ring->bytes, capacity + PACKED_SLACK);
	if (!grown)
		return false;
	history->used_bytes += more;
	ring->bytes = grown;
	ring->capacity = (uint32_t)capacity;
	return true;
}

/*
 * Room for `bytes` of blocks; false past the limit or without memory. Once a series has shown what
 * it costs, it gets at once what the rest will cost: growing in turns would leave holes that no
 * neighbour fits into.
 */
static bool ring_reserve(struct history *history, struct ring *ring, size_t bytes)
{
	if (bytes <= ring->capacity)
		return true;
	size_t step = (bytes + STEP_BYTES - 1) / STEP_BYTES * STEP_BYTES;
	if (ring->count < 2 * PACKED_SAMPLES_MOST || ring->count >= history->samples_per_ring)
		return ring_resize(history, ring, step);
	size_t whole = bytes / (ring->count / 16) * (history->samples_per_ring / 16);
	whole += whole / 32;
	return (whole > step && ring_resize(history, ring, whole)) ||
	       ring_resize(history, ring, step);
}

static void ring_drop_block(struct ring *ring)
{
	size_t bytes = packed_bytes(ring->bytes);
	ring->count -= (uint32_t)(packed_count(ring->bytes) - ring->skip);
	ring->skip = 0;
	ring->used -= (uint32_t)bytes;
	ring->last -= ring->used > 0 ? (uint32_t)bytes : ring->last;
	memmove(ring->bytes, ring->bytes + bytes, ring->used + PACKED_SLACK);
}

static void ring_drop_sample(struct ring *ring)
{
	if (ring->used == 0) {
		memmove(ring->tail, ring->tail + 1, --ring->tail_count * sizeof(ring->tail[0]));
		ring->count--;
		return;
	}
	ring->skip++;
	ring->count--;
	if (ring->skip == packed_count(ring->bytes))
		ring_drop_block(ring);
}

/* The full tail into blocks. Without room for them the oldest go, in the end the tail's own. */
static void ring_pack_tail(struct history *history, struct ring *ring)
{
	struct sample samples[PACKED_SAMPLES_MOST];
	uint8_t block[PACKED_BYTES_MOST];
	size_t count = 0, before = 0;
	if (ring->used > 0 &&
		packed_count(ring->bytes + ring->last) + TAIL_SAMPLES <= PACKED_SAMPLES_MOST) {
		count = packed_read(ring->bytes + ring->last, samples);
		before = ring->used - ring->last;
	}
	memcpy(samples + count, ring->tail, sizeof(ring->tail));
	size_t bytes = packed_write(samples, count + TAIL_SAMPLES, block);
	while (!ring_reserve(history, ring, ring->used - before + bytes)) {
		if (ring->used == 0) {
			ring_drop_sample(ring);
			return;
		}
		if (ring->last == 0 && before > 0) { /* the block that was to grow goes itself */
			before = 0;
			bytes = packed_write(ring->tail, TAIL_SAMPLES, block);
		}
		ring_drop_block(ring);
	}
	ring->last = before > 0 ? ring->last : ring->used;
	memcpy(ring->bytes + ring->last, block, bytes + PACKED_SLACK);
	ring->used = ring->last + (uint32_t)bytes;
	ring->tail_count = 0;
}

bool history_append(
	struct history *history, uint32_t entity, enum signal signal, int64_t at_ms, double value)
{
	if (!isfinite(value) || (unsigned)signal >= SIGNAL_COUNT || entity >= FLEET_ENTITIES_MOST)
		return false;
	struct ring *ring = ring_make(history, entity, signal);
	if (!ring) {
		history->dropped++;
		return false;
	}
	if (ring->count > 0 && at_ms <= ring->last_ms)
		return false;
	if (ring->tail_count == TAIL_SAMPLES)
		ring_pack_tail(history, ring);
	if (ring->count == history->samples_per_ring)
		ring_drop_sample(ring);
	ring->tail[ring->tail_count++] = (struct sample){at_ms, value};
	ring->last_ms = at_ms;
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

/* Samples of a ring in (from_ms, until_ms], one after the other. */
struct walk {
	const struct ring *ring;
	int64_t from_ms, until_ms;
	size_t offset; /* of the next block */
	bool in_tail;
	size_t at, count; /* in `samples` */
	const struct sample *samples;
	struct sample room[PACKED_SAMPLES_MOST];
};

/* Where the block behind the one at `offset` begins in time, or the tail. */
static int64_t begins_after_ms(const struct ring *ring, size_t offset)
{
	size_t next = offset + packed_bytes(ring->bytes + offset);
	if (next < ring->used)
		return packed_first_ms(ring->bytes + next);
	return ring->tail_count > 0 ? ring->tail[0].at_ms : ring->last_ms + 1;
}

static void walk_begin(struct walk *walk, const struct history *history, uint32_t entity,
	enum signal signal, int64_t from_ms, int64_t until_ms)
{
	walk->ring = ring_find(history, entity, signal);
	walk->from_ms = from_ms;
	walk->until_ms = until_ms;
	walk->offset = walk->at = walk->count = 0;
	walk->in_tail = false;
	walk->samples = walk->room;
	const struct ring *ring = walk->ring;
	while (ring && walk->offset < ring->used && begins_after_ms(ring, walk->offset) <= from_ms)
		walk->offset += packed_bytes(ring->bytes + walk->offset);
}

/* The next block or the tail into `samples`; false when there is none. */
static bool walk_turn(struct walk *walk)
{
	const struct ring *ring = walk->ring;
	if (!ring || walk->in_tail)
		return false;
	if (walk->offset == ring->used) {
		walk->in_tail = true;
		walk->samples = ring->tail;
		walk->count = ring->tail_count;
		walk->at = 0;
		return true;
	}
	const uint8_t *block = ring->bytes + walk->offset;
	if (packed_first_ms(block) > walk->until_ms)
		return false;
	walk->count = packed_read(block, walk->room);
	walk->at = walk->offset == 0 ? ring->skip : 0;
	walk->offset += packed_bytes(block);
	return true;
}

/* NULL at the end. */
static const struct sample *walk_next(struct walk *walk)
{
	for (;;) {
		while (walk->at == walk->count)
			if (!walk_turn(walk))
				return NULL;
		const struct sample *sample = &walk->samples[walk->at];
		if (sample->at_ms > walk->until_ms)
			return NULL;
		walk->at++;
		if (sample->at_ms > walk->from_ms)
			return sample;
	}
}

static size_t count_window(const struct history *history, uint32_t entity, enum signal signal,
	int64_t from_ms, int64_t until_ms)
{
	struct walk walk;
	size_t count = 0;
	walk_begin(&walk, history, entity, signal, from_ms, until_ms);
	while (walk_next(&walk))
		count++;
	return count;
}

size_t history_window(const struct history *history, uint32_t entity, enum signal signal,
	int64_t from_ms, int64_t until_ms, struct sample *out, size_t most)
{
	struct walk walk;
	const struct ring *ring = ring_find(history, entity, signal);
	size_t skip = 0, count = 0;
	if (!ring)
		return 0;
	if (ring->count > most) {
		size_t all = count_window(history, entity, signal, from_ms, until_ms);
		skip = all > most ? all - most : 0;
	}
	walk_begin(&walk, history, entity, signal, from_ms, until_ms);
	for (const struct sample *sample; (sample = walk_next(&walk)) != NULL;) {
		if (skip > 0)
			skip--;
		else
			out[count++] = *sample;
	}
	return count;
}

bool history_mean(const struct history *history, uint32_t entity, enum signal signal,
	int64_t from_ms, int64_t until_ms, double *out)
{
	struct walk walk;
	double sum = 0;
	size_t count = 0;
	walk_begin(&walk, history, entity, signal, from_ms, until_ms);
	for (const struct sample *sample; (sample = walk_next(&walk)) != NULL; count++)
		sum += sample->value;
	if (count == 0)
		return false;
	*out = sum / (double)count;
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
	size_t count = count_window(history, entity, signal, from_ms, until_ms);
	if (count == 0 || count < least)
		return false;
	double small[SMALL_WINDOW];
	double *values = count <= SMALL_WINDOW ? small : malloc(count * sizeof(*values));
	if (!values)
		return false;
	struct walk walk;
	walk_begin(&walk, history, entity, signal, from_ms, until_ms);
	for (size_t i = 0; i < count; i++) {
		const struct sample *sample = walk_next(&walk);
		values[i] = sample ? sample->value : 0;
	}
	qsort(values, count, sizeof(*values), compare_doubles);
	*out = count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
	if (values != small)
		free(values);
	return true;
}

bool history_at(const struct history *history, uint32_t entity, enum signal signal, int64_t at_ms,
	int64_t max_age_ms, double *out)
{
	struct walk walk;
	bool found = false;
	double value = 0;
	int64_t from_ms = 0;
	/* Open at its lower end, so one earlier. */
	if (__builtin_sub_overflow(at_ms, max_age_ms, &from_ms) ||
		__builtin_sub_overflow(from_ms, 1, &from_ms))
		from_ms = INT64_MIN;
	walk_begin(&walk, history, entity, signal, from_ms, at_ms);
	for (const struct sample *sample; (sample = walk_next(&walk)) != NULL; found = true)
		value = sample->value;
	if (found)
		*out = value;
	return found;
}

void history_buckets(const struct history *history, uint32_t entity, enum signal signal,
	int64_t from_ms, int64_t until_ms, double *out, size_t buckets)
{
	struct walk walk;
	walk_begin(&walk, history, entity, signal, from_ms, until_ms);
	const struct sample *sample = walk_next(&walk);
	for (size_t i = 0; i < buckets; i++) {
		int64_t end_ms = from_ms + (int64_t)((double)(until_ms - from_ms) *
						     (double)(i + 1) / (double)buckets);
		if (i + 1 == buckets)
			end_ms = until_ms;
		double sum = 0;
		size_t count = 0;
		for (; sample && sample->at_ms <= end_ms; sample = walk_next(&walk), count++)
			sum += sample->value;
		out[i] = count > 0 ? sum / (double)count : NAN;
	}
}
