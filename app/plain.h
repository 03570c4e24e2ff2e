/*
 * plain.h - the console for pipes and logs: flowing lines when something changes and every so
 * often.
 */
#ifndef APP_PLAIN_H
#define APP_PLAIN_H

#include <stdint.h>

#include "core/assess/assess.h"

struct engine;

#define PLAIN_EVERY_MS 5000

struct plain {
	enum phase phase;
	int64_t told_ms; /* 0: nothing yet */
};

/* Once per tick: prints one line to stdout when the phase changed or PLAIN_EVERY_MS passed. */
void plain_tick(struct plain *plain, const struct engine *engine);

#endif
