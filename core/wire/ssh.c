#include "core/wire/ssh.h"

#include <libssh2.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/wire/ssh_channel.h"
#include "core/wire/ssh_job.h"
#include "core/wire/ssh_key.h"
#include "core/wire/ssh_master.h"
#include "core/wire/ssh_openssh.h"
#include "core/wire/ssh_session.h"
#include "core/wire/ssh_target.h"

/* sshd starts to refuse connections at 10 that have not logged in (MaxStartups). */
#define LOGINS_PER_SERVER 8
#define JOBS_WAITING_MOST 1024

/* First in, first out. */
struct queue {
	struct ssh_job *first;
	size_t count;
};

struct ssh {
	struct loop *loop;
	struct http *http;
	struct ssh_openssh *openssh;
	struct ssh_session *sessions;
	size_t session_count;
	struct queue waiting, over;
	uint64_t last_id;
	uint64_t turn_timer;
	bool is_closing;
	bool *destroyed; /* set while a callback runs: tells that it destroyed the ssh */
};

static void ssh_turn(void *context);

static void queue_push(struct queue *queue, struct ssh_job *job)
{
	struct ssh_job **link = &queue->first;
	while (*link)
		link = &(*link)->next;
	job->next = NULL;
	*link = job;
	queue->count++;
}

static void queue_remove(struct queue *queue, struct ssh_job *job)
{
	struct ssh_job **link = &queue->first;
	while (*link && *link != job)
		link = &(*link)->next;
	if (!*link)
		return;
	*link = job->next;
	job->next = NULL;
	queue->count--;
}

/* Callbacks and new sessions happen in a turn of their own, never inside a call of the user's or of
 * a session's. */
static void turn_soon(void *context)
{
	struct ssh *ssh = context;
	if (ssh->turn_timer == 0 && !ssh->is_closing)
		ssh->turn_timer = loop_timer_start(ssh->loop, 0, ssh_turn, ssh);
}

static void job_over(void *context, struct ssh_job *job)
{
	struct ssh *ssh = context;
	loop_timer_stop(ssh->loop, job->timer);
	job->timer = 0;
	queue_push(&ssh->over, job);
	turn_soon(ssh);
}

static void job_again(void *context, struct ssh_job *job)
{
	struct ssh *ssh = context;
	ssh_job_deadline(job, job->connect_timeout_ms);
	queue_push(&ssh->waiting, job);
	turn_soon(ssh);
}

static void job_expired(void *context)
{
	struct ssh_job *job = context;
	struct ssh *ssh = job->ssh;
	struct error error;
	char span[CLOCK_TEXT_BYTES];
	job->timer = 0;
	if (job->channel) {
		ssh_session_expire(job->channel->session, job);
		return;
	}
	if (job->mux) {
		ssh_master_expire(job->master, job);
		return;
	}
	clock_format_span(job->connect_timeout_ms, span);
	ssh_target_error(job->target, &error, ERROR_TIMEOUT,
		"timed out after %s waiting for a connection: %zu sessions are open, %zu commands "
		"wait",
		span, ssh->session_count, ssh->waiting.count);
	ssh_job_fail(job, &error);
	queue_remove(&ssh->waiting, job);
	job_over(ssh, job);
}

static void sessions_sweep(struct ssh *ssh)
{
	struct ssh_session **link = &ssh->sessions;
	while (*link) {
		struct ssh_session *session = *link;
		if (session->stage == SSH_SESSION_DEAD) {
			*link = session->next;
			ssh->session_count--;
			ssh_session_destroy(session);
		} else {
			link = &session->next;
		}
	}
}

static struct ssh_session *session_find(struct ssh *ssh, const struct ssh_target *target,
	bool (*has_room)(const struct ssh_session *))
{
	struct ssh_session *found = NULL;
	for (struct ssh_session *at = ssh->sessions; at; at = at->next) {
		if (!has_room(at) || !ssh_target_equal(at->target, target))
			continue;
		if (at->stage == SSH_SESSION_READY)
			return at;
		if (!found)
			found = at;
	}
	return found;
}

static bool may_dial(const struct ssh *ssh, const struct ssh_target *target)
{
	int logins = 0;
	for (const struct ssh_session *at = ssh->sessions; at; at = at->next) {
		bool is_login = at->stage == SSH_SESSION_DIALLING || at->stage == SSH_SESSION_LOGIN;
		logins += is_login && ssh_target_same_server(at->target, target);
	}
	return logins < LOGINS_PER_SERVER;
}

