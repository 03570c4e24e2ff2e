#include "actions/lease.h"

#include <stdio.h>
#include <string.h>

void lease_init(struct lease *lease)
{
	*lease = (struct lease){.state = LEASE_NONE};
}

int64_t lease_ttl_for(int64_t ttl_ms, int64_t timeout_ms)
{
	/* A third of it may have passed since the last keepalive. */
	int64_t needed_ms = (timeout_ms + LEASE_MARGIN_MS) * 3 / 2;
	return needed_ms > ttl_ms ? needed_ms : ttl_ms;
}

void lease_begin(
	struct lease *lease, const char *key, const char *value, int64_t ttl_ms, unsigned tries)
{
	lease_init(lease);
	snprintf(lease->key, sizeof(lease->key), "%s", key);
	snprintf(lease->value, sizeof(lease->value), "%s", value);
	lease->ttl_ms = (ttl_ms + 999) / 1000 * 1000;
	lease->tries_left = tries;
	lease->state = LEASE_ASKING;
}

void lease_check(struct lease *lease)
{
	lease->is_checked = false;
	lease->is_checking = lease->state == LEASE_HELD;
	lease->must_renew = lease->is_checking;
}

bool lease_was_checked(const struct lease *lease)
{
	return lease->state == LEASE_HELD && lease->is_checked;
}

bool lease_may_send(const struct lease *lease, int64_t now_ms, int64_t timeout_ms)
{
	return lease->state == LEASE_HELD &&
	       lease->valid_until_ms - now_ms >= timeout_ms + LEASE_MARGIN_MS;
}

/* What may be in the store by our doing goes, whatever we know of it. */
static void give_up(struct lease *lease, enum lease_state state)
{
	lease->state = state;
	lease->must_revoke = lease->id[0] != '\0';
	lease->is_checking = lease->is_checked = lease->must_renew = false;
}

void lease_end(struct lease *lease)
{
	give_up(lease, LEASE_NONE);
}

static void order(
	struct lease *lease, enum etcd_verb verb, int64_t now_ms, struct etcd_request *out)
{
	lease->in_flight = true;
	lease->verb = verb;
	lease->asked_ms = now_ms;
	*out = (struct etcd_request){.verb = verb,
		.key = lease->key,
		.value = lease->value,
		.lease = lease->id,
		.ttl_s = lease->ttl_ms / 1000};
}

bool lease_next(struct lease *lease, int64_t now_ms, struct etcd_request *out)
{
	if (lease->must_revoke) {
		/* Nobody waits for its answer: not revoked, it ends by itself. */
		lease->must_revoke = false;
		memcpy(lease->revoked, lease->id, sizeof(lease->revoked));
		lease->id[0] = '\0';
		*out = (struct etcd_request){.verb = ETCD_REVOKE, .lease = lease->revoked};
		return true;
	}
	if (lease->in_flight)
		return false;
	switch (lease->state) {
	case LEASE_ASKING:
		order(lease, ETCD_GRANT, now_ms, out);
		return true;
	case LEASE_TAKING:
		order(lease, ETCD_ACQUIRE, now_ms, out);
		return true;
	case LEASE_READING:
		order(lease, ETCD_READ, now_ms, out);
		return true;
	case LEASE_HELD:
		if (lease->must_renew || now_ms >= lease->renew_ms) {
			order(lease, ETCD_KEEPALIVE, now_ms, out);
			return true;
		}
		if (lease->is_checking) {
			order(lease, ETCD_READ, now_ms, out);
			return true;
		}
		return false;
	case LEASE_NONE:
	case LEASE_TAKEN:
	case LEASE_FAILED:
	case LEASE_LOST:
		break;
	}
	return false;
}

static bool is_ours(const struct lease *lease, const struct etcd_row *row)
{
	return strcmp(row->lease, lease->id) == 0 && strcmp(row->key, lease->key) == 0;
}

static void on_failure(struct lease *lease, int64_t now_ms)
{
	switch (lease->state) {
	case LEASE_ASKING:
	case LEASE_TAKING:
	case LEASE_READING:
		if (lease->tries_left > 1)
			lease->tries_left--;
		else
			give_up(lease, LEASE_FAILED);
		return;
	case LEASE_HELD:
		/* A keepalive is tried again while the lease lives; a look is answered by no. */
		lease->renew_ms = now_ms + LEASE_RETRY_MS;
		if (lease->is_checking)
			give_up(lease, LEASE_LOST);
		return;
	case LEASE_NONE:
	case LEASE_TAKEN:
	case LEASE_FAILED:
	case LEASE_LOST:
		return;
	}
}

