/* peer.h - a unix socket in memory's file system on which a fuzz target plays the other side. */
#ifndef TESTS_FUZZ_PEER_H
#define TESTS_FUZZ_PEER_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"

#define PEER_TURNS_MOST 64

struct peer {
	struct clock clock;
	struct loop *loop;
	int listening;
	char path[64];
};

/* Opened once and kept: one process is one peer. */
static inline struct peer *peer_get(void)
{
	static struct peer peer = {.listening = -1};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (peer.listening >= 0)
		return &peer;
	snprintf(peer.path, sizeof(peer.path), "/dev/shm/spillway-fuzz-%ld", (long)getpid());
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", peer.path);
	unlink(peer.path);
	clock_init_system(&peer.clock);
	peer.loop = loop_create(&peer.clock, NULL);
	peer.listening = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (!peer.loop || peer.listening < 0 ||
		bind(peer.listening, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
		listen(peer.listening, 8) != 0)
		abort();
	return &peer;
}

/* Whoever has connected, -1 nobody. */
static inline int peer_accept(const struct peer *peer)
{
	return accept4(peer->listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/* Say it, as far as the socket takes it, and hear what was said so far. */
static inline void peer_say(int fd, const uint8_t *data, size_t size)
{
	char heard[4096];
	while (recv(fd, heard, sizeof(heard), 0) > 0)
		continue;
	if (send(fd, data, size, MSG_NOSIGNAL) < 0)
		return;
}

static inline void peer_turn(struct peer *peer)
{
	struct error error;
	if (!loop_turn(peer->loop, 0, &error))
		abort();
}

#endif
