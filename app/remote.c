#include "app/remote.h"

#include <stdlib.h>

#include "app/engine.h"
#include "backends/carrier.h"
#include "backends/poller.h"
#include "core/base/error.h"
#include "core/wire/ssh.h"

struct remote {
	struct command_door door;
};

struct remote *remote_create(struct engine *engine, struct error *error)
{
	struct remote *remote = calloc(1, sizeof *remote);
	if (!remote) {
		error_no_memory(error, "the SSH client");
		return NULL;
	}
	remote->door = (struct command_door){
		.run = ssh_run,
		.cancel = ssh_cancel,
		.ssh = ssh_create(engine->loop, engine->http, error),
	};
	if (!remote->door.ssh) {
		free(remote);
		return NULL;
	}
	poller_set_commands(engine->poller, &remote->door);
	return remote;
}

void remote_destroy(struct remote *remote)
{
	if (!remote)
		return;
	ssh_destroy(remote->door.ssh);
	free(remote);
}

struct ssh *remote_ssh(const struct remote *remote)
{
	return remote->door.ssh;
}
