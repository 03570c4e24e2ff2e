/*
 * guard_assert.h - the assertions of a fleet file: rules of its own that a plan must pass, beside
 * the guards that every fleet has. Pure.
 *
 * Names are those of conditions in runbooks (runbook.h), and stand for what is so after the change
 * as far as that can be told:
 *
 *   cluster.use[C]       of a cluster that the change touches: the projection's upper bound
 *   replicas.serving     one less where a replica is drained, one more where one is returned; with
 *                        [C] those of one cluster
 *   the signal that the  its new value, where [ENTITY] is the target, one of the target's replicas
 *   verb sets            or the cluster they are added up in
 *
 * Every other name, and each of these with "before." in front, stands for what is read now. The
 * cluster of the plan's target is `target`: cluster.use[target]. `worst` is as in a runbook.
 *
 * False blocks. So does what is unknown: a reading that is missing or old, a projection that cannot
 * be made of a cluster it touches, an entity that is not there.
 */
#ifndef ACTIONS_GUARD_ASSERT_H
#define ACTIONS_GUARD_ASSERT_H

#include "actions/guard.h"
#include "core/base/expression.h"

#define GUARD_ASSERT_TARGET "target"

/* Whether a name may stand in an assertion at all, whatever the fleet: for the reader of the file.
 */
bool guard_assert_lookup_name(
	void *context, const char *name, const char *argument, struct expression_value *out);

/* The one of that name; NULL: there is none. */
const struct guard_assert *guard_assert_find(const struct guard_config *limits, const char *name);

/* Fill kind and text of a verdict. */
void guard_assert_check(const struct guard_context *context, const struct guard_assert *assertion,
	struct verdict *out);

#endif
