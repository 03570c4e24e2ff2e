#include "core/fleet/snapshot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/sanitise.h"

#define FIRST_ENTITIES ((size_t)64)

struct store {
	struct fleet *fleet;
	struct reading *readings;                             /* capacity x SIGNAL_PLACES */
	size_t capacity;                                      /* entities there is room for */
	struct source_status *sources[SNAPSHOT_SOURCES_MOST]; /* each on its own: addresses stay */
	size_t source_count;
	struct source_status **before; /* the sources set aside while they are named anew */
	size_t before_count;
	uint64_t generation;
};

struct store *store_create(struct fleet *fleet)
{
	struct store *store = calloc(1, sizeof(*store));
	if (store)
		store->fleet = fleet;
	return store;
}

void store_destroy(struct store *store)
{
	if (!store)
		return;
	store_sources_end(store, true);
	for (size_t i = 0; i < store->source_count; i++)
		free(store->sources[i]);
	free(store->readings);
	free(store);
}

/* Room for the readings of `entities` entities; new ones are absent. */
static bool reserve(struct store *store, size_t entities)
{
	if (entities <= store->capacity)
		return true;
	size_t capacity = store->capacity ? store->capacity : FIRST_ENTITIES;
	while (capacity < entities)
		capacity *= 2;
	struct reading *readings =
		reallocarray(store->readings, capacity, SIGNAL_PLACES * sizeof(struct reading));
	if (!readings)
		return false;
	for (size_t i = store->capacity * SIGNAL_PLACES; i < capacity * SIGNAL_PLACES; i++)
		readings[i] = (struct reading){.value = NAN};
	store->readings = readings;
	store->capacity = capacity;
	return true;
}

bool store_put(struct store *store, uint32_t entity, enum signal signal, double value,
	int64_t at_ms, int32_t interval_ms, uint16_t source, struct error *error)
{
	if ((unsigned)signal >= SIGNAL_COUNT || entity >= fleet_count(store->fleet))
		return error_set(error, ERROR_SCHEMA, "no such signal or entity");
	const struct signal_row *row = signal_row(signal);
	const struct entity *subject = fleet_entity(store->fleet, entity);
	if (row->derived)
		return error_set(
			error, ERROR_SCHEMA, "%s is made by the assessment, not read", row->name);
	if (!(row->entities & (1u << subject->kind)))
		return error_set(error, ERROR_SCHEMA, "%s is not measured on a %s ('%s')",
			row->name, entity_kind_name(subject->kind), subject->path);
	if (!isfinite(value))
		return error_set(error, ERROR_SCHEMA, "%s of '%s' is not a finite number",
			row->name, subject->path);
	if (value < row->min || value > row->max)
		return error_set(error, ERROR_SCHEMA, "%s of '%s' is %g, outside %g to %g",
			row->name, subject->path, value, row->min, row->max);
	if (at_ms <= 0 || interval_ms <= 0)
		return error_set(error, ERROR_SCHEMA, "%s of '%s' has no time or interval",
			row->name, subject->path);
	if (!reserve(store, (size_t)entity + 1))
		return error_no_memory(error, "readings");
	struct reading *held =
		&store->readings[(size_t)entity * SIGNAL_PLACES + signal_place(signal)];
	if (at_ms < held->at_ms)
		return true;
	*held = (struct reading){
		.value = value,
		.at_ms = at_ms,
		.interval_ms = interval_ms,
		.source = source,
		.signal = (uint8_t)signal,
	};
	return true;
}

static bool source_is_same(const struct source_status *one, const struct source_status *other)
{
	return strcmp(one->name, other->name) == 0 && strcmp(one->kind, other->kind) == 0;
}

/* The source of that name and kind among those set aside; NULL when there is none. */
static const struct source_status *source_before(
	const struct store *store, const struct source_status *source)
{
	for (size_t i = 0; i < store->before_count; i++) {
		if (source_is_same(store->before[i], source))
			return store->before[i];
	}
	return NULL;
}

