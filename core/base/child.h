/*
 * child.h - a program run beside the loop for the line it prints, such as one that fetches a token.
 *
 * No shell: the words are the program and its arguments. Its input is empty, its complaints are
 * dropped, and what it prints is treated as a secret: held in memory, wiped when handed over. A
 * program that is not done in time is killed.
 *
 * Errors that reach the callback: ERROR_IO (it cannot be run; it failed, with its exit code),
 * ERROR_TIMEOUT, ERROR_LIMIT (it printed more than CHILD_OUTPUT_BYTES).
 */
#ifndef CORE_BASE_CHILD_H
#define CORE_BASE_CHILD_H

#include <stddef.h>
#include <stdint.h>

struct child;
struct error;
struct loop;

#define CHILD_OUTPUT_BYTES 8192

/* Exactly one of bytes and error is not NULL; bytes are valid in the callback only. Called once,
 * from the loop, after which the child is gone. */
typedef void child_done_fn(
	void *context, const char *bytes, size_t length, const struct error *error);

/* `words` ends with NULL. NULL with `error` (and no callback) when it cannot be started. */
struct child *child_start(struct loop *loop, const char *const *words, int64_t timeout_ms,
	child_done_fn *done, void *context, struct error *error);

/*
 * The same, fed: its input is what `input_fd` holds (a file, or one in memory, rewound; the
 * caller's to close right after), and it has no terminal, so that it can ask nobody for a
 * passphrase.
 */
struct child *child_start_fed(struct loop *loop, const char *const *words, int input_fd,
	int64_t timeout_ms, child_done_fn *done, void *context, struct error *error);

/* Kill it; its callback is not called. NULL is allowed. */
void child_stop(struct child *child);

#endif
