/* operator.c - people at their consoles: they plan, act, undo, break off, and their machines die.
 */
#include "tests/sim/sim.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/coordination.h"
#include "actions/guard.h"
#include "actions/hold.h"
#include "actions/journal.h"
#include "core/base/error.h"

static void start_up(struct sim *sim, struct operator* who)
{
	struct error error = {0};
	char name[16];
	bool after_crash = who->crashed;
	who->crashed = false;
	who->crash_at = CRASH_NONE;
	who->processes++;
	snprintf(name, sizeof(name), "op%d", (int)(who - sim->operators));
	sim->running = who;
	who->journal = journal_open(sim->journals[who->file].path, &error);
	who->executor =
		executor_create(sim->loop, NULL, NULL, who->journal, &sim->configs, name, &error);
	if (who->executor && who->journal && sim->manner != MANNER_JOURNAL) {
		who->coordination = coordination_create(
			sim->loop, NULL, &sim->configs.coordination, name, &error);
		executor_coordinate(who->executor, who->coordination);
	}
	sim->running = NULL;
	if (!who->executor) {
		judge_violation(sim, "cannot start: %s", error.text);
		exit(2);
	}
	if (!who->journal && error.kind == ERROR_SCHEMA)
		judge_violation(sim, "the journal is not trusted after a crash: %s", error.text);
	who->is_up = true;
	who->was_busy = false;
	executor_arm(who->executor, INT64_MAX);
	if (sim_chance(sim, 3)) {
		who->crash_at = (enum crash_point)(1 + sim_below(sim, CRASH_IDLE));
		who->crash_after = sim_below(sim, 12);
	}
	if (after_crash) {
		sim->tally->restarts++;
		judge_restart(sim, who);
	}
	if (who->book)
		book_resume(sim, who);
}

/* The machine went down, not only the program: what was not synced may be gone. */
static void lose_unsynced(struct sim *sim, const struct operator* who)
{
	int64_t durable_bytes = sim->journals[who->file].durable_bytes;
	struct stat status;
	int fd = open(sim->journals[who->file].path, O_RDWR | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > durable_bytes) {
		int64_t lost = status.st_size - durable_bytes;
		if (ftruncate(fd, status.st_size - (int64_t)sim_below(sim, (unsigned)lost + 1)) ==
			0)
			sim->tally->torn++;
	}
	if (fd >= 0)
		close(fd);
}

void operator_quit(struct sim *sim, struct operator* who)
{
	sim->running = who;
	if (who->crashed)
		sim->tally->crashes++;
	if (who->book)
		book_close(sim, who, false);
	executor_destroy(who->executor);
	coordination_destroy(who->coordination);
	journal_close(who->journal);
	sim->running = NULL;
	/* A machine takes all its programs with it. */
	if (who->crashed && sim_chance(sim, 3)) {
		lose_unsynced(sim, who);
		for (size_t i = 0; i < SIM_OPERATORS && sim->manner != MANNER_ETCD; i++)
			sim->operators[i].crashed = true;
	}
	who->executor = NULL;
	who->coordination = NULL;
	who->journal = NULL;
	who->is_up = false;
	/* Now and then longer than a lease lasts. */
	who->up_again_ms = clock_now_ms(&sim->clock) + 1000 +
			   sim_below(sim, sim_chance(sim, 3) ? 40000 : 12000);
}

static void count_guards(struct sim *sim, const struct plan *plan);

static size_t action_of(const struct sim *sim, const struct plan *plan)
{
	size_t index = 0;
	while (index < sim->configs.count - 1 &&
		strcmp(sim->actions[index].info.name, plan->action) != 0)
		index++;
	return index;
}

bool __real_executor_start(struct executor *executor, const struct plan *plan, const char *hash,
	const char *reason, const struct snapshot *snapshot, const struct assessment *assessment,
	int64_t now_ms, enum outcome_code *code, struct error *error);
bool __wrap_executor_start(struct executor *executor, const struct plan *plan, const char *hash,
	const char *reason, const struct snapshot *snapshot, const struct assessment *assessment,
	int64_t now_ms, enum outcome_code *code, struct error *error);

