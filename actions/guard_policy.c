#include "actions/guard_policy.h"

#include <stdio.h>
#include <string.h>

#include "actions/approval.h"
#include "actions/coordination.h"
#include "actions/gate.h"
#include "actions/ticket.h"
#include "core/base/clock.h"
#include "core/fleet/snapshot.h"

void guard_check_cooldown(const struct guard_context *context, struct verdict *out)
{
	int64_t since_ms = context->now_ms - context->facts->last_change_ms;
	int64_t left_ms = context->limits->cooldown_ms - since_ms;
	char since[CLOCK_TEXT_BYTES];
	char left[CLOCK_TEXT_BYTES];
	if (context->facts->is_undo) {
		guard_say(out, VERDICT_PASS, "takes back our own change: no waiting");
	} else if (context->plan->verb->is_release) {
		guard_say(out, VERDICT_PASS, "ends what is on: no waiting");
	} else if (context->facts->last_change_ms == 0 || left_ms <= 0) {
		guard_say(out, VERDICT_PASS, "no change of this target just now");
	} else {
		clock_format_span(since_ms, since);
		clock_format_span(left_ms, left);
		guard_say(out, VERDICT_BLOCK,
			"this target was changed %s ago: see what came of it, and try again in %s",
			since, left);
	}
}

void guard_check_brake(const struct guard_context *context, struct verdict *out)
{
	const struct plan_facts *facts = context->facts;
	const struct guard_config *limits = context->limits;
	char window[CLOCK_TEXT_BYTES];
	char left[CLOCK_TEXT_BYTES];
	clock_format_span(limits->brake_window_ms, window);
	if (facts->is_undo) {
		guard_say(out, VERDICT_PASS, "takes back our own change: not counted");
	} else if (context->plan->verb->is_release) {
		guard_say(out, VERDICT_PASS, "ends what is on: not held up");
	} else if (limits->brake_by_hand && facts->brake_tripped_ms > 0) {
		clock_format_span(context->now_ms - facts->brake_tripped_ms, left);
		guard_say(out, VERDICT_BLOCK,
			"%lld changes were made within %s, the last %s ago: stop and look at what "
			"they did, then 'spillway gate acknowledge --reason TEXT'",
			(long long)limits->brake, window, left);
	} else if ((int64_t)facts->recent_changes < limits->brake) {
		guard_say(out, VERDICT_PASS, "change %zu of at most %lld within %s",
			facts->recent_changes + 1, (long long)limits->brake, window);
	} else {
		clock_format_span(facts->brake_free_ms - context->now_ms, left);
		guard_say(out, VERDICT_BLOCK,
			"%zu changes within %s, at most %lld may be made: stop and look; the next "
			"is free in %s",
			facts->recent_changes, window, (long long)limits->brake, left);
	}
}

void guard_check_gate(const struct guard_context *context, struct verdict *out)
{
	const struct gate *gate = context->facts->gate;
	char at[CLOCK_TEXT_BYTES];
	if (!gate) {
		guard_say(out, VERDICT_PASS, "there is no gate here");
	} else if (context->facts->is_undo || context->plan->verb->is_release) {
		guard_say(out, VERDICT_PASS, "takes back or ends what is on: no gate holds it");
	} else if (gate->is_unknown) {
		guard_say(out, VERDICT_UNKNOWN, "%.200s: whether the gate is closed is not known",
			gate->why);
	} else if (gate->is_closed) {
		clock_format(gate->since_ms, false, at);
		guard_say(out, VERDICT_BLOCK,
			"closed by %.60s, %s: %.120s; 'spillway gate open' opens it", gate->by, at,
			gate->why);
	} else {
		guard_say(out, VERDICT_PASS, "the gate is open");
	}
}

static bool is_frozen(const struct freeze *freeze, int64_t now_ms)
{
	return now_ms >= freeze->from_ms && now_ms < freeze->until_ms;
}

/* When it ends that nothing may be changed with that ticket: freezes that touch are one. */
static int64_t thaw_ms(const struct guard_config *limits, const char *ticket, int64_t from_ms)
{
	int64_t end_ms = from_ms;
	for (bool longer = true; longer;) {
		longer = false;
		for (size_t i = 0; i < limits->freeze_count; i++) {
			const struct freeze *freeze = &limits->freezes[i];
			if (is_frozen(freeze, end_ms) &&
				!ticket_fits(freeze->except_ticket, ticket)) {
				end_ms = freeze->until_ms;
				longer = true;
			}
		}
	}
	return end_ms;
}

