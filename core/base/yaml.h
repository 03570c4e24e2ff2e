/*
 * yaml.h - a YAML file as a tree in which every node knows its line.
 *
 * Reads the YAML that configuration needs (JSON is a subset): mappings, sequences, scalars. Scalars
 * stay text; typing is up to the field that reads them (fields.h), so `no` never becomes false by
 * accident. Refused, with file and line: aliases, anchors and tags, duplicate keys, a second
 * document, non-UTF-8 and NUL bytes, a key that is not a scalar. Limits: YAML_FILE_BYTES,
 * YAML_DEPTH, YAML_NODES.
 */
#ifndef CORE_BASE_YAML_H
#define CORE_BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct complaints;

#define YAML_FILE_BYTES 1048576
#define YAML_DEPTH 32
#define YAML_NODES 50000

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
	enum yaml_kind kind;
	const char *file;   /* as given to the reader */
	int line;           /* 1-based */
	int column;         /* 1-based */
	const char *key;    /* the member's name where the parent is a mapping, else NULL */
	const char *scalar; /* YAML_SCALAR: the text; else NULL */
	bool quoted;  /* the scalar was written in quotes: it is a string, whatever it looks like */
	size_t count; /* members or elements */
	const struct yaml_node *first; /* first member or element, in file order */
	const struct yaml_node *next;  /* next sibling */
	int key_line; /* where the key stands (a nested value may begin further down); else `line`
		       */
};

/*
 * Parse `length` bytes; nodes live in `arena`. Returns the root, or NULL with at least one
 * complaint. An empty document is a complaint.
 */
const struct yaml_node *yaml_parse(struct arena *arena, const char *file, const char *bytes,
	size_t length, struct complaints *complaints);

/* Read a file ("-" is not special) and parse it. Missing, unreadable, too large: a complaint. */
const struct yaml_node *yaml_read(
	struct arena *arena, const char *path, struct complaints *complaints);

/* The member called `key` of a mapping, NULL when absent or when node is NULL or no mapping. */
const struct yaml_node *yaml_get(const struct yaml_node *node, const char *key);

/* "a mapping", "a list", "nothing" (an empty value) or "text": what a complaint says it found. */
const char *yaml_kind_words(const struct yaml_node *node);

#endif
