#include "core/assess/headline.h"

#include <math.h>

#include "core/assess/limits.h"
#include "core/assess/phase.h"
#include "core/assess/replica.h"
#include "core/assess/sentence.h"
#include "core/fleet/snapshot.h"

#define NAMES_MOST 3

struct teller {
	const struct snapshot *snapshot;
	const struct replica_memory *replicas;
	const struct assessment *assessment;
};

static const char *path_of(const struct teller *teller, uint32_t entity)
{
	if (entity == ENTITY_NONE || entity >= teller->snapshot->entity_count)
		return "the fleet";
	return fleet_entity(teller->snapshot->fleet, entity)->path;
}

/* The cluster the phase is about; ENTITY_NONE when it is about what is measured fleet-wide. */
static uint32_t subject(const struct teller *teller)
{
	const struct assessment *it = teller->assessment;
	if (it->cluster_count == 0 || it->clusters[0].phase != it->phase)
		return ENTITY_NONE;
	return it->clusters[0].cluster;
}

/* ---- parts of sentences ---- */

/* How bad a cluster must be to be named: by the symptom the sentence is about. */
static int named_from(enum phase phase)
{
	if (phase == PHASE_AMPLIFICATION)
		return phase_badness(PHASE_ERRORS);
	return phase_badness(phase);
}

/* "east-a, east-b and 2 more"; the fleet where no cluster has it. Returns how many. */
static size_t tell_places(const struct teller *teller, struct sentence *out)
{
	const struct assessment *it = teller->assessment;
	int least = named_from(it->phase);
	size_t bad = 0;
	while (bad < it->cluster_count && phase_badness(it->clusters[bad].phase) >= least)
		bad++;
	if (bad == 0)
		sentence_add(out, "the fleet");
	for (size_t i = 0; i < bad && i < NAMES_MOST; i++)
		sentence_add(
			out, "%s%s", i > 0 ? ", " : "", path_of(teller, it->clusters[i].cluster));
	if (bad > NAMES_MOST)
		sentence_add(out, " and %zu more", bad - NAMES_MOST);
	return bad;
}

static void tell_replica(const struct teller *teller, struct sentence *out, uint32_t replica)
{
	const struct replica_memory *memory = &teller->replicas[replica];
	sentence_add(out, "replica %s %s since ", path_of(teller, replica),
		memory->state == REPLICA_AWAY ? "in maintenance" : "down");
	sentence_add_time(out, memory->since_ms);
}

/* "; first: replica east-a/r2 in maintenance since 17:06:02Z" */
static void tell_cause(const struct teller *teller, struct sentence *out)
{
	const struct assessment *it = teller->assessment;
	if (it->first_stage == STAGE_COUNT)
		return;
	const struct stage_assessment *stage = &it->stages[it->first_stage];
	sentence_add(out, "; first: ");
	if (it->first_stage == STAGE_REPLICAS && stage->worst != ENTITY_NONE &&
		replica_is_out(teller->replicas[stage->worst].state)) {
		tell_replica(teller, out, stage->worst);
		return;
	}
	sentence_add(out, "%s", stage_name(it->first_stage));
	if (stage->worst != ENTITY_NONE)
		sentence_add(out, " in %s", path_of(teller, stage->worst));
	sentence_add(out, " since ");
	sentence_add_time(out, stage->onset_ms);
}

/* "web 12%, api 3.1% (mobile clean)" */
static void tell_surfaces(const struct teller *teller, struct sentence *out)
{
	const struct assessment *it = teller->assessment;
	size_t hit = 0;
	for (size_t i = 0; i < it->surface_count; i++) {
		if (it->surfaces[i].severity != SEVERITY_CRITICAL)
			continue;
		sentence_add(out, "%s%s ", hit++ > 0 ? ", " : "", it->surfaces[i].name);
		sentence_add_percent(out, it->surfaces[i].ratio);
	}
	if (hit == 0) {
		sentence_add(out, "user errors ");
		sentence_add_percent(out, it->stages[STAGE_ERRORS].now);
	}
	size_t clean = 0;
	for (size_t i = 0; i < it->surface_count; i++) {
		if (it->surfaces[i].severity == SEVERITY_OK)
			sentence_add(out, "%s%s", clean++ > 0 ? ", " : " (", it->surfaces[i].name);
	}
	if (clean > 0)
		sentence_add(out, " clean)");
}

static void tell_attempts(const struct teller *teller, struct sentence *out)
{
	const struct assessment *it = teller->assessment;
	double attempts = it->stages[STAGE_ATTEMPTS].now;
	if (it->cluster_count > 0 && !isnan(it->clusters[0].attempts))
		attempts = it->clusters[0].attempts;
	if (!isnan(attempts))
		sentence_add(out, "%.1f attempts per first try", attempts);
	else
		sentence_add(out, "attempts unknown");
}

/* ---- one per phase ---- */