/* How to go on in a freeze that does not let the plan pass. */
static void say_frozen(
	const struct guard_context *context, const struct freeze *freeze, struct verdict *out)
{
	const char *ticket = context->facts->ticket;
	char at[CLOCK_TEXT_BYTES];
	char way[ACTION_TEXT_BYTES / 2] =
		"a ticket lets nothing pass here, only '--override freeze'";
	clock_format(thaw_ms(context->limits, ticket, context->now_ms), false, at);
	if (freeze->except_ticket && ticket && ticket[0])
		snprintf(way, sizeof(way), "ticket %s is not of the form %s that may pass", ticket,
			freeze->except_ticket);
	else if (freeze->except_ticket)
		snprintf(way, sizeof(way), "'--ticket' of the form %s may pass",
			freeze->except_ticket);
	guard_say(out, VERDICT_BLOCK, "frozen until %s%s%.120s; %s", at, freeze->why[0] ? ": " : "",
		freeze->why, way);
}

void guard_check_freeze(const struct guard_context *context, struct verdict *out)
{
	const struct guard_config *limits = context->limits;
	char at[CLOCK_TEXT_BYTES];
	const struct freeze *next = NULL;
	const struct freeze *passed = NULL;
	if (context->facts->is_undo) {
		guard_say(out, VERDICT_PASS, "takes back our own change: no freeze holds it");
		return;
	}
	for (size_t i = 0; i < limits->freeze_count; i++) {
		const struct freeze *freeze = &limits->freezes[i];
		bool is_now = is_frozen(freeze, context->now_ms);
		if (is_now && !ticket_fits(freeze->except_ticket, context->facts->ticket)) {
			say_frozen(context, freeze, out);
			return;
		}
		if (is_now)
			passed = freeze;
		if (freeze->from_ms > context->now_ms && (!next || freeze->from_ms < next->from_ms))
			next = freeze;
	}
	if (passed) {
		clock_format(passed->until_ms, false, at);
		guard_say(out, VERDICT_WARN, "frozen until %s%s%.120s; ticket %s lets it pass", at,
			passed->why[0] ? ": " : "", passed->why, context->facts->ticket);
		return;
	}
	if (!next) {
		guard_say(out, VERDICT_PASS, "no freeze is ahead");
		return;
	}
	clock_format(next->from_ms, false, at);
	guard_say(out, VERDICT_PASS, "not frozen; the next freeze begins %s", at);
}

void guard_check_min_serving(const struct guard_context *context, struct verdict *out)
{
	const struct plan *plan = context->plan;
	const struct snapshot *snapshot = context->snapshot;
	const struct entity *target = fleet_entity(snapshot->fleet, plan->target);
	if (target->kind != ENTITY_REPLICA) {
		guard_say(out, VERDICT_PASS, "takes no replica out");
		return;
	}
	uint32_t replica = ENTITY_NONE;
	long long left = 0;
	while ((replica = fleet_next(snapshot->fleet, ENTITY_REPLICA, target->parent, replica)) !=
		ENTITY_NONE)
		left += replica != plan->target && replica < snapshot->entity_count &&
			target_serves(snapshot, replica);
	bool ok = left >= context->limits->min_serving;
	guard_say(out, ok ? VERDICT_PASS : VERDICT_BLOCK,
		"%lld %s of %s would go on serving, %lld must", left,
		left == 1 ? "replica" : "replicas",
		fleet_entity(snapshot->fleet, target->parent)->path,
		(long long)context->limits->min_serving);
}

static bool keeps_away(const struct verb_row *verb)
{
	return verb && (verb->class == CLASS_SHIFT || verb->class == CLASS_DISRUPT);
}

/* The clusters that holds keep from their traffic, looked up once: fleets are large. */
struct held {
	uint32_t clusters[2 * HOLDS_MOST]; /* ours and of others */
	size_t count;
};

