#include "core/assess/page.h"

#include <math.h>
#include <string.h>

#include "core/assess/limits.h"
#include "core/assess/phase.h"
#include "core/assess/sentence.h"
#include "core/fleet/snapshot.h"

/* Clients wait, but there is room for them: the queue is one pool's, or of the change itself, and
 * drains. It wakes nobody before it comes near to costing somebody a timeout. */
static bool drains(const struct cluster_assessment *row)
{
	/* Just after a loss pools are full for a moment, whatever is asked for. */
	bool room = isnan(row->foreseen) ? row->pool_used < PAGE_USE * row->pool_max
					 : row->foreseen < FORESEEN_PAGE;
	return row->phase == PHASE_SATURATION && room && row->wait < PAGE_WAIT;
}

/* Whether this row alone is a reason; says so. */
static bool is_reason(
	const struct snapshot *snapshot, const struct cluster_assessment *row, struct sentence *why)
{
	const char *path = fleet_entity(snapshot->fleet, row->cluster)->path;
	if (phase_badness(row->phase) >= phase_badness(PHASE_SATURATION) && !drains(row)) {
		sentence_add(why, "%s: %s", path, phase_name(row->phase));
		return true;
	}
	if (!(row->foreseen >= FORESEEN_PAGE) || row->phase == PHASE_BLIND)
		return false;
	if (isinf(row->foreseen)) {
		sentence_add(why, "nothing of %s is left", path);
		return true;
	}
	sentence_add(why, "what is left of %s needs ", path);
	sentence_add_percent(why, row->foreseen);
	sentence_add(why, " of its connections");
	return true;
}

static bool find_reason(
	const struct snapshot *snapshot, const struct assessment *assessment, struct sentence *why)
{
	for (size_t i = 0; i < assessment->cluster_count; i++) {
		if (is_reason(snapshot, &assessment->clusters[i], why))
			return true;
	}
	/* Nobody waits in the fleet as a whole: that was judged by cluster. */
	if (phase_badness(assessment->phase) <= phase_badness(PHASE_SATURATION))
		return false;
	sentence_add(why, "the fleet: %s", phase_name(assessment->phase));
	return true;
}

void page_judge(
	struct page_memory *memory, const struct snapshot *snapshot, struct assessment *assessment)
{
	char why[ASSESSMENT_TEXT_BYTES];
	struct sentence sentence;
	sentence_begin(&sentence, why, sizeof(why));
	int64_t now_ms = assessment->at_ms;
	if (find_reason(snapshot, assessment, &sentence)) {
		if (memory->since_ms == 0)
			memory->since_ms = now_ms;
		memory->held_ms = now_ms;
		memcpy(memory->why, why, sizeof(why));
	} else if (now_ms - memory->held_ms >= PAGE_CLEAR_DWELL_MS &&
		   assessment->phase != PHASE_BLIND) {
		*memory = (struct page_memory){0};
	}
	assessment->page = memory->since_ms != 0;
	assessment->page_since_ms = memory->since_ms;
	memcpy(assessment->page_why, memory->why, sizeof(assessment->page_why));
}
