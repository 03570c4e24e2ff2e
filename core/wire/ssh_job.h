/*
 * ssh_job.h - one ssh_run(): what was asked, what has come so far, and how it ended.
 *
 * Knows nothing of libssh2. A job is in one place at a time: waiting for a session, on a channel,
 * or ended.
 */
#ifndef CORE_WIRE_SSH_JOB_H
#define CORE_WIRE_SSH_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/base/text.h"
#include "core/wire/ssh.h"

struct ssh_channel;
struct ssh_master;
struct ssh_mux;
struct ssh_target;

#define SSH_JOB_SIGNAL_BYTES 32

struct ssh_job {
	struct ssh_job *next;
	uint64_t id;
	struct ssh *ssh;
	struct ssh_target *target;
	char *command;
	int64_t connect_timeout_ms, timeout_ms;
	ssh_done_fn *done;
	void *context;

	struct ssh_channel *channel; /* NULL while it waits and once it has ended */
	struct ssh_mux *mux;         /* the same, by way of openssh; on this client: */
	struct ssh_master *master;
	struct loop *loop; /* set by the ssh, as are `ssh` and `expired` */
	loop_timer_fn *expired;
	uint64_t timer;     /* the deadline of the present stage */
	int64_t started_us; /* clock_stopwatch_us() */
	bool sent;          /* the exec request may have left */
	bool reused;
	bool retried; /* had to be put on another session already */

	struct text out, err;
	bool truncated;
	int exit_status;
	bool has_exit_status;
	char exit_signal[SSH_JOB_SIGNAL_BYTES]; /* sanitised */
	bool failed;
	struct error error;
};

/* Copies the command. NULL with ERROR_USAGE, ERROR_LIMIT or ERROR_NO_MEMORY. */
struct ssh_job *ssh_job_create(
	const struct ssh_command *command, ssh_done_fn *done, void *context, struct error *error);
void ssh_job_destroy(struct ssh_job *job);

/* Replace the deadline: `expired` is called with the job after `timeout_ms`. */
void ssh_job_deadline(struct ssh_job *job, int64_t timeout_ms);

/* Keep what fits under SSH_OUTPUT_BYTES. */
void ssh_job_take(struct ssh_job *job, bool is_stderr, const char *bytes, size_t length);

/* It ended badly; the first call counts. `error` is copied. */
void ssh_job_fail(struct ssh_job *job, const struct error *error);

/*
 * It ended because the connection did, for the reason in `error`: a job that was sent becomes
 * ERROR_UNKNOWN_OUTCOME with advice, another keeps the kind.
 */
void ssh_job_lose(struct ssh_job *job, const struct error *error);

/* Call back with the reply or the error. */
void ssh_job_deliver(const struct ssh_job *job);

#endif
