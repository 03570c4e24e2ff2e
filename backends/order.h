/*
 * order.h - sorting many observations a slice at a time.
 *
 * A merge sort that can be put down and taken up again, so that sorting a hundred thousand rows
 * holds nobody up. It is stable, and rows that are in order already, as those of the same answer
 * every second are, cost one look.
 */
#ifndef BACKENDS_ORDER_H
#define BACKENDS_ORDER_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct observation;

/* Below zero: `a` comes first; zero: as they stand. */
typedef int order_fn(const struct observation *a, const struct observation *b);

struct order {
	order_fn *compare;
	struct observation *rows; /* the caller's */
	struct observation *room; /* NULL: in order, nothing to do */
	size_t count;
	size_t width;       /* runs of that many are in order; 0: none yet */
	size_t at;          /* where the present round is: the next row to be put in its place */
	size_t left, right; /* the heads of the two runs that are being merged, */
	size_t left_end, pair_end; /* and the ends of both; pair_end is `at`: none are */
	bool swapped;              /* the present round reads from `room` */
};

/* ERROR_NO_MEMORY. */
bool order_begin(struct order *order, struct observation *rows, size_t count, order_fn *compare,
	struct error *error);

/* Work on about `most` rows; true when all are in order. */
bool order_step(struct order *order, size_t most);

/* Free its room, done or not; zeroed is fine. A sort that was given up leaves the rows in no
 * state to be used. */
void order_finish(struct order *order);

#endif
