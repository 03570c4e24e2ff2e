/*
 * noise.h - how much of a figure may be chance, from how many events it was counted.
 *
 * Few events say little: one error among three requests is no third, and thirty reads a second vary
 * by a fifth from one second to the next. Whoever compares a figure with a threshold asks here how
 * far it must be from what is usual before chance can't have made it: for shares NOISE_SIGMAS
 * standard deviations of a Poisson count and NOISE_FEW events more, for rates RATE_SIGMAS, and
 * DEARTH_SIGMAS for what is missing.
 */
#ifndef CORE_ASSESS_NOISE_H
#define CORE_ASSESS_NOISE_H

#include <stdbool.h>

/*
 * The least share of `events` that chance does not give where a share of `usual` (0 to 1) is
 * normal. 0 where `events` is NAN (nobody counts them); INFINITY where there were none.
 */
double noise_share(double events, double usual);

/* The least factor over its usual count that chance does not give where `expected` events are
 * usual. 1 where `expected` is NAN. */
double noise_factor(double expected);

/* Whether `seen` is so much less than `expected` that chance does not explain it. */
bool noise_is_dearth(double seen, double expected);

#endif
