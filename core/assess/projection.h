/*
 * projection.h - what would happen if: one model for guards, screens and recommendations.
 *
 * Pure arithmetic on an assessment and its snapshot. Demand at a saturated cluster is censored:
 * what is counted is connections busy plus clients waiting, not only the busy ones. Retries may or
 * may not stop after a move, so there are two bounds: low (retries stop: demand divided by attempts
 * per request) and high (they go on); guards use the high one. Both leave room for what
 * chance does to a mean of a minute (PROJECTION_SIGMAS). tests/unit/app/test_projection_truth.c
 * holds them to what a simulated fleet then does. Stale inputs make the projection
 * unknown, and unknown blocks.
 */
#ifndef CORE_ASSESS_PROJECTION_H
#define CORE_ASSESS_PROJECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/assess/assess.h"

enum move_kind {
	MOVE_DIVERT, /* entity: cluster; to: its new weight, in the units of SIGNAL_CLUSTER_WEIGHT
		      */
	MOVE_RESIZE_POOL,       /* entity: cluster or replica; to: connections per pool */
	MOVE_LOSE_REPLICA,      /* entity: replica */
	MOVE_RETURN_REPLICA,    /* entity: replica */
	MOVE_LIMIT_RETRIES,     /* entity: service; to: retries as a share of first tries */
	MOVE_PAUSE_POOL,        /* entity: cluster; its pools hand out nothing while it lasts */
	MOVE_LIMIT_CONNECTIONS, /* entity: replica or service; to: connections, below 0 any number
				 */
	MOVE_NOTHING,           /* any entity: touches neither pools nor traffic */
	MOVE_UNKNOWN,           /* any entity: nobody can say what it does */
};

struct move {
	enum move_kind kind;
	uint32_t entity;
	double to;
};

struct projection_line {
	uint32_t cluster;
	double share_before, share_after; /* of traffic */
	/* Connections asked for, by the two bounds, and connections there are, after the move. */
	double asked_low, asked_high, capacity;
	double use_before; /* busy and waiting over pool size; may exceed 1 */
	/* After the move; with what chance may take or add, and full where that can't be excluded:
	 * see ledger_use_most(). */
	double use_low, use_high;
	double use_most_before;   /* as use_high, before it */
	double connections_after; /* of a move that limits connections: what one database may get;
				     NAN otherwise */
	double connections_max;   /* what that database allows; NAN unknown */
	bool changed;             /* the move touches this cluster */
	/* It may pass the ceiling, or the brink of its pools where that is lower, and did not get
	 * better by the move. */
	bool over_ceiling;
	bool unproven; /* its databases were never seen to serve as much at once */
	bool known;
};

#define PROJECTION_TEXT_BYTES 320

struct projection {
	bool known;
	char unknown_why[PROJECTION_TEXT_BYTES]; /* which reading is missing or how old */
	struct projection_line *lines;           /* changed clusters first; owned */
	size_t line_count;
	double moved_share; /* of all traffic, 0 to 1 */
	/* Of what a divert moves: the part that lands on the very database servers it is to
	 * relieve, behind another pool. */
	double shared_share;
	bool blocked; /* some line is over its ceiling or over its database's connections */
	char sum[PROJECTION_TEXT_BYTES]; /* the arithmetic in words, for the worst line */
	double largest_safe_to; /* the nearest value to `move.to` that is not blocked; NAN: none is
				 */
};

void projection_init(struct projection *projection);
void projection_finish(struct projection *projection);

/*
 * Project one move against `ceiling` (0 to 1, pool use that survivors may reach). `out` was
 * initialised. False only without memory.
 */
bool project(const struct snapshot *snapshot, const struct assessment *assessment,
	const struct move *move, double ceiling, struct projection *out);

/* Deep copy, for plans that outlive their assessment. */
bool projection_copy(const struct projection *from, struct projection *out);

#endif
