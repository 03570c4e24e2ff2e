#include "backends/exposition.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/number.h"
#include "core/base/sanitise.h"

bool exposition_init(struct exposition_reader *reader, exposition_sample_fn *on_sample,
	void *context, struct error *error)
{
	char *room = malloc(EXPOSITION_LINE_BYTES + 1);
	if (!room)
		return error_no_memory(error, "a page of metrics");
	*reader = (struct exposition_reader){
		.on_sample = on_sample, .context = context, .room = room};
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

static bool read_sample(
	struct exposition_reader *reader, const char *line, size_t length, struct error *error)
{
	struct exposition_sample sample = {.series = &reader->series};
	size_t at = series_parse_line(
		line, length, reader->room, EXPOSITION_LINE_BYTES + 1, &reader->series, error);
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
