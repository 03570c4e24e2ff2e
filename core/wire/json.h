/*
 * json.h - reading JSON from outside (the only room that knows cJSON).
 *
 * A document is checked before it is believed: valid UTF-8, nesting at most JSON_DEPTH, nothing but
 * blanks after the value, no duplicate keys are relied upon (the first wins), "\u0000" is refused
 * because it would cut a string short. Nodes are borrowed from their document. Every getter takes
 * NULL and answers "absent".
 */
#ifndef CORE_WIRE_JSON_H
#define CORE_WIRE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct json_document;
struct json_node;

#define JSON_DEPTH 64
#define JSON_BYTES ((size_t)32 * 1024 * 1024)

/* Errors: ERROR_SYNTAX and ERROR_LIMIT with the byte offset, ERROR_NO_MEMORY. `bytes` may go away
 * afterwards. */
struct json_document *json_parse(const char *bytes, size_t length, struct error *error);
void json_destroy(struct json_document *document);
const struct json_node *json_root(const struct json_document *document);

bool json_is_object(const struct json_node *node);
bool json_is_array(const struct json_node *node);
bool json_is_null(const struct json_node *node);

const struct json_node *json_get(
	const struct json_node *object, const char *key); /* exact case; NULL absent */
const struct json_node *json_first(const struct json_node *container);
const struct json_node *json_next(const struct json_node *node);
const char *json_key_of(const struct json_node *member); /* NULL for array elements */
size_t json_count(const struct json_node *container);    /* linear */

/* A string's bytes, NULL when it is not a string. Escapes may spell control characters: sanitise()
 * before it is shown. */
const char *json_text(const struct json_node *node);

/* An object's string member, sanitised into `size` bytes and cut to them; "" when there is none. */
void json_copy_text(const struct json_node *node, const char *key, char *out, size_t size);

/* A member that is a time as clock_format() writes it, in epoch ms; 0 when there is none. */
int64_t json_time_of(const struct json_node *node, const char *key);

/* A number, or a string that is one ("1", "NaN", "+Inf": Prometheus and protobuf write them so). */
bool json_number_of(const struct json_node *node, double *out);

/* A whole number up to 2^63, also from a string; false when it has a fraction or is not exact. */
bool json_integer_of(const struct json_node *node, int64_t *out);
bool json_bool_of(const struct json_node *node, bool *out);

/* RFC 6901 pointer, "/data/result/0/value/1"; NULL when it leads nowhere. */
const struct json_node *json_pointer(const struct json_node *root, const char *pointer);

#endif
