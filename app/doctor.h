/*
 * doctor.h - what is wrong with how a fleet is watched, and what to change.
 *
 * Looks at a picture that is already there: which source yields which signals, which configured
 * rows give nothing and why, whose clock is off, what is slow, which parts of the fleet nobody
 * speaks of. It decides from its arguments alone.
 */
#ifndef APP_DOCTOR_H
#define APP_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fleet/signal.h"
#include "core/fleet/snapshot.h"

struct config;
struct text;

#define DOCTOR_FINDINGS_MOST 4096
#define DOCTOR_TEXT_BYTES 320
#define DOCTOR_FLEET SIZE_MAX /* a finding about the fleet, not about one source */

/* What is looked at. */
struct doctor_case {
	const struct config *config;
	const struct snapshot *snapshot;
	const bool *row_answered; /* per row of config->sources.maps: it gave a value to anybody */
	bool (*has_pack)(const char *name); /* whether there is a pack of that name */
};

struct doctor_finding {
	size_t source; /* index into the snapshot's sources, or DOCTOR_FLEET */
	bool mend;     /* there is something to do; else it is worth knowing */
	char text[DOCTOR_TEXT_BYTES];
};

struct doctor_report {
	const struct doctor_case *examined;
	bool (*yields)[SIGNAL_COUNT]; /* per source of the snapshot */
	struct doctor_finding *findings;
	size_t finding_count, capacity;
	size_t to_mend; /* also those past DOCTOR_FINDINGS_MOST, which are not kept */
};

/* False without memory. `examined` must outlive the report. */
bool doctor_examine(const struct doctor_case *examined, struct doctor_report *out);
void doctor_finish(struct doctor_report *report);

void doctor_print_text(const struct doctor_report *report, struct text *out);
void doctor_print_json(const struct doctor_report *report, struct text *out);

#endif
