#include "backends/intake.h"

#include "backends/agreement.h"
#include "backends/observation.h"
#include "backends/rates.h"
#include "backends/recorder.h"
#include "core/base/error.h"
#include "core/base/number.h"
#include "core/fleet/entity.h"
#include "core/fleet/history.h"
#include "core/fleet/snapshot.h"

static bool is_in_range(const struct observation *row)
{
	const struct signal_row *signal = signal_row(row->signal);
	return row->value >= signal->min && row->value <= signal->max;
}

/* Whether the word of this source is the one that counts. A contradiction becomes a warning. */
static bool counts(const struct intake *intake, const struct intake_origin *origin,
	const struct observation *row, int32_t interval_ms, struct observations *sink)
{
	struct agreement_verdict verdict = {.counts = true};
	struct claim claim = {.entity = row->entity,
		.signal = row->signal,
		.source = origin->source,
		.trust = origin->trust,
		.value = row->value,
		.at_ms = row->at_ms,
		.interval_ms = interval_ms};
	struct error trouble = {0};
	if (!intake->agreement || !is_in_range(row))
		return true;
	if (!agreement_note(intake->agreement, &claim, origin->now_ms, &verdict, &trouble)) {
		observations_warn(sink, "%s", trouble.text);
		return true;
	}
	if (verdict.disputed) {
		char ours[NUMBER_TEXT_BYTES], theirs[NUMBER_TEXT_BYTES];
		number_format(row->value, ours);
		number_format(verdict.other_value, theirs);
		observations_warn(sink, "disagrees with '%s' on %s of '%s': %s here, %s there",
			store_source(intake->store, verdict.other)->name,
			signal_row(row->signal)->name, fleet_entity(sink->fleet, row->entity)->path,
			ours, theirs);
	}
	return verdict.counts;
}

static void take_present(const struct intake *intake, const struct intake_origin *origin,
	const struct observation *row, struct observations *sink)
{
	int32_t interval_ms = row->interval_ms > 0 ? row->interval_ms : origin->interval_ms;
	struct error trouble = {0};
	if (!counts(intake, origin, row, interval_ms, sink))
		return;
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
