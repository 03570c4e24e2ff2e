#include "core/base/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LONGEST_NUMBER 64
#define FARTHEST_EXPONENT 100000
#define SHORT_DIGITS 15

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool parse_named(const char *bytes, size_t length, double *out)
{
	static const struct {
		const char *name;
		double value;
	} named[] = {{"nan", NAN}, {"inf", INFINITY}, {"+inf", INFINITY}, {"-inf", -INFINITY}};
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (strlen(named[i].name) == length &&
			strncasecmp(bytes, named[i].name, length) == 0) {
			*out = named[i].value;
			return true;
		}
	}
	return false;
}

/* A decimal number taken apart: digits without a point, and the power of ten they are scaled by. */
struct decimal {
	char digits[LONGEST_NUMBER + 16];
	size_t count;
	size_t significant;
	long exponent;
};

/* An optional exponent that must reach the end of the bytes. */
static bool parse_exponent(const char *bytes, size_t length, struct decimal *decimal)
{
	if (length == 0)
		return true;
	if (bytes[0] != 'e' && bytes[0] != 'E')
		return false;
	size_t at = 1;
	bool negative = false;
	if (at < length && (bytes[at] == '+' || bytes[at] == '-'))
		negative = bytes[at++] == '-';
	if (at == length)
		return false;
	long exponent = 0;
	for (; at < length; at++) {
		if (!is_digit(bytes[at]))
			return false;
		if (exponent < FARTHEST_EXPONENT)
			exponent = exponent * 10 + (bytes[at] - '0');
	}
	decimal->exponent += negative ? -exponent : exponent;
	return true;
}

static bool take_apart(const char *bytes, size_t length, struct decimal *decimal)
{
	size_t at = 0;
	if (at < length && (bytes[at] == '-' || bytes[at] == '+'))
		decimal->digits[decimal->count++] = bytes[at++];
	for (bool after_point = false; at < length; at++) {
		if (bytes[at] == '.' && !after_point) {
			after_point = true;
		} else if (is_digit(bytes[at])) {
			decimal->digits[decimal->count++] = bytes[at];
			decimal->significant++;
			decimal->exponent -= after_point;
		} else {
			break;
		}
	}
	return decimal->significant > 0 && parse_exponent(bytes + at, length - at, decimal);
}

/*
 * Up to 15 digits without an exponent, as nearly all numbers are written. Both the digits and the
 * power of ten are doubles without loss, so the one division rounds as strtod() would.
 */
static bool parse_short(const char *bytes, size_t length, double *out)
{
	static const double powers[] = {
		1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
	bool negative = bytes[0] == '-';
	size_t at = negative ? 1 : 0, digits = 0, decimals = 0;
	uint64_t whole = 0;
	bool after_point = false;
	if (length - at > SHORT_DIGITS + 1)
		return false;
	for (; at < length; at++) {
		unsigned digit = (unsigned)(unsigned char)bytes[at] - '0';
		if (digit <= 9) {
			whole = whole * 10 + digit;
			digits++;
			decimals += after_point;
		} else if (bytes[at] == '.' && !after_point) {
			after_point = true;
		} else {
			return false;
		}
	}
	if (digits == 0 || digits > SHORT_DIGITS)
		return false;
	double value = (double)whole / powers[decimals];
	*out = negative ? -value : value;
	return true;
}

bool number_parse(const char *bytes, size_t length, double *out)
{
	if (length == 0 || length > LONGEST_NUMBER)
		return false;
	if (parse_short(bytes, length, out) || parse_named(bytes, length, out))
		return true;
	struct decimal decimal = {.count = 0};
	if (!take_apart(bytes, length, &decimal))
		return false;
	/* Without a point in the text, strtod() has nothing to ask the locale about. */
	snprintf(decimal.digits + decimal.count, sizeof(decimal.digits) - decimal.count, "e%ld",
		decimal.exponent);
	double value = strtod(decimal.digits, NULL);
	if (isinf(value))
		return false;
	*out = value;
	return true;
}

bool number_parse_integer(const char *bytes, size_t length, int64_t *out)
{
	if (length == 0)
		return false;
	size_t at = bytes[0] == '-' || bytes[0] == '+';
	bool negative = bytes[0] == '-';
	if (at == length)
		return false;
	int64_t value = 0;
	for (; at < length; at++) {
		if (!is_digit(bytes[at]))
			return false;
		int digit = bytes[at] - '0';
		/* Counting downwards, because the smallest integer has no positive twin. */
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_sub_overflow(value, digit, &value))
			return false;
	}
	if (!negative && value == INT64_MIN)
		return false;
	*out = negative ? value : -value;
	return true;
}

/* printf() writes the point of the locale, which may even be several bytes. */
static size_t mend_point(char text[NUMBER_TEXT_BYTES])
{
	size_t used = 0;
	for (size_t i = 0; text[i]; i++) {
		if (strchr("0123456789+-e", text[i]))
			text[used++] = text[i];
		else if (used == 0 || text[used - 1] != '.')
			text[used++] = '.';
	}
	text[used] = '\0';
	return used;
}

void number_write(double value, char out[NUMBER_TEXT_BYTES])
{
	if (isnan(value) || isinf(value)) {
		snprintf(out, NUMBER_TEXT_BYTES, "%s",
			isnan(value) ? "NaN" : (value > 0 ? "+Inf" : "-Inf"));
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(out, NUMBER_TEXT_BYTES, "%.*g", digits, value);
		size_t length = mend_point(out);
		double back = 0;
		if (number_parse(out, length, &back) && back == value)
			return;
	}
}

static void write_fixed(
	double magnitude, int decimals, const char *sign, const char *unit, char *out)
{
	static const double scales[] = {1, 10, 100, 1000};
	long long scale = (long long)scales[decimals];
	long long scaled = llround(magnitude * scales[decimals]);
	if (decimals == 0)
		snprintf(out, NUMBER_TEXT_BYTES, "%s%lld%s", sign, scaled, unit);
	else
		snprintf(out, NUMBER_TEXT_BYTES, "%s%lld.%0*lld%s", sign, scaled / scale, decimals,
			scaled % scale, unit);
}

void number_format(double value, char out[NUMBER_TEXT_BYTES])
{
	static const char *const units[] = {"", "k", "M", "G", "T"};
	const char *sign = value < 0 ? "-" : "";
	double magnitude = fabs(value);
	if (isnan(value) || isinf(value)) {
		snprintf(out, NUMBER_TEXT_BYTES, "%s%s", sign, isnan(value) ? "?" : "inf");
		return;
	}
	size_t unit = 0;
	while (unit < 4 && magnitude >= 999.5) {
		magnitude /= 1000;
		unit++;
	}
	/* Too large for the units, or too small for the columns and yet not nothing. */
	if (magnitude >= 999.5 || (magnitude > 0 && magnitude < 0.0005)) {
		snprintf(out, NUMBER_TEXT_BYTES, "%.0e", value);
		return;
	}
	int decimals = magnitude >= 99.95 ? 0 : magnitude >= 9.995 ? 1 : 2;
	if (unit > 0 && decimals == 2)
		decimals = 1;
	if (magnitude > 0 && magnitude < 0.0995)
		decimals = 3;
	if (unit == 0 && magnitude == floor(magnitude))
		decimals = 0;
	write_fixed(magnitude, decimals, sign, units[unit], out);
}
