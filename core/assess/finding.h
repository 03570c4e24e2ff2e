/*
 * finding.h - the findings of an assessment: one sentence each, the most severe first.
 */
#ifndef CORE_ASSESS_FINDING_H
#define CORE_ASSESS_FINDING_H

#include "core/assess/assess.h"

struct cluster_view;
struct replica_memory;
struct snapshot;

/* What the findings are made from; the assessment's figures are complete, its findings empty. */
struct finding_inputs {
	const struct snapshot *snapshot;
	const struct cluster_view *views; /* in the order of creation */
	size_t view_count;
	const struct replica_memory *replicas;
	struct assessment *assessment;
};

/* Fill assessment->findings. Past ASSESSMENT_FINDINGS_MOST the least severe are left out. */
void findings_make(const struct finding_inputs *inputs);

/* Whether a source's figures are too old to decide on: it never answered though a try is over, or
 * not for three intervals. */
struct source_status;
bool source_is_stale(const struct source_status *source, int64_t now_ms);

#endif
