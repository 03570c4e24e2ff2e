/*
 * text.h - a growable string with a hard limit.
 *
 * Appending past the limit, or without memory, sets a sticky flag and drops what does not fit:
 * build a whole text, then ask text_ok() once. The string is always NUL-terminated.
 */
#ifndef CORE_BASE_TEXT_H
#define CORE_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct text {
	char *bytes;   /* NULL until something was appended */
	size_t length; /* without the NUL */
	size_t capacity;
	size_t limit; /* most bytes it may hold, without the NUL */
	bool failed;  /* something did not fit */
};

void text_init(struct text *text, size_t limit_bytes);
void text_finish(struct text *text); /* frees; the text may be initialised again */
void text_clear(struct text *text);  /* empties, keeps the memory, resets the flag */

void text_append(struct text *text, const char *bytes, size_t length);
void text_add(struct text *text, const char *string);
void text_add_char(struct text *text, char c);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vprintf(struct text *text, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

/* The content, "" when empty; valid until the next change. */
const char *text_string(const struct text *text);
bool text_ok(const struct text *text);

/* Remove the first `length` bytes (all of them when it has fewer). */
void text_drop(struct text *text, size_t length);

#endif
