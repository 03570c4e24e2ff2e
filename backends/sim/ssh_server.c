#include "backends/sim/ssh_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/sim/box.h"
#include "backends/sim/model_shell.h"
#include "backends/sim/world.h"
#include "core/base/error.h"
#include "core/base/text.h"

#define CHANNELS_MOST 8 /* one after the other or side by side, per connection */
#define OUTPUT_BYTES (256 * 1024)
#define TURN_MS 100     /* how soon a stop is noticed */
#define IDLE_TURNS 3000 /* without a command, a connection lasts this many turns: five minutes */
#define HANDSHAKE_S 5L

static const char key_name[] = "id_ed25519";
static const char known_hosts_name[] = "known_hosts";
static const char user_name[] = "ops";

struct ssh_server {
	struct world *world;
	ssh_bind bind;
	ssh_key user_key;
	int socket, port;
	pthread_t thread;
	bool started;
	atomic_bool stop;
	atomic_int connections;
};

/* One channel of a connection and the command it is to run. */
struct channel {
	ssh_channel handle;
	struct ssh_channel_callbacks_struct callbacks;
	char command[SHELL_LINE_BYTES];
	bool asked;
};

struct connection {
	struct ssh_server *server;
	ssh_session session;
	struct ssh_server_callbacks_struct callbacks;
	bool welcome; /* authenticated */
	int idle_turns;
	struct channel channels[CHANNELS_MOST];
	size_t channel_count;
};

/* ---- what the library calls ---- */

static int on_public_key(ssh_session session, const char *user, struct ssh_key_struct *key,
	char signature, void *context)
{
	struct connection *connection = context;
	(void)session;
	if (strcmp(user, user_name) != 0 ||
		ssh_key_cmp(key, connection->server->user_key, SSH_KEY_CMP_PUBLIC) != 0)
		return SSH_AUTH_DENIED;
	if (signature == SSH_PUBLICKEY_STATE_NONE)
		return SSH_AUTH_SUCCESS; /* such a key would do; now let it sign */
	if (signature != SSH_PUBLICKEY_STATE_VALID)
		return SSH_AUTH_DENIED;
	connection->welcome = true;
	return SSH_AUTH_SUCCESS;
}

static int on_exec(ssh_session session, ssh_channel handle, const char *command, void *context)
{
	struct channel *channel = context;
	(void)session;
	(void)handle;
	/* A line too long is kept as one that no command matches: the shell says so. */
	snprintf(channel->command, sizeof channel->command, "%s",
		strlen(command) < sizeof channel->command ? command : "(too long)");
	channel->asked = true;
	return SSH_OK;
}

static ssh_channel on_open(ssh_session session, void *context)
{
	struct connection *connection = context;
	if (!connection->welcome || connection->channel_count == CHANNELS_MOST)
		return NULL;
	struct channel *channel = &connection->channels[connection->channel_count];
	*channel = (struct channel){.handle = ssh_channel_new(session)};
	if (!channel->handle)
		return NULL;
	connection->channel_count++;
	channel->callbacks.userdata = channel;
	channel->callbacks.channel_exec_request_function = on_exec;
	ssh_callbacks_init(&channel->callbacks);
	ssh_set_channel_callbacks(channel->handle, &channel->callbacks);
	return channel->handle;
}

/* ---- a connection ---- */

static void reply_write(ssh_channel handle, const struct text *text, bool is_error)
{
	if (text->length == 0)
		return;
	if (is_error)
		ssh_channel_write_stderr(handle, text->bytes, (uint32_t)text->length);
	else
		ssh_channel_write(handle, text->bytes, (uint32_t)text->length);
}

