#include "core/wire/ssh_methods.h"

#include <stdio.h>
#include <string.h>

#include "core/base/sanitise.h"
#include "core/wire/ssh_bytes.h"

#define LIST_BYTES 512
#define KEXINIT 20
#define COOKIE_BYTES 16

static const char ciphers[] = "aes256-ctr,aes192-ctr,aes128-ctr";
static const char macs[] = "hmac-sha2-256,hmac-sha2-512";

/* In the order of SSH_MSG_KEXINIT, which is also that of libssh2's numbers. */
static const struct method {
	int kind;
	const char *name;
	const char *list;
} methods[] = {
	{LIBSSH2_METHOD_KEX, "key exchange",
		"curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-"
		"nistp384,"
		"ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256,diffie-hellman-group16-"
		"sha512,"
		"diffie-hellman-group18-sha512,diffie-hellman-group14-sha256"},
	{LIBSSH2_METHOD_HOSTKEY, "host key",
		"ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521"},
	{LIBSSH2_METHOD_CRYPT_CS, "cipher", ciphers},
	{LIBSSH2_METHOD_CRYPT_SC, "cipher", ciphers},
	{LIBSSH2_METHOD_MAC_CS, "MAC", macs},
	{LIBSSH2_METHOD_MAC_SC, "MAC", macs},
};
#define METHOD_COUNT (sizeof(methods) / sizeof(methods[0]))

static bool list_has(const char *list, size_t list_length, const char *name, size_t length)
{
	const char *end = list + list_length;
	for (const char *at = list; at < end;) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		const char *stop = comma ? comma : end;
		if ((size_t)(stop - at) == length && memcmp(at, name, length) == 0)
			return true;
		at = stop + 1;
	}
	return false;
}

/* Append those names of `from` that are (or are not) in `known`, in the order of `from`. */
static void list_pick(char *out, size_t size, const char *from, const char *known, bool in_known)
{
	for (const char *at = from; *at;) {
		size_t length = strcspn(at, ",");
		size_t used = strlen(out);
		if (list_has(known, strlen(known), at, length) == in_known &&
			used + length + 2 <= size) {
			if (used > 0)
				out[used++] = ',';
			memcpy(out + used, at, length);
			out[used + length] = '\0';
		}
		at += length;
		at += *at == ',';
	}
}

const char *ssh_methods_prefer(LIBSSH2_SESSION *session, const char *known)
{
	for (size_t i = 0; i < METHOD_COUNT; i++) {
		char list[LIST_BYTES] = "";
		const char *wanted = methods[i].list;
		if (methods[i].kind == LIBSSH2_METHOD_HOSTKEY) {
			list_pick(list, sizeof(list), wanted, known, true);
			list_pick(list, sizeof(list), wanted, known, false);
			wanted = list;
		}
		if (libssh2_session_method_pref(session, methods[i].kind, wanted) != 0)
			return methods[i].name;
	}
	return NULL;
}

const char *ssh_methods_check(LIBSSH2_SESSION *session)
{
	for (size_t i = 0; i < METHOD_COUNT; i++) {
		const char *agreed = libssh2_session_methods(session, methods[i].kind);
		const char *list = methods[i].list;
		if (!agreed || !list_has(list, strlen(list), agreed, strlen(agreed)))
			return methods[i].name;
	}
	return NULL;
}

bool ssh_methods_skip_banner(struct ssh_bytes *bytes)
{
	while (bytes->left > 0) {
		const unsigned char *newline = memchr(bytes->at, '\n', bytes->left);
		if (!newline)
			return false;
		bool is_last = bytes->left > 4 && memcmp(bytes->at, "SSH-", 4) == 0;
		bytes->left -= (size_t)(newline + 1 - bytes->at);
		bytes->at = newline + 1;
		if (is_last)
			return true;
	}
	return false;
}

/* Stand before the first name list of SSH_MSG_KEXINIT (RFC 4253 section 7.1), which is not
 * encrypted yet. */
static bool lists_find(struct ssh_bytes *bytes)
{
	uint32_t length = 0;
	uint8_t padding = 0, type = 0;
	if (!ssh_methods_skip_banner(bytes) || !ssh_bytes_u32(bytes, &length) ||
		!ssh_bytes_u8(bytes, &padding) || !ssh_bytes_u8(bytes, &type) || type != KEXINIT ||
		bytes->left < COOKIE_BYTES)
		return false;
	bytes->at += COOKIE_BYTES;
	bytes->left -= COOKIE_BYTES;
	return true;
}

static bool lists_share(const char *ours, const struct ssh_bytes *theirs)
{
	for (const char *at = ours; *at;) {
		size_t length = strcspn(at, ",");
		if (list_has((const char *)theirs->at, theirs->left, at, length))
			return true;
		at += length;
		at += *at == ',';
	}
	return false;
}

bool ssh_methods_mismatch(const unsigned char *greeting, size_t length, char *out, size_t size)
{
	struct ssh_bytes bytes = {.at = greeting, .left = length}, list;
	if (!lists_find(&bytes))
		return false;
	for (size_t i = 0; i < METHOD_COUNT && ssh_bytes_string(&bytes, &list); i++) {
		if (lists_share(methods[i].list, &list))
			continue;
		char theirs[160];
		sanitise((const char *)list.at, list.left, theirs, sizeof(theirs));
		snprintf(out, size, "no %s we share: it offers %s; we accept %s", methods[i].name,
			theirs[0] ? theirs : "none", methods[i].list);
		return true;
	}
	return false;
}

void ssh_methods_banner(const unsigned char *greeting, size_t length, char *out, size_t size)
{
	const unsigned char *newline = length > 0 ? memchr(greeting, '\n', length) : NULL;
	size_t line = newline ? (size_t)(newline - greeting) : 0;
	if (line > 0 && greeting[line - 1] == '\r')
		line--;
	sanitise((const char *)greeting, line, out, size);
}
