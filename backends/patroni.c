/*
 * Kind patroni: what Patroni's REST API says of a cluster.
 *
 *   /cluster   every member: role, state, lag in bytes. It is as old as one turn of Patroni's loop
 *              (10 s), so it is trusted less than who looks for himself
 *   /patroni   this member: version, and when it last replayed something
 *
 * Lag is told in bytes by the one and by time by the other. No bytes is no seconds; any other
 * number of bytes is left to the member itself. A member that does not run has no lag, whatever its
 * positions say.
 */
#include <string.h>

#include "backends/answer.h"
#include "backends/backend.h"
#include "backends/fact.h"
#include "backends/label.h"
#include "backends/observation.h"
#include "backends/plain.h"
#include "core/base/arena.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/sanitise.h"
#include "core/wire/json.h"

#define MEMBERS_MOST 4096
#define TIME_BYTES 64
#define WORD_BYTES 32

enum step { STEP_CLUSTER, STEP_MEMBER, STEP_COUNT };

static const char *const paths[STEP_COUNT] = {
	[STEP_CLUSTER] = "/cluster",
	[STEP_MEMBER] = "/patroni",
};

/* States in which reads are answered; all others do not serve. */
static const char *const serving_states[] = {"running", "streaming", "in archive recovery", NULL};

static size_t steps(const void *instance, size_t target, bool past)
{
	(void)instance;
	(void)target;
	return past ? 0 : STEP_COUNT;
}

static bool request(const void *instance, const struct backend_ask *ask, struct arena *scratch,
	struct backend_request *out, struct error *error)
{
	const struct plain *patroni = instance;
	const struct source_target *target = &patroni->source->targets[ask->target];
	size_t step = ask->step < STEP_COUNT ? ask->step : STEP_CLUSTER;
	out->http.method = "GET";
	out->http.url = fact_url(scratch, target, paths[step]);
	return out->http.url || error_no_memory(error, "a request");
}

static bool serves(const char *state)
{
	for (size_t i = 0; serving_states[i]; i++)
		if (strcmp(state, serving_states[i]) == 0)
			return true;
	return false;
}

static bool is_replica(const char *role)
{
	return strcmp(role, "leader") != 0 && strcmp(role, "master") != 0 &&
	       strcmp(role, "primary") != 0 && strcmp(role, "standby_leader") != 0;
}

static bool is_set(const struct json_node *object, const char *key)
{
	bool value = false;
	return json_bool_of(json_get(object, key), &value) && value;
}

/* ---- /cluster ---- */

static bool read_member(const struct sheet *sheet, const struct json_node *member,
	const char *scope, struct error *error)
{
	const char *name = json_text(json_get(member, "name"));
	const char *role = json_text(json_get(member, "role"));
	const char *state = json_text(json_get(member, "state"));
	if (!name || !role) {
		observations_warn(sheet->sink, "a member of the cluster has no name or no role");
		return true;
	}
	if (!is_replica(role))
		return true;
	bool up = state && serves(state);
	const struct json_node *tags = json_get(member, "tags");
	struct fact fact = {.cluster = scope, .replica = name, .signal = SIGNAL_REPLICA_UP};
	fact.value = up ? 1 : 0;
	if (!fact_note(sheet, &fact, error))
		return false;
	fact.signal = SIGNAL_REPLICA_MAINTENANCE;
	fact.value = is_set(tags, "noloadbalance") ? 1 : 0;
	if (!fact_note(sheet, &fact, error))
		return false;
	double bytes = 0;
	if (!up || !json_number_of(json_get(member, "lag"), &bytes) || bytes != 0)
		return true;
	fact.signal = SIGNAL_REPLICA_LAG;
	fact.value = 0;
	return fact_note(sheet, &fact, error);
}

static bool read_cluster(
	const struct sheet *sheet, const struct json_node *root, struct error *error)
{
	struct label_view view = {.target = sheet->target};
	/* From 4.0 on the answer names its cluster; a label of the target comes first. */
	const char *scope =
		label_value(&view, "cluster") ? NULL : json_text(json_get(root, "scope"));
	const struct json_node *members = json_get(root, "members");
	if (!json_is_array(members))
		return error_set(error, ERROR_SCHEMA,
			"the answer has no list of members: is it Patroni's REST API?");
	size_t count = 0;
	const struct json_node *member = json_first(members);
	for (; member; member = json_next(member)) {
		if (++count > MEMBERS_MOST)
			return error_set(error, ERROR_LIMIT, "more than %d members", MEMBERS_MOST);
		if (!read_member(sheet, member, scope, error))
			return false;
	}
	if (is_set(root, "pause"))
		observations_warn(sheet->sink, "Patroni is paused: it will not fail over");
	return true;
}

