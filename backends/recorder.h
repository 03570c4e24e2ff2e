/*
 * recorder.h - observations written to a file as they come, and played back as a source.
 *
 * One JSON object per line:
 * {"t":ms,"src":"name","e":"path","kind":"replica","sig":"pool.used","v":41,"i":1000}, sampled
 * times kept. A recording holds no secrets: only names, times and numbers. Kind `replay` plays one
 * with its own timing shifted to now.
 */
#ifndef BACKENDS_RECORDER_H
#define BACKENDS_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/fleet/signal.h"

struct error;
struct fleet;
struct recorder;

#define RECORDING_BYTES \
	(1024LL * 1024 * 1024) /* then recording stops and recorder_trouble() says so */

struct recorder *recorder_create(const char *path, const struct fleet *fleet,
	struct error *error);                     /* 0600, must not exist */
void recorder_destroy(struct recorder *recorder); /* flushes */
void recorder_note(struct recorder *recorder, const char *source, uint32_t entity,
	enum signal signal, double value, int64_t at_ms, int32_t interval_ms);
const char *recorder_trouble(const struct recorder *recorder); /* "" when all was written */

#endif