static void tell_normal(const struct teller *teller, struct sentence *out)
{
	const struct assessment *it = teller->assessment;
	const struct stage_assessment *replicas = &it->stages[STAGE_REPLICAS];
	if (isnan(replicas->of))
		sentence_add(out, "no replica is known");
	else if (replicas->count == replicas->of)
		sentence_add(out, "all %.0f replicas serve", replicas->of);
	else
		sentence_add(out, "%.0f of %.0f replicas serve", replicas->count, replicas->of);
	sentence_add(out, ", fullest pool ");
	sentence_add_percent(out, it->stages[STAGE_POOL].now);
	if (it->contingency.known) {
		sentence_add(out, "; losing the worst single replica would take %s to ",
			path_of(teller, it->contingency.cluster));
		sentence_add_percent(out, it->contingency.utilisation_after);
	}
	for (size_t i = 0; i < it->cluster_count; i++) {
		if (it->clusters[i].phase != PHASE_BLIND)
			continue;
		sentence_add(out, "; %s can't be seen", path_of(teller, it->clusters[i].cluster));
		return;
	}
}

static void tell_vulnerable(const struct teller *teller, struct sentence *out)
{
	const struct contingency *loss = &teller->assessment->contingency;
	const char *path = path_of(teller, loss->cluster);
	if (isinf(loss->utilisation_after)) {
		sentence_add(out, "%s stands on one replica: losing it leaves nothing", path);
		return;
	}
	if (loss->utilisation_after > 1) {
		sentence_add(
			out, "losing one replica would saturate the rest of %s in about ", path);
		sentence_add_seconds(out, loss->seconds_to_timeout);
	} else {
		sentence_add(
			out, "losing one replica would leave the rest of %s little room", path);
	}
	sentence_add(out, " (utilisation ");
	sentence_add_percent(out, loss->utilisation_now);
	sentence_add(out, " -> ");
	sentence_add_percent(out, loss->utilisation_after);
	sentence_add(out, ")");
}

static void tell_trigger(const struct teller *teller, struct sentence *out)
{
	const struct assessment *it = teller->assessment;
	const struct stage_assessment *replicas = &it->stages[STAGE_REPLICAS];
	const char *path = path_of(teller, subject(teller));
	uint32_t cluster = subject(teller);
	bool own = replicas->worst != ENTITY_NONE &&
		   (cluster == ENTITY_NONE ||
			   fleet_cluster_of(teller->snapshot->fleet, replicas->worst) == cluster);
	if (own && replica_is_out(teller->replicas[replicas->worst].state))
		tell_replica(teller, out, replicas->worst);
	else if (it->cluster_count > 0 && it->clusters[0].starved_count > 0)
		sentence_add(out, "replica %s answers less than half of its share of reads",
			path_of(teller, it->clusters[0].starved));
	else
		sentence_add(out, "capacity of %s was cut", path);
	if (it->cluster_count == 0 || isnan(it->clusters[0].pool_use))
		return;
	sentence_add(out, "; %s is left with pools at ", path);
	sentence_add_percent(out, it->clusters[0].pool_use);
}

static void tell_load_shift(const struct teller *teller, struct sentence *out)
{
	const struct assessment *it = teller->assessment;
	sentence_add(out, "load has shifted in ");
	tell_places(teller, out);
	if (it->cluster_count > 0 && !isnan(it->clusters[0].load)) {
		sentence_add(out, ": %.2fx per replica, pools ", it->clusters[0].load);
		sentence_add_percent(out, it->clusters[0].pool_use);
	}
	tell_cause(teller, out);
}

static void tell_saturation(const struct teller *teller, struct sentence *out)
{
	const struct assessment *it = teller->assessment;
	bool full = it->stages[STAGE_POOL].now >= FULL_USE;
	sentence_add(out, "%s in ", full ? "pools full" : "clients wait for connections");
	tell_places(teller, out);
	if (it->cluster_count > 0 && it->clusters[0].waiting >= 1)
		sentence_add(out, ": %.0f clients wait", it->clusters[0].waiting);
	tell_cause(teller, out);
}

/* What was bad no longer is, but has not been so for long enough to say so. */
static bool tell_easing(const struct teller *teller, struct sentence *out)
{
	const struct assessment *it = teller->assessment;
	for (unsigned i = STAGE_POOL; i < STAGE_COUNT; i++) {
		if (it->stages[i].severity != SEVERITY_OK &&
			it->stages[i].severity != SEVERITY_WARNING)
			return false;
	}
	tell_places(teller, out);
	sentence_add(out, " easing: ");
	tell_surfaces(teller, out);
	sentence_add(out, ", ");
	tell_attempts(teller, out);
	sentence_add(out, "; recovery is called when it has lasted %d s", RECOVERY_DWELL_MS / 1000);
	return true;
}

