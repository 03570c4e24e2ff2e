#include "core/wire/ssh_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "core/base/base64.h"
#include "core/base/error.h"
#include "core/base/sanitise.h"
#include "core/base/text.h"

#define MAGIC "openssh-key-v1"
#define OPENSSH_BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"
#define ADVICE \
	"make one with 'ssh-keygen -t ed25519' (or ecdsa) and install its public half on the host"
#define OTHER_WAY "use 'via: openssh', or "
#define ED25519_BYTES 32
#define POINT_BYTES 160

enum verdict { USABLE, RSA_KEY, DSA_KEY, HARDWARE_KEY, NOT_A_KEY, PUBLIC_KEY };

static const char *const whys[] = {
	[RSA_KEY] = "is an RSA key, and RSA logins from here use SHA-1, which today's servers "
		    "refuse: " OTHER_WAY ADVICE,
	[DSA_KEY] = "is a DSA key, which today's servers refuse: " ADVICE,
	[HARDWARE_KEY] = "is a hardware (FIDO) key, which is not supported here: " OTHER_WAY ADVICE,
	[NOT_A_KEY] = "is not an OpenSSH or PEM private key that can be read: " ADVICE,
	[PUBLIC_KEY] = "is a public key: name the private one, usually without '.pub'",
};

static const struct type {
	const char *name;
	enum verdict verdict;
	const char *curve;  /* of the ECDSA types, as SSH calls it */
	const char *group;  /* and as OpenSSL does */
	const char *digest; /* NULL: the signature does its own */
} types[] = {
	{"ssh-ed25519", USABLE, NULL, NULL, NULL},
	{"ecdsa-sha2-nistp256", USABLE, "nistp256", "prime256v1", "SHA256"},
	{"ecdsa-sha2-nistp384", USABLE, "nistp384", "secp384r1", "SHA384"},
	{"ecdsa-sha2-nistp521", USABLE, "nistp521", "secp521r1", "SHA512"},
	{"ssh-rsa", RSA_KEY, NULL, NULL, NULL},
	{"ssh-dss", DSA_KEY, NULL, NULL, NULL},
	{"sk-ssh-ed25519@openssh.com", HARDWARE_KEY, NULL, NULL, NULL},
	{"sk-ecdsa-sha2-nistp256@openssh.com", HARDWARE_KEY, NULL, NULL, NULL},
};
#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))

/* The type a public key blob names first; NULL when it is none of the table's. */
static const struct type *type_of(const struct ssh_bytes *blob)
{
	struct ssh_bytes fields = *blob, name;
	if (!ssh_bytes_string(&fields, &name))
		return NULL;
	for (size_t i = 0; i < TYPE_COUNT; i++) {
		if (ssh_bytes_equal(&name, types[i].name))
			return &types[i];
	}
	return NULL;
}

bool ssh_key_type_is_usable(const struct ssh_bytes *blob)
{
	const struct type *type = type_of(blob);
	return type && type->verdict == USABLE;
}

static EVP_PKEY *ecdsa_build(
	const struct type *type, const struct ssh_bytes *point, const struct ssh_bytes *secret)
{
	EVP_PKEY *pkey = NULL;
	BIGNUM *number = BN_secure_new();
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM *parameters = NULL;
	if (number && build && context && BN_bin2bn(secret->at, (int)secret->left, number) &&
		OSSL_PARAM_BLD_push_utf8_string(
			build, OSSL_PKEY_PARAM_GROUP_NAME, type->group, 0) &&
		OSSL_PARAM_BLD_push_octet_string(
			build, OSSL_PKEY_PARAM_PUB_KEY, point->at, point->left) &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, number))
		parameters = OSSL_PARAM_BLD_to_param(build);
	if (parameters && EVP_PKEY_fromdata_init(context) == 1)
		EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_KEYPAIR, parameters);
	OSSL_PARAM_free(parameters);
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_BLD_free(build);
	BN_clear_free(number);
	return pkey;
}

/* The private section of an OpenSSH key file, as its PROTOCOL.key describes it. */
static EVP_PKEY *secret_read(const struct type *type, struct ssh_bytes bytes)
{
	uint32_t check = 0, again = 0;
	struct ssh_bytes name, first, second, third;
	if (!ssh_bytes_u32(&bytes, &check) || !ssh_bytes_u32(&bytes, &again) || check != again ||
		!ssh_bytes_string(&bytes, &name) || !ssh_bytes_equal(&name, type->name) ||
		!ssh_bytes_string(&bytes, &first) || !ssh_bytes_string(&bytes, &second))
		return NULL;
	if (!type->curve)
		return second.left == (size_t)2 * ED25519_BYTES
			       ? EVP_PKEY_new_raw_private_key(
					 EVP_PKEY_ED25519, NULL, second.at, ED25519_BYTES)
			       : NULL;
	if (!ssh_bytes_equal(&first, type->curve) || !ssh_bytes_string(&bytes, &third))
		return NULL;
	return ecdsa_build(type, &second, &third);
}

