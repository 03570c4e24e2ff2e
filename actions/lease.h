/*
 * lease.h - a lock in an etcd, as a pure state machine: replies and time in, requests out.
 *
 *   asking a lease -> taking the key -> reading it back -> held -> ... -> given back
 *                           |                  |            `-> lost
 *                           `-> taken          `-> failed
 *
 * A lock in etcd is only as good as its lease: between a look at it and the byte that leaves, it
 * may run out. So it counts as held only until `valid_until_ms`, reckoned from when the last
 * keepalive was *sent*; before each change it is renewed and read back (lease_check), and a change
 * may leave only while the lease outlives the time that change may take (lease_may_send). The
 * revision at which the key was created is the fence: another revision is another's lock. What the
 * targets cannot check, this bounds.
 */
#ifndef ACTIONS_LEASE_H
#define ACTIONS_LEASE_H

#include "actions/etcd.h"

#define LEASE_MARGIN_MS 5000   /* that the lease must outlive a change's own timeout by */
#define LEASE_RETRY_MS 1000    /* between tries to renew */
#define LEASE_HOLDER_BYTES 512 /* the key's value: who holds it, as JSON */

enum lease_state {
	LEASE_NONE,
	LEASE_ASKING,  /* for the lease */
	LEASE_TAKING,  /* the key */
	LEASE_READING, /* it back */
	LEASE_HELD,
	LEASE_TAKEN,  /* somebody else has it: `holder` */
	LEASE_FAILED, /* the store did not answer, or not as it should */
	LEASE_LOST,   /* it was ours */
};

struct lease {
	enum lease_state state;
	char key[ETCD_KEY_BYTES];
	char value[LEASE_HOLDER_BYTES];
	char holder[LEASE_HOLDER_BYTES]; /* the value there, when taken; not sanitised */
	char id[ETCD_LEASE_BYTES];       /* "" none */
	int64_t fence;
	int64_t ttl_ms;
	int64_t asked_ms;               /* when the request in flight was sent */
	int64_t valid_until_ms;         /* while held */
	int64_t renew_ms;               /* when to send the next keepalive */
	char revoked[ETCD_LEASE_BYTES]; /* the lease given back last */
	bool in_flight;
	enum etcd_verb verb; /* what is in flight */
	unsigned tries_left; /* to get it, one a member */
	bool is_checking;    /* a look at it was asked for, and is not answered yet */
	bool must_renew;     /* before that look */
	bool is_checked;     /* the last one was answered, and it was ours */
	bool must_revoke;
};

void lease_init(struct lease *lease);

/* Begin: `tries` times where the store does not answer. */
void lease_begin(
	struct lease *lease, const char *key, const char *value, int64_t ttl_ms, unsigned tries);

/* Renew it and read it back now: then lease_was_checked(), or it is lost. */
void lease_check(struct lease *lease);
bool lease_was_checked(const struct lease *lease);

/* Give it back, or up, in any state. */
void lease_end(struct lease *lease);

/* The request to send now. False: none for now. One at a time; its answer goes to lease_reply(),
 * but that of ETCD_REVOKE, and of a request sent before the last lease_begin(), to nobody. */
bool lease_next(struct lease *lease, int64_t now_ms, struct etcd_request *out);

/* `reply` NULL: it failed, and may have happened. */
void lease_reply(struct lease *lease, const struct etcd_reply *reply, int64_t now_ms);

/* Time passes: a lease that could not be renewed is lost. */
void lease_tick(struct lease *lease, int64_t now_ms);

/* When to tick next at the latest, 0: nothing is waited for. */
int64_t lease_wakes_ms(const struct lease *lease);

/* Whether a change that may take `timeout_ms` may leave now. */
bool lease_may_send(const struct lease *lease, int64_t now_ms, int64_t timeout_ms);

/* The time to live that such changes need, at least `ttl_ms`. */
int64_t lease_ttl_for(int64_t ttl_ms, int64_t timeout_ms);

#endif
