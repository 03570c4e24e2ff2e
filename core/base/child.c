#include "core/base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/base/process_end.h"
#include "core/base/sanitise.h"

#define NAME_BYTES 160
/* How shells, env and, where exec fails unseen, the C library say it. */
#define EXIT_NOT_THERE 127

struct child {
	struct loop *loop;
	child_done_fn *done;
	void *context;
	char name[NAME_BYTES];
	pid_t pid;
	struct process_end end;
	int out_fd; /* -1 once it was read to the end */
	uint64_t timer;
	size_t length;
	char bytes[CHILD_OUTPUT_BYTES + 1];
};

static void discard(struct child *child)
{
	loop_timer_stop(child->loop, child->timer);
	process_end_forget(&child->end);
	if (child->out_fd >= 0) {
		loop_unwatch(child->loop, child->out_fd);
		close(child->out_fd);
	}
	explicit_bzero(child, sizeof(*child));
	free(child);
}

static void kill_and_reap(struct child *child)
{
	if (child->pid <= 0)
		return;
	kill(child->pid, SIGKILL);
	while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	child->pid = 0;
}

void child_stop(struct child *child)
{
	if (!child)
		return;
	kill_and_reap(child);
	discard(child);
}

static void fail(struct child *child, const struct error *error)
{
	child_done_fn *done = child->done;
	void *context = child->context;
	child_stop(child);
	done(context, NULL, 0, error);
}

/* False when there was too much. */
static bool read_output(struct child *child)
{
	while (child->out_fd >= 0) {
		size_t room = sizeof(child->bytes) - child->length;
		ssize_t got =
			room > 0 ? read(child->out_fd, child->bytes + child->length, room) : 1;
		if (room == 0)
			return false;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return true;
		if (got <= 0) {
			loop_unwatch(child->loop, child->out_fd);
			close(child->out_fd);
			child->out_fd = -1;
			return true;
		}
		child->length += (size_t)got;
	}
	return child->length < sizeof(child->bytes);
}

static void on_output(void *context, int fd, unsigned events)
{
	struct child *child = context;
	struct error error = {0};
	(void)fd;
	(void)events;
	if (read_output(child))
		return;
	error_set(&error, ERROR_LIMIT, "'%s' prints more than %d bytes", child->name,
		CHILD_OUTPUT_BYTES);
	fail(child, &error);
}

static void on_deadline(void *context)
{
	struct child *child = context;
	struct error error = {0};
	child->timer = 0;
	error_set(&error, ERROR_TIMEOUT, "'%s' was not done in time and was ended", child->name);
	fail(child, &error);
}

/* What it printed before it ended is still in the pipe; a grandchild that holds the pipe open is
 * not waited for. */
static void on_end(void *context, int status)
{
	struct child *child = context;
	struct error error = {0};
	child->pid = 0;
	if (!read_output(child))
		error_set(&error, ERROR_LIMIT, "'%s' prints more than %d bytes", child->name,
			CHILD_OUTPUT_BYTES);
	else if (WIFSIGNALED(status))
		error_set(&error, ERROR_IO, "'%s' was ended by signal %d", child->name,
			WTERMSIG(status));
	else if (WEXITSTATUS(status) == EXIT_NOT_THERE)
		error_set(&error, ERROR_IO, "cannot run '%s': there is no such program (%d)",
			child->name, EXIT_NOT_THERE);
	else if (WEXITSTATUS(status) != 0)
		error_set(&error, ERROR_IO, "'%s' failed with exit code %d", child->name,
			WEXITSTATUS(status));
	if (error.kind != ERROR_NONE) {
		fail(child, &error);
		return;
	}
	char bytes[CHILD_OUTPUT_BYTES + 1];
	size_t length = child->length;
	child_done_fn *done = child->done;
	void *receiver = child->context;
	memcpy(bytes, child->bytes, length);
	bytes[length] = '\0';
	discard(child);
	done(receiver, bytes, length, NULL);
	explicit_bzero(bytes, sizeof(bytes));
}

/* Signals that the loop blocked are the program's own again. `in` is -1 for an empty input. */
static int spawn(struct child *child, const char *const *words, int in, int out)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, normal;
	sigemptyset(&none);
	sigemptyset(&normal);
	sigaddset(&normal, SIGPIPE);
	if (posix_spawn_file_actions_init(&actions) != 0)
		return ENOMEM;
	if (posix_spawnattr_init(&attributes) != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return ENOMEM;
	}
	short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
	int result =
		in < 0 ? posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
		       : posix_spawn_file_actions_adddup2(&actions, in, 0);
	if (in >= 0)
		flags |= POSIX_SPAWN_SETSID;
	if (result == 0)
		result = posix_spawn_file_actions_adddup2(&actions, out, 1);
	if (result == 0)
		result = posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	if (result == 0)
		result = posix_spawnattr_setsigmask(&attributes, &none);
	if (result == 0)
		result = posix_spawnattr_setsigdefault(&attributes, &normal);
	if (result == 0)
		result = posix_spawnattr_setflags(&attributes, flags);
	/* The words are only read; the interface is older than const. */
	union {
		const char *const *given;
		char *const *wanted;
	} argv = {.given = words};
	if (result == 0)
		result = posix_spawnp(
			&child->pid, words[0], &actions, &attributes, argv.wanted, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return result;
}

static bool start(struct child *child, const char *const *words, int in, int64_t timeout_ms,
	struct error *error)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return error_errno(error, "cannot run '%s'", child->name);
	child->out_fd = ends[0];
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	int reason = spawn(child, words, in, ends[1]);
	close(ends[1]);
	if (reason != 0) {
		child->pid = 0;
		return error_set(
			error, ERROR_IO, "cannot run '%s': %s", child->name, strerror(reason));
	}
	child->timer = loop_timer_start(child->loop, timeout_ms, on_deadline, child);
	if (child->timer == 0)
		return error_no_memory(error, "a program");
	return loop_watch(child->loop, child->out_fd, LOOP_READ, on_output, child, error) &&
	       process_end_await(&child->end, child->loop, child->pid, on_end, child, error);
}

struct child *child_start_fed(struct loop *loop, const char *const *words, int input_fd,
	int64_t timeout_ms, child_done_fn *done, void *context, struct error *error)
{
	struct child *child = calloc(1, sizeof(*child));
	if (!child) {
		error_no_memory(error, "a program");
		return NULL;
	}
	child->loop = loop;
	child->done = done;
	child->context = context;
	child->out_fd = -1;
	sanitise(words[0], strlen(words[0]), child->name, sizeof(child->name));
	if (start(child, words, input_fd, timeout_ms, error))
		return child;
	child_stop(child);
	return NULL;
}

struct child *child_start(struct loop *loop, const char *const *words, int64_t timeout_ms,
	child_done_fn *done, void *context, struct error *error)
{
	return child_start_fed(loop, words, -1, timeout_ms, done, context, error);
}
