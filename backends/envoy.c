/*
 * Kind envoy: the admin interface of an Envoy proxy. Its JSON is protobuf's: 64-bit numbers are
 * strings, and what is zero or false is left out; so within an object that is there, absent is
 * zero.
 *
 *   /clusters?format=json   hosts, their health, connections, requests; the circuit breaker's limit
 *   /stats?format=prometheus  what the JSON does not have: requests in line for a connection
 */
#include <stdio.h>
#include <string.h>

#include "backends/answer.h"
#include "backends/backend.h"
#include "backends/exposition.h"
#include "backends/fact.h"
#include "backends/observation.h"
#include "backends/plain.h"
#include "backends/series.h"
#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/wire/json.h"

#define HOSTS_MOST 65536
#define HOST_NAME_BYTES 300
#define DEFAULT_CONNECTIONS 1024 /* Envoy's own, where a threshold names none */
#define PENDING "envoy_cluster_upstream_rq_pending_active"

enum step { STEP_HOSTS, STEP_LINE, STEP_COUNT };

static const char *const paths[STEP_COUNT] = {
	[STEP_HOSTS] = "/clusters?format=json",
	[STEP_LINE] = "/stats?format=prometheus&filter=upstream_rq_pending_active",
};

/* One answer being read. */
struct reading_of {
	const struct source_config *source;
	struct sheet sheet;
	size_t hosts, clusters, lines;
};

static size_t steps(const void *instance, size_t target, bool past)
{
	(void)instance;
	(void)target;
	return past ? 0 : STEP_COUNT;
}

static bool request(const void *instance, const struct backend_ask *ask, struct arena *scratch,
	struct backend_request *out, struct error *error)
{
	const struct plain *envoy = instance;
	size_t step = ask->step < STEP_COUNT ? ask->step : STEP_HOSTS;
	out->http.method = "GET";
	out->http.url = fact_url(scratch, &envoy->source->targets[ask->target], paths[step]);
	return out->http.url || error_no_memory(error, "a request");
}

/* ---- hosts ---- */

static bool is_true(const struct json_node *object, const char *key)
{
	bool value = false;
	return json_bool_of(json_get(object, key), &value) && value;
}

/* One of the host's figures; absent is zero, as protobuf writes it. */
static double stat_of(const struct json_node *host, const char *name)
{
	const struct json_node *stat = json_first(json_get(host, "stats"));
	for (; stat; stat = json_next(stat)) {
		const char *key = json_text(json_get(stat, "name"));
		double value = 0;
		if (key && strcmp(key, name) == 0)
			return json_number_of(json_get(stat, "value"), &value) ? value : 0;
	}
	return 0;
}

struct health {
	bool up, leaving;
};

static struct health read_health(const struct json_node *host)
{
	static const char *const failures[] = {"failed_active_health_check", "failed_outlier_check",
		"active_hc_timeout", "pending_dynamic_removal", NULL};
	const struct json_node *status = json_get(host, "health_status");
	const char *told = json_text(json_get(status, "eds_health_status"));
	struct health health = {.up = true};
	for (size_t i = 0; failures[i]; i++)
		health.up = health.up && !is_true(status, failures[i]);
	if (told && (strcmp(told, "UNHEALTHY") == 0 || strcmp(told, "TIMEOUT") == 0))
		health.up = false;
	health.leaving = told && strcmp(told, "DRAINING") == 0;
	return health;
}

/* The host's name, or address:port; false when it has neither. */
static bool name_host(const struct json_node *host, char out[HOST_NAME_BYTES])
{
	const char *name = json_text(json_get(host, "hostname"));
	const struct json_node *socket = json_pointer(host, "/address/socket_address");
	const char *address = json_text(json_get(socket, "address"));
	const char *pipe = json_text(json_pointer(host, "/address/pipe/path"));
	int64_t port = 0;
	json_integer_of(json_get(socket, "port_value"), &port);
	if (name && name[0])
		snprintf(out, HOST_NAME_BYTES, "%s", name);
	else if (address)
		snprintf(out, HOST_NAME_BYTES, "%s:%lld", address, (long long)port);
	else if (pipe)
		snprintf(out, HOST_NAME_BYTES, "%s", pipe);
	else
		return false;
	return true;
}

static bool read_host(struct reading_of *reading, const char *cluster, const struct json_node *host,
	struct error *error)
{
	char name[HOST_NAME_BYTES];
	if (++reading->hosts > HOSTS_MOST)
		return error_set(error, ERROR_LIMIT, "more than %d hosts", HOSTS_MOST);
	if (!name_host(host, name)) {
		observations_warn(reading->sheet.sink, "a host of '%s' has no address", cluster);
		return true;
	}
	struct health health = read_health(host);
	const struct fact facts[] = {
		{.signal = SIGNAL_REPLICA_UP, .value = health.up ? 1 : 0},
		{.signal = SIGNAL_REPLICA_MAINTENANCE, .value = health.leaving ? 1 : 0},
		{.signal = SIGNAL_REPLICA_QUERIES,
			.value = stat_of(host, "rq_total"),
			.rate = true},
	};
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		struct fact fact = facts[i];
		fact.cluster = cluster;
		fact.replica = name;
		fact.series = hash_string(HASH_START, name);
		if (!fact_note(&reading->sheet, &fact, error))
			return false;
	}
	return true;
}

