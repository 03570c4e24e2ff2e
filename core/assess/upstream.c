#include "core/assess/upstream.h"

#include <math.h>
#include <string.h>

#include "core/assess/limits.h"
#include "core/assess/window.h"
#include "core/fleet/snapshot.h"

/* A sum that is unknown until something was added. */
static void add(double *sum, double value)
{
	*sum = isnan(*sum) ? value : *sum + value;
}

static double ratio(double top, double bottom)
{
	return bottom >= ENOUGH_PER_SECOND ? top / bottom : NAN; /* NAN >= 1 is false */
}

/* Whether `entity` is a part of something that is measured as a whole too. */
static bool is_part(const struct snapshot *snapshot, uint32_t entity, enum signal signal)
{
	const struct entity *part = fleet_entity(snapshot->fleet, entity);
	if (part->parent == ENTITY_ROOT)
		return false;
	uint32_t whole = fleet_find(snapshot->fleet, part->kind, ENTITY_ROOT, part->name);
	double value;
	return whole != ENTITY_NONE && snapshot_value(snapshot, whole, signal, &value);
}

/* Reads rates over the shortest time in which enough happened. */
struct rate_reader {
	const struct scene *scene;
	struct evidence *evidence;
	uint32_t entity;
	int64_t span_ms;
};

static bool take(const struct rate_reader *reader, enum signal signal, struct window_mean *out)
{
	return evidence_take_mean(
		reader->evidence, reader->scene, reader->entity, signal, reader->span_ms, 0, out);
}

static void choose_span(struct rate_reader *reader, enum signal by)
{
	static const int64_t spans_ms[] = EVENT_SPANS_MS;
	size_t count = sizeof(spans_ms) / sizeof(spans_ms[0]);
	struct window_mean longest;
	reader->span_ms = spans_ms[count - 1];
	if (!take(reader, by, &longest))
		return;
	for (size_t i = count; i-- > 0;) {
		if (longest.value * (double)spans_ms[i] / 1000 >= ENOUGH_EVENTS)
			reader->span_ms = spans_ms[i];
	}
}

/* ---- services ---- */

struct service_sums {
	double failures, first_of_failures; /* where both are known */
	double attempts, first_of_attempts;
};

static void services_begin(struct services *out, struct service_sums *sums)
{
	*out = (struct services){
		.first_tries = NAN,
		.attempts = NAN,
		.failures = NAN,
		.first_events = NAN,
		.failure_events = NAN,
		.attempt_events = NAN,
		.timeout_ms = NAN,
	};
	*sums = (struct service_sums){NAN, NAN, NAN, NAN};
}

static void services_add(
	struct services *out, struct service_sums *sums, const struct scene *scene, uint32_t entity)
{
	double timeout_ms = fleet_entity(scene->snapshot->fleet, entity)->timeout_ms;
	if (isfinite(timeout_ms) && !(out->timeout_ms <= timeout_ms))
		out->timeout_ms = timeout_ms;
	struct rate_reader reader = {scene, &out->evidence, entity, 0};
	choose_span(&reader, SIGNAL_SERVICE_FIRST_TRIES);
	struct window_mean first, attempts, failures;
	bool has_first = take(&reader, SIGNAL_SERVICE_FIRST_TRIES, &first);
	double events = has_first ? first.value * first.seconds : NAN;
	if (has_first) {
		add(&out->first_tries, first.value);
		add(&out->first_events, events);
	}
	if (take(&reader, SIGNAL_SERVICE_ATTEMPTS, &attempts)) {
		add(&out->attempts, attempts.value);
		if (has_first) {
			add(&sums->attempts, attempts.value);
			add(&sums->first_of_attempts, first.value);
			add(&out->attempt_events, events);
		}
	}
	if (take(&reader, SIGNAL_SERVICE_FAILURES, &failures)) {
		add(&out->failures, failures.value);
		if (has_first) {
			add(&sums->failures, failures.value);
			add(&sums->first_of_failures, first.value);
			add(&out->failure_events, events);
		}
	}
}

