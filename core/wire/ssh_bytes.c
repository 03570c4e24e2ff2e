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