static void channel_run(struct connection *connection, struct channel *channel)
{
	struct text out, err;
	channel->asked = false;
	text_init(&out, OUTPUT_BYTES);
	text_init(&err, OUTPUT_BYTES);
	world_enter(connection->server->world);
	int status = shell_run(connection->server->world->model, channel->command, &out, &err);
	world_leave(connection->server->world);
	reply_write(channel->handle, &out, false);
	reply_write(channel->handle, &err, true);
	ssh_channel_request_send_exit_status(channel->handle, status);
	ssh_channel_send_eof(channel->handle);
	ssh_channel_close(channel->handle);
	text_finish(&out);
	text_finish(&err);
}

/* Run what was asked for. True when there was something. */
static bool connection_serve(struct connection *connection)
{
	bool served = false;
	for (size_t i = 0; i < connection->channel_count; i++) {
		if (connection->channels[i].asked) {
			channel_run(connection, &connection->channels[i]);
			served = true;
		}
	}
	return served;
}

static void connection_talk(struct connection *connection)
{
	ssh_event event = ssh_event_new();
	if (!event)
		return;
	if (ssh_event_add_session(event, connection->session) == SSH_OK) {
		while (!atomic_load(&connection->server->stop) &&
			connection->idle_turns++ < IDLE_TURNS) {
			if (ssh_event_dopoll(event, TURN_MS) == SSH_ERROR)
				break;
			if (connection_serve(connection))
				connection->idle_turns = 0;
			if (!ssh_is_connected(connection->session))
				break;
		}
		ssh_event_remove_session(event, connection->session);
	}
	ssh_event_free(event);
}

static void *connection_main(void *context)
{
	struct connection *connection = context;
	struct ssh_server *server = connection->server;
	connection->callbacks.userdata = connection;
	connection->callbacks.auth_pubkey_function = on_public_key;
	connection->callbacks.channel_open_request_session_function = on_open;
	ssh_callbacks_init(&connection->callbacks);
	ssh_set_server_callbacks(connection->session, &connection->callbacks);
	ssh_set_auth_methods(connection->session, SSH_AUTH_METHOD_PUBLICKEY);
	if (ssh_handle_key_exchange(connection->session) == SSH_OK)
		connection_talk(connection);
	ssh_disconnect(connection->session);
	ssh_free(connection->session);
	free(connection);
	atomic_fetch_sub(&server->connections, 1);
	return NULL;
}

/* ---- listening ---- */

/* Hand an accepted socket to a thread of its own; on any failure it is closed. */
static void server_welcome(struct ssh_server *server, int socket)
{
	long handshake_s = HANDSHAKE_S;
	pthread_t thread;
	struct connection *connection = calloc(1, sizeof *connection);
	if (!connection || atomic_load(&server->connections) >= SSH_SERVER_CONNECTIONS_MOST) {
		close(socket);
		free(connection);
		return;
	}
	connection->server = server;
	connection->session = ssh_new();
	if (!connection->session ||
		ssh_bind_accept_fd(server->bind, connection->session, socket) != SSH_OK) {
		close(socket);
		ssh_free(connection->session);
		free(connection);
		return;
	}
	ssh_options_set(connection->session, SSH_OPTIONS_TIMEOUT, &handshake_s);
	atomic_fetch_add(&server->connections, 1);
	if (pthread_create(&thread, NULL, connection_main, connection) != 0) {
		atomic_fetch_sub(&server->connections, 1);
		ssh_disconnect(connection->session);
		ssh_free(connection->session);
		free(connection);
		return;
	}
	pthread_detach(thread);
}

static void *server_main(void *context)
{
	struct ssh_server *server = context;
	struct pollfd poller = {.fd = server->socket, .events = POLLIN};
	while (!atomic_load(&server->stop)) {
		if (poll(&poller, 1, TURN_MS) <= 0)
			continue;
		int socket = accept4(server->socket, NULL, NULL, SOCK_CLOEXEC);
		if (socket >= 0)
			server_welcome(server, socket);
	}
	return NULL;
}

