#include "app/trial.h"

#include <math.h>
#include <stdio.h>

#include "app/healer.h"
#include "backends/sim/model.h"
#include "core/assess/phase.h"
#include "core/base/error.h"
#include "core/fleet/snapshot.h"

#define POLLS_MS 2000 /* a phase is right when it is the truth's within two polls */
#define WINDOW_TICKS (2 * POLLS_MS / SIMULATION_TICK_MS + 1)
#define SETTLED_MS 20000   /* nothing is judged while baselines are young */
#define LINGER_MS 62000    /* a phase may stay so long after its truth is over: its dwell */
#define RECOVERY_MS 395000 /* and RECOVERY so long after the last failure */
#define NAMING_MS 15000    /* METASTABLE may take that long */
#define CAUSE_MS 15000     /* causes are asked for so long after the first alarm */
#define BAD_RATIO 0.01
#define AMPLIFIED 1.2

/* What truly is, as of one tick. */
struct moment {
	enum phase phase; /* as shown */
	enum truth_state state;
	bool errors;    /* users of some cluster see at least 1 % */
	bool amplified; /* somewhere attempts outnumber first tries by a fifth */
};

struct watch {
	struct simulation simulation;
	struct trial *trial;
	bool chatter;
	int64_t trouble_ms; /* -1: none */
	struct moment moments[WINDOW_TICKS];
	size_t moment_count;
	int64_t last_ms[TRUTH_METASTABLE + 1]; /* when the truth was last at least that bad */
	int64_t last_errors_ms;
	int64_t metastable_ms, serving_ms; /* when the truth became so */
	enum phase phase, known;           /* as said last, and as said when anything could be */
	bool page, known_page;
	int64_t vulnerable_ms, alarm_ms, first_bad_ms, last_bad_ms;
	unsigned before_ticks, vulnerable_ticks; /* before the trouble */
	bool cause_asked;
};

static double since_trouble_s(const struct watch *watch, int64_t at_ms)
{
	return watch->trouble_ms < 0 ? NAN : (double)(at_ms - watch->trouble_ms) / 1000;
}

static bool is_trouble(const struct scenario *scenario, const struct scenario_event *event)
{
	if (scenario->cause == SCENARIO_CAUSE_NONE)
		return false;
	if (event->kind == SCENARIO_DEMAND)
		return scenario->cause == SCENARIO_CAUSE_DEMAND_SURGE;
	if (event->kind == SCENARIO_SCRAPER)
		return scenario->cause == SCENARIO_CAUSE_TELEMETRY_FAULT;
	return true;
}

static int64_t trouble_begins_ms(const struct scenario *scenario)
{
	for (size_t i = 0; i < scenario->event_count; i++) {
		if (is_trouble(scenario, &scenario->events[i]))
			return scenario->events[i].at_ms;
	}
	return -1;
}

/* ---- the truth ---- */

static struct moment look(const struct watch *watch)
{
	const struct simulation *simulation = &watch->simulation;
	struct moment moment = {.phase = simulation->assessment.phase};
	for (size_t c = 0; c < simulation->scenario->cluster_count; c++) {
		struct cluster_truth truth = model_cluster_truth(simulation->model, c);
		if (truth.state > moment.state)
			moment.state = truth.state;
		if (truth.web_errors >= BAD_RATIO * truth.web_requests && truth.web_errors > 0)
			moment.errors = true;
		if (truth.attempts >= AMPLIFIED * truth.first_tries && truth.first_tries > 0)
			moment.amplified = true;
	}
	return moment;
}

static bool fits(const struct moment *truth, enum phase phase)
{
	static const enum phase floors[] = {
		[TRUTH_NORMAL] = PHASE_NORMAL,
		[TRUTH_REDUCED] = PHASE_NORMAL,
		[TRUTH_SATURATED] = PHASE_SATURATION,
		[TRUTH_FAILING] = PHASE_ERRORS,
		[TRUTH_METASTABLE] = PHASE_METASTABLE,
	};
	static const enum phase ceilings[] = {
		[TRUTH_NORMAL] = PHASE_VULNERABLE,
		[TRUTH_REDUCED] = PHASE_LOAD_SHIFT,
		[TRUTH_SATURATED] = PHASE_SATURATION,
		[TRUTH_FAILING] = PHASE_AMPLIFICATION,
		[TRUTH_METASTABLE] = PHASE_METASTABLE,
	};
	if (truth->errors && phase >= PHASE_ERRORS && phase <= PHASE_METASTABLE &&
		truth->state < TRUTH_FAILING)
		return true;
	if (truth->amplified && phase == PHASE_AMPLIFICATION && truth->state < TRUTH_METASTABLE)
		return true;
	return phase >= floors[truth->state] && phase <= ceilings[truth->state];
}

