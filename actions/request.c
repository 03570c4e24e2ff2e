#include "actions/request.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "actions/planted.h"
#include "actions/target.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/fleet/snapshot.h"

/* A template may be absent. */
static bool fill(const char *source, const struct template_values *values, char *out, size_t size,
	struct error *error)
{
	out[0] = '\0';
	return !source || template_render(source, values, out, size, error);
}

/* ---- one way to a system each ---- */

static bool fill_headers(const struct http_binding *binding, const struct template_values *values,
	struct request *out, struct error *error)
{
	for (size_t i = 0; i < binding->header_count; i++) {
		out->headers[i].name = binding->headers[i].name;
		if (!fill(binding->headers[i].value, values, out->headers[i].value,
			    sizeof(out->headers[i].value), error))
			return false;
		out->header_count++;
	}
	return true;
}

static bool fill_http(const struct action_config *action, const struct template_values *values,
	struct request *out, struct error *error)
{
	const struct http_binding *binding = &action->http;
	snprintf(out->method, sizeof(out->method), "%s", binding->method);
	return fill(binding->url, values, out->url, sizeof(out->url), error) &&
	       fill(binding->json, values, out->body, sizeof(out->body), error) &&
	       fill(binding->read_url, values, out->read_url, sizeof(out->read_url), error) &&
	       fill_headers(binding, values, out, error);
}

static bool fill_ssh(const struct action_config *action, const struct template_values *values,
	struct request *out, struct error *error)
{
	const struct ssh_binding *binding = &action->ssh;
	out->port = (int)binding->port;
	return fill(binding->host, values, out->host, sizeof(out->host), error) &&
	       fill(binding->user, values, out->user, sizeof(out->user), error) &&
	       fill(binding->jump, values, out->jump, sizeof(out->jump), error) &&
	       fill(binding->command, values, out->command, sizeof(out->command), error);
}

static bool fill_socket(const struct action_config *action, const struct template_values *values,
	struct request *out, struct error *error)
{
	return fill(action->socket.address, values, out->url, sizeof(out->url), error) &&
	       fill(action->socket.send, values, out->command, sizeof(out->command), error);
}

static bool fill_sql(const struct action_config *action, const struct template_values *values,
	struct request *out, struct error *error)
{
	return fill(action->sql.url, values, out->url, sizeof(out->url), error) &&
	       fill(action->sql.statement, values, out->command, sizeof(out->command), error);
}

static void tell_http(const struct request *request, struct text *out)
{
	text_printf(out, "%s %s", request->method, request->url);
	for (size_t i = 0; i < request->header_count; i++)
		text_printf(out, " [%s: %s]", request->headers[i].name, request->headers[i].value);
	if (request->body[0])
		text_printf(out, " %s", request->body);
	if (request->read_url[0])
		text_printf(out, " after GET %s", request->read_url);
}

static void tell_ssh(const struct request *request, struct text *out)
{
	text_printf(out, "%s%s%s", request->user, request->user[0] ? "@" : "", request->host);
	if (request->port > 0)
		text_printf(out, ":%d", request->port);
	if (request->jump[0])
		text_printf(out, " by %s", request->jump);
	text_printf(out, " $ %s", request->command);
}

static void tell_line(const struct request *request, struct text *out)
{
	text_printf(out, "%s < %s", request->url, request->command);
}

/* A row per way: how its templates are filled, and how a request is told. */
static const struct road {
	const char *name;
	bool (*fill)(const struct action_config *action, const struct template_values *values,
		struct request *out, struct error *error);
	void (*tell)(const struct request *request, struct text *out);
} roads[ACTION_ROADS] = {
	[ACTION_BY_SSH] = {"ssh", fill_ssh, tell_ssh},
	[ACTION_BY_HTTP] = {"http", fill_http, tell_http},
	[ACTION_BY_SOCKET] = {"socket", fill_socket, tell_line},
	[ACTION_BY_SQL] = {"sql", fill_sql, tell_line},
};

const char *action_road_name(enum action_road road)
{
	return roads[road].name;
}

bool request_line(const struct request *request, char out[PLAN_LINE_BYTES], struct error *error)
{
	struct text line;
	text_init(&line, PLAN_LINE_BYTES - 1);
	roads[request->road].tell(request, &line);
	bool ok = text_ok(&line);
	if (ok)
		memcpy(out, text_string(&line), line.length + 1);
	text_finish(&line);
	return ok || error_set(error, ERROR_LIMIT,
			     "request is longer than %d bytes: what cannot be shown whole is not "
			     "sent",
			     PLAN_LINE_BYTES - 1);
}

bool request_complete(
	struct request *request, const struct template_moment *moment, struct error *error)
{
	struct request made = *request;
	struct template_moment header = *moment;
	header.is_header = true;
	bool ok = template_complete(made.url, sizeof(made.url), moment, error) &&
		  template_complete(made.body, sizeof(made.body), moment, error) &&
		  template_complete(made.command, sizeof(made.command), moment, error);
	for (size_t i = 0; ok && i < made.header_count; i++)
		ok = template_complete(
			made.headers[i].value, sizeof(made.headers[i].value), &header, error);
	if (ok)
		*request = made;
	return ok;
}

/* ---- a change ---- */

