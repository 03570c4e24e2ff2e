/*
 * etcd_note.h - one value at a time put into an etcd from the loop, for a time or for good, or
 * taken away, and read back: the same as etcd_once_put() for programs that have more to do.
 */
#ifndef ACTIONS_ETCD_NOTE_H
#define ACTIONS_ETCD_NOTE_H

#include "actions/action.h"
#include "actions/etcd.h"

struct etcd_note;

enum etcd_note_state { ETCD_NOTE_NONE, ETCD_NOTE_UNDER_WAY, ETCD_NOTE_THERE, ETCD_NOTE_FAILED };

/* Called when a note is there or has failed; from the loop. NULL: nobody. */
typedef void etcd_note_fn(void *context);

/* `etcd` must outlive it, and is asked by one member after another, `tries` times. */
struct etcd_note *etcd_note_create(
	struct etcd *etcd, unsigned tries, etcd_note_fn *done, void *context, struct error *error);
/* After the etcd was destroyed, or while nothing is under way. NULL is allowed. */
void etcd_note_destroy(struct etcd_note *note);

/* False where one is under way: wait for its end. `ttl_ms` 0: for good. `value` NULL: the key is
 * taken away, and read back as gone. */
bool etcd_note_put(struct etcd_note *note, const char *key, const char *value, int64_t ttl_ms);

enum etcd_note_state etcd_note_state(const struct etcd_note *note);
const char *etcd_note_trouble(const struct etcd_note *note); /* why it failed; sanitised */

#endif
