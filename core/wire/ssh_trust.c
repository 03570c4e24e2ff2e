#include "core/wire/ssh_trust.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "core/base/error.h"
#include "core/base/sanitise.h"
#include "core/wire/known_hosts.h"
#include "core/wire/ssh_target.h"

#define FINGERPRINT_BYTES 64
#define SHA256_BYTES 32

/* As ssh-keygen -l shows it: "SHA256:" and base64 without padding. */
static void fingerprint_write(LIBSSH2_SESSION *session, char out[FINGERPRINT_BYTES])
{
	const char *hash = libssh2_hostkey_hash(session, LIBSSH2_HOSTKEY_HASH_SHA256);
	unsigned char base64[FINGERPRINT_BYTES] = "";
	if (hash)
		EVP_EncodeBlock(base64, (const unsigned char *)hash, SHA256_BYTES);
	size_t length = strcspn((const char *)base64, "=");
	snprintf(out, FINGERPRINT_BYTES, "SHA256:%.*s", (int)length, (const char *)base64);
}

bool ssh_trust_check(LIBSSH2_SESSION *session, const struct known_hosts *known,
	const struct ssh_target *target, struct error *error)
{
	size_t length = 0;
	int kind = 0, line = 0;
	const char *key = libssh2_session_hostkey(session, &length, &kind);
	const char *type = libssh2_session_methods(session, LIBSSH2_METHOD_HOSTKEY);
	if (!key || !type)
		return ssh_target_error(
			target, error, ERROR_UNTRUSTED, "the server showed no host key");
	char fingerprint[FINGERPRINT_BYTES], host[100], file[130];
	fingerprint_write(session, fingerprint);
	sanitise(target->host, strlen(target->host), host, sizeof(host));
	sanitise(target->known_hosts_file, strlen(target->known_hosts_file), file, sizeof(file));
	switch (known_hosts_check(known, target->host, target->port, key, length, &line)) {
	case KNOWN_HOSTS_MATCH:
		return true;
	case KNOWN_HOSTS_UNKNOWN:
		return ssh_target_error(target, error, ERROR_UNTRUSTED,
			"host key unknown: '%s' has no line for it; it shows %s %s: verify that "
			"with the "
			"host's owner, then add it with 'ssh-keyscan -p %d %s'",
			file, type, fingerprint, target->port, host);
	case KNOWN_HOSTS_CHANGED:
		return ssh_target_error(target, error, ERROR_UNTRUSTED,
			"HOST KEY CHANGED: it shows %s %s, but line %d of '%s' has another; "
			"someone may stand "
			"in between: ask the host's owner for the fingerprint before replacing "
			"that line",
			type, fingerprint, line, file);
	case KNOWN_HOSTS_OTHER_TYPE:
		return ssh_target_error(target, error, ERROR_UNTRUSTED,
			"host key of a new type: it shows %s %s, but '%s' knows it by other types "
			"only (line "
			"%d): verify, then add it with 'ssh-keyscan -p %d %s'",
			type, fingerprint, file, line, target->port, host);
	case KNOWN_HOSTS_REVOKED:
		return ssh_target_error(target, error, ERROR_UNTRUSTED,
			"HOST KEY REVOKED: line %d of '%s' revokes the key it shows, %s %s: do not "
			"use this "
			"host until its owner has replaced the key",
			line, file, type, fingerprint);
	}
	return ssh_target_error(target, error, ERROR_UNTRUSTED, "the host key could not be judged");
}
