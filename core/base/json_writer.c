#include "core/base/json_writer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/number.h"
#include "core/base/text.h"
#include "core/base/utf8.h"

void json_writer_init(struct json_writer *writer, struct text *out)
{
	*writer = (struct json_writer){.out = out};
}

/* The comma that separates a value from the one before it; none behind a key. */
static void separate(struct json_writer *writer)
{
	if (writer->after_key) {
		writer->after_key = false;
		return;
	}
	if (writer->depth == 0)
		return;
	bool *has_member = &writer->has_member[writer->depth - 1];
	if (*has_member)
		text_add_char(writer->out, ',');
	*has_member = true;
}

/* Too deep or closed too often: the text is no JSON and must not pass for it. */
static void begin(struct json_writer *writer, char bracket)
{
	separate(writer);
	if (writer->depth == JSON_WRITER_DEPTH) {
		writer->out->failed = true;
		return;
	}
	writer->has_member[writer->depth++] = false;
	text_add_char(writer->out, bracket);
}

static void end(struct json_writer *writer, char bracket)
{
	if (writer->depth == 0) {
		writer->out->failed = true;
		return;
	}
	writer->depth--;
	text_add_char(writer->out, bracket);
}

void json_begin_object(struct json_writer *writer)
{
	begin(writer, '{');
}

void json_end_object(struct json_writer *writer)
{
	end(writer, '}');
}

void json_begin_array(struct json_writer *writer)
{
	begin(writer, '[');
}

void json_end_array(struct json_writer *writer)
{
	end(writer, ']');
}

/* Beyond what JSON demands, so that the output may be shown on a terminal as it is. */
static bool needs_escape(uint32_t codepoint)
{
	return utf8_is_control(codepoint) || utf8_is_format(codepoint) || codepoint == 0x2028 ||
	       codepoint == 0x2029;
}

static void write_escape(struct text *out, uint32_t codepoint)
{
	static const struct {
		char from;
		char to;
	} letters[] = {{'\n', 'n'}, {'\t', 't'}, {'\r', 'r'}, {'\b', 'b'}, {'\f', 'f'}};
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if (codepoint == (uint32_t)letters[i].from) {
			text_printf(out, "\\%c", letters[i].to);
			return;
		}
	}
	if (codepoint < 0x10000) {
		text_printf(out, "\\u%04x", (unsigned)codepoint);
		return;
	}
	uint32_t offset = codepoint - 0x10000;
	text_printf(out, "\\u%04x\\u%04x", (unsigned)(0xD800 + (offset >> 10)),
		(unsigned)(0xDC00 + (offset & 0x3FF)));
}

static void write_string(struct text *out, const char *string)
{
	size_t length = strlen(string);
	size_t plain = 0; /* start of what can be copied as it is */
	text_add_char(out, '"');
	for (size_t at = 0; at < length;) {
		uint32_t codepoint = 0;
		size_t size = utf8_decode(string + at, length - at, &codepoint);
		bool special = codepoint == '"' || codepoint == '\\';
		if (size > 0 && !special && !needs_escape(codepoint)) {
			at += size;
			continue;
		}
		text_append(out, string + plain, at - plain);
		if (size == 0)
			text_add(out, "\xEF\xBF\xBD"); /* U+FFFD */
		else if (special)
			text_printf(out, "\\%c", (char)codepoint);
		else
			write_escape(out, codepoint);
		at += size == 0 ? 1 : size;
		plain = at;
	}
	text_append(out, string + plain, length - plain);
	text_add_char(out, '"');
}

void json_key(struct json_writer *writer, const char *key)
{
	separate(writer);
	write_string(writer->out, key);
	text_add_char(writer->out, ':');
	writer->after_key = true;
}

static void write_raw(struct json_writer *writer, const char *value)
{
	separate(writer);
	text_add(writer->out, value);
}

void json_null(struct json_writer *writer)
{
	write_raw(writer, "null");
}

void json_string(struct json_writer *writer, const char *value)
{
	if (!value) {
		json_null(writer);
		return;
	}
	separate(writer);
	write_string(writer->out, value);
}

void json_number(struct json_writer *writer, double value)
{
	if (isnan(value) || isinf(value)) {
		json_null(writer);
		return;
	}
	char number[NUMBER_TEXT_BYTES];
	number_write(value, number);
	write_raw(writer, number);
}

void json_integer(struct json_writer *writer, int64_t value)
{
	separate(writer);
	text_printf(writer->out, "%" PRId64, value);
}

void json_bool(struct json_writer *writer, bool value)
{
	write_raw(writer, value ? "true" : "false");
}

void json_time(struct json_writer *writer, int64_t ms)
{
	if (ms == 0) {
		json_null(writer);
		return;
	}
	char when[CLOCK_TEXT_BYTES];
	clock_format(ms, true, when);
	json_string(writer, when);
}

void json_member_string(struct json_writer *writer, const char *key, const char *value)
{
	json_key(writer, key);
	json_string(writer, value);
}

void json_member_number(struct json_writer *writer, const char *key, double value)
{
	json_key(writer, key);
	json_number(writer, value);
}

void json_member_integer(struct json_writer *writer, const char *key, int64_t value)
{
	json_key(writer, key);
	json_integer(writer, value);
}

void json_member_bool(struct json_writer *writer, const char *key, bool value)
{
	json_key(writer, key);
	json_bool(writer, value);
}

void json_member_time(struct json_writer *writer, const char *key, int64_t ms)
{
	json_key(writer, key);
	json_time(writer, ms);
}
