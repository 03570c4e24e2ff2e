/*
 * etcd_told.h - one key of an etcd that is to say what we say: the newest word is put there, and
 * tried again until it is there.
 */
#ifndef ACTIONS_ETCD_TOLD_H
#define ACTIONS_ETCD_TOLD_H

#include "actions/etcd_note.h"

struct etcd_told;

#define ETCD_TOLD_RETRY_MS 1000

/* Called when a word is there or a try has failed; from the loop. */
typedef void etcd_told_fn(void *context);

/* `etcd` must outlive it; `now_ms` is the loop's. */
struct etcd_told *etcd_told_create(
	struct etcd *etcd, unsigned tries, etcd_told_fn *done, void *context, struct error *error);
/* After the etcd was destroyed. NULL is allowed. */
void etcd_told_destroy(struct etcd_told *told);

/* From now on `key` says `value`; NULL: it is not there. ERROR_NO_MEMORY. */
bool etcd_told_say(struct etcd_told *told, const char *key, const char *value, int64_t now_ms,
	struct error *error);

/* Time passes: what failed is tried again. */
void etcd_told_tick(struct etcd_told *told, int64_t now_ms);

/* UNDER_WAY until the newest word is there or a try to put it there has failed; FAILED while that
 * waits to be tried again. NONE: nothing was said yet. */
enum etcd_note_state etcd_told_state(const struct etcd_told *told);
const char *etcd_told_trouble(const struct etcd_told *told); /* why it failed; sanitised */

#endif
