/*
 * journal.h - append-only, hash-chained, fsynced: what was intended and what came of it.
 *
 * JSON lines: {"seq":1,"at":"...Z","run":"a-0001","event":"intent",...,"prev":"<sha256 of the line
 * before>","hash":"<sha256 of this line up to here>"}. The first line's prev is 64 zeros. A record
 * is on disk when journal_append() returns true. One process writes at a time (an advisory lock on
 * the file); readers need none. Fails closed: a journal that cannot be written refuses every
 * action. A torn last line (crash, full disk) is reported by verify, set aside in <file>.torn on
 * the next open for writing, and the chain goes on from the last whole record. <file>.head holds
 * the newest number and hash, because a chain alone cannot show that its end was cut off; without
 * that file verify checks the rest and says so.
 */
#ifndef ACTIONS_JOURNAL_H
#define ACTIONS_JOURNAL_H

#include "actions/action.h"

struct error;
struct journal;
struct text;

#define JOURNAL_LINE_BYTES 16384
#define JOURNAL_BYTES (256LL * 1024 * 1024)

/* Open for writing, creating it 0600 (and its directory 0700). Errors: ERROR_IO, ERROR_SCHEMA
 * (chain broken: refuses to go on), ERROR_LIMIT, ERROR_REJECTED (another process writes it:
 * OUTCOME_LOCKED). */
struct journal *journal_open(const char *path, struct error *error);
void journal_close(struct journal *journal);
const char *journal_path(const struct journal *journal);

/* "" or why it cannot be written now (tried by reserving space). */
const char *journal_trouble(const struct journal *journal);

/*
 * Append one event of a run. `members` is JSON object members without braces
 * ("\"to\":88,\"target\":\"east-a\"") or "". On disk when true.
 */
bool journal_append(struct journal *journal, const char *run, const char *event, const char *text,
	const char *members, int64_t wall_ms, struct error *error);

/* How many records it has, and the SHA-256 of the last one in hex: what a seal is put on. */
struct journal_head {
	size_t records;
	char digest[65];
};
void journal_head(const struct journal *journal, struct journal_head *out);

/* Call `fn` after each record that is on disk, with its event; at most JOURNAL_WATCHERS, told apart
 * by their context. */
#define JOURNAL_WATCHERS 2
typedef void journal_watch_fn(void *context, const char *event);
void journal_watch(struct journal *journal, journal_watch_fn *fn, void *context);
void journal_unwatch(struct journal *journal, const void *context);

/* Whether an event is the last of what somebody did: what stands by then is to be secured. */
bool journal_ends_something(const char *event);

/* The next run id, "a-0001" counting on from the file. */
void journal_next_run(const struct journal *journal, char out[PLAN_ID_BYTES]);

struct journal_check {
	bool ok;
	size_t records;
	size_t bad_line; /* 1-based, 0 none */
	size_t set_back; /* records dated more than a minute before the one before them: a clock
			    that was set, or another's history */
	char why[ACTION_TEXT_BYTES]; /* "line 7: hash does not match: the line was changed after it
					was written" */
};

/* Verify the chain of a file. False (ERROR_IO) only when it could not be read. */
bool journal_verify(const char *path, struct journal_check *out, struct error *error);

/* The newest `most` lines of a file, oldest first; returns how many. Bad lines are shown as such.
 */
size_t journal_tail(const char *path, struct journal_line *out, size_t most, struct error *error);

#endif
