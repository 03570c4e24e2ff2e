#include "core/assess/cause.h"

#include <math.h>
#include <string.h>

#include "core/assess/cluster.h"
#include "core/assess/finding.h"
#include "core/assess/limits.h"
#include "core/assess/sentence.h"
#include "core/fleet/snapshot.h"

struct hypothesis_row {
	const char *name;
	double depth;
	unsigned samples; /* of its sign in a row */
};

static const struct hypothesis_row rows[HYPOTHESIS_COUNT] = {
	[HYPOTHESIS_REPLICA_LOSS] = {"replica loss", 1, 1},
	[HYPOTHESIS_SLOW_REPLICA] = {"slow or hung replica", 1, POOL_SAMPLES},
	[HYPOTHESIS_DEMAND_SURGE] = {"demand surge", 0.4, POOL_SAMPLES},
	[HYPOTHESIS_RETRY_STORM] = {"retry storm", 0.5, TRIP_SAMPLES},
	[HYPOTHESIS_CONNECTION_LEAK] = {"connection leak", 0.75, POOL_SAMPLES},
	[HYPOTHESIS_CAPACITY_CUT] = {"capacity cut", 0.75, 1},
	[HYPOTHESIS_LAG_EVICTION] = {"lag eviction", 1, 1},
	[HYPOTHESIS_TELEMETRY_FAULT] = {"telemetry fault", 1, 1},
};

const char *hypothesis_name(enum hypothesis hypothesis)
{
	return (unsigned)hypothesis < HYPOTHESIS_COUNT ? rows[hypothesis].name : "unknown";
}

/* ---- signs ---- */

static enum trip_level flag_level(bool flag)
{
	return flag ? TRIP_ABOVE : TRIP_BELOW;
}

/* Of a factor of what is usual, over `clear` of the way to its trip. */
static enum trip_level factor_level(double factor, double trip, double clear)
{
	return trip_level(factor, trip, 1 + (trip - 1) * clear);
}

void cause_observe(struct cause_memory *memory, const struct cluster_view *view,
	const struct replica_memory *replicas, bool incident, int64_t now_ms)
{
	const struct symptoms *odd = &view->symptoms;
	double storm = phase_attempts_trip(ATTEMPTS_TRIP, view->services.attempt_events);
	enum trip_level levels[HYPOTHESIS_COUNT] = {
		[HYPOTHESIS_REPLICA_LOSS] = flag_level(view->out > 0),
		[HYPOTHESIS_SLOW_REPLICA] =
			flag_level(odd->starved > 0 || odd->slow_one != ENTITY_NONE),
		[HYPOTHESIS_DEMAND_SURGE] = factor_level(
			view->first_factor, view->surge_trip, (SURGE_CLEAR - 1) / (SURGE_TRIP - 1)),
		[HYPOTHESIS_RETRY_STORM] =
			trip_level(view->services.attempt_factor, storm, ATTEMPTS_CLEAR),
		[HYPOTHESIS_CONNECTION_LEAK] = factor_level(
			view->per_attempt, view->leak_trip, (LEAK_CLEAR - 1) / (LEAK_TRIP - 1)),
		[HYPOTHESIS_CAPACITY_CUT] = flag_level(view->cut),
		[HYPOTHESIS_LAG_EVICTION] = flag_level(odd->lagged_ms != 0),
		[HYPOTHESIS_TELEMETRY_FAULT] = TRIP_BELOW,
	};
	for (unsigned i = 0; i < HYPOTHESIS_COUNT; i++) {
		const struct trip_rule rule = {
			rows[i].samples, incident ? CAUSE_CLEAR_MS : CAUSE_CALM_MS};
		trip_step(&memory->trips[i], &rule, levels[i], view->evidence.newest_ms, now_ms);
	}
	struct trip *loss = &memory->trips[HYPOTHESIS_REPLICA_LOSS];
	if (view->first_out != ENTITY_NONE)
		loss->onset_ms = replicas[view->first_out].since_ms;
	if (odd->lagged_ms != 0)
		memory->trips[HYPOTHESIS_LAG_EVICTION].onset_ms = odd->lagged_ms;
}

/* ---- scores ---- */

struct brief {
	const struct cause_inputs *in;
	struct cause *out;
	struct sentence evidence, contradiction;
	double explains, specificity, change, contradicts;
};

static bool is_on(const struct brief *brief, enum hypothesis hypothesis)
{
	return brief->in->memory->trips[hypothesis].on;
}

