#include "core/wire/ssh_master.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/base/sanitise.h"
#include "core/wire/ssh_job.h"
#include "core/wire/ssh_mux.h"
#include "core/wire/ssh_target.h"
#include "core/wire/ssh_words.h"

/* How ssh says that trust or a login failed; everything else is taken for not reaching the host. */
static const char *const untrusted[] = {
	"ost key verification failed",
	"HOST IDENTIFICATION HAS CHANGED",
	"host key is known",
	"Permission denied",
	"Too many authentication failures",
	"no matching host key",
	"Unable to negotiate",
	"REVOKED",
};

static void fd_drop(struct ssh_master *master, int *fd)
{
	if (*fd < 0)
		return;
	loop_unwatch(master->loop, *fd);
	close(*fd);
	*fd = -1;
}

static void login_end(struct ssh_master *master)
{
	loop_timer_stop(master->loop, master->login_timer);
	master->login_timer = 0;
	process_end_forget(&master->end);
	fd_drop(master, &master->err_fd);
}

static void jump_words_unlink(const struct ssh_master *master)
{
	char path[SSH_MASTER_PATH_BYTES + sizeof(SSH_WORDS_LOG_SUFFIX)];
	snprintf(path, sizeof(path), "%s" SSH_WORDS_LOG_SUFFIX, master->path);
	unlink(path);
}

