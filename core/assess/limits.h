/*
 * limits.h - every threshold and dwell of the assessment in one place.
 *
 * A "trip" is where a condition begins to hold, a "clear" (always on the calm side of it) where it
 * ends; in between nothing changes. Dwells are in ms of steady time, counts in samples that are
 * newer than the one counted before.
 */
#ifndef CORE_ASSESS_LIMITS_H
#define CORE_ASSESS_LIMITS_H

/* Reading */
#define SHORT_WINDOW_MS                                                                          \
	10000                /* pool use: long enough that chance does not look like a full pool \
			      */
#define LEAST_WINDOW_MS 3000 /* not even after a step is one sample a mean */
#define LONG_WINDOW_MS 60000 /* contingency: mean busy, never one gauge sample */
#define FORGET_REPLICA_MS \
	900000 /* an undeclared replica that is silent so long is no longer expected */
#define DEFAULT_TIMEOUT_MS 1000.0 /* how long a client waits when no service says */
#define ENOUGH_PER_SECOND 1.0     /* below this rate a ratio is chance */
#define ENOUGH_EVENTS 300.0       /* a ratio is taken over as long a time as has so many */
#define EVENT_SPAN_MOST_MS 30000
#define EVENT_SPANS_MS                                \
	{                                             \
		1000, 3000, 10000, EVENT_SPAN_MOST_MS \
	}
#define SAMPLE_SPACING_MS 500   /* samples closer than this count once */
#define SETTLED_WINDOW_MS 15000 /* a demand averaged over less is chance */

/* Replicas */
#define REPLICA_SURE_MS                                                                          \
	2500              /* two sources that disagree speak by turns: it is back when none said \
			     down for so long */
#define WARM_UP_MS 60000  /* a replica that came back takes little at first */
#define SHARE_READS 100.0 /* reads expected of each replica before shares mean anything */
#define SHARE_SPANS_MS                        \
	{                                     \
		1000, 2000, 3000, 5000, 10000 \
	}
#define STARVED_SHARE 0.5 /* of its share of the reads: less, and it does not serve */
#define SLOW_TRIP 2.0     /* times as long per read as the others */
#define CROWD_TRIP 1.0    /* clients waiting for one replica alone, over its connections */
#define CROWD_OTHERS 0.25 /* most that wait for all others together, over those who wait for it */
#define OWN_SLOTS 0.5     /* of the slots in use: a pool that may have less did not fill them */
#define LAG_TRIP_S 10.0

/* Noise: see noise.h */
#define NOISE_SIGMAS 4.0
#define NOISE_FEW 3.0
#define RATE_SIGMAS 5.0
#define DEARTH_SIGMAS 5.0
#define USUAL_FAILURES 0.001 /* a baseline of none still has one in a thousand now and then */
#define USUAL_RETRIES 0.005

/* Causes */
#define SURGE_TRIP 1.10 /* first tries over their baseline */
#define SURGE_CLEAR 1.05
#define LEAK_TRIP 1.15 /* connections busy per attempt over their baseline */
#define LEAK_CLEAR 1.08
#define EXPLAINS_WITHIN 0.20
#define CAUSE_TIE_MS 1500 /* one interval and a tick: onsets so near share precedence */
/* A health check tells of a lost replica seconds after its load has landed on the others: a loss
 * that shows so soon after another stage's onset came first all the same. */
#define VERDICT_LATE_MS 10000
#define CAUSE_REACH_MS 30000.0
#define CAUSE_CLEAR_MS \
	300000             /* in an incident a cause is remembered so long after its sign is gone */
#define CAUSE_CALM_MS 3000 /* and so long while there is none */

/* Demand: use of a pool, over the short window, from which on its queue is more than chance, and
 * from which on nobody in it can be counted as served */
#define QUEUE_PASSES 0.90
#define QUEUE_STAYS 0.98
#define DEMAND_SD_YOUNG 0.005 /* of the connections: a first mean is doubted by that at most */
#define DRIFT_SIGMAS 2.0      /* apart, the short window says more of now than the long one */

/* Projection */
#define LIMIT_BINDS 0.8        /* of the retries that a limit allows: so many are held back by it */
#define PROJECTION_SIGMAS 3.0  /* of chance that either bound leaves room for */
#define PROJECTION_MARGIN 0.02 /* an offered step stays so far below its ceiling: noise */