static void services_end(struct services *out, const struct service_sums *sums)
{
	out->failure_ratio = ratio(sums->failures, sums->first_of_failures);
	out->attempt_factor = ratio(sums->attempts, sums->first_of_attempts);
	/* Rates are sampled apart: a hair below one attempt per request is one. */
	if (out->attempt_factor < 1)
		out->attempt_factor = 1;
	if (out->failure_ratio > 1)
		out->failure_ratio = 1;
}

static void services_gather(const struct scene *scene, uint32_t parent, struct services *out)
{
	struct service_sums sums;
	services_begin(out, &sums);
	const struct snapshot *snapshot = scene->snapshot;
	const struct fleet *fleet = snapshot->fleet;
	uint32_t id = fleet_next(fleet, ENTITY_SERVICE, parent, ENTITY_NONE);
	for (; id != ENTITY_NONE; id = fleet_next(fleet, ENTITY_SERVICE, parent, id)) {
		if (parent != ENTITY_NONE || !is_part(snapshot, id, SIGNAL_SERVICE_FIRST_TRIES))
			services_add(out, &sums, scene, id);
	}
	services_end(out, &sums);
}

void services_of_cluster(const struct scene *scene, uint32_t cluster, struct services *out)
{
	services_gather(scene, cluster, out);
}

void services_of_fleet(const struct scene *scene, struct services *out)
{
	services_gather(scene, ENTITY_NONE, out);
}

/* ---- surfaces ---- */

/* The row of that name; NULL when the list is full. */
static struct surface *surfaces_row(
	struct surfaces *out, const struct fleet *fleet, uint32_t entity)
{
	const char *name = fleet_entity(fleet, entity)->name;
	for (size_t i = 0; i < out->count; i++) {
		if (strcmp(fleet_entity(fleet, out->rows[i].entity)->name, name) == 0)
			return &out->rows[i];
	}
	if (out->count == ASSESSMENT_SURFACES_MOST)
		return NULL;
	out->rows[out->count] = (struct surface){entity, NAN, NAN, NAN, NAN};
	return &out->rows[out->count++];
}

static void surfaces_add(struct surfaces *out, const struct scene *scene, uint32_t entity)
{
	struct surface *row = surfaces_row(out, scene->snapshot->fleet, entity);
	struct rate_reader reader = {scene, &out->evidence, entity, 0};
	struct window_mean requests, errors;
	choose_span(&reader, SIGNAL_SURFACE_REQUESTS);
	if (!row || !take(&reader, SIGNAL_SURFACE_REQUESTS, &requests) ||
		!take(&reader, SIGNAL_SURFACE_ERRORS, &errors))
		return;
	add(&row->requests, requests.value);
	add(&row->errors, errors.value);
	add(&row->events, requests.value * requests.seconds);
	add(&out->requests, requests.value);
	add(&out->errors, errors.value);
}

static void surfaces_gather(const struct scene *scene, uint32_t parent, struct surfaces *out)
{
	*out = (struct surfaces){.requests = NAN, .errors = NAN};
	const struct snapshot *snapshot = scene->snapshot;
	const struct fleet *fleet = snapshot->fleet;
	uint32_t id = fleet_next(fleet, ENTITY_SURFACE, parent, ENTITY_NONE);
	for (; id != ENTITY_NONE; id = fleet_next(fleet, ENTITY_SURFACE, parent, id)) {
		surfaces_row(out, fleet, id); /* rows keep their order whatever is stale */
		if (parent != ENTITY_NONE || !is_part(snapshot, id, SIGNAL_SURFACE_REQUESTS))
			surfaces_add(out, scene, id);
	}
	out->worst = out->count;
	double worst = -1;
	for (size_t i = 0; i < out->count; i++) {
		struct surface *row = &out->rows[i];
		row->ratio = fmin(ratio(row->errors, row->requests), 1);
		if (isnan(ratio(row->errors, row->requests)))
			row->ratio = NAN;
		if (row->ratio > worst) {
			worst = row->ratio;
			out->worst = i;
		}
	}
}

void surfaces_of_cluster(const struct scene *scene, uint32_t cluster, struct surfaces *out)
{
	surfaces_gather(scene, cluster, out);
}

void surfaces_of_fleet(const struct scene *scene, struct surfaces *out)
{
	surfaces_gather(scene, ENTITY_NONE, out);
}
