/*
 * json_writer.h - writing JSON into a text, correctly and without a tree.
 *
 * Commas and nesting are kept here. Strings are escaped and made valid UTF-8; NaN and infinities
 * become null (absent is never zero); numbers do not depend on the locale.
 */
#ifndef CORE_BASE_JSON_WRITER_H
#define CORE_BASE_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

struct text;

#define JSON_WRITER_DEPTH 32

struct json_writer {
	struct text *out;
	int depth;
	bool has_member[JSON_WRITER_DEPTH];
	bool after_key;
};

void json_writer_init(struct json_writer *writer, struct text *out);

void json_begin_object(struct json_writer *writer);
void json_end_object(struct json_writer *writer);
void json_begin_array(struct json_writer *writer);
void json_end_array(struct json_writer *writer);
void json_key(struct json_writer *writer, const char *key);

void json_string(struct json_writer *writer, const char *value); /* NULL becomes null */
void json_number(
	struct json_writer *writer, double value); /* shortest form that reads back the same */
void json_integer(struct json_writer *writer, int64_t value);
void json_bool(struct json_writer *writer, bool value);
void json_null(struct json_writer *writer);
void json_time(struct json_writer *writer, int64_t ms); /* RFC 3339 UTC with ms; 0 becomes null */

/* key and value in one call */
void json_member_string(struct json_writer *writer, const char *key, const char *value);
void json_member_number(struct json_writer *writer, const char *key, double value);
void json_member_integer(struct json_writer *writer, const char *key, int64_t value);
void json_member_bool(struct json_writer *writer, const char *key, bool value);
void json_member_time(struct json_writer *writer, const char *key, int64_t ms);

#endif
