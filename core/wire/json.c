#include "core/wire/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/number.h"
#include "core/base/sanitise.h"
#include "core/wire/json_check.h"

/* The largest whole number below which every double is the number that was written. */
#define EXACT_MOST 9007199254740991.0

struct json_document {
	cJSON *root;
};

/* A json_node is a cJSON that nobody outside this file can look into. */
static const cJSON *inner(const struct json_node *node)
{
	return (const cJSON *)(const void *)node;
}

static const struct json_node *outer(const cJSON *item)
{
	return (const struct json_node *)(const void *)item;
}

/* Finds number after number in bytes that passed json_check(). */
struct number_cursor {
	const char *bytes;
	size_t length;
	size_t at;
};

static void skip_string(struct number_cursor *cursor)
{
	for (cursor->at++; cursor->bytes[cursor->at] != '"'; cursor->at++)
		if (cursor->bytes[cursor->at] == '\\')
			cursor->at++;
	cursor->at++;
}

static bool is_number_byte(char c)
{
	return c != '\0' && strchr("0123456789+-.eE", c);
}

/* The next number's bytes; *length is 0 when there is none. */
static const char *next_number(struct number_cursor *cursor, size_t *length)
{
	*length = 0;
	while (cursor->at < cursor->length) {
		char c = cursor->bytes[cursor->at];
		if (c == '"') {
			skip_string(cursor);
			continue;
		}
		const char *start = cursor->bytes + cursor->at;
		if (c == '-' || (c >= '0' && c <= '9')) {
			while (cursor->at < cursor->length &&
				is_number_byte(cursor->bytes[cursor->at]))
				cursor->at++;
			*length = (size_t)(cursor->bytes + cursor->at - start);
			return start;
		}
		cursor->at++;
	}
	return NULL;
}

/*
 * cJSON keeps numbers as doubles only. Give each long number its text as well, in the string slot
 * that cJSON leaves empty for numbers and frees with the item. Depth is at most JSON_DEPTH.
 */
static bool keep_long_numbers(cJSON *item, struct number_cursor *cursor)
{
	for (; item; item = item->next) {
		if (item->child && !keep_long_numbers(item->child, cursor))
			return false;
		if (!cJSON_IsNumber(item))
			continue;
		size_t length = 0;
		const char *bytes = next_number(cursor, &length);
		if (!bytes || length <= JSON_EXACT_DIGITS)
			continue;
		item->valuestring = cJSON_malloc(length + 1);
		if (!item->valuestring)
			return false;
		memcpy(item->valuestring, bytes, length);
		item->valuestring[length] = '\0';
	}
	return true;
}

struct json_document *json_parse(const char *bytes, size_t length, struct error *error)
{
	if (length > JSON_BYTES) {
		error_set(error, ERROR_LIMIT, "JSON of %zu bytes is over the limit of %zu", length,
			JSON_BYTES);
		return NULL;
	}
	size_t long_integers = 0;
	if (!json_check(bytes, length, &long_integers, error))
		return NULL;
	struct json_document *document = calloc(1, sizeof(*document));
	if (!document) {
		error_no_memory(error, "a JSON document");
		return NULL;
	}
	struct number_cursor cursor = {.bytes = bytes, .length = length};
	document->root = cJSON_ParseWithLength(bytes, length);
	if (!document->root || (long_integers > 0 && !keep_long_numbers(document->root, &cursor))) {
		json_destroy(document);
		error_no_memory(error, "a JSON document");
		return NULL;
	}
	return document;
}

void json_destroy(struct json_document *document)
{
	if (!document)
		return;
	cJSON_Delete(document->root);
	free(document);
}

const struct json_node *json_root(const struct json_document *document)
{
	return document ? outer(document->root) : NULL;
}

bool json_is_object(const struct json_node *node)
{
	return cJSON_IsObject(inner(node));
}

bool json_is_array(const struct json_node *node)
{
	return cJSON_IsArray(inner(node));
}

bool json_is_null(const struct json_node *node)
{
	return cJSON_IsNull(inner(node));
}

