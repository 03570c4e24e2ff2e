#include "core/wire/ssh_session.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/base/sanitise.h"
#include "core/wire/http.h"
#include "core/wire/ssh_bytes.h"
#include "core/wire/ssh_channel.h"
#include "core/wire/ssh_job.h"
#include "core/wire/ssh_target.h"
#include "core/wire/ssh_tunnel.h"

#define GRACE_MS 5000         /* for a channel nobody waits for to be taken down */
#define USER_TIMEOUT_MS 30000 /* until the kernel gives a silent peer up */
#define TURN_BYTES 262144     /* read at most this much before other work gets its turn */
#define FREE_CALLS 16

enum { PACKET_OPEN_CONFIRMATION = 91, PACKET_OPEN_FAILURE = 92, PACKET_CHANNEL_REQUEST = 98 };
enum { OPEN_PROHIBITED = 1 };

static void session_ready(void *context, int fd, unsigned events);
static void session_pump(struct ssh_session *session);

static struct ssh_channel *channel_find(struct ssh_session *session, uint32_t number)
{
	for (struct ssh_channel *at = session->channels; at; at = at->next) {
		if (at->handle && at->number == number)
			return at;
	}
	return NULL;
}

static void refusal_read(struct ssh_session *session, struct ssh_bytes bytes)
{
	uint32_t reason = 0;
	struct ssh_bytes words;
	if (!ssh_bytes_u32(&bytes, &reason) || !ssh_bytes_string(&bytes, &words))
		return;
	session->refusal = reason;
	sanitise((const char *)words.at, words.left, session->refusal_text,
		sizeof(session->refusal_text));
}

/* RFC 4254 sections 5.1 and 6.10: which channel was opened, and that one has said how its command
 * ended. */
static void session_packet(void *context, const unsigned char *packet, size_t length)
{
	struct ssh_session *session = context;
	struct ssh_bytes bytes = {.at = packet, .left = length}, name;
	uint8_t type = 0;
	uint32_t number = 0;
	if (!ssh_bytes_u8(&bytes, &type) ||
		(type != PACKET_OPEN_CONFIRMATION && type != PACKET_OPEN_FAILURE &&
			type != PACKET_CHANNEL_REQUEST) ||
		!ssh_bytes_u32(&bytes, &number))
		return;
	if (type == PACKET_OPEN_CONFIRMATION) {
		session->opened_number = number;
		return;
	}
	if (type == PACKET_OPEN_FAILURE) {
		refusal_read(session, bytes);
		return;
	}
	struct ssh_channel *channel = channel_find(session, number);
	if (!channel || !ssh_bytes_string(&bytes, &name))
		return;
	if (ssh_bytes_equal(&name, "exit-status"))
		channel->has_status = true;
	else if (ssh_bytes_equal(&name, "exit-signal"))
		channel->has_signal = true;
}

static void timer_clear(struct ssh_session *session, uint64_t *timer)
{
	loop_timer_stop(session->loop, *timer);
	*timer = 0;
}

static void channel_unlink(struct ssh_session *session, struct ssh_channel *channel)
{
	struct ssh_channel **link = &session->channels;
	while (*link && *link != channel)
		link = &(*link)->next;
	if (*link)
		*link = channel->next;
	if (session->opening == channel)
		session->opening = NULL;
}

static void channel_link(struct ssh_session *session, struct ssh_channel *channel)
{
	struct ssh_channel **link = &session->channels;
	while (*link)
		link = &(*link)->next;
	*link = channel;
	timer_clear(session, &session->idle_timer);
}

/* Take the job off its channel. */
static struct ssh_job *job_detach(struct ssh_channel *channel)
{
	struct ssh_job *job = channel->job;
	channel->job = NULL;
	if (job) {
		job->channel = NULL;
		loop_timer_stop(job->loop, job->timer);
		job->timer = 0;
	}
	return job;
}