/* Whoever starts a run, an operator or a runbook: all of it is judged here. */
bool __wrap_executor_start(struct executor *executor, const struct plan *plan, const char *hash,
	const char *reason, const struct snapshot *snapshot, const struct assessment *assessment,
	int64_t now_ms, enum outcome_code *code, struct error *error)
{
	struct sim *sim = sim_now;
	struct operator* who = sim->running;
	bool was_changed = strcmp(hash, plan->hash) != 0;
	judge_start(sim, who, plan);
	if (plan->is_rollback)
		judge_rollback(sim, who, plan);
	bool ok = __real_executor_start(
		executor, plan, hash, reason, snapshot, assessment, now_ms, code, error);
	if (ok && was_changed)
		judge_violation(sim, "a plan ran that was not the one confirmed");
	if (ok && plan->blocked && !plan->no_change)
		judge_violation(sim, "a blocked plan ran");
	if (ok) {
		sim->tally->started++;
		sim->tally->begun[action_of(sim, plan)]++;
	}
	sim->tally->locked_out += !ok && *code == OUTCOME_LOCKED;
	const struct run_view *view = executor_run(executor);
	snprintf(who->run_id, sizeof(who->run_id), "%s", view ? view->id : "");
	who->was_busy = ok;
	who->busy_since_ms = clock_now_ms(&sim->clock);
	if (!ok && who->sent > 0)
		judge_violation(sim, "refused (%s), and yet something was sent", error->text);
	return ok;
}

static void start_run(struct sim *sim, struct operator* who, struct plan *plan)
{
	struct error error = {0};
	enum outcome_code code = OUTCOME_DONE;
	char hash[PLAN_HASH_BYTES];
	snprintf(hash, sizeof(hash), "%s", plan->hash);
	if (sim_chance(sim, 60))
		hash[3] = hash[3] == '0' ? '1' : '0';
	executor_start(who->executor, plan, hash, "because", sim->snapshot, &sim->assessment,
		clock_now_ms(&sim->clock), &code, &error);
}

static void count_guards(struct sim *sim, const struct plan *plan)
{
	size_t count = 0;
	const struct guard_row *rows = guard_rows(&count);
	for (size_t i = 0; i < plan->verdict_count; i++) {
		if (plan->verdicts[i].kind != VERDICT_BLOCK &&
			plan->verdicts[i].kind != VERDICT_UNKNOWN)
			continue;
		for (size_t g = 0; g < count && g < 32; g++) {
			if (strcmp(rows[g].name, plan->verdicts[i].guard) == 0)
				sim->tally->guards[g]++;
		}
	}
}

static uint32_t choose_target(struct sim *sim, enum entity_kind kind)
{
	unsigned c = sim_below(sim, SIM_CLUSTERS);
	if (kind == ENTITY_SERVICE)
		return sim->services[sim_below(sim, SIM_SERVICES)];
	return kind == ENTITY_REPLICA ? sim->replicas[c][sim_below(sim, SIM_REPLICAS)]
				      : sim->clusters[c];
}

static double choose_value(struct sim *sim, const struct verb_row *verb, const struct setting *now)
{
	double factor = 0.6 + sim_below(sim, 90) / 100.0;
	if (verb->is_fixed)
		return verb->fixed_to;
	if (strcmp(verb->name, "cluster.restore") == 0)
		factor = 1.02 + sim_below(sim, 30) / 100.0;
	return verb->is_ratio ? round(now->value * factor * 100) / 100
			      : round(fmax(1, now->value * factor));
}

static bool make_plan(struct sim *sim, struct operator* who, struct plan *plan)
{
	struct error error = {0};
	struct setting *settings[SIM_REPLICAS];
	static const char *const overrides[] = {
		"capacity", "blast-radius", "cooldown", "step", "brake"};
	/* Weights and sizes as often as all the others together. */
	size_t index = sim_chance(sim, 2) ? (sim_chance(sim, 2) ? 0 : 4)
					  : sim_below(sim, (unsigned)sim->configs.count);
	const struct action_info *action = &sim->actions[index].info;
	uint32_t target = choose_target(sim, action->verb->target);
	world_settings_of(sim, action->name, target, settings);
	double to = choose_value(sim, action->verb, settings[0]);
	size_t first = sim_below(sim, 5);
	size_t count = sim_chance(sim, 8) ? 1 + sim_below(sim, 3) : 0;
	count = first + count > 5 ? 5 - first : count;
	/* What nobody can project is done by setting that aside, or not at all; and a drain that
	 * capacity would stop must be stopped by what it leaves serving as well. */
	if ((action->verb == &sim->custom || action->verb->move == MOVE_LOSE_REPLICA) &&
		sim_chance(sim, 2)) {
		first = 0;
		count = 2;
	}
	bool ok = executor_plan(who->executor, action->name, target, to, "sim", overrides + first,
		count, sim->snapshot, &sim->assessment, clock_now_ms(&sim->clock), plan, &error);
	if (!ok && error.kind != ERROR_USAGE && error.kind != ERROR_SCHEMA)
		judge_violation(sim, "cannot plan: %s", error.text);
	return ok;
}

