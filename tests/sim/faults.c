/*
 * faults.c - the wire and the disk of the simulation.
 *
 * The executor links this transport instead of the real one; the journal is the real one, and its
 * system calls come through here, where a disk fills up and a process dies between any two of them.
 * A process that died does no more I/O: what it still believes to write or send goes nowhere.
 */
#include "tests/sim/sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/transport.h"
#include "core/base/loop.h"

int __real_fdatasync(int fd);
int __real_fallocate(int fd, int mode, off_t offset, off_t length);
ssize_t __real_write(int fd, const void *bytes, size_t count);
int __real_ftruncate(int fd, off_t length);
ssize_t __real_pwrite(int fd, const void *bytes, size_t count, off_t offset);
int __real_unlink(const char *path);
int __wrap_fdatasync(int fd);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t length);
ssize_t __wrap_write(int fd, const void *bytes, size_t count);
int __wrap_ftruncate(int fd, off_t length);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t count, off_t offset);
int __wrap_unlink(const char *path);
int64_t __wrap_clock_wall_ms(const struct clock *clock);

#define LATE_BY_MS 3750 /* the most a request given up may still be on its way */

struct sim *sim_now;

static bool is_dead(void)
{
	return sim_now && sim_now->running && sim_now->running->crashed;
}

/* Whether the process dies at this point, this time. */
static bool dies(enum crash_point point)
{
	struct operator* who = sim_now ? sim_now->running : NULL;
	if (!who || who->crashed || who->crash_at != point)
		return false;
	if (who->crash_after > 0) {
		who->crash_after--;
		return false;
	}
	who->crashed = true;
	sim_now->tally->died[point][who->record]++;
	return true;
}

/* Which record the bytes are, so that the crashes can be counted by it. */
static void note_record(const void *bytes, size_t count)
{
	static const char key[] = "\"event\":\"";
	static const char *const names[RECORD_COUNT] = {
		"", "intent", "sent", "reply", "failed", "lost", "verify", "done"};
	const char *found =
		sim_now && sim_now->running ? memmem(bytes, count, key, sizeof(key) - 1) : NULL;
	if (!found)
		return;
	sim_now->running->record = RECORD_OTHER;
	for (int i = 1; i < RECORD_COUNT; i++) {
		if (strncmp(found + sizeof(key) - 1, names[i], strlen(names[i])) == 0)
			sim_now->running->record = (enum record)i;
	}
}

static bool is_full(void)
{
	return sim_now && clock_now_ms(&sim_now->clock) < sim_now->disk_full_until_ms;
}

/* ---- the disk ---- */

static int refuse(int error)
{
	errno = error;
	return -1;
}

ssize_t __wrap_write(int fd, const void *bytes, size_t count)
{
	note_record(bytes, count);
	if (is_dead() || dies(CRASH_BEFORE_WRITE))
		return refuse(EIO);
	if (dies(CRASH_IN_WRITE)) {
		ssize_t part = __real_write(fd, bytes, count / 2);
		return part < 0 ? part : refuse(EIO);
	}
	if (is_full() && sim_chance(sim_now, 2)) {
		ssize_t part = __real_write(fd, bytes, count / 3);
		return part < 0 ? part : refuse(ENOSPC);
	}
	return __real_write(fd, bytes, count);
}

/* Timers of ours run code of whoever started them: the file tells whose journal it is. */
static void note_durable(const struct stat *synced)
{
	struct stat status;
	for (size_t i = 0; i < SIM_OPERATORS; i++) {
		if (stat(sim_now->journals[i].path, &status) == 0 &&
			status.st_ino == synced->st_ino)
			sim_now->journals[i].durable_bytes = synced->st_size;
	}
}

int __wrap_fdatasync(int fd)
{
	struct stat status;
	if (is_dead() || dies(CRASH_BEFORE_SYNC))
		return refuse(EIO);
	if (is_full() && sim_chance(sim_now, 6))
		return refuse(EIO);
	int result = __real_fdatasync(fd);
	if (result == 0 && sim_now && fstat(fd, &status) == 0)
		note_durable(&status);
	return dies(CRASH_AFTER_SYNC) ? refuse(EIO) : result;
}

