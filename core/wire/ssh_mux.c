#include "core/wire/ssh_mux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/base/sanitise.h"
#include "core/wire/ssh_bytes.h"
#include "core/wire/ssh_job.h"

#define MESSAGE_BYTES 16384 /* from the client: short answers, a reason in words */
#define REQUEST_BYTES (SSH_COMMAND_BYTES + 256)
#define READ_BYTES 32768
#define READS_PER_TURN 8
#define VERSION 4
#define NO_ESCAPE 0xffffffffU
#define REQUEST_ID 1

/* Too large for an enum. */
#define MUX_HELLO 0x00000001U
#define MUX_NEW_SESSION 0x10000002U
#define MUX_TERMINATE 0x10000005U
#define MUX_PERMISSION_DENIED 0x80000002U
#define MUX_FAILURE 0x80000003U
#define MUX_EXIT 0x80000004U
#define MUX_OPENED 0x80000006U

static void mux_ready(void *context, int fd, unsigned events);

static int socket_open(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);
	if (length >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, length + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		int reason = errno;
		close(fd);
		errno = reason;
		return -1;
	}
	return fd;
}

static void socket_close(struct ssh_mux *mux)
{
	if (mux->fd < 0)
		return;
	loop_unwatch(mux->loop, mux->fd);
	close(mux->fd);
	mux->fd = -1;
}

static void stream_close(struct ssh_mux_stream *stream)
{
	if (stream->fd >= 0) {
		loop_unwatch(stream->mux->loop, stream->fd);
		close(stream->fd);
	}
	if (stream->theirs >= 0)
		close(stream->theirs);
	stream->fd = -1;
	stream->theirs = -1;
}

struct ssh_mux *ssh_mux_create(struct loop *loop, const char *path, struct ssh_job *job,
	ssh_mux_over_fn *over, void *context)
{
	struct ssh_mux *mux = calloc(1, sizeof(*mux));
	if (!mux)
		return NULL;
	*mux = (struct ssh_mux){
		.loop = loop,
		.job = job,
		.path = path,
		.over = over,
		.context = context,
		.fd = -1,
		.null_fd = -1,
	};
	for (int i = 0; i < 2; i++)
		mux->streams[i] = (struct ssh_mux_stream){.mux = mux, .fd = -1, .theirs = -1};
	text_init(&mux->in, MESSAGE_BYTES);
	text_init(&mux->out, REQUEST_BYTES);
	job->mux = mux;
	return mux;
}

void ssh_mux_destroy(struct ssh_mux *mux)
{
	if (!mux)
		return;
	if (mux->job)
		mux->job->mux = NULL;
	socket_close(mux);
	stream_close(&mux->streams[0]);
	stream_close(&mux->streams[1]);
	if (mux->null_fd >= 0)
		close(mux->null_fd);
	text_finish(&mux->in);
	text_finish(&mux->out);
	free(mux);
}

static void message_end(struct text *out, const struct text *body)
{
	ssh_bytes_add_string(out, text_string(body), body->length);
}

static void hello_add(struct text *out)
{
	struct text body;
	text_init(&body, 16);
	ssh_bytes_add_u32(&body, MUX_HELLO);
	ssh_bytes_add_u32(&body, VERSION);
	message_end(out, &body);
	out->failed = out->failed || !text_ok(&body);
	text_finish(&body);
}

static void request_add(struct text *out, const char *command)
{
	static const uint32_t flags[] = {0, 0, 0, 0, NO_ESCAPE}; /* tty, X11, agent, subsystem */
	struct text body;
	text_init(&body, REQUEST_BYTES);
	ssh_bytes_add_u32(&body, MUX_NEW_SESSION);
	ssh_bytes_add_u32(&body, REQUEST_ID);
	ssh_bytes_add_string(&body, "", 0);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		ssh_bytes_add_u32(&body, flags[i]);
	ssh_bytes_add_string(&body, "", 0);
	ssh_bytes_add_string(&body, command, strlen(command));
	message_end(out, &body);
	out->failed = out->failed || !text_ok(&body);
	text_finish(&body);
}

static bool mux_watch(struct ssh_mux *mux, struct error *error)
{
	bool writes = mux->out.length > 0 || (mux->stage == SSH_MUX_REQUEST && mux->handed < 3);
	return loop_watch(mux->loop, mux->fd, writes ? LOOP_READ | LOOP_WRITE : LOOP_READ,
		mux_ready, mux, error);
}

