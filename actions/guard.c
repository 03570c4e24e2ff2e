#include "actions/guard.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actions/guard_assert.h"
#include "actions/guard_policy.h"
#include "actions/template.h"
#include "core/assess/assess.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/number.h"
#include "core/fleet/snapshot.h"

#define ALL_CLASSES \
	(1u << CLASS_RELIEVE | 1u << CLASS_SHIFT | 1u << CLASS_GROW | 1u << CLASS_DISRUPT)
#define VALUE_BYTES NUMBER_TEXT_BYTES

void guard_say(struct verdict *out, enum verdict_kind kind, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(out->text, sizeof(out->text), format, arguments);
	va_end(arguments);
	out->kind = kind;
}

static const char *number(double value, char out[VALUE_BYTES])
{
	if (!template_number(value, out, VALUE_BYTES, NULL))
		snprintf(out, VALUE_BYTES, "?");
	return out;
}

static const char *path_of(const struct guard_context *context, uint32_t entity)
{
	return fleet_entity(context->snapshot->fleet, entity)->path;
}

static const char *signal_name(const struct guard_context *context)
{
	return signal_row(context->plan->verb->reads)->name;
}

/* ---- may anything be written at all ---- */

static void check_read_only(const struct guard_context *context, struct verdict *out)
{
	if (context->facts->armed)
		guard_say(out, VERDICT_PASS, "armed: changes are allowed now");
	else if (context->plan->is_end)
		guard_say(out, VERDICT_PASS,
			"ends a hold whose time is over: that was confirmed with the hold");
	else
		guard_say(out, VERDICT_BLOCK,
			"read-only: nothing is changed until the operator arms it first");
}

static void check_journal(const struct guard_context *context, struct verdict *out)
{
	const char *trouble = context->facts->journal_trouble;
	if (trouble && !trouble[0])
		guard_say(out, VERDICT_PASS, "the journal can be written");
	else
		guard_say(out, VERDICT_BLOCK, "%.250s: what cannot be recorded is not done",
			trouble ? trouble : "there is no journal");
}

/* ---- is what the plan stands on known and fresh ---- */

static void check_preflight(const struct guard_context *context, struct verdict *out)
{
	const struct target_value *value = context->value;
	char low[VALUE_BYTES];
	char high[VALUE_BYTES];
	char age[CLOCK_TEXT_BYTES];
	const char *target = context->plan->target_path;
	bool is_release = context->plan->verb->is_release;
	if (!value->known && is_release) {
		guard_say(out, VERDICT_WARN,
			"%s of %s is not known; what was not begun stays as it is, so it may be "
			"ended",
			signal_name(context), path_of(context, value->missing));
		return;
	}
	if (!value->known) {
		guard_say(out, VERDICT_UNKNOWN,
			"%s of %s is not known, so there is nothing to go back to",
			signal_name(context), path_of(context, value->missing));
		return;
	}
	int64_t age_ms = context->now_ms - value->oldest_at_ms;
	clock_format_span(age_ms, age);
	if (age_ms > context->limits->max_age_ms)
		guard_say(out, is_release ? VERDICT_WARN : VERDICT_BLOCK,
			"%s of %s was read %s ago: wait for a newer reading, or mend its source",
			signal_name(context), path_of(context, value->oldest), age);
	else if (!target_equal(value->low, value->high))
		guard_say(out, VERDICT_WARN,
			"%s differs within %s, from %s to %s: the change and its undo level that",
			signal_name(context), target, number(value->low, low),
			number(value->high, high));
	else
		guard_say(out, VERDICT_PASS, "%s of %s is %s, read %s ago", signal_name(context),
			target, number(value->low, low), age);
}

/* The oldest of the readings that the projection stands on. */
struct oldest {
	const struct guard_context *context;
	uint32_t entity;
	enum signal signal;
	int64_t age_ms;
	size_t seen;   /* of the last cluster: pools with fresh readings */
	size_t silent; /* replicas counted as out */
};

static void note(struct oldest *oldest, uint32_t entity, enum signal signal)
{
	const struct reading *reading = snapshot_reading(oldest->context->snapshot, entity, signal);
	int64_t age_ms = oldest->context->now_ms - reading->at_ms;
	if (reading->at_ms != 0 && age_ms > oldest->age_ms) {
		oldest->age_ms = age_ms;
		oldest->entity = entity;
		oldest->signal = signal;
	}
}

