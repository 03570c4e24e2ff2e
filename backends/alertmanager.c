/*
 * Kind alertmanager: which alerts are active, and which of them somebody has silenced. Alerts are
 * other people's conclusions and no measurements: they give a line about the source, and the one
 * fact that is a setting: cluster.silenced is 1 where an active silence names just that cluster.
 */
#include <string.h>

#include "backends/answer.h"
#include "backends/backend.h"
#include "backends/fact.h"
#include "backends/label.h"
#include "backends/observation.h"
#include "backends/plain.h"
#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/sanitise.h"
#include "core/wire/json.h"

#define NAME_BYTES 48
#define ALERTS_MOST 100000

enum step { STEP_ALERTS, STEP_SILENCES, STEP_COUNT };

static const char *const paths[STEP_COUNT] = {
	[STEP_ALERTS] = "/api/v2/alerts",
	[STEP_SILENCES] = "/api/v2/silences",
};

/* What is counted. */
struct tally {
	size_t active, silenced, inhibited, unprocessed;
	const char *oldest_name; /* of the active ones */
	const char *oldest_start;
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
	const struct plain *alertmanager = instance;
	/* Silences first: the line that stays is about alerts. */
	size_t step = ask->step == 0 ? STEP_SILENCES : STEP_ALERTS;
	out->http.method = "GET";
	out->http.url = fact_url(scratch, &alertmanager->source->targets[ask->target], paths[step]);
	return out->http.url || error_no_memory(error, "a request");
}

static void count_alert(struct tally *tally, const struct json_node *alert)
{
	const struct json_node *status = json_get(alert, "status");
	const char *state = json_text(json_get(status, "state"));
	const char *start = json_text(json_get(alert, "startsAt"));
	if (json_count(json_get(status, "silencedBy")) > 0) {
		tally->silenced++;
		return;
	}
	if (json_count(json_get(status, "inhibitedBy")) > 0) {
		tally->inhibited++;
		return;
	}
	if (!state || strcmp(state, "active") != 0) {
		tally->unprocessed++;
		return;
	}
	tally->active++;
	/* Times of one server are written alike: the order of the letters is that of time. */
	if (start && (!tally->oldest_start || strcmp(start, tally->oldest_start) < 0)) {
		tally->oldest_start = start;
		tally->oldest_name = json_text(json_pointer(alert, "/labels/alertname"));
	}
}

static void describe(const struct tally *tally, struct observations *sink)
{
	char name[NAME_BYTES] = "";
	if (tally->oldest_name)
		sanitise(tally->oldest_name, strlen(tally->oldest_name), name, sizeof(name));
	observations_describe(sink, "%zu alerts active%s%s, %zu silenced, %zu inhibited",
		tally->active, name[0] ? ", oldest " : "", name, tally->silenced, tally->inhibited);
}

static bool read_alerts(
	const struct json_node *root, struct observations *sink, struct error *error)
{
	struct tally tally = {0};
	size_t count = 0;
	for (const struct json_node *alert = json_first(root); alert; alert = json_next(alert)) {
		if (++count > ALERTS_MOST)
			return error_set(error, ERROR_LIMIT, "more than %d alerts", ALERTS_MOST);
		count_alert(&tally, alert);
	}
	describe(&tally, sink);
	return true;
}

static bool is_active(const struct json_node *silence)
{
	const char *state = json_text(json_pointer(silence, "/status/state"));
	return state && strcmp(state, "active") == 0;
}

/* A narrower silence leaves other alerts of the cluster audible, and is none of it. */
static bool names_just(const struct json_node *silence, const char *cluster)
{
	const struct json_node *matchers = json_get(silence, "matchers");
	const struct json_node *matcher = json_first(matchers);
	const char *name = json_text(json_get(matcher, "name"));
	const char *value = json_text(json_get(matcher, "value"));
	bool is_regex = false, is_equal = true; /* older servers know no isEqual */
	json_bool_of(json_get(matcher, "isRegex"), &is_regex);
	json_bool_of(json_get(matcher, "isEqual"), &is_equal);
	return json_count(matchers) == 1 && name && value && !is_regex && is_equal &&
	       strcmp(name, "cluster") == 0 && strcmp(value, cluster) == 0;
}

static bool note_cluster(const struct sheet *sheet, const struct json_node *root, uint32_t cluster,
	struct error *error)
{
	const char *name = fleet_entity(sheet->sink->fleet, cluster)->name;
	struct observation silenced = {.entity = cluster,
		.group = SIGNAL_CLUSTER_SILENCED,
		.series = hash_string(HASH_START, name),
		.signal = SIGNAL_CLUSTER_SILENCED,
		.at_ms = sheet->at_ms};
	for (const struct json_node *row = json_first(root); row; row = json_next(row)) {
		if (is_active(row) && names_just(row, name))
			silenced.value = 1;
	}
	return observations_add(sheet->sink, &silenced, error);
}

static bool read_silences(
	const struct sheet *sheet, const struct json_node *root, struct error *error)
{
	size_t active = 0;
	for (const struct json_node *row = json_first(root); row; row = json_next(row))
		active += is_active(row) ? 1 : 0;
	observations_describe(sheet->sink, "%zu silences active", active);
	uint32_t id = ENTITY_NONE;
	while ((id = fleet_next(sheet->sink->fleet, ENTITY_CLUSTER, ENTITY_NONE, id)) !=
		ENTITY_NONE) {
		if (!note_cluster(sheet, root, id, error))
			return false;
	}
	return true;
}

static bool accept(const void *instance, const struct backend_ask *ask,
	const struct backend_answer *answer, struct arena *scratch, struct observations *sink,
	struct error *error)
{
	const struct plain *alertmanager = instance;
	struct sheet sheet = {
		sink, &alertmanager->source->targets[ask->target], answer->arrived_ms};
	(void)scratch;
	struct json_document *document = fact_json(&sheet, answer, "Alertmanager's JSON", error);
	if (!document)
		return false;
	const struct json_node *root = json_root(document);
	bool good = json_is_array(root) ||
		    error_set(error, ERROR_SCHEMA,
			    "the answer is no list: is it Alertmanager, with its API v2?");
	if (good && ask->step == 0)
		good = read_silences(&sheet, root, error);
	else if (good)
		good = read_alerts(root, sink, error);
	json_destroy(document);
	return good;
}

const struct backend_ops alertmanager_ops = {
	.name = "alertmanager",
	.help = "Alertmanager: how many alerts are active, silenced and inhibited.",
	.traits = BACKEND_NEEDS_URL,
	.trust = 20,
	.create = plain_create,
	.destroy = plain_destroy,
	.steps = steps,
	.request = request,
	.accept = accept,
};