static bool plan_undo(struct sim *sim, struct operator* who, struct plan *plan)
{
	struct run_view view;
	struct error error = {0};
	if (executor_runs(who->executor, &view, 1) != 1)
		return false;
	bool ok = executor_plan_undo(who->executor, view.id, "sim", sim->snapshot, &sim->assessment,
		clock_now_ms(&sim->clock), plan, &error);
	sim->tally->undone += ok;
	return ok;
}

/* What has expired goes back by the road of every change, newest first. */
static bool plan_reap(struct sim *sim, struct operator* who, struct plan *plan)
{
	struct hold holds[HOLDS_MOST];
	struct error error = {0};
	int64_t now_ms = clock_now_ms(&sim->clock);
	size_t count = executor_holds(who->executor, now_ms, holds, HOLDS_MOST);
	for (size_t i = 0; i < count; i++) {
		if (!holds[i].is_expired)
			continue;
		if (executor_plan_undo(who->executor, holds[i].run, "sim", sim->snapshot,
			    &sim->assessment, now_ms, plan, &error)) {
			sim->tally->holds_reaped++;
			return true;
		}
		sim->tally->holds_kept++;
		if (who->journal && hold_is_back(&holds[i], sim->snapshot))
			executor_change_hold(who->executor, holds[i].run, 0, "over", &error);
	}
	return false;
}

static void try_something(struct sim *sim, struct operator* who)
{
	struct plan plan;
	plan_init(&plan);
	bool ok = sim_chance(sim, 4)   ? plan_undo(sim, who, &plan)
		  : sim_chance(sim, 3) ? plan_reap(sim, who, &plan)
				       : make_plan(sim, who, &plan);
	if (ok) {
		sim->tally->plans++;
		sim->tally->refused += plan.blocked;
		sim->tally->planned[action_of(sim, &plan)]++;
		count_guards(sim, &plan);
	}
	if (ok && (!plan.blocked || sim_chance(sim, 20)))
		start_run(sim, who, &plan);
	plan_finish(&plan);
}

static void count_done(struct sim *sim, const struct run_view *view)
{
	for (size_t i = 0; i < sim->configs.count; i++) {
		if (view->id[0] && view->code == OUTCOME_DONE &&
			strcmp(sim->actions[i].info.name, view->action) == 0)
			sim->tally->done[i]++;
	}
}

static void act(struct sim *sim, struct operator* who)
{
	bool busy = executor_is_busy(who->executor);
	if (sim_chance(sim, sim->is_mild ? 4000 : 400))
		executor_disarm(who->executor);
	else if (sim_chance(sim, 40))
		executor_arm(who->executor, INT64_MAX);
	if (busy && sim_chance(sim, 250))
		executor_interrupt(who->executor, clock_now_ms(&sim->clock));
	else if (who->book)
		book_tick(sim, who);
	else if (!busy && who->journal && sim_chance(sim, 100))
		book_begin(sim, who);
	else if (!busy && sim_chance(sim, 12))
		try_something(sim, who);
	if (sim_chance(sim, 900))
		who->crashed = true;
}

void operator_step(struct sim *sim, struct operator* who)
{
	int64_t now_ms = clock_now_ms(&sim->clock);
	if (now_ms < who->frozen_until_ms)
		return;
	if (!who->is_up) {
		if (now_ms >= who->up_again_ms)
			start_up(sim, who);
		return;
	}
	sim->running = who;
	executor_tick(who->executor, sim->snapshot, &sim->assessment, now_ms);
	const struct run_view *view = executor_run(who->executor);
	if (who->was_busy && view)
		snprintf(who->run_id, sizeof(who->run_id), "%s", view->id);
	if (who->was_busy && !who->crashed && !executor_is_busy(who->executor)) {
		judge_end(sim, who);
		count_done(sim, view);
		who->was_busy = false;
	}
	if (!who->crashed && who->was_busy == executor_is_busy(who->executor))
		act(sim, who);
	sim->running = NULL;
	if (who->crashed || sim_chance(sim, 500))
		operator_quit(sim, who);
}
