/*
 * ssh_mux.h - one command over the control socket of a running ssh client (OpenSSH's PROTOCOL.mux,
 * version 4), without a process of its own and without the command in any argv.
 *
 *   connect -> its hello -> request and three descriptors -> opened -> output and exit -> end
 *
 * A socket that closes without an exit value may mean two things: the command was killed, or the
 * connection has gone. The client is then asked whether it still serves: only if it does was it the
 * command.
 */
#ifndef CORE_WIRE_SSH_MUX_H
#define CORE_WIRE_SSH_MUX_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/text.h"

struct error;
struct loop;
struct ssh_job;
struct ssh_mux;

enum ssh_mux_end {
	SSH_MUX_DONE,    /* the job has its reply */
	SSH_MUX_ABSENT,  /* nobody serves the socket; nothing was sent */
	SSH_MUX_REFUSED, /* the server opens no further session; nothing was run */
	SSH_MUX_FAILED,  /* `error` says why; what that means depends on whether it was sent */
};

/* Called once, from the loop; the mux may be destroyed in it. */
typedef void ssh_mux_over_fn(
	void *context, struct ssh_mux *mux, enum ssh_mux_end end, const struct error *error);

enum ssh_mux_stage {
	SSH_MUX_WAITING, /* not started */
	SSH_MUX_HELLO,
	SSH_MUX_REQUEST,
	SSH_MUX_OPENING,
	SSH_MUX_RUNNING,
	SSH_MUX_CHECKING,
};

/* One of the command's streams. */
struct ssh_mux_stream {
	struct ssh_mux *mux;
	int fd;     /* ours; -1: read to the end */
	int theirs; /* to be handed over; -1: it has been */
};

struct ssh_mux {
	struct ssh_mux *next;
	struct loop *loop;
	struct ssh_job *job;
	const char *path;
	ssh_mux_over_fn *over;
	void *context;
	enum ssh_mux_stage stage;
	int fd, null_fd;
	int handed; /* descriptors that have left */
	struct text in, out;
	struct ssh_mux_stream streams[2]; /* stdout, stderr */
	bool has_status;
	int status;
	bool is_complete;
};

/* `path` and the job must outlive it; it becomes the job's. NULL without memory. */
struct ssh_mux *ssh_mux_create(struct loop *loop, const char *path, struct ssh_job *job,
	ssh_mux_over_fn *over, void *context);
void ssh_mux_destroy(struct ssh_mux *mux);

/* Connect. False (ERROR_IO, ERROR_NO_MEMORY; ERROR_UNREACHABLE when nobody serves the socket):
 * nothing was sent and `over` is not called. */
bool ssh_mux_start(struct ssh_mux *mux, struct error *error);

/* The deadline has passed: true when the end of the command was known, and the job has it. */
bool ssh_mux_expire(struct ssh_mux *mux);

/* Ask the client behind `path` to end, without waiting for it. */
void ssh_mux_terminate(const char *path);

#endif