static const enum signal pool_signals[] = {
	SIGNAL_POOL_USED, SIGNAL_POOL_BUSY, SIGNAL_POOL_MAX, SIGNAL_POOL_WAITING};
#define POOL_SIGNALS (sizeof(pool_signals) / sizeof(pool_signals[0]))

/* Whether anything the entity's pool reports is young enough to decide on. */
static bool has_fresh_pool(const struct guard_context *context, uint32_t entity)
{
	for (size_t i = 0; i < POOL_SIGNALS; i++) {
		const struct reading *reading =
			snapshot_reading(context->snapshot, entity, pool_signals[i]);
		if (reading->at_ms != 0 &&
			context->now_ms - reading->at_ms <= context->limits->max_age_ms)
			return true;
	}
	return false;
}

static void note_pool(struct oldest *oldest, uint32_t entity)
{
	oldest->seen += has_fresh_pool(oldest->context, entity);
	for (size_t i = 0; i < POOL_SIGNALS; i++)
		note(oldest, entity, pool_signals[i]);
}

static bool is_known_out(const struct snapshot *snapshot, uint32_t replica)
{
	double up = 1;
	double maintenance = 0;
	return (snapshot_value(snapshot, replica, SIGNAL_REPLICA_UP, &up) && up <= 0) ||
	       (snapshot_value(snapshot, replica, SIGNAL_REPLICA_MAINTENANCE, &maintenance) &&
		       maintenance > 0);
}

/*
 * A replica from which nothing at all is heard is taken as out: its silence must not forbid the
 * very change that its loss calls for. One that serves but whose pool is not heard of is another
 * matter: its load is unknown, and that blocks.
 */
static void note_cluster(struct oldest *oldest, uint32_t cluster)
{
	const struct snapshot *snapshot = oldest->context->snapshot;
	note(oldest, cluster, SIGNAL_CLUSTER_WEIGHT);
	oldest->seen = 0;
	note_pool(oldest, cluster);
	uint32_t replica = ENTITY_NONE;
	while ((replica = fleet_next(snapshot->fleet, ENTITY_REPLICA, cluster, replica)) !=
		ENTITY_NONE) {
		if (target_serves(snapshot, replica))
			note_pool(oldest, replica);
		else if (!is_known_out(snapshot, replica))
			oldest->silent++;
	}
}

static void check_staleness(const struct guard_context *context, struct verdict *out)
{
	const struct projection *projection = &context->plan->projection;
	struct oldest oldest = {.context = context, .entity = ENTITY_NONE, .age_ms = -1};
	if (context->plan->verb->move == MOVE_UNKNOWN) {
		guard_say(out, VERDICT_WARN,
			"nobody can say what this action does, so no reading is asked for");
		return;
	}
	char age[CLOCK_TEXT_BYTES];
	char most[CLOCK_TEXT_BYTES];
	clock_format_span(context->limits->max_age_ms, most);
	uint32_t blank = ENTITY_NONE;
	for (size_t i = 0; i < projection->line_count; i++) {
		uint32_t cluster = projection->lines[i].cluster;
		const struct cluster_assessment *row =
			assessment_cluster(context->assessment, cluster);
		if (!projection->lines[i].changed)
			continue;
		note_cluster(&oldest, cluster);
		if (blank == ENTITY_NONE && (oldest.seen == 0 || !row || row->stale))
			blank = cluster;
	}
	clock_format_span(oldest.age_ms, age);
	if (oldest.age_ms > context->limits->max_age_ms)
		guard_say(out, VERDICT_BLOCK, "%s of %s is %s old, at most %s may be decided on",
			signal_row(oldest.signal)->name, path_of(context, oldest.entity), age,
			most);
	else if (blank != ENTITY_NONE)
		guard_say(out, VERDICT_UNKNOWN,
			"no pool of %s has been read within %s: its load is not known",
			path_of(context, blank), most);
	else if (context->now_ms - context->snapshot->at_ms > context->limits->max_age_ms)
		guard_say(out, VERDICT_BLOCK, "the newest snapshot is older than %s", most);
	else if (oldest.entity == ENTITY_NONE)
		guard_say(out, VERDICT_UNKNOWN, "nothing that the projection needs has been read");
	else
		guard_say(out, oldest.silent ? VERDICT_WARN : VERDICT_PASS,
			"inputs at most %s old (limit %s)%s", age, most,
			oldest.silent ? "; a silent replica is counted as out" : "");
}

