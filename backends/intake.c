#include "backends/intake.h"

#include "backends/observation.h"
#include "backends/rates.h"
#include "backends/recorder.h"
#include "core/base/error.h"
#include "core/fleet/history.h"
#include "core/fleet/snapshot.h"

static bool is_in_range(const struct observation *row)
{
	const struct signal_row *signal = signal_row(row->signal);
	return row->value >= signal->min && row->value <= signal->max;
}

static void take_present(const struct intake *intake, const struct intake_origin *origin,
	const struct observation *row, struct observations *sink)
{
	int32_t interval_ms = row->interval_ms > 0 ? row->interval_ms : origin->interval_ms;
	struct error trouble = {0};
	if (!store_put(intake->store, row->entity, row->signal, row->value, row->at_ms, interval_ms,
		    origin->source, &trouble)) {
		observations_warn(sink, "%s", trouble.text);
		return;
	}
	history_append(intake->history, row->entity, row->signal, row->at_ms, row->value);
	if (intake->recorder)
		recorder_note(intake->recorder, origin->name, row->entity, row->signal, row->value,
			row->at_ms, interval_ms);
}

bool intake_take(const struct intake *intake, const struct intake_origin *origin,
	struct observations *sink, struct error *error)
{
	observations_sort(sink);
	if (!rates_apply(origin->rates, sink, error))
		return false;
	observations_merge(sink);
	for (size_t i = 0; i < sink->count; i++) {
		const struct observation *row = &sink->rows[i];
		if (!sink->past)
			take_present(intake, origin, row, sink);
		else if (is_in_range(row))
			history_append(
				intake->history, row->entity, row->signal, row->at_ms, row->value);
	}
	return true;
}
