/*
 * coordination_etcd.h - the etcd kind of coordination: the lock's lease, presence and holds carried
 * between the pure machines of lease.h and an etcd.
 */
#ifndef ACTIONS_COORDINATION_ETCD_H
#define ACTIONS_COORDINATION_ETCD_H

#include "actions/coordination_record.h"

struct etcd_desk;
struct error;

struct etcd_desk *etcd_desk_create(struct loop *loop, struct http *http,
	const struct coordination_config *config, const struct coordination_self *self,
	struct error *error);
void etcd_desk_destroy(struct etcd_desk *desk);

/* As the functions of coordination.h of those names. */
enum coordination_answer etcd_desk_enter(struct etcd_desk *desk, const struct coordination_ask *ask,
	coordination_done_fn *done, void *context);
enum coordination_answer etcd_desk_check(
	struct etcd_desk *desk, coordination_done_fn *done, void *context);
void etcd_desk_leave(struct etcd_desk *desk, int64_t may_land_until_ms);
void etcd_desk_look(
	const struct etcd_desk *desk, const char *domain, struct coordination_view *out);
size_t etcd_desk_peers(const struct etcd_desk *desk, struct coordination_peer *out, size_t most);
size_t etcd_desk_holds(const struct etcd_desk *desk, int64_t now_ms, struct hold *out, size_t most);
bool etcd_desk_note(struct etcd_desk *desk, const char *name, const char *value, int64_t ttl_ms);
enum coordination_answer etcd_desk_noted(
	const struct etcd_desk *desk, char text[ACTION_TEXT_BYTES]);
size_t etcd_desk_notes(
	const struct etcd_desk *desk, const char *prefix, const char **out, size_t most);
bool etcd_desk_publish(
	struct etcd_desk *desk, const struct hold *holds, size_t count, struct error *error);

/* Whether anything it gave back is still on its way. */
bool etcd_desk_is_leaving(const struct etcd_desk *desk);

#endif
