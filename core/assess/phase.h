/*
 * phase.h - the state machine of an incident, for one cluster or for what is only measured
 * fleet-wide.
 *
 * Upward without dwell, downward with: a phase is entered as soon as its evidence has persisted and
 * left only after calm. ERRORS and worse end through RECOVERY, which is held while downstreams
 * scale back up; a relapse re-enters at once. METASTABLE falls back to ERRORS where nothing has fed
 * it for a while and users are still hit: only waiting for a downstream then helps. An input that
 * is not known (NAN) makes its condition neither true nor false: nothing changes by it, and nothing
 * gets better by it.
 */
#ifndef CORE_ASSESS_PHASE_H
#define CORE_ASSESS_PHASE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/assess/assess.h"
#include "core/assess/trip.h"

struct phase_inputs {
	int64_t sample_ms; /* when the newest reading behind them was sampled */
	unsigned out;      /* replicas known not to serve */
	bool all_serve;    /* every expected replica is known to serve */
	bool cut;          /* capacity per replica was cut */
	bool degraded;     /* connections do less than they did: held for nothing, or slow */
	double after_loss; /* utilisation after losing one more replica, and by how much that */
	double after_loss_doubt; /* may be off while it stands on few samples */
	double load, load_trip;  /* load per serving replica over baseline, and what is a shift */
	double use, knee;        /* fullest pool */
	double whole_use;        /* of all pools as one */
	double use_baseline;     /* what is normal for it, and */
	double use_margin;       /* how far above that is no longer chance */
	double wait; /* short mean of the worst wait for a connection, over the client's timeout */
	double wait_baseline;
	double waiting;                     /* short mean of clients waiting, over connections */
	double errors, errors_baseline;     /* ratio of the worst surface */
	double failures, failures_baseline; /* of services, over first tries */
	double attempts;                    /* per first try */
	/* How many events each was counted from: few say little (noise.h). NAN: taken as many. */
	double errors_events, failures_events, attempts_events;
	double fits;  /* what first tries alone would use of the capacity that serves now */
	double yield; /* successes per busy connection, over their baseline */
};

struct phase_machine {
	enum phase phase;
	int64_t since_ms;
	struct trip vulnerable, shifted, saturated, errors, failures, amplified;
	unsigned out_before;
	bool triggered;       /* a trigger was seen in this incident */
	bool absorbed;        /* the trigger is still there, and all is well without what it took */
	bool hurt;            /* users were hit in this incident */
	int64_t absorbing_ms; /* all well since */
	int64_t stuck_ms;     /* the metastable conditions hold since */
	int64_t free_ms;      /* nothing feeds the metastable state since */
	int64_t calm_ms;      /* the recovery conditions hold since */
};

/* All inputs unknown. */
void phase_inputs_init(struct phase_inputs *inputs);

/* One step; returns the phase (machine->phase). Never PHASE_BLIND: that is for the caller, who then
 * does not step. */
enum phase phase_step(
	struct phase_machine *machine, const struct phase_inputs *inputs, int64_t now_ms);

/* How bad a phase is, for comparing; PHASE_BLIND is the least, it says nothing. */
int phase_badness(enum phase phase);

enum severity phase_severity(enum phase phase);

/* Whether an incident is in progress in that phase. */
bool phase_is_incident(enum phase phase);

/* From where on user errors count, and where they no longer do, given their baseline (NAN: not
 * learned) and how many requests were counted (NAN: many). */
double phase_errors_trip(double baseline, double events);
double phase_errors_clear(double baseline, double events);

/* Likewise for attempts per first try, from where on `trip` counts. */
double phase_attempts_trip(double trip, double events);

#endif
