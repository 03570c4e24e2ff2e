/* judge.c - what must hold at every step, whatever fails. */
#include "tests/sim/sim.h"

#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actions/hold.h"
#include "actions/journal.h"
#include "actions/run_log.h"
#include "actions/target.h"
#include "core/base/error.h"

#define TAIL_BYTES 65536
#define VIOLATIONS_SHOWN 5
#define LONGEST_RUN_MS 120000

void judge_violation(struct sim *sim, const char *format, ...)
{
	va_list arguments;
	if (sim->violations++ >= VIOLATIONS_SHOWN)
		return;
	printf("seed %llu at %.2f s: ", (unsigned long long)sim->seed,
		(double)(clock_now_ms(&sim->clock) - SIM_START) / 1000);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
}

/* The journal as a power cut at this moment would leave it. */
static char *durable_tail(struct sim *sim, const struct operator* who)
{
	int64_t durable_bytes = sim->journals[who->file].durable_bytes;
	char *bytes = calloc(1, TAIL_BYTES + 1);
	int fd = open(sim->journals[who->file].path, O_RDONLY | O_CLOEXEC);
	int64_t from = durable_bytes > TAIL_BYTES ? durable_bytes - TAIL_BYTES : 0;
	if (!bytes || fd < 0 || pread(fd, bytes, (size_t)(durable_bytes - from), from) < 0) {
		fprintf(stderr, "sim: cannot read the journal\n");
		exit(2);
	}
	close(fd);
	return bytes;
}

/* A lock of one machine ends with its process, and one journal is all that others need to know: no
 * more is asked of these. */
static void judge_late(struct sim *sim, const struct operator* who)
{
	for (size_t i = 0; i < sizeof(sim->late) / sizeof(sim->late[0]); i++) {
		const struct pending *late = &sim->late[i];
		if (!late->used || late->by == who)
			continue;
		if (sim->manner == MANNER_ETCD || (sim->manner == MANNER_FILE && late->by->is_up &&
							  late->process == late->by->processes))
			judge_violation(sim, "sent while a request of another is on its way");
	}
}

/* What another has on its way, or its console in hand, while this one sends. */
static void judge_alone(struct sim *sim, const struct operator* who)
{
	for (size_t i = 0; i < SIM_OPERATORS; i++) {
		const struct operator* other = & sim->operators[i];
		bool acts = other->is_up && !other->crashed && other->journal &&
			    executor_is_busy(other->executor);
		if (other != who && acts && sim->manner != MANNER_ETCD &&
			(sim->manner == MANNER_JOURNAL || executor_run(other->executor)->id[0]))
			judge_violation(sim, "two consoles act at once");
	}
	judge_late(sim, who);
	if (sim->manner != MANNER_ETCD)
		return;
	char name[32];
	const struct sim_key *lock = store_lock(sim);
	snprintf(name, sizeof(name), "\"by\":\"op%d\"", (int)(who - sim->operators));
	if (!lock || !strstr(lock->value, name))
		judge_violation(sim, "sent without the lock: %s", lock ? lock->value : "nobody's");
}

/* What a console holds, or where it is down what its journal tells that it does. */
static size_t holds_of(struct sim *sim, const struct operator* who, struct hold *out)
{
	struct error error = {0};
	int64_t now_ms = clock_now_ms(&sim->clock);
	if (who->is_up)
		return executor_holds(who->executor, now_ms, out, HOLDS_MOST);
	struct run_log *log = run_log_create();
	if (!log || !run_log_read(log, sim->journals[who->file].path, &error))
		judge_violation(sim, "the journal cannot be read: %s", error.text);
	run_log_bind(log, &sim->configs, now_ms);
	size_t count = holds_list(log, now_ms, out, HOLDS_MOST);
	run_log_destroy(log);
	return count;
}

/* By the truth: its journal may not know yet that it went back. */
static bool is_back(struct sim *sim, const struct hold *hold)
{
	struct setting *settings[SIM_REPLICAS];
	uint32_t target = fleet_find_path(sim->fleet, hold->verb->target, hold->target_path);
	size_t count = world_settings_of(sim, hold->action, target, settings);
	for (size_t i = 0; i < count; i++) {
		if (settings[i]->value != hold->from)
			return false;
	}
	return count > 0;
}

