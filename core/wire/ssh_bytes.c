#include "core/wire/ssh_bytes.h"

#include <string.h>

#include "core/base/text.h"

bool ssh_bytes_u8(struct ssh_bytes *bytes, uint8_t *out)
{
	if (bytes->left < 1)
		return false;
	*out = bytes->at[0];
	bytes->at++;
	bytes->left--;
	return true;
}

static uint32_t big_endian(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

bool ssh_bytes_u32(struct ssh_bytes *bytes, uint32_t *out)
{
	if (bytes->left < 4)
		return false;
	*out = big_endian(bytes->at);
	bytes->at += 4;
	bytes->left -= 4;
	return true;
}

bool ssh_bytes_string(struct ssh_bytes *bytes, struct ssh_bytes *out)
{
	if (bytes->left < 4)
		return false;
	size_t length = big_endian(bytes->at);
	if (length > bytes->left - 4)
		return false;
	*out = (struct ssh_bytes){.at = bytes->at + 4, .left = length};
	bytes->at += 4 + length;
	bytes->left -= 4 + length;
	return true;
}

bool ssh_bytes_equal(const struct ssh_bytes *bytes, const char *string)
{
	size_t length = strlen(string);
	return bytes->left == length && memcmp(bytes->at, string, length) == 0;
}

void ssh_bytes_add_u32(struct text *out, uint32_t value)
{
	char bytes[4] = {(char)(value >> 24), (char)(value >> 16), (char)(value >> 8), (char)value};
	text_append(out, bytes, sizeof(bytes));
}

void ssh_bytes_add_string(struct text *out, const void *bytes, size_t length)
{
	ssh_bytes_add_u32(out, (uint32_t)length);
	text_append(out, bytes, length);
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

bool ssh_bytes_base64(const char *text, size_t length, void *out, size_t size, size_t *out_length)
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
