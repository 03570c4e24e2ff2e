/*
 * assess.h - what a snapshot and its history mean.
 *
 * assess() is a pure function: (assessor, snapshot, history, time) -> assessment. It does no I/O
 * and reads no clock; what it must remember between ticks (baselines, since-when, dwell) lives in
 * the assessor and nowhere else, so the same code runs live, in replay and in virtual time.
 *
 * Every number that is not known is NAN and every flag that is not known is false beside `known`:
 * absent is never zero and never green. Thresholds and dwells are in limits.h; "metastable" is
 * meant as by Bronson et al. (HotOS '21).
 */
#ifndef CORE_ASSESS_ASSESS_H
#define CORE_ASSESS_ASSESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fleet/entity.h"

struct assessor;
struct history;
struct snapshot;

enum severity { SEVERITY_OK, SEVERITY_WARNING, SEVERITY_CRITICAL, SEVERITY_UNKNOWN };

/* In the order of a typical incident, for words and colours; not every incident visits all. */
enum phase {
	PHASE_NORMAL,
	PHASE_VULNERABLE, /* works, but losing the worst single replica would saturate the rest */
	PHASE_TRIGGER,    /* a replica went, or capacity was cut */
	PHASE_LOAD_SHIFT, /* its load has landed on the survivors */
	PHASE_SATURATION, /* a pool is past its knee and clients wait */
	PHASE_ERRORS,     /* users see it */
	PHASE_AMPLIFICATION, /* retries add load */
	PHASE_METASTABLE, /* the trigger is gone or the first tries would fit, and it stays bad */
	PHASE_RECOVERY,   /* everything is falling, not yet held */
	PHASE_BLIND,      /* too little is known to say */
	PHASE_COUNT
};

/* The links of the chain, in order of cause. */
enum stage {
	STAGE_REPLICAS, /* replicas serving */
	STAGE_LOAD,     /* load per replica, over its baseline */
	STAGE_POOL,     /* pool in use */
	STAGE_AUTH,     /* auth failures */
	STAGE_ATTEMPTS, /* attempts per request */
	STAGE_ERRORS,   /* user errors */
	STAGE_COUNT
};

struct stage_assessment {
	bool known;
	double now;       /* replicas: share serving; load, attempts: factor; others: ratio */
	double baseline;  /* NAN until learned */
	double count, of; /* replicas: serving and expected; else NAN */
	int64_t onset_ms; /* when it left its baseline; 0: it has not */
	enum severity severity;
	uint32_t worst; /* the entity that sets it, ENTITY_NONE */
	int64_t age_ms; /* of the oldest reading it stands on; -1 unknown */
};

/* What losing one replica would do: connections busy over connections left. */
struct contingency {
	bool known;
	uint32_t replica; /* the one whose loss is worst */
	uint32_t cluster;
	double utilisation_now; /* of the cluster's pools, busy over capacity, 60 s mean */
	/* Of the survivors, clients waiting included; may exceed 1; INFINITY: none is left. */
	double utilisation_after;
	double headroom; /* 1 - utilisation_after; negative: they cannot carry it */
	/* Until the first client times out, when utilisation_after > 1; INFINITY when it fits. */
	double seconds_to_timeout;
};

/* When a cluster's pools will be full if it goes on like this; see exhaustion.h. */
struct exhaustion {
	bool known;           /* the trend deserves a time */
	double low_s, high_s; /* a range */
	double per_minute;    /* connections */
};

struct cluster_assessment {
	uint32_t cluster;
	enum severity severity;
	enum phase phase;
	double share; /* of all traffic, 0 to 1, by weight */
	double replicas_up, replicas_expected;
	double pool_used, pool_max; /* connections, sums over its pools that are up */
	double pool_use;            /* the fullest pool, 0 to 1 */
	double waiting;             /* clients, sum */
	double wait_ms;             /* worst */
	double wait; /* likewise over the last seconds, over the client's timeout; NAN unknown */
	double auth_failures; /* ratio */
	double attempts;      /* per first try */
	double auth_events;   /* first tries that were counted for either; NAN unknown */
	double attempts_events;
	double first_tries;  /* per second */
	double errors;       /* ratio, its worst surface */
	double knee;         /* pool use at which waiting begins to hurt, from pool size */
	double load;         /* per serving replica, over its baseline */
	double demand;       /* connections its traffic asks for, retries included: see cluster.h */
	double first_demand; /* likewise, of first tries alone */
	double demand_sd;    /* standard deviation of `demand` by chance; NAN unknown */
	double demand_late;  /* `demand` by the last ten seconds, which a minute lags behind */
	double timeout_ms;   /* how long its clients wait */
	double hold_s;       /* seconds an attempt holds a connection, usually; NAN unknown */
	double hold_factor;  /* times as long now; NAN unknown */
	bool holds_more;   /* which is neither usual nor chance: connections leak or are held up */
	double pool_usual; /* connections per pool, as learned in calm; NAN not yet */
	/* What the demand of before would make of the capacity that is left; NAN while nothing is
	 * missing. It is known at once, when the means that follow still say nothing. */
	double foreseen;
	unsigned starved_count; /* replicas that serve, yet finish less than half of their share */
	uint32_t starved;       /* the first of them */
	struct contingency contingency; /* the worst single loss in this cluster */
	struct exhaustion exhaustion;
	int64_t age_ms; /* oldest reading used; -1 unknown */
	bool stale;     /* too old to decide on */
};

/* How fast user errors spend a surface's error budget; see burn.h. */
struct burn {
	double now, hour;    /* over five minutes and an hour; 1: just as fast as it may */
	double spent;        /* by this incident, of a whole period's budget */
	double seconds_left; /* until all of it is, at `now`; NAN while nothing burns */
};

