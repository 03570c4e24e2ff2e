/*
 * Whatever answers in Prometheus' place: figures that are numbers, or a reason; and what is read
 * while it comes is what is read in one go. The first byte chooses the status, whether the past was
 * asked for, and whether it was asked who answers.
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

/* In pieces of 13 bytes; how many observations, or SIZE_MAX where it is no good or to be held. */
static size_t count_by_flow(const void *instance, const struct backend_ask *ask,
	const struct backend_answer *answer, struct fleet *fleet)
{
	const struct backend_flow *flow = prometheus_ops.flow;
	struct observations sink;
	struct error error = {0};
	observations_init(&sink, fleet);
	void *reading =
		flow->begin(instance, ask, answer->bytes, answer->length, &sink, NULL, &error);
	bool good = reading != NULL;
	for (size_t at = 0; good && at < answer->length; at += 13)
		good = flow->feed(reading, answer->bytes + at,
			answer->length - at < 13 ? answer->length - at : 13, &error);
	good = good && flow->end(reading, answer, &error);
	flow->drop(reading);
	size_t count = good ? sink.count : SIZE_MAX;
	observations_finish(&sink);
	return count;
}

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
	struct backend_ask ask = {
		.now_ms = 1000, .past = bytes[0] & 4, .step = bytes[0] & 4 && !(bytes[0] & 8)};
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
	size_t flowed =
		answer.status == 200 ? count_by_flow(instance, &ask, &answer, fleet) : SIZE_MAX;
	if (flowed != SIZE_MAX && (!good || flowed != sink.count))
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