static void mark_held(struct sim *sim, const struct operator* who, bool held[SIM_CLUSTERS])
{
	static struct hold holds[HOLDS_MOST];
	size_t count = holds_of(sim, who, holds);
	for (size_t i = 0; i < count; i++) {
		enum action_class class = holds[i].verb->class;
		if (is_back(sim, &holds[i]))
			continue;
		/* Cut off between its mark and its sending, it may have changed something as far
		 * as its journal knows; we know better. */
		if (strcmp(holds[i].run, who->run_id) == 0 && who->sent == 0)
			continue;
		for (int c = 0; c < SIM_CLUSTERS; c++) {
			const char *path = fleet_entity(sim->fleet, sim->clusters[c])->path;
			bool there = strncmp(holds[i].target_path, path, strlen(path)) == 0;
			held[c] = held[c] ||
				  (there && (class == CLASS_SHIFT || class == CLASS_DISRUPT));
		}
	}
}

/* Never more kept from their traffic than may be, however small each change, and whoever it is that
 * keeps the others. On one machine operators with a journal each do not tell each other. */
static void judge_held(struct sim *sim, const struct operator* who)
{
	bool held[SIM_CLUSTERS] = {false};
	unsigned all = 0;
	for (size_t i = 0; i < SIM_OPERATORS; i++) {
		if (&sim->operators[i] == who || sim->manner == MANNER_ETCD)
			mark_held(sim, &sim->operators[i], held);
	}
	for (int c = 0; c < SIM_CLUSTERS; c++) {
		if (held[c] && who->shifts == sim->clusters[c])
			return;
		all += held[c] || who->shifts == sim->clusters[c];
	}
	if (who->shifts != ENTITY_NONE &&
		all > (unsigned)(sim->configs.guards.max_held * SIM_CLUSTERS + 1e-9))
		judge_violation(sim, "%u clusters are kept from their traffic", all);
}

/* Nothing leaves without its intent and its mark on disk, from one console, on fresh readings. */
void judge_send(struct sim *sim, struct operator* who)
{
	char intent[64];
	char mark[64];
	char request[32];
	const struct run_view *view = executor_run(who->executor);
	char *tail = durable_tail(sim, who);
	snprintf(intent, sizeof(intent), "\"run\":\"%s\",\"event\":\"intent\"", view->id);
	snprintf(mark, sizeof(mark), "\"run\":\"%s\",\"event\":\"sent\"", view->id);
	snprintf(request, sizeof(request), "\"request\":%u,", who->sent + 1);
	const char *begun = strstr(tail, intent);
	const char *last = NULL;
	for (const char *at = begun; at && (at = strstr(at, mark)) != NULL; at++)
		last = at;
	if (!begun)
		judge_violation(sim, "%s: sent without an intent on disk", view->id);
	else if (!last || !strstr(last, request))
		judge_violation(sim, "%s: request %u sent without its mark on disk", view->id,
			who->sent + 1);
	free(tail);
	judge_alone(sim, who);
	if (who->sent == 0)
		judge_held(sim, who);
	if (!executor_is_armed(who->executor, clock_now_ms(&sim->clock)))
		judge_violation(sim, "%s: sent while read-only", view->id);
	if (who->acted_stale && !who->may_be_blind)
		judge_violation(sim, "%s: acted on stale readings", view->id);
	who->sent++;
	sim->tally->sends++;
}

static double reading(const struct sim *sim, uint32_t entity, enum signal signal)
{
	return snapshot_reading(sim->snapshot, entity, signal)->value;
}

/* The same arithmetic again, from the readings, by other code. */
static void judge_divert(struct sim *sim, const struct plan *plan)
{
	double before = 0;
	double after = 0;
	double moved_share = 0;
	for (int c = 0; c < SIM_CLUSTERS; c++) {
		double weight = reading(sim, sim->clusters[c], SIGNAL_CLUSTER_WEIGHT);
		before += weight;
		after += sim->clusters[c] == plan->target ? plan->to : weight;
	}
	double total = 0;
	for (int c = 0; c < SIM_CLUSTERS; c++)
		total += sim->assessment.clusters[c].demand;
	for (int c = 0; c < SIM_CLUSTERS; c++) {
		const struct cluster_assessment *row = &sim->assessment.clusters[c];
		double weight = reading(sim, sim->clusters[c], SIGNAL_CLUSTER_WEIGHT);
		double share = weight / before;
		double next = (row->cluster == plan->target ? plan->to : weight) / after;
		moved_share += fmax(0, next - share);
		/* At most what others lose can arrive; that is the bound that must hold. */
		double use = (row->demand + fmax(0, next - share) * total * 0.5) / row->pool_max;
		if (next > share + 1e-9 && use > sim->configs.guards.ceiling + 0.15 &&
			use > row->demand / row->pool_max + 0.15)
			judge_violation(sim, "divert to %.0f would fill c%d to %.0f%%", plan->to, c,
				use * 100);
	}
	bool gives_back = strcmp(plan->verb->name, "cluster.restore") == 0;
	double most =
		gives_back ? fmin(sim->configs.guards.max_return, sim->configs.guards.blast_radius)
			   : sim->configs.guards.blast_radius;
	if (moved_share > most + 1e-6)
		judge_violation(sim, "%.1f%% of all traffic moved, more than the %.0f%% that may",
			moved_share * 100, most * 100);
}

