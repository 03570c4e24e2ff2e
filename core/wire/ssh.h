/*
 * ssh.h - one command on one host over SSH, as a state machine on the loop (the only room that
 * knows libssh2).
 *
 *   connect -> handshake -> host key -> login -> channel -> exec -> output -> status -> close
 *
 * That is by libssh2; `via` has a second way, the system's ssh client, with the same ends.
 *
 * The host key is always checked against known_hosts; there is no way to skip it. Login is by key
 * file or agent (ed25519, ECDSA); RSA keys cannot work with libssh2 1.10 against a modern server
 * and are refused by name before dialling (via openssh has them). Sessions are kept for a minute
 * for reuse by commands with the same user, host, port, key, agent and known_hosts file, up to 8
 * commands at a time on each; at most 8 connections to one server are logging in at once, and
 * further commands wait. Each stage has its own deadline.
 *
 * How it can end without a reply:
 *
 *   - nothing was sent: ERROR_UNREACHABLE, ERROR_TIMEOUT, ERROR_UNTRUSTED (host key, login, no
 *     algorithm in common), ERROR_IO (known_hosts)
 *   - it was not run: ERROR_REJECTED (the server opened no channel or would not start the command)
 *   - it was sent: ERROR_UNKNOWN_OUTCOME, when the connection is lost and at the deadline; but once
 *     the end of the command is known there is a reply, `truncated` if its output was not read to
 *     the end
 *
 * Through a jump host both keys are checked: its own on the way, and the host's behind it, under
 * the host's own name. Its session is shared by all that go through it.
 *
 * A command is never sent twice. One that was not sent yet when an old connection turned out to be
 * dead goes over a fresh one.
 */
#ifndef CORE_WIRE_SSH_H
#define CORE_WIRE_SSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct http;
struct loop;
struct ssh;
struct text;

/* Kept of stdout and of stderr, each; the rest is read and dropped, and `truncated` set. */
#define SSH_OUTPUT_BYTES 1048576
#define SSH_COMMAND_BYTES 8192
#define SSH_SESSIONS_MOST 256

/* Who speaks SSH. */
enum ssh_via {
	SSH_VIA_LIBSSH2, /* this program: ed25519 and ECDSA keys */
	SSH_VIA_OPENSSH, /* the system's ssh client: RSA, certificates, hardware keys, ssh_config */
};

struct ssh_command {
	const char *host;
	int port; /* 0: 22 */
	const char *user;
	const char *identity_file; /* private key, OpenSSH or PEM, tried first; locked: its twin in
				      the agent; NULL: the agent only */
	const char *agent_socket;  /* NULL: no agent */
	const char *known_hosts_file; /* required, but by way of openssh, whose own it is then */
	const char *jump; /* "[user@]host[:port]": the host to go through, checked against the same
			     known_hosts file; user and port default to .user and 22; NULL: none */
	const char *jump_identity_file; /* NULL: as identity_file */
	enum ssh_via via;
	const char *config_file; /* openssh only: its ssh_config; NULL: the user's and the system's;
				    "none" for none. With either, what is NULL or 0 here is read
				    there, user and keys included */
	const char *command;     /* as the remote shell will see it: quote with ssh_quote() */
	int64_t connect_timeout_ms; /* to the end of login; 0: 10 s */
	int64_t timeout_ms;         /* from exec to the end; 0: 30 s */
};

struct ssh_reply {
	int exit_status;         /* valid when has_exit_status */
	bool has_exit_status;    /* false: killed by a signal, or the server did not say */
	const char *exit_signal; /* "" when none */
	const char *out; /* NUL-terminated after out_length bytes; valid in the callback only; NOT
			    sanitised */
	size_t out_length;
	const char *err;
	size_t err_length;
	bool truncated;
	double took_ms;
	bool reused; /* on a session that was already open */
};

/* Exactly one of reply and error is not NULL. Called once, from the loop, never from inside
 * ssh_run(). */
typedef void ssh_done_fn(void *context, const struct ssh_reply *reply, const struct error *error);

/* `http` makes the TCP connections (http_connect); both must outlive the ssh. */
struct ssh *ssh_create(struct loop *loop, struct http *http, struct error *error);
void ssh_destroy(struct ssh *ssh); /* ends sessions; callbacks get ERROR_CANCELLED, or
				      ERROR_UNKNOWN_OUTCOME where a command was sent */

/*
 * Copies the command. Returns an id, or 0 with `error` and no callback: ERROR_USAGE, ERROR_LIMIT,
 * ERROR_NO_MEMORY, and for the identity file ERROR_IO or ERROR_UNTRUSTED.
 */
uint64_t ssh_run(struct ssh *ssh, const struct ssh_command *command, ssh_done_fn *done,
	void *context, struct error *error);

/* Stop it; its callback is not called. Harmless when it is over. What was sent may still run on the
 * host. */
void ssh_cancel(struct ssh *ssh, uint64_t id);

/* Append `word` as one word for a POSIX shell, whatever it holds. False (ERROR_USAGE) for a
 * NUL-less impossible: control characters. */
bool ssh_quote(struct text *out, const char *word, struct error *error);

#endif
