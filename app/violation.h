/*
 * violation.h - what must never be so in a simulated incident, whatever goes wrong with the
 * watching: counted beside the guards, by rules of its own, so that a guard that fails is seen to.
 *
 * It sees the decisions of one brain in a made-up fleet: what is said, and what a runbook is let
 * do. What a change goes through from its intent to its end - journal, lock, lost replies, crashes
 * - is tried by tests/sim, whose programs stand in for the system calls that this one makes.
 */
#ifndef APP_VIOLATION_H
#define APP_VIOLATION_H

#include <stdint.h>

struct guard_config;
struct plan;
struct snapshot;

enum violation {
	VIOLATION_BLIND,   /* a page or an incident while most of what it stands on was stale */
	VIOLATION_BLOCKED, /* a change begun that a guard refuses */
	VIOLATION_STALE,   /* a change begun on readings that are missing or too old */
	VIOLATION_CEILING, /* one that pushes a pool past the ceiling, or nobody knows where to */
	VIOLATION_BLAST,   /* one that moves more of all traffic than may be at once */
	VIOLATION_STEP,    /* one that goes further than a step */
	VIOLATION_COUNT
};

const char *violation_name(enum violation violation); /* "decisions on stale input" */

struct violations {
	unsigned counts[VIOLATION_COUNT];
};

unsigned violations_total(const struct violations *violations);

/* Judge a change at the moment it is begun, and count what is wrong with it. */
void violations_judge(struct violations *violations, const struct plan *plan,
	const struct guard_config *limits, const struct snapshot *snapshot, int64_t now_ms);

#endif
