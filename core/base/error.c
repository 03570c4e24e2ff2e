#include "core/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {
	[ERROR_NONE] = "none",
	[ERROR_NO_MEMORY] = "no-memory",
	[ERROR_LIMIT] = "limit",
	[ERROR_SYNTAX] = "syntax",
	[ERROR_SCHEMA] = "schema",
	[ERROR_USAGE] = "usage",
	[ERROR_IO] = "io",
	[ERROR_UNREACHABLE] = "unreachable",
	[ERROR_TIMEOUT] = "timeout",
	[ERROR_UNTRUSTED] = "untrusted",
	[ERROR_REJECTED] = "rejected",
	[ERROR_UNKNOWN_OUTCOME] = "unknown-outcome",
	[ERROR_CANCELLED] = "cancelled",
};

/* A text that filled its buffer may end inside a character; half a character is not text. */
static void trim_partial_character(char text[ERROR_TEXT_BYTES])
{
	size_t length = strlen(text);
	if (length + 1 < ERROR_TEXT_BYTES)
		return;
	size_t lead = length;
	while (lead > 0 && length - lead < 4 && ((unsigned char)text[lead - 1] & 0xC0u) == 0x80u)
		lead--;
	if (lead == 0 || (unsigned char)text[lead - 1] < 0xC0u)
		return;
	unsigned char first = (unsigned char)text[lead - 1];
	size_t wanted = first >= 0xF0u ? 4 : first >= 0xE0u ? 3 : 2;
	if (length - lead + 1 < wanted)
		text[lead - 1] = '\0';
}

/* The arguments may point into the error itself, so everything is built beside it first. */
static void fill(struct error *error, enum error_kind kind, const char text[ERROR_TEXT_BYTES])
{
	error->kind = kind;
	memcpy(error->text, text, ERROR_TEXT_BYTES);
	trim_partial_character(error->text);
}

bool(error_set)(struct error *error, enum error_kind kind, const char *format, ...)
{
	if (!error)
		return false;
	char text[ERROR_TEXT_BYTES] = "";
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	fill(error, kind, text);
	return false;
}

bool(error_prefix)(struct error *error, const char *format, ...)
{
	if (!error)
		return false;
	char prefix[ERROR_TEXT_BYTES] = "";
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(prefix, sizeof(prefix), format, arguments);
	va_end(arguments);

	char text[2 * ERROR_TEXT_BYTES + 2];
	snprintf(text, sizeof(text), "%s: %s", prefix, error->text);
	text[ERROR_TEXT_BYTES - 1] = '\0';
	fill(error, error->kind, text);
	return false;
}

bool(error_no_memory)(struct error *error, const char *what)
{
	return error_set(error, ERROR_NO_MEMORY, "no memory for %s", what);
}

bool(error_errno)(struct error *error, const char *format, ...)
{
	int number = errno;
	if (!error)
		return false;
	char subject[ERROR_TEXT_BYTES] = "";
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(subject, sizeof(subject), format, arguments);
	va_end(arguments);

	char reason_buffer[128];
	const char *reason = strerror_r(number, reason_buffer, sizeof(reason_buffer));
	return error_set(error, ERROR_IO, "%s: %s", subject, reason);
}

const char *error_kind_name(enum error_kind kind)
{
	size_t index = (size_t)kind;
	if (index >= sizeof(kind_names) / sizeof(kind_names[0]))
		return "unknown";
	return kind_names[index];
}