/* Connect and begin with our hello. */
static bool mux_connect(struct ssh_mux *mux, enum ssh_mux_stage stage, struct error *error)
{
	socket_close(mux);
	text_clear(&mux->in);
	text_clear(&mux->out);
	mux->stage = stage;
	mux->fd = socket_open(mux->path);
	if (mux->fd < 0)
		return error_set(error, ERROR_UNREACHABLE, "the ssh client has gone");
	hello_add(&mux->out);
	if (!text_ok(&mux->out))
		return error_no_memory(error, "an ssh command");
	return mux_watch(mux, error);
}

bool ssh_mux_start(struct ssh_mux *mux, struct error *error)
{
	mux->null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	bool ok = mux->null_fd >= 0;
	for (int i = 0; ok && i < 2; i++) {
		int ends[2];
		ok = pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0;
		if (ok) {
			mux->streams[i].fd = ends[0];
			mux->streams[i].theirs = ends[1];
		}
	}
	if (!ok)
		return error_errno(error, "cannot open what a command's output comes through");
	return mux_connect(mux, SSH_MUX_HELLO, error);
}

static void mux_over(struct ssh_mux *mux, enum ssh_mux_end end, const struct error *error)
{
	mux->over(mux->context, mux, end, error);
}

static void mux_fail(struct ssh_mux *mux, const char *why)
{
	struct error error;
	error_set(&error, ERROR_UNREACHABLE, "%s", why);
	if (!mux->job->sent)
		mux_over(mux, SSH_MUX_ABSENT, &error);
	else
		mux_over(mux, SSH_MUX_FAILED, &error);
}

static void reply_set(struct ssh_mux *mux)
{
	mux->job->has_exit_status = mux->has_status;
	mux->job->exit_status = mux->status;
	mux->is_complete = true;
}

/* True when it is over, and the mux may be gone. */
static bool mux_settle(struct ssh_mux *mux)
{
	bool is_read = mux->streams[0].fd < 0 && mux->streams[1].fd < 0;
	if (!is_read || (!mux->has_status && !mux->is_complete))
		return false;
	reply_set(mux);
	mux_over(mux, SSH_MUX_DONE, NULL);
	return true;
}

bool ssh_mux_expire(struct ssh_mux *mux)
{
	if (!mux->has_status && !mux->is_complete)
		return false;
	reply_set(mux);
	mux->job->truncated = true;
	return true;
}

static void stream_ready(void *context, int fd, unsigned events)
{
	struct ssh_mux_stream *stream = context;
	struct ssh_mux *mux = stream->mux;
	char bytes[READ_BYTES];
	(void)events;
	for (int i = 0; i < READS_PER_TURN; i++) {
		ssize_t got = read(fd, bytes, sizeof(bytes));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return;
		if (got <= 0) {
			stream_close(stream);
			mux_settle(mux);
			return;
		}
		ssh_job_take(mux->job, stream == &mux->streams[1], bytes, (size_t)got);
	}
}

/* One byte with one descriptor, as the client takes them. */
static bool descriptor_send(int fd, int handed)
{
	char byte = '\0';
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &handed, sizeof(int));
	return sendmsg(fd, &message, MSG_NOSIGNAL) == 1;
}

/* The streams are theirs from here on. False when watching them failed. */
static bool streams_watch(struct ssh_mux *mux, struct error *error)
{
	for (int i = 0; i < 2; i++) {
		struct ssh_mux_stream *stream = &mux->streams[i];
		close(stream->theirs);
		stream->theirs = -1;
		if (!loop_watch(mux->loop, stream->fd, LOOP_READ, stream_ready, stream, error))
			return false;
	}
	return true;
}

/* False when the socket is of no more use. */
static bool mux_write(struct ssh_mux *mux)
{
	struct error error;
	while (mux->out.length > 0) {
		if (mux->stage == SSH_MUX_REQUEST)
			mux->job->sent = true;
		ssize_t put = send(mux->fd, text_string(&mux->out), mux->out.length, MSG_NOSIGNAL);
		if (put < 0)
			return errno == EAGAIN || errno == EINTR;
		text_drop(&mux->out, (size_t)put);
	}
	if (mux->stage != SSH_MUX_REQUEST)
		return true;
	const int fds[] = {mux->null_fd, mux->streams[0].theirs, mux->streams[1].theirs};
	for (; mux->handed < 3; mux->handed++) {
		if (!descriptor_send(mux->fd, fds[mux->handed]))
			return errno == EAGAIN || errno == EINTR;
	}
	mux->stage = SSH_MUX_OPENING;
	return streams_watch(mux, &error);
}

static bool take_hello(struct ssh_mux *mux, struct ssh_bytes body)
{
	uint32_t version = 0;
	if (!ssh_bytes_u32(&body, &version) || version != VERSION)
		return false;
	if (mux->stage == SSH_MUX_CHECKING) {
		/* It serves: so the server closed the command's channel and gave no exit value. */
		socket_close(mux);
		mux->is_complete = true;
		return true;
	}
	request_add(&mux->out, mux->job->command);
	mux->stage = SSH_MUX_REQUEST;
	return text_ok(&mux->out);
}

