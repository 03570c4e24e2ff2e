/*
 * ssh_words.h - the argv of the system's ssh client for a target: BatchMode, strict host keys, one
 * control socket, nothing forwarded, no command.
 */
#ifndef CORE_WIRE_SSH_WORDS_H
#define CORE_WIRE_SSH_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/text.h"

struct error;
struct ssh_target;

#define SSH_WORDS_MOST 64
#define SSH_WORDS_BYTES 16384
#define SSH_WORDS_LOG_SUFFIX ".log" /* behind the control path: what a jump host's client says */

struct ssh_words {
	struct text bytes; /* each word with its NUL */
	int count;
};

/*
 * Write them; the control path is ours and plain; `idle_s` is how long the client stays after its
 * last command. Errors: ERROR_USAGE for names and paths that ssh's own option syntax would read
 * otherwise, ERROR_NO_MEMORY.
 */
bool ssh_words_init(struct ssh_words *words, const struct ssh_target *target,
	const char *control_path, int64_t connect_timeout_ms, int idle_s, struct error *error);
void ssh_words_finish(struct ssh_words *words);

/* Pointers into the words, NULL at the end; valid until they are finished. */
void ssh_words_argv(const struct ssh_words *words, char *argv[SSH_WORDS_MOST + 1]);

#endif
