#include "core/assess/phase.h"

#include <math.h>

#include "core/assess/limits.h"
#include "core/assess/noise.h"

struct phase_row {
	const char *name;
	int badness;
	enum severity severity;
	bool incident;
};

static const struct phase_row rows[PHASE_COUNT] = {
	[PHASE_NORMAL] = {"normal", 1, SEVERITY_OK, false},
	[PHASE_VULNERABLE] = {"vulnerable", 2, SEVERITY_WARNING, false},
	[PHASE_RECOVERY] = {"recovery", 3, SEVERITY_WARNING, true},
	[PHASE_TRIGGER] = {"trigger", 4, SEVERITY_WARNING, true},
	[PHASE_LOAD_SHIFT] = {"load shift", 5, SEVERITY_WARNING, true},
	[PHASE_SATURATION] = {"saturation", 6, SEVERITY_CRITICAL, true},
	[PHASE_ERRORS] = {"errors", 7, SEVERITY_CRITICAL, true},
	[PHASE_AMPLIFICATION] = {"amplification", 8, SEVERITY_CRITICAL, true},
	[PHASE_METASTABLE] = {"metastable", 9, SEVERITY_CRITICAL, true},
	[PHASE_BLIND] = {"blind", 0, SEVERITY_UNKNOWN, false},
};

static const char *const severity_names[] = {
	[SEVERITY_OK] = "ok",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_CRITICAL] = "critical",
	[SEVERITY_UNKNOWN] = "unknown",
};

const char *phase_name(enum phase phase)
{
	return (unsigned)phase < PHASE_COUNT ? rows[phase].name : "blind";
}

int phase_badness(enum phase phase)
{
	return rows[phase].badness;
}

enum severity phase_severity(enum phase phase)
{
	return rows[phase].severity;
}

bool phase_is_incident(enum phase phase)
{
	return rows[phase].incident;
}

const char *severity_name(enum severity severity)
{
	return (unsigned)severity <= SEVERITY_UNKNOWN ? severity_names[severity] : "unknown";
}

void phase_inputs_init(struct phase_inputs *inputs)
{
	*inputs = (struct phase_inputs){
		.after_loss = NAN,
		.load = NAN,
		.load_trip = NAN,
		.use = NAN,
		.whole_use = NAN,
		.knee = NAN,
		.use_baseline = NAN,
		.use_margin = NAN,
		.wait = NAN,
		.wait_baseline = NAN,
		.waiting = NAN,
		.errors = NAN,
		.errors_baseline = NAN,
		.failures = NAN,
		.failures_baseline = NAN,
		.attempts = NAN,
		.errors_events = NAN,
		.failures_events = NAN,
		.attempts_events = NAN,
		.fits = NAN,
		.yield = NAN,
	};
}

/* A surface that always has some errors is in trouble when it has one in a hundred more. */
static double errors_level(double baseline, double above)
{
	return baseline > ERRORS_CLEAR ? baseline + above : above;
}

double phase_errors_trip(double baseline, double events)
{
	double chance = noise_share(events, fmax(baseline, USUAL_FAILURES));
	return fmax(errors_level(baseline, ERRORS_TRIP), chance);
}

double phase_errors_clear(double baseline, double events)
{
	double raised = phase_errors_trip(baseline, events) / errors_level(baseline, ERRORS_TRIP);
	return errors_level(baseline, ERRORS_CLEAR) * raised;
}

double phase_attempts_trip(double trip, double events)
{
	return fmax(trip, 1 + noise_share(events, USUAL_RETRIES));
}

/* ---- conditions ---- */

enum plight { PLIGHT_UNKNOWN, PLIGHT_NONE, PLIGHT_BETWEEN, PLIGHT_WAITING };

/* Whether clients wait: by how long, or where that is not measured by how many. */
static enum plight plight_of(const struct phase_inputs *in)
{
	double value = in->wait, trip = WAIT_TRIP, clear = WAIT_CLEAR;
	if (isnan(value)) {
		value = in->waiting;
		trip = WAITING_TRIP;
		clear = WAITING_TRIP / 2;
	} else if (isnan(in->wait_baseline)) {
		trip = WAIT_PLAIN;
		clear = WAIT_TRIP;
	} else {
		trip = fmax(trip, WAIT_OVER_BASELINE * in->wait_baseline);
		clear = fmax(clear, (1 + WAIT_OVER_BASELINE) / 2 * in->wait_baseline);
	}
	if (isnan(value))
		return PLIGHT_UNKNOWN;
	if (value >= trip)
		return PLIGHT_WAITING;
	return value < clear ? PLIGHT_NONE : PLIGHT_BETWEEN;
}

/*
 * From this use on a pool is past its knee and past what is normal for it; before the normal is
 * learned, when it is halfway from its knee to full.
 */
static double saturated_use(const struct phase_inputs *in)
{
	double use = in->knee + (1 - in->knee) / 2;
	if (!isnan(in->use_baseline))
		use = fmax(in->knee, in->use_baseline + in->use_margin);
	return fmin(use, POOL_TRIP_MOST);
}

