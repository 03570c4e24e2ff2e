#include "app/box.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/path.h"
#include "core/base/arena.h"
#include "core/base/clock.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/sanitise.h"
#include "core/base/yaml.h"

#define READY_TIMEOUT_US (15 * 1000000LL)
#define READY_LINE_BYTES 8192
#define ARGUMENTS_MOST 12

/* Start the child with pipes on stdin and stdout; stderr stays ours. */
static bool box_spawn(struct box *box, char *const *words, int *output, struct error *error)
{
	int in[2], out[2];
	if (pipe2(in, O_CLOEXEC) != 0)
		return error_errno(error, "cannot make a pipe");
	if (pipe2(out, O_CLOEXEC) != 0) {
		close(in[0]);
		close(in[1]);
		return error_errno(error, "cannot make a pipe");
	}
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	/* Its own process group: Ctrl-C at our terminal is for us to answer, in order. */
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setpgroup(&attributes, 0);
	int failed = posix_spawnp(&box->process, words[0], &actions, &attributes, words, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	close(in[0]);
	close(out[1]);
	if (failed) {
		box->process = 0;
		close(in[1]);
		close(out[0]);
		errno = failed;
		return error_errno(error, "cannot start '%s'", words[0]);
	}
	box->lifeline = in[1];
	*output = out[0];
	return true;
}

/* One line, or the reason why none came. */
static bool box_read_line(int fd, char *line, size_t size, struct error *error)
{
	int64_t deadline_us = clock_stopwatch_us() + READY_TIMEOUT_US;
	size_t length = 0;
	for (;;) {
		int64_t left_us = deadline_us - clock_stopwatch_us();
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		int ready = left_us > 0 ? poll(&wait, 1, (int)(left_us / 1000) + 1) : 0;
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return error_set(error, ERROR_TIMEOUT,
				"the fleet in a box did not get ready in 15 s");
		ssize_t got = read(fd, line + length, size - 1 - length);
		if (got <= 0)
			return error_set(
				error, ERROR_IO, "the fleet in a box ended before it was ready");
		length += (size_t)got;
		line[length] = '\0';
		if (strchr(line, '\n'))
			return true;
		if (length == size - 1)
			return error_set(error, ERROR_LIMIT, "the fleet in a box says too much");
	}
}

/* {"ready":true,"fleet":"/path/fleet.yaml",...}: JSON is YAML, and our reader of that is strict. */
static bool box_take_ready(struct box *box, const char *line, struct error *error)
{
	struct arena *arena = arena_create(256 * 1024);
	struct complaints complaints;
	complaints_init(&complaints);
	const struct yaml_node *root =
		arena ? yaml_parse(arena, "spillway-sim", line, strlen(line), &complaints) : NULL;
	const struct yaml_node *fleet = yaml_get(root, "fleet");
	bool ok = fleet && fleet->kind == YAML_SCALAR;
	if (ok)
		snprintf(box->fleet_file, sizeof box->fleet_file, "%s", fleet->scalar);
	complaints_finish(&complaints);
	arena_destroy(arena);
	if (ok)
		return true;
	char clean[200];
	sanitise(line, strlen(line), clean, sizeof clean);
	return error_set(
		error, ERROR_SYNTAX, "the fleet in a box said '%s' instead of where it is", clean);
}

bool box_start(struct box *box, const char *scenario, const char *seed, const char *speed,
	struct error *error)
{
	*box = (struct box){.lifeline = -1};
	char program[PATH_BYTES];
	path_sibling_program("spillway-sim", program, sizeof program);
	const char *words[ARGUMENTS_MOST] = {program, "--exit-with-stdin", "--scenario",
		scenario ? scenario : "replica-loss", "--seed", seed ? seed : "1", "--speed",
		speed ? speed : "1", NULL};
	char *arguments[ARGUMENTS_MOST];
	memcpy(arguments, words, sizeof arguments);
	int output = -1;
	if (!box_spawn(box, arguments, &output, error))
		return false;
	char line[READY_LINE_BYTES];
	bool ok =
		box_read_line(output, line, sizeof line, error) && box_take_ready(box, line, error);
	close(output);
	if (!ok)
		box_stop(box);
	return ok;
}

void box_stop(struct box *box)
{
	if (box->lifeline >= 0)
		close(box->lifeline);
	if (box->process > 0) {
		kill(box->process, SIGTERM);
		while (waitpid(box->process, NULL, 0) < 0 && errno == EINTR) {
		}
	}
	*box = (struct box){.lifeline = -1};
}
