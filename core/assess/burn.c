#include "core/assess/burn.h"

#include <math.h>
#include <string.h>

#include "core/assess/limits.h"
#include "core/fleet/samples.h"

#define MINUTE_MS 60000

struct tally {
	double requests, errors;
};

/* Turn the ring to this minute; what lies between was silence. */
static void turn_to(struct burn_memory *memory, int64_t minute)
{
	if (memory->minute == 0 || minute - memory->minute >= BURN_MINUTES) {
		memset(memory->requests, 0, sizeof(memory->requests));
		memset(memory->errors, 0, sizeof(memory->errors));
		memory->begun_ms = 0;
		memory->minute = minute;
	}
	while (memory->minute < minute) {
		memory->minute++;
		memory->requests[memory->minute % BURN_MINUTES] = 0;
		memory->errors[memory->minute % BURN_MINUTES] = 0;
	}
}

void burn_feed(
	struct burn_memory *memory, double requests, double errors, bool incident, int64_t now_ms)
{
	int64_t passed_ms = now_ms - memory->last_ms;
	bool known = memory->last_ms != 0 && passed_ms > 0 && passed_ms <= IMPACT_GAP_MS &&
		     isfinite(requests) && isfinite(errors);
	memory->last_ms = now_ms;
	if (!incident)
		memory->failed = 0;
	if (!known)
		return;
	turn_to(memory, now_ms / MINUTE_MS);
	double seconds = (double)passed_ms / 1000;
	if (memory->begun_ms == 0)
		memory->begun_ms = memory->last_ms - passed_ms;
	size_t slot = (size_t)(memory->minute % BURN_MINUTES);
	memory->requests[slot] += (float)(requests * seconds);
	memory->errors[slot] += (float)(errors * seconds);
	if (incident)
		memory->failed += errors * seconds;
}

/* Over the newest `minutes`, the one in progress included. */
static struct tally count(const struct burn_memory *memory, int64_t minutes)
{
	struct tally tally = {0, 0};
	for (int64_t i = 0; i < minutes && memory->minute >= i; i++) {
		size_t slot = (size_t)((memory->minute - i) % BURN_MINUTES);
		tally.requests += (double)memory->requests[slot];
		tally.errors += (double)memory->errors[slot];
	}
	return tally;
}

void burn_judge(const struct burn_memory *memory, double objective, struct burn *out)
{
	*out = (struct burn){NAN, NAN, NAN, NAN};
	if (memory->minute == 0 || !(objective < 1))
		return;
	struct tally brief = count(memory, BURN_SHORT_MINUTES);
	struct tally hour = count(memory, BURN_LONG_MINUTES);
	out->now = samples_burn(brief.errors, brief.requests, objective);
	out->hour = samples_burn(hour.errors, hour.requests, objective);
	struct tally all = count(memory, BURN_MINUTES);
	int64_t oldest_ms = (memory->minute - BURN_MINUTES + 1) * MINUTE_MS;
	int64_t begun_ms = memory->begun_ms > oldest_ms ? memory->begun_ms : oldest_ms;
	double watched_s = (double)(memory->last_ms - begun_ms) / 1000;
	double allowed = all.requests / watched_s * BURN_PERIOD_S * (1 - objective);
	if (!(allowed > 0))
		return;
	out->spent = memory->failed / allowed;
	if (out->now > 0)
		out->seconds_left = fmax(1 - out->spent, 0) * BURN_PERIOD_S / out->now;
}
