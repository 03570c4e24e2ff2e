#include "core/base/base64.h"

#include <stdint.h>
#include <string.h>

bool base64_encode(const void *bytes, size_t length, char *out, size_t size)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *from = bytes;
	if (size > 0)
		out[0] = '\0';
	if (size < BASE64_BYTES(length))
		return false;
	char *to = out;
	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		uint32_t group = (uint32_t)from[i] << 16;
		if (left > 1)
			group |= (uint32_t)from[i + 1] << 8;
		if (left > 2)
			group |= (uint32_t)from[i + 2];
		*to++ = digits[group >> 18];
		*to++ = digits[group >> 12 & 63];
		*to++ = (char)(left > 1 ? digits[group >> 6 & 63] : '=');
		*to++ = (char)(left > 2 ? digits[group & 63] : '=');
	}
	*to = '\0';
	return true;
}

/* The six bits a base64 character stands for, -1 when it is none. */
static int base64_bits(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

bool base64_decode(const char *text, size_t length, void *out, size_t size, size_t *out_length)
{
	if (length == 0 || length % 4 != 0)
		return false;
	size_t padding = text[length - 1] == '=' ? (text[length - 2] == '=' ? 2 : 1) : 0;
	size_t decoded = length / 4 * 3 - padding;
	if (decoded > size)
		return false;
	unsigned char *to = out;
	size_t written = 0;
	for (size_t i = 0; i < length; i += 4) {
		uint32_t group = 0;
		for (size_t j = 0; j < 4; j++) {
			bool padded = i + j >= length - padding;
			int bits = padded ? 0 : base64_bits(text[i + j]);
			if (bits < 0)
				return false;
			group = group << 6 | (uint32_t)bits;
		}
		for (int shift = 16; shift >= 0 && written < decoded; shift -= 8)
			to[written++] = (unsigned char)(group >> shift);
	}
	*out_length = decoded;
	return true;
}
