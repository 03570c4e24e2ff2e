#include "core/assess/recommend.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/assess/limits.h"
#include "core/assess/phase.h"
#include "core/assess/prognosis.h"
#include "core/assess/projection.h"
#include "core/assess/replica.h"
#include "core/assess/sentence.h"
#include "core/fleet/snapshot.h"

enum aim { AIM_NONE, AIM_MEND, AIM_PREVENT, AIM_PREPARE };

/* What is being considered, and for whom. */
struct counsel {
	const struct snapshot *snapshot;
	const struct replica_memory *replicas;
	const struct assessment *assessment;
	const struct cluster_assessment *row;
	enum aim aim;
	struct recommend_memory *memory;
};

/* One move with its projection, as far as it concerns the cluster in trouble. */
struct option {
	struct move move;
	double from;
	double low, high; /* connections asked for afterwards */
	double capacity;  /* connections there are afterwards */
	double use_before;
	double moved_share, shared_share;
	bool unproven; /* only if its databases keep their speed */
};

static const char *path_of(const struct counsel *counsel, uint32_t entity)
{
	return fleet_entity(counsel->snapshot->fleet, entity)->path;
}

static enum aim aim_of(const struct cluster_assessment *row)
{
	if (row->stale || !(row->pool_max > 0))
		return AIM_NONE;
	if (phase_badness(row->phase) >= phase_badness(PHASE_SATURATION))
		return AIM_MEND;
	if (row->foreseen >= FORESEEN_PAGE)
		return AIM_PREVENT;
	return row->phase == PHASE_VULNERABLE ? AIM_PREPARE : AIM_NONE;
}

/* ---- what could be done ---- */

static bool propose_retries(const struct counsel *counsel, struct option *out)
{
	const struct fleet *fleet = counsel->snapshot->fleet;
	uint32_t id = fleet_next(fleet, ENTITY_SERVICE, counsel->row->cluster, ENTITY_NONE);
	if (id == ENTITY_NONE)
		id = fleet_next(fleet, ENTITY_SERVICE, ENTITY_ROOT, ENTITY_NONE);
	if (id >= counsel->snapshot->entity_count || counsel->aim != AIM_MEND ||
		!(counsel->row->attempts > 1 + RECOMMEND_RETRIES))
		return false;
	out->move = (struct move){MOVE_LIMIT_RETRIES, id, RECOMMEND_RETRIES};
	if (!snapshot_value(counsel->snapshot, id, SIGNAL_SERVICE_RETRY_LIMIT, &out->from))
		out->from = NAN;
	return true;
}

static bool propose_divert(const struct counsel *counsel, struct option *out)
{
	uint32_t id = counsel->row->cluster;
	if (!snapshot_value(counsel->snapshot, id, SIGNAL_CLUSTER_WEIGHT, &out->from) ||
		!(out->from > 0))
		return false;
	double to = out->from * RECOMMEND_DIVERT;
	out->move = (struct move){MOVE_DIVERT, id, out->from >= 2 ? floor(to) : to};
	return true;
}

static bool propose_resize(const struct counsel *counsel, struct option *out)
{
	const struct fleet *fleet = counsel->snapshot->fleet;
	uint32_t cluster = counsel->row->cluster;
	double size = snapshot_reading(counsel->snapshot, cluster, SIGNAL_POOL_MAX)->value;
	uint32_t id = fleet_next(fleet, ENTITY_REPLICA, cluster, ENTITY_NONE);
	for (; isnan(size) && id < counsel->snapshot->entity_count;
		id = fleet_next(fleet, ENTITY_REPLICA, cluster, id))
		size = snapshot_reading(counsel->snapshot, id, SIGNAL_POOL_MAX)->value;
	if (isnan(size))
		return false;
	out->from = size;
	out->move = (struct move){MOVE_RESIZE_POOL, cluster, ceil(size * RECOMMEND_RESIZE)};
	return true;
}

