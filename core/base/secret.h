/*
 * secret.h - a value that must appear in no argv, log, journal, recording or screen.
 *
 * A secret is named in the fleet file by file, environment variable or command, read when needed,
 * wiped when done.
 */
#ifndef CORE_BASE_SECRET_H
#define CORE_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct error;

#define SECRET_BYTES 8192

struct secret {
	char bytes[SECRET_BYTES]; /* NUL-terminated; "" when none */
	size_t length;
};

/*
 * Read a secret from a file: trailing newline removed; ERROR_IO, ERROR_LIMIT, or ERROR_SCHEMA when
 * it is empty or has control characters (a token with a newline could smuggle a header).
 */
bool secret_read_file(struct secret *secret, const char *path, struct error *error);

/* The same from an environment variable; ERROR_SCHEMA when it is not set. */
bool secret_read_variable(struct secret *secret, const char *name, struct error *error);

/* The same from bytes at hand, which `from` names in errors ("what 'vault' printed"). */
bool secret_take(struct secret *secret, const char *bytes, size_t length, const char *from,
	struct error *error);

/* Overwrite, in a way the compiler does not remove. */
void secret_wipe(struct secret *secret);

#endif