/* ---- clusters ---- */

static double connections_most(const struct json_node *cluster)
{
	const struct json_node *row =
		json_first(json_pointer(cluster, "/circuit_breakers/thresholds"));
	for (; row; row = json_next(row)) {
		const char *priority = json_text(json_get(row, "priority"));
		double most = 0;
		if (priority && strcmp(priority, "DEFAULT") != 0)
			continue;
		return json_number_of(json_get(row, "max_connections"), &most)
			       ? most
			       : DEFAULT_CONNECTIONS;
	}
	return DEFAULT_CONNECTIONS;
}

static bool read_cluster(
	struct reading_of *reading, const struct json_node *cluster, struct error *error)
{
	const char *theirs = json_text(json_get(cluster, "name"));
	const char *name =
		theirs ? fact_mapped(reading->source->proxies, reading->source->proxy_count, theirs)
		       : NULL;
	if (!name)
		return true;
	double active = 0;
	reading->clusters++;
	const struct json_node *host = json_first(json_get(cluster, "host_statuses"));
	for (; host; host = json_next(host)) {
		active += stat_of(host, "cx_active");
		if (!read_host(reading, name, host, error))
			return false;
	}
	uint64_t series = hash_string(HASH_START, theirs);
	struct fact used = {
		.cluster = name, .signal = SIGNAL_POOL_USED, .value = active, .series = series};
	struct fact most = {.cluster = name,
		.signal = SIGNAL_POOL_MAX,
		.value = connections_most(cluster),
		.series = series};
	return fact_note(&reading->sheet, &used, error) && fact_note(&reading->sheet, &most, error);
}

static bool read_hosts(
	struct reading_of *reading, const struct backend_answer *answer, struct error *error)
{
	struct json_document *document =
		fact_json(&reading->sheet, answer, "Envoy's list of clusters as JSON", error);
	if (!document)
		return false;
	const struct json_node *list = json_get(json_root(document), "cluster_statuses");
	bool good = json_is_object(json_root(document)) ||
		    error_set(error, ERROR_SCHEMA,
			    "the answer is no object: is it Envoy's admin interface?");
	for (const struct json_node *cluster = json_first(list); good && cluster;
		cluster = json_next(cluster))
		good = read_cluster(reading, cluster, error);
	json_destroy(document);
	if (!good)
		return false;
	if (reading->clusters == 0)
		observations_warn(reading->sheet.sink, "Envoy has none of the clusters named");
	observations_describe(reading->sheet.sink, "Envoy, %zu clusters, %zu hosts",
		reading->clusters, reading->hosts);
	return true;
}

/* ---- the line ---- */

static bool on_sample(void *context, const struct exposition_sample *sample, struct error *error)
{
	struct reading_of *reading = context;
	if (strcmp(sample->series->name, PENDING) != 0)
		return true;
	const char *theirs = series_label(sample->series, "envoy_cluster_name");
	if (!theirs[0]) /* Istio's name for it */
		theirs = series_label(sample->series, "cluster_name");
	const char *name =
		fact_mapped(reading->source->proxies, reading->source->proxy_count, theirs);
	reading->lines++;
	if (!theirs[0] || !name)
		return true;
	struct fact waiting = {.cluster = name,
		.signal = SIGNAL_POOL_WAITING,
		.value = sample->value,
		.series = hash_string(HASH_START, theirs)};
	return fact_note(&reading->sheet, &waiting, error);
}

static bool read_line(
	struct reading_of *reading, const struct backend_answer *answer, struct error *error)
{
	struct exposition_reader page;
	/* A filter that matches nothing gives a page of nothing. */
	bool empty = answer->status == 200 && answer->length == 0;
	if (!empty &&
		!answer_check(answer, reading->sheet.target->url, "Envoy's statistics", error))
		return false;
	if (!exposition_init(&page, on_sample, reading, error))
		return false;
	bool good = exposition_feed(&page, answer->bytes, answer->length, error) &&
		    exposition_end(&page, error);
	exposition_finish(&page);
	if (good && reading->lines == 0)
		observations_warn(reading->sheet.sink,
			"Envoy keeps no upstream_rq_pending_active (Istio's default): add it to "
			"proxyStatsMatcher to see who waits");
	return good || error_prefix(error, "Envoy's statistics");
}

static bool accept(const void *instance, const struct backend_ask *ask,
	const struct backend_answer *answer, struct arena *scratch, struct observations *sink,
	struct error *error)
{
	const struct plain *envoy = instance;
	struct reading_of reading = {.source = envoy->source,
		.sheet = {sink, &envoy->source->targets[ask->target], answer->arrived_ms}};
	(void)scratch;
	return ask->step == STEP_HOSTS ? read_hosts(&reading, answer, error)
				       : read_line(&reading, answer, error);
}

static const char *const keys[] = {"proxies", NULL};

const struct backend_ops envoy_ops = {
	.name = "envoy",
	.help = "Envoy's admin interface: hosts and their health, connections, and who waits.",
	.traits = BACKEND_NEEDS_URL,
	.keys = keys,
	.trust = 65,
	.create = plain_create,
	.destroy = plain_destroy,
	.steps = steps,
	.request = request,
	.accept = accept,
};
