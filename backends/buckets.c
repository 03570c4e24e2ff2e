#include "backends/buckets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends/observation.h"
#include "core/base/error.h"
#include "core/fleet/history.h"
#include "core/fleet/samples.h"

#define SAMPLES_LEAST 4
#define SAMPLES_MOST 12
#define SPACING_MS (BUCKETS_WINDOW_MS / (SAMPLES_MOST - 1))

/* One counter of one histogram. */
struct bucket_slot {
	uint64_t key; /* 0: free */
	size_t count;
	struct sample past[SAMPLES_MOST]; /* oldest first */
};

void buckets_init(struct buckets *buckets)
{
	*buckets = (struct buckets){0};
}

void buckets_finish(struct buckets *buckets)
{
	free(buckets->slots);
	*buckets = (struct buckets){0};
}

static uint64_t key_of(const struct observation *row)
{
	uint64_t key = hash_bytes(row->series ^ HASH_START, &row->group, sizeof(row->group));
	key = hash_bytes(key, &row->entity, sizeof(row->entity));
	return key ? key : 1;
}

static struct bucket_slot *probe(struct bucket_slot *slots, size_t capacity, uint64_t key)
{
	size_t at = (size_t)hash_mix(key) & (capacity - 1);
	while (slots[at].key != 0 && slots[at].key != key)
		at = (at + 1) & (capacity - 1);
	return &slots[at];
}

/* Room for `more`, at most half of the table in use; what was not seen for long is left behind. */
static bool reserve(struct buckets *buckets, size_t more, int64_t now_ms, struct error *error)
{
	if ((buckets->count + more) * 2 <= buckets->capacity)
		return true;
	size_t capacity = 64, count = 0;
	if (more > BUCKETS_MOST)
		return error_set(error, ERROR_LIMIT,
			"more than %d buckets of histograms in one answer: narrow the selectors",
			BUCKETS_MOST);
	while (capacity < (buckets->count + more) * 2 && capacity < (size_t)BUCKETS_MOST * 4)
		capacity *= 2;
	struct bucket_slot *slots = calloc(capacity, sizeof(*slots));
	if (!slots)
		return error_no_memory(error, "histograms");
	for (size_t i = 0; i < buckets->capacity; i++) {
		const struct bucket_slot *slot = &buckets->slots[i];
		if (slot->key == 0 || slot->past[slot->count - 1].at_ms < now_ms - BUCKETS_KEEP_MS)
			continue;
		*probe(slots, capacity, slot->key) = *slot;
		count++;
	}
	free(buckets->slots);
	*buckets = (struct buckets){slots, capacity, count};
	if ((count + more) * 2 > capacity)
		return error_set(error, ERROR_LIMIT,
			"more than %d buckets of histograms are remembered for one target",
			BUCKETS_MOST);
	return true;
}

/* Keep a sample; those that come faster than the window holds take the place of the one before. */
static void remember(struct bucket_slot *slot, const struct sample *sample)
{
	struct sample *past = slot->past;
	if (slot->count > 0 && sample->at_ms <= past[slot->count - 1].at_ms)
		return;
	if (slot->count > 1 &&
		past[slot->count - 1].at_ms - past[slot->count - 2].at_ms < SPACING_MS)
		slot->count--;
	while (slot->count == SAMPLES_MOST ||
		(slot->count >= SAMPLES_LEAST &&
			past[0].at_ms < sample->at_ms - BUCKETS_WINDOW_MS)) {
		slot->count--;
		memmove(past, past + 1, slot->count * sizeof(*past));
	}
	past[slot->count++] = *sample;
}

/* How much it grew over what is remembered of it; false before the second sample. */
static bool feed(struct buckets *buckets, const struct observation *row, double *increase)
{
	struct bucket_slot *slot = probe(buckets->slots, buckets->capacity, key_of(row));
	if (slot->key == 0) {
		slot->key = key_of(row);
		buckets->count++;
	}
	const struct sample sample = {row->at_ms, row->value};
	remember(slot, &sample);
	return samples_increase(slot->past, slot->count, slot->past[0].at_ms,
		slot->past[slot->count - 1].at_ms, increase);
}

/* One quantile of rows that belong together, into the first; false where there is none. */
static bool work_out(struct buckets *buckets, struct observation *rows, size_t count)
{
	struct samples_bucket spread[BUCKETS_BOUNDS_MOST];
	size_t known = 0;
	for (size_t i = 0; i < count; i++) {
		double increase;
		if (rows[i].at_ms < rows[0].at_ms)
			rows[0].at_ms = rows[i].at_ms;
		if (feed(buckets, &rows[i], &increase) && known < BUCKETS_BOUNDS_MOST)
			spread[known++] = (struct samples_bucket){rows[i].bound, increase};
	}
	rows[0].value = samples_quantile(spread, known, rows[0].percent / 100.0);
	rows[0].percent = 0;
	return count <= BUCKETS_BOUNDS_MOST && isfinite(rows[0].value);
}

static bool is_together(const struct observation *a, const struct observation *b)
{
	return a->group == b->group && a->entity == b->entity && a->signal == b->signal;
}

bool buckets_apply(struct buckets *buckets, struct observations *sink, struct error *error)
{
	size_t found = 0, kept = 0;
	int64_t now_ms = 0;
	for (size_t i = 0; i < sink->count; i++) {
		found += sink->rows[i].percent > 0;
		now_ms = sink->rows[i].at_ms > now_ms ? sink->rows[i].at_ms : now_ms;
	}
	if (found == 0)
		return true;
	if (!reserve(buckets, found, now_ms, error))
		return false;
	for (size_t from = 0, until = 0; from < sink->count; from = until) {
		struct observation *first = &sink->rows[from];
		until = from + 1;
		while (first->percent > 0 && until < sink->count &&
			is_together(first, &sink->rows[until]))
			until++;
		if (first->percent == 0 || work_out(buckets, first, until - from))
			sink->rows[kept++] = *first;
	}
	sink->count = kept;
	return true;
}