/* Below this use a pool counts as relieved: well under its knee, or back at what is normal. */
static double relieved_use(const struct phase_inputs *in)
{
	double near = saturated_use(in) - POOL_HYSTERESIS;
	double well_under = in->knee - POOL_CLEAR_BELOW_KNEE;
	if (isnan(in->use_baseline))
		return near;
	return fmin(near, fmax(well_under, in->use_baseline + in->use_margin / 2));
}

static enum trip_level saturation_level(const struct phase_inputs *in)
{
	if (isnan(in->use) || isnan(in->knee))
		return TRIP_UNKNOWN;
	enum plight plight = plight_of(in);
	double halfway_full = in->knee + (1 - in->knee) / 2;
	/* In a small pool chance alone makes a queue now and then, while the others have room. */
	bool by_chance = in->whole_use < WHOLE_USE && in->wait < WAIT_PLAIN;
	if (plight == PLIGHT_WAITING && in->use >= saturated_use(in) && !by_chance)
		return TRIP_ABOVE;
	if (plight == PLIGHT_UNKNOWN && in->use >= fmax(halfway_full, saturated_use(in)))
		return TRIP_ABOVE;
	bool calm = plight == PLIGHT_UNKNOWN || plight == PLIGHT_NONE;
	return calm && in->use < relieved_use(in) ? TRIP_BELOW : TRIP_BETWEEN;
}

/* The same figures as they would read when all is as before. */
static bool all_well(const struct phase_machine *machine, const struct phase_inputs *in)
{
	return saturation_level(in) == TRIP_BELOW && !machine->saturated.on &&
	       !machine->errors.on && !machine->failures.on && !machine->amplified.on;
}

/* Below half of its trip. What is not known is calm only if it never was the trouble. */
static bool is_calm(double value, double baseline, double trip, const struct trip *trouble)
{
	if (isnan(value))
		return !trouble->on;
	double from = isnan(baseline) ? 0 : baseline;
	return value < from + (trip - from) / 2;
}

static bool is_recovering(const struct phase_machine *machine, const struct phase_inputs *in)
{
	double errors_trip = phase_errors_trip(in->errors_baseline, in->errors_events);
	double failures_trip = phase_errors_trip(in->failures_baseline, in->failures_events);
	return (!isnan(in->errors) || !isnan(in->failures)) && plight_of(in) <= PLIGHT_NONE &&
	       is_calm(in->errors, in->errors_baseline, errors_trip, &machine->errors) &&
	       is_calm(in->failures, in->failures_baseline, failures_trip, &machine->failures) &&
	       is_calm(in->attempts, 1, phase_attempts_trip(ATTEMPTS_TRIP, in->attempts_events),
		       &machine->amplified);
}

static bool is_stuck(const struct phase_machine *machine, const struct phase_inputs *in)
{
	bool trigger_gone = machine->triggered && in->all_serve && in->out == 0 && !in->cut;
	/* What would fit is reckoned with connections as good as they were. */
	bool would_fit = in->fits < FITS_TRIP && !in->degraded;
	bool too_many = in->fits >= 1;
	bool bad = in->errors >= phase_errors_trip(in->errors_baseline, in->errors_events) ||
		   in->failures >= phase_errors_trip(in->failures_baseline, in->failures_events) ||
		   in->wait >= WAIT_STUCK;
	bool fed = in->attempts >= phase_attempts_trip(ATTEMPTS_STILL, in->attempts_events) ||
		   in->yield < YIELD_POOR;
	bool free_to_mend = (trigger_gone && !in->degraded && !too_many) || would_fit;
	return machine->hurt && free_to_mend && bad && fed;
}

/* Nothing feeds it any more: nobody waits, and hardly anybody tries again. What users still see
 * comes from elsewhere, say from downstreams that scale back up. */
static bool is_free(const struct phase_machine *machine, const struct phase_inputs *in)
{
	return plight_of(in) == PLIGHT_NONE && !is_stuck(machine, in) &&
	       is_calm(in->attempts, 1, phase_attempts_trip(ATTEMPTS_TRIP, in->attempts_events),
		       &machine->amplified);
}

/* ---- steps ---- */

static void step_trips(struct phase_machine *machine, const struct phase_inputs *in, int64_t now_ms)
{
	/* After an incident the first sign of a relapse is enough. */
	unsigned samples = machine->phase == PHASE_RECOVERY ? 1 : TRIP_SAMPLES;
	const struct trip_rule rule = {samples, CLEAR_DWELL_MS};
	const struct trip_rule queue = {samples > 1 ? POOL_SAMPLES : 1, CLEAR_DWELL_MS};
	const struct trip_rule quick = {TRIP_SAMPLES, REPLICA_BACK_DWELL_MS};
	int64_t at_ms = in->sample_ms;
	trip_step(&machine->vulnerable, &rule,
		trip_level(
			in->after_loss, VULNERABLE_TRIP + in->after_loss_doubt, VULNERABLE_CLEAR),
		at_ms, now_ms);
	trip_step(&machine->shifted, &quick,
		trip_level(in->load, in->load_trip, 1 + (in->load_trip - 1) / 2), at_ms, now_ms);
	trip_step(&machine->saturated, &queue, saturation_level(in), at_ms, now_ms);
	trip_step(&machine->errors, &rule,
		trip_level(in->errors, phase_errors_trip(in->errors_baseline, in->errors_events),
			phase_errors_clear(in->errors_baseline, in->errors_events)),
		at_ms, now_ms);
	trip_step(&machine->failures, &rule,
		trip_level(in->failures,
			phase_errors_trip(in->failures_baseline, in->failures_events),
			phase_errors_clear(in->failures_baseline, in->failures_events)),
		at_ms, now_ms);
	trip_step(&machine->amplified, &rule,
		trip_level(in->attempts, phase_attempts_trip(ATTEMPTS_TRIP, in->attempts_events),
			phase_attempts_trip(ATTEMPTS_CLEAR, in->attempts_events)),
		at_ms, now_ms);
}

