#include "core/assess/ledger.h"

#include <math.h>
#include <stdlib.h>

#include "core/assess/evidence.h"
#include "core/assess/limits.h"
#include "core/assess/replica.h"
#include "core/assess/sentence.h"
#include "core/fleet/snapshot.h"

#define SLACK 1e-9 /* arithmetic noise is not "worse" */

/* ---- what is known ---- */

static bool serves(const struct ledger *ledger, uint32_t replica)
{
	struct evidence evidence = {0};
	return replica_judge(&evidence, ledger->snapshot, replica) == REPLICA_SERVING;
}

static uint32_t next_replica(const struct ledger *ledger, uint32_t cluster, uint32_t after)
{
	uint32_t id = fleet_next(ledger->snapshot->fleet, ENTITY_REPLICA, cluster, after);
	return id < ledger->snapshot->entity_count ? id : ENTITY_NONE;
}

/* The size of a pool as last told, whatever its age: NAN when it never was. */
static double pool_size(const struct ledger *ledger, uint32_t owner)
{
	return snapshot_reading(ledger->snapshot, owner, SIGNAL_POOL_MAX)->value;
}

static bool has_shared_pool(const struct ledger *ledger, uint32_t cluster)
{
	return !isnan(pool_size(ledger, cluster));
}

/* Slots for applications on the database of a replica; NAN where nobody says. */
static double database_slots(const struct ledger *ledger, uint32_t replica)
{
	double slots;
	if (snapshot_value(ledger->snapshot, replica, SIGNAL_REPLICA_CONNECTIONS_MAX, &slots))
		return slots;
	const struct entity *entity = fleet_entity(ledger->snapshot->fleet, replica);
	if (!isnan(entity->connections_max))
		return entity->connections_max;
	return fleet_entity(ledger->snapshot->fleet, entity->parent)->connections_max;
}

/* Of a pool's connections, those that the database behind it has. */
static double usable(const struct ledger *ledger, uint32_t replica, double size)
{
	double slots = database_slots(ledger, replica);
	return slots < size ? slots : size;
}

/* Of the connections that a cluster's pools may open, the part that databases have. */
static double usable_part(const struct ledger *ledger, uint32_t cluster)
{
	double sizes = 0, have = 0;
	uint32_t id = next_replica(ledger, cluster, ENTITY_NONE);
	for (; id != ENTITY_NONE && !has_shared_pool(ledger, cluster);
		id = next_replica(ledger, cluster, id)) {
		double size = pool_size(ledger, id);
		if (!(size > 0) || !serves(ledger, id))
			continue;
		sizes += size;
		have += usable(ledger, id, size);
	}
	return sizes > 0 ? have / sizes : 1;
}

/* As if retries stopped. Where it is not known how long an attempt holds a connection, all that is
 * sure of a full pool is that what it serves are first tries or retries of them. */
static double low_of(const struct cluster_assessment *row)
{
	double factor = row->attempts > 1 ? row->attempts : 1;
	double low = fmin(row->demand, row->demand_late);
	return (isnan(row->hold_s) ? fmin(low, row->pool_used) : low) / factor;
}

static void cluster_init(struct ledger_cluster *out, const struct ledger *ledger,
	const struct cluster_assessment *row)
{
	const struct snapshot *snapshot = ledger->snapshot;
	double weight = NAN;
	bool divides = snapshot_reading(snapshot, row->cluster, SIGNAL_CLUSTER_WEIGHT)->at_ms != 0;
	if (!snapshot_value(snapshot, row->cluster, SIGNAL_CLUSTER_WEIGHT, &weight))
		weight = NAN;
	*out = (struct ledger_cluster){
		.id = row->cluster,
		.known = !row->stale && row->pool_max > 0 && !isnan(row->demand),
		.low = low_of(row),
		.high = fmax(row->demand, row->demand_late),
		.doubt = row->demand_sd > 0 ? PROJECTION_SIGMAS * row->demand_sd : 0,
		.attempts = row->attempts,
		.hold_s = isnan(row->hold_s) ? row->pool_used / (row->first_tries * row->attempts)
					     : row->hold_s,
		.pool_usual = row->pool_usual,
		.held_may = row->hold_factor > 1 ? row->hold_factor : 1,
		.held_surely = row->holds_more ? row->hold_factor : 1,
		.brink = isnan(row->knee) ? INFINITY : (1 + row->knee) / 2,
		.serving = row->replicas_up,
		.capacity = row->pool_max * usable_part(ledger, row->cluster),
		.weight = weight,
		.divides = divides,
		.share = row->share,
	};
}

