#include "core/wire/ssh_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "core/base/error.h"
#include "core/base/sanitise.h"
#include "core/wire/ssh_bytes.h"

#define MAGIC "openssh-key-v1"
#define ADVICE                                                                                    \
	"make one with 'ssh-keygen -t ed25519' (or -t ecdsa) and install its public half on the " \
	"host"

enum usable { USABLE, RSA_KEY, DSA_KEY, HARDWARE_KEY, PKCS8_ED25519, NOT_A_KEY, PUBLIC_KEY };

static const char *const whys[] = {
	[RSA_KEY] = "is an RSA key, and RSA logins from here use SHA-1, which today's servers "
		    "refuse: " ADVICE,
	[DSA_KEY] = "is a DSA key, which today's servers refuse: " ADVICE,
	[HARDWARE_KEY] = "is a hardware (FIDO) key, which is not supported here: " ADVICE,
	[PKCS8_ED25519] = "is an ed25519 key in PKCS#8 form: convert it with 'ssh-keygen -p -f' to "
			  "OpenSSH's own",
	[NOT_A_KEY] = "is not an OpenSSH or PEM private key: " ADVICE,
	[PUBLIC_KEY] = "is a public key: name the private one, usually without '.pub'",
};

/* The bytes between the armour lines, blanks removed, decoded; NULL when it is not base64. */
static unsigned char *armour_decode(const struct ssh_key *key, size_t *out_length)
{
	const char *from = strstr(key->bytes, "-----BEGIN OPENSSH PRIVATE KEY-----");
	const char *end = from ? strstr(from, "-----END") : NULL;
	from = end ? memchr(from, '\n', (size_t)(end - from)) : NULL;
	unsigned char *decoded = from ? malloc(key->length) : NULL;
	if (!decoded)
		return NULL;
	size_t length = 0;
	for (; from < end; from++) {
		if (*from > ' ')
			decoded[length++] = (unsigned char)*from;
	}
	if (ssh_bytes_base64((const char *)decoded, length, decoded, length, out_length))
		return decoded;
	OPENSSL_cleanse(decoded, key->length);
	free(decoded);
	return NULL;
}

static enum usable type_judge(const struct ssh_bytes *type)
{
	static const struct {
		const char *type;
		enum usable usable;
	} rows[] = {
		{"ssh-ed25519", USABLE},
		{"ecdsa-sha2-nistp256", USABLE},
		{"ecdsa-sha2-nistp384", USABLE},
		{"ecdsa-sha2-nistp521", USABLE},
		{"ssh-rsa", RSA_KEY},
		{"ssh-dss", DSA_KEY},
		{"sk-ssh-ed25519@openssh.com", HARDWARE_KEY},
		{"sk-ecdsa-sha2-nistp256@openssh.com", HARDWARE_KEY},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (ssh_bytes_equal(type, rows[i].type))
			return rows[i].usable;
	}
	return NOT_A_KEY;
}

static enum usable openssh_read(struct ssh_key *key, struct ssh_bytes bytes)
{
	struct ssh_bytes cipher, kdf, options, blob, type;
	uint32_t keys = 0;
	if (bytes.left < sizeof(MAGIC) || memcmp(bytes.at, MAGIC, sizeof(MAGIC)) != 0)
		return NOT_A_KEY;
	bytes.at += sizeof(MAGIC);
	bytes.left -= sizeof(MAGIC);
	if (!ssh_bytes_string(&bytes, &cipher) || !ssh_bytes_string(&bytes, &kdf) ||
		!ssh_bytes_string(&bytes, &options) || !ssh_bytes_u32(&bytes, &keys) || keys != 1 ||
		!ssh_bytes_string(&bytes, &blob))
		return NOT_A_KEY;
	struct ssh_bytes fields = blob;
	if (!ssh_bytes_string(&fields, &type))
		return NOT_A_KEY;
	key->encrypted = !ssh_bytes_equal(&cipher, "none");
	enum usable usable = type_judge(&type);
	if (usable == USABLE && blob.left <= sizeof(key->blob)) {
		memcpy(key->blob, blob.at, blob.left);
		key->blob_length = blob.left;
	}
	return usable;
}

