#include "tests/screen/scene.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/config.h"

#define MINUTE_MS 60000
#define HISTORY_MINUTES 30

/* A cluster as a scene wants it. */
struct cluster_facts {
	const char *region, *name;
	enum severity severity;
	enum phase phase;
	double up, use, waiting, auth, attempts, errors, headroom;
	bool stale;
	int64_t age_ms;
};

/* A stage as a scene wants it. */
struct stage_facts {
	double now, baseline;
	int onset_minutes; /* ago; 0: none */
	enum severity severity;
};

static void put(struct scene *scene, uint32_t entity, enum signal signal, double value,
	int64_t age_ms, uint16_t source)
{
	if (!isnan(value))
		ck_assert(store_put(scene->store, entity, signal, value, SCENE_NOW_MS - age_ms,
			1000, source, NULL));
}

static void add_replicas(struct scene *scene, uint32_t cluster, const struct cluster_facts *facts)
{
	for (int i = 1; i <= 4; i++) {
		char name[8];
		uint32_t id;
		snprintf(name, sizeof name, "r%d", i);
		ck_assert(fleet_intern(scene->fleet, ENTITY_REPLICA, cluster, name, &id, NULL));
		bool away = i == 2 && facts->up < 4;
		put(scene, id, SIGNAL_REPLICA_UP, away ? 0 : 1, facts->age_ms, scene->edge_source);
		put(scene, id, SIGNAL_REPLICA_MAINTENANCE, away ? 1 : 0, facts->age_ms,
			scene->edge_source);
		if (away)
			continue;
		put(scene, id, SIGNAL_POOL_USED, round(facts->use * 20), facts->age_ms,
			scene->pooler_source);
		put(scene, id, SIGNAL_POOL_MAX, 20, facts->age_ms, scene->pooler_source);
		put(scene, id, SIGNAL_POOL_WAITING, round(facts->waiting / 3), facts->age_ms,
			scene->pooler_source);
		put(scene, id, SIGNAL_POOL_WAIT, facts->waiting * 9, facts->age_ms,
			scene->pooler_source);
		put(scene, id, SIGNAL_REPLICA_QUERIES, 410 + i, facts->age_ms, scene->edge_source);
	}
}

static void add_cluster(struct scene *scene, const struct cluster_facts *facts, double share)
{
	uint32_t region, cluster;
	struct assessment *assessment = &scene->assessment;
	ck_assert(fleet_intern(
		scene->fleet, ENTITY_REGION, ENTITY_ROOT, facts->region, &region, NULL));
	ck_assert(fleet_intern(scene->fleet, ENTITY_CLUSTER, region, facts->name, &cluster, NULL));
	fleet_declare(scene->fleet, cluster);
	put(scene, cluster, SIGNAL_CLUSTER_WEIGHT, 100, facts->age_ms, scene->edge_source);
	add_replicas(scene, cluster, facts);
	uint32_t worst = fleet_find_path(scene->fleet, ENTITY_REPLICA, "east-a/r3");
	scene->clusters[scene->cluster_count++] = cluster;
	assessment->clusters[assessment->cluster_count++] = (struct cluster_assessment){
		.cluster = cluster,
		.severity = facts->severity,
		.phase = facts->phase,
		.share = share,
		.replicas_up = facts->up,
		.replicas_expected = 4,
		.pool_used = facts->use * facts->up * 20,
		.pool_max = facts->up * 20,
		.pool_use = facts->use,
		.waiting = facts->waiting,
		.wait_ms = facts->waiting * 9,
		.auth_failures = facts->auth,
		.attempts = facts->attempts,
		.first_tries = 1200 * share * 4,
		.errors = facts->errors,
		.knee = 0.85,
		.contingency = {.known = !facts->stale,
			.replica = worst,
			.cluster = cluster,
			.utilisation_now = facts->use,
			.utilisation_after = 1.0 - facts->headroom,
			.headroom = facts->headroom,
			.seconds_to_timeout = facts->headroom < 0 ? 16 : INFINITY},
		.age_ms = facts->age_ms,
		.stale = facts->stale,
	};
}

