#include "core/wire/ssh_agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/base/text.h"
#include "core/wire/ssh_key.h"

/* draft-miller-ssh-agent, section 5.1 */
enum {
	AGENT_FAILURE = 5,
	AGENT_REQUEST_IDENTITIES = 11,
	AGENT_IDENTITIES_ANSWER = 12,
	AGENT_SIGN_REQUEST = 13,
	AGENT_SIGN_RESPONSE = 14,
};

struct ssh_agent {
	struct loop *loop;
	int fd;
	ssh_agent_wake_fn *wake;
	void *context;
	enum ssh_agent_state state;
	uint8_t expected; /* the type of the answer */
	struct text out, in;
	struct text list; /* the identities answer, which `keys` point into */
	struct ssh_bytes keys[SSH_AGENT_KEYS_MOST];
	size_t key_count;
	struct ssh_bytes asked_key;
	struct ssh_bytes signature; /* in `in` */
	struct error error;
};

static void agent_ready(void *context, int fd, unsigned events);

static void agent_settle(struct ssh_agent *agent, enum ssh_agent_state state)
{
	agent->state = state;
	loop_unwatch(agent->loop, agent->fd);
	agent->wake(agent->context);
}

static void agent_lose(struct ssh_agent *agent, const char *why)
{
	error_set(&agent->error, ERROR_IO, "the agent %s", why);
	agent_settle(agent, SSH_AGENT_LOST);
}

static bool agent_watch(struct ssh_agent *agent)
{
	unsigned events = agent->out.length > 0 ? LOOP_READ | LOOP_WRITE : LOOP_READ;
	return loop_watch(agent->loop, agent->fd, events, agent_ready, agent, &agent->error);
}

/* Put the question whose body is in `out` after room for its length. */
static bool agent_ask(struct ssh_agent *agent, uint8_t expected)
{
	if (!text_ok(&agent->out))
		return false;
	uint32_t length = (uint32_t)agent->out.length - 4;
	for (unsigned i = 0; i < 4; i++)
		agent->out.bytes[i] = (char)(length >> (24 - 8 * i));
	text_clear(&agent->in);
	agent->expected = expected;
	agent->state = SSH_AGENT_BUSY;
	return agent_watch(agent);
}

static bool identities_read(struct ssh_agent *agent, struct ssh_bytes body)
{
	uint32_t count = 0;
	text_append(&agent->list, (const char *)body.at, body.left);
	struct ssh_bytes bytes = {
		.at = (const unsigned char *)text_string(&agent->list), .left = agent->list.length};
	if (!text_ok(&agent->list) || !ssh_bytes_u32(&bytes, &count))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		struct ssh_bytes blob, comment;
		if (!ssh_bytes_string(&bytes, &blob) || !ssh_bytes_string(&bytes, &comment))
			return false;
		if (agent->key_count < SSH_AGENT_KEYS_MOST && ssh_key_type_is_usable(&blob))
			agent->keys[agent->key_count++] = blob;
	}
	return true;
}

/* The signature names its algorithm; for the types in use that is the type of the key. */
static bool signature_read(struct ssh_agent *agent, struct ssh_bytes body)
{
	struct ssh_bytes signature, name, type, key = agent->asked_key;
	return ssh_bytes_string(&body, &signature) && ssh_bytes_string(&signature, &name) &&
	       ssh_bytes_string(&key, &type) && name.left == type.left &&
	       memcmp(name.at, type.at, name.left) == 0 &&
	       ssh_bytes_string(&signature, &agent->signature);
}

/* A whole message: its type and the rest. */
static void agent_answer(struct ssh_agent *agent, struct ssh_bytes message)
{
	uint8_t type = 0;
	if (!ssh_bytes_u8(&message, &type)) {
		agent_lose(agent, "sent an empty answer");
	} else if (type == AGENT_FAILURE) {
		agent_settle(agent, SSH_AGENT_REFUSED);
	} else if (type != agent->expected) {
		agent_lose(agent, "answered something else than it was asked");
	} else {
		bool ok = type == AGENT_IDENTITIES_ANSWER ? identities_read(agent, message)
							  : signature_read(agent, message);
		if (ok)
			agent_settle(agent, SSH_AGENT_READY);
		else
			agent_lose(agent, "sent an answer that cannot be read");
	}
}

static bool agent_write(struct ssh_agent *agent)
{
	while (agent->out.length > 0) {
		ssize_t sent = send(agent->fd, agent->out.bytes, agent->out.length, MSG_NOSIGNAL);
		if (sent < 0)
			return errno == EAGAIN || errno == EINTR;
		text_drop(&agent->out, (size_t)sent);
	}
	return true;
}

