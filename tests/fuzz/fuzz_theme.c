/* Any bytes in a theme file: a theme whose colours a terminal has, or complaints. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "ui/theme.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	struct theme theme = *theme_builtin("default");
	struct complaints complaints;
	int fd = memfd_create("theme", MFD_CLOEXEC);
	struct arena *arena = arena_create((size_t)1024 * 1024);
	if (!arena || fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	complaints_init(&complaints);
	bool ok = theme_read(arena, path, &theme, &complaints);
	if (ok != (complaints.count == 0))
		abort();
	for (int role = 0; ok && role < ROLE_COUNT; role++) {
		const struct theme_style *style = &theme.styles[role];
		if (style->fg256 < -1 || style->fg256 > 255 || style->bg256 < -1 ||
			style->bg256 > 255 || style->fg16 < -1 || style->fg16 > 15 ||
			style->bg16 < -1 || style->bg16 > 15)
			abort();
	}
	complaints_finish(&complaints);
	arena_destroy(arena);
	close(fd);
	return 0;
}