int __wrap_fallocate(int fd, int mode, off_t offset, off_t length)
{
	if (is_dead())
		return refuse(EIO);
	/* Some file systems cannot promise room; then the write itself meets the full disk. */
	if (is_full())
		return refuse(sim_now->disk_promises ? ENOSPC : EOPNOTSUPP);
	return __real_fallocate(fd, mode, offset, length);
}

int __wrap_ftruncate(int fd, off_t length)
{
	return is_dead() ? refuse(EIO) : __real_ftruncate(fd, length);
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
	return is_dead() ? refuse(EIO) : __real_pwrite(fd, bytes, count, offset);
}

int __wrap_unlink(const char *path)
{
	return is_dead() ? refuse(EIO) : __real_unlink(path);
}

/* ---- the wall clock, which people and daemons set ---- */

int64_t __wrap_clock_wall_ms(const struct clock *clock)
{
	return clock_now_ms(clock) + (sim_now ? sim_now->wall_ahead_ms : 0);
}

/* ---- the wire ---- */

struct transport {
	transport_armed_fn *is_armed;
	void *armed_context;
	transport_done_fn *done;
	void *context;
	uint64_t timer;
	enum transport_result result;
};

struct transport *transport_create(struct loop *loop, struct http *http, struct ssh *ssh,
	transport_armed_fn *is_armed, void *context)
{
	(void)loop;
	(void)http;
	(void)ssh;
	struct transport *transport = calloc(1, sizeof(*transport));
	if (transport) {
		transport->is_armed = is_armed;
		transport->armed_context = context;
	}
	return transport;
}

const char *transport_kept(const struct transport *transport)
{
	(void)transport;
	return "";
}

void transport_cancel(struct transport *transport)
{
	loop_timer_stop(sim_now->loop, transport->timer);
	transport->timer = 0;
}

void transport_destroy(struct transport *transport)
{
	if (!transport)
		return;
	transport_cancel(transport);
	free(transport);
}

static struct operator* owner_of(const struct transport *transport)
{
	for (size_t i = 0; i < SIM_OPERATORS; i++) {
		if (sim_now->operators[i].executor == transport->armed_context)
			return &sim_now->operators[i];
	}
	return NULL;
}

static void answer(void *context)
{
	struct transport *transport = context;
	const struct operator* owner = owner_of(transport);
	int64_t frozen_ms = owner->frozen_until_ms - clock_now_ms(&sim_now->clock);
	transport->timer = 0;
	if (frozen_ms > 0) {
		transport->timer = loop_timer_start(sim_now->loop, frozen_ms, answer, transport);
		return;
	}
	sim_now->running = owner_of(transport);
	if (!is_dead())
		transport->done(transport->context, transport->result, "said the far end");
	sim_now->running = NULL;
}

/* What was asked for, from the request alone, as the far end would read it. */
static struct setting *far_setting(struct sim *sim, const struct request *request, double *value)
{
	char signal[64] = "";
	char name[32] = "";
	int c = -1;
	int r = -1;
	uint32_t entity = ENTITY_NONE;
	enum signal which = SIGNAL_COUNT;
	bool ok = false;
	if (request->road == ACTION_BY_HTTP &&
		sscanf(request->url, "http://far/%63[^/]/%31s", signal, name) == 2) {
		ok = sscanf(request->body, "{\"value\":%lf}", value) == 1;
		entity = fleet_find_path(
			sim->fleet, name[0] == 's' ? ENTITY_SERVICE : ENTITY_CLUSTER, name);
	} else if (request->road == ACTION_BY_SSH &&
		   sscanf(request->host, "c%d-r%d", &c, &r) == 2) {
		ok = sscanf(request->command, "%63s %lf", signal, value) == 2;
		entity = c < SIM_CLUSTERS && r < SIM_REPLICAS ? sim->replicas[c][r] : ENTITY_NONE;
	}
	ok = ok && signal_find(signal, &which);
	struct setting *setting = ok ? world_setting(sim, which, entity) : NULL;
	if (!setting)
		judge_violation(
			sim, "a request nobody can read: %s%s", request->url, request->command);
	return setting;
}

