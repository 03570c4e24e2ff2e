#include "app/healer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/config.h"
#include "actions/plan.h"
#include "actions/runbook.h"
#include "app/simulation.h"
#include "app/trial.h"
#include "backends/sim/model.h"
#include "core/base/error.h"

#define HEALER_ACTIONS 2
#define HEALER_CHANGES_MOST 64 /* of one trial, that can be taken back */

/* One change that was made, as a runbook's rollback needs it. */
struct healer_change {
	char id[PLAN_ID_BYTES];
	uint32_t target;
	enum move_kind move;
	double from;
};

struct healer {
	const struct runbook *runbook;
	struct action_config actions[HEALER_ACTIONS];
	struct action_info infos[HEALER_ACTIONS];
	struct guard_config guards;
	struct runbook_state *state; /* NULL between trials and before the first picture */
	struct plan plan;
	struct healer_change changes[HEALER_CHANGES_MOST]; /* of this trial */
	size_t change_count;
	bool busy, applied, finished, has_result;
	struct run_view result;
	int64_t ordered_ms, last_change_ms;
	unsigned made, refused;
	struct violations violations;
};

static void action_init(struct action_config *action, const char *name, const char *verb)
{
	*action = (struct action_config){
		.info = {.verb = verb_find(verb), .transport = "http"},
		.road = ACTION_BY_HTTP,
		.http = {.method = "POST",
			.url = "http://model/{cluster}",
			.json = "",
			.timeout_ms = 1000},
	};
	snprintf(action->info.name, sizeof(action->info.name), "%s", name);
}

struct healer *healer_create(const struct runbook *runbook)
{
	struct healer *healer = calloc(1, sizeof(*healer));
	if (!healer)
		return NULL;
	healer->runbook = runbook;
	action_init(&healer->actions[0], "scale-pool", "pool.resize");
	action_init(&healer->actions[1], "divert", "cluster.divert");
	for (size_t i = 0; i < HEALER_ACTIONS; i++)
		healer->infos[i] = healer->actions[i].info;
	healer->guards = (struct guard_config){
		.ceiling = 0.85,
		.max_step = 2,
		.max_divert = 0.25,
		.blast_radius = 0.30,
		.max_age_ms = 5000,
		.cooldown_ms = 10000,
		.plan_expires_ms = 60000,
		.verify_within_ms = 90000,
		.max_return = 0.10,
		.expire_ms = 1800000,
		.brake = 6,
		.brake_window_ms = 600000,
		.min_serving = 2,
		.approve_within_ms = 600000,
	};
	plan_init(&healer->plan);
	return healer;
}

void healer_destroy(struct healer *healer)
{
	if (!healer)
		return;
	runbook_end(healer->state);
	plan_finish(&healer->plan);
	free(healer);
}

static void tell(struct healer *healer, enum run_state state, enum outcome_code code,
	const char *why, double to)
{
	healer->result = (struct run_view){.state = state, .code = code, .from = NAN, .to = to};
	snprintf(healer->result.text, sizeof(healer->result.text), "%s", why);
	healer->has_result = true;
}

static bool plan(struct healer *healer, const struct simulation *simulation,
	const struct runbook_order *order, double to, struct error *error)
{
	const struct plan_facts facts = {
		.environment = "simulation",
		.armed = true,
		.last_change_ms = healer->last_change_ms,
		.journal_trouble = "",
	};
	const struct action_config *action = NULL;
	for (size_t i = 0; i < HEALER_ACTIONS; i++) {
		if (strcmp(healer->actions[i].info.name, order->action) == 0)
			action = &healer->actions[i];
	}
	if (!action)
		return error_set(error, ERROR_USAGE, "'%s' can't be simulated", order->action);
	return plan_make(action, &healer->guards, &facts, simulation->snapshot,
		&simulation->assessment, order->target, to, simulation_now_ms(simulation),
		&healer->plan, error);
}

static void act(struct healer *healer, const struct simulation *simulation,
	const struct runbook_order *order)
{
	struct error error = {0};
	bool ok = plan(healer, simulation, order, order->to, &error);
	double safe_to = healer->plan.largest_safe_to;
	if (ok && healer->plan.blocked && order->largest_safe && isfinite(safe_to))
		ok = plan(healer, simulation, order, safe_to, &error);
	if (!ok) {
		tell(healer, RUN_FAILED, OUTCOME_LOCAL_ERROR, error.text, order->to);
	} else if (healer->plan.no_change) {
		tell(healer, RUN_DONE, OUTCOME_DONE, "nothing to change", order->to);
	} else if (healer->plan.blocked) {
		healer->refused++;
		tell(healer, RUN_FAILED, plan_outcome(&healer->plan), "refused", order->to);
	} else {
		healer->busy = true;
		healer->applied = false;
		healer->ordered_ms = simulation->now_ms;
		violations_judge(&healer->violations, &healer->plan, &healer->guards,
			simulation->snapshot, simulation_now_ms(simulation));
	}
}

