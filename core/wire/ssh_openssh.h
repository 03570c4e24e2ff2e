/*
 * ssh_openssh.h - the second way for a command: the connections that the system's ssh client holds,
 * and the private directory with their control sockets.
 *
 * For what libssh2 cannot: RSA keys, certificates, hardware keys, hosts that offer none of our
 * algorithms, and whatever the user's ssh_config says.
 */
#ifndef CORE_WIRE_SSH_OPENSSH_H
#define CORE_WIRE_SSH_OPENSSH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/wire/ssh_master.h"

struct error;
struct loop;
struct ssh_job;
struct ssh_openssh;

#define SSH_OPENSSH_MASTERS_MOST 64 /* each is a process of some megabytes */

/* NULL without memory. The directory is made when it is needed. */
struct ssh_openssh *ssh_openssh_create(struct loop *loop, const struct ssh_master_owner *owner);

/* Ends the clients; no job may be left. Removes the directory. */
void ssh_openssh_destroy(struct ssh_openssh *openssh);

/* Put a job on a client that has room, or start one. False with ERROR_NONE: it must wait. */
bool ssh_openssh_take(struct ssh_openssh *openssh, struct ssh_job *job, struct error *error);

/* Free the dead. */
void ssh_openssh_sweep(struct ssh_openssh *openssh);

/* End all for the reason in `error`. */
void ssh_openssh_fail(struct ssh_openssh *openssh, const struct error *error);

/* A job that is on one of them. */
struct ssh_job *ssh_openssh_find(const struct ssh_openssh *openssh, uint64_t id);

#endif
