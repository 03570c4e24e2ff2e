/*
 * ssh_agent.h - asking an ssh-agent for its keys and for signatures, on the loop.
 *
 * libssh2's own agent client blocks: an agent that waits for a touch or a confirmation would stop
 * the whole console. One question is open at a time; when its answer is there, or will never be,
 * `wake` is called from the loop.
 */
#ifndef CORE_WIRE_SSH_AGENT_H
#define CORE_WIRE_SSH_AGENT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/wire/ssh_bytes.h"

struct error;
struct loop;
struct ssh_agent;

#define SSH_AGENT_MESSAGE_BYTES 262144 /* the protocol's own limit */
#define SSH_AGENT_KEYS_MOST 16         /* those of a usable type; further ones are not looked at */

enum ssh_agent_state {
	SSH_AGENT_BUSY,    /* a question is open */
	SSH_AGENT_READY,   /* it was answered */
	SSH_AGENT_REFUSED, /* the agent said no: a key that is gone, a confirmation denied */
	SSH_AGENT_LOST,    /* the agent went away or spoke nonsense; why in ssh_agent_error() */
};

typedef void ssh_agent_wake_fn(void *context);

/* Connect and ask for the keys. NULL with ERROR_IO when there is no agent at the socket. */
struct ssh_agent *ssh_agent_create(struct loop *loop, const char *socket_path,
	ssh_agent_wake_fn *wake, void *context, struct error *error);
void ssh_agent_destroy(struct ssh_agent *agent);

enum ssh_agent_state ssh_agent_state(const struct ssh_agent *agent);
const struct error *ssh_agent_error(const struct ssh_agent *agent);

/* Public key blobs of the types that can log in from here: ed25519 and ECDSA. Valid as long as the
 * agent. */
size_t ssh_agent_key_count(const struct ssh_agent *agent);
struct ssh_bytes ssh_agent_key(const struct ssh_agent *agent, size_t index);

/* Ask for a signature over `data`. False without memory. Not while BUSY. */
bool ssh_agent_sign(
	struct ssh_agent *agent, const struct ssh_bytes *key, const void *data, size_t length);

/* When READY after ssh_agent_sign(): the signature without the name of its algorithm. Valid until
 * the next question. */
struct ssh_bytes ssh_agent_signature(const struct ssh_agent *agent);

#endif
