#include "core/wire/ssh_tunnel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct ssh_tunnel *ssh_tunnel_create(ssh_tunnel_wake_fn *wake, void *context)
{
	struct ssh_tunnel *tunnel = calloc(1, sizeof(*tunnel));
	if (!tunnel)
		return NULL;
	tunnel->wake = wake;
	tunnel->context = context;
	return tunnel;
}

void ssh_tunnel_leave(struct ssh_tunnel *tunnel)
{
	if (!tunnel)
		return;
	tunnel->wake = NULL;
	if (!tunnel->channel)
		free(tunnel);
}

void ssh_tunnel_leave_channel(struct ssh_tunnel *tunnel)
{
	if (!tunnel)
		return;
	tunnel->channel = NULL;
	tunnel->kick = NULL;
	if (!tunnel->wake)
		free(tunnel);
}

static void wake(const struct ssh_tunnel *tunnel)
{
	if (tunnel->wake)
		tunnel->wake(tunnel->context);
}

static void kick(const struct ssh_tunnel *tunnel)
{
	if (tunnel->kick)
		tunnel->kick(tunnel->kick_context);
}

ssize_t ssh_tunnel_receive(struct ssh_tunnel *tunnel, void *bytes, size_t size)
{
	size_t length = tunnel->received_length < size ? tunnel->received_length : size;
	if (length == 0)
		return tunnel->is_over ? 0 : -EAGAIN;
	memcpy(bytes, tunnel->received, length);
	tunnel->received_length -= length;
	memmove(tunnel->received, tunnel->received + length, tunnel->received_length);
	kick(tunnel);
	return (ssize_t)length;
}

ssize_t ssh_tunnel_send(struct ssh_tunnel *tunnel, const void *bytes, size_t length)
{
	size_t room = sizeof(tunnel->to_send) - tunnel->send_length;
	size_t taken = length < room ? length : room;
	if (tunnel->is_over || !tunnel->channel)
		return -EPIPE;
	if (taken == 0)
		return -EAGAIN;
	memcpy(tunnel->to_send + tunnel->send_length, bytes, taken);
	tunnel->send_length += taken;
	kick(tunnel);
	return (ssize_t)taken;
}

void ssh_tunnel_opened(struct ssh_tunnel *tunnel)
{
	tunnel->is_open = true;
	wake(tunnel);
}

void ssh_tunnel_end(struct ssh_tunnel *tunnel, const struct error *error)
{
	if (!tunnel->is_over && error)
		tunnel->error = *error;
	tunnel->is_over = true;
	wake(tunnel);
}

static enum ssh_tunnel_step read_step(struct ssh_tunnel *tunnel, LIBSSH2_CHANNEL *handle)
{
	size_t room = sizeof(tunnel->received) - tunnel->received_length;
	if (room == 0)
		return SSH_TUNNEL_BLOCKED;
	ssize_t got = libssh2_channel_read_ex(
		handle, 0, tunnel->received + tunnel->received_length, room);
	if (got == LIBSSH2_ERROR_EAGAIN)
		return SSH_TUNNEL_BLOCKED;
	if (got < 0)
		return SSH_TUNNEL_BROKEN;
	if (got == 0)
		return libssh2_channel_eof(handle) == 1 ? SSH_TUNNEL_ENDED : SSH_TUNNEL_BLOCKED;
	tunnel->received_length += (size_t)got;
	wake(tunnel);
	return SSH_TUNNEL_MOVED;
}

static enum ssh_tunnel_step write_step(struct ssh_tunnel *tunnel, LIBSSH2_CHANNEL *handle)
{
	if (tunnel->send_length == 0)
		return SSH_TUNNEL_BLOCKED;
	ssize_t put = libssh2_channel_write_ex(handle, 0, tunnel->to_send, tunnel->send_length);
	if (put == LIBSSH2_ERROR_EAGAIN || put == 0)
		return SSH_TUNNEL_BLOCKED;
	if (put < 0)
		return SSH_TUNNEL_BROKEN;
	tunnel->send_length -= (size_t)put;
	memmove(tunnel->to_send, tunnel->to_send + put, tunnel->send_length);
	wake(tunnel);
	return SSH_TUNNEL_MOVED;
}

enum ssh_tunnel_step ssh_tunnel_relay(struct ssh_tunnel *tunnel, LIBSSH2_CHANNEL *handle)
{
	enum ssh_tunnel_step step = read_step(tunnel, handle);
	return step == SSH_TUNNEL_BLOCKED ? write_step(tunnel, handle) : step;
}