struct surface_assessment {
	char name[ENTITY_NAME_BYTES];
	double requests, errors; /* per second, all clusters */
	double ratio;
	double baseline;
	struct burn burn;
	enum severity severity;
	bool known;
};

#define ASSESSMENT_TEXT_BYTES 240

/* One sentence worth a line on the screen. */
struct finding {
	enum severity severity;
	uint32_t entity;
	int64_t since_ms;
	char text[ASSESSMENT_TEXT_BYTES];
};

/* What may be the matter; in no order. */
enum hypothesis {
	HYPOTHESIS_REPLICA_LOSS,
	HYPOTHESIS_SLOW_REPLICA, /* serves, but slowly or not at all */
	HYPOTHESIS_DEMAND_SURGE,
	HYPOTHESIS_RETRY_STORM,
	HYPOTHESIS_CONNECTION_LEAK, /* or a long transaction: connections taken, nothing done */
	HYPOTHESIS_CAPACITY_CUT,
	HYPOTHESIS_LAG_EVICTION, /* a replica was taken out because it fell behind */
	HYPOTHESIS_TELEMETRY_FAULT,
	HYPOTHESIS_COUNT
};

/* A hypothesis with what speaks for it and against it. */
struct cause {
	enum hypothesis hypothesis;
	uint32_t entity; /* where; ENTITY_NONE */
	double score;    /* see cause.h */
	int64_t onset_ms;
	char evidence[ASSESSMENT_TEXT_BYTES];
	char contradiction[ASSESSMENT_TEXT_BYTES]; /* "" when nothing does */
};

#define RECOMMENDATION_VERB_BYTES 24

/* A move that could be made, and what would come of it; see recommend.h. */
struct recommendation {
	char verb[RECOMMENDATION_VERB_BYTES]; /* "cluster.divert": as the table of verbs has it */
	uint32_t entity;                      /* the verb's target */
	double from, to; /* its value now and then; NAN where the verb has none */
	double use_before,
		use;    /* of the cluster in trouble: demand over connections, then as high */
	bool enough;    /* this alone mends, prevents or prepares */
	double seconds; /* until nobody waits; NAN where that is not the question or unknown */
	char text[ASSESSMENT_TEXT_BYTES]; /* "limit retries of auth to 10%: recovers in about 20 s"
					   */
};

#define ASSESSMENT_CAUSES_MOST 3
#define ASSESSMENT_RECOMMENDATIONS_MOST 5
#define ASSESSMENT_CLUSTERS_MOST 1024
#define ASSESSMENT_SURFACES_MOST 16
#define ASSESSMENT_FINDINGS_MOST 32

struct assessment {
	int64_t at_ms;
	uint64_t generation; /* of the snapshot it stands on */
	enum phase phase;
	int64_t phase_since_ms;
	enum severity severity;
	char headline[ASSESSMENT_TEXT_BYTES];  /* the one sentence: what, where, first cause */
	char falsifier[ASSESSMENT_TEXT_BYTES]; /* what would show the phase to be wrong; "" for
						  normal */
	struct stage_assessment stages[STAGE_COUNT];
	enum stage first_stage;              /* earliest onset; STAGE_COUNT when none */
	struct contingency contingency;      /* the worst over all clusters */
	struct cluster_assessment *clusters; /* worst first; owned by the assessment */
	size_t cluster_count;
	struct surface_assessment surfaces[ASSESSMENT_SURFACES_MOST];
	size_t surface_count;
	struct finding findings[ASSESSMENT_FINDINGS_MOST]; /* most severe first */
	size_t finding_count;
	struct cause causes[ASSESSMENT_CAUSES_MOST]; /* best first; none while all is calm */
	size_t cause_count;
	struct recommendation recommendations[ASSESSMENT_RECOMMENDATIONS_MOST]; /* best first */
	size_t recommendation_count;
	/* Whether somebody should be woken: users are hit, clients wait, or what is left of a
	 * cluster can't carry its demand. */
	bool page;
	int64_t page_since_ms;                /* 0: it does not */
	char page_why[ASSESSMENT_TEXT_BYTES]; /* "" when it does not */
	double goodput, offered, first_tries,
		retries;           /* per second: successes, attempts and its parts */
	int64_t incident_start_ms; /* first onset of the incident in progress; 0: none */
	double failed_requests;    /* user errors since then */
	double peak_error_ratio;   /* since then, of the worst surface */
	size_t sources_ok, sources_total;
	int64_t age_ms; /* of the oldest source that still answers; -1: none has */
};

struct assessor *assessor_create(void);
void assessor_destroy(struct assessor *assessor);

void assessment_init(struct assessment *assessment);
void assessment_finish(struct assessment *assessment);

/*
 * Assess. `out` was initialised and is overwritten (its memory reused). False only without memory,
 * with `out` as before.
 */
bool assess(struct assessor *assessor, const struct snapshot *snapshot,
	const struct history *history, int64_t now_ms, struct assessment *out);

/* Append the derived signals of an assessment to a history (the only writer of SIGNAL_STAGE_* and
 * friends). */
void assessment_record(const struct assessment *assessment, struct history *history);

/* The cluster's row, NULL when it is not there. */
const struct cluster_assessment *assessment_cluster(
	const struct assessment *assessment, uint32_t cluster);

/* "load shift", "metastable": the same words in status, JSON, screens and reports. */
const char *phase_name(enum phase phase);
const char *stage_name(enum stage stage);                /* "replicas serving" */
const char *hypothesis_name(enum hypothesis hypothesis); /* "replica loss" */
const char *severity_name(enum severity severity); /* "ok", "warning", "critical", "unknown" */

#endif
