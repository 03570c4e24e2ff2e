/*
 * store.c - the etcd of the simulation: what the real carrier would reach, with calls that are
 * slow, lost before or after they took effect, and members that cannot be reached for a while.
 *
 * Locks, leases and what decides on them are the real ones; the executor links these functions
 * instead of those that speak HTTP.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/etcd.h"
#include "core/base/error.h"
#include "core/base/loop.h"

#define CALLS 16

struct call {
	struct etcd *etcd;
	bool used, is_lost, has_happened, is_test;
	uint64_t timer;
	enum etcd_verb verb;
	char key[ETCD_KEY_BYTES];
	char value[SIM_VALUE_BYTES];
	char lease[ETCD_LEASE_BYTES];
	int64_t ttl_s;
	etcd_done_fn *done;
	void *context;
	struct etcd_reply reply;
	struct etcd_row rows[SIM_KEYS];
};

struct etcd {
	struct operator* owner; /* found at its first call */
	struct call calls[CALLS];
};

struct etcd *etcd_create(struct loop *loop, struct http *http,
	const struct coordination_config *config, struct error *error)
{
	(void)loop;
	(void)http;
	(void)config;
	(void)error;
	struct etcd *etcd = calloc(1, sizeof(*etcd));
	if (etcd)
		etcd->owner = sim_now->running;
	return etcd;
}

void etcd_destroy(struct etcd *etcd)
{
	if (!etcd)
		return;
	for (size_t i = 0; i < CALLS; i++)
		loop_timer_stop(sim_now->loop, etcd->calls[i].timer);
	free(etcd);
}

/* ---- the store itself ---- */

static void expire(struct sim *sim)
{
	int64_t now_ms = clock_now_ms(&sim->clock);
	for (int i = 0; i < SIM_KEYS; i++) {
		struct sim_lease *lease = &sim->leases[i];
		if (!lease->used || now_ms < lease->until_ms)
			continue;
		lease->used = false;
		sim->tally->leases_expired++;
		for (int k = 0; k < SIM_KEYS; k++) {
			if (sim->keys[k].lease == lease->id)
				sim->keys[k].used = false;
		}
	}
}

static struct sim_lease *find_lease(struct sim *sim, const char *id)
{
	for (int i = 0; i < SIM_KEYS; i++) {
		if (sim->leases[i].used && sim->leases[i].id == strtoll(id, NULL, 10))
			return &sim->leases[i];
	}
	return NULL;
}

static struct sim_key *find_key(struct sim *sim, const char *name)
{
	for (int i = 0; i < SIM_KEYS; i++) {
		if (sim->keys[i].used && strcmp(sim->keys[i].name, name) == 0)
			return &sim->keys[i];
	}
	return NULL;
}

const struct sim_key *store_lock(struct sim *sim)
{
	expire(sim);
	return find_key(sim, "/spillway/sim/lock/fleet");
}

static void put(struct sim *sim, const char *name, const char *value, int64_t lease)
{
	struct sim_key *key = find_key(sim, name);
	sim->revision++;
	for (int i = 0; i < SIM_KEYS && !key; i++) {
		if (!sim->keys[i].used) {
			key = &sim->keys[i];
			key->used = true;
			key->create_revision = sim->revision;
			snprintf(key->name, sizeof(key->name), "%s", name);
		}
	}
	if (!key)
		exit(2);
	key->lease = lease;
	snprintf(key->value, sizeof(key->value), "%s", value);
}

static void add_row(struct call *call, const struct sim_key *key)
{
	struct etcd_row *row = &call->rows[call->reply.row_count++];
	*row = (struct etcd_row){
		.key = key->name, .value = key->value, .create_revision = key->create_revision};
	snprintf(row->lease, sizeof(row->lease), "%lld", (long long)key->lease);
}

static void grant(struct sim *sim, struct call *call)
{
	for (int i = 0; i < SIM_KEYS; i++) {
		struct sim_lease *lease = &sim->leases[i];
		if (lease->used)
			continue;
		*lease = (struct sim_lease){.used = true,
			.id = ++sim->last_lease,
			.ttl_s = call->ttl_s,
			.until_ms = clock_now_ms(&sim->clock) + call->ttl_s * 1000};
		snprintf(
			call->reply.lease, sizeof(call->reply.lease), "%lld", (long long)lease->id);
		call->reply.ttl_s = call->ttl_s;
		return;
	}
	exit(2);
}

