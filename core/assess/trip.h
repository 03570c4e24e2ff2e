/*
 * trip.h - a condition with two thresholds and patience, so that nothing flaps.
 *
 * It goes on after `samples` samples in a row past the trip level, each newer than the one before;
 * its onset is the first of them. It goes off after `clear_dwell_ms` in all below the clear level
 * without a sample past the trip level; time in between the two counts for neither. What is unknown
 * changes nothing.
 */
#ifndef CORE_ASSESS_TRIP_H
#define CORE_ASSESS_TRIP_H

#include <stdbool.h>
#include <stdint.h>

enum trip_level { TRIP_UNKNOWN, TRIP_BELOW, TRIP_BETWEEN, TRIP_ABOVE };

struct trip {
	bool on;
	int64_t onset_ms; /* while on, or while it is coming on: the first sample past the level */
	int64_t counted_ms; /* sample time of the last one counted */
	int64_t calm_ms;    /* spent below the clear level since it was last past the trip level */
	int64_t below_ms;   /* when it was last seen below; 0: it is not there */
	unsigned count;
};

struct trip_rule {
	unsigned samples;
	int64_t clear_dwell_ms;
};

/* Where a value is; a NAN value or threshold gives TRIP_UNKNOWN. */
enum trip_level trip_level(double value, double trip, double clear);

/* `sample_ms`: when the newest reading behind the level was sampled. */
void trip_step(struct trip *trip, const struct trip_rule *rule, enum trip_level level,
	int64_t sample_ms, int64_t now_ms);

/* Off, at once. */
void trip_clear(struct trip *trip);

#endif
