/*
 * ssh_session.h - one connection to one sshd: dialled, logged in, shared by a few channels, kept a
 * while, closed.
 *
 * A session dies in place (its socket closed, its jobs handed back) and is freed by its owner
 * later, never from inside one of its own calls. Its owner's functions are called from the loop and
 * may start timers, but must not destroy the session.
 */
#ifndef CORE_WIRE_SSH_SESSION_H
#define CORE_WIRE_SSH_SESSION_H

#include <libssh2.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/wire/ssh_login.h"
#include "core/wire/ssh_tap.h"

struct error;
struct http;
struct loop;
struct ssh_channel;
struct ssh_job;
struct ssh_target;
struct ssh_tunnel;

#define SSH_SESSION_CHANNELS 8 /* sshd allows 10 */
#define SSH_SESSION_TUNNELS 32 /* sshd does not count them */
#define SSH_SESSION_IDLE_MS 60000
#define SSH_SESSION_REFUSAL_BYTES 100
#define SSH_SESSION_AGE_MS 86400000 /* libssh2 grows slowly on long sessions */

enum ssh_session_stage {
	SSH_SESSION_DIALLING,
	SSH_SESSION_LOGIN,
	SSH_SESSION_READY,
	SSH_SESSION_DEAD,
};

struct ssh_session_owner {
	void (*job_over)(void *context, struct ssh_job *job); /* its result is set */
	void (*job_again)(
		void *context, struct ssh_job *job); /* nothing was sent: try on another session */
	void (*changed)(void *context);              /* there is room, or a dead session */
	void *context;
};

struct ssh_session {
	struct ssh_session *next;
	struct loop *loop;
	struct http *http;
	struct ssh_session_owner owner;
	struct ssh_target *target;
	enum ssh_session_stage stage;
	bool jump_was_stale; /* the old session of a jump host died before the tunnel opened */
	uint64_t dial;       /* of http_connect() */
	int fd;              /* -1 behind a jump host */
	unsigned watched;    /* for which events; 0: not at all */
	struct ssh_tunnel *tunnel; /* the way there; NULL: the socket */
	int jump_fd;               /* libssh2 wants a socket's number, which it never uses then */
	LIBSSH2_SESSION *handle;
	struct ssh_tap tap;
	struct ssh_login login;
	struct ssh_channel *channels;
	struct ssh_channel *opening; /* which has libssh2's one opening state */
	int channels_most;           /* less once the server has refused one */
	uint32_t opened_number;      /* of the channel the server confirmed last */
	bool is_retired;             /* takes no further jobs */
	bool has_opened;             /* the server has let us open a channel */
	bool has_served;             /* a command has run on it, or a tunnel opened */
	unsigned refusal; /* why the last channel was not opened: RFC 4254, section 5.1 */
	char refusal_text[SSH_SESSION_REFUSAL_BYTES]; /* in the server's words, sanitised */
	int64_t started_ms;                           /* steady time */
	int64_t started_us;                           /* clock_stopwatch_us() */
	uint64_t pump_timer, idle_timer, grace_timer, login_timer;
};

/*
 * Read what the login needs and dial; through `jump`, a session with room for a tunnel, when the
 * target has a jump host, else NULL. NULL with `error`.
 */
struct ssh_session *ssh_session_create(struct loop *loop, struct http *http,
	const struct ssh_target *target, struct ssh_session *jump, int64_t login_timeout_ms,
	const struct ssh_session_owner *owner, struct error *error);

/* Closes without a word to the owner; the session must have no jobs, or be DEAD. */
void ssh_session_destroy(struct ssh_session *session);

bool ssh_session_has_room(const struct ssh_session *session);
bool ssh_session_has_tunnel_room(const struct ssh_session *session);
bool ssh_session_is_idle(const struct ssh_session *session);

/* Put a job on it; it runs when the login is done. False without memory. */
bool ssh_session_take(struct ssh_session *session, struct ssh_job *job);

/* A job leaves; its channel is taken down by and by. */
void ssh_session_abandon(struct ssh_session *session, struct ssh_channel *channel);

/* A job's deadline has passed: it gets its result (which may be a good one, if all is known) and
 * leaves. */
void ssh_session_expire(struct ssh_session *session, struct ssh_job *job);

/* End it for the reason in `error`: every job gets a result or goes back. */
void ssh_session_fail(struct ssh_session *session, const struct error *error);

#endif