static bool before(const struct brief *brief, enum hypothesis other)
{
	const struct trip *trip = &brief->in->memory->trips[other];
	return trip->on && trip->onset_ms <= brief->out->onset_ms + CAUSE_TIE_MS;
}

static const char *path_of(const struct brief *brief, uint32_t entity)
{
	if (entity == ENTITY_NONE)
		return "the fleet";
	return fleet_entity(brief->in->snapshot->fleet, entity)->path;
}

static void speak_against(struct brief *brief, const char *text)
{
	sentence_add(&brief->contradiction, "%s%s", brief->contradicts > 0 ? "; " : "", text);
	brief->contradicts = 1;
}

/* Whether an effect is there in the size it must have. */
static double is_near(double seen, double expected)
{
	if (isnan(seen) || isnan(expected))
		return 0.5;
	return fabs(seen / expected - 1) <= EXPLAINS_WITHIN ? 1 : 0;
}

static void argue_loss(struct brief *brief)
{
	const struct cluster_view *view = brief->in->view;
	bool away = brief->in->replicas[view->first_out].state == REPLICA_AWAY;
	brief->out->entity = view->first_out;
	sentence_add(&brief->evidence, "%s %s; load of the others %.2fx",
		path_of(brief, view->first_out), away ? "in maintenance" : "down",
		view->load_factor);
	/* What was lost must have landed on the others, unless they are full by now. */
	double expected = view->serving > 0 ? (double)view->expected / view->serving : NAN;
	brief->explains = view->use >= view->knee ? 1 : is_near(view->load_factor, expected);
	brief->specificity = view->out < view->expected;
	brief->change = away;
	if (is_on(brief, HYPOTHESIS_LAG_EVICTION))
		speak_against(brief, "it had fallen behind its primary before");
}

static void argue_slow(struct brief *brief)
{
	const struct symptoms *odd = &brief->in->view->symptoms;
	bool starved = odd->starved > 0;
	brief->out->entity = starved ? odd->starved_one : odd->slow_one;
	if (odd->full_one != ENTITY_NONE) {
		brief->out->entity = odd->full_one;
		sentence_add(&brief->evidence,
			"%s has no connection slot left, and its pool holds few of them",
			path_of(brief, odd->full_one));
	} else if (starved)
		sentence_add(&brief->evidence, "%s finishes less than half of its share of reads",
			path_of(brief, brief->out->entity));
	else if (!isnan(odd->queue))
		sentence_add(&brief->evidence,
			"%.0f clients wait for %s, few or none for the others", odd->queue,
			path_of(brief, brief->out->entity));
	else if (brief->out->entity != ENTITY_NONE)
		sentence_add(&brief->evidence, "%s takes %.1f times as long per read as the others",
			path_of(brief, brief->out->entity), odd->slow_factor);
	else
		sentence_add(&brief->evidence, "a replica was slow a moment ago");
	brief->explains = brief->out->entity != ENTITY_NONE;
	brief->specificity = brief->explains;
	if (is_on(brief, HYPOTHESIS_REPLICA_LOSS))
		speak_against(brief, "a replica is out altogether");
}

/* Full pools hide how much of the load came; but more than first tries bring, they did not bring.
 */
static double surge_explains(const struct cluster_view *view)
{
	if (view->load_factor > view->first_factor * (1 + EXPLAINS_WITHIN))
		return 0;
	return view->use >= view->knee ? 1 : is_near(view->load_factor, view->first_factor);
}

static void argue_surge(struct brief *brief)
{
	const struct cluster_view *view = brief->in->view;
	brief->out->entity = view->id;
	sentence_add(&brief->evidence, "first tries %.2fx, load per replica %.2fx",
		view->first_factor, view->load_factor);
	brief->explains = surge_explains(view);
	if (before(brief, HYPOTHESIS_RETRY_STORM))
		speak_against(brief, "attempts rose first");
	if (before(brief, HYPOTHESIS_REPLICA_LOSS) || before(brief, HYPOTHESIS_CAPACITY_CUT))
		speak_against(brief, "capacity went first");
}

