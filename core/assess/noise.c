#include "core/assess/noise.h"

#include <math.h>

#include "core/assess/limits.h"

double noise_share(double events, double usual)
{
	if (isnan(events))
		return 0;
	if (events <= 0)
		return INFINITY;
	double mean = events * usual;
	return (mean + NOISE_SIGMAS * sqrt(mean) + NOISE_FEW) / events;
}

double noise_factor(double expected)
{
	if (isnan(expected))
		return 1;
	return expected > 0 ? 1 + RATE_SIGMAS / sqrt(expected) : INFINITY;
}

bool noise_is_dearth(double seen, double expected)
{
	return expected - seen >= DEARTH_SIGMAS * sqrt(expected);
}
