/*
 * approval_store.h - requests for approval and answers in the store that several machines share.
 *
 * Below /spillway/<fleet>/approvals/<plan hash>/: `ask`, and `by-<who>` for each answer, so that
 * none puts another away and a denial wins whatever came first. All go by themselves a while after
 * the request has run out.
 */
#ifndef ACTIONS_APPROVAL_STORE_H
#define ACTIONS_APPROVAL_STORE_H

#include "actions/approval.h"
#include "actions/etcd.h"

struct coordination_config;
struct etcd_once;

#define APPROVAL_STORE_PREFIX "approvals/"
#define APPROVAL_STORE_AFTER_MS 60000 /* how long a record outlives its request */

/* "approvals/<hash>/ask", and "approvals/<hash>/by-<who>" where `who` is not NULL. */
void approval_store_name(const char *hash, const char *who, char out[ETCD_KEY_BYTES]);

/* What the store has, to what `out` holds already. Errors: as etcd_once_ask(). */
bool approval_store_read(struct etcd_once *once, const struct coordination_config *config,
	const struct signing_config *signing, int64_t now_ms, struct approvals *out,
	struct error *error);

/* An answer that may be given, signed. Errors: as signature_make(), etcd_once_put(). */
bool approval_store_answer(struct etcd_once *once, const struct coordination_config *config,
	const struct signing_config *signing, const struct approval *row, bool give, const char *by,
	const char *reason, int64_t wall_ms, struct error *error);

#endif
