/* Any bytes as a fleet file's sources and signals: read whole or complained about, and what was
 * read can be asked: every kind makes an instance and a request of it, or says why not. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backends/backend.h"
#include "backends/source.h"
#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void ask(const struct sources *sources, const struct source_config *source)
{
	struct backend_setup setup = {source, sources, 1000};
	struct error error = {0};
	struct arena *scratch = arena_create(BACKEND_SCRATCH_BYTES);
	/* A recording is a file: none is opened here. */
	void *instance = source->file ? NULL : source->ops->create(&setup, &error);
	size_t targets = source->target_count > 0 ? source->target_count : 1;
	require(scratch != NULL);
	for (size_t i = 0; instance && i < targets; i++) {
		struct backend_ask one = {.target = i, .now_ms = 2000, .every_ms = 1000};
		size_t steps = source->ops->steps(instance, i, false);
		for (one.step = 0; one.step < steps; one.step++) {
			struct backend_request request = {0};
			arena_reset(scratch);
			require(source->ops->request(instance, &one, scratch, &request, &error) ||
				error.kind != ERROR_NONE);
		}
	}
	if (instance)
		source->ops->destroy(instance);
	arena_destroy(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct complaints complaints;
	struct sources sources = {0};
	struct arena *arena = arena_create((size_t)32 * 1024 * 1024);
	require(arena != NULL);
	complaints_init(&complaints);
	const struct yaml_node *root =
		yaml_parse(arena, "f", (const char *)data, size, &complaints);
	if (root && root->kind == YAML_MAPPING) {
		size_t before = complaints.total;
		bool good = sources_read(yaml_get(root, "sources"), yaml_get(root, "signals"), "/",
			arena, &sources, &complaints);
		require(good == (complaints.total == before));
		require(sources.count <= SOURCES_MOST && sources.map_count <= SIGNAL_ROWS_MOST);
		for (size_t i = 0; i < sources.count; i++)
			ask(&sources, &sources.rows[i]);
	}
	complaints_finish(&complaints);
	arena_destroy(arena);
	return 0;
}