static int session_socket(const struct ssh_session *session)
{
	return session->tunnel ? session->jump_fd : session->fd;
}

/* Let go of the way through the jump host; its session takes the channel down by and by. */
static void tunnel_leave(struct ssh_session *session)
{
	struct ssh_tunnel *tunnel = session->tunnel;
	if (!tunnel)
		return;
	struct ssh_channel *channel = tunnel->channel;
	session->tunnel = NULL;
	session->tap.tunnel = NULL;
	ssh_tunnel_leave(tunnel);
	if (channel)
		ssh_session_abandon(channel->session, channel);
}

static void session_unwatch(struct ssh_session *session)
{
	if (session->watched != 0)
		loop_unwatch(session->loop, session->fd);
	session->watched = 0;
}

/* Close everything at once. A socket that is shut down can make no libssh2 call wait. */
static void session_close(struct ssh_session *session)
{
	session->stage = SSH_SESSION_DEAD;
	http_cancel(session->http, session->dial);
	timer_clear(session, &session->pump_timer);
	timer_clear(session, &session->idle_timer);
	timer_clear(session, &session->grace_timer);
	timer_clear(session, &session->login_timer);
	if (session->fd >= 0) {
		session_unwatch(session);
		session->tap.is_dry = false;
		if (session->has_served && !session->channels)
			libssh2_session_disconnect(session->handle, "done");
		shutdown(session->fd, SHUT_RDWR);
	}
	if (session->tunnel)
		ssh_tunnel_end(session->tunnel, NULL);
	if (session->handle) {
		ssh_login_unwind(&session->login, session_socket(session));
		for (int i = 0; i < FREE_CALLS; i++) {
			if (libssh2_session_free(session->handle) != LIBSSH2_ERROR_EAGAIN)
				break;
		}
		session->handle = NULL;
	}
	tunnel_leave(session);
	ssh_login_finish(&session->login);
	ssh_tap_finish(&session->tap);
	if (session->fd >= 0)
		close(session->fd);
	session->fd = -1;
}

/* A connection that had served before may simply have grown old: what was not sent on it may go on
 * another. */
static bool may_go_again(
	const struct ssh_session *session, const struct ssh_job *job, const struct error *error)
{
	if (job->sent || job->retried)
		return false;
	bool was_stale = (session->has_served || session->jump_was_stale) &&
			 error->kind == ERROR_UNREACHABLE;
	bool came_late = error->kind == ERROR_TIMEOUT && job->started_us > session->started_us;
	return was_stale || came_late;
}

/* The connection is going; a command that is known to have ended has an outcome all the same. */
static void ends_report(struct ssh_session *session)
{
	for (struct ssh_channel *at = session->channels; at; at = at->next) {
		if (!at->job || !at->handle || (!at->has_status && !at->has_signal))
			continue;
		ssh_channel_report(at, session->handle);
		at->job->truncated = true;
		at->is_complete = true;
	}
}

void ssh_session_fail(struct ssh_session *session, const struct error *error)
{
	if (session->stage == SSH_SESSION_DEAD)
		return;
	struct error reason = *error;
	ends_report(session);
	session_close(session);
	while (session->channels) {
		struct ssh_channel *channel = session->channels;
		struct ssh_job *job = job_detach(channel);
		bool is_complete = channel->is_complete;
		if (channel->tunnel) {
			channel->tunnel->was_stale = session->has_served;
			ssh_tunnel_end(channel->tunnel, &reason);
		}
		channel_unlink(session, channel);
		ssh_channel_destroy(channel);
		if (job && may_go_again(session, job, &reason)) {
			job->retried = true;
			session->owner.job_again(session->owner.context, job);
			continue;
		}
		if (job && !is_complete)
			ssh_job_lose(job, &reason);
		if (job)
			session->owner.job_over(session->owner.context, job);
	}
	session->owner.changed(session->owner.context);
}

