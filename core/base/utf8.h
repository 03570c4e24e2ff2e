/*
 * utf8.h - decoding, column widths and cutting, independent of locale and terminal.
 *
 * Widths come from a small table of our own (wide East Asian ranges 2, combining marks 0, the rest
 * 1), so that a table's columns are the same in every terminal and in tests.
 */
#ifndef CORE_BASE_UTF8_H
#define CORE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Decode one code point at `bytes`. Returns how many bytes it took (1 to 4), or 0 when `length` is
 * 0 or the bytes are not valid UTF-8 (overlong forms, surrogates and values past U+10FFFF are not
 * valid).
 */
size_t utf8_decode(const char *bytes, size_t length, uint32_t *codepoint);

/* Encode into `out` (4 bytes of room). Returns the bytes written, 0 when not a valid code point. */
size_t utf8_encode(uint32_t codepoint, char out[4]);

bool utf8_is_valid(const char *bytes, size_t length);

/* Marks drawn onto the character before them (Mn, Me); invisible format characters (Cf); C0, DEL
 * and C1. */
bool utf8_is_combining(uint32_t codepoint);
bool utf8_is_format(uint32_t codepoint);
bool utf8_is_control(uint32_t codepoint);

/* Columns of one code point: 0, 1 or 2; control characters count 0. */
int utf8_width(uint32_t codepoint);

/* Columns of a NUL-terminated string; an invalid byte counts one column. */
int utf8_string_width(const char *string);

/*
 * Copy as much of `string` as fits in `columns` and in `size` bytes (with NUL), whole characters
 * only, and pad nothing. Where it had to cut, the last column becomes '~'. Returns the columns
 * used.
 */
int utf8_cut(const char *string, int columns, char *out, size_t size);

#endif
