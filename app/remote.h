/*
 * remote.h - commands on hosts: one SSH client, lent to the sources that read by command and to the
 * executor.
 *
 * The wall has none, so a source of kind ssh says there that it cannot be read.
 */
#ifndef APP_REMOTE_H
#define APP_REMOTE_H

struct engine;
struct error;
struct remote;
struct ssh;

/* Make it and lend it to the engine's poller. Before engine_start(). NULL with `error`. */
struct remote *remote_create(struct engine *engine, struct error *error);

/* Ends what is under way, telling those who wait. Before engine_finish(); NULL is allowed. */
void remote_destroy(struct remote *remote);

struct ssh *remote_ssh(const struct remote *remote);

#endif
