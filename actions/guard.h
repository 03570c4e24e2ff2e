/*
 * guard.h - the rules a plan must pass, one row each.
 *
 * Every guard that applies is asked, and all answers are kept, so that an operator sees every
 * blocker at once. A guard that lacks what it needs answers UNKNOWN, which blocks. Pure: all it may
 * look at is in the context.
 */
#ifndef ACTIONS_GUARD_H
#define ACTIONS_GUARD_H

#include "actions/plan.h"
#include "actions/target.h"

struct guard_context {
	const struct guard_config *limits;
	const struct plan_facts *facts;
	const struct snapshot *snapshot;
	const struct assessment *assessment;
	const struct target_value *value; /* the target's setting as read */
	const struct plan *plan;          /* with everything but the verdicts */
	int64_t now_ms;
};

struct guard_row {
	const char *name; /* for --override */
	const char *rule; /* one sentence: help and manual page */
	bool overridable;
	const char *settings; /* keys of the guards: section it obeys, "" none */
	const char *stale;    /* what it does when what it needs is old or missing */
	unsigned classes;     /* bit set of 1 << enum action_class: where it applies */
	bool projects;        /* it judges what happens to pools and traffic */
	/* NULL: it stands for rows that the fleet file has, each under its own name. */
	void (*check)(const struct guard_context *context, struct verdict *out);
};

const struct guard_row *guard_rows(size_t *count);

/* NULL: there is none of that name. */
const struct guard_row *guard_find(const char *name);

/* Whether a name may be set aside: a guard's, or an assertion's of the fleet file. ERROR_USAGE. */
bool guard_may_override(const struct guard_config *limits, const char *name, struct error *error);

/* Fill verdicts, blocked and largest_safe_to of `plan`, which is context->plan. */
void guards_judge(const struct guard_context *context, struct plan *plan);

/*
 * The value nearest to the wanted one that capacity, step, blast radius and last-serving all let
 * pass, rounded towards the present one; NAN: none that changes anything.
 */
double guards_largest_safe(const struct guard_context *context);

#endif
