/*
 * hold_watch.h - who looks on without acting is told in time that a hold ends.
 *
 * The journal is read anew when it has changed, so that what other processes write there counts;
 * nothing is written and no lock is taken.
 */
#ifndef APP_HOLD_WATCH_H
#define APP_HOLD_WATCH_H

#include <stdint.h>

#include "app/file_watch.h"

struct action_configs;
struct run_log;

#define HOLD_WATCH_EVERY_MS 1000

struct hold_watch {
	const struct action_configs *configs; /* the caller's */
	struct file_watch file;
	struct run_log *log; /* NULL: there is no journal, or it could not be read */
	int64_t looked_ms;   /* 0: not yet */
};

/* One sentence, without an end of line. */
typedef void hold_watch_tell_fn(void *context, const char *sentence);

/* `configs` must outlive the watch. */
void hold_watch_init(struct hold_watch *watch, const struct action_configs *configs);
void hold_watch_finish(struct hold_watch *watch);

/*
 * As often as it likes: looks once in HOLD_WATCH_EVERY_MS of `now_ms` (wall time) and tells of each
 * hold whose end has come near since, once; see hold_warns().
 */
void hold_watch_look(
	struct hold_watch *watch, int64_t now_ms, hold_watch_tell_fn *tell, void *context);

#endif
