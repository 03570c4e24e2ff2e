#include "backends/pointer.h"

#include <stdlib.h>

#include "backends/backend.h"
#include "backends/label.h"
#include "backends/observation.h"
#include "core/base/error.h"
#include "core/wire/json.h"

struct pointer_rows *pointer_rows_create(const struct backend_setup *setup, struct error *error)
{
	const struct sources *sources = setup->sources;
	struct pointer_rows *rows =
		calloc(1, sizeof(*rows) + sources->map_count * sizeof(rows->rows[0]));
	if (!rows) {
		error_no_memory(error, "a source");
		return NULL;
	}
	rows->source = setup->source;
	rows->sources = sources;
	for (size_t i = 0; i < sources->map_count; i++)
		if (sources->maps[i].pointer &&
			signal_map_is_from(&sources->maps[i], setup->source->name))
			rows->rows[rows->count++] = i;
	return rows;
}

const char *pointer_row(const struct pointer_rows *rows, size_t n)
{
	return rows->sources->maps[rows->rows[n]].pointer;
}

bool pointer_number(const struct json_node *node, double *out)
{
	bool truth = false;
	if (json_bool_of(node, &truth)) {
		*out = truth ? 1 : 0;
		return true;
	}
	return json_number_of(node, out);
}

bool pointer_note(const struct pointer_rows *rows, size_t n, const struct backend_ask *ask,
	const struct backend_answer *answer, double value, struct observations *sink,
	struct error *error)
{
	const struct signal_map *map = &rows->sources->maps[rows->rows[n]];
	struct label_view view = {.row = map, .target = &rows->source->targets[ask->target]};
	struct observation observation = {.group = (uint32_t)rows->rows[n],
		.signal = map->signal,
		.rate = map->rate,
		.at_ms = answer->arrived_ms,
		.value = value * map->scale};
	struct error trouble = {0};
	if (!label_entity(sink->fleet, &view, map->signal, &observation.entity, &trouble)) {
		observations_warn(sink, "%s", trouble.text);
		return true;
	}
	return observations_add(sink, &observation, error);
}

void pointer_miss(const struct pointer_rows *rows, size_t n, struct observations *sink)
{
	const struct signal_map *map = &rows->sources->maps[rows->rows[n]];
	observations_warn(sink, "there is no number at '%s' for %s (line %d)", map->pointer,
		signal_row(map->signal)->name, map->line);
}