/* ---- would it fit ---- */

static void add_offer(const struct guard_context *context, struct verdict *out)
{
	char safe[VALUE_BYTES];
	double value = context->plan->largest_safe_to;
	size_t used = strlen(out->text);
	if (isnan(value) || target_equal(value, context->plan->to))
		return;
	snprintf(out->text + used, sizeof(out->text) - used, "; safe at most: %s=%s",
		context->plan->verb->parameter, number(value, safe));
}

/* The fullest of the clusters the move touches; NULL when none is known. */
static const struct projection_line *fullest(const struct projection *projection)
{
	const struct projection_line *worst = NULL;
	for (size_t i = 0; i < projection->line_count; i++) {
		const struct projection_line *line = &projection->lines[i];
		if (line->changed && line->known && (!worst || line->use_high > worst->use_high))
			worst = line;
	}
	return worst;
}

/* A pause carries nothing by design: what counts is who waits, and how much longer than they will.
 */
static void check_pause(const struct guard_context *context, struct verdict *out)
{
	const struct plan *plan = context->plan;
	const struct fleet *fleet = context->snapshot->fleet;
	char span[CLOCK_TEXT_BYTES];
	double least_ms = INFINITY;
	uint32_t service = ENTITY_NONE;
	while ((service = fleet_next(fleet, ENTITY_SERVICE, ENTITY_NONE, service)) != ENTITY_NONE) {
		uint32_t cluster = fleet_cluster_of(fleet, service);
		if (cluster == ENTITY_NONE || cluster == plan->target)
			least_ms = fmin(least_ms, fleet_entity(fleet, service)->timeout_ms);
	}
	clock_format_span(plan->hold_ms, span);
	bool fails = least_ms < (double)plan->hold_ms;
	guard_say(out, VERDICT_WARN, "whatever asks %s waits while it is paused, at most %s%s",
		plan->target_path, span, fails ? "; callers that give up earlier fail" : "");
}

static void check_capacity(const struct guard_context *context, struct verdict *out)
{
	const struct projection *projection = &context->plan->projection;
	double ceiling = context->limits->ceiling * 100;
	if (!projection->known) {
		guard_say(out, VERDICT_UNKNOWN, "cannot be projected: %.200s",
			projection->unknown_why[0] ? projection->unknown_why
						   : "too little is known");
		return;
	}
	if (context->plan->verb->move == MOVE_PAUSE_POOL) {
		check_pause(context, out);
		return;
	}
	for (size_t i = 0; i < projection->line_count; i++) {
		const struct projection_line *line = &projection->lines[i];
		if (!line->over_ceiling)
			continue;
		if (projection->sum[0])
			guard_say(out, VERDICT_BLOCK, "%.260s", projection->sum);
		else
			guard_say(out, VERDICT_BLOCK, "%s %.0f%% -> %.0f%%, ceiling %.0f%%",
				path_of(context, line->cluster), line->use_before * 100,
				line->use_high * 100, ceiling);
		/* The sum tells its own largest step, which other guards may narrow. */
		if (!projection->sum[0] ||
			!target_equal(context->plan->largest_safe_to, projection->largest_safe_to))
			add_offer(context, out);
		return;
	}
	const struct projection_line *worst = fullest(projection);
	if (!worst)
		guard_say(out, VERDICT_UNKNOWN, "no cluster is known that this would touch");
	else
		guard_say(out,
			worst->use_high > context->limits->ceiling ? VERDICT_WARN : VERDICT_PASS,
			"fullest afterwards: %s %.0f%% -> %.0f%% (ceiling %.0f%%)%s",
			path_of(context, worst->cluster), worst->use_before * 100,
			worst->use_high * 100, ceiling,
			worst->use_high > context->limits->ceiling ? ", over it but no worse" : "");
}

