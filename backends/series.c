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
	bool selector;
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
	return (char)(cursor->at < cursor->length ? cursor->bytes[cursor->at] : '\0');
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

/* The operator behind a name of that length, which the cursor has before it. */
static char operator_ahead(const struct cursor *cursor, size_t length)
{
	size_t at = cursor->at + length;
	while (at < cursor->length && (cursor->bytes[at] == ' ' || cursor->bytes[at] == '\t'))
		at++;
	if (at + 1 >= cursor->length)
		return '=';
	if (cursor->bytes[at] == '!')
		return SERIES_NOT;
	return cursor->bytes[at] == '=' && cursor->bytes[at + 1] == '~' ? SERIES_LIKE : '=';
}

/* A pattern that says more than is understood would silently match nothing. */
static bool check_pattern(struct cursor *cursor, const char *pattern)
{
	for (const char *at = pattern; *at; at++)
		if (strchr("^$()[]{}+?\\", *at) || (*at == '*' && (at == pattern || at[-1] != '.')))
			return error_set(cursor->error, ERROR_SYNTAX,
				"a pattern knows '.', '.*' and '|' only, not '%c'", *at);
	return true;
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
	char op = (char)(cursor->selector ? operator_ahead(cursor, length) : '=');
	if (op != '=' && !put(cursor, op))
		return false;
	const char *name = keep_name(cursor, length);
	if (!name)
		return false;
	name -= op != '=' ? 1 : 0;
	skip_blanks(cursor);
	if (op == SERIES_NOT)
		cursor->at++;
	if (peek(cursor) != '=')
		return unexpected(cursor, "'='");
	cursor->at += op == SERIES_LIKE ? 2 : 1;
	skip_blanks(cursor);
	const char *value = keep_value(cursor);
	if (!value || (op == SERIES_LIKE && !check_pattern(cursor, value)))
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

/* " - name": what is to be taken off. */
static bool parse_less(struct cursor *cursor, struct series *out)
{
	size_t terms = 1;
	for (size_t at = cursor->at;; at = cursor->at) {
		skip_blanks(cursor);
		if (peek(cursor) != '-') {
			cursor->at = at;
			return true;
		}
		cursor->at++;
		skip_blanks(cursor);
		size_t length = series_metric_name_length(
			cursor->bytes + cursor->at, cursor->length - cursor->at);
		if (length == 0)
			return unexpected(cursor, "the name of a metric to take off");
		if (++terms > SERIES_TERMS_MOST || out->label_count == SERIES_LABELS_MOST)
			return error_set(cursor->error, ERROR_LIMIT,
				"a difference has more than %d terms", SERIES_TERMS_MOST);
		const char *name = keep_name(cursor, length);
		if (!name)
			return false;
		out->labels[out->label_count++] = (struct source_label){SERIES_LESS, name};
	}
}

static size_t parse(struct cursor *cursor, struct series *out)
{
	struct series found;
	found.label_count = 0;
	size_t name = series_metric_name_length(cursor->bytes, cursor->length);
	if (name == 0) {
		unexpected(cursor, "a metric's name");
		return 0;
	}
	found.name = keep_name(cursor, name);
	if (!found.name)
		return 0;
	size_t after_name = cursor->at;
	skip_blanks(cursor);
	if (peek(cursor) != '{')
		cursor->at = after_name;
	else if (!parse_labels(cursor, &found))
		return 0;
	if (cursor->selector && !parse_less(cursor, &found))
		return 0;
	out->name = found.name;
	out->label_count = found.label_count;
	memcpy(out->labels, found.labels, found.label_count * sizeof(found.labels[0]));
	return cursor->at;
}

size_t series_parse_line(const char *bytes, size_t length, char *room, size_t room_size,
	struct series *out, struct error *error)
{
	struct cursor cursor = {.bytes = bytes,
		.length = length,
		.room = room,
		.room_size = room_size,
		.error = error};
	return parse(&cursor, out);
}

size_t series_parse(const char *bytes, size_t length, char *room, size_t room_size,
	struct series *out, struct error *error)
{
	struct cursor cursor = {.bytes = bytes,
		.length = length,
		.room = room,
		.room_size = room_size,
		.selector = true,
		.error = error};
	return parse(&cursor, out);
}

/* One alternative, up to `end`, against the whole value: '.*' is tried short first. */
static bool alternative_matches(const char *pattern, const char *end, const char *value)
{
	const char *retry = NULL, *retry_value = NULL;
	while (*value || pattern < end) {
		if (end - pattern >= 2 && pattern[0] == '.' && pattern[1] == '*') {
			retry = pattern += 2;
			retry_value = value;
		} else if (*value && pattern < end && (*pattern == '.' || *pattern == *value)) {
			pattern++;
			value++;
		} else if (retry && *retry_value) {
			pattern = retry;
			value = ++retry_value;
		} else {
			return false;
		}
	}
	return true;
}

bool series_pattern_matches(const char *pattern, const char *value)
{
	for (;;) {
		const char *end = pattern + strcspn(pattern, "|");
		if (alternative_matches(pattern, end, value))
			return true;
		if (*end == '\0')
			return false;
		pattern = end + 1;
	}
}

bool series_is_selected(const struct series *series, const struct source_label *where, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *name = where[i].name, *wanted = where[i].value;
		bool good = true;
		if (strcmp(name, SERIES_LESS) == 0)
			continue;
		if (name[0] == SERIES_NOT)
			good = strcmp(series_label(series, name + 1), wanted) != 0;
		else if (name[0] == SERIES_LIKE)
			good = series_pattern_matches(wanted, series_label(series, name + 1));
		else
			good = strcmp(series_label(series, name), wanted) == 0;
		if (!good)
			return false;
	}
	return true;
}

const char *series_label(const struct series *series, const char *name)
{
	for (size_t i = 0; i < series->label_count; i++)
		if (strcmp(series->labels[i].name, name) == 0)
			return series->labels[i].value;
	return "";
}
