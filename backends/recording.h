/*
 * recording.h - one line of a recording: what was seen of what, when, and how often to expect it.
 *
 *   {"t":1795360066051,"src":"edge","e":"east-a/r1","kind":"replica","r":"us-east",
 *    "sig":"pool.used","v":41,"i":1000}
 *
 * "e" is the entity's path; "r" its cluster's region, where it has one; "n" its own name, only
 * where that holds a '/', which would make the path ambiguous. Members nobody knows are skipped, so
 * that older programs read newer recordings.
 */
#ifndef BACKENDS_RECORDING_H
#define BACKENDS_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fleet/entity.h"
#include "core/fleet/signal.h"

struct error;
struct text;

#define RECORDING_LINE_BYTES 2048
#define RECORDING_NAME_BYTES 64

struct recording_row {
	int64_t at_ms;       /* when it was sampled */
	int32_t interval_ms; /* above 0 */
	enum signal signal;
	double value; /* finite */
	enum entity_kind kind;
	char source[RECORDING_NAME_BYTES];
	char path[ENTITY_PATH_BYTES];
	char region[ENTITY_NAME_BYTES]; /* "" when none */
	char name[ENTITY_NAME_BYTES];   /* "" when the path ends in it */
};

/* The row that says so about an entity. */
void recording_describe(const struct fleet *fleet, uint32_t entity, struct recording_row *out);

/* Append the line with its newline. */
void recording_write(const struct recording_row *row, struct text *out);

/*
 * Read one line, with or without its newline. Errors: ERROR_SYNTAX (not JSON), ERROR_SCHEMA (a
 * member is missing or of the wrong type, an unknown signal or kind), ERROR_LIMIT.
 */
bool recording_parse(
	const char *line, size_t length, struct recording_row *out, struct error *error);

/* The entity a row speaks of, learned when new. Errors as fleet_intern(). */
bool recording_intern(
	struct fleet *fleet, const struct recording_row *row, uint32_t *out, struct error *error);

#endif
