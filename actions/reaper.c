#include "actions/reaper.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_BYTES 4200

static bool file_name(const char *journal, char out[NAME_BYTES])
{
	int length = snprintf(out, NAME_BYTES, "%s.reaped", journal);
	return length > 0 && length < NAME_BYTES;
}

void reaper_note(const char *journal, int64_t wall_ms)
{
	char name[NAME_BYTES];
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
		{.tv_sec = wall_ms / 1000, .tv_nsec = wall_ms % 1000 * 1000000}};
	int fd = file_name(journal, name)
			 ? open(name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)
			 : -1;
	if (fd < 0)
		return;
	if (futimens(fd, times) != 0)
		unlink(name);
	close(fd);
}

void reaper_forget(const char *journal, int64_t before_ms)
{
	char name[NAME_BYTES];
	if (before_ms > 0)
		reaper_note(journal, before_ms);
	else if (file_name(journal, name))
		unlink(name);
}

int64_t reaper_last_ms(const char *journal)
{
	char name[NAME_BYTES];
	struct stat status;
	if (!file_name(journal, name) || stat(name, &status) != 0)
		return 0;
	return (int64_t)status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000;
}

bool reaper_is_recent(int64_t last_ms, int64_t wall_ms)
{
	return last_ms > 0 && last_ms <= wall_ms && wall_ms - last_ms <= REAPER_RECENT_MS;
}
