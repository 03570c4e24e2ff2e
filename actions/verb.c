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
