/*
 * samples.h - arithmetic on the samples of one series in a window, as Prometheus does it.
 *
 * Every function gives what the expression of Prometheus 2.42 that it names gives on the same
 * samples: a figure worked out here and one asked of a server may stand side by side. Formulas are
 * those of its promql/functions.go (extrapolatedRate, linearRegression) and promql/quantile.go
 * (bucketQuantile); burn rates are those of the Site Reliability Workbook, chapter 5.
 * tests/e2e/test_parity.sh holds them to the real server.
 *
 * A window is [from_ms, until_ms], both ends in it; samples are those in the window, oldest first,
 * times strictly growing. What cannot be known is false or NAN: too few samples, a sample that is
 * NAN, no traffic.
 */
#ifndef CORE_FLEET_SAMPLES_H
#define CORE_FLEET_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sample;

/*
 * How much a counter grew in a window: increase(), and over the window's seconds rate(). A counter
 * that fell was reset and began at 0. Growth is extrapolated to either end of the window where the
 * gap to it is below 1.1 times the mean distance of samples, else by half that distance, and never
 * to before the counter was 0. Needs two samples.
 */
bool samples_increase(
	const struct sample *samples, size_t count, int64_t from_ms, int64_t until_ms, double *out);

/* A straight line through samples by least squares. */
struct samples_line {
	double level;       /* of the line at the time asked */
	double slope;       /* per second */
	double slope_error; /* standard error of the slope; NAN below three samples */
	size_t count;
};

/* Fit one; `at_ms` is when `level` holds: with it at the time of asking predict_linear() is level +
 * slope x seconds. Needs two samples. */
bool samples_fit(
	const struct sample *samples, size_t count, int64_t at_ms, struct samples_line *out);

/* One bucket of a histogram, or how much it grew. */
struct samples_bucket {
	double bound; /* upper, inclusive; the last one's is INFINITY */
	double count; /* of observations up to the bound */
};

/*
 * The value that a share `share` (above 0, to 1) of the observations stays below:
 * histogram_quantile(). Linear inside a bucket, from 0 in the first; in the last one, whose bound
 * is infinite, the bound before it: the true value is higher then. Buckets are sorted, those of
 * equal bounds added up and counts that fall raised, in place. NAN without observations and without
 * the infinite bucket.
 */
double samples_quantile(struct samples_bucket *buckets, size_t count, double share);

/*
 * How many times faster than allowed errors use up their budget: the ratio of errors over what the
 * objective (0.999) leaves. 1 uses it up exactly by the period's end. NAN without requests.
 */
double samples_burn(double errors, double requests, double objective);

#endif