static void judge_projection(struct sim *sim, const struct plan *plan)
{
	for (size_t i = 0; i < plan->verdict_count; i++) {
		const struct verdict *verdict = &plan->verdicts[i];
		bool stops = verdict->kind == VERDICT_BLOCK || verdict->kind == VERDICT_UNKNOWN;
		if (stops && !verdict->overridden && !plan->blocked)
			judge_violation(
				sim, "guard %s blocks and the plan does not", verdict->guard);
	}
	for (size_t i = 0; i < plan->projection.line_count && !plan->blocked; i++) {
		const struct projection_line *line = &plan->projection.lines[i];
		if (line->changed && line->known &&
			line->use_high > sim->configs.guards.ceiling + 1e-9 &&
			line->use_high > line->use_most_before + 1e-9)
			judge_violation(sim,
				"a projection above the ceiling was accepted: %s of %s to %g: "
				"%g -> %g",
				plan->verb->name, plan->target_path, plan->to,
				line->use_most_before, line->use_high);
	}
}

static bool has_overrides(const struct plan *plan)
{
	for (size_t i = 0; i < plan->verdict_count; i++) {
		if (plan->verdicts[i].overridden)
			return true;
	}
	return false;
}

/* Pools that a plan touches were read lately, unless it relieves. */
static void judge_freshness(struct sim *sim, const struct plan *plan)
{
	int64_t now_ms = clock_now_ms(&sim->clock);
	for (int c = 0; c < SIM_CLUSTERS; c++) {
		bool touched = false;
		int64_t newest_ms = 0;
		for (size_t i = 0; i < plan->projection.line_count; i++)
			touched =
				touched || (plan->projection.lines[i].cluster == sim->clusters[c] &&
						   plan->projection.lines[i].changed);
		for (int r = 0; r < SIM_REPLICAS; r++) {
			const struct reading *read = snapshot_reading(
				sim->snapshot, sim->replicas[c][r], SIGNAL_POOL_MAX);
			newest_ms = read->at_ms > newest_ms ? read->at_ms : newest_ms;
		}
		if (touched && now_ms - newest_ms > sim->configs.guards.max_age_ms)
			judge_violation(sim, "%s touches c%d, whose pools were read %lld ms ago",
				plan->action, c, (long long)(now_ms - newest_ms));
	}
}

/* Enough go on serving, as far as was read. */
static void judge_drain(struct sim *sim, const struct plan *plan)
{
	long long left = 0;
	uint32_t cluster = fleet_cluster_of(sim->fleet, plan->target);
	for (int c = 0; c < SIM_CLUSTERS; c++) {
		for (int r = 0; r < SIM_REPLICAS && sim->clusters[c] == cluster; r++) {
			uint32_t id = sim->replicas[c][r];
			left += id != plan->target && reading(sim, id, SIGNAL_REPLICA_UP) > 0 &&
				reading(sim, id, SIGNAL_REPLICA_MAINTENANCE) <= 0;
		}
	}
	if (left < sim->configs.guards.min_serving)
		judge_violation(sim, "a drain would leave %lld serving", left);
}

