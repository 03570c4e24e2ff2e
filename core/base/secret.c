#include "core/base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"

#define QUOTED_BYTES 256

void secret_wipe(struct secret *secret)
{
	explicit_bzero(secret, sizeof(*secret));
}

/* Whether a header or a command line could carry the bytes without being split. */
static bool is_printable(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)bytes[i];
		if (c < 0x20 || c == 0x7F)
			return false;
	}
	return true;
}

/* Read to the end or to a full buffer. */
static bool read_all(int fd, struct secret *secret, const char *path, struct error *error)
{
	while (secret->length < sizeof(secret->bytes)) {
		ssize_t got = read(
			fd, secret->bytes + secret->length, sizeof(secret->bytes) - secret->length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(error, "cannot read '%s'", path);
		if (got == 0)
			return true;
		secret->length += (size_t)got;
	}
	return error_set(error, ERROR_LIMIT, "secret in '%s' is longer than %d bytes", path,
		SECRET_BYTES - 1);
}

static bool trim_and_check(struct secret *secret, const char *from, struct error *error)
{
	if (secret->length > 0 && secret->bytes[secret->length - 1] == '\n')
		secret->length--;
	if (secret->length > 0 && secret->bytes[secret->length - 1] == '\r')
		secret->length--;
	if (secret->length == 0)
		return error_set(error, ERROR_SCHEMA, "secret in %s is empty", from);
	if (!is_printable(secret->bytes, secret->length))
		return error_set(error, ERROR_SCHEMA,
			"secret in %s has a line break or another control character", from);
	memset(secret->bytes + secret->length, 0, sizeof(secret->bytes) - secret->length);
	return true;
}

bool secret_read_file(struct secret *secret, const char *path, struct error *error)
{
	/* A pipe or a device could keep the whole console waiting, hence the check behind open().
	 */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return error_errno(error, "cannot open '%s'", path);
	char quoted[QUOTED_BYTES];
	snprintf(quoted, sizeof(quoted), "'%s'", path);
	struct stat status;
	struct secret fresh = {.length = 0};
	bool ok = false;
	if (fstat(fd, &status) != 0)
		error_errno(error, "cannot examine '%s'", path);
	else if (!S_ISREG(status.st_mode))
		error_set(error, ERROR_IO, "cannot read '%s': not a regular file", path);
	else
		ok = read_all(fd, &fresh, path, error) && trim_and_check(&fresh, quoted, error);
	close(fd);
	if (ok)
		*secret = fresh;
	secret_wipe(&fresh);
	return ok;
}

bool secret_take(struct secret *secret, const char *bytes, size_t length, const char *from,
	struct error *error)
{
	struct secret fresh = {.length = 0};
	if (length >= sizeof(fresh.bytes))
		return error_set(error, ERROR_LIMIT, "secret in %s is longer than %d bytes", from,
			SECRET_BYTES - 1);
	memcpy(fresh.bytes, bytes, length);
	fresh.length = length;
	bool ok = trim_and_check(&fresh, from, error);
	if (ok)
		*secret = fresh;
	secret_wipe(&fresh);
	return ok;
}

bool secret_read_variable(struct secret *secret, const char *name, struct error *error)
{
	char from[QUOTED_BYTES];
	snprintf(from, sizeof(from), "the variable '%s'", name);
	const char *value = getenv(name);
	if (!value)
		return error_set(error, ERROR_SCHEMA, "%s is not set", from);
	return secret_take(secret, value, strlen(value), from, error);
}
