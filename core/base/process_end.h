/*
 * process_end.h - being told, from the loop, that a child process has ended.
 *
 * By a pidfd (Linux 5.3), which the loop watches like any descriptor. Where the kernel or a sandbox
 * has none (old kernels, seccomp filters, valgrind), by asking every PROCESS_END_LOOK_MS.
 */
#ifndef CORE_BASE_PROCESS_END_H
#define CORE_BASE_PROCESS_END_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct loop;

#define PROCESS_END_LOOK_MS 20

/* `status` is waitpid()'s; the process is reaped. Called once, from the loop; what awaited it is
 * over by then and may be started anew or freed. */
typedef void process_end_fn(void *context, int status);

struct process_end {
	struct loop *loop; /* NULL: nothing is awaited */
	process_end_fn *ended;
	void *context;
	pid_t pid;
	int pid_fd;     /* -1: none, then the timer asks */
	uint64_t timer; /* 0: none */
};

/* Await the end of `pid`, a child that nobody else waits for. False with `error`: no memory, no
 * descriptor; the process is still the caller's to reap. `end` stays at its place meanwhile. */
bool process_end_await(struct process_end *end, struct loop *loop, pid_t pid, process_end_fn *ended,
	void *context, struct error *error);

/* Await it no more, without a call; the process is the caller's to reap. Zeroed is allowed. */
void process_end_forget(struct process_end *end);

#endif
