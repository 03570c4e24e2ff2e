#include "actions/config.h"

#include <string.h>

static const struct verb_row rows[] = {
	{
		.name = "cluster.divert",
		.label = "divert traffic",
		.target = ENTITY_CLUSTER,
		.parameter = "weight",
		.reads = SIGNAL_CLUSTER_WEIGHT,
		.move = MOVE_DIVERT,
		.class = CLASS_SHIFT,
		.help = "set a cluster's weight at the divider, so that its traffic goes elsewhere",
	},
	{
		.name = "cluster.restore",
		.label = "give traffic back",
		.target = ENTITY_CLUSTER,
		.parameter = "weight",
		.reads = SIGNAL_CLUSTER_WEIGHT,
		.move = MOVE_DIVERT,
		.class = CLASS_SHIFT,
		.help = "raise a cluster's weight at the divider, in smaller steps than it fell",
	},
	{
		.name = "replica.drain",
		.label = "drain replica",
		.target = ENTITY_REPLICA,
		.parameter = "maintenance",
		.reads = SIGNAL_REPLICA_MAINTENANCE,
		.move = MOVE_LOSE_REPLICA,
		.class = CLASS_DISRUPT,
		.help = "take a replica out of service on purpose",
		.is_fixed = true,
		.fixed_to = 1,
		.pair = "replica.return",
	},
	{
		.name = "replica.return",
		.label = "return replica",
		.target = ENTITY_REPLICA,
		.parameter = "maintenance",
		.reads = SIGNAL_REPLICA_MAINTENANCE,
		.move = MOVE_RETURN_REPLICA,
		.class = CLASS_RELIEVE,
		.help = "put a replica that was taken out back into service",
		.is_fixed = true,
		.fixed_to = 0,
		.pair = "replica.drain",
	},
	{
		.name = "pool.resize",
		.label = "resize pools",
		.target = ENTITY_CLUSTER,
		.parameter = "size",
		.reads = SIGNAL_POOL_MAX,
		.move = MOVE_RESIZE_POOL,
		.class = CLASS_GROW,
		.help = "set how many connections each of a cluster's pools may open",
	},
};

const struct verb_row *verb_rows(size_t *count)
{
	*count = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

const struct verb_row *verb_find(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	}
	return NULL;
}

const char *verdict_name(enum verdict_kind kind)
{
	static const char *const names[] = {
		[VERDICT_PASS] = "pass",
		[VERDICT_WARN] = "warn",
		[VERDICT_BLOCK] = "block",
		[VERDICT_UNKNOWN] = "unknown",
	};
	return names[kind];
}