bool store_add_source(struct store *store, const char *name, const char *kind, int32_t interval_ms,
	uint16_t *out, struct error *error)
{
	if (store->source_count == SNAPSHOT_SOURCES_MOST)
		return error_set(error, ERROR_LIMIT, "more than %d sources", SNAPSHOT_SOURCES_MOST);
	struct source_status *source = calloc(1, sizeof(*source));
	if (!source)
		return error_no_memory(error, "a source");
	sanitise(name, strlen(name), source->name, sizeof(source->name));
	sanitise(kind, strlen(kind), source->kind, sizeof(source->kind));
	source->state = SOURCE_STARTING;
	const struct source_status *same = source_before(store, source);
	if (same)
		*source = *same;
	source->interval_ms = interval_ms;
	*out = (uint16_t)store->source_count;
	store->sources[store->source_count++] = source;
	return true;
}

struct source_status *store_source(struct store *store, uint16_t index)
{
	return index < store->source_count ? store->sources[index] : NULL;
}

bool store_sources_begin(struct store *store)
{
	/* One more than needed: none at all is no reason to ask for zero bytes. */
	store->before = calloc(store->source_count + 1, sizeof(*store->before));
	if (!store->before)
		return false;
	memcpy(store->before, store->sources, store->source_count * sizeof(*store->before));
	store->before_count = store->source_count;
	store->source_count = 0;
	return true;
}

/* Readings of a source that was named again follow it to its new index; others become absent. */
static void readings_follow(struct store *store)
{
	uint16_t to[SNAPSHOT_SOURCES_MOST];
	for (size_t i = 0; i < store->before_count; i++) {
		to[i] = UINT16_MAX;
		for (size_t j = 0; j < store->source_count && to[i] == UINT16_MAX; j++) {
			if (source_is_same(store->before[i], store->sources[j]))
				to[i] = (uint16_t)j;
		}
	}
	for (size_t i = 0; i < store->capacity * SIGNAL_PLACES; i++) {
		struct reading *reading = &store->readings[i];
		if (reading->at_ms == 0)
			continue;
		if (reading->source < store->before_count && to[reading->source] != UINT16_MAX)
			reading->source = to[reading->source];
		else
			*reading = (struct reading){.value = NAN};
	}
}

void store_sources_end(struct store *store, bool keep)
{
	if (!store->before)
		return;
	if (keep)
		readings_follow(store);
	struct source_status **gone = keep ? store->before : store->sources;
	size_t gone_count = keep ? store->before_count : store->source_count;
	for (size_t i = 0; i < gone_count; i++)
		free(gone[i]);
	if (!keep) {
		memcpy(store->sources, store->before, store->before_count * sizeof(*store->before));
		store->source_count = store->before_count;
	}
	free(store->before);
	store->before = NULL;
	store->before_count = 0;
}

struct snapshot *store_seal(struct store *store, int64_t now_ms)
{
	size_t entities = fleet_count(store->fleet);
	if (!reserve(store, entities))
		return NULL;
	/* One block: the snapshot, its sources, its readings. All three hold 8-byte members. */
	size_t sources_bytes = store->source_count * sizeof(struct source_status);
	size_t readings_bytes = entities * SIGNAL_PLACES * sizeof(struct reading);
	struct snapshot *snapshot = malloc(sizeof(*snapshot) + sources_bytes + readings_bytes);
	if (!snapshot)
		return NULL;
	struct source_status *sources = (void *)(snapshot + 1);
	struct reading *readings = (void *)(sources + store->source_count);
	for (size_t i = 0; i < store->source_count; i++)
		sources[i] = *store->sources[i];
	memcpy(readings, store->readings, readings_bytes);
	*snapshot = (struct snapshot){
		.at_ms = now_ms,
		.generation = ++store->generation,
		.fleet = store->fleet,
		.entity_count = entities,
		.readings = readings,
		.sources = sources,
		.source_count = store->source_count,
	};
	return snapshot;
}