static void add_stage(struct scene *scene, enum stage stage, const struct stage_facts *facts)
{
	struct stage_assessment *out = &scene->assessment.stages[stage];
	*out = (struct stage_assessment){
		.known = !isnan(facts->now),
		.now = facts->now,
		.baseline = facts->baseline,
		.count = NAN,
		.of = NAN,
		.onset_ms = facts->onset_minutes > 0
				    ? SCENE_NOW_MS - (int64_t)facts->onset_minutes * MINUTE_MS
				    : 0,
		.severity = facts->severity,
		.worst = fleet_find_path(scene->fleet, ENTITY_CLUSTER, "east-a"),
		.age_ms = 1000,
	};
	if (stage == STAGE_REPLICAS) {
		out->of = 4.0 * (double)scene->cluster_count;
		out->count = round(facts->now * out->of);
		out->worst = fleet_find_path(scene->fleet, ENTITY_REPLICA, "east-a/r2");
	}
	/* Half an hour of it: at its baseline, then a ramp of two minutes to where it is. */
	enum signal signal = (enum signal)(SIGNAL_STAGE_REPLICAS + (int)stage);
	for (int64_t ago_ms = HISTORY_MINUTES * MINUTE_MS; ago_ms >= 0; ago_ms -= 2000) {
		double since = (double)((int64_t)facts->onset_minutes * MINUTE_MS - ago_ms);
		double share = facts->onset_minutes == 0 || since < 0 ? 0.0
			       : stage == STAGE_REPLICAS              ? 1.0
								      : fmin(1.0, since / 120000.0);
		if (!isnan(facts->now))
			history_append(scene->history, ENTITY_ROOT, signal, SCENE_NOW_MS - ago_ms,
				facts->baseline + share * (facts->now - facts->baseline));
	}
}

static void add_pressure(struct scene *scene)
{
	for (size_t i = 0; i < scene->cluster_count; i++) {
		const struct cluster_assessment *cluster = &scene->assessment.clusters[i];
		double now = cluster->severity == SEVERITY_CRITICAL  ? 1.0
			     : cluster->severity == SEVERITY_WARNING ? 0.5
								     : 0.1;
		for (int64_t ago_ms = HISTORY_MINUTES * MINUTE_MS; ago_ms >= 0; ago_ms -= 2000) {
			if (cluster->stale && ago_ms < 60000)
				break;
			history_append(scene->history, cluster->cluster, SIGNAL_PRESSURE,
				SCENE_NOW_MS - ago_ms, ago_ms < 12 * MINUTE_MS ? now : 0.1);
		}
	}
}

static void begin(struct scene *scene, const struct cluster_facts *clusters, size_t count)
{
	memset(scene, 0, sizeof *scene);
	scene->fleet = fleet_create();
	scene->store = store_create(scene->fleet);
	scene->history = history_create(HISTORY_SAMPLES, 64 * 1024 * 1024);
	ck_assert(scene->fleet && scene->store && scene->history);
	ck_assert(store_add_source(
		scene->store, "poolers", "exposition", 1000, &scene->pooler_source, NULL));
	ck_assert(
		store_add_source(scene->store, "edge", "haproxy", 1000, &scene->edge_source, NULL));
	assessment_init(&scene->assessment);
	scene->assessment.clusters = calloc(16, sizeof *scene->assessment.clusters);
	ck_assert_ptr_nonnull(scene->assessment.clusters);
	for (size_t i = 0; i < count; i++)
		add_cluster(scene, &clusters[i], 1.0 / (double)count);
}

static void add_surfaces(struct scene *scene, double web, double api)
{
	struct assessment *assessment = &scene->assessment;
	assessment->surface_count = 2;
	assessment->surfaces[0] = (struct surface_assessment){.name = "web",
		.requests = 1900,
		.errors = 1900 * web,
		.ratio = web,
		.baseline = 0.003,
		.burn = {web > 0.1 ? 1000 * web : 0, web > 0.1 ? 150 * web : 0, 0.0042, 21000},
		.severity = web > 0.1 ? SEVERITY_CRITICAL : SEVERITY_OK,
		.known = true};
	assessment->surfaces[1] = (struct surface_assessment){.name = "api",
		.requests = 640,
		.errors = 640 * api,
		.ratio = api,
		.baseline = 0.001,
		.severity = SEVERITY_OK,
		.known = true};
}

