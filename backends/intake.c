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

_Static_assert(SIGNAL_COUNT <= 64, "source_status.gives has a bit for each signal");

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
	if (is_in_range(row))
		store_source(intake->store, origin->source)->gives |= UINT64_C(1) << row->signal;
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

static void store_one(struct intake_job *job, const struct observation *row)
{
	const struct intake *intake = job->intake;
	if (!job->sink->past)
		take_present(intake, &job->origin, row, job->sink);
	else if (is_in_range(row))
		history_append(intake->history, row->entity, row->signal, row->at_ms, row->value);
}

static bool make_rates(struct intake_job *job, struct error *error)
{
	struct observations *sink = job->sink;
	observations_drop_repeats(sink);
	if (!rates_apply(job->origin.rates, sink, error))
		return false;
	observations_merge_series(sink);
	job->phase = INTAKE_CHOOSING;
	return order_begin(&job->order, sink->rows, sink->count, observations_by_fact, error);
}

bool intake_begin(struct intake_job *job, const struct intake *intake,
	const struct intake_origin *origin, struct observations *sink, struct error *error)
{
	*job = (struct intake_job){.intake = intake, .origin = *origin, .sink = sink};
	return order_begin(&job->order, sink->rows, sink->count, observations_by_series, error);
}

bool intake_step(struct intake_job *job, size_t most, struct error *error)
{
	struct observations *sink = job->sink;
	if (job->phase == INTAKE_SORTING) {
		if (order_step(&job->order, most))
			job->phase = INTAKE_MERGING;
		return true;
	}
	if (job->phase == INTAKE_MERGING)
		return make_rates(job, error);
	if (job->phase == INTAKE_CHOOSING) {
		if (order_step(&job->order, most)) {
			observations_drop_alternatives(sink);
			job->phase = INTAKE_STORING;
		}
		return true;
	}
	for (size_t i = 0; i < most && job->at < sink->count; i++)
		store_one(job, &sink->rows[job->at++]);
	if (job->at == sink->count)
		job->phase = INTAKE_DONE;
	return true;
}

void intake_finish(struct intake_job *job)
{
	order_finish(&job->order);
}

bool intake_take(const struct intake *intake, const struct intake_origin *origin,
	struct observations *sink, struct error *error)
{
	struct intake_job job;
	bool good = intake_begin(&job, intake, origin, sink, error);
	while (good && job.phase != INTAKE_DONE)
		good = intake_step(&job, SIZE_MAX, error);
	intake_finish(&job);
	return good;
}
