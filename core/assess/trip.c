#include "core/assess/trip.h"

#include <math.h>

#include "core/assess/limits.h"

enum trip_level trip_level(double value, double trip, double clear)
{
	if (isnan(value) || isnan(trip) || isnan(clear))
		return TRIP_UNKNOWN;
	if (value >= trip)
		return TRIP_ABOVE;
	return value < clear ? TRIP_BELOW : TRIP_BETWEEN;
}

static void step_above(
	struct trip *trip, const struct trip_rule *rule, int64_t sample_ms, int64_t now_ms)
{
	trip->calm_ms = 0;
	trip->below_ms = 0;
	if (trip->on)
		return;
	if (trip->count == 0)
		trip->onset_ms = now_ms;
	else if (sample_ms - trip->counted_ms < SAMPLE_SPACING_MS)
		return;
	trip->counted_ms = sample_ms;
	trip->count++;
	trip->on = trip->count >= rule->samples;
}

static void step_below(struct trip *trip, const struct trip_rule *rule, int64_t now_ms)
{
	if (trip->below_ms != 0)
		trip->calm_ms += now_ms - trip->below_ms;
	trip->below_ms = now_ms;
	if (!trip->on || trip->calm_ms >= rule->clear_dwell_ms)
		trip_clear(trip);
}

void trip_step(struct trip *trip, const struct trip_rule *rule, enum trip_level level,
	int64_t sample_ms, int64_t now_ms)
{
	switch (level) {
	case TRIP_UNKNOWN:
		trip->below_ms = 0;
		break;
	case TRIP_ABOVE:
		step_above(trip, rule, sample_ms, now_ms);
		break;
	case TRIP_BETWEEN:
		trip->below_ms = 0;
		if (!trip->on)
			trip_clear(trip);
		break;
	case TRIP_BELOW:
		step_below(trip, rule, now_ms);
		break;
	}
}

void trip_clear(struct trip *trip)
{
	*trip = (struct trip){0};
}
