/*
 * config_reader.h - what reading the acting sections of a fleet file passes along, shared by the
 * files that read them.
 */
#ifndef ACTIONS_CONFIG_READER_H
#define ACTIONS_CONFIG_READER_H

#include "actions/config.h"

struct json_writer;

#define KEY_PATH_BYTES 160
#define KEY_NAME_BYTES (KEY_PATH_BYTES + 24) /* a path and one more key */

struct reader {
	const char *directory;
	struct arena *arena;
	struct complaints *complaints;
	bool ok; /* nothing was complained of */
};

void action_complain(
	struct reader *reader, const struct yaml_node *node, const char *key, const char *text);

/* `string`, or "" with a complaint where memory ran out. */
const char *action_keep(struct reader *reader, const struct yaml_node *node, const char *string);

/* Complain of path.key where `source` cannot be filled for the verb. */
void action_check_template(struct reader *reader, const struct yaml_node *node, const char *path,
	const char *key, const char *source, const struct verb_row *verb);

/* A file name, made absolute by the fleet file's directory; "~/" is the user's home. */
void action_resolve(struct reader *reader, const struct yaml_node *node, const char **name);

/* The ways to a system: each section read into the action, and its schema. */
void action_read_http(struct reader *reader, const struct yaml_node *node, const char *path,
	struct action_config *out);
void action_schema_http(struct json_writer *writer);
void action_read_ssh(struct reader *reader, const struct yaml_node *node, const char *path,
	struct action_config *out);
void action_schema_ssh(struct json_writer *writer);
void action_read_socket(struct reader *reader, const struct yaml_node *node, const char *path,
	struct action_config *out);
void action_schema_socket(struct json_writer *writer);
void action_read_sql(struct reader *reader, const struct yaml_node *node, const char *path,
	struct action_config *out);
void action_schema_sql(struct json_writer *writer);

/* The `journal:` section; NULL: it is not in the file. */
void journal_config_read(struct reader *reader, const struct yaml_node *node,
	const char *state_directory, struct action_configs *out);

#endif