static void session_break(struct ssh_session *session)
{
	struct error error;
	const char *goodbye = session->tap.goodbye;
	int code = libssh2_session_last_errno(session->handle);
	if (session->tap.send_error == -ENOBUFS)
		ssh_target_error(session->target, &error, ERROR_LIMIT,
			"the server asks for answers and takes none: %d bytes wait for it",
			SSH_TAP_UNSENT_BYTES);
	else if (session->tap.closed)
		ssh_target_error(session->target, &error, ERROR_UNREACHABLE,
			"the connection was lost%s%s", goodbye[0] ? ": the server said " : "",
			goodbye);
	else
		ssh_target_error(session->target, &error, ERROR_UNREACHABLE,
			"the session broke (libssh2 %d)", code);
	ssh_session_fail(session, &error);
}

static void pump_again(void *context)
{
	struct ssh_session *session = context;
	session->pump_timer = 0;
	session_pump(session);
}

static void pump_soon(void *context)
{
	struct ssh_session *session = context;
	if (session->pump_timer == 0 && session->stage != SSH_SESSION_DEAD)
		session->pump_timer = loop_timer_start(session->loop, 0, pump_again, session);
}

static void idle_over(void *context)
{
	struct ssh_session *session = context;
	struct error error;
	session->idle_timer = 0;
	ssh_target_error(session->target, &error, ERROR_CANCELLED, "closed after being idle");
	ssh_session_fail(session, &error);
}

static bool has_jobs(const struct ssh_session *session)
{
	for (const struct ssh_channel *at = session->channels; at; at = at->next) {
		if (ssh_channel_is_wanted(at))
			return true;
	}
	return false;
}

/* A peer that does not end a channel gets no more work; what still runs there may end. */
static void grace_over(void *context)
{
	struct ssh_session *session = context;
	session->grace_timer = 0;
	for (const struct ssh_channel *at = session->channels; at; at = at->next) {
		if (!ssh_channel_is_wanted(at))
			session->is_retired = true;
	}
	session_pump(session);
}

static const char *dial_missing(const struct ssh_session *session)
{
	return session->tunnel ? "the jump host made no connection" : "no connection was made";
}

static void login_over(void *context)
{
	struct ssh_session *session = context;
	struct error error;
	session->login_timer = 0;
	ssh_target_error(session->target, &error, ERROR_TIMEOUT, "timed out: %s",
		session->stage == SSH_SESSION_DIALLING ? dial_missing(session)
						       : ssh_login_missing(&session->login));
	ssh_session_fail(session, &error);
}

static bool session_watch(struct ssh_session *session, struct error *error)
{
	unsigned events = LOOP_READ;
	if (session->tunnel)
		return true;
	if (ssh_tap_has_unsent(&session->tap))
		events |= LOOP_WRITE;
	if (events == session->watched)
		return true;
	session->watched = events;
	return loop_watch(session->loop, session->fd, events, session_ready, session, error);
}

static void login_done(struct ssh_session *session)
{
	session->stage = SSH_SESSION_READY;
	timer_clear(session, &session->login_timer);
	ssh_login_finish(&session->login);
	for (struct ssh_channel *at = session->channels; at; at = at->next) {
		if (at->job)
			ssh_job_deadline(at->job, at->job->connect_timeout_ms);
	}
	session->owner.changed(session->owner.context);
}

/* False when there is nothing to wait for on the socket: it died, or it is the agent's turn. */
static bool login_pump(struct ssh_session *session)
{
	struct error error;
	for (;;) {
		switch (ssh_login_advance(&session->login, session_socket(session), &error)) {
		case SSH_LOGIN_MOVED:
			break;
		case SSH_LOGIN_BLOCKED:
			return true;
		case SSH_LOGIN_ON_AGENT:
			/* What the server may send meanwhile would make the loop spin. */
			session_unwatch(session);
			return false;
		case SSH_LOGIN_FAILED:
			ssh_session_fail(session, &error);
			return false;
		case SSH_LOGIN_DONE:
			login_done(session);
			return true;
		}
	}
}

