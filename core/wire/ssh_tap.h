/*
 * ssh_tap.h - what libssh2 asks of the outside: memory, and bytes from the socket.
 *
 * Standing between, the tap learns what libssh2 1.10 does not tell:
 *
 * - Memory: every block is listed and counted, so that a hostile server meets a limit and nothing
 *   is left behind when libssh2 forgets something half done.
 * - Greeting: the first bytes from the server are kept, to say afterwards why there was no
 *   agreement.
 * - Closed: that the server ended the connection.
 * - Packets: each received packet is shown when libssh2 has done with it, which is the only way to
 *   tell "exit status 0" from "no status came".
 *
 * And it takes every packet of libssh2's whole. A packet that the socket takes in part must be
 * finished before any other may begin; libssh2 1.10 leaves that to its caller, who would have to
 * repeat the very call that began it, and from the same depth of the stack, for some packets lie
 * there. So the rest of it waits here, in the order it came, and no call of libssh2's is ever cut
 * off in the middle of a packet, whichever channel's it is: not by a full socket, only by waiting
 * for the server.
 *
 * A tap is the `abstract` of its session.
 */
#ifndef CORE_WIRE_SSH_TAP_H
#define CORE_WIRE_SSH_TAP_H

#include <libssh2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/text.h"

#define SSH_TAP_MEMORY_BYTES 8388608 /* 8 MiB */
#define SSH_TAP_GREETING_BYTES 4096
#define SSH_TAP_GOODBYE_BYTES 120
#define SSH_TAP_UNSENT_BYTES 1048576 /* past it sending fails, with -ENOBUFS */
#define SSH_TAP_FULL_BYTES 65536     /* from here on nothing new should be begun */

struct ssh_tap_block;
struct ssh_tunnel;

/* A whole packet's payload, its type first. libssh2 must not be called from here. */
typedef void ssh_tap_packet_fn(void *context, const unsigned char *packet, size_t length);

struct ssh_tap {
	struct ssh_tap_block *blocks;
	size_t used_bytes;
	unsigned char greeting[SSH_TAP_GREETING_BYTES];
	size_t greeting_length;
	uint64_t received_bytes;
	struct text unsent; /* of packets that libssh2 holds for sent */
	int send_error;     /* why nothing can be sent any more, as -errno; 0: it can */
	bool closed;
	bool is_dry;     /* the socket has given what it had; to be cleared once it has more */
	bool is_patient; /* a connection that has ended is shown to libssh2 as one that is silent */
	size_t farewell_at; /* of the packet that ends a key exchange; 0: not unwinding */
	char goodbye[SSH_TAP_GOODBYE_BYTES]; /* the server's parting words, sanitised; "" when none
					      */
	struct ssh_tunnel *tunnel;           /* bytes come and go through it; NULL: the socket */
	ssh_tap_packet_fn *on_packet;
	void *context;
};

/* A session whose blocking is off. NULL without memory. `tap` must outlive it. */
LIBSSH2_SESSION *ssh_tap_session(struct ssh_tap *tap, ssh_tap_packet_fn *on_packet, void *context);

/* Send what waits, as far as the socket takes it. */
void ssh_tap_flush(struct ssh_tap *tap, int socket);

/* Whether the socket is to be watched for room, and whether so much waits that libssh2 should be
 * given no more work. */
bool ssh_tap_has_unsent(const struct ssh_tap *tap);
bool ssh_tap_is_full(const struct ssh_tap *tap);

/*
 * From here on nothing comes but one SSH_MSG_NEWKEYS, or the rest of one, then the end. libssh2
 * 1.10 frees the host's key only when a key exchange got that far, so one that will not is brought
 * there. It must not have given up before: hence `is_patient` until the first exchange is over.
 */
void ssh_tap_unwind(struct ssh_tap *tap);

/* Memory that libssh2 will free as its own. */
void *ssh_tap_alloc(struct ssh_tap *tap, size_t size);

/* Frees what libssh2 left behind, after libssh2_session_free(). */
void ssh_tap_finish(struct ssh_tap *tap);

#endif
