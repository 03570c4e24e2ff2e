/*
 * Kind kubernetes: which pods stand behind a service, and how many there should be.
 *
 *   the scale of a workload   how many pods are wanted
 *   the endpoint slices       each pod that stands behind the service: serving, or leaving
 *
 * A stateful set numbers its pods, so one that should be there and is in no slice is down; the pods
 * of a deployment have names made by chance, and of those only the number is known.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/answer.h"
#include "backends/backend.h"
#include "backends/fact.h"
#include "backends/observation.h"
#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/wire/json.h"

#define ENDPOINTS_MOST 20000
#define WANTED_MOST 1000
#define POD_BYTES 300

enum step { STEP_ENDPOINTS, STEP_SCALE };

struct kubernetes {
	const struct source_config *source;
};

static void *create(const struct backend_setup *setup, struct error *error)
{
	const struct source_config *source = setup->source;
	const char *workload = source->workload;
	if (workload && strncmp(workload, "statefulsets/", 13) != 0 &&
		strncmp(workload, "deployments/", 12) != 0) {
		error_set(error, ERROR_SCHEMA,
			"workload is statefulsets/NAME or deployments/NAME, not '%s'", workload);
		return NULL;
	}
	struct kubernetes *kubernetes = calloc(1, sizeof(*kubernetes));
	if (!kubernetes) {
		error_no_memory(error, "a source");
		return NULL;
	}
	kubernetes->source = source;
	return kubernetes;
}

static void destroy(void *instance)
{
	free(instance);
}

static size_t steps(const void *instance, size_t target, bool past)
{
	const struct kubernetes *kubernetes = instance;
	(void)target;
	if (past)
		return 0;
	return kubernetes->source->workload ? 2 : 1;
}

static bool request(const void *instance, const struct backend_ask *ask, struct arena *scratch,
	struct backend_request *out, struct error *error)
{
	const struct source_config *source = ((const struct kubernetes *)instance)->source;
	const char *path = NULL;
	if (ask->step == STEP_ENDPOINTS)
		path = arena_printf(scratch,
			"/apis/discovery.k8s.io/v1/namespaces/%s/endpointslices"
			"?labelSelector=kubernetes.io%%2Fservice-name%%3D%s",
			source->namespace, source->service);
	else
		path = arena_printf(scratch, "/apis/apps/v1/namespaces/%s/%s/scale",
			source->namespace, source->workload);
	out->http.method = "GET";
	out->http.url = path ? fact_url(scratch, &source->targets[ask->target], path) : NULL;
	out->http.headers[0] = (struct http_header){"Accept", "application/json"};
	out->http.header_count = 1;
	return out->http.url || error_no_memory(error, "a request");
}

/* ---- endpoint slices ---- */

/* A condition that is not told counts as its default. */
static bool condition(const struct json_node *endpoint, const char *name, bool otherwise)
{
	bool value = otherwise;
	return json_bool_of(json_get(json_get(endpoint, "conditions"), name), &value) ? value
										      : otherwise;
}

static const char *pod_of(const struct json_node *endpoint)
{
	const char *name = json_text(json_pointer(endpoint, "/targetRef/name"));
	if (!name)
		name = json_text(json_get(endpoint, "hostname"));
	return name ? name : json_text(json_first(json_get(endpoint, "addresses")));
}

static bool read_endpoint(const struct sheet *sheet, const struct json_node *endpoint,
	size_t *serving, struct error *error)
{
	const char *pod = pod_of(endpoint);
	if (!pod) {
		observations_warn(sheet->sink, "an endpoint has no pod and no address");
		return true;
	}
	/* `ready` is serving and not leaving; older servers say nothing but `ready`. */
	bool ready = condition(endpoint, "ready", true);
	bool serves = condition(endpoint, "serving", ready);
	bool leaving = condition(endpoint, "terminating", false);
	struct fact up = {.replica = pod,
		.signal = SIGNAL_REPLICA_UP,
		.value = serves ? 1 : 0,
		.series = hash_string(HASH_START, pod)};
	struct fact away = up;
	away.signal = SIGNAL_REPLICA_MAINTENANCE;
	away.value = leaving ? 1 : 0;
	*serving += serves && !leaving ? 1 : 0;
	return fact_note(sheet, &up, error) && fact_note(sheet, &away, error);
}

