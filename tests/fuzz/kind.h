/*
 * kind.h - any kind of source under a fuzzer: bytes in, and figures that are numbers, or a reason.
 */
#ifndef TESTS_FUZZ_KIND_H
#define TESTS_FUZZ_KIND_H

#include <math.h>
#include <stdlib.h>

#include "backends/backend.h"
#include "backends/observation.h"
#include "backends/source.h"
#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/fleet/entity.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* One answer to one step. With `pointers`, each is a row of the source. */
static inline void kind_fuzz(const struct backend_ops *ops, size_t step, const char *url,
	const char *const *pointers, size_t pointer_count, const uint8_t *bytes, size_t length)
{
	const char *from[] = {"s"};
	struct signal_map maps[8] = {0};
	struct source_target target = {.url = url,
		.name = "s",
		.labels = {{"cluster", "east-a"}, {"replica", "r1"}},
		.label_count = pointer_count > 0 ? 2 : 1};
	struct source_config source = {.name = "s",
		.ops = ops,
		.targets = &target,
		.target_count = 1,
		.workload = "statefulsets/db",
		.namespace = "data",
		.service = "db",
		.command = "true",
		.every_ms = 1000};
	for (size_t i = 0; i < pointer_count && i < 8; i++)
		maps[i] = (struct signal_map){.signal = SIGNAL_POOL_USED,
			.from = from,
			.from_count = 1,
			.pointer = pointers[i],
			.scale = 1};
	struct sources sources = {
		.rows = &source, .count = 1, .maps = maps, .map_count = pointer_count};
	struct backend_setup setup = {&source, &sources, 1000};
	struct backend_ask ask = {.now_ms = 1000, .step = step};
	struct backend_answer answer = {.status = 200,
		.bytes = (const char *)bytes,
		.length = length,
		.content_type = "",
		.location = "",
		.date_ms = 2000,
		.arrived_ms = 1000};
	struct error error = {0};
	struct observations sink;
	struct arena *scratch = arena_create(BACKEND_SCRATCH_BYTES);
	struct fleet *fleet = fleet_create();
	void *instance = ops->create(&setup, &error);
	if (!scratch || !fleet || !instance)
		abort();
	observations_init(&sink, fleet);
	bool good = ops->accept(instance, &ask, &answer, scratch, &sink, &error);
	if (good != (error.kind == ERROR_NONE))
		abort();
	for (size_t i = 0; i < sink.count; i++)
		if (!isfinite(sink.rows[i].value) || sink.rows[i].entity >= fleet_count(fleet))
			abort();
	observations_sort(&sink, NULL);
	observations_merge(&sink, NULL);
	observations_finish(&sink);
	ops->destroy(instance);
	fleet_destroy(fleet);
	arena_destroy(scratch);
}

/* The same bytes as the answer to each step. */
static inline void kind_fuzz_steps(const struct backend_ops *ops, const char *url, size_t steps,
	const uint8_t *bytes, size_t length)
{
	for (size_t step = 0; step < steps; step++)
		kind_fuzz(ops, step, url, NULL, 0, bytes, length);
}

#endif
