#include "actions/plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "actions/approval.h"
#include "actions/guard.h"
#include "actions/read_back.h"
#include "actions/request.h"
#include "actions/template.h"
#include "core/assess/assess.h"
#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/error.h"
#include "core/base/number.h"
#include "core/base/text.h"
#include "core/fleet/snapshot.h"

#define HASHED_BYTES ((size_t)PLAN_REQUESTS_MOST * PLAN_LINE_BYTES + 1024)

void plan_init(struct plan *plan)
{
	*plan = (struct plan){.from = NAN,
		.to = NAN,
		.largest_safe_to = NAN,
		.waiting_before = NAN,
		.target = ENTITY_NONE,
		.planted = ""};
	projection_init(&plan->projection);
}

void plan_finish(struct plan *plan)
{
	projection_finish(&plan->projection);
	plan_init(plan);
}

bool plan_copy(const struct plan *from, struct plan *out)
{
	struct projection projection;
	projection_init(&projection);
	if (!projection_copy(&from->projection, &projection)) {
		projection_finish(&projection);
		return false;
	}
	projection_finish(&out->projection);
	*out = *from;
	out->projection = projection;
	return true;
}

static bool is_production(const char *environment)
{
	return strcasecmp(environment, "prod") == 0 || strcasecmp(environment, "production") == 0;
}

static bool check_arguments(const struct verb_row *verb, const struct snapshot *snapshot,
	uint32_t target, double to, struct error *error)
{
	const struct signal_row *row = signal_row(verb->reads);
	if (target >= snapshot->entity_count)
		return error_set(error, ERROR_USAGE, "target is not in the fleet as last seen");
	const struct entity *entity = fleet_entity(snapshot->fleet, target);
	if (entity->kind != verb->target)
		return error_set(error, ERROR_USAGE, "'%s' is a %s, but %s acts on a %s",
			entity->path, entity_kind_name(entity->kind), verb->name,
			entity_kind_name(verb->target));
	double most = fmin(row->max, 1e6);
	if (!isfinite(to) || to < verb->least || to > most)
		return error_set(error, ERROR_USAGE, "%s must be a number from %.0f to %.0f",
			verb->parameter, verb->least, most);
	if (verb->is_fixed && to != verb->fixed_to)
		return error_set(error, ERROR_USAGE, "%s sets %s to %.0f only", verb->name,
			verb->parameter, verb->fixed_to);
	if (row->unit == UNIT_COUNT && to != floor(to))
		return error_set(error, ERROR_USAGE, "%s must be a whole number", verb->parameter);
	return true;
}

static bool add_requests(struct plan *plan, const struct request_change *change,
	const struct snapshot *snapshot, struct error *error)
{
	struct request *requests = calloc(PLAN_REQUESTS_MOST, sizeof(*requests));
	if (!requests)
		return error_no_memory(error, "the requests of a plan");
	plan->request_count = requests_make(change, snapshot, requests, PLAN_REQUESTS_MOST, error);
	bool ok = plan->request_count > 0;
	for (size_t i = 0; ok && i < plan->request_count; i++) {
		struct plan_request *row = &plan->requests[i];
		snprintf(row->transport, sizeof(row->transport), "%s",
			action_road_name(requests[i].road));
		row->replica = requests[i].replica;
		ok = request_line(&requests[i], row->line, error);
	}
	/* The way back is written down before the change, so that whoever finds it can go it. */
	const struct action_config *undo = action_undo(change->action);
	const struct request_change back = {.action = undo,
		.target = change->target,
		.from = change->to,
		.to = change->from,
		.is_undo = true};
	if (ok && undo && !plan->is_undo && isfinite(change->from) &&
		requests_make(&back, snapshot, requests, PLAN_REQUESTS_MOST, NULL) > 0 &&
		!request_line(&requests[0], plan->undo_line, NULL))
		plan->undo_line[0] = '\0';
	free(requests);
	return ok;
}

/* What was confirmed is what runs: everything that decides what will happen goes into the hash. */
static bool add_hash(struct plan *plan, struct error *error)
{
	struct text text;
	char from[NUMBER_TEXT_BYTES];
	char to[NUMBER_TEXT_BYTES];
	number_write(plan->from, from);
	number_write(plan->to, to);
	text_init(&text, HASHED_BYTES);
	text_printf(&text, "%s\n%s\n%s\n%s\n%s\n%s\n", plan->action, plan->verb->name,
		plan->environment, plan->target_path, from, to);
	if (plan->ticket[0])
		text_printf(&text, "ticket %s\n", plan->ticket);
	if (plan->hold_ms > 0)
		text_printf(&text, "holds %lld ms\n", (long long)plan->hold_ms);
	for (size_t i = 0; i < plan->request_count; i++)
		text_printf(&text, "%s %s\n", plan->requests[i].transport, plan->requests[i].line);
	digest_sha256(text_string(&text), text.length, plan->hash);
	bool ok = text_ok(&text) && plan->hash[0];
	text_finish(&text);
	if (!ok)
		return error_no_memory(error, "the hash of a plan");
	snprintf(plan->id, sizeof(plan->id), "p-%.6s", plan->hash);
	return true;
}