static void tunnel_refused(struct ssh_session *session, struct ssh_channel *channel)
{
	struct error error;
	if (session->refusal == OPEN_PROHIBITED)
		error_set(&error, ERROR_REJECTED,
			"the jump host forbids it (%s): see AllowTcpForwarding and PermitOpen in "
			"its "
			"sshd_config",
			session->refusal_text);
	else
		error_set(&error, ERROR_UNREACHABLE, "the jump host could not connect: %s",
			session->refusal_text);
	ssh_tunnel_end(channel->tunnel, &error);
	channel_unlink(session, channel);
	ssh_channel_destroy(channel);
}

/* A refused channel means that this server allows fewer; with none open it means that it allows
 * none. */
static void channel_refused(struct ssh_session *session, struct ssh_channel *channel)
{
	struct ssh_job *job = job_detach(channel);
	struct error error;
	if (channel->tunnel) {
		tunnel_refused(session, channel);
		return;
	}
	channel_unlink(session, channel);
	ssh_channel_destroy(channel);
	int open = 0;
	for (const struct ssh_channel *at = session->channels; at; at = at->next)
		open += at->handle != NULL;
	session->channels_most = open > 0 ? open : 1;
	if (!job)
		return;
	if (open > 0 || session->has_opened) {
		session->is_retired = open == 0;
		session->owner.job_again(session->owner.context, job);
		return;
	}
	ssh_target_error(session->target, &error, ERROR_REJECTED,
		"the server allows no commands (it opened no channel): see MaxSessions in its "
		"sshd_config");
	ssh_job_fail(job, &error);
	session->owner.job_over(session->owner.context, job);
}

static void channel_denied(struct ssh_session *session, struct ssh_channel *channel)
{
	struct ssh_job *job = job_detach(channel);
	struct error error;
	if (!job)
		return;
	ssh_target_error(session->target, &error, ERROR_REJECTED,
		"the server would not run the command: see ForceCommand and the account's shell "
		"there");
	ssh_job_fail(job, &error);
	session->owner.job_over(session->owner.context, job);
}

static void channel_over(struct ssh_session *session, struct ssh_channel *channel)
{
	channel_unlink(session, channel);
	ssh_channel_destroy(channel);
	session->owner.changed(session->owner.context);
}

/* The result is known: hand it over, and take the channel down without anybody waiting. */
static void channel_finish(struct ssh_session *session, struct ssh_channel *channel)
{
	ssh_channel_report(channel, session->handle);
	struct ssh_job *job = job_detach(channel);
	session->has_served = true;
	session->owner.job_over(session->owner.context, job);
}

/* React to one step. False when the session died. */
static bool channel_stepped(
	struct ssh_session *session, struct ssh_channel *channel, enum ssh_channel_step step)
{
	bool is_opening = channel->stage == SSH_CHANNEL_OPEN || channel->stage == SSH_CHANNEL_EXEC;
	if (session->opening == channel && !is_opening)
		session->opening = NULL;
	if (step == SSH_CHANNEL_MOVED && is_opening && channel->stage == SSH_CHANNEL_RELAY)
		session->has_served = true;
	if (step == SSH_CHANNEL_MOVED && channel->stage == SSH_CHANNEL_EXEC) {
		channel->number = session->opened_number;
		session->has_opened = true;
		if (channel->job)
			ssh_job_deadline(channel->job, channel->job->timeout_ms);
	}
	if (channel->job && channel->is_complete) {
		/* Closed without a status because the connection went: that is not an end of the
		 * command. */
		if (!channel->has_status && !channel->has_signal && session->tap.closed)
			channel->is_complete = false;
		else
			channel_finish(session, channel);
		if (channel->job)
			step = SSH_CHANNEL_BROKEN;
	}
	switch (step) {
	case SSH_CHANNEL_MOVED:
	case SSH_CHANNEL_BLOCKED:
		return true;
	case SSH_CHANNEL_OVER:
		channel_over(session, channel);
		return true;
	case SSH_CHANNEL_REFUSED:
		channel_refused(session, channel);
		return true;
	case SSH_CHANNEL_DENIED:
		channel_denied(session, channel);
		return true;
	case SSH_CHANNEL_BROKEN:
		break;
	}
	session_break(session);
	return false;
}

