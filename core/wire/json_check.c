#include "core/wire/json_check.h"

#include <stdint.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/wire/json.h"

enum expected {
	EXPECT_VALUE,
	EXPECT_VALUE_OR_END, /* after '[' */
	EXPECT_KEY,
	EXPECT_KEY_OR_END, /* after '{' */
	EXPECT_REST,       /* after a value: a comma, the end of its container, or nothing */
};

struct scan {
	const char *bytes;
	size_t length;
	size_t at;
	int depth;
	uint64_t objects; /* bit n: the container at depth n + 1 is an object */
	enum expected expected;
	size_t long_integers;
	struct error *error;
};

_Static_assert(JSON_DEPTH <= 64, "one bit for each level");

static bool refuse(struct scan *scan, const char *why)
{
	return error_set(scan->error, ERROR_SYNTAX, "not JSON at byte %zu: %s", scan->at, why);
}

/* The byte at the cursor, -1 at the end. */
static int peek(const struct scan *scan)
{
	return scan->at < scan->length ? (unsigned char)scan->bytes[scan->at] : -1;
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static size_t skip_digits(struct scan *scan)
{
	size_t start = scan->at;
	while (is_digit(peek(scan)))
		scan->at++;
	return scan->at - start;
}

static bool scan_number(struct scan *scan)
{
	size_t start = scan->at;
	bool whole = true;
	if (peek(scan) == '-')
		scan->at++;
	bool zero = peek(scan) == '0';
	size_t digits = skip_digits(scan);
	if (digits == 0 || (zero && digits > 1))
		return refuse(scan, "a number is badly written");
	if (peek(scan) == '.') {
		whole = false;
		scan->at++;
		if (skip_digits(scan) == 0)
			return refuse(scan, "a fraction has no digits");
	}
	if (peek(scan) == 'e' || peek(scan) == 'E') {
		whole = false;
		scan->at++;
		if (peek(scan) == '+' || peek(scan) == '-')
			scan->at++;
		if (skip_digits(scan) == 0)
			return refuse(scan, "an exponent has no digits");
	}
	if (scan->at - start > JSON_NUMBER_BYTES)
		return error_set(scan->error, ERROR_LIMIT,
			"JSON number at byte %zu is longer than %d bytes", start,
			JSON_NUMBER_BYTES);
	if (whole && digits > JSON_EXACT_DIGITS)
		scan->long_integers++;
	return true;
}

/* Four hex digits at the cursor; -1 when they are not. */
static long scan_hex(struct scan *scan)
{
	long value = 0;
	for (int i = 0; i < 4; i++) {
		int c = peek(scan);
		int digit = is_digit(c)            ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;
		if (digit < 0)
			return -1;
		value = value * 16 + digit;
		scan->at++;
	}
	return value;
}

/* After "\u". */
static bool scan_unicode_escape(struct scan *scan)
{
	long unit = scan_hex(scan);
	if (unit < 0)
		return refuse(scan, "an escape has no four hex digits");
	if (unit == 0)
		return refuse(scan, "\\u0000 would cut a string short");
	if (unit >= 0xDC00 && unit <= 0xDFFF)
		return refuse(scan, "half of a surrogate pair");
	if (unit < 0xD800 || unit > 0xDBFF)
		return true;
	if (peek(scan) != '\\')
		return refuse(scan, "half of a surrogate pair");
	scan->at++;
	if (peek(scan) != 'u')
		return refuse(scan, "half of a surrogate pair");
	scan->at++;
	long low = scan_hex(scan);
	if (low < 0xDC00 || low > 0xDFFF)
		return refuse(scan, "half of a surrogate pair");
	return true;
}

/* After a backslash. */
static bool scan_escape(struct scan *scan)
{
	int c = peek(scan);
	if (c <= 0 || !strchr("\"\\/bfnrtu", c))
		return refuse(scan, "an escape that JSON does not know");
	scan->at++;
	return c != 'u' || scan_unicode_escape(scan);
}

static bool scan_string(struct scan *scan)
{
	scan->at++;
	while (true) {
		int c = peek(scan);
		if (c < 0)
			return refuse(scan, "a string does not end");
		if (c < 0x20)
			return refuse(scan, "a control character in a string");
		if (c >= 0x80) {
			uint32_t codepoint = 0;
			size_t taken = utf8_decode(
				scan->bytes + scan->at, scan->length - scan->at, &codepoint);
			if (taken == 0)
				return refuse(scan, "the text is not valid UTF-8");
			scan->at += taken;
			continue;
		}
		scan->at++;
		if (c == '"')
			return true;
		if (c == '\\' && !scan_escape(scan))
			return false;
	}
}

static bool scan_literal(struct scan *scan)
{
	static const char *const literals[] = {"true", "false", "null"};
	for (size_t i = 0; i < sizeof(literals) / sizeof(literals[0]); i++) {
		size_t length = strlen(literals[i]);
		if (scan->length - scan->at < length ||
			memcmp(scan->bytes + scan->at, literals[i], length) != 0)
			continue;
		scan->at += length;
		return true;
	}
	return refuse(scan, scan->at < scan->length ? "a value was expected" : "it ends too early");
}

static bool scan_open(struct scan *scan, bool object)
{
	if (scan->depth == JSON_DEPTH)
		return error_set(scan->error, ERROR_LIMIT,
			"JSON at byte %zu is nested deeper than %d", scan->at, JSON_DEPTH);
	uint64_t bit = (uint64_t)1 << scan->depth;
	scan->objects = object ? scan->objects | bit : scan->objects & ~bit;
	scan->depth++;
	scan->at++;
	scan->expected = object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
	return true;
}

static bool in_object(const struct scan *scan)
{
	return scan->depth > 0 && (scan->objects >> (scan->depth - 1) & 1u);
}

static bool scan_close(struct scan *scan)
{
	scan->depth--;
	scan->at++;
	scan->expected = EXPECT_REST;
	return true;
}

static bool scan_value(struct scan *scan)
{
	int c = peek(scan);
	if (c == '{' || c == '[')
		return scan_open(scan, c == '{');
	if (c == ']' && scan->expected == EXPECT_VALUE_OR_END)
		return scan_close(scan);
	scan->expected = EXPECT_REST;
	if (c == '"')
		return scan_string(scan);
	if (c == '-' || is_digit(c))
		return scan_number(scan);
	return scan_literal(scan);
}

static void skip_blanks(struct scan *scan)
{
	while (peek(scan) == ' ' || peek(scan) == '\t' || peek(scan) == '\n' || peek(scan) == '\r')
		scan->at++;
}

static bool scan_key(struct scan *scan)
{
	if (peek(scan) == '}' && scan->expected == EXPECT_KEY_OR_END)
		return scan_close(scan);
	if (peek(scan) != '"')
		return refuse(scan, "a member's name was expected");
	if (!scan_string(scan))
		return false;
	skip_blanks(scan);
	if (peek(scan) != ':')
		return refuse(scan, "a colon was expected");
	scan->at++;
	scan->expected = EXPECT_VALUE;
	return true;
}

static bool scan_rest(struct scan *scan)
{
	bool object = in_object(scan);
	int c = peek(scan);
	if (c == (object ? '}' : ']'))
		return scan_close(scan);
	if (c != ',')
		return refuse(scan, c < 0 ? "it ends too early" : "a comma or an end was expected");
	scan->at++;
	scan->expected = object ? EXPECT_KEY : EXPECT_VALUE;
	return true;
}

static bool scan_step(struct scan *scan)
{
	switch (scan->expected) {
	case EXPECT_VALUE:
	case EXPECT_VALUE_OR_END:
		return scan_value(scan);
	case EXPECT_KEY:
	case EXPECT_KEY_OR_END:
		return scan_key(scan);
	case EXPECT_REST:
		return scan_rest(scan);
	}
	return false;
}

bool json_check(const char *bytes, size_t length, size_t *long_integers, struct error *error)
{
	struct scan scan = {.bytes = bytes, .length = length, .error = error};
	do {
		skip_blanks(&scan);
		if (!scan_step(&scan))
			return false;
	} while (scan.depth > 0 || scan.expected != EXPECT_REST);
	skip_blanks(&scan);
	if (scan.at < length)
		return refuse(&scan, "something follows the value");
	*long_integers = scan.long_integers;
	return true;
}
