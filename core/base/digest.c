#include "core/base/digest.h"

#include <errno.h>
#include <sys/random.h>

#include <openssl/evp.h>

#define SHA256_BYTES 32
#define MOST_HEX_DIGITS 64

static void write_hex(const unsigned char *bytes, size_t digits, char *out)
{
	static const char hex[] = "0123456789abcdef";
	for (size_t i = 0; i < digits; i++)
		out[i] = hex[(i % 2 ? bytes[i / 2] : bytes[i / 2] >> 4) & 0xF];
	out[digits] = '\0';
}

void digest_sha256(const void *bytes, size_t length, char out[DIGEST_HEX_BYTES])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	out[0] = '\0';
	if (EVP_Digest(bytes, length, sum, NULL, EVP_sha256(), NULL) == 1)
		write_hex(sum, (size_t)2 * SHA256_BYTES, out);
}

bool digest_random_hex(size_t count, char *out)
{
	unsigned char bytes[MOST_HEX_DIGITS / 2] = {0};
	if (count > MOST_HEX_DIGITS)
		return false;
	size_t wanted = (count + 1) / 2;
	for (size_t have = 0; have < wanted;) {
		ssize_t got = getrandom(bytes + have, wanted - have, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		have += (size_t)got;
	}
	write_hex(bytes, count, out);
	return true;
}
