/*
 * config_reader.h - what reading the acting sections of a fleet file passes along, shared by the
 * files that read them.
 */
#ifndef ACTIONS_CONFIG_READER_H
#define ACTIONS_CONFIG_READER_H

#include "actions/config.h"

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

/* `form: {a: b}` as the template of a form body: literal bytes are percent-encoded. */
const char *http_form_template(
	struct reader *reader, const struct yaml_node *node, const char *path);

/* `headers: {Name: template}` into the binding. */
void http_headers_read(struct reader *reader, const struct yaml_node *node, const char *path,
	const struct verb_row *verb, struct http_binding *out);

#endif
