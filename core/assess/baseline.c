#include "core/assess/baseline.h"

#include <math.h>
#include <string.h>

#define FIRST_SPACING_MS 900
#define LAST_SPACING_MS 14400
#define NORMAL_SPREAD 1.4826 /* of median distance to standard deviation */

double baseline_value(const struct baseline *baseline)
{
	return baseline->count >= BASELINE_LEAST ? baseline->value : NAN;
}

double baseline_spread(const struct baseline *baseline)
{
	return baseline->count >= BASELINE_LEAST ? baseline->spread : NAN;
}

static double median(const double *samples, unsigned total)
{
	double sorted[BASELINE_SAMPLES];
	unsigned count = 0;
	for (unsigned i = 0; i < total; i++) {
		unsigned at = count++;
		for (; at > 0 && sorted[at - 1] > samples[i]; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = samples[i];
	}
	if (count % 2 == 1)
		return sorted[count / 2];
	return count > 0 ? (sorted[count / 2 - 1] + sorted[count / 2]) / 2 : NAN;
}

static double spread(const struct baseline *baseline)
{
	double distances[BASELINE_SAMPLES];
	for (unsigned i = 0; i < baseline->count; i++)
		distances[i] = fabs(baseline->samples[i] - baseline->value);
	return NORMAL_SPREAD * median(distances, baseline->count);
}

/* Make room for one more: thin out while young, then let the oldest go. */
static void make_room(struct baseline *baseline)
{
	if (baseline->spacing_ms < LAST_SPACING_MS) {
		for (unsigned i = 0; i < BASELINE_SAMPLES / 2; i++)
			baseline->samples[i] = baseline->samples[2 * i + 1];
		baseline->count = BASELINE_SAMPLES / 2;
		baseline->spacing_ms *= 2;
		return;
	}
	memmove(baseline->samples, baseline->samples + 1,
		(BASELINE_SAMPLES - 1) * sizeof(baseline->samples[0]));
	baseline->count--;
}

void baseline_feed(struct baseline *baseline, double value, int64_t now_ms)
{
	if (!isfinite(value))
		return;
	if (baseline->spacing_ms == 0)
		baseline->spacing_ms = FIRST_SPACING_MS;
	if (baseline->count > 0 && now_ms - baseline->last_ms < baseline->spacing_ms)
		return;
	if (baseline->count == BASELINE_SAMPLES)
		make_room(baseline);
	baseline->samples[baseline->count++] = value;
	baseline->last_ms = now_ms;
	baseline->value = median(baseline->samples, baseline->count);
	baseline->spread = spread(baseline);
}

void baseline_reset(struct baseline *baseline)
{
	*baseline = (struct baseline){0};
}
