/*
 * complaints.h - everything wrong with a file, reported at once.
 *
 * Readers of configuration add complaints and go on reading; the caller shows them all. A complaint
 * names the file, the line and the key: "fleet.yaml:12: sources.prom.every: expected a duration
 * such as '2s', not 'fast'".
 */
#ifndef CORE_BASE_COMPLAINTS_H
#define CORE_BASE_COMPLAINTS_H

#include <stdbool.h>
#include <stddef.h>

struct text;

#define COMPLAINTS_MOST 100 /* further ones are counted, not kept */

struct complaint {
	char file[256];
	int line;      /* 1-based; 0 when no line applies */
	char key[160]; /* dotted path, "" when none applies */
	char text[320];
};

struct complaints {
	struct complaint *rows; /* heap, grown on demand */
	size_t count;           /* kept */
	size_t total;           /* made */
};

void complaints_init(struct complaints *complaints);
void complaints_finish(struct complaints *complaints);

/* Add one; key may be NULL. All parts are sanitised. */
void complaints_add(struct complaints *complaints, const char *file, int line, const char *key,
	const char *format, ...) __attribute__((format(printf, 5, 6)));

/* One line each, "file:line: key: text\n", and a closing count where some were not kept. */
void complaints_print(const struct complaints *complaints, struct text *out);

/* The first of them in one line, as printed, with how many there are beside it; "" when none. */
void complaints_summary(const struct complaints *complaints, char *out, size_t size);

/* The candidate nearest to `word` (edit distance at most 2 and under half its length), or NULL. */
const char *complaints_nearest(const char *word, const char *const *candidates, size_t count);

#endif
