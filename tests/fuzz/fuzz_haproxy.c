/* Whatever HAProxy, or something in its place, answers: figures that are numbers, or a reason. */
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
	struct source_target target = {.url = "http://h/;csv", .name = "edge"};
	struct source_config source = {
		.name = "edge", .ops = &haproxy_ops, .targets = &target, .target_count = 1};
	struct sources sources = {.rows = &source, .count = 1};
	struct backend_setup setup = {&source, &sources, 1000};
	struct backend_ask ask = {.now_ms = 1000};
	struct backend_answer answer = {.status = 200,
		.bytes = (const char *)bytes,
		.length = length,
		.content_type = "",
		.location = "",
		.arrived_ms = 1000};
	struct error error = {0};
	struct observations sink;
	struct arena *scratch = arena_create(BACKEND_SCRATCH_BYTES);
	struct fleet *fleet = fleet_create();
	void *instance = haproxy_ops.create(&setup, &error);
	if (!scratch || !fleet || !instance)
		abort();
	observations_init(&sink, fleet);
	bool good = haproxy_ops.accept(instance, &ask, &answer, scratch, &sink, &error);
	if (good != (error.kind == ERROR_NONE))
		abort();
	for (size_t i = 0; i < sink.count; i++)
		if (!isfinite(sink.rows[i].value) || sink.rows[i].entity >= fleet_count(fleet))
			abort();
	observations_sort(&sink, NULL);
	observations_merge(&sink, NULL);
	observations_finish(&sink);
	haproxy_ops.destroy(instance);
	fleet_destroy(fleet);
	arena_destroy(scratch);
	return 0;
}
