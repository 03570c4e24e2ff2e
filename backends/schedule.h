/*
 * schedule.h - when a target is asked next: pure arithmetic on time and a hash of its name.
 *
 * Every target has its own place (phase) on a grid of its interval, so that starts are spread and
 * stay spread. Places are SCHEDULE_PLACE_MS apart: of a thousand targets some share one, so that
 * the answers to them are taken in and judged together, which costs less than one by one (a picture
 * of a thousand replicas as much as fifteen answers) and makes nobody wait. A target that fails is
 * asked less often, with jitter, so that a thing that is coming back is not met by everybody at
 * once. The jitter is a hash, not a die: the same run, the same times.
 */
#ifndef BACKENDS_SCHEDULE_H
#define BACKENDS_SCHEDULE_H

#include <stdint.h>

#define SCHEDULE_START_MS 250   /* first asks fall within this, or within the interval */
#define SCHEDULE_PLACE_MS 50    /* between places, where the interval has room for two */
#define SCHEDULE_BACKOFF_MOST 8 /* intervals */
#define SCHEDULE_BACKOFF_MS                                                  \
	60000 /* but no more than this, or one interval where that is longer \
	       */

/* How long the very first ask waits. */
int64_t schedule_first_ms(uint64_t hash, int64_t every_ms);

/*
 * The time of the next ask, later than `now_ms`. `began_ms`: when the last one began. `failures`:
 * how many have failed in a row, 0 after a good one.
 */
int64_t schedule_next_ms(
	uint64_t hash, int64_t every_ms, uint32_t failures, int64_t began_ms, int64_t now_ms);

#endif
