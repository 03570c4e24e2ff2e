#include "actions/config.h"

#include <string.h>

#define PAUSE_MS 15000 /* what waits behind a pause gives up soon */

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
		.unit = "weight",
		.suggestion = 0.9,
		.suggestion_why = "a tenth less than now",
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
		.unit = "weight",
		.suggestion = 1.05,
		.suggestion_why = "a twentieth more than now",
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
		.unit = "",
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
		.unit = "",
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
		.least = 1,
		.unit = "connections per pool",
		.suggestion = 1.5,
		.suggestion_why = "half as many again as now",
	},
	{
		.name = "pool.pause",
		.label = "pause pools",
		.target = ENTITY_CLUSTER,
		.parameter = "paused",
		.reads = SIGNAL_POOL_PAUSED,
		.move = MOVE_PAUSE_POOL,
		.class = CLASS_DISRUPT,
		.help = "let a cluster's pools hand out no connection for a moment: clients wait",
		.is_fixed = true,
		.fixed_to = 1,
		.pair = "pool.resume",
		.expire_ms = PAUSE_MS,
		.unit = "",
	},
	{
		.name = "pool.resume",
		.label = "resume pools",
		.target = ENTITY_CLUSTER,
		.parameter = "paused",
		.reads = SIGNAL_POOL_PAUSED,
		.move = MOVE_NOTHING,
		.class = CLASS_RELIEVE,
		.help = "let paused pools hand out connections again",
		.is_fixed = true,
		.fixed_to = 0,
		.pair = "pool.pause",
		.is_release = true,
		.unit = "",
	},
	{
		.name = "maxconn.set",
		.label = "limit balancer",
		.target = ENTITY_REPLICA,
		.parameter = "maxconn",
		.reads = SIGNAL_REPLICA_MAXCONN,
		.move = MOVE_LIMIT_CONNECTIONS,
		.class = CLASS_GROW,
		.help = "set how many connections the load balancer opens to a replica at once",
		.least = 1,
		.unit = "connections",
		.suggestion = 1.5,
		.suggestion_why = "half as many again as now",
	},
	{
		.name = "role.limit",
		.label = "limit role",
		.target = ENTITY_SERVICE,
		.parameter = "limit",
		.reads = SIGNAL_SERVICE_ROLE_LIMIT,
		.move = MOVE_LIMIT_CONNECTIONS,
		.class = CLASS_GROW,
		.help = "set how many connections a service's database role may have; -1: no limit",
		.least = -1,
		.unit = "connections",
		.suggestion = 1.5,
		.suggestion_why = "half as many again as now",
	},
	{
		.name = "retry.limit",
		.label = "limit retries",
		.target = ENTITY_SERVICE,
		.parameter = "retries",
		.reads = SIGNAL_SERVICE_RETRY_LIMIT,
		.move = MOVE_LIMIT_RETRIES,
		.class = CLASS_RELIEVE,
		.help = "set how many retries a service may make per first try: 0.1 is one in ten",
		.unit = "retries per first try",
		.suggestion = 0.5,
		.suggestion_why = "half of now",
		.is_ratio = true,
	},
	{
		.name = "service.scale",
		.label = "scale service",
		.target = ENTITY_SERVICE,
		.parameter = "instances",
		.reads = SIGNAL_SERVICE_INSTANCES,
		.move = MOVE_NOTHING,
		.class = CLASS_GROW,
		.help = "set how many processes of a service run",
		.least = 1,
		.unit = "instances",
		.suggestion = 1.5,
		.suggestion_why = "half as many again as now",
	},
	{
		.name = "silence",
		.label = "silence alerts",
		.target = ENTITY_CLUSTER,
		.parameter = "silenced",
		.reads = SIGNAL_CLUSTER_SILENCED,
		.move = MOVE_NOTHING,
		.class = CLASS_RELIEVE,
		.help = "silence a cluster's alerts while they are being dealt with",
		.is_fixed = true,
		.fixed_to = 1,
		.pair = "silence.end",
		.is_hold = true,
		.unit = "",
	},
	{
		.name = "silence.end",
		.label = "end silence",
		.target = ENTITY_CLUSTER,
		.parameter = "silenced",
		.reads = SIGNAL_CLUSTER_SILENCED,
		.move = MOVE_NOTHING,
		.class = CLASS_RELIEVE,
		.help = "let a cluster's alerts speak again",
		.is_fixed = true,
		.fixed_to = 0,
		.pair = "silence",
		.is_release = true,
		.unit = "",
	},
	{
		.name = VERB_CUSTOM,
		.label = "custom",
		.target = ENTITY_CLUSTER,
		.parameter = "value",
		.reads = SIGNAL_COUNT,
		.move = MOVE_UNKNOWN,
		.class = CLASS_DISRUPT,
		.help = "set any value that can be read back; the fleet file says its class, "
			"target "
			"and signal",
		.unit = "",
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

const char *verb_class_name(enum action_class class)
{
	static const char *const names[] = {
		[CLASS_RELIEVE] = "relieve",
		[CLASS_SHIFT] = "shift",
		[CLASS_GROW] = "grow",
		[CLASS_DISRUPT] = "disrupt",
	};
	return names[class];
}

bool verb_is_complete(const struct verb_row *verb)
{
	return verb && verb->reads < SIGNAL_COUNT;
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