static void seal(
	struct scene *scene, enum phase phase, enum severity severity, const char *headline)
{
	struct assessment *assessment = &scene->assessment;
	for (uint16_t i = 0; i < 2; i++) {
		struct source_status *source = store_source(scene->store, i);
		if (source->state == SOURCE_STARTING) {
			source->state = SOURCE_OK;
			source->last_ok_ms = source->last_try_ms = SCENE_NOW_MS - 1000;
		}
		source->requests = 1423;
		source->last_took_ms = 4;
	}
	scene->snapshot = store_seal(scene->store, SCENE_NOW_MS);
	ck_assert_ptr_nonnull(scene->snapshot);
	add_pressure(scene);
	assessment->at_ms = SCENE_NOW_MS;
	assessment->phase = phase;
	assessment->phase_since_ms = SCENE_NOW_MS - 8 * MINUTE_MS;
	assessment->severity = severity;
	assessment->sources_total = 2;
	assessment->sources_ok += 2;
	assessment->age_ms = assessment->age_ms > 0 ? assessment->age_ms : 1000;
	snprintf(assessment->headline, sizeof assessment->headline, "%s", headline);
	if (assessment->cluster_count > 0)
		assessment->contingency = assessment->clusters[0].contingency;
	scene->actions[0] = (struct action_info){
		.name = "divert", .verb = verb_find("cluster.divert"), .transport = "http"};
	scene->actions[1] = (struct action_info){
		.name = "scale-pool", .verb = verb_find("pool.resize"), .transport = "ssh"};
	scene->model = (struct console_model){
		.now_ms = SCENE_NOW_MS,
		.environment = "demo",
		.fleet_name = "fleet in a box",
		.snapshot = scene->snapshot,
		.history = scene->history,
		.assessment = assessment,
		.may_arm = true,
		.actions = scene->actions,
		.action_count = 2,
		.journal = scene->journal,
		.messages = scene->messages,
		.runs = scene->runs,
	};
	scene->wall = (struct wall_model){
		.now_ms = SCENE_NOW_MS,
		.environment = "demo",
		.fleet_name = "fleet in a box",
		.snapshot = scene->snapshot,
		.history = scene->history,
		.assessment = assessment,
	};
}

static const struct stage_facts calm_stages[STAGE_COUNT] = {
	{1.0, 1.0, 0, SEVERITY_OK},
	{1.01, 1.0, 0, SEVERITY_OK},
	{0.63, 0.62, 0, SEVERITY_OK},
	{0.002, 0.002, 0, SEVERITY_OK},
	{1.02, 1.02, 0, SEVERITY_OK},
	{0.003, 0.003, 0, SEVERITY_OK},
};

static void add_stages(struct scene *scene, const struct stage_facts *stages, enum stage first)
{
	for (int i = 0; i < STAGE_COUNT; i++)
		add_stage(scene, (enum stage)i, &stages[i]);
	scene->assessment.first_stage = first;
}

static void add_finding(struct scene *scene, enum severity severity, int minutes, const char *where,
	const char *text)
{
	struct finding *finding = &scene->assessment.findings[scene->assessment.finding_count++];
	finding->severity = severity;
	finding->since_ms = SCENE_NOW_MS - (int64_t)minutes * MINUTE_MS;
	finding->entity = fleet_find_path(scene->fleet, ENTITY_CLUSTER, where);
	snprintf(finding->text, sizeof finding->text, "%s", text);
}

