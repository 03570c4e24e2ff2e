/*
 * books.c - runbooks in the simulation: the real runner, engine and log, carried out by an operator
 * whose process dies, and gone on with by the next.
 */
#include "tests/sim/sim.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/journal.h"
#include "actions/runbook.h"
#include "actions/runbook_log.h"
#include "app/control.h"
#include "app/engine.h"
#include "app/runner.h"
#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/error.h"

#define BOOK_BYTES 1024

/* %d is a cluster, twice at most. */
static const char *const texts[] = {
	/* All of it back, whichever step fails. */
	"on_failure: {rollback: reverse}\nsteps:\n"
	"  - {id: a, do: {action: resize, target: c%d, to: x1.2}}\n"
	"  - {id: b, do: {action: divert, target: c%d, to: '-15%%'}, on_inconclusive: continue}\n"
	"  - {id: c, do: {action: scale, target: s0, to: x1.5}}\n",
	/* But for one; only what a step did. */
	"on_failure: {rollback: reverse, except: [a]}\nsteps:\n"
	"  - {id: a, do: {action: retries, target: s1, to: '-20%%'}, on_refused: continue}\n"
	"  - {id: b, do: {action: drain, target: c%d/r1, to: 1}}\n"
	"  - {id: c, do: {action: divert, target: c%d, to: '-40%%'}, on_failure: rollback}\n",
	"steps:\n"
	"  - {id: a, do: {action: divert, target: c%d, to: '-24%%'}, ramp: {by: 8%%, hold: 2s},\n"
	"     on_failure: rollback, on_inconclusive: continue}\n"
	"  - {id: b, do: {action: give-back, target: c%d, to: 60}, ramp: {by: 5%%, hold: 1s}}\n",
	/* Round and round. */
	"keep_going: true\nsteps:\n"
	"  - {id: a, do: {action: role, target: s0, to: x1.1}}\n"
	"  - {id: b, do: {action: resize, target: c%d, to: x1.3}, on_failure: {goto: a, max: 2}}\n"
	"  - {id: c, do: {action: silence, target: c%d, to: 1}}\n",
	"timeout: 40s\non_failure: {rollback: reverse}\nsteps:\n"
	"  - {id: a, do: {action: maxconn, target: c%d/r0, to: x1.1}, on_inconclusive: continue}\n"
	"  - {id: b, do: {action: divert, target: c%d, to: '-10%%'}, on_inconclusive: continue,\n"
	"     verify: {pass_if: 'cluster.weight[c0] > 0', fail_if: 'cluster.weight[c0] > "
	"before.cluster.weight[c0]',\n              for: 2s, within: 15s}, on_failure: rollback}\n"
	"  - {id: c, wait: {until: 'cluster.weight[c1] > 60', within: 8s, on_timeout: fail}}\n",
};
#define TEXTS (sizeof(texts) / sizeof(texts[0]))

struct book {
	char yaml[BOOK_BYTES];
	char id[PLAN_ID_BYTES]; /* as the journal has it */
	struct arena *arena;
	const struct runbook *runbook;
	struct engine engine;
	struct control control;
	struct runner runner;
	bool is_open;
	bool was_cut_off; /* and gone on with: what was unknown was read back then */
};

static bool open_book(struct sim *sim, struct operator* who, struct error *error)
{
	struct book *book = who->book;
	struct complaints complaints;
	complaints_init(&complaints);
	book->arena = arena_create(1 << 20);
	book->runbook = book->arena ? runbook_parse(book->arena, "sim.yaml", book->yaml,
					      strlen(book->yaml), &complaints)
				    : NULL;
	if (!book->runbook) {
		judge_violation(sim, "a runbook cannot be read: %s",
			complaints.total ? complaints.rows[0].text : "?");
		exit(2);
	}
	complaints_finish(&complaints);
	book->engine = (struct engine){.loop = sim->loop,
		.fleet = sim->fleet,
		.snapshot = sim->snapshot,
		.assessment = sim->assessment};
	book->control = (struct control){.configs = sim->configs,
		.journal = who->journal,
		.executor = who->executor,
		.info_count = sim->configs.count};
	for (size_t i = 0; i < sim->configs.count; i++)
		book->control.infos[i] = sim->actions[i].info;
	book->is_open = runner_init(&book->runner, &book->engine, &book->control, book->runbook,
		NULL, 0, "sim", "a runbook", NULL, NULL, error);
	return book->is_open;
}

