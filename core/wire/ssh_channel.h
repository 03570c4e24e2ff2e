/*
 * ssh_channel.h - one command on an open session, as a state machine that never blocks; or a tunnel
 * to a host behind.
 *
 *   start -> open -> exec -> end of input -> output -> status -> close -> free
 *                 -> relay ---------------------------------->
 *
 * The channel outlives the interest in it: a job that was cancelled or ran out of time leaves, and
 * the channel is still taken down step by step, as the server must be told and must answer.
 */
#ifndef CORE_WIRE_SSH_CHANNEL_H
#define CORE_WIRE_SSH_CHANNEL_H

#include <libssh2.h>
#include <stdbool.h>
#include <stdint.h>

struct ssh_job;
struct ssh_session;
struct ssh_tunnel;

enum ssh_channel_stage {
	SSH_CHANNEL_START, /* libssh2 knows nothing of it */
	SSH_CHANNEL_OPEN,  /* these two have the session's opening state: one channel at a time */
	SSH_CHANNEL_EXEC,
	SSH_CHANNEL_INPUT_END,
	SSH_CHANNEL_OUTPUT,
	SSH_CHANNEL_STATUS,
	SSH_CHANNEL_RELAY,
	SSH_CHANNEL_CLOSE,
	SSH_CHANNEL_FREE,
};

enum ssh_channel_step {
	SSH_CHANNEL_MOVED,
	SSH_CHANNEL_BLOCKED,
	SSH_CHANNEL_OVER,    /* nothing left in libssh2 */
	SSH_CHANNEL_REFUSED, /* the server opens no further channel; nothing left in libssh2 */
	SSH_CHANNEL_DENIED,  /* the server would not run the command; to be taken down further */
	SSH_CHANNEL_BROKEN,  /* the session is of no more use */
};

struct ssh_channel {
	struct ssh_channel *next;
	struct ssh_session *session;
	struct ssh_job *job;       /* NULL: nobody wants the result */
	struct ssh_tunnel *tunnel; /* NULL: it is for a command */
	char *request; /* the command, or a tunnel's destination; libssh2 sends from here: must
			  stay until it has */
	size_t request_length;
	enum ssh_channel_stage stage;
	LIBSSH2_CHANNEL *handle;
	bool exec_begun; /* from here on the command may run */
	uint32_t number; /* ours, as in the packets from the server */
	int stream;      /* 0 stdout, 1 stderr: which to read next */
	bool has_status, has_signal;
	bool is_complete; /* both streams ended, and how it ended is known */
};

/* Copies the command and becomes the job's channel. NULL without memory. */
struct ssh_channel *ssh_channel_create(struct ssh_session *session, struct ssh_job *job);

/* A tunnel to a host and port; becomes the tunnel's channel. NULL without memory. */
struct ssh_channel *ssh_channel_create_tunnel(
	struct ssh_session *session, struct ssh_tunnel *tunnel, const char *host, int port);

/* Whether anybody waits for what it brings. */
bool ssh_channel_is_wanted(const struct ssh_channel *channel);

/* The handle must be gone (OVER, REFUSED, or the session freed). */
void ssh_channel_destroy(struct ssh_channel *channel);

/* One libssh2 call, two where the first finds nothing. BLOCKED: it waits for the server. */
enum ssh_channel_step ssh_channel_advance(struct ssh_channel *channel, LIBSSH2_SESSION *session);

/* Copy what is known of the end into the job. */
void ssh_channel_report(struct ssh_channel *channel, LIBSSH2_SESSION *session);

#endif
