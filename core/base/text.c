#include "core/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALLEST_BYTES ((size_t)64)

void text_init(struct text *text, size_t limit_bytes)
{
	*text = (struct text){.limit = limit_bytes};
}

void text_finish(struct text *text)
{
	free(text->bytes);
	*text = (struct text){.limit = text->limit};
}

void text_clear(struct text *text)
{
	text->length = 0;
	text->failed = false;
	if (text->bytes)
		text->bytes[0] = '\0';
}

/* Room for `more` further bytes and the NUL; the caller has checked the limit. */
static bool reserve(struct text *text, size_t more)
{
	size_t needed = text->length + more + 1;
	if (needed <= text->capacity)
		return true;
	size_t capacity = text->capacity < SMALLEST_BYTES ? SMALLEST_BYTES : text->capacity;
	while (capacity < needed)
		capacity *= 2;
	if (capacity > text->limit + 1 && needed <= text->limit + 1)
		capacity = text->limit + 1;
	char *bytes = realloc(text->bytes, capacity);
	if (!bytes) {
		text->failed = true;
		return false;
	}
	text->bytes = bytes;
	text->capacity = capacity;
	return true;
}

/* Where to cut `bytes` at or before `length` so that no UTF-8 character is split. */
static size_t cut_point(const char *bytes, size_t length)
{
	size_t cut = length;
	for (int back = 0; back < 3 && cut > 0; back++) {
		if (((unsigned char)bytes[cut] & 0xC0u) != 0x80u)
			return cut;
		cut--;
	}
	return ((unsigned char)bytes[cut] & 0xC0u) != 0x80u ? cut : length;
}

void text_append(struct text *text, const char *bytes, size_t length)
{
	if (text->failed || length == 0)
		return;
	bool fits = length <= text->limit - text->length;
	size_t taken = fits ? length : cut_point(bytes, text->limit - text->length);
	if (!reserve(text, taken))
		return;
	memcpy(text->bytes + text->length, bytes, taken);
	text->length += taken;
	text->bytes[text->length] = '\0';
	text->failed = !fits;
}

void text_add(struct text *text, const char *string)
{
	text_append(text, string, strlen(string));
}

void text_add_char(struct text *text, char c)
{
	text_append(text, &c, 1);
}

void text_vprintf(struct text *text, const char *format, va_list arguments)
{
	if (text->failed)
		return;
	char small[256];
	va_list again;
	va_copy(again, arguments);
	int length = vsnprintf(small, sizeof(small), format, arguments);
	if (length < 0) {
		text->failed = true;
	} else if ((size_t)length < sizeof(small)) {
		text_append(text, small, (size_t)length);
	} else {
		char *large = malloc((size_t)length + 1);
		if (large) {
			vsnprintf(large, (size_t)length + 1, format, again);
			text_append(text, large, (size_t)length);
			free(large);
		} else {
			text->failed = true;
		}
	}
	va_end(again);
}

void text_printf(struct text *text, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	text_vprintf(text, format, arguments);
	va_end(arguments);
}

const char *text_string(const struct text *text)
{
	return text->bytes ? text->bytes : "";
}

bool text_ok(const struct text *text)
{
	return !text->failed;
}

void text_drop(struct text *text, size_t length)
{
	if (!text->bytes)
		return;
	if (length > text->length)
		length = text->length;
	memmove(text->bytes, text->bytes + length, text->length - length + 1);
	text->length -= length;
}
