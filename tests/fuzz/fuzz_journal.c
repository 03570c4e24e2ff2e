/*
 * Any bytes as a journal: verify must come to a verdict, a tail must stay within what was asked
 * for, and what the run log makes of it must be runs with ids. The first byte says how many lines
 * to ask for.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "actions/journal.h"
#include "actions/run_log.h"
#include "core/base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct journal_line lines[16];
	struct journal_check check;
	struct error error = {0};
	char path[64];
	if (size == 0)
		return 0;
	int fd = memfd_create("journal", MFD_CLOEXEC);
	require(fd >= 0 && write(fd, data + 1, size - 1) == (ssize_t)(size - 1));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	require(journal_verify(path, &check, &error));
	require(check.ok == (check.bad_line == 0));
	size_t most = data[0] % 17;
	require(journal_tail(path, lines, most, &error) <= most);
	struct run_log *log = run_log_create();
	require(log && run_log_read(log, path, &error));
	for (size_t i = 0; i < run_log_count(log); i++)
		require(run_log_at(log, i)->view.id[0] != '\0');
	run_log_destroy(log);
	close(fd);
	return 0;
}