bool ledger_init(
	struct ledger *ledger, const struct snapshot *snapshot, const struct assessment *assessment)
{
	size_t count = assessment->cluster_count;
	*ledger = (struct ledger){.snapshot = snapshot, .count = count};
	if (count == 0)
		return true;
	ledger->clusters = calloc(count, sizeof(*ledger->clusters));
	ledger->effects = calloc(count, sizeof(*ledger->effects));
	if (!ledger->clusters || !ledger->effects) {
		ledger_finish(ledger);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		cluster_init(&ledger->clusters[i], ledger, &assessment->clusters[i]);
	return true;
}

void ledger_finish(struct ledger *ledger)
{
	free(ledger->clusters);
	free(ledger->effects);
	*ledger = (struct ledger){0};
}

const struct ledger_cluster *ledger_find(const struct ledger *ledger, uint32_t cluster)
{
	for (size_t i = 0; i < ledger->count; i++) {
		if (ledger->clusters[i].id == cluster)
			return &ledger->clusters[i];
	}
	return NULL;
}

static const char *path_of(const struct ledger *ledger, uint32_t entity)
{
	return fleet_entity(ledger->snapshot->fleet, entity)->path;
}

/* The cluster a move is about; ENTITY_NONE for a fleet-wide service. */
static uint32_t subject(const struct ledger *ledger, const struct move *move)
{
	return fleet_cluster_of(ledger->snapshot->fleet, move->entity);
}

/* "pool.max of east-a/r2 is 41 s old", when it is. */
static bool tell_stale(
	const struct ledger *ledger, uint32_t entity, enum signal signal, struct sentence *out)
{
	const struct reading *reading = snapshot_reading(ledger->snapshot, entity, signal);
	if (reading_freshness(reading, ledger->snapshot->at_ms) != FRESHNESS_STALE)
		return false;
	sentence_add(out, "%s of %s is ", signal_row(signal)->name, path_of(ledger, entity));
	sentence_add_seconds(out, (double)(ledger->snapshot->at_ms - reading->at_ms) / 1000);
	sentence_add(out, " old");
	return true;
}

static void tell_cluster_unknown(
	const struct ledger *ledger, uint32_t cluster, struct sentence *out)
{
	static const enum signal needed[] = {
		SIGNAL_REPLICA_UP,
		SIGNAL_POOL_MAX,
		SIGNAL_POOL_BUSY,
		SIGNAL_POOL_USED,
		SIGNAL_POOL_WAITING,
	};
	size_t count = sizeof(needed) / sizeof(needed[0]);
	for (size_t i = 0; i < count; i++) {
		if (tell_stale(ledger, cluster, needed[i], out))
			return;
	}
	uint32_t id = next_replica(ledger, cluster, ENTITY_NONE);
	for (; id != ENTITY_NONE; id = next_replica(ledger, cluster, id)) {
		for (size_t i = 0; i < count; i++) {
			if (tell_stale(ledger, id, needed[i], out))
				return;
		}
	}
	sentence_add(out, "the pools of %s are not measured: size, use and waiting are needed",
		path_of(ledger, cluster));
}

static bool knows_cluster(
	const struct ledger *ledger, const struct ledger_cluster *cluster, struct sentence *why)
{
	if (cluster->known)
		return true;
	tell_cluster_unknown(ledger, cluster->id, why);
	return false;
}

static bool knows_weight(
	const struct ledger *ledger, const struct ledger_cluster *cluster, struct sentence *why)
{
	if (!isnan(cluster->weight))
		return true;
	if (!tell_stale(ledger, cluster->id, SIGNAL_CLUSTER_WEIGHT, why))
		sentence_add(
			why, "cluster.weight of %s is not measured", path_of(ledger, cluster->id));
	return false;
}

static bool knows_divert(const struct ledger *ledger, const struct move *move, struct sentence *why)
{
	for (size_t i = 0; i < ledger->count; i++) {
		const struct ledger_cluster *cluster = &ledger->clusters[i];
		bool concerned = cluster->divides || cluster->id == move->entity;
		if (concerned && !knows_weight(ledger, cluster, why))
			return false;
		if ((cluster->id == move->entity || cluster->weight > 0) &&
			!knows_cluster(ledger, cluster, why))
			return false;
	}
	return true;
}

static bool knows_retries(
	const struct ledger *ledger, const struct move *move, struct sentence *why)
{
	uint32_t only = subject(ledger, move);
	for (size_t i = 0; i < ledger->count; i++) {
		const struct ledger_cluster *cluster = &ledger->clusters[i];
		if (only != ENTITY_NONE && cluster->id != only)
			continue;
		if (!knows_cluster(ledger, cluster, why))
			return false;
		if (isnan(cluster->attempts)) {
			sentence_add(why, "attempts and first tries in %s are not both fresh",
				path_of(ledger, cluster->id));
			return false;
		}
	}
	if (ledger->count == 0)
		sentence_add(why, "no cluster is known that its attempts load");
	return ledger->count > 0;
}

static bool is_resized(const struct move *move, uint32_t cluster, uint32_t replica)
{
	return move->entity == cluster || move->entity == replica;
}

static bool knows_resize(const struct ledger *ledger, const struct move *move, struct sentence *why)
{
	uint32_t cluster = subject(ledger, move);
	uint32_t id = next_replica(ledger, cluster, ENTITY_NONE);
	for (; id != ENTITY_NONE; id = next_replica(ledger, cluster, id)) {
		if (is_resized(move, cluster, id) && isnan(database_slots(ledger, id)) &&
			tell_stale(ledger, id, SIGNAL_REPLICA_CONNECTIONS_MAX, why))
			return false;
	}
	return true;
}

struct move_row {
	unsigned entities; /* bit set of kinds it may be about */
	const char *about;
	bool has_value;
	double least; /* of the value */
};

static const struct move_row move_rows[] = {
	[MOVE_DIVERT] = {1u << ENTITY_CLUSTER, "a cluster", true, 0},
	[MOVE_RESIZE_POOL] = {1u << ENTITY_CLUSTER | 1u << ENTITY_REPLICA, "a cluster or a replica",
		true, 1},
	[MOVE_LOSE_REPLICA] = {1u << ENTITY_REPLICA, "a replica", false, 0},
	[MOVE_RETURN_REPLICA] = {1u << ENTITY_REPLICA, "a replica", false, 0},
	[MOVE_LIMIT_RETRIES] = {1u << ENTITY_SERVICE, "a service", true, 0},
	[MOVE_PAUSE_POOL] = {1u << ENTITY_CLUSTER, "a cluster", false, 0},
	[MOVE_LIMIT_CONNECTIONS] = {1u << ENTITY_REPLICA | 1u << ENTITY_SERVICE,
		"a replica or a service", true, -1},
	[MOVE_NOTHING] = {~0u, "something", false, 0},
	[MOVE_UNKNOWN] = {~0u, "something", false, 0},
};

static bool knows_move(const struct ledger *ledger, const struct move *move, struct sentence *why)
{
	const struct move_row *row = &move_rows[move->kind];
	bool there = move->entity < ledger->snapshot->entity_count;
	if (!there || !(row->entities &
			      (1u << fleet_entity(ledger->snapshot->fleet, move->entity)->kind))) {
		sentence_add(why, "this change is about %s that is known", row->about);
		return false;
	}
	if (row->has_value && !(isfinite(move->to) && move->to >= row->least)) {
		sentence_add(why, "the new value must be a number from %g on", row->least);
		return false;
	}
	return true;
}

bool ledger_knows(const struct ledger *ledger, const struct move *move, char *why)
{
	struct sentence sentence;
	sentence_begin(&sentence, why, PROJECTION_TEXT_BYTES);
	if (!knows_move(ledger, move, &sentence))
		return false;
	if (move->kind == MOVE_NOTHING)
		return true;
	if (move->kind == MOVE_UNKNOWN) {
		sentence_add(
			&sentence, "nobody can say what this action does to pools and traffic");
		return false;
	}
	uint32_t cluster = subject(ledger, move);
	if (cluster != ENTITY_NONE) {
		const struct ledger_cluster *row = ledger_find(ledger, cluster);
		if (!row) {
			sentence_add(&sentence, "%s is not assessed", path_of(ledger, cluster));
			return false;
		}
		if (!knows_cluster(ledger, row, &sentence))
			return false;
	}
	if (move->kind == MOVE_DIVERT)
		return knows_divert(ledger, move, &sentence);
	if (move->kind == MOVE_RESIZE_POOL)
		return knows_resize(ledger, move, &sentence);
	if (move->kind == MOVE_PAUSE_POOL && isnan(ledger_find(ledger, cluster)->share)) {
		sentence_add(&sentence, "what share of the traffic %s has is not known",
			path_of(ledger, cluster));
		return false;
	}
	return move->kind != MOVE_LIMIT_RETRIES || knows_retries(ledger, move, &sentence);
}

/* The limit on connections as last told. */
static double limit_now(const struct ledger *ledger, const struct move *move)
{
	bool is_replica =
		fleet_entity(ledger->snapshot->fleet, move->entity)->kind == ENTITY_REPLICA;
	return snapshot_reading(ledger->snapshot, move->entity,
		is_replica ? SIGNAL_REPLICA_MAXCONN : SIGNAL_SERVICE_ROLE_LIMIT)
		->value;
}

double ledger_current(const struct ledger *ledger, const struct move *move)
{
	if (move->kind == MOVE_DIVERT)
		return ledger_find(ledger, move->entity)->weight;
	if (move->kind == MOVE_LIMIT_CONNECTIONS)
		return limit_now(ledger, move);
	if (move->kind != MOVE_RESIZE_POOL)
		return NAN;
	uint32_t cluster = subject(ledger, move);
	if (has_shared_pool(ledger, cluster))
		return pool_size(ledger, cluster);
	double largest = NAN;
	uint32_t id = next_replica(ledger, cluster, ENTITY_NONE);
	for (; id != ENTITY_NONE; id = next_replica(ledger, cluster, id)) {
		if (is_resized(move, cluster, id))
			largest = fmax(largest, pool_size(ledger, id));
	}
	return largest;
}

/* ---- moves ---- */

static struct effect *effect_of(struct ledger *ledger, uint32_t cluster)
{
	for (size_t i = 0; i < ledger->count; i++) {
		if (ledger->clusters[i].id == cluster)
			return &ledger->effects[i];
	}
	return NULL;
}

static bool share_a_database(const struct ledger *ledger, uint32_t one, uint32_t other)
{
	const struct fleet *fleet = ledger->snapshot->fleet;
	return fleet_entity(fleet, other)->shares_database == one ||
	       fleet_entity(fleet, one)->shares_database == other;
}

/* Of the weight of all others (`others`, above 0): those behind whom the same database stands. */
static double shares_with_others(
	const struct ledger *ledger, const struct ledger_cluster *source, double others)
{
	double sum = 0;
	for (size_t i = 0; i < ledger->count; i++) {
		const struct ledger_cluster *other = &ledger->clusters[i];
		if (other != source && other->weight > 0 &&
			share_a_database(ledger, source->id, other->id))
			sum += other->weight;
	}
	return sum / others;
}

/* Whether it is known of all clusters that take traffic how long an attempt holds a connection. */
static bool knows_holds(const struct ledger *ledger, const struct ledger_cluster *source)
{
	for (size_t i = 0; i < ledger->count; i++) {
		const struct ledger_cluster *cluster = &ledger->clusters[i];
		if ((cluster == source || cluster->weight > 0) && !(cluster->hold_s > 0))
			return false;
	}
	return true;
}

/* Traffic shifts by share: a cluster's demand goes with its share, and what leaves lands by weight.
 */
static void apply_divert(struct ledger *ledger, const struct move *move)
{
	const struct ledger_cluster *source = ledger_find(ledger, move->entity);
	double others = 0;
	for (size_t i = 0; i < ledger->count; i++) {
		if (&ledger->clusters[i] != source && ledger->clusters[i].weight > 0)
			others += ledger->clusters[i].weight;
	}
	struct effect *moved = effect_of(ledger, move->entity);
	moved->changed = true;
	if (others <= 0)
		return;
	double before = source->weight / (source->weight + others);
	double after = move->to / (move->to + others);
	bool leaves = after <= before;
	/* The part of its demand that leaves: of the source, or of each of the others. */
	double part = leaves ? (before > 0 ? (before - after) / before : 0)
			     : (after - before) / (1 - before);
	ledger->moved_share = fabs(before - after);
	ledger->shared_share = shares_with_others(ledger, source, others);
	moved->share = after;
	bool alike = !knows_holds(ledger, source);
	if (leaves) {
		moved->low -= part * source->low;
		moved->high -= part * source->high / source->held_may;
		moved->doubt *= 1 - part;
	}
	for (size_t i = 0; i < ledger->count; i++) {
		const struct ledger_cluster *other = &ledger->clusters[i];
		struct effect *effect = &ledger->effects[i];
		if (other == source || !(other->weight > 0))
			continue;
		effect->changed = true;
		effect->share = other->weight / (move->to + others);
		double longer = alike ? 1 : other->hold_s / source->hold_s;
		if (leaves) {
			double landing = longer * part * other->weight / others;
			double surely = landing / source->held_surely;
			effect->low += landing * source->low / source->held_may;
			effect->high += surely * source->high;
			effect->arriving += surely * source->high;
			effect->doubt = hypot(effect->doubt, landing * source->doubt);
		} else {
			double surely = part / other->held_surely;
			effect->low -= part * other->low;
			effect->high -= part * other->high / other->held_may;
			moved->low += part * other->low / other->held_may / longer;
			moved->high += surely * other->high / longer;
			moved->arriving += surely * other->high / longer;
			moved->doubt = hypot(moved->doubt, part * other->doubt / longer);
			effect->doubt *= 1 - part;
		}
	}
}

/* What pools of other clusters may open on one of this cluster's databases. */
static double neighbours_on_database(const struct ledger *ledger, uint32_t cluster)
{
	double sum = 0;
	for (size_t i = 0; i < ledger->count; i++) {
		uint32_t other = ledger->clusters[i].id;
		if (other == cluster || !share_a_database(ledger, cluster, other))
			continue;
		double largest = has_shared_pool(ledger, other) ? pool_size(ledger, other) : 0;
		uint32_t id = next_replica(ledger, other, ENTITY_NONE);
		for (; id != ENTITY_NONE; id = next_replica(ledger, other, id))
			largest = fmax(largest, pool_size(ledger, id));
		sum += largest;
	}
	return sum;
}

static void apply_resize(struct ledger *ledger, const struct move *move)
{
	uint32_t cluster = subject(ledger, move);
	struct effect *effect = effect_of(ledger, cluster);
	const struct ledger_cluster *before = ledger_find(ledger, cluster);
	effect->changed = true;
	effect->connections = move->to + neighbours_on_database(ledger, cluster);
	bool shared = has_shared_pool(ledger, cluster);
	double capacity = 0, serving = 0;
	uint32_t id = next_replica(ledger, cluster, ENTITY_NONE);
	for (; id != ENTITY_NONE; id = next_replica(ledger, cluster, id)) {
		bool resized = is_resized(move, cluster, id);
		double size = resized ? move->to : pool_size(ledger, id);
		if (resized)
			effect->connections_max =
				fmin(effect->connections_max, database_slots(ledger, id));
		if (!serves(ledger, id) || isnan(size))
			continue;
		capacity += usable(ledger, id, size);
		serving++;
	}
	/* One that was said to be down a moment ago is not counted on, whatever is said now. */
	double counted_on = before->serving;
	if (counted_on < serving)
		capacity *= counted_on / serving;
	effect->capacity = shared ? move->to : capacity;
	double usual = before->pool_usual * before->serving;
	effect->proven = usual > before->capacity ? usual : before->capacity;
	bool grows = !(move->to <= ledger_current(ledger, move));
	effect->over_database = grows && effect->connections > effect->connections_max;
}

/* Connections a replica's pool brings along: its own size, or its part of a pool that all share. */
static double replica_part(const struct ledger *ledger, uint32_t replica, bool present)
{
	uint32_t cluster = fleet_cluster_of(ledger->snapshot->fleet, replica);
	unsigned serving = 0;
	double sizes = 0;
	bool shared = has_shared_pool(ledger, cluster);
	uint32_t id = next_replica(ledger, cluster, ENTITY_NONE);
	for (; id != ENTITY_NONE; id = next_replica(ledger, cluster, id)) {
		double size = usable(ledger, id, pool_size(ledger, id));
		if (!serves(ledger, id) || (!shared && isnan(size)))
			continue;
		serving++;
		sizes += size;
	}
	double capacity = ledger_find(ledger, cluster)->capacity;
	if (serving == 0)
		return 0;
	if (shared)
		return present ? capacity / serving : 0;
	double own = usable(ledger, replica, pool_size(ledger, replica));
	/* A pool that was never seen is taken to be like the others. */
	return isnan(own) ? sizes / serving : own;
}

static void apply_replica(struct ledger *ledger, const struct move *move)
{
	struct effect *effect = effect_of(ledger, subject(ledger, move));
	bool present = serves(ledger, move->entity);
	effect->changed = true;
	if (move->kind == MOVE_LOSE_REPLICA && present)
		effect->capacity -= replica_part(ledger, move->entity, present);
	else if (move->kind == MOVE_RETURN_REPLICA && !present)
		effect->capacity += replica_part(ledger, move->entity, present);
	if (effect->capacity < SLACK)
		effect->capacity = 0;
}

/* Whether retries use up what their limit allows: then a wider one may be used up as well. */
static bool limit_binds(const struct ledger *ledger, const struct move *move, double attempts)
{
	double limit;
	return snapshot_value(ledger->snapshot, move->entity, SIGNAL_SERVICE_RETRY_LIMIT, &limit) &&
	       attempts - 1 >= LIMIT_BINDS * limit;
}

static void apply_retries(struct ledger *ledger, const struct move *move)
{
	uint32_t only = subject(ledger, move);
	for (size_t i = 0; i < ledger->count; i++) {
		const struct ledger_cluster *cluster = &ledger->clusters[i];
		if (only != ENTITY_NONE && cluster->id != only)
			continue;
		double allowed = 1 + move->to;
		if (!limit_binds(ledger, move, cluster->attempts))
			allowed = fmin(cluster->attempts, allowed);
		ledger->effects[i].changed = true;
		ledger->effects[i].high = cluster->high * allowed / cluster->attempts;
		ledger->effects[i].doubt = cluster->doubt * allowed / cluster->attempts;
	}
}

/* Traffic stays where it is and waits. */
static void apply_pause(struct ledger *ledger, const struct move *move)
{
	struct effect *effect = effect_of(ledger, move->entity);
	effect->changed = true;
	effect->capacity = 0;
	ledger->moved_share = effect->share;
}

/* The database behind a pool gets what the pool may open, whatever is allowed in front of it. */
static void limit_cluster(struct ledger *ledger, const struct move *move, uint32_t cluster)
{
	struct effect *effect = effect_of(ledger, cluster);
	double now = limit_now(ledger, move);
	double asked = move->to < 0 ? INFINITY : move->to;
	bool is_one = fleet_entity(ledger->snapshot->fleet, move->entity)->kind == ENTITY_REPLICA;
	effect->changed = true;
	effect->connections = 0;
	uint32_t id = next_replica(ledger, cluster, ENTITY_NONE);
	for (; id != ENTITY_NONE; id = next_replica(ledger, cluster, id)) {
		double pool = pool_size(ledger, has_shared_pool(ledger, cluster) ? cluster : id);
		if (is_one && id != move->entity)
			continue;
		effect->connections =
			fmax(effect->connections, isnan(pool) ? asked : fmin(asked, pool));
		effect->connections_max = fmin(effect->connections_max, database_slots(ledger, id));
	}
	bool grows = !(now < 0) && !(asked <= now);
	effect->over_database = grows && effect->connections > effect->connections_max;
}

static void apply_limit(struct ledger *ledger, const struct move *move)
{
	uint32_t only = subject(ledger, move);
	for (size_t i = 0; i < ledger->count; i++) {
		if (only == ENTITY_NONE || ledger->clusters[i].id == only)
			limit_cluster(ledger, move, ledger->clusters[i].id);
	}
}

static void apply_nothing(struct ledger *ledger, const struct move *move)
{
	(void)ledger;
	(void)move;
}

double ledger_use(double demand, double capacity)
{
	return capacity <= 0 ? INFINITY : demand / capacity;
}

double ledger_use_most(const struct ledger_cluster *cluster, const struct effect *effect)
{
	double most = effect->high + effect->doubt;
	double use = ledger_use(most, effect->capacity);
	return use > cluster->brink || most > effect->proven ? fmax(use, 1) : use;
}

/* Whether it ends past the ceiling or the brink, and higher than it is. */
static bool is_over(const struct ledger *ledger, size_t index, double ceiling)
{
	const struct ledger_cluster *before = &ledger->clusters[index];
	const struct effect *after = &ledger->effects[index];
	double use = ledger_use(after->high + after->doubt, after->capacity);
	double use_before = ledger_use(before->high + before->doubt, before->capacity);
	/* What is left room for chance already needs none for being looked at again. */
	double margin = ledger->margin - ledger_use(after->doubt, after->capacity);
	double limit = fmin(ceiling, before->brink) - fmax(margin, 0);
	return use > limit && use > use_before + SLACK;
}

bool ledger_apply(struct ledger *ledger, const struct move *move, double ceiling)
{
	static void (*const appliers[])(struct ledger *, const struct move *) = {
		[MOVE_DIVERT] = apply_divert,
		[MOVE_RESIZE_POOL] = apply_resize,
		[MOVE_LOSE_REPLICA] = apply_replica,
		[MOVE_RETURN_REPLICA] = apply_replica,
		[MOVE_LIMIT_RETRIES] = apply_retries,
		[MOVE_PAUSE_POOL] = apply_pause,
		[MOVE_LIMIT_CONNECTIONS] = apply_limit,
		[MOVE_NOTHING] = apply_nothing,
		[MOVE_UNKNOWN] = apply_nothing,
	};
	ledger->moved_share = 0;
	ledger->shared_share = 0;
	for (size_t i = 0; i < ledger->count; i++) {
		const struct ledger_cluster *cluster = &ledger->clusters[i];
		ledger->effects[i] = (struct effect){
			.low = cluster->low,
			.high = cluster->high,
			.doubt = cluster->doubt,
			.capacity = cluster->capacity,
			.share = cluster->share,
			.proven = INFINITY,
			.connections = NAN,
			.connections_max = NAN,
		};
	}
	appliers[move->kind](ledger, move);
	bool blocked = false;
	for (size_t i = 0; i < ledger->count; i++) {
		struct effect *after = &ledger->effects[i];
		if (!after->changed)
			continue;
		after->over_ceiling = is_over(ledger, i, ceiling);
		blocked |= after->over_ceiling || after->over_database;
	}
	return blocked;
}
