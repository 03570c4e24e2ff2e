/*
 * ssh_server.h - the fleet's jump host over SSH, on loopback only.
 *
 * User `ops` with the one key that is made at start; no passwords, no shells, no forwarding: a
 * session may execute the command of model_shell.h and nothing else. Host key and user key are
 * ed25519 and new at every start.
 */
#ifndef BACKENDS_SIM_SSH_SERVER_H
#define BACKENDS_SIM_SSH_SERVER_H

struct box;
struct error;
struct ssh_server;
struct world;

#define SSH_SERVER_CONNECTIONS_MOST 16 /* one more is closed at once */

/*
 * Make the keys, write `id_ed25519` and `known_hosts` into the box and listen on 127.0.0.1:`port`
 * (0: any free one). NULL with ERROR_IO, ERROR_LIMIT or ERROR_NO_MEMORY.
 */
struct ssh_server *ssh_server_create(
	struct world *world, struct box *box, int port, struct error *error);

/* Hang up on everybody and stop. NULL is allowed. */
void ssh_server_destroy(struct ssh_server *server);

int ssh_server_port(const struct ssh_server *server);

#endif
