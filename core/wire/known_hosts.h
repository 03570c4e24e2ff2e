/*
 * known_hosts.h - reading OpenSSH's known_hosts in full, because libssh2's own reader is not safe
 * enough.
 *
 * Understands plain and hashed names, [host]:port, comma lists, * and ? patterns, ! negation,
 * @revoked and @cert-authority markers. Names compare without regard to case; keys compare as raw
 * bytes. A bad line is skipped and counted; it never ends the reading.
 */
#ifndef CORE_WIRE_KNOWN_HOSTS_H
#define CORE_WIRE_KNOWN_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct known_hosts;

#define KNOWN_HOSTS_BYTES 8388608 /* 8 MiB */

enum known_hosts_verdict {
	KNOWN_HOSTS_MATCH,
	KNOWN_HOSTS_UNKNOWN,    /* no line for this host */
	KNOWN_HOSTS_CHANGED,    /* the host is known by another key of this type */
	KNOWN_HOSTS_OTHER_TYPE, /* known, but only by keys of other types */
	KNOWN_HOSTS_REVOKED,
};

/* Errors: ERROR_IO, ERROR_LIMIT, ERROR_NO_MEMORY. */
struct known_hosts *known_hosts_read(const char *path, struct error *error);
struct known_hosts *known_hosts_parse(const char *bytes, size_t length, struct error *error);
void known_hosts_destroy(struct known_hosts *known);
size_t known_hosts_bad_lines(const struct known_hosts *known);

/* Judge a key blob (its first field is the type name, as in RFC 4253 6.6). *line gets the deciding
 * line, 0 when none. */
enum known_hosts_verdict known_hosts_check(const struct known_hosts *known, const char *host,
	int port, const void *key, size_t key_length, int *line);

/* Key types known for the host, in the file's order, as "ssh-ed25519,ecdsa-sha2-nistp256"; "" when
 * none: to put first in the handshake. */
void known_hosts_types(
	const struct known_hosts *known, const char *host, int port, char *out, size_t size);

#endif
