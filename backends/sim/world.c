#include "backends/sim/world.h"

#include "backends/sim/model.h"
#include "core/base/error.h"

bool world_init(struct world *world, const struct scenario *scenario, uint64_t seed,
	const char *token, struct error *error)
{
	struct model *model = model_create(scenario, seed, error);
	if (!model)
		return false;
	if (pthread_mutex_init(&world->lock, NULL) != 0) {
		model_destroy(model);
		return error_no_memory(error, "a lock");
	}
	world->model = model;
	control_init(&world->control, token);
	return true;
}

void world_finish(struct world *world)
{
	model_destroy(world->model);
	pthread_mutex_destroy(&world->lock);
}

void world_enter(struct world *world)
{
	pthread_mutex_lock(&world->lock);
}

void world_leave(struct world *world)
{
	pthread_mutex_unlock(&world->lock);
}
