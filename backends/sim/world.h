/*
 * world.h - the model as the servers share it: whoever looks or acts holds the lock.
 */
#ifndef BACKENDS_SIM_WORLD_H
#define BACKENDS_SIM_WORLD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "backends/sim/model_control.h"

struct error;
struct model;
struct scenario;

struct world {
	pthread_mutex_t
		lock; /* held for the microseconds of one step, page or action; never across I/O */
	struct model *model;
	struct control control;
};

/* Errors: those of model_create(), ERROR_NO_MEMORY. Finish only what was initialised. */
bool world_init(struct world *world, const struct scenario *scenario, uint64_t seed,
	const char *token, struct error *error);
void world_finish(struct world *world);

void world_enter(struct world *world);
void world_leave(struct world *world);

#endif
