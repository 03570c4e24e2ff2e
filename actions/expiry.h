/*
 * expiry.h - what becomes of a hold whose time is over.
 *
 * By the policy of its action (on_expiry in the fleet file):
 *
 *   revert             taken back as soon as the guards of an undo let it pass
 *   revert_if_healthy  the same, if what it goes back to is healthy; else it is put off by
 *                      EXPIRY_PUT_OFF_MS, EXPIRY_PUT_OFFS_MOST times at most, each told as a page,
 *                      and then it is a person's
 *   hold_and_page      a person's from the beginning
 *
 * Who lets a hold last by hand begins the count anew. A person takes back by `spillway undo`, which
 * asks the guards alone. Pure.
 */
#ifndef ACTIONS_EXPIRY_H
#define ACTIONS_EXPIRY_H

#include "actions/hold.h"

struct assessment;

#define EXPIRY_PUT_OFF_MS 600000
#define EXPIRY_PUT_OFFS_MOST 3

/* "revert", "revert_if_healthy", "hold_and_page". */
const char *expiry_policy_name(enum expiry_policy policy);

/*
 * The policy where the fleet file says none. Revert: what makes clients wait, what touches neither
 * pools nor traffic, and what a timer beside the target takes back, which knows of no health.
 * Revert if healthy: all else.
 */
enum expiry_policy expiry_default(const struct verb_row *verb, bool is_planted);

enum health { HEALTH_GOOD, HEALTH_BAD, HEALTH_UNKNOWN };

/*
 * Whether what the hold keeps away may come back. Of a replica: it is up, and not far behind its
 * primary. Of pools that grew: all they have in use, and who waits, fits the old size. Of traffic,
 * and of all else: the cluster is not critical and no client waits there; of a fleet-wide target,
 * the fleet is not critical. `why`: in words, also when good.
 */
enum health expiry_health(const struct hold *hold, const struct guard_config *limits,
	const struct snapshot *snapshot, const struct assessment *assessment, int64_t now_ms,
	char why[ACTION_TEXT_BYTES]);

enum expiry_order {
	EXPIRY_TAKE_BACK,
	EXPIRY_KEEP,    /* its guards refuse it now: tried again the next time */
	EXPIRY_PUT_OFF, /* by EXPIRY_PUT_OFF_MS, told as a page */
	EXPIRY_PAGE,    /* a person has to decide; told as a page */
};

/* `is_blocked`: the plan that would take it back is refused. */
enum expiry_order expiry_decide(const struct hold *hold, bool is_blocked, enum health health);

/* Whether it was handed to a person: nothing here takes it back by itself any more. */
bool expiry_is_a_persons(const struct hold *hold);

#endif
