/*
 * contingency.h - what losing one more replica would do.
 *
 * Clusters carry their own load: when a replica goes, the others of its cluster take over. Where
 * one is out already, the question is about the next one.
 */
#ifndef CORE_ASSESS_CONTINGENCY_H
#define CORE_ASSESS_CONTINGENCY_H

#include <stddef.h>

#include "core/assess/assess.h"

struct cluster_view;
struct snapshot;

/* The worst single loss in a cluster; `timeout_ms` is how long its clients wait. */
void contingency_of(const struct cluster_view *view, double timeout_ms, struct contingency *out);

/* One loss of the table: of a replica, of two at once, or of a whole cluster. */
struct loss {
	uint32_t cluster;
	uint32_t replica;  /* ENTITY_NONE: the whole cluster */
	uint32_t second;   /* ENTITY_NONE: only one is lost */
	uint32_t receiver; /* of a lost cluster's traffic, the one that is fullest then; ENTITY_NONE
			    */
	int64_t opens_ms;  /* when the maintenance window opens that takes it; 0: none */
	double utilisation_now, utilisation_after;
	double seconds_to_timeout; /* INFINITY: it fits */
};

/*
 * Every loss of one replica that serves, or with `pairs` of two of the same cluster, the worst
 * first; at most `most`, by order of assessment->clusters. Returns how many there are in all:
 * more than `most` means that the rest was left out. Clusters whose pools are not known have none.
 */
size_t contingency_list(const struct snapshot *snapshot, const struct assessment *assessment,
	bool pairs, struct loss *out, size_t most);

/*
 * What losing each cluster that takes traffic would make of the fullest of the others, when its
 * traffic lands on them by weight; likewise at most `most`, the worst first. None where a weight or
 * the pools of one of them are not known.
 */
size_t contingency_clusters(const struct snapshot *snapshot, const struct assessment *assessment,
	struct loss *out, size_t most);

/* What each maintenance window of the fleet that has not opened yet would do, as if it opened now.
 */
size_t contingency_windows(const struct snapshot *snapshot, const struct assessment *assessment,
	struct loss *out, size_t most);

/* The worst first; for lists put together. */
void contingency_sort(struct loss *losses, size_t count);

/* Nothing known. */
void contingency_init(struct contingency *contingency);

#endif
