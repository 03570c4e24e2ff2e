#include "core/assess/replica.h"

#include "core/assess/evidence.h"
#include "core/assess/limits.h"
#include "core/fleet/snapshot.h"

/* When anything was last said of the replica; 0: never. */
static int64_t last_word_ms(const struct snapshot *snapshot, uint32_t replica)
{
	int64_t last_ms = 0;
	for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
		int64_t at_ms = snapshot_reading(snapshot, replica, (enum signal)i)->at_ms;
		if (at_ms > last_ms)
			last_ms = at_ms;
	}
	return last_ms;
}

static enum replica_state judge_silent(const struct snapshot *snapshot, uint32_t replica)
{
	if (fleet_entity(snapshot->fleet, replica)->declared)
		return REPLICA_UNKNOWN;
	int64_t last_ms = last_word_ms(snapshot, replica);
	if (last_ms == 0)
		return REPLICA_UNSEEN;
	return snapshot->at_ms - last_ms > FORGET_REPLICA_MS ? REPLICA_FORGOTTEN : REPLICA_UNKNOWN;
}

enum replica_state replica_judge(
	struct evidence *evidence, const struct snapshot *snapshot, uint32_t replica)
{
	double value;
	if (evidence_take(evidence, snapshot, replica, SIGNAL_REPLICA_MAINTENANCE, &value) &&
		value >= 0.5)
		return REPLICA_AWAY;
	if (evidence_take(evidence, snapshot, replica, SIGNAL_REPLICA_UP, &value))
		return value >= 0.5 ? REPLICA_SERVING : REPLICA_DOWN;
	bool says_up = snapshot_reading(snapshot, replica, SIGNAL_REPLICA_UP)->at_ms != 0;
	if (!says_up &&
		evidence_take(evidence, snapshot, replica, SIGNAL_REPLICA_QUERIES, &value) &&
		value > 0)
		return REPLICA_SERVING;
	return judge_silent(snapshot, replica);
}

bool replica_is_out(enum replica_state state)
{
	return state == REPLICA_DOWN || state == REPLICA_AWAY;
}

bool replica_is_expected(enum replica_state state)
{
	return state != REPLICA_UNSEEN && state != REPLICA_FORGOTTEN;
}

enum replica_state replica_settle(
	struct replica_memory *memory, enum replica_state said, int64_t now_ms)
{
	if (replica_is_out(said))
		memory->out_said_ms = now_ms;
	/* A replica that was out and then fell silent is not known to be back. */
	if (!replica_is_out(memory->state) || replica_is_out(said))
		return said;
	bool doubtful = now_ms - memory->out_said_ms < REPLICA_SURE_MS;
	return said == REPLICA_UNKNOWN || doubtful ? memory->state : said;
}

void replica_remember(struct replica_memory *memory, enum replica_state state, int64_t now_ms)
{
	if (memory->state == state && memory->since_ms != 0)
		return;
	if (state == REPLICA_SERVING && replica_is_out(memory->state))
		memory->returned_ms = now_ms;
	memory->state = state;
	memory->since_ms = now_ms;
}
