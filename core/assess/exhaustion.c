#include "core/assess/exhaustion.h"

#include <math.h>
#include <string.h>

#include "core/assess/limits.h"
#include "core/fleet/samples.h"

static void forget(struct exhaustion_memory *memory, unsigned count)
{
	memory->count -= count;
	memmove(memory->means, memory->means + count, memory->count * sizeof(memory->means[0]));
}

void exhaustion_feed(
	struct exhaustion_memory *memory, double busy, int64_t sample_ms, int64_t since_ms)
{
	unsigned old = 0;
	while (old < memory->count && memory->means[old].at_ms <= since_ms)
		old++;
	forget(memory, old);
	if (memory->begun_ms <= since_ms)
		memory->summed = 0;
	if (!isfinite(busy) || sample_ms <= memory->seen_ms || sample_ms <= since_ms)
		return;
	memory->seen_ms = sample_ms;
	if (memory->summed == 0) {
		memory->begun_ms = sample_ms;
		memory->sum = 0;
	}
	memory->sum += busy;
	memory->summed++;
	if (sample_ms - memory->begun_ms < EXHAUSTION_SPACING_MS)
		return;
	if (memory->count == EXHAUSTION_SAMPLES)
		forget(memory, 1);
	memory->means[memory->count++] = (struct sample){
		.at_ms = memory->begun_ms + (sample_ms - memory->begun_ms) / 2,
		.value = memory->sum / memory->summed,
	};
	memory->summed = 0;
}

static bool deserves(const struct samples_line *line, double capacity)
{
	return line->slope > 0 && line->slope >= EXHAUSTION_SURE * line->slope_error &&
	       line->level >= EXHAUSTION_LEAST_USE * capacity && line->level < capacity;
}

void exhaustion_judge(
	const struct exhaustion_memory *memory, double capacity, struct exhaustion *out)
{
	static const unsigned spans[] = {EXHAUSTION_SAMPLES / 5, EXHAUSTION_SAMPLES};
	*out = (struct exhaustion){false, NAN, NAN, NAN};
	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		unsigned count = memory->count < spans[i] ? memory->count : spans[i];
		if (count < EXHAUSTION_LEAST_SAMPLES || !(capacity > 0))
			return;
		struct samples_line line;
		if (!samples_fit(memory->means + memory->count - count, count,
			    memory->means[memory->count - 1].at_ms, &line))
			continue;
		double room = capacity - line.level;
		if (!deserves(&line, capacity) || room / line.slope > EXHAUSTION_FAR_S)
			continue;
		*out = (struct exhaustion){
			.known = true,
			.low_s = room / (line.slope + 2 * line.slope_error),
			.high_s = room / (line.slope - 2 * line.slope_error),
			.per_minute = 60 * line.slope,
		};
		return;
	}
}