static void find_held(const struct guard_context *context, struct held *out)
{
	const struct fleet *fleet = context->snapshot->fleet;
	out->count = 0;
	for (size_t i = 0; i < context->facts->hold_count && out->count < 2 * HOLDS_MOST; i++) {
		const struct hold *hold = &context->facts->holds[i];
		uint32_t entity =
			keeps_away(hold->verb)
				? fleet_find_path(fleet, hold->verb->target, hold->target_path)
				: ENTITY_NONE;
		uint32_t cluster =
			entity == ENTITY_NONE ? ENTITY_NONE : fleet_cluster_of(fleet, entity);
		if (cluster != ENTITY_NONE)
			out->clusters[out->count++] = cluster;
	}
}

static bool is_held(const struct held *held, uint32_t cluster)
{
	for (size_t i = 0; i < held->count; i++) {
		if (held->clusters[i] == cluster)
			return true;
	}
	return false;
}

/* However small each change is: many small ones are a large one. */
void guard_check_held(const struct guard_context *context, struct verdict *out)
{
	const struct fleet *fleet = context->snapshot->fleet;
	uint32_t own = fleet_cluster_of(fleet, context->plan->target);
	uint32_t cluster = ENTITY_NONE;
	struct held known;
	unsigned all = 0;
	unsigned held = 0;
	find_held(context, &known);
	while ((cluster = fleet_next(fleet, ENTITY_CLUSTER, ENTITY_NONE, cluster)) != ENTITY_NONE) {
		all++;
		held += cluster == own || is_held(&known, cluster);
	}
	unsigned most = (unsigned)(context->limits->max_held * all + 1e-9);
	if (most < 1)
		most = 1;
	if (context->facts->is_undo)
		guard_say(out, VERDICT_PASS, "takes back our own change: one less is held");
	else if (own == ENTITY_NONE || is_held(&known, own))
		guard_say(out, VERDICT_PASS, "no further cluster is kept from its traffic");
	else
		guard_say(out, held > most ? VERDICT_BLOCK : VERDICT_PASS,
			"%u of %u clusters would be kept from their usual traffic at once, at most "
			"%u may%s",
			held, all, most,
			held > most ? ": take one back first, see 'spillway holds'" : "");
}

/* Who is already at it; taken for good only as the change begins. */
void guard_check_lock(const struct guard_context *context, struct verdict *out)
{
	const struct coordination_view *view = context->facts->coordination;
	if (!view || view->state == COORDINATION_GRANTED) {
		guard_say(out, VERDICT_PASS,
			view ? "nobody else acts there now" : "there is nobody to agree with");
	} else if (view->state == COORDINATION_TAKEN) {
		/* What another is in the middle of is nobody's to set aside. */
		out->overridable = false;
		guard_say(out, VERDICT_BLOCK, "%.300s", view->text);
	} else {
		guard_say(out, VERDICT_UNKNOWN,
			"whether somebody else acts there cannot be known: %.200s", view->text);
	}
}

static bool sets_aside(const struct plan_facts *facts, const char *guard)
{
	for (size_t i = 0; i < facts->override_count; i++) {
		if (strcmp(facts->overrides[i], guard) == 0)
			return true;
	}
	return false;
}

/* Why one person is not enough; "" when one is. */
static void needs_two(const struct guard_context *context, char *out, size_t size)
{
	const struct plan *plan = context->plan;
	double most = context->limits->approve_above;
	out[0] = '\0';
	if (context->facts->needs_approval) {
		snprintf(out, size, "the runbook's step asks for it");
		return;
	}
	if (!(most > 0) || context->facts->is_undo || plan->verb->class == CLASS_RELIEVE)
		return;
	static const char *const weighty[] = {"capacity", "blast-radius", "held"};
	for (size_t i = 0; i < sizeof(weighty) / sizeof(weighty[0]); i++) {
		if (sets_aside(context->facts, weighty[i])) {
			snprintf(out, size, "guard %s is set aside", weighty[i]);
			return;
		}
	}
	if (plan->verb->class == CLASS_DISRUPT)
		snprintf(out, size, "%s disrupts", plan->verb->name);
	else if (plan->verb->move == MOVE_DIVERT && plan->to <= 0)
		snprintf(out, size, "it takes all traffic from %.60s", plan->target_path);
	else if (!plan->projection.known)
		snprintf(out, size, "how much traffic moves is not known");
	else if (plan->projection.moved_share > most + 1e-9)
		snprintf(out, size, "%.1f%% of all traffic moves, more than %.1f%%",
			plan->projection.moved_share * 100, most * 100);
}