/* ---- /patroni ---- */

/* "2026-02-04 17:06:00.123+00:00" and "... UTC" as they come; false when it is no time. */
static bool read_time(const char *said, int64_t *out_ms)
{
	char text[TIME_BYTES];
	size_t length = strlen(said);
	if (length < 19 || length >= sizeof(text) - 1)
		return false;
	memcpy(text, said, length + 1);
	if (text[10] == ' ')
		text[10] = 'T';
	char *zone = strstr(text, " UTC");
	if (zone && zone[4] == '\0') {
		zone[0] = 'Z';
		zone[1] = '\0';
	}
	return clock_parse(text, out_ms);
}

/* Only where something was received that is not replayed yet: else the time of the last change says
 * how quiet the primary is, not how far behind the replica. */
static bool read_lag(const struct sheet *sheet, const struct backend_answer *answer,
	const struct json_node *root, struct error *error)
{
	const struct json_node *xlog = json_get(root, "xlog");
	const char *said = json_text(json_get(xlog, "replayed_timestamp"));
	const char *replication = json_text(json_get(root, "replication_state"));
	const char *name = json_text(json_pointer(root, "/patroni/name"));
	int64_t received = 0, replayed = 0, then_ms = 0;
	struct label_view view = {.target = sheet->target};
	bool placed = name || label_value(&view, "replica");
	bool streams = !replication || strcmp(replication, "streaming") == 0;
	if (!said || !placed || !streams || answer->date_ms == 0 || !read_time(said, &then_ms) ||
		!json_integer_of(json_get(xlog, "received_location"), &received) ||
		!json_integer_of(json_get(xlog, "replayed_location"), &replayed) ||
		received <= replayed)
		return true;
	double behind_ms = (double)(answer->date_ms - then_ms);
	struct fact fact = {.cluster = label_value(&view, "cluster")
					       ? NULL
					       : json_text(json_pointer(root, "/patroni/scope")),
		.replica = label_value(&view, "replica") ? NULL : name,
		.signal = SIGNAL_REPLICA_LAG,
		.value = behind_ms > 0 ? behind_ms / 1000 : 0};
	return fact_note(sheet, &fact, error);
}

static void describe(const struct sheet *sheet, const struct json_node *root)
{
	const char *version = json_text(json_pointer(root, "/patroni/version"));
	const char *scope = json_text(json_pointer(root, "/patroni/scope"));
	char clean_version[WORD_BYTES] = "", clean_scope[WORD_BYTES] = "";
	int64_t server = 0;
	json_integer_of(json_get(root, "server_version"), &server);
	if (version)
		sanitise(version, strlen(version), clean_version, sizeof(clean_version));
	if (scope)
		sanitise(scope, strlen(scope), clean_scope, sizeof(clean_scope));
	observations_describe(sheet->sink, "Patroni %s of '%s', PostgreSQL %lld.%lld",
		clean_version, clean_scope, (long long)(server / 10000),
		(long long)(server % 10000));
}

static bool read_self(const struct sheet *sheet, const struct backend_answer *answer,
	const struct json_node *root, struct error *error)
{
	const char *state = json_text(json_get(root, "state"));
	const char *role = json_text(json_get(root, "role"));
	if (!state || !role)
		return error_set(error, ERROR_SCHEMA,
			"/patroni has no state and role: is it Patroni's REST API?");
	describe(sheet, root);
	if (!serves(state) || !is_replica(role))
		return true;
	return read_lag(sheet, answer, root, error);
}

static bool accept(const void *instance, const struct backend_ask *ask,
	const struct backend_answer *answer, struct arena *scratch, struct observations *sink,
	struct error *error)
{
	const struct plain *patroni = instance;
	struct sheet sheet = {sink, &patroni->source->targets[ask->target], answer->arrived_ms};
	(void)scratch;
	/* A member that is down answers 503 on its own account, with a body that says so. */
	struct backend_answer told = *answer;
	if (ask->step == STEP_MEMBER && told.status == 503 && told.length > 0 &&
		told.bytes[0] == '{')
		told.status = 200;
	struct json_document *document = fact_json(&sheet, &told, "Patroni's JSON", error);
	if (!document)
		return false;
	bool good = ask->step == STEP_CLUSTER
			    ? read_cluster(&sheet, json_root(document), error)
			    : read_self(&sheet, &told, json_root(document), error);
	json_destroy(document);
	return good;
}

const struct backend_ops patroni_ops = {
	.name = "patroni",
	.help = "Patroni's REST API: the members of a cluster, and who of them serves.",
	.traits = BACKEND_NEEDS_URL,
	.trust = 50,
	.create = plain_create,
	.destroy = plain_destroy,
	.steps = steps,
	.request = request,
	.accept = accept,
};
