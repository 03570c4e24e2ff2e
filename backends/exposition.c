#include "backends/exposition.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/number.h"
#include "core/base/sanitise.h"

#define FIRST_ROOM_BYTES 1024

bool exposition_init(struct exposition_reader *reader, exposition_sample_fn *on_sample,
	void *context, struct error *error)
{
	char *room = malloc(FIRST_ROOM_BYTES);
	if (!room)
		return error_no_memory(error, "a page of metrics");
	reader->on_sample = on_sample;
	reader->wants = NULL;
	reader->context = context;
	reader->room = room;
	reader->room_bytes = FIRST_ROOM_BYTES;
	reader->lines = 0;
	text_init(&reader->rest, EXPOSITION_LINE_BYTES);
	return true;
}

void exposition_finish(struct exposition_reader *reader)
{
	text_finish(&reader->rest);
	free(reader->room);
	reader->room = NULL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static size_t skip_blanks(const char *line, size_t length, size_t at)
{
	while (at < length && is_blank(line[at]))
		at++;
	return at;
}

static size_t word_length(const char *line, size_t length, size_t at)
{
	size_t from = at;
	while (at < length && !is_blank(line[at]))
		at++;
	return at - from;
}

static bool bad_word(const struct series *series, const char *what, const char *word, size_t length,
	struct error *error)
{
	char found[32];
	sanitise(word, length < 20 ? length : 20, found, sizeof(found));
	return error_set(error, ERROR_SYNTAX, "expected %s after '%.60s', found '%s'", what,
		series->name, found);
}

/* What a byte may be part of. */
enum byte_class { IN_NAME = 1, IN_NUMBER = 2, IN_VALUE = 4 };

#define L (IN_NAME | IN_VALUE)
#define D (IN_NAME | IN_NUMBER | IN_VALUE)
#define N (IN_NUMBER | IN_VALUE)
#define V IN_VALUE

/* Of ASCII only: the rest, quotes, backslashes and control bytes are looked at closely. */
static const unsigned char classes[256] = {[' '] = V,
	['!'] = V,
	['#'] = V,
	['$'] = V,
	['%'] = V,
	['&'] = V,
	['\''] = V,
	['('] = V,
	[')'] = V,
	['*'] = V,
	['+'] = N,
	[','] = V,
	['-'] = N,
	['.'] = N,
	['/'] = V,
	['0'] = D,
	['1'] = D,
	['2'] = D,
	['3'] = D,
	['4'] = D,
	['5'] = D,
	['6'] = D,
	['7'] = D,
	['8'] = D,
	['9'] = D,
	[':'] = L,
	[';'] = V,
	['<'] = V,
	['='] = V,
	['>'] = V,
	['?'] = V,
	['@'] = V,
	['A'] = L,
	['B'] = L,
	['C'] = L,
	['D'] = L,
	['E'] = L,
	['F'] = L,
	['G'] = L,
	['H'] = L,
	['I'] = L,
	['J'] = L,
	['K'] = L,
	['L'] = L,
	['M'] = L,
	['N'] = L,
	['O'] = L,
	['P'] = L,
	['Q'] = L,
	['R'] = L,
	['S'] = L,
	['T'] = L,
	['U'] = L,
	['V'] = L,
	['W'] = L,
	['X'] = L,
	['Y'] = L,
	['Z'] = L,
	['['] = V,
	[']'] = V,
	['^'] = V,
	['_'] = L,
	['`'] = V,
	['a'] = L,
	['b'] = L,
	['c'] = L,
	['d'] = L,
	['e'] = L,
	['f'] = L,
	['g'] = L,
	['h'] = L,
	['i'] = L,
	['j'] = L,
	['k'] = L,
	['l'] = L,
	['m'] = L,
	['n'] = L,
	['o'] = L,
	['p'] = L,
	['q'] = L,
	['r'] = L,
	['s'] = L,
	['t'] = L,
	['u'] = L,
	['v'] = L,
	['w'] = L,
	['x'] = L,
	['y'] = L,
	['z'] = L,
	['{'] = V,
	['|'] = V,
	['}'] = V,
	['~'] = V};

#undef L
#undef D
#undef N
#undef V

/* Past all bytes of a class; a line is followed by its newline or NUL, which are of none. */
static const char *past(const char *at, unsigned class)
{
	while (classes[(unsigned char)*at] & class)
		at++;
	return at;
}

/* Past {a="b",c="d"}; NULL where it is not of the plainest form. */
static const char *past_labels(const char *at)
{
	do {
		const char *name = ++at;
		at = past(at, IN_NAME);
		if (at == name || (*name >= '0' && *name <= '9') || at[0] != '=' || at[1] != '"')
			return NULL;
		if (memchr(name, ':', (size_t)(at - name)))
			return NULL;
		const char *value = at + 2;
		at = past(value, IN_VALUE);
		if (*at != '"' || at - value > SERIES_VALUE_BYTES)
			return NULL;
		at++;
	} while (*at == ',');
	return *at == '}' ? at + 1 : NULL;
}

/* Whether digits, at most one point among them and at least one digit, fill the bytes. */
static bool is_plain_number(const char *at, const char *end)
{
	size_t digits = 0, points = 0;
	if (at < end && *at == '-')
		at++;
	if (end - at > 60)
		return false;
	for (; at < end && (*at == '.' || (*at >= '0' && *at <= '9')); at++) {
		points += *at == '.' ? 1 : 0;
		digits += *at == '.' ? 0 : 1;
	}
	if (at < end && *at == 'e' && digits > 0 && end - at > 1) {
		at += at[1] == '+' || at[1] == '-' ? 2 : 1;
		const char *exponent = at;
		while (at < end && *at >= '0' && *at <= '9')
			at++;
		digits = at > exponent ? digits : 0;
	}
	return at == end && digits > 0 && points <= 1;
}

/*
 * Whether the line is a sample that nobody wants and surely of the format: the plainest form, which
 * nearly all lines have. Whatever else it is will be read in full.
 */
static bool may_skip(const struct exposition_reader *reader, const char *line, size_t length)
{
	const char *at = past(line, IN_NAME), *end = line + length;
	if (at == line || (*line >= '0' && *line <= '9') ||
		reader->wants(reader->context, line, (size_t)(at - line)))
		return false;
	if (*at == '{')
		at = past_labels(at);
	if (!at || at >= end || *at != ' ')
		return false;
	return is_plain_number(at + 1, end);
}

static bool grow_room(struct exposition_reader *reader, size_t bytes, struct error *error)
{
	char *room = realloc(reader->room, 2 * bytes);
	if (!room)
		return error_no_memory(error, "a page of metrics");
	reader->room = room;
	reader->room_bytes = 2 * bytes;
	return true;
}

static bool read_sample(
	struct exposition_reader *reader, const char *line, size_t length, struct error *error)
{
	struct exposition_sample sample = {.series = &reader->series};
	if (length >= reader->room_bytes && !grow_room(reader, length + 1, error))
		return false;
	size_t at = series_parse_line(
		line, length, reader->room, reader->room_bytes, &reader->series, error);
	if (at == 0)
		return false;
	at = skip_blanks(line, length, at);
	size_t word = word_length(line, length, at);
	if (!number_parse(line + at, word, &sample.value))
		return bad_word(&reader->series, "a value", line + at, word, error);
	at = skip_blanks(line, length, at + word);
	if (at < length) {
		word = word_length(line, length, at);
		sample.has_time = true;
		if (!number_parse_integer(line + at, word, &sample.time_ms))
			return bad_word(
				&reader->series, "a time in milliseconds", line + at, word, error);
		at = skip_blanks(line, length, at + word);
	}
	if (at < length)
		return bad_word(
			&reader->series, "the end of the line", line + at, length - at, error);
	return reader->on_sample(reader->context, &sample, error);
}

static bool read_line(
	struct exposition_reader *reader, const char *line, size_t length, struct error *error)
{
	if (++reader->lines > EXPOSITION_LINES_MOST)
		return error_set(error, ERROR_LIMIT, "the page has more than %d lines",
			EXPOSITION_LINES_MOST);
	if (length > EXPOSITION_LINE_BYTES) {
		error_set(error, ERROR_LIMIT, "longer than %d bytes", EXPOSITION_LINE_BYTES);
		return error_prefix(error, "line %zu", reader->lines);
	}
	if (length > 0 && line[length - 1] == '\r')
		length--;
	size_t at = skip_blanks(line, length, 0);
	if (at == length || line[at] == '#')
		return true;
	if (reader->wants && may_skip(reader, line + at, length - at))
		return true;
	if (!read_sample(reader, line + at, length - at, error))
		return error_prefix(error, "line %zu", reader->lines);
	return true;
}

bool exposition_feed(
	struct exposition_reader *reader, const char *bytes, size_t length, struct error *error)
{
	for (size_t at = 0; at < length;) {
		const char *newline = memchr(bytes + at, '\n', length - at);
		size_t piece = newline ? (size_t)(newline - (bytes + at)) : length - at;
		if (newline && reader->rest.length == 0) {
			if (!read_line(reader, bytes + at, piece, error))
				return false;
			at += piece + 1;
			continue;
		}
		text_append(&reader->rest, bytes + at, piece);
		if (!text_ok(&reader->rest))
			return error_set(error, ERROR_LIMIT,
				"line %zu is longer than %d bytes, or there is no memory for it",
				reader->lines + 1, EXPOSITION_LINE_BYTES);
		at += piece + (newline ? 1 : 0);
		if (!newline)
			break;
		bool good =
			read_line(reader, text_string(&reader->rest), reader->rest.length, error);
		text_clear(&reader->rest);
		if (!good)
			return false;
	}
	return true;
}

bool exposition_end(struct exposition_reader *reader, struct error *error)
{
	if (reader->rest.length == 0)
		return true;
	return error_set(error, ERROR_SYNTAX,
		"the page ends in the middle of line %zu: it was cut short on its way",
		reader->lines + 1);
}