/* Make room by closing a session that does nothing, other than `keep`. False when all are busy. */
static bool session_evict(struct ssh *ssh, const struct ssh_session *keep)
{
	struct ssh_session *oldest = NULL;
	for (struct ssh_session *at = ssh->sessions; at; at = at->next) {
		if (at != keep && ssh_session_is_idle(at) &&
			(!oldest || at->started_ms < oldest->started_ms))
			oldest = at;
	}
	if (!oldest)
		return false;
	struct error error;
	error_set(&error, ERROR_CANCELLED, "closed to make room");
	ssh_session_fail(oldest, &error);
	sessions_sweep(ssh);
	return true;
}

/* A session with room: an open one, one that is being opened, or a new one. NULL: wait, or `error`
 * is set. */
static struct ssh_session *session_get(struct ssh *ssh, const struct ssh_job *job,
	const struct ssh_target *target, bool (*has_room)(const struct ssh_session *),
	struct error *error)
{
	struct ssh_session *session = session_find(ssh, target, has_room), *jump = NULL;
	if (session || !may_dial(ssh, target))
		return session;
	if (target->jump) {
		jump = session_get(ssh, job, target->jump, ssh_session_has_tunnel_room, error);
		if (!jump)
			return NULL;
	}
	if (ssh->session_count >= SSH_SESSIONS_MOST && !session_evict(ssh, jump))
		return NULL;
	struct ssh_session_owner owner = {
		.job_over = job_over,
		.job_again = job_again,
		.changed = turn_soon,
		.context = ssh,
	};
	session = ssh_session_create(
		ssh->loop, ssh->http, target, jump, job->connect_timeout_ms, &owner, error);
	if (session) {
		session->next = ssh->sessions;
		ssh->sessions = session;
		ssh->session_count++;
	}
	return session;
}

/* Put the job on a connection. False with ERROR_NONE: it must wait. */
static bool job_place(struct ssh *ssh, struct ssh_job *job, struct error *error)
{
	if (job->target->via == SSH_VIA_OPENSSH)
		return ssh_openssh_take(ssh->openssh, job, error);
	struct ssh_session *session =
		session_get(ssh, job, job->target, ssh_session_has_room, error);
	if (!session)
		return false;
	return ssh_session_take(session, job) ? true : error_no_memory(error, "an ssh channel");
}

static void jobs_assign(struct ssh *ssh)
{
	struct ssh_job *next = NULL;
	for (struct ssh_job *job = ssh->waiting.first; job; job = next) {
		struct error error = {.kind = ERROR_NONE};
		next = job->next;
		bool is_placed = job_place(ssh, job, &error);
		if (is_placed || error.kind != ERROR_NONE)
			queue_remove(&ssh->waiting, job);
		if (!is_placed && error.kind != ERROR_NONE) {
			ssh_job_fail(job, &error);
			job_over(ssh, job);
		}
	}
}

/* False when a callback destroyed the ssh. */
static bool jobs_deliver(struct ssh *ssh)
{
	bool destroyed = false;
	/* Only those that are over by now, so that a callback that runs the next command does not
	 * keep us here. */
	for (size_t left = ssh->over.count; left > 0 && ssh->over.first; left--) {
		struct ssh_job *job = ssh->over.first;
		queue_remove(&ssh->over, job);
		ssh->destroyed = &destroyed;
		ssh_job_deliver(job);
		ssh_job_destroy(job);
		if (destroyed)
			return false;
		ssh->destroyed = NULL;
	}
	return true;
}

static void ssh_turn(void *context)
{
	struct ssh *ssh = context;
	ssh->turn_timer = 0;
	sessions_sweep(ssh);
	ssh_openssh_sweep(ssh->openssh);
	jobs_assign(ssh);
	if (jobs_deliver(ssh) && ssh->over.first)
		turn_soon(ssh);
}

struct ssh *ssh_create(struct loop *loop, struct http *http, struct error *error)
{
	struct ssh *ssh = calloc(1, sizeof(*ssh));
	struct ssh_master_owner owner = {
		.job_over = job_over,
		.job_again = job_again,
		.changed = turn_soon,
		.context = ssh,
	};
	struct ssh_openssh *openssh = ssh ? ssh_openssh_create(loop, &owner) : NULL;
	if (!openssh || libssh2_init(0) != 0) {
		ssh_openssh_destroy(openssh);
		free(ssh);
		error_no_memory(error, "ssh");
		return NULL;
	}
	ssh->openssh = openssh;
	ssh->loop = loop;
	ssh->http = http;
	return ssh;
}

