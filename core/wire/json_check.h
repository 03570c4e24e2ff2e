/*
 * json_check.h - judging bytes as JSON before a parser sees them.
 *
 * cJSON is generous: it takes control characters for blanks, raw bytes in strings, numbers such as
 * "01", and cuts a string at "\u0000". What passes here is JSON as RFC 8259 has it, in valid UTF-8,
 * at most JSON_DEPTH deep, each number at most JSON_NUMBER_BYTES long; so whatever cJSON still
 * refuses, it refuses for want of memory.
 */
#ifndef CORE_WIRE_JSON_CHECK_H
#define CORE_WIRE_JSON_CHECK_H

#include <stdbool.h>
#include <stddef.h>

struct error;

#define JSON_NUMBER_BYTES 63
#define JSON_EXACT_DIGITS 15 /* a whole number of more digits may not fit a double */

/*
 * Errors: ERROR_SYNTAX, ERROR_LIMIT, both with the byte offset. *long_integers becomes the count of
 * whole numbers of more than JSON_EXACT_DIGITS digits.
 */
bool json_check(const char *bytes, size_t length, size_t *long_integers, struct error *error);

#endif
