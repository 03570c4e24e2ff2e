#include "core/assess/evidence.h"

#include "core/assess/window.h"
#include "core/fleet/snapshot.h"

static void note(struct evidence *evidence, int64_t at_ms)
{
	if (evidence->oldest_ms == 0 || at_ms < evidence->oldest_ms)
		evidence->oldest_ms = at_ms;
	if (at_ms > evidence->newest_ms)
		evidence->newest_ms = at_ms;
}

bool evidence_take(struct evidence *evidence, const struct snapshot *snapshot, uint32_t entity,
	enum signal signal, double *out)
{
	if (!snapshot_value(snapshot, entity, signal, out))
		return false;
	note(evidence, snapshot_reading(snapshot, entity, signal)->at_ms);
	return true;
}

bool evidence_take_mean(struct evidence *evidence, const struct scene *scene, uint32_t entity,
	enum signal signal, int64_t span_ms, int64_t since_ms, struct window_mean *out)
{
	double latest;
	if (!evidence_take(evidence, scene->snapshot, entity, signal, &latest))
		return false;
	windows_mean(scene, entity, signal, span_ms, since_ms, out);
	return true;
}

void evidence_join(struct evidence *evidence, const struct evidence *other)
{
	if (other->oldest_ms == 0)
		return;
	note(evidence, other->oldest_ms);
	note(evidence, other->newest_ms);
}

int64_t evidence_age_ms(const struct evidence *evidence, int64_t now_ms)
{
	if (evidence->oldest_ms == 0)
		return -1;
	return now_ms > evidence->oldest_ms ? now_ms - evidence->oldest_ms : 0;
}