static bool is_per_replica(const struct action_config *action)
{
	const char *const sources[] = {action->http.url, action->http.json, action->ssh.host,
		action->ssh.command, action->socket.address, action->socket.send, action->sql.url,
		action->sql.statement};
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (sources[i] && template_mentions(sources[i], "replica"))
			return true;
	}
	return false;
}

/* Whether the change is one that a timer beside the target takes back. */
static bool is_planted(const struct request_change *change)
{
	const struct action_config *action = change->action;
	return action->road == ACTION_BY_SSH && action->ssh.plant != PLANT_NONE &&
	       isfinite(change->from) && isfinite(change->to) &&
	       (change->is_undo || change->only_timer || change->hold_ms > 0);
}

const char *request_plants(const struct request_change *change)
{
	return planted_name(
		is_planted(change) && !change->is_undo ? change->action->ssh.plant : PLANT_NONE);
}

/* The command as it is, in company of its timer. */
static bool add_timer(const struct request_change *change, const struct template_values *values,
	struct request *out, struct error *error)
{
	const struct action_config *action = change->action;
	const struct action_config *back = action_undo(action);
	char undo[PLAN_LINE_BYTES];
	char read[PLAN_LINE_BYTES];
	char where[REQUEST_HOST_BYTES + ENTITY_PATH_BYTES + 64];
	struct template_values before = *values;
	uint32_t entity = values->replica != ENTITY_NONE ? values->replica : values->target;
	if (!is_planted(change))
		return true;
	if (!back || back->road != ACTION_BY_SSH)
		return error_set(error, ERROR_SCHEMA,
			"there is no command that takes it back: a timer needs one");
	before.value = change->from;
	before.verb = back->info.verb;
	snprintf(where, sizeof(where), "%s:%d %s %s", out->host, out->port,
		fleet_entity(values->fleet, entity)->path,
		signal_row(action->info.verb->reads)->name);
	if (!fill(back->ssh.command, &before, undo, sizeof(undo), error) ||
		!fill(action->ssh.read, values, read, sizeof(read), error))
		return false;
	/* Seen from its undo, the change went the other way. */
	const struct planted planted = {.kind = action->ssh.plant,
		.where = where,
		.change = out->command,
		.undo = change->is_undo ? out->command : undo,
		.read = read,
		.from = change->is_undo ? change->to : change->from,
		.to = change->is_undo ? change->from : change->to,
		.after_ms = change->hold_ms};
	enum planted_order order = change->is_undo       ? PLANTED_WITH_UNDO
				   : !change->only_timer ? PLANTED_WITH_CHANGE
				   : change->hold_ms > 0 ? PLANTED_AGAIN
							 : PLANTED_CANCEL;
	char made[PLAN_LINE_BYTES];
	if (!planted_command(&planted, order, made, error))
		return false;
	memcpy(out->command, made, sizeof(out->command));
	return true;
}

static bool render(const struct request_change *change, const struct template_values *values,
	struct request *out, struct error *error)
{
	const struct action_config *action = change->action;
	struct request made = {.road = action->road,
		.from = change->from,
		.to = change->to,
		.replica = values->replica};
	if (!roads[action->road].fill(action, values, &made, error) ||
		!add_timer(change, values, &made, error))
		return error_prefix(error, "action '%s'", action->info.name);
	*out = made;
	return true;
}

static size_t make_per_replica(const struct request_change *change, const struct snapshot *snapshot,
	struct template_values *values, struct request *out, size_t most, struct error *error)
{
	const struct fleet *fleet = snapshot->fleet;
	size_t count = 0;
	uint32_t replica = ENTITY_NONE;
	while ((replica = fleet_next(fleet, ENTITY_REPLICA, values->cluster, replica)) !=
		ENTITY_NONE) {
		if (!target_serves(snapshot, replica))
			continue;
		if (count == most) {
			error_set(error, ERROR_LIMIT,
				"cluster '%s' has more than %zu serving replicas: too many for one "
				"change",
				fleet_entity(fleet, values->cluster)->name, most);
			return 0;
		}
		values->replica = replica;
		if (!render(change, values, &out[count], error))
			return 0;
		count++;
	}
	/* An empty selection must never come to mean everything, or nothing at all. */
	if (count == 0)
		error_set(error, ERROR_SCHEMA, "cluster '%s' has no serving replica to act on",
			fleet_entity(fleet, values->cluster)->name);
	return count;
}

size_t requests_make(const struct request_change *change, const struct snapshot *snapshot,
	struct request *out, size_t most, struct error *error)
{
	const struct entity *entity = fleet_entity(snapshot->fleet, change->target);
	bool is_replica = entity->kind == ENTITY_REPLICA;
	struct template_values values = {
		.fleet = snapshot->fleet,
		.target = change->target,
		.cluster = fleet_cluster_of(snapshot->fleet, change->target),
		.replica = is_replica ? change->target : ENTITY_NONE,
		.verb = change->action->info.verb,
		.value = change->to,
		.kept = change->kept,
	};
	if (entity->kind == ENTITY_CLUSTER && is_per_replica(change->action))
		return make_per_replica(change, snapshot, &values, out, most, error);
	return render(change, &values, out, error) ? 1 : 0;
}