/* Changed clusters are first in a projection already. */
static void add_effects(struct plan *plan, const struct snapshot *snapshot)
{
	const struct projection *projection = &plan->projection;
	for (size_t i = 0; i < projection->line_count && i < PLAN_EFFECTS_MOST; i++) {
		const struct projection_line *line = &projection->lines[i];
		struct plan_effect *effect = &plan->effects[plan->effect_count++];
		*effect = (struct plan_effect){
			.share_before = line->share_before,
			.share_after = line->share_after,
			.use_before = line->known ? line->use_before : NAN,
			.use_low = line->known ? line->use_low : NAN,
			.use_high = line->known ? line->use_high : NAN,
			.changed = line->changed,
			.over_ceiling = line->over_ceiling,
		};
		snprintf(effect->cluster, sizeof(effect->cluster), "%s",
			fleet_entity(snapshot->fleet, line->cluster)->name);
	}
}

static void add_words(
	struct plan *plan, const struct action_config *action, const struct guard_config *limits)
{
	char from[NUMBER_TEXT_BYTES] = "?";
	char to[NUMBER_TEXT_BYTES] = "?";
	char within[CLOCK_TEXT_BYTES];
	template_number(plan->from, from, sizeof(from), NULL);
	template_number(plan->to, to, sizeof(to), NULL);
	clock_format_span(limits->verify_within_ms, within);
	snprintf(plan->verify, sizeof(plan->verify),
		"%s of %s reads %s after the reply, within %s, and nothing it touches gets worse; "
		"else held",
		signal_row(plan->verb->reads)->name, plan->target_path, to, within);
	if (isnan(plan->from))
		snprintf(plan->undo, sizeof(plan->undo), "none: the value before is not known");
	else if (action->undo)
		snprintf(plan->undo, sizeof(plan->undo),
			"action '%.60s' on %s, as long as nobody else has changed it", action->undo,
			plan->target_path);
	else if (!action_undo(action))
		snprintf(plan->undo, sizeof(plan->undo),
			"none: the fleet file names no action%s%s as its undo",
			plan->verb->pair ? " of " : "", plan->verb->pair ? plan->verb->pair : "");
	else
		snprintf(plan->undo, sizeof(plan->undo),
			"%s %s=%s, as long as nobody else has changed it", plan->target_path,
			plan->verb->parameter, from);
}

static bool all_equal(const struct target_value *value, double to)
{
	return value->known && target_equal(value->low, to) && target_equal(value->high, to);
}

/* What relieves may stay; all else ends by itself. */
static int64_t hold_of(const struct verb_row *verb, const struct guard_config *limits,
	const struct plan_facts *facts)
{
	if (facts->is_undo || (verb->class == CLASS_RELIEVE && !verb->is_hold))
		return 0;
	if (verb->expire_ms > 0 && verb->expire_ms < limits->expire_ms)
		return verb->expire_ms;
	return limits->expire_ms;
}

static void add_state(struct plan *plan, const struct guard_config *limits,
	const struct plan_facts *facts, const struct snapshot *snapshot,
	const struct target_value *value, int64_t now_ms)
{
	snprintf(plan->environment, sizeof(plan->environment), "%s",
		facts->environment ? facts->environment : "");
	snprintf(plan->target_path, sizeof(plan->target_path), "%s",
		fleet_entity(snapshot->fleet, plan->target)->path);
	snprintf(plan->undo_of, sizeof(plan->undo_of), "%s", facts->undo_of ? facts->undo_of : "");
	snprintf(plan->ticket, sizeof(plan->ticket), "%s", facts->ticket ? facts->ticket : "");
	plan->is_undo = facts->is_undo;
	plan->is_rollback = facts->is_undo && facts->is_rollback;
	plan->is_end = facts->is_undo && facts->is_end;
	plan->needs_approval = facts->needs_approval;
	plan->needs_typed_name = is_production(plan->environment);
	plan->generation = snapshot->generation;
	plan->made_ms = now_ms;
	plan->expires_ms = now_ms + limits->plan_expires_ms;
	plan->from = value->known ? value->low : NAN;
	plan->from_age_ms = value->known ? now_ms - value->oldest_at_ms : -1;
	if (plan->is_undo && value->per_replica && facts->asked > value->count)
		plan->left_out = facts->asked - value->count;
	plan->no_change = all_equal(value, plan->to);
	plan->hold_ms = hold_of(plan->verb, limits, facts);
}

