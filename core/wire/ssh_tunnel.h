/*
 * ssh_tunnel.h - a connection through a jump host: bytes of the session behind it, on their way
 * over a channel of the jump host's.
 *
 *   session behind  <- received -  tunnel  <- channel -  jump host's session
 *                    - to send ->          - channel ->
 *
 * Both sides hold it, either may go first, and neither calls the other: what one changes the other
 * sees when it is woken.
 */
#ifndef CORE_WIRE_SSH_TUNNEL_H
#define CORE_WIRE_SSH_TUNNEL_H

#include <libssh2.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/base/error.h"

struct ssh_channel;

#define SSH_TUNNEL_BYTES 32768 /* on their way, in each direction */

typedef void ssh_tunnel_wake_fn(void *context);

struct ssh_tunnel {
	struct ssh_channel *channel; /* NULL: the jump host's side has gone */
	ssh_tunnel_wake_fn *wake;    /* NULL: the side behind has gone */
	void *context;
	ssh_tunnel_wake_fn *kick; /* wakes the jump host's side */
	void *kick_context;
	bool is_open;       /* the jump host has connected */
	bool is_over;       /* nothing more will come */
	bool was_stale;     /* the jump host's session was an old one that had died */
	struct error error; /* why it did not open */
	size_t received_length, send_length;
	char received[SSH_TUNNEL_BYTES];
	char to_send[SSH_TUNNEL_BYTES]; /* never moved while libssh2 has begun to write from it */
};

enum ssh_tunnel_step {
	SSH_TUNNEL_MOVED,
	SSH_TUNNEL_BLOCKED,
	SSH_TUNNEL_ENDED, /* the host closed it */
	SSH_TUNNEL_BROKEN,
};

/* NULL without memory. Held by its creator and, once that is set, by its channel. */
struct ssh_tunnel *ssh_tunnel_create(ssh_tunnel_wake_fn *wake, void *context);

/* Each side lets go; the last one frees. NULL is allowed. */
void ssh_tunnel_leave(struct ssh_tunnel *tunnel);         /* the side behind */
void ssh_tunnel_leave_channel(struct ssh_tunnel *tunnel); /* the jump host's side */

/* For the side behind, as recv(2) and send(2), but with -errno. */
ssize_t ssh_tunnel_receive(struct ssh_tunnel *tunnel, void *bytes, size_t size);
ssize_t ssh_tunnel_send(struct ssh_tunnel *tunnel, const void *bytes, size_t length);

/* For the jump host's side: it did not open, or has ended; the first reason counts. */
void ssh_tunnel_end(struct ssh_tunnel *tunnel, const struct error *error);
void ssh_tunnel_opened(struct ssh_tunnel *tunnel);

/* One libssh2 call, two where the first finds nothing. */
enum ssh_tunnel_step ssh_tunnel_relay(struct ssh_tunnel *tunnel, LIBSSH2_CHANNEL *handle);

#endif