static void check_ledger(const struct guard_context *context, struct verdict *out)
{
	const struct projection *projection = &context->plan->projection;
	const struct projection_line *tightest = NULL;
	for (size_t i = 0; projection->known && i < projection->line_count; i++) {
		const struct projection_line *line = &projection->lines[i];
		if (isnan(line->connections_after))
			continue;
		if (!tightest || isnan(line->connections_max) ||
			(!isnan(tightest->connections_max) &&
				line->connections_max - line->connections_after <
					tightest->connections_max - tightest->connections_after))
			tightest = line;
	}
	if (!tightest) {
		guard_say(out, VERDICT_UNKNOWN, "what the pools may open afterwards is not known");
		return;
	}
	const char *cluster = path_of(context, tightest->cluster);
	double after = tightest->connections_after;
	double max = tightest->connections_max;
	if (isnan(max)) {
		guard_say(out, VERDICT_UNKNOWN,
			"pools of %s may open %.0f, but what the database allows is not known: set "
			"fleet.clusters.%s.connections_max",
			cluster, after, cluster);
	} else if (after > max) {
		guard_say(out, VERDICT_BLOCK,
			"pools of %s could open %.0f connections to one database, %.0f more than "
			"the %.0f it allows",
			cluster, after, after - max, max);
		add_offer(context, out);
	} else {
		guard_say(out, VERDICT_PASS,
			"pools of %s may open %.0f of the %.0f connections one database allows",
			cluster, after, max);
	}
}

/* ---- how much at once ---- */

/* Giving back is paced by the share of all traffic: a small weight may grow by many times. */
static bool is_restore(const struct plan *plan)
{
	return strcmp(plan->verb->name, "cluster.restore") == 0;
}

static double blast_radius(const struct guard_context *context)
{
	const struct guard_config *limits = context->limits;
	return is_restore(context->plan) ? fmin(limits->max_return, limits->blast_radius)
					 : limits->blast_radius;
}

/* The setting furthest from `from` in the direction of `to` that one step may reach. */
static double step_limit(const struct guard_config *limits, const struct plan *plan)
{
	if (is_restore(plan))
		return plan->to > plan->from ? INFINITY : plan->from;
	if (plan->verb->class == CLASS_SHIFT) {
		double keep = 1 - limits->max_divert;
		if (plan->to < plan->from)
			return plan->from * keep;
		return keep > 0 ? plan->from / keep : INFINITY;
	}
	/* Less that relieves, and any limit where there was none, is no step too far. */
	if ((plan->verb->class == CLASS_RELIEVE && plan->to < plan->from) || plan->from < 0)
		return plan->to;
	if (plan->to < 0)
		return plan->from;
	return plan->to > plan->from ? plan->from * limits->max_step
				     : plan->from / limits->max_step;
}

static bool is_past(const struct plan *plan, double limit)
{
	return !target_equal(plan->to, limit) && !target_equal(plan->to, plan->from) &&
	       (plan->to > plan->from ? plan->to > limit : plan->to < limit);
}

static void check_step(const struct guard_context *context, struct verdict *out)
{
	const struct plan *plan = context->plan;
	char rule[64];
	char from[VALUE_BYTES];
	char to[VALUE_BYTES];
	if (context->facts->is_undo || plan->verb->is_fixed) {
		guard_say(out, VERDICT_PASS,
			context->facts->is_undo ? "takes back our own change: any step may be"
						: "there is one step only");
		return;
	}
	if (isnan(plan->from)) {
		guard_say(out, VERDICT_UNKNOWN,
			"the present value is not known, so neither is the step");
		return;
	}
	if (is_restore(plan) && plan->to < plan->from) {
		guard_say(out, VERDICT_BLOCK, "a restore raises the weight: use cluster.divert");
		return;
	}
	if (is_restore(plan))
		snprintf(rule, sizeof(rule), "what blast-radius allows");
	else if (plan->verb->class == CLASS_SHIFT)
		snprintf(rule, sizeof(rule), "%.0f%% of the weight",
			context->limits->max_divert * 100);
	else
		snprintf(rule, sizeof(rule), "a factor of %.2g", context->limits->max_step);
	bool past = is_past(plan, step_limit(context->limits, plan));
	guard_say(out, past ? VERDICT_BLOCK : VERDICT_PASS, "%s -> %s %s, %s at a time",
		number(plan->from, from), number(plan->to, to),
		past ? "is too much at once" : "is within the step", rule);
	if (past)
		add_offer(context, out);
}