static bool blob_keep(struct ssh_key *key, const void *blob, size_t length)
{
	if (length > sizeof(key->blob))
		return false;
	memcpy(key->blob, blob, length);
	key->blob_length = length;
	return true;
}

static enum verdict openssh_parse(struct ssh_key *key, struct ssh_bytes bytes)
{
	struct ssh_bytes cipher, kdf, options, blob, secret;
	uint32_t keys = 0;
	if (bytes.left < sizeof(MAGIC) || memcmp(bytes.at, MAGIC, sizeof(MAGIC)) != 0)
		return NOT_A_KEY;
	bytes.at += sizeof(MAGIC);
	bytes.left -= sizeof(MAGIC);
	if (!ssh_bytes_string(&bytes, &cipher) || !ssh_bytes_string(&bytes, &kdf) ||
		!ssh_bytes_string(&bytes, &options) || !ssh_bytes_u32(&bytes, &keys) || keys != 1 ||
		!ssh_bytes_string(&bytes, &blob) || !ssh_bytes_string(&bytes, &secret))
		return NOT_A_KEY;
	const struct type *type = type_of(&blob);
	if (!type || type->verdict != USABLE)
		return type ? type->verdict : NOT_A_KEY;
	key->encrypted = !ssh_bytes_equal(&cipher, "none");
	if (!key->encrypted)
		key->secret = secret_read(type, secret);
	bool ok = blob_keep(key, blob.at, blob.left) && (key->encrypted || key->secret);
	return ok ? USABLE : NOT_A_KEY;
}

/* Decode what stands between the armour lines. */
static enum verdict openssh_judge(struct ssh_key *key, const char *file)
{
	const char *from = strstr(file, OPENSSH_BEGIN);
	from = from ? from + strlen(OPENSSH_BEGIN) : file;
	const char *end = strstr(from, "-----END");
	size_t size = strlen(from) + 1, length = 0, decoded = 0;
	unsigned char *bytes = calloc(1, size);
	if (!bytes)
		return NOT_A_KEY;
	for (; end && from < end; from++) {
		if (*from > ' ')
			bytes[length++] = (unsigned char)*from;
	}
	enum verdict verdict = NOT_A_KEY;
	if (base64_decode((const char *)bytes, length, bytes, size, &decoded))
		verdict = openssh_parse(key, (struct ssh_bytes){.at = bytes, .left = decoded});
	OPENSSL_cleanse(bytes, size);
	free(bytes);
	return verdict;
}

