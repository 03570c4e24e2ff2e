/*
 * number.h - numbers in and out, whatever the locale.
 *
 * Exporters write 1.05e+06, +Inf, NaN and leading zeros; strtod() would obey LC_NUMERIC and accept
 * hex and nonsense.
 */
#ifndef CORE_BASE_NUMBER_H
#define CORE_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Parse the whole of `bytes` as a decimal number: sign, digits, fraction, exponent, or NaN, Inf,
 * +Inf, -Inf in any case. No blanks, no hex. False when it is anything else or longer than 64
 * bytes.
 */
bool number_parse(const char *bytes, size_t length, double *out);

/* A whole decimal integer; false on overflow too. */
bool number_parse_integer(const char *bytes, size_t length, int64_t *out);

#define NUMBER_TEXT_BYTES 32

/* The shortest decimal form that reads back the same: "0.1", "1e+21"; "NaN", "+Inf", "-Inf". */
void number_write(double value, char out[NUMBER_TEXT_BYTES]);

/* For people, at most 6 columns: "0.42", "97.1", "412", "19.8k", "2.5M"; "?" for NaN. */
void number_format(double value, char out[NUMBER_TEXT_BYTES]);

#endif
