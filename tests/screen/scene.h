/*
 * scene.h - moments of an incident, made by hand: what screen tests draw. Every figure is given,
 * none is computed, so that a golden screen changes only when a screen does.
 */
#ifndef TESTS_SCREEN_SCENE_H
#define TESTS_SCREEN_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/assess/assess.h"
#include "core/fleet/history.h"
#include "core/fleet/snapshot.h"
#include "ui/console/console.h"
#include "ui/wall/wall.h"

#define SCENE_NOW_MS 1770226422000 /* 2026-02-04T17:33:42Z */
#define SCENE_CLUSTERS 4
#define SCENE_RUNS 2
#define SCENE_LINES 6

struct scene {
	struct fleet *fleet;
	struct store *store;
	struct snapshot *snapshot;
	struct history *history;
	struct assessment assessment;
	uint32_t clusters[16];
	size_t cluster_count;
	struct action_info actions[2];
	struct plan plan;
	struct run_view runs[SCENE_RUNS];
	struct journal_line journal[SCENE_LINES];
	struct console_message messages[2];
	struct console_model model;
	struct wall_model wall;
	uint16_t pooler_source, edge_source;
};

/* Every one is a whole scene to be finished. */
void scene_calm(struct scene *scene);       /* works, but losing one replica would be too much */
void scene_saturation(struct scene *scene); /* a replica is away, pools are full, errors rise */
void scene_metastable(
	struct scene *scene); /* the replica is back and it stays bad; two changes were made */
void scene_stale(struct scene *scene);  /* one source fails: a cluster is not known */
void scene_unseen(struct scene *scene); /* in an incident, what users see is not known any more */
void scene_many(struct scene *scene);   /* twelve clusters, of which three suffer */
void scene_empty(struct scene *scene);  /* the very start: nothing is known */
void scene_finish(struct scene *scene);

/* Put a plan into the model: for divert of the first cluster; refused ones carry a largest safe
 * step. */
void scene_add_plan(struct scene *scene, bool refused);

/* Changes in force, one of them past its end, and two other operators. */
void scene_add_holds(struct scene *scene);
/* Put a run in the given state into the model. */
void scene_add_run(struct scene *scene, enum run_state state, enum outcome_code code);

void scene_arm(struct scene *scene);

#endif