static bool set_value(const struct simulation *simulation, uint32_t target, enum move_kind move,
	double to, struct error *error)
{
	size_t cluster;
	if (!simulation_cluster(simulation, target, &cluster))
		return error_set(error, ERROR_USAGE, "only clusters can be mended here");
	if (move == MOVE_DIVERT)
		return model_set_weight(simulation->model, cluster, to, error);
	return model_set_pool_size(simulation->model, cluster, (int64_t)lround(to), error);
}

static bool apply(struct healer *healer, const struct simulation *simulation, struct error *error)
{
	const struct plan *plan = &healer->plan;
	if (!set_value(simulation, plan->target, plan->verb->move, plan->to, error))
		return false;
	if (healer->change_count == HEALER_CHANGES_MOST)
		return true;
	struct healer_change *change = &healer->changes[healer->change_count++];
	*change = (struct healer_change){
		.target = plan->target, .move = plan->verb->move, .from = plan->from};
	snprintf(change->id, sizeof(change->id), "a-%04zu", healer->change_count);
	return true;
}

/* A runbook's rollback: at once, for the model does what it is told. */
static void undo(struct healer *healer, const struct simulation *simulation,
	const struct runbook_order *order)
{
	struct error error = {0};
	bool ok = false;
	for (size_t i = 0; i < healer->change_count && !ok; i++) {
		const struct healer_change *change = &healer->changes[i];
		ok = strcmp(change->id, order->undo) == 0 &&
		     set_value(simulation, change->target, change->move, change->from, &error);
	}
	healer->last_change_ms = simulation_now_ms(simulation);
	tell(healer, ok ? RUN_DONE : RUN_FAILED, ok ? OUTCOME_DONE : OUTCOME_FAILED_UNCHANGED,
		ok ? "taken back" : error.text, NAN);
}

static void carry_on(struct healer *healer, const struct simulation *simulation)
{
	int64_t passed_ms = simulation->now_ms - healer->ordered_ms;
	struct error error = {0};
	if (!healer->applied && passed_ms >= HEALER_DELAY_MS) {
		healer->applied = true;
		healer->last_change_ms = simulation_now_ms(simulation);
		if (!apply(healer, simulation, &error)) {
			healer->busy = false;
			tell(healer, RUN_FAILED, OUTCOME_FAILED_UNCHANGED, error.text,
				healer->plan.to);
			return;
		}
		healer->made++;
	}
	if (passed_ms < HEALER_VERIFY_MS)
		return;
	healer->busy = false;
	tell(healer, RUN_DONE, OUTCOME_DONE, "done", healer->plan.to);
	if (healer->change_count > 0)
		snprintf(healer->result.id, sizeof(healer->result.id), "%s",
			healer->changes[healer->change_count - 1].id);
}

bool healer_tick(struct healer *healer, struct simulation *simulation, struct error *error)
{
	if (healer->finished || simulation->assessment.cluster_count == 0)
		return true;
	if (!healer->state) {
		healer->state = runbook_begin(healer->runbook, NULL, 0, simulation->snapshot,
			healer->infos, HEALER_ACTIONS, error);
		if (!healer->state)
			return false;
	}
	if (healer->busy)
		carry_on(healer, simulation);
	if (healer->busy)
		return true;
	struct runbook_order order;
	runbook_step(healer->state, simulation->snapshot, &simulation->assessment,
		healer->has_result ? &healer->result : NULL, simulation_now_ms(simulation), &order);
	healer->has_result = false;
	if (order.kind == RUNBOOK_ACT)
		act(healer, simulation, &order);
	if (order.kind == RUNBOOK_UNDO)
		undo(healer, simulation, &order);
	healer->finished = order.kind == RUNBOOK_FINISHED;
	return true;
}

void healer_rest(struct healer *healer, struct trial *trial)
{
	trial->changes_made = healer->made;
	trial->changes_refused = healer->refused;
	for (unsigned i = 0; i < VIOLATION_COUNT; i++)
		trial->violations.counts[i] += healer->violations.counts[i];
	healer->violations = (struct violations){.counts = {0}};
	runbook_end(healer->state);
	healer->state = NULL;
	healer->busy = healer->applied = healer->finished = healer->has_result = false;
	healer->made = healer->refused = 0;
	healer->change_count = 0;
	healer->last_change_ms = 0;
}
