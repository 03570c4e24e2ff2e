/*
 * etcd.h - the few things asked of an etcd, through its HTTP gateway (POST /v3/..., JSON).
 *
 * Keys and values are text here; the gateway's base64, its numbers as strings and its omitted
 * zeroes stay behind this header. Every call is bounded by ETCD_TIMEOUT_MS; a member that does not
 * answer is passed over at the next call. A call may have happened although it failed: requests are
 * such that doing one twice does no harm.
 *
 * Errors that reach the callback: as http_send(), ERROR_SCHEMA (an answer that is none),
 * ERROR_REJECTED (the store said no, with its words), ERROR_LIMIT.
 */
#ifndef ACTIONS_ETCD_H
#define ACTIONS_ETCD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct coordination_config;
struct error;
struct etcd;
struct http;
struct loop;

#define ETCD_TIMEOUT_MS 2000
#define ETCD_KEY_BYTES 256
#define ETCD_VALUE_BYTES 32768
#define ETCD_LEASE_BYTES 24
#define ETCD_ROWS_MOST 256 /* of one list; more is ERROR_LIMIT */

enum etcd_verb {
	ETCD_GRANT,     /* a lease of ttl_s -> lease, ttl_s */
	ETCD_ACQUIRE,   /* key = value under the lease, if nobody has the key -> won, rows[0] */
	ETCD_READ,      /* key -> rows[0] */
	ETCD_KEEPALIVE, /* the lease -> ttl_s, 0: it is gone */
	ETCD_REVOKE,    /* the lease, and what is under it */
	ETCD_PUT,       /* key = value, under the lease if there is one */
	ETCD_DELETE,    /* key */
	ETCD_LIST,      /* keys that begin with key -> rows */
};

/* Strings are copied by etcd_send(). */
struct etcd_request {
	enum etcd_verb verb;
	const char *key, *value;
	const char *lease;
	int64_t ttl_s;
};

struct etcd_row {
	const char *key, *value;      /* not sanitised */
	char lease[ETCD_LEASE_BYTES]; /* "0" none */
	int64_t create_revision;
};

/* Valid in the call only. */
struct etcd_reply {
	char lease[ETCD_LEASE_BYTES];
	int64_t ttl_s;
	bool won;
	int64_t revision; /* of the store as it answered */
	const struct etcd_row *rows;
	size_t row_count;
};

typedef void etcd_done_fn(void *context, const struct etcd_reply *reply, const struct error *error);

struct etcd *etcd_create(struct loop *loop, struct http *http,
	const struct coordination_config *config, struct error *error);
/* Cancels; no callback is called. NULL is allowed. */
void etcd_destroy(struct etcd *etcd);

/* False with `error` and no callback when it cannot begin. At most ETCD_CALLS_MOST at once. */
#define ETCD_CALLS_MOST 8
bool etcd_send(struct etcd *etcd, const struct etcd_request *request, etcd_done_fn *done,
	void *context, struct error *error);

/*
 * Whether this gateway does what locking stands on; once, before the first lock. It ignores fields
 * it does not know, so a comparison that got lost on the way would make every lock two people's:
 * one comparison that must fail is tried, one that must hold, and a lease that cannot live.
 * ERROR_SCHEMA says which did not behave. `reply` is empty when all is well.
 */
bool etcd_self_test(struct etcd *etcd, etcd_done_fn *done, void *context, struct error *error);

#endif
