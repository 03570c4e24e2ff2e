/* Whatever a line of a recording holds: refused, or a row that reads back the same when written. */
#include <stdlib.h>
#include <string.h>

#include "backends/recording.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/fleet/entity.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static bool same(const struct recording_row *a, const struct recording_row *b)
{
	return a->at_ms == b->at_ms && a->interval_ms == b->interval_ms && a->signal == b->signal &&
	       !(a->value < b->value) && !(a->value > b->value) && a->kind == b->kind &&
	       strcmp(a->source, b->source) == 0 && strcmp(a->path, b->path) == 0 &&
	       strcmp(a->region, b->region) == 0 && strcmp(a->name, b->name) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct recording_row row, again;
	struct error error = {0};
	uint32_t entity = 0;
	if (!recording_parse((const char *)bytes, length, &row, &error)) {
		if (error.kind == ERROR_NONE)
			abort();
		return 0;
	}
	struct text line;
	text_init(&line, 4 * RECORDING_LINE_BYTES);
	recording_write(&row, &line);
	if (!text_ok(&line) || line.length > RECORDING_LINE_BYTES ||
		!recording_parse(line.bytes, line.length, &again, &error) || !same(&row, &again))
		abort();
	text_finish(&line);
	struct fleet *fleet = fleet_create();
	if (!fleet)
		abort();
	recording_intern(fleet, &row, &entity, &error);
	if (entity >= fleet_count(fleet))
		abort();
	fleet_destroy(fleet);
	return 0;
}
