/*
 * reader.h - what reading the two sections of a fleet file has in common.
 *
 * One reader goes over both; it remembers whether anything was complained about, so that everything
 * wrong with a file is told at once.
 */
#ifndef BACKENDS_READER_H
#define BACKENDS_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "backends/source.h"

struct arena;
struct complaints;
struct yaml_node;

struct reader {
	struct arena *arena;
	const char *directory;
	struct complaints *complaints;
	struct sources found;
	size_t targets; /* over all sources */
	bool good;
};

void reader_complain(
	struct reader *reader, const struct yaml_node *node, const char *key, const char *what);

/* Zeroed room for `count` things, at least one; NULL after a complaint. */
void *reader_take(struct reader *reader, const struct yaml_node *node, size_t count, size_t size);

/* "path.key". */
const char *reader_join(struct reader *reader, const char *path, const char *key);

/* A file name as the program will open it. */
const char *reader_resolve(struct reader *reader, const char *name);

/* A mapping of names to texts; with `names` only those keys are allowed. */
bool reader_labels(struct reader *reader, const struct yaml_node *node, const char *path,
	const char *const *names, struct source_label *out, size_t *count);

/* The `signals:` section into reader->found, whose sources are there already. */
void signal_maps_read(struct reader *reader, const struct yaml_node *signals);

#endif
