#include "backends/schedule.h"

#include "backends/observation.h"

int64_t schedule_first_ms(uint64_t hash, int64_t every_ms)
{
	int64_t within_ms = every_ms < SCHEDULE_START_MS ? every_ms : SCHEDULE_START_MS;
	return (int64_t)(hash_mix(hash) % (uint64_t)within_ms);
}

/* Where in each interval the target has its place. */
static int64_t place_ms(uint64_t hash, int64_t every_ms)
{
	int64_t apart_ms = every_ms >= 2 * SCHEDULE_PLACE_MS ? SCHEDULE_PLACE_MS : 1;
	return (int64_t)(hash_mix(hash) % (uint64_t)(every_ms / apart_ms)) * apart_ms;
}

/* The next time of the target's own grid after now, but not hard upon the last one. */
static int64_t on_grid(uint64_t hash, int64_t every_ms, int64_t began_ms, int64_t now_ms)
{
	int64_t phase_ms = place_ms(hash, every_ms);
	int64_t after_ms = began_ms + every_ms / 2;
	if (after_ms < now_ms)
		after_ms = now_ms;
	int64_t turns = (after_ms - phase_ms) / every_ms + 1;
	return turns * every_ms + phase_ms;
}

int64_t schedule_next_ms(
	uint64_t hash, int64_t every_ms, uint32_t failures, int64_t began_ms, int64_t now_ms)
{
	if (failures == 0)
		return on_grid(hash, every_ms, began_ms, now_ms);
	int64_t wait_ms = every_ms;
	for (uint32_t i = 1; i < failures && wait_ms < every_ms * SCHEDULE_BACKOFF_MOST; i++)
		wait_ms *= 2;
	if (wait_ms > SCHEDULE_BACKOFF_MS)
		wait_ms = every_ms > SCHEDULE_BACKOFF_MS ? every_ms : SCHEDULE_BACKOFF_MS;
	/* From four fifths of the wait to the whole of it. */
	uint64_t luck = hash_mix(hash_bytes(hash, &failures, sizeof(failures))) % 1000;
	int64_t off_ms = wait_ms / 5 * (int64_t)luck / 1000;
	return now_ms + wait_ms - off_ms;
}
