/*
 * ssh_methods.h - which algorithms are offered, and why a host and we do not agree.
 *
 * Left out of what libssh2 can: CBC ciphers, everything on SHA-1, ssh-rsa and DSA host keys, host
 * certificates (nothing here checks them).
 */
#ifndef CORE_WIRE_SSH_METHODS_H
#define CORE_WIRE_SSH_METHODS_H

#include <libssh2.h>
#include <stdbool.h>
#include <stddef.h>

struct ssh_bytes;

/*
 * Before the handshake: limit the session to our lists, with the host key types of `known` ("a,b",
 * "" for none) first; libssh2 would ask for another type than the one known_hosts has and then see
 * a stranger. NULL, or the name of the list that libssh2 refused.
 */
const char *ssh_methods_prefer(LIBSSH2_SESSION *session, const char *known);

/* After the handshake: NULL, or the name of the list that what was agreed is not in. */
const char *ssh_methods_check(LIBSSH2_SESSION *session);

/*
 * Say which list has nothing in common, both sides: "no host key we share: it offers ssh-rsa; we
 * accept ssh-ed25519, ...". False when the server's first bytes do not hold its lists or they do
 * share one of each. The text is sanitised.
 */
bool ssh_methods_mismatch(const unsigned char *greeting, size_t length, char *out, size_t size);

/* Move past the server's identification line and what it may say before; false when that has not
 * all come. What follows are its packets, not yet encrypted. */
bool ssh_methods_skip_banner(struct ssh_bytes *bytes);

/* The server's first line as sanitised text: "SSH-2.0-OpenSSH_9.2"; "" when it sent no whole line.
 */
void ssh_methods_banner(const unsigned char *greeting, size_t length, char *out, size_t size);

#endif
