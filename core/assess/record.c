#include "core/assess/assess.h"

#include <math.h>

#include "core/fleet/history.h"

/* Errors at which a heat strip is at its hottest. */
#define HOTTEST_RATIO 0.2

static void keep(
	struct history *history, uint32_t entity, enum signal signal, int64_t at_ms, double value)
{
	if (isfinite(value))
		history_append(history, entity, signal, at_ms, value);
}

static double clamp(double value)
{
	return value < 0 ? 0 : value > 1 ? 1 : value;
}

/* The worst of pool (from its knee halfway back up to full), auth and errors; NAN when none is
 * known. */
static double pressure(const struct cluster_assessment *row)
{
	double parts[] = {
		clamp((row->pool_use - row->knee / 2) / (1 - row->knee / 2)),
		clamp(row->auth_failures / HOTTEST_RATIO),
		clamp(row->errors / HOTTEST_RATIO),
	};
	double worst = NAN;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		worst = fmax(worst, parts[i]);
	return worst;
}

void assessment_record(const struct assessment *assessment, struct history *history)
{
	int64_t at_ms = assessment->at_ms;
	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		if (assessment->stages[i].known)
			keep(history, ENTITY_ROOT, (enum signal)(SIGNAL_STAGE_REPLICAS + i), at_ms,
				assessment->stages[i].now);
	}
	keep(history, ENTITY_ROOT, SIGNAL_GOODPUT, at_ms, assessment->goodput);
	double worst = NAN;
	for (size_t i = 0; i < assessment->cluster_count; i++) {
		const struct cluster_assessment *row = &assessment->clusters[i];
		if (row->phase == PHASE_BLIND)
			continue;
		uint32_t id = row->cluster;
		keep(history, id, SIGNAL_STAGE_REPLICAS, at_ms,
			row->replicas_up / row->replicas_expected);
		keep(history, id, SIGNAL_STAGE_LOAD, at_ms, row->load);
		keep(history, id, SIGNAL_STAGE_POOL, at_ms, row->pool_use);
		keep(history, id, SIGNAL_STAGE_AUTH, at_ms, row->auth_failures);
		keep(history, id, SIGNAL_STAGE_ATTEMPTS, at_ms, row->attempts);
		keep(history, id, SIGNAL_STAGE_ERRORS, at_ms, row->errors);
		keep(history, id, SIGNAL_PRESSURE, at_ms, pressure(row));
		worst = fmax(worst, pressure(row));
	}
	keep(history, ENTITY_ROOT, SIGNAL_PRESSURE, at_ms, worst);
}