static bool propose_return(const struct counsel *counsel, struct option *out)
{
	const struct fleet *fleet = counsel->snapshot->fleet;
	uint32_t id = fleet_next(fleet, ENTITY_REPLICA, counsel->row->cluster, ENTITY_NONE);
	while (id < counsel->snapshot->entity_count && !replica_is_out(counsel->replicas[id].state))
		id = fleet_next(fleet, ENTITY_REPLICA, counsel->row->cluster, id);
	out->from = NAN;
	out->move = (struct move){MOVE_RETURN_REPLICA, id, NAN};
	return id < counsel->snapshot->entity_count;
}

/* The replica that hangs or crawls while its health check is content. */
static bool propose_drain(const struct counsel *counsel, struct option *out)
{
	const struct assessment *it = counsel->assessment;
	uint32_t id = counsel->row->starved_count > 0 ? counsel->row->starved : ENTITY_NONE;
	for (size_t i = 0; i < it->cause_count && id == ENTITY_NONE; i++) {
		if (it->causes[i].hypothesis == HYPOTHESIS_SLOW_REPLICA)
			id = it->causes[i].entity;
	}
	out->from = NAN;
	out->move = (struct move){MOVE_LOSE_REPLICA, id, NAN};
	return id != ENTITY_NONE &&
	       fleet_cluster_of(counsel->snapshot->fleet, id) == counsel->row->cluster;
}

/* ---- what would come of it ---- */

/* Take over what the projection says of the cluster in trouble. */
static bool read_line(
	const struct counsel *counsel, const struct projection *it, struct option *out)
{
	const struct cluster_assessment *row = counsel->row;
	for (size_t i = 0; i < it->line_count; i++) {
		const struct projection_line *line = &it->lines[i];
		if (line->cluster != row->cluster || !line->known)
			continue;
		out->use_before = line->use_before;
		out->capacity = line->capacity;
		out->low = line->asked_low;
		out->high = line->asked_high;
		out->unproven = line->unproven;
		out->moved_share = it->moved_share;
		out->shared_share = it->shared_share;
		return true;
	}
	return false;
}

static bool look_ahead(const struct counsel *counsel, struct option *out)
{
	struct projection it;
	projection_init(&it);
	bool ok =
		project(counsel->snapshot, counsel->assessment, &out->move, RECOMMEND_CEILING, &it);
	if (ok && it.blocked && !isnan(it.largest_safe_to)) {
		out->move.to = it.largest_safe_to;
		ok = project(
			counsel->snapshot, counsel->assessment, &out->move, RECOMMEND_CEILING, &it);
	}
	bool one = out->move.kind == MOVE_RETURN_REPLICA || out->move.kind == MOVE_LOSE_REPLICA;
	bool moves = out->move.kind != MOVE_DIVERT || it.moved_share > 0;
	ok = ok && it.known && moves && (!it.blocked || one) && read_line(counsel, &it, out);
	projection_finish(&it);
	return ok;
}

/* Without the replica that holds connections for nothing, demand is what it was before it did. */
static void forget_held(const struct counsel *counsel, struct option *out)
{
	double demand = counsel->row->first_tries * counsel->row->hold_s;
	if (isnan(demand))
		return;
	out->low = out->high = demand;
}

static struct prognosis prognosis_of(const struct counsel *counsel, const struct option *option)
{
	const struct cluster_assessment *row = counsel->row;
	double hold_s = row->hold_s;
	if (isnan(hold_s))
		hold_s = row->pool_used / (row->attempts * row->first_tries);
	/* A replica that returns brings a queue of its own, and as long a one before long. */
	double waiting = row->waiting;
	if (option->move.kind == MOVE_RETURN_REPLICA)
		waiting *= option->capacity / row->pool_max;
	const struct prognosis_inputs inputs = {
		.low = option->low,
		.high = option->high,
		.capacity = option->capacity,
		.waiting = waiting,
		.hold_s = hold_s,
		.timeout_s = row->timeout_ms / 1000,
	};
	return prognosis_make(&inputs);
}

/* ---- words ---- */

