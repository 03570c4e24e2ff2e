#include "core/fleet/counter.h"

#include <math.h>

bool counter_feed(struct counter *counter, double value, int64_t at_ms, double *per_second)
{
	if (!isfinite(value))
		return false;
	if (!counter->primed) {
		counter->last = value;
		counter->last_ms = at_ms;
		counter->primed = true;
		return false;
	}
	if (at_ms <= counter->last_ms)
		return false;
	double grown = value - counter->last;
	double seconds = (double)(at_ms - counter->last_ms) / 1000.0;
	counter->last = value;
	counter->last_ms = at_ms;
	if (grown < 0) {
		counter->resets++;
		return false;
	}
	*per_second = grown / seconds;
	return true;
}
