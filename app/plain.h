/*
 * plain.h - the console for pipes and logs: flowing lines when something changes and every so
 * often. As JSON each line is the whole assessment, as `spillway status -o json` prints it.
 */
#ifndef APP_PLAIN_H
#define APP_PLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/assess/assess.h"

struct engine;

#define PLAIN_EVERY_MS 5000
#define PLAIN_JSON_EVERY_MS 1000

struct plain {
	bool json;
	enum phase phase;
	int64_t told_ms; /* 0: nothing yet */
};

/* Once per tick: prints one line to stdout when the phase changed or its interval has passed. */
void plain_tick(struct plain *plain, const struct engine *engine);

/* One line at once, in the same form: something that must be known in time. */
void plain_warn(const struct engine *engine, const char *sentence);

#endif
