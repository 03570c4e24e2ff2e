/*
 * fact.h - noting what a kind that needs no rows has understood.
 *
 * A sheet is one answer being read: where its facts go, which target's fixed labels hold, when it
 * arrived. A fact that cannot be placed (no label says whose it is) becomes a warning.
 */
#ifndef BACKENDS_FACT_H
#define BACKENDS_FACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/source.h"

struct backend_answer;
struct error;
struct json_document;
struct observations;

struct sheet {
	struct observations *sink;
	const struct source_target *target;
	int64_t at_ms;
};

struct fact {
	const char *cluster, *replica; /* NULL: as the target's labels say */
	enum signal signal;
	double value;
	bool rate;           /* a counter: its growth per second is the value */
	uint8_t term, terms; /* of a difference, see observation.h */
	uint64_t series;     /* tells parts of one fact apart */
};

/* False only when nothing more can be noted: ERROR_NO_MEMORY, ERROR_LIMIT. */
bool fact_note(const struct sheet *sheet, const struct fact *fact, struct error *error);

/*
 * The answer as JSON, which `expected` names ("Patroni's /cluster"). NULL with an error that says
 * what came instead. The caller destroys it. Answers other than 200 are refused, see answer.h.
 */
struct json_document *fact_json(const struct sheet *sheet, const struct backend_answer *answer,
	const char *expected, struct error *error);

/* What a list of labels says of a name: its value; NULL when it is not listed. With an empty list
 * every name stands for itself. */
const char *fact_mapped(const struct source_label *list, size_t count, const char *name);

/* The base url of a target without query and trailing slashes, and `path` after it; NULL without
 * memory. */
struct arena;
const char *fact_url(struct arena *arena, const struct source_target *target, const char *path);

#endif