/* There is time to read more, and room to send. */
static bool may_advance(const struct ssh_session *session, uint64_t received_most)
{
	return session->tap.received_bytes < received_most && !ssh_tap_is_full(&session->tap);
}

/* Advance a channel as far as it goes. False when the session died. */
static bool channel_pump(
	struct ssh_session *session, struct ssh_channel *channel, uint64_t received_most)
{
	enum ssh_channel_step step = SSH_CHANNEL_MOVED;
	bool is_new = channel->stage == SSH_CHANNEL_START;
	if (is_new && session->opening)
		return true;
	if (is_new)
		session->opening = channel;
	while ((step == SSH_CHANNEL_MOVED || step == SSH_CHANNEL_DENIED) &&
		may_advance(session, received_most)) {
		step = ssh_channel_advance(channel, session->handle);
		if (!channel_stepped(session, channel, step))
			return false;
	}
	return true;
}

/* Reading for one channel queues packets for all: go round until a whole round has read nothing. */
static void channels_pump(struct ssh_session *session)
{
	uint64_t most = session->tap.received_bytes + TURN_BYTES, before = 0;
	do {
		before = session->tap.received_bytes;
		struct ssh_channel *next = NULL;
		for (struct ssh_channel *at = session->channels; at; at = next) {
			next = at->next;
			if (!channel_pump(session, at, most))
				return;
		}
	} while (session->tap.received_bytes != before && may_advance(session, most));
	if (session->tap.received_bytes >= most)
		pump_soon(session);
}

/* With nothing to do: keep it for a while, unless it is too old or the server has gone. */
static void session_rest(struct ssh_session *session)
{
	struct error error;
	bool is_old = loop_now_ms(session->loop) - session->started_ms > SSH_SESSION_AGE_MS;
	session->is_retired = session->is_retired || is_old;
	ssh_target_error(session->target, &error, ERROR_CANCELLED, "closed: nobody needs it");
	if (session->is_retired && !has_jobs(session)) {
		ssh_session_fail(session, &error);
	} else if (!session->channels && session->idle_timer == 0) {
		timer_clear(session, &session->grace_timer);
		session->idle_timer =
			loop_timer_start(session->loop, SSH_SESSION_IDLE_MS, idle_over, session);
	}
}

/* An idle session has nothing to hear: a goodbye, or a question that libssh2 would answer only
 * inside some call. */
static void idle_closed(struct ssh_session *session)
{
	struct error error;
	ssh_target_error(session->target, &error, ERROR_UNREACHABLE, "closed while idle");
	ssh_session_fail(session, &error);
}

/* The jump host has opened the tunnel, or will not. False when there is nothing to do yet. */
static bool tunnel_pump(struct ssh_session *session)
{
	const struct ssh_tunnel *tunnel = session->tunnel;
	if (tunnel->is_over && !tunnel->is_open) {
		struct error error = tunnel->error;
		session->jump_was_stale = tunnel->was_stale;
		error_prefix(&error, "ssh to %s", session->target->label);
		ssh_session_fail(session, &error);
	} else if (tunnel->is_open && session->stage == SSH_SESSION_DIALLING) {
		session->jump_fd = tunnel->channel ? session_socket(tunnel->channel->session) : 0;
		session->stage = SSH_SESSION_LOGIN;
	} else if (session->stage == SSH_SESSION_READY && !session->channels &&
		   (tunnel->is_over || tunnel->received_length > 0)) {
		idle_closed(session);
	}
	return session->stage == SSH_SESSION_LOGIN || session->stage == SSH_SESSION_READY;
}

