#include "backends/sim/model_fleet_file.h"

#include <stddef.h>

#include "backends/sim/scenario.h"
#include "core/base/text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* One row of `signals:` in both forms: straight from a page, and as a query. */
static const struct signal_line {
	const char *signal, *source, *metric, *options, *query;
} signals[] = {
	{"replica.up", "replicas", "pg_up", "", "min by (region, cluster, replica) (pg_up)"},
	{"replica.connections_used", "replicas", "pg_stat_activity_count", "",
		"sum by (region, cluster, replica) (pg_stat_activity_count)"},
	{"replica.connections_max", "replicas", "pg_settings_max_connections", "",
		"max by (region, cluster, replica) (pg_settings_max_connections)"},
	{"pool.used", "replicas", "pgbouncer_pools_server_active_connections", "",
		"sum by (region, cluster, replica) (pgbouncer_pools_server_active_connections)"},
	{"pool.busy", "replicas", "pgbouncer_stats_totals_busy_seconds_total", ", rate: true",
		"sum by (region, cluster, replica) "
		"(rate(pgbouncer_stats_totals_busy_seconds_total[5s]))"},
	{"pool.max", "replicas", "pgbouncer_databases_pool_size", "",
		"sum by (region, cluster, replica) (pgbouncer_databases_pool_size)"},
	{"pool.waiting", "replicas", "pgbouncer_pools_client_waiting_connections", "",
		"sum by (region, cluster, replica) (pgbouncer_pools_client_waiting_connections)"},
	{"pool.wait", "replicas", "pgbouncer_pools_client_maxwait_seconds", ", scale: 1000",
		"1000 * max by (region, cluster, replica) "
		"(pgbouncer_pools_client_maxwait_seconds)"},
	{"cluster.weight", "control", "traffic_cluster_weight", "",
		"sum by (region, cluster) (traffic_cluster_weight)"},
	{"service.first_tries", "auth", "auth_first_tries_total", ", rate: true",
		"sum by (region, cluster, service) (rate(auth_first_tries_total[5s]))"},
	{"service.attempts", "auth", "auth_attempts_total", ", rate: true",
		"sum by (region, cluster, service) (rate(auth_attempts_total[5s]))"},
	{"service.failures", "auth", "auth_failures_total", ", rate: true",
		"sum by (region, cluster, service) (rate(auth_failures_total[5s]))"},
	{"surface.requests", "surfaces", "http_requests_total", ", rate: true",
		"sum by (region, cluster, surface) (rate(http_requests_total[5s]))"},
	{"surface.errors", "surfaces", "http_requests_total{outcome=\"error\"}", ", rate: true",
		"sum by (region, cluster, surface) "
		"(rate(http_requests_total{outcome=\"error\"}[5s]))"},
	{"surface.latency", "surfaces", "http_request_latency_seconds{quantile=\"0.99\"}",
		", scale: 1000",
		"1000 * max by (region, cluster, surface) "
		"(http_request_latency_seconds{quantile=\"0.99\"})"},
};

/* What only the health checks know; HAProxy's table says it without a row. */
static const char maintenance_query[] =
	"max by (region, cluster, replica) (haproxy_server_status{state=\"MAINT\"})";
static const char queries_query[] =
	"sum by (region, cluster, replica) (rate(haproxy_server_loadbalanced_total[5s]))";

static void write_head(const struct scenario *scenario, struct text *out)
{
	text_printf(out,
		"# Written by spillway-sim for the scenario '%s'. Figures are simulated.\n"
		"version: 1\nenvironment: demo\nsources:\n",
		scenario->name);
}

static void begin_source(struct text *out, const char *name)
{
	text_printf(out,
		"  %s:\n    kind: exposition\n    every: 1s\n    timeout: 900ms\n    targets:\n",
		name);
}

static void write_target(struct text *out, const struct fleet_ports *ports,
	const struct scenario_cluster *cluster, const char *component, const char *label)
{
	text_printf(out,
		"      - {url: \"http://127.0.0.1:%d/metrics/%s/%s\", "
		"labels: {region: %s, cluster: %s, %s: %s}}\n",
		ports->http, cluster->name, component, cluster->region, cluster->name, label,
		component);
}

