#include "core/assess/exhaustion.h"

#include <math.h>
#include <string.h>

#include "core/assess/limits.h"

/* A line through samples, time in seconds before the newest. */
struct line {
	double slope, error; /* per second, and its standard error */
	double now;          /* where it stands at the newest sample */
};

static void forget(struct exhaustion_memory *memory, unsigned count)
{
	memory->count -= count;
	memmove(memory->busy, memory->busy + count, memory->count * sizeof(memory->busy[0]));
	memmove(memory->at_ms, memory->at_ms + count, memory->count * sizeof(memory->at_ms[0]));
}

void exhaustion_feed(
	struct exhaustion_memory *memory, double busy, int64_t sample_ms, int64_t since_ms)
{
	unsigned old = 0;
	while (old < memory->count && memory->at_ms[old] <= since_ms)
		old++;
	forget(memory, old);
	if (memory->summed > 0 && memory->begun_ms <= since_ms)
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
	memory->busy[memory->count] = memory->sum / memory->summed;
	memory->at_ms[memory->count++] = memory->begun_ms + (sample_ms - memory->begun_ms) / 2;
	memory->summed = 0;
}

/* Through the newest `count` samples; there are at least three. */
static struct line line_through(const struct exhaustion_memory *memory, unsigned count)
{
	unsigned first = memory->count - count;
	int64_t end_ms = memory->at_ms[memory->count - 1];
	double x_mean = 0, y_mean = 0, xx = 0, xy = 0, rest = 0;
	for (unsigned i = first; i < memory->count; i++) {
		x_mean += (double)(memory->at_ms[i] - end_ms) / 1000 / count;
		y_mean += memory->busy[i] / count;
	}
	for (unsigned i = first; i < memory->count; i++) {
		double x = (double)(memory->at_ms[i] - end_ms) / 1000 - x_mean;
		xx += x * x;
		xy += x * (memory->busy[i] - y_mean);
	}
	struct line line = {.slope = xy / xx};
	line.now = y_mean - line.slope * x_mean;
	for (unsigned i = first; i < memory->count; i++) {
		double x = (double)(memory->at_ms[i] - end_ms) / 1000;
		double off = memory->busy[i] - (line.now + line.slope * x);
		rest += off * off;
	}
	line.error = sqrt(rest / (count - 2) / xx);
	return line;
}

static bool deserves(const struct line *line, double capacity)
{
	return line->slope > 0 && line->slope >= EXHAUSTION_SURE * line->error &&
	       line->now >= EXHAUSTION_LEAST_USE * capacity && line->now < capacity;
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
		struct line line = line_through(memory, count);
		double room = capacity - line.now;
		if (!deserves(&line, capacity) || room / line.slope > EXHAUSTION_FAR_S)
			continue;
		*out = (struct exhaustion){
			.known = true,
			.low_s = room / (line.slope + 2 * line.error),
			.high_s = room / (line.slope - 2 * line.error),
			.per_minute = 60 * line.slope,
		};
		return;
	}
}