static void session_pump(struct ssh_session *session)
{
	struct error error;
	if (session->tunnel && !tunnel_pump(session))
		return;
	ssh_tap_flush(&session->tap, session_socket(session));
	if (session->stage == SSH_SESSION_LOGIN && !login_pump(session))
		return;
	if (session->stage == SSH_SESSION_READY) {
		channels_pump(session);
		if (session->stage == SSH_SESSION_READY)
			session_rest(session);
	}
	if (session->stage == SSH_SESSION_DEAD || session->stage == SSH_SESSION_DIALLING)
		return;
	if (!session_watch(session, &error))
		ssh_session_fail(session, &error);
}

static void session_ready(void *context, int fd, unsigned events)
{
	struct ssh_session *session = context;
	(void)fd;
	if (events & (LOOP_READ | LOOP_HANGUP))
		session->tap.is_dry = false;
	if (session->stage == SSH_SESSION_READY && !session->channels)
		idle_closed(session);
	else
		session_pump(session);
}

static void socket_tune(int fd)
{
	int on = 1;
	unsigned timeout_ms = USER_TIMEOUT_MS;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
}

static void session_connected(void *context, int fd, const struct error *error)
{
	struct ssh_session *session = context;
	session->dial = 0;
	if (error) {
		struct error refused;
		ssh_target_error(session->target, &refused, error->kind, "%s", error->text);
		ssh_session_fail(session, &refused);
		return;
	}
	session->fd = fd;
	session->stage = SSH_SESSION_LOGIN;
	socket_tune(fd);
	session_pump(session);
}

/* Ask the jump host for a tunnel to where the target is. */
static bool tunnel_start(struct ssh_session *session, struct ssh_session *jump, struct error *error)
{
	struct ssh_tunnel *tunnel = ssh_tunnel_create(pump_soon, session);
	const struct ssh_target *to = session->target;
	struct ssh_channel *channel =
		tunnel ? ssh_channel_create_tunnel(jump, tunnel, to->host, to->port) : NULL;
	if (!channel) {
		ssh_tunnel_leave(tunnel);
		return error_no_memory(error, "an ssh tunnel");
	}
	tunnel->kick = pump_soon;
	tunnel->kick_context = jump;
	session->tunnel = tunnel;
	session->tap.tunnel = tunnel;
	channel_link(jump, channel);
	if (jump->stage == SSH_SESSION_READY)
		pump_soon(jump);
	return true;
}

static bool session_dial(struct ssh_session *session, struct ssh_session *jump,
	int64_t login_timeout_ms, struct error *error)
{
	if (jump)
		return tunnel_start(session, jump, error);
	session->dial = http_connect(session->http, session->target->host, session->target->port,
		login_timeout_ms, session_connected, session, error);
	return session->dial != 0;
}

struct ssh_session *ssh_session_create(struct loop *loop, struct http *http,
	const struct ssh_target *target, struct ssh_session *jump, int64_t login_timeout_ms,
	const struct ssh_session_owner *owner, struct error *error)
{
	struct ssh_session *session = calloc(1, sizeof(*session));
	if (!session) {
		error_no_memory(error, "an ssh session");
		return NULL;
	}
	*session = (struct ssh_session){
		.loop = loop,
		.http = http,
		.owner = *owner,
		.fd = -1,
		.channels_most = SSH_SESSION_CHANNELS,
		.started_ms = loop_now_ms(loop),
		.started_us = clock_stopwatch_us(),
	};
	session->target = ssh_target_copy(target, error);
	session->handle =
		session->target ? ssh_tap_session(&session->tap, session_packet, session) : NULL;
	if (session->target && !session->handle)
		error_no_memory(error, "an ssh session");
	bool ok =
		session->handle && ssh_login_init(&session->login, session->target, loop, pump_soon,
					   session, session->handle, &session->tap, error);
	if (!ok || !session_dial(session, jump, login_timeout_ms, error)) {
		ssh_session_destroy(session);
		return NULL;
	}
	session->login_timer = loop_timer_start(loop, login_timeout_ms, login_over, session);
	return session;
}