void scene_calm(struct scene *scene)
{
	static const struct cluster_facts clusters[] = {
		{"us-east", "east-a", SEVERITY_WARNING, PHASE_VULNERABLE, 4, 0.63, 0, 0.002, 1.02,
			0.003, -0.18, false, 1000},
		{"us-east", "east-b", SEVERITY_OK, PHASE_NORMAL, 4, 0.55, 0, 0.002, 1.02, 0.003,
			0.21, false, 1000},
		{"us-west", "west-a", SEVERITY_OK, PHASE_NORMAL, 4, 0.51, 0, 0.001, 1.01, 0.002,
			0.27, false, 1000},
		{"us-west", "west-b", SEVERITY_OK, PHASE_NORMAL, 4, 0.48, 0, 0.001, 1.01, 0.002,
			0.31, false, 1000},
	};
	begin(scene, clusters, 4);
	add_stages(scene, calm_stages, STAGE_COUNT);
	add_surfaces(scene, 0.003, 0.0);
	scene->assessment.goodput = 2532;
	scene->assessment.offered = 4900;
	scene->assessment.first_tries = 4800;
	scene->assessment.retries = 100;
	add_finding(scene, SEVERITY_WARNING, 25, "east-a",
		"losing east-a/r3 would saturate the rest of east-a in about 16 s");
	seal(scene, PHASE_VULNERABLE, SEVERITY_WARNING,
		"losing one replica would saturate the rest of east-a in about 16 s");
}

static const struct cluster_facts suffering[] = {
	{"us-east", "east-a", SEVERITY_CRITICAL, PHASE_SATURATION, 3, 1.0, 412, 0.221, 3.4, 0.31,
		-0.92, false, 1000},
	{"us-east", "east-b", SEVERITY_WARNING, PHASE_LOAD_SHIFT, 4, 0.88, 12, 0.031, 1.6, 0.022,
		-0.14, false, 1000},
	{"us-west", "west-a", SEVERITY_OK, PHASE_NORMAL, 4, 0.51, 0, 0.001, 1.01, 0.002, 0.27,
		false, 1000},
	{"us-west", "west-b", SEVERITY_OK, PHASE_NORMAL, 4, 0.48, 0, 0.001, 1.01, 0.002, 0.31,
		false, 1000},
};

static void add_cause(struct scene *scene, enum hypothesis hypothesis, const char *replica,
	int minutes, double score, const char *evidence, const char *contradiction)
{
	struct cause *cause = &scene->assessment.causes[scene->assessment.cause_count++];
	*cause = (struct cause){
		.hypothesis = hypothesis,
		.entity = fleet_find_path(scene->fleet, ENTITY_REPLICA, replica),
		.score = score,
		.onset_ms = SCENE_NOW_MS - (int64_t)minutes * MINUTE_MS,
	};
	snprintf(cause->evidence, sizeof cause->evidence, "%s", evidence);
	snprintf(cause->contradiction, sizeof cause->contradiction, "%s", contradiction);
}

static void add_move(struct scene *scene, const char *verb, bool enough, const char *text)
{
	struct assessment *assessment = &scene->assessment;
	struct recommendation *move =
		&assessment->recommendations[assessment->recommendation_count++];
	*move = (struct recommendation){
		.entity = fleet_find_path(scene->fleet, ENTITY_CLUSTER, "east-a"),
		.from = NAN,
		.to = NAN,
		.enough = enough,
	};
	snprintf(move->verb, sizeof move->verb, "%s", verb);
	snprintf(move->text, sizeof move->text, "%s", text);
}