static void agent_read(struct ssh_agent *agent)
{
	char bytes[4096];
	while (agent->state == SSH_AGENT_BUSY) {
		ssize_t got = recv(agent->fd, bytes, sizeof(bytes), 0);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (got <= 0) {
			agent_lose(agent, "closed the connection");
			return;
		}
		text_append(&agent->in, bytes, (size_t)got);
		if (!text_ok(&agent->in)) {
			agent_lose(agent, "sent more than a message may hold");
			return;
		}
		struct ssh_bytes in = {.at = (const unsigned char *)text_string(&agent->in),
			.left = agent->in.length};
		struct ssh_bytes message;
		if (ssh_bytes_string(&in, &message))
			agent_answer(agent, message);
	}
}

static void agent_ready(void *context, int fd, unsigned events)
{
	struct ssh_agent *agent = context;
	(void)fd;
	if (events & LOOP_WRITE) {
		if (!agent_write(agent)) {
			agent_lose(agent, "closed the connection");
			return;
		}
		if (agent->out.length == 0 && !agent_watch(agent)) {
			agent_settle(agent, SSH_AGENT_LOST);
			return;
		}
	}
	if (events & (LOOP_READ | LOOP_HANGUP))
		agent_read(agent);
}

static bool agent_connect(struct ssh_agent *agent, const char *path, struct error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address.sun_path))
		return error_set(error, ERROR_IO,
			"the agent's socket path is longer than %zu bytes",
			sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	agent->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (agent->fd < 0)
		return error_errno(error, "cannot make a socket for the agent");
	if (connect(agent->fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		return error_errno(error, "cannot connect to the agent at '%s'", path);
	return true;
}

struct ssh_agent *ssh_agent_create(struct loop *loop, const char *socket_path,
	ssh_agent_wake_fn *wake, void *context, struct error *error)
{
	struct ssh_agent *agent = calloc(1, sizeof(*agent));
	if (!agent) {
		error_no_memory(error, "an agent connection");
		return NULL;
	}
	agent->loop = loop;
	agent->fd = -1;
	agent->wake = wake;
	agent->context = context;
	text_init(&agent->out, SSH_AGENT_MESSAGE_BYTES);
	text_init(&agent->in, SSH_AGENT_MESSAGE_BYTES);
	text_init(&agent->list, SSH_AGENT_MESSAGE_BYTES);
	if (!agent_connect(agent, socket_path, error)) {
		ssh_agent_destroy(agent);
		return NULL;
	}
	ssh_bytes_add_u32(&agent->out, 0);
	text_add_char(&agent->out, AGENT_REQUEST_IDENTITIES);
	if (!agent_ask(agent, AGENT_IDENTITIES_ANSWER)) {
		ssh_agent_destroy(agent);
		error_no_memory(error, "an agent connection");
		return NULL;
	}
	return agent;
}

void ssh_agent_destroy(struct ssh_agent *agent)
{
	if (!agent)
		return;
	if (agent->fd >= 0) {
		loop_unwatch(agent->loop, agent->fd);
		close(agent->fd);
	}
	text_finish(&agent->out);
	text_finish(&agent->in);
	text_finish(&agent->list);
	free(agent);
}

enum ssh_agent_state ssh_agent_state(const struct ssh_agent *agent)
{
	return agent->state;
}

const struct error *ssh_agent_error(const struct ssh_agent *agent)
{
	return &agent->error;
}

size_t ssh_agent_key_count(const struct ssh_agent *agent)
{
	return agent->key_count;
}

struct ssh_bytes ssh_agent_key(const struct ssh_agent *agent, size_t index)
{
	return agent->keys[index];
}

bool ssh_agent_sign(
	struct ssh_agent *agent, const struct ssh_bytes *key, const void *data, size_t length)
{
	text_clear(&agent->out);
	ssh_bytes_add_u32(&agent->out, 0);
	text_add_char(&agent->out, AGENT_SIGN_REQUEST);
	ssh_bytes_add_string(&agent->out, key->at, key->left);
	ssh_bytes_add_string(&agent->out, data, length);
	ssh_bytes_add_u32(&agent->out, 0);
	agent->asked_key = *key;
	return agent_ask(agent, AGENT_SIGN_RESPONSE);
}

struct ssh_bytes ssh_agent_signature(const struct ssh_agent *agent)
{
	return agent->signature;
}