static void client_end(struct ssh_master *master)
{
	if (master->pid > 0) {
		kill(master->pid, SIGKILL);
		while (waitpid(master->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
		master->pid = 0;
	} else if (master->stage == SSH_MASTER_READY) {
		ssh_mux_terminate(master->path);
	}
	login_end(master);
	loop_timer_stop(master->loop, master->start_timer);
	master->start_timer = 0;
	unlink(master->path);
	if (master->target && master->target->jump)
		jump_words_unlink(master);
	master->stage = SSH_MASTER_DEAD;
}

static void words_read(struct ssh_master *master)
{
	char bytes[512];
	for (;;) {
		ssize_t got = read(master->err_fd, bytes, sizeof(bytes));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			/* The end of it says nothing: the pid tells when the client is ready. */
			if (got == 0)
				loop_unwatch(master->loop, master->err_fd);
			return;
		}
		size_t room = sizeof(master->words) - 1 - master->words_length;
		size_t kept = (size_t)got < room ? (size_t)got : room;
		memcpy(master->words + master->words_length, bytes, kept);
		master->words_length += kept;
	}
}

static void words_ready(void *context, int fd, unsigned events)
{
	(void)fd;
	(void)events;
	words_read(context);
}

/* What the client of a jump host said comes after what ours did. */
static void jump_words_read(struct ssh_master *master)
{
	char path[SSH_MASTER_PATH_BYTES + sizeof(SSH_WORDS_LOG_SUFFIX)];
	snprintf(path, sizeof(path), "%s" SSH_WORDS_LOG_SUFFIX, master->path);
	master->err_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (master->err_fd < 0)
		return;
	words_read(master);
	close(master->err_fd);
	master->err_fd = -1;
}

/* The client's own words, on one line. */
static void refusal_explain(struct ssh_master *master, struct error *error)
{
	enum error_kind kind = ERROR_UNREACHABLE;
	char line[340];
	fd_drop(master, &master->err_fd);
	if (master->target->jump)
		jump_words_read(master);
	master->words[master->words_length] = '\0';
	for (size_t i = 0; i < sizeof(untrusted) / sizeof(untrusted[0]); i++) {
		if (strstr(master->words, untrusted[i]))
			kind = ERROR_UNTRUSTED;
	}
	/* A changed key comes in a frame of '@'; what matters stands at the end. */
	const char *from = master->words;
	size_t length = master->words_length;
	while (length > 0 && strchr("\r\n", from[length - 1]))
		length--;
	size_t most = sizeof(line) / 2;
	if (length > most) {
		from += length - most;
		length = most;
	}
	for (size_t i = 0; i < length; i++) {
		char *at = master->words + (from - master->words) + i;
		if (*at == '\r' || *at == '\n')
			*at = ' ';
	}
	sanitise(from, length, line, sizeof(line));
	const char *key = strstr(master->words, "HAS CHANGED") ? "HOST KEY CHANGED: " : "";
	ssh_target_error(master->target, error, kind, "by way of openssh: %s%s", key,
		length > 0 ? line : "the client ended without a word");
}

static void mux_unlink(struct ssh_master *master, struct ssh_mux *mux)
{
	struct ssh_mux **link = &master->commands;
	while (*link && *link != mux)
		link = &(*link)->next;
	if (*link)
		*link = mux->next;
}

/* Take the job off its mux, which goes. */
static struct ssh_job *job_detach(struct ssh_master *master, struct ssh_mux *mux)
{
	struct ssh_job *job = mux->job;
	master->has_opened = master->has_opened || mux->stage >= SSH_MUX_RUNNING;
	mux_unlink(master, mux);
	ssh_mux_destroy(mux);
	loop_timer_stop(job->loop, job->timer);
	job->timer = 0;
	return job;
}

void ssh_master_fail(struct ssh_master *master, const struct error *error)
{
	if (master->stage == SSH_MASTER_DEAD)
		return;
	struct error reason = *error;
	/* One that served before may have grown old. */
	bool may_retry = master->has_opened && reason.kind == ERROR_UNREACHABLE;
	client_end(master);
	while (master->commands) {
		struct ssh_job *job = job_detach(master, master->commands);
		if (may_retry && !job->sent && !job->retried) {
			job->retried = true;
			master->owner.job_again(master->owner.context, job);
			continue;
		}
		ssh_job_lose(job, &reason);
		master->owner.job_over(master->owner.context, job);
	}
	master->owner.changed(master->owner.context);
}

/* One command is over, in one of four ways. */
static void command_over(
	void *context, struct ssh_mux *mux, enum ssh_mux_end end, const struct error *error)
{
	struct ssh_master *master = context;
	struct error reason = {.kind = ERROR_NONE};
	if (error)
		ssh_target_error(
			master->target, &reason, error->kind, "by way of openssh: %s", error->text);
	if (end == SSH_MUX_ABSENT) {
		ssh_master_fail(master, &reason);
		return;
	}
	struct ssh_job *job = job_detach(master, mux);
	if (end == SSH_MUX_REFUSED && master->commands) {
		/* This server allows fewer at once. */
		int open = 0;
		for (const struct ssh_mux *at = master->commands; at; at = at->next)
			open++;
		master->commands_most = open;
		master->owner.job_again(master->owner.context, job);
		return;
	}
	if (end == SSH_MUX_REFUSED && master->has_opened && !job->retried) {
		/* Commands that nobody waits for any more still run there: a new client has room.
		 */
		job->retried = true;
		client_end(master);
		master->owner.job_again(master->owner.context, job);
		master->owner.changed(master->owner.context);
		return;
	}
	if (end != SSH_MUX_DONE)
		ssh_job_lose(job, &reason);
	master->owner.job_over(master->owner.context, job);
	master->owner.changed(master->owner.context);
}

/* Start what waits, one by one: any of them may show that the client has gone. */
static void commands_start(void *context)
{
	struct ssh_master *master = context;
	struct error error, reason;
	master->start_timer = 0;
	struct ssh_mux *mux = master->commands;
	while (master->stage == SSH_MASTER_READY && mux) {
		struct ssh_mux *next = mux->next;
		if (mux->stage == SSH_MUX_WAITING) {
			ssh_job_deadline(mux->job, mux->job->connect_timeout_ms);
			if (!ssh_mux_start(mux, &error)) {
				ssh_target_error(
					master->target, &reason, error.kind, "%s", error.text);
				ssh_master_fail(master, &reason);
				return;
			}
		}
		mux = next;
	}
}

static void client_ended(void *context, int status)
{
	struct ssh_master *master = context;
	struct error error;
	master->pid = 0;
	words_read(master);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		refusal_explain(master, &error);
		ssh_master_fail(master, &error);
		return;
	}
	login_end(master);
	master->stage = SSH_MASTER_READY;
	commands_start(master);
	master->owner.changed(master->owner.context);
}

static void login_over(void *context)
{
	struct ssh_master *master = context;
	struct error error;
	master->login_timer = 0;
	ssh_target_error(master->target, &error, ERROR_TIMEOUT,
		"timed out: by way of openssh, no login came: an agent or a key may wait for "
		"a touch");
	ssh_master_fail(master, &error);
}

/* The child gets /dev/null, our pipe for its complaints, no other descriptor, no terminal, and the
 * signals as a program expects them. */
static int client_spawn(char *const *argv, int err_fd, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, usual;
	short flags = POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
	sigemptyset(&none);
	sigfillset(&usual);
	if (posix_spawn_file_actions_init(&files) != 0)
		return ENOMEM;
	if (posix_spawnattr_init(&attributes) != 0) {
		posix_spawn_file_actions_destroy(&files);
		return ENOMEM;
	}
	int code = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDWR, 0);
	if (code == 0)
		code = posix_spawn_file_actions_adddup2(&files, 0, 1);
	if (code == 0)
		code = posix_spawn_file_actions_adddup2(&files, err_fd, 2);
	if (code == 0)
		code = posix_spawn_file_actions_addclosefrom_np(&files, 3);
	posix_spawnattr_setflags(&attributes, flags);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &usual);
	if (code == 0)
		code = posix_spawnp(pid, argv[0], &files, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return code;
}