/* Recommendations and what they promise */
#define RECOMMEND_CEILING 0.85
#define RECOMMEND_EVERY_MS 1000
#define RECOMMEND_RETRIES 0.10 /* of first tries */
#define RECOMMEND_DIVERT 0.50  /* of the cluster's weight, or as much of that as is safe */
#define RECOMMEND_RESIZE 1.50  /* of its pools */
#define PROGNOSIS_FITS 0.98    /* demand that leaves a queue room to drain */
#define PROGNOSIS_SERVED 0.90  /* of the timeout: who waits less is served */

/* Page */
#define FORESEEN_PAGE 0.95 /* demand of before over the capacity that is left */
#define PAGE_USE 0.95      /* of a saturated cluster's connections: its queues will not drain */
#define PAGE_WAIT 0.25     /* nor will this one soon: of who waits longest, over the timeout */
#define PAGE_CLEAR_DWELL_MS 60000

/* Contingency */
#define VULNERABLE_TRIP 0.85
#define VULNERABLE_CLEAR 0.80
#define VULNERABLE_DOUBT 0.05 /* more is asked for while the mean is young */

/* Load per replica, a factor of its baseline */
#define LOAD_TRIP 1.15
#define LOAD_CLEAR 1.08
#define LOAD_CRITICAL 1.6
#define LOAD_SHIFT_SHARE 0.5 /* of the rise that losing the replica must cause */

/* Pools: the knee comes from the pool's size (knee.h) */
#define POOL_OVER_BASELINE 0.08
#define SPREADS_OVER_BASELINE 4.0 /* or so many times its usual spread, whichever is more */
#define FULL_USE 0.95             /* from here on people call it full */
#define POOL_TRIP_MOST 0.97
#define WHOLE_USE 0.90 /* of all pools as one: below it one pool's queue may be chance */
#define POOL_HYSTERESIS 0.04
#define POOL_CLEAR_BELOW_KNEE 0.10
#define WAIT_TRIP 0.10 /* of who waits longest, over the client's timeout */
#define WAIT_CLEAR 0.05
#define WAIT_STUCK 0.50
#define WAIT_PLAIN 0.25        /* without a baseline only what is unmistakable counts */
#define WAIT_OVER_BASELINE 3.0 /* times what is normal, where that is more than the above */
#define WAITING_TRIP \
	0.05 /* clients waiting over connections, where the wait itself is not measured */
#define QUEUE_STOOD 1.0 /* clients waiting over connections: pools are full, whatever is needed */
#define QUEUE_GONE 0.05 /* until then */
#define CUT_SHARE 0.90  /* capacity per replica below this share of its baseline: it was cut */

/* Ratios of failures */
#define ERRORS_TRIP 0.01
#define ERRORS_CLEAR 0.002
#define ERRORS_WARNING 0.005 /* over the baseline */

/* Attempts per first try */
#define ATTEMPTS_WARNING 1.05
#define ATTEMPTS_TRIP 1.20
#define ATTEMPTS_CLEAR 1.05
#define ATTEMPTS_STILL 1.10 /* retries still feed it */
#define FITS_TRIP 0.90      /* first tries alone over capacity: below this they would fit */
#define YIELD_POOR 0.50     /* successes per busy connection, of their baseline */

/* Dwells */
#define CLEAR_DWELL_MS 60000
#define METASTABLE_DWELL_MS 10000
#define RECOVERY_DWELL_MS 30000
#define RECOVERY_HOLD_MS 300000
#define REPLICA_BACK_DWELL_MS 10000
#define ONSET_LOOKBACK_MS 900000 /* an onset older than this began another story */
#define IMPACT_GAP_MS 10000      /* errors are not counted over a longer silence */

/* Error budget: see burn.h */
#define BURN_OBJECTIVE 0.999    /* of a surface whose own is not declared */
#define BURN_PERIOD_S 2592000.0 /* thirty days */
#define BURN_SHORT_MINUTES 5
#define BURN_LONG_MINUTES 60

/* Time to full pools: see exhaustion.h */
#define EXHAUSTION_SPACING_MS 5000
#define EXHAUSTION_LEAST_SAMPLES 6
#define EXHAUSTION_SURE 3.0      /* slope over its standard error */
#define EXHAUSTION_LEAST_USE 0.5 /* of the connections */
#define EXHAUSTION_FAR_S 3600.0  /* nobody acts now on what comes later */

/* Samples in a row */
#define TRIP_SAMPLES 2
#define POOL_SAMPLES 3

#endif
