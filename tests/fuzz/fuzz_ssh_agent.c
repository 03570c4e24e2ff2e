/* Any answers of an ssh-agent: keys and signatures that lie within what it said, or a reason. The
 * first byte tells how much of the rest answers the first question. */
#include "core/wire/ssh_agent.h"
#include "core/wire/ssh_key.h"
#include "tests/fuzz/peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void woken(void *context)
{
	++*(unsigned *)context;
}

static void settle(struct peer *peer, const struct ssh_agent *agent)
{
	for (int i = 0; i < PEER_TURNS_MOST && ssh_agent_state(agent) == SSH_AGENT_BUSY; i++)
		peer_turn(peer);
}

static void check_keys(const struct ssh_agent *agent)
{
	if (ssh_agent_key_count(agent) > SSH_AGENT_KEYS_MOST)
		abort();
	for (size_t i = 0; i < ssh_agent_key_count(agent); i++) {
		struct ssh_bytes key = ssh_agent_key(agent, i);
		if (!ssh_key_type_is_usable(&key))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct peer *peer = peer_get();
	unsigned wakes = 0;
	if (size == 0)
		return 0;
	size_t first = (size - 1) * data[0] / 255;
	struct ssh_agent *agent = ssh_agent_create(peer->loop, peer->path, woken, &wakes, NULL);
	int fd = peer_accept(peer);
	if (!agent || fd < 0)
		abort();
	peer_turn(peer);
	peer_say(fd, data + 1, first);
	settle(peer, agent);
	if (ssh_agent_state(agent) == SSH_AGENT_READY && ssh_agent_key_count(agent) > 0) {
		check_keys(agent);
		struct ssh_bytes key = ssh_agent_key(agent, 0);
		if (!ssh_agent_sign(agent, &key, "data", 4))
			abort();
		peer_turn(peer);
		peer_say(fd, data + 1 + first, size - 1 - first);
		settle(peer, agent);
		if (ssh_agent_state(agent) == SSH_AGENT_READY &&
			ssh_agent_signature(agent).left > size)
			abort();
	}
	close(fd);
	settle(peer, agent);
	/* With the connection gone nothing is left to wait for. */
	if (ssh_agent_state(agent) == SSH_AGENT_BUSY || wakes == 0 || wakes > 2)
		abort();
	ssh_agent_destroy(agent);
	return 0;
}
