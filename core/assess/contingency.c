#include "core/assess/contingency.h"

#include <math.h>
#include <stdlib.h>

#include "core/assess/cluster.h"
#include "core/assess/evidence.h"
#include "core/fleet/snapshot.h"

void contingency_init(struct contingency *contingency)
{
	*contingency = (struct contingency){
		.replica = ENTITY_NONE,
		.cluster = ENTITY_NONE,
		.utilisation_now = NAN,
		.utilisation_after = NAN,
		.headroom = NAN,
		.seconds_to_timeout = NAN,
	};
}

void contingency_of(const struct cluster_view *view, double timeout_ms, struct contingency *out)
{
	contingency_init(out);
	out->cluster = view->id;
	out->utilisation_now = view->busy_minute / view->capacity;
	/* Retries come and go with errors; what stays is what first tries ask for. */
	double demand = isnan(view->demand) ? view->busy_minute : view->first_demand;
	double left = view->capacity - view->largest_capacity;
	if (isnan(demand) || isnan(left) || view->largest == ENTITY_NONE || view->serving == 0)
		return;
	/* Whether it is the last one is not known while others are not. */
	if (view->serving == 1 && view->unknown > 0)
		return;
	out->known = true;
	out->replica = view->largest;
	bool last_one = view->serving == 1 || left <= 0;
	out->utilisation_after = last_one ? INFINITY : demand / left;
	out->headroom = 1 - out->utilisation_after;
	out->seconds_to_timeout = INFINITY;
	if (out->utilisation_after > 1)
		out->seconds_to_timeout = timeout_ms / 1000 / fmin(out->headroom * -1, 1e6);
	if (last_one)
		out->seconds_to_timeout = timeout_ms / 1000;
}

/* ---- the table ---- */

struct table {
	const struct snapshot *snapshot;
	const struct cluster_assessment *row;
	struct loss *out;
	size_t most, total;
};

static uint32_t next_serving(const struct table *table, uint32_t after)
{
	const struct fleet *fleet = table->snapshot->fleet;
	struct evidence evidence = {0};
	uint32_t id = after;
	do
		id = fleet_next(fleet, ENTITY_REPLICA, table->row->cluster, id);
	while (id < table->snapshot->entity_count &&
		replica_judge(&evidence, table->snapshot, id) != REPLICA_SERVING);
	return id < table->snapshot->entity_count ? id : ENTITY_NONE;
}

/* Connections that go with a replica: its own pool's, or its part of the one that all share. */
static double part_of(const struct table *table, uint32_t replica)
{
	double size;
	if (snapshot_value(table->snapshot, replica, SIGNAL_POOL_MAX, &size))
		return size;
	return table->row->pool_max / table->row->replicas_up;
}

static void add_loss(struct table *table, uint32_t replica, uint32_t second)
{
	const struct cluster_assessment *row = table->row;
	if (table->total++ >= table->most)
		return;
	double left = row->pool_max - part_of(table, replica);
	if (second != ENTITY_NONE)
		left -= part_of(table, second);
	double after = left > 1e-9 ? row->first_demand / left : INFINITY;
	double timeout_s = row->timeout_ms / 1000;
	table->out[table->total - 1] = (struct loss){
		.cluster = row->cluster,
		.replica = replica,
		.second = second,
		.utilisation_now = row->contingency.utilisation_now,
		.utilisation_after = after,
		.seconds_to_timeout = after > 1 ? timeout_s / fmin(after - 1, 1e6) : INFINITY,
	};
	if (isinf(after))
		table->out[table->total - 1].seconds_to_timeout = timeout_s;
}

static int compare_losses(const void *a, const void *b)
{
	const struct loss *left = a, *right = b;
	if (left->utilisation_after != right->utilisation_after)
		return left->utilisation_after < right->utilisation_after ? 1 : -1;
	if (left->replica != right->replica)
		return left->replica > right->replica ? 1 : -1;
	return (left->second > right->second) - (left->second < right->second);
}

size_t contingency_list(const struct snapshot *snapshot, const struct assessment *assessment,
	bool pairs, struct loss *out, size_t most)
{
	struct table table = {.snapshot = snapshot, .out = out, .most = most};
	for (size_t i = 0; i < assessment->cluster_count; i++) {
		table.row = &assessment->clusters[i];
		if (table.row->stale || !(table.row->pool_max > 0) ||
			isnan(table.row->first_demand))
			continue;
		uint32_t one = next_serving(&table, ENTITY_NONE);
		for (; one != ENTITY_NONE; one = next_serving(&table, one)) {
			if (!pairs) {
				add_loss(&table, one, ENTITY_NONE);
				continue;
			}
			uint32_t two = next_serving(&table, one);
			for (; two != ENTITY_NONE; two = next_serving(&table, two))
				add_loss(&table, one, two);
		}
	}
	size_t listed = table.total < most ? table.total : most;
	if (listed > 1)
		qsort(out, listed, sizeof(*out), compare_losses);
	return table.total;
}
