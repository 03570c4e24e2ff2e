/*
 * simulation.h - a made-up fleet and the assessment that watches it, in virtual time.
 *
 * The world is the model behind spillway-sim; it is read as its fleet file reads it: every page
 * once a second, each at its own moment of the second, counters through counter_feed(). There are
 * no sockets and no threads, and no clock is read: (scenario, seed) decide everything, and an hour
 * passes in about a second.
 *
 * Two differences from the box: a replica's load is reads finished, which the box's health check
 * page does not know, and a limit on retries is read while there is one.
 */
#ifndef APP_SIMULATION_H
#define APP_SIMULATION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/assess/assess.h"

struct error;
struct model;
struct scenario;
struct simulation_target;

#define SIMULATION_EPOCH_MS 1770000000000 /* steady time at the model's zero */
#define SIMULATION_TICK_MS 250            /* between assessments, as in a live engine */
#define SIMULATION_POLL_MS 1000

/* What goes wrong with the watching, in every run alike; chance comes from the seed. */
struct simulation_faults {
	bool lost;  /* one poll of twenty comes to nothing */
	bool stale; /* every five minutes one scraper is silent for 20 s */
	bool step;  /* every ten minutes one scraper's clock is 5 s behind for a minute */
};

struct simulation {
	const struct scenario *scenario; /* the caller's */
	struct model *model;
	struct fleet *fleet;
	struct store *store;
	struct history *history;
	struct assessor *assessor;
	struct snapshot *snapshot; /* NULL before the first tick */
	struct assessment assessment;
	struct simulation_target *targets;
	size_t target_count;
	uint32_t auth;  /* the service fleet-wide: its retries have one limit */
	double lost[8]; /* share of polls that come to nothing, by enum scenario_scraper */
	struct simulation_faults faults;
	size_t silent, behind; /* scrapers now; beyond the last: none */
	size_t next_event;
	uint64_t random;
	int64_t now_ms; /* model time */
};

/* Errors: ERROR_NO_MEMORY; ERROR_SCHEMA where the scenario is out of range. */
bool simulation_init(struct simulation *simulation, const struct scenario *scenario, uint64_t seed,
	const struct simulation_faults *faults, struct error *error);
void simulation_finish(struct simulation *simulation);

/* Let one tick pass: the model moves on, what is due is read, and all is assessed. False without
 * memory. */
bool simulation_step(struct simulation *simulation, struct error *error);

/* Steady time now. */
int64_t simulation_now_ms(const struct simulation *simulation);

/* The model's index of a cluster entity; false when it is none. */
bool simulation_cluster(const struct simulation *simulation, uint32_t entity, size_t *out);

#endif
