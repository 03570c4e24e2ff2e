/*
 * guard_policy.h - the guards that know of time and people rather than of load: cool-down, brake,
 * freeze, expiry, two-person, min-serving, held, lock. Rows of guard.c's table; pure.
 */
#ifndef ACTIONS_GUARD_POLICY_H
#define ACTIONS_GUARD_POLICY_H

#include "actions/guard.h"

/* Fill a verdict: what every check ends with. */
void guard_say(struct verdict *out, enum verdict_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void guard_check_cooldown(const struct guard_context *context, struct verdict *out);
void guard_check_gate(const struct guard_context *context, struct verdict *out);
void guard_check_brake(const struct guard_context *context, struct verdict *out);
void guard_check_freeze(const struct guard_context *context, struct verdict *out);
void guard_check_min_serving(const struct guard_context *context, struct verdict *out);
void guard_check_two_person(const struct guard_context *context, struct verdict *out);
void guard_check_held(const struct guard_context *context, struct verdict *out);
void guard_check_lock(const struct guard_context *context, struct verdict *out);
void guard_check_protection(const struct guard_context *context, struct verdict *out);
void guard_check_expiry(const struct guard_context *context, struct verdict *out);

#endif