static bool read_slices(
	const struct sheet *sheet, const struct json_node *root, struct error *error)
{
	const struct json_node *items = json_get(root, "items");
	size_t count = 0, serving = 0;
	if (!json_is_array(items))
		return error_set(error, ERROR_SCHEMA, "the answer is no list of endpoint slices");
	for (const struct json_node *slice = json_first(items); slice; slice = json_next(slice)) {
		const struct json_node *endpoint = json_first(json_get(slice, "endpoints"));
		for (; endpoint; endpoint = json_next(endpoint)) {
			if (++count > ENDPOINTS_MOST)
				return error_set(error, ERROR_LIMIT, "more than %d endpoints",
					ENDPOINTS_MOST);
			if (!read_endpoint(sheet, endpoint, &serving, error))
				return false;
		}
	}
	observations_describe(
		sheet->sink, "Kubernetes, %zu of %zu endpoints serve", serving, count);
	if (count == 0)
		observations_warn(
			sheet->sink, "no endpoint stands behind the service: is its name right?");
	return true;
}

/* ---- scale ---- */

/* Those that should exist and do not. Which of the others serve is for the slices to say. */
static bool note_missing(const struct sheet *sheet, const char *set, int64_t from, int64_t until,
	struct error *error)
{
	for (int64_t i = from; i < until; i++) {
		char pod[POD_BYTES];
		snprintf(pod, sizeof(pod), "%s-%lld", set, (long long)i);
		struct fact down = {.replica = pod,
			.signal = SIGNAL_REPLICA_UP,
			.value = 0,
			.series = hash_string(HASH_START, pod)};
		if (!fact_note(sheet, &down, error))
			return false;
	}
	return true;
}

static bool read_scale(const struct source_config *source, const struct sheet *sheet,
	const struct json_node *root, struct error *error)
{
	const struct json_node *spec = json_get(root, "spec"), *status = json_get(root, "status");
	int64_t wanted = 0, there = 0;
	if (!json_is_object(spec) || !json_is_object(status))
		return error_set(error, ERROR_SCHEMA, "the answer is no scale of a workload");
	json_integer_of(json_get(spec, "replicas"), &wanted); /* zero is left out */
	json_integer_of(json_get(status, "replicas"), &there);
	if (wanted > WANTED_MOST)
		return error_set(
			error, ERROR_LIMIT, "a workload of more than %d pods", WANTED_MOST);
	if (there < wanted)
		observations_warn(sheet->sink, "'%s' wants %lld pods and has %lld",
			source->workload, (long long)wanted, (long long)there);
	observations_describe(sheet->sink, "Kubernetes, '%s' wants %lld pods and has %lld",
		source->workload, (long long)wanted, (long long)there);
	if (strncmp(source->workload, "statefulsets/", 13) != 0)
		return true;
	return note_missing(sheet, source->workload + 13, there < 0 ? 0 : there, wanted, error);
}

/* ---- the whole ---- */

static bool accept(const void *instance, const struct backend_ask *ask,
	const struct backend_answer *answer, struct arena *scratch, struct observations *sink,
	struct error *error)
{
	const struct source_config *source = ((const struct kubernetes *)instance)->source;
	struct sheet sheet = {sink, &source->targets[ask->target], answer->arrived_ms};
	(void)scratch;
	struct json_document *document = fact_json(&sheet, answer, "Kubernetes' JSON", error);
	if (!document)
		return false;
	bool good = ask->step == STEP_ENDPOINTS
			    ? read_slices(&sheet, json_root(document), error)
			    : read_scale(source, &sheet, json_root(document), error);
	json_destroy(document);
	return good;
}

static const char *const keys[] = {"namespace", "workload", "service", NULL};
static const char *const needs[] = {"namespace", "service", NULL};

const struct backend_ops kubernetes_ops = {
	.name = "kubernetes",
	.help = "The Kubernetes API: which pods serve behind a service, and how many there should "
		"be.",
	.traits = BACKEND_NEEDS_URL,
	.keys = keys,
	.needs = needs,
	.trust = 45,
	.create = create,
	.destroy = destroy,
	.steps = steps,
	.request = request,
	.accept = accept,
};
