/*
 * coordination.h - how operators keep out of each other's way: one change at a time within what
 * traffic can move in, and everybody sees who is at what.
 *
 * Two kinds. `file`: a lock (flock) in a directory that all operators of this machine share; it
 * ends with the process that holds it. `etcd`: a lock with a lease for many machines (lease.h), who
 * is here, and what they hold. Without its store the etcd kind says no: what cannot be agreed on is
 * not done, unless the operator breaks the glass, and then only this machine is agreed with.
 *
 * Keys, under /spillway/<fleet>/: lock/<domain>, here/<who>@<host>-<pid>, holds/<who>@<host>, and
 * notes that stay for a time, such as approvals/<plan hash>/ask.
 */
#ifndef ACTIONS_COORDINATION_H
#define ACTIONS_COORDINATION_H

#include "actions/hold.h"

struct coordination;
struct coordination_config;
struct error;
struct http;
struct loop;

#define COORDINATION_PEERS_MOST 32
#define COORDINATION_POLL_MS 2000

enum coordination_answer {
	COORDINATION_GRANTED,
	COORDINATION_WAIT,  /* `done` will be called from the loop */
	COORDINATION_TAKEN, /* somebody else acts there, or does by now */
	COORDINATION_DOWN,  /* the store cannot be asked */
};

/* `text` says who or why; valid in the call only. */
typedef void coordination_done_fn(void *context, enum coordination_answer answer, const char *text);

/* What one change wants to be alone for. */
struct coordination_ask {
	const char *domain; /* of coordination_domain() */
	const char *what;   /* "divert us-east/c2": shown to the others */
	int64_t timeout_ms; /* the longest that one of its requests may take */
	bool breaks_glass;  /* do not ask the store */
};

/* `who` as in the journal. Errors: ERROR_NO_MEMORY. */
struct coordination *coordination_create(struct loop *loop, struct http *http,
	const struct coordination_config *config, const char *who, struct error *error);

/* Gives back what is held, as far as that goes without waiting. NULL is allowed. */
void coordination_destroy(struct coordination *coordination);

/* Give back what is held and wait a moment for it to be gone: before the program ends. */
void coordination_flush(struct coordination *coordination);

/* The domain of a change of `target`: "fleet", or the region it is in. */
const char *coordination_domain(
	const struct coordination *coordination, const struct snapshot *snapshot, uint32_t target);

/* Be alone in a domain. One at a time; ends with coordination_leave(). `text` is filled unless the
 * answer is WAIT. */
enum coordination_answer coordination_enter(struct coordination *coordination,
	const struct coordination_ask *ask, coordination_done_fn *done, void *context,
	char text[ACTION_TEXT_BYTES]);

/*
 * Whether it is still so, right before a request leaves: the lease is renewed, the fence read, the
 * lease must outlive the request, and what was published last must be there for the others to read.
 * TAKEN where it is not. As coordination_enter().
 */
enum coordination_answer coordination_check(struct coordination *coordination,
	coordination_done_fn *done, void *context, char text[ACTION_TEXT_BYTES]);

/*
 * Also where entering was not answered yet: then `done` is not called. Where a request of ours may
 * still land until `may_land_until_ms` (0: none), others are let in only then; we ourselves may
 * enter again at once. A lock of this machine ends with its process all the same; a lease runs out
 * by itself, and lives longer than that.
 */
void coordination_leave(struct coordination *coordination, int64_t may_land_until_ms);

/* Whether its readings may be older than the lock: others on other machines may just have changed
 * what is to be changed. */
bool coordination_is_remote(const struct coordination *coordination);

/* What a plan is told beforehand. `text` is who holds the domain, or why that is not known. */
struct coordination_view {
	enum coordination_answer state; /* never WAIT */
	char text[ACTION_TEXT_BYTES];
};
void coordination_look(
	struct coordination *coordination, const char *domain, struct coordination_view *out);

/* Somebody else who is here. Names sanitised. */
struct coordination_peer {
	char by[ENTITY_NAME_BYTES];
	char host[ENTITY_NAME_BYTES];
	char doing[ACTION_TEXT_BYTES]; /* "divert us-east/c2", "" only looking */
	int64_t since_ms;
};
size_t coordination_peers(
	const struct coordination *coordination, struct coordination_peer *out, size_t most);

/* What others hold, as they told; `under` and `verb` may be missing. */
size_t coordination_holds(
	const struct coordination *coordination, int64_t now_ms, struct hold *out, size_t most);

/*
 * Leave a note for `ttl_ms`, one at a time. False where the last is still on its way. How it fares
 * is told by coordination_noted(): WAIT, GRANTED (it is there, and was read back), or DOWN with
 * `text`. The file kind has no notes, and is done with them at once.
 */
bool coordination_note(
	struct coordination *coordination, const char *name, const char *value, int64_t ttl_ms);
enum coordination_answer coordination_noted(
	const struct coordination *coordination, char text[ACTION_TEXT_BYTES]);

/* The values of all notes whose name begins so, valid until the loop turns; none where the store
 * has not been heard of lately. Not sanitised, and nobody's word but the store's. */
size_t coordination_notes(
	const struct coordination *coordination, const char *prefix, const char **out, size_t most);
#define COORDINATION_NOTES_MOST 256

/* Tell the others what we hold; said again until they can read it. The file kind has nobody to
 * tell. ERROR_LIMIT, ERROR_NO_MEMORY: the others know what they knew before. */
bool coordination_publish(struct coordination *coordination, const struct hold *holds, size_t count,
	struct error *error);

#endif