static void on_granted(struct lease *lease, const struct etcd_reply *reply)
{
	if (reply->ttl_s <= 0 || !reply->lease[0]) {
		give_up(lease, LEASE_FAILED);
		return;
	}
	snprintf(lease->id, sizeof(lease->id), "%s", reply->lease);
	lease->valid_until_ms = lease->asked_ms + reply->ttl_s * 1000;
	lease->renew_ms = lease->asked_ms + lease->ttl_ms / 3;
	lease->state = LEASE_TAKING;
}

static void on_taken(struct lease *lease, const struct etcd_reply *reply)
{
	const struct etcd_row *row = reply->row_count > 0 ? &reply->rows[0] : NULL;
	if (reply->won) {
		lease->fence = reply->revision;
		lease->state = LEASE_READING;
	} else if (row && is_ours(lease, row)) {
		/* An earlier try had happened, and only its answer was lost. */
		lease->fence = row->create_revision;
		lease->state = LEASE_READING;
	} else if (row) {
		snprintf(lease->holder, sizeof(lease->holder), "%s", row->value);
		give_up(lease, LEASE_TAKEN);
	} else {
		/* Nobody had it, and yet it was not ours to take: not a store to lock by. */
		give_up(lease, LEASE_FAILED);
	}
}

/* Believed only when the key itself tells the same: the store ignores what it cannot read. */
static void on_read(struct lease *lease, const struct etcd_reply *reply)
{
	const struct etcd_row *row = reply->row_count > 0 ? &reply->rows[0] : NULL;
	bool ours = row && is_ours(lease, row) && row->create_revision == lease->fence;
	bool was_held = lease->state == LEASE_HELD;
	if (ours) {
		lease->state = LEASE_HELD;
		lease->is_checked = lease->is_checking;
		lease->is_checking = false;
		return;
	}
	if (row && !is_ours(lease, row))
		snprintf(lease->holder, sizeof(lease->holder), "%s", row->value);
	give_up(lease, was_held ? LEASE_LOST : LEASE_FAILED);
}

static void on_kept(struct lease *lease, const struct etcd_reply *reply)
{
	if (reply->ttl_s <= 0) {
		give_up(lease, LEASE_LOST);
		return;
	}
	lease->valid_until_ms = lease->asked_ms + reply->ttl_s * 1000;
	lease->renew_ms = lease->asked_ms + lease->ttl_ms / 3;
	lease->must_renew = false;
}

void lease_reply(struct lease *lease, const struct etcd_reply *reply, int64_t now_ms)
{
	enum etcd_verb verb = lease->verb;
	lease->in_flight = false;
	/* Given up meanwhile: what came of it does not matter, but a lease that came is given back.
	 */
	if (lease->state == LEASE_NONE || lease->state == LEASE_TAKEN ||
		lease->state == LEASE_FAILED || lease->state == LEASE_LOST) {
		if (verb == ETCD_GRANT && reply)
			snprintf(lease->id, sizeof(lease->id), "%s", reply->lease);
		lease->must_revoke = lease->id[0] != '\0';
		return;
	}
	lease_tick(lease, now_ms);
	if (lease->state == LEASE_LOST || lease->state == LEASE_FAILED)
		return;
	if (!reply)
		on_failure(lease, now_ms);
	else if (verb == ETCD_GRANT)
		on_granted(lease, reply);
	else if (verb == ETCD_ACQUIRE)
		on_taken(lease, reply);
	else if (verb == ETCD_READ)
		on_read(lease, reply);
	else if (verb == ETCD_KEEPALIVE)
		on_kept(lease, reply);
}

void lease_tick(struct lease *lease, int64_t now_ms)
{
	bool has_lease = lease->state == LEASE_HELD || lease->state == LEASE_TAKING ||
			 lease->state == LEASE_READING;
	if (has_lease && now_ms >= lease->valid_until_ms)
		give_up(lease, lease->state == LEASE_HELD ? LEASE_LOST : LEASE_FAILED);
}

int64_t lease_wakes_ms(const struct lease *lease)
{
	if (lease->state != LEASE_HELD)
		return 0;
	return lease->renew_ms < lease->valid_until_ms && !lease->in_flight ? lease->renew_ms
									    : lease->valid_until_ms;
}
