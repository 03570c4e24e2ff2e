#include "core/assess/contingency.h"

#include <math.h>
#include <stdlib.h>

#include "core/assess/cluster.h"
#include "core/assess/evidence.h"
#include "core/assess/ledger.h"
#include "core/assess/projection.h"
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

/* NULL when the table is full; it counts all the same. */
static struct loss *add_row(struct table *table)
{
	return table->total++ < table->most ? &table->out[table->total - 1] : NULL;
}

static double seconds_to_timeout(double utilisation, double timeout_s)
{
	if (isinf(utilisation))
		return timeout_s;
	return utilisation > 1 ? timeout_s / fmin(utilisation - 1, 1e6) : INFINITY;
}

static void add_loss(struct table *table, uint32_t replica, uint32_t second, int64_t opens_ms)
{
	const struct cluster_assessment *row = table->row;
	struct loss *loss = add_row(table);
	if (!loss)
		return;
	double left = row->pool_max - part_of(table, replica);
	if (second != ENTITY_NONE)
		left -= part_of(table, second);
	double after = left > 1e-9 ? row->first_demand / left : INFINITY;
	*loss = (struct loss){
		.cluster = row->cluster,
		.replica = replica,
		.second = second,
		.receiver = ENTITY_NONE,
		.opens_ms = opens_ms,
		.utilisation_now = row->contingency.utilisation_now,
		.utilisation_after = after,
		.seconds_to_timeout = seconds_to_timeout(after, row->timeout_ms / 1000),
	};
}

static bool is_known(const struct cluster_assessment *row)
{
	return row && !row->stale && row->pool_max > 0 && !isnan(row->first_demand);
}

static int compare_losses(const void *a, const void *b)
{
	const struct loss *left = a, *right = b;
	if (left->utilisation_after != right->utilisation_after)
		return left->utilisation_after < right->utilisation_after ? 1 : -1;
	if (left->cluster != right->cluster)
		return left->cluster > right->cluster ? 1 : -1;
	if (left->replica != right->replica)
		return left->replica > right->replica ? 1 : -1;
	return (left->second > right->second) - (left->second < right->second);
}

void contingency_sort(struct loss *losses, size_t count)
{
	if (count > 1)
		qsort(losses, count, sizeof(*losses), compare_losses);
}

static size_t table_end(const struct table *table)
{
	contingency_sort(table->out, table->total < table->most ? table->total : table->most);
	return table->total;
}

size_t contingency_list(const struct snapshot *snapshot, const struct assessment *assessment,
	bool pairs, struct loss *out, size_t most)
{
	struct table table = {.snapshot = snapshot, .out = out, .most = most};
	for (size_t i = 0; i < assessment->cluster_count; i++) {
		table.row = &assessment->clusters[i];
		if (!is_known(table.row))
			continue;
		uint32_t one = next_serving(&table, ENTITY_NONE);
		for (; one != ENTITY_NONE; one = next_serving(&table, one)) {
			if (!pairs) {
				add_loss(&table, one, ENTITY_NONE, 0);
				continue;
			}
			uint32_t two = next_serving(&table, one);
			for (; two != ENTITY_NONE; two = next_serving(&table, two))
				add_loss(&table, one, two, 0);
		}
	}
	return table_end(&table);
}

/* ---- whole clusters, and windows ---- */

static void add_cluster(struct table *table, const struct assessment *assessment)
{
	const struct cluster_assessment *row = table->row;
	const struct move gone = {MOVE_DIVERT, row->cluster, 0};
	struct projection it;
	double weight;
	if (!snapshot_value(table->snapshot, row->cluster, SIGNAL_CLUSTER_WEIGHT, &weight) ||
		weight <= 0)
		return;
	projection_init(&it);
	bool known = project(table->snapshot, assessment, &gone, 1, &it) && it.known;
	struct loss *loss = known ? add_row(table) : NULL;
	if (loss) {
		*loss = (struct loss){
			.cluster = row->cluster,
			.replica = ENTITY_NONE,
			.second = ENTITY_NONE,
			.receiver = ENTITY_NONE,
			.utilisation_now = row->contingency.utilisation_now,
			/* Where nobody else takes traffic, nobody takes this. */
			.utilisation_after = INFINITY,
		};
		for (size_t i = 0; i < it.line_count; i++) {
			const struct projection_line *line = &it.lines[i];
			double use = ledger_use(line->asked_high, line->capacity);
			bool receives = line->changed && line->cluster != row->cluster;
			if (!receives ||
				(loss->receiver != ENTITY_NONE && use <= loss->utilisation_after))
				continue;
			loss->receiver = line->cluster;
			loss->utilisation_after = use;
		}
		loss->seconds_to_timeout =
			seconds_to_timeout(loss->utilisation_after, row->timeout_ms / 1000);
	}
	projection_finish(&it);
}

size_t contingency_clusters(const struct snapshot *snapshot, const struct assessment *assessment,
	struct loss *out, size_t most)
{
	struct table table = {.snapshot = snapshot, .out = out, .most = most};
	for (size_t i = 0; i < assessment->cluster_count; i++) {
		table.row = &assessment->clusters[i];
		add_cluster(&table, assessment);
	}
	return table_end(&table);
}

size_t contingency_windows(const struct snapshot *snapshot, const struct assessment *assessment,
	struct loss *out, size_t most)
{
	struct table table = {.snapshot = snapshot, .out = out, .most = most};
	size_t count;
	const struct maintenance *windows = fleet_maintenance(snapshot->fleet, &count);
	for (size_t i = 0; i < count; i++) {
		uint32_t replica = windows[i].replica;
		struct evidence evidence = {0};
		table.row =
			assessment_cluster(assessment, fleet_cluster_of(snapshot->fleet, replica));
		if (windows[i].from_ms > snapshot->at_ms && is_known(table.row) &&
			replica_judge(&evidence, snapshot, replica) == REPLICA_SERVING)
			add_loss(&table, replica, ENTITY_NONE, windows[i].from_ms);
	}
	return table_end(&table);
}
