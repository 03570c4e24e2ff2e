#include "core/assess/sentence.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"

void sentence_begin(struct sentence *sentence, char *out, size_t size)
{
	*sentence = (struct sentence){out, size, 0};
	out[0] = '\0';
}

/* Take back a last character of which only some bytes fitted. */
static void trim(struct sentence *sentence)
{
	size_t at = sentence->length;
	while (at > 0 && ((unsigned char)sentence->out[at - 1] & 0xC0u) == 0x80u)
		at--;
	if (at > 0 && (unsigned char)sentence->out[at - 1] >= 0xC0u)
		at--;
	else
		at = sentence->length;
	sentence->length = at;
	sentence->out[at] = '\0';
}

void sentence_add(struct sentence *sentence, const char *format, ...)
{
	size_t room = sentence->size - sentence->length;
	va_list arguments;
	va_start(arguments, format);
	int wanted = vsnprintf(sentence->out + sentence->length, room, format, arguments);
	va_end(arguments);
	if (wanted < 0) {
		sentence->out[sentence->length] = '\0';
	} else if ((size_t)wanted < room) {
		sentence->length += (size_t)wanted;
	} else {
		sentence->length = sentence->size - 1;
		trim(sentence);
	}
}

void sentence_add_percent(struct sentence *sentence, double ratio)
{
	double percent = ratio * 100;
	if (isnan(percent))
		sentence_add(sentence, "?");
	else if (isinf(percent))
		sentence_add(sentence, "without end");
	else if (fabs(percent) >= 9.95)
		sentence_add(sentence, "%.0f%%", percent);
	else if (fabs(percent) >= 0.995 || fabs(percent) < 0.005)
		sentence_add(sentence, "%.1f%%", percent);
	else
		sentence_add(sentence, "%.2f%%", percent);
}

void sentence_add_seconds(struct sentence *sentence, double seconds)
{
	if (!isfinite(seconds))
		sentence_add(sentence, "?");
	else if (seconds < 9.5)
		sentence_add(sentence, "%.*f s", seconds < 1.95 ? 1 : 0, seconds);
	else if (seconds < 120)
		sentence_add(sentence, "%.0f s", seconds);
	else if (seconds < 7200)
		sentence_add(sentence, "%.0f min", seconds / 60);
	else
		sentence_add(sentence, "%.0f h", seconds / 3600);
}

void sentence_add_time(struct sentence *sentence, int64_t at_ms)
{
	char text[CLOCK_TEXT_BYTES];
	clock_format_time(at_ms, text);
	sentence_add(sentence, "%sZ", text);
}
