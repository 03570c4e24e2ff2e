#include "core/wire/ssh_tap.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/sanitise.h"
#include "core/wire/ssh_bytes.h"
#include "core/wire/ssh_methods.h"
#include "core/wire/ssh_tunnel.h"

struct ssh_tap_block {
	struct ssh_tap_block *next, *previous;
	size_t size;
	max_align_t bytes[];
};

static void block_link(struct ssh_tap *tap, struct ssh_tap_block *block)
{
	block->previous = NULL;
	block->next = tap->blocks;
	if (block->next)
		block->next->previous = block;
	tap->blocks = block;
	tap->used_bytes += block->size;
}

static void block_unlink(struct ssh_tap *tap, struct ssh_tap_block *block)
{
	if (block->previous)
		block->previous->next = block->next;
	else
		tap->blocks = block->next;
	if (block->next)
		block->next->previous = block->previous;
	tap->used_bytes -= block->size;
}

static struct ssh_tap_block *block_of(void *bytes)
{
	void *block = (char *)bytes - offsetof(struct ssh_tap_block, bytes);
	return block;
}

void *ssh_tap_alloc(struct ssh_tap *tap, size_t size)
{
	if (size > SSH_TAP_MEMORY_BYTES - tap->used_bytes)
		return NULL;
	/* Zeroed, so that a block freed unwritten cannot pass for a packet that lay there before.
	 */
	struct ssh_tap_block *block = calloc(1, sizeof(*block) + size);
	if (!block)
		return NULL;
	block->size = size;
	block_link(tap, block);
	return block->bytes;
}

static LIBSSH2_ALLOC_FUNC(tap_alloc)
{
	return ssh_tap_alloc(*abstract, count);
}

static LIBSSH2_FREE_FUNC(tap_free)
{
	struct ssh_tap *tap = *abstract;
	if (!ptr)
		return;
	struct ssh_tap_block *block = block_of(ptr);
	if (tap->on_packet && block->size > 0)
		tap->on_packet(tap->context, ptr, block->size);
	block_unlink(tap, block);
	free(block);
}

static LIBSSH2_REALLOC_FUNC(tap_realloc)
{
	struct ssh_tap *tap = *abstract;
	if (!ptr)
		return ssh_tap_alloc(tap, count);
	struct ssh_tap_block *block = block_of(ptr);
	size_t others = tap->used_bytes - block->size;
	if (count > SSH_TAP_MEMORY_BYTES - others)
		return NULL;
	block_unlink(tap, block);
	struct ssh_tap_block *moved = realloc(block, sizeof(*block) + count);
	if (moved && count > moved->size)
		memset((char *)moved->bytes + moved->size, 0, count - moved->size);
	if (moved)
		moved->size = count;
	block_link(tap, moved ? moved : block);
	return moved ? moved->bytes : NULL;
}

/* libssh2 wants -errno, and EINTR means nothing to it. */
static ssize_t result_of(ssize_t moved)
{
	int reason = moved < 0 ? errno : 0;
	return reason == 0 ? moved : reason == EINTR ? -EAGAIN : -reason;
}

