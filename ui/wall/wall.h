/*
 * wall.h - the wall: one page read from across a room, that cannot act and cannot lie.
 *
 * When its data is older than three intervals the whole face says "DATA 41s OLD" over everything,
 * and a blinking clock proves that the program itself lives. It links neither actions nor SSH.
 */
#ifndef UI_WALL_WALL_H
#define UI_WALL_WALL_H

#include <stdbool.h>
#include <stdint.h>

struct assessment;
struct canvas;
struct history;
struct snapshot;

struct wall_model {
	int64_t now_ms;
	const char *environment;
	const char *fleet_name;
	const char *config_trouble; /* why the changed fleet file is not in force; NULL or "" */
	const struct snapshot *snapshot; /* NULL before the first */
	const struct history *history;
	const struct assessment *assessment; /* NULL before the first */
};

void wall_draw(const struct wall_model *model, struct canvas *canvas);

/* Whether the face is taken over by age (for the exit code of --once and for tests). */
bool wall_is_stale(const struct wall_model *model);

#endif
