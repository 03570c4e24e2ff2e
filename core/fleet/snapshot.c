#include "core/fleet/snapshot.h"

#include <math.h>
#include <stdlib.h>

static const struct reading absent = {.value = NAN};

void snapshot_destroy(struct snapshot *snapshot)
{
	free(snapshot); /* one block: see store_seal() */
}

const struct reading *snapshot_reading(
	const struct snapshot *snapshot, uint32_t entity, enum signal signal)
{
	size_t place = signal_place(signal);
	if (entity >= snapshot->entity_count || place == SIGNAL_PLACES)
		return &absent;
	const struct reading *reading = &snapshot->readings[(size_t)entity * SIGNAL_PLACES + place];
	/* Another signal's, which shares the place and which this kind of entity has. */
	return reading->signal == signal ? reading : &absent;
}

enum freshness reading_freshness(const struct reading *reading, int64_t now_ms)
{
	if (reading->at_ms == 0)
		return FRESHNESS_ABSENT;
	int64_t age_ms = now_ms - reading->at_ms;
	int64_t interval_ms = reading->interval_ms > 0 ? reading->interval_ms : 1;
	if (2 * age_ms <= 3 * interval_ms)
		return FRESHNESS_FRESH;
	return age_ms <= 3 * interval_ms ? FRESHNESS_LATE : FRESHNESS_STALE;
}

bool snapshot_value(
	const struct snapshot *snapshot, uint32_t entity, enum signal signal, double *out)
{
	const struct reading *reading = snapshot_reading(snapshot, entity, signal);
	if (reading_freshness(reading, snapshot->at_ms) > FRESHNESS_LATE)
		return false;
	*out = reading->value;
	return true;
}

int64_t snapshot_age_ms(const struct snapshot *snapshot, uint32_t entity, enum signal signal)
{
	const struct reading *reading = snapshot_reading(snapshot, entity, signal);
	if (reading->at_ms == 0)
		return -1;
	/* A sample may carry a time a little ahead of ours; it is not older than now. */
	return snapshot->at_ms > reading->at_ms ? snapshot->at_ms - reading->at_ms : 0;
}
