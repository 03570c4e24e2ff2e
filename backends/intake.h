/*
 * intake.h - from what an answer said to what is stored.
 *
 * Rates are made, series of one entity merged, values checked against their signal's range, and
 * what remains, where no source that is trusted more has said otherwise, goes into the store, the
 * history and the recording. Samples of the past go into the history alone. Nothing here knows who
 * was asked or how.
 */
#ifndef BACKENDS_INTAKE_H
#define BACKENDS_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/order.h"

struct agreement;
struct error;
struct history;
struct observations;
struct rates;
struct recorder;
struct store;

/* Where things go; all the caller's. */
struct intake {
	struct store *store;
	struct history *history;
	struct recorder *recorder;   /* may be NULL */
	struct agreement *agreement; /* whose word counts; NULL: the newest */
};

/* Whose observations they are. */
struct intake_origin {
	const char *name;    /* of the target, for the recording */
	uint16_t source;     /* its index in the store */
	int32_t interval_ms; /* where an observation has none of its own */
	struct rates *rates;
	int trust;      /* of its kind */
	int64_t now_ms; /* steady time */
};

/*
 * Taking in what one answer said. A big answer is worked on a slice at a time: everything is put in
 * order first, and only then is anything stored.
 */
enum intake_phase {
	INTAKE_SORTING,  /* by series */
	INTAKE_MERGING,  /* rates made, series merged */
	INTAKE_CHOOSING, /* among rows that are alternatives */
	INTAKE_STORING,  /* from here on nothing fails as a whole */
	INTAKE_DONE,
};

struct intake_job {
	const struct intake *intake;
	struct intake_origin origin;
	struct observations *sink; /* the caller's; a value out of range becomes a warning in it */
	enum intake_phase phase;
	struct order order;
	size_t at; /* the next to be stored */
};

/* What the two pointers lead to must outlive the job; `origin` is copied. ERROR_NO_MEMORY. */
bool intake_begin(struct intake_job *job, const struct intake *intake,
	const struct intake_origin *origin, struct observations *sink, struct error *error);

/*
 * Go on, with about `most` rows. job->phase tells how far it is. Errors: ERROR_NO_MEMORY,
 * ERROR_LIMIT; nothing was stored then.
 */
bool intake_step(struct intake_job *job, size_t most, struct error *error);

/* Give up, or after the end; zeroed is fine. */
void intake_finish(struct intake_job *job);

/* All of it in one go. */
bool intake_take(const struct intake *intake, const struct intake_origin *origin,
	struct observations *sink, struct error *error);

#endif
