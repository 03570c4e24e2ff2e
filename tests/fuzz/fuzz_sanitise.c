/*
 * Any bytes through the gate. What comes out is clean, valid, on one line and as long as it says; a
 * second passage changes nothing; and the small parsers of scalars take the same bytes unharmed.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/number.h"
#include "core/base/sanitise.h"
#include "core/base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void check_gate(const char *bytes, size_t size, char *out, size_t room)
{
	size_t written = sanitise(bytes, size, out, room);
	require(written < room && out[written] == '\0' && strlen(out) == written);
	require(utf8_is_valid(out, written));
	require(sanitise_is_clean(out, written));
	for (size_t i = 0; i < written; i++)
		require((unsigned char)out[i] >= 0x20 && out[i] != 0x7F);
	bool whole = room > size;
	if (whole && sanitise_is_clean(bytes, size))
		require(written == size && memcmp(bytes, out, size) == 0);
}

static void check_cut(const char *string, size_t room)
{
	char cut[64];
	size_t bytes = room % sizeof(cut) + 1;
	int columns = (int)(room % 40);
	int used = utf8_cut(string, columns, cut, bytes);
	require(used <= columns && strlen(cut) < bytes);
	require(utf8_string_width(cut) == used);
}

static void check_scalars(const char *bytes, size_t size, const char *string)
{
	double value = 0;
	int64_t integer = 0;
	char text[NUMBER_TEXT_BYTES];
	char when[CLOCK_TEXT_BYTES];
	if (number_parse(bytes, size, &value) && !isnan(value)) {
		double back = 0;
		number_write(value, text);
		require(number_parse(text, strlen(text), &back) && back == value);
		number_format(value, text);
		require(strlen(text) <= 7);
	}
	if (number_parse_integer(bytes, size, &integer) && size < 15)
		require(number_parse(bytes, size, &value) && value == (double)integer);
	if (clock_parse(string, &integer)) {
		int64_t back = 0;
		clock_format(integer, true, when);
		/* An offset may carry the moment out of the years that have four digits. */
		require((clock_parse(when, &back) && back == integer) || strlen(when) != 24);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	char *out = malloc(size + 2);
	if (!out)
		return 0;
	check_gate(bytes, size, out, size + 2);
	check_cut(out, size);
	if (size > 0)
		check_gate(bytes, size, out, data[0] % (size + 1) + 1);
	if (size > 0)
		memcpy(out, bytes, size);
	out[size] = '\0';
	check_cut(out, size > 0 ? data[0] : 0);
	check_scalars(bytes, size, out);
	free(out);
	return 0;
}