static void begin_incident(struct scene *scene, const struct stage_facts *stages, int minutes)
{
	add_stages(scene, stages, STAGE_REPLICAS);
	add_surfaces(scene, 0.176, 0.0);
	scene->assessment.goodput = 2205;
	scene->assessment.offered = 15800;
	scene->assessment.first_tries = 4700;
	scene->assessment.retries = 11100;
	scene->assessment.incident_start_ms = SCENE_NOW_MS - (int64_t)minutes * MINUTE_MS - 42000;
	scene->assessment.failed_requests = 184000;
	scene->assessment.peak_error_ratio = 0.182;
	add_finding(scene, SEVERITY_CRITICAL, 10, "east-a",
		"412 clients wait for a connection in east-a, the longest for 3.7 s");
	add_finding(scene, SEVERITY_CRITICAL, 9, "east-a",
		"auth failures of 22 % come from waiting, not from wrong credentials");
	add_finding(scene, SEVERITY_WARNING, 8, "east-b", "east-b is past its knee of 85 %");
	add_cause(scene, HYPOTHESIS_REPLICA_LOSS, "east-a/r2", minutes, 8.5,
		"east-a/r2 in maintenance; load of the others 1.34x", "");
	add_cause(scene, HYPOTHESIS_RETRY_STORM, "", minutes - 5, 3,
		"3.4 attempts per first try, first tries 1.0x", "something below was there first");
	add_move(scene, "retry.limit", true,
		"limit retries of east-a/auth to 10%: recovers in about 20 s");
	add_move(scene, "replica.return", false,
		"restoring east-a/r2 alone: stays metastable, with retries 238% of its "
		"connections are asked for");
	ck_assert(fleet_add_maintenance(scene->fleet,
		&(struct maintenance){
			.replica = fleet_find_path(scene->fleet, ENTITY_REPLICA, "east-a/r2"),
			.from_ms = SCENE_NOW_MS - 13 * MINUTE_MS,
			.until_ms = SCENE_NOW_MS + 90 * MINUTE_MS,
			.by = "provider"},
		NULL));
}

void scene_saturation(struct scene *scene)
{
	static const struct stage_facts stages[STAGE_COUNT] = {
		{0.9375, 1.0, 13, SEVERITY_WARNING},
		{1.34, 1.0, 12, SEVERITY_WARNING},
		{1.0, 0.62, 10, SEVERITY_CRITICAL},
		{0.091, 0.002, 9, SEVERITY_CRITICAL},
		{3.4, 1.02, 8, SEVERITY_CRITICAL},
		{0.176, 0.003, 8, SEVERITY_CRITICAL},
	};
	begin(scene, suffering, 4);
	begin_incident(scene, stages, 13);
	seal(scene, PHASE_SATURATION, SEVERITY_CRITICAL,
		"pools of east-a are full and 412 clients wait; it began with east-a/r2 away for "
		"maintenance by provider since 17:20Z");
	scene->assessment.page = true;
	scene->assessment.page_since_ms = SCENE_NOW_MS - 12 * MINUTE_MS;
	snprintf(scene->assessment.page_why, sizeof scene->assessment.page_why,
		"what is left of east-a cannot carry its demand");
	snprintf(scene->assessment.falsifier, sizeof scene->assessment.falsifier,
		"wrong if clients stop waiting while the pools stay full");
}

void scene_metastable(struct scene *scene)
{
	static const struct stage_facts stages[STAGE_COUNT] = {
		{1.0, 1.0, 0, SEVERITY_OK},
		{1.31, 1.0, 19, SEVERITY_WARNING},
		{1.0, 0.62, 17, SEVERITY_CRITICAL},
		{0.101, 0.002, 16, SEVERITY_CRITICAL},
		{3.7, 1.02, 15, SEVERITY_CRITICAL},
		{0.171, 0.003, 15, SEVERITY_CRITICAL},
	};
	struct cluster_facts clusters[4];
	memcpy(clusters, suffering, sizeof clusters);
	clusters[0].up = 4;
	clusters[0].phase = PHASE_METASTABLE;
	begin(scene, clusters, 4);
	begin_incident(scene, stages, 19);
	scene->assessment.first_stage = STAGE_LOAD;
	seal(scene, PHASE_METASTABLE, SEVERITY_CRITICAL,
		"east-a/r2 is back since 17:29Z and it stays bad: retries alone keep the pools of "
		"east-a full");
	scene_add_run(scene, RUN_VERIFYING, OUTCOME_DONE);
}

void scene_unseen(struct scene *scene)
{
	scene_saturation(scene);
	for (size_t i = 0; i < scene->assessment.surface_count; i++)
		scene->assessment.surfaces[i].known = false;
	scene->assessment.goodput = NAN;
}