/* False: the store says no. */
static bool happen(struct sim *sim, struct call *call)
{
	expire(sim);
	struct sim_lease *lease = find_lease(sim, call->lease);
	struct sim_key *key = find_key(sim, call->key);
	call->reply.rows = call->rows;
	switch (call->verb) {
	case ETCD_GRANT:
		grant(sim, call);
		break;
	case ETCD_ACQUIRE:
		if (key) {
			add_row(call, key);
			break;
		}
		if (!lease)
			return false;
		put(sim, call->key, call->value, lease->id);
		call->reply.won = true;
		break;
	case ETCD_READ:
		if (key)
			add_row(call, key);
		break;
	case ETCD_KEEPALIVE:
		if (lease)
			lease->until_ms = clock_now_ms(&sim->clock) + lease->ttl_s * 1000;
		call->reply.ttl_s = lease ? lease->ttl_s : 0;
		break;
	case ETCD_REVOKE:
		if (lease)
			lease->until_ms = 0;
		expire(sim);
		break;
	case ETCD_PUT:
		if (call->lease[0] && !lease)
			return false;
		put(sim, call->key, call->value, lease ? lease->id : 0);
		break;
	case ETCD_DELETE:
		if (key)
			key->used = false;
		break;
	case ETCD_LIST:
		for (int i = 0; i < SIM_KEYS; i++) {
			if (sim->keys[i].used &&
				strncmp(sim->keys[i].name, call->key, strlen(call->key)) == 0)
				add_row(call, &sim->keys[i]);
		}
		break;
	}
	call->reply.revision = sim->revision;
	return true;
}

/* ---- the way there ---- */

static void finish(struct call *call, bool ok)
{
	struct sim *sim = sim_now;
	struct error error = {.kind = ERROR_NONE};
	struct operator* before = sim->running;
	error_set(&error, ERROR_TIMEOUT, "etcd: no answer");
	call->used = false;
	sim->running = call->etcd->owner;
	if (!call->etcd->owner->crashed)
		call->done(call->context, ok ? &call->reply : NULL, ok ? NULL : &error);
	sim->running = before;
}

static void answer(void *context)
{
	struct call *call = context;
	int64_t frozen_ms = call->etcd->owner->frozen_until_ms - clock_now_ms(&sim_now->clock);
	call->timer = 0;
	if (frozen_ms > 0) {
		call->timer = loop_timer_start(sim_now->loop, frozen_ms, answer, call);
		return;
	}
	finish(call, call->has_happened && !call->is_lost);
}

/* It reaches the store now, or never; its answer comes later, or never. */
static void arrive(void *context)
{
	struct call *call = context;
	struct sim *sim = sim_now;
	bool cut = clock_now_ms(&sim->clock) < call->etcd->owner->cut_off_until_ms;
	call->timer = 0;
	if (!cut && !call->is_test)
		call->has_happened = happen(sim, call);
	if (!cut && call->is_test)
		call->has_happened = true;
	if (cut)
		sim->tally->calls_lost++;
	int64_t after_ms = call->is_lost || cut ? ETCD_TIMEOUT_MS : (int64_t)sim_below(sim, 200);
	call->timer = loop_timer_start(sim->loop, after_ms, answer, call);
}

static bool start(struct etcd *etcd, const struct etcd_request *request, bool is_test,
	etcd_done_fn *done, void *context, struct error *error)
{
	struct sim *sim = sim_now;
	if (etcd->owner->crashed)
		return error_set(error, ERROR_CANCELLED, "dead");
	for (size_t i = 0; i < CALLS; i++) {
		struct call *call = &etcd->calls[i];
		if (call->used)
			continue;
		*call = (struct call){.etcd = etcd,
			.used = true,
			.is_test = is_test,
			.is_lost = sim_chance(sim, 40),
			.verb = request->verb,
			.ttl_s = request->ttl_s,
			.done = done,
			.context = context};
		snprintf(call->key, sizeof(call->key), "%s", request->key ? request->key : "");
		snprintf(call->value, sizeof(call->value), "%s",
			request->value ? request->value : "");
		snprintf(call->lease, sizeof(call->lease), "%s",
			request->lease ? request->lease : "");
		sim->tally->calls++;
		call->timer = loop_timer_start(sim->loop,
			sim_chance(sim, 30) ? (int64_t)sim_below(sim, 1800)
					    : (int64_t)sim_below(sim, 150),
			arrive, call);
		return true;
	}
	return error_set(error, ERROR_LIMIT, "too many calls");
}

bool etcd_send(struct etcd *etcd, const struct etcd_request *request, etcd_done_fn *done,
	void *context, struct error *error)
{
	return start(etcd, request, false, done, context, error);
}

bool etcd_self_test(struct etcd *etcd, etcd_done_fn *done, void *context, struct error *error)
{
	const struct etcd_request request = {.verb = ETCD_READ};
	return start(etcd, &request, true, done, context, error);
}
