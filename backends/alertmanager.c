/*
 * Kind alertmanager: which alerts are active, and which of them somebody has silenced. Alerts are
 * other people's conclusions and no measurements: they give no signal, only a line about the
 * source.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/answer.h"
#include "backends/backend.h"
#include "backends/fact.h"
#include "backends/observation.h"
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

struct alertmanager {
	const struct source_config *source;
};

/* What is counted. */
struct tally {
	size_t active, silenced, inhibited, unprocessed;
	const char *oldest_name; /* of the active ones */
	const char *oldest_start;
};

static void *create(const struct backend_setup *setup, struct error *error)
{
	struct alertmanager *alertmanager = calloc(1, sizeof(*alertmanager));
	if (!alertmanager) {
		error_no_memory(error, "a source");
		return NULL;
	}
	alertmanager->source = setup->source;
	return alertmanager;
}

static void destroy(void *instance)
{
	free(instance);
}

static size_t steps(const void *instance, size_t target, bool past)
{
	(void)instance;
	(void)target;
	return past ? 0 : STEP_COUNT;
}

static bool request(const void *instance, const struct backend_ask *ask, struct arena *scratch,
	struct backend_request *out, struct error *error)
{
	const struct alertmanager *alertmanager = instance;
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

static void read_silences(const struct json_node *root, struct observations *sink)
{
	size_t active = 0;
	for (const struct json_node *row = json_first(root); row; row = json_next(row)) {
		const char *state = json_text(json_pointer(row, "/status/state"));
		active += state && strcmp(state, "active") == 0 ? 1 : 0;
	}
	observations_describe(sink, "%zu silences active", active);
}

static bool accept(const void *instance, const struct backend_ask *ask,
	const struct backend_answer *answer, struct arena *scratch, struct observations *sink,
	struct error *error)
{
	const struct alertmanager *alertmanager = instance;
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
		read_silences(root, sink);
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
	.create = create,
	.destroy = destroy,
	.steps = steps,
	.request = request,
	.accept = accept,
};
