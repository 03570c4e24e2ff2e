/*
 * sanitise.h - the one gate between text from outside and a terminal, a log or a file people read.
 *
 * Labels, replies, host names and journal text pass here once, when they enter. What remains is
 * valid UTF-8 on one line: control characters (C0, DEL, C1), line and paragraph separators, bidi
 * and other format characters (Cf), private use, surrogates and unassigned non-characters become
 * '?'; invalid bytes become
 * '?'; at most two combining marks follow a base character, further ones are dropped; newlines and
 * tabs become a space.
 */
#ifndef CORE_BASE_SANITISE_H
#define CORE_BASE_SANITISE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Write the safe form of `length` bytes into `out` (`size` bytes with NUL), cut at a character
 * boundary. Returns the bytes written without NUL. `out` is always terminated when size > 0.
 */
size_t sanitise(const char *bytes, size_t length, char *out, size_t size);

/* Whether sanitise() would leave the bytes as they are. */
bool sanitise_is_clean(const char *bytes, size_t length);

#endif
