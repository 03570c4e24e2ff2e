/* Any bytes are a known_hosts file: reading and asking never crash, and a key is known only if a
 * good line holds it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/wire/known_hosts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char key[] = "\0\0\0\x0bssh-ed25519\0\0\0\x04key!";
	static const char *const hosts[] = {"db", "db.example", "127.0.0.1", "::1", ""};
	static const int ports[] = {22, 2222};
	struct known_hosts *known = known_hosts_parse((const char *)data, size, NULL);
	if (!known)
		return 0;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		for (size_t j = 0; j < 2; j++) {
			char types[64];
			int line = -1;
			enum known_hosts_verdict verdict = known_hosts_check(
				known, hosts[i], ports[j], key, sizeof(key) - 1, &line);
			known_hosts_types(known, hosts[i], ports[j], types, sizeof(types));
			bool has_type = strstr(types, "ssh-ed25519") != NULL;
			if ((verdict == KNOWN_HOSTS_UNKNOWN) != (line == 0))
				abort();
			if (verdict == KNOWN_HOSTS_OTHER_TYPE && has_type)
				abort();
			if (strlen(types) >= sizeof(types))
				abort();
		}
	}
	known_hosts_destroy(known);
	return 0;
}
