/* Any messages of an ssh client behind its control socket: a command's end is told once, and never
 * that nothing was sent after it was. The first byte tells how much of the rest comes at once. */
#include "core/wire/ssh_job.h"
#include "core/wire/ssh_mux.h"
#include "tests/fuzz/peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct watch {
	unsigned ends;
	enum ssh_mux_end end;
};

static void over(
	void *context, struct ssh_mux *mux, enum ssh_mux_end end, const struct error *error)
{
	struct watch *watch = context;
	watch->ends++;
	watch->end = end;
	if ((end == SSH_MUX_DONE) != (error == NULL) || (end == SSH_MUX_ABSENT && mux->job->sent))
		abort();
	ssh_mux_destroy(mux);
}

static void done(void *context, const struct ssh_reply *reply, const struct error *error)
{
	(void)context;
	(void)reply;
	(void)error;
}

static void expired(void *context)
{
	(void)context;
}

/* Until it is over, or has nothing more to say. Whoever knocks again is told the same. */
static void play(struct peer *peer, const struct watch *watch, const uint8_t *data, size_t size)
{
	size_t first = (size - 1) * data[0] / 255;
	int fd = peer_accept(peer);
	for (int i = 0; i < PEER_TURNS_MOST && watch->ends == 0 && fd >= 0; i++) {
		if (i == 0)
			peer_say(fd, data + 1, first);
		else if (i == 4)
			peer_say(fd, data + 1 + first, size - 1 - first);
		else
			peer_say(fd, data, 0);
		if (i == 12) {
			close(fd);
			peer_turn(peer);
			fd = peer_accept(peer);
			i = fd >= 0 ? -1 : i;
		}
		peer_turn(peer);
	}
	if (fd >= 0)
		close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct peer *peer = peer_get();
	struct watch watch = {.ends = 0};
	struct error error;
	const struct ssh_command command = {
		.host = "db", .via = SSH_VIA_OPENSSH, .command = "true"};
	if (size == 0)
		return 0;
	struct ssh_job *job = ssh_job_create(&command, done, NULL, &error);
	if (!job)
		abort();
	job->loop = peer->loop;
	job->expired = expired;
	struct ssh_mux *mux = ssh_mux_create(peer->loop, peer->path, job, over, &watch);
	if (!mux || !ssh_mux_start(mux, &error))
		abort();
	play(peer, &watch, data, size);
	if (watch.ends > 1)
		abort();
	if (watch.ends == 0)
		ssh_mux_destroy(mux);
	loop_timer_stop(peer->loop, job->timer);
	ssh_job_destroy(job);
	return 0;
}