void ssh_session_destroy(struct ssh_session *session)
{
	if (!session)
		return;
	if (session->stage != SSH_SESSION_DEAD)
		session_close(session);
	while (session->channels) {
		struct ssh_channel *channel = session->channels;
		session->channels = channel->next;
		ssh_channel_destroy(channel);
	}
	ssh_target_destroy(session->target);
	free(session);
}

bool ssh_session_has_room(const struct ssh_session *session)
{
	int count = 0;
	for (const struct ssh_channel *at = session->channels; at; at = at->next)
		count += at->tunnel == NULL;
	return session->stage != SSH_SESSION_DEAD && !session->is_retired &&
	       count < session->channels_most;
}

bool ssh_session_has_tunnel_room(const struct ssh_session *session)
{
	int count = 0;
	for (const struct ssh_channel *at = session->channels; at; at = at->next)
		count += at->tunnel != NULL;
	return session->stage != SSH_SESSION_DEAD && !session->is_retired &&
	       count < SSH_SESSION_TUNNELS;
}

bool ssh_session_is_idle(const struct ssh_session *session)
{
	return session->stage == SSH_SESSION_READY && !session->channels;
}

bool ssh_session_take(struct ssh_session *session, struct ssh_job *job)
{
	struct ssh_channel *channel = ssh_channel_create(session, job);
	if (!channel)
		return false;
	channel_link(session, channel);
	job->reused = session->stage == SSH_SESSION_READY;
	if (session->stage == SSH_SESSION_READY) {
		ssh_job_deadline(job, job->connect_timeout_ms);
		pump_soon(session);
	}
	return true;
}

void ssh_session_abandon(struct ssh_session *session, struct ssh_channel *channel)
{
	struct error error;
	job_detach(channel);
	if (session->stage == SSH_SESSION_DEAD)
		return;
	if (session->stage == SSH_SESSION_READY) {
		if (session->grace_timer == 0)
			session->grace_timer =
				loop_timer_start(session->loop, GRACE_MS, grace_over, session);
		pump_soon(session);
		return;
	}
	channel_unlink(session, channel);
	ssh_channel_destroy(channel);
	if (!session->channels) {
		ssh_target_error(
			session->target, &error, ERROR_CANCELLED, "nobody waits for the login");
		ssh_session_fail(session, &error);
	}
}

void ssh_session_expire(struct ssh_session *session, struct ssh_job *job)
{
	struct ssh_channel *channel = job->channel;
	struct error error;
	char span[CLOCK_TEXT_BYTES];
	clock_format_span(job->sent ? job->timeout_ms : job->connect_timeout_ms, span);
	if (channel->has_status || channel->has_signal) {
		ssh_channel_report(channel, session->handle);
		job->truncated = true;
	} else if (job->sent) {
		ssh_target_error(session->target, &error, ERROR_TIMEOUT,
			"the command did not end within %s", span);
		ssh_job_lose(job, &error);
	} else {
		const char *missing = "the server opened no channel";
		if (session->stage == SSH_SESSION_DIALLING)
			missing = dial_missing(session);
		else if (session->stage == SSH_SESSION_LOGIN)
			missing = ssh_login_missing(&session->login);
		ssh_target_error(session->target, &error, ERROR_TIMEOUT, "timed out after %s: %s",
			span, missing);
		ssh_job_fail(job, &error);
	}
	ssh_session_abandon(session, channel);
	session->owner.job_over(session->owner.context, job);
}
