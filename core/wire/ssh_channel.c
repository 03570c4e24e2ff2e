#include "core/wire/ssh_channel.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/sanitise.h"
#include "core/wire/ssh_job.h"

/* Small, so that a flooding command costs the loop little at a time. */
#define WINDOW_BYTES (128 * 1024)
#define PACKET_BYTES (32 * 1024)
#define READ_BYTES (32 * 1024)

struct ssh_channel *ssh_channel_create(struct ssh_session *session, struct ssh_job *job)
{
	struct ssh_channel *channel = calloc(1, sizeof(*channel));
	if (!channel)
		return NULL;
	channel->session = session;
	channel->job = job;
	channel->command = strdup(job->command);
	if (!channel->command) {
		free(channel);
		return NULL;
	}
	job->channel = channel;
	return channel;
}

void ssh_channel_destroy(struct ssh_channel *channel)
{
	if (!channel)
		return;
	free(channel->command);
	free(channel);
}

static enum ssh_channel_step moved_to(struct ssh_channel *channel, enum ssh_channel_stage stage)
{
	channel->stage = stage;
	return SSH_CHANNEL_MOVED;
}

static enum ssh_channel_step open_step(struct ssh_channel *channel, LIBSSH2_SESSION *session)
{
	static const char kind[] = "session";
	if (channel->stage == SSH_CHANNEL_START && !channel->job)
		return SSH_CHANNEL_OVER;
	channel->stage = SSH_CHANNEL_OPEN;
	channel->handle = libssh2_channel_open_ex(
		session, kind, sizeof(kind) - 1, WINDOW_BYTES, PACKET_BYTES, NULL, 0);
	if (channel->handle)
		return moved_to(channel, channel->job ? SSH_CHANNEL_EXEC : SSH_CHANNEL_CLOSE);
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
		channel->command, (unsigned)strlen(channel->command));
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

static bool is_sending(LIBSSH2_SESSION *session)
{
	return libssh2_session_block_directions(session) & LIBSSH2_SESSION_BLOCK_OUTBOUND;
}

/* Both streams share one window: stderr left unread would stop stdout. */
static enum ssh_channel_step output_step(struct ssh_channel *channel, LIBSSH2_SESSION *session)
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
		/* Half a window adjustment is under way: it must be finished by this very call. */
		if (got == LIBSSH2_ERROR_EAGAIN && is_sending(session))
			return SSH_CHANNEL_BLOCKED;
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
	/* Nobody wants it: take it down, unless a packet of ours is half sent. */
	bool is_idle = channel->stage == SSH_CHANNEL_OUTPUT ||
		       channel->stage == SSH_CHANNEL_STATUS ||
		       (channel->stage == SSH_CHANNEL_EXEC && !channel->exec_begun);
	if (!channel->job && is_idle && !is_sending(session))
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
		return output_step(channel, session);
	case SSH_CHANNEL_STATUS:
		return status_step(channel);
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