static void step_trigger(
	struct phase_machine *machine, const struct phase_inputs *in, int64_t now_ms)
{
	bool trigger = in->out > 0 || in->cut;
	if (trigger)
		machine->triggered = true;
	if (!trigger || in->out > machine->out_before) {
		machine->absorbed = false;
		machine->absorbing_ms = 0;
	}
	machine->out_before = in->out;
	if (!trigger || machine->absorbed)
		return;
	if (!all_well(machine, in)) {
		machine->absorbing_ms = 0;
		return;
	}
	if (machine->absorbing_ms == 0)
		machine->absorbing_ms = now_ms;
	machine->absorbed = now_ms - machine->absorbing_ms >= CLEAR_DWELL_MS;
}

/* A condition that must hold without a break: since when it does. */
static int64_t hold(int64_t since_ms, bool holds, int64_t now_ms)
{
	if (!holds)
		return 0;
	return since_ms != 0 ? since_ms : now_ms;
}

static enum phase evident_phase(
	const struct phase_machine *machine, const struct phase_inputs *in, int64_t now_ms)
{
	if (machine->stuck_ms != 0 && now_ms - machine->stuck_ms >= METASTABLE_DWELL_MS)
		return PHASE_METASTABLE;
	if (machine->amplified.on)
		return PHASE_AMPLIFICATION;
	if (machine->errors.on || machine->failures.on)
		return PHASE_ERRORS;
	if (machine->saturated.on)
		return PHASE_SATURATION;
	if ((in->out > 0 || in->cut) && !machine->absorbed)
		return machine->shifted.on ? PHASE_LOAD_SHIFT : PHASE_TRIGGER;
	return machine->vulnerable.on ? PHASE_VULNERABLE : PHASE_NORMAL;
}

static void forgive(struct phase_machine *machine)
{
	trip_clear(&machine->saturated);
	trip_clear(&machine->errors);
	trip_clear(&machine->failures);
	trip_clear(&machine->amplified);
	machine->stuck_ms = 0;
	machine->free_ms = 0;
	machine->calm_ms = 0;
}

/* What follows from the evidence, given where the machine is. */
static enum phase next_phase(
	struct phase_machine *machine, const struct phase_inputs *in, int64_t now_ms)
{
	enum phase evident = evident_phase(machine, in, now_ms);
	if (phase_badness(evident) >= phase_badness(PHASE_ERRORS))
		machine->hurt = true;
	if (!machine->hurt)
		return evident;
	if (machine->phase == PHASE_RECOVERY) {
		if (phase_badness(evident) >= phase_badness(PHASE_SATURATION))
			return evident;
		if (now_ms - machine->since_ms < RECOVERY_HOLD_MS)
			return PHASE_RECOVERY;
		machine->hurt = false;
		return evident;
	}
	machine->calm_ms = hold(machine->calm_ms, is_recovering(machine, in), now_ms);
	if (machine->calm_ms != 0 && now_ms - machine->calm_ms >= RECOVERY_DWELL_MS) {
		forgive(machine);
		return PHASE_RECOVERY;
	}
	/* Once users were hit, nothing short of RECOVERY is better news. */
	if (machine->phase == PHASE_METASTABLE &&
		(machine->free_ms == 0 || now_ms - machine->free_ms < CLEAR_DWELL_MS))
		return PHASE_METASTABLE;
	return phase_badness(evident) < phase_badness(PHASE_ERRORS) ? PHASE_ERRORS : evident;
}

enum phase phase_step(
	struct phase_machine *machine, const struct phase_inputs *inputs, int64_t now_ms)
{
	step_trips(machine, inputs, now_ms);
	step_trigger(machine, inputs, now_ms);
	machine->stuck_ms = hold(machine->stuck_ms, is_stuck(machine, inputs), now_ms);
	machine->free_ms = hold(machine->free_ms, is_free(machine, inputs), now_ms);
	enum phase phase = next_phase(machine, inputs, now_ms);
	if (!phase_is_incident(phase) && inputs->out == 0 && !inputs->cut)
		machine->triggered = false;
	if (phase != machine->phase || machine->since_ms == 0) {
		machine->phase = phase;
		machine->since_ms = now_ms;
	}
	return phase;
}
