/*
 * sentence.h - words for people, built piece by piece into a buffer of fixed size.
 *
 * What does not fit is cut at a character's boundary; the buffer is always terminated.
 */
#ifndef CORE_ASSESS_SENTENCE_H
#define CORE_ASSESS_SENTENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sentence {
	char *out;
	size_t size;
	size_t length;
};

void sentence_begin(struct sentence *sentence, char *out, size_t size);

void sentence_add(struct sentence *sentence, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A ratio: "97%", "9.1%", "0.25%"; "?" for NAN, "without end" for infinity. */
void sentence_add_percent(struct sentence *sentence, double ratio);

/* A span: "8 s", "3 min", "2 h"; "?" for NAN. */
void sentence_add_seconds(struct sentence *sentence, double seconds);

/* A moment: "17:06:02Z". */
void sentence_add_time(struct sentence *sentence, int64_t at_ms);

#endif
