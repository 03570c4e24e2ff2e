/*
 * runbook_flow.h - reading what a runbook does when a step fails, and how steps are proved, ramped
 * and preceded by assertions: for the reader of the file alone.
 */
#ifndef ACTIONS_RUNBOOK_FLOW_H
#define ACTIONS_RUNBOOK_FLOW_H

#include "actions/runbook_parts.h"

struct field;
struct json_writer;
struct text;

#define RUNBOOK_KEY_BYTES 160 /* of a dotted path in a complaint */

struct runbook_reader {
	struct arena *arena;
	struct complaints *complaints;
	struct runbook *book;
	bool ok;
};

/* NULL where the step has none. */
struct runbook_flow_nodes {
	const struct yaml_node *on_failure, *verify, *ramp;
};

void runbook_complain(struct runbook_reader *reader, const struct yaml_node *node, const char *key,
	const char *text);

/* That the condition under `key` of `node` parses once parameters are put in; NULL is none. */
void runbook_check_condition(struct runbook_reader *reader, const struct yaml_node *node,
	const char *path, const char *key, const char *source);

/* `node` is the step's, `path` its dotted path. */
void runbook_read_flow(struct runbook_reader *reader, const struct yaml_node *node,
	const char *path, const struct runbook_flow_nodes *flow, struct runbook_row *row);

/* Nodes may be NULL. The rollback names steps, so it is read after them. */
void runbook_read_preflight(struct runbook_reader *reader, const struct yaml_node *list);
void runbook_read_rollback(struct runbook_reader *reader, const struct yaml_node *node);

/* runbook_keys() of the mappings that are read here. */
void runbook_flow_keys(struct text *out);

/* The schemas of the keys that are read here: an element of `preflight`, the run's `on_failure`,
 * and a step's `on_failure`, `verify` or `ramp`. */
void runbook_schema_assert(struct json_writer *writer);
void runbook_schema_rollback(struct json_writer *writer);
void runbook_schema_flow(const char *key, struct json_writer *writer);

/* A line of runbook_keys() for each row. */
void runbook_print_rows(
	const char *where, const struct field *rows, size_t count, struct text *out);

/* That every goto names a step. */
void runbook_check_jumps(struct runbook_reader *reader, const struct yaml_node *steps);

#endif
