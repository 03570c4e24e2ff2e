/* Any bytes in a private key file: a key that can sign, or a reason. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/wire/ssh_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	struct ssh_key key = {0};
	struct error error = {0};
	int fd = memfd_create("key", MFD_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0600) != 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (int has_agent = 0; has_agent < 2; has_agent++) {
		struct text signature;
		error = (struct error){0};
		bool good = ssh_key_read(&key, path, has_agent, &error);
		if (good != (error.kind == ERROR_NONE) || (good && key.encrypted && !has_agent) ||
			key.blob_length > SSH_KEY_BLOB_BYTES)
			abort();
		text_init(&signature, SSH_KEY_SIGNATURE_BYTES);
		if (good && !key.encrypted && !ssh_key_sign(&key, "data", 4, &signature))
			abort();
		text_finish(&signature);
		if (good)
			ssh_key_finish(&key);
	}
	close(fd);
	return 0;
}