/* Write the public half of a key that came without it in SSH's form. */
static bool blob_write(struct ssh_key *key)
{
	unsigned char point[POINT_BYTES];
	char group[32] = "";
	size_t length = sizeof(point);
	const struct type *type = &types[0];
	bool ok = EVP_PKEY_get_raw_public_key(key->secret, point, &length) == 1;
	if (EVP_PKEY_is_a(key->secret, "EC")) {
		ok = EVP_PKEY_get_group_name(key->secret, group, sizeof(group), NULL) == 1 &&
		     EVP_PKEY_get_octet_string_param(key->secret, OSSL_PKEY_PARAM_PUB_KEY, point,
			     sizeof(point), &length) == 1;
		for (type = &types[1]; type->group && strcmp(type->group, group) != 0; type++)
			continue;
		ok = ok && type->group;
	}
	if (!ok)
		return false;
	struct text text;
	text_init(&text, SSH_KEY_BLOB_BYTES);
	ssh_bytes_add_string(&text, type->name, strlen(type->name));
	if (type->curve)
		ssh_bytes_add_string(&text, type->curve, strlen(type->curve));
	ssh_bytes_add_string(&text, point, length);
	ok = text_ok(&text) && blob_keep(key, text_string(&text), text.length);
	text_finish(&text);
	return ok;
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

static enum verdict pem_judge(struct ssh_key *key, const char *file)
{
	if (strstr(file, "BEGIN RSA PRIVATE KEY"))
		return RSA_KEY;
	if (strstr(file, "BEGIN DSA PRIVATE KEY"))
		return DSA_KEY;
	if (strstr(file, "BEGIN ENCRYPTED PRIVATE KEY") || strstr(file, "4,ENCRYPTED")) {
		key->encrypted = true;
		return USABLE;
	}
	BIO *bio = BIO_new_mem_buf(file, -1);
	key->secret = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	ERR_clear_error();
	if (!key->secret)
		return NOT_A_KEY;
	if (EVP_PKEY_is_a(key->secret, "RSA"))
		return RSA_KEY;
	if (EVP_PKEY_is_a(key->secret, "DSA"))
		return DSA_KEY;
	return blob_write(key) ? USABLE : NOT_A_KEY;
}

static enum verdict key_judge(struct ssh_key *key, const char *file)
{
	static const char *const public_starts[] = {"ssh-", "ecdsa-", "sk-"};
	for (size_t i = 0; i < sizeof(public_starts) / sizeof(public_starts[0]); i++) {
		if (strncmp(file, public_starts[i], strlen(public_starts[i])) == 0)
			return PUBLIC_KEY;
	}
	if (strstr(file, OPENSSH_BEGIN))
		return openssh_judge(key, file);
	return strstr(file, "PRIVATE KEY-----") ? pem_judge(key, file) : NOT_A_KEY;
}

/* The whole file with a NUL behind it. *size gets what must be wiped. NULL with `error`. */
static char *file_read(int fd, const char *name, size_t *size, struct error *error)
{
	struct stat status;
	if (fstat(fd, &status) != 0) {
		error_errno(error, "cannot read identity file '%s'", name);
		return NULL;
	}
	if (!S_ISREG(status.st_mode)) {
		error_set(error, ERROR_IO, "identity file '%s' is not a regular file", name);
		return NULL;
	}
	if (status.st_size > SSH_KEY_FILE_BYTES) {
		error_set(error, ERROR_LIMIT, "identity file '%s' is larger than %d bytes", name,
			SSH_KEY_FILE_BYTES);
		return NULL;
	}
	*size = (size_t)status.st_size + 1;
	char *bytes = calloc(1, *size);
	if (!bytes) {
		error_no_memory(error, "an identity file");
		return NULL;
	}
	for (size_t length = 0; length < *size - 1;) {
		ssize_t got = read(fd, bytes + length, *size - 1 - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			error_errno(error, "cannot read identity file '%s'", name);
			OPENSSL_cleanse(bytes, *size);
			free(bytes);
			return NULL;
		}
		if (got == 0)
			break;
		length += (size_t)got;
	}
	return bytes;
}

bool ssh_key_read(struct ssh_key *key, const char *path, bool has_agent, struct error *error)
{
	struct ssh_key found = {0};
	char name[128];
	size_t size = 0;
	sanitise(path, strlen(path), name, sizeof(name));
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return error_errno(error, "cannot open identity file '%s'", name);
	char *file = file_read(fd, name, &size, error);
	close(fd);
	if (!file)
		return false;
	enum verdict verdict = key_judge(&found, file);
	OPENSSL_cleanse(file, size);
	free(file);
	bool ok = true;
	if (verdict != USABLE)
		ok = error_set(
			error, ERROR_UNTRUSTED, "identity file '%s' %s", name, whys[verdict]);
	else if (found.encrypted && !has_agent)
		ok = error_set(error, ERROR_UNTRUSTED,
			"identity file '%s' is locked with a passphrase: add it to an ssh-agent "
			"with "
			"'ssh-add' and name the agent's socket, or use a key without one",
			name);
	if (ok)
		*key = found;
	else
		ssh_key_finish(&found);
	return ok;
}

void ssh_key_finish(struct ssh_key *key)
{
	EVP_PKEY_free(key->secret);
	*key = (struct ssh_key){0};
}

static void add_mpint(struct text *out, const BIGNUM *number)
{
	unsigned char bytes[SSH_KEY_SIGNATURE_BYTES];
	if (BN_bn2mpi(number, NULL) > (int)sizeof(bytes))
		return;
	int length = BN_bn2mpi(number, bytes);
	text_append(out, (const char *)bytes, (size_t)length);
}

/* OpenSSL's DER pair as SSH's two mpints. */
static bool ecdsa_write(const unsigned char *der, size_t length, struct text *out)
{
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)length);
	if (!pair)
		return false;
	add_mpint(out, ECDSA_SIG_get0_r(pair));
	add_mpint(out, ECDSA_SIG_get0_s(pair));
	ECDSA_SIG_free(pair);
	return text_ok(out);
}

bool ssh_key_sign(const struct ssh_key *key, const void *data, size_t length, struct text *out)
{
	struct ssh_bytes blob = {.at = key->blob, .left = key->blob_length};
	const struct type *type = type_of(&blob);
	unsigned char signature[SSH_KEY_SIGNATURE_BYTES];
	size_t size = sizeof(signature);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool ok = type && context &&
		  EVP_DigestSignInit_ex(
			  context, NULL, type->digest, NULL, NULL, key->secret, NULL) == 1 &&
		  EVP_DigestSign(context, signature, &size, data, length) == 1;
	EVP_MD_CTX_free(context);
	if (!ok)
		return false;
	if (type->curve)
		return ecdsa_write(signature, size, out);
	text_append(out, (const char *)signature, size);
	return text_ok(out);
}