static bool within(int64_t last_ms, int64_t span_ms, int64_t now_ms)
{
	return last_ms >= 0 && now_ms - last_ms <= span_ms;
}

/* Whether what is shown may linger by the rules of dwell, though the truth is milder by now. */
static bool lingers(const struct watch *watch, enum phase phase)
{
	int64_t now_ms = watch->simulation.now_ms;
	int64_t failed_ms = watch->last_ms[TRUTH_FAILING];
	if (watch->last_errors_ms > failed_ms)
		failed_ms = watch->last_errors_ms;
	switch (phase) {
	case PHASE_TRIGGER:
	case PHASE_LOAD_SHIFT:
		return within(watch->last_ms[TRUTH_REDUCED], LINGER_MS, now_ms);
	case PHASE_SATURATION:
		return within(watch->last_ms[TRUTH_SATURATED], LINGER_MS, now_ms);
	case PHASE_ERRORS:
	case PHASE_AMPLIFICATION:
		/* Also while a cluster is metastable, until that can be known. */
		return within(failed_ms, LINGER_MS, now_ms) &&
		       !(watch->metastable_ms >= 0 && now_ms - watch->metastable_ms > NAMING_MS &&
			       watch->last_ms[TRUTH_METASTABLE] == now_ms);
	case PHASE_METASTABLE:
		return within(watch->last_ms[TRUTH_METASTABLE], LINGER_MS, now_ms);
	case PHASE_RECOVERY:
		return within(failed_ms, RECOVERY_MS, now_ms) && now_ms - failed_ms > POLLS_MS;
	case PHASE_NORMAL:
	case PHASE_VULNERABLE:
	case PHASE_BLIND:
	case PHASE_COUNT:
		break;
	}
	return false;
}

static void judge_phase(struct watch *watch)
{
	int64_t now_ms = watch->simulation.now_ms;
	struct moment moment = look(watch);
	for (unsigned i = 0; i <= (unsigned)moment.state; i++)
		watch->last_ms[i] = now_ms;
	if (moment.errors)
		watch->last_errors_ms = now_ms;
	if (moment.state != TRUTH_METASTABLE)
		watch->metastable_ms = -1;
	else if (watch->metastable_ms < 0)
		watch->metastable_ms = now_ms;
	for (size_t i = WINDOW_TICKS - 1; i > 0; i--)
		watch->moments[i] = watch->moments[i - 1];
	watch->moments[0] = moment;
	if (watch->moment_count < WINDOW_TICKS)
		watch->moment_count++;
	if (watch->moment_count < WINDOW_TICKS || now_ms < SETTLED_MS)
		return;
	enum phase phase = watch->moments[WINDOW_TICKS / 2].phase;
	bool right = lingers(watch, phase);
	for (size_t i = 0; i < WINDOW_TICKS && !right; i++)
		right = fits(&watch->moments[i], phase);
	watch->trial->phases_judged++;
	watch->trial->phases_right += right;
	if (phase == PHASE_RECOVERY && moment.errors && watch->moments[WINDOW_TICKS - 1].errors)
		watch->trial->recoveries_wrong++;
	if (!right && watch->chatter)
		fprintf(stderr, "%8.2f wrong: %s, truly %s\n", (double)now_ms / 1000 - 2,
			phase_name(phase), truth_state_name(moment.state));
}

/* ---- what was said when ---- */

/* A replica that is said to be out is expected to fall silent. */
static bool is_out(const struct snapshot *snapshot, uint32_t entity)
{
	double up = 1, away = 0;
	snapshot_value(snapshot, entity, SIGNAL_REPLICA_UP, &up);
	snapshot_value(snapshot, entity, SIGNAL_REPLICA_MAINTENANCE, &away);
	return up < 0.5 || away >= 0.5;
}

static bool is_in_sight(const struct snapshot *snapshot, uint32_t cluster)
{
	size_t told = 0, stale = 0;
	for (uint32_t id = 0; id < snapshot->entity_count; id++) {
		if (fleet_cluster_of(snapshot->fleet, id) != cluster || is_out(snapshot, id))
			continue;
		for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
			const struct reading *reading =
				snapshot_reading(snapshot, id, (enum signal)i);
			told += reading->at_ms != 0;
			stale += reading_freshness(reading, snapshot->at_ms) == FRESHNESS_STALE;
		}
	}
	return 2 * stale <= told;
}

