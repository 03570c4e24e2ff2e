#include "backends/sim/model_pages.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "backends/sim/model.h"
#include "core/base/number.h"
#include "core/base/text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define ALL ((size_t)-1)

enum page_group {
	GROUP_REPLICA,
	GROUP_AUTH,
	GROUP_SURFACE,
	GROUP_CONTROL,
	GROUP_EDGE,
	GROUP_COUNT
};

/* What one page shows. */
struct scope {
	unsigned groups;                  /* bit set of 1 << enum page_group */
	size_t cluster, replica, surface; /* ALL, or just this one */
};

/* One entity while its samples are written. */
struct subject {
	const struct model *model;
	const struct scenario_cluster *shape;
	size_t cluster, replica;
	enum surface surface;
	struct replica_view replica_view;
	struct auth_view auth_view;
	struct surface_view surface_view;
	bool *has_head; /* the family's head was written: an empty family has none */
};

/* One sample of a family: the labels that are its own, and its value. */
struct sample_row {
	const char *labels;                             /* `code="403"`; NULL for none */
	double (*value)(const struct subject *subject); /* NAN: absent */
};

#define FAMILY_SAMPLES_MOST 4

struct family {
	const char *name, *type, *help;
	enum page_group group;
	bool even_when_away; /* GROUP_REPLICA: also of a replica that is gone */
	struct sample_row samples[FAMILY_SAMPLES_MOST];
};

/* ---- values ---- */

static bool is_away(const struct subject *subject)
{
	return subject->replica_view.state == REPLICA_MAINT ||
	       subject->replica_view.state == REPLICA_DOWN;
}

#define REPLICA_VALUE(function, expression)                               \
	static double function(const struct subject *subject)             \
	{                                                                 \
		const struct replica_view *view = &subject->replica_view; \
		return (double)(expression);                              \
	}

REPLICA_VALUE(value_active, view->busy)
REPLICA_VALUE(value_idle, view->open > view->busy ? view->open - view->busy : 0)
REPLICA_VALUE(value_waiting, view->waiting)
REPLICA_VALUE(value_max_wait, view->max_wait_s)
REPLICA_VALUE(value_pool_size, view->pool_size)
REPLICA_VALUE(value_connections_max, view->connections_max)
REPLICA_VALUE(value_queries, view->queries_total)
REPLICA_VALUE(value_duration, view->duration_seconds_total)
REPLICA_VALUE(value_wait, view->wait_seconds_total)
REPLICA_VALUE(value_busy, view->busy_seconds_total)
REPLICA_VALUE(value_refused, view->refused_total)
REPLICA_VALUE(value_health_up, view->health <= HEALTH_UP_FAILING_2)
REPLICA_VALUE(value_health_down, view->health == HEALTH_DOWN || view->health == HEALTH_DOWN_RISING)
REPLICA_VALUE(value_health_maint, view->health == HEALTH_MAINT)
REPLICA_VALUE(value_dispatched, view->dispatched_total)

static double value_up(const struct subject *subject)
{
	return is_away(subject) ? 0.0 : 1.0;
}

static double value_clients_max(const struct subject *subject)
{
	return (double)subject->shape->pool.clients_max;
}

#define AUTH_VALUE(function, field)                           \
	static double function(const struct subject *subject) \
	{                                                     \
		return (double)subject->auth_view.field;      \
	}

AUTH_VALUE(value_first_tries, first_tries_total)
AUTH_VALUE(value_attempts, attempts_total)
AUTH_VALUE(value_failures, failures_total)
AUTH_VALUE(value_answered, answered_total)
AUTH_VALUE(value_timed_out, timed_out_total)
AUTH_VALUE(value_attempts_refused, refused_total)
AUTH_VALUE(value_denied, denied_total)
AUTH_VALUE(value_in_flight, in_flight)

static double value_ok(const struct subject *subject)
{
	return (double)subject->surface_view.ok_total;
}

static double value_error(const struct subject *subject)
{
	return (double)subject->surface_view.error_total;
}

static double value_p99(const struct subject *subject)
{
	return subject->surface_view.p99_s;
}

