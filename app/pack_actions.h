/*
 * pack_actions.h - actions of packs: the fleet file says how a system is reached, the pack what is
 * said to it.
 *
 *   actions:
 *     pools: {use: pgbouncer, sql: {url: "postgresql://ops@{cluster.pooler}:6432/pgbouncer"}}
 *
 * becomes an action for each of the pack's that can be carried out that way: pools-resize,
 * pools-pause, pools-resume. What the fleet file says of the way (http, ssh, socket, sql) goes
 * before what the pack says. Of http the fleet file's `url` is where the system is, and a pack's
 * `path` is put behind it. A pack's `undo` names another of its actions.
 */
#ifndef APP_PACK_ACTIONS_H
#define APP_PACK_ACTIONS_H

#include <stdbool.h>

struct arena;
struct complaints;
struct yaml_node;

/*
 * The section `actions` with such entries replaced; the same node where there are none, or where
 * it is no mapping. May be NULL. Lives in `arena`. False when it complained, `out` untouched.
 */
bool pack_actions_merge(const struct yaml_node *actions, struct arena *arena,
	const struct yaml_node **out, struct complaints *complaints);

#endif