/* The weight at which the share that moves is just the blast radius. */
static double blast_limit(const struct guard_context *context)
{
	const struct plan *plan = context->plan;
	const struct projection *projection = &plan->projection;
	for (size_t i = 0; i < projection->line_count; i++) {
		const struct projection_line *line = &projection->lines[i];
		if (line->cluster != plan->target || !(line->share_before > 0) ||
			!(line->share_before < 1))
			continue;
		double others = plan->from / line->share_before - plan->from;
		double share = plan->to < plan->from ? line->share_before - blast_radius(context)
						     : line->share_before + blast_radius(context);
		if (share <= 0)
			return 0;
		return share >= 1 ? INFINITY : share * others / (1 - share);
	}
	return plan->to;
}

static void check_blast(const struct guard_context *context, struct verdict *out)
{
	const struct projection *projection = &context->plan->projection;
	double most = blast_radius(context);
	if (!projection->known) {
		guard_say(out, VERDICT_UNKNOWN, "how much traffic moves cannot be projected");
		return;
	}
	bool past = projection->moved_share > most + 1e-9;
	guard_say(out, past ? VERDICT_BLOCK : VERDICT_PASS,
		"%.1f%% of all traffic moves, %s %.0f%% that may", projection->moved_share * 100,
		past ? "more than the" : "within the", most * 100);
	if (past)
		add_offer(context, out);
}

static void check_no_change(const struct guard_context *context, struct verdict *out)
{
	char value[VALUE_BYTES];
	if (context->plan->no_change)
		guard_say(out, VERDICT_WARN, "%s is %s already: nothing would be sent",
			signal_name(context), number(context->plan->to, value));
	else
		guard_say(out, VERDICT_PASS, "the value differs from the present one");
}

/* ---- never the last one ---- */

static bool others_serve(const struct guard_context *context)
{
	uint32_t cluster = ENTITY_NONE;
	while ((cluster = fleet_next(context->snapshot->fleet, ENTITY_CLUSTER, ENTITY_NONE,
			cluster)) != ENTITY_NONE) {
		double weight = 0;
		if (cluster != context->plan->target &&
			snapshot_value(
				context->snapshot, cluster, SIGNAL_CLUSTER_WEIGHT, &weight) &&
			weight > 0)
			return true;
	}
	return false;
}

static void check_last_serving(const struct guard_context *context, struct verdict *out)
{
	const struct plan *plan = context->plan;
	if (plan->to > 0)
		guard_say(out, VERDICT_PASS, "%s goes on serving", plan->target_path);
	else if (others_serve(context))
		guard_say(out, VERDICT_PASS, "other clusters go on serving");
	else
		guard_say(out, VERDICT_BLOCK,
			"no other cluster is known to have weight: nothing would serve any more; "
			"give another one weight first");
}