static double value_weight(const struct subject *subject)
{
	return model_weight(subject->model, subject->cluster);
}

static double value_retry_limit(const struct subject *subject)
{
	return model_retry_limit(subject->model);
}

/* ---- families, in the order they are written ---- */

#define POOL_LABELS "database=\"sessions\",user=\"auth\""

static const struct family families[] = {
	{"pg_up", "gauge", "Whether the last scrape could connect to the server.", GROUP_REPLICA,
		true, {{NULL, value_up}}},
	{"pg_settings_max_connections", "gauge", "Server parameter max_connections.", GROUP_REPLICA,
		false, {{NULL, value_connections_max}}},
	{"pg_stat_activity_count", "gauge", "Connections by state.", GROUP_REPLICA, false,
		{{"datname=\"sessions\",state=\"active\"", value_active},
			{"datname=\"sessions\",state=\"idle\"", value_idle}}},
	{"pgbouncer_up", "gauge", "Whether the pooler answers.", GROUP_REPLICA, false,
		{{NULL, value_up}}},
	{"pgbouncer_config_max_client_connections", "gauge", "Most clients the pooler accepts.",
		GROUP_REPLICA, false, {{NULL, value_clients_max}}},
	{"pgbouncer_databases_pool_size", "gauge", "Most server connections of the pool.",
		GROUP_REPLICA, false, {{"name=\"sessions\"", value_pool_size}}},
	{"pgbouncer_pools_client_maxwait_seconds", "gauge",
		"How long the first client in the queue has waited.", GROUP_REPLICA, false,
		{{POOL_LABELS, value_max_wait}}},
	{"pgbouncer_pools_client_waiting_connections", "gauge",
		"Clients waiting for a server connection.", GROUP_REPLICA, false,
		{{POOL_LABELS, value_waiting}}},
	{"pgbouncer_pools_server_active_connections", "gauge",
		"Server connections linked to a client.", GROUP_REPLICA, false,
		{{POOL_LABELS, value_active}}},
	{"pgbouncer_pools_server_idle_connections", "gauge",
		"Server connections ready for a client.", GROUP_REPLICA, false,
		{{POOL_LABELS, value_idle}}},
	{"pgbouncer_stats_totals_busy_seconds_total", "counter",
		"Time server connections spent executing.", GROUP_REPLICA, false,
		{{NULL, value_busy}}},
	{"pgbouncer_stats_totals_client_wait_seconds_total", "counter",
		"Time clients spent waiting for a server connection.", GROUP_REPLICA, false,
		{{NULL, value_wait}}},
	{"pgbouncer_stats_totals_clients_refused_total", "counter",
		"Clients refused because the pooler was full.", GROUP_REPLICA, false,
		{{NULL, value_refused}}},
	{"pgbouncer_stats_totals_queries_duration_seconds_total", "counter",
		"Time queries took, their wait included.", GROUP_REPLICA, false,
		{{NULL, value_duration}}},
	{"pgbouncer_stats_totals_queries_pooled_total", "counter", "Queries finished.",
		GROUP_REPLICA, false, {{NULL, value_queries}}},
	{"auth_attempts_total", "counter", "Attempts at a session check, retries included.",
		GROUP_AUTH, false, {{NULL, value_attempts}}},
	{"auth_attempt_results_total", "counter", "Attempts by how they ended for the caller.",
		GROUP_AUTH, false,
		{{"result=\"answered\"", value_answered}, {"result=\"timeout\"", value_timed_out},
			{"result=\"refused\"", value_attempts_refused}}},
	{"auth_failures_total", "counter", "Session checks that failed for good.", GROUP_AUTH,
		false, {{"code=\"403\"", value_failures}}},
	{"auth_first_tries_total", "counter", "Session checks begun.", GROUP_AUTH, false,
		{{NULL, value_first_tries}}},
	{"auth_in_flight", "gauge", "Session checks not yet decided.", GROUP_AUTH, false,
		{{NULL, value_in_flight}}},
	{"auth_retries_denied_total", "counter", "Retries that the limit did not allow.",
		GROUP_AUTH, false, {{NULL, value_denied}}},
	{"http_requests_total", "counter", "Requests by how the user saw them end.", GROUP_SURFACE,
		false, {{"outcome=\"ok\"", value_ok}, {"outcome=\"error\"", value_error}}},
	{"http_request_latency_seconds", "summary", "99th percentile of the last 10 s.",
		GROUP_SURFACE, false, {{"quantile=\"0.99\"", value_p99}}},
	{"traffic_cluster_weight", "gauge", "Weight of a cluster at the divider.", GROUP_CONTROL,
		false, {{NULL, value_weight}}},
	{"traffic_retry_limit_ratio", "gauge",
		"Retries allowed as a share of first tries; absent without a limit.", GROUP_CONTROL,
		false, {{NULL, value_retry_limit}}},
	{"haproxy_server_loadbalanced_total", "counter", "Requests sent to the server.", GROUP_EDGE,
		true, {{NULL, value_dispatched}}},
	{"haproxy_server_status", "gauge", "Server state, one series per state.", GROUP_EDGE, true,
		{{"state=\"UP\"", value_health_up}, {"state=\"DOWN\"", value_health_down},
			{"state=\"MAINT\"", value_health_maint}}},
};

