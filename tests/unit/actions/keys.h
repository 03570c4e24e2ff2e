/* keys.h - throw-away SSH keys for the tests of signatures. */
#ifndef TESTS_UNIT_ACTIONS_KEYS_H
#define TESTS_UNIT_ACTIONS_KEYS_H

#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/unit/actions/scene.h"

extern char **environ;

/* Make <directory>/<who>, and believe who in <directory>/allowed. */
static inline void key_make(const char *directory, const char *who)
{
	char file[128], public[136], allowed[128], line[1024];
	pid_t pid = 0;
	int status = 0;
	snprintf(file, sizeof(file), "%s/%s", directory, who);
	snprintf(public, sizeof(public), "%s.pub", file);
	snprintf(allowed, sizeof(allowed), "%s/allowed", directory);
	char words[][128] = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ""};
	char *argv[9] = {NULL};
	for (size_t i = 0; i < 8; i++)
		argv[i] = words[i];
	snprintf(words[7], sizeof(words[7]), "%s", file);
	ck_assert_int_eq(posix_spawnp(&pid, "ssh-keygen", NULL, NULL, argv, environ), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	FILE *from = fopen(public, "re");
	FILE *to = fopen(allowed, "ae");
	ck_assert(from && to && fgets(line, sizeof(line), from));
	fprintf(to, "%s %s", who, line);
	fclose(from);
	fclose(to);
}

#endif
