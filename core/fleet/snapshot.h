/*
 * snapshot.h - the whole fleet as last seen: sealed, const, an age on every value.
 *
 * Observations go into a store; once a tick the store is sealed into a snapshot that never changes
 * and that everybody (assessment, screens, guards) reads. A reading knows when it was sampled and
 * how often to expect it, so age is a fact and not an opinion. Absent is a state of its own: never
 * zero, never green.
 */
#ifndef CORE_FLEET_SNAPSHOT_H
#define CORE_FLEET_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fleet/entity.h"
#include "core/fleet/signal.h"

struct error;
struct store;

#define SNAPSHOT_SOURCES_MOST 1024
#define SOURCE_NAME_BYTES 64
#define SOURCE_TROUBLE_BYTES 200
#define SOURCE_DETAIL_BYTES 120

/* By age in units of the expected interval: to 1.5 fresh, to 3 late, beyond stale. */
enum freshness { FRESHNESS_FRESH, FRESHNESS_LATE, FRESHNESS_STALE, FRESHNESS_ABSENT };

struct reading {
	double value;        /* never NaN unless absent */
	int64_t at_ms;       /* when it was sampled, steady time; 0: absent */
	int32_t interval_ms; /* how often one is expected */
	uint16_t source;     /* index into the snapshot's sources */
	uint8_t signal;      /* what it is of; meaningless while absent */
};

enum source_state {
	SOURCE_STARTING, /* no answer yet, none overdue */
	SOURCE_OK,
	SOURCE_PARTIAL, /* answers with warnings or holes: figures from it are not whole */
	SOURCE_FAILING, /* the last poll failed; older values are still shown with their age */
};

struct source_status {
	char name[SOURCE_NAME_BYTES];
	char kind[SOURCE_NAME_BYTES];
	enum source_state state;
	int64_t last_ok_ms;  /* 0: never */
	int64_t last_try_ms; /* 0: never */
	int64_t next_try_ms;
	int32_t interval_ms;
	uint32_t failures; /* in a row */
	uint64_t requests, bytes;
	double last_took_ms;
	uint64_t gives; /* a bit per signal (1 << signal): it has said it, whether its word counts
			   or that of a source that is trusted more */
	int64_t clock_ahead_ms; /* its clock before ours; 0: near enough, or nobody knows */
	char trouble[SOURCE_TROUBLE_BYTES]; /* sanitised; "" when all is well */
	char detail[SOURCE_DETAIL_BYTES];   /* what it is and counts, sanitised; "" unknown */
};

struct snapshot {
	int64_t at_ms;
	uint64_t generation; /* grows by one with each seal */
	const struct fleet
		*fleet; /* ids stay valid; entities seen later are not in `entity_count` */
	size_t entity_count;
	const struct reading *readings; /* entity_count x SIGNAL_PLACES; use snapshot_reading() */
	const struct source_status *sources;
	size_t source_count;
};

/* ---- the store: the latest of everything ---- */

struct store *store_create(struct fleet *fleet); /* the fleet stays the caller's */
void store_destroy(struct store *store);

/*
 * Note a value. Refused (false, ERROR_SCHEMA) when it is NaN or outside the signal's range, or the
 * signal is derived or does not belong on that kind of entity. An older sample than the one held is
 * ignored (true).
 */
bool store_put(struct store *store, uint32_t entity, enum signal signal, double value,
	int64_t at_ms, int32_t interval_ms, uint16_t source, struct error *error);

/* Register a source (its index counts up from 0) and note how it does. */
bool store_add_source(struct store *store, const char *name, const char *kind, int32_t interval_ms,
	uint16_t *out, struct error *error);
struct source_status *store_source(struct store *store, uint16_t index);

/*
 * Name the sources anew, when the fleet file changed: from store_sources_begin() on, indexes count
 * from 0 again, and a source of the same name and kind as before is the same one, its counts kept.
 * store_sources_end() with `keep` drops those not named again: what they alone said becomes absent.
 * Without `keep` everything is as before the beginning. False without memory (nothing begun).
 */
bool store_sources_begin(struct store *store);
void store_sources_end(struct store *store, bool keep);

/* Seal. NULL without memory: keep using the last snapshot. */
struct snapshot *store_seal(struct store *store, int64_t now_ms);
void snapshot_destroy(struct snapshot *snapshot);

/* ---- reading ---- */

/* Never NULL: an absent reading has at_ms 0 and value NAN. Any id is allowed. */
const struct reading *snapshot_reading(
	const struct snapshot *snapshot, uint32_t entity, enum signal signal);

enum freshness reading_freshness(const struct reading *reading, int64_t now_ms);

/* The value when it is fresh or late at the snapshot's own time: what decisions may use. */
bool snapshot_value(
	const struct snapshot *snapshot, uint32_t entity, enum signal signal, double *out);

/* Age in ms at the snapshot's time; -1 when absent. */
int64_t snapshot_age_ms(const struct snapshot *snapshot, uint32_t entity, enum signal signal);

#endif
