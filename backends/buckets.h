/*
 * buckets.h - the histograms of one target, remembered from poll to poll.
 *
 * A histogram is a family of counters, one for each bound (the label `le`), each counting what was
 * observed up to it. How much each grew in the last BUCKETS_WINDOW_MS (or since the fourth newest
 * poll, where polls are rarer) tells how what was observed then is spread, and so a quantile of it:
 * increase() and histogram_quantile() of samples.h, with resets made good. Without any observation
 * in that time there is no quantile. Buckets not seen for BUCKETS_KEEP_MS are forgotten when room
 * is needed.
 */
#ifndef BACKENDS_BUCKETS_H
#define BACKENDS_BUCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bucket_slot;
struct error;
struct observations;

#define BUCKETS_WINDOW_MS 10000
#define BUCKETS_MOST 16384 /* per target */
#define BUCKETS_KEEP_MS (5 * 60 * 1000)
#define BUCKETS_BOUNDS_MOST 1024 /* of one entity's histogram, all its series together */

struct buckets {
	struct bucket_slot *slots; /* open addressing; NULL until the first */
	size_t capacity, count;
};

void buckets_init(struct buckets *buckets);
void buckets_finish(struct buckets *buckets);

/*
 * Replace the buckets in the (sorted) observations, those with `percent` set, by one observation of
 * their quantile per group, entity and signal, and remove those that have none yet. Errors:
 * ERROR_NO_MEMORY, ERROR_LIMIT.
 */
bool buckets_apply(struct buckets *buckets, struct observations *sink, struct error *error);

#endif