static void write_direct_sources(
	const struct scenario *scenario, const struct fleet_ports *ports, struct text *out)
{
	begin_source(out, "replicas");
	for (size_t c = 0; c < scenario->cluster_count; c++)
		for (size_t r = 0; r < scenario->clusters[c].replica_count; r++)
			write_target(out, ports, &scenario->clusters[c],
				scenario->clusters[c].replicas[r], "replica");
	begin_source(out, "auth");
	for (size_t c = 0; c < scenario->cluster_count; c++)
		write_target(out, ports, &scenario->clusters[c], "auth", "service");
	begin_source(out, "surfaces");
	for (size_t c = 0; c < scenario->cluster_count; c++) {
		write_target(out, ports, &scenario->clusters[c], "web", "surface");
		write_target(out, ports, &scenario->clusters[c], "api", "surface");
	}
	begin_source(out, "control");
	text_printf(out, "      - {url: \"http://127.0.0.1:%d/metrics/control\"}\n", ports->http);
	text_printf(out,
		"  edge: {kind: haproxy, url: \"http://127.0.0.1:%d/stats;csv\", every: 1s, "
		"timeout: 900ms}\n",
		ports->http);
}

static void write_fleet(const struct scenario *scenario, struct text *out)
{
	text_add(out, "fleet:\n  clusters:\n");
	for (size_t c = 0; c < scenario->cluster_count; c++) {
		const struct scenario_cluster *cluster = &scenario->clusters[c];
		text_printf(out, "    %s: {region: %s, connections_max: %lld, replicas: [",
			cluster->name, cluster->region, (long long)cluster->pool.connections_max);
		for (size_t r = 0; r < cluster->replica_count; r++)
			text_printf(out, "%s%s", r > 0 ? ", " : "", cluster->replicas[r]);
		text_add(out, "]}\n");
	}
	text_printf(out, "  services: {auth: {timeout: %lldms}}\n  surfaces: {web: {}, api: {}}\n",
		(long long)scenario->auth_timeout_ms);
}

static void write_actions(const struct fleet_ports *ports, struct text *out)
{
	text_printf(out,
		"actions:\n"
		"  scale-pool:\n"
		"    verb: pool.resize\n"
		"    ssh:\n"
		"      host: 127.0.0.1\n"
		"      port: %d\n"
		"      user: ops\n"
		"      identity_file: id_ed25519\n"
		"      known_hosts_file: known_hosts\n"
		"      command: \"psql -h {cluster} -p 6432 pgbouncer "
		"-c 'SET default_pool_size = {size}'\"\n"
		"      timeout: 10s\n",
		ports->ssh);
	text_printf(out,
		"  divert:\n"
		"    verb: cluster.divert\n"
		"    http:\n"
		"      method: POST\n"
		"      url: \"http://127.0.0.1:%d/v1/clusters/{cluster}/weight\"\n"
		"      bearer_file: token\n"
		"      json: {weight: \"{weight}\"}\n"
		"      timeout: 5s\n",
		ports->http);
	text_add(out, "guards: {ceiling: 85%, max_step: 2x, max_divert: 25%, max_age: 5s, "
		      "cooldown: 10s, verify_within: 90s}\n"
		      "journal: {file: journal.jsonl}\n");
}

void fleet_file_direct(
	const struct scenario *scenario, const struct fleet_ports *ports, struct text *out)
{
	write_head(scenario, out);
	write_direct_sources(scenario, ports, out);
	text_add(out, "signals:\n");
	for (size_t i = 0; i < COUNT_OF(signals); i++)
		text_printf(out, "  %s: {from: %s, metric: '%s'%s}\n", signals[i].signal,
			signals[i].source, signals[i].metric, signals[i].options);
	write_fleet(scenario, out);
	write_actions(ports, out);
}

void fleet_file_prometheus(
	const struct scenario *scenario, const struct fleet_ports *ports, struct text *out)
{
	write_head(scenario, out);
	text_add(out, "  prom: {kind: prometheus, url: \"http://127.0.0.1:9090\", every: 1s, "
		      "timeout: 900ms}\nsignals:\n");
	for (size_t i = 0; i < COUNT_OF(signals); i++)
		text_printf(out, "  %s: {from: prom, query: '%s'}\n", signals[i].signal,
			signals[i].query);
	text_printf(out, "  replica.maintenance: {from: prom, query: '%s'}\n", maintenance_query);
	text_printf(out, "  replica.queries: {from: prom, query: '%s'}\n", queries_query);
	write_fleet(scenario, out);
	write_actions(ports, out);
}

void fleet_file_scrape(const struct fleet_ports *ports, struct text *out)
{
	text_printf(out,
		"# For a Prometheus that watches the box: prometheus --config.file=prometheus.yml\n"
		"global: {scrape_interval: 1s, scrape_timeout: 900ms, evaluation_interval: 1s}\n"
		"scrape_configs:\n"
		"  - job_name: spillway-sim\n"
		"    honor_labels: true\n"
		"    static_configs: [{targets: [\"127.0.0.1:%d\"]}]\n",
		ports->http);
}
