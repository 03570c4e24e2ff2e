/*
 * config.h - the `actions:`, `guards:`, `journal:` and `coordination:` sections of a fleet file,
 * read and checked.
 */
#ifndef ACTIONS_CONFIG_H
#define ACTIONS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actions/action.h"

struct arena;
struct complaints;
struct expression;
struct text;
struct yaml_node;

#define ACTION_HEADERS_MOST 4

struct action_header {
	const char *name;
	const char *value; /* template, which may hold {run} */
};

/* How an action reaches its system. */
enum action_road { ACTION_BY_SSH, ACTION_BY_HTTP, ACTION_BY_SOCKET, ACTION_BY_SQL };
#define ACTION_ROADS 4

struct http_binding {
	const char *method; /* "POST" */
	const char *url;    /* template */
	const char *json;   /* template of the body, "" none; JSON, or a form where is_form */
	bool is_form;
	const char *content_type;  /* of the body; NULL: JSON's or that of a form */
	const char *read_url;      /* template: read right before, NULL: nothing is */
	const char *read_value;    /* pointer to the value there; NULL: not compared */
	const char *read_revision; /* pointer to {revision}, or "etag"; NULL: none */
	const char *keep;          /* pointer into the reply, to {kept} of the undo; NULL: none */
	struct action_header headers[ACTION_HEADERS_MOST];
	size_t header_count;
	const char *bearer_file, *basic_file, *ca_file, *client_cert_file, *client_key_file;
	const char *bearer_env,
		*basic_env; /* names of variables; at most one of the four is given */
	int64_t timeout_ms;
};
enum plant_kind { PLANT_NONE, PLANT_SYSTEMD, PLANT_AT };
struct ssh_binding {
	const char *host, *user; /* templates; user NULL: as ssh_config says (openssh) */
	int64_t port;            /* 0: likewise, or 22 */
	const char *identity_file, *known_hosts_file, *agent_socket; /* as in ssh.h */
	const char *jump; /* template of "[user@]host[:port]"; NULL: none */
	const char *jump_identity_file;
	bool is_openssh;         /* by the system's ssh client */
	const char *config_file; /* its ssh_config; NULL: its own choice */
	const char *command;     /* template */
	enum plant_kind plant;   /* what takes it back from beside the target */
	const char *read;        /* template of a command that prints the value there; NULL none */
	bool is_quiet;           /* success says nothing: what is printed is a refusal */
	int64_t timeout_ms;
};
/* A line said to a control socket, such as HAProxy's. */
struct socket_binding {
	const char *address; /* template: "tcp://host:port" or "unix:///path" */
	const char *send;    /* template, without the line's end */
	bool is_quiet;
	int64_t timeout_ms;
};
/* A statement for a PostgreSQL server or PgBouncer's console. */
struct sql_binding {
	const char *url;       /* template: "postgresql://user@host:port/database" */
	const char *statement; /* template */
	const char *password_file, *ca_file, *client_cert_file, *client_key_file;
	int64_t timeout_ms;
};

struct action_config {
	struct action_info info;
	enum action_road road;
	struct http_binding http;
	struct ssh_binding ssh;
	struct socket_binding socket;
	struct sql_binding sql;
	enum expiry_policy on_expiry;
	const char *undo; /* the action that takes it back; NULL: itself, with the value before */
	const struct action_config *undo_action; /* that one; NULL: none is named */
	int line;
};

/* Defaults from the field's practice; all settable. */
struct guard_config {
	double ceiling;           /* pool use that survivors may reach; 0.85 */
	double max_step;          /* most growth per command, as a factor; 2 */
	double max_divert;        /* most of one cluster's weight moved per command; 0.25 */
	double max_return;        /* most of all traffic given back per command; 0.10 */
	double blast_radius;      /* most of all traffic moved per command; 0.30 */
	int64_t max_age_ms;       /* inputs older than this block; 5 s */
	int64_t cooldown_ms;      /* per target after a change; 60 s */
	int64_t plan_expires_ms;  /* 60 s */
	int64_t verify_within_ms; /* 90 s */
	int64_t expire_ms;        /* a hold ends by itself after that; 30 min */
	int64_t brake;            /* most changes within brake_window, undo apart; 6 */
	int64_t brake_window_ms;  /* 10 min */
	bool brake_by_hand;       /* once reached it is let go by a person, not by time alone */
	int64_t min_serving;      /* replicas of a cluster that go on serving; 2 */
	double approve_above; /* share of all traffic that one person may move; not above 0: any */
	double max_held;      /* most of all clusters that holds keep from their traffic; 0.50 */
	bool undo_harm;       /* what was verified to harm is taken back at once */
	int64_t approve_within_ms;    /* how long a request for approval stands; 10 min */
	const struct freeze *freezes; /* in the order of the file */
	size_t freeze_count;
	const struct guard_assert *asserts; /* in the order of the file */
	size_t assert_count;
};

