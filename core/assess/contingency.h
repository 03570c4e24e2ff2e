/*
 * contingency.h - what losing one more replica would do.
 *
 * Clusters carry their own load: when a replica goes, the others of its cluster take over. Where
 * one is out already, the question is about the next one.
 */
#ifndef CORE_ASSESS_CONTINGENCY_H
#define CORE_ASSESS_CONTINGENCY_H

#include "core/assess/assess.h"

struct cluster_view;

/* The worst single loss in a cluster; `timeout_ms` is how long its clients wait. */
void contingency_of(const struct cluster_view *view, double timeout_ms, struct contingency *out);

/* Nothing known. */
void contingency_init(struct contingency *contingency);

#endif