/* To say again what was known before the sources fell silent decides nothing; to say worse does. */
static void note_decisions(struct watch *watch)
{
	const struct assessment *seen = &watch->simulation.assessment;
	bool called = phase_is_incident(seen->phase) &&
		      phase_badness(seen->phase) > phase_badness(watch->known);
	bool paged = seen->page && !watch->known_page;
	if (seen->phase != PHASE_BLIND) {
		watch->known = seen->phase;
		watch->known_page = seen->page;
	}
	if ((called || paged) && seen->cluster_count > 0 &&
		!is_in_sight(watch->simulation.snapshot, seen->clusters[0].cluster))
		watch->trial->violations.counts[VIOLATION_BLIND] = ++watch->trial->blind_decisions;
}

static void note_turns(struct watch *watch)
{
	const struct assessment *seen = &watch->simulation.assessment;
	struct trial *trial = watch->trial;
	int64_t now_ms = watch->simulation.now_ms;
	bool before = watch->trouble_ms < 0 || now_ms < watch->trouble_ms;
	if (before && now_ms >= SETTLED_MS && seen->contingency.known)
		trial->worst_utilisation =
			fmax(trial->worst_utilisation, seen->contingency.utilisation_after);
	if (before) {
		watch->before_ticks++;
		watch->vulnerable_ticks += seen->phase == PHASE_VULNERABLE;
	}
	if (before && seen->phase != PHASE_VULNERABLE)
		watch->vulnerable_ms = -1;
	else if (before && watch->vulnerable_ms < 0)
		watch->vulnerable_ms = now_ms;
	bool triggered = seen->phase >= PHASE_TRIGGER && seen->phase < PHASE_RECOVERY;
	if (!before && triggered && isnan(trial->trigger_s))
		trial->trigger_s = since_trouble_s(watch, now_ms);
	if (seen->page && !watch->page && before)
		trial->false_pages++;
	if (seen->page && !before && isnan(trial->page_s))
		trial->page_s = since_trouble_s(watch, now_ms);
	/* VULNERABLE is a standing state, and BLIND says nothing of the fleet. */
	bool alarms = phase_is_incident(seen->phase);
	if (before && alarms && !phase_is_incident(watch->phase) && now_ms >= SETTLED_MS)
		trial->warnings++;
	if (watch->chatter && (seen->phase != watch->phase || seen->page != watch->page))
		fprintf(stderr, "%8.2f %s%s: %s\n", (double)now_ms / 1000, phase_name(seen->phase),
			seen->page ? " PAGE" : "", seen->headline);
	for (size_t i = 0;
		watch->chatter && seen->phase != watch->phase && i < seen->recommendation_count;
		i++)
		fprintf(stderr, "         %s %s\n",
			seen->recommendations[i].enough ? "could:" : "not enough:",
			seen->recommendations[i].text);
	watch->phase = seen->phase;
	watch->page = seen->page;
}

static void note_metastable(struct watch *watch)
{
	const struct simulation *simulation = &watch->simulation;
	int64_t now_ms = simulation->now_ms;
	bool all_serve = true;
	for (size_t c = 0; c < simulation->scenario->cluster_count; c++)
		all_serve =
			all_serve && model_cluster_truth(simulation->model, c).replicas_serving ==
					     simulation->scenario->clusters[c].replica_count;
	if (!all_serve || watch->trouble_ms < 0 || now_ms <= watch->trouble_ms)
		watch->serving_ms = -1;
	else if (watch->serving_ms < 0)
		watch->serving_ms = now_ms;
	if (simulation->assessment.phase == PHASE_METASTABLE && isnan(watch->trial->metastable_s) &&
		watch->serving_ms >= 0)
		watch->trial->metastable_s = (double)(now_ms - watch->serving_ms) / 1000;
}

static void note_impact(struct watch *watch)
{
	const struct simulation *simulation = &watch->simulation;
	struct trial *trial = watch->trial;
	double ratio = model_truth(simulation->model).web_error_ratio;
	if (!(ratio >= BAD_RATIO))
		return;
	if (watch->first_bad_ms < 0)
		watch->first_bad_ms = simulation->now_ms;
	watch->last_bad_ms = simulation->now_ms;
	trial->error_minutes += (double)SIMULATION_TICK_MS / 60000;
}