void judge_start(struct sim *sim, struct operator* who, const struct plan *plan)
{
	int64_t now_ms = clock_now_ms(&sim->clock);
	struct target_value value;
	/* A pause carries nothing by design. */
	bool projects = plan->verb->move != MOVE_NOTHING && plan->verb->move != MOVE_UNKNOWN &&
			plan->verb->move != MOVE_PAUSE_POOL && plan->verb->class != CLASS_RELIEVE &&
			!plan->is_rollback;
	who->sent = 0;
	who->runs++;
	who->is_hold = plan->hold_ms > 0;
	for (size_t i = 0; i < sim->setting_count; i++) {
		uint32_t id = sim->settings[i].entity;
		who->was_out[i] = fleet_entity(sim->fleet, id)->kind == ENTITY_REPLICA &&
				  (reading(sim, id, SIGNAL_REPLICA_UP) <= 0 ||
					  reading(sim, id, SIGNAL_REPLICA_MAINTENANCE) > 0);
	}
	who->code = OUTCOME_UNKNOWN;
	target_read(sim->snapshot, plan->verb, plan->target, &value);
	who->acted_stale =
		!value.known || now_ms - value.oldest_at_ms > sim->configs.guards.max_age_ms;
	who->may_be_blind = plan->verb->is_release;
	/* No operator here sets the limit on what is held aside, nor what a drain must leave. */
	bool shifts = plan->verb->class == CLASS_SHIFT || plan->verb->class == CLASS_DISRUPT;
	who->shifts =
		shifts && !plan->is_undo ? fleet_cluster_of(sim->fleet, plan->target) : ENTITY_NONE;
	if (plan->blocked)
		return;
	if (plan->verb->move == MOVE_LOSE_REPLICA && !plan->is_rollback)
		judge_drain(sim, plan);
	if (has_overrides(plan))
		return;
	if (projects) {
		judge_projection(sim, plan);
		judge_freshness(sim, plan);
	}
	if (plan->verb->move == MOVE_DIVERT && !plan->is_rollback)
		judge_divert(sim, plan);
	/* What a stranger has set since is not ours to take back. */
	for (size_t i = 0; plan->is_undo && !plan->verb->is_release && i < value.count; i++) {
		if (!target_equal(value.values[i], plan->to) && plan->from_age_ms >= 0 &&
			!target_equal(value.values[i], plan->from) && value.count == 1)
			judge_violation(sim, "an undo over what somebody else has set");
	}
}

static size_t settings_of(struct sim *sim, const struct run_view *view, struct setting **out)
{
	for (int kind = ENTITY_CLUSTER; kind < ENTITY_KIND_COUNT; kind++) {
		uint32_t target =
			fleet_find_path(sim->fleet, (enum entity_kind)kind, view->target_path);
		if (target != ENTITY_NONE)
			return world_settings_of(sim, view->action, target, out);
	}
	return 0;
}

/* Now, or until so shortly ago that the last reading still showed it. */
static bool was_lately(const struct sim *sim, const struct setting *setting, double value)
{
	return setting->value == value ||
	       (setting->before == value &&
		       clock_now_ms(&sim->clock) - setting->changed_ms <= 20000);
}

static bool says_nothing_sent(enum outcome_code code)
{
	return code == OUTCOME_UNREACHABLE || code == OUTCOME_INTERRUPTED ||
	       code == OUTCOME_LOCAL_ERROR || code == OUTCOME_NOT_PERMITTED ||
	       code == OUTCOME_REFUSED || code == OUTCOME_LOCKED;
}

/* What was changed ends by itself or is shown. */
static void judge_hold(struct sim *sim, struct operator* who, const struct run_view *view)
{
	struct hold holds[HOLDS_MOST];
	size_t count = executor_holds(who->executor, clock_now_ms(&sim->clock), holds, HOLDS_MOST);
	bool may_stand = view->code == OUTCOME_DONE || view->code == OUTCOME_PARTIAL ||
			 view->code == OUTCOME_INCONCLUSIVE || view->code == OUTCOME_UNKNOWN;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(holds[i].run, view->id) == 0)
			return;
	}
	if (may_stand && who->is_hold && who->sent > 0)
		judge_violation(sim, "%s changed something and is no hold", view->id);
}

/* Unknown is never called failed or done. */
void judge_end(struct sim *sim, struct operator* who)
{
	const struct run_view *view = executor_run(who->executor);
	struct setting *settings[SIM_REPLICAS];
	size_t count = settings_of(sim, view, settings);
	if (!view->id[0])
		return; /* there was nothing to change */
	judge_hold(sim, who, view);
	sim->tally->outcomes[(unsigned)view->code & 255]++;
	if (says_nothing_sent(view->code) && who->sent > 0)
		judge_violation(sim, "%s says %s after %u requests left", view->id,
			outcome_name(view->code), who->sent);
	who->code = view->code;
	/* Unknown is allowed always: who breaks off cannot know what had left. */
	if (who->sent == 0 && !says_nothing_sent(view->code) && view->code != OUTCOME_DONE &&
		view->code != OUTCOME_UNKNOWN)
		judge_violation(sim, "%s says %s, but nothing was sent", view->id,
			outcome_name(view->code));
	for (size_t i = 0; i < count; i++) {
		uint32_t id = settings[i]->entity;
		bool is_part = strcmp(fleet_entity(sim->fleet, id)->path, view->target_path) != 0;
		bool down = is_part &&
			    (world_is_out(sim, id) || who->was_out[settings[i] - sim->settings]);
		if (view->code == OUTCOME_DONE && !down && !was_lately(sim, settings[i], view->to))
			judge_violation(sim, "%s says done, but the value is %g, not %g", view->id,
				settings[i]->value, view->to);
		if (view->code == OUTCOME_FAILED_UNCHANGED && who->sent > 0 && !down &&
			!settings[i]->by_stranger && settings[i]->value == view->to &&
			view->from != view->to && settings[i]->before != view->to &&
			clock_now_ms(&sim->clock) - settings[i]->changed_ms > 2000 &&
			settings[i]->changed_ms >= who->busy_since_ms)
			judge_violation(
				sim, "%s says nothing changed, but it is %g", view->id, view->to);
	}
}