static bool client_start(
	struct ssh_master *master, const struct ssh_words *words, struct error *error)
{
	char *argv[SSH_WORDS_MOST + 1];
	int ends[2];
	pid_t pid = 0;
	ssh_words_argv(words, argv);
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return error_errno(error, "cannot open a pipe for ssh");
	int code = client_spawn(argv, ends[1], &pid);
	close(ends[1]);
	master->err_fd = ends[0];
	if (code != 0) {
		errno = code;
		return error_errno(error, "cannot start 'ssh' (is the OpenSSH client installed?)");
	}
	master->pid = pid;
	return loop_watch(master->loop, master->err_fd, LOOP_READ, words_ready, master, error) &&
	       process_end_await(&master->end, master->loop, pid, client_ended, master, error);
}

struct ssh_master *ssh_master_create(struct loop *loop, const struct ssh_target *target,
	const char *path, int64_t login_timeout_ms, const struct ssh_master_owner *owner,
	struct error *error)
{
	struct ssh_words words;
	if (!ssh_words_init(&words, target, path, login_timeout_ms, SSH_MASTER_IDLE_S, error))
		return NULL;
	struct ssh_master *master = calloc(1, sizeof(*master));
	bool ok = master != NULL;
	if (!ok) {
		error_no_memory(error, "an ssh client");
	} else {
		master->loop = loop;
		master->owner = *owner;
		master->err_fd = -1;
		master->commands_most = SSH_MASTER_COMMANDS;
		master->started_ms = loop_now_ms(loop);
		snprintf(master->path, sizeof(master->path), "%s", path);
		master->target = ssh_target_copy(target, error);
		ok = master->target && client_start(master, &words, error);
	}
	ssh_words_finish(&words);
	if (!ok) {
		ssh_master_destroy(master);
		return NULL;
	}
	master->login_timer = loop_timer_start(loop, login_timeout_ms, login_over, master);
	return master;
}

void ssh_master_destroy(struct ssh_master *master)
{
	if (!master)
		return;
	if (master->stage != SSH_MASTER_DEAD)
		client_end(master);
	while (master->commands) {
		struct ssh_mux *mux = master->commands;
		master->commands = mux->next;
		ssh_mux_destroy(mux);
	}
	ssh_target_destroy(master->target);
	free(master);
}

bool ssh_master_has_room(const struct ssh_master *master)
{
	int count = 0;
	for (const struct ssh_mux *at = master->commands; at; at = at->next)
		count++;
	return master->stage != SSH_MASTER_DEAD && count < master->commands_most;
}

bool ssh_master_take(struct ssh_master *master, struct ssh_job *job)
{
	struct ssh_mux *mux = ssh_mux_create(master->loop, master->path, job, command_over, master);
	if (!mux)
		return false;
	mux->next = master->commands;
	master->commands = mux;
	job->master = master;
	job->reused = master->stage == SSH_MASTER_READY;
	if (master->stage == SSH_MASTER_READY && master->start_timer == 0)
		master->start_timer = loop_timer_start(master->loop, 0, commands_start, master);
	return true;
}

void ssh_master_abandon(struct ssh_master *master, struct ssh_job *job)
{
	struct error error;
	job_detach(master, job->mux);
	if (master->stage != SSH_MASTER_LOGIN || master->commands)
		return;
	ssh_target_error(master->target, &error, ERROR_CANCELLED, "nobody waits for the login");
	ssh_master_fail(master, &error);
}

void ssh_master_expire(struct ssh_master *master, struct ssh_job *job)
{
	struct error error;
	char span[CLOCK_TEXT_BYTES];
	bool was_running = job->mux->stage >= SSH_MUX_RUNNING;
	clock_format_span(was_running ? job->timeout_ms : job->connect_timeout_ms, span);
	if (!ssh_mux_expire(job->mux)) {
		ssh_target_error(master->target, &error, ERROR_TIMEOUT,
			job->sent ? "the command did not end within %s"
				  : "timed out after %s: by way of openssh, no session was opened",
			span);
		ssh_job_lose(job, &error);
	}
	ssh_master_abandon(master, job);
	master->owner.job_over(master->owner.context, job);
}