void book_close(struct sim *sim, struct operator* who, bool is_over)
{
	struct book *book = who->book;
	(void)sim;
	if (book->is_open)
		runner_finish(&book->runner);
	book->is_open = false;
	arena_destroy(book->arena);
	book->arena = NULL;
	if (!is_over && book->id[0])
		return;
	free(book);
	who->book = NULL;
}

void book_begin(struct sim *sim, struct operator* who)
{
	struct error error = {0};
	struct book *book = calloc(1, sizeof(*book));
	struct runbook_mark *mark = calloc(1, sizeof(*mark));
	char steps[BOOK_BYTES - 64];
	int c[2] = {(int)sim_below(sim, SIM_CLUSTERS), (int)sim_below(sim, SIM_CLUSTERS)};
	if (!book || !mark)
		exit(2);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(steps, sizeof(steps), texts[sim_below(sim, TEXTS)], c[0], c[1]);
#pragma GCC diagnostic pop
	snprintf(book->yaml, sizeof(book->yaml), "version: 1\nname: sim\n%s", steps);
	who->book = book;
	bool ok = open_book(sim, who, &error);
	if (!ok)
		judge_violation(sim, "a runbook cannot begin: %s", error.text);
	ok = ok && runner_keep(&book->runner, mark, &error);
	snprintf(book->id, sizeof(book->id), "%s", book->runner.mark.id);
	sim->tally->books += ok;
	free(mark);
	if (!ok)
		book_close(sim, who, true);
}

/* Its process is gone; another goes on with it where it can. */
void book_resume(struct sim *sim, struct operator* who)
{
	struct error error = {0};
	struct book *book = who->book;
	struct runbook_mark *mark = calloc(1, sizeof(*mark));
	if (!mark)
		exit(2);
	bool ok = who->journal && sim_chance(sim, 4) == false;
	sim->running = who;
	ok = ok && runbook_log_find(sim->journals[who->file].path, book->id, mark, &error) &&
	     open_book(sim, who, &error) && runner_resume(&book->runner, mark, &error);
	sim->running = NULL;
	sim->tally->books_resumed += ok;
	book->was_cut_off = true;
	sim->tally->books_not_resumed += !ok;
	free(mark);
	if (!ok)
		book_close(sim, who, true);
}

void book_tick(struct sim *sim, struct operator* who)
{
	struct book *book = who->book;
	char id[PLAN_ID_BYTES];
	book->engine.snapshot = sim->snapshot;
	book->engine.assessment = sim->assessment;
	runner_tick(&book->runner);
	if (who->crashed || !book->runner.finished)
		return;
	enum outcome_code code = book->runner.code;
	snprintf(id, sizeof(id), "%s", book->id);
	bool was_cut_off = book->was_cut_off;
	sim->tally->book_ends[(unsigned)code & 255]++;
	book_close(sim, who, true);
	judge_book(sim, who, id, code, was_cut_off);
}

/* ---- what must hold ---- */

static const struct run_view *find_view(const struct run_view *views, size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(views[i].id, id) == 0)
			return &views[i];
	}
	return NULL;
}

static bool may_be_in_force(const struct run_view *view)
{
	return view && (view->code == OUTCOME_DONE || view->code == OUTCOME_PARTIAL ||
			       view->code == OUTCOME_INCONCLUSIVE || view->code == OUTCOME_UNKNOWN);
}

static struct runbook_past past;
static struct run_view views[256];

static bool recall(struct sim *sim, const struct operator* who, const char *id, size_t *count)
{
	struct error error = {0};
	*count = executor_runs(who->executor, views, sizeof(views) / sizeof(views[0]));
	if (runbook_log_recall(sim->journals[who->file].path, id, &past, &error))
		return true;
	judge_violation(sim, "the journal does not tell of runbook %s: %s", id, error.text);
	return false;
}

