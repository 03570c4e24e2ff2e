/* base64.h - text for bytes, as RFC 4648 has it: padded, without blanks. */
#ifndef CORE_BASE_BASE64_H
#define CORE_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* The room that `length` bytes need, with the NUL. */
#define BASE64_BYTES(length) (((length) + 2) / 3 * 4 + 1)

/* False when `size` is less than that: then `out` is "". */
bool base64_encode(const void *bytes, size_t length, char *out, size_t size);

/* Decode into `out`, which may be where the text itself is. False when it is not base64 or does
 * not fit in `size`. */
bool base64_decode(const char *text, size_t length, void *out, size_t size, size_t *out_length);

#endif