static void argue_storm(struct brief *brief)
{
	const struct cluster_view *view = brief->in->view;
	bool is_surge = view->first_factor >= view->surge_trip && surge_explains(view) > 0;
	static const enum hypothesis deeper[] = {HYPOTHESIS_REPLICA_LOSS, HYPOTHESIS_SLOW_REPLICA,
		HYPOTHESIS_CAPACITY_CUT, HYPOTHESIS_CONNECTION_LEAK, HYPOTHESIS_LAG_EVICTION,
		HYPOTHESIS_DEMAND_SURGE};
	brief->out->entity = view->id;
	sentence_add(&brief->evidence, "%.2f attempts per first try, first tries %.2fx",
		view->services.attempt_factor, view->first_factor);
	brief->explains = !is_surge;
	for (size_t i = 0; i < sizeof(deeper) / sizeof(deeper[0]); i++) {
		/* A few more first tries beside a load that they did not bring: a burst. */
		bool is_burst = deeper[i] == HYPOTHESIS_DEMAND_SURGE && surge_explains(view) <= 0;
		if (!before(brief, deeper[i]) || is_burst)
			continue;
		speak_against(brief, "something below was there first");
		return;
	}
	int64_t pool_ms = brief->in->pool_onset_ms;
	if (pool_ms != 0 && pool_ms < brief->out->onset_ms - CAUSE_TIE_MS)
		speak_against(brief, "pools filled before attempts rose");
}

static void argue_leak(struct brief *brief)
{
	const struct cluster_view *view = brief->in->view;
	brief->out->entity = view->id;
	sentence_add(&brief->evidence,
		"connections busy per attempt %.2fx while first tries are %.2fx", view->per_attempt,
		view->first_factor);
	brief->explains = view->first_factor < view->surge_trip ? 1 : 0;
	if (is_on(brief, HYPOTHESIS_SLOW_REPLICA))
		speak_against(brief, "it is one replica, not all");
	if (before(brief, HYPOTHESIS_REPLICA_LOSS) || before(brief, HYPOTHESIS_CAPACITY_CUT))
		speak_against(brief, "capacity went first");
}

static void argue_cut(struct brief *brief)
{
	const struct cluster_view *view = brief->in->view;
	brief->out->entity = view->id;
	sentence_add(&brief->evidence, "connections per replica fell to %.0f",
		view->capacity / view->serving);
	brief->explains = 1;
	brief->specificity = 1;
	brief->change = 1;
}

static void argue_lag(struct brief *brief)
{
	const struct cluster_view *view = brief->in->view;
	uint32_t lagged = view->symptoms.lagged_one;
	brief->out->entity = lagged;
	if (lagged == ENTITY_NONE) {
		sentence_add(
			&brief->evidence, "a replica that had fallen behind was out a moment ago");
		return;
	}
	sentence_add(&brief->evidence, "%s fell behind at ", path_of(brief, lagged));
	sentence_add_time(&brief->evidence, brief->in->replicas[lagged].lagging_ms);
	sentence_add(&brief->evidence, " and was taken out at ");
	sentence_add_time(&brief->evidence, brief->in->replicas[lagged].since_ms);
	brief->explains = 1;
	brief->specificity = 1;
	brief->change = brief->in->replicas[lagged].state == REPLICA_AWAY;
}

/* ---- telemetry ---- */

struct silence {
	size_t total, silent, others_answering;
	const char *name;
	int64_t since_ms;
};

/* The targets of one scraper are named "scraper/target". */
static bool is_same_scraper(const char *a, const char *b)
{
	size_t length = strcspn(a, "/");
	return length == strcspn(b, "/") && strncmp(a, b, length) == 0;
}

/* Of all that belong to the scraper of `one`, how many are silent. */
static struct silence count_silent(const struct snapshot *snapshot, const struct source_status *one)
{
	struct silence out = {.name = one->name, .since_ms = INT64_MAX};
	for (size_t i = 0; i < snapshot->source_count; i++) {
		const struct source_status *other = &snapshot->sources[i];
		bool stale = source_is_stale(other, snapshot->at_ms);
		if (!is_same_scraper(other->name, one->name)) {
			out.others_answering += !stale;
			continue;
		}
		out.total++;
		out.silent += stale;
		if (stale && other->last_ok_ms < out.since_ms)
			out.since_ms = other->last_ok_ms;
	}
	return out;
}

/* The first scraper most of whose polls come to nothing. */
static bool find_silence(const struct snapshot *snapshot, struct silence *out)
{
	for (size_t i = 0; i < snapshot->source_count; i++) {
		const struct source_status *one = &snapshot->sources[i];
		if (!source_is_stale(one, snapshot->at_ms))
			continue;
		*out = count_silent(snapshot, one);
		if (2 * out->silent > out->total)
			return true;
	}
	return false;
}

bool telemetry_is_faulty(const struct snapshot *snapshot)
{
	struct silence silence;
	return find_silence(snapshot, &silence) && silence.others_answering > 0;
}

