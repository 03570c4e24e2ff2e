#include "backends/series.h"

#include <stdbool.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/sanitise.h"
#include "core/base/utf8.h"

struct cursor {
	const char *bytes;
	size_t length, at;
	char *room;
	size_t room_size, room_used;
	struct error *error;
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static size_t name_length(const char *bytes, size_t length, bool with_colon)
{
	size_t at = 0;
	while (at < length) {
		char c = bytes[at];
		bool digit = c >= '0' && c <= '9' && at > 0;
		if (!is_letter(c) && !digit && !(with_colon && c == ':'))
			break;
		at++;
	}
	return at;
}

size_t series_metric_name_length(const char *bytes, size_t length)
{
	return name_length(bytes, length, true);
}

size_t series_label_name_length(const char *bytes, size_t length)
{
	return name_length(bytes, length, false);
}

static void skip_blanks(struct cursor *cursor)
{
	while (cursor->at < cursor->length &&
		(cursor->bytes[cursor->at] == ' ' || cursor->bytes[cursor->at] == '\t'))
		cursor->at++;
}

static char peek(const struct cursor *cursor)
{
	return cursor->at < cursor->length ? cursor->bytes[cursor->at] : '\0';
}

/* What stands at the cursor instead of what was expected, cut short and made safe. */
static bool unexpected(struct cursor *cursor, const char *expected)
{
	char found[32];
	size_t left = cursor->length - cursor->at;
	sanitise(cursor->bytes + cursor->at, left < 20 ? left : 20, found, sizeof(found));
	return error_set(cursor->error, ERROR_SYNTAX, "expected %s at column %zu, found '%s'",
		expected, cursor->at + 1, found);
}

static bool put(struct cursor *cursor, char c)
{
	if (cursor->room_used == cursor->room_size)
		return error_set(cursor->error, ERROR_LIMIT, "a series is longer than %zu bytes",
			cursor->room_size);
	cursor->room[cursor->room_used++] = c;
	return true;
}

static const char *keep_name(struct cursor *cursor, size_t length)
{
	const char *kept = cursor->room + cursor->room_used;
	for (size_t i = 0; i < length; i++)
		if (!put(cursor, cursor->bytes[cursor->at + i]))
			return NULL;
	if (!put(cursor, '\0'))
		return NULL;
	cursor->at += length;
	return kept;
}

/* One character of a quoted value; the cursor stands on it. */
static bool keep_character(struct cursor *cursor)
{
	char c = cursor->bytes[cursor->at++];
	if (c != '\\')
		return put(cursor, c);
	char escaped = peek(cursor);
	if (escaped == 'n')
		escaped = '\n';
	else if (escaped != '\\' && escaped != '"')
		return unexpected(cursor, "\\\\, \\\" or \\n");
	cursor->at++;
	return put(cursor, escaped);
}

static const char *keep_value(struct cursor *cursor)
{
	if (peek(cursor) != '"') {
		unexpected(cursor, "a value in double quotes");
		return NULL;
	}
	cursor->at++;
	const char *kept = cursor->room + cursor->room_used;
	size_t from = cursor->room_used;
	while (peek(cursor) != '"') {
		if (cursor->at >= cursor->length || peek(cursor) == '\0') {
			unexpected(cursor, "the closing quote of a value");
			return NULL;
		}
		if (cursor->room_used - from >= SERIES_VALUE_BYTES) {
			error_set(cursor->error, ERROR_LIMIT,
				"a label's value is longer than %d bytes", SERIES_VALUE_BYTES);
			return NULL;
		}
		if (!keep_character(cursor))
			return NULL;
	}
	cursor->at++;
	if (!utf8_is_valid(kept, cursor->room_used - from)) {
		error_set(cursor->error, ERROR_SYNTAX, "a label's value is not valid UTF-8");
		return NULL;
	}
	return put(cursor, '\0') ? kept : NULL;
}

static bool parse_label(struct cursor *cursor, struct series *out)
{
	size_t length =
		series_label_name_length(cursor->bytes + cursor->at, cursor->length - cursor->at);
	if (length == 0)
		return unexpected(cursor, "a label's name or '}'");
	if (out->label_count == SERIES_LABELS_MOST)
		return error_set(cursor->error, ERROR_LIMIT, "a series has more than %d labels",
			SERIES_LABELS_MOST);
	const char *name = keep_name(cursor, length);
	if (!name)
		return false;
	skip_blanks(cursor);
	if (peek(cursor) != '=')
		return unexpected(cursor, "'='");
	cursor->at++;
	skip_blanks(cursor);
	const char *value = keep_value(cursor);
	if (!value)
		return false;
	for (size_t i = 0; i < out->label_count; i++)
		if (strcmp(out->labels[i].name, name) == 0)
			return error_set(cursor->error, ERROR_SYNTAX,
				"the label '%.60s' is given twice", name);
	out->labels[out->label_count++] = (struct source_label){name, value};
	return true;
}

static bool parse_labels(struct cursor *cursor, struct series *out)
{
	cursor->at++; /* the brace */
	for (;;) {
		skip_blanks(cursor);
		if (peek(cursor) == '}') /* also after a last comma, which the format allows */
			break;
		if (!parse_label(cursor, out))
			return false;
		skip_blanks(cursor);
		if (peek(cursor) == ',')
			cursor->at++;
		else if (peek(cursor) != '}')
			return unexpected(cursor, "',' or '}'");
	}
	cursor->at++;
	return true;
}

size_t series_parse(const char *bytes, size_t length, char *room, size_t room_size,
	struct series *out, struct error *error)
{
	struct cursor cursor = {.bytes = bytes,
		.length = length,
		.room = room,
		.room_size = room_size,
		.error = error};
	struct series found;
	found.label_count = 0;
	size_t name = series_metric_name_length(bytes, length);
	if (name == 0) {
		unexpected(&cursor, "a metric's name");
		return 0;
	}
	found.name = keep_name(&cursor, name);
	if (!found.name)
		return 0;
	size_t after_name = cursor.at;
	skip_blanks(&cursor);
	if (peek(&cursor) != '{')
		cursor.at = after_name;
	else if (!parse_labels(&cursor, &found))
		return 0;
	out->name = found.name;
	out->label_count = found.label_count;
	memcpy(out->labels, found.labels, found.label_count * sizeof(found.labels[0]));
	return cursor.at;
}

const char *series_label(const struct series *series, const char *name)
{
	for (size_t i = 0; i < series->label_count; i++)
		if (strcmp(series->labels[i].name, name) == 0)
			return series->labels[i].value;
	return "";
}
