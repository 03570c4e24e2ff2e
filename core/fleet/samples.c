#include "core/fleet/samples.h"

#include <math.h>
#include <stdlib.h>

#include "core/fleet/history.h"

#define NEAR_SPACINGS 1.1 /* a gap below this is one between samples, not the end of the series */

/* ---- counters ---- */

/* What it grew between the first sample and the last, resets made good. NAN stays NAN. */
static double grown(const struct sample *samples, size_t count)
{
	double sum = samples[count - 1].value - samples[0].value;
	for (size_t i = 1; i < count; i++) {
		if (samples[i].value < samples[i - 1].value)
			sum += samples[i - 1].value;
	}
	return sum;
}

bool samples_increase(
	const struct sample *samples, size_t count, int64_t from_ms, int64_t until_ms, double *out)
{
	if (count < 2)
		return false;
	const struct sample *first = &samples[0], *last = &samples[count - 1];
	double growth = grown(samples, count);
	double covered_s = (double)(last->at_ms - first->at_ms) / 1000;
	double before_s = (double)(first->at_ms - from_ms) / 1000;
	double after_s = (double)(until_ms - last->at_ms) / 1000;
	double spacing_s = covered_s / (double)(count - 1);
	if (isnan(growth) || !(covered_s > 0))
		return false;
	if (growth > 0 && first->value >= 0)
		before_s = fmin(before_s, covered_s * first->value / growth);
	if (before_s >= NEAR_SPACINGS * spacing_s)
		before_s = spacing_s / 2;
	if (after_s >= NEAR_SPACINGS * spacing_s)
		after_s = spacing_s / 2;
	*out = growth * (before_s + covered_s + after_s) / covered_s;
	return true;
}

/* ---- gauges ---- */

/* Sums about the means, for times are large and their differences small. */
bool samples_fit(
	const struct sample *samples, size_t count, int64_t at_ms, struct samples_line *out)
{
	double x = 0, y = 0, xx = 0, xy = 0, yy = 0;
	if (count < 2)
		return false;
	for (size_t i = 0; i < count; i++) {
		x += (double)(samples[i].at_ms - at_ms) / 1000;
		y += samples[i].value;
	}
	x /= (double)count;
	y /= (double)count;
	for (size_t i = 0; i < count; i++) {
		double dx = (double)(samples[i].at_ms - at_ms) / 1000 - x;
		double dy = samples[i].value - y;
		xx += dx * dx;
		xy += dx * dy;
		yy += dy * dy;
	}
	double slope = xy / xx;
	if (!isfinite(slope) || !isfinite(y))
		return false;
	double left = fmax(yy - slope * xy, 0);
	*out = (struct samples_line){
		.level = y - slope * x,
		.slope = slope,
		.slope_error = count > 2 ? sqrt(left / (double)(count - 2) / xx) : NAN,
		.count = count,
	};
	return true;
}

/* ---- histograms ---- */

static int by_bound(const void *a, const void *b)
{
	const struct samples_bucket *left = a, *right = b;
	return (left->bound > right->bound) - (left->bound < right->bound);
}

/* Add up buckets of one bound, and let no count fall; returns how many are left. */
static size_t put_in_order(struct samples_bucket *buckets, size_t count)
{
	size_t kept = 0;
	qsort(buckets, count, sizeof(*buckets), by_bound);
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && !(buckets[i].bound > buckets[kept - 1].bound))
			buckets[kept - 1].count += buckets[i].count;
		else
			buckets[kept++] = buckets[i];
	}
	for (size_t i = 1; i < kept; i++)
		buckets[i].count = fmax(buckets[i].count, buckets[i - 1].count);
	return kept;
}

double samples_quantile(struct samples_bucket *buckets, size_t count, double share)
{
	for (size_t i = 0; i < count; i++) {
		if (isnan(buckets[i].bound) || isnan(buckets[i].count))
			return NAN;
	}
	count = put_in_order(buckets, count);
	if (count < 2 || !(share >= 0 && share <= 1) || isfinite(buckets[count - 1].bound) ||
		!(buckets[count - 1].count > 0))
		return NAN;
	double rank = share * buckets[count - 1].count;
	size_t at = 0;
	while (at < count - 1 && buckets[at].count < rank)
		at++;
	if (at == count - 1)
		return buckets[count - 2].bound;
	if (at == 0 && buckets[0].bound <= 0)
		return buckets[0].bound;
	double from = at > 0 ? buckets[at - 1].bound : 0;
	double below = at > 0 ? buckets[at - 1].count : 0;
	return from + (buckets[at].bound - from) * (rank - below) / (buckets[at].count - below);
}

/* ---- budgets ---- */

double samples_burn(double errors, double requests, double objective)
{
	return requests > 0 ? errors / requests / (1 - objective) : NAN;
}
