/*
 * journal_chain.h - the chain in a journal: what makes a line the one that was written there.
 *
 * Every line ends in ,"prev":"<64 hex>","hash":"<64 hex>"}. `prev` is the SHA-256 of the whole line
 * before (without its newline), `hash` that of this line up to the comma before "hash". Shared by
 * the writer, who goes on only from a sound chain, and by verify.
 */
#ifndef ACTIONS_JOURNAL_CHAIN_H
#define ACTIONS_JOURNAL_CHAIN_H

#include "actions/journal.h"
#include "core/base/digest.h"

struct chain {
	size_t records;              /* whole lines accepted */
	char prev[DIGEST_HEX_BYTES]; /* digest of the last one; zeros at the start */
	unsigned last_run;           /* the highest run number seen */
	int64_t at_ms;               /* the date of the last one */
	size_t set_back;             /* see journal_check */
};

void chain_init(struct chain *chain);

/* Accept the next line (no newline). False with `why` when it is not the one that belongs there. */
bool chain_accept(struct chain *chain, const char *line, size_t length, char *why, size_t why_size);

/* What a whole file holds. */
struct chain_scan {
	struct chain chain; /* after the last good line */
	size_t bad_line;    /* 1-based, 0 none */
	bool cut;           /* the head file knows more records than there are */
	bool has_head;
	int64_t whole_bytes;         /* up to the end of the last whole line */
	int64_t torn_bytes;          /* after it: a line that was not finished */
	char why[ACTION_TEXT_BYTES]; /* of bad_line, or cut */
};

/* Read `fd` from its start; `path` names the head file. Errors: ERROR_IO. */
bool chain_scan(int fd, const char *path, struct chain_scan *out, struct error *error);

/* Note the newest record in <path>.head. Best effort: the chain itself is the record. */
void chain_write_head(const char *path, const struct chain *chain);

#endif
