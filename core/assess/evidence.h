/*
 * evidence.h - readings taken for a figure, and how old they were.
 *
 * Whoever computes a figure takes its readings through one of these, so that the figure's age is
 * that of the oldest reading it stands on and not an opinion.
 */
#ifndef CORE_ASSESS_EVIDENCE_H
#define CORE_ASSESS_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/fleet/signal.h"

struct scene;
struct snapshot;
struct window_mean;

struct evidence {
	int64_t oldest_ms; /* when the oldest reading was sampled; 0: none was taken */
	int64_t newest_ms;
};

/* Take a reading that is fresh enough to decide on; false (nothing touched) when it is stale or
 * absent. */
bool evidence_take(struct evidence *evidence, const struct snapshot *snapshot, uint32_t entity,
	enum signal signal, double *out);

/* Take a mean as of windows_mean(), provided the latest reading is fresh enough to decide on. */
bool evidence_take_mean(struct evidence *evidence, const struct scene *scene, uint32_t entity,
	enum signal signal, int64_t span_ms, int64_t since_ms, struct window_mean *out);

/* Also stand on what another stands on. */
void evidence_join(struct evidence *evidence, const struct evidence *other);

/* -1 when nothing was taken. */
int64_t evidence_age_ms(const struct evidence *evidence, int64_t now_ms);

#endif
