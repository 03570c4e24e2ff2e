/*
 * box.h - a fleet in a box, started as a child and stopped with us.
 */
#ifndef APP_BOX_H
#define APP_BOX_H

#include <stdbool.h>
#include <sys/types.h>

struct error;

struct box {
	pid_t process; /* 0: not running */
	int lifeline; /* the child's stdin: it leaves when this closes, so it cannot outlive a crash
		       */
	char fleet_file[4096];
};

/* Start spillway-sim and wait (at most 15 s) until it says it is ready. Strings may be NULL for
 * defaults. */
bool box_start(struct box *box, const char *scenario, const char *seed, const char *speed,
	struct error *error);
void box_stop(struct box *box);

#endif
