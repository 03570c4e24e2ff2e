#include "core/base/sanitise.h"

#include <string.h>

#include "core/base/utf8.h"

#define MOST_MARKS 2

/* Marks that the character written last may still take; none before the first character. */
struct gate {
	int marks_left;
};

static bool is_refused(uint32_t codepoint)
{
	return utf8_is_control(codepoint) || utf8_is_format(codepoint) || codepoint == 0x2028 ||
	       codepoint == 0x2029 || (codepoint >= 0xE000 && codepoint <= 0xF8FF) ||
	       codepoint >= 0xF0000 || (codepoint >= 0xFDD0 && codepoint <= 0xFDEF) ||
	       (codepoint & 0xFFFEu) == 0xFFFEu;
}

static bool is_space(uint32_t codepoint)
{
	return codepoint == '\n' || codepoint == '\t' || codepoint == '\r';
}

/* Take one character: how many bytes it was, and in out[0..*written) what becomes of it. */
static size_t step(
	struct gate *gate, const char *bytes, size_t length, char out[4], size_t *written)
{
	uint32_t codepoint = 0;
	size_t size = utf8_decode(bytes, length, &codepoint);
	*written = 1;
	if (size > 0 && utf8_is_combining(codepoint)) {
		*written = 0;
		if (gate->marks_left > 0) {
			gate->marks_left--;
			memcpy(out, bytes, size);
			*written = size;
		}
		return size;
	}
	gate->marks_left = MOST_MARKS;
	if (size == 0 || (is_refused(codepoint) && !is_space(codepoint))) {
		out[0] = '?';
	} else if (is_space(codepoint)) {
		out[0] = ' ';
	} else {
		memcpy(out, bytes, size);
		*written = size;
	}
	return size == 0 ? 1 : size;
}

static bool is_plain(char c)
{
	return c >= ' ' && c <= '~';
}

size_t sanitise(const char *bytes, size_t length, char *out, size_t size)
{
	if (size == 0)
		return 0;
	struct gate gate = {0};
	size_t used = 0;
	for (size_t at = 0; at < length;) {
		char character[4];
		size_t written = 0;
		if (is_plain(bytes[at])) { /* most of all text: it stands for itself */
			if (used + 1 >= size)
				break;
			gate.marks_left = MOST_MARKS;
			out[used++] = bytes[at++];
			continue;
		}
		at += step(&gate, bytes + at, length - at, character, &written);
		if (used + written >= size)
			break;
		memcpy(out + used, character, written);
		used += written;
	}
	out[used] = '\0';
	return used;
}

bool sanitise_is_clean(const char *bytes, size_t length)
{
	struct gate gate = {0};
	for (size_t at = 0; at < length;) {
		char character[4];
		size_t written = 0;
		size_t taken = step(&gate, bytes + at, length - at, character, &written);
		if (taken != written || memcmp(character, bytes + at, taken) != 0)
			return false;
		at += taken;
	}
	return true;
}