static void tell_move(
	const struct counsel *counsel, const struct option *option, struct sentence *out)
{
	const char *path = path_of(counsel, option->move.entity);
	double to = option->move.to;
	switch (option->move.kind) {
	case MOVE_LIMIT_RETRIES:
		sentence_add(out, "limit retries of %s to ", path);
		sentence_add_percent(out, to);
		break;
	case MOVE_DIVERT:
		sentence_add(out, "divert %s, weight %g -> %g (", path, option->from, to);
		sentence_add_percent(out, option->moved_share);
		sentence_add(out, " of all traffic)");
		break;
	case MOVE_RESIZE_POOL:
		sentence_add(
			out, "resize pools of %s, %g -> %g connections", path, option->from, to);
		break;
	case MOVE_RETURN_REPLICA:
		sentence_add(out, "restoring %s alone", path);
		break;
	case MOVE_LOSE_REPLICA:
		sentence_add(out, "take %s out", path);
		break;
	case MOVE_PAUSE_POOL:
	case MOVE_LIMIT_CONNECTIONS:
	case MOVE_NOTHING:
	case MOVE_UNKNOWN:
		break;
	}
	sentence_add(out, ": ");
}

static void tell_instead(struct sentence *out, const char *before, double use, double instead)
{
	sentence_add(out, "%s", before);
	sentence_add_percent(out, use);
	sentence_add(out, " instead of ");
	sentence_add_percent(out, instead);
}

/* Says what comes of it and fills `enough` and `seconds`; false where nobody can say. */
static bool tell_mend(const struct counsel *counsel, const struct option *option,
	struct recommendation *to, struct sentence *out)
{
	struct prognosis prognosis = prognosis_of(counsel, option);
	double rest = option->high / option->capacity;
	to->enough = prognosis.outlook == OUTLOOK_RECOVERS;
	to->seconds = prognosis.seconds;
	switch (prognosis.outlook) {
	case OUTLOOK_RECOVERS:
		sentence_add(out, "recovers");
		if (isfinite(prognosis.seconds)) {
			sentence_add(out, " in about ");
			sentence_add_seconds(out, prognosis.seconds);
		}
		if (option->unproven)
			sentence_add(out, ", if its databases keep their speed");
		return true;
	case OUTLOOK_STUCK:
		sentence_add(out, "stays metastable, with retries ");
		sentence_add_percent(out, rest);
		sentence_add(out, " of its connections are asked for");
		return true;
	case OUTLOOK_TOO_MUCH:
		sentence_add(out, "still too much, first tries alone ask for ");
		sentence_add_percent(out, option->low / option->capacity);
		sentence_add(out, " of its connections");
		return true;
	case OUTLOOK_UNKNOWN:
		break;
	}
	return false;
}

static bool tell_effect(const struct counsel *counsel, const struct option *option,
	struct recommendation *to, struct sentence *out)
{
	const struct cluster_assessment *row = counsel->row;
	if (counsel->aim == AIM_MEND)
		return tell_mend(counsel, option, to, out);
	double relief = to->use / to->use_before;
	if (isnan(relief))
		return false;
	double instead =
		counsel->aim == AIM_PREVENT ? row->foreseen : row->contingency.utilisation_after;
	double use = instead * relief;
	if (!(use < instead))
		return false;
	to->enough = use < (counsel->aim == AIM_PREVENT ? FORESEEN_PAGE : VULNERABLE_TRIP);
	tell_instead(out,
		counsel->aim == AIM_PREVENT ? "what is left is asked for "
					    : "losing one replica would leave the rest at ",
		use, instead);
	return true;
}

static void tell_shared(
	const struct option *option, struct recommendation *to, struct sentence *out)
{
	if (!(option->shared_share > 0))
		return;
	sentence_add(out, "; ");
	sentence_add_percent(out, option->shared_share);
	sentence_add(out, " of that lands on the same database: no relief there");
	to->enough = false;
}

