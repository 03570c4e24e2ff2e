/*
 * signature.h - SSH signatures, made and checked by the system's ssh-keygen: they need no server
 * and work when single sign-on is down.
 *
 * Namespace "spillway". The key may be a private key file or, with an agent, its public half. What
 * is trusted is an allowed_signers file as in ssh-keygen(1): "kim ssh-ed25519 AAAA...". No shell is
 * involved, nothing is asked on a terminal, and no file is written.
 *
 * Errors: ERROR_IO (ssh-keygen cannot be run, or cannot use the key), ERROR_TIMEOUT,
 * ERROR_UNTRUSTED (not a signature of these bytes by that person), ERROR_LIMIT.
 */
#ifndef ACTIONS_SIGNATURE_H
#define ACTIONS_SIGNATURE_H

#include <stdbool.h>

struct child;
struct error;
struct loop;

#define SIGNATURE_BYTES 4096 /* armoured; RSA of 4096 bits takes about 1200 */
#define SIGNATURE_TIMEOUT_MS 10000

/* Exactly one is not NULL; valid in the call only. Called once, from the loop. */
typedef void signature_done_fn(void *context, const char *signature, const struct error *error);

struct signing;

/* Begin to sign `message`. NULL with `error` and no callback when it cannot begin. */
struct signing *signature_start(struct loop *loop, const char *key_file, const char *message,
	signature_done_fn *done, void *context, struct error *error);
void signature_stop(struct signing *signing); /* its callback is not called; NULL is allowed */

/* The same at once, for one-shot commands: waits up to SIGNATURE_TIMEOUT_MS. */
bool signature_make(
	const char *key_file, const char *message, char out[SIGNATURE_BYTES], struct error *error);

/* Whether `signature` is one of `message` by `who`, as `allowed_signers` knows them. Takes about
 * ten milliseconds. */
bool signature_check(const char *allowed_signers, const char *who, const char *message,
	const char *signature, struct error *error);

#endif
