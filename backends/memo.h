/*
 * memo.h - what the last answer taught: whose series is it that is written so?
 *
 * An answer of fifty thousand series says the same labels every time, and reading labels, matching
 * them to rows and finding entities by name is nearly all that reading costs. So whoever reads
 * remembers, per series and in the order of the answer, a hash of the labels as written and what it
 * made of them. A series at the same place with the same bytes is known at once; one that moved is
 * found by its hash; anything else is read in full.
 *
 * A hash of 64 bits stands for the bytes: two series of one answer that are written differently
 * are taken for one with a likelihood of 1 in 10^10.
 *
 * What a series means may change as the fleet grows (a name can become ambiguous), so a memo holds
 * for one epoch, a number of the reader's, and forgets all where that differs. Limit:
 * MEMO_ROWS_MOST series; those beyond are read in full each time.
 */
#ifndef BACKENDS_MEMO_H
#define BACKENDS_MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMO_ROWS_MOST 131072
#define MEMO_UNKNOWN UINT32_MAX

struct memo_row {
	uint64_t identity; /* memo_identity() of the labels as written */
	uint32_t length;   /* of those bytes */
	uint32_t tag;      /* what the reader made of them; never MEMO_UNKNOWN */
};

struct memo {
	struct memo_row *rows; /* of the last whole answer, in its order */
	size_t count, capacity;
	uint32_t *index; /* of rows, by identity; MEMO_UNKNOWN where free; made when first needed */
	size_t index_size;
	struct memo_row *next; /* of the answer being read */
	size_t next_count, next_capacity;
	size_t at; /* where in the last answer the reading is */
	uint64_t epoch;
};

/* Zeroed is a memo without memories. */
void memo_finish(struct memo *memo);

/* An answer is going to be read. */
void memo_begin(struct memo *memo, uint64_t epoch);

/* The row that should come next; NULL when the last answer had no more. */
const struct memo_row *memo_expected(const struct memo *memo);

/* What is known of labels written so; NULL when nothing is. */
const struct memo_row *memo_find(struct memo *memo, uint64_t identity);

/* Note the next series of the answer being read. Without memory it is not noted, and only costs
 * more the next time. */
void memo_note(struct memo *memo, uint64_t identity, size_t length, uint32_t tag);

/* The answer was whole: what was noted takes the place of what was known. */
void memo_keep(struct memo *memo);

uint64_t memo_identity(const char *bytes, size_t length);

#endif
