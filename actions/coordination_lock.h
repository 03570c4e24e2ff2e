/*
 * coordination_lock.h - the lock of one domain on this machine: a file that all its operators can
 * open, locked with flock, which ends with the process that holds it.
 *
 * The directory is one in which everybody may make files, such as /run/lock; who holds the lock
 * writes into the file who they are. What that says is told to people and decides nothing.
 */
#ifndef ACTIONS_COORDINATION_LOCK_H
#define ACTIONS_COORDINATION_LOCK_H

#include "actions/coordination.h"

struct error;

struct coordination_lock {
	int fd; /* -1: not held */
};

void coordination_lock_init(struct coordination_lock *lock);

/* Take it. TAKEN with `holder` the words in the file; DOWN with `error` (ERROR_IO, ERROR_LIMIT). */
enum coordination_answer coordination_lock_take(struct coordination_lock *lock,
	const char *directory, const char *fleet, const char *domain, const char *value,
	char *holder, size_t holder_size, struct error *error);
void coordination_lock_give(struct coordination_lock *lock);

#endif