void ssh_destroy(struct ssh *ssh)
{
	struct error error;
	if (!ssh)
		return;
	ssh->is_closing = true;
	loop_timer_stop(ssh->loop, ssh->turn_timer);
	error_set(
		&error, ERROR_CANCELLED, "ssh: cancelled: the program is closing its connections");
	for (struct ssh_session *at = ssh->sessions; at; at = at->next)
		ssh_session_fail(at, &error);
	sessions_sweep(ssh);
	ssh_openssh_fail(ssh->openssh, &error);
	while (ssh->waiting.first) {
		struct ssh_job *job = ssh->waiting.first;
		queue_remove(&ssh->waiting, job);
		ssh_job_lose(job, &error);
		job_over(ssh, job);
	}
	while (ssh->over.first) {
		struct ssh_job *job = ssh->over.first;
		queue_remove(&ssh->over, job);
		ssh_job_deliver(job);
		ssh_job_destroy(job);
	}
	if (ssh->destroyed)
		*ssh->destroyed = true;
	ssh_openssh_destroy(ssh->openssh);
	libssh2_exit();
	free(ssh);
}

/* A key that cannot log in is refused now: nothing needs to be dialled to know. Where a session is
 * open it has done its part. */
static bool keys_check(const struct ssh_target *target, struct error *error)
{
	for (const struct ssh_target *at = target; at; at = at->jump) {
		struct ssh_key key = {0};
		bool ok = !at->identity_file ||
			  ssh_key_read(&key, at->identity_file, at->agent_socket != NULL, error);
		ssh_key_finish(&key);
		if (!ok)
			return error_prefix(error, "ssh to %s", at->label);
	}
	return true;
}

uint64_t ssh_run(struct ssh *ssh, const struct ssh_command *command, ssh_done_fn *done,
	void *context, struct error *error)
{
	if (ssh->is_closing) {
		error_set(error, ERROR_CANCELLED, "ssh is closing");
		return 0;
	}
	if (ssh->waiting.count >= JOBS_WAITING_MOST) {
		error_set(error, ERROR_LIMIT, "%d ssh commands are waiting already",
			JOBS_WAITING_MOST);
		return 0;
	}
	struct ssh_job *job = ssh_job_create(command, done, context, error);
	if (!job)
		return 0;
	job->id = ++ssh->last_id;
	job->ssh = ssh;
	job->loop = ssh->loop;
	job->expired = job_expired;
	bool is_open = session_find(ssh, job->target, ssh_session_has_room) != NULL;
	if (command->via == SSH_VIA_LIBSSH2 && !is_open && !keys_check(job->target, error)) {
		ssh_job_destroy(job);
		return 0;
	}
	uint64_t id = job->id;
	job_again(ssh, job);
	return id;
}

static struct ssh_job *queue_find(const struct queue *queue, uint64_t id)
{
	struct ssh_job *job = queue->first;
	while (job && job->id != id)
		job = job->next;
	return job;
}

static struct ssh_job *sessions_find(const struct ssh *ssh, uint64_t id)
{
	for (const struct ssh_session *session = ssh->sessions; session; session = session->next) {
		for (const struct ssh_channel *at = session->channels; at; at = at->next) {
			if (at->job && at->job->id == id)
				return at->job;
		}
	}
	return NULL;
}

void ssh_cancel(struct ssh *ssh, uint64_t id)
{
	struct ssh_job *job = sessions_find(ssh, id);
	if (job) {
		ssh_session_abandon(job->channel->session, job->channel);
		ssh_job_destroy(job);
		return;
	}
	job = ssh_openssh_find(ssh->openssh, id);
	if (job) {
		ssh_master_abandon(job->master, job);
		ssh_job_destroy(job);
		return;
	}
	struct queue *queue = &ssh->waiting;
	job = queue_find(queue, id);
	if (!job) {
		queue = &ssh->over;
		job = queue_find(queue, id);
	}
	if (job) {
		queue_remove(queue, job);
		ssh_job_destroy(job);
	}
}