/* What is sent to a replica that hangs fails whatever room its pool or the others have. */
static void tell_hung(
	const struct counsel *counsel, struct recommendation *to, struct sentence *out)
{
	struct option drain;
	if (counsel->aim != AIM_MEND || !propose_drain(counsel, &drain) ||
		drain.move.entity == to->entity)
		return;
	sentence_add(out, "; %s goes on failing what is sent to it",
		path_of(counsel, drain.move.entity));
	to->enough = false;
}

/* ---- the list ---- */

/* What is enough before what is not, the sooner the better, then what leaves more room. */
static bool is_better(const struct recommendation *a, const struct recommendation *b)
{
	if (a->enough != b->enough)
		return a->enough;
	if (isnan(a->seconds) != isnan(b->seconds))
		return isnan(b->seconds);
	if (a->seconds < b->seconds || a->seconds > b->seconds)
		return a->seconds < b->seconds;
	return a->use < b->use;
}

static void enter(struct recommend_memory *memory, const struct recommendation *one)
{
	size_t at = 0;
	while (at < memory->count && !is_better(one, &memory->list[at]))
		at++;
	if (memory->count == ASSESSMENT_RECOMMENDATIONS_MOST)
		return;
	memmove(&memory->list[at + 1], &memory->list[at],
		(memory->count - at) * sizeof(memory->list[0]));
	memory->list[at] = *one;
	memory->count++;
}

static void consider(const struct counsel *counsel, const char *verb, struct option *option)
{
	if (!look_ahead(counsel, option))
		return;
	if (option->move.kind == MOVE_LOSE_REPLICA)
		forget_held(counsel, option);
	struct recommendation one = {
		.entity = option->move.entity,
		.from = option->from,
		.to = option->move.to,
		.use_before = option->use_before,
		.use = option->high / option->capacity,
		.seconds = NAN,
	};
	struct sentence sentence;
	snprintf(one.verb, sizeof(one.verb), "%s", verb);
	sentence_begin(&sentence, one.text, sizeof(one.text));
	tell_move(counsel, option, &sentence);
	if (isnan(one.use) || !tell_effect(counsel, option, &one, &sentence))
		return;
	tell_shared(option, &one, &sentence);
	tell_hung(counsel, &one, &sentence);
	enter(counsel->memory, &one);
}

static void make_list(const struct counsel *counsel)
{
	static const struct {
		const char *verb;
		bool (*propose)(const struct counsel *counsel, struct option *out);
	} rows[] = {
		{"retry.limit", propose_retries},
		{"cluster.divert", propose_divert},
		{"pool.resize", propose_resize},
		{"replica.drain", propose_drain},
		{"replica.return", propose_return},
	};
	_Static_assert(sizeof(rows) / sizeof(rows[0]) <= ASSESSMENT_RECOMMENDATIONS_MOST,
		"every kind of move has room");
	counsel->memory->count = 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct option option = {.from = NAN};
		if (rows[i].propose(counsel, &option))
			consider(counsel, rows[i].verb, &option);
	}
}

void recommend(struct recommend_memory *memory, const struct snapshot *snapshot,
	const struct replica_memory *replicas, struct assessment *assessment)
{
	const struct cluster_assessment *row =
		assessment->cluster_count > 0 ? &assessment->clusters[0] : NULL;
	struct counsel counsel = {snapshot, replicas, assessment, row, AIM_NONE, memory};
	if (row)
		counsel.aim = aim_of(row);
	bool due = assessment->at_ms - memory->made_ms >= RECOMMEND_EVERY_MS ||
		   memory->phase != assessment->phase || (row && memory->cluster != row->cluster);
	if (counsel.aim == AIM_NONE) {
		memory->count = 0;
		memory->made_ms = 0;
	} else if (due) {
		make_list(&counsel);
		memory->made_ms = assessment->at_ms;
		memory->phase = assessment->phase;
		memory->cluster = row->cluster;
	}
	memcpy(assessment->recommendations, memory->list, memory->count * sizeof(memory->list[0]));
	assessment->recommendation_count = memory->count;
}
