/*
 * config.h - the fleet file as a whole: found, read, checked.
 *
 * The engine's part (sources, signals, fleet) is read here; `actions`, `guards`, `journal` and
 * `coordination` are kept as nodes for the programs that can act, so that the wall reads the same
 * file without a line of acting code.
 */
#ifndef APP_CONFIG_H
#define APP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "backends/source.h"

struct arena;
struct complaints;
struct error;
struct fleet;
struct text;
struct yaml_node;

struct config {
	struct arena *arena;
	const char *path;        /* as opened */
	const char *directory;   /* of the file, absolute */
	const char *environment; /* "" when not given */
	struct sources sources;  /* rows of packs are behind the file's own */
	size_t own_map_count;    /* rows of `sources.maps` that the file itself has */
	const struct yaml_node *fleet, *actions, *guards, *journal;
	const struct yaml_node *coordination, *root;
};

/*
 * The file to use: `given`, else $SPILLWAY_CONFIG, else ./spillway.yaml,
 * $XDG_CONFIG_HOME/spillway/spillway.yaml, /etc/spillway/spillway.yaml. Errors: ERROR_IO naming all
 * places looked at.
 */
bool config_find(const char *given, char *out, size_t size, struct error *error);

/* Read everything but the acting sections. NULL when it complained. The `fleet` section is read
 * too, into a scratch fleet, for its complaints. */
struct config *config_read(const char *path, struct complaints *complaints);
void config_destroy(struct config *config);

/* Declare the `fleet` section's entities into `fleet`. False when it complained. */
bool config_declare(
	const struct config *config, struct fleet *fleet, struct complaints *complaints);

/* The JSON Schema of the parts read here ("properties" members), for share/spillway.schema.json. */
void config_schema_members(struct text *out);

#endif
