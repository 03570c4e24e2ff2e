/*
 * label.h - from the labels of a series to the thing in the fleet that it speaks of.
 *
 * Five labels name entities: region, cluster, replica, service, surface. A row of `signals:` may
 * say what the exporter calls them; a target may have fixed ones that hold where the series has
 * none. An empty label is an absent one. Which entity is meant follows from the signal: of the
 * kinds it may be measured on, the most specific for which the labels suffice.
 */
#ifndef BACKENDS_LABEL_H
#define BACKENDS_LABEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/source.h"

struct error;
struct fleet;

/* The names, NULL-terminated: "region", "cluster", "replica", "service", "surface". */
const char *const *label_names(void);

/* Where the value of a label may come from, first to last. */
struct label_view {
	const struct source_label *series; /* the labels of the series itself */
	size_t count;
	const struct signal_map *row;       /* for `labels:`; may be NULL */
	const struct source_target *target; /* for fixed labels; may be NULL */
};

/* The value of one of the five, NULL when there is none. */
const char *label_value(const struct label_view *view, const char *name);

/*
 * The entity a series of `signal` speaks of, learned when new. A replica needs its cluster, unless
 * exactly one replica of that name is known. A cluster is the same one whether or not a
 * source knows its region. Errors: ERROR_SCHEMA naming the missing label, and what fleet_intern()
 * says.
 */
bool label_entity(struct fleet *fleet, const struct label_view *view, enum signal signal,
	uint32_t *out, struct error *error);

/* A replica or cluster by names; region and replica may be NULL. Errors as fleet_intern(). */
bool label_intern_cluster(struct fleet *fleet, const char *region, const char *cluster,
	uint32_t *out, struct error *error);

#endif
