/*
 * ssh_key.h - a private key file, looked at before anything is dialled.
 *
 * libssh2 reports a key it cannot use as a refused login, after the connection. What can be known
 * from the file is said from the file.
 */
#ifndef CORE_WIRE_SSH_KEY_H
#define CORE_WIRE_SSH_KEY_H

#include <stdbool.h>
#include <stddef.h>

struct error;

#define SSH_KEY_FILE_BYTES (32 * 1024)
#define SSH_KEY_BLOB_BYTES 2048

struct ssh_key {
	char *bytes; /* the file, a secret; NUL-terminated */
	size_t length;
	bool encrypted;                         /* by a passphrase: only an agent can use it */
	unsigned char blob[SSH_KEY_BLOB_BYTES]; /* the public half; empty for PEM files */
	size_t blob_length;
};

/*
 * Read and examine the file. Errors: ERROR_IO, ERROR_LIMIT, ERROR_NO_MEMORY; ERROR_UNTRUSTED for a
 * kind of key that cannot log in from here (RSA, DSA, hardware keys), or a passphrase without an
 * agent; the text says what to use instead.
 */
bool ssh_key_read(struct ssh_key *key, const char *path, bool has_agent, struct error *error);

/* Wipes and frees. */
void ssh_key_finish(struct ssh_key *key);

#endif
