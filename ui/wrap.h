/* wrap.h - breaking a sentence into lines at blanks. */
#ifndef UI_WRAP_H
#define UI_WRAP_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Copy the next line of at most `columns` from *text into `out` and move *text past it and the
 * blanks after. A word that is longer than a line is cut at a character. False at the end.
 */
bool wrap_next(const char **text, int columns, char *out, size_t size);

/* How many lines it takes. */
int wrap_count(const char *text, int columns);

#endif
