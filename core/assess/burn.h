/*
 * burn.h - what user errors cost: how fast they spend the error budget of a surface.
 *
 * With an objective of 99.9 % over thirty days a surface may fail one request in a thousand. The
 * burn rate is the ratio of errors over that share: at 1 the budget lasts the thirty days, at 14.4
 * a fiftieth of it goes in an hour (Google SRE Workbook, chapter 5). Rates are counted from
 * requests, not from ratios, in buckets of a minute: a window ends now and is up to a minute short
 * of its name, and as short as what was watched while the console is young. The first error counts
 * at once.
 *
 * What an incident has spent is its failed requests over those that the budget of a whole period
 * allows, at the mean rate of requests of the last hours. It measures harm and predicts nothing: by
 * construction it comes after the first user error, and it pages nobody here.
 */
#ifndef CORE_ASSESS_BURN_H
#define CORE_ASSESS_BURN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/assess/assess.h"

#define BURN_MINUTES 360 /* remembered */

/* What must be remembered of a surface between ticks. Zeroed at first. */
struct burn_memory {
	float requests[BURN_MINUTES], errors[BURN_MINUTES]; /* by minute, a ring */
	int64_t minute; /* the newest, in minutes of the time fed; 0: nothing yet */
	int64_t begun_ms, last_ms;
	double failed; /* since the incident began */
};

/*
 * Count what happened since the last call at these rates per second; NAN counts nothing, and a
 * longer silence than IMPACT_GAP_MS is not made up. `incident`: one is in progress; what it has
 * spent is forgotten when none is.
 */
void burn_feed(
	struct burn_memory *memory, double requests, double errors, bool incident, int64_t now_ms);

/* `objective`: share of requests that must succeed, below 1. Figures are NAN before there was a
 * request. */
void burn_judge(const struct burn_memory *memory, double objective, struct burn *out);

#endif