static enum usable openssh_judge(struct ssh_key *key)
{
	size_t length = 0;
	unsigned char *decoded = armour_decode(key, &length);
	if (!decoded)
		return NOT_A_KEY;
	enum usable usable = openssh_read(key, (struct ssh_bytes){.at = decoded, .left = length});
	OPENSSL_cleanse(decoded, length);
	free(decoded);
	return usable;
}

/* OpenSSL must never ask the terminal for a passphrase. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

static enum usable pem_judge(struct ssh_key *key)
{
	if (strstr(key->bytes, "BEGIN RSA PRIVATE KEY"))
		return RSA_KEY;
	if (strstr(key->bytes, "BEGIN DSA PRIVATE KEY"))
		return DSA_KEY;
	if (strstr(key->bytes, "BEGIN ENCRYPTED PRIVATE KEY") ||
		strstr(key->bytes, "4,ENCRYPTED")) {
		key->encrypted = true;
		return USABLE;
	}
	BIO *bio = BIO_new_mem_buf(key->bytes, (int)key->length);
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	int kind = pkey ? EVP_PKEY_base_id(pkey) : EVP_PKEY_NONE;
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	switch (kind) {
	case EVP_PKEY_EC:
		return USABLE;
	case EVP_PKEY_RSA:
		return RSA_KEY;
	case EVP_PKEY_DSA:
		return DSA_KEY;
	case EVP_PKEY_ED25519:
		return PKCS8_ED25519;
	default:
		return NOT_A_KEY;
	}
}

static enum usable key_judge(struct ssh_key *key)
{
	static const char *const public_starts[] = {"ssh-", "ecdsa-", "sk-"};
	for (size_t i = 0; i < sizeof(public_starts) / sizeof(public_starts[0]); i++) {
		if (strncmp(key->bytes, public_starts[i], strlen(public_starts[i])) == 0)
			return PUBLIC_KEY;
	}
	if (strstr(key->bytes, "-----BEGIN OPENSSH PRIVATE KEY-----"))
		return openssh_judge(key);
	return strstr(key->bytes, "PRIVATE KEY-----") ? pem_judge(key) : NOT_A_KEY;
}

static bool file_read(struct ssh_key *key, int fd, const char *name, struct error *error)
{
	struct stat status;
	if (fstat(fd, &status) != 0)
		return error_errno(error, "cannot read identity file '%s'", name);
	if (!S_ISREG(status.st_mode))
		return error_set(error, ERROR_IO, "identity file '%s' is not a regular file", name);
	if (status.st_size > SSH_KEY_FILE_BYTES)
		return error_set(error, ERROR_LIMIT, "identity file '%s' is larger than %d bytes",
			name, SSH_KEY_FILE_BYTES);
	size_t size = (size_t)status.st_size;
	key->bytes = calloc(1, size + 1);
	if (!key->bytes)
		return error_no_memory(error, "an identity file");
	while (key->length < size) {
		ssize_t got = read(fd, key->bytes + key->length, size - key->length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(error, "cannot read identity file '%s'", name);
		if (got == 0)
			break;
		key->length += (size_t)got;
	}
	return true;
}

bool ssh_key_read(struct ssh_key *key, const char *path, bool has_agent, struct error *error)
{
	struct ssh_key found = {0};
	char name[128];
	sanitise(path, strlen(path), name, sizeof(name));
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return error_errno(error, "cannot open identity file '%s'", name);
	bool ok = file_read(&found, fd, name, error);
	close(fd);
	if (ok) {
		enum usable usable = key_judge(&found);
		if (usable != USABLE)
			ok = error_set(error, ERROR_UNTRUSTED, "identity file '%s' %s", name,
				whys[usable]);
		else if (found.encrypted && !has_agent)
			ok = error_set(error, ERROR_UNTRUSTED,
				"identity file '%s' is locked with a passphrase: add it to an "
				"ssh-agent with "
				"'ssh-add' and name the agent's socket, or use a key without one",
				name);
	}
	if (ok)
		*key = found;
	else
		ssh_key_finish(&found);
	return ok;
}

void ssh_key_finish(struct ssh_key *key)
{
	if (key->bytes)
		OPENSSL_cleanse(key->bytes, key->length);
	free(key->bytes);
	*key = (struct ssh_key){0};
}
