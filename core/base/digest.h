/* digest.h - SHA-256 and random ids: what journal and plans need from libcrypto and the system. */
#ifndef CORE_BASE_DIGEST_H
#define CORE_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_HEX_BYTES 65 /* 64 hex digits and NUL */

/* SHA-256 of the bytes as lower-case hex; "", which equals no digest, should libcrypto have no
 * memory. */
void digest_sha256(const void *bytes, size_t length, char out[DIGEST_HEX_BYTES]);

/* `count` random hex digits and a NUL, for ids; count at most 64. False when the system has no
 * randomness. */
bool digest_random_hex(size_t count, char *out);

#endif
