/*
 * rates.h - the counters of one target, remembered from poll to poll.
 *
 * Each series has its own counter, and rates are summed afterwards: a sum of counters would hide
 * the restart of one behind the growth of the others. Where any series of an entity has no rate in
 * this interval (it is new, or was reset) the entity has none: a gap of one interval is the truth,
 * a sum without that series would not be. Counters not seen for RATES_KEEP_MS are forgotten when
 * room is needed.
 */
#ifndef BACKENDS_RATES_H
#define BACKENDS_RATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/buckets.h"

struct error;
struct observations;
struct rate_slot;

#define RATES_MOST 65536 /* series per target */
#define RATES_KEEP_MS (5 * 60 * 1000)

struct rates {
	struct rate_slot *slots; /* open addressing; NULL until the first counter */
	size_t capacity, count;
	struct buckets buckets; /* of its histograms */
};

void rates_init(struct rates *rates);
void rates_finish(struct rates *rates);

/*
 * Replace every histogram in the (sorted) observations by its quantile and every other counter by
 * its rate per second, and remove those of which there is none. Errors: ERROR_NO_MEMORY,
 * ERROR_LIMIT; counters are then left as they are.
 */
bool rates_apply(struct rates *rates, struct observations *sink, struct error *error);

#endif
