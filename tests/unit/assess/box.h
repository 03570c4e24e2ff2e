/*
 * box.h - a small fleet for tests of the assessment: clusters with replicas, a service and two
 * surfaces each, set by hand and ticked in virtual time.
 */
#ifndef TESTS_UNIT_ASSESS_BOX_H
#define TESTS_UNIT_ASSESS_BOX_H

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/assess/assess.h"
#include "core/base/error.h"
#include "core/fleet/history.h"
#include "core/fleet/snapshot.h"

#define BOX_CLUSTERS 4
#define BOX_REPLICAS 4
#define BOX_START_MS 1770224760000 /* 2026-02-04T17:06:00Z */
#define BOX_POOL 16.0

/* What a cluster reports from now on. */
struct box_cluster {
	uint32_t id, auth, web, api;
	uint32_t replicas[BOX_REPLICAS];
	bool up[BOX_REPLICAS], maintenance[BOX_REPLICAS];
	bool quiet[BOX_REPLICAS];   /* this one reports nothing */
	bool starved[BOX_REPLICAS]; /* this one finishes nothing, and its pooler is silent */
	double pool_max, busy, waiting, wait_ms, queries; /* per serving replica */
	double weight;
	double first, attempts, failures; /* per second */
	double web_requests, web_errors, api_requests, api_errors;
	bool silent; /* reports nothing */
};

struct box {
	struct fleet *fleet;
	struct store *store;
	struct history *history;
	struct assessor *assessor;
	struct snapshot *snapshot;
	struct assessment seen;
	struct box_cluster clusters[BOX_CLUSTERS];
	size_t cluster_count;
	uint16_t source;
	int64_t now_ms;
};

static inline uint32_t box_intern(
	struct box *box, enum entity_kind kind, uint32_t parent, const char *name)
{
	struct error error = {0};
	uint32_t id = ENTITY_NONE;
	ck_assert_msg(fleet_intern(box->fleet, kind, parent, name, &id, &error), "%s", error.text);
	return id;
}

static inline void box_calm(struct box_cluster *cluster)
{
	for (size_t i = 0; i < BOX_REPLICAS; i++) {
		cluster->up[i] = true;
		cluster->maintenance[i] = false;
	}
	cluster->pool_max = BOX_POOL;
	cluster->busy = 9;
	cluster->waiting = 0;
	cluster->wait_ms = 0.5;
	cluster->queries = 450;
	cluster->weight = 100;
	cluster->first = 1800;
	cluster->attempts = 1805;
	cluster->failures = 2;
	cluster->web_requests = 1000;
	cluster->web_errors = 1;
	cluster->api_requests = 500;
	cluster->api_errors = 0;
	cluster->silent = false;
}

static inline void box_init(struct box *box, size_t clusters)
{
	static const char *const names[BOX_CLUSTERS] = {"east-a", "east-b", "west-a", "west-b"};
	*box = (struct box){.cluster_count = clusters, .now_ms = BOX_START_MS};
	box->fleet = fleet_create();
	box->store = store_create(box->fleet);
	box->history = history_create(600, (size_t)64 * 1024 * 1024);
	box->assessor = assessor_create();
	assessment_init(&box->seen);
	struct error error = {0};
	ck_assert(
		store_add_source(box->store, "poolers", "exposition", 1000, &box->source, &error));
	for (size_t i = 0; i < clusters; i++) {
		struct box_cluster *cluster = &box->clusters[i];
		cluster->id = box_intern(box, ENTITY_CLUSTER, ENTITY_ROOT, names[i]);
		for (size_t j = 0; j < BOX_REPLICAS; j++) {
			char name[8];
			snprintf(name, sizeof(name), "r%zu", j + 1);
			cluster->replicas[j] = box_intern(box, ENTITY_REPLICA, cluster->id, name);
			fleet_declare(box->fleet, cluster->replicas[j]);
		}
		cluster->auth = box_intern(box, ENTITY_SERVICE, cluster->id, "auth");
		cluster->web = box_intern(box, ENTITY_SURFACE, cluster->id, "web");
		cluster->api = box_intern(box, ENTITY_SURFACE, cluster->id, "api");
		box_calm(cluster);
	}
}

static inline void box_finish(struct box *box)
{
	assessment_finish(&box->seen);
	assessor_destroy(box->assessor);
	snapshot_destroy(box->snapshot);
	history_destroy(box->history);
	store_destroy(box->store);
	fleet_destroy(box->fleet);
}

static inline void box_put(struct box *box, uint32_t entity, enum signal signal, double value)
{
	struct error error = {0};
	ck_assert_msg(store_put(box->store, entity, signal, value, box->now_ms, 1000, box->source,
			      &error),
		"%s", error.text);
	history_append(box->history, entity, signal, box->now_ms, value);
}

