/*
 * trial.h - one simulated incident, watched from start to end and judged against the truth.
 *
 * Times are seconds after the beginning of the trouble (the first line of the timeline that is the
 * cause; "-" where the scenario has none), NAN for what never came.
 */
#ifndef APP_TRIAL_H
#define APP_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "app/simulation.h"
#include "app/violation.h"

struct error;
struct healer;
struct scenario;

/* How a trial is run, beside its scenario and seed. */
struct trial_setup {
	struct healer *healer; /* acts on it; may be NULL */
	struct simulation_faults faults;
	bool chatter; /* each turn of phase and page goes to stderr */
};

struct trial {
	uint64_t seed;
	double vulnerable_s; /* how long before the trouble VULNERABLE was shown without a break */
	double vulnerable_share; /* of the time before the trouble in which it was shown */
	double trigger_s;        /* first tick in TRIGGER or worse */
	double page_s;           /* first page */
	double first_error_s;    /* the first user error, by the model */
	double lead_s;           /* from page to first user error; NAN without either */
	double metastable_s;     /* from the trigger's end to METASTABLE, where that was true */
	unsigned false_pages;    /* begun before the trouble, or without any */
	unsigned warnings;       /* turns to warning before the trouble, or without any */
	unsigned phases_right, phases_judged; /* ticks */
	unsigned recoveries_wrong;            /* ticks of RECOVERY with errors of 1 % or more */
	/* Pages begun and incidents called while more than half of what that cluster's sources used
	 * to say was stale. */
	unsigned blind_decisions;
	/* Those, and what else must never be so. */
	struct violations violations;
	unsigned cause_rank;                    /* of the true cause; 0: not among the three */
	enum hypothesis first_cause;            /* as ranked then; HYPOTHESIS_COUNT: none */
	unsigned changes_refused, changes_made; /* by the runbook */
	double error_minutes;                   /* with user errors of 1 % or more */
	double failed_requests;
	double peak_error_ratio;  /* of the web surface, over 10 s */
	double mitigated_s;       /* from the first second with 1 % errors to the last; NAN: not */
	double worst_utilisation; /* highest utilisation after a single loss seen before it */
};

/* Run one seed of a scenario to its end. Errors: those of the simulation. */
bool trial_run(const struct scenario *scenario, uint64_t seed, const struct trial_setup *setup,
	struct trial *out, struct error *error);

#endif
