/*
 * anchor.h - the newest head of a journal, told where whoever may write the file cannot change it:
 * the system log, and the etcd that operators agree by.
 *
 * A chain of hashes cannot show that its file was made anew; a head that is known elsewhere can,
 * with no key at all. One is told every ANCHOR_RECORDS records, ANCHOR_AFTER_MS after the last, at
 * the end of each run, and before the program ends. In etcd the head before is read first: where
 * it does not fit this journal, the journal was cut or rewritten, and what is known there is kept
 * as it is, as evidence. What cannot be told is no reason to stop: it is warned of, and the gap is
 * marked with the next head that can (anchor_record.h). What etcd holds is as good as who may
 * write there.
 *
 * To the system log: "spillway: journal FILE head 64:<digest> by kim", for `journal verify FILE
 * 64:<digest>`.
 */
#ifndef ACTIONS_ANCHOR_H
#define ACTIONS_ANCHOR_H

#include "actions/journal.h"

struct action_configs;
struct anchor;
struct http;
struct loop;

#define ANCHOR_RECORDS 64
#define ANCHOR_AFTER_MS 60000

/* Whether the fleet file wants heads told anywhere. */
bool anchor_is_wanted(const struct action_configs *configs);

/* Watches the journal, which must outlive it, as must `configs`. NULL with `error`:
 * ERROR_NO_MEMORY. */
struct anchor *anchor_create(struct loop *loop, struct http *http, struct journal *journal,
	const struct action_configs *configs, const char *who, struct error *error);

void anchor_destroy(struct anchor *anchor); /* NULL is allowed */

/* Tell what is not yet told, turning the loop for a few seconds at most: before the program ends.
 */
void anchor_flush(struct anchor *anchor);

/* "" or why the last head is not known elsewhere; loud where it is known to be another. */
const char *anchor_trouble(const struct anchor *anchor);

/* ---- checking ---- */

struct anchor_check {
	bool is_known;               /* a head of it is known elsewhere */
	size_t records;              /* that it covers */
	bool ok;                     /* false: `why` proves a cut or a rewrite */
	char why[ACTION_TEXT_BYTES]; /* also a note where ok: a gap, a journal before it, or that
					etcd cannot be asked */
};

/* Compare a journal whose chain verified, `records` long, with what etcd knows of it, for one-shot
 * commands. Never fails: what cannot be asked is a note. */
void anchor_verify(const char *journal, size_t records, const struct action_configs *configs,
	struct anchor_check *out);

#endif
