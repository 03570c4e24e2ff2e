/*
 * upstream.h - what depends on the fleet, added up: services and surfaces, of one cluster or of
 * all.
 *
 * A service or surface may be measured in each cluster, fleet-wide, or both; where the whole is
 * measured its parts are not added to it again. A ratio is made only of readings whose both halves
 * are fresh, and where they are of few events, over as long a time as has ENOUGH_EVENTS.
 */
#ifndef CORE_ASSESS_UPSTREAM_H
#define CORE_ASSESS_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/assess/assess.h"
#include "core/assess/evidence.h"

struct scene;

struct services {
	double first_tries, attempts, failures; /* per second; NAN unknown */
	double first_events; /* first tries that were counted for that; NAN unknown */
	double failure_events, attempt_events; /* likewise, behind the ratios below */
	double failure_ratio;  /* failures over first tries; NAN unknown or no traffic */
	double attempt_factor; /* attempts over first tries; likewise */
	double timeout_ms;     /* the shortest declared; NAN none */
	struct evidence evidence;
};

struct surface {
	uint32_t entity;         /* the first of that name */
	double requests, errors; /* per second; NAN unknown */
	double events;           /* requests that were counted for that; NAN unknown */
	double ratio;            /* NAN unknown or no traffic */
};

struct surfaces {
	struct surface
		rows[ASSESSMENT_SURFACES_MOST]; /* by name, in the order they were first seen */
	size_t count;
	size_t worst;            /* index; `count` when no ratio is known */
	double requests, errors; /* all of them; NAN when none is known */
	struct evidence evidence;
};

/* Those of one cluster. */
void services_of_cluster(const struct scene *scene, uint32_t cluster, struct services *out);
void surfaces_of_cluster(const struct scene *scene, uint32_t cluster, struct surfaces *out);

/* Those of the whole fleet. */
void services_of_fleet(const struct scene *scene, struct services *out);
void surfaces_of_fleet(const struct scene *scene, struct surfaces *out);

#endif
