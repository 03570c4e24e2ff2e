/*
 * etcd_once.h - an etcd asked and waited for, by one-shot commands that have no loop of their own.
 */
#ifndef ACTIONS_ETCD_ONCE_H
#define ACTIONS_ETCD_ONCE_H

#include "actions/etcd.h"

struct etcd_once;

/* `config` must outlive it. Errors: ERROR_NO_MEMORY, ERROR_IO. */
struct etcd_once *etcd_once_open(const struct coordination_config *config, struct error *error);
void etcd_once_close(struct etcd_once *once); /* NULL is allowed */

/* Ask one member after another until one answers; `done` is called with its reply, and may be NULL.
 * False with the last one's error where none did; ERROR_REJECTED is an answer. */
bool etcd_once_ask(struct etcd_once *once, const struct etcd_request *request, etcd_done_fn *done,
	void *context, struct error *error);

/* A value that lives for `ttl_ms` and is then gone by itself; 0: for good. Read back: true when it
 * is there. Errors: as etcd_once_ask(). */
bool etcd_once_put(struct etcd_once *once, const char *key, const char *value, int64_t ttl_ms,
	struct error *error);

#endif
