#include "ui/wrap.h"

#include <stdint.h>
#include <string.h>

#include "core/base/utf8.h"

/* Bytes of the longest start of `text` that fits, and where its last blank is (0 none). */
static size_t fit(const char *text, int columns, size_t most, size_t *blank)
{
	size_t length = strlen(text);
	size_t at = 0;
	int used = 0;
	*blank = 0;
	while (at < length) {
		uint32_t codepoint = 0;
		size_t bytes = utf8_decode(text + at, length - at, &codepoint);
		int width = bytes == 0 ? 1 : utf8_width(codepoint);
		bytes = bytes == 0 ? 1 : bytes;
		if (used + width > columns || at + bytes > most)
			break;
		if (codepoint == ' ' && bytes == 1)
			*blank = at;
		used += width;
		at += bytes;
	}
	return at;
}

bool wrap_next(const char **text, int columns, char *out, size_t size)
{
	while (**text == ' ')
		(*text)++;
	if (**text == '\0' || columns < 1 || size < 8)
		return false;
	size_t blank = 0;
	size_t end = fit(*text, columns, size - 1, &blank);
	if ((*text)[end] != '\0' && (*text)[end] != ' ' && blank > 0)
		end = blank;
	if (end == 0)
		end = 1; /* a wide character in a single column: better cut than stuck */
	memcpy(out, *text, end);
	out[end] = '\0';
	*text += end;
	return true;
}

int wrap_count(const char *text, int columns)
{
	char line[1024];
	int count = 0;
	while (wrap_next(&text, columns, line, sizeof line))
		count++;
	return count;
}
