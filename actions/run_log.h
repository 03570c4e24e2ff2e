/*
 * run_log.h - the runs that the journal tells of, newest first: what is known, what is not, and
 * what to check.
 *
 * A run without its "done" was cut off by a crash. How far it came is in the journal: with an
 * intent only, nothing was sent; with "sent", the outcome is unknown until the target is read back.
 */
#ifndef ACTIONS_RUN_LOG_H
#define ACTIONS_RUN_LOG_H

#include "actions/reply.h"

struct error;
struct run_log;
struct snapshot;
struct text;

#define RUN_LOG_MOST 256                /* runs kept, the newest */
#define RUN_LOG_BYTES (8 * 1024 * 1024) /* of the journal's end that are read */

struct run_entry {
	struct run_view view;
	const struct verb_row *verb; /* NULL: a verb this program does not know */
	char undo_of[PLAN_ID_BYTES];
	char runbook[PLAN_ID_BYTES]; /* the runbook's run that made it; "" none */
	char kept[REPLY_KEPT_BYTES]; /* what the reply said, for the undo; "" nothing */
	bool was_sent;
	int put_offs;         /* how often its end was put off by itself, since a person last set
				 it; above EXPIRY_PUT_OFFS_MOST: it was handed to a person */
	const char *progress; /* how far it came, in words; NULL: not sent */
	bool is_closed;       /* has its "done" */
	int64_t last_ms;      /* of its last record about a request; 0 none */
	size_t request_count; /* as its intent says; 0 not known */
	int64_t timeout_ms;   /* of its action's requests, by run_log_bind() */
	int64_t read_ms;      /* when the journal was read, where it is of another process */
};

struct run_log *run_log_create(void);
void run_log_destroy(struct run_log *log);

/* Add what a journal file tells; a missing file tells nothing. Errors: ERROR_IO, ERROR_NO_MEMORY.
 */
bool run_log_read(struct run_log *log, const char *path, struct error *error);

/* Add one journal record, as JSON members. Lines that are no record of a run are passed over. */
void run_log_add_line(struct run_log *log, const char *line, size_t length);

/* Put or replace a run of this process. */
void run_log_put(struct run_log *log, const struct run_entry *entry);

/* After the whole file was added: say of cut-off runs how far they came. */
void run_log_settle(struct run_log *log);

/* Runs of custom actions are of no known verb until the fleet file's action of that name gives them
 * its own. The configs must outlive the log; all that is in it so far was read by `now_ms`; 0: it
 * will not be asked when they were over. */
void run_log_bind(struct run_log *log, const struct action_configs *configs, int64_t now_ms);

size_t run_log_count(const struct run_log *log);
const struct run_entry *run_log_at(const struct run_log *log, size_t newest_first);
const struct run_entry *run_log_find(const struct run_log *log, const char *id);

/*
 * When nothing of a run can land any more: what is read after that is what came of it. One that got
 * its answers is over with its end; of any other a request may have been on its way for as long as
 * requests may, and RUN_SETTLE_MS more. Clocks are set while processes are not there: of a run of
 * another process it is only sure that it was over when its journal was read, unless that tells of
 * more than a day ago.
 */
int64_t run_entry_over_ms(const struct run_entry *entry);

/* Look at the targets of runs that were cut off and say in their text what is there now: that a
 * change was not applied, only when it cannot be any more. */
void run_log_look(struct run_log *log, const struct snapshot *snapshot);

/* When a target was last changed, or may have been; 0 never. */
int64_t run_log_last_change_ms(const struct run_log *log, const char *target_path);

/* How many changes, undo apart, were begun after `since_ms`; `oldest_ms` is the first of them and
 * untouched when there is none. */
size_t run_log_changes_since(const struct run_log *log, int64_t since_ms, int64_t *oldest_ms);

/* When `most` changes, undo apart, were last begun within `window_ms` of each other, all of them
 * after `since_ms`: the time of the last of those; 0 never. */
int64_t run_log_tripped_ms(
	const struct run_log *log, int64_t since_ms, int64_t window_ms, size_t most);

/* Whether it may have left a change behind that can be taken back. */
bool run_entry_may_have_changed(const struct run_entry *entry);

/* The members of an intent record; its counterpart is run_log_add_line(). */
void run_log_write_intent(
	const struct plan *plan, const char *by, const char *reason, struct text *out);

/* The members of a record that lets a hold last until `until_ms`; 0: for good, or of one that hands
 * it to a person. `put_offs` as in run_entry; 0: a person's own word. */
void run_log_write_hold(const char *by, int64_t until_ms, int put_offs, struct text *out);

/* The members of a record of request number `request`, from 1; `kept` "" nothing. */
void run_log_write_reply(size_t request, const char *kept, struct text *out);

/* The members of any other record. */
void run_log_write_code(enum outcome_code code, struct text *out);

#endif