/* ---- writing ---- */

static void write_value(struct text *out, double value)
{
	char number[NUMBER_TEXT_BYTES];
	number_write(value, number);
	text_printf(out, " %s\n", number);
}

static void write_head(struct text *out, const struct family *family, const struct subject *subject)
{
	if (*subject->has_head)
		return;
	text_printf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
		family->type);
	*subject->has_head = true;
}

static void write_labels(
	struct text *out, const struct subject *subject, enum page_group group, const char *own)
{
	const struct scenario_cluster *shape = subject->shape;
	text_printf(out, "{region=\"%s\",cluster=\"%s\"", shape->region, shape->name);
	if (group == GROUP_REPLICA)
		text_printf(out, ",replica=\"%s\"", shape->replicas[subject->replica]);
	if (group == GROUP_EDGE)
		text_printf(out, ",replica=\"%s\",proxy=\"%s\",server=\"%s\"",
			shape->replicas[subject->replica], shape->name,
			shape->replicas[subject->replica]);
	if (group == GROUP_AUTH)
		text_add(out, ",service=\"auth\"");
	if (group == GROUP_SURFACE)
		text_printf(out, ",surface=\"%s\"", surface_name(subject->surface));
	if (own)
		text_printf(out, ",%s", own);
	text_add(out, "}");
}

static void write_samples(
	struct text *out, const struct family *family, const struct subject *subject)
{
	if (family->group == GROUP_REPLICA && !family->even_when_away && is_away(subject))
		return;
	for (size_t i = 0; i < FAMILY_SAMPLES_MOST && family->samples[i].value; i++) {
		const struct sample_row *row = &family->samples[i];
		double value = row->value(subject);
		if (isnan(value))
			continue;
		write_head(out, family, subject);
		text_add(out, family->name);
		write_labels(out, subject, family->group, row->labels);
		write_value(out, value);
	}
}

static void each_replica(struct text *out, const struct family *family, const struct scope *scope,
	struct subject *subject)
{
	for (size_t r = 0; r < subject->shape->replica_count; r++) {
		if (scope->replica != ALL && scope->replica != r)
			continue;
		subject->replica = r;
		subject->replica_view = model_replica(subject->model, subject->cluster, r);
		write_samples(out, family, subject);
	}
}

static void each_surface(struct text *out, const struct family *family, const struct scope *scope,
	struct subject *subject,
	void (*write)(struct text *, const struct family *, const struct subject *))
{
	for (size_t s = 0; s < SURFACE_COUNT; s++) {
		if (scope->surface != ALL && scope->surface != s)
			continue;
		subject->surface = (enum surface)s;
		subject->surface_view =
			model_surface(subject->model, subject->cluster, subject->surface);
		write(out, family, subject);
	}
}

