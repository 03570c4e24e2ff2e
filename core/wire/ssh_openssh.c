#include "core/wire/ssh_openssh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/wire/ssh_job.h"
#include "core/wire/ssh_mux.h"
#include "core/wire/ssh_target.h"

/* sshd starts to refuse connections at 10 that have not logged in (MaxStartups). */
#define LOGINS_PER_SERVER 8
#define DIRECTORY_BYTES 64

struct ssh_openssh {
	struct loop *loop;
	struct ssh_master_owner owner;
	struct ssh_master *masters;
	size_t count;
	unsigned last_number;
	char directory[DIRECTORY_BYTES]; /* "": not made yet */
};

struct ssh_openssh *ssh_openssh_create(struct loop *loop, const struct ssh_master_owner *owner)
{
	struct ssh_openssh *openssh = calloc(1, sizeof(*openssh));
	if (!openssh)
		return NULL;
	openssh->loop = loop;
	openssh->owner = *owner;
	return openssh;
}

void ssh_openssh_destroy(struct ssh_openssh *openssh)
{
	if (!openssh)
		return;
	while (openssh->masters) {
		struct ssh_master *master = openssh->masters;
		openssh->masters = master->next;
		ssh_master_destroy(master);
	}
	if (openssh->directory[0] != '\0')
		rmdir(openssh->directory);
	free(openssh);
}

/* The user's run-time directory goes when the session does; its name must leave room for a socket.
 */
static bool directory_make(struct ssh_openssh *openssh, struct error *error)
{
	const char *base = getenv("XDG_RUNTIME_DIR");
	char path[DIRECTORY_BYTES];
	if (openssh->directory[0] != '\0')
		return true;
	bool is_usable = base && base[0] == '/' &&
			 strlen(base) < DIRECTORY_BYTES - sizeof("/spillway-mux-XXXXXX") &&
			 base[strcspn(base, "\"\\$\n\r")] == '\0' && access(base, W_OK | X_OK) == 0;
	int length =
		snprintf(path, sizeof(path), "%s/spillway-mux-XXXXXX", is_usable ? base : "/tmp");
	if (length >= (int)sizeof(path) || !mkdtemp(path))
		return error_errno(error, "cannot make a directory for ssh's control sockets");
	memcpy(openssh->directory, path, sizeof(path));
	return true;
}

static struct ssh_master *master_find(
	const struct ssh_openssh *openssh, const struct ssh_target *target)
{
	struct ssh_master *found = NULL;
	for (struct ssh_master *at = openssh->masters; at; at = at->next) {
		if (!ssh_master_has_room(at) || !ssh_target_equal(at->target, target))
			continue;
		if (at->stage == SSH_MASTER_READY)
			return at;
		found = at;
	}
	return found;
}

static bool may_start(const struct ssh_openssh *openssh, const struct ssh_target *target)
{
	int logins = 0;
	for (const struct ssh_master *at = openssh->masters; at; at = at->next)
		logins +=
			at->stage == SSH_MASTER_LOGIN && ssh_target_same_server(at->target, target);
	return logins < LOGINS_PER_SERVER;
}

/* Make room by ending the oldest client that does nothing. False when all are busy. */
static bool master_evict(struct ssh_openssh *openssh)
{
	struct ssh_master *oldest = NULL;
	for (struct ssh_master *at = openssh->masters; at; at = at->next) {
		bool is_idle = at->stage == SSH_MASTER_READY && !at->commands;
		if (is_idle && (!oldest || at->started_ms < oldest->started_ms))
			oldest = at;
	}
	if (!oldest)
		return false;
	struct error error;
	error_set(&error, ERROR_CANCELLED, "closed to make room");
	ssh_master_fail(oldest, &error);
	ssh_openssh_sweep(openssh);
	return true;
}

static struct ssh_master *master_start(
	struct ssh_openssh *openssh, const struct ssh_job *job, struct error *error)
{
	char path[SSH_MASTER_PATH_BYTES];
	if (!may_start(openssh, job->target))
		return NULL;
	if (openssh->count >= SSH_OPENSSH_MASTERS_MOST && !master_evict(openssh))
		return NULL;
	if (!directory_make(openssh, error))
		return NULL;
	snprintf(path, sizeof(path), "%s/%u", openssh->directory, ++openssh->last_number);
	struct ssh_master *master = ssh_master_create(
		openssh->loop, job->target, path, job->connect_timeout_ms, &openssh->owner, error);
	if (!master)
		return NULL;
	master->next = openssh->masters;
	openssh->masters = master;
	openssh->count++;
	return master;
}

bool ssh_openssh_take(struct ssh_openssh *openssh, struct ssh_job *job, struct error *error)
{
	struct ssh_master *master = master_find(openssh, job->target);
	if (!master)
		master = master_start(openssh, job, error);
	if (!master)
		return false;
	return ssh_master_take(master, job) ? true : error_no_memory(error, "an ssh command");
}

void ssh_openssh_sweep(struct ssh_openssh *openssh)
{
	struct ssh_master **link = &openssh->masters;
	while (*link) {
		struct ssh_master *master = *link;
		if (master->stage == SSH_MASTER_DEAD) {
			*link = master->next;
			openssh->count--;
			ssh_master_destroy(master);
		} else {
			link = &master->next;
		}
	}
}

void ssh_openssh_fail(struct ssh_openssh *openssh, const struct error *error)
{
	for (struct ssh_master *at = openssh->masters; at; at = at->next)
		ssh_master_fail(at, error);
	ssh_openssh_sweep(openssh);
}

struct ssh_job *ssh_openssh_find(const struct ssh_openssh *openssh, uint64_t id)
{
	for (const struct ssh_master *master = openssh->masters; master; master = master->next) {
		for (const struct ssh_mux *at = master->commands; at; at = at->next) {
			if (at->job->id == id)
				return at->job;
		}
	}
	return NULL;
}
