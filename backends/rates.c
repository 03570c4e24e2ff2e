#include "backends/rates.h"

#include <stdlib.h>

#include "backends/observation.h"
#include "core/base/error.h"
#include "core/fleet/counter.h"

struct rate_slot {
	uint64_t key; /* 0: free */
	int64_t seen_ms;
	struct counter counter;
};

void rates_init(struct rates *rates)
{
	*rates = (struct rates){0};
	buckets_init(&rates->buckets);
}

void rates_finish(struct rates *rates)
{
	free(rates->slots);
	buckets_finish(&rates->buckets);
	*rates = (struct rates){0};
}

static uint64_t key_of(const struct observation *row)
{
	uint64_t key = hash_bytes(row->series ^ HASH_START, &row->group, sizeof(row->group));
	key = hash_bytes(key, &row->entity, sizeof(row->entity));
	return key ? key : 1;
}

/* The slot of `key`, or the free one where it would go; there is always a free one. */
static struct rate_slot *probe(struct rate_slot *slots, size_t capacity, uint64_t key)
{
	size_t at = (size_t)hash_mix(key) & (capacity - 1);
	while (slots[at].key != 0 && slots[at].key != key)
		at = (at + 1) & (capacity - 1);
	return &slots[at];
}

/* Move to a table of `capacity`, leaving behind what was not seen since `oldest_ms`. */
static bool rebuild(struct rates *rates, size_t capacity, int64_t oldest_ms, struct error *error)
{
	struct rate_slot *slots = calloc(capacity, sizeof(*slots));
	if (!slots)
		return error_no_memory(error, "counters");
	size_t count = 0;
	for (size_t i = 0; i < rates->capacity; i++) {
		const struct rate_slot *slot = &rates->slots[i];
		if (slot->key == 0 || slot->seen_ms < oldest_ms)
			continue;
		*probe(slots, capacity, slot->key) = *slot;
		count++;
	}
	free(rates->slots);
	rates->slots = slots;
	rates->capacity = capacity;
	rates->count = count;
	return true;
}

/* Room for `more` counters, at most half of the table in use. */
static bool reserve(struct rates *rates, size_t more, int64_t now_ms, struct error *error)
{
	if (more > RATES_MOST)
		return error_set(error, ERROR_LIMIT,
			"more than %d counters in one answer: narrow the selectors", RATES_MOST);
	if ((rates->count + more) * 2 <= rates->capacity)
		return true;
	size_t capacity = rates->capacity ? rates->capacity : 64;
	while (capacity < (rates->count + more) * 2 && capacity < (size_t)RATES_MOST * 4)
		capacity *= 2;
	if (!rebuild(rates, capacity, now_ms - RATES_KEEP_MS, error))
		return false;
	if ((rates->count + more) * 2 > rates->capacity)
		return error_set(error, ERROR_LIMIT,
			"more than %d counters are remembered for one target", RATES_MOST);
	return true;
}

static bool feed(struct rates *rates, struct observation *row)
{
	struct rate_slot *slot = probe(rates->slots, rates->capacity, key_of(row));
	if (slot->key == 0) {
		slot->key = key_of(row);
		rates->count++;
	}
	slot->seen_ms = row->at_ms;
	double per_second = 0;
	if (!counter_feed(&slot->counter, row->value, row->at_ms, &per_second))
		return false;
	row->value = per_second;
	row->rate = false;
	return true;
}

static bool is_together(const struct observation *a, const struct observation *b)
{
	return a->group == b->group && a->entity == b->entity && a->signal == b->signal;
}

bool rates_apply(struct rates *rates, struct observations *sink, struct error *error)
{
	size_t counters = 0;
	int64_t now_ms = 0;
	if (!buckets_apply(&rates->buckets, sink, error))
		return false;
	for (size_t i = 0; i < sink->count; i++) {
		counters += sink->rows[i].rate ? 1 : 0;
		now_ms = sink->rows[i].at_ms > now_ms ? sink->rows[i].at_ms : now_ms;
	}
	if (counters == 0)
		return true;
	if (!reserve(rates, counters, now_ms, error))
		return false;
	size_t kept = 0;
	for (size_t from = 0, until = 0; from < sink->count; from = until) {
		bool whole = true;
		for (until = from; until < sink->count; until++) {
			if (!is_together(&sink->rows[from], &sink->rows[until]))
				break;
			if (sink->rows[until].rate && !feed(rates, &sink->rows[until]))
				whole = false;
		}
		for (size_t i = from; whole && i < until; i++)
			sink->rows[kept++] = sink->rows[i];
	}
	sink->count = kept;
	return true;
}
