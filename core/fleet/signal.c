#include "core/fleet/signal.h"

#include <math.h>
#include <string.h>

#include "core/base/complaints.h"

#define ON_FLEET (1u << ENTITY_FLEET)
#define ON_CLUSTER (1u << ENTITY_CLUSTER)
#define ON_REPLICA (1u << ENTITY_REPLICA)
#define ON_SERVICE (1u << ENTITY_SERVICE)
#define ON_SURFACE (1u << ENTITY_SURFACE)
#define ON_POOL (ON_REPLICA | ON_CLUSTER)
#define ON_WHOLE (ON_FLEET | ON_CLUSTER)

static const struct signal_row rows[SIGNAL_COUNT] = {
	[SIGNAL_REPLICA_UP] = {"replica.up", ON_REPLICA, UNIT_FLAG, MERGE_WORST_LOW, 0, 1, false,
		"Whether the replica serves reads: 1 serving, 0 down."},
	[SIGNAL_REPLICA_MAINTENANCE] = {"replica.maintenance", ON_REPLICA, UNIT_FLAG,
		MERGE_WORST_HIGH, 0, 1, false,
		"1 while the replica is taken out on purpose, else 0."},
	[SIGNAL_REPLICA_LAG] = {"replica.lag", ON_REPLICA, UNIT_SECONDS, MERGE_WORST_HIGH, 0,
		INFINITY, false, "How far the replica is behind its primary."},
	[SIGNAL_REPLICA_QUERIES] = {"replica.queries", ON_REPLICA, UNIT_PER_SECOND, MERGE_SUM, 0,
		INFINITY, false, "Reads the replica finishes per second: its load."},
	[SIGNAL_REPLICA_CONNECTIONS_USED] = {"replica.connections_used", ON_REPLICA, UNIT_COUNT,
		MERGE_SUM, 0, INFINITY, false, "Database connection slots in use."},
	[SIGNAL_REPLICA_CONNECTIONS_MAX] = {"replica.connections_max", ON_REPLICA, UNIT_COUNT,
		MERGE_SUM, 0, INFINITY, false,
		"Database connection slots that applications may use."},
	[SIGNAL_REPLICA_DROPS] = {"replica.drops", ON_REPLICA, UNIT_PER_SECOND, MERGE_SUM, 0,
		INFINITY, false,
		"Connections per second that the replica's machine turned away, its queue full."},
	[SIGNAL_REPLICA_MAXCONN] = {"replica.maxconn", ON_REPLICA, UNIT_COUNT, MERGE_SUM, 0,
		INFINITY, false,
		"Most connections the load balancer opens to the replica at once."},
	[SIGNAL_REPLICA_STALLED] = {"replica.stalled", ON_REPLICA, UNIT_RATIO, MERGE_WORST_HIGH, 0,
		INFINITY, false,
		"Share of time in which work on the replica's machine waits for a processor."},
	[SIGNAL_POOL_USED] = {"pool.used", ON_POOL, UNIT_COUNT, MERGE_SUM, 0, INFINITY, false,
		"Pool connections busy at the moment of the sample."},
	[SIGNAL_POOL_BUSY] = {"pool.busy", ON_POOL, UNIT_COUNT, MERGE_SUM, 0, INFINITY, false,
		"Pool connections busy, averaged over the last interval."},
	[SIGNAL_POOL_MAX] = {"pool.max", ON_POOL, UNIT_COUNT, MERGE_SUM, 0, INFINITY, false,
		"Most connections the pool may open."},
	[SIGNAL_POOL_WAITING] = {"pool.waiting", ON_POOL, UNIT_COUNT, MERGE_SUM, 0, INFINITY, false,
		"Clients waiting for a connection."},
	[SIGNAL_POOL_WAIT] = {"pool.wait", ON_POOL, UNIT_MILLISECONDS, MERGE_WORST_HIGH, 0,
		INFINITY, false, "How long a client waits now for a connection."},
	[SIGNAL_POOL_PAUSED] = {"pool.paused", ON_POOL, UNIT_FLAG, MERGE_WORST_HIGH, 0, 1, false,
		"1 while the pool hands out no connection on purpose, else 0."},
	[SIGNAL_CLUSTER_WEIGHT] = {"cluster.weight", ON_CLUSTER, UNIT_WEIGHT, MERGE_SUM, 0,
		INFINITY, false,
		"Weight at the traffic divider; the share is weight over the sum."},
	[SIGNAL_CLUSTER_SILENCED] = {"cluster.silenced", ON_CLUSTER, UNIT_FLAG, MERGE_WORST_HIGH, 0,
		1, false, "1 while alerts of the cluster are silenced on purpose, else 0."},
	[SIGNAL_SERVICE_FIRST_TRIES] = {"service.first_tries", ON_SERVICE, UNIT_PER_SECOND,
		MERGE_SUM, 0, INFINITY, false, "First attempts per second, retries left out."},
	[SIGNAL_SERVICE_ATTEMPTS] = {"service.attempts", ON_SERVICE, UNIT_PER_SECOND, MERGE_SUM, 0,
		INFINITY, false, "All attempts per second, retries included."},
	[SIGNAL_SERVICE_FAILURES] = {"service.failures", ON_SERVICE, UNIT_PER_SECOND, MERGE_SUM, 0,
		INFINITY, false, "Requests per second that failed for good."},
	[SIGNAL_SERVICE_RETRY_LIMIT] = {"service.retry_limit", ON_SERVICE, UNIT_FACTOR,
		MERGE_WORST_HIGH, 0, INFINITY, false,
		"Most retries allowed per first try: 0.2 is one in five."},
	[SIGNAL_SERVICE_ROLE_LIMIT] = {"service.role_limit", ON_SERVICE, UNIT_COUNT,
		MERGE_WORST_HIGH, -1, INFINITY, false,
		"Connections that the service's database role may have; -1: no limit."},
	[SIGNAL_SERVICE_INSTANCES] = {"service.instances", ON_SERVICE, UNIT_COUNT, MERGE_SUM, 0,
		INFINITY, false, "Processes of the service that run."},
	[SIGNAL_SURFACE_REQUESTS] = {"surface.requests", ON_SURFACE, UNIT_PER_SECOND, MERGE_SUM, 0,
		INFINITY, false, "Requests per second that users make."},
	[SIGNAL_SURFACE_ERRORS] = {"surface.errors", ON_SURFACE, UNIT_PER_SECOND, MERGE_SUM, 0,
		INFINITY, false, "Errors per second that users see."},
	[SIGNAL_SURFACE_LATENCY] = {"surface.latency", ON_SURFACE, UNIT_MILLISECONDS,
		MERGE_WORST_HIGH, 0, INFINITY, false,
		"Latency users see, the 99th percentile where the source has one."},
	[SIGNAL_STAGE_REPLICAS] = {"stage.replicas", ON_WHOLE, UNIT_RATIO, MERGE_WORST_LOW, 0, 1,
		true, "Share of expected replicas that serve."},
	[SIGNAL_STAGE_LOAD] = {"stage.load", ON_WHOLE, UNIT_FACTOR, MERGE_WORST_HIGH, 0, INFINITY,
		true, "Load per surviving replica over its baseline."},
	[SIGNAL_STAGE_POOL] = {"stage.pool", ON_WHOLE, UNIT_RATIO, MERGE_WORST_HIGH, 0, INFINITY,
		true, "Use of the fullest pool."},
	[SIGNAL_STAGE_AUTH] = {"stage.auth", ON_WHOLE, UNIT_RATIO, MERGE_WORST_HIGH, 0, INFINITY,
		true, "Failures over first tries of the services upstream."},
	[SIGNAL_STAGE_ATTEMPTS] = {"stage.attempts", ON_WHOLE, UNIT_FACTOR, MERGE_WORST_HIGH, 0,
		INFINITY, true, "Attempts over first tries."},
	[SIGNAL_STAGE_ERRORS] = {"stage.errors", ON_WHOLE, UNIT_RATIO, MERGE_WORST_HIGH, 0,
		INFINITY, true, "Errors over requests of the worst surface."},
	[SIGNAL_GOODPUT] = {"goodput", ON_WHOLE, UNIT_PER_SECOND, MERGE_SUM, 0, INFINITY, true,
		"User requests per second that succeeded."},
	[SIGNAL_PRESSURE] = {"pressure", ON_WHOLE, UNIT_RATIO, MERGE_WORST_HIGH, 0, 1, true,
		"The worst of pool, auth and error severity."},
};

