/*
 * ssh_master.h - one connection held by the system's ssh client, and the commands on it.
 *
 *   started -> (its parent process ends well once logged in) -> ready -> idle -> gone
 *
 * The client logs in, puts itself in the background and serves a control socket; it ends by itself
 * a while after its last command, so that nothing is left behind even if we are killed.
 */
#ifndef CORE_WIRE_SSH_MASTER_H
#define CORE_WIRE_SSH_MASTER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/process_end.h"

struct error;
struct loop;
struct ssh_job;
struct ssh_mux;
struct ssh_target;

#define SSH_MASTER_COMMANDS 8 /* sshd allows 10 */
#define SSH_MASTER_IDLE_S 60
#define SSH_MASTER_PATH_BYTES 96 /* of a socket; ssh puts a suffix behind it for a moment */
#define SSH_MASTER_WORDS_BYTES 2048

enum ssh_master_stage { SSH_MASTER_LOGIN, SSH_MASTER_READY, SSH_MASTER_DEAD };

struct ssh_master_owner {
	void (*job_over)(void *context, struct ssh_job *job);
	void (*job_again)(void *context, struct ssh_job *job);
	void (*changed)(void *context);
	void *context;
};

struct ssh_master {
	struct ssh_master *next;
	struct loop *loop;
	struct ssh_master_owner owner;
	struct ssh_target *target;
	enum ssh_master_stage stage;
	char path[SSH_MASTER_PATH_BYTES];
	pid_t pid; /* 0: it has ended, and the client serves in the background */
	struct process_end end;
	int err_fd;
	char words[SSH_MASTER_WORDS_BYTES]; /* what it complained of */
	size_t words_length;
	uint64_t login_timer, start_timer;
	struct ssh_mux *commands;
	int commands_most;
	bool has_opened; /* the server has let a command run */
	int64_t started_ms;
};

/* Start the client. NULL with ERROR_IO, ERROR_USAGE, ERROR_LIMIT or ERROR_NO_MEMORY. */
struct ssh_master *ssh_master_create(struct loop *loop, const struct ssh_target *target,
	const char *path, int64_t login_timeout_ms, const struct ssh_master_owner *owner,
	struct error *error);

/* Ends the client without a word to the owner; it must have no jobs, or be DEAD. */
void ssh_master_destroy(struct ssh_master *master);

bool ssh_master_has_room(const struct ssh_master *master);

/* Put a job on it; the owner hears of it from the loop only. False without memory. */
bool ssh_master_take(struct ssh_master *master, struct ssh_job *job);

/* A job leaves. */
void ssh_master_abandon(struct ssh_master *master, struct ssh_job *job);
void ssh_master_expire(struct ssh_master *master, struct ssh_job *job);

/* End it for the reason in `error`: every job gets a result or goes back. */
void ssh_master_fail(struct ssh_master *master, const struct error *error);

#endif