const struct json_node *json_get(const struct json_node *object, const char *key)
{
	if (!json_is_object(object) || !key)
		return NULL;
	return outer(cJSON_GetObjectItemCaseSensitive(inner(object), key));
}

const struct json_node *json_first(const struct json_node *container)
{
	if (!json_is_object(container) && !json_is_array(container))
		return NULL;
	return outer(inner(container)->child);
}

const struct json_node *json_next(const struct json_node *node)
{
	return node ? outer(inner(node)->next) : NULL;
}

const char *json_key_of(const struct json_node *member)
{
	return member ? inner(member)->string : NULL;
}

size_t json_count(const struct json_node *container)
{
	size_t count = 0;
	for (const struct json_node *node = json_first(container); node; node = json_next(node))
		count++;
	return count;
}

const char *json_text(const struct json_node *node)
{
	return cJSON_IsString(inner(node)) ? inner(node)->valuestring : NULL;
}

void json_copy_text(const struct json_node *node, const char *key, char *out, size_t size)
{
	const char *text = json_text(json_get(node, key));
	out[0] = '\0';
	if (text)
		sanitise(text, strlen(text), out, size);
}

int64_t json_time_of(const struct json_node *node, const char *key)
{
	int64_t ms = 0;
	const char *text = json_text(json_get(node, key));
	return text && clock_parse(text, &ms) ? ms : 0;
}

bool json_number_of(const struct json_node *node, double *out)
{
	const char *text = json_text(node);
	if (text)
		return number_parse(text, strlen(text), out);
	if (!cJSON_IsNumber(inner(node)) || !isfinite(inner(node)->valuedouble))
		return false;
	*out = inner(node)->valuedouble;
	return true;
}

bool json_integer_of(const struct json_node *node, int64_t *out)
{
	const char *text = json_text(node);
	if (text)
		return number_parse_integer(text, strlen(text), out);
	if (!cJSON_IsNumber(inner(node)))
		return false;
	const char *digits = inner(node)->valuestring;
	if (digits && number_parse_integer(digits, strlen(digits), out))
		return true;
	double value = inner(node)->valuedouble;
	if (!(fabs(value) <= EXACT_MOST) || trunc(value) != value)
		return false;
	*out = (int64_t)value;
	return true;
}

bool json_bool_of(const struct json_node *node, bool *out)
{
	if (!cJSON_IsBool(inner(node)))
		return false;
	*out = cJSON_IsTrue(inner(node));
	return true;
}

/* Whether `key` is the reference token of `length` bytes, in which ~1 stands for '/' and ~0 for
 * '~'. */
static bool token_is(const char *token, size_t length, const char *key)
{
	for (size_t i = 0; i < length; i++, key++) {
		char c = token[i];
		if (c == '~') {
			if (++i == length || (token[i] != '0' && token[i] != '1'))
				return false;
			c = token[i] == '1' ? '/' : '~';
		}
		if (*key != c)
			return false;
	}
	return *key == '\0';
}

static const struct json_node *pointer_member(
	const struct json_node *object, const char *token, size_t length)
{
	for (const struct json_node *node = json_first(object); node; node = json_next(node))
		if (token_is(token, length, json_key_of(node)))
			return node;
	return NULL;
}

static const struct json_node *pointer_element(
	const struct json_node *array, const char *token, size_t length)
{
	int64_t index = 0;
	bool plain = length > 0 && token[0] >= '0' && token[0] <= '9' &&
		     (token[0] != '0' || length == 1);
	if (!plain || !number_parse_integer(token, length, &index))
		return NULL;
	const struct json_node *node = json_first(array);
	for (; node && index > 0; index--)
		node = json_next(node);
	return node;
}

const struct json_node *json_pointer(const struct json_node *root, const char *pointer)
{
	const struct json_node *node = root;
	while (node && *pointer != '\0') {
		if (*pointer != '/')
			return NULL;
		const char *token = pointer + 1;
		size_t length = strcspn(token, "/");
		node = json_is_object(node)  ? pointer_member(node, token, length)
		       : json_is_array(node) ? pointer_element(node, token, length)
					     : NULL;
		pointer = token + length;
	}
	return node;
}
