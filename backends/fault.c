#include "backends/fault.h"

#include <stdlib.h>
#include <string.h>

#include "backends/backend.h"
#include "backends/observation.h"
#include "backends/source.h"
#include "core/base/arena.h"
#include "core/base/error.h"

#define GARBLED_BYTES 8

struct fault {
	struct fault_plan plan;
	void *inner;
};

static void *create(const struct backend_setup *setup, struct error *error)
{
	struct fault *fault = calloc(1, sizeof(*fault));
	if (!fault) {
		error_no_memory(error, "a fault");
		return NULL;
	}
	fault->plan = *setup->source->fault;
	fault->inner = fault->plan.inner->create(setup, error);
	if (!fault->inner) {
		free(fault);
		return NULL;
	}
	return fault;
}

static void destroy(void *instance)
{
	struct fault *fault = instance;
	if (!fault)
		return;
	fault->plan.inner->destroy(fault->inner);
	free(fault);
}

static size_t steps(const void *instance, size_t target, bool past)
{
	const struct fault *fault = instance;
	return fault->plan.inner->steps(fault->inner, target, past);
}

/* The luck of one ask in one respect, evenly spread over all 64-bit numbers. */
static uint64_t draw(const struct fault *fault, const struct backend_ask *ask, const char *what)
{
	uint64_t hash = hash_string(HASH_START ^ fault->plan.seed, what);
	hash = hash_bytes(hash, &ask->target, sizeof(ask->target));
	hash = hash_bytes(hash, &ask->step, sizeof(ask->step));
	hash = hash_bytes(hash, &ask->now_ms, sizeof(ask->now_ms));
	return hash_mix(hash);
}

static bool strikes(
	const struct fault *fault, const struct backend_ask *ask, const char *what, double share)
{
	return (double)(draw(fault, ask, what) >> 11) / 9007199254740992.0 < share;
}

static bool request(const void *instance, const struct backend_ask *ask, struct arena *scratch,
	struct backend_request *out, struct error *error)
{
	const struct fault *fault = instance;
	if (!fault->plan.inner->request(fault->inner, ask, scratch, out, error))
		return false;
	if (strikes(fault, ask, "delay", fault->plan.delay))
		out->hold_ms += fault->plan.delay_ms;
	return true;
}

static bool garble(const struct fault *fault, const struct backend_ask *ask, struct arena *scratch,
	struct backend_answer *answer, struct error *error)
{
	char *bytes = arena_strndup(scratch, answer->bytes, answer->length);
	if (!bytes)
		return error_no_memory(error, "a garbled answer");
	uint64_t luck = draw(fault, ask, "bytes");
	for (size_t i = 0; i < GARBLED_BYTES; i++) {
		bytes[luck % answer->length] = (char)(luck >> 40);
		luck = luck * 6364136223846793005ull + 1442695040888963407ull;
	}
	answer->bytes = bytes;
	return true;
}

static bool accept(const void *instance, const struct backend_ask *ask,
	const struct backend_answer *answer, struct arena *scratch, struct observations *sink,
	struct error *error)
{
	const struct fault *fault = instance;
	const struct fault_plan *plan = &fault->plan;
	struct backend_answer spoiled = *answer;
	if (strikes(fault, ask, "drop", plan->drop))
		return error_set(error, ERROR_TIMEOUT, "no answer came (fault: dropped)");
	if (spoiled.length > 0 && strikes(fault, ask, "truncate", plan->truncate))
		spoiled.length = draw(fault, ask, "length") % spoiled.length;
	if (spoiled.length > 0 && strikes(fault, ask, "garble", plan->garble) &&
		!garble(fault, ask, scratch, &spoiled, error))
		return false;
	if (strikes(fault, ask, "stale", plan->stale)) {
		spoiled.arrived_ms -= plan->stale_ms;
		if (spoiled.date_ms != 0)
			spoiled.date_ms -= plan->stale_ms;
	}
	return plan->inner->accept(fault->inner, ask, &spoiled, scratch, sink, error);
}

const struct backend_ops fault_ops = {
	.name = "fault",
	.help = "Another kind with faults, for tests.",
	.create = create,
	.destroy = destroy,
	.steps = steps,
	.request = request,
	.accept = accept,
};
