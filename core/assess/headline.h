/*
 * headline.h - the one sentence that says what is happening, where and why, and the one that would
 * show it to be wrong.
 */
#ifndef CORE_ASSESS_HEADLINE_H
#define CORE_ASSESS_HEADLINE_H

#include "core/assess/assess.h"

struct replica_memory;
struct snapshot;

/* Fill `headline` and `falsifier` of an assessment that is otherwise complete. `replicas` is
 * indexed by entity id. */
void headline_make(const struct snapshot *snapshot, const struct replica_memory *replicas,
	struct assessment *assessment);

#endif