static const char *const unit_texts[] = {
	[UNIT_FLAG] = "",
	[UNIT_COUNT] = "",
	[UNIT_PER_SECOND] = "/s",
	[UNIT_SECONDS] = "s",
	[UNIT_MILLISECONDS] = "ms",
	[UNIT_RATIO] = "",
	[UNIT_FACTOR] = "",
	[UNIT_WEIGHT] = "",
};

size_t signal_place(enum signal signal)
{
	/* The first of each group: replicas and pools, clusters, services, surfaces. */
	if (signal < SIGNAL_CLUSTER_WEIGHT)
		return (size_t)signal;
	if (signal < SIGNAL_SERVICE_FIRST_TRIES)
		return (size_t)signal - SIGNAL_CLUSTER_WEIGHT;
	if (signal < SIGNAL_SURFACE_REQUESTS)
		return (size_t)signal - SIGNAL_SERVICE_FIRST_TRIES;
	if (signal < SIGNAL_STAGE_REPLICAS)
		return (size_t)signal - SIGNAL_SURFACE_REQUESTS;
	return SIGNAL_PLACES;
}

const struct signal_row *signal_row(enum signal signal)
{
	return &rows[signal];
}

bool signal_find(const char *name, enum signal *out)
{
	for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
		if (strcmp(rows[i].name, name) == 0) {
			*out = (enum signal)i;
			return true;
		}
	}
	return false;
}

const char *signal_unit_text(enum signal_unit unit)
{
	size_t index = (size_t)unit;
	return index < sizeof(unit_texts) / sizeof(unit_texts[0]) ? unit_texts[index] : "";
}

const char *signal_nearest(const char *name)
{
	const char *names[SIGNAL_COUNT];
	size_t count = 0;
	for (size_t i = 0; i < SIGNAL_COUNT; i++) {
		if (!rows[i].derived)
			names[count++] = rows[i].name;
	}
	return complaints_nearest(name, names, count);
}
