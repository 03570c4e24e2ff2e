/*
 * delivery.h - an answer's way from its first byte to the last reading in the store.
 *
 * A small answer is held until it is whole, then read and stored at once. A big one is read while
 * it comes where its kind can (backend_flow), and whatever is big is put in order and stored in
 * slices of DELIVERY_SLICE_US, from a timer, so that keys, screens and other answers get their
 * turn. Nothing of it is stored before all of it is known to be good: a reply that breaks off, or
 * turns out to be something else, changes nothing.
 *
 * While a big answer is being stored the store holds a part of it; room->storing counts the
 * deliveries for which that is so, and whoever takes a picture waits until there are none.
 */
#ifndef BACKENDS_DELIVERY_H
#define BACKENDS_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/backend.h"
#include "backends/intake.h"
#include "backends/memo.h"
#include "backends/observation.h"
#include "core/base/error.h"
#include "core/base/text.h"

struct loop;
struct parcel;
struct source_config;

#define DELIVERY_SLICE_US 1000
#define DELIVERY_SMALL_ROWS 2048 /* as many observations are stored at once */
#define DELIVERY_MOST_BYTES                                                 \
	((size_t)64 * 1024 * 1024) /* of an answer that is read as it comes \
				    */

/* What all deliveries of one poller share. All but `storing` and `sink` is the poller's. */
struct delivery_room {
	struct loop *loop;
	struct intake intake;
	struct fleet *fleet;
	struct arena *scratch; /* of the slot being called */
	bool *row_answered;    /* per row of `signals:`: it gave a value to anybody */
	size_t row_count;
	struct observations sink; /* of small answers, one after the other */
	size_t storing;
};

struct delivery_outcome {
	const struct error *error; /* NULL: it was good and is stored */
	const char *warning;       /* "" when there was none */
	const char *detail;        /* what the peer says of itself; "" unknown */
	int64_t clock_ahead_ms;    /* the peer's clock before ours; 0: near, or unknown */
};

/* Called once per delivery_end(), perhaps before that returns. */
typedef void delivery_done_fn(void *context, const struct delivery_outcome *outcome);

/* Of one target; zeroed before delivery_init(). */
struct delivery {
	struct delivery_room *room;
	const struct source_config *source;
	const void *instance;
	struct parcel *parcel; /* that brings the answers */
	struct intake_origin origin;
	delivery_done_fn *done;
	void *context;
	struct memo *memos; /* one per step, made when first needed */
	size_t memo_count;

	/* the answer under way */
	const struct backend_ask *ask;
	struct text held; /* bytes that nobody has read */
	void *reading;    /* the kind's; NULL: the answer is held until it is whole */
	bool whole;       /* the kind wants it whole */
	bool ended;       /* the last byte is there */
	bool storing;
	struct backend_answer answer; /* once it has ended; no bytes */
	struct observations sink;     /* of a big answer */
	struct intake_job job;
	struct error error;
	uint64_t timer;
};

void delivery_init(struct delivery *delivery, struct delivery_room *room,
	const struct source_config *source, const void *instance, struct parcel *parcel,
	const struct intake_origin *origin, delivery_done_fn *done, void *context);
void delivery_finish(struct delivery *delivery);

/*
 * An answer to `ask` is going to come; `ask` must stay as it is until the delivery is done. Where
 * the kind can read while it comes, `http` is told to bring it in pieces.
 */
void delivery_begin(
	struct delivery *delivery, const struct backend_ask *ask, struct http_request *http);

/* The answer is there, as the carrier gives it: what came in pieces is not in it. */
void delivery_end(struct delivery *delivery, const struct backend_answer *answer);

/* The answer will not be whole: forget what came. What was wrong with that, when that is why; else
 * NULL. */
const struct error *delivery_drop(struct delivery *delivery);

#endif