static const struct guard_row rows[] = {
	{"read-only", "nothing changes until the operator arms it", false, "", "needs no readings",
		ALL_CLASSES, false, check_read_only},
	{"preflight", "the value before is known and fresh, so that there is a way back", false,
		"max_age",
		"blocks: an unknown value is unknown, an old one blocks; the end of a pause or a "
		"silence goes on, with a warning",
		ALL_CLASSES, false, check_preflight},
	{"staleness", "every reading the projection uses is at most max_age old", false, "max_age",
		"blocks; a replica that is wholly silent is counted as out",
		1u << CLASS_SHIFT | 1u << CLASS_GROW | 1u << CLASS_DISRUPT, true, check_staleness},
	{"capacity",
		"no surviving pool may pass the ceiling because of it, chance included, nor the "
		"use from which so small a pool fills by retries alone; a pause, which carries "
		"nothing, warns",
		true, "ceiling",
		"unknown, which blocks; an effect that cannot be projected is unknown too",
		1u << CLASS_SHIFT | 1u << CLASS_GROW | 1u << CLASS_DISRUPT, true, check_capacity},
	{"ledger", "all pools of one database together fit the connections it allows", true, "",
		"unknown, which blocks", 1u << CLASS_GROW, true, check_ledger},
	{"step",
		"one command changes at most max_step, or max_divert of a weight; less that "
		"relieves "
		"is no step",
		true, "max_step max_divert", "unknown, which blocks",
		1u << CLASS_RELIEVE | 1u << CLASS_SHIFT | 1u << CLASS_GROW, false, check_step},
	{"blast-radius",
		"one command moves at most blast_radius of all traffic, a restore max_return", true,
		"blast_radius", "unknown, which blocks", 1u << CLASS_SHIFT | 1u << CLASS_DISRUPT,
		true, check_blast},
	{"cooldown",
		"a target rests after a change; undo and the end of a pause or a silence are "
		"exempt",
		true, "cooldown", "needs no readings; runs whose outcome is unknown count",
		ALL_CLASSES, false, guard_check_cooldown},
	{"brake",
		"at most this many changes are made within the window, then somebody acknowledges "
		"what was done; undo and the end of a pause or a silence are exempt",
		true, "brake brake_window brake_release",
		"needs no readings; runs whose outcome is unknown count", ALL_CLASSES, false,
		guard_check_brake},
	{"freeze",
		"in a freeze nothing is changed that can wait; relief and undo are exempt, and so "
		"is "
		"a --ticket of the form that the freeze lets pass",
		true, "freeze", "needs no readings",
		1u << CLASS_SHIFT | 1u << CLASS_GROW | 1u << CLASS_DISRUPT, false,
		guard_check_freeze},
	{"min-serving", "a cluster that loses a replica keeps this many that serve", true,
		"min_serving", "a silent replica is counted as out", 1u << CLASS_DISRUPT, false,
		guard_check_min_serving},
	{"held", "at most this share of all clusters is kept from its usual traffic at once", true,
		"max_held", "needs no readings; holds whose outcome is unknown count",
		1u << CLASS_SHIFT | 1u << CLASS_DISRUPT, false, guard_check_held},
	{"two-person",
		"above this share of all traffic, or where a step of a runbook asks for it, "
		"another person approves the very plan; undo is exempt, and so is relief but where "
		"a step asks",
		true, "approve_above approve_within",
		"how much moves being unknown, another person is needed", ALL_CLASSES, false,
		guard_check_two_person},
	{"expiry", "a change is a hold that ends by itself", false, "expire",
		"needs no readings; taking it back does",
		1u << CLASS_SHIFT | 1u << CLASS_GROW | 1u << CLASS_DISRUPT, false,
		guard_check_expiry},
	{"protection", "in production a script holds nothing that only a person would take back",
		true, "", "needs no readings",
		1u << CLASS_SHIFT | 1u << CLASS_GROW | 1u << CLASS_DISRUPT, false,
		guard_check_protection},
	{"lock", "nobody else acts where it would act", true, "",
		"unknown, which blocks; set aside, only this machine is agreed with", ALL_CLASSES,
		false, guard_check_lock},
	{"no-change", "what is so already is not done again", false, "",
		"needs no readings beside preflight", ALL_CLASSES, false, check_no_change},
	{"last-serving", "the last cluster that serves keeps its weight", false, "",
		"a cluster whose weight is not known does not count as serving", 1u << CLASS_SHIFT,
		false, check_last_serving},
	{"gate",
		"nothing is changed while somebody has closed the gate ('spillway gate close'); "
		"undo and the end of a pause or a silence are exempt",
		false, "", "unknown, which blocks; needs no readings", ALL_CLASSES, false,
		guard_check_gate},
	{"assert",
		"the assertions of the fleet file hold: for what is so after the change as far as "
		"that is projected, else for what is so now; each is a verdict under its own name",
		false, "assert", "unknown, which blocks",
		1u << CLASS_SHIFT | 1u << CLASS_GROW | 1u << CLASS_DISRUPT, false, NULL},
	{"journal", "what cannot be recorded is not done", false, "", "needs no readings",
		ALL_CLASSES, false, check_journal},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))
_Static_assert(ROWS + GUARD_ASSERTS_MOST <= PLAN_VERDICTS_MOST, "a plan must hold every verdict");