void scene_stale(struct scene *scene)
{
	struct cluster_facts clusters[4];
	memcpy(clusters, suffering, sizeof clusters);
	clusters[0].severity = SEVERITY_UNKNOWN;
	clusters[0].phase = PHASE_BLIND;
	clusters[0].stale = true;
	clusters[0].age_ms = 48000;
	clusters[1].age_ms = 2000;
	begin(scene, clusters, 4);
	add_stages(scene, calm_stages, STAGE_COUNT);
	scene->assessment.stages[STAGE_POOL].known = false;
	scene->assessment.stages[STAGE_POOL].severity = SEVERITY_UNKNOWN;
	scene->assessment.stages[STAGE_POOL].age_ms = 48000;
	scene->assessment.stages[STAGE_AUTH].age_ms = 2500;
	add_surfaces(scene, 0.003, 0.0);
	scene->assessment.goodput = NAN;
	scene->assessment.offered = 4900;
	scene->assessment.first_tries = 4800;
	scene->assessment.retries = 100;
	struct source_status *source = store_source(scene->store, 0);
	source->state = SOURCE_FAILING;
	source->failures = 12;
	source->last_ok_ms = SCENE_NOW_MS - 48000;
	snprintf(source->trouble, sizeof source->trouble,
		"cannot connect to 127.0.0.1:4001: connection refused");
	scene->assessment.sources_ok = (size_t)-1;
	seal(scene, PHASE_BLIND, SEVERITY_UNKNOWN,
		"pools of east-a have not been seen for 48 s: nothing is decided about them");
	scene->messages[0] = (struct console_message){.at_ms = SCENE_NOW_MS - 47000,
		.severity = SEVERITY_WARNING,
		.text = "poolers: cannot connect to 127.0.0.1:4001: connection refused"};
	scene->messages[1] = (struct console_message){.at_ms = SCENE_NOW_MS - 7000,
		.severity = SEVERITY_WARNING,
		.text = "poolers: still failing (12 in a row), next try in 20 s"};
	scene->model.message_count = 2;
}

void scene_many(struct scene *scene)
{
	static struct cluster_facts clusters[12];
	static char names[12][16];
	for (int i = 0; i < 12; i++) {
		clusters[i] = suffering[i < 3 ? 0 : i < 4 ? 1 : 2];
		snprintf(names[i], sizeof names[i], "%s-%c", i < 6 ? "east" : "west", 'a' + i % 6);
		clusters[i].name = names[i];
		clusters[i].region = i < 6 ? "us-east" : "us-west";
		clusters[i].up = i == 0 ? 3 : 4;
	}
	static const struct stage_facts stages[STAGE_COUNT] = {
		{0.979, 1.0, 13, SEVERITY_WARNING},
		{1.34, 1.0, 12, SEVERITY_WARNING},
		{1.0, 0.62, 10, SEVERITY_CRITICAL},
		{0.091, 0.002, 9, SEVERITY_CRITICAL},
		{3.4, 1.02, 8, SEVERITY_CRITICAL},
		{0.176, 0.003, 8, SEVERITY_CRITICAL},
	};
	begin(scene, clusters, 12);
	begin_incident(scene, stages, 13);
	seal(scene, PHASE_AMPLIFICATION, SEVERITY_CRITICAL,
		"3 of 12 clusters are full and retries triple the load; it began with east-a/r2");
}

void scene_empty(struct scene *scene)
{
	begin(scene, NULL, 0);
	seal(scene, PHASE_BLIND, SEVERITY_UNKNOWN, "");
	scene->model.snapshot = NULL;
	scene->model.assessment = NULL;
	scene->wall.snapshot = NULL;
	scene->wall.assessment = NULL;
}

void scene_finish(struct scene *scene)
{
	snapshot_destroy(scene->snapshot);
	store_destroy(scene->store);
	history_destroy(scene->history);
	fleet_destroy(scene->fleet);
	assessment_finish(&scene->assessment);
}