static void ask_cause(struct watch *watch)
{
	const struct assessment *seen = &watch->simulation.assessment;
	const struct scenario *scenario = watch->simulation.scenario;
	watch->cause_asked = true;
	watch->trial->first_cause =
		seen->cause_count > 0 ? seen->causes[0].hypothesis : HYPOTHESIS_COUNT;
	for (size_t i = 0; i < seen->cause_count; i++) {
		if ((unsigned)seen->causes[i].hypothesis + 1 == (unsigned)scenario->cause)
			watch->trial->cause_rank = (unsigned)i + 1;
	}
	if (!watch->chatter)
		return;
	for (size_t i = 0; i < seen->cause_count; i++)
		fprintf(stderr, "         cause %zu: %s %.1f: %s; against: %s\n", i + 1,
			hypothesis_name(seen->causes[i].hypothesis), seen->causes[i].score,
			seen->causes[i].evidence, seen->causes[i].contradiction);
}

static void note_cause(struct watch *watch)
{
	const struct assessment *seen = &watch->simulation.assessment;
	int64_t now_ms = watch->simulation.now_ms;
	if (watch->trouble_ms < 0 || now_ms < watch->trouble_ms || watch->cause_asked)
		return;
	if (watch->alarm_ms < 0 && seen->cause_count > 0)
		watch->alarm_ms = now_ms;
	if (watch->alarm_ms >= 0 && now_ms - watch->alarm_ms >= CAUSE_MS)
		ask_cause(watch);
}

/* ---- the whole ---- */

static void count_failed(struct watch *watch)
{
	const struct simulation *simulation = &watch->simulation;
	for (size_t c = 0; c < simulation->scenario->cluster_count; c++) {
		for (size_t s = 0; s < SURFACE_COUNT; s++)
			watch->trial->failed_requests +=
				(double)model_surface(simulation->model, c, (enum surface)s)
					.error_total;
	}
}

static void conclude(struct watch *watch)
{
	struct trial *trial = watch->trial;
	struct model_truth truth = model_truth(watch->simulation.model);
	if (watch->trouble_ms >= 0 && !watch->cause_asked)
		ask_cause(watch);
	if (watch->vulnerable_ms >= 0 && watch->trouble_ms >= 0)
		trial->vulnerable_s = (double)(watch->trouble_ms - watch->vulnerable_ms) / 1000;
	if (watch->before_ticks > 0)
		trial->vulnerable_share = (double)watch->vulnerable_ticks / watch->before_ticks;
	if (truth.first_error_ms >= 0)
		trial->first_error_s = since_trouble_s(watch, truth.first_error_ms);
	trial->lead_s = trial->first_error_s - trial->page_s;
	trial->peak_error_ratio = truth.peak_web_error_ratio;
	count_failed(watch);
	bool over = watch->simulation.now_ms - watch->last_bad_ms > 30000;
	if (watch->first_bad_ms >= 0 && over)
		trial->mitigated_s = (double)(watch->last_bad_ms - watch->first_bad_ms) / 1000;
}

static void watch_init(struct watch *watch, struct trial *trial, uint64_t seed)
{
	*trial = (struct trial){
		.seed = seed,
		.vulnerable_s = 0,
		.vulnerable_share = NAN,
		.trigger_s = NAN,
		.page_s = NAN,
		.first_error_s = NAN,
		.lead_s = NAN,
		.metastable_s = NAN,
		.mitigated_s = NAN,
		.worst_utilisation = NAN,
		.first_cause = HYPOTHESIS_COUNT,
	};
	*watch = (struct watch){
		.trial = trial,
		.last_errors_ms = -1,
		.metastable_ms = -1,
		.serving_ms = -1,
		.vulnerable_ms = -1,
		.alarm_ms = -1,
		.first_bad_ms = -1,
		.last_bad_ms = -1,
	};
	for (unsigned i = 0; i <= TRUTH_METASTABLE; i++)
		watch->last_ms[i] = -1;
}

bool trial_run(const struct scenario *scenario, uint64_t seed, const struct trial_setup *setup,
	struct trial *out, struct error *error)
{
	struct watch watch;
	watch_init(&watch, out, seed);
	struct healer *healer = setup->healer;
	watch.chatter = setup->chatter;
	watch.trouble_ms = trouble_begins_ms(scenario);
	if (!simulation_init(&watch.simulation, scenario, seed, &setup->faults, error))
		return false;
	bool ok = true;
	while (ok && watch.simulation.now_ms < scenario->lasts_ms) {
		ok = simulation_step(&watch.simulation, error);
		if (ok && healer)
			ok = healer_tick(healer, &watch.simulation, error);
		if (!ok)
			break;
		note_decisions(&watch);
		note_turns(&watch);
		note_metastable(&watch);
		note_impact(&watch);
		judge_phase(&watch);
		note_cause(&watch);
	}
	if (ok)
		conclude(&watch);
	if (healer)
		healer_rest(healer, out);
	simulation_finish(&watch.simulation);
	return ok;
}
