/*
 * ssh_login.h - from a connected socket to a session that may run commands.
 *
 *   handshake -> host key against known_hosts -> key file -> agent's keys, one after the other
 *
 * Keys are offered at most SSH_LOGIN_TRIES times: servers drop a connection after six refusals and
 * some then shun the address.
 */
#ifndef CORE_WIRE_SSH_LOGIN_H
#define CORE_WIRE_SSH_LOGIN_H

#include <libssh2.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/base/error.h"
#include "core/wire/ssh_agent.h"
#include "core/wire/ssh_key.h"

struct known_hosts;
struct loop;
struct ssh_tap;
struct ssh_target;

#define SSH_LOGIN_TRIES 5

enum ssh_login_stage {
	SSH_LOGIN_HANDSHAKE,
	SSH_LOGIN_KEY_FILE,
	SSH_LOGIN_AGENT_KEYS, /* waiting for the list */
	SSH_LOGIN_AGENT_SIGN,
	SSH_LOGIN_REFUSED,
};

enum ssh_login_step {
	SSH_LOGIN_MOVED,
	SSH_LOGIN_BLOCKED,  /* on the socket */
	SSH_LOGIN_ON_AGENT, /* on the agent: the socket need not be watched, and must not be or it
			       may spin */
	SSH_LOGIN_DONE,
	SSH_LOGIN_FAILED,
};

struct ssh_login {
	const struct ssh_target *target;
	struct loop *loop;
	ssh_agent_wake_fn *wake;
	void *context;
	LIBSSH2_SESSION *session;
	struct ssh_tap *tap;
	enum ssh_login_stage stage;
	struct known_hosts *known;
	struct ssh_key key;
	struct ssh_agent *agent;
	size_t agent_next; /* the agent's key being tried */
	bool in_handshake; /* libssh2 has one half done */
	bool is_signing;
	int tries;
	bool file_refused;
	int agent_refused;
	struct error agent_error; /* why the agent was of no use; kind ERROR_NONE when it was */
};

/*
 * Read known_hosts and the key file, and set what the session offers. `wake` is called when the
 * agent has answered. Everything is borrowed. After a failure there is nothing to finish. Errors:
 * ERROR_IO, ERROR_LIMIT, ERROR_NO_MEMORY, ERROR_UNTRUSTED.
 */
bool ssh_login_init(struct ssh_login *login, const struct ssh_target *target, struct loop *loop,
	ssh_agent_wake_fn *wake, void *context, LIBSSH2_SESSION *session, struct ssh_tap *tap,
	struct error *error);
void ssh_login_finish(struct ssh_login *login);

/* One libssh2 call on `fd`. FAILED fills `error`: ERROR_UNTRUSTED, ERROR_UNREACHABLE or
 * ERROR_NO_MEMORY. */
enum ssh_login_step ssh_login_advance(struct ssh_login *login, int fd, struct error *error);

/* For a deadline's text: what has not come, "no SSH greeting came". */
const char *ssh_login_missing(const struct ssh_login *login);

/* After the socket was shut down: let libssh2 end what it had half done, so that nothing leaks. */
void ssh_login_unwind(struct ssh_login *login, int fd);

#endif
