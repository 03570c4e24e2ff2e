#include "core/assess/baseline.h"

#include <math.h>
#include <stdbool.h>
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

/* ---- in order ---- */

/* The first of `count` sorted values that is not below `value`. */
static unsigned place_of(const double *sorted, unsigned count, double value)
{
	unsigned low = 0, high = count;
	while (low < high) {
		unsigned middle = (low + high) / 2;
		if (sorted[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void sorted_insert(double *sorted, unsigned count, double value)
{
	unsigned at = place_of(sorted, count, value);
	memmove(sorted + at + 1, sorted + at, (count - at) * sizeof(sorted[0]));
	sorted[at] = value;
}

static void sorted_remove(double *sorted, unsigned count, double value)
{
	unsigned at = place_of(sorted, count, value);
	memmove(sorted + at, sorted + at + 1, (count - at - 1) * sizeof(sorted[0]));
}

static double median(const double *sorted, unsigned count)
{
	if (count % 2 == 1)
		return sorted[count / 2];
	return (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

/* The median distance from `middle`: distances grow outwards on both sides of it, so they are met
 * in order by going to the nearer one. */
static double spread(const double *sorted, unsigned count, double middle)
{
	unsigned above = place_of(sorted, count, middle), below = above;
	double distances[2] = {0, 0}; /* the last two met */
	for (unsigned met = 0; met <= count / 2; met++) {
		bool down = above == count ||
			    (below > 0 && middle - sorted[below - 1] < sorted[above] - middle);
		distances[0] = distances[1];
		distances[1] = down ? middle - sorted[--below] : sorted[above++] - middle;
	}
	double one = distances[1];
	return NORMAL_SPREAD * (count % 2 == 1 ? one : (distances[0] + one) / 2);
}

/* ---- samples ---- */

/* Make room for one more: thin out while young, then let the oldest go. */
static void make_room(struct baseline *baseline)
{
	if (baseline->spacing_ms < LAST_SPACING_MS) {
		baseline->count = 0;
		for (unsigned i = 0; i < BASELINE_SAMPLES / 2; i++) {
			double kept = baseline->samples[2 * i + 1];
			baseline->samples[i] = kept;
			sorted_insert(baseline->sorted, baseline->count++, kept);
		}
		baseline->spacing_ms *= 2;
		return;
	}
	sorted_remove(baseline->sorted, baseline->count, baseline->samples[0]);
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
	sorted_insert(baseline->sorted, baseline->count, value);
	baseline->samples[baseline->count++] = value;
	baseline->last_ms = now_ms;
	baseline->value = median(baseline->sorted, baseline->count);
	baseline->spread = spread(baseline->sorted, baseline->count, baseline->value);
}

void baseline_reset(struct baseline *baseline)
{
	*baseline = (struct baseline){0};
}
