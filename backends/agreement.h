/*
 * agreement.h - several sources, one fact: whose word is stored, and who is contradicted.
 *
 * The latest word of each source on each (entity, signal) is kept. The word that counts is that of
 * the most trusted source whose word is not stale; among equals the newest. So a trusted source
 * that falls silent is replaced within three of its intervals by the next one, and takes its place
 * back with its next answer. How far a kind is trusted is in its table (backend.h): who tried it
 * himself before who heard of it, who was asked directly before who collects from others.
 *
 * Sources contradict each other when, for longer than it takes news to get around, a word differs
 * from that of a source trusted as much or more:
 *
 *   flags        at all; but not over replica.up while a source says "taken out on purpose"
 *   capacities   by more than a hundredth
 *   levels       by more than half of the larger one and by more than 5; only between kinds that
 * are not trusted alike, because equals may each see a part
 *
 * It decides; it stores nothing and reads no clock.
 */
#ifndef BACKENDS_AGREEMENT_H
#define BACKENDS_AGREEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fleet/signal.h"

struct agreement;
struct error;

#define AGREEMENT_CLAIMS_MOST 4194304
#define AGREEMENT_NEWS_MS 5000 /* how long sources may differ before that is a contradiction */

struct claim {
	uint32_t entity;
	enum signal signal;
	uint16_t source; /* index in the store */
	int trust;
	double value;
	int64_t at_ms;
	int32_t interval_ms;
};

struct agreement_verdict {
	bool counts;    /* this word is to be stored */
	bool disputed;  /* it contradicts `other` */
	uint16_t other; /* the source that it contradicts */
	double other_value;
};

struct agreement *agreement_create(void); /* NULL without memory */
void agreement_destroy(struct agreement *agreement);

/* Note a word. Errors: ERROR_NO_MEMORY, ERROR_LIMIT; nothing is noted then. */
bool agreement_note(struct agreement *agreement, const struct claim *claim, int64_t now_ms,
	struct agreement_verdict *out, struct error *error);

#endif