static ssize_t socket_receive(int socket, void *buffer, size_t length, int flags)
{
	ssize_t got = result_of(recv(socket, buffer, length, flags | MSG_NOSIGNAL));
	/* The kernel falls back to delayed acknowledgements by itself, which costs 40 ms on the
	 * first exec. */
	int on = 1;
	if (got > 0)
		setsockopt(socket, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
	return got;
}

static ssize_t some_send(struct ssh_tap *tap, int socket, const void *bytes, size_t length)
{
	ssize_t put = tap->tunnel ? ssh_tunnel_send(tap->tunnel, bytes, length)
				  : result_of(send(socket, bytes, length, MSG_NOSIGNAL));
	if (put < 0 && put != -EAGAIN)
		tap->send_error = (int)put;
	return put;
}

static LIBSSH2_SEND_FUNC(tap_send)
{
	struct ssh_tap *tap = *abstract;
	(void)flags;
	ssize_t put = 0;
	if (tap->send_error == 0 && tap->unsent.length == 0)
		put = some_send(tap, socket, buffer, length);
	size_t taken = put > 0 ? (size_t)put : 0;
	if (tap->send_error == 0 && taken < length) {
		text_append(&tap->unsent, (const char *)buffer + taken, length - taken);
		tap->send_error = text_ok(&tap->unsent) ? 0 : -ENOBUFS;
	}
	return tap->send_error == 0 || tap->is_patient ? (ssize_t)length : tap->send_error;
}

void ssh_tap_flush(struct ssh_tap *tap, int socket)
{
	while (tap->unsent.length > 0 && tap->send_error == 0) {
		ssize_t put = some_send(tap, socket, text_string(&tap->unsent), tap->unsent.length);
		if (put <= 0)
			return;
		text_drop(&tap->unsent, (size_t)put);
	}
}

bool ssh_tap_has_unsent(const struct ssh_tap *tap)
{
	return tap->unsent.length > 0 && tap->send_error == 0;
}

bool ssh_tap_is_full(const struct ssh_tap *tap)
{
	return tap->unsent.length >= SSH_TAP_FULL_BYTES && tap->send_error == 0;
}

/* Length 12, padding 10, SSH_MSG_NEWKEYS; before the first key exchange is over nothing is
 * encrypted.
 */
static const unsigned char farewell[16] = {0, 0, 0, 12, 10, 21};

/* How much of an unfinished packet has come: as long as they are plain, packets are strings. */
static size_t part_length(const struct ssh_tap *tap)
{
	struct ssh_bytes bytes = {.at = tap->greeting, .left = tap->greeting_length}, packet;
	if (tap->received_bytes > tap->greeting_length || !ssh_methods_skip_banner(&bytes))
		return 0;
	while (ssh_bytes_string(&bytes, &packet))
		continue;
	return bytes.left < sizeof(farewell) ? bytes.left : 0;
}

void ssh_tap_unwind(struct ssh_tap *tap)
{
	tap->farewell_at = 1 + part_length(tap);
}

static ssize_t farewell_receive(struct ssh_tap *tap, void *buffer, size_t length)
{
	size_t left = sizeof(farewell) + 1 - tap->farewell_at;
	size_t given = length < left ? length : left;
	memcpy(buffer, farewell + tap->farewell_at - 1, given);
	tap->farewell_at += given;
	return (ssize_t)given;
}

static LIBSSH2_RECV_FUNC(tap_receive)
{
	struct ssh_tap *tap = *abstract;
	if (tap->farewell_at > 0)
		return farewell_receive(tap, buffer, length);
	if (tap->is_dry)
		return -EAGAIN;
	ssize_t got = tap->tunnel ? ssh_tunnel_receive(tap->tunnel, buffer, length)
				  : socket_receive(socket, buffer, length, flags);
	tap->is_dry = !tap->tunnel && got != 0 && got < (ssize_t)length;
	if ((got < 0 && got != -EAGAIN) || (got == 0 && length > 0))
		tap->closed = true;
	if (tap->closed && tap->is_patient)
		return -EAGAIN;
	if (got < 0)
		return got;
	size_t room = sizeof(tap->greeting) - tap->greeting_length;
	size_t kept = (size_t)got < room ? (size_t)got : room;
	memcpy(tap->greeting + tap->greeting_length, buffer, kept);
	tap->greeting_length += kept;
	tap->received_bytes += (uint64_t)got;
	return got;
}

static LIBSSH2_DISCONNECT_FUNC(tap_disconnect)
{
	(void)session;
	(void)reason;
	(void)language;
	(void)language_len;
	struct ssh_tap *tap = *abstract;
	tap->closed = true;
	if (message && message_len > 0)
		sanitise(message, (size_t)message_len, tap->goodbye, sizeof(tap->goodbye));
}

/* libssh2 takes its callbacks as object pointers. */
static void callback_set(LIBSSH2_SESSION *session, int kind, void (*callback)(void))
{
	void *pointer = NULL;
	_Static_assert(sizeof(pointer) == sizeof(callback), "POSIX: functions fit in void *");
	memcpy(&pointer, &callback, sizeof(pointer));
	libssh2_session_callback_set(session, kind, pointer);
}

LIBSSH2_SESSION *ssh_tap_session(struct ssh_tap *tap, ssh_tap_packet_fn *on_packet, void *context)
{
	*tap = (struct ssh_tap){.on_packet = on_packet, .context = context};
	text_init(&tap->unsent, SSH_TAP_UNSENT_BYTES);
	LIBSSH2_SESSION *session = libssh2_session_init_ex(tap_alloc, tap_free, tap_realloc, tap);
	if (!session)
		return NULL;
	callback_set(session, LIBSSH2_CALLBACK_SEND, (void (*)(void))tap_send);
	callback_set(session, LIBSSH2_CALLBACK_RECV, (void (*)(void))tap_receive);
	callback_set(session, LIBSSH2_CALLBACK_DISCONNECT, (void (*)(void))tap_disconnect);
	libssh2_session_set_blocking(session, 0);
	return session;
}

void ssh_tap_finish(struct ssh_tap *tap)
{
	struct ssh_tap_block *next = NULL;
	for (struct ssh_tap_block *block = tap->blocks; block; block = next) {
		next = block->next;
		free(block);
	}
	tap->blocks = NULL;
	tap->used_bytes = 0;
	text_finish(&tap->unsent);
}