static void add_verdict(
	struct plan *plan, const char *guard, enum verdict_kind kind, const char *text)
{
	struct verdict *verdict = &plan->verdicts[plan->verdict_count++];
	verdict->guard = guard;
	verdict->kind = kind;
	snprintf(verdict->text, sizeof verdict->text, "%s", text);
}

static void add_effect(struct plan *plan, const char *cluster, double share_before,
	double share_after, double before, double low, double high, bool over)
{
	struct plan_effect *effect = &plan->effects[plan->effect_count++];
	*effect = (struct plan_effect){.share_before = share_before,
		.share_after = share_after,
		.use_before = before,
		.use_low = low,
		.use_high = high,
		.changed = true,
		.over_ceiling = over};
	snprintf(effect->cluster, sizeof effect->cluster, "%s", cluster);
}

void scene_add_plan(struct scene *scene, bool refused)
{
	struct plan *plan = &scene->plan;
	*plan = (struct plan){
		.id = "p-4f1c2a",
		.action = "divert",
		.verb = verb_find("cluster.divert"),
		.target = scene->clusters[0],
		.target_path = "east-a",
		.from = 100,
		.to = refused ? 60 : 90,
		.from_age_ms = 1000,
		.generation = 8841,
		.made_ms = SCENE_NOW_MS - 4000,
		.expires_ms = SCENE_NOW_MS + 56000,
		.request_count = 1,
		.blocked = refused,
		.largest_safe_to = refused ? 88 : NAN,
		.verify = "east-a's weight reads 90 within 90s, and fewer clients wait than 412",
		.undo = "weight of east-a = 100 (u)",
	};
	snprintf(plan->environment, sizeof plan->environment, "%s", scene->model.environment);
	snprintf(plan->hash, sizeof plan->hash, "%s", refused ? "9b1d7c" : "77aa0e");
	snprintf(plan->requests[0].transport, sizeof plan->requests[0].transport, "http");
	snprintf(plan->requests[0].line, sizeof plan->requests[0].line,
		"POST http://127.0.0.1:4000/v1/clusters/east-a/weight {\"weight\":%d}",
		refused ? 60 : 90);
	plan->projection.known = true;
	plan->projection.moved_share = refused ? 0.10 : 0.025;
	plan->needs_typed_name = strcmp(plan->environment, "prod") == 0;
	if (refused) {
		add_effect(plan, "east-a", 0.25, 0.15, 1.92, 0.34, 1.15, false);
		add_effect(plan, "east-b", 0.25, 0.283, 0.93, 0.88, 1.05, true);
		add_effect(plan, "west-a", 0.25, 0.283, 0.51, 0.53, 0.58, false);
		add_effect(plan, "west-b", 0.25, 0.284, 0.48, 0.50, 0.55, false);
	} else {
		add_effect(plan, "east-a", 0.25, 0.225, 1.92, 0.51, 1.73, false);
		add_effect(plan, "east-b", 0.25, 0.258, 0.75, 0.70, 0.80, false);
		add_effect(plan, "west-a", 0.25, 0.258, 0.51, 0.50, 0.53, false);
		add_effect(plan, "west-b", 0.25, 0.259, 0.48, 0.47, 0.50, false);
	}
	add_verdict(
		plan, "staleness", VERDICT_PASS, "every reading used is at most 1s old (limit 5s)");
	if (refused) {
		add_verdict(plan, "capacity", VERDICT_BLOCK,
			"east-b: 74 connections asked for + 10 moved = 84 of 80, 105 %, over the "
			"ceiling of 85 %");
		add_verdict(plan, "step", VERDICT_BLOCK,
			"40 % of east-a's weight in one step, more than 25 %");
	} else {
		add_verdict(plan, "capacity", VERDICT_PASS,
			"fullest after it: east-b at 80 % of 85 % allowed");
		add_verdict(plan, "retries", VERDICT_WARN,
			"attempts per request are 3.4: moved clients may retry elsewhere");
	}
	scene->model.plan = plan;
}

