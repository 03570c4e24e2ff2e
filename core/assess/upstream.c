#include "core/assess/upstream.h"

#include <math.h>
#include <string.h>

#include "core/assess/limits.h"
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
		.timeout_ms = NAN,
	};
	*sums = (struct service_sums){NAN, NAN, NAN, NAN};
}

static void services_add(struct services *out, struct service_sums *sums,
	const struct snapshot *snapshot, uint32_t entity)
{
	double timeout_ms = fleet_entity(snapshot->fleet, entity)->timeout_ms;
	if (isfinite(timeout_ms) && !(out->timeout_ms <= timeout_ms))
		out->timeout_ms = timeout_ms;
	struct evidence *evidence = &out->evidence;
	double first, attempts, failures;
	bool has_first =
		evidence_take(evidence, snapshot, entity, SIGNAL_SERVICE_FIRST_TRIES, &first);
	if (has_first)
		add(&out->first_tries, first);
	if (evidence_take(evidence, snapshot, entity, SIGNAL_SERVICE_ATTEMPTS, &attempts)) {
		add(&out->attempts, attempts);
		if (has_first) {
			add(&sums->attempts, attempts);
			add(&sums->first_of_attempts, first);
		}
	}
	if (evidence_take(evidence, snapshot, entity, SIGNAL_SERVICE_FAILURES, &failures)) {
		add(&out->failures, failures);
		if (has_first) {
			add(&sums->failures, failures);
			add(&sums->first_of_failures, first);
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

static void services_gather(const struct snapshot *snapshot, uint32_t parent, struct services *out)
{
	struct service_sums sums;
	services_begin(out, &sums);
	const struct fleet *fleet = snapshot->fleet;
	uint32_t id = fleet_next(fleet, ENTITY_SERVICE, parent, ENTITY_NONE);
	for (; id != ENTITY_NONE; id = fleet_next(fleet, ENTITY_SERVICE, parent, id)) {
		if (parent != ENTITY_NONE || !is_part(snapshot, id, SIGNAL_SERVICE_FIRST_TRIES))
			services_add(out, &sums, snapshot, id);
	}
	services_end(out, &sums);
}

void services_of_cluster(const struct snapshot *snapshot, uint32_t cluster, struct services *out)
{
	services_gather(snapshot, cluster, out);
}

void services_of_fleet(const struct snapshot *snapshot, struct services *out)
{
	services_gather(snapshot, ENTITY_NONE, out);
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
	out->rows[out->count] = (struct surface){entity, NAN, NAN, NAN};
	return &out->rows[out->count++];
}

static void surfaces_add(struct surfaces *out, const struct snapshot *snapshot, uint32_t entity)
{
	struct surface *row = surfaces_row(out, snapshot->fleet, entity);
	double requests, errors;
	if (!row ||
		!evidence_take(
			&out->evidence, snapshot, entity, SIGNAL_SURFACE_REQUESTS, &requests) ||
		!evidence_take(&out->evidence, snapshot, entity, SIGNAL_SURFACE_ERRORS, &errors))
		return;
	add(&row->requests, requests);
	add(&row->errors, errors);
	add(&out->requests, requests);
	add(&out->errors, errors);
}

static void surfaces_gather(const struct snapshot *snapshot, uint32_t parent, struct surfaces *out)
{
	*out = (struct surfaces){.requests = NAN, .errors = NAN};
	const struct fleet *fleet = snapshot->fleet;
	uint32_t id = fleet_next(fleet, ENTITY_SURFACE, parent, ENTITY_NONE);
	for (; id != ENTITY_NONE; id = fleet_next(fleet, ENTITY_SURFACE, parent, id)) {
		surfaces_row(out, fleet, id); /* rows keep their order whatever is stale */
		if (parent != ENTITY_NONE || !is_part(snapshot, id, SIGNAL_SURFACE_REQUESTS))
			surfaces_add(out, snapshot, id);
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

void surfaces_of_cluster(const struct snapshot *snapshot, uint32_t cluster, struct surfaces *out)
{
	surfaces_gather(snapshot, cluster, out);
}

void surfaces_of_fleet(const struct snapshot *snapshot, struct surfaces *out)
{
	surfaces_gather(snapshot, ENTITY_NONE, out);
}
