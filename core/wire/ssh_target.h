/*
 * ssh_target.h - where a command goes and how to get in: what must be equal for a session to be
 * used again.
 *
 * That is more than user, host and port: a session that was let in by one key, or checked against
 * one known_hosts file, says nothing about another.
 */
#ifndef CORE_WIRE_SSH_TARGET_H
#define CORE_WIRE_SSH_TARGET_H

#include <stdbool.h>

#include "core/base/error.h"
#include "core/wire/ssh.h"

#define SSH_TARGET_LABEL_BYTES 200

struct ssh_target {
	const char *host, *user; /* by way of openssh a user may be NULL and a port 0: its own */
	int port;
	const char *identity_file, *agent_socket; /* NULL: none */
	const char *known_hosts_file;
	const char *config_file;
	enum ssh_via via;
	struct ssh_target *jump;            /* the host to go through, NULL: none */
	char *strings;                      /* what holds them all */
	char label[SSH_TARGET_LABEL_BYTES]; /* "user@host:port", sanitised; "... through ..." */
};

/* Copy and check it out of a command. NULL with ERROR_USAGE or ERROR_NO_MEMORY. */
struct ssh_target *ssh_target_create(const struct ssh_command *command, struct error *error);
struct ssh_target *ssh_target_copy(const struct ssh_target *from, struct error *error);
void ssh_target_destroy(struct ssh_target *target);

bool ssh_target_equal(const struct ssh_target *a, const struct ssh_target *b);

/* The same sshd, whoever logs in. */
bool ssh_target_same_server(const struct ssh_target *a, const struct ssh_target *b);

/* error_set() with "ssh to user@host:port: " in front. Always false. */
bool ssh_target_error(const struct ssh_target *target, struct error *error, enum error_kind kind,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
