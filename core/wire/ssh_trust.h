/* ssh_trust.h - a server's host key judged against known_hosts, in words that say what to do. */
#ifndef CORE_WIRE_SSH_TRUST_H
#define CORE_WIRE_SSH_TRUST_H

#include <libssh2.h>
#include <stdbool.h>

struct error;
struct known_hosts;
struct ssh_target;

/* After the handshake. False with ERROR_UNTRUSTED for anything but a match. */
bool ssh_trust_check(LIBSSH2_SESSION *session, const struct known_hosts *known,
	const struct ssh_target *target, struct error *error);

#endif