void guard_check_two_person(const struct guard_context *context, struct verdict *out)
{
	char why[ACTION_TEXT_BYTES / 2];
	const struct plan *plan = context->plan;
	needs_two(context, why, sizeof(why));
	if (!why[0]) {
		guard_say(out, VERDICT_PASS, "one person may do this");
		return;
	}
	const struct approval *approval = context->facts->approval;
	if (!approval || strcmp(approval->hash, plan->hash) != 0) {
		guard_say(out, VERDICT_BLOCK, "%s: another person has to say 'spillway approve %s'",
			why, plan->id);
		return;
	}
	switch (approval_state(approval, context->now_ms)) {
	case APPROVAL_GIVEN:
		guard_say(out, VERDICT_PASS, "approved by %s, asked for by %s",
			approval->decided_by, approval->asked_by);
		return;
	case APPROVAL_DENIED:
		guard_say(out, VERDICT_BLOCK, "denied by %s%s%.120s", approval->decided_by,
			approval->text[0] ? ": " : "", approval->text);
		return;
	case APPROVAL_EXPIRED:
		guard_say(out, VERDICT_BLOCK, "%s: the approval asked for has run out, ask again",
			why);
		return;
	case APPROVAL_PENDING:
		if (approval->doubt[0])
			guard_say(out, VERDICT_BLOCK, "%.100s: %.200s", why, approval->doubt);
		else
			guard_say(out, VERDICT_BLOCK, "%s: %s waits for another person's approval",
				why, plan->id);
		return;
	}
}

void guard_check_expiry(const struct guard_context *context, struct verdict *out)
{
	char span[CLOCK_TEXT_BYTES];
	if (context->plan->hold_ms <= 0) {
		guard_say(
			out, VERDICT_PASS, "takes back our own change: nothing is left to expire");
		return;
	}
	clock_format_span(context->plan->hold_ms, span);
	if (strncmp(context->plan->undo, "none", 4) == 0) {
		guard_say(out, VERDICT_WARN,
			"held and shown as expired after %s, but nothing can take it back by "
			"itself: a person has to",
			span);
		return;
	}
	if (context->plan->on_expiry == EXPIRY_HOLD_AND_PAGE) {
		guard_say(out, VERDICT_WARN,
			"held and shown as expired after %s: its action leaves it to a person to "
			"take back",
			span);
		return;
	}
	guard_say(out, VERDICT_PASS,
		"holds for %s, then 'spillway reap' takes it back if that is safe%s", span,
		context->plan->on_expiry == EXPIRY_REVERT_IF_HEALTHY ? " and healthy" : "");
}

/* A hold that ends only if its maker is still there is none where nobody is. */
void guard_check_protection(const struct guard_context *context, struct verdict *out)
{
	const struct plan *plan = context->plan;
	const struct plan_facts *facts = context->facts;
	static const char how[] =
		"plant a timer beside it (revert in its ssh section), or let a service run "
		"'spillway reap'";
	if (plan->hold_ms <= 0)
		guard_say(out, VERDICT_PASS, "nothing is left to take back");
	else if (plan->planted && plan->planted[0])
		guard_say(out, VERDICT_PASS,
			"a timer beside the target (%s) takes it back, whatever becomes of us",
			plan->planted);
	else if (plan->on_expiry == EXPIRY_HOLD_AND_PAGE)
		guard_say(out, VERDICT_WARN, "its action leaves it to a person to take back");
	else if (facts->is_reaped)
		guard_say(out, VERDICT_PASS, "'spillway reap' runs here and takes it back");
	else if (!facts->is_unattended)
		guard_say(out, VERDICT_PASS, "somebody sits here to take it back");
	else
		/* What is a bad habit elsewhere is refused where it hurts. */
		guard_say(out, plan->needs_typed_name ? VERDICT_BLOCK : VERDICT_WARN,
			"nobody sits here and nothing takes it back: %s", how);
}
