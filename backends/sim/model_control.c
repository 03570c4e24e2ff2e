#include "backends/sim/model_control.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "backends/sim/model.h"
#include "backends/sim/model_table.h"
#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/json_writer.h"
#include "core/base/number.h"
#include "core/base/text.h"
#include "core/base/yaml.h"

#define PATH_BYTES 160
#define BODY_ARENA_BYTES (256 * 1024)

/* Everything one request needs while it is answered. */
struct call {
	struct control *control;
	struct model *model;
	const struct control_request *request;
	char rest[PATH_BYTES];         /* between the route's prefix and suffix: "east-a/r2" */
	const struct yaml_node *value; /* of the one member the body has; NULL for GET */
	struct text *out;
	struct control_reply reply;
};

struct route {
	const char *prefix, *suffix; /* the path is prefix, something, suffix */
	const char *member;          /* what a POST must carry; NULL: it cannot be changed */
	size_t revision;             /* offset of its revision in struct control */
	void (*get)(struct call *call);
	bool (*set)(struct call *call, struct error *error);
};

static void refuse(struct call *call, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void refuse(struct call *call, int status, const char *format, ...)
{
	char why[256];
	struct json_writer writer;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(why, sizeof why, format, arguments);
	va_end(arguments);
	text_clear(call->out);
	json_writer_init(&writer, call->out);
	json_begin_object(&writer);
	json_member_string(&writer, "error", why);
	json_end_object(&writer);
	text_add_char(call->out, '\n');
	call->reply = (struct control_reply){.status = status};
}

static void reply_begin(struct call *call, struct json_writer *writer, uint64_t revision)
{
	call->reply = (struct control_reply){.status = 200, .revision = revision};
	json_writer_init(writer, call->out);
	json_begin_object(writer);
}

static void reply_end(struct call *call, struct json_writer *writer)
{
	if (call->reply.revision > 0)
		json_member_integer(writer, "revision", (int64_t)call->reply.revision);
	json_end_object(writer);
	text_add_char(call->out, '\n');
}

/* ---- values in a body ---- */

static bool value_number(const struct yaml_node *node, double *out, struct error *error)
{
	if (node->kind != YAML_SCALAR || !number_parse(node->scalar, strlen(node->scalar), out) ||
		!isfinite(*out))
		return error_set(error, ERROR_SYNTAX, "'%s' is not a number", node->key);
	return true;
}

static bool value_is_null(const struct yaml_node *node)
{
	return node->kind == YAML_SCALAR && !node->quoted && strcmp(node->scalar, "null") == 0;
}

/* ---- weights ---- */

static bool call_cluster(struct call *call, size_t *cluster)
{
	if (scenario_find_cluster(model_scenario(call->model), call->rest, cluster))
		return true;
	refuse(call, 404, "there is no cluster '%s'", call->rest);
	return false;
}

static void weight_get(struct call *call)
{
	size_t cluster = 0;
	struct json_writer writer;
	if (!call_cluster(call, &cluster))
		return;
	reply_begin(call, &writer, call->control->weights_revision);
	json_member_string(&writer, "cluster", call->rest);
	json_member_number(&writer, "weight", model_weight(call->model, cluster));
	reply_end(call, &writer);
}

static bool weight_set(struct call *call, struct error *error)
{
	size_t cluster = 0;
	double weight = NAN;
	if (!scenario_find_cluster(model_scenario(call->model), call->rest, &cluster))
		return true; /* the answer that follows says 404 */
	return value_number(call->value, &weight, error) &&
	       model_set_weight(call->model, cluster, weight, error);
}

/* ---- states ---- */

static void state_get(struct call *call)
{
	size_t cluster = 0, replica = 0;
	struct json_writer writer;
	if (!scenario_find_replica(model_scenario(call->model), call->rest, &cluster, &replica)) {
		refuse(call, 404, "there is no replica '%s'", call->rest);
		return;
	}
	struct replica_view view = model_replica(call->model, cluster, replica);
	reply_begin(call, &writer, call->control->states_revision);
	json_member_string(&writer, "replica", call->rest);
	json_member_string(&writer, "state", replica_state_name(view.state));
	json_member_string(&writer, "health", table_status((int)view.health));
	reply_end(call, &writer);
}

static bool state_set(struct call *call, struct error *error)
{
	size_t cluster = 0, replica = 0;
	enum replica_state state = REPLICA_READY;
	if (!scenario_find_replica(model_scenario(call->model), call->rest, &cluster, &replica))
		return true;
	if (call->value->kind != YAML_SCALAR || !replica_state_find(call->value->scalar, &state))
		return error_set(error, ERROR_SYNTAX, "'state' is one of ready, maint, down, hung");
	return model_set_replica_state(call->model, cluster, replica, state, error);
}

/* ---- retries ---- */

static void retries_get(struct call *call)
{
	struct json_writer writer;
	reply_begin(call, &writer, call->control->retries_revision);
	json_member_number(&writer, "limit", model_retry_limit(call->model));
	reply_end(call, &writer);
}

static bool retries_set(struct call *call, struct error *error)
{
	double limit = NAN;
	if (!value_is_null(call->value) && !value_number(call->value, &limit, error))
		return false;
	return model_set_retry_limit(call->model, limit, error);
}

/* ---- the truth ---- */

static void truth_cluster(struct json_writer *writer, const struct model *model, size_t index)
{
	const struct scenario_cluster *shape = &model_scenario(model)->clusters[index];
	struct cluster_truth truth = model_cluster_truth(model, index);
	json_begin_object(writer);
	json_member_string(writer, "cluster", shape->name);
	json_member_string(writer, "state", truth_state_name(truth.state));
	json_member_number(writer, "weight", model_weight(model, index));
	json_member_number(writer, "share", truth.share);
	json_member_integer(writer, "replicas_serving", (int64_t)truth.replicas_serving);
	json_member_integer(writer, "replicas", (int64_t)shape->replica_count);
	json_member_integer(writer, "pool_size", model_pool_size(model, index));
	json_member_number(writer, "capacity", truth.capacity);
	json_member_number(writer, "first_tries", truth.first_tries);
	json_member_number(writer, "attempts", truth.attempts);
	json_member_number(writer, "failures", truth.failures);
	json_member_number(writer, "web_requests", truth.web_requests);
	json_member_number(writer, "web_errors", truth.web_errors);
	json_member_number(writer, "mean_wait_ms", truth.mean_wait_ms);
	json_end_object(writer);
}

static void member_moment(struct json_writer *writer, const char *key, int64_t ms)
{
	json_key(writer, key);
	if (ms < 0)
		json_null(writer);
	else
		json_integer(writer, ms);
}

static void truth_get(struct call *call)
{
	const struct model *model = call->model;
	struct model_truth truth = model_truth(model);
	struct json_writer writer;
	reply_begin(call, &writer, 0);
	json_member_string(&writer, "scenario", model_scenario(model)->name);
	json_member_integer(&writer, "now_ms", model_now_ms(model));
	member_moment(&writer, "trigger_ms", truth.trigger_ms);
	member_moment(&writer, "first_error_ms", truth.first_error_ms);
	json_member_number(&writer, "demand", model_demand_factor(model));
	json_member_number(&writer, "web_error_ratio", truth.web_error_ratio);
	json_member_number(&writer, "error_ratio", truth.error_ratio);
	json_member_number(&writer, "peak_web_error_ratio", truth.peak_web_error_ratio);
	json_member_number(&writer, "peak_error_ratio", truth.peak_error_ratio);
	json_member_number(&writer, "retry_limit", model_retry_limit(model));
	json_key(&writer, "clusters");
	json_begin_array(&writer);
	for (size_t c = 0; c < model_scenario(model)->cluster_count; c++)
		truth_cluster(&writer, model, c);
	json_end_array(&writer);
	reply_end(call, &writer);
}

/* ---- routing ---- */

static const struct route routes[] = {
	{"/v1/clusters/", "/weight", "weight", offsetof(struct control, weights_revision),
		weight_get, weight_set},
	{"/v1/replicas/", "/state", "state", offsetof(struct control, states_revision), state_get,
		state_set},
	{"/v1/retries", "", "limit", offsetof(struct control, retries_revision), retries_get,
		retries_set},
	{"/v1/truth", "", NULL, 0, truth_get, NULL},
};

static bool route_matches(const struct route *route, const char *path, char rest[PATH_BYTES])
{
	size_t length = strlen(path), prefix = strlen(route->prefix),
	       suffix = strlen(route->suffix);
	if (length < prefix + suffix || length - prefix - suffix >= PATH_BYTES ||
		strncmp(path, route->prefix, prefix) != 0 ||
		strcmp(path + length - suffix, route->suffix) != 0)
		return false;
	size_t between = length - prefix - suffix;
	if ((between == 0) != (suffix == 0))
		return false;
	memcpy(rest, path + prefix, between);
	rest[between] = '\0';
	return true;
}

/* Compared to the end whatever differs, so that the time taken tells nothing about the token. */
static bool token_is_right(const struct control *control, const char *authorization)
{
	static const char scheme[] = "Bearer ";
	if (!authorization || strncmp(authorization, scheme, sizeof scheme - 1) != 0)
		return false;
	const char *given = authorization + sizeof scheme - 1;
	size_t length = strlen(control->token);
	unsigned char different = strlen(given) != length || length == 0;
	for (size_t i = 0; i < length && i < strlen(given); i++)
		different |= (unsigned char)(given[i] ^ control->token[i]);
	return different == 0;
}

/* The revision as plain digits, or as the ETag that was sent: "3". */
static bool revision_matches(const char *if_match, uint64_t revision)
{
	int64_t wanted = 0;
	size_t length = strlen(if_match);
	if (strcmp(if_match, "*") == 0)
		return true;
	if (length >= 2 && if_match[0] == '"' && if_match[length - 1] == '"') {
		if_match++;
		length -= 2;
	}
	return number_parse_integer(if_match, length, &wanted) && wanted >= 0 &&
	       (uint64_t)wanted == revision;
}

/* A body is a JSON object with exactly the one member; anything else is refused with the reason. */
static const struct yaml_node *body_read(
	struct call *call, const struct route *route, struct arena *arena)
{
	const struct control_request *request = call->request;
	struct complaints complaints;
	const struct yaml_node *root = NULL;
	if (!request->body || request->body_length == 0 || request->body[0] != '{') {
		refuse(call, 400, "the body must be a JSON object such as {\"%s\":...}",
			route->member);
		return NULL;
	}
	complaints_init(&complaints);
	root = yaml_parse(arena, "body", request->body, request->body_length, &complaints);
	if (!root && complaints.count > 0)
		refuse(call, 400, "the body is not JSON: %s", complaints.rows[0].text);
	else if (!root)
		refuse(call, 400, "the body is not JSON");
	complaints_finish(&complaints);
	if (!root)
		return NULL;
	const struct yaml_node *value = yaml_get(root, route->member);
	if (!value || root->count != 1) {
		refuse(call, 400, "the body must have the member '%s' and no other", route->member);
		return NULL;
	}
	return value;
}

static void route_post(struct call *call, const struct route *route)
{
	struct arena *arena = arena_create(BODY_ARENA_BYTES);
	struct error error = {0};
	uint64_t *revision = (uint64_t *)(void *)((char *)call->control + route->revision);
	if (!arena) {
		refuse(call, 500, "no memory");
		return;
	}
	route->get(call); /* the target must exist before anything else is judged */
	if (call->reply.status == 200) {
		text_clear(call->out);
		call->value = body_read(call, route, arena);
		if (call->value && call->request->if_match &&
			!revision_matches(call->request->if_match, *revision)) {
			refuse(call, 412, "the revision is %llu by now",
				(unsigned long long)*revision);
		} else if (call->value && !route->set(call, &error)) {
			refuse(call, error.kind == ERROR_REJECTED ? 422 : 400, "%s", error.text);
		} else if (call->value) {
			(*revision)++;
			route->get(call);
		}
	}
	arena_destroy(arena);
}

static void route_handle(struct call *call, const struct route *route)
{
	const char *method = call->request->method;
	if (strcmp(method, "GET") == 0) {
		route->get(call);
	} else if (strcmp(method, "POST") == 0 && route->set) {
		route_post(call, route);
	} else {
		const char *allow = route->set ? "GET, POST" : "GET";
		refuse(call, 405, "only %s here", allow);
		call->reply.allow = allow;
	}
}

void control_init(struct control *control, const char *token)
{
	*control = (struct control){
		.weights_revision = 1, .states_revision = 1, .retries_revision = 1};
	snprintf(control->token, sizeof control->token, "%s", token);
}

struct control_reply control_handle(struct control *control, struct model *model,
	const struct control_request *request, struct text *out)
{
	struct call call = {.control = control, .model = model, .request = request, .out = out};
	if (!token_is_right(control, request->authorization)) {
		refuse(&call, 401, "a bearer token is needed");
		return call.reply;
	}
	if (request->body_length > CONTROL_BODY_BYTES) {
		refuse(&call, 400, "the body is longer than %d bytes", CONTROL_BODY_BYTES);
		return call.reply;
	}
	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
		if (route_matches(&routes[i], request->path, call.rest)) {
			route_handle(&call, &routes[i]);
			return call.reply;
		}
	}
	refuse(&call, 404, "there is nothing at this path");
	return call.reply;
}
