#include "actions/request.h"

#include <stdio.h>
#include <string.h>

#include "actions/target.h"
#include "actions/template.h"
#include "core/base/error.h"
#include "core/fleet/snapshot.h"

static bool is_per_replica(const struct action_config *action)
{
	if (action->road == ACTION_BY_HTTP)
		return template_mentions(action->http.url, "replica") ||
		       template_mentions(action->http.json, "replica");
	return template_mentions(action->ssh.host, "replica") ||
	       template_mentions(action->ssh.command, "replica");
}

static bool render_headers(const struct http_binding *binding, const struct template_values *values,
	struct request *out, struct error *error)
{
	struct template_values own = *values;
	own.keeps_run = true;
	out->is_form = binding->is_form;
	for (size_t i = 0; i < binding->header_count; i++) {
		out->headers[i].name = binding->headers[i].name;
		if (!template_render(binding->headers[i].value, &own, out->headers[i].value,
			    sizeof(out->headers[i].value), error))
			return false;
		out->header_count++;
	}
	return true;
}

void request_name_run(struct request *request, const char *run, size_t number)
{
	char made[REQUEST_HEADER_BYTES];
	for (size_t i = 0; i < request->header_count; i++) {
		char *value = request->headers[i].value;
		const char *at = strstr(value, TEMPLATE_RUN);
		if (!at)
			continue;
		snprintf(made, sizeof(made), "%.*s%s-%zu%s", (int)(at - value), value, run, number,
			at + sizeof(TEMPLATE_RUN) - 1);
		memcpy(value, made, sizeof(made));
	}
}

static bool render_ssh(const struct ssh_binding *binding, const struct template_values *values,
	struct request *out, struct error *error)
{
	out->port = (int)binding->port;
	return template_render(binding->host, values, out->host, sizeof(out->host), error) &&
	       (!binding->user || template_render(binding->user, values, out->user,
					  sizeof(out->user), error)) &&
	       (!binding->jump || template_render(binding->jump, values, out->jump,
					  sizeof(out->jump), error)) &&
	       template_render(binding->command, values, out->command, sizeof(out->command), error);
}

static bool render(const struct action_config *action, const struct template_values *values,
	struct request *out, struct error *error)
{
	struct request made = {.road = action->road};
	bool ok = false;
	if (action->road == ACTION_BY_HTTP) {
		snprintf(made.method, sizeof(made.method), "%s", action->http.method);
		ok = template_render(action->http.url, values, made.url, sizeof(made.url), error) &&
		     template_render(
			     action->http.json, values, made.body, sizeof(made.body), error);
		ok = ok && render_headers(&action->http, values, &made, error);
	} else {
		ok = render_ssh(&action->ssh, values, &made, error);
	}
	if (!ok)
		return error_prefix(error, "action '%s'", action->info.name);
	*out = made;
	return true;
}

bool request_line(const struct request *request, char out[PLAN_LINE_BYTES], struct error *error)
{
	int length = 0;
	char line[PLAN_LINE_BYTES];
	char port[16] = "";
	if (request->road == ACTION_BY_HTTP) {
		length = snprintf(line, sizeof(line), "%s %s", request->method, request->url);
		for (size_t i = 0; i < request->header_count && length < PLAN_LINE_BYTES; i++)
			length += snprintf(line + length, sizeof(line) - (size_t)length,
				" [%s: %s]", request->headers[i].name, request->headers[i].value);
		if (request->body[0] && length < PLAN_LINE_BYTES)
			length += snprintf(
				line + length, sizeof(line) - (size_t)length, " %s", request->body);
	} else {
		if (request->port > 0)
			snprintf(port, sizeof(port), ":%d", request->port);
		length = snprintf(line, sizeof(line), "%s%s%s%s%s%s $ %s", request->user,
			request->user[0] ? "@" : "", request->host, port,
			request->jump[0] ? " by " : "", request->jump, request->command);
	}
	if (length < 0 || length >= PLAN_LINE_BYTES)
		return error_set(error, ERROR_LIMIT,
			"request is longer than %d bytes: what cannot be shown whole is not sent",
			PLAN_LINE_BYTES - 1);
	memcpy(out, line, (size_t)length + 1);
	return true;
}

static size_t make_per_replica(const struct action_config *action, const struct snapshot *snapshot,
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
		if (!render(action, values, &out[count], error))
			return 0;
		count++;
	}
	/* An empty selection must never come to mean everything, or nothing at all. */
	if (count == 0)
		error_set(error, ERROR_SCHEMA, "cluster '%s' has no serving replica to act on",
			fleet_entity(fleet, values->cluster)->name);
	return count;
}

size_t requests_make(const struct action_config *action, const struct snapshot *snapshot,
	uint32_t target, double value, struct request *out, size_t most, struct error *error)
{
	struct template_values values = {
		.fleet = snapshot->fleet,
		.cluster = target,
		.replica = ENTITY_NONE,
		.parameter = action->info.verb->parameter,
		.value = value,
	};
	const struct entity *entity = fleet_entity(snapshot->fleet, target);
	if (entity->kind == ENTITY_REPLICA) {
		values.replica = target;
		values.cluster = entity->parent;
	} else if (is_per_replica(action)) {
		return make_per_replica(action, snapshot, &values, out, most, error);
	}
	return render(action, &values, out, error) ? 1 : 0;
}