static void tell_errors(const struct teller *teller, struct sentence *out)
{
	if (tell_easing(teller, out))
		return;
	sentence_add(out, "users see errors from ");
	tell_places(teller, out);
	sentence_add(out, ": ");
	tell_surfaces(teller, out);
	tell_cause(teller, out);
}

static void tell_amplification(const struct teller *teller, struct sentence *out)
{
	if (tell_easing(teller, out))
		return;
	sentence_add(out, "retries amplify in ");
	tell_places(teller, out);
	sentence_add(out, ": ");
	tell_attempts(teller, out);
	sentence_add(out, ", ");
	tell_surfaces(teller, out);
	tell_cause(teller, out);
}

static void tell_metastable(const struct teller *teller, struct sentence *out)
{
	if (tell_easing(teller, out))
		return;
	size_t places = tell_places(teller, out);
	sentence_add(out, " %s bad though first tries would fit: ", places > 1 ? "stay" : "stays");
	tell_attempts(teller, out);
	sentence_add(out, ", ");
	tell_surfaces(teller, out);
	sentence_add(out, "; only less load or fewer retries will end it");
}

static void tell_recovery(const struct teller *teller, struct sentence *out)
{
	const struct assessment *it = teller->assessment;
	tell_places(teller, out);
	sentence_add(out, " recovering: ");
	tell_surfaces(teller, out);
	sentence_add(out, ", fullest pool ");
	sentence_add_percent(out, it->stages[STAGE_POOL].now);
	sentence_add(out, ", calm since ");
	sentence_add_time(out, it->phase_since_ms);
}

static void tell_blind(const struct teller *teller, struct sentence *out)
{
	const struct assessment *it = teller->assessment;
	if (it->sources_total == 0) {
		sentence_add(out, "nothing is known: there are no sources");
		return;
	}
	sentence_add(out, "nothing can be said: %zu of %zu sources answer", it->sources_ok,
		it->sources_total);
	if (it->age_ms < 0)
		sentence_add(out, ", none has yet");
}

/* ---- what would show it to be wrong ---- */

struct falsifier {
	const char *before, *after; /* of the places it is about */
};

static const struct falsifier falsifiers[PHASE_COUNT] = {
	[PHASE_NORMAL] = {NULL, NULL},
	[PHASE_VULNERABLE] = {"wrong if ", " carried a lost replica with nobody waiting"},
	[PHASE_TRIGGER] = {"wrong if the replica serves again, or ",
		" carries its load calmly for a minute"},
	[PHASE_LOAD_SHIFT] = {"wrong if load per replica in ",
		" is at its baseline while the replica is still out"},
	[PHASE_SATURATION] = {"wrong if nobody waits in ", " although its pools read full"},
	[PHASE_ERRORS] = {"wrong if errors go on while pools of ",
		" have room: the cause would lie elsewhere"},
	[PHASE_AMPLIFICATION] = {"wrong if first tries in ",
		" grew as fast as attempts: it would be demand, not retries"},
	[PHASE_METASTABLE] = {"wrong if ",
		" mends within minutes with weights, pools and retries left alone"},
	[PHASE_RECOVERY] = {"wrong if errors, waiting or attempts in ",
		" rise past half of their alarm again"},
	[PHASE_BLIND] = {"wrong as soon as the sources of ", " answer again"},
};

static void tell_falsifier(const struct teller *teller, struct sentence *out)
{
	const struct assessment *it = teller->assessment;
	const struct falsifier *row = &falsifiers[it->phase];
	if (!row->before)
		return;
	sentence_add(out, "%s", row->before);
	if (it->phase == PHASE_VULNERABLE)
		sentence_add(out, "%s", path_of(teller, it->contingency.cluster));
	else if (it->phase == PHASE_BLIND)
		sentence_add(out, "the fleet");
	else
		tell_places(teller, out);
	sentence_add(out, "%s", row->after);
}

void headline_make(const struct snapshot *snapshot, const struct replica_memory *replicas,
	struct assessment *assessment)
{
	static void (*const tellers[PHASE_COUNT])(const struct teller *, struct sentence *) = {
		[PHASE_NORMAL] = tell_normal,
		[PHASE_VULNERABLE] = tell_vulnerable,
		[PHASE_TRIGGER] = tell_trigger,
		[PHASE_LOAD_SHIFT] = tell_load_shift,
		[PHASE_SATURATION] = tell_saturation,
		[PHASE_ERRORS] = tell_errors,
		[PHASE_AMPLIFICATION] = tell_amplification,
		[PHASE_METASTABLE] = tell_metastable,
		[PHASE_RECOVERY] = tell_recovery,
		[PHASE_BLIND] = tell_blind,
	};
	const struct teller teller = {snapshot, replicas, assessment};
	struct sentence sentence;
	sentence_begin(&sentence, assessment->headline, sizeof(assessment->headline));
	tellers[assessment->phase](&teller, &sentence);
	sentence_begin(&sentence, assessment->falsifier, sizeof(assessment->falsifier));
	tell_falsifier(&teller, &sentence);
}