/* Whether the truth still has what that change set, by its hand. */
static bool is_there(struct sim *sim, const struct operator* who, const struct run_view *view)
{
	struct setting *settings[SIM_REPLICAS];
	size_t count = 0;
	for (int kind = ENTITY_CLUSTER; kind < ENTITY_KIND_COUNT && count == 0; kind++) {
		uint32_t target =
			fleet_find_path(sim->fleet, (enum entity_kind)kind, view->target_path);
		if (target != ENTITY_NONE)
			count = world_settings_of(sim, view->action, target, settings);
	}
	for (size_t i = 0; i < count; i++) {
		if (settings[i]->value == view->to && view->from != view->to &&
			!settings[i]->by_stranger && settings[i]->by == who &&
			!world_is_out(sim, settings[i]->entity))
			return true;
	}
	return false;
}

void judge_rollback(struct sim *sim, struct operator* who, const struct plan *plan)
{
	size_t count = 0;
	bool found = false;
	sim->tally->book_undos++;
	if (!who->book || !recall(sim, who, who->book->id, &count))
		return;
	for (size_t i = past.change_count; i > 0 && !found; i--) {
		const char *run = past.changes[i - 1].run;
		const struct run_view *view = find_view(views, count, run);
		found = strcmp(run, plan->undo_of) == 0;
		/* What the file keeps, and what went back without us, is passed over. */
		bool is_kept = strstr(who->book->yaml, "except: [a]") &&
			       strcmp(past.changes[i - 1].step, "a") == 0;
		bool only_own = !strstr(who->book->yaml, "rollback: reverse") &&
				strcmp(past.changes[i - 1].step, past.changes[0].step) != 0;
		if (!found && executor_belongs(who->executor, run, who->book->id) &&
			may_be_in_force(view) && !is_kept && !only_own &&
			!past.changes[i - 1].is_back && !executor_was_undone(who->executor, run) &&
			executor_back(who->executor, run, sim->snapshot) != EXECUTOR_BACK &&
			is_there(sim, who, view))
			judge_violation(sim, "%s is taken back before %s", plan->undo_of, run);
	}
	if (!found)
		judge_violation(sim, "%s is taken back, and is none of this run", plan->undo_of);
}

static bool claims_nothing(enum outcome_code code)
{
	return code == OUTCOME_REFUSED || code == OUTCOME_FAILED_UNCHANGED ||
	       code == OUTCOME_UNREACHABLE || code == OUTCOME_STALE_PLAN ||
	       code == OUTCOME_RETRY_LATER || code == OUTCOME_LOCKED ||
	       code == OUTCOME_LOCAL_ERROR || code == OUTCOME_NOT_PERMITTED;
}

void judge_book(struct sim *sim, struct operator* who, const char *id, enum outcome_code code,
	bool was_cut_off)
{
	size_t count = 0;
	size_t in_force = 0;
	bool rolls_back = false;
	bool is_unknown = false;
	if (!recall(sim, who, id, &count))
		return;
	for (size_t i = 0; i < past.turn_count; i++)
		rolls_back = rolls_back || past.turns[i].turn == RUNBOOK_TURN_ALL_BACK ||
			     past.turns[i].turn == RUNBOOK_TURN_STEP_BACK;
	for (size_t i = 0; i < past.change_count; i++) {
		const struct run_view *view = find_view(views, count, past.changes[i].run);
		bool is_back = executor_was_undone(who->executor, past.changes[i].run);
		if (!may_be_in_force(view) ||
			!executor_belongs(who->executor, past.changes[i].run, id))
			continue;
		is_unknown = is_unknown || view->code == OUTCOME_UNKNOWN;
		in_force += !is_back && is_there(sim, who, view);
	}
	sim->tally->rollbacks += rolls_back;
	if (code == OUTCOME_DONE && rolls_back)
		judge_violation(sim, "runbook %s is green after a rollback", id);
	if (code == OUTCOME_ROLLED_BACK && in_force > 0)
		judge_violation(sim, "runbook %s says rolled back, and %zu changes are there", id,
			in_force);
	if (claims_nothing(code) && in_force > 0)
		judge_violation(sim, "runbook %s says %s, and %zu changes are there", id,
			outcome_name(code), in_force);
	if (code == OUTCOME_DONE && is_unknown && !was_cut_off)
		judge_violation(sim, "runbook %s is done, and an outcome is unknown", id);
}