const struct guard_row *guard_rows(size_t *count)
{
	*count = ROWS;
	return rows;
}

const struct guard_row *guard_find(const char *name)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	}
	return NULL;
}

/* Whichever of the two lies nearer to `from`. */
static double nearer(const struct plan *plan, double a, double b)
{
	return fabs(a - plan->from) <= fabs(b - plan->from) ? a : b;
}

double guards_largest_safe(const struct guard_context *context)
{
	const struct plan *plan = context->plan;
	double safe = plan->to;
	if (isnan(plan->from) || !plan->projection.known)
		return NAN;
	if (plan->projection.blocked)
		safe = plan->projection.largest_safe_to;
	if (isnan(safe))
		return NAN;
	if (!context->facts->is_undo)
		safe = nearer(plan, safe, step_limit(context->limits, plan));
	if (plan->verb->class == CLASS_SHIFT)
		safe = nearer(plan, safe, blast_limit(context));
	/* Whole numbers stay whole; shares such as 0.25 are let be. */
	if (plan->from >= 2 && plan->from == floor(plan->from))
		safe = safe < plan->from ? ceil(safe - 1e-9) : floor(safe + 1e-9);
	if (plan->verb->class == CLASS_SHIFT && safe <= 0 && !others_serve(context))
		return NAN;
	/* Rounded past the present value, or onto it: then there is no step that changes anything.
	 */
	bool moves = plan->to < plan->from ? safe < plan->from : safe > plan->from;
	return moves && !target_equal(safe, plan->from) ? safe : NAN;
}

bool guard_may_override(const struct guard_config *limits, const char *name, struct error *error)
{
	const struct guard_row *guard = guard_find(name);
	if ((guard && guard->overridable) || guard_assert_find(limits, name))
		return true;
	return error_set(error, ERROR_USAGE, "guard '%.60s' %s", name,
		!guard         ? "does not exist"
		: guard->check ? "cannot be overridden"
			       : "is set aside one by one: name the assertion");
}

static bool is_overridden(const struct plan_facts *facts, const char *name)
{
	for (size_t i = 0; i < facts->override_count; i++) {
		if (strcmp(facts->overrides[i], name) == 0)
			return true;
	}
	return false;
}

/* A verdict that was found, with what is set aside of it. */
static void keep(const struct guard_context *context, struct verdict *verdict, struct plan *plan)
{
	bool stops = verdict->kind == VERDICT_BLOCK || verdict->kind == VERDICT_UNKNOWN;
	verdict->overridden =
		stops && verdict->overridable && is_overridden(context->facts, verdict->guard);
	plan->blocked = plan->blocked || (stops && !verdict->overridden);
	plan->verdicts[plan->verdict_count++] = *verdict;
}

static void judge_assertions(const struct guard_context *context, struct plan *plan)
{
	const struct guard_config *limits = context->limits;
	for (size_t i = 0; i < limits->assert_count && i < GUARD_ASSERTS_MOST; i++) {
		struct verdict verdict = {.guard = limits->asserts[i].name,
			.kind = VERDICT_UNKNOWN,
			.overridable = true};
		guard_assert_check(context, &limits->asserts[i], &verdict);
		keep(context, &verdict, plan);
	}
}

void guards_judge(const struct guard_context *context, struct plan *plan)
{
	plan->verdict_count = 0;
	plan->blocked = false;
	plan->largest_safe_to = guards_largest_safe(context);
	enum action_class class = plan->is_rollback ? CLASS_RELIEVE : plan->verb->class;
	for (size_t i = 0; i < ROWS; i++) {
		if (!(rows[i].classes & 1u << class))
			continue;
		if (!rows[i].check) {
			judge_assertions(context, plan);
			continue;
		}
		struct verdict verdict = {.guard = rows[i].name,
			.kind = VERDICT_UNKNOWN,
			.overridable = rows[i].overridable};
		if (rows[i].projects && plan->verb->move == MOVE_NOTHING)
			guard_say(&verdict, VERDICT_PASS, "touches neither pools nor traffic");
		else
			rows[i].check(context, &verdict);
		keep(context, &verdict, plan);
	}
}