static inline void box_report(struct box *box, const struct box_cluster *cluster)
{
	box_put(box, cluster->id, SIGNAL_CLUSTER_WEIGHT, cluster->weight);
	for (size_t i = 0; i < BOX_REPLICAS; i++) {
		uint32_t id = cluster->replicas[i];
		if (cluster->quiet[i])
			continue;
		bool serves = cluster->up[i] && !cluster->maintenance[i];
		box_put(box, id, SIGNAL_REPLICA_UP, cluster->up[i]);
		box_put(box, id, SIGNAL_REPLICA_MAINTENANCE, cluster->maintenance[i]);
		if (cluster->starved[i]) {
			box_put(box, id, SIGNAL_REPLICA_QUERIES, 0);
			continue;
		}
		box_put(box, id, SIGNAL_POOL_MAX, cluster->pool_max);
		box_put(box, id, SIGNAL_POOL_BUSY, serves ? cluster->busy : 0);
		box_put(box, id, SIGNAL_POOL_WAITING, serves ? cluster->waiting : 0);
		box_put(box, id, SIGNAL_POOL_WAIT, serves ? cluster->wait_ms : 0);
		box_put(box, id, SIGNAL_REPLICA_QUERIES, serves ? cluster->queries : 0);
	}
	box_put(box, cluster->auth, SIGNAL_SERVICE_FIRST_TRIES, cluster->first);
	box_put(box, cluster->auth, SIGNAL_SERVICE_ATTEMPTS, cluster->attempts);
	box_put(box, cluster->auth, SIGNAL_SERVICE_FAILURES, cluster->failures);
	box_put(box, cluster->web, SIGNAL_SURFACE_REQUESTS, cluster->web_requests);
	box_put(box, cluster->web, SIGNAL_SURFACE_ERRORS, cluster->web_errors);
	box_put(box, cluster->api, SIGNAL_SURFACE_REQUESTS, cluster->api_requests);
	box_put(box, cluster->api, SIGNAL_SURFACE_ERRORS, cluster->api_errors);
}

/* Seal and assess at the box's time, without any new report. */
static inline void box_assess(struct box *box)
{
	snapshot_destroy(box->snapshot);
	box->snapshot = store_seal(box->store, box->now_ms);
	ck_assert_ptr_nonnull(box->snapshot);
	ck_assert(assess(box->assessor, box->snapshot, box->history, box->now_ms, &box->seen));
	assessment_record(&box->seen, box->history);
}

/* Note how the source does. */
static inline void box_answer(struct box *box, bool answered)
{
	struct source_status *source = store_source(box->store, box->source);
	source->last_try_ms = box->now_ms;
	source->state = answered ? SOURCE_OK : SOURCE_FAILING;
	if (answered)
		source->last_ok_ms = box->now_ms;
}

/* `seconds` ticks of one second, each with a report of every cluster that is not silent. */
static inline void box_run(struct box *box, int seconds)
{
	for (int i = 0; i < seconds; i++) {
		box->now_ms += 1000;
		bool answered = false;
		for (size_t j = 0; j < box->cluster_count; j++) {
			if (box->clusters[j].silent)
				continue;
			box_report(box, &box->clusters[j]);
			answered = true;
		}
		box_answer(box, answered);
		box_assess(box);
	}
}

static inline const struct cluster_assessment *box_row(const struct box *box, size_t cluster)
{
	const struct cluster_assessment *row =
		assessment_cluster(&box->seen, box->clusters[cluster].id);
	ck_assert_ptr_nonnull(row);
	return row;
}

/* ---- the incident, one state after the other ---- */

/* Near its limit, as the story begins. */
static inline void box_near_limit(struct box_cluster *cluster)
{
	cluster->busy = 12.6; /* 79 %; three replicas would need 105 % */
	cluster->queries = 630;
	cluster->first = 2520;
	cluster->attempts = 2525;
}

static inline void box_lose_replica(struct box_cluster *cluster, size_t index)
{
	cluster->maintenance[index] = true;
	cluster->busy = 15;
	cluster->queries = 800;
}

static inline void box_saturate(struct box_cluster *cluster)
{
	cluster->busy = 16;
	cluster->queries = 800;
	cluster->waiting = 90;
	cluster->wait_ms = 300;
}

static inline void box_fail(struct box_cluster *cluster)
{
	box_saturate(cluster);
	cluster->waiting = 800;
	cluster->wait_ms = 950;
	cluster->failures = 150;
	cluster->web_errors = 60;
}

static inline void box_amplify(struct box_cluster *cluster)
{
	box_fail(cluster);
	cluster->attempts = 7500;
	cluster->failures = 1500;
	cluster->web_errors = 250;
}

#endif
