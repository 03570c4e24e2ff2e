#include "core/wire/ssh_channel.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/sanitise.h"
#include "core/base/text.h"
#include "core/wire/ssh_bytes.h"
#include "core/wire/ssh_job.h"
#include "core/wire/ssh_tunnel.h"

/* Small, so that a flooding command costs the loop little at a time. */
#define WINDOW_BYTES (256 * 1024) /* libssh2 widens it when under 3/4 and one read are left */
#define PACKET_BYTES (32 * 1024)
#define READ_BYTES (32 * 1024)
#define DESTINATION_BYTES 512

struct ssh_channel *ssh_channel_create(struct ssh_session *session, struct ssh_job *job)
{
	struct ssh_channel *channel = calloc(1, sizeof(*channel));
	if (!channel)
		return NULL;
	channel->session = session;
	channel->job = job;
	channel->request = strdup(job->command);
	if (!channel->request) {
		free(channel);
		return NULL;
	}
	channel->request_length = strlen(channel->request);
	job->channel = channel;
	return channel;
}

/* RFC 4254 section 7.2: where to, and where from, which is nowhere in particular. */
static char *destination_write(const char *host, int port, size_t *length)
{
	static const char origin[] = "127.0.0.1";
	struct text text;
	text_init(&text, DESTINATION_BYTES);
	ssh_bytes_add_string(&text, host, strlen(host));
	ssh_bytes_add_u32(&text, (uint32_t)port);
	ssh_bytes_add_string(&text, origin, sizeof(origin) - 1);
	ssh_bytes_add_u32(&text, 0);
	char *bytes = text_ok(&text) ? malloc(text.length) : NULL;
	if (bytes) {
		memcpy(bytes, text_string(&text), text.length);
		*length = text.length;
	}
	text_finish(&text);
	return bytes;
}

struct ssh_channel *ssh_channel_create_tunnel(
	struct ssh_session *session, struct ssh_tunnel *tunnel, const char *host, int port)
{
	struct ssh_channel *channel = calloc(1, sizeof(*channel));
	if (!channel)
		return NULL;
	channel->request = destination_write(host, port, &channel->request_length);
	if (!channel->request) {
		free(channel);
		return NULL;
	}
	channel->session = session;
	channel->tunnel = tunnel;
	tunnel->channel = channel;
	return channel;
}

bool ssh_channel_is_wanted(const struct ssh_channel *channel)
{
	return channel->job || (channel->tunnel && channel->tunnel->wake);
}

void ssh_channel_destroy(struct ssh_channel *channel)
{
	if (!channel)
		return;
	ssh_tunnel_leave_channel(channel->tunnel);
	free(channel->request);
	free(channel);
}

static enum ssh_channel_step moved_to(struct ssh_channel *channel, enum ssh_channel_stage stage)
{
	channel->stage = stage;
	return SSH_CHANNEL_MOVED;
}

static enum ssh_channel_step open_step(struct ssh_channel *channel, LIBSSH2_SESSION *session)
{
	const char *kind = channel->tunnel ? "direct-tcpip" : "session";
	if (channel->stage == SSH_CHANNEL_START && !ssh_channel_is_wanted(channel))
		return SSH_CHANNEL_OVER;
	channel->stage = SSH_CHANNEL_OPEN;
	channel->handle = libssh2_channel_open_ex(session, kind, (unsigned)strlen(kind),
		WINDOW_BYTES, PACKET_BYTES, channel->tunnel ? channel->request : NULL,
		channel->tunnel ? (unsigned)channel->request_length : 0);
	if (channel->handle && channel->tunnel)
		ssh_tunnel_opened(channel->tunnel);
	if (channel->handle && !ssh_channel_is_wanted(channel))
		return moved_to(channel, SSH_CHANNEL_CLOSE);
	if (channel->handle)
		return moved_to(channel, channel->tunnel ? SSH_CHANNEL_RELAY : SSH_CHANNEL_EXEC);
	int code = libssh2_session_last_errno(session);
	if (code == LIBSSH2_ERROR_EAGAIN)
		return SSH_CHANNEL_BLOCKED;
	return code == LIBSSH2_ERROR_CHANNEL_FAILURE ? SSH_CHANNEL_REFUSED : SSH_CHANNEL_BROKEN;
}

static enum ssh_channel_step exec_step(struct ssh_channel *channel)
{
	static const char request[] = "exec";
	if (channel->job)
		channel->job->sent = true;
	channel->exec_begun = true;
	int code = libssh2_channel_process_startup(channel->handle, request, sizeof(request) - 1,
		channel->request, (unsigned)channel->request_length);
	if (code == LIBSSH2_ERROR_EAGAIN)
		return SSH_CHANNEL_BLOCKED;
	if (code == 0)
		return moved_to(channel, SSH_CHANNEL_INPUT_END);
	if (code != LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED)
		return SSH_CHANNEL_BROKEN;
	channel->stage = SSH_CHANNEL_CLOSE;
	return SSH_CHANNEL_DENIED;
}

/* The command gets an empty input: a `cat` must end. */
static enum ssh_channel_step input_end_step(struct ssh_channel *channel)
{
	int code = libssh2_channel_send_eof(channel->handle);
	if (code == LIBSSH2_ERROR_EAGAIN)
		return SSH_CHANNEL_BLOCKED;
	return code == 0 ? moved_to(channel, SSH_CHANNEL_OUTPUT) : SSH_CHANNEL_BROKEN;
}

