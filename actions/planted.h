/*
 * planted.h - taking a change back from where it was made, should this program and its machine be
 * gone by then: a timer beside the target, planted by the very command that makes the change.
 *
 * Order on the host: the timer first, and only if it stands the change; should the change fail, the
 * timer finds another value than ours and does nothing. When it fires it reads the value, and takes
 * back only what is still as we set it: what somebody else has set since is theirs. It is cancelled
 * by the command that undoes the change, and by keeping the hold; extending plants it anew.
 *
 *   systemd  systemd-run --user: the user's own manager must run when nobody is logged in
 *            (loginctl enable-linger)
 *   at       at(1), which runs by the minute: up to two minutes after the hold's end, never before;
 *            a file in the home directory stands for the timer, and taking it away cancels it
 *
 * The timer's name comes from what is set from what to what, where: the undo finds it again without
 * being told, and the same change made again replaces it. Pure.
 */
#ifndef ACTIONS_PLANTED_H
#define ACTIONS_PLANTED_H

#include "actions/request.h"

enum planted_order {
	PLANTED_WITH_CHANGE, /* plant, then change */
	PLANTED_WITH_UNDO,   /* change back, then cancel */
	PLANTED_AGAIN,       /* plant only */
	PLANTED_CANCEL,      /* cancel only */
};

struct planted {
	enum plant_kind kind;
	const char *where;  /* what tells this setting from all others: host, path, signal */
	const char *change; /* the command that makes the change */
	const char *undo;   /* the one that takes it back */
	const char *read;   /* one that prints the value and nothing else */
	double from, to;    /* of the change, not of its undo */
	int64_t after_ms;   /* when the timer fires */
};

/* "systemd" or "at"; "" none. */
const char *planted_name(enum plant_kind kind);

/* One command for the remote shell. Errors: ERROR_USAGE (a control character in a command),
 * ERROR_LIMIT (longer than can be shown). */
bool planted_command(const struct planted *planted, enum planted_order order,
	char out[PLAN_LINE_BYTES], struct error *error);

#endif
