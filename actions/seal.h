/*
 * seal.h - signed heads of a journal: proof against who can write the file.
 *
 * A chain of hashes shows an edit, but whoever may write the file can also write a new chain. A
 * seal is a signature over the number and digest of a record, and with it over all before it. One
 * is made every SEAL_RECORDS records, SEAL_AFTER_MS after the last unsealed one, and at the end of
 * each run. Seals are lines of <journal>.seals:
 *
 *   {"records":64,"head":"<sha256 of line 64>","at":"...Z","by":"kim","signature":"<armoured>"}
 *
 * What cannot be sealed is no reason to stop: it is warned of, and the next seal covers the gap.
 * Heads are also told elsewhere, signed or not: anchor.h.
 */
#ifndef ACTIONS_SEAL_H
#define ACTIONS_SEAL_H

#include "actions/journal.h"

struct loop;
struct seal;
struct signing_config;

#define SEAL_RECORDS 64
#define SEAL_AFTER_MS 60000
#define SEALS_MOST 100000

/* Watches the journal, which must outlive it; seals what an earlier process left unsealed. NULL
 * with `error`: ERROR_NO_MEMORY. */
struct seal *seal_create(struct loop *loop, struct journal *journal,
	const struct signing_config *config, const char *who, struct error *error);

void seal_destroy(struct seal *seal); /* NULL is allowed */

/* Seal what is not yet sealed, turning the loop for a few seconds at most: before the program
 * ends. */
void seal_flush(struct seal *seal);

/* "" or why the last try failed: shown, and told at the end. */
const char *seal_trouble(const struct seal *seal);

struct seals_check {
	size_t seals;  /* in the file beside the journal */
	size_t sealed; /* records that the newest good seal covers */
	char by[ENTITY_NAME_BYTES];
	bool ok;                     /* false: `why` */
	char why[ACTION_TEXT_BYTES]; /* also a note where ok, such as what is not sealed yet */
};

/*
 * Check the seals of a journal whose chain verified: `records` long. A seal that does not fit the
 * journal and is signed by somebody who is believed proves a rewrite or a cut; one that nobody
 * believed signed proves that the seals were changed. `anchored` is a head from elsewhere as
 * "64:<digest>", NULL none. Errors: ERROR_IO, ERROR_USAGE (of `anchored`).
 */
bool seals_verify(const char *journal, size_t records, const struct signing_config *config,
	const char *anchored, struct seals_check *out, struct error *error);

#endif