static bool server_listen(struct ssh_server *server, int port, struct error *error)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int yes = 1;
	server->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server->socket < 0)
		return error_errno(error, "cannot make a socket");
	setsockopt(server->socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (bind(server->socket, (struct sockaddr *)&address, sizeof address) != 0 ||
		listen(server->socket, SSH_SERVER_CONNECTIONS_MOST) != 0 ||
		getsockname(server->socket, (struct sockaddr *)&address, &size) != 0)
		return error_errno(error, "cannot listen for SSH on 127.0.0.1:%d", port);
	server->port = ntohs(address.sin_port);
	return true;
}

/* ---- keys ---- */

static bool write_user_key(struct ssh_server *server, struct box *box, struct error *error)
{
	char path[BOX_PATH_BYTES];
	/* Created by us first, private from its first byte; the library then fills it. */
	if (!box_write(box, key_name, "", error) || !box_path(box, key_name, path, error))
		return false;
	if (ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &server->user_key) != SSH_OK ||
		ssh_pki_export_privkey_file(server->user_key, NULL, NULL, NULL, path) != SSH_OK)
		return error_set(error, ERROR_IO, "cannot make the key '%s'", path);
	return true;
}

static bool write_known_hosts(
	struct ssh_server *server, ssh_key host_key, struct box *box, struct error *error)
{
	char *encoded = NULL;
	char line[512];
	if (ssh_pki_export_pubkey_base64(host_key, &encoded) != SSH_OK)
		return error_set(error, ERROR_IO, "cannot encode the host key");
	snprintf(line, sizeof line, "[127.0.0.1]:%d ssh-ed25519 %s\n", server->port, encoded);
	ssh_string_free_char(encoded);
	return box_write(box, known_hosts_name, line, error);
}

static bool server_keys(struct ssh_server *server, struct box *box, struct error *error)
{
	ssh_key host_key = NULL;
	if (ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &host_key) != SSH_OK)
		return error_set(error, ERROR_IO, "cannot make a host key");
	if (!write_known_hosts(server, host_key, box, error)) {
		ssh_key_free(host_key);
		return false;
	}
	/* From here on the host key is the library's. */
	if (ssh_bind_options_set(server->bind, SSH_BIND_OPTIONS_IMPORT_KEY, host_key) != SSH_OK) {
		ssh_key_free(host_key);
		return error_set(error, ERROR_IO, "cannot use the host key");
	}
	return write_user_key(server, box, error);
}

/* ---- birth and death ---- */

struct ssh_server *ssh_server_create(
	struct world *world, struct box *box, int port, struct error *error)
{
	struct ssh_server *server = calloc(1, sizeof *server);
	if (!server) {
		error_no_memory(error, "the SSH server");
		return NULL;
	}
	bool no_config = false;
	server->world = world;
	server->socket = -1;
	server->bind = ssh_bind_new();
	if (!server->bind) {
		error_no_memory(error, "the SSH server");
		ssh_server_destroy(server);
		return NULL;
	}
	ssh_bind_options_set(server->bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no_config);
	if (!server_listen(server, port, error) || !server_keys(server, box, error)) {
		ssh_server_destroy(server);
		return NULL;
	}
	if (pthread_create(&server->thread, NULL, server_main, server) != 0) {
		error_set(error, ERROR_IO, "cannot start a thread for SSH");
		ssh_server_destroy(server);
		return NULL;
	}
	server->started = true;
	return server;
}

void ssh_server_destroy(struct ssh_server *server)
{
	if (!server)
		return;
	atomic_store(&server->stop, true);
	if (server->started)
		pthread_join(server->thread, NULL);
	/* Threads of connections notice the stop within a turn, or when a handshake times out. */
	while (atomic_load(&server->connections) > 0)
		poll(NULL, 0, TURN_MS / 10);
	if (server->socket >= 0)
		close(server->socket);
	ssh_bind_free(server->bind);
	ssh_key_free(server->user_key);
	free(server);
}

int ssh_server_port(const struct ssh_server *server)
{
	return server->port;
}