static void argue_telemetry(struct brief *brief)
{
	struct silence silence;
	if (!find_silence(brief->in->snapshot, &silence))
		return;
	brief->out->entity = ENTITY_NONE;
	brief->out->onset_ms = silence.since_ms;
	sentence_add(&brief->evidence,
		"%zu of %zu polls of '%.*s' come to nothing, %zu others answer", silence.silent,
		silence.total, (int)strcspn(silence.name, "/"), silence.name,
		silence.others_answering);
	brief->explains = 1; /* for others answer: else it would not be here */
	brief->specificity = silence.silent == silence.total;
}

/* ---- ranking ---- */

static void argue(struct brief *brief, enum hypothesis hypothesis)
{
	static void (*const advocates[HYPOTHESIS_COUNT])(struct brief *) = {
		[HYPOTHESIS_REPLICA_LOSS] = argue_loss,
		[HYPOTHESIS_SLOW_REPLICA] = argue_slow,
		[HYPOTHESIS_DEMAND_SURGE] = argue_surge,
		[HYPOTHESIS_RETRY_STORM] = argue_storm,
		[HYPOTHESIS_CONNECTION_LEAK] = argue_leak,
		[HYPOTHESIS_CAPACITY_CUT] = argue_cut,
		[HYPOTHESIS_LAG_EVICTION] = argue_lag,
		[HYPOTHESIS_TELEMETRY_FAULT] = argue_telemetry,
	};
	sentence_begin(&brief->evidence, brief->out->evidence, sizeof(brief->out->evidence));
	sentence_begin(&brief->contradiction, brief->out->contradiction,
		sizeof(brief->out->contradiction));
	advocates[hypothesis](brief);
	brief->out->score = 2 * rows[hypothesis].depth + 2 * brief->explains + brief->specificity +
			    brief->change - 3 * brief->contradicts;
}

/* Keep the best, in order. */
static void enter(struct assessment *assessment, const struct cause *cause)
{
	size_t at = 0;
	while (at < assessment->cause_count && assessment->causes[at].score >= cause->score)
		at++;
	if (at == ASSESSMENT_CAUSES_MOST)
		return;
	if (assessment->cause_count < ASSESSMENT_CAUSES_MOST)
		assessment->cause_count++;
	memmove(&assessment->causes[at + 1], &assessment->causes[at],
		(assessment->cause_count - 1 - at) * sizeof(assessment->causes[0]));
	assessment->causes[at] = *cause;
}

static bool has_sign(const struct cause_inputs *inputs, bool faulty, enum hypothesis hypothesis)
{
	if (hypothesis == HYPOTHESIS_TELEMETRY_FAULT)
		return faulty;
	if (!inputs->view || !inputs->memory->trips[hypothesis].on)
		return false;
	return hypothesis != HYPOTHESIS_REPLICA_LOSS || inputs->view->first_out != ENTITY_NONE;
}

void causes_rank(const struct cause_inputs *inputs, struct assessment *assessment)
{
	struct cause list[HYPOTHESIS_COUNT];
	size_t count = 0;
	int64_t earliest_ms = INT64_MAX;
	bool faulty = telemetry_is_faulty(inputs->snapshot);
	assessment->cause_count = 0;
	for (unsigned i = 0; i < HYPOTHESIS_COUNT; i++) {
		if (!has_sign(inputs, faulty, (enum hypothesis)i))
			continue;
		struct brief brief = {.in = inputs, .out = &list[count]};
		list[count] =
			(struct cause){.hypothesis = (enum hypothesis)i, .entity = ENTITY_NONE};
		if (i != HYPOTHESIS_TELEMETRY_FAULT)
			list[count].onset_ms = inputs->memory->trips[i].onset_ms;
		argue(&brief, (enum hypothesis)i);
		if (faulty && i != HYPOTHESIS_TELEMETRY_FAULT) {
			if (brief.contradicts <= 0)
				list[count].score -= 3;
			speak_against(&brief, "much of what it stands on is stale");
		}
		if (list[count].onset_ms < earliest_ms)
			earliest_ms = list[count].onset_ms;
		count++;
	}
	for (size_t i = 0; i < count; i++) {
		double late_ms = (double)(list[i].onset_ms - earliest_ms - CAUSE_TIE_MS);
		double precedence = 1 - fmax(late_ms, 0) / CAUSE_REACH_MS;
		list[i].score += 3 * fmax(precedence, 0);
		enter(assessment, &list[i]);
	}
}