static bool build(struct plan *plan, const struct action_config *action,
	const struct guard_config *limits, const struct plan_facts *facts,
	const struct snapshot *snapshot, const struct assessment *assessment, int64_t now_ms,
	struct error *error)
{
	struct target_value value;
	target_read(snapshot, plan->verb, plan->target, &value);
	add_state(plan, limits, facts, snapshot, &value, now_ms);
	const struct move move = {.kind = plan->verb->move, .entity = plan->target, .to = plan->to};
	if (!project(snapshot, assessment, &move, limits->ceiling, &plan->projection))
		return error_no_memory(error, "a projection");
	plan->waiting_before = read_back_waiting(plan, snapshot, assessment);
	add_effects(plan, snapshot);
	add_words(plan, action, limits);
	const struct request_change change = {.action = action,
		.target = plan->target,
		.from = plan->from,
		.to = plan->to,
		.kept = facts->kept,
		.is_undo = plan->is_undo,
		.hold_ms = plan->hold_ms};
	plan->planted = request_plants(&change);
	plan->on_expiry = action->on_expiry;
	if (!add_requests(plan, &change, snapshot, error) || !add_hash(plan, error))
		return false;
	struct plan_facts known = *facts;
	known.approval = facts->approvals ? approvals_find(facts->approvals, plan->hash) : NULL;
	enum approval_state state =
		known.approval ? approval_state(known.approval, now_ms) : APPROVAL_PENDING;
	plan->is_turned_down = state == APPROVAL_DENIED || state == APPROVAL_EXPIRED;
	if (state == APPROVAL_GIVEN)
		snprintf(plan->approved_by, sizeof(plan->approved_by), "%s",
			known.approval->decided_by);
	const struct guard_context context = {
		.limits = limits,
		.facts = &known,
		.snapshot = snapshot,
		.assessment = assessment,
		.value = &value,
		.plan = plan,
		.now_ms = now_ms,
	};
	guards_judge(&context, plan);
	return true;
}

bool plan_make(const struct action_config *action, const struct guard_config *guards,
	const struct plan_facts *facts, const struct snapshot *snapshot,
	const struct assessment *assessment, uint32_t target, double to, int64_t now_ms,
	struct plan *out, struct error *error)
{
	const struct verb_row *verb = action->info.verb;
	if (!verb_is_complete(verb))
		return error_set(error, ERROR_USAGE, "action '%s' has no verb that can be planned",
			action->info.name);
	if (!check_arguments(verb, snapshot, target, to, error))
		return false;
	struct plan *plan = malloc(sizeof(*plan));
	if (!plan)
		return error_no_memory(error, "a plan");
	plan_init(plan);
	snprintf(plan->action, sizeof(plan->action), "%s", action->info.name);
	plan->verb = verb;
	plan->target = target;
	plan->to = to;
	bool ok = build(plan, action, guards, facts, snapshot, assessment, now_ms, error);
	if (ok) {
		plan_finish(out);
		*out = *plan;
	} else {
		plan_finish(plan);
	}
	free(plan);
	return ok;
}

enum outcome_code plan_outcome(const struct plan *plan)
{
	static const struct {
		const char *guard;
		enum outcome_code code;
	} alone[] = {
		{"cooldown", OUTCOME_RETRY_LATER},
		{"brake", OUTCOME_RETRY_LATER},
		{"two-person", OUTCOME_NEEDS_CONFIRMATION},
		{"journal", OUTCOME_LOCAL_ERROR},
		{"lock", OUTCOME_LOCKED},
	};
	enum outcome_code code = OUTCOME_DONE;
	for (size_t i = 0; i < plan->verdict_count; i++) {
		const struct verdict *verdict = &plan->verdicts[i];
		enum outcome_code own = OUTCOME_REFUSED;
		if ((verdict->kind != VERDICT_BLOCK && verdict->kind != VERDICT_UNKNOWN) ||
			verdict->overridden)
			continue;
		/* Who may not change anything need not weigh the rest. */
		if (strcmp(verdict->guard, "read-only") == 0)
			return OUTCOME_NOT_PERMITTED;
		for (size_t j = 0; j < sizeof(alone) / sizeof(alone[0]); j++) {
			if (strcmp(alone[j].guard, verdict->guard) == 0)
				own = alone[j].code;
		}
		/* One kind of reason keeps its code; a mixture is a refusal. */
		code = code == OUTCOME_DONE || code == own ? own : OUTCOME_REFUSED;
	}
	if (code != OUTCOME_DONE)
		return code;
	return plan->no_change ? OUTCOME_DONE : OUTCOME_CHANGES_PENDING;
}