/* What was given up must not turn out to have been called failed too early. */
void judge_landing(struct sim *sim, const struct pending *effect)
{
	const struct operator* who = effect->by;
	if (who->is_up && !who->was_busy && who->runs == effect->run &&
		who->code == OUTCOME_FAILED_UNCHANGED && effect->setting->value != effect->value)
		judge_violation(sim, "a run said that nothing changed, and then its effect landed");
}

void judge_step(struct sim *sim)
{
	for (size_t i = 0; i < SIM_OPERATORS; i++) {
		struct operator* who = & sim->operators[i];
		if (who->is_up && !who->crashed && executor_is_busy(who->executor) &&
			clock_now_ms(&sim->clock) - who->busy_since_ms > LONGEST_RUN_MS)
			judge_violation(sim, "a run does not end");
	}
}

/* After a crash the journal tells of the run that was cut off, and no more than is known. */
void judge_restart(struct sim *sim, struct operator* who)
{
	struct run_view view;
	struct journal_check check;
	struct error error = {0};
	if (!who->journal)
		return;
	if (!journal_verify(sim->journals[who->file].path, &check, &error) || !check.ok)
		judge_violation(sim, "the journal does not verify after a crash: %s%s", error.text,
			check.why);
	if (executor_runs(who->executor, &view, 1) != 1)
		return;
	bool is_own = who->run_id[0] && strcmp(view.id, who->run_id) == 0;
	if (is_own && who->sent > 0 && says_nothing_sent(view.code))
		judge_violation(sim, "%s says %s after a crash, but %u requests had left", view.id,
			outcome_name(view.code), who->sent);
	if (view.state != RUN_DONE && view.state != RUN_FAILED)
		judge_violation(sim, "%s is said to be going on after a crash", view.id);
}

/* Whether some run that may have changed the setting was to give it the value it has. */
static bool is_explained(struct sim *sim, const struct run_log *log, const struct setting *setting)
{
	for (size_t i = 0; i < run_log_count(log); i++) {
		const struct run_entry *entry = run_log_at(log, i);
		struct setting *settings[SIM_REPLICAS];
		size_t count = settings_of(sim, &entry->view, settings);
		for (size_t j = 0; j < count; j++) {
			if (settings[j] == setting && run_entry_may_have_changed(entry) &&
				target_equal(entry->view.to, setting->value))
				return true;
		}
	}
	return false;
}

void judge_world(struct sim *sim)
{
	struct error error = {0};
	struct run_log *logs[SIM_OPERATORS];
	for (size_t i = 0; i < SIM_OPERATORS; i++) {
		logs[i] = run_log_create();
		if (!logs[i] || !run_log_read(logs[i], sim->journals[i].path, &error))
			judge_violation(sim, "the journal cannot be read: %s", error.text);
		run_log_bind(logs[i], &sim->configs, clock_now_ms(&sim->clock));
	}
	for (size_t i = 0; i < sim->setting_count; i++) {
		const struct setting *setting = &sim->settings[i];
		if (setting->changed_ms == 0 || setting->by_stranger)
			continue;
		sim->tally->explained++;
		if (!is_explained(sim, logs[0], setting) && !is_explained(sim, logs[1], setting))
			judge_violation(sim,
				"%s of %s is %g, by our hand, and the journal does not tell",
				signal_row(setting->signal)->name,
				fleet_entity(sim->fleet, setting->entity)->path, setting->value);
	}
	for (size_t i = 0; i < SIM_OPERATORS; i++)
		run_log_destroy(logs[i]);
}
