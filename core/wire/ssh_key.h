/*
 * ssh_key.h - a private key file: looked at before anything is dialled, and signing.
 *
 * libssh2 reports a key it cannot use as a refused login, after the connection; what can be known
 * from the file is said from the file. Keys are read and used by OpenSSL alone, because
 * libssh2 1.10 leaves a copy of an ECDSA key's secret behind.
 */
#ifndef CORE_WIRE_SSH_KEY_H
#define CORE_WIRE_SSH_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/wire/ssh_bytes.h"

struct error;
struct text;

#define SSH_KEY_FILE_BYTES 32768
#define SSH_KEY_BLOB_BYTES 256
#define SSH_KEY_SIGNATURE_BYTES 256

struct ssh_key {
	struct evp_pkey_st *secret;             /* OpenSSL's; NULL when encrypted */
	bool encrypted;                         /* by a passphrase: only an agent can use it */
	unsigned char blob[SSH_KEY_BLOB_BYTES]; /* the public half; empty for encrypted PEM files */
	size_t blob_length;
};

/*
 * Read and examine the file: OpenSSH's own form, PEM or PKCS#8. Errors: ERROR_IO, ERROR_LIMIT,
 * ERROR_NO_MEMORY; ERROR_UNTRUSTED for a kind of key that cannot log in from here (RSA, DSA,
 * hardware keys), or a passphrase without an agent; the text says what to use instead.
 */
bool ssh_key_read(struct ssh_key *key, const char *path, bool has_agent, struct error *error);
void ssh_key_finish(struct ssh_key *key);

/* Append the signature over `data`, without the name of its algorithm (RFC 8709, RFC 5656
 * section 3.1.2). False without memory. */
bool ssh_key_sign(const struct ssh_key *key, const void *data, size_t length, struct text *out);

/* Whether a public key blob is of a type that can log in from here: ed25519 or ECDSA. */
bool ssh_key_type_is_usable(const struct ssh_bytes *blob);

#endif
