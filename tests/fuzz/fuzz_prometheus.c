/*
 * Whatever answers in Prometheus' place: figures that are numbers, or a reason. The first byte
 * chooses the status and whether the past was asked for.
 */
#include <math.h>
#include <stdlib.h>

#include "backends/backend.h"
#include "backends/observation.h"
#include "backends/source.h"
#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/fleet/entity.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static const int statuses[] = {200, 200, 400, 503};
	static const char *const from[] = {"prom"};
	if (length == 0)
		return 0;
	struct source_target target = {.url = "http://h", .name = "prom"};
	struct source_config source = {
		.name = "prom", .ops = &prometheus_ops, .targets = &target, .target_count = 1};
	struct signal_map map = {.signal = SIGNAL_POOL_USED,
		.from = from,
		.from_count = 1,
		.query = "q",
		.scale = 2};
	struct sources sources = {.rows = &source, .count = 1, .maps = &map, .map_count = 1};
	struct backend_setup setup = {&source, &sources, 1000};
	struct backend_ask ask = {.now_ms = 1000, .past = bytes[0] & 4};
	struct backend_answer answer = {.status = statuses[bytes[0] & 3],
		.bytes = (const char *)bytes + 1,
		.length = length - 1,
		.content_type = "",
		.location = "",
		.arrived_ms = 1000};
	struct error error = {0};
	struct observations sink;
	struct arena *scratch = arena_create(BACKEND_SCRATCH_BYTES);
	struct fleet *fleet = fleet_create();
	void *instance = prometheus_ops.create(&setup, &error);
	if (!scratch || !fleet || !instance)
		abort();
	observations_init(&sink, fleet);
	sink.past = ask.past;
	bool good = prometheus_ops.accept(instance, &ask, &answer, scratch, &sink, &error);
	if (good != (error.kind == ERROR_NONE))
		abort();
	for (size_t i = 0; i < sink.count; i++)
		if (!isfinite(sink.rows[i].value) || sink.rows[i].at_ms > answer.arrived_ms)
			abort();
	observations_sort(&sink, NULL);
	observations_merge(&sink, NULL);
	observations_finish(&sink);
	prometheus_ops.destroy(instance);
	fleet_destroy(fleet);
	arena_destroy(scratch);
	return 0;
}
