/*
 * anchor_record.h - what is told elsewhere of a journal, as JSON, and under which keys.
 *
 *   /spillway-heads/<fleet>/heads/<first>   the newest head of the journal that begins with that
 *                                           record: first is its digest, the first 16 digits
 *   /spillway-heads/<fleet>/places/<place>  which journal is kept in that file of that host
 *
 * A file that was replaced by another from its first line on has another first record: the place
 * still knows the one before. Not below /spillway/<fleet>/, so that who may take a lock need not be
 * let at these. Read as if written by strangers.
 */
#ifndef ACTIONS_ANCHOR_RECORD_H
#define ACTIONS_ANCHOR_RECORD_H

#include "actions/etcd.h"
#include "actions/seal_text.h"

#define ANCHOR_VALUE_BYTES 8192

struct anchor_head {
	struct sealed_head head;
	char first[PLAN_HASH_BYTES]; /* digest of the first record */
	int64_t gaps;                /* times that heads could not be told */
	size_t gap_from, gap_to;     /* records, of the last such time; 0 none */
};

struct anchor_place {
	char first[PLAN_HASH_BYTES];
	char before[PLAN_HASH_BYTES]; /* of the journal that was there before; "" none */
	int64_t since_ms;             /* when it was first told of this one */
	bool was_begun; /* by this program, which saw it empty; else it was there already, with
			   records nobody had told */
};

void anchor_head_key(const char *fleet, const char *first, char out[ETCD_KEY_BYTES]);
/* `journal` is made absolute and `host` is this one's. */
void anchor_place_key(const char *fleet, const char *journal, char out[ETCD_KEY_BYTES]);

void anchor_head_write(const struct anchor_head *head, char out[ANCHOR_VALUE_BYTES]);
bool anchor_head_read(const char *value, struct anchor_head *out);
void anchor_place_write(
	const struct anchor_place *place, const char *journal, char out[ANCHOR_VALUE_BYTES]);
bool anchor_place_read(const char *value, struct anchor_place *out);

/* The digest of record `number`, counted from 1. Errors: ERROR_IO, ERROR_USAGE (there is none). */
bool anchor_digest(
	const char *journal, size_t number, char out[PLAN_HASH_BYTES], struct error *error);

#endif