void scene_add_holds(struct scene *scene)
{
	static const struct console_hold holds[] = {
		{.run = "a-0002",
			.action = "divert",
			.target_path = "east-a",
			.by = "kim",
			.from = 100,
			.to = 90,
			.warn_ms = SCENE_NOW_MS + 19 * MINUTE_MS,
			.expires_ms = SCENE_NOW_MS + 24 * MINUTE_MS,
			.protection = "a timer beside it (systemd)",
			.is_protected = true,
			.is_certain = true},
		{.run = "a-0001",
			.action = "scale-pool",
			.target_path = "east-a",
			.by = "kim",
			.from = 20,
			.to = 30,
			.expires_ms = SCENE_NOW_MS - 3 * MINUTE_MS,
			.protection = "nothing",
			.is_certain = true},
		{.run = "a-0107",
			.action = "divert",
			.target_path = "west-b",
			.by = "lee",
			.from = 100,
			.to = 95,
			.warn_ms = SCENE_NOW_MS - MINUTE_MS,
			.expires_ms = SCENE_NOW_MS + 4 * MINUTE_MS,
			.protection = "spillway reap",
			.is_protected = true,
			.is_elsewhere = true},
	};
	static const struct console_peer peers[] = {
		{.by = "lee",
			.host = "bastion2",
			.doing = "divert west-b",
			.since_ms = SCENE_NOW_MS - 12000},
		{.by = "ana", .host = "desk7", .since_ms = SCENE_NOW_MS - 40 * MINUTE_MS},
	};
	scene->model.holds = holds;
	scene->model.hold_count = sizeof holds / sizeof *holds;
	scene->model.peers = peers;
	scene->model.peer_count = sizeof peers / sizeof *peers;
}

void scene_add_run(struct scene *scene, enum run_state state, enum outcome_code code)
{
	scene->runs[0] = (struct run_view){
		.id = "a-0002",
		.action = "divert",
		.target_path = "east-a",
		.from = 100,
		.to = 90,
		.state = state,
		.code = code,
		.started_ms = SCENE_NOW_MS - 12000,
		.ended_ms = state == RUN_DONE || state == RUN_FAILED ? SCENE_NOW_MS - 2000 : 0,
		.by = "kim",
		.can_undo = state == RUN_DONE,
		.text = "weight reads 90; 380 clients wait, 412 before",
	};
	scene->runs[1] = (struct run_view){
		.id = "a-0001",
		.action = "scale-pool",
		.target_path = "east-a",
		.from = 20,
		.to = 30,
		.state = RUN_DONE,
		.code = OUTCOME_DONE,
		.started_ms = SCENE_NOW_MS - 180000,
		.ended_ms = SCENE_NOW_MS - 170000,
		.by = "kim",
		.can_undo = true,
		.expires_ms = SCENE_NOW_MS + 24 * MINUTE_MS,
		.text = "pool size reads 30 on all 4 replicas",
	};
	static const char *const events[][2] = {
		{"intent", "scale-pool east-a size 20 -> 30: waits of 412"},
		{"sent", "ops@127.0.0.1:2201 $ psql -h east-a -p 6432 pgbouncer"},
		{"reply", "SET"},
		{"done", "pool size reads 30 on all 4 replicas"},
		{"intent", "divert east-a weight 100 -> 90: still waits"},
		{"sent", "POST http://127.0.0.1:4000/v1/clusters/east-a/weight"},
	};
	for (int i = 0; i < SCENE_LINES; i++) {
		struct journal_line *line = &scene->journal[i];
		line->at_ms = SCENE_NOW_MS - (i < 4 ? 180000 - i * 2500 : 12000 - (i - 4) * 400);
		snprintf(line->run, sizeof line->run, i < 4 ? "a-0001" : "a-0002");
		snprintf(line->event, sizeof line->event, "%s", events[i][0]);
		snprintf(line->text, sizeof line->text, "%s", events[i][1]);
	}
	scene->model.run = &scene->runs[0];
	scene->model.run_count = SCENE_RUNS;
	scene->model.journal_count = SCENE_LINES;
}

void scene_arm(struct scene *scene)
{
	scene->model.armed_until_ms = SCENE_NOW_MS + 9 * MINUTE_MS;
}