#define GUARD_ASSERTS_MOST 16

/* A rule of the fleet's own that a plan must pass: see guard_assert.h. */
struct guard_assert {
	const char *name; /* for verdicts and --override; no guard is called so */
	const struct expression *that;
};

/* A time in which nothing is changed that can wait. */
struct freeze {
	int64_t from_ms, until_ms;
	const char *why;           /* "" none given */
	const char *except_ticket; /* changes with a ticket of that form pass; NULL: none do */
};

/* Who seals what is recorded, who is believed, and where heads are told. Names absolute; NULL where
 * not given. */
struct signing_config {
	const char *sign_with;
	const char *allowed_signers;
	bool to_etcd; /* where coordination is of that kind */
	bool to_syslog;
	const char *syslog_socket;
};

#define COORDINATION_ENDPOINTS_MOST 8
#define COORDINATION_NAME_BYTES 48

/* How operators keep out of each other's way. */
struct coordination_config {
	bool is_etcd;      /* else locks on this machine */
	bool by_region;    /* one change at a time per region; else in the whole fleet */
	const char *fleet; /* NULL: no section was read, and there is no coordination */
	const char *directory;
	const char *endpoints[COORDINATION_ENDPOINTS_MOST];
	size_t endpoint_count;
	int64_t ttl_ms;
	const char *ca_file, *client_cert_file, *client_key_file;
};

struct action_configs {
	struct action_config *rows;
	size_t count;
	struct guard_config guards;
	const char *journal_file; /* absolute */
	struct signing_config signing;
	struct coordination_config coordination;
};

/* Nodes may be NULL. `directory` resolves relative names, `state_directory` holds the default
 * journal. False when it complained. */
bool action_configs_read(const struct yaml_node *actions, const struct yaml_node *guards,
	const struct yaml_node *journal, const char *directory, const char *state_directory,
	struct arena *arena, struct action_configs *out, struct complaints *complaints);

/* The `coordination:` section into configs->coordination, after action_configs_read(); NULL gives
 * locks on this machine. False when it complained. */
bool coordination_config_read(const struct yaml_node *node, const char *directory,
	struct arena *arena, struct action_configs *configs, struct complaints *complaints);

/* The `guards:` section alone; NULL gives the defaults. */
bool guard_config_read(const struct yaml_node *node, struct arena *arena, struct guard_config *out,
	struct complaints *complaints);

/* The default of a key of the guards: section as it would be written; NULL: it has none. */
const char *guard_config_default(const char *key);

/* JSON Schema bodies for share/. */
void action_configs_schema_action(struct text *out);
void action_configs_schema_guards(struct text *out);
void action_configs_schema_journal(struct text *out);
void action_configs_schema_coordination(struct text *out);

/* The action that takes this one back, itself where it can with the value before; NULL: none. */
const struct action_config *action_undo(const struct action_config *action);

/* How long one request of it may be on its way before it is given up. */
int64_t action_timeout_ms(const struct action_config *action);

/* The tables. */
const struct verb_row *verb_rows(size_t *count);
const struct verb_row *verb_find(const char *name);   /* NULL: none */
const char *verb_class_name(enum action_class class); /* "relieve" */

/*
 * The row of "custom" in the table lacks what only the fleet file says: each such action has a row
 * of its own, and only a complete one can be planned.
 */
#define VERB_CUSTOM "custom"
bool verb_is_complete(const struct verb_row *verb);
const struct outcome_row *outcome_rows(size_t *count);
const char *outcome_name(enum outcome_code code);
const char *verdict_name(enum verdict_kind kind); /* "pass", "warn", "block", "unknown" */

#endif