/* The words of a refusal, "Session open refused by peer". True: over. */
static bool take_refusal(struct ssh_mux *mux, struct ssh_bytes body)
{
	uint32_t id = 0;
	struct ssh_bytes reason = {0};
	struct error error;
	char words[200] = "";
	if (ssh_bytes_u32(&body, &id) && ssh_bytes_string(&body, &reason))
		sanitise((const char *)reason.at, reason.left, words, sizeof(words));
	error_set(&error, ERROR_REJECTED, "the ssh client opened no session: %s", words);
	mux->job->sent = false;
	mux_over(mux, SSH_MUX_REFUSED, &error);
	return true;
}

/* One message. True when it is over, and the mux may be gone. */
static bool mux_take(struct ssh_mux *mux, struct ssh_bytes message)
{
	uint32_t type = 0, id = 0, value = 0;
	if (!ssh_bytes_u32(&message, &type)) {
		mux_fail(mux, "the ssh client sent an empty message");
		return true;
	}
	if (type == MUX_HELLO && (mux->stage == SSH_MUX_HELLO || mux->stage == SSH_MUX_CHECKING)) {
		if (take_hello(mux, message))
			return mux->stage == SSH_MUX_CHECKING && mux_settle(mux);
		mux_fail(mux, "the ssh client speaks another version of its control protocol");
		return true;
	}
	bool is_refusal = type == MUX_FAILURE || type == MUX_PERMISSION_DENIED;
	if (is_refusal && mux->stage == SSH_MUX_OPENING)
		return take_refusal(mux, message);
	if (type == MUX_OPENED && mux->stage == SSH_MUX_OPENING) {
		mux->stage = SSH_MUX_RUNNING;
		ssh_job_deadline(mux->job, mux->job->timeout_ms);
	} else if (type == MUX_EXIT && ssh_bytes_u32(&message, &id) &&
		   ssh_bytes_u32(&message, &value)) {
		mux->has_status = true;
		mux->status = (int)(value & 0xff);
		return mux_settle(mux);
	}
	return false;
}

/* The socket has ended: a good end, an open question, or a loss. */
static void mux_closed(struct ssh_mux *mux)
{
	struct error error;
	enum ssh_mux_stage stage = mux->stage;
	socket_close(mux);
	if (mux->has_status || mux->is_complete)
		return;
	if (stage != SSH_MUX_RUNNING || !mux_connect(mux, SSH_MUX_CHECKING, &error))
		mux_fail(mux, "the connection was lost");
}

/* What has come, message by message. True when it is over, and the mux may be gone. */
static bool messages_take(struct ssh_mux *mux)
{
	for (;;) {
		struct ssh_bytes bytes = {
			.at = (const unsigned char *)text_string(&mux->in), .left = mux->in.length};
		struct ssh_bytes message;
		if (!ssh_bytes_string(&bytes, &message))
			return false;
		size_t used = mux->in.length - bytes.left;
		if (mux_take(mux, message))
			return true;
		if (mux->fd < 0)
			return true;
		text_drop(&mux->in, used);
	}
}

static void mux_ready(void *context, int fd, unsigned events)
{
	struct ssh_mux *mux = context;
	struct error error;
	char bytes[4096];
	(void)events;
	ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
	bool is_closed = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
	if (got > 0) {
		text_append(&mux->in, bytes, (size_t)got);
		if (!text_ok(&mux->in)) {
			mux_fail(mux, "the ssh client sent more than was asked for");
			return;
		}
		if (messages_take(mux))
			return;
	}
	if (is_closed || !mux_write(mux)) {
		mux_closed(mux);
		return;
	}
	if (!mux_watch(mux, &error))
		mux_fail(mux, error.text);
}

void ssh_mux_terminate(const char *path)
{
	struct text out, body;
	int fd = socket_open(path);
	if (fd < 0)
		return;
	text_init(&out, REQUEST_BYTES);
	text_init(&body, 16);
	hello_add(&out);
	ssh_bytes_add_u32(&body, MUX_TERMINATE);
	ssh_bytes_add_u32(&body, REQUEST_ID);
	message_end(&out, &body);
	/* If it cannot be told, it ends by itself a while after its last command. */
	if (text_ok(&out) && text_ok(&body))
		(void)!send(fd, text_string(&out), out.length, MSG_NOSIGNAL);
	text_finish(&out);
	text_finish(&body);
	close(fd);
}
