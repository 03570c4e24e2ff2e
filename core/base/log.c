#include "core/base/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/sanitise.h"

#define LINE_BYTES 1024

/* The one exception to "no globals": a log that had to be handed down everywhere would not be used.
 */
static int log_fd = -1;
static enum log_level log_most = LOG_ERROR;

bool log_open(const char *path, enum log_level most, struct error *error)
{
	int fd = STDERR_FILENO;
	if (path) {
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
		if (fd < 0)
			return error_errno(error, "cannot open log '%s'", path);
	}
	log_close();
	log_fd = fd;
	log_most = most;
	return true;
}

void log_close(void)
{
	if (log_fd > STDERR_FILENO)
		close(log_fd);
	log_fd = -1;
}

void log_write(enum log_level level, const char *room, const char *format, ...)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	if (log_fd < 0 || level > log_most)
		return;
	char text[LINE_BYTES];
	char safe[LINE_BYTES];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	sanitise(text, strlen(text), safe, sizeof(safe));

	struct clock wall;
	char when[CLOCK_TEXT_BYTES];
	clock_init_system(&wall);
	clock_format(clock_wall_ms(&wall), true, when);
	char line[LINE_BYTES + 128];
	int length =
		snprintf(line, sizeof(line), "%s %-5s %.32s: %s\n", when, names[level], room, safe);
	/* One write per line keeps lines whole; a log that cannot be written has nobody to tell. */
	if (length > 0) {
		ssize_t written = write(log_fd, line, (size_t)length);
		(void)written;
	}
}
