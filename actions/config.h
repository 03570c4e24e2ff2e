/*
 * config.h - the `actions:`, `guards:` and `journal:` sections of a fleet file, read and checked.
 */
#ifndef ACTIONS_CONFIG_H
#define ACTIONS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actions/action.h"

struct arena;
struct complaints;
struct text;
struct yaml_node;

/* How an action reaches its system: one of the two. */
struct http_binding {
	const char *method; /* "POST" */
	const char *url;    /* template */
	const char *json;   /* template of the body, "" none */
	const char *bearer_file, *basic_file, *ca_file, *client_cert_file, *client_key_file;
	int64_t timeout_ms;
};
struct ssh_binding {
	const char *host, *user; /* templates */
	int64_t port;
	const char *identity_file, *known_hosts_file, *command; /* command: template */
	int64_t timeout_ms;
};

struct action_config {
	struct action_info info;
	bool is_http;
	struct http_binding http;
	struct ssh_binding ssh;
	int line;
};

/* Defaults from the field's practice; all settable. */
struct guard_config {
	double ceiling;           /* pool use that survivors may reach; 0.85 */
	double max_step;          /* most growth per command, as a factor; 2 */
	double max_divert;        /* most of one cluster's weight moved per command; 0.25 */
	double blast_radius;      /* most of all traffic moved per command; 0.30 */
	int64_t max_age_ms;       /* inputs older than this block; 5 s */
	int64_t cooldown_ms;      /* per target after a change; 60 s */
	int64_t plan_expires_ms;  /* 60 s */
	int64_t verify_within_ms; /* 90 s */
};

struct action_configs {
	struct action_config *rows;
	size_t count;
	struct guard_config guards;
	const char *journal_file; /* absolute */
};

/* Nodes may be NULL. `directory` resolves relative names, `state_directory` holds the default
 * journal. False when it complained. */
bool action_configs_read(const struct yaml_node *actions, const struct yaml_node *guards,
	const struct yaml_node *journal, const char *directory, const char *state_directory,
	struct arena *arena, struct action_configs *out, struct complaints *complaints);

/* JSON Schema bodies for share/. */
void action_configs_schema_action(struct text *out);
void action_configs_schema_guards(struct text *out);

/* The tables. */
const struct verb_row *verb_rows(size_t *count);
const struct verb_row *verb_find(const char *name); /* NULL: none */
const struct outcome_row *outcome_rows(size_t *count);
const char *outcome_name(enum outcome_code code);
const char *verdict_name(enum verdict_kind kind); /* "pass", "warn", "block", "unknown" */

#endif