static void land_later(struct sim *sim, struct setting *setting, double value, int64_t at_ms)
{
	for (size_t i = 0; i < sizeof(sim->late) / sizeof(sim->late[0]); i++) {
		if (sim->late[i].used)
			continue;
		sim->late[i] = (struct pending){true, at_ms, setting, value, sim->running,
			sim->running->runs, sim->running->processes};
		return;
	}
}

static const struct {
	enum transport_result result;
	bool takes_effect;
	int64_t effect_after_ms; /* beyond the answer */
} fates[FATE_COUNT] = {
	[FATE_OK] = {TRANSPORT_ACCEPTED, true, 0},
	[FATE_REFUSED] = {TRANSPORT_REFUSED, false, 0},
	[FATE_REFUSED_AFTER_EFFECT] = {TRANSPORT_REFUSED, true, 0},
	[FATE_LOST_BEFORE] = {TRANSPORT_LOST, false, 0},
	[FATE_LOST_AFTER] = {TRANSPORT_LOST, true, 0},
	[FATE_LOST_LATE] = {TRANSPORT_LOST, true, LATE_BY_MS},
	[FATE_UNREACHABLE] = {TRANSPORT_UNREACHABLE, false, 0},
	[FATE_UNREACHABLE_AT_ONCE] = {TRANSPORT_UNREACHABLE, false, 0},
	[FATE_ACCEPTED_FOR_NOTHING] = {TRANSPORT_ACCEPTED, false, 0},
	[FATE_HOST_KEY_CHANGED] = {TRANSPORT_UNREACHABLE, false, 0},
};

static enum fate choose_fate(struct sim *sim, const struct request *request)
{
	int c = -1;
	bool is_known = sscanf(request->host, "c%d", &c) == 1;
	if (is_known && clock_now_ms(&sim->clock) < sim->key_changed_until_ms[c])
		return FATE_HOST_KEY_CHANGED;
	return !sim_chance(sim, sim->is_mild ? 8 : 2)
		       ? FATE_OK
		       : (enum fate)sim_below(sim, FATE_HOST_KEY_CHANGED);
}

enum transport_result transport_send(struct transport *transport,
	const struct action_config *action, const struct request *request, transport_done_fn *done,
	void *context, char text[ACTION_TEXT_BYTES])
{
	struct sim *sim = sim_now;
	double value = 0;
	(void)action;
	snprintf(text, ACTION_TEXT_BYTES, "sim");
	transport->done = done;
	transport->context = context;
	if (!transport->is_armed(transport->armed_context))
		return TRANSPORT_NOT_PERMITTED;
	if (is_dead() || dies(CRASH_BEFORE_SEND))
		return TRANSPORT_ACCEPTED;
	enum fate fate = choose_fate(sim, request);
	sim->tally->fates[fate]++;
	if (fate == FATE_UNREACHABLE_AT_ONCE)
		return TRANSPORT_UNREACHABLE;
	struct setting *setting = far_setting(sim, request, &value);
	int64_t took_ms = 50 + sim_below(sim, 2500);
	transport->result = fates[fate].result;
	if (fate != FATE_UNREACHABLE && fate != FATE_HOST_KEY_CHANGED)
		judge_send(sim, sim->running);
	if (fates[fate].takes_effect && setting)
		land_later(sim, setting, value,
			clock_now_ms(&sim->clock) +
				(fates[fate].effect_after_ms
						? took_ms + fates[fate].effect_after_ms
						: (int64_t)sim_below(sim, (unsigned)took_ms)));
	transport->timer = loop_timer_start(sim->loop, took_ms, answer, transport);
	dies(CRASH_AFTER_SEND);
	return TRANSPORT_ACCEPTED;
}