/* Both streams share one window: stderr left unread would stop stdout. */
static enum ssh_channel_step output_step(struct ssh_channel *channel)
{
	char bytes[READ_BYTES];
	for (int tried = 0; tried < 2; tried++) {
		ssize_t got = libssh2_channel_read_ex(
			channel->handle, channel->stream, bytes, sizeof(bytes));
		if (got > 0) {
			if (channel->job)
				ssh_job_take(channel->job,
					channel->stream == SSH_EXTENDED_DATA_STDERR, bytes,
					(size_t)got);
			return SSH_CHANNEL_MOVED;
		}
		if (got < 0 && got != LIBSSH2_ERROR_EAGAIN)
			return SSH_CHANNEL_BROKEN;
		channel->stream = !channel->stream;
	}
	if (libssh2_channel_eof(channel->handle) == 1)
		return moved_to(channel, SSH_CHANNEL_STATUS);
	return SSH_CHANNEL_BLOCKED;
}

/*
 * A command may close its output long before it ends, so the end of output is not yet the time to
 * close: that is when the status has come, or the server has closed.
 */
static enum ssh_channel_step status_step(struct ssh_channel *channel)
{
	if (!channel->has_status && !channel->has_signal && channel->job) {
		int code = libssh2_channel_wait_closed(channel->handle);
		if (code != 0 && code != LIBSSH2_ERROR_EAGAIN)
			return SSH_CHANNEL_BROKEN;
		if (code != 0 && !channel->has_status && !channel->has_signal)
			return SSH_CHANNEL_BLOCKED;
	}
	channel->is_complete = true;
	return moved_to(channel, SSH_CHANNEL_CLOSE);
}

static enum ssh_channel_step relay_step(struct ssh_channel *channel)
{
	switch (ssh_tunnel_relay(channel->tunnel, channel->handle)) {
	case SSH_TUNNEL_MOVED:
		return SSH_CHANNEL_MOVED;
	case SSH_TUNNEL_BLOCKED:
		return SSH_CHANNEL_BLOCKED;
	case SSH_TUNNEL_ENDED:
		ssh_tunnel_end(channel->tunnel, NULL);
		return moved_to(channel, SSH_CHANNEL_CLOSE);
	case SSH_TUNNEL_BROKEN:
		break;
	}
	return SSH_CHANNEL_BROKEN;
}

static enum ssh_channel_step close_step(struct ssh_channel *channel)
{
	int code = libssh2_channel_close(channel->handle);
	if (code == LIBSSH2_ERROR_EAGAIN)
		return SSH_CHANNEL_BLOCKED;
	return code == 0 ? moved_to(channel, SSH_CHANNEL_FREE) : SSH_CHANNEL_BROKEN;
}

static enum ssh_channel_step free_step(struct ssh_channel *channel)
{
	int code = libssh2_channel_free(channel->handle);
	if (code == LIBSSH2_ERROR_EAGAIN)
		return SSH_CHANNEL_BLOCKED;
	channel->handle = NULL;
	return code == 0 ? SSH_CHANNEL_OVER : SSH_CHANNEL_BROKEN;
}

enum ssh_channel_step ssh_channel_advance(struct ssh_channel *channel, LIBSSH2_SESSION *session)
{
	/* Nobody wants it: take it down, unless libssh2 has a request of its half done. */
	bool is_idle = channel->stage == SSH_CHANNEL_OUTPUT ||
		       channel->stage == SSH_CHANNEL_STATUS ||
		       channel->stage == SSH_CHANNEL_RELAY ||
		       (channel->stage == SSH_CHANNEL_EXEC && !channel->exec_begun);
	if (!ssh_channel_is_wanted(channel) && is_idle)
		channel->stage = SSH_CHANNEL_CLOSE;
	switch (channel->stage) {
	case SSH_CHANNEL_START:
	case SSH_CHANNEL_OPEN:
		return open_step(channel, session);
	case SSH_CHANNEL_EXEC:
		return exec_step(channel);
	case SSH_CHANNEL_INPUT_END:
		return input_end_step(channel);
	case SSH_CHANNEL_OUTPUT:
		return output_step(channel);
	case SSH_CHANNEL_STATUS:
		return status_step(channel);
	case SSH_CHANNEL_RELAY:
		return relay_step(channel);
	case SSH_CHANNEL_CLOSE:
		return close_step(channel);
	case SSH_CHANNEL_FREE:
		return free_step(channel);
	}
	return SSH_CHANNEL_BROKEN;
}

void ssh_channel_report(struct ssh_channel *channel, LIBSSH2_SESSION *session)
{
	struct ssh_job *job = channel->job;
	if (channel->has_signal) {
		char *name = NULL;
		size_t length = 0;
		if (libssh2_channel_get_exit_signal(
			    channel->handle, &name, &length, NULL, NULL, NULL, NULL) == 0 &&
			name) {
			sanitise(name, length, job->exit_signal, sizeof(job->exit_signal));
			libssh2_free(session, name);
		}
	} else if (channel->has_status) {
		job->exit_status = libssh2_channel_get_exit_status(channel->handle);
		job->has_exit_status = true;
	}
}
