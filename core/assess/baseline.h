/*
 * baseline.h - what is normal for a figure, learned while all is calm.
 *
 * The median of up to BASELINE_SAMPLES samples, by which a spike moves nothing. When they are all
 * taken, every second one is given up and the spacing doubles, so a young baseline is quick and an
 * old one covers many minutes. Feed it only in calm: an incident must not become normal.
 */
#ifndef CORE_ASSESS_BASELINE_H
#define CORE_ASSESS_BASELINE_H

#include <stdint.h>

#define BASELINE_SAMPLES 64
#define BASELINE_LEAST 10 /* samples before it counts as learned */

struct baseline {
	double samples[BASELINE_SAMPLES]; /* oldest first */
	double sorted[BASELINE_SAMPLES];  /* the same, least first */
	unsigned count;
	int32_t spacing_ms; /* 0 before the first sample */
	int64_t last_ms;
	double value;  /* the median; meaningless before it is learned */
	double spread; /* likewise: how far samples usually are from it */
};

/* NAN until learned. */
double baseline_value(const struct baseline *baseline);

/*
 * How far samples usually lie from the median, robustly: 1.4826 times the median distance, which
 * for plain noise is its standard deviation. NAN until learned.
 */
double baseline_spread(const struct baseline *baseline);

/* Note a sample (NAN is ignored), unless the last one is too near in time. */
void baseline_feed(struct baseline *baseline, double value, int64_t now_ms);

/* Forget everything: what is measured is no longer the same thing. */
void baseline_reset(struct baseline *baseline);

#endif