static void write_family(struct text *out, const struct model *model, const struct scope *scope,
	const struct family *family,
	void (*write)(struct text *, const struct family *, const struct subject *))
{
	const struct scenario *scenario = model_scenario(model);
	bool has_head = false;
	for (size_t c = 0; c < scenario->cluster_count; c++) {
		if (scope->cluster != ALL && scope->cluster != c)
			continue;
		struct subject subject = {.model = model,
			.shape = &scenario->clusters[c],
			.cluster = c,
			.has_head = &has_head};
		if (family->group == GROUP_REPLICA || family->group == GROUP_EDGE) {
			each_replica(out, family, scope, &subject);
		} else if (family->group == GROUP_SURFACE) {
			each_surface(out, family, scope, &subject, write);
		} else {
			subject.auth_view = model_auth(model, c);
			write(out, family, &subject);
		}
	}
}

/* The one family that is a histogram. */
static const struct family durations = {
	.name = "http_request_duration_seconds",
	.type = "histogram",
	.help = "How long requests took.",
	.group = GROUP_SURFACE,
};

static void write_histogram(
	struct text *out, const struct family *family, const struct subject *subject)
{
	const struct surface_view *view = &subject->surface_view;
	uint64_t sum = 0;
	write_head(out, family, subject);
	for (size_t b = 0; b < MODEL_LATENCY_BUCKETS; b++) {
		char bound[NUMBER_TEXT_BYTES], label[NUMBER_TEXT_BYTES + 8];
		number_write(model_latency_bounds[b], bound);
		snprintf(label, sizeof label, "le=\"%s\"", bound);
		sum += view->latency_buckets[b];
		text_printf(out, "%s_bucket", family->name);
		write_labels(out, subject, family->group, label);
		write_value(out, (double)sum);
	}
	text_printf(out, "%s_sum", family->name);
	write_labels(out, subject, family->group, NULL);
	write_value(out, view->latency_seconds_total);
	text_printf(out, "%s_count", family->name);
	write_labels(out, subject, family->group, NULL);
	write_value(out, (double)sum);
}

/* ---- which page ---- */

static bool scope_of_component(
	const struct scenario *scenario, const char *path, struct scope *scope)
{
	char name[SCENARIO_NAME_BYTES];
	const char *slash = strchr(path, '/');
	size_t ignored = 0;
	if (!slash || (size_t)(slash - path) >= sizeof name)
		return false;
	memcpy(name, path, (size_t)(slash - path));
	name[slash - path] = '\0';
	if (!scenario_find_cluster(scenario, name, &scope->cluster))
		return false;
	if (strcmp(slash, "/auth") == 0) {
		scope->groups = 1U << GROUP_AUTH;
		return true;
	}
	for (size_t s = 0; s < SURFACE_COUNT; s++) {
		if (strcmp(slash + 1, surface_name((enum surface)s)) == 0) {
			scope->groups = 1U << GROUP_SURFACE;
			scope->surface = s;
			return true;
		}
	}
	scope->groups = 1U << GROUP_REPLICA;
	return scenario_find_replica(scenario, path, &ignored, &scope->replica);
}

static bool scope_of(const struct scenario *scenario, const char *path, struct scope *scope)
{
	static const char prefix[] = "/metrics";
	*scope = (struct scope){.cluster = ALL, .replica = ALL, .surface = ALL};
	if (strncmp(path, prefix, sizeof prefix - 1) != 0)
		return false;
	path += sizeof prefix - 1;
	if (path[0] == '\0')
		scope->groups = (1U << GROUP_COUNT) - 1;
	else if (strcmp(path, "/control") == 0)
		scope->groups = 1U << GROUP_CONTROL;
	else if (strcmp(path, "/edge") == 0)
		scope->groups = 1U << GROUP_EDGE;
	else
		return path[0] == '/' && scope_of_component(scenario, path + 1, scope);
	return true;
}

bool pages_render(const struct model *model, const char *path, struct text *out)
{
	struct scope scope;
	if (!scope_of(model_scenario(model), path, &scope))
		return false;
	for (size_t i = 0; i < COUNT_OF(families); i++)
		if (scope.groups & (1U << families[i].group))
			write_family(out, model, &scope, &families[i], write_samples);
	if (scope.groups & (1U << GROUP_SURFACE))
		write_family(out, model, &scope, &durations, write_histogram);
	return true;
}
