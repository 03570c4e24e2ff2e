/* Any bytes as a runbook: it is read whole or complained about, and what was read can be begun. */
#include <stdint.h>
#include <stdlib.h>

#include "actions/config.h"
#include "actions/runbook.h"
#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/fleet/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void begin(const struct runbook *runbook)
{
	struct error error = {0};
	struct fleet *fleet = fleet_create();
	struct store *store = store_create(fleet);
	uint32_t cluster = ENTITY_NONE;
	fleet_intern(fleet, ENTITY_CLUSTER, ENTITY_ROOT, "east-a", &cluster, NULL);
	struct snapshot *snapshot = store_seal(store, 1000);
	const struct action_info actions[] = {
		{.name = "divert", .verb = verb_find("cluster.divert"), .transport = "http"}};
	struct runbook_state *state = runbook_begin(runbook, NULL, 0, snapshot, actions, 1, &error);
	require(state || error.kind != ERROR_NONE);
	runbook_end(state);
	snapshot_destroy(snapshot);
	store_destroy(store);
	fleet_destroy(fleet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct complaints complaints;
	complaints_init(&complaints);
	struct arena *arena = arena_create((size_t)16 * 1024 * 1024);
	require(arena != NULL);
	const struct runbook *runbook =
		runbook_parse(arena, "fuzz.yaml", (const char *)data, size, &complaints);
	require(runbook || complaints.total > 0);
	if (runbook) {
		require(runbook_step_count(runbook) > 0);
		begin(runbook);
	}
	arena_destroy(arena);
	complaints_finish(&complaints);
	return 0;
}
